#pragma once

/*
 * A lock on a file, which keeps two processes from using the same data directory. The system
 * releases it when its holder ends, however it ends; nothing is ever stale. The file stays and
 * holds the pid of its last holder for messages. Children that leat starts do not inherit it.
 */

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct file_lock {
    int fd; /* -1: not held */
};

#define FILE_LOCK_NONE ((struct file_lock){-1})

/* Takes the lock at `path`, making the file if need be, without waiting. STATUS_AGAIN if another
 * holds it, also within this process; then `ret_holder` (may be NULL) is its pid, 0 if unknown. */
MUST_USE enum status file_lock_take(const char *path,
                                    struct file_lock *ret_lock,
                                    int64_t *ret_holder,
                                    struct error *error);

void file_lock_release(struct file_lock *lock); /* fine if not held */

/* Whether anybody holds the lock at `path`, this process included; false if there is no such file.
 * A descriptor that a child inherited holds it on after its parent has ended. */
bool file_lock_is_held(const char *path);
