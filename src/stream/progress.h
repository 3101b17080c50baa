#pragma once

/*
 * How far a task has come, as one run of bytes that its store keeps in the transaction of the rows:
 * next offset of each partition, the newest identity seen of each source there, how records ended,
 * the last version given out, and each stream's watermark.
 */

#include "base/buffer.h"
#include "base/error.h"
#include "connect/counts.h"
#include "connect/identity.h"

#include <stdbool.h>
#include <stdint.h>

/* The newest identity of one source in one partition. */
struct progress_seen {
    int32_t partition;
    char *source;
    struct identity identity; /* source borrows from `source` */
};

struct progress_stream {
    char *name;
    uint64_t plan_hash; /* of the query that made its rows and state; 0: none yet */
    int64_t watermark_us;
    int64_t event_time_max_us; /* INT64_MIN: none yet */
};

/* Records of one partition that end as stored once their rows are in the sinks (delivery.h). */
struct progress_waiting {
    int32_t partition;
    int64_t end; /* the offset behind the last of them */
    int64_t stored;
    int64_t foreign; /* of these */
};

#define PROGRESS_START (-1) /* an offset: wherever the partition begins now */

struct progress {
    int64_t number; /* of the last commit; 0: none yet */
    int64_t version_last;
    struct fate_counts counts;
    int64_t *offsets; /* next one, a partition */
    int64_t
        *counted; /* records below are in `counts` already: a replay does not count them again */
    int32_t partitions;
    struct progress_seen *seen;
    size_t seen_count;
    struct progress_stream *streams;
    size_t stream_count;
    struct progress_waiting *waiting;
    size_t waiting_count;
};

void progress_init(struct progress *progress);
void progress_deinit(struct progress *progress);

/* Makes room for at least `partitions`; new ones stand at PROGRESS_START. */
void progress_grow(struct progress *progress, int32_t partitions);

/* True, and remembered, if the identity is newer than all seen of its source in this partition. A
 * foreign record (empty source) is always new. */
bool progress_observe(struct progress *progress,
                      int32_t partition,
                      const struct identity *identity);

/* Back to the start of every partition, with what was counted kept: the history is computed anew.
 */
void progress_rewind(struct progress *progress);

/* Finds or adds a stream's entry; borrowed until the next call. */
struct progress_stream *progress_stream_of(struct progress *progress, const char *name);

/* Adds an empty entry; borrowed until the next call. */
struct progress_waiting *progress_add_waiting(struct progress *progress);

void progress_write(const struct progress *progress, struct buffer *target);
MUST_USE enum status
progress_read(struct slice bytes, struct progress *ret_progress, struct error *error);
