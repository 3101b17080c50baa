/* JSON records to columns, for topics that carry JSON. */

#include "base/time_text.h"
#include "codec/avro.h"
#include "codec/avro_value.h"
#include "codec/json_text.h"

#include <math.h>

/* Fields of a struct whose values are looked up in one pass over the members. */
#define FIELDS_AT_ONCE 64

struct decoding {
    const struct json_document *document;
    struct arena arena; /* unescaped strings */
    struct error *error;
};

static enum status decode_value(struct decoding *decoding,
                                const struct type *type,
                                uint32_t index,
                                struct column_builder *builder,
                                const struct json_place *place);

static enum status wrong_type(struct decoding *decoding,
                              const struct type *type,
                              uint32_t index,
                              const struct json_place *place)
{
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    type_write(type, &text);
    struct slice raw = json_raw(decoding->document, index);
    bool cut = raw.size > 60;
    char path[256];
    json_place_write(place, path, sizeof(path));
    return error_set(decoding->error, STATUS_DATA, "field \"%s\": %.*s%s is not of type %s", path,
                     cut ? 60 : (int) raw.size, (const char *) raw.data, cut ? "..." : "",
                     buffer_string(&text));
}

/* ---- Scalars --------------------------------------------------------------------------------- */

static inline struct slice raw_text(const struct decoding *decoding, uint32_t index)
{
    const struct json_value *value = json_at(decoding->document, index);
    return slice_of(decoding->document->text.data + value->start, value->size);
}

static bool decode_integer(struct decoding *decoding,
                           const struct type *type,
                           uint32_t index,
                           struct column_builder *builder)
{
    int64_t value;
    if (!json_int64(decoding->document, index, &value)) {
        return false;
    }
    int64_t cut = type->id == TYPE_TINYINT    ? (int8_t) value
                  : type->id == TYPE_SMALLINT ? (int16_t) value
                  : type->id == TYPE_INT      ? (int32_t) value
                                              : value;
    if (cut != value) {
        return false;
    }
    column_append_int(builder, value);
    return true;
}

static bool
decode_floating(struct decoding *decoding, uint32_t index, struct column_builder *builder)
{
    struct slice text = raw_text(decoding, index);
    double value;
    if (json_at(decoding->document, index)->kind == JSON_KIND_NUMBER) {
        value = json_number_double(text);
    } else if (json_at(decoding->document, index)->kind != JSON_KIND_STRING) {
        return false;
    } else if (slice_equal_string(text, "NaN")) {
        value = (double) NAN;
    } else if (slice_equal_string(text, "Infinity") || slice_equal_string(text, "+Infinity")) {
        value = HUGE_VAL;
    } else if (slice_equal_string(text, "-Infinity")) {
        value = -HUGE_VAL;
    } else {
        return false;
    }
    column_append_double(builder, value);
    return true;
}

/* A string as it is; a number with its digits; anything else as its JSON text, as Spark has it. */
static void decode_string(struct decoding *decoding, uint32_t index, struct column_builder *builder)
{
    struct slice text = json_at(decoding->document, index)->kind == JSON_KIND_STRING
                            ? json_text(decoding->document, index, &decoding->arena)
                            : json_raw(decoding->document, index);
    column_append_bytes(builder, text);
}

static bool decode_time(struct decoding *decoding,
                        const struct type *type,
                        uint32_t index,
                        struct column_builder *builder)
{
    int64_t value;
    if (json_at(decoding->document, index)->kind == JSON_KIND_STRING) {
        if (time_parse(raw_text(decoding, index), &value, NULL) != STATUS_OK) {
            return false;
        }
        if (type->id == TYPE_DATE) {
            value = value / US_PER_DAY - (value % US_PER_DAY < 0);
        }
    } else if (type->id == TYPE_DATE || !json_int64(decoding->document, index, &value) ||
               __builtin_mul_overflow(value, US_PER_SECOND, &value)) { /* seconds, as Spark */
        return false;
    }
    column_append_int(builder, value);
    return true;
}

static bool decode_decimal(struct decoding *decoding,
                           const struct type *type,
                           uint32_t index,
                           struct column_builder *builder)
{
    int128 unscaled;
    if (json_at(decoding->document, index)->kind != JSON_KIND_NUMBER ||
        !avro_decimal_from_text(raw_text(decoding, index), type->precision, type->scale,
                                &unscaled)) {
        return false;
    }
    column_append_decimal(builder, unscaled);
    return true;
}

static bool decode_binary(struct decoding *decoding, uint32_t index, struct column_builder *builder)
{
    CLEANUP(buffer_deinit) struct buffer bytes = BUFFER_INIT;
    if (json_at(decoding->document, index)->kind != JSON_KIND_STRING ||
        !avro_append_base64(json_text(decoding->document, index, &decoding->arena), &bytes)) {
        return false;
    }
    column_append_bytes(builder, buffer_slice(&bytes));
    return true;
}

/* ---- Nested values --------------------------------------------------------------------------- */

static bool
name_is(const struct json_document *document, uint32_t index, const struct type_field *field)
{
    const struct json_value *value = json_at(document, index);
    if ((value->flags & JSON_ESCAPED) != 0) {
        return json_text_is(document, index, slice_of_string(field->name));
    }
    const char *text = (const char *) document->text.data + value->start;
    return strncmp(field->name, text, value->size) == 0 && field->name[value->size] == '\0';
}

/* Tape indices of the values of up to FIELDS_AT_ONCE fields, from one pass; the last of equal names
 * stays. Members tend to come in the order of the fields. */
static void find_members(const struct json_document *document,
                         uint32_t object,
                         const struct type_field *fields,
                         uint32_t count,
                         uint32_t *ret_values)
{
    memset(ret_values, 0xff, count * sizeof(*ret_values));
    uint32_t end = json_at(document, object)->next;
    uint32_t expected = 0;
    for (uint32_t at = object + 1; at < end; at = json_at(document, at + 1)->next) {
        for (uint32_t i = 0; i < count; i++) {
            uint32_t field = expected + i < count ? expected + i : expected + i - count;
            if (name_is(document, at, &fields[field])) {
                ret_values[field] = at + 1;
                expected = field + 1 < count ? field + 1 : 0;
                break;
            }
        }
    }
}

static enum status decode_fields(struct decoding *decoding,
                                 const struct type *type,
                                 uint32_t index,
                                 struct column_builder *builders,
                                 const struct json_place *above)
{
    uint32_t values[FIELDS_AT_ONCE];
    for (uint32_t i = 0; i < type->field_count; i++) {
        const struct type_field *field = &type->fields[i];
        if (i % FIELDS_AT_ONCE == 0) {
            uint32_t left = type->field_count - i;
            find_members(decoding->document, index, field,
                         left < FIELDS_AT_ONCE ? left : FIELDS_AT_ONCE, values);
        }
        uint32_t value = values[i % FIELDS_AT_ONCE];
        if (value == UINT32_MAX) {
            column_append_null(&builders[i]);
            continue;
        }
        struct json_place place = {.above = above, .name = slice_of_string(field->name)};
        TRY(decode_value(decoding, field->type, value, &builders[i], &place));
    }
    return STATUS_OK;
}

static enum status decode_list(struct decoding *decoding,
                               const struct type *type,
                               uint32_t index,
                               struct column_builder *builder,
                               const struct json_place *above)
{
    bool map = type->id == TYPE_MAP;
    const struct json_value *value = json_at(decoding->document, index);
    if (value->kind != (map ? JSON_KIND_OBJECT : JSON_KIND_ARRAY) ||
        (map && type->fields[0].type->id != TYPE_STRING)) {
        return wrong_type(decoding, type, index, above);
    }
    uint32_t at = index + 1;
    for (uint32_t i = 0; i < value->count; i++) {
        struct json_place place = {.above = above, .index = i};
        if (map) {
            place.name = json_text(decoding->document, at, &decoding->arena);
            column_append_bytes(&builder->children[0], place.name);
            at++;
        }
        TRY(decode_value(decoding, type->fields[map ? 1 : 0].type, at,
                         &builder->children[map ? 1 : 0], &place));
        at = json_at(decoding->document, at)->next;
    }
    column_append_list_end(builder);
    return STATUS_OK;
}

static enum status decode_value(struct decoding *decoding,
                                const struct type *type,
                                uint32_t index,
                                struct column_builder *builder,
                                const struct json_place *place)
{
    enum json_kind kind = json_at(decoding->document, index)->kind;
    bool good = false;
    if (kind == JSON_KIND_NULL) {
        column_append_null(builder);
        return STATUS_OK;
    }
    switch (type->id) {
    case TYPE_NULL:
        column_append_null(builder);
        return STATUS_OK;
    case TYPE_BOOLEAN:
        good = kind == JSON_KIND_TRUE || kind == JSON_KIND_FALSE;
        if (good) {
            column_append_bool(builder, kind == JSON_KIND_TRUE);
        }
        break;
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
        good = decode_integer(decoding, type, index, builder);
        break;
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        good = decode_floating(decoding, index, builder);
        break;
    case TYPE_DECIMAL:
        good = decode_decimal(decoding, type, index, builder);
        break;
    case TYPE_STRING:
        decode_string(decoding, index, builder);
        return STATUS_OK;
    case TYPE_BINARY:
        good = decode_binary(decoding, index, builder);
        break;
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
        good = decode_time(decoding, type, index, builder);
        break;
    case TYPE_INTERVAL:
    case TYPE_INTERVAL_MONTHS:
        break;
    case TYPE_ARRAY:
    case TYPE_MAP:
        return decode_list(decoding, type, index, builder, place);
    case TYPE_STRUCT:
        if (kind != JSON_KIND_OBJECT) {
            break;
        }
        TRY(decode_fields(decoding, type, index, builder->children, place));
        column_append_struct_end(builder);
        return STATUS_OK;
    }
    return good ? STATUS_OK : wrong_type(decoding, type, index, place);
}

enum status json_decode(const struct json_document *document,
                        uint32_t index,
                        const struct type *type,
                        struct column_builder *builders,
                        struct error *error)
{
    if (json_at(document, index)->kind != JSON_KIND_OBJECT) {
        return error_set(error, STATUS_DATA, "the record is not a JSON object");
    }
    int64_t length = type->field_count == 0 ? 0 : builders[0].length;
    struct decoding decoding = {.document = document, .error = error};
    arena_init(&decoding.arena, 4096);
    enum status status = decode_fields(&decoding, type, index, builders, NULL);
    arena_deinit(&decoding.arena);
    for (uint32_t i = 0; status != STATUS_OK && i < type->field_count; i++) {
        column_builder_truncate(&builders[i], length);
    }
    return status;
}
