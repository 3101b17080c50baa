#pragma once

/*
 * The console: the status page, the REST API behind it, the metrics, and the probes that process
 * managers ask. It sees the rest of leat only through `struct console_provider`, which app/ fills
 * in, so it works the same whichever engines run.
 *
 * Requests are answered on threads of their own. Whatever the provider's functions touch they must
 * make safe for that; everything they hand back lives in the arena that they are given.
 */

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/settings.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct console;
struct console_log_view;
struct alerts_settings;

/* ---- what there is to show ------------------------------------------------------------------- */

/* Trouble of one part; `message` NULL: none. */
struct console_fault {
    const char *status; /* "unavailable", "config", ...: status_name */
    const char *message;
    const char *hint; /* NULL: none */
};

/* A source, its staging, and the way from there into the topic. */
struct console_source {
    const char *pipeline;
    const char *name;
    const char *topic;
    const char *address; /* what is fetched, without secrets; NULL: not known */
    const char *state;   /* fetch_state_name */
    int64_t until_us;    /* when it goes on, wall clock; 0: not known */
    int64_t failures;    /* in a row */
    int64_t fetched, accepted, unchanged, dead, requests; /* durable totals */
    int64_t accepted_new;                                 /* by this process */
    int64_t fetched_at_us;                                /* newest page; 0: none */
    struct console_fault fault;

    const char *capture_state; /* capture_state_name */
    int64_t lag;               /* staged, and not yet in the topic */
    struct console_fault capture_fault;

    /* Of watch.h: how old the oldest of what waits is, and how long nothing has moved although
     * something waits; -1: not known. */
    int64_t lag_us, still_us;
};

struct console_sink {
    const char *name;
    const char *table;
};

struct console_stream {
    const char *name;
    const char *sql;
    const struct console_sink *sinks;
    size_t sink_count;
};

/* All streams of a pipeline that read one topic. */
struct console_flow {
    const char *pipeline;
    const char *topic;
    bool derived; /* a stream of leat's own fills the topic: its records are counted there */
    bool waits_for_schema;
    bool running;
    const struct console_stream *streams;
    size_t stream_count;
    int64_t stored, filtered, late, dead, foreign; /* durable totals */
    int64_t lag;          /* in the topic, and not yet ended; -1: not known */
    int64_t watermark_us; /* INT64_MIN: none */
    int64_t latency_us;   /* acceptance to durable in the table, of the last batch */
    int64_t state_bytes;
    int64_t groups;
    struct console_fault fault;
    int64_t lag_us, still_us; /* of watch.h, as for a source */
    int64_t dead_still_us;    /* since the last dead letter, or the start */
};

struct console_partition {
    int64_t log_start;
    int64_t high_watermark;
    int64_t size_bytes;
};

struct console_topic {
    const char *name;
    const struct console_partition *partitions;
    size_t partition_count;
};

struct console_offset {
    const char *topic;
    int32_t partition;
    int64_t committed;
    int64_t high_watermark; /* -1: the partition is gone */
    const char *verdict;    /* of watch.h: verdict_name; NULL: not known */
};

struct console_group {
    const char *id;
    const char *state;
    const char *protocol_type;
    int64_t member_count;
    const struct console_offset *offsets;
    size_t offset_count;
    const char *verdict; /* the worst of its partitions */
    int64_t lag_us, still_us;
};

enum console_state {
    CONSOLE_RUNNING,
    CONSOLE_DRAINING,
    CONSOLE_FAILED,
};

struct console_snapshot {
    enum console_state state;
    struct console_fault fault; /* of the whole process, with CONSOLE_FAILED */
    int64_t pid;
    const char *role;   /* "leader", "stand-by", "connecting"; NULL: without coordination */
    int64_t fence;      /* of a leader */
    const char *leader; /* who it is, of a stand-by; NULL: not known */
    struct console_fault role_fault; /* of the coordination */
    const char *data;                /* directory */
    const char *file;                /* the first pipeline's */
    const char *kafka, *http, *registry;
    const struct console_source *sources;
    size_t source_count;
    const struct console_flow *flows;
    size_t flow_count;
    int64_t disk_free, disk_total;  /* bytes, where the data directory lies; total 0: not known */
    bool log_embedded;              /* else a server of its own has the topics and groups */
    struct console_fault log_fault; /* of such a server: it does not answer */
    const struct console_topic *topics;
    size_t topic_count;
    const struct console_group *groups;
    size_t group_count;
};

/* A refused record; times in µs. */
struct console_dead {
    const char *store; /* that keeps it: "staging", "tables", "state/PIPELINE.TOPIC" */
    int64_t id;        /* within that */
    const char *hop;   /* "source", "process", "sink" */
    const char *pipeline, *name, *reason, *message, *place;
    const char *topic; /* NULL at the source */
    int32_t partition;
    int64_t offset;
    int64_t at_us;
    int32_t retries;
    struct slice raw; /* at most CONSOLE_RAW_BYTES of it */
    size_t raw_bytes; /* of the whole record */
};

#define CONSOLE_RAW_BYTES 4096

struct console_dead_filter {
    const char *store;  /* NULL: all */
    int64_t id;         /* within the store; 0: all */
    const char *hop;    /* NULL: all */
    const char *name;   /* of the source, stream or sink; NULL: all */
    const char *reason; /* NULL: all */
    int64_t limit;      /* of each store */
};

struct console_retry_result {
    int64_t tried;
    int64_t resolved; /* passed, or superseded by a newer row */
};

/* What `leat ingest` and other schedulers ask for: one source, once, beside its own schedule. */
struct console_ingest_order {
    const char *key;        /* the client's name for it: asked twice it is the same; NULL: none */
    const char *source;     /* "PIPELINE.SOURCE", or "SOURCE" if only one pipeline has it */
    int64_t from_us, to_us; /* interval, or 0 and 0 */
    int64_t limit;          /* accept so many; -1: until the source is at its end */
    int64_t give_up_us;     /* fail after the source did not answer for so long */
    int64_t lease_us;       /* cancel when nobody asked about it for so long; 0: never */
};

enum console_ingest_state {
    CONSOLE_INGEST_QUEUED,
    CONSOLE_INGEST_FETCHING,
    CONSOLE_INGEST_APPENDING, /* all of it is in staging */
    CONSOLE_INGEST_STORING,   /* all of it is in the topic */
    CONSOLE_INGEST_DONE,      /* every record has ended: stored, filtered, late or dead */
    CONSOLE_INGEST_FAILED,
    CONSOLE_INGEST_CANCELLED,
};

/* "queued", "fetching", "appending", "storing", "done", "failed", "cancelled" */
const char *console_ingest_state_name(enum console_ingest_state state);

struct console_ingest {
    int64_t id;
    struct console_ingest_order order; /* `source` in full */
    enum console_ingest_state state;
    int64_t asked_us, started_us, staged_us, ended_us;           /* 0: not yet */
    int64_t fetched, accepted, unchanged, dead, pages, requests; /* of this order; so far */
    struct console_fault fault;                                  /* with FAILED */
    int exit_code; /* what a command that did this would end with; -1: not ended */
};

/* What is asked of DAGs and their runs; the answers are JSON. */
enum console_dag_verb {
    CONSOLE_DAG_LIST,
    CONSOLE_DAG_SHOW,
    CONSOLE_DAG_PAUSE,
    CONSOLE_DAG_RESUME,
    CONSOLE_DAG_RUN,
    CONSOLE_RUN_LIST,
    CONSOLE_RUN_SHOW,
    CONSOLE_RUN_LOG,
    CONSOLE_RUN_CANCEL,
    CONSOLE_RUN_RETRY,
};

struct console_dag_ask {
    enum console_dag_verb verb;
    const char *dag; /* in full, or the short name if only one has it; RUN_LIST: NULL is all */
    int64_t run;
    const char *task;            /* RUN_LOG, RUN_RETRY (NULL: those that failed) */
    int64_t number;              /* of the try; 0: the last */
    int64_t offset;              /* RUN_LOG: byte */
    const char *state;           /* RUN_LIST; NULL: all */
    int64_t before, limit;       /* RUN_LIST */
    struct setting_pairs params; /* DAG_RUN */
    const char *key;             /* DAG_RUN; NULL: none */
};

/* ---- start and stop -------------------------------------------------------------------------- */

struct console_provider {
    void *context;

    /* How things are now. STATUS_AGAIN while the engine is too busy to say. */
    enum status (*snapshot)(void *context,
                            struct arena *arena,
                            struct console_snapshot *ret_snapshot,
                            struct error *error);

    /* Refused records, newest last within a store. */
    enum status (*dead_list)(void *context,
                             const struct console_dead_filter *filter,
                             struct arena *arena,
                             struct console_dead **ret_letters,
                             size_t *ret_count,
                             struct error *error);

    /* Tries them again with the queries of now. */
    enum status (*dead_retry)(void *context,
                              const struct console_dead_filter *filter,
                              struct console_retry_result *ret_result,
                              struct error *error);

    /* Takes the order; work on it goes on after this returns. STATUS_NOT_FOUND: no such source;
     * STATUS_AGAIN: this leat is stopping, or has too much to do. */
    enum status (*ingest_start)(void *context,
                                const struct console_ingest_order *order,
                                struct arena *arena,
                                struct console_ingest *ret_ingest,
                                struct error *error);

    /* One of them, or with id 0 all that are remembered, the oldest first. STATUS_NOT_FOUND. */
    enum status (*ingest_list)(void *context,
                               int64_t id,
                               struct arena *arena,
                               struct console_ingest **ret_ingests,
                               size_t *ret_count,
                               struct error *error);

    /* Ends it after the page under way; one that has ended stays as it is. What was accepted
     * stays. */
    enum status (*ingest_cancel)(void *context, int64_t id, struct error *error);

    /* DAGs and runs. STATUS_NOT_FOUND, STATUS_CONFLICT, STATUS_DATA. NULL: those routes answer 503.
     */
    enum status (*dags)(void *context,
                        const struct console_dag_ask *ask,
                        struct arena *arena,
                        struct buffer *ret_json,
                        struct error *error);

    /* Topics, groups, schemas and queries. NULL: those routes answer 503. */
    const struct console_log_view *log;
};

struct console_config {
    const char *host;
    uint16_t port; /* 0 takes a free one */
    bool loopback; /* answer only for names of this machine: pages cannot rebind theirs to it */
    const char *history; /* file that keeps the charts' past over restarts; NULL: none */
    const struct alerts_settings *const
        *alerts; /* of each pipeline file; in place until the stop */
    size_t alert_count;
    const char *audit; /* file that says who changed what; NULL: none */
    const char *users; /* file with who may do what (users.h); NULL: everybody, everything */
    const char *token; /* an admin's, for commands beside this leat; NULL: none */
    const char *tls_certificate,
        *tls_key; /* PEM texts, in place until the stop; NULL: plain HTTP */
};

/* Listens at once. The provider is copied; its context must live until console_stop. Failures as of
 * http_server_start, and of the users file. */
MUST_USE enum status console_start(const struct console_config *config,
                                   const struct console_provider *provider,
                                   struct console **ret_console,
                                   struct error *error);

/* "127.0.0.1:9021" */
const char *console_address(const struct console *console);

/* Ends event streams, lets requests finish, frees. NULL is fine. */
void console_stop(struct console *console);
