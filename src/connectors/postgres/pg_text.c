#include "connectors/postgres/pg_text.h"

#include "base/hash.h"
#include "base/utf8.h"

#define INDEX_BYTES_MAX 1024 /* of a key that is kept whole */
#define INDEX_KEPT      900

static const uint8_t sign[] = {0xe2, 0x90, 0x80}; /* U+2400 */

static bool is_sign(struct slice text, size_t at)
{
    return at + sizeof(sign) <= text.size && memcmp(text.data + at, sign, sizeof(sign)) == 0;
}

bool pg_text_is_plain(struct slice text)
{
    return text.size == 0 || (memchr(text.data, 0, text.size) == NULL &&
                              memmem(text.data, text.size, sign, sizeof(sign)) == NULL &&
                              utf8_valid(text.data, text.size));
}

static void append_sign(struct buffer *target)
{
    buffer_append(target, sign, sizeof(sign));
}

void pg_text_write(struct slice text, struct buffer *target)
{
    if (pg_text_is_plain(text)) {
        buffer_append_slice(target, text);
        return;
    }
    for (size_t i = 0; i < text.size;) {
        uint32_t code_point;
        size_t size = utf8_decode(text.data + i, text.size - i, &code_point);
        if (size == 0) {
            append_sign(target);
            buffer_printf(target, "x%02x", text.data[i]);
            size = 1;
        } else if (text.data[i] == 0) {
            append_sign(target);
            buffer_append_byte(target, '0');
        } else {
            if (is_sign(text, i)) {
                append_sign(target);
            }
            buffer_append(target, text.data + i, size);
        }
        i += size;
    }
}

static int hex_value(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What follows a sign; returns its bytes. Anything that is not ours stays as it is. */
static size_t read_sign(struct slice text, size_t at, struct buffer *target)
{
    size_t left = text.size - at;
    if (left >= 1 && text.data[at] == '0') {
        buffer_append_byte(target, 0);
        return 1;
    }
    if (left >= 3 && text.data[at] == 'x' && hex_value(text.data[at + 1]) >= 0 &&
        hex_value(text.data[at + 2]) >= 0) {
        int byte = hex_value(text.data[at + 1]) << 4 | hex_value(text.data[at + 2]);
        buffer_append_byte(target, (uint8_t) byte);
        return 3;
    }
    append_sign(target);
    return is_sign(text, at) ? sizeof(sign) : 0;
}

void pg_text_read(struct slice text, struct buffer *target)
{
    for (size_t i = 0; i < text.size;) {
        const uint8_t *next = memmem(text.data + i, text.size - i, sign, sizeof(sign));
        size_t end = next == NULL ? text.size : (size_t) (next - text.data);
        buffer_append(target, text.data + i, end - i);
        i = end;
        if (next != NULL) {
            i += sizeof(sign);
            i += read_sign(text, i, target);
        }
    }
}

/* ---- JSON --------------------------------------------------------------------------------------
 */

void pg_json_write(struct slice text, struct buffer *target)
{
    static const char escaped[] = "\\u0000";
    bool has_sign = memmem(text.data, text.size, sign, sizeof(sign)) != NULL;
    if (!has_sign && memmem(text.data, text.size, escaped, 6) == NULL) {
        buffer_append_slice(target, text);
        return;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\\' && i + 1 < text.size) {
            if (i + 6 <= text.size && memcmp(text.data + i, escaped, 6) == 0) {
                append_sign(target);
                buffer_append_byte(target, '0');
                i += 5;
                continue;
            }
            buffer_append(target, text.data + i, 2); /* an escaped backslash among others */
            i++;
            continue;
        }
        if (is_sign(text, i)) {
            append_sign(target);
        }
        buffer_append_byte(target, text.data[i]);
    }
}

void pg_json_read(struct slice text, struct buffer *target)
{
    for (size_t i = 0; i < text.size;) {
        const uint8_t *next = memmem(text.data + i, text.size - i, sign, sizeof(sign));
        size_t end = next == NULL ? text.size : (size_t) (next - text.data);
        buffer_append(target, text.data + i, end - i);
        i = end;
        if (next == NULL) {
            continue;
        }
        i += sizeof(sign);
        if (i < text.size && text.data[i] == '0') {
            buffer_append_string(target, "\\u0000");
            i++;
        } else {
            append_sign(target);
            i += is_sign(text, i) ? sizeof(sign) : 0;
        }
    }
}

/* ---- keys of indexes ---------------------------------------------------------------------------
 */

static void append_hash(struct slice bytes, struct buffer *target)
{
    uint8_t hash[16];
    hash128(bytes, hash);
    for (size_t i = 0; i < sizeof(hash); i++) {
        buffer_printf(target, "%02x", hash[i]);
    }
}

void pg_index_text_write(struct slice text, struct buffer *target)
{
    if (text.size <= INDEX_BYTES_MAX / 6) { /* a byte becomes six at most */
        pg_text_write(text, target);
        return;
    }
    struct buffer whole CLEANUP(buffer_deinit) = BUFFER_INIT;
    pg_text_write(text, &whole);
    if (whole.size <= INDEX_BYTES_MAX) {
        buffer_append_slice(target, buffer_slice(&whole));
        return;
    }
    size_t kept = INDEX_KEPT;
    while ((whole.data[kept] & 0xc0) == 0x80) {
        kept--;
    }
    buffer_append(target, whole.data, kept);
    append_sign(target);
    buffer_append_byte(target, '#');
    append_hash(text, target);
}

void pg_index_bytes_write(struct slice bytes, struct buffer *target)
{
    if (bytes.size <= INDEX_BYTES_MAX) {
        buffer_append_slice(target, bytes);
        return;
    }
    buffer_append(target, bytes.data, INDEX_KEPT);
    append_hash(bytes, target);
}
