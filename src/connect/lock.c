#include "connect/lock.h"

#include "base/attr.h"
#include "connect/stage.h"
#include "connect/store.h"

#include <inttypes.h>

/* In the domain of leat's own errors; none of errno, HTTP or Kafka is that high. */
#define FENCED_CODE 90001

const char *lock_state_name(enum lock_state state)
{
    static const char *const names[] = {"connecting", "waiting", "held"};
    return names[state];
}

enum status
fence_refused(struct error *error, const char *store, const struct fence *fence, int64_t newest)
{
    (void) error_set(error, STATUS_CONFLICT,
                     "fenced: %s was taken over by another leat of pipeline \"%s\" (fence %" PRId64
                     ", ours is %" PRId64 ")",
                     store, fence->scope, newest, fence->number);
    error_hint(error, "nothing was written; this process stands by. If no other runs, the "
                      "coordinator was set up anew and counts from the start again: remove the "
                      "fence of the pipeline from the store (docs/guides/zookeeper.md)");
    error_code(error, FENCED_CODE);
    if (error != NULL) {
        error->retriable = false;
    }
    return STATUS_CONFLICT;
}

bool fence_was_refused(const struct error *error)
{
    return error->status == STATUS_CONFLICT && error->code == FENCED_CODE;
}

enum status stage_open_fenced(const struct stage_ops *ops,
                              const char *url,
                              const struct fence *fence,
                              struct stage **ret_stage,
                              struct error *error)
{
    struct stage *stage;
    TRY(ops->open(url, &stage, error));
    if (fence != NULL && ops->fence != NULL) {
        enum status status = ops->fence(stage, fence, error);
        if (status != STATUS_OK) {
            ops->close(stage);
            return status;
        }
    }
    *ret_stage = stage;
    return STATUS_OK;
}

enum status store_open_fenced(const struct store_ops *ops,
                              const char *url,
                              const struct fence *fence,
                              struct store **ret_store,
                              struct error *error)
{
    struct store *store;
    TRY(ops->open(url, false, &store, error));
    if (fence != NULL && ops->fence != NULL) {
        enum status status = ops->fence(store, fence, error);
        if (status != STATUS_OK) {
            ops->close(store);
            return status;
        }
    }
    *ret_store = store;
    return STATUS_OK;
}
