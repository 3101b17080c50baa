#include "app/reach.h"

#include "app/roles.h"
#include "app/source_kind.h"
#include "app/topology.h"
#include "base/assert.h"
#include "connect/source.h"
#include "connectors/kafka/kafka_check.h"
#ifdef LEAT_POSTGRES
#include "connectors/postgres/pg_check.h"
#endif
#include "http/client.h"
#include "io/thread.h"

#include <stdio.h>
#include <string.h>

struct reach {
    reach_visit visit;
    void *context;
    struct arena arena;
};

static void tell(struct reach *reach,
                 const char *what,
                 enum status status,
                 const char *found,
                 const char *remedy)
{
    const struct reach_finding finding = {what, status, found, remedy};
    reach->visit(reach->context, &finding);
}

/* Only the first line: the rest shows the place in the file, for which a table has no room. */
static void tell_error(struct reach *reach, const char *what, struct error *error)
{
    error->message[strcspn(error->message, "\n")] = '\0';
    tell(reach, what, error->status, error->message, error->hint);
}

/* ---- sources -----------------------------------------------------------------------------------
 */

static void cancel_late(struct thread *self, void *context)
{
    if (!thread_pause(self, REACH_SOURCE_US)) {
        atomic_store((atomic_bool *) context, true);
    }
}

static enum status fetch_once(struct source *source,
                              const struct source_ops *ops,
                              struct arena *arena,
                              struct source_page *page,
                              struct error *error)
{
    atomic_bool cancelled = false;
    const struct source_request request = {.cancelled = &cancelled};
    struct thread *timer;
    int64_t retry_after_us;
    TRY(thread_start("doctor", cancel_late, &cancelled, &timer, error));
    enum status status = ops->fetch(source, &request, arena, page, &retry_after_us, error);
    enum status joined = thread_join(timer, -1, NULL);
    ASSERT(joined == STATUS_OK); /* it waits for ever */
    return status == STATUS_CANCELLED
               ? error_set(error, STATUS_UNAVAILABLE, "does not answer within 3 s")
               : status;
}

static void reach_source(struct reach *reach,
                         const struct pipeline *pipeline,
                         const struct setting_section *section)
{
    const struct source_settings *settings = section->value;
    struct source_kind kind;
    const char *what = arena_printf(&reach->arena, "source %s", section->name);
    const char *name = arena_printf(&reach->arena, "%s.%s", pipeline->name, section->name);
    struct error error = {0};
    struct source *source = NULL;
    struct source_page page = {0};
    const char *found = NULL;
    enum status status = source_kind_of(settings, section->name, &kind, &error);
    if (status == STATUS_OK) {
        status = kind.ops->open(kind.settings, name, &source, &error);
    }
    if (status == STATUS_OK && kind.ops->check != NULL) {
        status = kind.ops->check(source, &reach->arena, &found, &error);
    } else if (status == STATUS_OK) {
        status = fetch_once(source, kind.ops, &reach->arena, &page, &error);
        found = arena_printf(&reach->arena, "%s gives %zu record%s", kind.ops->describe(source),
                             page.count, page.count == 1 ? "" : "s");
    }
    if (status == STATUS_OK) {
        tell(reach, what, STATUS_OK, found, "");
    } else {
        if (error.hint[0] == '\0' && status != STATUS_CONFIG) {
            error_hint(&error, "`leat up` tries again; `leat run` gives up after --give-up");
        }
        tell_error(reach, what, &error);
    }
    if (source != NULL) {
        kind.ops->close(source);
    }
}

void reach_sources(const struct pipeline *pipeline, reach_visit visit, void *context)
{
    struct reach reach = {.visit = visit, .context = context};
    arena_init(&reach.arena, 0);
    for (size_t i = 0; i < pipeline->sources.count; i++) {
        reach_source(&reach, pipeline, &pipeline->sources.items[i]);
    }
    arena_deinit(&reach.arena);
}

/* ---- engines -----------------------------------------------------------------------------------
 */

static void tell_kafka(void *context, const struct kafka_finding *finding)
{
    struct reach *reach = context;
    struct error error = {.status = finding->status};
    (void) snprintf(error.message, sizeof(error.message), "%s", finding->found);
    (void) snprintf(error.hint, sizeof(error.hint), "%s", finding->remedy);
    tell_error(reach,
               finding->subject[0] == '\0'
                   ? "profile: log"
                   : arena_printf(&reach->arena, "profile: log, %s", finding->subject),
               &error);
}

static void
reach_log(struct reach *reach, const struct pipeline *pipeline, const struct roles *roles)
{
    struct error error = {0};
    struct topology *topology;
    struct topic_spec *topics = NULL;
    size_t count = 0;
    /* A file that does not compile is told elsewhere. */
    if (topology_build(pipeline, NULL, NULL, &reach->arena, &topology, &error) == STATUS_OK) {
        topics = ARENA_ARRAY(&reach->arena, struct topic_spec, topology->topic_count + 1);
        for (size_t i = 0; i < topology->topic_count; i++) {
            topics[count++] = topology->topics[i].spec;
        }
    }
    kafka_check(roles->log, roles->log_settings, topics, count, tell_kafka, reach);
}

static enum status
count_one(void *context, const char *owner, int64_t fence, bool holds, struct error *error)
{
    (void) owner;
    (void) fence;
    (void) holds;
    (void) error;
    (*(int *) context)++;
    return STATUS_OK;
}

static void
reach_lock(struct reach *reach, const struct pipeline *pipeline, const struct roles *roles)
{
    static const char what[] = "profile: coordination";
    struct error error = {0};
    int count = 0;
    if (roles->lock_ops->list(roles->lock_url, pipeline->name, count_one, &count, &error) !=
        STATUS_OK) {
        tell_error(reach, what, &error);
        return;
    }
    tell(reach, what, STATUS_OK,
         arena_printf(&reach->arena, "answers; %d leat%s of this pipeline %s there", count,
                      count == 1 ? "" : "s", count == 1 ? "is" : "are"),
         "");
}

static void reach_schemas(struct reach *reach, const struct roles *roles)
{
    static const char what[] = "profile: schemas";
    const struct http_client_config config = {0};
    struct error error = {0};
    struct http_client *client;
    struct http_reply reply;
    const struct http_request request = {
        .url = arena_printf(&reach->arena, "%s/subjects", roles->schemas),
        .timeouts = {REACH_SOURCE_US, REACH_SOURCE_US, REACH_SOURCE_US, REACH_SOURCE_US},
    };
    if (http_client_new(&config, &client, &error) != STATUS_OK) {
        tell_error(reach, what, &error);
        return;
    }
    http_reply_init(&reply);
    if (http_request(client, &request, &reply, &error) != STATUS_OK) {
        tell_error(reach, what, &error);
    } else if (reply.status != 200) {
        tell(reach, what, STATUS_UNAVAILABLE,
             arena_printf(&reach->arena, "answers with HTTP status %d", reply.status),
             "is this the address of a schema registry?");
    } else {
        tell(reach, what, STATUS_OK, "answers", "");
    }
    http_reply_deinit(&reply);
    http_client_free(client);
}

#ifdef LEAT_POSTGRES

struct postgres_reach {
    struct reach *reach;
    const char *what;
};

static void tell_postgres(void *context, const struct pg_finding *finding)
{
    const struct postgres_reach *postgres = context;
    const char *comma = finding->subject[0] == '\0' ? "" : ", ";
    tell(postgres->reach,
         arena_printf(&postgres->reach->arena, "%s%s%s", postgres->what, comma, finding->subject),
         finding->status, finding->found, finding->remedy);
}

/* PostgreSQL tells more than whether it answers, and opening it for real would make its schema. */
static bool reach_postgres(struct reach *reach, const char *url, const char *role)
{
    if (strncmp(url, "postgresql://", 13) != 0 && strncmp(url, "postgres://", 11) != 0) {
        return false;
    }
    struct postgres_reach postgres = {reach, arena_printf(&reach->arena, "profile: %s", role)};
    postgres_check(url, role, tell_postgres, &postgres);
    return true;
}

#else

static bool reach_postgres(struct reach *reach, const char *url, const char *role)
{
    (void) reach;
    (void) url;
    (void) role;
    return false;
}

#endif

static void reach_stage(struct reach *reach, const struct roles *roles)
{
    static const char what[] = "profile: staging";
    struct error error = {0};
    struct stage *stage;
    if (reach_postgres(reach, roles->stage_url, "staging")) {
        return;
    }
    if (roles->stage_ops->open(roles->stage_url, &stage, &error) != STATUS_OK) {
        tell_error(reach, what, &error);
        return;
    }
    roles->stage_ops->close(stage);
    tell(reach, what, STATUS_OK, "answers", "");
}

static void reach_store(struct reach *reach, const struct roles *roles)
{
    static const char what[] = "profile: storage";
    struct error error = {0};
    struct store *store;
    if (reach_postgres(reach, roles->store_url, "storage")) {
        return;
    }
    enum status status = roles->store_ops->open(roles->store_url, true, &store, &error);
    if (status == STATUS_NOT_FOUND) {
        tell(reach, what, STATUS_OK, "answers, and nothing is stored yet", "");
        return;
    }
    if (status != STATUS_OK) {
        tell_error(reach, what, &error);
        return;
    }
    roles->store_ops->close(store);
    tell(reach, what, STATUS_OK, "answers", "");
}

static void tell_processing(
    void *context, const char *part, enum status status, const char *found, const char *remedy)
{
    struct reach *reach = context;
    struct error error = {.status = status};
    (void) snprintf(error.message, sizeof(error.message), "%s", found);
    (void) snprintf(error.hint, sizeof(error.hint), "%s", remedy);
    tell_error(
        reach,
        arena_printf(&reach->arena, "profile: processing%s%s", part[0] == '\0' ? "" : ", ", part),
        &error);
}

void reach_engines(const struct pipeline *pipeline, reach_visit visit, void *context)
{
    const struct profile_settings *profile = pipeline->profile;
    struct reach reach = {.visit = visit, .context = context};
    struct roles roles;
    struct error error = {0};
    if (profile == NULL) {
        return;
    }
    arena_init(&reach.arena, 0);
    if (roles_take(profile, "", &reach.arena, &roles, &error) != STATUS_OK) {
        tell_error(&reach, "profile", &error);
        arena_deinit(&reach.arena);
        return;
    }
    if (roles.log != NULL) {
        reach_log(&reach, pipeline, &roles);
    }
    if (roles.lock_ops != NULL) {
        reach_lock(&reach, pipeline, &roles);
    }
    if (roles.schemas != NULL) {
        reach_schemas(&reach, &roles);
    }
    if (profile->staging != NULL) {
        reach_stage(&reach, &roles);
    }
    if (profile->storage != NULL) {
        reach_store(&reach, &roles);
    }
    if (roles.processor_ops->reach != NULL) {
        roles.processor_ops->reach(roles.processor_url, roles.checkpoints_url, tell_processing,
                                   &reach);
    }
    arena_deinit(&reach.arena);
}
