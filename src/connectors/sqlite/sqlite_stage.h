#pragma once

/*
 * Staging in one SQLite file (`staging.db`): see connect/stage.h for what each function promises.
 * The `url` is a path. Any number of threads and processes may have it open, each with a handle.
 */

#include "connect/stage.h"

extern const struct stage_ops sqlite_stage_ops;
