#include "rows.h"

#include "base/time_text.h"
#include "codec/json.h"
#include "columnar/builder.h"

#include <math.h>

struct reading {
    struct json_document document;
    struct arena *arena;
    struct error *error;
};

static enum status append(struct reading *reading, struct column_builder *builder, uint32_t index);

static enum status
wrong(struct reading *reading, const struct column_builder *builder, uint32_t index)
{
    return error_set(reading->error, STATUS_DATA, "%.*s is no %s",
                     SLICE_FORMAT(json_raw(&reading->document, index)),
                     type_text(builder->type, reading->arena));
}

static bool decimal_of(struct slice text, unsigned scale, int128 *ret_value)
{
    int128 value = 0;
    bool negative = text.size > 0 && text.data[0] == '-', point = false;
    unsigned fraction = 0;
    for (size_t i = negative ? 1 : 0; i < text.size; i++) {
        if (text.data[i] == '.') {
            point = true;
        } else if (text.data[i] >= '0' && text.data[i] <= '9') {
            value = value * 10 + (text.data[i] - '0');
            fraction += point ? 1 : 0;
        } else {
            return false;
        }
    }
    for (; fraction < scale; fraction++) {
        value *= 10;
    }
    *ret_value = negative ? -value : value;
    return fraction == scale;
}

static enum status
append_number(struct reading *reading, struct column_builder *builder, uint32_t index)
{
    int64_t value = 0;
    int128 unscaled = 0;
    switch (builder->type->id) {
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        column_append_double(builder, json_double(&reading->document, index));
        return STATUS_OK;
    case TYPE_DECIMAL:
        if (!decimal_of(json_raw(&reading->document, index), builder->type->scale, &unscaled)) {
            return wrong(reading, builder, index);
        }
        column_append_decimal(builder, unscaled);
        return STATUS_OK;
    default:
        if (!json_int64(&reading->document, index, &value)) {
            return wrong(reading, builder, index);
        }
        column_append_int(builder, value);
        return STATUS_OK;
    }
}

static enum status
append_text(struct reading *reading, struct column_builder *builder, uint32_t index)
{
    struct slice text = json_text(&reading->document, index, reading->arena);
    int64_t time = 0;
    switch (builder->type->id) {
    case TYPE_STRING:
    case TYPE_BINARY: /* its characters are its bytes */
        column_append_bytes(builder, text);
        return STATUS_OK;
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
        TRY(time_parse(text, &time, reading->error));
        column_append_int(builder, builder->type->id == TYPE_DATE
                                       ? (time - (time < 0 ? US_PER_DAY - 1 : 0)) / US_PER_DAY
                                       : time);
        return STATUS_OK;
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        column_append_double(builder, text.data[0] == 'N'   ? NAN
                                      : text.data[0] == '-' ? -INFINITY
                                                            : INFINITY);
        return STATUS_OK;
    default:
        return wrong(reading, builder, index);
    }
}

static enum status
append_nested(struct reading *reading, struct column_builder *builder, uint32_t index)
{
    const struct json_value *value = json_at(&reading->document, index);
    const struct type *type = builder->type;
    uint32_t at = index + 1;
    if (type->id == TYPE_STRUCT) {
        for (uint32_t i = 0; i < type->field_count; i++) {
            uint32_t member =
                json_member(&reading->document, index, slice_of_string(type->fields[i].name));
            if (member == UINT32_MAX) {
                column_append_null(&builder->children[i]);
            } else {
                TRY(append(reading, &builder->children[i], member));
            }
        }
        column_append_struct_end(builder);
        return STATUS_OK;
    }
    for (uint32_t i = 0; i < value->count; i++) {
        if (type->id == TYPE_MAP) {
            TRY(append(reading, &builder->children[0], at));
            at = json_at(&reading->document, at)->next;
        }
        TRY(append(reading, &builder->children[type->id == TYPE_MAP ? 1 : 0], at));
        at = json_at(&reading->document, at)->next;
    }
    column_append_list_end(builder);
    return STATUS_OK;
}

static enum status append(struct reading *reading, struct column_builder *builder, uint32_t index)
{
    enum type_id id = builder->type->id;
    switch ((enum json_kind) json_at(&reading->document, index)->kind) {
    case JSON_KIND_NULL:
        column_append_null(builder);
        return STATUS_OK;
    case JSON_KIND_TRUE:
    case JSON_KIND_FALSE:
        if (id != TYPE_BOOLEAN) {
            return wrong(reading, builder, index);
        }
        column_append_bool(builder, json_at(&reading->document, index)->kind == JSON_KIND_TRUE);
        return STATUS_OK;
    case JSON_KIND_NUMBER:
        return append_number(reading, builder, index);
    case JSON_KIND_STRING:
        return append_text(reading, builder, index);
    case JSON_KIND_ARRAY:
        return id == TYPE_ARRAY ? append_nested(reading, builder, index)
                                : wrong(reading, builder, index);
    case JSON_KIND_OBJECT:
        return id == TYPE_STRUCT || id == TYPE_MAP ? append_nested(reading, builder, index)
                                                   : wrong(reading, builder, index);
    }
    return STATUS_INTERNAL;
}

enum status rows_read(struct slice lines,
                      const struct type *type,
                      struct arena *arena,
                      struct batch **ret_batch,
                      struct error *error)
{
    struct reading reading = {.arena = arena, .error = error};
    struct column_builder builder;
    enum status status = STATUS_OK;
    int64_t rows = 0;
    json_document_init(&reading.document);
    column_builder_init(&builder, arena, type, 16);
    while (lines.size > 0 && status == STATUS_OK) {
        const uint8_t *end = memchr(lines.data, '\n', lines.size);
        size_t size = end == NULL ? lines.size : (size_t) (end - lines.data);
        struct slice line = slice_of(lines.data, size);
        lines = slice_of(lines.data + size, lines.size - size);
        lines = lines.size > 0 ? slice_of(lines.data + 1, lines.size - 1) : lines;
        if (line.size > 0) {
            status = json_parse(&reading.document, line, 0, error);
            status = status == STATUS_OK ? append(&reading, &builder, 0) : status;
            rows++;
        }
    }
    json_document_deinit(&reading.document);
    if (status == STATUS_OK) {
        struct batch *batch = ARENA_NEW(arena, struct batch);
        const struct column *all = column_builder_finish(&builder);
        *batch = (struct batch){.length = rows, .type = type, .columns = all->children};
        *ret_batch = batch;
    }
    return status;
}

enum status rows_canonical(struct slice json, struct buffer *target, struct error *error)
{
    struct json_document document;
    json_document_init(&document);
    enum status status = json_parse(&document, json, 0, error);
    if (status == STATUS_OK) {
        json_canonical(&document, 0, NULL, 0, target);
    }
    json_document_deinit(&document);
    return status;
}
