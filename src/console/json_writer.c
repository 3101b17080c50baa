#include "console/json_writer.h"

#include <inttypes.h>
#include <math.h>

static void begin(struct json_writer *json, const char *key)
{
    if (json->follows) {
        buffer_append_byte(json->target, ',');
    }
    json->follows = true;
    if (key != NULL) {
        buffer_append_json(json->target, slice_of_string(key));
        buffer_append_byte(json->target, ':');
    }
}

void json_writer_open(struct json_writer *json, const char *key, char bracket)
{
    begin(json, key);
    buffer_append_byte(json->target, (uint8_t) bracket);
    json->follows = false;
}

void json_writer_close(struct json_writer *json, char bracket)
{
    buffer_append_byte(json->target, (uint8_t) bracket);
    json->follows = true;
}

void json_writer_bytes(struct json_writer *json, const char *key, struct slice value)
{
    begin(json, key);
    buffer_append_json(json->target, value);
}

void json_writer_text(struct json_writer *json, const char *key, const char *value)
{
    if (value == NULL) {
        json_writer_null(json, key);
    } else {
        json_writer_bytes(json, key, slice_of_string(value));
    }
}

void json_writer_int(struct json_writer *json, const char *key, int64_t value)
{
    begin(json, key);
    buffer_printf(json->target, "%" PRId64, value);
}

void json_writer_bool(struct json_writer *json, const char *key, bool value)
{
    begin(json, key);
    buffer_append_string(json->target, value ? "true" : "false");
}

void json_writer_null(struct json_writer *json, const char *key)
{
    begin(json, key);
    buffer_append_string(json->target, "null");
}

void json_writer_double(struct json_writer *json, const char *key, double value)
{
    begin(json, key);
    if (isfinite(value)) {
        buffer_printf(json->target, "%.7g", value);
    } else {
        buffer_append_string(json->target, "null");
    }
}

void json_writer_raw(struct json_writer *json, const char *key, struct slice value)
{
    begin(json, key);
    buffer_append_slice(json->target, value);
}
