#pragma once

/*
 * JSON written straight into a buffer. Commas come by themselves; what is opened must be closed.
 * Text is sanitised (invalid UTF-8 becomes U+FFFD), so that no name can break a reply.
 *
 *     struct json_writer json = {.target = &buffer};
 *     json_writer_open(&json, NULL, '{');
 *     json_writer_int(&json, "accepted", 12);
 *     json_writer_close(&json, '}');
 *
 * `key` is NULL within arrays and at the top.
 */

#include "base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

struct json_writer {
    struct buffer *target;
    bool follows; /* a value stands before this one in its object or array */
};

void json_writer_open(struct json_writer *json, const char *key, char bracket);
void json_writer_close(struct json_writer *json, char bracket);
void json_writer_text(struct json_writer *json,
                      const char *key,
                      const char *value); /* NULL: null */
void json_writer_bytes(struct json_writer *json, const char *key, struct slice value);
void json_writer_int(struct json_writer *json, const char *key, int64_t value);
/* Seven digits; what is no number is null. */
void json_writer_double(struct json_writer *json, const char *key, double value);
void json_writer_bool(struct json_writer *json, const char *key, bool value);
void json_writer_null(struct json_writer *json, const char *key);
void json_writer_raw(struct json_writer *json, const char *key, struct slice value); /* is JSON */
