#include "sql/expressions.h"

#include "columnar/builder.h"
#include "sql/function.h"

#include <xxhash.h>

struct expression *expression_new(struct arena *arena,
                                  enum expression_kind kind,
                                  const struct type *type,
                                  size_t offset)
{
    struct expression *expression = ARENA_NEW(arena, struct expression);
    expression->kind = kind;
    expression->type = type;
    expression->offset = offset;
    return expression;
}

const struct expression *expression_column(
    struct arena *arena, uint32_t index, const struct type *type, bool nullable, size_t offset)
{
    struct expression *expression = expression_new(arena, EXPR_COLUMN, type, offset);
    expression->index = index;
    expression->nullable = nullable;
    return expression;
}

static void
set_argument(struct arena *arena, struct expression *expression, const struct expression *argument)
{
    const struct expression **arguments = ARENA_ARRAY(arena, const struct expression *, 1);
    arguments[0] = argument;
    expression->arguments = arguments;
    expression->argument_count = 1;
}

const struct expression *expression_field(struct arena *arena,
                                          const struct expression *argument,
                                          uint32_t index,
                                          size_t offset)
{
    const struct type_field *field = &argument->type->fields[index];
    struct expression *expression = expression_new(arena, EXPR_FIELD, field->type, offset);
    expression->index = index;
    expression->nullable = argument->nullable || field->nullable;
    set_argument(arena, expression, argument);
    return expression;
}

const struct expression *
expression_literal(struct arena *arena, const struct column *literal, size_t offset)
{
    struct expression *expression = expression_new(arena, EXPR_LITERAL, literal->type, offset);
    expression->literal = literal;
    expression->nullable = literal->null_count > 0;
    return expression;
}

const struct expression *
expression_null(struct arena *arena, const struct type *type, size_t offset)
{
    return expression_literal(arena, column_nulls(arena, type, 1), offset);
}

const struct expression *expression_string(struct arena *arena, const char *text, size_t offset)
{
    struct column_builder builder;
    column_builder_init(&builder, arena, type_plain(TYPE_STRING), 1);
    column_append_bytes(&builder, slice_of_string(text));
    return expression_literal(arena, column_builder_finish(&builder), offset);
}

const struct expression *
expression_int(struct arena *arena, const struct type *type, int64_t value, size_t offset)
{
    struct column_builder builder;
    column_builder_init(&builder, arena, type, 1);
    column_append_int(&builder, value);
    return expression_literal(arena, column_builder_finish(&builder), offset);
}

const struct expression *expression_bool(struct arena *arena, bool value, size_t offset)
{
    struct column_builder builder;
    column_builder_init(&builder, arena, type_plain(TYPE_BOOLEAN), 1);
    column_append_bool(&builder, value);
    return expression_literal(arena, column_builder_finish(&builder), offset);
}

void expression_list_add(struct arena *arena,
                         struct expression_list *list,
                         const struct expression *item)
{
    uint32_t n = list->count;
    if ((n & (n - 1)) == 0) { /* grows at the powers of two */
        size_t size = sizeof(struct expression *);
        list->items =
            arena_grow(arena, list->items, n * size, (n == 0 ? 1 : (size_t) n * 2) * size);
    }
    list->items[list->count++] = item;
}

const struct expression *
expression_cast(struct arena *arena, const struct expression *argument, const struct type *type)
{
    if (type_equal(argument->type, type)) {
        return argument;
    }
    if (argument->kind == EXPR_LITERAL && argument->literal->null_count > 0) {
        return expression_null(arena, type, argument->offset);
    }
    struct expression *expression = expression_new(arena, EXPR_CAST, type, argument->offset);
    expression->nullable = argument->nullable;
    set_argument(arena, expression, argument);
    return expression;
}

const struct expression *
expression_and(struct arena *arena, const struct expression *const *arguments, uint32_t count)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        total += arguments[i]->kind == EXPR_AND ? arguments[i]->argument_count : 1;
    }
    const struct expression **flat = ARENA_ARRAY(arena, const struct expression *, total);
    uint32_t n = 0;
    bool nullable = false;
    for (uint32_t i = 0; i < count; i++) {
        bool inner = arguments[i]->kind == EXPR_AND;
        for (uint32_t j = 0; j < (inner ? arguments[i]->argument_count : 1); j++) {
            flat[n++] = inner ? arguments[i]->arguments[j] : arguments[i];
        }
        nullable |= arguments[i]->nullable;
    }
    if (total <= 1) {
        return total == 1 ? flat[0] : expression_bool(arena, true, 0);
    }
    struct expression *all =
        expression_new(arena, EXPR_AND, type_plain(TYPE_BOOLEAN), flat[0]->offset);
    all->arguments = flat;
    all->argument_count = total;
    all->nullable = nullable;
    return all;
}

/* Same bits, same nulls: literals are one row long. */
static bool literal_equal(const struct column *a, const struct column *b)
{
    if (a->null_count != b->null_count || !type_equal(a->type, b->type)) {
        return false;
    }
    if (a->null_count > 0) {
        return true;
    }
    struct buffer x = BUFFER_INIT, y = BUFFER_INIT;
    column_encode_key(a, 0, &x);
    column_encode_key(b, 0, &y);
    bool equal = slice_equal(buffer_slice(&x), buffer_slice(&y));
    buffer_deinit(&x);
    buffer_deinit(&y);
    return equal;
}

bool expression_equal(const struct expression *a, const struct expression *b)
{
    if (a == b) {
        return true;
    }
    if (a->kind != b->kind || a->index != b->index || a->function != b->function ||
        a->argument_count != b->argument_count || a->try_cast != b->try_cast ||
        a->has_else != b->has_else || a->variable_count != b->variable_count ||
        (a->body == NULL) != (b->body == NULL) || !type_equal(a->type, b->type)) {
        return false;
    }
    if (a->kind == EXPR_LITERAL && !literal_equal(a->literal, b->literal)) {
        return false;
    }
    for (uint32_t i = 0; i < a->argument_count; i++) {
        if (!expression_equal(a->arguments[i], b->arguments[i])) {
            return false;
        }
    }
    return a->body == NULL || expression_equal(a->body, b->body);
}

uint64_t expression_hash(const struct expression *expression)
{
    uint64_t parts[4] = {(uint64_t) expression->kind << 32 | expression->index,
                         (uint64_t) (uintptr_t) expression->function,
                         (uint64_t) expression->type->id, expression->argument_count};
    uint64_t hash = XXH3_64bits(parts, sizeof(parts));
    if (expression->kind == EXPR_LITERAL) {
        uint64_t literal = 0;
        columns_hash(&expression->literal, 1, 1, &literal);
        hash ^= literal;
    }
    for (uint32_t i = 0; i < expression->argument_count; i++) {
        hash = (hash ^ expression_hash(expression->arguments[i])) * UINT64_C(0x9E3779B97F4A7C15);
    }
    return expression->body == NULL ? hash : hash * 31 + expression_hash(expression->body);
}

bool expression_is_call(const struct expression *expression, const char *function)
{
    return expression->kind == EXPR_CALL && strcmp(expression->function->name, function) == 0;
}

bool expression_is_true(const struct expression *expression)
{
    return expression->kind == EXPR_LITERAL && expression->type->id == TYPE_BOOLEAN &&
           expression->literal->null_count == 0 && column_bool(expression->literal, 0);
}

bool expression_is_deterministic(const struct expression *expression)
{
    if (expression->kind == EXPR_CALL && !expression->function->deterministic) {
        return false;
    }
    for (uint32_t i = 0; i < expression->argument_count; i++) {
        if (!expression_is_deterministic(expression->arguments[i])) {
            return false;
        }
    }
    return expression->body == NULL || expression_is_deterministic(expression->body);
}

bool expression_is_constant(const struct expression *expression)
{
    if (expression->kind == EXPR_COLUMN || expression->kind == EXPR_LAMBDA_VARIABLE) {
        return false;
    }
    for (uint32_t i = 0; i < expression->argument_count; i++) {
        if (!expression_is_constant(expression->arguments[i])) {
            return false;
        }
    }
    return expression->body == NULL;
}

bool expression_is_trivial(const struct expression *expression)
{
    while (expression->kind == EXPR_FIELD) {
        expression = expression->arguments[0];
    }
    return expression->kind == EXPR_COLUMN || expression->kind == EXPR_LITERAL;
}

uint32_t expression_uses(const struct expression *expression, uint32_t index)
{
    uint32_t uses = expression->kind == EXPR_COLUMN && expression->index == index ? 1 : 0;
    for (uint32_t i = 0; i < expression->argument_count; i++) {
        uses += expression_uses(expression->arguments[i], index);
    }
    /* a lambda reads it once an element */
    return uses + (expression->body == NULL ? 0 : 2 * expression_uses(expression->body, index));
}

const struct expression *expression_map_children(struct arena *arena,
                                                 const struct expression *expression,
                                                 expression_map *map,
                                                 void *context)
{
    const struct expression **arguments = NULL;
    bool changed = false;
    if (expression->argument_count > 0) {
        arguments = ARENA_ARRAY(arena, const struct expression *, expression->argument_count);
    }
    for (uint32_t i = 0; i < expression->argument_count; i++) {
        arguments[i] = map(context, expression->arguments[i]);
        if (arguments[i] == NULL) {
            return NULL;
        }
        changed |= arguments[i] != expression->arguments[i];
    }
    const struct expression *body = NULL;
    if (expression->body != NULL) {
        body = map(context, expression->body);
        if (body == NULL) {
            return NULL;
        }
        changed |= body != expression->body;
    }
    if (!changed) {
        return expression;
    }
    struct expression *copy = ARENA_NEW(arena, struct expression);
    *copy = *expression;
    copy->arguments = arguments;
    copy->body = body;
    copy->function_state = NULL; /* was for other arguments */
    return copy;
}

struct substitution {
    struct arena *arena;
    const struct expression *const *columns;
};

static const struct expression *substitute(void *context, const struct expression *child)
{
    const struct substitution *substitution = context;
    if (child->kind == EXPR_COLUMN) {
        return substitution->columns[child->index];
    }
    return expression_map_children(substitution->arena, child, substitute, context);
}

const struct expression *expression_substitute(struct arena *arena,
                                               const struct expression *expression,
                                               const struct expression *const *columns)
{
    struct substitution substitution = {arena, columns};
    return substitute(&substitution, expression);
}
