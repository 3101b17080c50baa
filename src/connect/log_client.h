#pragma once

/*
 * The contract of the log as leat's own hops use it: topics, one writer a source, readers from
 * given offsets. Reached through the Kafka protocol, whether the broker is ours or Apache's.
 *
 * Handles of writers and readers are used by one thread at a time. The log handle is safe from any.
 */

#include "base/arena.h"
#include "base/error.h"
#include "connect/identity.h"

#include <stdbool.h>
#include <stdint.h>

struct log_client;
struct log_writer;
struct log_reader;

struct topic_spec {
    const char *name;
    int32_t partitions;      /* 0: the log's default */
    int32_t replication;     /* 0: the log's default */
    int64_t retention_us;    /* 0: the log's default, -1: for ever */
    int64_t retention_bytes; /* 0: the log's default, -1: any */
    bool compact;
};

struct log_out {
    struct slice key;   /* data NULL: none. Partition by murmur2 of it, as Java does */
    struct slice value; /* data NULL: a delete */
    int64_t timestamp_ms;
    struct identity identity; /* source empty: no header */
};

struct log_in {
    int32_t partition;
    int64_t offset;
    int64_t timestamp_ms;
    struct slice key;         /* data NULL: none */
    struct slice value;       /* data NULL: a delete */
    struct identity identity; /* source empty: foreign */
    const void *origin;       /* the reader's own */
};

struct log_header {
    struct slice name;
    struct slice value; /* data NULL: null */
};

struct log_partition {
    int64_t low;  /* first offset still there */
    int64_t high; /* one behind the last readable */
};

enum log_writing {
    LOG_GAPLESS,
    LOG_TRANSACTIONAL,
};

struct log_ops {
    const char *name; /* "kafka" */

    /* `address` is host:port[,host:port]; `settings` are extra client properties, name, value, ...,
     * NULL. */
    enum status (*open)(const char *address,
                        const char *const *settings,
                        struct log_client **ret_log,
                        struct error *error);
    void (*close)(struct log_client *log);

    /* Makes the topic if it is missing; grows partitions if fewer; never shrinks. */
    enum status (*topic_ensure)(struct log_client *log,
                                const struct topic_spec *spec,
                                int32_t *ret_partitions,
                                struct error *error);

    /* Offsets of each partition; STATUS_NOT_FOUND without such a topic. */
    enum status (*topic_offsets)(struct log_client *log,
                                 const char *topic,
                                 struct arena *arena,
                                 struct log_partition **ret_partitions,
                                 int32_t *ret_count,
                                 struct error *error);

    /* One behind the last record of each partition, also of transactions that are open, or
     * committed and not readable yet: how far a drain reads. Entry i is partition i. NULL: the same
     * as `high`. */
    enum status (*topic_ends)(struct log_client *log,
                              const char *topic,
                              struct arena *arena,
                              int64_t **ret_ends,
                              int32_t *ret_count,
                              struct error *error);

    /* The newest identity of `source` in each partition of the topic (position -1 if none): where
     * exact capture goes on. Entry i is partition i. With `settled`, an open transaction that may
     * hide newer ones is STATUS_AGAIN: the writer that was opened before has ended its own. */
    enum status (*newest_identities)(struct log_client *log,
                                     const char *topic,
                                     const char *source,
                                     bool settled,
                                     struct arena *arena,
                                     struct identity **ret_identities,
                                     int32_t *ret_count,
                                     struct error *error);

    /* A producer whose sends are exact together with newest_identities: after a failed send it is
     * closed and opened anew, and what was written is read back.
     *
     * LOG_GAPLESS: idempotent; what is in a partition is always a prefix of what was sent to it.
     * One process at a time may write as `writer_id`. LOG_TRANSACTIONAL: each send is there as a
     * whole or not at all (for readers of committed records), and opening ends what older writers
     * of that id have begun: their sends fail from then on, with log_writer_fenced. Read back
     * *after* opening. STATUS_CONFIG where the log has no transactions. */
    enum status (*writer_open)(struct log_client *log,
                               const char *topic,
                               const char *writer_id,
                               enum log_writing writing,
                               struct log_writer **ret_writer,
                               struct error *error);

    /* Sends all and waits until all are durable. On an error some may be, and the writer is unfit.
     */
    enum status (*writer_send)(struct log_writer *writer,
                               const struct log_out *records,
                               size_t count,
                               struct error *error);
    void (*writer_close)(struct log_writer *writer);

    /* The partition that a key goes to. */
    int32_t (*partition_of)(struct log_client *log, struct slice key, int32_t partitions);

    /* Reads all partitions, each from its offset (`offsets[i]` for partition i). An offset that is
     * no more there is STATUS_NOT_FOUND: a gap is never skipped silently. */
    enum status (*reader_open)(struct log_client *log,
                               const char *topic,
                               const int64_t *offsets,
                               int32_t partitions,
                               struct log_reader **ret_reader,
                               struct error *error);

    /* Up to `count_max` records that are there, waiting at most `timeout_us` for the first. Records
     * of one partition are in order. Memory is the reader's and lives until reader_release. */
    enum status (*reader_poll)(struct log_reader *reader,
                               size_t count_max,
                               int64_t timeout_us,
                               const struct log_in **ret_records,
                               size_t *ret_count,
                               struct error *error);
    void (*reader_release)(struct log_reader *reader); /* what the last poll gave */

    /* Everything below this offset has come out of poll, or is nothing to read (a transaction's
     * marker, an aborted or compacted record); -1: not known yet. So a partition whose last offset
     * is a marker has an end all the same. NULL: the log has no such gaps. */
    int64_t (*reader_position)(const struct log_reader *reader, int32_t partition);

    /* Tells the log how far what was read is durably processed, under the name of a consumer group:
     * for tools that show lag. Nothing of leat reads it back. Returns at once, and a failure shows
     * nowhere. An offset below 0 is left out. NULL: the log has no groups. */
    void (*reader_show)(struct log_reader *reader,
                        const char *group,
                        const int64_t *offsets,
                        int32_t count);

    /* All headers of a record of the last poll, in order: for people, not for hops. The array is
     * the arena's, names and values are the reader's. */
    void (*record_headers)(const struct log_in *record,
                           struct arena *arena,
                           struct log_header **ret_headers,
                           size_t *ret_count);

    /* Makes a waiting poll return early; safe from any thread. */
    void (*reader_wake)(struct log_reader *reader);
    void (*reader_close)(struct log_reader *reader);
};

/* `topic_ends`, or `high` of `topic_offsets` where a log has no transactions. */
MUST_USE enum status log_topic_ends(const struct log_ops *ops,
                                    struct log_client *log,
                                    const char *topic,
                                    struct arena *arena,
                                    int64_t **ret_ends,
                                    int32_t *ret_count,
                                    struct error *error);

/* True for a send that failed as a newer writer of the same id was opened. */
bool log_writer_fenced(const struct error *error);
#define LOG_FENCED_CODE 90002
