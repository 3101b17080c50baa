/* Literals become columns of length 1, so that evaluation knows only columns. */

#include "columnar/builder.h"
#include "sql/interval.h"
#include "sql/parser.h"

#include <math.h>
#include <stdlib.h>

static struct tree *literal(struct parser *parser, size_t offset, struct column_builder *builder)
{
    struct tree *tree = tree_new(parser, TREE_LITERAL, offset, NULL, 0);
    if (tree != NULL) {
        tree->literal = column_builder_finish(builder);
    }
    return tree;
}

static struct column_builder builder_of(struct parser *parser, const struct type *type)
{
    struct column_builder builder;
    column_builder_init(&builder, parser->arena, type, 1);
    return builder;
}

struct tree *tree_string(struct parser *parser, size_t offset, struct slice value)
{
    struct column_builder builder = builder_of(parser, type_plain(TYPE_STRING));
    column_append_bytes(&builder, value);
    return literal(parser, offset, &builder);
}

struct tree *tree_bool(struct parser *parser, size_t offset, bool value)
{
    struct column_builder builder = builder_of(parser, type_plain(TYPE_BOOLEAN));
    column_append_bool(&builder, value);
    return literal(parser, offset, &builder);
}

struct tree *tree_null(struct parser *parser, size_t offset)
{
    struct column_builder builder = builder_of(parser, type_plain(TYPE_NULL));
    column_append_null(&builder);
    return literal(parser, offset, &builder);
}

struct tree *tree_int(struct parser *parser, size_t offset, const struct type *type, int64_t value)
{
    struct column_builder builder = builder_of(parser, type);
    column_append_int(&builder, value);
    return literal(parser, offset, &builder);
}

/* The digits of "12.50" as 1250 with scale 2 and precision 4; false beyond 38 digits. */
static bool
decimal_of(struct slice digits, int128 *ret_unscaled, int *ret_precision, int *ret_scale)
{
    int128 value = 0;
    int significant = 0, scale = 0;
    bool fraction = false;
    for (size_t i = 0; i < digits.size; i++) {
        uint8_t c = digits.data[i];
        if (c == '.') {
            fraction = true;
            continue;
        }
        if (c == 'e' || c == 'E') { /* 1.5e3BD */
            int exponent = 0;
            bool minus = digits.data[i + 1] == '-';
            for (i += digits.data[i + 1] == '-' || digits.data[i + 1] == '+' ? 2 : 1;
                 i < digits.size; i++) {
                exponent = exponent > 1000 ? exponent : exponent * 10 + (digits.data[i] - '0');
            }
            scale += minus ? exponent : -exponent;
            break;
        }
        scale += fraction ? 1 : 0;
        significant += significant > 0 || c != '0' ? 1 : 0;
        if (significant > 38) {
            return false;
        }
        value = value * 10 + (c - '0');
    }
    for (; scale < 0; scale++) {
        significant += value != 0 ? 1 : 0;
        if (significant > 38) {
            return false;
        }
        value *= value != 0 ? 10 : 1;
    }
    int precision = significant > scale ? significant : scale;
    *ret_unscaled = value;
    *ret_precision = precision == 0 ? 1 : precision;
    *ret_scale = scale;
    return precision <= 38;
}

static struct tree *
literal_decimal(struct parser *parser, size_t offset, struct slice digits, bool negative)
{
    int128 value = 0;
    int precision = 0, scale = 0;
    if (!decimal_of(digits, &value, &precision, &scale)) {
        return parser_fail(parser, offset, "number \"%.*s\" needs more than 38 digits",
                           digits.size > 60 ? 60 : (int) digits.size, (const char *) digits.data);
    }
    struct column_builder builder =
        builder_of(parser, type_decimal(parser->arena, (uint8_t) precision, (uint8_t) scale));
    column_append_decimal(&builder, negative ? -value : value);
    return literal(parser, offset, &builder);
}

static struct tree *literal_double(
    struct parser *parser, size_t offset, struct slice digits, bool negative, enum type_id type)
{
    const char *text = arena_string(parser->arena, digits);
    double value = type == TYPE_FLOAT ? (double) strtof(text, NULL) : strtod(text, NULL);
    if (!isfinite(value)) {
        return parser_fail(parser, offset, "number \"%.60s\" is too large for %s", text,
                           type == TYPE_FLOAT ? "FLOAT" : "DOUBLE");
    }
    struct column_builder builder = builder_of(parser, type_plain(type));
    column_append_double(&builder, negative ? -value : value);
    return literal(parser, offset, &builder);
}

/* Only digits; INT if it fits, else BIGINT, else DECIMAL. A suffix asks for one type. */
static struct tree *literal_integer(struct parser *parser,
                                    size_t offset,
                                    struct slice digits,
                                    bool negative,
                                    enum number_suffix suffix)
{
    static const struct {
        enum type_id type;
        int64_t max;
    } kinds[] = {
        [SUFFIX_NONE] = {TYPE_INT, INT32_MAX},
        [SUFFIX_TINYINT] = {TYPE_TINYINT, INT8_MAX},
        [SUFFIX_SMALLINT] = {TYPE_SMALLINT, INT16_MAX},
        [SUFFIX_BIGINT] = {TYPE_BIGINT, INT64_MAX},
    };

    int128 value = 0;
    for (size_t i = 0; i < digits.size && value <= INT64_MAX; i++) {
        value = value * 10 + (digits.data[i] - '0');
    }
    value = negative ? -value : value;
    enum type_id type = kinds[suffix].type;
    int64_t max = kinds[suffix].max;
    if (suffix == SUFFIX_NONE && (value > max || value < -max - 1)) {
        type = TYPE_BIGINT;
        max = INT64_MAX;
    }
    if (value > max || value < -(int128) max - 1) {
        if (suffix == SUFFIX_NONE) {
            return literal_decimal(parser, offset, digits, negative);
        }
        struct buffer name = BUFFER_INIT;
        type_write(type_plain(type), &name);
        parser_fail(parser, offset, "number is out of range for %s", buffer_string(&name));
        buffer_deinit(&name);
        return NULL;
    }
    return tree_int(parser, offset, type_plain(type), (int64_t) value);
}

struct tree *parse_number(struct parser *parser)
{
    const struct token *token = parser_peek(parser, 0);
    size_t offset = token->offset;
    struct slice digits = token->value;
    bool negative = parser->negative;
    bool exponent = memchr(digits.data, 'e', digits.size) != NULL ||
                    memchr(digits.data, 'E', digits.size) != NULL;
    bool point = memchr(digits.data, '.', digits.size) != NULL;
    parser->negative = false;
    parser->position++;
    switch ((enum number_suffix) token->suffix) {
    case SUFFIX_DECIMAL:
        return literal_decimal(parser, offset, digits, negative);
    case SUFFIX_DOUBLE:
        return literal_double(parser, offset, digits, negative, TYPE_DOUBLE);
    case SUFFIX_FLOAT:
        return literal_double(parser, offset, digits, negative, TYPE_FLOAT);
    case SUFFIX_NONE:
        if (exponent) {
            return literal_double(parser, offset, digits, negative, TYPE_DOUBLE);
        }
        if (point) {
            return literal_decimal(parser, offset, digits, negative);
        }
        break;
    case SUFFIX_TINYINT:
    case SUFFIX_SMALLINT:
    case SUFFIX_BIGINT:
        if (exponent || point) {
            return parser_fail(parser, offset, "only a whole number takes the suffix L, S or Y");
        }
        break;
    }
    return literal_integer(parser, offset, digits, negative, (enum number_suffix) token->suffix);
}

static struct tree *literal_interval(struct parser *parser,
                                     size_t offset,
                                     const struct interval *interval,
                                     bool negative)
{
    const struct type *type =
        type_plain(interval->is_months ? TYPE_INTERVAL_MONTHS : TYPE_INTERVAL);
    int64_t value = interval->is_months ? interval->months : interval->us;
    return tree_int(parser, offset, type, negative ? -value : value);
}

static enum interval_unit unit_at(const struct parser *parser, size_t ahead)
{
    const struct token *token = parser_peek(parser, ahead);
    return token->kind == TOKEN_WORD ? interval_unit_find(token->value) : UNIT_NONE;
}

/* 1 DAY 2 HOURS, '1' DAY: pairs of a number (in quotes or not) and a unit, put into one text */
static struct tree *parse_interval_units(struct parser *parser, size_t offset)
{
    struct buffer text = BUFFER_INIT;
    struct interval interval;
    struct error inner;
    bool failed = false;
    for (;;) {
        bool minus = parser_is_symbol(parser, 0, "-");
        size_t at = minus || parser_is_symbol(parser, 0, "+") ? 1 : 0;
        const struct token *number = parser_peek(parser, at);
        if ((number->kind != TOKEN_NUMBER && number->kind != TOKEN_STRING) ||
            unit_at(parser, at + 1) == UNIT_NONE) {
            break;
        }
        struct slice value = number->value;
        if (value.size > 0 && value.data[0] == '-') {
            minus = !minus;
            value = slice_of(value.data + 1, value.size - 1);
        }
        buffer_printf(&text, "%s%.*s %.*s ", minus ? "-" : "", SLICE_FORMAT(value),
                      SLICE_FORMAT(parser_peek(parser, at + 1)->value));
        parser->position += at + 2;
    }
    if (text.size == 0) {
        buffer_deinit(&text);
        return parser_expected(parser, "a number and a unit, such as 10 MINUTES");
    }
    failed = interval_parse_units(buffer_slice(&text), &interval, &inner) != STATUS_OK;
    buffer_deinit(&text);
    return failed ? parser_fail(parser, offset, "%s", inner.message)
                  : literal_interval(parser, offset, &interval, false);
}

struct tree *parse_interval(struct parser *parser)
{
    size_t offset = parser_peek(parser, 0)->offset;
    struct interval interval;
    struct error inner;
    bool negative =
        parser_is_symbol(parser, 0, "-") && parser_peek(parser, 1)->kind == TOKEN_STRING;
    const struct token *text = parser_peek(parser, negative ? 1 : 0);
    if (text->kind == TOKEN_STRING && parser_is_word(parser, negative ? 3 : 2, "to")) {
        enum interval_unit from = unit_at(parser, negative ? 2 : 1);
        enum interval_unit to = unit_at(parser, negative ? 4 : 3);
        if (from == UNIT_NONE || to == UNIT_NONE) {
            return parser_fail(parser, offset,
                               "expected units of time around TO, such as DAY TO SECOND");
        }
        parser->position += negative ? 5 : 4;
        if (interval_parse_range(text->value, from, to, &interval, &inner) != STATUS_OK) {
            return parser_fail(parser, offset, "%s", inner.message);
        }
        return literal_interval(parser, offset, &interval, negative);
    }
    if (text->kind == TOKEN_STRING && unit_at(parser, negative ? 2 : 1) == UNIT_NONE) {
        parser->position += negative ? 2 : 1;
        if (interval_parse_units(text->value, &interval, &inner) != STATUS_OK) {
            return parser_fail(parser, offset, "%s", inner.message);
        }
        return literal_interval(parser, offset, &interval, negative);
    }
    return parse_interval_units(parser, offset);
}
