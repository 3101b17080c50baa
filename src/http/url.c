#include "http/url.h"

#include "base/hex.h"

#include <string.h>

char *url_decode(struct slice text, enum url_decoding decoding, struct arena *arena)
{
    char *target = arena_alloc(arena, text.size + 1);
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte == '%') {
            int high = i + 1 < text.size ? hex_digit_value(text.data[i + 1]) : -1;
            int low = i + 2 < text.size ? hex_digit_value(text.data[i + 2]) : -1;
            if (high >= 0 && low >= 0) {
                byte = (uint8_t) (high << 4 | low);
                i += 2;
            } else if (decoding == URL_PATH) {
                return NULL;
            }
        } else if (byte == '+' && decoding == URL_QUERY) {
            byte = ' ';
        }
        if (byte == 0) {
            return NULL;
        }
        target[size++] = (char) byte;
    }
    target[size] = '\0';
    return target;
}

void url_encode(struct buffer *target, struct slice text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                     (byte >= '0' && byte <= '9') || (byte != 0 && strchr("-._~", byte) != NULL);
        if (plain) {
            buffer_append_byte(target, byte);
        } else {
            const char escaped[] = {'%', digits[byte >> 4], digits[byte & 15]};
            buffer_append(target, escaped, sizeof(escaped));
        }
    }
}

bool url_query_parse(const char *query,
                     size_t max,
                     struct arena *arena,
                     const struct http_pair **ret_pairs,
                     size_t *ret_count)
{
    size_t parts = *query == '\0' ? 0 : 1;
    for (const char *at = query; *at != '\0'; at++) {
        parts += *at == '&';
    }
    *ret_pairs = NULL;
    *ret_count = 0;
    if (parts > max) {
        return false;
    }
    struct http_pair *pairs = ARENA_ARRAY(arena, struct http_pair, parts);
    size_t count = 0;
    while (*query != '\0') {
        size_t size = strcspn(query, "&");
        const char *equals = memchr(query, '=', size);
        size_t name_size = equals == NULL ? size : (size_t) (equals - query);
        if (size > 0) {
            struct http_pair *pair = &pairs[count];
            pair->name = url_decode(slice_of(query, name_size), URL_QUERY, arena);
            pair->value = equals == NULL ? ""
                                         : url_decode(slice_of(equals + 1, size - name_size - 1),
                                                      URL_QUERY, arena);
            if (pair->name == NULL || pair->value == NULL) {
                return false;
            }
            count++;
        }
        query += size + (query[size] == '&');
    }
    *ret_pairs = pairs;
    *ret_count = count;
    return true;
}

char *url_without_secrets(const char *url, struct arena *arena)
{
    size_t size = strcspn(url, "?#");
    const char *scheme_end = memmem(url, size, "://", 3);
    size_t scheme_size = scheme_end == NULL ? 0 : (size_t) (scheme_end - url) + 3;
    size_t authority_size = strcspn(url + scheme_size, "/?#");
    const char *user_end = memrchr(url + scheme_size, '@', authority_size);
    const char *rest = user_end == NULL ? url + scheme_size : user_end + 1;
    return arena_printf(arena, "%.*s%.*s", (int) scheme_size, url, (int) (url + size - rest), rest);
}
