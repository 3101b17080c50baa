/*
 * Hash join: the right side is held in a table by the equalities of the condition; rows of the left
 * side look their partners up. What else the condition asks is checked on the pairs. Without an
 * equality every pair is looked at.
 */

#include "sql/batch_stage.h"
#include "sql/expressions.h"
#include "sql/function.h"
#include "sql/group_table.h"

struct join_stage {
    struct stage stage;
    uint32_t left_count, right_count; /* columns */
    const struct type *pair_type;
    struct expression_list left_keys, right_keys; /* right ones over the right side alone */
    bool *null_matches;                           /* of each key: <=> */
    const struct expression *rest;                /* NULL: nothing */
    struct collected rows;                        /* the right side */
    const struct batch *right;
    struct group_table table;
    int32_t *first, *following; /* rows of the right side: of a key, and the next of the same key */
    uint8_t *right_matched;
    struct buffer key;
    int32_t *pairs[2]; /* rows of the left batch and of the right side */
    int64_t pair_count;
    uint8_t *left_matched; /* of the current batch */
    const struct batch *left;
    struct arena left_arena; /* of the current batch: scratch is reset behind every flush */
};

struct collector {
    struct stage stage;
    struct collected *rows;
};

static enum status
collector_push(struct stage *stage, const struct batch *batch, struct error *error)
{
    return collect(((struct collector *) stage)->rows, stage->runner, batch, error);
}

static enum status collector_finish(struct stage *stage, struct error *error)
{
    (void) stage;
    (void) error;
    return STATUS_OK;
}

/* 1: only left columns, 2: only right ones, 0: none, 3: both */
static unsigned sides_of(const struct expression *expression, uint32_t left_count)
{
    unsigned sides = expression->kind == EXPR_COLUMN ? (expression->index < left_count ? 1 : 2) : 0;
    for (uint32_t i = 0; i < expression->argument_count; i++) {
        sides |= sides_of(expression->arguments[i], left_count);
    }
    return expression->body == NULL ? sides : sides | sides_of(expression->body, left_count);
}

struct moving {
    struct arena *arena;
    uint32_t by;
};

static const struct expression *to_right(void *context, const struct expression *child)
{
    const struct moving *moving = context;
    if (child->kind == EXPR_COLUMN) {
        return expression_column(moving->arena, child->index - moving->by, child->type,
                                 child->nullable, child->offset);
    }
    return expression_map_children(moving->arena, child, to_right, context);
}

/* Splits the condition into equalities of the two sides and the rest. */
static void split_condition(struct join_stage *join, struct arena *arena)
{
    const struct expression *condition = join->stage.plan->predicate;
    bool many = condition->kind == EXPR_AND;
    uint32_t count = many ? condition->argument_count : 1;
    struct expression_list rest = {0};
    struct moving moving = {arena, join->left_count};
    join->null_matches = ARENA_ARRAY(arena, bool, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct expression *term = many ? condition->arguments[i] : condition;
        bool null_safe = expression_is_call(term, "<=>");
        if (null_safe || expression_is_call(term, "=") || expression_is_call(term, "==")) {
            unsigned a = sides_of(term->arguments[0], join->left_count),
                     b = sides_of(term->arguments[1], join->left_count);
            if ((a == 1 && b == 2) || (a == 2 && b == 1)) {
                join->null_matches[join->left_keys.count] = null_safe;
                expression_list_add(arena, &join->left_keys, term->arguments[a == 1 ? 0 : 1]);
                expression_list_add(arena, &join->right_keys,
                                    to_right(&moving, term->arguments[a == 1 ? 1 : 0]));
                continue;
            }
        }
        if (!expression_is_true(term)) {
            expression_list_add(arena, &rest, term);
        }
    }
    join->rest = rest.count == 0 ? NULL : expression_and(arena, rest.items, rest.count);
}

/* The key of a row; false if a null in it can match nothing. */
static bool encode_row(struct join_stage *join, const struct column *const *keys, int64_t row)
{
    buffer_clear(&join->key);
    for (uint32_t k = 0; k < join->left_keys.count; k++) {
        if (column_is_null(keys[k], row) && !join->null_matches[k]) {
            return false;
        }
        column_encode_key(keys[k], row, &join->key);
    }
    return true;
}

static enum status build(struct join_stage *join, struct error *error)
{
    struct batch_runner *runner = join->stage.runner;
    struct arena *arena = &join->rows.held.arena;
    join->right = collected_batch(&join->rows, join->stage.plan->inputs[1]->type);
    size_t rows = (size_t) join->right->length;
    const struct column **keys = ARENA_ARRAY(arena, const struct column *, join->right_keys.count);
    struct eval eval;
    eval_init(&eval, arena, join->right, runner->options->now_us);
    for (uint32_t k = 0; k < join->right_keys.count; k++) {
        keys[k] = eval_expression(&eval, join->right_keys.items[k]);
    }
    TRY(stage_check(runner, &eval, error));
    group_table_init(&join->table, arena);
    join->following = ARENA_ARRAY(arena, int32_t, rows);
    join->first = ARENA_ARRAY(arena, int32_t, rows);
    join->right_matched = arena_zalloc(arena, rows / 8 + 1);
    for (int64_t row = join->right->length; row-- > 0;) { /* backwards: chains are in order then */
        bool is_new = false;
        if (encode_row(join, keys, row)) {
            uint32_t number = group_table_add(&join->table, buffer_slice(&join->key), &is_new);
            join->following[row] = is_new ? -1 : join->first[number];
            join->first[number] = (int32_t) row;
        }
    }
    return held_charge(&join->rows.held, runner, 0, error);
}

/* Columns of both sides for pairs of rows; -1 gives nulls. */
static const struct batch *
pair_batch(struct join_stage *join, const int32_t *left, const int32_t *right, int64_t count)
{
    struct arena *arena = &join->stage.runner->scratch;
    uint32_t all = join->left_count + join->right_count;
    const struct column **columns = ARENA_ARRAY(arena, const struct column *, all);
    for (uint32_t c = 0; c < all; c++) {
        columns[c] =
            c < join->left_count
                ? (join->left == NULL ? column_nulls(arena, join->pair_type->fields[c].type, count)
                                      : column_take(arena, join->left->columns[c], left, count))
                : column_take(arena, join->right->columns[c - join->left_count], right, count);
    }
    struct batch *batch = ARENA_NEW(arena, struct batch);
    *batch = (struct batch){.length = count, .type = join->pair_type, .columns = columns};
    return batch;
}

static enum status emit(struct join_stage *join, const struct batch *batch, struct error *error)
{
    return stage_emit(&join->stage, join->stage.plan->type, batch->columns, batch->length, error);
}

/* Checks the pairs found so far and gives those that fit. */
static enum status flush_pairs(struct join_stage *join, struct error *error)
{
    struct batch_runner *runner = join->stage.runner;
    int64_t count = join->pair_count;
    join->pair_count = 0;
    arena_reset(&runner->scratch);
    if (count == 0) {
        return STATUS_OK;
    }
    const struct batch *pairs = pair_batch(join, join->pairs[0], join->pairs[1], count);
    uint8_t *selection = NULL;
    int64_t selected = count;
    if (join->rest != NULL) {
        TRY(stage_select(runner, pairs, join->rest, &selection, &selected, error));
    }
    for (int64_t i = 0; i < count; i++) {
        if (selection == NULL || bit_get(selection, i)) {
            bit_set(join->left_matched, join->pairs[0][i]);
            bit_set(join->right_matched, join->pairs[1][i]);
        }
    }
    enum plan_join_type type = join->stage.plan->join;
    if (type == JOIN_SEMI || type == JOIN_ANTI) {
        return STATUS_OK;
    }
    return emit(join,
                selected == count ? pairs
                                  : batch_filter(&runner->scratch, pairs, selection, selected),
                error);
}

/* Rows of the left batch by whether they found a partner. */
static enum status emit_left(struct join_stage *join, bool matched, struct error *error)
{
    struct arena *arena = &join->stage.runner->scratch;
    int64_t length = join->left->length, count = 0;
    int32_t *rows = arena_alloc(arena, (size_t) length * sizeof(*rows));
    int32_t *nothing = arena_alloc(arena, (size_t) length * sizeof(*rows));
    for (int64_t i = 0; i < length; i++) {
        if (bit_get(join->left_matched, i) == matched) {
            nothing[count] = -1;
            rows[count++] = (int32_t) i;
        }
    }
    return emit(join, pair_batch(join, rows, nothing, count), error);
}

static enum status join_push(struct stage *stage, const struct batch *batch, struct error *error)
{
    struct join_stage *join = (struct join_stage *) stage;
    struct batch_runner *runner = stage->runner;
    enum plan_join_type type = stage->plan->join;
    arena_reset(&join->left_arena);
    batch = batch_copy(&join->left_arena, batch);
    const struct column **keys =
        ARENA_ARRAY(&join->left_arena, const struct column *, join->left_keys.count);
    struct eval eval;
    eval_init(&eval, &join->left_arena, batch, runner->options->now_us);
    for (uint32_t k = 0; k < join->left_keys.count; k++) {
        keys[k] = eval_expression(&eval, join->left_keys.items[k]);
    }
    TRY(stage_check(runner, &eval, error));
    join->left = batch;
    join->left_matched = arena_zalloc(&join->left_arena, (size_t) batch->length / 8 + 1);
    for (int64_t row = 0; row < batch->length; row++) {
        int32_t number = encode_row(join, keys, row)
                             ? group_table_find(&join->table, buffer_slice(&join->key))
                             : -1;
        for (int32_t other = number < 0 ? -1 : join->first[number]; other >= 0;
             other = join->following[other]) {
            join->pairs[0][join->pair_count] = (int32_t) row;
            join->pairs[1][join->pair_count++] = other;
            if (join->pair_count == BATCH_ROWS) {
                TRY(flush_pairs(join, error));
            }
        }
    }
    TRY(flush_pairs(join, error));
    if (type == JOIN_LEFT || type == JOIN_FULL || type == JOIN_ANTI) {
        return emit_left(join, false, error);
    }
    return type == JOIN_SEMI ? emit_left(join, true, error) : STATUS_OK;
}

/* RIGHT and FULL: rows of the right side that found no partner */
static enum status join_finish(struct stage *stage, struct error *error)
{
    struct join_stage *join = (struct join_stage *) stage;
    enum plan_join_type type = stage->plan->join;
    if (type == JOIN_RIGHT || type == JOIN_FULL) {
        int32_t *rows = ARENA_ARRAY(&join->rows.held.arena, int32_t, BATCH_ROWS);
        int64_t count = 0;
        join->left = NULL;
        for (int64_t row = 0; row <= join->right->length; row++) {
            bool end = row == join->right->length;
            if (!end && !bit_get(join->right_matched, row)) {
                rows[count++] = (int32_t) row;
            }
            if ((end || count == BATCH_ROWS) && count > 0) {
                arena_reset(&stage->runner->scratch);
                TRY(emit(join, pair_batch(join, NULL, rows, count), error));
                count = 0;
            }
        }
    }
    return stage->next->finish(stage->next, error);
}

static const struct type *pair_type(struct arena *arena, const struct plan *plan)
{
    uint32_t left = plan->inputs[0]->type->field_count, right = plan->inputs[1]->type->field_count;
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, left + right);
    memcpy(fields, plan->inputs[0]->type->fields, left * sizeof(*fields));
    memcpy(fields + left, plan->inputs[1]->type->fields, right * sizeof(*fields));
    return type_struct(arena, fields, left + right);
}

enum status stage_run_join(struct batch_runner *runner,
                           const struct plan *plan,
                           struct stage *next,
                           struct error *error)
{
    struct join_stage join = {
        .stage = {.push = join_push,
                  .finish = join_finish,
                  .runner = runner,
                  .plan = plan,
                  .next = next},
        .left_count = plan->inputs[0]->type->field_count,
        .right_count = plan->inputs[1]->type->field_count,
    };
    held_init(&join.rows.held);
    arena_init(&join.left_arena, 0);
    struct arena *arena = &join.rows.held.arena;
    join.pair_type = pair_type(arena, plan);
    join.pairs[0] = ARENA_ARRAY(arena, int32_t, BATCH_ROWS);
    join.pairs[1] = ARENA_ARRAY(arena, int32_t, BATCH_ROWS);
    split_condition(&join, arena);
    struct collector collector = {
        .stage = {.push = collector_push,
                  .finish = collector_finish,
                  .runner = runner,
                  .plan = plan,
                  .holds = true},
        .rows = &join.rows,
    };
    enum status status = stage_run(runner, plan->inputs[1], &collector.stage, error);
    if (status == STATUS_OK) {
        arena_reset(&runner->scratch);
        status = build(&join, error);
    }
    if (status == STATUS_OK) {
        status = stage_run(runner, plan->inputs[0], &join.stage, error);
    }
    buffer_deinit(&join.key);
    arena_deinit(&join.left_arena);
    held_deinit(&join.rows.held, runner);
    return status;
}
