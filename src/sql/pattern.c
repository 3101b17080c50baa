#include "sql/pattern.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "sql/code_points.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <utf8proc.h>

/* Backtracking steps before a subject counts as too hard: hostile patterns must end. */
#define MATCH_LIMIT 10000000

struct pattern {
    pcre2_code *code;
    pcre2_match_context *context;
    unsigned groups;
};

/* Java's names of ASCII classes, which pcre2 knows in brackets only. */
static const struct {
    const char *java;
    const char *posix;
} classes[] = {
    {"{Lower}", "[:lower:]"}, {"{Upper}", "[:upper:]"},   {"{Alpha}", "[:alpha:]"},
    {"{Digit}", "[:digit:]"}, {"{Alnum}", "[:alnum:]"},   {"{Punct}", "[:punct:]"},
    {"{Graph}", "[:graph:]"}, {"{Print}", "[:print:]"},   {"{Blank}", "[:blank:]"},
    {"{Cntrl}", "[:cntrl:]"}, {"{XDigit}", "[:xdigit:]"}, {"{Space}", "[:space:]"},
};

static const char *posix_class(struct slice rest, size_t *ret_used)
{
    for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
        *ret_used = strlen(classes[i].java);
        if (rest.size >= *ret_used && memcmp(rest.data, classes[i].java, *ret_used) == 0) {
            return classes[i].posix;
        }
    }
    return NULL;
}

/* Rewrites \p{Digit} and its like to [[:digit:]], without the outer brackets inside a class. */
static void translate(struct slice text, struct buffer *target)
{
    bool in_class = false;
    for (size_t at = 0; at < text.size; at++) {
        uint8_t c = text.data[at];
        size_t used;
        if (c == '\\' && at + 1 < text.size) {
            struct slice rest = slice_of(text.data + at + 2, text.size - at - 2);
            const char *posix = text.data[at + 1] == 'p' ? posix_class(rest, &used) : NULL;
            if (posix != NULL) {
                buffer_append_string(target, in_class ? "" : "[");
                buffer_append_string(target, posix);
                buffer_append_string(target, in_class ? "" : "]");
                at += 1 + used;
            } else {
                buffer_append(target, text.data + at++, 2);
            }
            continue;
        }
        in_class = c == '[' || (in_class && c != ']');
        buffer_append_byte(target, c);
    }
}

enum status pattern_compile(struct slice text, struct pattern **ret, struct error *error)
{
    int number;
    size_t at;
    uint32_t options =
        PCRE2_UTF | PCRE2_NO_UTF_CHECK | PCRE2_NEVER_BACKSLASH_C | PCRE2_MATCH_UNSET_BACKREF;
    struct buffer translated = BUFFER_INIT;
    translate(text, &translated);
    pcre2_code *code = pcre2_compile((PCRE2_SPTR) buffer_string(&translated), translated.size,
                                     options, &number, &at, NULL);
    buffer_deinit(&translated);
    if (code == NULL) {
        char message[160];
        pcre2_get_error_message(number, (PCRE2_UCHAR *) message, sizeof message);
        return error_set(error, STATUS_CONFIG, "the regular expression '%.*s' is wrong at %zu: %s",
                         SLICE_FORMAT(text), at, message);
    }
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* without it matching is only slower */
    struct pattern *pattern = mem_zalloc(sizeof *pattern);
    pattern->code = code;
    pattern->context = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(pattern->context, MATCH_LIMIT);
    uint32_t groups = 0;
    pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &groups);
    pattern->groups = groups;
    *ret = pattern;
    return STATUS_OK;
}

void pattern_free(struct pattern *pattern)
{
    if (pattern != NULL) {
        pcre2_match_context_free(pattern->context);
        pcre2_code_free(pattern->code);
        mem_free(pattern);
    }
}

unsigned pattern_groups(const struct pattern *pattern)
{
    return pattern->groups;
}

int pattern_group_number(const struct pattern *pattern, struct slice name)
{
    char copy[64];
    if (name.size >= sizeof copy) {
        return -1;
    }
    memcpy(copy, name.data, name.size);
    copy[name.size] = '\0';
    int number = pcre2_substring_number_from_name(pattern->code, (PCRE2_SPTR) copy);
    return number < 0 ? -1 : number;
}

void pattern_match_init(struct pattern_match *match, const struct pattern *pattern)
{
    match->data = pcre2_match_data_create_from_pattern(pattern->code, NULL);
    match->offsets = pcre2_get_ovector_pointer(match->data);
    match->group_count = pattern->groups;
}

void pattern_match_deinit(struct pattern_match *match)
{
    pcre2_match_data_free(match->data);
}

bool pattern_find(const struct pattern *pattern,
                  struct slice subject,
                  size_t start,
                  struct pattern_match *match,
                  bool *ret_too_hard)
{
    if (start > subject.size) {
        return false;
    }
    int result =
        pcre2_match(pattern->code, subject.data == NULL ? (PCRE2_SPTR) "" : subject.data,
                    subject.size, start, PCRE2_NO_UTF_CHECK, match->data, pattern->context);
    if (result < 0 && result != PCRE2_ERROR_NOMATCH) {
        *ret_too_hard = true;
    }
    return result > 0;
}

enum status like_check(struct slice pattern, char escape, struct error *error)
{
    for (size_t i = 0; escape != 0 && i < pattern.size; i++) {
        if (pattern.data[i] != (uint8_t) escape) {
            continue;
        }
        i++;
        if (i == pattern.size || (pattern.data[i] != '%' && pattern.data[i] != '_' &&
                                  pattern.data[i] != (uint8_t) escape)) {
            return error_set(error, STATUS_CONFIG,
                             "in the LIKE pattern '%.*s' '%c' is not followed by %%, _ or itself",
                             SLICE_FORMAT(pattern), escape);
        }
    }
    return STATUS_OK;
}

/* Compares one code point of each; both advance. */
static bool same_character(struct slice *text, struct slice *pattern, bool fold_case)
{
    size_t a = code_point_bytes(text->data[0]);
    size_t b = code_point_bytes(pattern->data[0]);
    a = a > text->size ? text->size : a;
    b = b > pattern->size ? pattern->size : b;
    bool same = a == b && memcmp(text->data, pattern->data, a) == 0;
    if (!same && fold_case) {
        utf8proc_int32_t x;
        utf8proc_int32_t y;
        utf8proc_iterate(text->data, (utf8proc_ssize_t) a, &x);
        utf8proc_iterate(pattern->data, (utf8proc_ssize_t) b, &y);
        same = utf8proc_tolower(x) == utf8proc_tolower(y);
    }
    *text = slice_of(text->data + a, text->size - a);
    *pattern = slice_of(pattern->data + b, pattern->size - b);
    return same;
}

/* Greedy with one point to go back to: the last % seen. */
bool like_match(struct slice text, struct slice pattern, char escape, bool fold_case)
{
    struct slice back_text = SLICE_EMPTY;
    struct slice back_pattern = SLICE_EMPTY;
    bool can_go_back = false;
    for (;;) {
        if (pattern.size > 0 && pattern.data[0] == '%' && escape != '%') {
            pattern = slice_of(pattern.data + 1, pattern.size - 1);
            back_text = text;
            back_pattern = pattern;
            can_go_back = true;
            continue;
        }
        if (text.size == 0 && pattern.size == 0) {
            return true;
        }
        bool matched = false;
        if (text.size > 0 && pattern.size > 0) {
            if (pattern.data[0] == '_' && escape != '_') {
                size_t size = code_point_bytes(text.data[0]);
                size = size > text.size ? text.size : size;
                text = slice_of(text.data + size, text.size - size);
                pattern = slice_of(pattern.data + 1, pattern.size - 1);
                matched = true;
            } else {
                if (escape != 0 && pattern.data[0] == (uint8_t) escape && pattern.size > 1) {
                    pattern = slice_of(pattern.data + 1, pattern.size - 1);
                }
                matched = same_character(&text, &pattern, fold_case);
            }
        }
        if (matched) {
            continue;
        }
        if (!can_go_back || back_text.size == 0) {
            return false;
        }
        size_t size = code_point_bytes(back_text.data[0]);
        size = size > back_text.size ? back_text.size : size;
        back_text = slice_of(back_text.data + size, back_text.size - size);
        text = back_text;
        pattern = back_pattern;
    }
}
