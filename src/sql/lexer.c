#include "sql/lexer.h"

#include "base/hex.h"
#include "base/utf8.h"

#include <strings.h>

struct lexer {
    const uint8_t *text;
    size_t size;
    size_t position;
    struct arena *arena;
    struct token *tokens;
    size_t count, capacity;
    struct error *error;
};

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_word_start(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static bool is_word(uint8_t c)
{
    return is_word_start(c) || is_digit(c);
}

static uint8_t peek(const struct lexer *lexer, size_t ahead)
{
    size_t at = lexer->position + ahead;
    return at < lexer->size ? lexer->text[at] : 0;
}

static struct token *token_add(struct lexer *lexer, enum token_kind kind, size_t start)
{
    if (lexer->count == lexer->capacity) {
        size_t capacity = lexer->capacity == 0 ? 64 : lexer->capacity * 2;
        lexer->tokens =
            arena_grow(lexer->arena, lexer->tokens, lexer->capacity * sizeof(*lexer->tokens),
                       capacity * sizeof(*lexer->tokens));
        lexer->capacity = capacity;
    }
    struct token *token = &lexer->tokens[lexer->count++];
    *token = (struct token){
        .kind = (uint8_t) kind,
        .offset = (uint32_t) start,
        .size = (uint32_t) (lexer->position - start),
        .value = slice_of(lexer->text + start, lexer->position - start),
    };
    return token;
}

/* Skips blanks and comments. */
static enum status skip_space(struct lexer *lexer)
{
    for (;;) {
        uint8_t c = peek(lexer, 0);
        if (lexer->position < lexer->size &&
            (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v')) {
            lexer->position++;
        } else if (c == '-' && peek(lexer, 1) == '-') {
            while (lexer->position < lexer->size && peek(lexer, 0) != '\n') {
                /* Spark: a backslash before the line end carries the comment on */
                lexer->position += peek(lexer, 0) == '\\' && peek(lexer, 1) == '\n' ? 2 : 1;
            }
        } else if (c == '/' && peek(lexer, 1) == '*') {
            size_t depth = 0;
            do {
                if (lexer->position >= lexer->size) {
                    return error_set(lexer->error, STATUS_CONFIG, "comment is not closed by */");
                }
                if (peek(lexer, 0) == '/' && peek(lexer, 1) == '*') {
                    depth++;
                    lexer->position += 2;
                } else if (peek(lexer, 0) == '*' && peek(lexer, 1) == '/') {
                    depth--;
                    lexer->position += 2;
                } else {
                    lexer->position++;
                }
            } while (depth > 0);
        } else {
            return STATUS_OK;
        }
    }
}

/* `\u0041`, `\U0001F600`: writes the code point; false if the digits are not there. */
static bool
unescape_unicode(struct slice raw, size_t at, size_t digits, uint8_t *target, size_t *ret_written)
{
    uint32_t code = 0;
    if (raw.size - at < digits) {
        return false;
    }
    for (size_t i = 0; i < digits; i++) {
        int value = hex_digit_value(raw.data[at + i]);
        if (value < 0) {
            return false;
        }
        code = code * 16 + (uint32_t) value;
    }
    if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
        return false;
    }
    *ret_written = utf8_encode(code, target);
    return true;
}

/* Spark's unescapeSQLString. The result is never longer than the raw text. */
static struct slice unescape(struct arena *arena, struct slice raw)
{
    uint8_t *out = arena_alloc(arena, raw.size + 1);
    size_t n = 0;
    for (size_t i = 0; i < raw.size; i++) {
        uint8_t c = raw.data[i];
        if (c != '\\' || i + 1 == raw.size) {
            out[n++] = c;
            continue;
        }
        c = raw.data[++i];
        size_t written = 0;
        if ((c == 'u' && unescape_unicode(raw, i + 1, 4, out + n, &written)) ||
            (c == 'U' && unescape_unicode(raw, i + 1, 8, out + n, &written))) {
            n += written;
            i += c == 'u' ? 4 : 8;
        } else if ((c == '0' || c == '1') && i + 2 < raw.size && raw.data[i + 1] >= '0' &&
                   raw.data[i + 1] <= '7' && raw.data[i + 2] >= '0' && raw.data[i + 2] <= '7') {
            /* \ooo below 128: one ASCII character */
            out[n++] =
                (uint8_t) ((c - '0') * 64 + (raw.data[i + 1] - '0') * 8 + (raw.data[i + 2] - '0'));
            i += 2;
        } else if (c == '%' || c == '_') {
            out[n++] = '\\'; /* LIKE reads these itself */
            out[n++] = c;
        } else {
            static const char from[] = "0bnrtZ", to[] = "\0\b\n\r\t\032";
            const char *known = memchr(from, c, sizeof(from) - 1);
            out[n++] = known != NULL ? (uint8_t) to[known - from] : c;
        }
    }
    out[n] = '\0';
    return slice_of(out, n);
}

/* A string in `quote`s; the position is at the opening one. */
static enum status lex_string(struct lexer *lexer, size_t start, bool raw)
{
    uint8_t quote = peek(lexer, 0);
    size_t begin = ++lexer->position;
    while (lexer->position < lexer->size && peek(lexer, 0) != quote) {
        lexer->position += !raw && peek(lexer, 0) == '\\' ? 2 : 1;
    }
    if (lexer->position >= lexer->size) {
        lexer->position = start;
        return error_set(lexer->error, STATUS_CONFIG, "string is not closed by %c", quote);
    }
    struct slice inside = slice_of(lexer->text + begin, lexer->position - begin);
    lexer->position++;
    if (peek(lexer, 0) == quote && lexer->position < lexer->size) {
        (void) error_set(lexer->error, STATUS_CONFIG,
                         "two %c in a row mean different things to Spark 3 and Spark 4", quote);
        error_hint(lexer->error, "write \\%c for a quote inside a string", quote);
        return STATUS_CONFIG;
    }
    struct token *token = token_add(lexer, TOKEN_STRING, start);
    token->value = raw ? inside : unescape(lexer->arena, inside);
    if (!utf8_valid(token->value.data, token->value.size)) {
        lexer->position = start;
        return error_set(lexer->error, STATUS_CONFIG, "string is not valid UTF-8");
    }
    return STATUS_OK;
}

/* X'...': pairs of hex digits. */
static enum status lex_binary(struct lexer *lexer, size_t start)
{
    uint8_t quote = peek(lexer, 1);
    lexer->position += 2;
    size_t begin = lexer->position;
    while (lexer->position < lexer->size && hex_digit_value(peek(lexer, 0)) >= 0) {
        lexer->position++;
    }
    size_t digits = lexer->position - begin;
    if (lexer->position >= lexer->size || peek(lexer, 0) != quote) {
        return error_set(lexer->error, STATUS_CONFIG,
                         "binary literal holds something that is not a hex digit");
    }
    lexer->position++;
    /* Spark puts a 0 in front of an odd number of digits */
    uint8_t *bytes = arena_zalloc(lexer->arena, digits / 2 + 1);
    size_t count = (digits + 1) / 2;
    for (size_t i = 0; i < digits; i++) {
        size_t place = i + (digits & 1);
        int value = hex_digit_value(lexer->text[begin + i]);
        bytes[place / 2] = (uint8_t) (bytes[place / 2] | value << (place % 2 == 0 ? 4 : 0));
    }
    token_add(lexer, TOKEN_BINARY, start)->value = slice_of(bytes, count);
    return STATUS_OK;
}

/* A name in backquotes; a backquote inside is written twice. */
static enum status lex_quoted(struct lexer *lexer, size_t start)
{
    size_t end = start + 1;
    size_t doubled = 0;
    for (; end < lexer->size; end++) {
        if (lexer->text[end] == '`') {
            if (end + 1 == lexer->size || lexer->text[end + 1] != '`') {
                break;
            }
            doubled++;
            end++;
        }
    }
    if (end >= lexer->size) {
        return error_set(lexer->error, STATUS_CONFIG, "name is not closed by `");
    }
    uint8_t *name = arena_alloc(lexer->arena, end - start);
    size_t n = 0;
    for (size_t i = start + 1; i < end; i++) {
        name[n++] = lexer->text[i];
        i += doubled > 0 && lexer->text[i] == '`' ? 1 : 0;
    }
    if (n == 0 || memchr(name, 0, n) != NULL || !utf8_valid(name, n)) {
        return error_set(lexer->error, STATUS_CONFIG,
                         n == 0 ? "name in backquotes is empty"
                                : "name in backquotes is not valid text");
    }
    lexer->position = end + 1;
    token_add(lexer, TOKEN_QUOTED, start)->value = slice_of(name, n);
    return STATUS_OK;
}

static enum number_suffix suffix_of(struct slice text)
{
    static const struct {
        const char *text;
        enum number_suffix suffix;
    } suffixes[] = {
        {"y", SUFFIX_TINYINT}, {"s", SUFFIX_SMALLINT}, {"l", SUFFIX_BIGINT},
        {"f", SUFFIX_FLOAT},   {"d", SUFFIX_DOUBLE},   {"bd", SUFFIX_DECIMAL},
    };

    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        if (strlen(suffixes[i].text) == text.size &&
            strncasecmp(suffixes[i].text, (const char *) text.data, text.size) == 0) {
            return suffixes[i].suffix;
        }
    }
    return SUFFIX_NONE;
}

static enum status lex_number(struct lexer *lexer, size_t start)
{
    while (is_digit(peek(lexer, 0))) {
        lexer->position++;
    }
    if (peek(lexer, 0) == '.') {
        lexer->position++;
        while (is_digit(peek(lexer, 0))) {
            lexer->position++;
        }
    }
    if (peek(lexer, 0) == 'e' || peek(lexer, 0) == 'E') {
        size_t sign = peek(lexer, 1) == '+' || peek(lexer, 1) == '-' ? 1 : 0;
        if (is_digit(peek(lexer, 1 + sign))) {
            lexer->position += 1 + sign;
            while (is_digit(peek(lexer, 0))) {
                lexer->position++;
            }
        }
    }
    struct slice digits = slice_of(lexer->text + start, lexer->position - start);
    size_t begin = lexer->position;
    while (is_word(peek(lexer, 0))) {
        lexer->position++;
    }
    struct slice tail = slice_of(lexer->text + begin, lexer->position - begin);
    enum number_suffix suffix = suffix_of(tail);
    if (tail.size > 0 && suffix == SUFFIX_NONE) {
        lexer->position = start;
        (void) error_set(lexer->error, STATUS_CONFIG, "\"%.*s\" is neither a number nor a name",
                         SLICE_FORMAT(slice_of(lexer->text + start, begin + tail.size - start)));
        error_hint(lexer->error, "put a name that begins with a digit in backquotes; numbers take "
                                 "the suffixes L, S, Y, D, F and BD");
        return STATUS_CONFIG;
    }
    struct token *token = token_add(lexer, TOKEN_NUMBER, start);
    token->value = digits;
    token->suffix = (uint8_t) suffix;
    return STATUS_OK;
}

static enum status lex_symbol(struct lexer *lexer, size_t start)
{
    static const char *const symbols[] = {
        "<=>", "<=", ">=", "<>", "!=", "==", "||", "->", "=>", "::", "(", ")", "[", "]", ",", ".",
        "+",   "-",  "*",  "/",  "%",  "=",  "<",  ">",  "&",  "|",  "^", "~", "!", ";", ":",
    };
    for (size_t i = 0; i < ARRAY_SIZE(symbols); i++) {
        size_t length = strlen(symbols[i]);
        if (lexer->size - start >= length && memcmp(lexer->text + start, symbols[i], length) == 0) {
            lexer->position += length;
            (void) token_add(lexer, TOKEN_SYMBOL, start);
            return STATUS_OK;
        }
    }
    uint8_t c = peek(lexer, 0);
    if (c < 0x20 || c == 0x7F) {
        return error_set(lexer->error, STATUS_CONFIG,
                         "control character 0x%02x is not allowed here", c);
    }
    return error_set(lexer->error, STATUS_CONFIG, "character \"%c\" means nothing here", c);
}

static enum status lex_word(struct lexer *lexer, size_t start)
{
    while (is_word(peek(lexer, 0))) {
        lexer->position++;
    }
    const struct token *token = token_add(lexer, TOKEN_WORD, start);
    if (!utf8_valid(token->value.data, token->value.size)) {
        lexer->position = start;
        return error_set(lexer->error, STATUS_CONFIG, "text is not valid UTF-8");
    }
    return STATUS_OK;
}

static enum status lex_token(struct lexer *lexer)
{
    size_t start = lexer->position;
    uint8_t c = peek(lexer, 0), next = peek(lexer, 1);
    bool quote_next = next == '\'' || next == '"';
    if (c == '\'' || c == '"') {
        return lex_string(lexer, start, false);
    }
    if ((c == 'r' || c == 'R') && quote_next) {
        lexer->position++;
        return lex_string(lexer, start, true);
    }
    if ((c == 'x' || c == 'X') && quote_next) {
        return lex_binary(lexer, start);
    }
    if (c == '`') {
        return lex_quoted(lexer, start);
    }
    if (is_digit(c) || (c == '.' && is_digit(next))) {
        return lex_number(lexer, start);
    }
    return is_word_start(c) ? lex_word(lexer, start) : lex_symbol(lexer, start);
}

enum status sql_lex(struct slice text,
                    struct arena *arena,
                    struct token **ret_tokens,
                    size_t *ret_count,
                    size_t *ret_offset,
                    struct error *error)
{
    struct lexer lexer = {.text = text.data, .size = text.size, .arena = arena, .error = error};
    *ret_offset = 0;
    if (text.size > SQL_TEXT_BYTES_MAX) {
        return error_set(error, STATUS_LIMIT, "query is %zu bytes long; at most %zu are allowed",
                         text.size, SQL_TEXT_BYTES_MAX);
    }
    for (;;) {
        enum status status = skip_space(&lexer);
        if (status == STATUS_OK && lexer.position >= lexer.size) {
            break;
        }
        if (status == STATUS_OK) {
            status = lex_token(&lexer);
        }
        if (status != STATUS_OK) {
            *ret_offset = lexer.position < lexer.size ? lexer.position : lexer.size;
            return status;
        }
    }
    lexer.position = lexer.size;
    (void) token_add(&lexer, TOKEN_END, lexer.size);
    *ret_tokens = lexer.tokens;
    *ret_count = lexer.count;
    return STATUS_OK;
}
