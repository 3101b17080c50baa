/* The scheduler of DAGs, on a thread of its own. */

#include "app/dags.h"
#include "app/engine_internal.h"
#include "base/logline.h"
#include "base/memory.h"
#include "io/thread.h"

#include <string.h>

#define AGAIN_US INT64_C(500000)

struct engine_dags {
    struct arena arena;
    struct dag_set set;
    struct scheduler_options options;
    struct thread *thread;
};

/* Fails now and then if another process has the lock, or the disk is full: then it comes again. */
static void schedule(struct thread *self, void *context)
{
    struct engine_dags *dags = context;
    struct scheduler *scheduler = NULL;
    struct error told = {0};
    while (!thread_stopping(self)) {
        struct error error = {0};
        int64_t wait = AGAIN_US;
        enum status status = STATUS_OK;
        if (scheduler == NULL) {
            status = scheduler_open(&dags->options, &scheduler, &error);
        }
        if (status == STATUS_OK) {
            status = scheduler_tick(scheduler, &wait, &error);
        }
        if (status != STATUS_OK) {
            if (strcmp(told.message, error.message) != 0) {
                logline_error(LOG_WARN, "dags", &error);
                told = error;
            }
            scheduler_close(scheduler); /* what it has in memory may be behind what is stored */
            scheduler = NULL;
            wait = AGAIN_US;
        }
        (void) thread_pause(self, wait);
    }
    scheduler_close(scheduler);
}

/* True if somebody else says when things run, or this process ends by itself. */
static bool left_to_others(const struct engine *engine, const struct pipeline *pipeline)
{
    const struct engine_options *options = &engine->options;
    return options->until_drained || options->limit >= 0 || options->only_source != NULL ||
           (pipeline->profile != NULL && pipeline->profile->orchestration != 0);
}

enum status engine_dags_start(struct engine *engine, struct error *error)
{
    struct engine_dags *dags = mem_zalloc(sizeof(*dags));
    arena_init(&dags->arena, 0);
    dags->set.arena = &dags->arena;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < engine->pipeline_count && status == STATUS_OK; i++) {
        const struct pipeline *pipeline = engine->pipelines[i].pipeline;
        if (!left_to_others(engine, pipeline)) {
            status = dag_set_add(&dags->set, pipeline, error);
        }
    }
    engine->dags = dags;
    if (status != STATUS_OK || dags->set.count == 0) {
        engine_dags_stop(engine);
        return status;
    }
    dags->options = (struct scheduler_options){
        .place = {.leat = dags_program(&dags->arena),
                  .data = dags_absolute(engine->data.path, &dags->arena),
                  .profile = engine->options.profile,
                  .secrets = engine->options.secrets_dir == NULL
                                 ? NULL
                                 : dags_absolute(engine->options.secrets_dir, &dags->arena)},
        .dags = dags->set.dags,
        .dag_count = dags->set.count,
        .pools = dags->set.pools,
        .pool_count = dags->set.pool_count,
    };
    return thread_start("dags", schedule, dags, &dags->thread, error);
}

void engine_dags_stop(struct engine *engine)
{
    struct engine_dags *dags = engine->dags;
    if (dags == NULL) {
        return;
    }
    if (dags->thread != NULL) {
        (void) !thread_join(dags->thread, -1, NULL);
    }
    arena_deinit(&dags->arena);
    mem_free(dags);
    engine->dags = NULL;
}
