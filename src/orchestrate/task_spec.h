#pragma once

/* What a keeper is told to do: a task's settings with the values of this run in them. */

#include "base/buffer.h"
#include "orchestrate/dag.h"
#include "orchestrate/run_store.h"

/* Where things are. */
struct task_place {
    const char *leat;    /* the program */
    const char *data;    /* absolute */
    const char *profile; /* NULL: none */
    const char *secrets; /* NULL: none */
};

struct task_run {
    const struct dag *dag;
    const struct dag_run *run;
    const struct run_task *tasks; /* of the run */
    size_t task_count;
    const char *name;         /* of the task, or of the one that a hook is about; "": of the run */
    const char *task_message; /* hooks: why; NULL: none */
    int64_t number;           /* of the try */
};

/* The spec of a task's try as JSON. STATUS_DATA if a template has no value. */
MUST_USE enum status task_spec_write(const struct task_place *place,
                                     const struct task_run *about,
                                     const struct dag_task *task,
                                     struct buffer *ret_json,
                                     struct error *error);

/* The same for a hook. */
MUST_USE enum status task_spec_write_hook(const struct task_place *place,
                                          const struct task_run *about,
                                          const struct dag_hook *hook,
                                          struct buffer *ret_json,
                                          struct error *error);
