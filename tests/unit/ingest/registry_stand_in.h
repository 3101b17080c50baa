#pragma once

/* A schema registry in memory, for tests: ids from 1, and a switch that refuses what is new. */

#include "base/memory.h"
#include "connect/schemas.h"

#include <string.h>

struct schemas {
    char *texts[64];
    int32_t count;
    bool refuses;
    bool down;
};

static struct schemas stand_in;

static enum status stand_in_register(struct schemas *schemas,
                                     const char *subject,
                                     const char *text,
                                     int32_t *ret_id,
                                     struct error *error)
{
    (void) subject;
    if (schemas->down) {
        return error_set(error, STATUS_UNAVAILABLE, "the registry is away");
    }
    for (int32_t i = 0; i < schemas->count; i++) {
        if (strcmp(schemas->texts[i], text) == 0) {
            *ret_id = i + 1;
            return STATUS_OK;
        }
    }
    if (schemas->refuses) {
        return error_set(error, STATUS_CONFLICT, "not compatible");
    }
    schemas->texts[schemas->count++] = mem_strdup(text);
    *ret_id = schemas->count;
    return STATUS_OK;
}

static enum status stand_in_by_id(struct schemas *schemas,
                                  int32_t id,
                                  struct arena *arena,
                                  const char **ret_text,
                                  struct error *error)
{
    if (id < 1 || id > schemas->count) {
        return error_set(error, STATUS_NOT_FOUND, "there is no schema %d", (int) id);
    }
    *ret_text = arena_strdup(arena, schemas->texts[id - 1]);
    return STATUS_OK;
}

static enum status stand_in_latest(struct schemas *schemas,
                                   const char *subject,
                                   struct arena *arena,
                                   struct schema_version *ret_version,
                                   struct error *error)
{
    if (schemas->count == 0) {
        return error_set(error, STATUS_NOT_FOUND, "there is no subject \"%s\"", subject);
    }
    *ret_version = (struct schema_version){schemas->count, schemas->count, NULL};
    return stand_in_by_id(schemas, schemas->count, arena, &ret_version->text, error);
}

static void stand_in_clear(void)
{
    for (int32_t i = 0; i < stand_in.count; i++) {
        mem_free(stand_in.texts[i]);
    }
    stand_in = (struct schemas){0};
}

static const struct schemas_ops stand_in_ops = {
    .name = "stand-in",
    .register_schema = stand_in_register,
    .by_id = stand_in_by_id,
    .latest = stand_in_latest,
};
