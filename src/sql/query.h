#pragma once

/*
 * SQL text to a checked plan. The dialect is Spark SQL (a subset; ANSI mode, UTC): the same text
 * runs on Spark. No I/O here; names of tables are looked up through a catalog.
 *
 *     text -> tokens -> tree (parse) -> typed plan (analyse) -> optimised plan
 *
 * Every error points into the text: `ret_offset` is a byte offset for a caret, the message names
 * the nearest known name where there is one. Plans are immutable, live in the arena given, and can
 * be run by several threads (sql/eval.h for expressions, stream/ for operators).
 */

#include "base/arena.h"
#include "base/error.h"
#include "columnar/column.h"
#include "sql/expression.h"

/* A name that FROM can mention. */
struct sql_relation {
    const char *name;        /* as the catalog knows it                                           */
    const struct type *type; /* STRUCT: its columns, without the metadata ones                    */
    bool streaming;
    const struct plan
        *view; /* the plan of a named query (a stream used in another's FROM), or NULL */
};

struct sql_catalog {
    /* Returns NULL if there is none. */
    const struct sql_relation *(*find)(void *context, const char *name);
    /* Names for "did you mean"; fills up to `max`, returns how many. */
    size_t (*names)(void *context, const char **names, size_t max);
    void *context;
};

/* Metadata columns every streaming relation has behind its own ones (not part of SELECT *):
 * _key STRING, _op STRING ("upsert" or "delete"), _accepted_at TIMESTAMP, _partition INT,
 * _offset BIGINT. */
extern const struct type_field sql_metadata_columns[5];

enum output_mode {
    OUTPUT_DEFAULT,
    OUTPUT_APPEND,
    OUTPUT_UPDATE,
    OUTPUT_COMPLETE
};

struct sql_options {
    const char *watermark_column; /* NULL: none. Column of the source relation                  */
    int64_t watermark_delay_us;
    enum output_mode mode; /* DEFAULT: update with aggregation, append without                  */
    bool batch;            /* leat query over tables: ORDER BY, LIMIT, COUNT(DISTINCT) allowed  */
};

enum plan_kind {
    PLAN_SCAN,      /* reads `relation`; `columns` says which                                    */
    PLAN_FILTER,    /* keeps rows where `predicate` is true                                      */
    PLAN_PROJECT,   /* computes `expressions`                                                    */
    PLAN_AGGREGATE, /* groups by `keys`, computes `aggregates`; windows expanded by `window`     */
    PLAN_DISTINCT,  /* an aggregate without aggregates, kept apart for messages                  */
    PLAN_UNION,     /* UNION ALL of its inputs, same types                                       */
    PLAN_GENERATE,  /* explode and LATERAL VIEW: one row per element                             */
    PLAN_SORT,      /* batch only */
    PLAN_LIMIT,     /* batch only */
    PLAN_VALUES,    /* inline rows: constants                                                    */
    PLAN_JOIN,      /* batch: inner/left/right/full/cross/semi/anti hash join                     */
};

/* GROUP BY window(column, size, slide, start): rows are copied to each window they fall into and
 * get a column "window" STRUCT<start TIMESTAMP, end TIMESTAMP> at `window_column` of the input. */
struct plan_window {
    const struct expression *time; /* TIMESTAMP, over the input */
    int64_t size_us, slide_us, start_us;
};

struct plan_aggregate {
    const struct sql_function *function; /* sql/function.h */
    const struct expression *const *arguments;
    uint32_t argument_count;
    const struct expression *filter; /* FILTER (WHERE ...), or NULL */
    bool distinct;                   /* batch only */
    const struct type *type;
};

struct plan_sort_key {
    const struct expression *expression;
    bool descending, nulls_last;
};

enum plan_join_type {
    JOIN_INNER,
    JOIN_LEFT,
    JOIN_RIGHT,
    JOIN_FULL,
    JOIN_CROSS,
    JOIN_SEMI,
    JOIN_ANTI
};

struct plan {
    enum plan_kind kind;
    const struct type *type;          /* STRUCT: output columns */
    const struct plan *const *inputs; /* 0, 1 or more */
    uint32_t input_count;
    size_t offset; /* where in the text it began */

    const struct sql_relation *relation; /* SCAN: with type->fields pruned to what is used,
                                            nested fields of structs pruned as well; metadata
                                            columns appear here under their names when used */
    const struct expression
        *predicate; /* FILTER; JOIN: the whole condition; SCAN: see batch_run.h */
    const struct expression *const
        *expressions; /* PROJECT; GENERATE: [generator]; VALUES: row-major */
    uint32_t expression_count;

    const struct plan_window *window; /* AGGREGATE, or NULL. When set, the input row is widened by a
                                         last column "window" before keys and arguments see it */
    const struct expression *const *keys; /* AGGREGATE, DISTINCT: over the (widened) input */
    uint32_t key_count;
    int watermark_key; /* AGGREGATE: index of the key that carries event time (the
                          window or the watermark column), or -1 */
    const struct plan_aggregate *aggregates; /* output columns: keys, then aggregates */
    uint32_t aggregate_count;

    const struct plan_sort_key *sort_keys;
    uint32_t sort_key_count;
    int64_t limit, offset_rows; /* LIMIT; -1: none */
    bool outer, with_position;  /* GENERATE */
    enum plan_join_type join;
    uint32_t values_rows;
};

struct query {
    const struct plan *plan;
    const char *text;
    enum output_mode mode;
    bool aggregated; /* needs keyed state */
    const char *watermark_column;
    int64_t watermark_delay_us;
    const char **relations; /* base relations that it reads, without duplicates */
    size_t relation_count;
};

/* Parses and checks one query. On failure `ret_offset` is where in `text`. */
MUST_USE enum status sql_compile(const char *text,
                                 const struct sql_catalog *catalog,
                                 const struct sql_options *options,
                                 struct arena *arena,
                                 struct query **ret_query,
                                 size_t *ret_offset,
                                 struct error *error);

/* One expression over the columns of `type`: sinks' where, tests, console filters. */
MUST_USE enum status sql_compile_expression(const char *text,
                                            const struct type *type,
                                            struct arena *arena,
                                            const struct expression **ret_expression,
                                            size_t *ret_offset,
                                            struct error *error);

/* NULL if Spark would run it in streaming, else why not, with the place. */
const char *sql_spark_refusal(const struct query *query, struct arena *arena, size_t *ret_offset);

/* The plan as an indented tree: `leat check --explain`, tests. */
void plan_write(const struct plan *plan, struct buffer *target);

/* True if output rows of the plan are in one-to-one order with input rows that pass (only SCAN,
 * FILTER, PROJECT): tombstones can pass through it. */
bool plan_is_row_for_row(const struct plan *plan);
