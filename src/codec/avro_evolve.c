/*
 * Schemas widened for one more document: the schema is walked beside the document, places that must
 * change are noted, and the schema is written again with those changes.
 */

#include "codec/avro.h"
#include "codec/avro_shape.h"
#include "codec/avro_value.h"

/* A place changes a few times at most: null, int, long, double, mixed string, a branch a kind. */
#define ROUNDS_MAX 16

struct evolution {
    const struct json_document *document;
    bool widen;
    struct arena arena;
    struct avro_patch *patches; /* newest first */
    struct shape_names names;
};

static void walk(struct evolution *evolution,
                 const struct avro_schema *schema,
                 bool mixed,
                 uint32_t index,
                 const char *name);

/* A place gets one change of a kind (a record: one a name); others are found when the changed
 * schema is walked again. */
static void note(struct evolution *evolution,
                 const void *at,
                 enum avro_patch_kind kind,
                 struct slice name,
                 const char *text)
{
    for (const struct avro_patch *patch = evolution->patches; patch != NULL; patch = patch->next) {
        if (patch->at == at && patch->kind == kind && slice_equal(patch->name, name)) {
            return;
        }
    }
    struct avro_patch *patch = ARENA_NEW(&evolution->arena, struct avro_patch);
    *patch = (struct avro_patch){
        .next = evolution->patches, .at = at, .kind = kind, .name = name, .text = text};
    evolution->patches = patch;
}

/* The Avro type of one value, as text. */
static const char *type_of(struct evolution *evolution, uint32_t index, const char *name)
{
    struct shape shape = {0};
    shape_add(&shape, evolution->document, index, &evolution->arena);
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    shape_write(&shape, name, false, &evolution->names, &text);
    return arena_string(&evolution->arena, buffer_slice(&text));
}

static bool
fits(struct evolution *evolution, const struct avro_schema *schema, bool mixed, uint32_t index)
{
    CLEANUP(buffer_deinit) struct buffer ignored = BUFFER_INIT;
    struct avro_schema copy = *schema;
    copy.mixed = copy.mixed || (mixed && schema->kind == AVRO_STRING);
    return avro_encode_json(&copy, evolution->document, index, false, &ignored, NULL, NULL) ==
           STATUS_OK;
}

/* ---- Records --------------------------------------------------------------------------------- */

static const struct avro_field *field_of(const struct avro_schema *record, struct slice name)
{
    int found = avro_field_index(record, name);
    for (uint32_t i = 0; found < 0 && i < record->field_count; i++) {
        for (uint32_t j = 0; j < record->fields[i].alias_count; j++) {
            if (slice_equal_string(name, record->fields[i].aliases[j])) {
                found = (int) i;
            }
        }
    }
    return found < 0 ? NULL : &record->fields[found];
}

static const char *short_name(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot == NULL ? name : dot + 1;
}

/* Names that a new field cannot have: those of the schema, and those of the object itself. */
static json_t *
names_taken(struct evolution *evolution, const struct avro_schema *record, uint32_t object)
{
    json_t *taken = json_object();
    for (uint32_t i = 0; i < record->field_count; i++) {
        (void) json_object_set_new(taken, record->fields[i].name, json_true());
    }
    uint32_t at = object + 1;
    for (uint32_t i = 0; i < json_at(evolution->document, object)->count; i++) {
        avro_keep_name(json_text(evolution->document, at, &evolution->arena), taken);
        at = json_at(evolution->document, at + 1)->next;
    }
    return taken;
}

static void add_field(struct evolution *evolution,
                      const struct avro_schema *record,
                      struct slice name,
                      uint32_t object,
                      uint32_t value)
{
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    struct shape shape = {0};
    shape_add(&shape, evolution->document, value, &evolution->arena);
    json_t *taken = names_taken(evolution, record, object);
    shape_write_field(&shape, name, short_name(record->name), taken, &evolution->names, &text);
    json_decref(taken);
    const char *copy = arena_string(&evolution->arena, buffer_slice(&text));
    note(evolution, record, AVRO_PATCH_FIELD, name, copy);
}

static void
walk_record(struct evolution *evolution, const struct avro_schema *record, uint32_t index)
{
    const struct json_document *document = evolution->document;
    uint32_t at = index + 1;
    for (uint32_t i = 0; i < json_at(document, index)->count; i++) {
        struct slice name = json_text(document, at, &evolution->arena);
        const struct avro_field *field = field_of(record, name);
        bool writable = memchr(name.data, 0, name.size) == NULL;
        /* Of equal names the last one counts. */
        if (json_member(document, index, name) == at + 1) {
            if (field == NULL && writable) {
                add_field(evolution, record, name, index, at + 1);
            } else if (field != NULL) {
                const char *below =
                    arena_printf(&evolution->arena, "%s_%s", short_name(record->name), field->name);
                walk(evolution, field->schema, field->mixed, at + 1, below);
            }
        }
        at = json_at(document, at + 1)->next;
    }
    for (uint32_t i = 0; evolution->widen && i < record->field_count; i++) {
        const struct avro_field *field = &record->fields[i];
        bool nullable;
        (void) avro_schema_plain(field->schema, &nullable);
        struct slice name = slice_of(field->name, field->name_size);
        bool there = json_member(document, index, name) != UINT32_MAX;
        for (uint32_t j = 0; j < field->alias_count && !there; j++) {
            there = json_member(document, index, slice_of_string(field->aliases[j])) != UINT32_MAX;
        }
        if (!there && !nullable && field->default_value == NULL) {
            note(evolution, field->schema, AVRO_PATCH_NULLABLE, SLICE_EMPTY, "");
            note(evolution, field, AVRO_PATCH_DEFAULT_NULL, SLICE_EMPTY, "");
        }
    }
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* A scalar that its schema cannot hold; `mixed` fields hold numbers already. */
static void widen_scalar(struct evolution *evolution,
                         const struct avro_schema *schema,
                         uint32_t index,
                         const char *name)
{
    enum json_kind kind = json_at(evolution->document, index)->kind;
    bool number = schema->kind >= AVRO_INT && schema->kind <= AVRO_DOUBLE &&
                  schema->logical == AVRO_LOGICAL_NONE;
    bool text = schema->kind == AVRO_STRING && schema->logical == AVRO_LOGICAL_NONE;
    int64_t integer;
    if (kind == JSON_KIND_NULL) {
        note(evolution, schema, AVRO_PATCH_NULLABLE, SLICE_EMPTY, "");
    } else if (number && kind == JSON_KIND_NUMBER) {
        bool integral = json_int64(evolution->document, index, &integer);
        note(evolution, schema, AVRO_PATCH_REPLACE, SLICE_EMPTY,
             integral && schema->kind <= AVRO_LONG ? "\"long\"" : "\"double\"");
    } else if ((number && kind == JSON_KIND_STRING) || (text && kind == JSON_KIND_NUMBER)) {
        note(evolution, schema, AVRO_PATCH_REPLACE, SLICE_EMPTY,
             "{\"type\":\"string\",\"leat.mixed\":true}");
    } else {
        note(evolution, schema, AVRO_PATCH_BRANCH, SLICE_EMPTY, type_of(evolution, index, name));
    }
}

static bool is_nested_for(const struct avro_schema *schema, enum json_kind kind)
{
    return (kind == JSON_KIND_OBJECT &&
            (schema->kind == AVRO_RECORD || schema->kind == AVRO_MAP)) ||
           (kind == JSON_KIND_ARRAY && schema->kind == AVRO_ARRAY);
}

static void walk_union(struct evolution *evolution,
                       const struct avro_schema *schema,
                       bool mixed,
                       uint32_t index,
                       const char *name)
{
    enum json_kind kind = json_at(evolution->document, index)->kind;
    const struct avro_schema *scalar = NULL;
    for (uint32_t i = 0; i < schema->branch_count; i++) {
        const struct avro_schema *branch = schema->branches[i];
        if (is_nested_for(branch, kind)) {
            walk(evolution, branch, mixed, index, name);
            return;
        }
        if (fits(evolution, branch, mixed, index)) {
            return;
        }
        bool number_or_text = branch->kind >= AVRO_INT && branch->kind <= AVRO_STRING;
        scalar = scalar == NULL && number_or_text ? branch : scalar;
    }
    bool only_null = schema->branch_count == 1 && schema->branches[0]->kind == AVRO_NULL;
    if (!evolution->widen && !only_null) {
        return;
    }
    if (kind == JSON_KIND_NULL) {
        note(evolution, schema, AVRO_PATCH_NULLABLE, SLICE_EMPTY, "");
    } else if ((kind == JSON_KIND_NUMBER || kind == JSON_KIND_STRING) && scalar != NULL &&
               avro_schema_plain(schema, NULL) == scalar) {
        widen_scalar(evolution, scalar, index, name);
    } else {
        note(evolution, schema, AVRO_PATCH_BRANCH, SLICE_EMPTY, type_of(evolution, index, name));
    }
}

static void walk(struct evolution *evolution,
                 const struct avro_schema *schema,
                 bool mixed,
                 uint32_t index,
                 const char *name)
{
    const struct json_document *document = evolution->document;
    enum json_kind kind = json_at(document, index)->kind;
    if (schema->kind == AVRO_UNION) {
        walk_union(evolution, schema, mixed, index, name);
    } else if (schema->kind == AVRO_RECORD && kind == JSON_KIND_OBJECT) {
        walk_record(evolution, schema, index);
    } else if (is_nested_for(schema, kind)) {
        bool object = kind == JSON_KIND_OBJECT;
        uint32_t at = index + 1;
        for (uint32_t i = 0; i < json_at(document, index)->count; i++) {
            uint32_t item = at + object;
            walk(evolution, schema->branches[0], false, item, name);
            at = json_at(document, item)->next;
        }
    } else if (schema->kind == AVRO_NULL && kind != JSON_KIND_NULL) {
        note(evolution, schema, AVRO_PATCH_BRANCH, SLICE_EMPTY, type_of(evolution, index, name));
    } else if (evolution->widen && !fits(evolution, schema, mixed, index)) {
        widen_scalar(evolution, schema, index, name);
    }
}

/* ---- Entry ----------------------------------------------------------------------------------- */

/* Names of records that are in use: text behind every "name" of the schema's JSON. */
static void collect_names(const json_t *json, json_t *taken)
{
    const char *key;
    json_t *value;
    size_t i;
    if (json_is_array(json)) {
        json_array_foreach(json, i, value)
        {
            collect_names(value, taken);
        }
    }
    json_object_foreach((json_t *) (uintptr_t) json, key, value)
    {
        if (strcmp(key, "name") == 0 && json_is_string(value)) {
            (void) json_object_set_new(taken, short_name(json_string_value(value)), json_true());
        }
        collect_names(value, taken);
    }
}

/* One walk; *ret_schema is `schema` if nothing had to change. */
static enum status evolve_once(struct evolution *evolution,
                               const struct avro_schema *schema,
                               uint32_t index,
                               struct arena *arena,
                               const struct avro_schema **ret_schema,
                               struct error *error)
{
    evolution->patches = NULL;
    evolution->names = (struct shape_names){.taken = json_object(), .arena = &evolution->arena};
    collect_names(schema->document, evolution->names.taken);
    walk_record(evolution, schema, index);
    json_decref(evolution->names.taken);
    *ret_schema = schema;
    if (evolution->patches == NULL) {
        return STATUS_OK;
    }
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    avro_schema_write_patched(schema, evolution->patches, &text);
    return avro_schema_parse(buffer_slice(&text), arena, ret_schema, error);
}

enum status avro_schema_evolve(const struct avro_schema *schema,
                               const struct json_document *document,
                               uint32_t index,
                               bool widen_types,
                               struct arena *arena,
                               const struct avro_schema **ret_schema,
                               struct error *error)
{
    if (schema->kind != AVRO_RECORD || json_at(document, index)->kind != JSON_KIND_OBJECT) {
        return error_set(error, STATUS_DATA, "only records can be widened, by objects");
    }
    struct evolution evolution = {.document = document, .widen = widen_types};
    arena_init(&evolution.arena, 0);
    const struct avro_schema *current = schema;
    enum status status = STATUS_OK;
    for (unsigned round = 0; round < ROUNDS_MAX && status == STATUS_OK; round++) {
        const struct avro_schema *next = current;
        status = evolve_once(&evolution, current, index, arena, &next, error);
        bool done = next == current;
        if (current != schema && !done) {
            avro_schema_release(current);
        }
        current = next;
        if (done) {
            break;
        }
    }
    arena_deinit(&evolution.arena);
    *ret_schema = current;
    return status;
}
