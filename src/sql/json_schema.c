#include "sql/json_schema.h"

#include <ctype.h>
#include <stdlib.h>

static const struct type *
infer(const struct json_document *document, uint32_t index, struct arena *arena);

static int compare_fields(const void *a, const void *b)
{
    const struct type_field *x = a;
    const struct type_field *y = b;
    return strcmp(x->name, y->name);
}

static const struct type *merge(struct arena *arena, const struct type *a, const struct type *b);

/* Fields of both, in order of name. */
static const struct type *
merge_structs(struct arena *arena, const struct type *a, const struct type *b)
{
    struct type_field *fields =
        ARENA_ARRAY(arena, struct type_field, (size_t) a->field_count + b->field_count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < a->field_count; i++) {
        fields[count++] = a->fields[i];
    }
    for (uint32_t i = 0; i < b->field_count; i++) {
        uint32_t at = 0;
        while (at < a->field_count && strcmp(a->fields[at].name, b->fields[i].name) != 0) {
            at++;
        }
        if (at < a->field_count) {
            fields[at].type = merge(arena, a->fields[at].type, b->fields[i].type);
        } else {
            fields[count++] = b->fields[i];
        }
    }
    qsort(fields, count, sizeof *fields, compare_fields);
    return type_struct(arena, fields, count);
}

static const struct type *merge(struct arena *arena, const struct type *a, const struct type *b)
{
    if (a->id == TYPE_NULL || b->id == TYPE_NULL) {
        return a->id == TYPE_NULL ? b : a;
    }
    if (a->id == TYPE_STRUCT && b->id == TYPE_STRUCT) {
        return merge_structs(arena, a, b);
    }
    if (a->id == TYPE_ARRAY && b->id == TYPE_ARRAY) {
        return type_array(arena, merge(arena, a->fields[0].type, b->fields[0].type), true);
    }
    if (type_is_numeric(a) && type_is_numeric(b)) {
        return type_plain(a->id == b->id ? a->id : TYPE_DOUBLE);
    }
    return a->id == b->id ? a : type_plain(TYPE_STRING);
}

static const struct type *
infer_object(const struct json_document *document, uint32_t index, struct arena *arena)
{
    uint32_t members = json_at(document, index)->count;
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, members);
    uint32_t count = 0;
    uint32_t at = index + 1;
    for (uint32_t i = 0; i < members; i++) {
        struct slice name = json_text(document, at, arena);
        uint32_t value = json_at(document, at)->next;
        at = json_at(document, value)->next;
        if (json_member(document, index, name) == value) {
            fields[count++] =
                (struct type_field){arena_string(arena, name), infer(document, value, arena), true};
        }
    }
    qsort(fields, count, sizeof *fields, compare_fields);
    return type_struct(arena, fields, count);
}

static const struct type *
infer(const struct json_document *document, uint32_t index, struct arena *arena)
{
    const struct json_value *value = json_at(document, index);
    int64_t integer;
    switch (value->kind) {
    case JSON_KIND_TRUE:
    case JSON_KIND_FALSE:
        return type_plain(TYPE_BOOLEAN);
    case JSON_KIND_NUMBER:
        if ((value->flags & JSON_INTEGRAL) == 0) {
            return type_plain(TYPE_DOUBLE);
        }
        return json_int64(document, index, &integer)
                   ? type_plain(TYPE_BIGINT)
                   : type_decimal(arena, value->size > 38 ? 38 : (uint8_t) value->size, 0);
    case JSON_KIND_STRING:
        return type_plain(TYPE_STRING);
    case JSON_KIND_OBJECT:
        return infer_object(document, index, arena);
    case JSON_KIND_ARRAY: {
        const struct type *element = type_plain(TYPE_NULL);
        uint32_t at = index + 1;
        for (uint32_t i = 0; i < value->count; i++) {
            element = merge(arena, element, infer(document, at, arena));
            at = json_at(document, at)->next;
        }
        return type_array(arena, element, true);
    }
    default:
        return type_plain(TYPE_NULL);
    }
}

static bool is_plain_name(const char *name)
{
    bool letter = false;
    for (const char *at = name; *at != '\0'; at++) {
        letter = letter || !isdigit((unsigned char) *at);
        if (!isalnum((unsigned char) *at) && *at != '_') {
            return false;
        }
    }
    return letter;
}

static void write_ddl(const struct type *type, struct buffer *target)
{
    switch (type->id) {
    case TYPE_NULL:
        buffer_append_string(target, "STRING");
        break;
    case TYPE_ARRAY:
        buffer_append_string(target, "ARRAY<");
        write_ddl(type->fields[0].type, target);
        buffer_append_byte(target, '>');
        break;
    case TYPE_STRUCT:
        buffer_append_string(target, "STRUCT<");
        for (uint32_t i = 0; i < type->field_count; i++) {
            const char *quote = is_plain_name(type->fields[i].name) ? "" : "`";
            buffer_printf(target, "%s%s%s%s: ", i > 0 ? ", " : "", quote, type->fields[i].name,
                          quote);
            write_ddl(type->fields[i].type, target);
        }
        buffer_append_byte(target, '>');
        break;
    default: {
        size_t start = target->size;
        type_write(type, target);
        for (size_t i = start; i < target->size; i++) {
            target->data[i] = (uint8_t) toupper(target->data[i]);
        }
        break;
    }
    }
}

enum status json_schema_of(struct slice text,
                           struct arena *arena,
                           struct slice *ret_schema,
                           struct error *error)
{
    struct json_document document;
    json_document_init(&document);
    enum status status = json_parse(&document, text, 0, error);
    if (status == STATUS_OK) {
        struct buffer ddl = BUFFER_INIT;
        write_ddl(infer(&document, 0, arena), &ddl);
        *ret_schema = arena_copy(arena, buffer_slice(&ddl));
        buffer_deinit(&ddl);
    }
    json_document_deinit(&document);
    return status;
}
