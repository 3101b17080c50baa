/* Schemas as JSON text, the Parsing Canonical Form and fingerprints. */

#include "codec/avro_schema.h"
#include "codec/avro_value.h"

#include "base/map.h"

#include <stdlib.h>

struct schema_writer {
    struct buffer *target;
    struct map written; /* full names that have been defined */
    bool canonical;
    const struct avro_patch *patches;
};

/* The first patch of this kind at this place, at or behind `patch`. */
static const struct avro_patch *
patch_at(const struct avro_patch *patch, const void *at, enum avro_patch_kind kind)
{
    while (patch != NULL && (patch->at != at || patch->kind != kind)) {
        patch = patch->next;
    }
    return patch;
}

static void write_schema(struct schema_writer *writer,
                         const struct avro_schema *schema,
                         struct slice space,
                         bool mixed_above);

static void write_text(struct schema_writer *writer, const char *text)
{
    buffer_append_json(writer->target, slice_of_string(text));
}

/* `,"key":` */
static void write_key(struct schema_writer *writer, const char *key)
{
    buffer_append_byte(writer->target, ',');
    write_text(writer, key);
    buffer_append_byte(writer->target, ':');
}

static struct slice space_of(const char *full_name)
{
    const char *dot = strrchr(full_name, '.');
    return dot == NULL ? SLICE_EMPTY : slice_of(full_name, (size_t) (dot - full_name));
}

static void write_json_value(struct schema_writer *writer, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    buffer_append_string(writer->target, text == NULL ? "null" : text);
    free(text);
}

static void
write_names(struct schema_writer *writer, const char *key, const char *const *names, uint32_t count)
{
    write_key(writer, key);
    buffer_append_byte(writer->target, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0) {
            buffer_append_byte(writer->target, ',');
        }
        write_text(writer, names[i]);
    }
    buffer_append_byte(writer->target, ']');
}

static bool in_list(const char *const *list, const char *key)
{
    for (; *list != NULL; list++) {
        if (strcmp(*list, key) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_known(const struct avro_schema *schema, const char *key)
{
    static const char *const named[] = {"name", "namespace", "doc", "aliases", NULL};
    static const char *const decimal[] = {"logicalType", "precision", "scale", NULL};
    static const char *const of_kind[][4] = {
        [AVRO_STRING] = {"leat.mixed", NULL},
        [AVRO_RECORD] = {"fields", NULL},
        [AVRO_ENUM] = {"symbols", "default", NULL},
        [AVRO_ARRAY] = {"items", NULL},
        [AVRO_MAP] = {"values", NULL},
        [AVRO_FIXED] = {"size", NULL},
    };
    return strcmp(key, "type") == 0 || in_list(of_kind[schema->kind], key) ||
           (schema->name != NULL && in_list(named, key)) ||
           (schema->logical == AVRO_DECIMAL && in_list(decimal, key)) ||
           (schema->logical != AVRO_LOGICAL_NONE && strcmp(key, "logicalType") == 0);
}

/* Attributes that the model does not know, as they were; a logical type that was ignored, too. */
static void write_others(struct schema_writer *writer, const struct avro_schema *schema)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *) (uintptr_t) schema->source, key, value)
    {
        if (!is_known(schema, key)) {
            write_key(writer, key);
            write_json_value(writer, value);
        }
    }
}

static bool has_others(const struct avro_schema *schema)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *) (uintptr_t) schema->source, key, value)
    {
        if (!is_known(schema, key)) {
            return true;
        }
    }
    return false;
}

/* The same for a field. */
static void write_field_others(struct schema_writer *writer, const struct avro_field *field)
{
    static const char *const known[] = {"name",    "doc",        "type", "default",
                                        "aliases", "leat.mixed", NULL};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *) (uintptr_t) field->source, key, value)
    {
        if (!in_list(known, key)) {
            write_key(writer, key);
            write_json_value(writer, value);
        }
    }
}

static void
write_field(struct schema_writer *writer, const struct avro_field *field, struct slice space)
{
    buffer_append_string(writer->target, "{\"name\":");
    write_text(writer, field->name);
    if (!writer->canonical && field->doc != NULL) {
        write_key(writer, "doc");
        write_text(writer, field->doc);
    }
    write_key(writer, "type");
    write_schema(writer, field->schema, space, field->mixed);
    if (!writer->canonical) {
        if (patch_at(writer->patches, field, AVRO_PATCH_DEFAULT_NULL) != NULL) {
            write_key(writer, "default");
            buffer_append_string(writer->target, "null");
        } else if (field->default_value != NULL) {
            write_key(writer, "default");
            write_json_value(writer, field->default_value);
        }
        if (field->alias_count > 0) {
            write_names(writer, "aliases", field->aliases, field->alias_count);
        }
        if (field->mixed) {
            buffer_append_string(writer->target, ",\"leat.mixed\":true");
        }
        write_field_others(writer, field);
    }
    buffer_append_byte(writer->target, '}');
}

/* Name, namespace if it is not the one around, doc and aliases. */
static void
write_name(struct schema_writer *writer, const struct avro_schema *schema, struct slice space)
{
    struct slice own = space_of(schema->name);
    bool split = !writer->canonical;
    buffer_append_string(writer->target, "\"name\":");
    write_text(writer, schema->name + (split && own.size > 0 ? own.size + 1 : 0));
    if (!split) {
        return;
    }
    if (!slice_equal(own, space)) {
        write_key(writer, "namespace");
        buffer_append_json(writer->target, own);
    }
    if (schema->doc != NULL) {
        write_key(writer, "doc");
        write_text(writer, schema->doc);
    }
    if (schema->alias_count > 0) {
        write_names(writer, "aliases", schema->aliases, schema->alias_count);
    }
}

static void write_logical(struct schema_writer *writer, const struct avro_schema *schema)
{
    if (schema->logical != AVRO_LOGICAL_NONE) {
        write_key(writer, "logicalType");
        write_text(writer, avro_logical_name(schema->logical));
    }
    if (schema->logical == AVRO_DECIMAL) {
        buffer_printf(writer->target, ",\"precision\":%u,\"scale\":%u", schema->precision,
                      schema->scale);
    }
}

static void write_new_fields(struct schema_writer *writer, const struct avro_schema *schema)
{
    /* Patches are newest first; fields are added in the order they were found. */
    const struct avro_patch *last = NULL;
    bool first = schema->field_count == 0;
    for (;;) {
        const struct avro_patch *found = NULL;
        const struct avro_patch *patch = patch_at(writer->patches, schema, AVRO_PATCH_FIELD);
        for (; patch != last; patch = patch_at(patch->next, schema, AVRO_PATCH_FIELD)) {
            found = patch;
        }
        if (found == NULL) {
            return;
        }
        buffer_append_string(writer->target, first ? "" : ",");
        buffer_append_string(writer->target, found->text);
        first = false;
        last = found;
    }
}

/* What stands in the object besides its type and name. */
static void write_body(struct schema_writer *writer, const struct avro_schema *schema)
{
    struct slice space = schema->name == NULL ? SLICE_EMPTY : space_of(schema->name);
    switch (schema->kind) {
    case AVRO_RECORD:
        write_key(writer, "fields");
        buffer_append_byte(writer->target, '[');
        for (uint32_t i = 0; i < schema->field_count; i++) {
            if (i > 0) {
                buffer_append_byte(writer->target, ',');
            }
            write_field(writer, &schema->fields[i], space);
        }
        write_new_fields(writer, schema);
        buffer_append_byte(writer->target, ']');
        break;
    case AVRO_ENUM:
        write_names(writer, "symbols", schema->symbols, schema->symbol_count);
        if (!writer->canonical && schema->enum_default != NULL) {
            write_key(writer, "default");
            write_text(writer, schema->enum_default);
        }
        break;
    case AVRO_FIXED:
        buffer_printf(writer->target, ",\"size\":%u", schema->fixed_size);
        break;
    default:
        break;
    }
}

static void write_branches(struct schema_writer *writer,
                           const struct avro_schema *schema,
                           struct slice space,
                           bool mixed_above)
{
    for (uint32_t i = 0; i < schema->branch_count; i++) {
        if (i > 0) {
            buffer_append_byte(writer->target, ',');
        }
        write_schema(writer, schema->branches[i], space, mixed_above);
    }
}

/* May it stand as a bare name? Not if it has attributes that must be kept. */
static bool
is_bare(const struct schema_writer *writer, const struct avro_schema *schema, bool mixed_above)
{
    if (schema->kind > AVRO_STRING || writer->canonical) {
        return schema->kind <= AVRO_STRING;
    }
    bool mixed = schema->mixed && !mixed_above;
    return !mixed && schema->logical == AVRO_LOGICAL_NONE && !has_others(schema);
}

static void write_reference(struct schema_writer *writer, const char *name, struct slice space)
{
    struct slice own = space_of(name);
    bool here = !writer->canonical && own.size > 0 && slice_equal(own, space);
    write_text(writer, name + (here ? own.size + 1 : 0));
}

static void write_one(struct schema_writer *writer,
                      const struct avro_schema *schema,
                      struct slice space,
                      bool mixed_above)
{
    if (schema->name != NULL && map_has(&writer->written, slice_of_string(schema->name))) {
        write_reference(writer, schema->name, space);
        return;
    }
    if (is_bare(writer, schema, mixed_above)) {
        write_text(writer, avro_kind_name(schema->kind));
        return;
    }
    buffer_append_byte(writer->target, '{');
    if (schema->name != NULL) {
        (void) map_put_string(&writer->written, schema->name, writer);
        write_name(writer, schema, space);
        buffer_append_byte(writer->target, ',');
    }
    buffer_append_string(writer->target, "\"type\":");
    write_text(writer, avro_kind_name(schema->kind));
    write_body(writer, schema);
    if (schema->kind == AVRO_ARRAY || schema->kind == AVRO_MAP) {
        write_key(writer, schema->kind == AVRO_ARRAY ? "items" : "values");
        write_schema(writer, schema->branches[0], space, false);
    }
    if (!writer->canonical) {
        if (schema->mixed && !mixed_above) {
            buffer_append_string(writer->target, ",\"leat.mixed\":true");
        }
        write_logical(writer, schema);
        write_others(writer, schema);
    }
    buffer_append_byte(writer->target, '}');
}

/* A schema with its patches: these may make it a union, or add to one. */
static void write_schema(struct schema_writer *writer,
                         const struct avro_schema *schema,
                         struct slice space,
                         bool mixed_above)
{
    const struct avro_patch *replace = patch_at(writer->patches, schema, AVRO_PATCH_REPLACE);
    const struct avro_patch *branch = patch_at(writer->patches, schema, AVRO_PATCH_BRANCH);
    bool nullable = patch_at(writer->patches, schema, AVRO_PATCH_NULLABLE) != NULL;
    bool list = schema->kind == AVRO_UNION || branch != NULL || nullable;
    if (list) {
        buffer_append_string(writer->target, nullable ? "[\"null\"," : "[");
    }
    if (replace != NULL) {
        buffer_append_string(writer->target, replace->text);
    } else if (schema->kind == AVRO_UNION) {
        write_branches(writer, schema, space, mixed_above);
    } else {
        write_one(writer, schema, space, mixed_above);
    }
    for (; branch != NULL; branch = patch_at(branch->next, schema, AVRO_PATCH_BRANCH)) {
        buffer_append_byte(writer->target, ',');
        buffer_append_string(writer->target, branch->text);
    }
    if (list) {
        buffer_append_byte(writer->target, ']');
    }
}

static void write_root(const struct avro_schema *schema,
                       bool canonical,
                       const struct avro_patch *patches,
                       struct buffer *target)
{
    struct schema_writer writer = {.target = target, .canonical = canonical, .patches = patches};
    map_init(&writer.written);
    write_schema(&writer, schema, SLICE_EMPTY, false);
    map_deinit(&writer.written);
}

void avro_schema_write(const struct avro_schema *schema, struct buffer *target)
{
    write_root(schema, false, NULL, target);
}

void avro_schema_write_patched(const struct avro_schema *schema,
                               const struct avro_patch *patches,
                               struct buffer *target)
{
    write_root(schema, false, patches, target);
}

void avro_schema_canonical(const struct avro_schema *schema, struct buffer *target)
{
    write_root(schema, true, NULL, target);
}

/* CRC-64-AVRO: the specification's polynomial, least significant bit first. */
uint64_t avro_fingerprint(struct slice canonical)
{
    const uint64_t empty = UINT64_C(0xc15d213aa4d7a795);
    uint64_t fingerprint = empty;
    for (size_t i = 0; i < canonical.size; i++) {
        fingerprint ^= canonical.data[i];
        for (int bit = 0; bit < 8; bit++) {
            fingerprint = (fingerprint >> 1) ^ (empty & -(fingerprint & 1));
        }
    }
    return fingerprint;
}
