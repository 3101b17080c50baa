#include "app/engine_lead.h"

#include "base/logline.h"
#include "base/memory.h"
#include "base/time_text.h"
#include "io/clock.h"

#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define AGAIN_US (1000 * INT64_C(1000)) /* after a start that failed */

const struct fence *engine_fence(const struct engine *engine)
{
    return engine->lead.lock == NULL ? NULL : &engine->lead.fence;
}

/* ---- what cannot work --------------------------------------------------------------------------
 */

static enum status
refuse(const struct engine *engine, const char *what, const char *remedy, struct error *error)
{
    (void) error_set(error, STATUS_CONFIG, "%s: coordination is refused: %s",
                     engine->pipelines[0].pipeline->path, what);
    error_hint(error, "%s", remedy);
    return STATUS_CONFIG;
}

enum status engine_lead_check(const struct engine *engine, struct error *error)
{
    const struct roles *roles = &engine->roles;
    if (roles->lock_ops == NULL) {
        return STATUS_OK;
    }
    if (engine->pipeline_count > 1) {
        return refuse(engine, "this process runs several pipelines, and would lead some only",
                      "run each pipeline in a process of its own", error);
    }
    if (roles->log == NULL) {
        return refuse(engine, "the log is embedded, and a stand-by would not find what it holds",
                      "name a Kafka in the profile: `log: kafka://HOST:PORT`", error);
    }
    if (roles->schemas == NULL) {
        return refuse(engine, "the schema registry is embedded, and a stand-by would not find it",
                      "name a registry in the profile: `schemas: http://HOST:PORT`", error);
    }
    if (roles->stage_ops->fence == NULL) {
        return refuse(engine, "staging is embedded, and a stand-by would not find what it holds",
                      "name a PostgreSQL in the profile: `staging: postgresql://...`", error);
    }
    if (roles->store_ops->local) {
        return refuse(engine, "tables are embedded, and a stand-by would not find them",
                      "name a store in the profile: `storage: {url: ...}`", error);
    }
    return STATUS_OK;
}

/* ---- who we are, for the others ----------------------------------------------------------------
 */

static void describe(const struct engine *engine, bool leads, char *target, size_t size)
{
    char host[HOST_NAME_MAX + 1] = "";
    char since[TIME_TEXT_BYTES] = "";
    (void) gethostname(host, sizeof(host) - 1);
    json_t *owner = json_pack("{s:s, s:I, s:s, s:s}", "host", host, "pid", (json_int_t) getpid(),
                              "http", engine->addresses.http, "data", engine->data.path);
    if (owner != NULL && leads) {
        (void) time_format(clock_now_us(), since);
        (void) json_object_set_new(owner, "since", json_string(since));
    }
    char *text = owner == NULL ? NULL : json_dumps(owner, JSON_COMPACT);
    /* A data directory of a thousand letters would cut it: others then see no more than that. */
    (void) snprintf(target, size, "%s", text == NULL ? "{}" : text);
    free(text);
    json_decref(owner);
}

/* "HOST, pid N" of what another said of itself; its text as it is, if it cannot be read. */
static const char *owner_name(const char *owner, char target[LOCK_OWNER_BYTES])
{
    json_t *root = json_loads(owner, 0, NULL);
    const char *host = json_string_value(json_object_get(root, "host"));
    if (host != NULL) {
        (void) snprintf(target, LOCK_OWNER_BYTES, "%s, pid %" PRId64, host,
                        (int64_t) json_integer_value(json_object_get(root, "pid")));
    } else {
        (void) snprintf(target, LOCK_OWNER_BYTES, "%s", owner[0] == '\0' ? "another" : owner);
    }
    json_decref(root);
    return target;
}

/* ---- standing by and leading -------------------------------------------------------------------
 */

static void changed(void *context)
{
    struct engine *engine = context;
    notify_ring(&engine->progress);
}

/* Is it worth waiting? `run` goes by its own patience, and what a person must mend ends at once:
 * credentials, settings, a topic or a table of somebody else. */
static bool is_away(const struct engine *engine, const struct error *error)
{
    bool may_answer = error->status == STATUS_UNAVAILABLE || error->status == STATUS_AGAIN ||
                      error->status == STATUS_PROTOCOL || error->status == STATUS_NOT_FOUND;
    return engine->profile != NULL && engine->options.give_up_us == 0 && error->retriable &&
           may_answer;
}

/* Nobody else runs these pipelines on a staging that is not ours alone. */
static enum status hold_stage(struct engine *engine, struct error *error)
{
    const struct stage_ops *ops = engine->roles.stage_ops;
    struct engine_lead *lead = &engine->lead;
    if (ops->hold == NULL || lead->hold != NULL) {
        return STATUS_OK;
    }
    const char **names = mem_calloc(engine->pipeline_count + 1, sizeof(*names));
    for (size_t i = 0; i < engine->pipeline_count; i++) {
        names[i] = engine->pipelines[i].pipeline->name;
    }
    enum status status =
        ops->hold(engine->roles.stage_url, names, engine->pipeline_count, &lead->hold, error);
    mem_free(names);
    return status;
}

/* Without coordination: a start that an absent engine prevents is tried again, for ever. */
static enum status start_alone(struct engine *engine, struct error *error)
{
    struct engine_lead *lead = &engine->lead;
    enum status status = hold_stage(engine, error);
    if (status == STATUS_OK) {
        status = engine_pipelines_start(engine, error);
    }
    if (status == STATUS_OK) {
        if (lead->error.status != STATUS_OK) {
            logline(LOG_INFO, "leat", "all engines answer: the pipelines run");
            error_clear(&lead->error);
        }
        lead->leads = true;
        return STATUS_OK;
    }
    if (!is_away(engine, error)) {
        return status;
    }
    engine_pipelines_halt(engine);
    if (lead->error.status == STATUS_OK || strcmp(lead->error.message, error->message) != 0) {
        logline_error(LOG_WARN, "leat", error);
    }
    if (lead->error.status == STATUS_OK) {
        logline(LOG_INFO, "leat", "waits for the engine, and tries again every second");
    }
    lead->error = *error;
    lead->again_us = clock_monotonic_us() + AGAIN_US;
    return STATUS_OK;
}

enum status engine_lead_start(struct engine *engine, struct error *error)
{
    struct engine_lead *lead = &engine->lead;
    if (engine->roles.lock_ops == NULL) {
        return start_alone(engine, error);
    }
    char owner[LOCK_OWNER_BYTES];
    lead->fence.scope = engine->pipelines[0].pipeline->name;
    lead->began_us = clock_monotonic_us();
    describe(engine, false, owner, sizeof(owner));
    return engine->roles.lock_ops->open(engine->roles.lock_url, lead->fence.scope, owner, changed,
                                        engine, &lead->lock, error);
}

static void stand_by(struct engine *engine, const char *why)
{
    struct engine_lead *lead = &engine->lead;
    char owner[LOCK_OWNER_BYTES];
    logline(LOG_WARN, "leat", "leads no more: all writing stops", LOG_STRING("why", why),
            LOG_INT("fence", lead->fence.number));
    engine_pipelines_halt(engine);
    lead->leads = false;
    lead->told = LOCK_CONNECTING;
    describe(engine, false, owner, sizeof(owner));
    engine->roles.lock_ops->describe(lead->lock, owner);
}

bool engine_lead_refused(struct engine *engine, const struct error *error)
{
    struct engine_lead *lead = &engine->lead;
    if (lead->lock == NULL || !fence_was_refused(error)) {
        return false;
    }
    lead->refused = lead->fence.number;
    lead->error = *error;
    return true;
}

/* A start that fails for now is tried again while the lease is ours; one that fails for good ends
 * the engine, and with it the lease, so that another may try. */
static enum status take_lead(struct engine *engine, int64_t number, struct error *error)
{
    struct engine_lead *lead = &engine->lead;
    char owner[LOCK_OWNER_BYTES];
    if (clock_monotonic_us() < lead->again_us) {
        return STATUS_OK;
    }
    lead->fence.number = number;
    logline(LOG_INFO, "leat", "leads: the pipeline starts", LOG_INT("fence", number));
    enum status status = engine_pipelines_start(engine, error);
    if (status == STATUS_OK) {
        lead->leads = true;
        error_clear(&lead->error);
        describe(engine, true, owner, sizeof(owner));
        engine->roles.lock_ops->describe(lead->lock, owner);
        return STATUS_OK;
    }
    engine_pipelines_halt(engine);
    lead->again_us = clock_monotonic_us() + AGAIN_US;
    lead->error = *error;
    if (engine_lead_refused(engine, error) || error->retriable) {
        logline_error(LOG_WARN, "leat", error);
        return STATUS_OK;
    }
    return status;
}

/* `run` waits neither for another's end nor for ever for the coordinator. */
static enum status
judge_waiting(struct engine *engine, const struct lock_status *status, struct error *error)
{
    char name[LOCK_OWNER_BYTES];
    if (engine->options.give_up_us == 0) {
        return STATUS_OK;
    }
    if (status->state == LOCK_WAITING) {
        return error_set(error, STATUS_AGAIN, "pipeline \"%s\" is run by another leat (%s)",
                         engine->lead.fence.scope, owner_name(status->holder, name));
    }
    if (clock_monotonic_us() - engine->lead.began_us < engine->options.give_up_us ||
        status->error.status == STATUS_OK) {
        return STATUS_OK;
    }
    *error = status->error;
    return error->status;
}

static void tell_waiting(struct engine *engine, const struct lock_status *status)
{
    struct engine_lead *lead = &engine->lead;
    char name[LOCK_OWNER_BYTES];
    bool news = lead->told != status->state || strcmp(lead->holder, status->holder) != 0;
    lead->told = status->state;
    (void) snprintf(lead->holder, sizeof(lead->holder), "%s", status->holder);
    if (!news) {
        return;
    }
    if (status->state == LOCK_WAITING) {
        char text[LOCK_OWNER_BYTES + 64];
        (void) snprintf(text, sizeof(text), "standing by behind %s",
                        owner_name(status->holder, name));
        logline(LOG_INFO, "leat", text, LOG_INT("ahead", status->ahead));
    } else if (status->error.status != STATUS_OK) {
        logline_error(LOG_WARN, "leat", &status->error);
    }
}

enum status engine_lead_tick(struct engine *engine, struct error *error)
{
    struct engine_lead *lead = &engine->lead;
    if (lead->lock == NULL) {
        if (lead->hold != NULL) {
            TRY(engine->roles.stage_ops->holds(lead->hold, error));
        }
        bool due = !lead->leads && !engine->draining && clock_monotonic_us() >= lead->again_us;
        return due ? start_alone(engine, error) : STATUS_OK;
    }
    const struct lock_ops *ops = engine->roles.lock_ops;
    if (lead->leads && !ops->held(lead->lock, lead->fence.number)) {
        stand_by(engine, "the lease is lost");
    } else if (lead->leads && lead->refused == lead->fence.number) {
        stand_by(engine, "a store was taken over by another");
    }
    if (lead->leads || engine->draining) {
        return STATUS_OK;
    }
    struct lock_status status;
    ops->status(lead->lock, &status);
    if (status.state == LOCK_HELD && status.fence != lead->refused) {
        return take_lead(engine, status.fence, error);
    }
    tell_waiting(engine, &status);
    return judge_waiting(engine, &status, error);
}

void engine_lead_stop(struct engine *engine)
{
    if (engine->lead.hold != NULL) {
        engine->roles.stage_ops->release(engine->lead.hold);
        engine->lead.hold = NULL;
    }
    if (engine->lead.lock != NULL) {
        engine->roles.lock_ops->close(engine->lead.lock);
        engine->lead.lock = NULL;
    }
}

/* ---- for status pages --------------------------------------------------------------------------
 */

void engine_lead_view(struct engine *engine, struct engine_lead_view *ret_view)
{
    struct engine_lead *lead = &engine->lead;
    *ret_view = (struct engine_lead_view){.role = NULL};
    if (lead->lock == NULL) {
        ret_view->role = lead->leads ? NULL : "connecting";
        ret_view->error = lead->error;
        return;
    }
    struct lock_status status;
    engine->roles.lock_ops->status(lead->lock, &status);
    ret_view->role = lead->leads                       ? "leader"
                     : status.state == LOCK_CONNECTING ? "connecting"
                                                       : "stand-by";
    ret_view->fence = lead->leads ? lead->fence.number : 0;
    if (!lead->leads && status.state == LOCK_WAITING) {
        (void) owner_name(status.holder, ret_view->leader);
    }
    ret_view->error = status.state == LOCK_CONNECTING ? status.error : lead->error;
    if (lead->leads) {
        error_clear(&ret_view->error);
    }
}
