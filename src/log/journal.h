#pragma once

/*
 * A small durable log of entries of our own (topics, groups, offsets, producer id blocks): one
 * append-only file that is read once, at the start, and rewritten when it has grown.
 *
 *     file:   "LTJR" | version 2 | reserved 2 | salt 8 | entries
 *     entry:  mark 4 | CRC-32C 4 | size 8 | durable 8 | bytes | zeros up to 8
 *
 * The CRC starts from the salt, so that no peer can forge an entry inside another's bytes, and
 * covers size, durable and bytes. `durable` is how much of the file was known to be on disk when
 * the entry was written; so at a restart damage can be told from a torn end: if a later entry says
 * that the damaged place had been durable, it is STATUS_CORRUPT, else the file is cut there.
 *
 * Threads: one thread calls; callbacks run on the flusher thread, in order (with FLUSH_INTERVAL and
 * FLUSH_NEVER on the caller's, before the call returns).
 */

#include "base/error.h"
#include "base/slice.h"

#include <stdint.h>

struct flusher;
struct journal;

#define JOURNAL_ENTRY_BYTES_MAX ((size_t) 64 << 20)

/* One stored entry, oldest first; borrowed for the call. A failure ends the opening with it. */
typedef enum status (*journal_replay)(void *context, struct slice entry, struct error *error);

/* The entry is durable (STATUS_OK), or is not (`error` says why). */
typedef void (*journal_done)(void *context, enum status status, const struct error *error);

/* Opens or makes the file and replays what it holds. */
MUST_USE enum status journal_open(const char *path,
                                  struct flusher *flusher,
                                  journal_replay replay,
                                  void *context,
                                  struct journal **ret_journal,
                                  struct error *error);

/* Syncs, runs what waits, closes. */
MUST_USE enum status journal_close(struct journal *journal, struct error *error);

/* Appends one entry. `done` (may be NULL) follows, possibly before this returns. After a failed
 * sync the file is cut back to what is durable: every waiting entry fails, later ones may succeed.
 */
void journal_append(struct journal *journal, struct slice entry, journal_done done, void *context);

/* Where a rewrite puts its entries. */
struct journal_writer;
MUST_USE enum status
journal_write(struct journal_writer *writer, struct slice entry, struct error *error);

/* Replaces the file by what `snapshot` writes, in one step (a new file, synced, renamed). The
 * snapshot must hold the effect of every entry appended so far, also of those whose `done` has not
 * run: they are synced, and done, before the old file goes. Blocks for some syncs. If it fails, the
 * old file stays. */
MUST_USE enum status journal_rewrite(struct journal *journal,
                                     enum status (*snapshot)(void *context,
                                                             struct journal_writer *writer,
                                                             struct error *error),
                                     void *context,
                                     struct error *error);

/* Bytes of the file, to decide when to rewrite. */
int64_t journal_size(struct journal *journal);
