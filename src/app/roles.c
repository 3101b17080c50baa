#include "app/roles.h"

#ifdef LEAT_SPARK
#include "cluster/spark/processor.h"
#endif
#ifdef LEAT_ZOOKEEPER
#include "cluster/zookeeper_lock.h"
#endif
#include "connectors/cassandra/cassandra_store.h"
#ifdef LEAT_POSTGRES
#include "connectors/postgres/postgres_stage.h"
#include "connectors/postgres/postgres_store.h"
#endif
#include "connectors/sqlite/sqlite_stage.h"
#include "connectors/sqlite/sqlite_store.h"
#include "stream/processor.h"

#include <string.h>
#include <unistd.h>

/* One engine of a role. */
struct known {
    const char *scheme;
    const void *ops;     /* NULL: this binary was built without it */
    const char *package; /* that brings what it needs */
};

#ifdef LEAT_POSTGRES
#define POSTGRES_STAGE (&postgres_stage_ops)
#define POSTGRES_STORE (&postgres_store_ops)
#else
#define POSTGRES_STAGE NULL
#define POSTGRES_STORE NULL
#endif
#define POSTGRES_PACKAGE "libpq-dev"

#define KNOWN_END                                                                                  \
    {                                                                                              \
        NULL, NULL, NULL                                                                           \
    }

static const struct known stages[] = {
    {"postgresql://", POSTGRES_STAGE, POSTGRES_PACKAGE},
    {"postgres://", POSTGRES_STAGE, POSTGRES_PACKAGE},
    KNOWN_END,
};

static const struct known stores[] = {
    {"postgresql://", POSTGRES_STORE, POSTGRES_PACKAGE},
    {"postgres://", POSTGRES_STORE, POSTGRES_PACKAGE},
    {"cassandra://", &cassandra_store_ops, NULL},
    KNOWN_END,
};

static const struct known processors[] = {
#ifdef LEAT_SPARK
    {"spark://", &spark_processor, NULL},
#else
    {"spark://", NULL, "libprotobuf-c-dev and protobuf-c-compiler"},
#endif
    KNOWN_END,
};

static const struct known locks[] = {
    {"zookeeper://",
#ifdef LEAT_ZOOKEEPER
     &zookeeper_lock_ops,
#else
     NULL,
#endif
     "libzookeeper-mt-dev"},
    KNOWN_END,
};

/* The engine that answers to a URL. */
static enum status find(const char *role,
                        const struct known *known,
                        const char *url,
                        const void **ret_ops,
                        struct error *error)
{
    for (const struct known *at = known; at->scheme != NULL; at++) {
        if (strncmp(url, at->scheme, strlen(at->scheme)) != 0) {
            continue;
        }
        if (at->ops == NULL) {
            (void) error_set(error, STATUS_CONFIG, "%s: this leat was built without %s", role,
                             at->scheme);
            error_hint(error, "install %s and build it again", at->package);
            return STATUS_CONFIG;
        }
        *ret_ops = at->ops;
        return STATUS_OK;
    }
    const char *end = strstr(url, "://");
    (void) error_set(error, STATUS_CONFIG, "%s: no engine answers to \"%.*s\"", role,
                     end == NULL ? (int) strlen(url) : (int) (end + 3 - url), url);
    if (known->scheme != NULL) {
        error_hint(error, "such as %s", known->scheme);
    } else {
        error_hint(error, "take it out of the profile: the embedded engine does that role then");
    }
    return STATUS_CONFIG;
}

/* name, value, ..., NULL */
static const char *const *flat(const struct setting_pairs *pairs, struct arena *arena)
{
    const char **settings = ARENA_ARRAY(arena, const char *, 2 * pairs->count + 1);
    for (size_t i = 0; i < pairs->count; i++) {
        settings[2 * i] = pairs->items[i].name;
        settings[2 * i + 1] = pairs->items[i].value;
    }
    return settings;
}

static enum status take_log(const struct profile_settings *profile,
                            struct arena *arena,
                            struct roles *roles,
                            struct error *error)
{
    static const char scheme[] = "kafka://";
    if (profile->log == NULL) {
        return STATUS_OK;
    }
    if (strncmp(profile->log, scheme, strlen(scheme)) != 0 ||
        profile->log[strlen(scheme)] == '\0') {
        return error_set(error, STATUS_CONFIG, "log: \"%s\" is no kafka://HOST:PORT[,HOST:PORT]",
                         profile->log);
    }
    roles->log = profile->log + strlen(scheme);
    roles->log_settings = flat(&profile->log_settings, arena);
    return STATUS_OK;
}

static enum status
take_schemas(const struct profile_settings *profile, struct roles *roles, struct error *error)
{
    const char *url = profile->schemas;
    if (url != NULL && strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) {
        return error_set(error, STATUS_CONFIG, "schemas: \"%s\" is no http(s) URL", url);
    }
    roles->schemas = url;
    return STATUS_OK;
}

/* The storage's URL with what the profile says beside it: "?replication=dc1:3,dc2:3". */
static const char *storage_url(const struct storage_settings *storage, struct arena *arena)
{
    const char *url = storage->url;
    const char *before = strchr(url, '?') == NULL ? "?replication=" : "&replication=";
    for (size_t i = 0; i < storage->replication.count; i++) {
        const struct setting_pair *pair = &storage->replication.items[i];
        url = arena_printf(arena, "%s%s%s:%s", url, before, pair->name, pair->value);
        before = ",";
    }
    return url;
}

static enum status take_stores(const struct profile_settings *profile,
                               struct arena *arena,
                               struct roles *roles,
                               struct error *error)
{
    const void *ops;
    if (profile->staging != NULL) {
        TRY(find("staging", stages, profile->staging, &ops, error));
        roles->stage_ops = ops;
        roles->stage_url = profile->staging;
        /* State beside staging, so that another machine finds all that it needs to go on. */
        TRY(find("staging", stores, profile->staging, &ops, error));
        roles->state_ops = ops;
        roles->state_place = profile->staging;
    }
    if (profile->storage != NULL) {
        TRY(find("storage", stores, profile->storage->url, &ops, error));
        roles->store_ops = ops;
        roles->store_url = storage_url(profile->storage, arena);
    }
    return STATUS_OK;
}

static enum status take_others(const struct profile_settings *profile,
                               struct arena *arena,
                               struct roles *roles,
                               struct error *error)
{
    const void *ops;
    if (profile->processing != NULL) {
        TRY(find("processing", processors, profile->processing, &ops, error));
        roles->processor_ops = ops;
        roles->processor_url = profile->processing;
        roles->processor_settings = flat(&profile->processing_settings, arena);
        roles->checkpoints_url = profile->checkpoints;
    }
    if (profile->coordination != NULL) {
        TRY(find("coordination", locks, profile->coordination, &ops, error));
        roles->lock_ops = ops;
        roles->lock_url = profile->coordination;
    }
    return STATUS_OK;
}

enum status roles_take(const struct profile_settings *profile,
                       const char *data,
                       struct arena *arena,
                       struct roles *ret_roles,
                       struct error *error)
{
    *ret_roles = (struct roles){
        .stage_ops = &sqlite_stage_ops,
        .stage_url = arena_printf(arena, "%s/staging.db", data),
        .store_ops = &sqlite_store_ops,
        .store_url = arena_printf(arena, "%s/tables.db", data),
        .state_ops = &sqlite_store_ops,
        .state_place = arena_printf(arena, "%s/state", data),
        .processor_ops = &embedded_processor,
    };
    if (profile == NULL) {
        return STATUS_OK;
    }
    TRY(take_log(profile, arena, ret_roles, error));
    TRY(take_schemas(profile, ret_roles, error));
    TRY(take_stores(profile, arena, ret_roles, error));
    return take_others(profile, arena, ret_roles, error);
}

const char *roles_state_url(const struct roles *roles,
                            struct arena *arena,
                            const char *pipeline,
                            const char *topic)
{
    return roles_state_named(roles, arena, arena_printf(arena, "%s.%s", pipeline, topic));
}

const char *roles_state_named(const struct roles *roles, struct arena *arena, const char *name)
{
    if (roles->state_ops == &sqlite_store_ops) {
        return arena_printf(arena, "%s/%s.db", roles->state_place, name);
    }
    return arena_printf(arena, "%s%cstate=%s", roles->state_place,
                        strchr(roles->state_place, '?') == NULL ? '?' : '&', name);
}

bool roles_is_missing_file(const char *url)
{
    return strstr(url, "://") == NULL && access(url, F_OK) != 0;
}

static bool same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool roles_equal(const struct roles *a, const struct roles *b)
{
    return same(a->stage_url, b->stage_url) && same(a->store_url, b->store_url) &&
           same(a->processor_url, b->processor_url) &&
           same(a->checkpoints_url, b->checkpoints_url) && same(a->lock_url, b->lock_url) &&
           same(a->log, b->log) && same(a->schemas, b->schemas);
}
