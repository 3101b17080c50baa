#pragma once

/*
 * Errors: what failed, of which kind, and what a person can do about it.
 *
 * A function that can fail returns `enum status` (never ignored) and, where a person will read the
 * reason, fills a caller-owned `struct error`. Callers put context in front as the error travels
 * up:
 *
 *     pipeline "users": sink "created_users": could not open "tables.db": disk is full
 *
 * Messages are lower case, without a full stop, quote names, and say "could not" if it may work
 * later and "cannot" if never. What to do stands in the hint. Every `struct error *` may be NULL.
 */

#include "base/attr.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* The kind of failure. It decides the exit code (see status_exit_code). */
enum status {
    STATUS_OK = 0,
    STATUS_FAILED,      /* the work failed for a reason of its own (test failed, dead letters)   */
    STATUS_USAGE,       /* the command line is wrong                                             */
    STATUS_CONFIG,      /* a pipeline file, a setting or SQL is wrong                            */
    STATUS_DATA,        /* input cannot be read as what it should be: a bad record or message    */
    STATUS_NOT_FOUND,   /* a name does not exist                                                 */
    STATUS_CONFLICT,    /* exists already, or was changed by another in between                  */
    STATUS_PROTOCOL,    /* a peer broke its protocol                                             */
    STATUS_IO,          /* the system refused a read or write                                    */
    STATUS_UNAVAILABLE, /* a server or a needed package is not reachable                         */
    STATUS_AGAIN,       /* worth trying again later: lock held, disk full, quota                 */
    STATUS_LIMIT,       /* a budget or a stated maximum would be passed                          */
    STATUS_CORRUPT,     /* stored data fails its checksum or contradicts itself                  */
    STATUS_CANCELLED,   /* stopped on request before it was done                                 */
    STATUS_INTERNAL,    /* a fault of leat itself                                                */
};

#define ERROR_MESSAGE_BYTES 2048
#define ERROR_HINT_BYTES    512

struct error {
    enum status status;
    int code;       /* of the domain that failed: errno, Kafka error code, HTTP status; else 0 */
    bool retriable; /* the same call may succeed later without anyone changing anything       */
    char message[ERROR_MESSAGE_BYTES];
    char hint[ERROR_HINT_BYTES];
};

/* Fills `error` (may be NULL) and returns `status`. AGAIN, UNAVAILABLE and IO count as retriable.
 */
enum status error_set(struct error *error, enum status status, const char *format, ...)
    PRINTF(3, 4);

enum status
error_set_va(struct error *error, enum status status, const char *format, va_list arguments)
    PRINTF(3, 0);

/* Like error_set, for a failed system call: appends ": <text of errno>" and picks the status from
 * `error_number` (ENOSPC and EDQUOT are AGAIN, with a hint about disk space; others IO). */
enum status error_set_errno(struct error *error, int error_number, const char *format, ...)
    PRINTF(3, 4);

/* What to do about it; replaces an earlier hint. */
void error_hint(struct error *error, const char *format, ...) PRINTF(2, 3);

/* Puts "context: " in front of the message. */
void error_context(struct error *error, const char *format, ...) PRINTF(2, 3);

void error_code(struct error *error, int code);
void error_clear(struct error *error);

/* The lower-case word for a status, such as "config", for logs and JSON. */
const char *status_name(enum status status);

/* sysexits as the commands promise them: 0, 1, 64, 65, 69, 75, 78 or 70. */
int status_exit_code(enum status status);

/* Passes a failure up. The callee has filled the error. */
#define TRY(expression)                                                                            \
    do {                                                                                           \
        enum status try_status_ = (expression);                                                    \
        if (try_status_ != STATUS_OK) {                                                            \
            return try_status_;                                                                    \
        }                                                                                          \
    } while (0)

/* Like TRY, for functions that must free on the way out: sets `status` and goes to `fail`. */
#define TRY_OR_FAIL(expression)                                                                    \
    do {                                                                                           \
        status = (expression);                                                                     \
        if (status != STATUS_OK) {                                                                 \
            goto fail;                                                                             \
        }                                                                                          \
    } while (0)
