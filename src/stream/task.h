#pragma once

/*
 * A task: all queries over one topic, in one worker thread. It reads a batch, runs it through every
 * query, and makes rows, state, dead letters, counts and input offsets durable together:
 *
 *     direct    all stateless, all sinks in one atomic store: one transaction there
 *     state     otherwise: one transaction in the state store (progress, groups, dead letters, and
 *               the rows as an outbox entry), then the entry goes to each store, which keeps its
 *               number in the transaction of the rows. After a crash the entries that a store has
 *               not seen are delivered again: nothing is computed twice.
 *
 * The last of these steps runs beside the next batch (stream/committer.h).
 *
 * This header is for the files of this folder; others use stream/processor.h.
 */

#include "base/arena.h"
#include "connect/processor.h"
#include "io/notify.h"
#include "stream/aggregate.h"
#include "stream/decode.h"
#include "stream/progress.h"
#include "stream/sink.h"

#include <pthread.h>
#include <stdatomic.h>

/* A store that sinks (or the state) use: one handle, however many tables. */
struct task_store {
    const struct store_ops *ops;
    const char *url;
    struct store *handle;
    int64_t delivered; /* newest number that it has */
};

struct task_sink {
    const struct processor_sink *spec;
    struct task_store *store;
    struct sink_key key;
    bool absent; /* its table was not there when the task was opened */
};

struct task_stream {
    const struct processor_stream *spec;
    struct aggregates *aggregates; /* NULL: stateless */
    struct task_sink *sinks;
    size_t sink_count;
};

/* How the record that a row came from is counted. */
enum row_fate {
    ROW_UNCOUNTED, /* by this commit: a replay */
    ROW_STORED,
    ROW_LATE,
    ROW_FILTERED,
    ROW_DEAD,
};

/* Which record of the topic made a row. */
struct row_origin {
    int64_t offset;
    int32_t partition; /* -1: none, the row comes from state */
    int32_t fate;      /* enum row_fate */
};

/* Rows on their way to a sink. */
struct task_write {
    struct task_sink *sink;
    struct store_write rows;
    const int32_t *records;     /* which of the batch made each row; NULL: they come from state */
    struct row_origin *origins; /* one a row */
};

/* Everything that one commit makes durable. Memory of the batch arena. */
struct task_output {
    struct task_write *writes;
    size_t write_count, write_capacity;
    struct dead_letter *dead;
    size_t dead_count, dead_capacity;
    int64_t resolved; /* id of the dead letter that this settles, 0: none */
    int32_t retries;  /* of that one, this included */
};

struct task_retry {
    const struct dead_letter *letter;
    enum status status;
    struct error error;
    bool resolved;
    bool taken; /* by the worker: it can no longer be withdrawn */
    bool done;
};

#define TASK_ARENA_BYTES ((size_t) 1 << 20)

struct committer;

struct processor {
    const struct processor_job *job;
    char *name;         /* "PIPELINE.TOPIC" */
    struct arena arena; /* of the task's life */
    struct arena batch; /* of one batch */
    struct task_stream *streams;
    size_t stream_count;
    struct task_store *stores;
    size_t store_count;
    struct task_store state;   /* handle NULL in direct mode */
    struct task_store *keeper; /* has progress and dead letters: the state, or the only store */
    struct decoder *decoder;
    struct log_reader *reader;
    int64_t show_next_us; /* monotonic: when progress is shown to the log again */
    int64_t shown;        /* status.position that was shown last */
    struct progress progress;
    int64_t outbox_first, outbox_last; /* numbers of the entries that the state store holds */
    atomic_int_least64_t delivered;    /* entries up to this number are in every store */
    struct committer *committer;
    bool ahead;               /* progress and groups in memory are not stored yet */
    bool refused;             /* of the last batch that was handed over, a store refused rows */
    struct fate_counts moved; /* by that, of this batch; and what progress does not know yet */
    struct fate_counts owed;

    void (*on_progress)(void *context);
    void *context;

    pthread_t thread;
    bool thread_started;
    pthread_mutex_t mutex; /* guards what follows */
    struct processor_status status;
    bool commit_fails;      /* now: last_error is of a commit that is tried again */
    int64_t *drain_offsets; /* NULL: go on for ever */
    int32_t drain_partitions;
    bool drained;
    int64_t *durable; /* a partition: all below is in the stores of the sinks */
    int32_t durable_partitions;
    int64_t durable_version;    /* the highest among their rows */
    int64_t *delivered_offsets; /* a partition: all below is said to be delivered; see delivery.h */
    int32_t delivered_partitions;
    bool delivered_news;      /* the worker has not taken them yet */
    struct task_retry *retry; /* at most one waits */
    struct notify wake;
    atomic_bool stop;
};

/* Opens stores, loads progress and state, delivers what the outbox still holds. */
MUST_USE enum status task_open_stores(struct processor *task, struct error *error);
void task_close_stores(struct processor *task);

/* Runs records through all queries and commits. `closing`: no records follow; windows close. */
MUST_USE enum status task_batch(struct processor *task,
                                const struct log_in *records,
                                size_t count,
                                bool closing,
                                struct error *error);

/* Tries the dead letter that waits, if there is one. Fails only if memory is ahead of the disk
 * after it: the task must end. */
MUST_USE enum status task_serve_retry(struct processor *task, struct error *error);

/* From another thread: has a dead letter tried again and waits for it. STATUS_AGAIN if the task
 * does not come to it. */
MUST_USE enum status task_ask_retry(struct processor *task,
                                    const struct dead_letter *letter,
                                    bool *ret_resolved,
                                    struct error *error);

/* Progress as it is now in memory: counts, watermark, state. */
void task_measure(struct processor *task, struct processor_status *ret_status);

/* Shows progress as it is now in the status; with nothing on its way to the stores. */
void task_publish(struct processor *task, bool running);

/* Ends a wait of the worker; safe from any thread. */
void task_wake(struct processor *task);

/* Sees to it that the output becomes durable with the progress as it is now, and takes the batch
 * arena for that; committer_wait says when it is. What fails goes on being tried while the failure
 * is one that may pass, until the task is told to stop (STATUS_CANCELLED). */
MUST_USE enum status task_commit(struct processor *task,
                                 const struct task_output *output,
                                 int64_t newest_us,
                                 struct error *error);

/* For the committer: rows, progress and dead letters of a task without state in one transaction;
 * rows of a task with state to each store that does not have them. */
MUST_USE enum status task_commit_direct(struct processor *task,
                                        int64_t number,
                                        struct slice progress,
                                        struct task_output *output,
                                        struct arena *arena,
                                        struct error *error);
MUST_USE enum status task_deliver(struct processor *task,
                                  int64_t number,
                                  struct task_output *output,
                                  struct arena *arena,
                                  struct error *error);

/* Tries until it is done, or will never be, or the task is told to stop. */
MUST_USE enum status task_commit_to(struct processor *task,
                                    struct task_store *store,
                                    const struct store_commit *commit,
                                    struct error *error);

/* Waits before trying again; false if the task was told to stop. Shows the error in the status. */
bool task_pause(struct processor *task, const struct error *error, unsigned attempt);
