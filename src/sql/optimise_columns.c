/*
 * Columns that nobody reads go, down to fields of structs in a scan: a JSON record of 462 bytes is
 * decoded for the five fields that a query names.
 *
 * Down the plan goes what is used of each output column: nothing, all of it, or some fields. Up
 * comes the new node and where its old columns are now.
 */

#include "sql/analyse.h"
#include "sql/optimise.h"

struct use {
    bool whole;
    struct use **fields; /* of a struct that is not used whole; NULL: not used */
};

static struct use whole_use = {.whole = true};

struct pruned {
    const struct plan *plan;
    int32_t *places; /* of the old output columns; -1: gone */
};

/* Two fields of the same name could not be told apart afterwards. */
static bool can_prune(const struct type *type)
{
    if (type->id != TYPE_STRUCT || type->field_count > 256) {
        return false;
    }
    for (uint32_t i = 0; i < type->field_count; i++) {
        for (uint32_t j = i + 1; j < type->field_count; j++) {
            if (strcmp(type->fields[i].name, type->fields[j].name) == 0) {
                return false;
            }
        }
    }
    return true;
}

static void
merge_use(struct arena *arena, struct use **into, const struct type *type, const struct use *use)
{
    if (use == NULL || (*into != NULL && (*into)->whole)) {
        return;
    }
    if (use->whole || !can_prune(type)) {
        *into = &whole_use;
        return;
    }
    if (*into == NULL) {
        *into = ARENA_NEW(arena, struct use);
        (*into)->fields = ARENA_ARRAY(arena, struct use *, type->field_count);
    }
    for (uint32_t i = 0; i < type->field_count; i++) {
        merge_use(arena, &(*into)->fields[i], type->fields[i].type, use->fields[i]);
    }
}

/* Notes what `expression` reads of the input's columns, if `use` of its value is used. */
static void mark(struct arena *arena,
                 const struct expression *expression,
                 const struct use *use,
                 const struct type *input,
                 struct use **uses)
{
    if (expression->kind == EXPR_COLUMN) {
        if (expression->index < input->field_count) { /* the window column is not of the input */
            merge_use(arena, &uses[expression->index], input->fields[expression->index].type, use);
        }
        return;
    }
    if (expression->kind == EXPR_FIELD && can_prune(expression->arguments[0]->type)) {
        const struct expression *argument = expression->arguments[0];
        struct use inner = {.fields =
                                ARENA_ARRAY(arena, struct use *, argument->type->field_count)};
        merge_use(arena, &inner.fields[expression->index], expression->type, use);
        mark(arena, argument, &inner, input, uses);
        return;
    }
    for (uint32_t i = 0; i < expression->argument_count; i++) {
        mark(arena, expression->arguments[i], &whole_use, input, uses);
    }
    if (expression->body != NULL) {
        mark(arena, expression->body, &whole_use, input, uses);
    }
}

static const struct type *
prune_type(struct arena *arena, const struct type *type, const struct use *use)
{
    if (use->whole || type->id != TYPE_STRUCT) {
        return type;
    }
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, type->field_count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < type->field_count; i++) {
        if (use->fields[i] != NULL) {
            fields[count] = type->fields[i];
            fields[count++].type = prune_type(arena, type->fields[i].type, use->fields[i]);
        }
    }
    return type_struct(arena, fields, count);
}

struct rewriting {
    struct arena *arena;
    const struct type *input; /* new */
    const int32_t *places;
    uint32_t old_count; /* columns of the old input: the window's number */
};

static const struct expression *rewrite(void *context, const struct expression *expression)
{
    const struct rewriting *rewriting = context;
    if (expression->kind == EXPR_COLUMN) {
        if (expression->index >= rewriting->old_count) {
            return expression_column(rewriting->arena, rewriting->input->field_count,
                                     expression->type, expression->nullable, expression->offset);
        }
        uint32_t place = (uint32_t) rewriting->places[expression->index];
        return expression_column(rewriting->arena, place, rewriting->input->fields[place].type,
                                 expression->nullable, expression->offset);
    }
    if (expression->kind == EXPR_FIELD) {
        const struct expression *old = expression->arguments[0];
        const struct expression *argument = rewrite(context, old);
        if (argument == old) {
            return expression;
        }
        uint32_t at = expression->index;
        if (argument->type->field_count != old->type->field_count) {
            const char *name = old->type->fields[expression->index].name;
            for (at = 0; strcmp(argument->type->fields[at].name, name) != 0;) {
                at++;
            }
        }
        struct expression *copy = ARENA_NEW(rewriting->arena, struct expression);
        *copy = *expression_field(rewriting->arena, argument, at, expression->offset);
        copy->nullable = expression->nullable;
        return copy;
    }
    return expression_map_children(rewriting->arena, expression, rewrite, context);
}

static struct pruned prune(struct arena *arena, const struct plan *plan, struct use **uses);

static struct use **no_uses(struct arena *arena, const struct plan *plan)
{
    return ARENA_ARRAY(arena, struct use *, plan->type->field_count);
}

static int32_t *same_places(struct arena *arena, uint32_t count)
{
    int32_t *places = ARENA_ARRAY(arena, int32_t, count);
    for (uint32_t i = 0; i < count; i++) {
        places[i] = (int32_t) i;
    }
    return places;
}

/* A copy of `plan` over the pruned input, its expressions rewritten; type and lists as before. */
static struct plan *over(struct arena *arena, const struct plan *plan, const struct pruned *input)
{
    struct rewriting rewriting = {arena, input->plan->type, input->places,
                                  plan->inputs[0]->type->field_count};
    const struct plan **inputs = ARENA_ARRAY(arena, const struct plan *, 1);
    inputs[0] = input->plan;
    return plan_map(arena, plan, inputs, rewrite, &rewriting);
}

static struct pruned prune_scan(struct arena *arena, const struct plan *plan, struct use **uses)
{
    uint32_t count = plan->type->field_count, kept = 0;
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, count);
    int32_t *places = ARENA_ARRAY(arena, int32_t, count);
    for (uint32_t i = 0; i < count; i++) {
        places[i] = -1;
        if (uses[i] != NULL) {
            fields[kept] = plan->type->fields[i];
            fields[kept].type = prune_type(arena, fields[kept].type, uses[i]);
            places[i] = (int32_t) kept++;
        }
    }
    struct plan *copy = ARENA_NEW(arena, struct plan);
    *copy = *plan;
    copy->type = type_struct(arena, fields, kept);
    return (struct pruned){copy, places};
}

static struct pruned prune_project(struct arena *arena, const struct plan *plan, struct use **uses)
{
    const struct plan *input = plan->inputs[0];
    struct use **below = no_uses(arena, input);
    struct plan narrow = *plan;
    const struct expression **expressions =
        ARENA_ARRAY(arena, const struct expression *, plan->expression_count);
    int32_t *places = ARENA_ARRAY(arena, int32_t, plan->expression_count);
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, plan->expression_count);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < plan->expression_count; i++) {
        places[i] = -1;
        if (uses[i] != NULL) {
            mark(arena, plan->expressions[i], uses[i], input->type, below);
            fields[kept] = plan->type->fields[i];
            expressions[kept] = plan->expressions[i];
            places[i] = (int32_t) kept++;
        }
    }
    narrow.expressions = expressions;
    narrow.expression_count = kept;
    struct pruned under = prune(arena, input, below);
    struct plan *copy = over(arena, &narrow, &under);
    for (uint32_t i = 0; i < kept; i++) {
        fields[i].type = copy->expressions[i]->type;
    }
    copy->type = type_struct(arena, fields, kept);
    return (struct pruned){copy, places};
}

/* FILTER, SORT, LIMIT: what comes in goes out. */
static struct pruned prune_through(struct arena *arena, const struct plan *plan, struct use **uses)
{
    const struct plan *input = plan->inputs[0];
    struct use **below = no_uses(arena, input);
    for (uint32_t i = 0; i < input->type->field_count; i++) {
        merge_use(arena, &below[i], input->type->fields[i].type, uses[i]);
    }
    if (plan->predicate != NULL) {
        mark(arena, plan->predicate, &whole_use, input->type, below);
    }
    for (uint32_t i = 0; i < plan->sort_key_count; i++) {
        mark(arena, plan->sort_keys[i].expression, &whole_use, input->type, below);
    }
    struct pruned under = prune(arena, input, below);
    struct plan *copy = over(arena, plan, &under);
    copy->type = under.plan->type;
    return (struct pruned){copy, under.places};
}

/* Keys stay, as they make the groups; aggregates nobody reads go. */
static struct pruned prune_groups(struct arena *arena, const struct plan *plan, struct use **uses)
{
    const struct plan *input = plan->inputs[0];
    struct use **below = no_uses(arena, input);
    struct plan narrow = *plan;
    struct plan_aggregate *aggregates =
        ARENA_ARRAY(arena, struct plan_aggregate, plan->aggregate_count);
    uint32_t count = plan->key_count + plan->aggregate_count, kept = plan->key_count;
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, count);
    int32_t *places = same_places(arena, count);
    for (uint32_t i = 0; i < plan->key_count; i++) {
        mark(arena, plan->keys[i], &whole_use, input->type, below);
        fields[i] = plan->type->fields[i];
    }
    if (plan->window != NULL) {
        mark(arena, plan->window->time, &whole_use, input->type, below);
    }
    for (uint32_t i = 0; i < plan->aggregate_count; i++) {
        const struct plan_aggregate *aggregate = &plan->aggregates[i];
        places[plan->key_count + i] = -1;
        if (uses[plan->key_count + i] == NULL) {
            continue;
        }
        for (uint32_t a = 0; a < aggregate->argument_count; a++) {
            mark(arena, aggregate->arguments[a], &whole_use, input->type, below);
        }
        if (aggregate->filter != NULL) {
            mark(arena, aggregate->filter, &whole_use, input->type, below);
        }
        fields[kept] = plan->type->fields[plan->key_count + i];
        aggregates[kept - plan->key_count] = *aggregate;
        places[plan->key_count + i] = (int32_t) kept++;
    }
    narrow.aggregates = aggregates;
    narrow.aggregate_count = kept - plan->key_count;
    narrow.type = type_struct(arena, fields, kept);
    struct pruned under = prune(arena, input, below);
    return (struct pruned){over(arena, &narrow, &under), places};
}

static struct pruned prune_generate(struct arena *arena, const struct plan *plan, struct use **uses)
{
    const struct plan *input = plan->inputs[0];
    uint32_t own = input->type->field_count, made = plan->type->field_count - own;
    struct use **below = no_uses(arena, input);
    for (uint32_t i = 0; i < own; i++) {
        merge_use(arena, &below[i], input->type->fields[i].type, uses[i]);
    }
    mark(arena, plan->expressions[0], &whole_use, input->type, below);
    struct pruned under = prune(arena, input, below);
    struct plan *copy = over(arena, plan, &under);
    uint32_t kept = under.plan->type->field_count;
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, kept + made);
    int32_t *places = ARENA_ARRAY(arena, int32_t, own + made);
    for (uint32_t i = 0; i < kept; i++) {
        fields[i] = under.plan->type->fields[i];
    }
    for (uint32_t i = 0; i < own + made; i++) {
        places[i] = i < own ? under.places[i] : (int32_t) (kept + i - own);
        if (i >= own) {
            fields[kept + i - own] = plan->type->fields[i];
        }
    }
    copy->type = type_struct(arena, fields, kept + made);
    return (struct pruned){copy, places};
}

/* A project to exactly these old columns, in order, if the pruned plan is not that already. */
static const struct plan *exactly(struct arena *arena,
                                  const struct plan *old,
                                  const struct pruned *pruned,
                                  struct use *const *uses)
{
    const struct type *type = pruned->plan->type;
    uint32_t count = 0;
    const struct expression **columns =
        ARENA_ARRAY(arena, const struct expression *, old->type->field_count);
    const char **names = ARENA_ARRAY(arena, const char *, old->type->field_count);
    bool same = true;
    for (uint32_t i = 0; i < old->type->field_count; i++) {
        if (uses[i] == NULL) {
            continue;
        }
        uint32_t place = (uint32_t) pruned->places[i];
        same &= place == count && strcmp(type->fields[place].name, old->type->fields[i].name) == 0;
        names[count] = old->type->fields[i].name;
        columns[count++] = expression_column(arena, place, type->fields[place].type,
                                             type->fields[place].nullable, old->offset);
    }
    return same && count == type->field_count
               ? pruned->plan
               : plan_project(arena, pruned->plan, columns, names, count, old->offset);
}

static struct pruned prune_union(struct arena *arena, const struct plan *plan, struct use **uses)
{
    uint32_t columns = plan->type->field_count, kept = 0;
    const struct plan **inputs = ARENA_ARRAY(arena, const struct plan *, plan->input_count);
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, columns);
    int32_t *places = ARENA_ARRAY(arena, int32_t, columns);
    struct use **below = ARENA_ARRAY(arena, struct use *, columns);
    for (uint32_t i = 0; i < columns; i++) {
        places[i] = -1;
        if (uses[i] != NULL) {
            below[i] = &whole_use; /* structs stay whole, so that all branches agree */
            fields[kept] = plan->type->fields[i];
            places[i] = (int32_t) kept++;
        }
    }
    for (uint32_t i = 0; i < plan->input_count; i++) {
        struct use **own = ARENA_ARRAY(arena, struct use *, columns);
        memcpy(own, below, columns * sizeof(struct use *));
        struct pruned under = prune(arena, plan->inputs[i], own);
        inputs[i] = exactly(arena, plan->inputs[i], &under, below);
    }
    struct plan *copy = ARENA_NEW(arena, struct plan);
    *copy = *plan;
    copy->inputs = inputs;
    copy->type = type_struct(arena, fields, kept);
    return (struct pruned){copy, places};
}

static struct pruned prune_join(struct arena *arena, const struct plan *plan, struct use **uses)
{
    uint32_t left = plan->inputs[0]->type->field_count, right = plan->inputs[1]->type->field_count;
    uint32_t outputs = plan->type->field_count;
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, left + right);
    struct use **all = ARENA_ARRAY(arena, struct use *, left + right);
    memcpy(fields, plan->inputs[0]->type->fields, left * sizeof(*fields));
    memcpy(fields + left, plan->inputs[1]->type->fields, right * sizeof(*fields));
    const struct type *both = type_struct(arena, fields, left + right);
    for (uint32_t i = 0; i < outputs; i++) {
        merge_use(arena, &all[i], both->fields[i].type, uses[i]);
    }
    mark(arena, plan->predicate, &whole_use, both, all);
    struct pruned sides[] = {prune(arena, plan->inputs[0], all),
                             prune(arena, plan->inputs[1], all + left)};
    uint32_t kept_left = sides[0].plan->type->field_count,
             kept_right = sides[1].plan->type->field_count;
    int32_t *places = ARENA_ARRAY(arena, int32_t, left + right);
    for (uint32_t i = 0; i < left + right; i++) {
        int32_t place = i < left ? sides[0].places[i] : sides[1].places[i - left];
        places[i] = place < 0 || i < left ? place : place + (int32_t) kept_left;
    }
    struct type_field *new_fields = ARENA_ARRAY(arena, struct type_field, kept_left + kept_right);
    memcpy(new_fields, sides[0].plan->type->fields, kept_left * sizeof(*new_fields));
    memcpy(new_fields + kept_left, sides[1].plan->type->fields, kept_right * sizeof(*new_fields));
    const struct type *input = type_struct(arena, new_fields, kept_left + kept_right);
    struct rewriting rewriting = {arena, input, places, left + right};
    const struct plan **inputs = ARENA_ARRAY(arena, const struct plan *, 2);
    inputs[0] = sides[0].plan;
    inputs[1] = sides[1].plan;
    struct plan *copy = plan_map(arena, plan, inputs, rewrite, &rewriting);
    for (uint32_t i = 0; i < outputs; i++) { /* outer joins make columns nullable */
        if (places[i] >= 0) {
            new_fields[places[i]].nullable = plan->type->fields[i].nullable;
        }
    }
    copy->type =
        type_struct(arena, new_fields, outputs == left ? kept_left : kept_left + kept_right);
    return (struct pruned){copy, places};
}

static struct pruned prune(struct arena *arena, const struct plan *plan, struct use **uses)
{
    switch (plan->kind) {
    case PLAN_SCAN:
        return prune_scan(arena, plan, uses);
    case PLAN_PROJECT:
        return prune_project(arena, plan, uses);
    case PLAN_FILTER:
    case PLAN_SORT:
    case PLAN_LIMIT:
        return prune_through(arena, plan, uses);
    case PLAN_AGGREGATE:
    case PLAN_DISTINCT:
        return prune_groups(arena, plan, uses);
    case PLAN_GENERATE:
        return prune_generate(arena, plan, uses);
    case PLAN_UNION:
        return prune_union(arena, plan, uses);
    case PLAN_JOIN:
        return prune_join(arena, plan, uses);
    case PLAN_VALUES:
        break;
    }
    return (struct pruned){plan, same_places(arena, plan->type->field_count)};
}

const struct plan *optimise_columns(const struct plan *plan, struct arena *arena)
{
    uint32_t count = plan->type->field_count;
    struct use **uses = ARENA_ARRAY(arena, struct use *, count);
    for (uint32_t i = 0; i < count; i++) {
        uses[i] = &whole_use;
    }
    struct use **own = ARENA_ARRAY(arena, struct use *, count);
    memcpy(own, uses, count * sizeof(struct use *));
    struct pruned pruned = prune(arena, plan, own);
    return exactly(arena, plan, &pruned, uses);
}
