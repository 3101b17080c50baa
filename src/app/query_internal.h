#pragma once

/* What query_catalog.c, query_read.c and query_rows.c share. */

#include "app/query_catalog.h"
#include "base/map.h"
#include "connect/processor.h"

struct query_item {
    struct sql_relation sql; /* its address is the relation's identity: query_read looks back */
    bool is_topic;
    bool loaded;              /* topics: the type is looked up when a query names it */
    struct processor_job job; /* topics: how values are decoded */
};

struct query_catalog {
    struct workspace *workspace;
    struct arena arena;
    struct store *store; /* NULL: there are no tables yet */
    struct map items;    /* name -> struct query_item */
    struct query_skipped skipped;
    struct error failure; /* of the last look-up inside the SQL compiler */
};

/* query_bounds.c: what a predicate over a scan says of single columns; how many. In the arena. */
size_t
query_bounds(const struct plan *scan, struct arena *arena, const struct store_bound **ret_bounds);

/* query_rows.c: the columns of `type` out of a batch that has them all. */
struct batch *query_choose(struct arena *arena, const struct batch *batch, const struct type *type);

/* Records of a topic to the columns that a scan of it wants. Item and scan are borrowed; the rows
 * live in the arena. Deletes and records that cannot be decoded are left out and counted. */
struct query_decoder;
MUST_USE enum status query_decoder_new(const struct query_item *item,
                                       const struct plan *scan,
                                       struct query_decoder **ret_decoder,
                                       struct error *error);
MUST_USE enum status query_decoder_run(struct query_decoder *decoder,
                                       const struct log_in *records,
                                       size_t count,
                                       struct query_skipped *skipped,
                                       struct arena *arena,
                                       const struct batch **ret_batch,
                                       struct error *error);
void query_decoder_free(struct query_decoder *decoder); /* NULL is fine */
