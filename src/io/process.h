#pragma once

/*
 * Running another program to its end: the tasks of a DAG. The call blocks; use it from a worker
 * thread (io/thread.h). The program gets a process group of its own, /dev/null as input, no other
 * descriptor and no blocked signal of ours. When it ends, or must end, its whole group does.
 */

#include "base/error.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct process_options {
    const char *const *arguments;   /* NULL-terminated; the first is looked up in PATH            */
    const char *const *environment; /* NULL-terminated "NAME=value", over ours; NULL: only ours   */
    const char *directory;          /* to run in; NULL: ours                                      */
    int64_t timeout_us;             /* then it is told to end; 0: never                           */
    int64_t grace_us;               /* from SIGTERM to SIGKILL; 0: 5 s                            */
    /* What it writes, as it comes, in pieces of up to 64 KiB. */
    void (*output)(void *context, bool is_error, struct slice bytes);
    /* Asked some times a second: must it end? May be NULL. */
    bool (*stopping)(void *context);
    void *context; /* of both */
};

struct process_result {
    int exit_code;  /* -1 if a signal ended it            */
    int signal;     /* which; 0: none                     */
    bool timed_out; /* we ended it, for its time was over */
    bool stopped;   /* we ended it, as `stopping` said    */
};

/* Fails only if the program cannot be started (CONFIG: it does not exist or may not be run; else
 * IO); how it ended is in `ret_result`. */
MUST_USE enum status process_run(const struct process_options *options,
                                 struct process_result *ret_result,
                                 struct error *error);
