#pragma once

/*
 * One segment of a log: a file of batches, and its sparse index. Internal to src/log.
 *
 * The index has an entry for a batch about every `index_interval_bytes`: where the batch stands,
 * and the largest timestamp from the segment's start through that batch. The file DIR/BASE.index
 * keeps it as blocks, each with its own CRC and saying how much of the log file it covers; it is a
 * cache, written without a sync, and read from the log file again when it is missing or damaged.
 *
 * A segment belongs to its log, and readers hold references; the log's state mutex guards it.
 */

#include "base/error.h"
#include "base/slice.h"
#include "wire/record_batch.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index_entry {
    uint32_t offset; /* relative to the segment's base */
    uint32_t position;
    int64_t timestamp_max;
};

/* What a segment is known to hold up to a position. */
struct segment_extent {
    uint64_t size;                   /* bytes, whole batches     */
    int64_t next_offset;             /* of the batch after it    */
    int64_t timestamp_max;           /* -1: no batch has one     */
    uint32_t timestamp_max_position; /* of the first batch with it */
};

struct segment {
    int64_t base_offset;
    int refs;
    int fd;    /* -1: not open */
    bool used; /* since the last look for idle files */
    struct segment_extent extent;
    uint64_t reserved;   /* bytes of disk taken ahead */
    int64_t created_us;  /* wall clock of the first append  */
    int64_t appended_us; /* and of the last                 */
    struct index_entry *index;
    size_t index_count;
    size_t index_capacity;
    size_t index_saved;   /* entries that the index file holds        */
    uint64_t index_bytes; /* size of the index file                   */
    bool index_loaded;    /* false: the entries are only in the file  */
};

struct segment *segment_new(int64_t base_offset); /* one reference */
void segment_ref(struct segment *segment);
void segment_unref(struct segment *segment); /* closes and frees with the last */

/* "DIR/00000000000000000000.EXTENSION" */
void segment_path(const char *directory,
                  int64_t base_offset,
                  const char *extension,
                  char target[PATH_MAX]);

/* The descriptor, opened if it is not; made with `create`. */
MUST_USE enum status
segment_open(struct segment *segment, const char *directory, bool create, struct error *error);

/* Removes the files. Missing ones are fine. */
MUST_USE enum status
segment_remove_files(const char *directory, int64_t base_offset, struct error *error);

/* A batch stands at the end of the segment: moves the end past it, and indexes it if it is due. */
void segment_add(struct segment *segment,
                 const struct record_batch_header *header,
                 int64_t index_interval_bytes);

/* Where to begin reading to find the batch that holds `offset`, or the first batch with a timestamp
 * at or after `timestamp_ms`. */
uint64_t segment_find_offset(const struct segment *segment, int64_t offset);
uint64_t segment_find_time(const struct segment *segment, int64_t timestamp_ms);

/* Forgets the entries; they are in the file. */
void segment_index_drop(struct segment *segment);

/* Entries to be saved, taken while the log is locked and written when it is not. */
struct index_block {
    int64_t base_offset;
    struct segment_extent extent;
    int64_t created_us;
    int64_t appended_us;
    struct index_entry *entries;
    size_t first; /* number of the first of them */
    size_t count;
    uint64_t file_position;
};

struct index_block segment_index_take(struct segment *segment);
void index_block_deinit(struct index_block *block);

/* Writes the block; returns the size of the file after it. */
MUST_USE enum status index_block_write(const struct index_block *block,
                                       const char *directory,
                                       uint64_t *ret_file_size,
                                       struct error *error);

/* Reads the index file as far as it is sound and covers no more than `size_max` bytes of the log
 * file: sets entries, extent and times. Nothing usable leaves an empty extent. */
void segment_index_load(struct segment *segment, const char *directory, uint64_t size_max);

/* Calls `visit` for each whole, sound batch from `from` on, in which offsets follow each other.
 * STATUS_OK at the end of the file (or at `until`); STATUS_CORRUPT with the reason at a batch that
 * is bad or short. Both say where in `ret_position`. `next_offset` is what the first batch must
 * have as its base (-1: any); with gaps, it may be larger. */
typedef enum status (*segment_visit)(void *context,
                                     struct slice batch,
                                     const struct record_batch_header *header,
                                     uint64_t position,
                                     struct error *error);

struct segment_scan {
    int fd;
    uint64_t from;
    uint64_t until; /* UINT64_MAX: the end of the file */
    int64_t next_offset;
    bool gaps; /* compacted */
    segment_visit visit;
    void *context;
};

MUST_USE enum status
segment_scan(const struct segment_scan *scan, uint64_t *ret_position, struct error *error);
