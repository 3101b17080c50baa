#pragma once

/*
 * The inside of a partition log, shared by the files of src/log.
 *
 * Two mutexes. `append_mutex` is held, long, by whoever changes the log: append, roll, retain,
 * delete records, heal. `mutex` is held, short, by whoever reads or publishes the fields below it;
 * no system call that waits for the disk happens under it. Taken in that order;
 * `checkpoint_mutex` stands between them.
 *
 * The flusher thread runs log_sync: it takes what is written under `mutex`, syncs without any lock,
 * and publishes the new durable point.
 */

#include "io/file.h"
#include "log/checkpoint.h"
#include "log/flusher_internal.h"
#include "log/partition_log.h"
#include "log/producers.h"
#include "log/segment.h"

#include <pthread.h>

#define KAFKA_CORRUPT_MESSAGE       2
#define KAFKA_MESSAGE_TOO_LARGE     10
#define KAFKA_RECORD_LIST_TOO_LARGE 18
#define KAFKA_INVALID_TIMESTAMP     32
#define KAFKA_STORAGE_ERROR         56
#define KAFKA_UNSUPPORTED_CODEC     76
#define KAFKA_INVALID_RECORD        87

/* An append that waits to be durable. */
struct append_waiter {
    int64_t end_offset; /* done once the log is durable up to here */
    append_done done;
    void *context;
    struct append_result result;
};

/*
 * DIR/durable: offset 8, CRC-32C 4 that starts from HINT_MAGIC. Written after each sync and never
 * synced itself, it says what the sync made durable. After a kill it tells damage in acknowledged
 * records (an error) from a torn end (cut); after a power loss it may be old, which is only less
 * strict.
 */
#define HINT_BYTES 12
#define HINT_MAGIC 0x4c544455u /* LTDU */

#define READ_HINTS 4

/* Where a sequential reader will go on. */
struct read_hint {
    int64_t offset;
    int64_t segment;
    uint64_t position;
};

struct sync_job;

struct partition_log {
    struct flush_item item; /* first: the flusher hands it back */
    struct sync_job *job;   /* between start and sync; the flusher thread's */
    char *directory;
    struct flusher *flusher;
    pthread_mutex_t append_mutex;
    pthread_mutex_t checkpoint_mutex; /* one writer of DIR/checkpoint */
    bool torn;                        /* a failed write may have left bytes behind the end */

    pthread_mutex_t mutex; /* all below */
    struct partition_log_config config;
    struct segment **segments; /* by base offset; the last one is written to */
    size_t segment_count;
    size_t segment_capacity;
    int64_t log_start;
    struct log_point end;        /* after the last written batch            */
    struct log_point durable;    /* known to be on disk                     */
    struct log_point checkpoint; /* on disk as the recovery point           */
    bool checkpoint_due;
    bool has_checkpoint;   /* the file exists                         */
    uint64_t files_made;   /* counts segments made,                            */
    uint64_t files_synced; /* and those whose names are known to be on disk    */
    bool failed;           /* a sync failed: nothing goes on before log_heal   */
    struct epoch_start *epochs;
    size_t epoch_count;
    struct producers producers;
    struct append_waiter *waiters; /* in the order of appends */
    size_t waiter_count;
    size_t waiter_capacity;
    struct read_hint hints[READ_HINTS];
    unsigned hint_next;
};

static inline void log_lock(struct partition_log *log)
{
    (void) pthread_mutex_lock(&log->mutex);
}

static inline void log_unlock(struct partition_log *log)
{
    (void) pthread_mutex_unlock(&log->mutex);
}

/* With the mutex held: up to where readers see. */
static inline struct log_point log_visible(const struct partition_log *log)
{
    return flusher_policy(log->flusher) == FLUSH_ALWAYS ? log->durable : log->end;
}

/* With the mutex held: the segment that holds `offset`, or NULL before the first. */
struct segment *log_find_segment(const struct partition_log *log, int64_t offset);

/* With the mutex held: adds a segment at the end; it takes over the reference. */
void log_add_segment(struct partition_log *log, struct segment *segment);

/* Makes a segment's index entries available; reads the file without the lock if it must. */
void log_index_need(struct partition_log *log, struct segment *segment);

/* Loads everything from the directory, checks and cuts (recover.c). The log is empty before. */
MUST_USE enum status log_recover(struct partition_log *log, struct error *error);

/* With the append mutex held, after a sync has failed (else nothing happens). What was told to have
 * failed is dropped; where appends do not wait for the disk (FLUSH_INTERVAL, FLUSH_NEVER) it is
 * written and synced again instead. */
MUST_USE enum status log_heal(struct partition_log *log, struct error *error);

/* Writes what stands between two points once more and syncs it. After a failed sync, and so also at
 * a restart, the system may hold pages that it calls clean and that never reached the disk. */
MUST_USE enum status log_rewrite(struct partition_log *log,
                                 struct log_point from,
                                 struct log_point to,
                                 struct error *error);

/* A batch that is stored goes into the states of its producer. */
void log_add_to_producers(struct producers *producers,
                          struct slice batch,
                          const struct record_batch_header *header,
                          int64_t now_us);

/* Mutexes and fields of a log that holds nothing yet; its end. */
void log_init(struct partition_log *log,
              const char *directory,
              const struct partition_log_config *config,
              struct flusher *flusher);
void log_deinit(struct partition_log *log);

/* Forgets all that log_recover loads. */
void log_forget(struct partition_log *log);

/* With the append mutex held: the next append starts a new segment. */
void log_roll(struct partition_log *log);

/* One sync of everything written (sync.c); runs callbacks. `checkpoint`: with one in any case. */
MUST_USE enum status log_sync_now(struct partition_log *log, bool checkpoint, struct error *error);
void log_sync_start(struct flush_item *item);
void log_sync_wait(struct flush_item *item);
void log_sync(struct flush_item *item);

/* Ends all waiting appends with an error. */
void log_fail_waiters(struct partition_log *log, const struct error *error);

/* Writes the checkpoint: the current log start, and `point` as the recovery point (NULL: as it is).
 */
MUST_USE enum status
log_save_checkpoint(struct partition_log *log, const struct log_point *point, struct error *error);
