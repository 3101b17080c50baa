/* Names to columns, as Spark resolves them: qualified first, then the bare name, then fields. */

#include "base/settings.h"
#include "sql/analyse.h"
#include "sql/function.h"

#include <stdio.h>
#include <strings.h>

static bool same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcasecmp(a, b) == 0;
}

/* How many leading parts of the name are the relation of this column: 0, 1 or more. */
static uint32_t
qualifier_parts(const struct scope_column *column, const struct tree_part *parts, uint32_t count)
{
    if (count >= 2 && same(column->relation, parts[0].name)) {
        return 1;
    }
    if (column->full == NULL) {
        return 0;
    }
    const char *rest = column->full;
    for (uint32_t i = 0; i < count; i++) {
        size_t length = strlen(parts[i].name);
        if (strncasecmp(rest, parts[i].name, length) != 0) {
            return 0;
        }
        rest += length;
        if (*rest == '\0') {
            return i + 1;
        }
        if (*rest++ != '.') {
            return 0;
        }
    }
    return 0;
}

struct match {
    const struct scope_column *column;
    uint32_t index;
    uint32_t used; /* parts */
    uint32_t count;
};

static struct match
find(const struct scope *scope, const struct tree_part *parts, uint32_t count, bool qualified)
{
    struct match match = {0};
    for (uint32_t i = 0; i < scope->count; i++) {
        const struct scope_column *column = &scope->columns[i];
        uint32_t skip = qualified ? qualifier_parts(column, parts, count) : 0;
        if ((qualified && skip == 0) || skip >= count || !same(column->name, parts[skip].name)) {
            continue;
        }
        if (match.count == 0) {
            match.column = column;
            match.index = i;
            match.used = skip + 1;
        }
        /* the merged column of USING hides both of its sources */
        match.count += (column->merged || column->metadata) && match.count > 0 ? 0 : 1;
    }
    return match;
}

static const char *dotted(struct arena *arena, const struct tree_part *parts, uint32_t count)
{
    const char *text = parts[0].name;
    for (uint32_t i = 1; i < count && i < 8; i++) {
        text = arena_printf(arena, "%s.%s", text, parts[i].name);
    }
    return text;
}

/* "did you mean": columns by name, and by relation.name */
static void *
unknown_name(struct analyser *analyser, const struct context *context, const struct tree *tree)
{
    const struct scope *scope = context->scope;
    const char **names =
        ARENA_ARRAY(analyser->arena, const char *, (size_t) scope->count + context->name_count + 1);
    size_t count = 0;
    bool qualifier_known = false;
    for (uint32_t i = 0; i < scope->count; i++) {
        names[count++] = scope->columns[i].name;
        qualifier_known |= same(scope->columns[i].relation, tree->parts[0].name);
    }
    for (uint32_t i = 0; i < context->name_count; i++) {
        names[count++] = context->names[i].name;
    }
    uint32_t at = tree->part_count > 1 && qualifier_known ? 1 : 0;
    const char *shown = dotted(analyser->arena, tree->parts, tree->part_count);
    analyse_fail(analyser, tree->parts[at].offset, "there is no column \"%s\"", shown);
    const char *near = nearest_word(tree->parts[at].name, names, count);
    if (near != NULL) {
        error_hint(analyser->error, "did you mean \"%s\"?", near);
    } else if (count > 0) {
        char list[400] = "";
        size_t used = 0;
        size_t shown_count = 0;
        for (; shown_count < count && used < 300; shown_count++) {
            used += (size_t) snprintf(list + used, sizeof(list) - used, "%s%.60s",
                                      shown_count == 0 ? "" : ", ", names[shown_count]);
        }
        error_hint(analyser->error, "the columns here are %s%s", list,
                   shown_count < count ? ", ..." : "");
    } else {
        error_hint(analyser->error, "there is no FROM to take columns from; put text in quotes");
    }
    return NULL;
}

const struct expression *analyse_member(struct analyser *analyser,
                                        const struct expression *value,
                                        const char *name,
                                        size_t offset)
{
    const struct type *type = value->type;
    if (type->id == TYPE_STRUCT) {
        int index = type_field_index(type, name);
        if (index >= 0) {
            return expression_field(analyser->arena, value, (uint32_t) index, offset);
        }
        const char **names = ARENA_ARRAY(analyser->arena, const char *, type->field_count);
        for (uint32_t i = 0; i < type->field_count; i++) {
            names[i] = type->fields[i].name;
        }
        analyse_fail(analyser, offset, "there is no field \"%s\" in %s", name,
                     analyse_type_text(analyser, type));
        const char *near = nearest_word(name, names, type->field_count);
        if (near != NULL) {
            error_hint(analyser->error, "did you mean \"%s\"?", near);
        }
        return NULL;
    }
    if (type->id == TYPE_MAP) {
        const struct expression *arguments[] = {value,
                                                expression_string(analyser->arena, name, offset)};
        return analyse_apply(analyser, "[]", offset, arguments, 2);
    }
    if (type->id == TYPE_ARRAY && type->fields[0].type->id == TYPE_STRUCT) {
        analyse_fail(analyser, offset,
                     "\"%s\" is asked of an array; arrays have elements, not fields", name);
        error_hint(analyser->error, "write transform(array, x -> x.%s), or array[0].%s", name,
                   name);
        return NULL;
    }
    analyse_fail(analyser, offset, "\"%s\" is asked of a value of type %s, which has no fields",
                 name, analyse_type_text(analyser, type));
    return NULL;
}

static const struct expression *members(struct analyser *analyser,
                                        const struct expression *value,
                                        const struct tree *tree,
                                        uint32_t from)
{
    for (uint32_t i = from; value != NULL && i < tree->part_count; i++) {
        value = analyse_count(analyser, tree->offset, 1)
                    ? analyse_member(analyser, value, tree->parts[i].name, tree->parts[i].offset)
                    : NULL;
    }
    return value;
}

static const struct expression *
lambda_variable(struct analyser *analyser, const struct context *context, const struct tree *tree)
{
    for (const struct lambda_scope *scope = context->lambdas; scope != NULL; scope = scope->outer) {
        for (uint32_t i = 0; i < scope->count; i++) {
            if (same(scope->names[i].name, tree->parts[0].name)) {
                struct expression *variable = expression_new(analyser->arena, EXPR_LAMBDA_VARIABLE,
                                                             scope->types[i], tree->offset);
                variable->index = scope->first + i;
                variable->nullable = true;
                return variable;
            }
        }
    }
    return NULL;
}

/* current_date and the like may stand without brackets, if no column has that name. */
static const struct expression *
bare_function(struct analyser *analyser, const struct context *context, const struct tree *tree)
{
    static const char *const names[] = {"current_timestamp", "current_date", "localtimestamp",
                                        "current_user"};
    for (size_t i = 0; i < ARRAY_SIZE(names) && tree->part_count == 1; i++) {
        if (same(names[i], tree->parts[0].name)) {
            return analyse_apply(analyser, names[i], tree->offset, NULL, 0);
        }
    }
    return unknown_name(analyser, context, tree);
}

/* The last one wins. */
static const struct named_expression *find_name(const struct context *context, const char *name)
{
    for (uint32_t i = context->name_count; i-- > 0;) {
        if (same(context->names[i].name, name)) {
            return &context->names[i];
        }
    }
    return NULL;
}

static bool holds_aggregate(const struct expression *expression)
{
    if (expression->kind == EXPR_CALL && expression->function->kind == FUNCTION_AGGREGATE) {
        return true;
    }
    for (uint32_t i = 0; i < expression->argument_count; i++) {
        if (holds_aggregate(expression->arguments[i])) {
            return true;
        }
    }
    return false;
}

static const struct expression *named_value(struct analyser *analyser,
                                            const struct context *context,
                                            const struct named_expression *named,
                                            const struct tree *tree)
{
    if ((context->inside_aggregate || context->aggregation == NULL) &&
        holds_aggregate(named->value)) {
        return analyse_fail(analyser, tree->offset,
                            "\"%s\" is an aggregate and cannot stand inside another", named->name);
    }
    uint32_t size = expression_size(named->value, SQL_NODES_MAX);
    return analyse_count(analyser, tree->offset, size) ? members(analyser, named->value, tree, 1)
                                                       : NULL;
}

const struct expression *
analyse_name(struct analyser *analyser, const struct context *context, const struct tree *tree)
{
    const struct expression *variable = lambda_variable(analyser, context, tree);
    if (variable != NULL) {
        return members(analyser, variable, tree, 1);
    }
    const struct named_expression *named = find_name(context, tree->parts[0].name);
    if (named != NULL && context->names_first) {
        return named_value(analyser, context, named, tree);
    }
    struct match match = find(context->scope, tree->parts, tree->part_count, true);
    if (match.count == 0) {
        match = find(context->scope, tree->parts, tree->part_count, false);
    }
    if (match.count > 1) {
        analyse_fail(analyser, tree->offset, "column \"%s\" is in more than one relation",
                     dotted(analyser->arena, tree->parts, match.used));
        error_hint(analyser->error, "put the relation in front, such as %s.%s",
                   match.column->relation == NULL ? "t" : match.column->relation,
                   match.column->name);
        return NULL;
    }
    if (match.count == 1) {
        const struct expression *column = expression_column(
            analyser->arena, match.index, match.column->type, match.column->nullable, tree->offset);
        return members(analyser, column, tree, match.used);
    }
    const struct aggregation *aggregation = context->aggregation;
    if (aggregation != NULL && aggregation->window != NULL && same(tree->parts[0].name, "window")) {
        return members(analyser, analyse_window_column(analyser, aggregation, tree->offset), tree,
                       1);
    }
    if (named != NULL) {
        return named_value(analyser, context, named, tree);
    }
    return bare_function(analyser, context, tree);
}

bool analyse_star(struct analyser *analyser,
                  const struct scope *scope,
                  const struct tree *star,
                  uint32_t **ret_indexes,
                  uint32_t *ret_count)
{
    uint32_t *indexes = ARENA_ARRAY(analyser->arena, uint32_t, scope->count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < scope->count; i++) {
        const struct scope_column *column = &scope->columns[i];
        bool wanted = !column->metadata && !column->merged;
        if (star->part_count > 0) {
            bool whole = star->part_count == 1 && same(column->relation, star->parts[0].name);
            wanted = !column->metadata &&
                     (whole ||
                      qualifier_parts(column, star->parts, star->part_count) == star->part_count);
        }
        if (wanted) {
            indexes[count++] = i;
        }
    }
    *ret_indexes = indexes;
    *ret_count = count;
    if (count == 0 && star->part_count > 0) {
        analyse_fail(analyser, star->offset, "there is no relation \"%s\" in FROM",
                     dotted(analyser->arena, star->parts, star->part_count));
        return false;
    }
    if (count == 0) {
        analyse_fail(analyser, star->offset, "* stands for no columns here");
        return false;
    }
    return true;
}

const struct expression *analyse_struct_star(struct analyser *analyser,
                                             const struct context *context,
                                             const struct tree *star)
{
    for (uint32_t i = 0; i < context->scope->count; i++) {
        if (same(context->scope->columns[i].relation, star->parts[0].name)) {
            return NULL; /* a relation's own columns come first */
        }
    }
    struct tree name = *star;
    struct analyser trial = *analyser; /* a failure here only means: no struct */
    struct error ignored;
    trial.error = &ignored;
    name.kind = TREE_NAME;
    const struct expression *value = analyse_name(&trial, context, &name);
    return value != NULL && value->type->id == TYPE_STRUCT ? value : NULL;
}
