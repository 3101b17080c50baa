#include "app/workspace.h"

#include "app/file_log.h"
#include "app/local_schemas.h"
#include "app/pipeline.h"
#include "base/buffer.h"
#include "connectors/kafka/kafka_admin.h"
#include "connectors/kafka/kafka_log.h"
#include "connectors/registry/confluent_schemas.h"
#include "io/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum status take_address(
    const char *option, const char *address, char *target, size_t size, struct error *error)
{
    if (address == NULL) {
        return STATUS_OK;
    }
    if (address[0] == '\0' || strlen(address) >= size) {
        return error_set(error, STATUS_USAGE, "%s is %s", option,
                         address[0] == '\0' ? "empty" : "too long");
    }
    (void) snprintf(target, size, "%s", address);
    return STATUS_OK;
}

enum status workspace_open(const char *data, struct workspace *ret_workspace, struct error *error)
{
    const struct workspace_place place = {.data = data};
    return workspace_open_at(&place, ret_workspace, error);
}

/* The log of a profile, and its registry, if it has one. */
static enum status
take_profile(struct workspace *workspace, const struct workspace_place *place, struct error *error)
{
    const struct pipeline_options options = {.profile = place->profile,
                                             .secrets_dir = place->secrets};
    struct data_dir_addresses *running = &workspace->running;
    struct pipeline *pipeline;
    TRY(pipeline_load(place->pipeline, &options, &workspace->arena, &pipeline, error));
    TRY(roles_take(pipeline->profile, workspace->path, &workspace->arena, &workspace->roles,
                   error));
    if (workspace->roles.log == NULL) {
        (void) error_set(error, STATUS_CONFIG,
                         "%s: profile \"%s\" has no `log`: its log is the one inside `leat up`",
                         pipeline->path, place->profile);
        error_hint(error, "name the data directory of that leat with --data, without --profile");
        return STATUS_CONFIG;
    }
    workspace->elsewhere = true;
    workspace->client_settings = workspace->roles.log_settings;
    TRY(take_address("log", workspace->roles.log, running->kafka, sizeof(running->kafka), error));
    return take_address("schemas", workspace->roles.schemas, running->registry,
                        sizeof(running->registry), error);
}

static enum status take_directory(struct workspace *workspace,
                                  const struct workspace_place *place,
                                  struct error *error)
{
    const struct profile_settings *profile;
    struct data_dir_addresses *running = &workspace->running;
    char file[1200];
    bool exists = access(data_dir_file(workspace->path, "FORMAT", file), F_OK) == 0;
    if (!exists && place->kafka == NULL && place->registry == NULL) {
        (void) error_set(error, STATUS_NOT_FOUND, "\"%s\" is no data directory of leat",
                         workspace->path);
        error_hint(error, "name it with --data or LEAT_DATA; `leat up FILE` makes one");
        return STATUS_NOT_FOUND;
    }
    TRY(roles_load(workspace->path, &workspace->arena, &profile, error));
    TRY(roles_take(profile, workspace->path, &workspace->arena, &workspace->roles, error));
    if (exists) {
        TRY(data_dir_running(workspace->path, running, error));
    }
    if (place->kafka != NULL) {
        workspace->elsewhere = true;
        running->registry[0] = '\0';
        return STATUS_OK;
    }
    workspace->client_settings = workspace->roles.log_settings;
    if (running->pid == 0) { /* real engines are there all the same */
        TRY(take_address("log", workspace->roles.log, running->kafka, sizeof(running->kafka),
                         error));
        TRY(take_address("schemas", workspace->roles.schemas, running->registry,
                         sizeof(running->registry), error));
    }
    return STATUS_OK;
}

static enum status check_place(const struct workspace_place *place, struct error *error)
{
    if ((place->profile == NULL) != (place->pipeline == NULL)) {
        (void) error_set(error, STATUS_USAGE, "--profile needs the file that has the profile");
        error_hint(error, "give both: --pipeline FILE --profile NAME");
        return STATUS_USAGE;
    }
    if (place->profile != NULL && (place->kafka != NULL || place->data != NULL)) {
        return error_set(error, STATUS_USAGE, "give one of --profile, %s",
                         place->kafka != NULL ? "--kafka" : "--data");
    }
    return STATUS_OK;
}

enum status workspace_open_at(const struct workspace_place *place,
                              struct workspace *ret_workspace,
                              struct error *error)
{
    struct workspace *workspace = ret_workspace;
    struct data_dir_addresses *running = &workspace->running;
    *workspace = (struct workspace){0};
    arena_init(&workspace->arena, 0);
    workspace->path = arena_strdup(&workspace->arena, data_dir_path(place->data));
    TRY(check_place(place, error));
    TRY(place->profile != NULL ? take_profile(workspace, place, error)
                               : take_directory(workspace, place, error));
    TRY(take_address("--kafka", place->kafka, running->kafka, sizeof(running->kafka), error));
    return take_address("--registry", place->registry, running->registry, sizeof(running->registry),
                        error);
}

void workspace_close(struct workspace *workspace)
{
    if (workspace->log != NULL) {
        workspace->log_ops->close(workspace->log);
    }
    if (workspace->schemas != NULL) {
        workspace->schemas_ops->close(workspace->schemas);
    }
    arena_deinit(&workspace->arena);
}

enum status
workspace_need_running(const struct workspace *workspace, const char *what, struct error *error)
{
    if (workspace->running.pid != 0) {
        return STATUS_OK;
    }
    (void) error_set(error, STATUS_UNAVAILABLE, "cannot %s: no leat runs on \"%s\"", what,
                     workspace->path);
    error_hint(error, "start it with `leat up FILE`, or name another directory with --data");
    return STATUS_UNAVAILABLE;
}

enum status workspace_log(struct workspace *workspace, struct error *error)
{
    static const char *const no_settings[] = {NULL};
    if (workspace->log != NULL) {
        return STATUS_OK;
    }
    if (workspace->running.kafka[0] != '\0') {
        const char *const *settings = workspace->client_settings;
        workspace->log_ops = &kafka_log_ops;
        return workspace->log_ops->open(workspace->running.kafka,
                                        settings == NULL ? no_settings : settings, &workspace->log,
                                        error);
    }
    workspace->log_ops = &file_log_ops;
    const char *directory = arena_printf(&workspace->arena, "%s/log", workspace->path);
    return workspace->log_ops->open(directory, no_settings, &workspace->log, error);
}

enum status workspace_schemas(struct workspace *workspace, struct error *error)
{
    if (workspace->schemas != NULL) {
        return STATUS_OK;
    }
    const char *url = workspace->running.registry;
    if (url[0] != '\0') {
        workspace->schemas_ops = &confluent_schemas_ops;
        if (strstr(url, "://") == NULL) {
            url = arena_printf(&workspace->arena, "http://%s", url);
        }
    } else if (workspace->elsewhere) {
        (void) error_set(error, STATUS_USAGE, "no schema registry is named for \"%s\"",
                         workspace->running.kafka);
        error_hint(error, "add --registry HOST:PORT, or `schemas` to the profile");
        return STATUS_USAGE;
    } else {
        workspace->schemas_ops = &local_schemas_ops;
        url = arena_printf(&workspace->arena, "%s/registry", workspace->path);
    }
    return workspace->schemas_ops->open(url, &workspace->schemas, error);
}

/* ---- topics ------------------------------------------------------------------------------------
 */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

enum status workspace_topics(struct workspace *workspace,
                             struct arena *arena,
                             const char ***ret_names,
                             size_t *ret_count,
                             struct error *error)
{
    const char **names;
    size_t count;
    TRY(workspace_log(workspace, error));
    if (workspace->running.kafka[0] == '\0') {
        TRY(file_log_topics(workspace->log, arena, &names, &count, error));
    } else {
        struct kafka_topic *topics;
        TRY(kafka_admin_topics(workspace->log, arena, &topics, &count, error));
        names = ARENA_ARRAY(arena, const char *, count + 1);
        for (size_t i = 0; i < count; i++) {
            names[i] = topics[i].name;
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (strncmp(names[i], "__", 2) != 0) {
            names[kept++] = names[i];
        }
    }
    qsort(names, kept, sizeof(*names), compare_names);
    *ret_names = names;
    *ret_count = kept;
    return STATUS_OK;
}

/* ---- stores ------------------------------------------------------------------------------------
 */

enum status
store_place_open(const struct store_place *place, struct store **ret_store, struct error *error)
{
    *ret_store = NULL;
    if (roles_is_missing_file(place->url)) {
        return STATUS_OK;
    }
    enum status status = place->ops->open(place->url, true, ret_store, error);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status; /* made, and nothing written yet */
}

static struct store_place tables_of(const struct workspace *workspace)
{
    return (struct store_place){"tables", workspace->roles.store_ops, workspace->roles.store_url};
}

enum status
workspace_tables(struct workspace *workspace, struct store **ret_store, struct error *error)
{
    const struct store_place place = tables_of(workspace);
    return store_place_open(&place, ret_store, error);
}

enum status
workspace_stage(struct workspace *workspace, struct stage **ret_stage, struct error *error)
{
    const struct roles *roles = &workspace->roles;
    *ret_stage = NULL;
    if (roles_is_missing_file(roles->stage_url)) {
        return STATUS_OK;
    }
    return roles->stage_ops->open(roles->stage_url, ret_stage, error);
}

struct places {
    const struct roles *roles;
    struct arena *arena;
    struct store_place *items;
    size_t count;
};

static void add_place(struct places *places, struct store_place place)
{
    size_t bytes = places->count * sizeof(*places->items);
    places->items = arena_grow(places->arena, places->items, bytes, bytes + sizeof(*places->items));
    places->items[places->count++] = place;
}

/* A file of the folder of states: PIPELINE.TOPIC.db. */
static enum status take_state(void *context, const char *name, struct error *error)
{
    struct places *places = context;
    size_t length = strlen(name);
    (void) error;
    if (length > 3 && strcmp(name + length - 3, ".db") == 0) {
        add_place(places,
                  (struct store_place){
                      arena_printf(places->arena, "state/%.*s", (int) (length - 3), name),
                      places->roles->state_ops,
                      arena_printf(places->arena, "%s/%s", places->roles->state_place, name),
                  });
    }
    return STATUS_OK;
}

enum status workspace_stores(struct workspace *workspace,
                             struct arena *arena,
                             struct store_place **ret_places,
                             size_t *ret_count,
                             struct error *error)
{
    const struct roles *roles = &workspace->roles;
    struct places places = {.roles = roles, .arena = arena};
    add_place(&places, tables_of(workspace));
    if (roles->state_ops->states_list != NULL) {
        const char **names;
        size_t count;
        TRY(roles->state_ops->states_list(roles->state_place, arena, &names, &count, error));
        for (size_t i = 0; i < count; i++) {
            add_place(&places, (struct store_place){arena_printf(arena, "state/%s", names[i]),
                                                    roles->state_ops,
                                                    roles_state_named(roles, arena, names[i])});
        }
    } else if (access(roles->state_place, F_OK) == 0) {
        TRY(directory_list(roles->state_place, take_state, &places, error));
    }
    *ret_places = places.items;
    *ret_count = places.count;
    return STATUS_OK;
}
