#include "app/workspace.h"

#include "app/file_log.h"
#include "app/local_schemas.h"
#include "base/buffer.h"
#include "connectors/kafka/kafka_admin.h"
#include "connectors/kafka/kafka_log.h"
#include "connectors/registry/confluent_schemas.h"
#include "connectors/sqlite/sqlite_stage.h"
#include "connectors/sqlite/sqlite_store.h"
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
    return workspace_open_at(data, NULL, NULL, ret_workspace, error);
}

enum status workspace_open_at(const char *data,
                              const char *kafka,
                              const char *registry,
                              struct workspace *ret_workspace,
                              struct error *error)
{
    struct workspace *workspace = ret_workspace;
    *workspace = (struct workspace){.stage_ops = &sqlite_stage_ops, .store_ops = &sqlite_store_ops};
    arena_init(&workspace->arena, 0);
    workspace->path = arena_strdup(&workspace->arena, data_dir_path(data));
    char file[1200];
    bool exists = access(data_dir_file(workspace->path, "FORMAT", file), F_OK) == 0;
    if (!exists && kafka == NULL && registry == NULL) {
        (void) error_set(error, STATUS_NOT_FOUND, "\"%s\" is no data directory of leat",
                         workspace->path);
        error_hint(error, "name it with --data or LEAT_DATA; `leat up FILE` makes one");
        return STATUS_NOT_FOUND;
    }
    if (exists) {
        TRY(data_dir_running(workspace->path, &workspace->running, error));
    }
    struct data_dir_addresses *running = &workspace->running;
    if (kafka != NULL) {
        workspace->elsewhere = true;
        running->registry[0] = '\0';
    }
    TRY(take_address("--kafka", kafka, running->kafka, sizeof(running->kafka), error));
    return take_address("--registry", registry, running->registry, sizeof(running->registry),
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
        workspace->log_ops = &kafka_log_ops;
        return workspace->log_ops->open(workspace->running.kafka, no_settings, &workspace->log,
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
        error_hint(error, "add --registry HOST:PORT");
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

enum status workspace_store(struct workspace *workspace,
                            const char *name,
                            struct store **ret_store,
                            struct error *error)
{
    char file[1200];
    *ret_store = NULL;
    if (access(data_dir_file(workspace->path, name, file), F_OK) != 0) {
        return STATUS_OK;
    }
    enum status status = workspace->store_ops->open(file, true, ret_store, error);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status; /* made, and nothing written yet */
}

enum status
workspace_stage(struct workspace *workspace, struct stage **ret_stage, struct error *error)
{
    char file[1200];
    *ret_stage = NULL;
    if (access(data_dir_file(workspace->path, "staging.db", file), F_OK) != 0) {
        return STATUS_OK;
    }
    return workspace->stage_ops->open(file, ret_stage, error);
}

struct state_names {
    struct arena *arena;
    const char **names;
    size_t count;
};

static enum status take_state(void *context, const char *name, struct error *error)
{
    struct state_names *states = context;
    size_t length = strlen(name);
    (void) error;
    if (length > 3 && strcmp(name + length - 3, ".db") == 0) {
        size_t bytes = states->count * sizeof(*states->names);
        states->names =
            arena_grow(states->arena, states->names, bytes, bytes + sizeof(*states->names));
        states->names[states->count++] = arena_printf(states->arena, "state/%s", name);
    }
    return STATUS_OK;
}

enum status workspace_states(struct workspace *workspace,
                             struct arena *arena,
                             const char ***ret_names,
                             size_t *ret_count,
                             struct error *error)
{
    char directory[1200];
    struct state_names states = {.arena = arena};
    if (access(data_dir_file(workspace->path, "state", directory), F_OK) == 0) {
        TRY(directory_list(directory, take_state, &states, error));
    }
    *ret_names = states.names;
    *ret_count = states.count;
    return STATUS_OK;
}
