#include "sql/kernels.h"

#include <stdio.h>

uint8_t *bits_new(struct arena *arena, int64_t count, bool value)
{
    uint8_t *bits = arena_alloc(arena, bits_bytes(count) + 8);
    memset(bits, value ? 0xff : 0, bits_bytes(count) + 8);
    return bits;
}

/* Applies `expression` over words `a` (into) and `b` (other), then over the bytes left. */
#define BITS_LOOP(expression)                                                                      \
    do {                                                                                           \
        size_t bytes = bits_bytes(count);                                                          \
        size_t at = 0;                                                                             \
        for (; at + 8 <= bytes; at += 8) {                                                         \
            uint64_t a;                                                                            \
            uint64_t b;                                                                            \
            memcpy(&a, into + at, 8);                                                              \
            memcpy(&b, other + at, 8);                                                             \
            a = (expression);                                                                      \
            memcpy(into + at, &a, 8);                                                              \
        }                                                                                          \
        for (; at < bytes; at++) {                                                                 \
            uint64_t a = into[at];                                                                 \
            uint64_t b = other[at];                                                                \
            into[at] = (uint8_t) (expression);                                                     \
        }                                                                                          \
    } while (0)

void bits_and(uint8_t *into, const uint8_t *other, int64_t count)
{
    BITS_LOOP(a & b);
}

void bits_and_not(uint8_t *into, const uint8_t *other, int64_t count)
{
    BITS_LOOP(a & ~b);
}

void bits_or(uint8_t *into, const uint8_t *other, int64_t count)
{
    BITS_LOOP(a | b);
}

int64_t bits_count(const uint8_t *bits, int64_t count)
{
    int64_t set = 0;
    int64_t at = 0;
    for (; at + 64 <= count; at += 64) {
        uint64_t word;
        memcpy(&word, bits + at / 8, 8);
        set += __builtin_popcountll(word);
    }
    for (; at < count; at++) {
        set += bit_get(bits, at);
    }
    return set;
}

uint8_t *bits_true(struct arena *arena, struct arg arg, int64_t rows)
{
    if (arg.mask == 0) {
        return bits_new(arena, rows, !arg_is_null(arg, 0) && arg_bool(arg, 0));
    }
    uint8_t *bits = bits_new(arena, rows, false);
    memcpy(bits, arg.column->values, bits_bytes(rows));
    if (arg.column->validity != NULL) {
        bits_and(bits, arg.column->validity, rows);
    }
    return bits;
}

void output_init(struct output *output,
                 struct eval *eval,
                 const struct expression *call,
                 const struct column *const *arguments,
                 uint32_t count)
{
    int64_t rows = eval->batch->length;
    struct column *column = ARENA_NEW(eval->arena, struct column);
    column->type = call->type;
    column->length = rows;
    *output = (struct output){.eval = eval, .call = call, .column = column, .rows = rows};
    uint32_t width = type_width(call->type);
    if (width > 0) {
        output->values = arena_calloc(eval->arena, (size_t) rows, width);
    } else if (call->type->id == TYPE_BOOLEAN) {
        output->values = bits_new(eval->arena, rows, false);
    }
    column->values = output->values;
    for (uint32_t i = 0; i < count; i++) {
        struct arg arg = arg_of(arguments[i], rows);
        if (arg.column->null_count == 0) {
            continue;
        }
        if (output->validity == NULL) {
            output->validity = bits_new(eval->arena, rows, true);
        }
        if (arg.mask == 0) {
            memset(output->validity, 0, bits_bytes(rows));
        } else if (arg.column->validity != NULL) {
            bits_and(output->validity, arg.column->validity, rows);
        }
    }
}

void output_null(struct output *output, int64_t row)
{
    if (output->validity == NULL) {
        output->validity = bits_new(output->eval->arena, output->rows, true);
    }
    bit_clear(output->validity, row);
}

void output_fail(struct output *output, int64_t row, const char *format, ...)
{
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    eval_fail(output->eval, row, output->call->offset, "%s", message);
    output_null(output, row);
}

void output_int(struct output *output, int64_t row, int64_t value)
{
    switch (type_width(output->call->type)) {
    case 1:
        ((int8_t *) output->values)[row] = (int8_t) value;
        if (value != (int8_t) value) {
            output_fail(output, row, "%lld does not fit TINYINT", (long long) value);
        }
        break;
    case 2:
        ((int16_t *) output->values)[row] = (int16_t) value;
        if (value != (int16_t) value) {
            output_fail(output, row, "%lld does not fit SMALLINT", (long long) value);
        }
        break;
    case 4:
        ((int32_t *) output->values)[row] = (int32_t) value;
        if (value != (int32_t) value) {
            output_fail(output, row, "%lld does not fit %s", (long long) value,
                        output->call->type->id == TYPE_DATE ? "DATE" : "INT");
        }
        break;
    default:
        ((int64_t *) output->values)[row] = value;
        break;
    }
}

const struct column *output_finish(struct output *output)
{
    struct column *column = output->column;
    if (output->validity != NULL) {
        column->null_count = column->length - bits_count(output->validity, column->length);
        column->validity = column->null_count == 0 ? NULL : output->validity;
    }
    return column;
}

void text_init(struct text_output *text,
               struct eval *eval,
               const struct expression *call,
               const struct column *const *arguments,
               uint32_t count,
               size_t bytes_expected)
{
    *text = (struct text_output){0};
    output_init(&text->base, eval, call, arguments, count);
    text->offsets =
        arena_alloc(eval->arena, ((size_t) text->base.rows + 1) * sizeof *text->offsets);
    text->offsets[0] = 0;
    text->capacity = bytes_expected < 64 ? 64 : bytes_expected;
    text->bytes = arena_alloc(eval->arena, text->capacity);
    text->base.column->offsets = text->offsets;
}

uint8_t *text_reserve(struct text_output *text, size_t size)
{
    size_t needed = text->size + size;
    if (needed > text->capacity) {
        size_t capacity = text->capacity * 2 < needed ? needed : text->capacity * 2;
        text->bytes = arena_grow(text->base.eval->arena, text->bytes, text->capacity, capacity);
        text->capacity = capacity;
    }
    return text->bytes + text->size;
}

void text_append(struct text_output *text, const void *data, size_t size)
{
    if (size > 0) {
        memcpy(text_reserve(text, size), data, size);
        text->size += size;
    }
}

void text_end(struct text_output *text, int64_t row)
{
    size_t start = (size_t) text->offsets[row];
    if (text->size > INT32_MAX || text->size - start > TEXT_VALUE_BYTES_MAX) {
        text->size = start;
        output_fail(&text->base, row,
                    "the result is too large: more than 256 MiB, or 2 GiB a batch");
    }
    text->offsets[row + 1] = (int32_t) text->size;
}

void text_end_null(struct text_output *text, int64_t row)
{
    text->size = (size_t) text->offsets[row];
    output_null(&text->base, row);
    text->offsets[row + 1] = text->offsets[row];
}

void text_end_slice(struct text_output *text, int64_t row, struct slice bytes)
{
    text_append_slice(text, bytes);
    text_end(text, row);
}

const struct column *text_finish(struct text_output *text)
{
    text->base.column->values = text->bytes;
    return output_finish(&text->base);
}

const struct column *
column_with_validity(struct arena *arena, const struct column *column, uint8_t *validity)
{
    struct column *copy = ARENA_NEW(arena, struct column);
    *copy = *column;
    copy->null_count = column->length - bits_count(validity, column->length);
    copy->validity = copy->null_count == 0 ? NULL : validity;
    return copy;
}

bool values_equal(const struct column *a, int64_t a_row, const struct column *b, int64_t b_row)
{
    return column_compare(a, a_row, b, b_row) == 0;
}
