/* The parser: text to tape, in one pass and without recursion. */

#include "codec/json.h"

#include "base/memory.h"
#include "base/utf8.h"
#include "codec/json_scan.h"

#define DEPTH_MAX_DEFAULT 128
#define NO_PARENT         UINT32_MAX

/*
 * While a container is open, its `next` holds the tape index of the container around it: the tape
 * is its own stack.
 */
struct json_parser {
    const uint8_t *start;
    const uint8_t *at;
    const uint8_t *end;
    struct json_value *tape;
    uint32_t size;
    uint32_t capacity;
    uint32_t parent; /* innermost open container, or NO_PARENT */
    uint32_t depth;
    uint32_t depth_max;
    const char *fault; /* what is wrong at `at` */
};

void json_document_init(struct json_document *document)
{
    *document = (struct json_document){0};
}

void json_document_deinit(struct json_document *document)
{
    mem_free(document->tape);
    *document = (struct json_document){0};
}

static bool fail(struct json_parser *parser, const uint8_t *at, const char *fault)
{
    parser->at = at;
    parser->fault = fault;
    return false;
}

static bool fail_unexpected(struct json_parser *parser, const char *wanted)
{
    return fail(parser, parser->at, parser->at == parser->end ? "unexpected end" : wanted);
}

static __attribute__((noinline)) void grow(struct json_parser *parser)
{
    parser->capacity = parser->capacity < 64 ? 64 : parser->capacity * 2;
    parser->tape = mem_realloc(parser->tape, (size_t) parser->capacity * sizeof(*parser->tape));
}

static inline struct json_value *
push(struct json_parser *parser, uint8_t kind, uint8_t flags, const uint8_t *start, uint32_t size)
{
    if (__builtin_expect(parser->size == parser->capacity, 0)) {
        grow(parser);
    }
    struct json_value *value = &parser->tape[parser->size++];
    *value = (struct json_value){
        .kind = kind,
        .flags = flags,
        .next = parser->size,
        .start = (uint32_t) (start - parser->start),
        .size = size,
    };
    return value;
}

/* ---- Strings --------------------------------------------------------------------------------- */

static bool is_hex(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') ||
           (byte >= 'A' && byte <= 'F');
}

/* Checks one escape; `at` is behind the backslash. NULL if it is not one. */
static const uint8_t *check_escape(const uint8_t *at, const uint8_t *end)
{
    if (at == end) {
        return NULL;
    }
    if (*at != 'u') {
        return *at != '\0' && strchr("\"\\/bfnrt", *at) != NULL ? at + 1 : NULL;
    }
    if (end - at < 5 || !is_hex(at[1]) || !is_hex(at[2]) || !is_hex(at[3]) || !is_hex(at[4])) {
        return NULL;
    }
    return at + 5;
}

static bool fail_utf8(struct json_parser *parser, const uint8_t *at, const uint8_t *end)
{
    uint32_t code_point;
    for (size_t size; at < end; at += size) {
        size = utf8_decode(at, (size_t) (end - at), &code_point);
        if (size == 0) {
            break;
        }
    }
    return fail(parser, at, "invalid UTF-8");
}

/* The quote at parser->at opens it. */
static inline bool parse_string(struct json_parser *parser)
{
    const uint8_t *start = parser->at + 1;
    const uint8_t *end = parser->end;
    bool high = false;
    uint8_t flags = 0;
    const uint8_t *at = json_scan_string(start, end, &high);
    while (__builtin_expect(at == end || *at != '"', 0)) {
        if (at == end) {
            return fail(parser, end, "a string without end");
        }
        if (*at != '\\') {
            return fail(parser, at, "a control character in a string");
        }
        const uint8_t *behind = check_escape(at + 1, end);
        if (behind == NULL) {
            return fail(parser, at, "an unknown escape");
        }
        flags = JSON_ESCAPED;
        at = json_scan_string(behind, end, &high);
    }
    if (__builtin_expect(high, 0) && !utf8_valid(start, (size_t) (at - start))) {
        return fail_utf8(parser, start, at);
    }
    (void) push(parser, JSON_KIND_STRING, flags, start, (uint32_t) (at - start));
    parser->at = at + 1;
    return true;
}

/* ---- Numbers and words ----------------------------------------------------------------------- */

static inline bool parse_number(struct json_parser *parser)
{
    bool integral;
    const char *fault = NULL;
    const uint8_t *start = parser->at;
    const uint8_t *at = json_scan_number(start, parser->end, &integral, &fault);
    if (fault != NULL) {
        return fail(parser, at, fault);
    }
    (void) push(parser, JSON_KIND_NUMBER, integral ? JSON_INTEGRAL : 0, start,
                (uint32_t) (at - start));
    parser->at = at;
    return true;
}

static bool parse_word(struct json_parser *parser, const char *word, uint32_t size, uint8_t kind)
{
    if (parser->end - parser->at < (ptrdiff_t) size || memcmp(parser->at, word, size) != 0) {
        return fail(parser, parser->at, "expected a value");
    }
    (void) push(parser, kind, 0, parser->at, size);
    parser->at += size;
    return true;
}

/* ---- Structure ------------------------------------------------------------------------------- */

static inline bool parse_name(struct json_parser *parser)
{
    parser->at = json_skip_space(parser->at, parser->end);
    if (parser->at == parser->end || *parser->at != '"') {
        return fail_unexpected(parser, "expected a member name in quotes");
    }
    if (!parse_string(parser)) {
        return false;
    }
    parser->at = json_skip_space(parser->at, parser->end);
    if (parser->at == parser->end || *parser->at != ':') {
        return fail_unexpected(parser, "expected \":\"");
    }
    parser->at++;
    return true;
}

static inline void close_container(struct json_parser *parser)
{
    struct json_value *value = &parser->tape[parser->parent];
    parser->at++;
    parser->parent = value->next;
    parser->depth--;
    value->next = parser->size;
    value->size = (uint32_t) (parser->at - parser->start) - value->start;
}

/* Opens a container; `ret_empty` if it ended at once. An object's first name is taken as well. */
static inline bool open_container(struct json_parser *parser, uint8_t kind, bool *ret_empty)
{
    if (parser->depth == parser->depth_max) {
        return fail(parser, parser->at, "nested too deeply");
    }
    struct json_value *value = push(parser, kind, 0, parser->at, 0);
    value->next = parser->parent;
    parser->parent = parser->size - 1;
    parser->depth++;
    parser->at = json_skip_space(parser->at + 1, parser->end);
    uint8_t closing = kind == JSON_KIND_OBJECT ? '}' : ']';
    *ret_empty = parser->at < parser->end && *parser->at == closing;
    if (*ret_empty) {
        close_container(parser);
        return true;
    }
    return kind == JSON_KIND_ARRAY || parse_name(parser);
}

/* Behind a value: closes what ends here, and stops before the next value or at the end of all. */
static inline bool parse_between(struct json_parser *parser)
{
    while (parser->parent != NO_PARENT) {
        struct json_value *container = &parser->tape[parser->parent];
        container->count++;
        parser->at = json_skip_space(parser->at, parser->end);
        bool object = container->kind == JSON_KIND_OBJECT;
        uint8_t byte = parser->at < parser->end ? *parser->at : '\0';
        if (byte == ',') {
            parser->at++;
            return !object || parse_name(parser);
        }
        if (byte != (object ? '}' : ']')) {
            return fail_unexpected(parser,
                                   object ? "expected \",\" or \"}\"" : "expected \",\" or \"]\"");
        }
        close_container(parser);
    }
    return true;
}

/* One value, but only the opening of a container that is not empty: *ret_open. */
static inline bool parse_one(struct json_parser *parser, bool *ret_open)
{
    bool empty;
    *ret_open = false;
    parser->at = json_skip_space(parser->at, parser->end);
    uint8_t byte = parser->at < parser->end ? *parser->at : '\0';
    switch (byte) {
    case '"':
        return parse_string(parser);
    case '{':
    case '[':
        if (!open_container(parser, *parser->at == '{' ? JSON_KIND_OBJECT : JSON_KIND_ARRAY,
                            &empty)) {
            return false;
        }
        *ret_open = !empty;
        return true;
    case 'n':
        return parse_word(parser, "null", 4, JSON_KIND_NULL);
    case 't':
        return parse_word(parser, "true", 4, JSON_KIND_TRUE);
    case 'f':
        return parse_word(parser, "false", 5, JSON_KIND_FALSE);
    default:
        if (byte == '-' || (byte >= '0' && byte <= '9')) {
            return parse_number(parser);
        }
        return fail_unexpected(parser, "expected a value");
    }
}

static bool parse_document(struct json_parser *parser)
{
    do {
        bool open;
        if (!parse_one(parser, &open)) {
            return false;
        }
        if (!open && !parse_between(parser)) {
            return false;
        }
    } while (parser->parent != NO_PARENT);
    return true;
}

/* ---- Entry ----------------------------------------------------------------------------------- */

static enum status parse_error(const struct json_parser *parser, struct error *error)
{
    size_t line = 1;
    const uint8_t *line_start = parser->start;
    for (const uint8_t *at = parser->start; at < parser->at; at++) {
        if (*at == '\n') {
            line++;
            line_start = at + 1;
        }
    }
    size_t column = 1 + utf8_length(line_start, (size_t) (parser->at - line_start));
    enum status status = error_set(error, STATUS_DATA, "not JSON: %s at line %zu, column %zu",
                                   parser->fault, line, column);
    if (parser->at == parser->start && parser->end - parser->at >= 3 &&
        memcmp(parser->at, "\xef\xbb\xbf", 3) == 0) {
        error_hint(error, "the text starts with a byte order mark; save it without one");
    }
    return status;
}

static enum status parse(struct json_document *document,
                         struct slice text,
                         uint32_t depth_max,
                         size_t *ret_size,
                         struct error *error)
{
    if (text.size > INT32_MAX) {
        return error_set(error, STATUS_LIMIT, "a JSON text of more than 2 GiB");
    }
    const uint8_t *start = text.size == 0 ? (const uint8_t *) "" : text.data;
    struct json_parser parser = {
        .start = start,
        .at = start,
        .end = start + text.size,
        .tape = document->tape,
        .capacity = document->tape_capacity,
        .parent = NO_PARENT,
        .depth_max = depth_max == 0 ? DEPTH_MAX_DEFAULT : depth_max,
    };
    bool done = parse_document(&parser);
    if (done && ret_size != NULL) {
        *ret_size = (size_t) (parser.at - parser.start);
    } else if (done) {
        parser.at = json_skip_space(parser.at, parser.end);
        if (parser.at != parser.end) {
            done = fail(&parser, parser.at, "text behind the value");
        }
    }
    document->text = text;
    document->tape = parser.tape;
    document->tape_capacity = parser.capacity;
    document->tape_size = done ? parser.size : 0;
    return done ? STATUS_OK : parse_error(&parser, error);
}

enum status json_parse(struct json_document *document,
                       struct slice text,
                       uint32_t depth_max,
                       struct error *error)
{
    return parse(document, text, depth_max, NULL, error);
}

enum status json_parse_prefix(struct json_document *document,
                              struct slice text,
                              uint32_t depth_max,
                              size_t *ret_size,
                              struct error *error)
{
    return parse(document, text, depth_max, ret_size, error);
}
