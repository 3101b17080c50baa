#pragma once

/* Typed expressions by hand, as the analyser would make them, and columns to run them over. */

#include "columnar/builder.h"
#include "sql/eval.h"
#include "sql/function.h"
#include "test.h"

static inline const struct expression *literal_of(struct arena *arena, struct column *column)
{
    struct expression *literal = ARENA_NEW(arena, struct expression);
    literal->kind = EXPR_LITERAL;
    literal->type = column->type;
    literal->literal = column;
    return literal;
}

static inline struct column *strings(struct arena *arena, const char *const *texts, size_t count)
{
    struct column_builder builder;
    column_builder_init(&builder, arena, type_plain(TYPE_STRING), (int64_t) count);
    for (size_t i = 0; i < count; i++) {
        if (texts[i] == NULL) {
            column_append_null(&builder);
        } else {
            column_append_bytes(&builder, slice_of_string(texts[i]));
        }
    }
    return column_builder_finish(&builder);
}

#define INT_NULL INT64_MIN

static inline struct column *
integers(struct arena *arena, enum type_id type, const int64_t *values, size_t count)
{
    struct column_builder builder;
    column_builder_init(&builder, arena, type_plain(type), (int64_t) count);
    for (size_t i = 0; i < count; i++) {
        if (values[i] == INT_NULL) {
            column_append_null(&builder);
        } else {
            column_append_int(&builder, values[i]);
        }
    }
    return column_builder_finish(&builder);
}

static inline const struct expression *text_literal(struct arena *arena, const char *text)
{
    return literal_of(arena, strings(arena, &text, 1));
}

static inline const struct expression *int_literal(struct arena *arena, int64_t value)
{
    return literal_of(arena, integers(arena, TYPE_INT, &value, 1));
}

static inline const struct expression *
column_expression(struct arena *arena, const struct type *type, uint32_t index)
{
    struct expression *column = ARENA_NEW(arena, struct expression);
    column->kind = EXPR_COLUMN;
    column->type = type;
    column->index = index;
    return column;
}

static inline const struct expression *
cast_expression(struct arena *arena, const struct expression *from, const struct type *to, bool try)
{
    struct expression *cast = ARENA_NEW(arena, struct expression);
    const struct expression **arguments = ARENA_ARRAY(arena, const struct expression *, 1);
    arguments[0] = from;
    cast->kind = EXPR_CAST;
    cast->type = to;
    cast->try_cast = try;
    cast->arguments = arguments;
    cast->argument_count = 1;
    return cast;
}

/* A call with the casts that the function asks for. */
static inline const struct expression *call_expression(struct arena *arena,
                                                       const char *name,
                                                       const struct expression *const *given,
                                                       uint32_t count)
{
    const struct type **types = ARENA_ARRAY(arena, const struct type *, count);
    const struct expression **arguments = ARENA_ARRAY(arena, const struct expression *, count);
    for (uint32_t i = 0; i < count; i++) {
        types[i] = given[i]->type;
    }
    struct expression *call = ARENA_NEW(arena, struct expression);
    call->kind = EXPR_CALL;
    call->function = sql_function_find(name);
    assert_non_null(call->function);
    struct error error;
    assert_ok(sql_function_resolve(call->function, given, types, count, arena, &call->type, &error),
              error);
    for (uint32_t i = 0; i < count; i++) {
        arguments[i] = type_equal(types[i], given[i]->type)
                           ? given[i]
                           : cast_expression(arena, given[i], types[i], false);
    }
    call->arguments = arguments;
    call->argument_count = count;
    if (call->function->prepare != NULL) {
        assert_ok(call->function->prepare(call, arena, &call->function_state, &error), error);
    }
    return call;
}

static inline const struct expression *kind_expression(struct arena *arena,
                                                       enum expression_kind kind,
                                                       const struct type *type,
                                                       const struct expression *const *arguments,
                                                       uint32_t count)
{
    struct expression *expression = ARENA_NEW(arena, struct expression);
    const struct expression **copies = ARENA_ARRAY(arena, const struct expression *, count);
    memcpy(copies, arguments, count * sizeof *copies);
    expression->kind = kind;
    expression->type = type;
    expression->arguments = copies;
    expression->argument_count = count;
    return expression;
}
