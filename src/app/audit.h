#pragma once

/*
 * The sum, from the stores alone (DESIGN, "The sum"): what each source fetched and what became of
 * it, what each topic's records came to. Works while leat runs; then some records are under way.
 */

#include "app/workspace.h"
#include "connect/counts.h"

struct audit_source {
    const char *name; /* "PIPELINE.SOURCE" */
    struct source_counts counts;
    int64_t staged; /* accepted and not yet confirmed in the log */
    bool holds;     /* fetched = accepted + unchanged + dead */
};

struct audit_topic {
    const char *task; /* "PIPELINE.TOPIC" */
    struct fate_counts counts;
};

struct audit {
    const char *const *lost; /* tables that are not there, or were found missing at a start */
    size_t lost_count;
    const struct audit_source *sources;
    size_t source_count;
    const struct audit_topic *topics;
    size_t topic_count;
    struct source_counts source; /* sums */
    struct fate_counts fate;
    int64_t accepted;  /* staged ones, and foreign records of the topics */
    int64_t in_flight; /* accepted and not yet ended */
    int64_t staged;
    bool holds;
};

/* Memory of the arena. */
MUST_USE enum status audit_run(struct workspace *workspace,
                               struct arena *arena,
                               struct audit *ret_audit,
                               struct error *error);
