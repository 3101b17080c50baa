#pragma once

/*
 * What a pipeline file comes to once everything in it is looked up: topics with their types,
 * queries compiled against them, tables that follow from the queries. Pure: nothing is opened or
 * started, so `leat check`, `leat test` and the engine share it.
 */

#include "app/pipeline.h"
#include "connect/log_client.h"
#include "connect/processor.h"
#include "connect/store.h"
#include "sql/query.h"

struct sink_plan {
    const char *name;
    const struct sink_settings *settings;
    const struct store_table *table;
    struct node *node;
};

struct stream_plan {
    const char *name;
    const struct store_table *topic_table; /* of the topic it writes; NULL: none */
    const struct stream_settings *settings;
    struct node *node; /* of the SQL text, for errors */
    const char *sql;
    struct query *query; /* NULL while its topic's type is not known */
    const char *topic;   /* the base topic that it reads */
    size_t order;        /* from 1, behind the streams that it reads */
    struct sink_plan *sinks;
    size_t sink_count;
};

struct topic_plan {
    struct topic_spec spec;
    const char *subject; /* "TOPIC-value" */
    const char *source;  /* that fills it; NULL: a stream does */
    int level;           /* 0: filled by a source; n: by a stream over level n - 1 */
    const struct source_settings *source_settings;
    const char *schema_text; /* Avro; NULL: inferred, and not known yet */
    const struct type *type; /* NULL while the schema is not known */
    const char *const *key_paths;
    size_t key_path_count;
    struct sql_relation relation;
};

struct topology {
    const struct pipeline *pipeline;
    struct arena *arena;
    struct topic_plan *topics;
    size_t topic_count;
    struct stream_plan *streams;
    size_t stream_count;
};

/* Where the schema of a topic comes from when the file declares none: its subject's newest text, or
 * NULL if there is none yet. */
typedef const char *(*schema_lookup)(void *context, const char *subject, struct arena *arena);

/* Builds all of it. Streams over topics without a known schema stay without a query. Errors point
 * into the file. `lookup` may be NULL. */
MUST_USE enum status topology_build(const struct pipeline *pipeline,
                                    schema_lookup lookup,
                                    void *context,
                                    struct arena *arena,
                                    struct topology **ret_topology,
                                    struct error *error);

/* A processor job for one topic, without engines: the caller fills in ops and handles. False if no
 * stream with a sink reads the topic. STATUS_CONFIG where settings contradict each other. */
MUST_USE enum status topology_job(const struct topology *topology,
                                  const struct topic_plan *topic,
                                  struct arena *arena,
                                  struct processor_job *ret_job,
                                  bool *ret_needed,
                                  struct error *error);
