#include "app/dags.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *dags_program(struct arena *arena)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    path[length < 0 ? 0 : length] = '\0';
    /* A program that was replaced while it runs is only found by this link. */
    bool there = length > 0 && access(path, X_OK) == 0;
    return arena_strdup(arena, there ? path : "/proc/self/exe");
}

const char *dags_absolute(const char *path, struct arena *arena)
{
    char whole[PATH_MAX];
    return arena_strdup(arena, realpath(path, whole) == NULL ? path : whole);
}

static const char **names_of(const struct setting_sections *sections, struct arena *arena)
{
    const char **names = ARENA_ARRAY(arena, const char *, sections->count + 1);
    for (size_t i = 0; i < sections->count; i++) {
        names[i] = sections->items[i].name;
    }
    return names;
}

static enum status check_pools(const struct pipeline *pipeline, struct error *error)
{
    for (size_t i = 0; i < pipeline->pools.count; i++) {
        const struct setting_pair *pool = &pipeline->pools.items[i];
        char *end;
        long slots = strtol(pool->value, &end, 10);
        if (end == pool->value || *end != '\0' || slots < 1 || slots > 1000000) {
            return node_error(error, pool->node, "\"%s\" is no number of slots", pool->value);
        }
    }
    return STATUS_OK;
}

enum status dags_build(const struct pipeline *pipeline,
                       struct dag ***ret_dags,
                       size_t *ret_count,
                       struct error *error)
{
    struct arena *arena = pipeline->arena;
    const char **pools = ARENA_ARRAY(arena, const char *, pipeline->pools.count + 1);
    for (size_t i = 0; i < pipeline->pools.count; i++) {
        pools[i] = pipeline->pools.items[i].name;
    }
    const struct dag_surroundings around = {
        .pipeline = pipeline->name,
        .file = dags_absolute(pipeline->path, arena),
        .directory = dags_absolute(pipeline->directory, arena),
        .sources = names_of(&pipeline->sources, arena),
        .source_count = pipeline->sources.count,
        .pools = pools,
        .pool_count = pipeline->pools.count,
    };
    TRY(check_pools(pipeline, error));
    struct dag **dags = ARENA_ARRAY(arena, struct dag *, pipeline->dags.count + 1);
    for (size_t i = 0; i < pipeline->dags.count; i++) {
        TRY(dag_build(&pipeline->dags.items[i], &around, arena, &dags[i], error));
    }
    *ret_dags = dags;
    *ret_count = pipeline->dags.count;
    return STATUS_OK;
}

static void add_pool(struct dag_set *set, const char *name, int64_t slots)
{
    for (size_t i = 0; i < set->pool_count; i++) {
        if (strcmp(set->pools[i].name, name) == 0) {
            set->pools[i].slots = slots > set->pools[i].slots ? slots : set->pools[i].slots;
            return;
        }
    }
    size_t bytes = set->pool_count * sizeof(*set->pools);
    set->pools = arena_grow(set->arena, set->pools, bytes, bytes + sizeof(*set->pools));
    set->pools[set->pool_count++] = (struct scheduler_pool){name, slots};
}

enum status dag_set_add(struct dag_set *set, const struct pipeline *pipeline, struct error *error)
{
    struct dag **dags;
    size_t count;
    TRY(dags_build(pipeline, &dags, &count, error));
    for (size_t i = 0; i < count; i++) {
        size_t bytes = set->count * sizeof(*set->dags);
        set->dags = arena_grow(set->arena, set->dags, bytes, bytes + sizeof(struct dag *));
        set->dags[set->count++] = dags[i];
    }
    for (size_t i = 0; i < pipeline->pools.count; i++) {
        add_pool(set, pipeline->pools.items[i].name,
                 strtol(pipeline->pools.items[i].value, NULL, 10));
    }
    return STATUS_OK;
}
