#pragma once

/*
 * How values stand in PostgreSQL:
 *
 *     BOOLEAN                     boolean
 *     TINYINT, SMALLINT           smallint
 *     INT, BIGINT                 integer, bigint
 *     FLOAT, DOUBLE               real, double precision    NaN and infinities included
 *     DECIMAL(p, s)               numeric(p, s)
 *     STRING                      text        what text cannot hold as in pg_text.h
 *     BINARY                      bytea       or uuid, where the sink says so
 *     DATE                        date        beyond PostgreSQL's years: (minus) infinity
 *     TIMESTAMP                   timestamptz the same
 *     INTERVAL, INTERVAL_MONTHS   interval    without days; of months only
 *     ARRAY, MAP, STRUCT          jsonb       a map's keys in jsonb's order
 *     VOID                        text        always null
 */

#include "columnar/builder.h"
#include "connect/store.h"
#include "connectors/postgres/pg_params.h"

enum pg_type pg_value_type(const struct store_column *column);

/* As CREATE TABLE wants it: "numeric(38, 10)". Text of a key is compared byte by byte. */
void pg_value_declare(const struct store_column *column, bool in_key, struct buffer *target);

/* One value as the next element of the array under way. `scratch` is for what is written twice. */
void pg_value_write(struct pg_params *params,
                    const struct store_column *description,
                    const struct column *column,
                    int64_t row,
                    struct buffer *scratch);

/* One value of a result, in binary, into a builder; data NULL is null. A uuid becomes text. */
MUST_USE enum status pg_value_read(struct slice value,
                                   const struct store_column *column,
                                   struct column_builder *builder,
                                   struct arena *arena,
                                   struct error *error);
