#pragma once

/*
 * The gate that each record passes before it is accepted: it is encoded with the schema registered
 * for its topic, and a record that departs from it (drift) is dealt with by the source's policy.
 * Nothing that the registry would refuse ever reaches the log.
 *
 * A source either declares its schema or has one inferred from its first page, which then is fixed
 * and only grows by the policy. For one thread.
 */

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "codec/avro.h"
#include "connect/schemas.h"

#include <stdbool.h>
#include <stdint.h>

enum new_field_policy {
    NEW_FIELD_ADD,         /* the schema grows by a nullable field */
    NEW_FIELD_IGNORE,      /* the field is left out */
    NEW_FIELD_DEAD_LETTER, /* the record is refused */
    NEW_FIELD_STOP,        /* the source stops until someone decides */
};

enum type_change_policy {
    TYPE_CHANGE_DEAD_LETTER,
    TYPE_CHANGE_WIDEN, /* int to long to double, number beside string to string */
    TYPE_CHANGE_STOP,
};

struct schema_policy {
    const char *declared; /* Avro schema text; NULL: inferred */
    enum new_field_policy on_new_field;
    enum type_change_policy on_type_change;
    const char *subject;
    const char *record_name; /* of an inferred schema */
    const struct schemas_ops *ops;
    struct schemas *schemas;
};

struct schema_gate {
    struct schema_policy policy;
    struct arena arena;                /* all schemas, as long as the gate */
    const struct avro_schema *current; /* NULL: none yet */
    int32_t id;
    const struct avro_schema **made; /* to release */
    size_t made_count;
    bool refused; /* the registry refused to evolve; not asked again before the next page */
    struct error refusal;
};

void schema_gate_init(struct schema_gate *gate, const struct schema_policy *policy);
void schema_gate_deinit(struct schema_gate *gate);

/* Finds the schema to begin with: the one that staging last used (`stored_id`, 0: none) if it still
 * holds the declared one, else the declared one, which is registered. */
MUST_USE enum status
schema_gate_open(struct schema_gate *gate, int32_t stored_id, struct error *error);

/* Before the records of a page: infers a schema from them if there is none yet. */
MUST_USE enum status schema_gate_page(struct schema_gate *gate,
                                      const struct json_document *document,
                                      const uint32_t *values,
                                      size_t count,
                                      struct error *error);

/* Appends record `values[0]` with its 5-byte header to `target`. On drift the schema may grow; it
 * then grows by what the other `count - 1` records of the page add, too. STATUS_DATA: the record is
 * refused, `ret_reason` says why in a word; any other failure: nothing is wrong with the record. */
MUST_USE enum status schema_gate_encode(struct schema_gate *gate,
                                        const struct json_document *document,
                                        const uint32_t *values,
                                        size_t count,
                                        struct buffer *target,
                                        const char **ret_reason,
                                        struct error *error);
