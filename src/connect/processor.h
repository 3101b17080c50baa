#pragma once

/*
 * The contract of the processor: it runs the queries of a pipeline over a topic and brings their
 * rows to the sinks. One job is all streams over one topic: each batch is decoded once, and the
 * fate of each record over all queries is known in one place.
 *
 * start, stop and status are called from the thread that owns the pipeline.
 */

#include "base/error.h"
#include "connect/counts.h"
#include "connect/log_client.h"
#include "connect/schemas.h"
#include "connect/store.h"

#include <stdbool.h>
#include <stdint.h>

struct processor;
struct query;

enum deletes_mode {
    DELETES_APPLY,
    DELETES_MARK,
    DELETES_IGNORE
};

struct processor_sink {
    const char *name;
    const struct store_table *table;
    const struct store_ops *store_ops;
    const char *store_url;
    enum deletes_mode deletes;
    bool is_topic; /* rows become records: the table's name is the topic's */
};

struct processor_stream {
    const char *name;
    const struct query *query; /* sql/query.h */
    const char *sql;
    const struct processor_sink *sinks;
    size_t sink_count;
    const char *state_url; /* for a task of this stream alone, where the processor needs one */
};

/* A stream that others name in FROM. */
struct processor_view {
    const char *name;
    const char *sql;
};

enum value_format {
    VALUE_AVRO,
    VALUE_JSON,
    VALUE_STRING
};

struct processor_job {
    const char *pipeline;
    const char *topic;
    enum value_format format;
    const struct type *type;   /* of the topic's value */
    const char *reader_schema; /* Avro text of `type`, for defaults; NULL if none */
    const struct processor_stream *streams;
    size_t stream_count;
    const struct processor_view *views; /* each behind those that it reads */
    size_t view_count;
    int64_t batch_records;        /* fixed batch boundaries (`batch: N records`); 0: free */
    bool rebuild;                 /* a changed query is run over the whole topic again */
    int64_t state_bytes_max;      /* of all groups of a stream; 0: 1 GiB */
    bool flush_windows;           /* at the end of a drain, close all windows */
    const char *const *key_paths; /* what the topic's key holds, "login.uuid"; 0: not known */
    size_t key_path_count;
    const struct store_ops *state_ops; /* embedded: an atomic store for state and progress, used */
    const char *state_url;             /* unless all is stateless into one atomic store          */
    const struct fence *fence;         /* of the holder of coordination; NULL: none */
    const char *processor_url;         /* Spark's, of the profile; embedded: NULL */
    const char *checkpoints_url;       /* Spark */
    const char *const *processor_settings; /* of its session: name, value, ..., NULL; may be NULL */
    const struct log_ops *log_ops;
    struct log_client *log;
    const char *log_address; /* HOST:PORT[,HOST:PORT], for engines that read it themselves */
    const char *const *log_settings; /* of librdkafka, for the same: name, value, ..., NULL */
    bool awaits_delivery; /* what is wanted counts as stored once another engine has delivered it */
    bool show_progress;   /* as the consumer group "leat.PIPELINE.TOPIC", for tools of the log */
    const struct schemas_ops *schemas_ops;
    struct schemas *schemas;
};

struct processor_status {
    struct fate_counts counts; /* durable */
    int64_t committed;         /* input records durably processed */
    int64_t position;          /* sum over the partitions of the offsets below which all is */
    int64_t watermark_us;      /* INT64_MIN: none yet */
    int64_t latency_us; /* of the last batch: newest record's acceptance to durable in table */
    int64_t state_bytes;
    int64_t groups;
    struct error last_error; /* status OK: none */
    bool running;
};

/* A query that the engine refuses: its place in the job's streams, why, and where in its text. */
typedef void (*processor_refuse)(void *context, size_t stream, const char *message, size_t offset);

/* A finding about the engine: what ("", or a part of it), how it is, a remedy or "". */
typedef void (*processor_tell)(
    void *context, const char *part, enum status status, const char *found, const char *remedy);

struct processor_ops {
    const char *name; /* "embedded", "spark" */

    /* Asks the engine what it says of each query; starts nothing. NULL: there is nobody to ask. A
     * refusal is no failure of the call. */
    enum status (*check)(const struct processor_job *job,
                         processor_refuse refuse,
                         void *context,
                         struct error *error);

    /* Does the engine at this URL answer, and has it what it needs? NULL as above. */
    void (*reach)(const char *url, const char *checkpoints, processor_tell tell, void *context);

    /* Checks and starts; a worker goes on alone, retrying what is retriable. `job` is borrowed
     * until close. `on_progress` is called by the worker after each durable commit. */
    enum status (*open)(const struct processor_job *job,
                        void (*on_progress)(void *context),
                        void *context,
                        struct processor **ret_processor,
                        struct error *error);

    void (*status)(struct processor *processor, struct processor_status *ret_status);

    /* Processes up to these offsets (one a partition), commits, then stops reading. */
    void (*drain)(struct processor *processor, const int64_t *offsets, int32_t partitions);
    bool (*drained)(struct processor *processor);

    /* Asks a dead letter to be tried again with the queries of now. */
    enum status (*dead_retry)(struct processor *processor,
                              const struct dead_letter *letter,
                              bool *ret_resolved,
                              struct error *error);

    void (*close)(struct processor *processor);
};
