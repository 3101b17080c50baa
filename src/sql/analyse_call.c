/*
 * Calls: the function table decides about types; a few names are forms of their own (coalesce, if,
 * struct, window, names of types).
 */

#include "base/settings.h"
#include "sql/analyse.h"
#include "sql/coerce.h"
#include "sql/function.h"

/* Functions that are null only if an argument is; all others may be null whatever they get. */
static bool null_with_arguments(const char *name)
{
    static const char *const names[] = {
        "+",     "-",          "*",     "negative", "positive",    "=",         "!=",     "<>",
        "==",    "<",          "<=",    ">",        ">=",          "not",       "like",   "ilike",
        "rlike", "concat",     "||",    "upper",    "lower",       "ucase",     "lcase",  "trim",
        "ltrim", "rtrim",      "btrim", "length",   "char_length", "substring", "substr", "replace",
        "abs",   "year",       "month", "day",      "hour",        "minute",    "second", "md5",
        "sha1",  "sha2",       "crc32", "xxhash64", "reverse",     "initcap",   "floor",  "ceil",
        "round", "date_trunc", "&",     "|",        "^",           "~",         "hash",
    };
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool never_null(const char *name)
{
    static const char *const names[] = {
        "isnull",
        "isnotnull",
        "<=>",
        "count",
        "count_if",
        "named_struct",
        "array",
        "map",
        "collect_list",
        "collect_set",
        "approx_count_distinct",
        "current_timestamp",
        "now",
        "current_date",
        "uuid",
        "rand",
        "pi",
        "e",
        "regr_count",
    };
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void *unknown_function(struct analyser *analyser, const char *name, size_t offset)
{
    const struct sql_function *const *functions = NULL;
    size_t count = sql_functions(&functions);
    const char **names = ARENA_ARRAY(analyser->arena, const char *, count + 8);
    static const char *const forms[] = {"coalesce", "if",     "nullif", "nvl",
                                        "nvl2",     "struct", "window", "ifnull"};
    for (size_t i = 0; i < count; i++) {
        names[i] = functions[i]->name;
    }
    memcpy(names + count, forms, sizeof(forms));
    analyse_fail(analyser, offset, "there is no function \"%.100s\"", name);
    const char *near = nearest_word(name, names, count + ARRAY_SIZE(forms));
    if (near != NULL) {
        error_hint(analyser->error, "did you mean \"%s\"?", near);
    }
    return NULL;
}

/* The casts that the function wants, its result, and what is known about nulls. */
static struct expression *resolve(struct analyser *analyser,
                                  const struct sql_function *function,
                                  size_t offset,
                                  const struct expression *const *arguments,
                                  uint32_t count)
{
    const struct type **types = ARENA_ARRAY(analyser->arena, const struct type *, count);
    for (uint32_t i = 0; i < count; i++) {
        types[i] = arguments[i]->type;
    }
    const struct type *type = NULL;
    enum status status = sql_function_resolve(function, arguments, types, count, analyser->arena,
                                              &type, analyser->error);
    if (status != STATUS_OK) {
        return analyse_failed(analyser, offset, status);
    }
    struct expression *call = expression_new(analyser->arena, EXPR_CALL, type, offset);
    const struct expression **cast = ARENA_ARRAY(analyser->arena, const struct expression *, count);
    call->nullable = !null_with_arguments(function->name) && !never_null(function->name);
    for (uint32_t i = 0; i < count; i++) {
        if (arguments[i]->kind == EXPR_LAMBDA) {
            struct expression *lambda = ARENA_NEW(analyser->arena, struct expression);
            *lambda = *arguments[i];
            lambda->body = expression_cast(analyser->arena, lambda->body, types[i]);
            lambda->type = lambda->body->type;
            cast[i] = lambda;
        } else {
            cast[i] = expression_cast(analyser->arena, arguments[i], types[i]);
        }
        call->nullable |= cast[i]->nullable && !never_null(function->name);
    }
    call->function = function;
    call->arguments = cast;
    call->argument_count = count;
    return call;
}

const struct expression *analyse_apply(struct analyser *analyser,
                                       const char *name,
                                       size_t offset,
                                       const struct expression *const *arguments,
                                       uint32_t count)
{
    const struct sql_function *function = sql_function_find(name);
    if (function == NULL) {
        return unknown_function(analyser, name, offset);
    }
    return resolve(analyser, function, offset, arguments, count);
}

/* Variables get their types from the function and the arguments before; then the body is read. */
static const struct expression *analyse_lambda(struct analyser *analyser,
                                               struct context *context,
                                               const struct sql_function *function,
                                               const struct tree *tree,
                                               const struct expression *const *arguments,
                                               uint32_t index)
{
    if (function->lambda == NULL) {
        return analyse_fail(analyser, tree->offset, "%s takes no function as an argument",
                            function->name);
    }
    /* a function may ask for more than was given: missing ones are VOID, which is no array */
    const struct type **before = ARENA_ARRAY(analyser->arena, const struct type *, index + 4);
    for (uint32_t i = 0; i < index + 4; i++) {
        before[i] = type_plain(TYPE_NULL);
    }
    const struct type **variables =
        ARENA_ARRAY(analyser->arena, const struct type *, tree->part_count);
    for (uint32_t i = 0; i < index; i++) {
        before[i] = arguments[i]->type;
    }
    enum status status = function->lambda(function, before, index, tree->part_count,
                                          analyser->arena, variables, analyser->error);
    if (status != STATUS_OK) {
        return analyse_failed(analyser, tree->offset, status);
    }
    const struct lambda_scope *outer = context->lambdas;
    struct lambda_scope scope = {
        .outer = outer,
        .names = tree->parts,
        .types = variables,
        .count = tree->part_count,
        .first = outer == NULL ? 0 : outer->first + outer->count,
    };
    struct context inner = *context;
    inner.lambdas = &scope;
    inner.aggregation = NULL;
    const struct expression *body = analyse_expression(analyser, &inner, tree->arguments[0]);
    if (body == NULL) {
        return NULL;
    }
    struct expression *lambda =
        expression_new(analyser->arena, EXPR_LAMBDA, body->type, tree->offset);
    lambda->body = body;
    lambda->index = scope.first;
    lambda->variable_count = tree->part_count;
    lambda->nullable = body->nullable;
    return lambda;
}

static const struct expression **call_arguments(struct analyser *analyser,
                                                struct context *context,
                                                const struct sql_function *function,
                                                const struct tree *tree,
                                                uint32_t *ret_count)
{
    const struct expression **arguments =
        ARENA_ARRAY(analyser->arena, const struct expression *, tree->argument_count + 1);
    for (uint32_t i = 0; i < tree->argument_count; i++) {
        const struct tree *item = tree->arguments[i];
        arguments[i] = item->kind == TREE_LAMBDA && function != NULL
                           ? analyse_lambda(analyser, context, function, item, arguments, i)
                           : analyse_expression(analyser, context, item);
        if (arguments[i] == NULL) {
            return NULL;
        }
    }
    *ret_count = tree->argument_count;
    return arguments;
}

/* struct(a, b AS x, t.*): names come from aliases and columns, else col1, col2, ... */
static bool struct_field(struct analyser *analyser,
                         struct context *context,
                         const struct tree *item,
                         struct expression_list *pairs)
{
    struct arena *arena = analyser->arena;
    const struct expression *whole = NULL;
    if (item->kind == TREE_STAR && item->part_count > 0) {
        whole = analyse_struct_star(analyser, context, item);
    }
    for (uint32_t i = 0; whole != NULL && i < whole->type->field_count; i++) {
        expression_list_add(arena, pairs,
                            expression_string(arena, whole->type->fields[i].name, item->offset));
        expression_list_add(arena, pairs, expression_field(arena, whole, i, item->offset));
    }
    if (whole != NULL) {
        return analyse_count(analyser, item->offset, 2 * whole->type->field_count);
    }
    if (item->kind == TREE_STAR) {
        uint32_t *indexes = NULL, n = 0;
        if (!analyse_star(analyser, context->scope, item, &indexes, &n)) {
            return false;
        }
        for (uint32_t i = 0; i < n; i++) {
            const struct scope_column *column = &context->scope->columns[indexes[i]];
            expression_list_add(arena, pairs, expression_string(arena, column->name, item->offset));
            expression_list_add(
                arena, pairs,
                expression_column(arena, indexes[i], column->type, column->nullable, item->offset));
        }
        return analyse_count(analyser, item->offset, 2 * n);
    }
    bool alias =
        item->kind == TREE_CALL && strcmp(item->name, "alias") == 0 && item->argument_count == 2;
    const struct tree *value = alias ? item->arguments[1] : item;
    const char *name = value->kind == TREE_NAME ? value->parts[value->part_count - 1].name
                       : value->kind == TREE_FIELD
                           ? value->name
                           : arena_printf(arena, "col%u", pairs->count / 2 + 1);
    expression_list_add(arena, pairs,
                        alias ? expression_literal(arena, item->arguments[0]->literal, item->offset)
                              : expression_string(arena, name, item->offset));
    const struct expression *inner = analyse_expression(analyser, context, value);
    if (inner == NULL) {
        return false;
    }
    expression_list_add(arena, pairs, inner);
    return true;
}

static const struct expression *
struct_call(struct analyser *analyser, struct context *context, const struct tree *tree)
{
    struct expression_list pairs = {0};
    for (uint32_t i = 0; i < tree->argument_count; i++) {
        if (!struct_field(analyser, context, tree->arguments[i], &pairs)) {
            return NULL;
        }
    }
    return analyse_apply(analyser, "named_struct", tree->offset, pairs.items, pairs.count);
}

/* if(c, a, b), nullif(a, b), nvl2(a, b, c) are CASE; coalesce and its relatives evaluate lazily. */
static const struct expression *
conditional(struct analyser *analyser, struct context *context, const struct tree *tree)
{
    static const struct {
        const char *name;
        uint32_t min, max;
    } forms[] = {
        {"coalesce", 1, UINT32_MAX},
        {"nvl", 2, 2},
        {"ifnull", 2, 2},
        {"if", 3, 3},
        {"iff", 3, 3},
        {"nullif", 2, 2},
        {"nvl2", 3, 3},
    };

    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        if (strcmp(forms[i].name, tree->name) == 0 &&
            (tree->argument_count < forms[i].min || tree->argument_count > forms[i].max)) {
            return analyse_fail(analyser, tree->offset, "%s takes %s%u arguments, not %u",
                                tree->name, forms[i].max > 3 ? "at least " : "", forms[i].min,
                                tree->argument_count);
        }
    }
    uint32_t count = 0;
    const struct expression **a = call_arguments(analyser, context, NULL, tree, &count);
    if (a == NULL) {
        return NULL;
    }
    const char *name = tree->name;
    if (strcmp(name, "coalesce") == 0 || strcmp(name, "nvl") == 0 || strcmp(name, "ifnull") == 0) {
        return analyse_coalesce(analyser, a, count, tree->offset);
    }
    const struct expression **branches = ARENA_ARRAY(analyser->arena, const struct expression *, 3);
    memcpy(branches, a, (count < 3 ? count : 3) * sizeof(*a));
    if (strcmp(name, "nvl2") == 0) {
        branches[0] = analyse_apply(analyser, "isnotnull", tree->offset, a, 1);
    } else if (strcmp(name, "nullif") == 0) {
        branches[0] = analyse_apply(analyser, "=", tree->offset, a, 2);
        branches[1] = expression_null(analyser->arena, a[0]->type, tree->offset);
        branches[2] = a[0];
    }
    return branches[0] == NULL ? NULL : analyse_case(analyser, branches, 3, true, tree->offset);
}

/* int(x), string(x), date(x): names of types cast */
static const struct expression *
type_call(struct analyser *analyser, struct context *context, const struct tree *tree)
{
    static const char *const names[] = {"boolean", "tinyint", "smallint", "int",
                                        "bigint",  "float",   "double",   "decimal",
                                        "string",  "binary",  "date",     "timestamp"};
    for (size_t i = 0; i < ARRAY_SIZE(names) && tree->argument_count == 1; i++) {
        if (strcmp(names[i], tree->name) == 0) {
            struct tree cast = {.kind = TREE_CAST,
                                .offset = tree->offset,
                                .arguments = tree->arguments,
                                .argument_count = 1};
            if (type_parse(slice_of_string(names[i]), analyser->arena, &cast.type,
                           analyser->error) != STATUS_OK) {
                return analyse_failed(analyser, tree->offset, STATUS_CONFIG);
            }
            return analyse_expression(analyser, context, &cast);
        }
    }
    return unknown_function(analyser, tree->name, tree->offset);
}

/* count(*) counts rows; count(t.*) is not worth having */
static bool count_star(const struct tree *tree)
{
    return strcmp(tree->name, "count") == 0 && tree->argument_count == 1 &&
           tree->arguments[0]->kind == TREE_STAR && tree->arguments[0]->part_count == 0;
}

static const struct expression *aggregate_placeholder(struct analyser *analyser,
                                                      struct aggregation *aggregation,
                                                      const struct expression *call,
                                                      const struct expression *filter,
                                                      bool distinct)
{
    for (uint32_t i = 0; i < aggregation->count; i++) {
        const struct plan_aggregate *item = &aggregation->items[i];
        bool same_filter = filter == NULL
                               ? item->filter == NULL
                               : item->filter != NULL && expression_equal(filter, item->filter);
        if (item->distinct == distinct && same_filter && expression_is_deterministic(call)) {
            struct expression copy = *aggregation->calls[i];
            copy.index = call->index;
            if (expression_equal(&copy, call)) {
                return aggregation->calls[i];
            }
        }
    }
    uint32_t n = aggregation->count;
    if ((n & (n - 1)) == 0) {
        size_t capacity = n == 0 ? 1 : (size_t) n * 2;
        aggregation->items =
            arena_grow(analyser->arena, aggregation->items, n * sizeof(*aggregation->items),
                       capacity * sizeof(*aggregation->items));
        aggregation->calls =
            arena_grow(analyser->arena, aggregation->calls, n * sizeof(*aggregation->calls),
                       capacity * sizeof(*aggregation->calls));
    }
    struct expression *numbered = ARENA_NEW(analyser->arena, struct expression);
    *numbered = *call;
    numbered->index = n; /* which aggregate this placeholder stands for */
    aggregation->calls[n] = numbered;
    aggregation->items[n] = (struct plan_aggregate){
        .function = call->function,
        .arguments = call->arguments,
        .argument_count = call->argument_count,
        .filter = filter,
        .distinct = distinct,
        .type = call->type,
    };
    aggregation->count++;
    return numbered;
}

static const struct expression *aggregate_call(struct analyser *analyser,
                                               struct context *context,
                                               const struct sql_function *function,
                                               const struct tree *tree)
{
    if (context->inside_aggregate) {
        return analyse_fail(analyser, tree->offset,
                            "aggregate %s cannot stand inside another aggregate", tree->name);
    }
    if (context->aggregation == NULL || context->aggregation->collecting_keys) {
        analyse_fail(analyser, tree->offset, "aggregate %s cannot stand in %s", tree->name,
                     context->clause);
        if (strcmp(context->clause, "WHERE") == 0) {
            error_hint(analyser->error, "conditions on groups go into HAVING");
        }
        return NULL;
    }
    struct context inner = *context;
    inner.inside_aggregate = true;
    uint32_t count = 0;
    const struct expression **arguments = NULL;
    if (count_star(tree)) {
        arguments = ARENA_ARRAY(analyser->arena, const struct expression *, 1);
        arguments[0] = expression_int(analyser->arena, type_plain(TYPE_INT), 1, tree->offset);
        count = 1;
    } else {
        arguments = call_arguments(analyser, &inner, function, tree, &count);
    }
    if (arguments == NULL) {
        return NULL;
    }
    if (tree->ignore_nulls) {
        arguments[count++] = expression_bool(analyser->arena, true, tree->offset);
    }
    if (tree->distinct && count == 0) {
        return analyse_fail(analyser, tree->offset, "DISTINCT needs something to count");
    }
    if (tree->distinct && !analyser->options->batch) {
        analyse_fail(analyser, tree->offset, "%s(DISTINCT ...) cannot run over a stream",
                     tree->name);
        error_hint(analyser->error, "Spark refuses it in streaming too; use "
                                    "approx_count_distinct(...), or group by the column first");
        return NULL;
    }
    const struct expression *call = resolve(analyser, function, tree->offset, arguments, count);
    if (call == NULL) {
        return NULL;
    }
    const struct expression *filter = NULL;
    if (tree->filter != NULL) {
        inner.clause = "FILTER";
        filter = analyse_condition(analyser, &inner, tree->filter);
        if (filter == NULL) {
            return NULL;
        }
    }
    /* DISTINCT makes no difference to these */
    bool distinct =
        tree->distinct && strcmp(tree->name, "min") != 0 && strcmp(tree->name, "max") != 0;
    return aggregate_placeholder(analyser, context->aggregation, call, filter, distinct);
}

bool analyse_is_generator(const struct tree *tree)
{
    const struct sql_function *function =
        tree->kind == TREE_CALL ? sql_function_find(tree->name) : NULL;
    return function != NULL && function->kind == FUNCTION_GENERATOR;
}

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

const struct expression *
analyse_call(struct analyser *analyser, struct context *context, const struct tree *tree)
{
    static const char *const conditionals[] = {"coalesce", "nvl",    "ifnull", "if",
                                               "iff",      "nullif", "nvl2"};
    static const char *const windows[] = {"window", "session_window", "window_time"};
    const char *name = strcmp(tree->name, "extract") == 0 ? "date_part"
                       : strcmp(tree->name, "||") == 0    ? "concat"
                                                          : tree->name;
    if (is_one_of(name, conditionals, ARRAY_SIZE(conditionals))) {
        return conditional(analyser, context, tree);
    }
    if (is_one_of(name, windows, ARRAY_SIZE(windows))) {
        return analyse_window(analyser, context, tree);
    }
    if (strcmp(name, "struct") == 0) {
        return struct_call(analyser, context, tree);
    }
    const struct sql_function *function = sql_function_find(name);
    if (function == NULL) {
        return type_call(analyser, context, tree);
    }
    if (function->kind == FUNCTION_AGGREGATE) {
        return aggregate_call(analyser, context, function, tree);
    }
    if (tree->distinct || tree->filter != NULL || tree->ignore_nulls) {
        return analyse_fail(analyser, tree->offset,
                            "%s is no aggregate: it takes no DISTINCT, FILTER or IGNORE NULLS",
                            name);
    }
    if (function->kind == FUNCTION_GENERATOR) {
        analyse_fail(analyser, tree->offset,
                     "%s makes rows: it cannot stand inside an expression or in %s", name,
                     context->clause);
        error_hint(analyser->error,
                   "put it alone into the SELECT list, or into LATERAL VIEW %s(...)", name);
        return NULL;
    }
    uint32_t count = 0;
    const struct expression **arguments = call_arguments(analyser, context, function, tree, &count);
    return arguments == NULL ? NULL : resolve(analyser, function, tree->offset, arguments, count);
}

/* explode(...) as a typed call, for PLAN_GENERATE */
const struct expression *
analyse_generator(struct analyser *analyser, struct context *context, const struct tree *tree)
{
    const struct sql_function *function = sql_function_find(tree->name);
    uint32_t count = 0;
    const struct expression **arguments = call_arguments(analyser, context, function, tree, &count);
    return arguments == NULL ? NULL : resolve(analyser, function, tree->offset, arguments, count);
}
