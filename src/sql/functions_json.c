/* JSON: paths, from_json, to_json, and what a text holds. */

#include "sql/coerce.h"
#include "sql/datetime.h"
#include "sql/datetime_format.h"
#include "sql/decimal.h"
#include "sql/function_internal.h"
#include "sql/interval_text.h"
#include "sql/json_internal.h"
#include "sql/json_path.h"
#include "sql/json_schema.h"
#include "sql/kernels.h"
#include "sql/number_text.h"

#include <math.h>
#include <strings.h>

/* ---- get_json_object ---- */

static const struct column *call_get_json_object(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, 2, 0);
    int64_t rows = text.base.rows;
    struct arg path_arg = arg_of(arguments[1], rows);
    struct json_document document;
    json_document_init(&document);
    struct json_path path = {0};
    bool path_ok = false;
    for (int64_t i = 0; i < rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        if (i == 0 || path_arg.mask != 0 || !path_ok) {
            path_ok = json_path_parse(arg_bytes(path_arg, i), &path);
        }
        struct slice found;
        if (path_ok &&
            json_parse(&document, arg_bytes(arg_of(arguments[0], rows), i), 0, NULL) == STATUS_OK &&
            json_path_get(&document, &path, eval->arena, &found)) {
            text_end_slice(&text, i, found);
        } else {
            text_end_null(&text, i);
        }
    }
    json_document_deinit(&document);
    return text_finish(&text);
}

/* ---- options ---- */

/* The value of a key in a literal map, or in map('k', 'v') as written. */
static bool option_of(const struct expression *map, const char *name, struct slice *ret_value)
{
    if (map->kind == EXPR_CALL) {
        for (uint32_t i = 0; i + 1 < map->argument_count; i += 2) {
            struct slice key;
            if (literal_string(map->arguments[i], &key) && strlen(name) == key.size &&
                strncasecmp(name, (const char *) key.data, key.size) == 0) {
                return literal_string(map->arguments[i + 1], ret_value);
            }
        }
        return false;
    }
    if (map->kind != EXPR_LITERAL || column_is_null(map->literal, 0)) {
        return false;
    }
    const struct column *keys = map->literal->children[0];
    for (int32_t e = map->literal->offsets[0]; e < map->literal->offsets[1]; e++) {
        struct slice key = column_bytes(keys, e);
        if (strlen(name) == key.size && strncasecmp(name, (const char *) key.data, key.size) == 0) {
            *ret_value = column_bytes(map->literal->children[1], e);
            return true;
        }
    }
    return false;
}

static enum status read_options(const struct expression *map,
                                struct arena *arena,
                                struct json_options *options,
                                struct error *error)
{
    struct slice value;
    if (option_of(map, "timestampFormat", &value)) {
        TRY(datetime_pattern_compile(value, arena, &options->timestamp, error));
    }
    if (option_of(map, "dateFormat", &value)) {
        TRY(datetime_pattern_compile(value, arena, &options->date, error));
    }
    options->fail_fast = option_of(map, "mode", &value) && value.size == 8 &&
                         strncasecmp("FAILFAST", (const char *) value.data, 8) == 0;
    return STATUS_OK;
}

static enum status prepare_json(const struct expression *call,
                                struct arena *arena,
                                const void **ret_state,
                                struct error *error)
{
    struct json_options *options = ARENA_NEW(arena, struct json_options);
    uint32_t at = (uint32_t) call->function->variant;
    if (call->argument_count > at) {
        TRY(read_options(call->arguments[at], arena, options, error));
    }
    *ret_state = options;
    return STATUS_OK;
}

static enum status want_options(const struct sql_function *function,
                                const struct type *type,
                                uint32_t index,
                                struct error *error)
{
    if (type->id != TYPE_MAP || type->fields[0].type->id != TYPE_STRING) {
        return function_type_error(function, index, type, "a map of options", error);
    }
    return STATUS_OK;
}

/* ---- from_json ---- */

/* The text of the schema argument: a literal, or schema_of_json of one. */
static bool
schema_text(const struct expression *argument, struct arena *arena, struct slice *ret_text)
{
    if (argument->kind == EXPR_CALL && argument->argument_count >= 1 &&
        strcmp(argument->function->name, "schema_of_json") == 0) {
        struct slice sample;
        return literal_string(argument->arguments[0], &sample) &&
               json_schema_of(sample, arena, ret_text, NULL) == STATUS_OK;
    }
    return literal_string(argument, ret_text);
}

static enum status resolve_from_json(RESOLVE_PARAMETERS)
{
    struct slice text;
    TRY(function_want(function, types, 0, type_plain(TYPE_STRING), error));
    if (!schema_text(arguments[1], arena, &text)) {
        return function_type_error(function, 1, types[1], "a literal schema", error);
    }
    if (type_parse(text, arena, ret_type, error) != STATUS_OK) {
        const char *wrapped = arena_printf(arena, "struct<%.*s>", SLICE_FORMAT(text));
        if (type_parse(slice_of_string(wrapped), arena, ret_type, error) != STATUS_OK) {
            error_context(error, "from_json: the schema '%.*s'", SLICE_FORMAT(text));
            return STATUS_CONFIG;
        }
    }
    enum type_id id = ret_type[0]->id;
    if (id != TYPE_STRUCT && id != TYPE_ARRAY && id != TYPE_MAP) {
        return function_type_error(function, 1, *ret_type, "a struct, an array or a map", error);
    }
    return count == 3 ? want_options(function, types[2], 2, error) : STATUS_OK;
}

/* A text that is no JSON: a struct of nulls, or null for the others. */
static void append_malformed(struct column_builder *builder)
{
    if (builder->type->id != TYPE_STRUCT) {
        column_append_null(builder);
        return;
    }
    for (uint32_t i = 0; i < builder->type->field_count; i++) {
        column_append_null(&builder->children[i]);
    }
    column_append_struct_end(builder);
}

static bool is_blank(struct slice text)
{
    return text_trim_all(text).size == 0;
}

static bool append_document(struct json_document *document,
                            struct slice text,
                            const struct json_options *options,
                            struct arena *arena,
                            struct column_builder *builder)
{
    if (json_parse(document, text, 0, NULL) != STATUS_OK) {
        append_malformed(builder);
        return false;
    }
    enum json_kind kind = (enum json_kind) json_at(document, 0)->kind;
    enum type_id id = builder->type->id;
    if (kind == JSON_KIND_OBJECT && id == TYPE_ARRAY &&
        builder->type->fields[0].type->id == TYPE_STRUCT) {
        bool ok = json_append(document, 0, options, arena, &builder->children[0]);
        column_append_list_end(builder);
        return ok;
    }
    bool wanted = id == TYPE_ARRAY ? kind == JSON_KIND_ARRAY : kind == JSON_KIND_OBJECT;
    if (!wanted) {
        append_malformed(builder);
        return false;
    }
    return json_append(document, 0, options, arena, builder);
}

static const struct column *call_from_json(CALL_PARAMETERS)
{
    int64_t rows = eval->batch->length;
    struct arg text = arg_of(arguments[0], rows);
    const struct json_options none = {0};
    const struct json_options *options =
        call->function_state == NULL ? &none : call->function_state;
    struct column_builder builder;
    column_builder_init(&builder, eval->arena, call->type, rows);
    struct json_document document;
    json_document_init(&document);
    for (int64_t i = 0; i < rows; i++) {
        if (arg_is_null(text, i) || is_blank(arg_bytes(text, i))) {
            column_append_null(&builder);
        } else if (!append_document(&document, arg_bytes(text, i), options, eval->arena,
                                    &builder) &&
                   options->fail_fast) {
            eval_fail(eval, i, call->offset, "the text does not fit the JSON schema");
        }
    }
    json_document_deinit(&document);
    return column_builder_finish(&builder);
}

/* ---- to_json ---- */

static void write_value(const struct column *column,
                        int64_t row,
                        const struct json_options *options,
                        struct buffer *target);

static void write_quoted_time(const struct column *column,
                              int64_t row,
                              const struct json_options *options,
                              struct buffer *target)
{
    bool date = column->type->id == TYPE_DATE;
    const struct datetime_pattern *pattern = date ? options->date : options->timestamp;
    int64_t value = column_int(column, row);
    struct datetime d;
    datetime_from_timestamp(date ? value * US_PER_DAY : value, &d);
    if (pattern != NULL) {
        struct buffer text = BUFFER_INIT;
        datetime_pattern_write(pattern, &d, &text);
        buffer_append_json(target, buffer_slice(&text));
        buffer_deinit(&text);
        return;
    }
    char text[DATETIME_TEXT_BYTES];
    size_t size = datetime_format_date(d.days, text);
    buffer_append_byte(target, '"');
    buffer_append(target, text, size);
    if (!date) {
        buffer_printf(target, "T%02u:%02u:%02u.%03uZ", d.hour, d.minute, d.second, d.micros / 1000);
    }
    buffer_append_byte(target, '"');
}

static void write_number(const struct column *column, int64_t row, struct buffer *target)
{
    char text[DECIMAL_TEXT_BYTES];
    size_t size;
    bool special = false;
    if (column->type->id == TYPE_DECIMAL) {
        size = decimal_format(((const int128 *) column->values)[row], column->type->scale, text);
    } else if (column->type->id == TYPE_DOUBLE || column->type->id == TYPE_FLOAT) {
        special = !isfinite(column_double(column, row));
        size = column->type->id == TYPE_DOUBLE
                   ? number_format_double(((const double *) column->values)[row], text)
                   : number_format_float(((const float *) column->values)[row], text);
    } else {
        size = number_format_int(column_int(column, row), text);
    }
    buffer_append_string(target, special ? "\"" : "");
    buffer_append(target, text, size);
    buffer_append_string(target, special ? "\"" : "");
}

static void write_members(const struct column *column,
                          int64_t row,
                          const struct json_options *options,
                          struct buffer *target)
{
    bool first = true;
    buffer_append_byte(target, '{');
    for (uint32_t i = 0; i < column->type->field_count; i++) {
        const struct column *child = column->children[i];
        if (child->type->id == TYPE_NULL || column_is_null(child, row)) {
            continue;
        }
        buffer_append_string(target, first ? "" : ",");
        buffer_append_json(target, slice_of_string(column->type->fields[i].name));
        buffer_append_byte(target, ':');
        write_value(child, row, options, target);
        first = false;
    }
    buffer_append_byte(target, '}');
}

static void write_elements(const struct column *column,
                           int64_t row,
                           const struct json_options *options,
                           struct buffer *target)
{
    bool map = column->type->id == TYPE_MAP;
    buffer_append_byte(target, map ? '{' : '[');
    for (int32_t e = column->offsets[row]; e < column->offsets[row + 1]; e++) {
        buffer_append_string(target, e > column->offsets[row] ? "," : "");
        if (map && column->children[0]->type->id == TYPE_STRING) {
            buffer_append_json(target, column_bytes(column->children[0], e));
        } else if (map) {
            struct buffer key = BUFFER_INIT;
            write_value(column->children[0], e, options, &key);
            bool quoted = key.size > 0 && key.data[0] == '"';
            buffer_append_string(target, quoted ? "" : "\"");
            buffer_append_slice(target, buffer_slice(&key));
            buffer_append_string(target, quoted ? "" : "\"");
            buffer_deinit(&key);
        }
        if (map) {
            buffer_append_byte(target, ':');
        }
        write_value(column->children[map ? 1 : 0], e, options, target);
    }
    buffer_append_byte(target, map ? '}' : ']');
}

static void write_value(const struct column *column,
                        int64_t row,
                        const struct json_options *options,
                        struct buffer *target)
{
    char text[96];
    if (column->type->id == TYPE_NULL || column_is_null(column, row)) {
        buffer_append_string(target, "null");
        return;
    }
    switch (column->type->id) {
    case TYPE_BOOLEAN:
        buffer_append_string(target, column_bool(column, row) ? "true" : "false");
        break;
    case TYPE_STRING:
        buffer_append_json(target, column_bytes(column, row));
        break;
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
        write_quoted_time(column, row, options, target);
        break;
    case TYPE_INTERVAL:
        buffer_append_json(target, slice_of(text, interval_format(column_int(column, row), text)));
        break;
    case TYPE_INTERVAL_MONTHS:
        buffer_append_json(target,
                           slice_of(text, interval_format_months(column_int(column, row), text)));
        break;
    case TYPE_BINARY:
        column_write_json(column, row, target);
        break;
    case TYPE_STRUCT:
        write_members(column, row, options, target);
        break;
    case TYPE_ARRAY:
    case TYPE_MAP:
        write_elements(column, row, options, target);
        break;
    default:
        write_number(column, row, target);
        break;
    }
}

static enum status resolve_to_json(RESOLVE_PARAMETERS)
{
    enum type_id id = types[0]->id;
    if (id != TYPE_STRUCT && id != TYPE_ARRAY && id != TYPE_MAP) {
        return function_type_error(function, 0, types[0], "a struct, an array or a map", error);
    }
    *ret_type = type_plain(TYPE_STRING);
    return count == 2 ? want_options(function, types[1], 1, error) : STATUS_OK;
}

static const struct column *call_to_json(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, 1, 0);
    struct arg x = arg_of(arguments[0], text.base.rows);
    const struct json_options none = {0};
    const struct json_options *options =
        call->function_state == NULL ? &none : call->function_state;
    struct buffer scratch = BUFFER_INIT;
    for (int64_t i = 0; i < text.base.rows; i++) {
        if (!text_skip_null(&text, i)) {
            buffer_clear(&scratch);
            write_value(x.column, arg_row(x, i), options, &scratch);
            text_end_slice(&text, i, buffer_slice(&scratch));
        }
    }
    buffer_deinit(&scratch);
    return text_finish(&text);
}

/* ---- what a text holds ---- */

static const struct column *call_array_length(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, 1);
    struct arg x = arg_of(arguments[0], output.rows);
    struct json_document document;
    json_document_init(&document);
    for (int64_t i = 0; i < output.rows; i++) {
        if (output_is_null(&output, i)) {
            continue;
        }
        if (json_parse(&document, arg_bytes(x, i), 0, NULL) == STATUS_OK &&
            json_at(&document, 0)->kind == JSON_KIND_ARRAY) {
            output_int(&output, i, json_at(&document, 0)->count);
        } else {
            output_null(&output, i);
        }
    }
    json_document_deinit(&document);
    return output_finish(&output);
}

static const struct column *call_object_keys(CALL_PARAMETERS)
{
    struct column_builder builder;
    column_builder_init(&builder, eval->arena, call->type, eval->batch->length);
    struct arg x = arg_of(arguments[0], eval->batch->length);
    struct json_document document;
    json_document_init(&document);
    for (int64_t i = 0; i < eval->batch->length; i++) {
        if (arg_is_null(x, i) || json_parse(&document, arg_bytes(x, i), 0, NULL) != STATUS_OK ||
            json_at(&document, 0)->kind != JSON_KIND_OBJECT) {
            column_append_null(&builder);
            continue;
        }
        uint32_t at = 1;
        for (uint32_t m = 0; m < json_at(&document, 0)->count; m++) {
            column_append_bytes(&builder.children[0], json_text(&document, at, eval->arena));
            at = json_at(&document, json_at(&document, at)->next)->next;
        }
        column_append_list_end(&builder);
    }
    json_document_deinit(&document);
    return column_builder_finish(&builder);
}

static const struct column *call_schema_of(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, 1, 0);
    struct arg x = arg_of(arguments[0], text.base.rows);
    for (int64_t i = 0; i < text.base.rows; i++) {
        struct error error;
        struct slice schema;
        if (text_skip_null(&text, i)) {
            continue;
        }
        if (json_schema_of(arg_bytes(x, i), eval->arena, &schema, &error) == STATUS_OK) {
            text_end_slice(&text, i, schema);
        } else {
            output_fail(&text.base, i, "%s", error.message);
            text_end_null(&text, i);
        }
    }
    return text_finish(&text);
}

static const struct sql_function rows[] = {
    SCALAR("get_json_object",
           2,
           2,
           "string, string -> string",
           call_get_json_object,
           "get_json_object(text, path)",
           "What a path such as '$.a.b[0]' or '$.a[*].b' finds, as text; null if nothing."),
    {.name = "from_json",
     .arguments_min = 2,
     .arguments_max = 3,
     .deterministic = true,
     .variant = 2,
     .usage = "from_json(text, schema[, options])",
     .help = "The text as a struct, array or map. What does not fit is null, unless the option "
             "mode is FAILFAST; also timestampFormat and dateFormat.",
     .resolve = resolve_from_json,
     .prepare = prepare_json,
     .call = call_from_json},
    {.name = "to_json",
     .arguments_min = 1,
     .arguments_max = 2,
     .deterministic = true,
     .variant = 1,
     .usage = "to_json(struct, array or map[, options])",
     .help = "The value as JSON; null fields are left out. Options timestampFormat, dateFormat.",
     .resolve = resolve_to_json,
     .prepare = prepare_json,
     .call = call_to_json},
    SCALAR("json_array_length",
           1,
           1,
           "string -> int",
           call_array_length,
           "json_array_length(text)",
           "Elements of a JSON array; null for anything else."),
    SCALAR("json_object_keys",
           1,
           1,
           "string -> array<string>",
           call_object_keys,
           "json_object_keys(text)",
           "Names of a JSON object's members; null for anything else."),
    SCALAR("schema_of_json",
           1,
           2,
           "string, any -> string",
           call_schema_of,
           "schema_of_json(text)",
           "The schema of a sample, as DDL."),
};

FUNCTION_FAMILY(functions_json, rows);
