#pragma once

/* What query_catalog.c and query_read.c share. */

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
