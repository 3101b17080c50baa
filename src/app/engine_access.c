#include "app/engine_access.h"

#include "base/logline.h"
#include "base/memory.h"
#include "console/password.h"
#include "http/tls_files.h"
#include "io/file.h"

#include <stdio.h>

struct engine_access {
    const char *users; /* NULL: no login */
    char token[SECRET_BYTES];
    struct tls_files tls;
    bool with_tls;
};

/* The first file that says something about the console speaks for the process. */
static const struct pipeline *speaker(const struct engine *engine)
{
    for (size_t i = 0; i < engine->pipeline_count; i++) {
        if (engine->pipelines[i].pipeline->console != NULL) {
            return engine->pipelines[i].pipeline;
        }
    }
    return NULL;
}

static enum status open_tls(struct engine_access *access,
                            const struct pipeline *pipeline,
                            struct data_dir_addresses *addresses,
                            struct error *error)
{
    const struct tls_settings *tls = pipeline->console->tls;
    if (tls == NULL) {
        return STATUS_OK;
    }
    const char *certificate = pipeline_file(pipeline, tls->certificate);
    const char *key = pipeline_file(pipeline, tls->key);
    TRY(tls_files_load(certificate, key, &access->tls, error));
    access->with_tls = true;
    (void) snprintf(addresses->http_pin, sizeof(addresses->http_pin), "%s", access->tls.pin);
    return STATUS_OK;
}

/* A token of a leat that was killed may be left; it opens nothing. */
static enum status
write_token(const struct engine *engine, struct engine_access *access, struct error *error)
{
    char path[1200];
    char line[SECRET_BYTES + 2];
    (void) data_dir_file(engine->data.path, "token", path);
    if (access->users == NULL) {
        return file_remove(path, error);
    }
    secret_make(access->token);
    (void) snprintf(line, sizeof(line), "%s\n", access->token);
    return file_replace_private(path, slice_of_string(line), error);
}

enum status engine_access_open(struct engine *engine, struct error *error)
{
    const struct pipeline *pipeline = speaker(engine);
    struct engine_access *access = mem_zalloc(sizeof(*access));
    engine->access = access;
    access->users = engine->options.users;
    if (pipeline != NULL) {
        if (access->users == NULL && pipeline->console->users != NULL) {
            access->users = pipeline_file(pipeline, pipeline->console->users);
        }
        TRY(open_tls(access, pipeline, &engine->addresses, error));
    }
    return write_token(engine, access, error);
}

void engine_access_close(struct engine *engine)
{
    struct engine_access *access = engine->access;
    if (access == NULL) {
        return;
    }
    char path[1200];
    struct error ignored;
    if (access->token[0] != '\0') {
        (void) !file_remove(data_dir_file(engine->data.path, "token", path), &ignored);
    }
    tls_files_free(&access->tls);
    mem_free(access);
    engine->access = NULL;
}

bool engine_access_has_login(const struct engine *engine)
{
    return engine->access != NULL && engine->access->users != NULL;
}

void engine_access_configure(struct engine *engine, struct console_config *config)
{
    struct engine_access *access = engine->access;
    const struct alerts_settings **alerts =
        ARENA_ARRAY(&engine->arena, const struct alerts_settings *, engine->pipeline_count + 1);
    for (size_t i = 0; i < engine->pipeline_count; i++) {
        if (engine->pipelines[i].pipeline->alerts != NULL) {
            alerts[config->alert_count++] = engine->pipelines[i].pipeline->alerts;
        }
    }
    config->alerts = alerts;
    config->users = access->users;
    config->token = access->users == NULL ? NULL : access->token;
    if (access->with_tls) {
        config->tls_certificate = buffer_string(&access->tls.certificate);
        config->tls_key = buffer_string(&access->tls.key);
    } else if (access->users != NULL && !config->loopback) {
        logline(LOG_WARN, "console", "passwords and tokens travel in the clear",
                LOG_STRING("hint", "give the console a certificate: console: {tls: ...}, or put a "
                                   "proxy with TLS before it"));
    }
}
