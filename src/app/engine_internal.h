#pragma once

/* What the files of the engine share. */

#include "app/engine.h"
#include "app/engine_ask.h"
#include "app/roles.h"
#include "base/arena.h"
#include "base/list.h"
#include "broker/broker.h"
#include "connect/lock.h"
#include "connect/processor.h"
#include "console/console.h"
#include "io/net.h"
#include "orchestrate/timetable.h"

struct registry_server;

/* The source of a pipeline, with its two hops. */
struct engine_source {
    const struct topology *topology;
    const struct topic_plan *topic;
    char *name;           /* "PIPELINE.SOURCE" */
    struct notify staged; /* rung by fetch after commits, waited on by capture */
    struct engine *engine;
    struct fetch_job fetch_job;
    struct fetch *fetch;
    struct capture *capture;
    struct timetable timetable;
    struct engine_ingest *ingest; /* that has the place of the schedule's worker; NULL: none */
    int64_t accepted_before;      /* by workers that have ended */
};

/* All queries over one topic. */
struct engine_topic {
    struct topology *topology;
    const struct topic_plan *topic;
    size_t pipeline; /* index */
    struct processor_job job;
    struct processor *processor; /* NULL while the schema is not known */
};

/* engine_lead.c's own. */
struct engine_lead {
    struct lock *lock;       /* NULL: no coordination */
    struct stage_hold *hold; /* without: on a staging that others may use; NULL: not (yet) */
    struct fence fence;      /* of the present tenure, or the last one */
    bool leads;              /* the pipelines run, or may */
    int64_t refused;         /* a tenure that a store has refused */
    int64_t again_us;        /* monotonic: a start that failed is tried again */
    int64_t began_us;        /* monotonic */
    struct error error;      /* why we do not lead though we hold the lease, or are alone */
    enum lock_state told;    /* what was logged last */
    char holder[LOCK_OWNER_BYTES];
};

struct engine_lead_view {
    const char *role;              /* "leader", "stand-by", "connecting"; NULL: no coordination, and
                                      no engine that is waited for */
    int64_t fence;                 /* as leader */
    char leader[LOCK_OWNER_BYTES]; /* who it is, of a stand-by; empty: not known */
    struct error error;            /* of the coordination; status OK: none */
};

struct engine_pipeline {
    struct arena arena;
    struct arena tries; /* topologies of one start, until the workers stop */
    struct pipeline *pipeline;
    struct topology *topology;
};

struct engine {
    struct engine_options options;
    struct arena arena;
    struct data_dir data;
    struct data_dir_addresses addresses;
    struct roles roles;                     /* which engine does what */
    const struct profile_settings *profile; /* that they come from; NULL: embedded */
    struct broker *broker;
    struct registry_server *registry;
    struct console *console;
    struct engine_access *access;       /* engine_access.c: who may use the console, and its TLS */
    struct engine_log_watch *log_watch; /* with a foreign log: what the console shows of it */
    const struct log_ops *log_ops;
    struct log_client *log;
    const struct schemas_ops *schemas_ops;
    struct schemas *schemas;
    const char *topic_url; /* of streams that write topics */
    struct engine_pipeline *pipelines;
    size_t pipeline_count;
    struct engine_source *sources;
    size_t source_count;
    struct engine_topic *topics;
    size_t topic_count;
    struct accept_limit limit;
    int64_t accepted_before;
    struct notify progress; /* anything changed */
    struct error failure;
    struct engine_asks asks; /* of the console's threads */
    struct list ingests;     /* struct engine_ingest, the oldest first */
    size_t ingest_count;
    int64_t ingest_next_id;
    struct engine_lead lead;
    struct engine_dags *dags; /* NULL: none are scheduled here */
    bool draining;
    int draining_level;
    int64_t maintain_next_us; /* monotonic */
};

/* engine_services.c: broker, registry, log client: what pipelines stand on. */
MUST_USE enum status engine_services_start(struct engine *engine, struct error *error);
void engine_services_stop(struct engine *engine);

/* engine_pipelines.c: pipeline files to running hops. */
MUST_USE enum status engine_pipelines_load(struct engine *engine,
                                           const char *const *files,
                                           size_t count,
                                           struct error *error);
MUST_USE enum status engine_pipelines_start(struct engine *engine, struct error *error);

/* Starts processors of topics whose schema has become known. */
MUST_USE enum status engine_pipelines_advance(struct engine *engine, struct error *error);
/* Stops all workers, as soon as they can; they may be started again. */
void engine_pipelines_halt(struct engine *engine);
void engine_pipelines_stop(struct engine *engine);

/* engine_dags.c: the scheduler of DAGs; with coordination only where the pipelines run. */
MUST_USE enum status engine_dags_start(struct engine *engine, struct error *error);
void engine_dags_stop(struct engine *engine);

/* engine_lead.c */
void engine_lead_view(struct engine *engine, struct engine_lead_view *ret_view);

/* Starts the worker of a source's schedule, which waits for its first tick if that is not now. */
MUST_USE enum status
engine_source_fetch(struct engine_source *source, bool wait_first, struct error *error);

/* True if someone else says when a source is fetched (`orchestration: external`). */
bool engine_source_is_driven(const struct engine_source *source);

/* engine_ingest.c: what is asked for beside the schedules. */
void engine_ingests_init(struct engine *engine);
void engine_ingests_advance(struct engine *engine); /* each tick */
void engine_ingests_free(struct engine *engine);

/* Of struct console_provider; `context` is the engine. */
MUST_USE enum status engine_console_ingest_start(void *context,
                                                 const struct console_ingest_order *order,
                                                 struct arena *arena,
                                                 struct console_ingest *ret_ingest,
                                                 struct error *error);
MUST_USE enum status engine_console_ingest_list(void *context,
                                                int64_t id,
                                                struct arena *arena,
                                                struct console_ingest **ret_ingests,
                                                size_t *ret_count,
                                                struct error *error);
MUST_USE enum status engine_console_ingest_cancel(void *context, int64_t id, struct error *error);

/* engine_console_dags.c: of struct console_provider; `context` is the engine. */
MUST_USE enum status engine_console_dags(void *context,
                                         const struct console_dag_ask *ask,
                                         struct arena *arena,
                                         struct buffer *ret_json,
                                         struct error *error);

/* engine_maintenance.c: at most once an hour, expires what is past its time. */
void engine_maintain(struct engine *engine);

/* engine_console.c: the console listens from here on; requests are answered in engine_tick. */
MUST_USE enum status
engine_console_start(struct engine *engine, const struct net_address *address, struct error *error);
void engine_console_stop(struct engine *engine);

/* engine_console_log.c: topics and groups of a foreign log, asked for by a thread of its own. */
MUST_USE enum status engine_log_watch_start(struct engine *engine, struct error *error);
void engine_log_watch_stop(struct engine *engine);
void engine_log_watch_fill(struct engine *engine,
                           struct arena *arena,
                           struct console_snapshot *snapshot);

/* engine_dead_source.c: on the engine's thread. */
MUST_USE enum status engine_dead_source_retry(struct engine *engine,
                                              const struct dead_letter *letter,
                                              bool *ret_resolved,
                                              struct error *error);

/* engine_console_dead.c: of struct console_provider; `context` is the engine. */
MUST_USE enum status engine_console_dead_list(void *context,
                                              const struct console_dead_filter *filter,
                                              struct arena *arena,
                                              struct console_dead **ret_letters,
                                              size_t *ret_count,
                                              struct error *error);
MUST_USE enum status engine_console_dead_retry(void *context,
                                               const struct console_dead_filter *filter,
                                               struct console_retry_result *ret_result,
                                               struct error *error);
