/* FROM: relations of the catalog, views, WITH names, subqueries, VALUES, joins and LATERAL VIEW. */

#include "base/settings.h"
#include "sql/analyse.h"
#include "sql/coerce.h"

#include <strings.h>

#define NAMES_MAX 1024

/* Scope columns for a plan's output. */
static struct scope
scope_of(struct arena *arena, const struct type *type, const char *relation, const char *full)
{
    struct scope scope = {ARENA_ARRAY(arena, struct scope_column, type->field_count),
                          type->field_count};
    for (uint32_t i = 0; i < type->field_count; i++) {
        const struct type_field *field = &type->fields[i];
        scope.columns[i] = (struct scope_column){relation,        full,  field->name, field->type,
                                                 field->nullable, false, false};
    }
    return scope;
}

static const struct sql_relation *
find_relation(const struct sql_catalog *catalog, struct arena *arena, const char *name)
{
    const struct sql_relation *relation = catalog->find(catalog->context, name);
    if (relation != NULL) {
        return relation;
    }
    /* names do not regard case; the catalog may */
    const char **names = ARENA_ARRAY(arena, const char *, NAMES_MAX);
    size_t count = catalog->names(catalog->context, names, NAMES_MAX);
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(names[i], name) == 0) {
            return catalog->find(catalog->context, names[i]);
        }
    }
    return NULL;
}

static bool unknown_relation(struct analyser *analyser, const char *name, size_t offset)
{
    const char **names = ARENA_ARRAY(analyser->arena, const char *, NAMES_MAX);
    size_t count = analyser->catalog == NULL
                       ? 0
                       : analyser->catalog->names(analyser->catalog->context, names, NAMES_MAX);
    for (const struct cte *cte = analyser->ctes; cte != NULL && count < NAMES_MAX;
         cte = cte->outer) {
        names[count++] = cte->name;
    }
    analyse_fail(analyser, offset, "there is no stream, topic or table \"%.200s\"", name);
    const char *near = nearest_word(name, names, count);
    if (near != NULL) {
        error_hint(analyser->error, "did you mean \"%s\"?", near);
    } else if (count > 0 && count <= 12) {
        char *list = arena_strdup(analyser->arena, names[0]);
        for (size_t i = 1; i < count; i++) {
            list = arena_printf(analyser->arena, "%s, %s", list, names[i]);
        }
        error_hint(analyser->error, "there are %.400s", list);
    }
    return false;
}

/* Columns of the catalog's relation, and metadata behind them if it is a stream. */
static const struct plan *
scan(struct arena *arena, const struct sql_relation *relation, size_t offset)
{
    const uint32_t metadata = relation->streaming ? ARRAY_SIZE(sql_metadata_columns) : 0;
    uint32_t own = relation->type->field_count, total = own;
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, own + metadata);
    memcpy(fields, relation->type->fields, own * sizeof(*fields));
    for (uint32_t i = 0; i < metadata; i++) {
        if (type_field_index(relation->type, sql_metadata_columns[i].name) < 0) {
            fields[total++] = sql_metadata_columns[i];
        }
    }
    struct plan *plan = plan_new(arena, PLAN_SCAN, type_struct(arena, fields, total), NULL, offset);
    plan->relation = relation;
    return plan;
}

static bool streams(const struct plan *plan)
{
    while (plan->input_count > 0) {
        plan = plan->inputs[0];
    }
    return plan->kind == PLAN_SCAN && plan->relation->streaming;
}

static bool
relation_by_name(struct analyser *analyser, const struct tree_relation *tree, struct analysed *ret)
{
    const char *dot = strrchr(tree->name, '.');
    const char *last = tree->alias != NULL ? tree->alias : dot != NULL ? dot + 1 : tree->name;
    const char *full = tree->alias == NULL && dot != NULL ? tree->name : NULL;
    for (const struct cte *cte = analyser->ctes; cte != NULL; cte = cte->outer) {
        if (strcasecmp(cte->name, tree->name) == 0) {
            if (!analyse_count(analyser, tree->offset, cte->nodes)) {
                return false;
            }
            ret->plan = cte->result.plan;
            ret->scope = scope_of(analyser->arena, scope_type(analyser->arena, &cte->result.scope),
                                  last, NULL);
            return true;
        }
    }
    const struct sql_relation *relation =
        analyser->catalog == NULL ? NULL
                                  : find_relation(analyser->catalog, analyser->arena, tree->name);
    if (relation == NULL) {
        return unknown_relation(analyser, tree->name, tree->offset);
    }
    uint32_t own = relation->type->field_count;
    if (own > SQL_COLUMNS_MAX) {
        return analyse_fail(analyser, tree->offset, "\"%s\" has %u columns; at most %d are allowed",
                            tree->name, own, SQL_COLUMNS_MAX) != NULL;
    }
    ret->plan = relation->view;
    if (relation->view == NULL) {
        ret->plan = scan(analyser->arena, relation, tree->offset);
    } else if (!analyse_count(analyser, tree->offset, plan_size(relation->view, SQL_NODES_MAX))) {
        return false;
    } else if (plan_is_row_for_row(relation->view) && streams(relation->view)) {
        ret->plan = plan_with_metadata(analyser->arena, relation->view);
    }
    if (relation->view != NULL) { /* marks the edge of the view: see plan_carries */
        struct plan *edge = ARENA_NEW(analyser->arena, struct plan);
        *edge = *ret->plan;
        edge->relation = edge->relation == NULL ? relation : edge->relation;
        ret->plan = edge;
    }
    ret->scope = scope_of(analyser->arena, ret->plan->type, last, full);
    const char *watermark = analyser->options->watermark_column;
    for (uint32_t i = 0; watermark != NULL && i < ret->scope.count; i++) {
        analyser->watermark_found |= strcasecmp(ret->scope.columns[i].name, watermark) == 0;
    }
    for (uint32_t i = own; i < ret->scope.count; i++) {
        ret->scope.columns[i].metadata = true;
    }
    return analyse_count(analyser, tree->offset, ret->scope.count);
}

/* AS t(a, b): all visible columns get new names */
static bool rename_columns(struct analyser *analyser,
                           struct scope *scope,
                           const struct tree_names *names,
                           size_t offset)
{
    if (names->count == 0) {
        return true;
    }
    uint32_t next = 0;
    for (uint32_t i = 0; i < scope->count; i++) {
        if (!scope->columns[i].metadata && !scope->columns[i].merged) {
            if (next < names->count) {
                scope->columns[i].name = names->names[next];
            }
            next++;
        }
    }
    if (next != names->count) {
        analyse_fail(analyser, offset, "%u column names are given for %u columns", names->count,
                     next);
        return false;
    }
    return true;
}

static bool relation_of_values(struct analyser *analyser,
                               const struct tree_relation *tree,
                               struct analysed *ret)
{
    struct arena *arena = analyser->arena;
    uint32_t rows = tree->row_count, columns = tree->column_count;
    struct scope nothing = {0};
    struct context context = {.scope = &nothing, .clause = "VALUES"};
    const struct expression **cells =
        ARENA_ARRAY(arena, const struct expression *, (size_t) rows *columns);
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, columns);
    if (columns > SQL_COLUMNS_MAX) {
        return analyse_fail(analyser, tree->offset, "more than %d columns", SQL_COLUMNS_MAX) !=
               NULL;
    }
    for (uint32_t c = 0; c < columns; c++) {
        fields[c] =
            (struct type_field){arena_printf(arena, "col%u", c + 1), type_plain(TYPE_NULL), false};
        for (uint32_t r = 0; r < rows; r++) {
            const struct expression **cell = &cells[(size_t) r * columns + c];
            *cell = analyse_expression(analyser, &context, tree->values[(size_t) r * columns + c]);
            if (*cell == NULL) {
                return false;
            }
            const struct type *common = type_common(arena, fields[c].type, (*cell)->type);
            if (common == NULL) {
                return analyse_fail(analyser, (*cell)->offset,
                                    "column %u of VALUES has both %s and %s", c + 1,
                                    analyse_type_text(analyser, fields[c].type),
                                    analyse_type_text(analyser, (*cell)->type)) != NULL;
            }
            fields[c].type = common;
            fields[c].nullable |= (*cell)->nullable;
        }
        for (uint32_t r = 0; r < rows; r++) {
            const struct expression **cell = &cells[(size_t) r * columns + c];
            *cell = expression_cast(arena, *cell, fields[c].type);
        }
    }
    struct plan *plan =
        plan_new(arena, PLAN_VALUES, type_struct(arena, fields, columns), NULL, tree->offset);
    plan->expressions = cells;
    plan->expression_count = rows * columns;
    plan->values_rows = rows;
    ret->plan = plan;
    ret->scope = scope_of(arena, plan->type, tree->alias, NULL);
    return true;
}

static struct scope joined_scope(struct arena *arena,
                                 const struct analysed *left,
                                 const struct analysed *right,
                                 enum tree_join join)
{
    uint32_t count = left->scope.count + right->scope.count;
    struct scope scope = {ARENA_ARRAY(arena, struct scope_column, count), count};
    for (uint32_t i = 0; i < count; i++) {
        bool from_left = i < left->scope.count;
        scope.columns[i] =
            from_left ? left->scope.columns[i] : right->scope.columns[i - left->scope.count];
        bool optional = join == TREE_JOIN_FULL ||
                        (from_left ? join == TREE_JOIN_RIGHT : join == TREE_JOIN_LEFT);
        scope.columns[i].nullable |= optional;
    }
    return scope;
}

static const struct tree *name_tree(struct arena *arena, const char *name, size_t offset)
{
    struct tree_part *part = ARENA_NEW(arena, struct tree_part);
    struct tree *tree = ARENA_NEW(arena, struct tree);
    *part = (struct tree_part){name, offset};
    *tree = (struct tree){
        .kind = TREE_NAME, .offset = offset, .depth = 1, .parts = part, .part_count = 1};
    return tree;
}

/* The columns that both sides have, for NATURAL JOIN. */
static struct tree_names
common_names(struct arena *arena, const struct scope *left, const struct scope *right)
{
    struct tree_names names = {ARENA_ARRAY(arena, const char *, left->count), 0};
    for (uint32_t i = 0; i < left->count; i++) {
        for (uint32_t j = 0; j < right->count && !left->columns[i].metadata; j++) {
            if (strcasecmp(left->columns[i].name, right->columns[j].name) == 0) {
                names.names[names.count++] = left->columns[i].name;
                break;
            }
        }
    }
    return names;
}

/* USING (a, b): the condition, and for each name its column on both sides. */
static const struct expression *using_condition(struct analyser *analyser,
                                                const struct analysed *left,
                                                const struct analysed *right,
                                                const struct tree_names *names,
                                                size_t offset,
                                                const struct expression **ret_left,
                                                const struct expression **ret_right)
{
    struct expression_list list = {0};
    struct context left_context = {.scope = &left->scope, .clause = "USING"};
    struct context right_context = {.scope = &right->scope, .clause = "USING"};
    for (uint32_t i = 0; i < names->count; i++) {
        const struct tree *name = name_tree(analyser->arena, names->names[i], offset);
        ret_left[i] = analyse_name(analyser, &left_context, name);
        const struct expression *other =
            ret_left[i] == NULL ? NULL : analyse_name(analyser, &right_context, name);
        if (other == NULL) {
            return NULL;
        }
        ret_right[i] = expression_column(analyser->arena, other->index + left->scope.count,
                                         other->type, other->nullable, offset);
        const struct expression *both[] = {ret_left[i], ret_right[i]};
        const struct expression *equal = analyse_apply(analyser, "=", offset, both, 2);
        if (equal == NULL) {
            return NULL;
        }
        expression_list_add(analyser->arena, &list, equal);
    }
    return expression_and(analyser->arena, list.items, list.count);
}

/* Puts the merged columns in front; their sources stay in sight by t.name only. */
static bool merge_using(struct analyser *analyser,
                        enum tree_join join,
                        const struct tree_names *names,
                        const struct expression *const *left,
                        const struct expression *const *right,
                        struct analysed *ret)
{
    struct arena *arena = analyser->arena;
    uint32_t merged = names->count, count = ret->scope.count;
    struct scope scope = {ARENA_ARRAY(arena, struct scope_column, (size_t) count + merged),
                          count + merged};
    const struct expression **expressions =
        ARENA_ARRAY(arena, const struct expression *, (size_t) count + merged);
    const char **out_names = ARENA_ARRAY(arena, const char *, (size_t) count + merged);
    for (uint32_t i = 0; i < count; i++) {
        const struct scope_column *column = &ret->scope.columns[i];
        scope.columns[merged + i] = *column;
        expressions[merged + i] = expression_column(arena, i, column->type, column->nullable, 0);
        out_names[merged + i] = column->name;
    }
    for (uint32_t i = 0; i < merged; i++) {
        const struct expression *value = join == TREE_JOIN_RIGHT ? right[i] : left[i];
        if (join == TREE_JOIN_FULL) {
            const struct expression **both = ARENA_ARRAY(arena, const struct expression *, 2);
            both[0] = left[i];
            both[1] = right[i];
            value = analyse_coalesce(analyser, both, 2, left[i]->offset);
        }
        if (value == NULL) {
            return false;
        }
        expressions[i] = value;
        out_names[i] = names->names[i];
        scope.columns[i] = (struct scope_column){
            NULL, NULL, names->names[i], value->type, value->nullable, false, false};
        scope.columns[merged + left[i]->index].merged = true;
        scope.columns[merged + right[i]->index].merged = true;
    }
    ret->plan =
        plan_project(arena, ret->plan, expressions, out_names, count + merged, ret->plan->offset);
    ret->scope = scope;
    return true;
}

static bool
relation_of_join(struct analyser *analyser, const struct tree_relation *tree, struct analysed *ret)
{
    static const enum plan_join_type types[] = {
        [TREE_JOIN_INNER] = JOIN_INNER, [TREE_JOIN_LEFT] = JOIN_LEFT,
        [TREE_JOIN_RIGHT] = JOIN_RIGHT, [TREE_JOIN_FULL] = JOIN_FULL,
        [TREE_JOIN_CROSS] = JOIN_CROSS, [TREE_JOIN_SEMI] = JOIN_SEMI,
        [TREE_JOIN_ANTI] = JOIN_ANTI,
    };
    struct arena *arena = analyser->arena;
    struct analysed left = {0}, right = {0};
    if (!analyser->options->batch) {
        analyse_fail(analyser, tree->offset, "a stream cannot be joined");
        error_hint(
            analyser->error,
            "joins run in leat query, over what tables and topics hold; Spark can join streams");
        return false;
    }
    if (!analyse_relation(analyser, tree->left, &left) ||
        !analyse_relation(analyser, tree->right, &right)) {
        return false;
    }
    struct tree_names using_columns =
        tree->natural ? common_names(arena, &left.scope, &right.scope) : tree->using_columns;
    struct scope both = joined_scope(arena, &left, &right, tree->join);
    if (both.count > SQL_COLUMNS_MAX || !analyse_count(analyser, tree->offset, both.count)) {
        (void) analyse_fail(analyser, tree->offset, "the join has more than %d columns",
                            SQL_COLUMNS_MAX);
        return false;
    }
    const struct expression **left_using =
        ARENA_ARRAY(arena, const struct expression *, using_columns.count);
    const struct expression **right_using =
        ARENA_ARRAY(arena, const struct expression *, using_columns.count);
    struct plan *plan = plan_new(arena, PLAN_JOIN, NULL, NULL, tree->offset);
    const struct plan **inputs = ARENA_ARRAY(arena, const struct plan *, 2);
    inputs[0] = left.plan;
    inputs[1] = right.plan;
    plan->inputs = inputs;
    plan->input_count = 2;
    plan->join = types[tree->join];
    if (using_columns.count > 0) {
        plan->predicate = using_condition(analyser, &left, &right, &using_columns, tree->offset,
                                          left_using, right_using);
    } else if (tree->on != NULL) {
        struct context context = {.scope = &both, .clause = "ON"};
        plan->predicate = analyse_condition(analyser, &context, tree->on);
    } else {
        plan->predicate = expression_bool(arena, true, tree->offset);
        plan->join = plan->join == JOIN_INNER ? JOIN_CROSS : plan->join;
    }
    if (plan->predicate == NULL) {
        return false;
    }
    bool left_only = plan->join == JOIN_SEMI || plan->join == JOIN_ANTI;
    ret->scope = left_only ? left.scope : both;
    ret->plan = plan;
    plan->type = scope_type(arena, &ret->scope);
    return using_columns.count == 0 || left_only ||
           merge_using(analyser, tree->join, &using_columns, left_using, right_using, ret);
}

bool analyse_relation(struct analyser *analyser,
                      const struct tree_relation *tree,
                      struct analysed *ret)
{
    bool ok = false;
    switch (tree->kind) {
    case RELATION_NAME:
        ok = relation_by_name(analyser, tree, ret);
        break;
    case RELATION_VALUES:
        ok = relation_of_values(analyser, tree, ret);
        break;
    case RELATION_JOIN:
        return relation_of_join(analyser, tree, ret);
    case RELATION_QUERY:
        ok = analyse_query(analyser, tree->query, ret);
        for (uint32_t i = 0; ok && i < ret->scope.count; i++) {
            ret->scope.columns[i].relation = tree->alias;
            ret->scope.columns[i].full = NULL;
        }
        break;
    }
    return ok && rename_columns(analyser, &ret->scope, &tree->columns, tree->offset);
}

bool analyse_generate(struct analyser *analyser,
                      struct analysed *source,
                      const struct tree *call,
                      bool outer,
                      const char *relation,
                      const struct tree_names *names)
{
    struct arena *arena = analyser->arena;
    struct context context = {.scope = &source->scope, .clause = "a generator"};
    const struct expression *generator = analyse_generator(analyser, &context, call);
    if (generator == NULL) {
        return false;
    }
    const struct type *made = generator->type;
    uint32_t own = source->scope.count, count = own + made->field_count;
    if (names->count > 0 && names->count != made->field_count) {
        return analyse_fail(analyser, call->offset, "%s gives %u columns, but %u names are given",
                            call->name, made->field_count, names->count) != NULL;
    }
    if (count > SQL_COLUMNS_MAX || !analyse_count(analyser, call->offset, count)) {
        return analyse_fail(analyser, call->offset, "more than %d columns", SQL_COLUMNS_MAX) !=
               NULL;
    }
    struct scope scope = {ARENA_ARRAY(arena, struct scope_column, count), count};
    if (own > 0) {
        memcpy(scope.columns, source->scope.columns, own * sizeof(*scope.columns));
    }
    for (uint32_t i = 0; i < made->field_count; i++) {
        const struct type_field *field = &made->fields[i];
        scope.columns[own + i] =
            (struct scope_column){relation,
                                  NULL,
                                  names->count > 0 ? names->names[i] : field->name,
                                  field->type,
                                  field->nullable || outer,
                                  false,
                                  false};
    }
    struct plan *plan =
        plan_new(arena, PLAN_GENERATE, scope_type(arena, &scope), source->plan, call->offset);
    const struct expression **expressions = ARENA_ARRAY(arena, const struct expression *, 1);
    expressions[0] = generator;
    plan->expressions = expressions;
    plan->expression_count = 1;
    plan->outer = outer;
    source->plan = plan;
    source->scope = scope;
    return true;
}

bool analyse_lateral(struct analyser *analyser,
                     const struct tree_lateral *lateral,
                     struct analysed *source)
{
    if (!analyse_is_generator(lateral->call)) {
        analyse_fail(analyser, lateral->call->offset,
                     "LATERAL VIEW needs a function that makes rows");
        error_hint(analyser->error,
                   "such as explode(array), posexplode(array) or inline(array of structs)");
        return false;
    }
    return analyse_generate(analyser, source, lateral->call, lateral->outer, lateral->alias,
                            &lateral->columns);
}
