#pragma once

/* The DAGs of pipeline files, and the scheduler over them. */

#include "app/pipeline.h"
#include "orchestrate/dag.h"
#include "orchestrate/scheduler.h"

/* Builds and checks them. Memory of the pipeline's arena. */
MUST_USE enum status dags_build(const struct pipeline *pipeline,
                                struct dag ***ret_dags,
                                size_t *ret_count,
                                struct error *error);

/* What a scheduler wants to know of several pipelines. */
struct dag_set {
    struct arena *arena;
    struct dag **dags;
    size_t count;
    struct scheduler_pool *pools;
    size_t pool_count;
};

/* Adds those of a pipeline. Pools of the same name are one, with the most slots. */
MUST_USE enum status
dag_set_add(struct dag_set *set, const struct pipeline *pipeline, struct error *error);

/* This program, for what it starts of itself. */
const char *dags_program(struct arena *arena);

/* Without links and dots, as keepers run elsewhere; as it is if that cannot be found. */
const char *dags_absolute(const char *path, struct arena *arena);
