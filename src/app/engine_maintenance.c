/* What keeps disks alive: dead letters go after 30 days, rows past their time to live, each
 * counted. */

#include "app/engine_internal.h"
#include "app/engine_lead.h"

#include "base/logline.h"
#include "base/time_text.h"
#include "io/clock.h"

#define EVERY_US      US_PER_HOUR
#define DEAD_STAYS_US (30 * US_PER_DAY)

static void report(const char *what, int64_t removed, enum status status, const struct error *error)
{
    if (status != STATUS_OK) {
        logline_error(LOG_WARN, "maintenance", error);
    } else if (removed > 0) {
        logline(LOG_INFO, "maintenance", what, LOG_INT("count", removed));
    }
}

static void expire_stage(const struct engine *engine, int64_t before_us)
{
    struct stage *stage;
    struct error error;
    int64_t removed = 0;
    enum status status = stage_open_fenced(engine->roles.stage_ops, engine->roles.stage_url,
                                           engine_fence(engine), &stage, &error);
    if (status == STATUS_OK) {
        status = engine->roles.stage_ops->dead_expire(stage, before_us, &removed, &error);
        engine->roles.stage_ops->close(stage);
    }
    report("dead letters of sources went after 30 days", removed, status, &error);
}

static void expire_store(const struct engine *engine,
                         const struct store_ops *ops,
                         const char *url,
                         int64_t now_us)
{
    struct store *store;
    struct error error;
    int64_t removed = 0;
    if (roles_is_missing_file(url)) {
        return;
    }
    enum status status = store_open_fenced(ops, url, engine_fence(engine), &store, &error);
    if (status == STATUS_OK) {
        status = ops->dead_expire(store, now_us - DEAD_STAYS_US, &removed, &error);
        report("dead letters went after 30 days", removed, status, &error);
        if (ops->expire != NULL) {
            status = ops->expire(store, now_us, &removed, &error);
            report("rows went after their time to live", removed, status, &error);
        }
        ops->close(store);
    } else {
        report("", 0, status, &error);
    }
}

void engine_maintain(struct engine *engine)
{
    int64_t now_us = clock_now_us();
    if (clock_monotonic_us() < engine->maintain_next_us || !engine->lead.leads) {
        return;
    }
    engine->maintain_next_us = clock_monotonic_us() + EVERY_US;
    expire_stage(engine, now_us - DEAD_STAYS_US);
    expire_store(engine, engine->roles.store_ops, engine->roles.store_url, now_us);
    for (size_t i = 0; i < engine->topic_count; i++) {
        if (engine->topics[i].job.state_url != NULL) {
            expire_store(engine, engine->topics[i].job.state_ops, engine->topics[i].job.state_url,
                         now_us);
        }
    }
}
