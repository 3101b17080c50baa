#include "sql/json_internal.h"

#include "sql/cast_internal.h"
#include "sql/datetime.h"
#include "sql/datetime_format.h"
#include "sql/decimal.h"
#include "sql/number_text.h"

#include <math.h>

static void write_list(const struct json_document *document, uint32_t index, struct buffer *target)
{
    const struct json_value *value = json_at(document, index);
    bool object = value->kind == JSON_KIND_OBJECT;
    uint32_t at = index + 1;
    buffer_append_byte(target, object ? '{' : '[');
    for (uint32_t i = 0; i < value->count; i++) {
        if (i > 0) {
            buffer_append_byte(target, ',');
        }
        if (object) {
            json_write_compact(document, at, target);
            buffer_append_byte(target, ':');
            at = json_at(document, at)->next;
        }
        json_write_compact(document, at, target);
        at = json_at(document, at)->next;
    }
    buffer_append_byte(target, object ? '}' : ']');
}

void json_write_compact(const struct json_document *document, uint32_t index, struct buffer *target)
{
    const struct json_value *value = json_at(document, index);
    switch (value->kind) {
    case JSON_KIND_STRING: {
        struct arena arena;
        arena_init(&arena, 512);
        buffer_append_json(target, json_text(document, index, &arena));
        arena_deinit(&arena);
        break;
    }
    case JSON_KIND_NUMBER: {
        char text[NUMBER_TEXT_BYTES];
        if ((value->flags & JSON_INTEGRAL) != 0) {
            buffer_append_slice(target, json_raw(document, index));
        } else {
            buffer_append(target, text, number_format_double(json_double(document, index), text));
        }
        break;
    }
    case JSON_KIND_ARRAY:
    case JSON_KIND_OBJECT:
        write_list(document, index, target);
        break;
    default:
        buffer_append_slice(target, json_raw(document, index));
        break;
    }
}

bool json_plain_text(const struct json_document *document,
                     uint32_t index,
                     struct arena *arena,
                     struct slice *ret_text)
{
    const struct json_value *value = json_at(document, index);
    if (value->kind == JSON_KIND_NULL) {
        return false;
    }
    if (value->kind == JSON_KIND_STRING) {
        *ret_text = json_text(document, index, arena);
        return true;
    }
    struct buffer text = BUFFER_INIT;
    json_write_compact(document, index, &text);
    *ret_text = arena_copy(arena, buffer_slice(&text));
    buffer_deinit(&text);
    return true;
}

struct appending {
    const struct json_document *document;
    const struct json_options *options;
    struct arena *arena;
};

/* As Spark has it: a struct keeps the fields that fit, an array or a map is whole or null. */
enum fit {
    FIT_NOT,
    FIT_PARTLY,
    FIT_WHOLE,
};

static enum fit append(const struct appending *a, uint32_t index, struct column_builder *target);

static bool fits(const struct type *type, int64_t value)
{
    switch (type_width(type)) {
    case 1:
        return value == (int8_t) value;
    case 2:
        return value == (int16_t) value;
    case 4:
        return value == (int32_t) value;
    default:
        return true;
    }
}

static bool append_double(const struct appending *a, uint32_t index, struct column_builder *target)
{
    const struct json_value *value = json_at(a->document, index);
    double number;
    if (value->kind == JSON_KIND_NUMBER) {
        number = json_double(a->document, index);
    } else if (value->kind != JSON_KIND_STRING ||
               !number_parse_double(json_text(a->document, index, a->arena), &number) ||
               isfinite(number)) {
        return false;
    }
    column_append_double(target, number);
    return true;
}

static bool append_decimal(const struct appending *a, uint32_t index, struct column_builder *target)
{
    const struct json_value *value = json_at(a->document, index);
    int128 number;
    if (value->kind != JSON_KIND_NUMBER && value->kind != JSON_KIND_STRING) {
        return false;
    }
    struct slice text = value->kind == JSON_KIND_NUMBER ? json_raw(a->document, index)
                                                        : json_text(a->document, index, a->arena);
    if (!decimal_parse(text, target->type->scale, &number) ||
        !decimal_fits(number, target->type->precision)) {
        return false;
    }
    column_append_decimal(target, number);
    return true;
}

static bool append_time(const struct appending *a, uint32_t index, struct column_builder *target)
{
    const struct json_value *value = json_at(a->document, index);
    bool date = target->type->id == TYPE_DATE;
    int64_t time = 0;
    if (value->kind == JSON_KIND_NUMBER && !date) {
        if (!json_int64(a->document, index, &time) ||
            __builtin_mul_overflow(time, US_PER_SECOND, &time)) {
            return false;
        }
        column_append_int(target, time);
        return true;
    }
    if (value->kind != JSON_KIND_STRING) {
        return false;
    }
    struct slice text = json_text(a->document, index, a->arena);
    const struct datetime_pattern *pattern = date ? a->options->date : a->options->timestamp;
    bool ok;
    if (pattern != NULL) {
        ok = datetime_pattern_read(pattern, text, &time);
        time = date ? floor_divide(time, US_PER_DAY) : time;
    } else {
        ok = date ? datetime_parse_date(text, &time) : datetime_parse_timestamp(text, &time);
    }
    if (ok) {
        column_append_int(target, time);
    }
    return ok;
}

static enum fit
append_array(const struct appending *a, uint32_t index, struct column_builder *target)
{
    const struct json_value *value = json_at(a->document, index);
    if (value->kind != JSON_KIND_ARRAY) {
        return FIT_NOT;
    }
    enum fit fit = FIT_WHOLE;
    int64_t start = target->children[0].length;
    uint32_t at = index + 1;
    for (uint32_t i = 0; i < value->count; i++) {
        enum fit one = append(a, at, &target->children[0]);
        if (one == FIT_NOT) {
            column_builder_truncate(&target->children[0], start);
            return FIT_NOT;
        }
        fit = one < fit ? one : fit;
        at = json_at(a->document, at)->next;
    }
    column_append_list_end(target);
    return fit;
}

static enum fit append_map(const struct appending *a, uint32_t index, struct column_builder *target)
{
    const struct json_value *value = json_at(a->document, index);
    if (value->kind != JSON_KIND_OBJECT || target->type->fields[0].type->id != TYPE_STRING) {
        return FIT_NOT;
    }
    enum fit fit = FIT_WHOLE;
    int64_t start = target->children[0].length;
    uint32_t at = index + 1;
    for (uint32_t i = 0; i < value->count; i++) {
        struct slice name = json_text(a->document, at, a->arena);
        uint32_t member = json_at(a->document, at)->next;
        at = json_at(a->document, member)->next;
        if (json_member(a->document, index, name) == member) {
            column_append_bytes(&target->children[0], name);
            enum fit one = append(a, member, &target->children[1]);
            if (one == FIT_NOT) {
                column_builder_truncate(&target->children[0], start);
                column_builder_truncate(&target->children[1], start);
                return FIT_NOT;
            }
            fit = one < fit ? one : fit;
        }
    }
    column_append_list_end(target);
    return fit;
}

static enum fit
append_struct(const struct appending *a, uint32_t index, struct column_builder *target)
{
    const struct json_value *value = json_at(a->document, index);
    if (value->kind != JSON_KIND_OBJECT) {
        return FIT_NOT;
    }
    enum fit fit = FIT_WHOLE;
    for (uint32_t i = 0; i < target->type->field_count; i++) {
        uint32_t member =
            json_member(a->document, index, slice_of_string(target->type->fields[i].name));
        if (member == UINT32_MAX) {
            column_append_null(&target->children[i]);
        } else {
            fit = append(a, member, &target->children[i]) == FIT_WHOLE ? fit : FIT_PARTLY;
        }
    }
    column_append_struct_end(target);
    return fit;
}

/* Appends a row only if it returns true. */
static bool append_plain(const struct appending *a, uint32_t index, struct column_builder *target)
{
    const struct json_value *value = json_at(a->document, index);
    int64_t integer;
    struct slice text;
    switch (target->type->id) {
    case TYPE_BOOLEAN:
        if (value->kind != JSON_KIND_TRUE && value->kind != JSON_KIND_FALSE) {
            return false;
        }
        column_append_bool(target, value->kind == JSON_KIND_TRUE);
        return true;
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
        if (value->kind != JSON_KIND_NUMBER || (value->flags & JSON_INTEGRAL) == 0 ||
            !json_int64(a->document, index, &integer) || !fits(target->type, integer)) {
            return false;
        }
        column_append_int(target, integer);
        return true;
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        return append_double(a, index, target);
    case TYPE_DECIMAL:
        return append_decimal(a, index, target);
    case TYPE_STRING:
        if (json_plain_text(a->document, index, a->arena, &text)) {
            column_append_bytes(target, text);
            return true;
        }
        return false;
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
        return append_time(a, index, target);
    default:
        return false;
    }
}

static enum fit
append_present(const struct appending *a, uint32_t index, struct column_builder *target)
{
    switch (target->type->id) {
    case TYPE_ARRAY:
        return append_array(a, index, target);
    case TYPE_MAP:
        return append_map(a, index, target);
    case TYPE_STRUCT:
        return append_struct(a, index, target);
    default:
        return append_plain(a, index, target) ? FIT_WHOLE : FIT_NOT;
    }
}

static enum fit append(const struct appending *a, uint32_t index, struct column_builder *target)
{
    if (json_at(a->document, index)->kind == JSON_KIND_NULL) {
        column_append_null(target);
        return FIT_WHOLE;
    }
    enum fit fit = append_present(a, index, target);
    if (fit == FIT_NOT) {
        column_append_null(target);
    }
    return fit;
}

bool json_append(const struct json_document *document,
                 uint32_t index,
                 const struct json_options *options,
                 struct arena *arena,
                 struct column_builder *target)
{
    struct appending appending = {document, options, arena};
    return append(&appending, index, target) == FIT_WHOLE;
}
