#pragma once

/* What aggregate functions share. States are zeroed at first and need not be aligned to 16. */

#include "columnar/builder.h"
#include "sql/function_internal.h"
#include "sql/kernels.h"
#include "sql/query.h"

#define UPDATE_PARAMETERS                                                                          \
    struct eval *eval, UNUSED const struct plan_aggregate *aggregate,                              \
        UNUSED const struct column *const *arguments, const int32_t *group_of_row,                 \
        void *const *states

#define RESULT_PARAMETERS                                                                          \
    UNUSED const struct plan_aggregate *aggregate, const void *state, struct column_builder *target

/* One value of any type, on the heap: its key encoding. */
struct agg_value {
    bool set;
    bool null;
    struct buffer bytes;
};

void agg_value_set(struct agg_value *value, const struct column *column, int64_t row);
void agg_value_append(const struct agg_value *value, struct column_builder *target);
void agg_value_write(const struct agg_value *value, struct buffer *target);
MUST_USE enum status
agg_value_read(struct slice *bytes, struct agg_value *value, struct error *error);
void agg_value_free(struct agg_value *value);

/* -1, 0, 1: the row against the value held. */
int agg_value_compare(struct arena *arena,
                      const struct agg_value *value,
                      const struct column *column,
                      int64_t row);

/* The row with the largest (direction 1) or smallest (-1) value of each group in this batch, the
 * first of equal ones; -1 where a group has none. `ret_groups` is how many groups it covers. */
int32_t *best_rows(struct eval *eval,
                   const struct column *column,
                   const int32_t *group_of_row,
                   int direction,
                   int32_t *ret_groups);

/* Fixed parts of states in stores: 64-bit words, big-endian. */
MUST_USE enum status read_word(struct slice *bytes, uint64_t *ret_word, struct error *error);
MUST_USE enum status read_rest_is_empty(struct slice bytes, struct error *error);
