#pragma once

/* What the files of the processor share. Others use cluster/spark/processor.h. */

#include "base/arena.h"
#include "cluster/spark/deletes.h"
#include "cluster/spark/results.h"
#include "cluster/spark/saved.h"
#include "cluster/spark/session.h"
#include "connect/processor.h"
#include "io/notify.h"

#include <pthread.h>
#include <stdatomic.h>

/* What Spark said it had done, and where its rows of that end in the result topic. */
struct spark_mark {
    int64_t *offsets; /* of the input, a partition */
    int32_t partitions;
    int64_t *ends; /* of the result topic, a partition */
    int32_t end_partitions;
    bool waits; /* for the rows to be in the sinks */
};

/* One stream's query. */
struct spark_stream {
    const struct processor_stream *spec;
    struct spark_result result;
    struct spark_query query; /* id NULL: none runs that we know of */
    const char *text;         /* memory of `query`'s ids */
    int64_t *offsets;         /* a partition: all below is in the result topic */
    int32_t partitions;
    struct spark_mark mark;
    int64_t *delivered; /* a partition: all below is in the sinks */
    int32_t delivered_partitions;
    int64_t watermark_us;
    int64_t batch_us;   /* how long the last batch took */
    bool idle;          /* nothing more is to come from what is there */
    unsigned failures;  /* since it last got on */
    size_t excluded;    /* dead records that it leaves out */
    struct arena arena; /* of the query that runs */
};

/* Deletes on their way to the sinks; see delivery.c. */
enum spark_round_stage {
    ROUND_NONE,
    ROUND_DELIVERING, /* what came before them is on its way into the sinks */
    ROUND_JUDGING     /* the judge has yet to see what came until they were given their version */
};

struct spark_round {
    enum spark_round_stage stage;
    int64_t newest;  /* number of the newest of them */
    int64_t *judged; /* a partition: all tombstones below are among them, or were before */
    int32_t judged_partitions;
    int64_t *ends; /* of the input, a partition: what the stage waits for */
    int32_t end_partitions;
    int64_t version_us;
    int64_t *done; /* a partition: no tombstone below has anything left to do */
    int32_t done_partitions;
};

struct spark_task {
    const struct processor_job *job;
    char *name; /* "PIPELINE.TOPIC" */
    struct arena arena;
    struct spark_stream *streams;
    size_t stream_count;
    struct processor *judge;
    struct spark_deletes *deletes;
    struct spark_round round;
    struct spark_saved saved;
    struct spark_session *session;
    struct spark_kafka kafka;

    void (*on_progress)(void *context);
    void *context;

    pthread_t thread;
    bool thread_started;
    pthread_mutex_t mutex; /* guards what follows */
    struct error last_error;
    bool running;
    bool drained;
    int64_t *drain_offsets; /* NULL: go on for ever */
    int32_t drain_partitions;
    int64_t committed, position, watermark_us, batch_us; /* as shown */
    struct notify wake;
    atomic_bool stop;
};

/* queries.c: finds the stream's query on Spark or starts it. */
MUST_USE enum status
spark_stream_begin(struct spark_task *task, struct spark_stream *stream, struct error *error);

/* Asks how it is; deals with a query that ended. STATUS_AGAIN: it must begin anew, later. */
MUST_USE enum status
spark_stream_look(struct spark_task *task, struct spark_stream *stream, struct error *error);

/* Ends the query; its checkpoint stays. */
void spark_stream_end(struct spark_task *task, struct spark_stream *stream);

/* kafka.c: librdkafka's settings as those of the Java client. Files are read here, so that Spark's
 * machines need none of them. STATUS_CONFIG for what has no such setting. */
MUST_USE enum status spark_kafka_take(const char *const *settings,
                                      struct arena *arena,
                                      struct spark_kafka *ret_kafka,
                                      struct error *error);

/* delivery.c: tells the judge which records have their rows in the sinks. */
MUST_USE enum status spark_delivery_look(struct spark_task *task, struct error *error);

/* The same when the sinks hold all that Spark has made. */
MUST_USE enum status spark_delivery_all(struct spark_task *task, struct error *error);

/* Records whose rows are in the sinks of every stream: the sum of the offsets. */
int64_t spark_delivery_position(const struct spark_task *task);

/* queries.c: the settings that leat's SQL and the profile want. */
MUST_USE enum status
spark_set_up(struct spark_session *session, const struct processor_job *job, struct error *error);

/* The views that a stream's text stands on. They are the session's, so each stream makes its own
 * anew. */
MUST_USE enum status spark_views(struct spark_session *session,
                                 const struct processor_stream *stream,
                                 const struct spark_input *input,
                                 struct arena *arena,
                                 struct error *error);

/* check.c: as `check` and `reach` of connect/processor.h. */
MUST_USE enum status spark_check(const struct processor_job *job,
                                 processor_refuse refuse,
                                 void *context,
                                 struct error *error);
void spark_reach(const char *url, const char *checkpoints, processor_tell tell, void *context);

/* Opens the session and sets it up. */
MUST_USE enum status spark_task_connect(struct spark_task *task, struct error *error);

/* Waits; false if the task is told to stop. */
bool spark_task_wait(struct spark_task *task, int64_t duration_us);
