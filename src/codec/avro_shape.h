#pragma once

/*
 * The shape of JSON values: which kinds were seen at a place, and the shapes below. Shapes of many
 * documents are laid over each other; the result is written as an Avro type. Used to infer schemas
 * and to widen them; not for other folders.
 */

#include "codec/json.h"

#include <jansson.h>

struct shape;

struct shape_member {
    struct slice name;
    struct shape *shape;
};

struct shape {
    bool null, boolean, integer, floating, string, array, object;
    struct shape *element; /* of arrays; NULL while all were empty */
    struct shape_member *members;
    uint32_t member_count;
    uint32_t member_capacity;
};

/* Lays one value over the shape. */
void shape_add(struct shape *shape,
               const struct json_document *document,
               uint32_t index,
               struct arena *arena);

/* Names of records are made from places, and each stands once: `taken` has those in use. */
struct shape_names {
    json_t *taken;
    struct arena *arena;
};

/* The Avro type, as JSON text: every field nullable with default null. `name` is the record's. */
void shape_write(const struct shape *shape,
                 const char *name,
                 bool nullable,
                 struct shape_names *names,
                 struct buffer *target);

/* A record's field, {"name": ..., ...}. */
void shape_write_field(const struct shape *shape,
                       struct slice field,
                       const char *record,
                       json_t *fields_taken,
                       struct shape_names *names,
                       struct buffer *target);
