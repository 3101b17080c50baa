/* Reading values off the tape. */

#include "base/utf8.h"
#include "codec/json.h"
#include "codec/json_text.h"

#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct slice json_raw(const struct json_document *document, uint32_t index)
{
    const struct json_value *value = json_at(document, index);
    const uint8_t *start = document->text.data + value->start;
    if (value->kind == JSON_KIND_STRING) {
        return slice_of(start - 1, (size_t) value->size + 2);
    }
    return slice_of(start, value->size);
}

/* ---- Strings --------------------------------------------------------------------------------- */

static uint32_t hex4(const uint8_t *at)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        uint32_t byte = at[i];
        value = value << 4 | (byte <= '9' ? byte - '0' : (byte | 0x20) - 'a' + 10);
    }
    return value;
}

/* One \u escape, or two that make a pair; `at` is behind the u. A surrogate without its partner
 * becomes U+FFFD. */
static const uint8_t *unescape_unicode(const uint8_t *at, const uint8_t *end, uint32_t *ret_code)
{
    uint32_t code = hex4(at);
    at += 4;
    if (code >= 0xd800 && code < 0xdc00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
        uint32_t low = hex4(at + 2);
        if (low >= 0xdc00 && low < 0xe000) {
            *ret_code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            return at + 6;
        }
    }
    *ret_code = code >= 0xd800 && code < 0xe000 ? 0xfffd : code;
    return at;
}

size_t json_unescape(struct slice raw, uint8_t *target)
{
    const uint8_t *at = raw.data;
    const uint8_t *end = raw.data + raw.size;
    uint8_t *to = target;
    while (at < end) {
        const uint8_t *slash = memchr(at, '\\', (size_t) (end - at));
        size_t plain = (size_t) ((slash == NULL ? end : slash) - at);
        memcpy(to, at, plain);
        to += plain;
        if (slash == NULL) {
            break;
        }
        at = slash + 2;
        switch (slash[1]) {
        case 'u': {
            uint32_t code;
            at = unescape_unicode(at, end, &code);
            to += utf8_encode(code, to);
            break;
        }
        case 'b':
            *to++ = '\b';
            break;
        case 'f':
            *to++ = '\f';
            break;
        case 'n':
            *to++ = '\n';
            break;
        case 'r':
            *to++ = '\r';
            break;
        case 't':
            *to++ = '\t';
            break;
        default:
            *to++ = slash[1];
            break;
        }
    }
    return (size_t) (to - target);
}

struct slice json_text(const struct json_document *document, uint32_t index, struct arena *arena)
{
    const struct json_value *value = json_at(document, index);
    struct slice raw = slice_of(document->text.data + value->start, value->size);
    if ((value->flags & JSON_ESCAPED) == 0) {
        return raw;
    }
    uint8_t *text = arena_alloc(arena, raw.size); /* never longer than the escaped form */
    return slice_of(text, json_unescape(raw, text));
}

bool json_text_is(const struct json_document *document, uint32_t index, struct slice wanted)
{
    const struct json_value *value = json_at(document, index);
    struct slice raw = slice_of(document->text.data + value->start, value->size);
    if ((value->flags & JSON_ESCAPED) == 0) {
        return slice_equal(raw, wanted);
    }
    if (wanted.size > raw.size) {
        return false;
    }
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    uint8_t *target = buffer_reserve(&text, raw.size);
    return slice_equal(slice_of(target, json_unescape(raw, target)), wanted);
}

/* ---- Members --------------------------------------------------------------------------------- */

uint32_t json_member(const struct json_document *document, uint32_t object, struct slice name)
{
    uint32_t found = UINT32_MAX;
    if (json_at(document, object)->kind != JSON_KIND_OBJECT) {
        return found;
    }
    uint32_t end = json_at(document, object)->next;
    for (uint32_t at = object + 1; at < end; at = json_at(document, at + 1)->next) {
        if (json_text_is(document, at, name)) {
            found = at + 1;
        }
    }
    return found;
}

static uint32_t element(const struct json_document *document, uint32_t array, struct slice number)
{
    uint32_t wanted = 0;
    for (size_t i = 0; i < number.size; i++) {
        if (number.data[i] < '0' || number.data[i] > '9' || wanted > UINT32_MAX / 10 - 1) {
            return UINT32_MAX;
        }
        wanted = wanted * 10 + (number.data[i] - '0');
    }
    if (number.size == 0 || wanted >= json_at(document, array)->count) {
        return UINT32_MAX;
    }
    uint32_t at = array + 1;
    for (; wanted > 0; wanted--) {
        at = json_at(document, at)->next;
    }
    return at;
}

const char *json_path_step(const char *path, struct slice *ret_segment)
{
    size_t size;
    if (*path == '"') {
        path++;
        size = strcspn(path, "\"");
        *ret_segment = slice_of(path, size);
        path += size + (path[size] == '"');
    } else {
        size = strcspn(path, ".");
        *ret_segment = slice_of(path, size);
        path += size;
    }
    return *path == '.' ? path + 1 : path;
}

uint32_t json_path(const struct json_document *document, uint32_t index, const char *path)
{
    while (*path != '\0' && index != UINT32_MAX) {
        struct slice segment;
        path = json_path_step(path, &segment);
        index = json_at(document, index)->kind == JSON_KIND_ARRAY
                    ? element(document, index, segment)
                    : json_member(document, index, segment);
    }
    return index;
}

void json_place_write(const struct json_place *place, char *target, size_t size)
{
    const struct json_place *places[64];
    size_t count = 0;
    size_t at = 0;
    for (; place != NULL && count < ARRAY_SIZE(places); place = place->above) {
        places[count++] = place;
    }
    target[0] = '\0';
    while (count-- > 0 && at < size) {
        const char *dot = at == 0 ? "" : ".";
        int more;
        if (places[count]->name.data == NULL) {
            more = snprintf(target + at, size - at, "%s%u", dot, places[count]->index);
        } else {
            more =
                snprintf(target + at, size - at, "%s%.*s", dot, SLICE_FORMAT(places[count]->name));
        }
        at += (size_t) more;
    }
}

/* ---- Numbers --------------------------------------------------------------------------------- */

bool json_int64(const struct json_document *document, uint32_t index, int64_t *ret_value)
{
    const struct json_value *value = json_at(document, index);
    if (value->kind != JSON_KIND_NUMBER || (value->flags & JSON_INTEGRAL) == 0) {
        return false;
    }
    const uint8_t *at = document->text.data + value->start;
    const uint8_t *end = at + value->size;
    bool negative = *at == '-';
    at += negative;
    if (end - at > 19) {
        return false;
    }
    uint64_t number = 0;
    for (; at < end; at++) {
        number = number * 10 + (*at - '0'); /* 19 digits fit */
    }
    if (number > (uint64_t) INT64_MAX + negative) {
        return false;
    }
    *ret_value = (int64_t) (negative ? 0 - number : number);
    return true;
}

/* strtod obeys the locale of the process; a number in JSON does not. */
static locale_t plain_locale;

static void make_plain_locale(void)
{
    plain_locale = newlocale(LC_ALL_MASK, "C", NULL);
}

static double double_slow(struct slice text)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void) pthread_once(&once, make_plain_locale);
    CLEANUP(buffer_deinit) struct buffer copy = BUFFER_INIT;
    buffer_append_slice(&copy, text);
    return strtod_l(buffer_string(&copy), NULL, plain_locale);
}

/* Up to 15 digits and a power of ten up to 22 are both exact in a double, and so is one
 * multiplication or division of them (Clinger 1990). */
double json_number_double(struct slice text)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const uint8_t *at = text.data;
    const uint8_t *end = at + text.size;
    bool negative = at < end && *at == '-';
    uint64_t digits = 0;
    int count = 0;
    int fraction = 0;
    bool point = false;
    for (at += negative; at < end; at++) {
        if (*at == '.') {
            point = true;
            continue;
        }
        if (*at < '0' || *at > '9' || ++count > 15) {
            return double_slow(text);
        }
        digits = digits * 10 + (*at - '0');
        fraction += point;
    }
    double value = (double) digits / powers[fraction];
    return negative ? -value : value;
}

double json_double(const struct json_document *document, uint32_t index)
{
    const struct json_value *value = json_at(document, index);
    return json_number_double(slice_of(document->text.data + value->start, value->size));
}
