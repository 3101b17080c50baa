/* Types as text: Spark's simpleString out, that form and DDL in. */

#include "base/utf8.h"
#include "columnar/type.h"

#include <strings.h>

/* Deeper types than this are refused: nobody writes them, and the parser recurses. */
#define DEPTH_MAX 64

/* Bytes of a type's text in an error. */
#define TEXT_SHOWN_MAX 200

static const struct {
    const char *name;
    enum type_id id;
} type_names[] = {
    /* The first name of a type is the one that is printed. */
    {"void", TYPE_NULL},
    {"null", TYPE_NULL},
    {"boolean", TYPE_BOOLEAN},
    {"tinyint", TYPE_TINYINT},
    {"byte", TYPE_TINYINT},
    {"smallint", TYPE_SMALLINT},
    {"short", TYPE_SMALLINT},
    {"int", TYPE_INT},
    {"integer", TYPE_INT},
    {"bigint", TYPE_BIGINT},
    {"long", TYPE_BIGINT},
    {"float", TYPE_FLOAT},
    {"real", TYPE_FLOAT},
    {"double", TYPE_DOUBLE},
    {"decimal", TYPE_DECIMAL},
    {"dec", TYPE_DECIMAL},
    {"numeric", TYPE_DECIMAL},
    {"string", TYPE_STRING},
    {"binary", TYPE_BINARY},
    {"date", TYPE_DATE},
    {"timestamp", TYPE_TIMESTAMP},
    {"timestamp_ltz", TYPE_TIMESTAMP},
    {"interval day to second", TYPE_INTERVAL},
    {"interval year to month", TYPE_INTERVAL_MONTHS},
    {"array", TYPE_ARRAY},
    {"map", TYPE_MAP},
    {"struct", TYPE_STRUCT},
};

static const char *type_name(enum type_id id)
{
    for (size_t i = 0; i < ARRAY_SIZE(type_names); i++) {
        if (type_names[i].id == id) {
            return type_names[i].name;
        }
    }
    return "unknown";
}

static bool plain_name(const char *name)
{
    const char *at = name;
    for (; *at != '\0'; at++) {
        bool letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || *at == '_';
        if (!letter && (at == name || *at < '0' || *at > '9')) {
            return false;
        }
    }
    return at != name;
}

/* Names that are not plain stand in backquotes, so that what is written can be read again. */
static void write_name(const char *name, struct buffer *target)
{
    if (plain_name(name)) {
        buffer_append_string(target, name);
        return;
    }
    buffer_append_byte(target, '`');
    for (; *name != '\0'; name++) {
        if (*name == '`') {
            buffer_append_byte(target, '`');
        }
        buffer_append_byte(target, (uint8_t) *name);
    }
    buffer_append_byte(target, '`');
}

void type_write(const struct type *type, struct buffer *target)
{
    buffer_append_string(target, type_name(type->id));
    if (type->id == TYPE_DECIMAL) {
        buffer_printf(target, "(%u,%u)", type->precision, type->scale);
    }
    if (type->id < TYPE_ARRAY) {
        return;
    }
    buffer_append_byte(target, '<');
    for (uint32_t i = 0; i < type->field_count; i++) {
        if (i > 0) {
            buffer_append_byte(target, ',');
        }
        if (type->id == TYPE_STRUCT) {
            write_name(type->fields[i].name, target);
            buffer_append_byte(target, ':');
        }
        type_write(type->fields[i].type, target);
    }
    buffer_append_byte(target, '>');
}

const char *type_text(const struct type *type, struct arena *arena)
{
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    type_write(type, &text);
    return arena_string(arena, buffer_slice(&text));
}

/* ---- Reading --------------------------------------------------------------------------------- */

struct type_parser {
    struct slice text;
    size_t at;
    unsigned depth;
    struct arena *arena;
    struct error *error;
};

static enum status parse_fail(const struct type_parser *parser, const char *message)
{
    bool cut = parser->text.size > TEXT_SHOWN_MAX;
    return error_set(parser->error, STATUS_CONFIG, "type \"%.*s%s\": %s at character %zu",
                     cut ? TEXT_SHOWN_MAX : (int) parser->text.size,
                     (const char *) parser->text.data, cut ? "..." : "", message,
                     utf8_length(parser->text.data, parser->at) + 1);
}

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static bool is_word(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte >= 0x80;
}

static void skip_space(struct type_parser *parser)
{
    while (parser->at < parser->text.size && is_space(parser->text.data[parser->at])) {
        parser->at++;
    }
}

/* Takes one punctuation byte if it is next. */
static bool take(struct type_parser *parser, char wanted)
{
    skip_space(parser);
    if (parser->at < parser->text.size && parser->text.data[parser->at] == (uint8_t) wanted) {
        parser->at++;
        return true;
    }
    return false;
}

static struct slice word(struct type_parser *parser)
{
    skip_space(parser);
    size_t start = parser->at;
    while (parser->at < parser->text.size && is_word(parser->text.data[parser->at])) {
        parser->at++;
    }
    return slice_of(parser->text.data + start, parser->at - start);
}

static bool same_word(struct slice a, const char *b)
{
    return a.size == strlen(b) && strncasecmp((const char *) a.data, b, a.size) == 0;
}

/* Takes the word if it is next, else stays. */
static bool take_word(struct type_parser *parser, const char *wanted)
{
    size_t before = parser->at;
    if (same_word(word(parser), wanted)) {
        return true;
    }
    parser->at = before;
    return false;
}

static enum status parse_number(struct type_parser *parser, unsigned max, unsigned *ret_number)
{
    struct slice digits = word(parser);
    unsigned number = 0;
    if (digits.size == 0 || digits.size > 3) {
        return parse_fail(parser, "expected a number");
    }
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9') {
            return parse_fail(parser, "expected a number");
        }
        number = number * 10 + (digits.data[i] - '0');
    }
    if (number > max) {
        return parse_fail(parser, "number too large");
    }
    *ret_number = number;
    return STATUS_OK;
}

static enum status parse_decimal(struct type_parser *parser, const struct type **ret_type)
{
    unsigned precision = 10;
    unsigned scale = 0;
    if (take(parser, '(')) {
        TRY(parse_number(parser, 38, &precision));
        if (precision == 0) {
            return parse_fail(parser, "precision must be 1 to 38");
        }
        if (take(parser, ',')) {
            TRY(parse_number(parser, precision, &scale));
        }
        if (!take(parser, ')')) {
            return parse_fail(parser, "expected \")\"");
        }
    }
    *ret_type = type_decimal(parser->arena, (uint8_t) precision, (uint8_t) scale);
    return STATUS_OK;
}

static enum status parse_type(struct type_parser *parser, const struct type **ret_type);

static enum status parse_name(struct type_parser *parser, const char **ret_name)
{
    if (!take(parser, '`')) {
        struct slice name = word(parser);
        if (name.size == 0) {
            return parse_fail(parser, "expected a field name");
        }
        *ret_name = arena_string(parser->arena, name);
        return STATUS_OK;
    }
    char *name = arena_alloc(parser->arena, parser->text.size - parser->at + 1);
    size_t size = 0;
    while (parser->at < parser->text.size) {
        uint8_t byte = parser->text.data[parser->at++];
        if (byte == '`') {
            if (parser->at == parser->text.size || parser->text.data[parser->at] != '`') {
                name[size] = '\0';
                *ret_name = name;
                return size > 0 ? STATUS_OK : parse_fail(parser, "empty field name");
            }
            parser->at++;
        }
        if (byte == '\0') {
            break;
        }
        name[size++] = (char) byte;
    }
    return parse_fail(parser, "expected \"`\" behind the field name");
}

static enum status parse_field(struct type_parser *parser, struct type_field *field)
{
    TRY(parse_name(parser, &field->name));
    (void) take(parser, ':'); /* DDL: "a INT", simpleString: "a:int" */
    TRY(parse_type(parser, &field->type));
    field->nullable = true;
    if (take_word(parser, "not")) {
        if (!take_word(parser, "null")) {
            return parse_fail(parser, "expected \"NULL\" behind \"NOT\"");
        }
        field->nullable = false;
    }
    return STATUS_OK;
}

static enum status parse_struct(struct type_parser *parser, const struct type **ret_type)
{
    struct type_field *fields = NULL;
    uint32_t count = 0;
    if (!take(parser, '<')) {
        return parse_fail(parser, "expected \"<\"");
    }
    while (!take(parser, '>')) {
        if (count > 0 && !take(parser, ',')) {
            return parse_fail(parser, "expected \",\" or \">\"");
        }
        fields = arena_grow(parser->arena, fields, count * sizeof(*fields),
                            (count + 1) * sizeof(*fields));
        TRY(parse_field(parser, &fields[count]));
        for (uint32_t i = 0; i < count; i++) {
            if (strcasecmp(fields[i].name, fields[count].name) == 0) {
                return parse_fail(parser, "a field name twice");
            }
        }
        count++;
    }
    *ret_type = type_struct(parser->arena, fields, count);
    return STATUS_OK;
}

static enum status
parse_container(struct type_parser *parser, enum type_id id, const struct type **ret_type)
{
    const struct type *key = NULL;
    const struct type *value;
    if (!take(parser, '<')) {
        return parse_fail(parser, "expected \"<\"");
    }
    if (id == TYPE_MAP) {
        TRY(parse_type(parser, &key));
        if (!take(parser, ',')) {
            return parse_fail(parser, "expected \",\"");
        }
    }
    TRY(parse_type(parser, &value));
    if (!take(parser, '>')) {
        return parse_fail(parser, "expected \">\"");
    }
    *ret_type = id == TYPE_MAP ? type_map(parser->arena, key, value, true)
                               : type_array(parser->arena, value, true);
    return STATUS_OK;
}

static enum status parse_interval(struct type_parser *parser, const struct type **ret_type)
{
    if (take_word(parser, "year")) {
        if (take_word(parser, "to") && take_word(parser, "month")) {
            *ret_type = type_plain(TYPE_INTERVAL_MONTHS);
            return STATUS_OK;
        }
    } else if (take_word(parser, "day") && take_word(parser, "to") && take_word(parser, "second")) {
        *ret_type = type_plain(TYPE_INTERVAL);
        return STATUS_OK;
    }
    return parse_fail(parser, "expected \"interval day to second\" or \"interval year to month\"");
}

static enum status parse_named(struct type_parser *parser, const struct type **ret_type)
{
    size_t start = parser->at;
    struct slice name = word(parser);
    if (same_word(name, "interval")) {
        return parse_interval(parser, ret_type);
    }
    for (size_t i = 0; i < ARRAY_SIZE(type_names); i++) {
        if (!same_word(name, type_names[i].name)) {
            continue;
        }
        switch (type_names[i].id) {
        case TYPE_DECIMAL:
            return parse_decimal(parser, ret_type);
        case TYPE_STRUCT:
            return parse_struct(parser, ret_type);
        case TYPE_ARRAY:
        case TYPE_MAP:
            return parse_container(parser, type_names[i].id, ret_type);
        default:
            *ret_type = type_plain(type_names[i].id);
            return STATUS_OK;
        }
    }
    parser->at = start;
    skip_space(parser);
    enum status status = parse_fail(parser, "unknown type");
    error_hint(parser->error,
               "types are those of Spark SQL: BOOLEAN, INT, BIGINT, DOUBLE, DECIMAL(p,s), STRING, "
               "BINARY, DATE, TIMESTAMP, ARRAY<...>, MAP<...,...>, STRUCT<name: type, ...>");
    return status;
}

static enum status parse_type(struct type_parser *parser, const struct type **ret_type)
{
    if (parser->depth == DEPTH_MAX) {
        return parse_fail(parser, "nested too deeply");
    }
    parser->depth++;
    TRY(parse_named(parser, ret_type));
    parser->depth--;
    return STATUS_OK;
}

enum status type_parse(struct slice text,
                       struct arena *arena,
                       const struct type **ret_type,
                       struct error *error)
{
    struct type_parser parser = {.text = text, .arena = arena, .error = error};
    TRY(parse_type(&parser, ret_type));
    skip_space(&parser);
    if (parser.at != text.size) {
        return parse_fail(&parser, "unexpected text");
    }
    return STATUS_OK;
}
