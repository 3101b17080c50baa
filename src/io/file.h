#pragma once

/*
 * The seam for files: every write that must survive a crash goes through here, so that tests can
 * fail the n-th call (io_fault_*) and crash points can be named (io/crash.h).
 */

#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* Opens with O_CLOEXEC; `flags` and `mode` as in open(2). */
MUST_USE enum status
file_open(const char *path, int flags, int mode, int *ret_fd, struct error *error);

void file_close(int fd); /* fd -1 is fine */

/* Writes all of it at `offset`, in as many calls as needed. */
MUST_USE enum status
file_write_at(int fd, struct slice bytes, uint64_t offset, struct error *error);

/* Reads up to `size` bytes; short only at the end of the file. */
MUST_USE enum status file_read_at(
    int fd, void *target, size_t size, uint64_t offset, size_t *ret_size, struct error *error);

MUST_USE enum status file_sync(int fd, struct error *error); /* fdatasync */

/* Starts writing dirty pages to the disk; with `wait`, waits until they are written. Nothing is
 * durable before file_sync, but files that are started together share the disk's work. A failure of
 * the waiting call counts as one of file_sync: the system reports it once. */
MUST_USE enum status file_write_back(int fd, bool wait, struct error *error);
MUST_USE enum status file_truncate(int fd, uint64_t size, struct error *error);
MUST_USE enum status file_preallocate(int fd, uint64_t size, struct error *error); /* keeps size */
MUST_USE enum status file_size(int fd, uint64_t *ret_size, struct error *error);

/* Makes a directory and its parents. */
MUST_USE enum status directory_make(const char *path, struct error *error);

/* fsync of a directory, after files in it were made, renamed or removed. */
MUST_USE enum status directory_sync(const char *path, struct error *error);

/* directory_sync for the directory that `path` lies in. */
MUST_USE enum status directory_sync_parent(const char *path, struct error *error);

/* Removes a directory and all in it. Missing is fine. */
MUST_USE enum status directory_remove(const char *path, struct error *error);

/* Calls `visit` for each name but "." and "..", sorted. Stops at the first failure. */
MUST_USE enum status
directory_list(const char *path,
               enum status (*visit)(void *context, const char *name, struct error *error),
               void *context,
               struct error *error);

/* The whole file, up to `bytes_max` (STATUS_LIMIT above). */
MUST_USE enum status
file_load(const char *path, size_t bytes_max, struct buffer *ret_text, struct error *error);

/* Writes to "PATH.new", syncs, renames over `path`, syncs the directory: after a crash the old or
 * the new content is there, whole. One caller at a time for a path. */
MUST_USE enum status file_replace(const char *path, struct slice bytes, struct error *error);

/* The same, readable by its owner only. */
MUST_USE enum status
file_replace_private(const char *path, struct slice bytes, struct error *error);

/* Renames over `to`, if that exists. Durable after directory_sync. */
MUST_USE enum status file_rename(const char *from, const char *to, struct error *error);

/* Removes a file. Missing is fine. Durable after directory_sync. */
MUST_USE enum status file_remove(const char *path, struct error *error);

/* Free and total bytes of the file system that holds `path`. */
MUST_USE enum status
disk_space(const char *path, uint64_t *ret_free, uint64_t *ret_total, struct error *error);

/* Tests only: the `nth` (from 0) write, sync, open, rename or truncate from now fails with
 * `error_number`, a write after half of its bytes; -1 switches off. file_fault_calls counts since
 * the last setting. */
void file_fault(int64_t nth, int error_number);
int64_t file_fault_calls(void);
