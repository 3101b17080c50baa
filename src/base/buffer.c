#include "base/buffer.h"

#include "base/assert.h"
#include "base/memory.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>

void buffer_init(struct buffer *buffer)
{
    *buffer = BUFFER_INIT;
}

void buffer_deinit(struct buffer *buffer)
{
    mem_free(buffer->data);
    *buffer = BUFFER_INIT;
}

void buffer_clear(struct buffer *buffer)
{
    buffer->size = 0;
}

uint8_t *buffer_reserve(struct buffer *buffer, size_t size)
{
    ASSERT(size <= SIZE_MAX / 4 && buffer->size <= SIZE_MAX / 4);
    size_t needed = buffer->size + size;
    if (needed > buffer->capacity) {
        size_t capacity = buffer->capacity == 0 ? 64 : buffer->capacity * 2;
        if (capacity < needed) {
            capacity = needed;
        }
        buffer->data = mem_realloc(buffer->data, capacity);
        buffer->capacity = capacity;
    }
    return buffer->data + buffer->size;
}

void buffer_append(struct buffer *buffer, const void *data, size_t size)
{
    if (size > 0) {
        memcpy(buffer_reserve(buffer, size), data, size);
        buffer->size += size;
    }
}

void buffer_append_slice(struct buffer *buffer, struct slice bytes)
{
    buffer_append(buffer, bytes.data, bytes.size);
}

void buffer_append_string(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void buffer_append_byte(struct buffer *buffer, uint8_t byte)
{
    *buffer_reserve(buffer, 1) = byte;
    buffer->size++;
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_list again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    ASSERT(length >= 0);
    char *target = (char *) buffer_reserve(buffer, (size_t) length + 1);
    (void) vsnprintf(target, (size_t) length + 1, format, again);
    buffer->size += (size_t) length;
    va_end(again);
    va_end(arguments);
}

static void append_be(struct buffer *buffer, uint64_t value, unsigned bytes)
{
    uint8_t *target = buffer_reserve(buffer, bytes);
    for (unsigned i = 0; i < bytes; i++) {
        target[i] = (uint8_t) (value >> (8 * (bytes - 1 - i)));
    }
    buffer->size += bytes;
}

void buffer_append_be16(struct buffer *buffer, uint16_t value)
{
    append_be(buffer, value, 2);
}

void buffer_append_be32(struct buffer *buffer, uint32_t value)
{
    append_be(buffer, value, 4);
}

void buffer_append_be64(struct buffer *buffer, uint64_t value)
{
    append_be(buffer, value, 8);
}

void buffer_append_varint(struct buffer *buffer, uint64_t value)
{
    uint8_t *target = buffer_reserve(buffer, 10);
    size_t count = 0;
    while (value >= 0x80) {
        target[count++] = (uint8_t) (value | 0x80);
        value >>= 7;
    }
    target[count++] = (uint8_t) value;
    buffer->size += count;
}

void buffer_append_zigzag(struct buffer *buffer, int64_t value)
{
    buffer_append_varint(buffer, ((uint64_t) value << 1) ^ (uint64_t) (value >> 63));
}

static bool json_plain(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\' && byte != 0x7f;
}

static void append_json_escape(struct buffer *buffer, uint8_t byte)
{
    static const char short_forms[] = "\b\t\n\f\r\"\\";
    static const char letters[] = "btnfr\"\\";
    const char *found = byte == 0 ? NULL : strchr(short_forms, byte);
    if (found != NULL) {
        buffer_append_byte(buffer, '\\');
        buffer_append_byte(buffer, (uint8_t) letters[found - short_forms]);
    } else {
        buffer_printf(buffer, "\\u%04x", byte);
    }
}

void buffer_append_json(struct buffer *buffer, struct slice text)
{
    buffer_append_byte(buffer, '"');
    for (size_t i = 0; i < text.size;) {
        size_t start = i;
        while (i < text.size && json_plain(text.data[i])) {
            i++;
        }
        buffer_append(buffer, text.data + start, i - start);
        if (i == text.size) {
            break;
        }
        if (text.data[i] < 0x80) {
            append_json_escape(buffer, text.data[i++]);
            continue;
        }
        uint32_t code_point;
        size_t length = utf8_decode(text.data + i, text.size - i, &code_point);
        if (length == 0) {
            buffer_append_string(buffer, "\xef\xbf\xbd");
            i++;
        } else {
            buffer_append(buffer, text.data + i, length);
            i += length;
        }
    }
    buffer_append_byte(buffer, '"');
}

struct slice buffer_slice(const struct buffer *buffer)
{
    return slice_of(buffer->data, buffer->size);
}

const char *buffer_string(struct buffer *buffer)
{
    *buffer_reserve(buffer, 1) = '\0';
    return (const char *) buffer->data;
}
