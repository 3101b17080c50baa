/* Generators: rows from arrays and maps. */

#include "columnar/builder.h"
#include "sql/coerce.h"
#include "sql/function_internal.h"
#include "sql/json_internal.h"
#include "sql/kernels.h"

enum {
    GENERATE_EXPLODE = 1,
    GENERATE_POSITION = 2,
    GENERATE_INLINE = 4,
    GENERATE_OUTER = 8
};

/* ---- explode, posexplode, inline ---- */

static enum status resolve_explode(RESOLVE_PARAMETERS)
{
    const struct type *list = types[0];
    struct type_field fields[3];
    uint32_t next = 0;
    if (list->id != TYPE_ARRAY && list->id != TYPE_MAP) {
        return function_type_error(function, 0, list, "an array or a map", error);
    }
    if ((function->variant & GENERATE_POSITION) != 0) {
        fields[next++] = (struct type_field){"pos", type_plain(TYPE_INT), true};
    }
    if (list->id == TYPE_MAP) {
        fields[next++] = (struct type_field){"key", list->fields[0].type, true};
        fields[next++] = (struct type_field){"value", list->fields[1].type, true};
    } else {
        fields[next++] = (struct type_field){"col", list->fields[0].type, true};
    }
    *ret_type = type_struct(arena, fields, next);
    return STATUS_OK;
}

static enum status resolve_inline(RESOLVE_PARAMETERS)
{
    const struct type *element = types[0]->id == TYPE_ARRAY ? types[0]->fields[0].type : NULL;
    if (element == NULL || element->id != TYPE_STRUCT) {
        return function_type_error(function, 0, types[0], "an array of structs", error);
    }
    *ret_type = element;
    return STATUS_OK;
}

/* Where each row of the result comes from. */
struct sources {
    int64_t count;
    int32_t *rows;
    int32_t *elements; /* -1: the row of nulls of an outer generator */
    int32_t *places;
};

static void
sources_of(struct eval *eval, const struct column *list, bool outer, struct sources *sources)
{
    int64_t total = 0;
    for (int64_t i = 0; i < eval->batch->length; i++) {
        bool null = column_is_null(list, i);
        int64_t size = null ? 0 : list->offsets[i + 1] - list->offsets[i];
        total += eval_failed(eval, i) ? 0 : size == 0 && outer ? 1 : size;
    }
    *sources = (struct sources){.rows = ARENA_ARRAY(eval->arena, int32_t, (size_t) total),
                                .elements = ARENA_ARRAY(eval->arena, int32_t, (size_t) total),
                                .places = ARENA_ARRAY(eval->arena, int32_t, (size_t) total)};
    for (int64_t i = 0; i < eval->batch->length; i++) {
        bool null = column_is_null(list, i);
        int32_t start = null ? 0 : list->offsets[i];
        int32_t end = null ? 0 : list->offsets[i + 1];
        if (eval_failed(eval, i)) {
            continue;
        }
        if (start == end && outer) {
            sources->rows[sources->count] = (int32_t) i;
            sources->elements[sources->count++] = -1;
        }
        for (int32_t e = start; e < end; e++) {
            sources->rows[sources->count] = (int32_t) i;
            sources->places[sources->count] = e - start;
            sources->elements[sources->count++] = e;
        }
    }
}

static const struct column *position_column(struct eval *eval, const struct sources *sources)
{
    struct column_builder builder;
    column_builder_init(&builder, eval->arena, type_plain(TYPE_INT), sources->count);
    for (int64_t i = 0; i < sources->count; i++) {
        if (sources->elements[i] < 0) {
            column_append_null(&builder);
        } else {
            column_append_int(&builder, sources->places[i]);
        }
    }
    return column_builder_finish(&builder);
}

static const struct column *
taken(struct eval *eval, const struct column *column, const struct sources *sources)
{
    return column_take(eval->arena, column, sources->elements, sources->count);
}

static void generate_list(struct eval *eval,
                          const struct expression *call,
                          const struct column *const *arguments,
                          bool outer,
                          struct generated *ret_generated)
{
    int variant = call->function->variant;
    const struct column *list = arguments[0];
    struct sources sources;
    sources_of(eval, list, outer || (variant & GENERATE_OUTER) != 0, &sources);
    const struct column **columns =
        ARENA_ARRAY(eval->arena, const struct column *, call->type->field_count);
    uint32_t next = 0;
    if ((variant & GENERATE_POSITION) != 0) {
        columns[next++] = position_column(eval, &sources);
    }
    if ((variant & GENERATE_INLINE) != 0) {
        const struct column *structs = taken(eval, list->children[0], &sources);
        for (; next < call->type->field_count; next++) {
            columns[next] = structs->children[next];
        }
    }
    for (uint32_t child = 0; next < call->type->field_count; child++) {
        columns[next++] = taken(eval, list->children[child], &sources);
    }
    *ret_generated =
        (struct generated){.length = sources.count, .rows = sources.rows, .columns = columns};
}

/* ---- stack ---- */

#define STACK_ROWS_MAX 10000

static enum status resolve_stack(RESOLVE_PARAMETERS)
{
    int64_t row_count;
    if (!literal_int(arguments[0], &row_count) || row_count < 1 || row_count > STACK_ROWS_MAX) {
        return function_type_error(function, 0, types[0], "a literal from 1 to 10000", error);
    }
    uint32_t width = (count - 1 + (uint32_t) row_count - 1) / (uint32_t) row_count;
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, width);
    for (uint32_t c = 0; c < width; c++) {
        const struct type *common = type_plain(TYPE_NULL);
        for (uint32_t i = 1 + c; i < count; i += width) {
            const struct type *next = type_common(arena, common, types[i]);
            if (next == NULL) {
                return function_type_error(function, i, types[i], type_text(common, arena), error);
            }
            common = next;
        }
        for (uint32_t i = 1 + c; i < count; i += width) {
            types[i] = common;
        }
        fields[c] = (struct type_field){arena_printf(arena, "col%u", c), common, true};
    }
    *ret_type = type_struct(arena, fields, width);
    return STATUS_OK;
}

static void generate_stack(struct eval *eval,
                           const struct expression *call,
                           const struct column *const *arguments,
                           bool outer,
                           struct generated *ret_generated)
{
    (void) outer; /* there is always a row */
    int64_t per_row = 1;
    literal_int(call->arguments[0], &per_row);
    uint32_t width = call->type->field_count;
    int64_t length = eval->batch->length * per_row;
    int32_t *rows = ARENA_ARRAY(eval->arena, int32_t, (size_t) length);
    struct column_builder *builders = ARENA_ARRAY(eval->arena, struct column_builder, width);
    for (uint32_t c = 0; c < width; c++) {
        column_builder_init(&builders[c], eval->arena, call->type->fields[c].type, length);
    }
    int64_t count = 0;
    for (int64_t i = 0; i < eval->batch->length; i++) {
        for (int64_t r = 0; r < per_row && !eval_failed(eval, i); r++) {
            rows[count++] = (int32_t) i;
            for (uint32_t c = 0; c < width; c++) {
                uint32_t at = 1 + (uint32_t) r * width + c;
                if (at < call->argument_count) {
                    column_append_value(&builders[c], arguments[at], i);
                } else {
                    column_append_null(&builders[c]);
                }
            }
        }
    }
    const struct column **columns = ARENA_ARRAY(eval->arena, const struct column *, width);
    for (uint32_t c = 0; c < width; c++) {
        columns[c] = column_builder_finish(&builders[c]);
    }
    *ret_generated = (struct generated){.length = count, .rows = rows, .columns = columns};
}

/* ---- json_tuple ---- */

static enum status resolve_json_tuple(RESOLVE_PARAMETERS)
{
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, count - 1);
    for (uint32_t i = 0; i < count; i++) {
        TRY(function_want(function, types, i, type_plain(TYPE_STRING), error));
        if (i > 0) {
            fields[i - 1] = (struct type_field){arena_printf(arena, "c%u", i - 1),
                                                type_plain(TYPE_STRING), true};
        }
    }
    *ret_type = type_struct(arena, fields, count - 1);
    return STATUS_OK;
}

/* One row an input row: the members named, as text. */
static void generate_json_tuple(struct eval *eval,
                                const struct expression *call,
                                const struct column *const *arguments,
                                bool outer,
                                struct generated *ret_generated)
{
    (void) outer; /* there is always a row */
    uint32_t width = call->type->field_count;
    int64_t length = eval->batch->length;
    int32_t *rows = ARENA_ARRAY(eval->arena, int32_t, (size_t) length);
    struct column_builder *builders = ARENA_ARRAY(eval->arena, struct column_builder, width);
    for (uint32_t c = 0; c < width; c++) {
        column_builder_init(&builders[c], eval->arena, type_plain(TYPE_STRING), length);
    }
    struct json_document document;
    json_document_init(&document);
    int64_t count = 0;
    for (int64_t i = 0; i < length; i++) {
        if (eval_failed(eval, i)) {
            continue;
        }
        rows[count++] = (int32_t) i;
        bool object = !column_is_null(arguments[0], i) &&
                      json_parse(&document, column_bytes(arguments[0], i), 0, NULL) == STATUS_OK &&
                      json_at(&document, 0)->kind == JSON_KIND_OBJECT;
        for (uint32_t c = 0; c < width; c++) {
            uint32_t at = UINT32_MAX;
            if (object && !column_is_null(arguments[c + 1], i)) {
                at = json_member(&document, 0, column_bytes(arguments[c + 1], i));
            }
            struct slice text;
            if (at != UINT32_MAX && json_plain_text(&document, at, eval->arena, &text)) {
                column_append_bytes(&builders[c], text);
            } else {
                column_append_null(&builders[c]);
            }
        }
    }
    json_document_deinit(&document);
    const struct column **columns = ARENA_ARRAY(eval->arena, const struct column *, width);
    for (uint32_t c = 0; c < width; c++) {
        columns[c] = column_builder_finish(&builders[c]);
    }
    *ret_generated = (struct generated){.length = count, .rows = rows, .columns = columns};
}

#define GENERATOR(name_, variant_, min_, max_, resolve_, generate_, usage_, help_)                 \
    {                                                                                              \
        .name = (name_), .kind = FUNCTION_GENERATOR, .arguments_min = (min_),                      \
        .arguments_max = (max_), .deterministic = true, .variant = (variant_), .usage = (usage_),  \
        .help = (help_), .resolve = (resolve_), .generate = (generate_)                            \
    }
#define LIST(name, variant, resolve, help)                                                         \
    GENERATOR(name, variant, 1, 1, resolve, generate_list, name "(array or map)", help)

static const struct sql_function rows[] = {
    LIST("explode", GENERATE_EXPLODE, resolve_explode, "A row an element."),
    LIST("explode_outer",
         GENERATE_EXPLODE | GENERATE_OUTER,
         resolve_explode,
         "A row an element, or one of null where there is none."),
    LIST("posexplode",
         GENERATE_EXPLODE | GENERATE_POSITION,
         resolve_explode,
         "A row an element, with its place from 0."),
    LIST("posexplode_outer",
         GENERATE_EXPLODE | GENERATE_POSITION | GENERATE_OUTER,
         resolve_explode,
         "A row an element, with its place from 0, or one of nulls where there is none."),
    LIST("inline", GENERATE_INLINE, resolve_inline, "A row a struct of an array."),
    LIST("inline_outer",
         GENERATE_INLINE | GENERATE_OUTER,
         resolve_inline,
         "A row a struct of an array, or one of nulls where there is none."),
    GENERATOR("stack",
              0,
              2,
              ARGUMENTS_ANY,
              resolve_stack,
              generate_stack,
              "stack(n, a, b, ...)",
              "The values in n rows."),
    GENERATOR("json_tuple",
              0,
              2,
              ARGUMENTS_ANY,
              resolve_json_tuple,
              generate_json_tuple,
              "json_tuple(text, name, ...)",
              "Members of a JSON object as text, each a column."),
};

FUNCTION_FAMILY(functions_generator, rows);
