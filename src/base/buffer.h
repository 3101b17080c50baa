#pragma once

/* A growable run of bytes on the heap, with the writers that protocols need. */

#include "base/attr.h"
#include "base/slice.h"

#include <stddef.h>
#include <stdint.h>

struct buffer {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

#define BUFFER_INIT ((struct buffer){0})

void buffer_init(struct buffer *buffer);
void buffer_deinit(struct buffer *buffer); /* fine with CLEANUP(buffer_deinit) */
void buffer_clear(struct buffer *buffer);  /* keeps the memory */

/* Room for `size` more bytes; returns where they go. The caller then adds to buffer->size. */
uint8_t *buffer_reserve(struct buffer *buffer, size_t size);

void buffer_append(struct buffer *buffer, const void *data, size_t size);
void buffer_append_slice(struct buffer *buffer, struct slice bytes);
void buffer_append_string(struct buffer *buffer, const char *text);
void buffer_append_byte(struct buffer *buffer, uint8_t byte);
void buffer_printf(struct buffer *buffer, const char *format, ...) PRINTF(2, 3);

/* Big-endian integers. */
void buffer_append_be16(struct buffer *buffer, uint16_t value);
void buffer_append_be32(struct buffer *buffer, uint32_t value);
void buffer_append_be64(struct buffer *buffer, uint64_t value);

/* Base-128, least significant group first: plain, and zig-zag for signed (protobuf, Kafka, Avro).
 */
void buffer_append_varint(struct buffer *buffer, uint64_t value);
void buffer_append_zigzag(struct buffer *buffer, int64_t value);

/* A JSON string with quotes, escaped; invalid UTF-8 becomes U+FFFD. */
void buffer_append_json(struct buffer *buffer, struct slice text);

/* The bytes so far; borrowed until the next change. */
struct slice buffer_slice(const struct buffer *buffer);

/* NUL-terminated text of what is in it; borrowed until the next change. */
const char *buffer_string(struct buffer *buffer);
