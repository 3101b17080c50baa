#pragma once

/*
 * A try of a task is a process of its own, the keeper: leat itself, started with KEEPER_COMMAND and
 * the try's folder. It outlives the leat that started it, runs the work, and leaves what came of it
 * in the folder:
 *
 *     DATA/dags/runs/RUN/TASK/TRY/
 *         lock         held by the keeper from before it is started until it has ended
 *         spec.json    what to do; gone when it is done, as it may hold secrets
 *         started      made durable before anything is done
 *         log          what the work wrote
 *         output       its output, if it wrote one
 *         stop         somebody wants it to end
 *         result.json  how it ended, made durable before the lock goes
 *
 * Whoever starts the keeper takes the lock and lets it inherit it, so that there is no moment in
 * which a try looks as if nobody cared for it. A try whose lock is free has ended (there is a
 * result), was never begun (nothing is started: it can be started now), or was lost (its keeper was
 * killed, or the machine stopped).
 */

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define KEEPER_COMMAND "dag-keeper"

enum try_stage {
    TRY_RUNNING,
    TRY_ENDED,
    TRY_NEVER_BEGAN,
    TRY_LOST,
};

enum try_outcome {
    TRY_SUCCESS,
    TRY_FAILED,
    TRY_SKIPPED,
    TRY_STOPPED,
};

extern const char *const try_outcome_names[];

struct try_result {
    enum try_outcome outcome;
    bool final;    /* trying again would not help */
    int exit_code; /* -1: none */
    int64_t started_us, ended_us;
    const char *message; /* NULL: none */
    const char *output;  /* NULL: none */
};

#define TRY_OUTPUT_BYTES_MAX 65536

/* The folder of a try. */
const char *
try_folder(const char *data, int64_t run, const char *task, int64_t number, struct arena *arena);

/* Writes the spec and starts a keeper, whose pid the caller reaps. STATUS_AGAIN if one is at work.
 */
MUST_USE enum status
try_start(const char *folder, struct slice spec, pid_t *ret_pid, struct error *error);

/* How far it is; with TRY_ENDED the result, in the arena. */
MUST_USE enum status try_look(const char *folder,
                              struct arena *arena,
                              enum try_stage *ret_stage,
                              struct try_result *ret_result,
                              struct error *error);

/* Asks it to end. */
MUST_USE enum status try_stop(const char *folder, struct error *error);

/* By the keeper. */
MUST_USE enum status
try_write_result(const char *folder, const struct try_result *result, struct error *error);
