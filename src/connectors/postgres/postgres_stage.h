#pragma once

/*
 * Staging in PostgreSQL: see connect/stage.h for what each function promises, and pg_place.h for
 * the URL. Any number of threads, processes and machines may have it open, each with a handle.
 */

#include "connect/stage.h"

extern const struct stage_ops postgres_stage_ops;
