#include "sql/eval.h"

#include "base/assert.h"
#include "sql/kernels.h"

#include <stdio.h>

void eval_init(struct eval *eval, struct arena *arena, const struct batch *batch, int64_t now_us)
{
    *eval = (struct eval){.arena = arena, .batch = batch, .now_us = now_us};
    eval->random_state = (uint64_t) now_us * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

void eval_fail(struct eval *eval, int64_t row, size_t offset, const char *format, ...)
{
    if (eval->active != NULL && !bit_get(eval->active, row)) {
        return;
    }
    if (eval->failed == NULL) {
        eval->failed = bits_new(eval->arena, eval->batch->length, false);
    }
    if (bit_get(eval->failed, row)) {
        return;
    }
    bit_set(eval->failed, row);
    if (eval->error_count == eval->error_capacity) {
        size_t capacity = eval->error_capacity == 0 ? 16 : eval->error_capacity * 2;
        eval->errors =
            arena_grow(eval->arena, eval->errors, eval->error_capacity * sizeof *eval->errors,
                       capacity * sizeof *eval->errors);
        eval->error_capacity = capacity;
    }
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    eval->errors[eval->error_count++] = (struct row_error){
        .row = row, .message = arena_strdup(eval->arena, message), .offset = offset};
}

/* A copy of the evaluator over another batch, with no failures yet. */
static struct eval eval_nested(const struct eval *eval, const struct batch *batch)
{
    struct eval nested = *eval;
    nested.batch = batch;
    nested.failed = NULL;
    nested.errors = NULL;
    nested.error_count = 0;
    nested.error_capacity = 0;
    nested.active = NULL;
    return nested;
}

/* Whether to compute one value for all rows. */
static bool
is_constant(const struct eval *eval, const struct column *const *columns, uint32_t count)
{
    if (eval->batch->length == 1) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (columns[i]->length != 1) {
            return false;
        }
    }
    return count > 0;
}

static const struct batch one_row = {.length = 1};

/* A constant that failed fails every row that asks for it. */
static void fail_all(struct eval *eval, const struct eval *nested)
{
    eval->random_state = nested->random_state;
    if (nested->error_count == 0) {
        return;
    }
    const struct row_error *error = &nested->errors[0];
    for (int64_t i = 0; i < eval->batch->length; i++) {
        eval_fail(eval, i, error->offset, "%s", error->message);
    }
}

static const struct column *eval_call(struct eval *eval, const struct expression *call)
{
    const struct sql_function *function = call->function;
    if (function->lazy) {
        return function->call(eval, call, NULL);
    }
    const struct column **arguments =
        ARENA_ARRAY(eval->arena, const struct column *, call->argument_count);
    for (uint32_t i = 0; i < call->argument_count; i++) {
        arguments[i] = eval_expression_compact(eval, call->arguments[i]);
    }
    if (function->deterministic && is_constant(eval, arguments, call->argument_count)) {
        struct eval nested = eval_nested(eval, &one_row);
        const struct column *result = function->call(&nested, call, arguments);
        fail_all(eval, &nested);
        return result;
    }
    return function->call(eval, call, arguments);
}

static const struct column *eval_cast(struct eval *eval, const struct expression *cast)
{
    const struct column *argument = eval_expression_compact(eval, cast->arguments[0]);
    if (is_constant(eval, &argument, 1)) {
        struct eval nested = eval_nested(eval, &one_row);
        const struct column *result =
            cast_column(&nested, argument, cast->type, cast->try_cast, cast->offset);
        fail_all(eval, &nested);
        return result;
    }
    return cast_column(eval, argument, cast->type, cast->try_cast, cast->offset);
}

static const struct column *eval_field(struct eval *eval, const struct expression *expression)
{
    const struct column *parent = eval_expression_compact(eval, expression->arguments[0]);
    if (parent->null_count == parent->length) {
        return column_nulls(eval->arena, expression->type, parent->length);
    }
    const struct column *child = parent->children[expression->index];
    if (parent->validity == NULL) {
        return child;
    }
    uint8_t *validity = bits_new(eval->arena, parent->length, true);
    memcpy(validity, parent->validity, bits_bytes(parent->length));
    if (child->validity != NULL) {
        bits_and(validity, child->validity, parent->length);
    }
    return column_with_validity(eval->arena, child, validity);
}

/* The bitmap of rows still to be decided, narrowed as branches are taken. */
static uint8_t *active_copy(const struct eval *eval)
{
    uint8_t *active = bits_new(eval->arena, eval->batch->length, true);
    if (eval->active != NULL) {
        memcpy(active, eval->active, bits_bytes(eval->batch->length));
    }
    return active;
}

static bool any_active(const struct eval *eval, const uint8_t *active)
{
    return bits_count(active, eval->batch->length) > 0;
}

static void choose_rows(int32_t *choice, const uint8_t *rows, int64_t count, int32_t branch)
{
    for (int64_t i = 0; i < count; i++) {
        if (bit_get(rows, i)) {
            choice[i] = branch;
        }
    }
}

static int32_t *choice_new(const struct eval *eval)
{
    size_t bytes = (size_t) eval->batch->length * sizeof(int32_t);
    int32_t *choice = arena_alloc(eval->arena, bytes);
    memset(choice, 0xff, bytes);
    return choice;
}

static const struct column *eval_case(struct eval *eval, const struct expression *expression)
{
    int64_t rows = eval->batch->length;
    const uint8_t *outer = eval->active;
    uint32_t pairs = expression->argument_count / 2;
    const struct column **values =
        ARENA_ARRAY(eval->arena, const struct column *, (size_t) pairs + 1);
    int32_t *choice = choice_new(eval);
    uint8_t *rest = active_copy(eval);
    bool rest_any = any_active(eval, rest);
    for (uint32_t i = 0; i < pairs && rest_any; i++) {
        eval->active = rest;
        const struct column *when = eval_expression_compact(eval, expression->arguments[2 * i]);
        uint8_t *taken = bits_true(eval->arena, arg_of(when, rows), rows);
        bits_and(taken, rest, rows);
        if (!any_active(eval, taken)) {
            continue;
        }
        eval->active = taken;
        values[i] = eval_expression_compact(eval, expression->arguments[2 * i + 1]);
        choose_rows(choice, taken, rows, (int32_t) i);
        bits_and_not(rest, taken, rows);
        rest_any = any_active(eval, rest);
    }
    if (expression->has_else && rest_any) {
        eval->active = rest;
        values[pairs] =
            eval_expression_compact(eval, expression->arguments[expression->argument_count - 1]);
        choose_rows(choice, rest, rows, (int32_t) pairs);
    }
    eval->active = outer;
    return column_choose(eval->arena, expression->type, values, pairs + 1, choice, rows);
}

static const struct column *eval_coalesce(struct eval *eval, const struct expression *expression)
{
    int64_t rows = eval->batch->length;
    const uint8_t *outer = eval->active;
    uint32_t count = expression->argument_count;
    const struct column **values = ARENA_ARRAY(eval->arena, const struct column *, count);
    int32_t *choice = choice_new(eval);
    uint8_t *rest = active_copy(eval);
    for (uint32_t i = 0; i < count && any_active(eval, rest); i++) {
        eval->active = rest;
        values[i] = eval_expression_compact(eval, expression->arguments[i]);
        if (i == 0 && values[0]->null_count == 0) {
            eval->active = outer;
            return values[0];
        }
        struct arg arg = arg_of(values[i], rows);
        uint8_t *present = bits_new(eval->arena, rows, true);
        if (arg.mask == 0) {
            memset(present, arg_is_null(arg, 0) ? 0 : 0xff, bits_bytes(rows));
        } else if (values[i]->validity != NULL) {
            memcpy(present, values[i]->validity, bits_bytes(rows));
        }
        bits_and(present, rest, rows);
        choose_rows(choice, present, rows, (int32_t) i);
        bits_and_not(rest, present, rows);
    }
    eval->active = outer;
    return column_choose(eval->arena, expression->type, values, count, choice, rows);
}

/*
 * AND and OR differ only in which value decides: `decided` collects rows where an argument has it,
 * `unknown` rows where one is null. Later arguments see only rows not decided yet.
 */
static const struct column *eval_and_or(struct eval *eval, const struct expression *expression)
{
    int64_t rows = eval->batch->length;
    bool deciding = expression->kind == EXPR_OR;
    const uint8_t *outer = eval->active;
    uint8_t *rest = active_copy(eval);
    uint8_t *decided = bits_new(eval->arena, rows, false);
    uint8_t *unknown = bits_new(eval->arena, rows, false);
    for (uint32_t i = 0; i < expression->argument_count && any_active(eval, rest); i++) {
        eval->active = rest;
        struct arg arg = arg_of(eval_expression_compact(eval, expression->arguments[i]), rows);
        uint8_t *valid = bits_new(eval->arena, rows, true);
        if (arg.mask == 0) {
            memset(valid, arg_is_null(arg, 0) ? 0 : 0xff, bits_bytes(rows));
        } else if (arg.column->validity != NULL) {
            memcpy(valid, arg.column->validity, bits_bytes(rows));
        }
        uint8_t *hit = bits_true(eval->arena, arg, rows);
        if (!deciding) {
            uint8_t *truths = hit;
            hit = bits_new(eval->arena, rows, true);
            memcpy(hit, valid, bits_bytes(rows));
            bits_and_not(hit, truths, rows);
        }
        uint8_t *nulls = bits_new(eval->arena, rows, true);
        bits_and_not(nulls, valid, rows);
        bits_or(unknown, nulls, rows);
        bits_or(decided, hit, rows);
        bits_and_not(rest, hit, rows);
    }
    eval->active = outer;
    struct column *column = ARENA_NEW(eval->arena, struct column);
    column->type = expression->type;
    column->length = rows;
    column->values = decided;
    bits_and_not(unknown, decided, rows);
    uint8_t *validity = bits_new(eval->arena, rows, true);
    bits_and_not(validity, unknown, rows);
    if (!deciding) {
        uint8_t *values = bits_new(eval->arena, rows, true);
        bits_and_not(values, decided, rows);
        column->values = values;
    }
    return column_with_validity(eval->arena, column, validity);
}

const struct column *eval_expression_compact(struct eval *eval, const struct expression *expression)
{
    switch (expression->kind) {
    case EXPR_COLUMN:
        return eval->batch->columns[expression->index];
    case EXPR_FIELD:
        return eval_field(eval, expression);
    case EXPR_LITERAL:
        return expression->literal;
    case EXPR_CALL:
        return eval_call(eval, expression);
    case EXPR_CAST:
        return eval_cast(eval, expression);
    case EXPR_CASE:
        return eval_case(eval, expression);
    case EXPR_AND:
    case EXPR_OR:
        return eval_and_or(eval, expression);
    case EXPR_IN:
        return eval_in(eval, expression);
    case EXPR_COALESCE:
        return eval_coalesce(eval, expression);
    case EXPR_LAMBDA_VARIABLE:
        ASSERT(expression->index < eval->variable_count);
        return eval->variables[expression->index];
    case EXPR_LAMBDA:
        break; /* functions evaluate lambdas through eval_lambda */
    }
    ASSERT(!"an expression of this kind has no value");
    return NULL;
}

const struct column *eval_expression(struct eval *eval, const struct expression *expression)
{
    const struct column *column = eval_expression_compact(eval, expression);
    if (column->length == eval->batch->length) {
        return column;
    }
    return column_repeat(eval->arena, column, 0, eval->batch->length);
}

void eval_generate(struct eval *eval,
                   const struct expression *call,
                   bool outer,
                   struct generated *ret_generated)
{
    const struct column **arguments =
        ARENA_ARRAY(eval->arena, const struct column *, call->argument_count);
    for (uint32_t i = 0; i < call->argument_count; i++) {
        arguments[i] = eval_expression(eval, call->arguments[i]);
    }
    call->function->generate(eval, call, arguments, outer, ret_generated);
}

/* Marks the input columns that an expression reads. */
static void columns_read(const struct expression *expression, bool *read)
{
    if (expression->kind == EXPR_COLUMN) {
        read[expression->index] = true;
    }
    for (uint32_t i = 0; i < expression->argument_count; i++) {
        columns_read(expression->arguments[i], read);
    }
    if (expression->body != NULL) {
        columns_read(expression->body, read);
    }
}

const struct column *eval_lambda(struct eval *eval,
                                 const struct expression *lambda,
                                 const int32_t *rows,
                                 int64_t count,
                                 const struct column *const *variables)
{
    const struct batch *outer = eval->batch;
    uint32_t column_count = outer->type == NULL ? 0 : outer->type->field_count;
    bool *read = ARENA_ARRAY(eval->arena, bool, column_count);
    columns_read(lambda->body, read);
    const struct column **columns = ARENA_ARRAY(eval->arena, const struct column *, column_count);
    for (uint32_t i = 0; i < column_count; i++) {
        if (read[i]) {
            columns[i] = column_take(eval->arena, outer->columns[i], rows, count);
        }
    }
    struct batch batch = {.length = count, .type = outer->type, .columns = columns};
    struct eval nested = eval_nested(eval, &batch);
    if (eval->active != NULL) {
        uint8_t *active = bits_new(eval->arena, count, false);
        for (int64_t i = 0; i < count; i++) {
            if (bit_get(eval->active, rows[i])) {
                bit_set(active, i);
            }
        }
        nested.active = active;
    }
    uint32_t total = lambda->index + lambda->variable_count;
    const struct column **all = ARENA_ARRAY(eval->arena, const struct column *, total);
    for (uint32_t i = 0; i < lambda->index; i++) {
        all[i] = eval->variables[i]->length == outer->length
                     ? column_take(eval->arena, eval->variables[i], rows, count)
                     : eval->variables[i];
    }
    for (uint32_t i = 0; i < lambda->variable_count; i++) {
        all[lambda->index + i] = variables[i];
    }
    nested.variables = all;
    nested.variable_count = total;
    const struct column *result = eval_expression(&nested, lambda->body);
    eval->random_state = nested.random_state;
    for (size_t i = 0; i < nested.error_count; i++) {
        const struct row_error *error = &nested.errors[i];
        eval_fail(eval, rows[error->row], error->offset, "%s", error->message);
    }
    return result;
}
