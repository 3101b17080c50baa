/* Which engines a run stands on: the profile's URLs, or the embedded ones. */

#include "app/engine_internal.h"

/* Roles whose real engine this leat cannot use yet. */
static const char *unusable_role(const struct profile_settings *profile)
{
    return profile->staging != NULL        ? "staging"
           : profile->processing != NULL   ? "processing"
           : profile->storage != NULL      ? "storage"
           : profile->coordination != NULL ? "coordination"
                                           : NULL;
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static enum status
take_log(struct engine *engine, const struct profile_settings *profile, struct error *error)
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
    engine->foreign_log = profile->log + strlen(scheme);
    size_t count = profile->log_settings.count;
    const char **settings = ARENA_ARRAY(&engine->arena, const char *, 2 * count + 1);
    for (size_t i = 0; i < count; i++) {
        settings[2 * i] = profile->log_settings.items[i].name;
        settings[2 * i + 1] = profile->log_settings.items[i].value;
    }
    engine->log_settings = settings;
    return STATUS_OK;
}

static enum status
take_schemas(struct engine *engine, const struct profile_settings *profile, struct error *error)
{
    const char *url = profile->schemas;
    if (url == NULL) {
        return STATUS_OK;
    }
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) {
        return error_set(error, STATUS_CONFIG, "schemas: \"%s\" is no http(s) URL", url);
    }
    engine->foreign_schemas = url;
    return STATUS_OK;
}

enum status engine_profile_take(struct engine *engine,
                                const struct pipeline *pipeline,
                                bool first,
                                struct error *error)
{
    static const struct profile_settings embedded = {0};
    const struct profile_settings *profile =
        pipeline->profile == NULL ? &embedded : pipeline->profile;
    const char *role = unusable_role(profile);
    if (role != NULL) {
        (void) error_set(error, STATUS_CONFIG,
                         "%s: the profile names an engine for %s, which this leat cannot use yet",
                         pipeline->path, role);
        error_hint(error, "take it out of the profile: the embedded engine does that role then");
        return STATUS_CONFIG;
    }
    if (!first && (!same_text(profile->log, engine->profile->log) ||
                   !same_text(profile->schemas, engine->profile->schemas))) {
        return error_set(error, STATUS_CONFIG,
                         "%s: its profile names other engines than the file before",
                         pipeline->path);
    }
    engine->profile = profile;
    TRY(take_log(engine, profile, error));
    return take_schemas(engine, profile, error);
}
