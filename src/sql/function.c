#include "sql/function.h"

#include "base/assert.h"
#include "sql/coerce.h"
#include "sql/function_internal.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>

#define FUNCTIONS_MAX 640

static const struct function_family *const families[] = {
    &functions_aggregate,    &functions_arithmetic, &functions_array,     &functions_index,
    &functions_array_insert, &functions_array_set,  &functions_collect,   &functions_compare,
    &functions_conditional,  &functions_datetime,   &functions_calendar,  &functions_datetime_text,
    &functions_encode,       &functions_format,     &functions_generator, &functions_hash,
    &functions_interval,     &functions_json,       &functions_lambda,    &functions_map,
    &functions_math,         &functions_round,      &functions_bits,      &functions_pattern,
    &functions_like,         &functions_regression, &functions_split,     &functions_statistic,
    &functions_string,       &functions_case,       &functions_concat,    &functions_struct,
    &functions_text,
};

static const struct sql_function *sorted[FUNCTIONS_MAX];
static size_t sorted_count;
static pthread_once_t sorted_once = PTHREAD_ONCE_INIT;

static int compare_names(const void *a, const void *b)
{
    const struct sql_function *const *x = a;
    const struct sql_function *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static void sort_functions(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        for (size_t j = 0; j < families[i]->count; j++) {
            ASSERT(sorted_count < FUNCTIONS_MAX);
            sorted[sorted_count++] = &families[i]->rows[j];
        }
    }
    qsort(sorted, sorted_count, sizeof(struct sql_function *), compare_names);
}

const struct sql_function *sql_function_find(const char *name)
{
    pthread_once(&sorted_once, sort_functions);
    struct sql_function wanted = {.name = name};
    const struct sql_function *key = &wanted;
    const struct sql_function **found =
        bsearch(&key, sorted, sorted_count, sizeof(struct sql_function *), compare_names);
    return found == NULL ? NULL : *found;
}

size_t sql_functions(const struct sql_function *const **ret_functions)
{
    pthread_once(&sorted_once, sort_functions);
    *ret_functions = sorted;
    return sorted_count;
}

enum status function_type_error(const struct sql_function *function,
                                uint32_t argument,
                                const struct type *type,
                                const char *wanted,
                                struct error *error)
{
    struct arena arena;
    arena_init(&arena, 1024);
    enum status status = error_set(error, STATUS_CONFIG, "argument %u of %s is %s, not %s",
                                   argument + 1, function->name, type_text(type, &arena), wanted);
    arena_deinit(&arena);
    error_hint(error, "usage: %s", function->usage);
    return status;
}

enum status function_want(const struct sql_function *function,
                          const struct type **types,
                          uint32_t index,
                          const struct type *to,
                          struct error *error)
{
    if (!type_cast_implicit(types[index], to)) {
        struct arena arena;
        arena_init(&arena, 1024);
        enum status status =
            function_type_error(function, index, types[index], type_text(to, &arena), error);
        arena_deinit(&arena);
        return status;
    }
    types[index] = to;
    return STATUS_OK;
}

enum status function_common(const struct sql_function *function,
                            const struct type **types,
                            uint32_t first,
                            uint32_t count,
                            struct arena *arena,
                            const struct type **ret_common,
                            struct error *error)
{
    *ret_common = type_plain(TYPE_NULL);
    for (uint32_t i = first; i < count; i++) {
        const struct type *common = type_common(arena, *ret_common, types[i]);
        if (common == NULL) {
            return function_type_error(function, i, types[i], type_text(*ret_common, arena), error);
        }
        *ret_common = common;
    }
    for (uint32_t i = first; i < count; i++) {
        types[i] = *ret_common;
    }
    return STATUS_OK;
}

bool literal_string(const struct expression *expression, struct slice *ret_text)
{
    if (expression->kind != EXPR_LITERAL || expression->literal->type->id != TYPE_STRING ||
        column_is_null(expression->literal, 0)) {
        return false;
    }
    *ret_text = column_bytes(expression->literal, 0);
    return true;
}

bool literal_int(const struct expression *expression, int64_t *ret_value)
{
    if (expression->kind == EXPR_CAST) {
        expression = expression->arguments[0];
    }
    if (expression->kind == EXPR_CALL && expression->argument_count == 1 &&
        strcmp(expression->function->name, "negative") == 0) {
        bool found = literal_int(expression->arguments[0], ret_value);
        *ret_value = found && *ret_value != INT64_MIN ? -*ret_value : 0;
        return found;
    }
    if (expression->kind != EXPR_LITERAL || column_is_null(expression->literal, 0)) {
        return false;
    }
    if (expression->literal->type->id == TYPE_BOOLEAN) {
        *ret_value = column_bool(expression->literal, 0);
        return true;
    }
    if (!type_is_integral(expression->literal->type)) {
        return false;
    }
    *ret_value = column_int(expression->literal, 0);
    return true;
}

/* Cuts the next type off a signature: up to a comma, "..." or "->" outside of <> and (). */
static struct slice next_parameter(const char **at, bool *ret_repeated)
{
    while (**at == ' ' || **at == ',') {
        (*at)++;
    }
    const char *start = *at;
    int depth = 0;
    while (**at != '\0' && (depth > 0 || strchr(",.-", **at) == NULL)) {
        depth += (**at == '<' || **at == '(') - (**at == '>' || **at == ')');
        (*at)++;
    }
    const char *end = *at;
    while (end > start && end[-1] == ' ') {
        end--;
    }
    struct slice name = slice_of(start, (size_t) (end - start));
    *ret_repeated = strncmp(*at, "...", 3) == 0;
    *at += *ret_repeated ? 3 : 0;
    *at += strspn(*at, " ");
    return name;
}

struct resolving {
    const struct sql_function *function;
    const struct type **types;
    uint32_t count;
    struct arena *arena;
    const struct type *common;
};

static enum status
resolve_type_name(struct resolving *resolving, struct slice name, const struct type **ret_type)
{
    struct error error;
    enum status status = type_parse(name, resolving->arena, ret_type, &error);
    ASSERT(status == STATUS_OK); /* signatures are ours */
    return status;
}

static enum status resolve_parameter(struct resolving *resolving,
                                     uint32_t index,
                                     struct slice name,
                                     struct error *error)
{
    const struct type **slot = &resolving->types[index];
    if (slice_equal_string(name, "any")) {
        return STATUS_OK;
    }
    if (slice_equal_string(name, "common") || slice_equal_string(name, "ordered")) {
        const struct type *common = type_common(resolving->arena, resolving->common, *slot);
        if (common == NULL) {
            return function_type_error(resolving->function, index, *slot,
                                       type_text(resolving->common, resolving->arena), error);
        }
        if (name.data[0] == 'o' && !type_is_orderable(common)) {
            return function_type_error(resolving->function, index, *slot,
                                       "of a type that has an order", error);
        }
        resolving->common = common;
        return STATUS_OK;
    }
    if (slice_equal_string(name, "bytes")) {
        if (slot[0]->id == TYPE_BINARY) {
            return STATUS_OK;
        }
        return function_want(resolving->function, resolving->types, index, type_plain(TYPE_STRING),
                             error);
    }
    bool integral = slice_equal_string(name, "integral");
    if (integral || slice_equal_string(name, "numeric")) {
        if (slot[0]->id == TYPE_STRING || slot[0]->id == TYPE_NULL) {
            *slot = type_plain(integral ? TYPE_BIGINT : TYPE_DOUBLE);
        }
        if (integral ? !type_is_integral(*slot) : !type_is_numeric(*slot)) {
            return function_type_error(resolving->function, index, *slot,
                                       integral ? "an integer" : "a number", error);
        }
        return STATUS_OK;
    }
    const struct type *type;
    TRY(resolve_type_name(resolving, name, &type));
    return function_want(resolving->function, resolving->types, index, type, error);
}

/* Goes through the signature in step with the arguments. */
static enum status
resolve_signature(struct resolving *resolving, const struct type **ret_type, struct error *error)
{
    const char *at = resolving->function->signature;
    ASSERT(at != NULL);
    uint32_t index = 0;
    bool commons[ARGUMENTS_ANY + 1] = {false};
    while (strncmp(at, "->", 2) != 0) {
        bool repeated;
        struct slice name = next_parameter(&at, &repeated);
        do {
            if (index >= resolving->count) {
                break;
            }
            TRY(resolve_parameter(resolving, index, name, error));
            commons[index % ARRAY_SIZE(commons)] =
                slice_equal_string(name, "common") || slice_equal_string(name, "ordered");
            index++;
        } while (repeated);
    }
    for (uint32_t i = 0; i < resolving->count; i++) {
        if (commons[i % ARRAY_SIZE(commons)]) {
            resolving->types[i] = resolving->common;
        }
    }
    at += 2;
    bool repeated;
    struct slice result = next_parameter(&at, &repeated);
    if (slice_equal_string(result, "common")) {
        *ret_type = resolving->common;
    } else if (slice_equal_string(result, "same")) {
        *ret_type = resolving->types[0];
    } else {
        TRY(resolve_type_name(resolving, result, ret_type));
    }
    return STATUS_OK;
}

enum status sql_function_resolve(const struct sql_function *function,
                                 const struct expression *const *arguments,
                                 const struct type **types,
                                 uint32_t count,
                                 struct arena *arena,
                                 const struct type **ret_type,
                                 struct error *error)
{
    if (count < function->arguments_min ||
        (function->arguments_max != ARGUMENTS_ANY && count > function->arguments_max)) {
        enum status status = error_set(
            error, STATUS_CONFIG, "%s takes %s%u argument%s, not %u", function->name,
            function->arguments_min == function->arguments_max ? ""
            : count < function->arguments_min                  ? "at least "
                                                               : "at most ",
            count < function->arguments_min ? function->arguments_min : function->arguments_max,
            function->arguments_min == 1 && count == 0 ? "" : "s", count);
        error_hint(error, "usage: %s", function->usage);
        return status;
    }
    if (function->resolve != NULL) {
        return function->resolve(function, arguments, types, count, arena, ret_type, error);
    }
    struct resolving resolving = {function, types, count, arena, type_plain(TYPE_NULL)};
    return resolve_signature(&resolving, ret_type, error);
}
