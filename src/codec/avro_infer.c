/* Schemas from sample documents. */

#include "codec/avro.h"
#include "codec/avro_shape.h"
#include "codec/avro_value.h"

/* ---- Looking --------------------------------------------------------------------------------- */

static struct shape *
member_shape(struct shape *shape, struct slice name, uint32_t hint, struct arena *arena)
{
    for (uint32_t i = 0; i < shape->member_count; i++) {
        struct shape_member *member = &shape->members[(hint + i) % shape->member_count];
        if (slice_equal(member->name, name)) {
            return member->shape;
        }
    }
    if (shape->member_count == shape->member_capacity) {
        uint32_t capacity = shape->member_capacity == 0 ? 8 : shape->member_capacity * 2;
        shape->members =
            arena_grow(arena, shape->members, shape->member_count * sizeof(*shape->members),
                       capacity * sizeof(*shape->members));
        shape->member_capacity = capacity;
    }
    struct shape_member *member = &shape->members[shape->member_count++];
    member->name = arena_copy(arena, name);
    member->shape = ARENA_NEW(arena, struct shape);
    return member->shape;
}

static void add_below(struct shape *shape,
                      const struct json_document *document,
                      uint32_t index,
                      struct arena *arena)
{
    const struct json_value *value = json_at(document, index);
    uint32_t at = index + 1;
    for (uint32_t i = 0; i < value->count; i++) {
        if (value->kind == JSON_KIND_ARRAY) {
            if (shape->element == NULL) {
                shape->element = ARENA_NEW(arena, struct shape);
            }
            shape_add(shape->element, document, at, arena);
            at = json_at(document, at)->next;
        } else {
            struct slice name = json_text(document, at, arena);
            if (memchr(name.data, 0, name.size) == NULL) { /* else a DRIFT_NAMES of its record */
                shape_add(member_shape(shape, name, i, arena), document, at + 1, arena);
            }
            at = json_at(document, at + 1)->next;
        }
    }
}

void shape_add(struct shape *shape,
               const struct json_document *document,
               uint32_t index,
               struct arena *arena)
{
    int64_t integer;
    switch (json_at(document, index)->kind) {
    case JSON_KIND_NULL:
        shape->null = true;
        break;
    case JSON_KIND_FALSE:
    case JSON_KIND_TRUE:
        shape->boolean = true;
        break;
    case JSON_KIND_NUMBER:
        if (json_int64(document, index, &integer)) {
            shape->integer = true;
        } else {
            shape->floating = true;
        }
        break;
    case JSON_KIND_STRING:
        shape->string = true;
        break;
    case JSON_KIND_ARRAY:
        shape->array = true;
        add_below(shape, document, index, arena);
        break;
    default:
        shape->object = true;
        add_below(shape, document, index, arena);
        break;
    }
}

/* ---- Writing --------------------------------------------------------------------------------- */

static const char *record_name(struct shape_names *names, const char *wanted)
{
    return avro_unique_name(slice_of_string(wanted), names->taken, names->arena);
}

static void write_record(const struct shape *shape,
                         const char *name,
                         struct shape_names *names,
                         struct buffer *target)
{
    name = record_name(names, name);
    buffer_append_string(target, "{\"type\":\"record\",\"name\":");
    buffer_append_json(target, slice_of_string(name));
    buffer_append_string(target, ",\"fields\":[");
    json_t *taken = json_object();
    for (uint32_t i = 0; i < shape->member_count; i++) {
        avro_keep_name(shape->members[i].name, taken);
    }
    for (uint32_t i = 0; i < shape->member_count; i++) {
        if (i > 0) {
            buffer_append_byte(target, ',');
        }
        shape_write_field(shape->members[i].shape, shape->members[i].name, name, taken, names,
                          target);
    }
    json_decref(taken);
    buffer_append_string(target, "]}");
}

void shape_write_field(const struct shape *shape,
                       struct slice field,
                       const char *record,
                       json_t *fields_taken,
                       struct shape_names *names,
                       struct buffer *target)
{
    const char *name = avro_field_name(field, fields_taken, names->arena);
    struct slice clean = slice_of(name, strlen(name));
    buffer_append_string(target, "{\"name\":");
    buffer_append_json(target, clean);
    buffer_append_string(target, ",\"type\":");
    shape_write(shape, arena_printf(names->arena, "%s_%s", record, name), true, names, target);
    buffer_append_string(target, ",\"default\":null");
    if (!slice_equal(field, clean)) {
        buffer_append_string(target, ",\"aliases\":[");
        buffer_append_json(target, field);
        buffer_append_byte(target, ']');
    }
    buffer_append_byte(target, '}');
}

/* A comma before every branch but the first. */
static void next_branch(struct buffer *target, unsigned *count)
{
    if ((*count)++ > 0) {
        buffer_append_byte(target, ',');
    }
}

/* Branches but null; returns how many. */
static unsigned write_branches(const struct shape *shape,
                               const char *name,
                               struct shape_names *names,
                               struct buffer *target)
{
    unsigned count = 0;
    if (shape->boolean) {
        next_branch(target, &count);
        buffer_append_string(target, "\"boolean\"");
    }
    if (shape->string && (shape->integer || shape->floating)) {
        next_branch(target, &count);
        buffer_append_string(target, "{\"type\":\"string\",\"leat.mixed\":true}");
    } else if (shape->string || shape->integer || shape->floating) {
        next_branch(target, &count);
        buffer_append_string(target, shape->string     ? "\"string\""
                                     : shape->floating ? "\"double\""
                                                       : "\"long\"");
    }
    if (shape->array) {
        static const struct shape nothing = {.null = true};
        next_branch(target, &count);
        buffer_append_string(target, "{\"type\":\"array\",\"items\":");
        shape_write(shape->element == NULL ? &nothing : shape->element, name, false, names, target);
        buffer_append_byte(target, '}');
    }
    if (shape->object) {
        next_branch(target, &count);
        write_record(shape, name, names, target);
    }
    return count;
}

void shape_write(const struct shape *shape,
                 const char *name,
                 bool nullable,
                 struct shape_names *names,
                 struct buffer *target)
{
    CLEANUP(buffer_deinit) struct buffer branches = BUFFER_INIT;
    unsigned count = write_branches(shape, name, names, &branches);
    bool null = nullable || shape->null;
    if (count == 0) { /* nothing but null was seen */
        buffer_append_string(target, "\"null\"");
        return;
    }
    bool list = null || count > 1;
    if (list) {
        buffer_append_string(target, null ? "[\"null\"," : "[");
    }
    buffer_append_slice(target, buffer_slice(&branches));
    if (list) {
        buffer_append_byte(target, ']');
    }
}

/* ---- Entry ----------------------------------------------------------------------------------- */

enum status avro_schema_infer(const struct json_document *const *documents,
                              const uint32_t *indices,
                              size_t count,
                              const char *name,
                              struct arena *arena,
                              const struct avro_schema **ret_schema,
                              struct error *error)
{
    struct arena scratch;
    arena_init(&scratch, 0);
    struct shape shape = {0};
    for (size_t i = 0; i < count; i++) {
        if (json_at(documents[i], indices[i])->kind != JSON_KIND_OBJECT) {
            arena_deinit(&scratch);
            return error_set(error, STATUS_DATA, "record %zu is not an object", i + 1);
        }
        shape_add(&shape, documents[i], indices[i], &scratch);
    }
    shape.object = true; /* also without samples */
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    struct shape_names names = {.taken = json_object(), .arena = &scratch};
    const char *dot = strrchr(name, '.');
    write_record(&shape, dot == NULL ? name : dot + 1, &names, &text);
    json_decref(names.taken);
    arena_deinit(&scratch);
    json_t *json = json_loadb((const char *) text.data, text.size, JSON_ALLOW_NUL, NULL);
    if (json == NULL) {
        return error_set(error, STATUS_DATA, "the records are nested too deeply for a schema");
    }
    if (dot != NULL) {
        (void) json_object_set_new(json, "namespace", json_stringn(name, (size_t) (dot - name)));
    }
    return avro_schema_from_json_take(json, arena, ret_schema, error);
}
