/* Expressions of the tree to typed ones. Calls are in analyse_call.c, names in scope.c. */

#include "sql/analyse.h"
#include "sql/coerce.h"
#include "sql/optimise.h"

void *analyse_fail(struct analyser *analyser, size_t offset, const char *format, ...)
{
    if (analyser->status == STATUS_OK) {
        va_list arguments;
        va_start(arguments, format);
        analyser->status = error_set_va(analyser->error, STATUS_CONFIG, format, arguments);
        va_end(arguments);
        analyser->offset = offset;
    }
    return NULL;
}

void *analyse_failed(struct analyser *analyser, size_t offset, enum status status)
{
    if (analyser->status == STATUS_OK) {
        analyser->status = status;
        analyser->offset = offset;
    }
    return NULL;
}

bool analyse_count(struct analyser *analyser, size_t offset, uint32_t nodes)
{
    if (nodes > SQL_NODES_MAX - analyser->nodes) {
        analyse_fail(analyser, offset, "query is too large: more than %u expressions",
                     SQL_NODES_MAX);
        return false;
    }
    analyser->nodes += nodes;
    return true;
}

const char *analyse_type_text(struct analyser *analyser, const struct type *type)
{
    const char *text = type_text(type, analyser->arena);
    return strlen(text) <= 200 ? text : arena_printf(analyser->arena, "%.200s...", text);
}

const struct type *scope_type(struct arena *arena, const struct scope *scope)
{
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, scope->count);
    for (uint32_t i = 0; i < scope->count; i++) {
        fields[i] = (struct type_field){scope->columns[i].name, scope->columns[i].type,
                                        scope->columns[i].nullable};
    }
    return type_struct(arena, fields, scope->count);
}

const struct expression *analyse_implicit_cast(struct analyser *analyser,
                                               const struct expression *value,
                                               const struct type *type,
                                               const char *what)
{
    if (value == NULL || type_equal(value->type, type)) {
        return value;
    }
    if (!type_cast_exists(value->type, type)) {
        return analyse_fail(analyser, value->offset, "%s must be of type %s, not %s", what,
                            analyse_type_text(analyser, type),
                            analyse_type_text(analyser, value->type));
    }
    return expression_cast(analyser->arena, value, type);
}

/* A condition is BOOLEAN, or NULL; Spark casts nothing else to it. */
static const struct expression *
boolean(struct analyser *analyser, const struct expression *value, const char *what)
{
    if (value == NULL || value->type->id == TYPE_BOOLEAN) {
        return value;
    }
    if (value->type->id == TYPE_NULL) {
        return expression_cast(analyser->arena, value, type_plain(TYPE_BOOLEAN));
    }
    return analyse_fail(analyser, value->offset, "%s must be a condition (BOOLEAN), not %s", what,
                        analyse_type_text(analyser, value->type));
}

const struct expression *
analyse_condition(struct analyser *analyser, struct context *context, const struct tree *tree)
{
    const struct expression *value = analyse_expression(analyser, context, tree);
    if (value != NULL && value->type->id == TYPE_NULL) {
        return analyse_fail(analyser, value->offset, "%s must be a condition (BOOLEAN), not NULL",
                            context->clause);
    }
    return boolean(analyser, value, context->clause);
}

static const struct expression **
analyse_arguments(struct analyser *analyser, struct context *context, const struct tree *tree)
{
    const struct expression **arguments =
        ARENA_ARRAY(analyser->arena, const struct expression *, tree->argument_count);
    for (uint32_t i = 0; i < tree->argument_count; i++) {
        arguments[i] = analyse_expression(analyser, context, tree->arguments[i]);
        if (arguments[i] == NULL) {
            return NULL;
        }
    }
    return arguments;
}

static const struct expression *
logical(struct analyser *analyser, struct context *context, const struct tree *tree)
{
    const struct expression **arguments = analyse_arguments(analyser, context, tree);
    if (arguments == NULL) {
        return NULL;
    }
    struct expression *result =
        expression_new(analyser->arena, tree->kind == TREE_AND ? EXPR_AND : EXPR_OR,
                       type_plain(TYPE_BOOLEAN), tree->offset);
    for (uint32_t i = 0; i < tree->argument_count; i++) {
        arguments[i] = boolean(analyser, arguments[i],
                               tree->kind == TREE_AND ? "each side of AND" : "each side of OR");
        if (arguments[i] == NULL) {
            return NULL;
        }
        result->nullable |= arguments[i]->nullable;
    }
    result->arguments = arguments;
    result->argument_count = tree->argument_count;
    return result;
}

/* One type for arguments[i] where `mask` selects them; they are cast to it. */
static const struct type *unify(struct analyser *analyser,
                                const struct expression **arguments,
                                const bool *chosen,
                                uint32_t count,
                                size_t offset,
                                const char *what)
{
    const struct type *common = type_plain(TYPE_NULL);
    for (uint32_t i = 0; i < count; i++) {
        if (!chosen[i]) {
            continue;
        }
        const struct type *next = type_common(analyser->arena, common, arguments[i]->type);
        if (next == NULL) {
            return analyse_fail(analyser, arguments[i]->offset == 0 ? offset : arguments[i]->offset,
                                "%s: %s and %s have no common type", what,
                                analyse_type_text(analyser, common),
                                analyse_type_text(analyser, arguments[i]->type));
        }
        common = next;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (chosen[i]) {
            arguments[i] = expression_cast(analyser->arena, arguments[i], common);
        }
    }
    return common;
}

static const struct expression *
in_list(struct analyser *analyser, struct context *context, const struct tree *tree)
{
    const struct expression **arguments = analyse_arguments(analyser, context, tree);
    if (arguments == NULL) {
        return NULL;
    }
    bool *chosen = ARENA_ARRAY(analyser->arena, bool, tree->argument_count);
    memset(chosen, true, tree->argument_count);
    const struct type *common =
        unify(analyser, arguments, chosen, tree->argument_count, tree->offset, "IN");
    if (common == NULL) {
        return NULL;
    }
    if (!type_is_orderable(common)) {
        return analyse_fail(analyser, tree->offset, "values of type %s cannot be compared",
                            analyse_type_text(analyser, common));
    }
    struct expression *result =
        expression_new(analyser->arena, EXPR_IN, type_plain(TYPE_BOOLEAN), tree->offset);
    result->arguments = arguments;
    result->argument_count = tree->argument_count;
    for (uint32_t i = 0; i < tree->argument_count; i++) {
        result->nullable |= arguments[i]->nullable;
    }
    return result;
}

const struct expression *analyse_case(struct analyser *analyser,
                                      const struct expression **arguments,
                                      uint32_t count,
                                      bool has_else,
                                      size_t offset)
{
    bool *chosen = ARENA_ARRAY(analyser->arena, bool, count);
    for (uint32_t i = 0; i < count; i++) {
        chosen[i] = i % 2 == 1 || (has_else && i == count - 1);
        if (!chosen[i]) {
            arguments[i] = boolean(analyser, arguments[i], "WHEN");
            if (arguments[i] == NULL) {
                return NULL;
            }
        }
    }
    const struct type *common = unify(analyser, arguments, chosen, count, offset, "CASE");
    if (common == NULL) {
        return NULL;
    }
    struct expression *result = expression_new(analyser->arena, EXPR_CASE, common, offset);
    result->nullable = !has_else;
    for (uint32_t i = 0; i < count; i++) {
        result->nullable |= chosen[i] && arguments[i]->nullable;
    }
    result->arguments = arguments;
    result->argument_count = count;
    result->has_else = has_else;
    return result;
}

static const struct expression *
case_of(struct analyser *analyser, struct context *context, const struct tree *tree)
{
    uint32_t first = tree->has_operand ? 1 : 0;
    uint32_t count = tree->argument_count - first;
    const struct expression **arguments =
        ARENA_ARRAY(analyser->arena, const struct expression *, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct tree *item = tree->arguments[i + first];
        bool when = i % 2 == 0 && !(tree->has_else && i == count - 1);
        arguments[i] = analyse_expression(analyser, context, item);
        if (arguments[i] != NULL && when && tree->has_operand) {
            const struct expression *both[] = {
                analyse_expression(analyser, context, tree->arguments[0]), arguments[i]};
            arguments[i] =
                both[0] == NULL ? NULL : analyse_apply(analyser, "=", item->offset, both, 2);
        }
        if (arguments[i] != NULL && when && arguments[i]->type->id == TYPE_NULL) {
            return analyse_fail(analyser, item->offset, "WHEN must be a condition, not NULL");
        }
        if (arguments[i] == NULL) {
            return NULL;
        }
    }
    return analyse_case(analyser, arguments, count, tree->has_else, tree->offset);
}

const struct expression *analyse_coalesce(struct analyser *analyser,
                                          const struct expression **arguments,
                                          uint32_t count,
                                          size_t offset)
{
    bool *chosen = ARENA_ARRAY(analyser->arena, bool, count);
    memset(chosen, true, count);
    const struct type *common = unify(analyser, arguments, chosen, count, offset, "coalesce");
    if (common == NULL) {
        return NULL;
    }
    struct expression *result = expression_new(analyser->arena, EXPR_COALESCE, common, offset);
    result->nullable = true;
    for (uint32_t i = 0; i < count; i++) {
        result->nullable &= arguments[i]->nullable;
    }
    result->arguments = arguments;
    result->argument_count = count;
    return result;
}

static const struct expression *
cast_of(struct analyser *analyser, struct context *context, const struct tree *tree)
{
    const struct expression *value = analyse_expression(analyser, context, tree->arguments[0]);
    if (value == NULL) {
        return NULL;
    }
    if (!type_cast_exists(value->type, tree->type)) {
        return analyse_fail(analyser, tree->offset, "cannot cast %s to %s",
                            analyse_type_text(analyser, value->type),
                            analyse_type_text(analyser, tree->type));
    }
    const struct expression *cast = expression_cast(analyser->arena, value, tree->type);
    if (cast->kind == EXPR_CAST && cast != value) {
        struct expression *own = ARENA_NEW(analyser->arena, struct expression);
        *own = *cast;
        own->offset = tree->offset;
        own->try_cast = tree->try_cast;
        own->nullable |= tree->try_cast;
        cast = own;
    }
    if (tree->typed_literal) { /* DATE '2024-02-30' is a fault of the text, not of a row */
        const char *problem = NULL;
        cast = optimise_constant(analyser->arena, cast, &problem);
        if (problem != NULL) {
            return analyse_fail(analyser, tree->offset, "%s", problem);
        }
    }
    return cast;
}

const struct expression *
analyse_expression(struct analyser *analyser, struct context *context, const struct tree *tree)
{
    if (!analyse_count(analyser, tree->offset, 1)) {
        return NULL;
    }
    switch (tree->kind) {
    case TREE_NAME:
        return analyse_name(analyser, context, tree);
    case TREE_LITERAL:
        return expression_literal(analyser->arena, tree->literal, tree->offset);
    case TREE_CALL:
        return analyse_call(analyser, context, tree);
    case TREE_CAST:
        return cast_of(analyser, context, tree);
    case TREE_CASE:
        return case_of(analyser, context, tree);
    case TREE_AND:
    case TREE_OR:
        return logical(analyser, context, tree);
    case TREE_IN:
        return in_list(analyser, context, tree);
    case TREE_FIELD: {
        const struct expression *value = analyse_expression(analyser, context, tree->arguments[0]);
        return value == NULL ? NULL : analyse_member(analyser, value, tree->name, tree->offset);
    }
    case TREE_STAR:
        return analyse_fail(analyser, tree->offset,
                            "* can only stand in the SELECT list, in count(*) and in struct(*)");
    case TREE_LAMBDA:
        analyse_fail(
            analyser, tree->offset,
            "a function x -> ... can only be an argument, such as transform(array, x -> ...)");
        return NULL;
    }
    return NULL;
}
