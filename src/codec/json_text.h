#pragma once

/* What the other parts of codec/ need of JSON strings, numbers and paths; not for other folders. */

#include "codec/json.h"

/* Writes the value of a string's raw text (a valid one, without quotes); never longer than it. */
size_t json_unescape(struct slice raw, uint8_t *target);

/* Is the string at `index` this text? */
bool json_text_is(const struct json_document *document, uint32_t index, struct slice wanted);

/* Takes the first segment off a dotted path; returns the rest. */
const char *json_path_step(const char *path, struct slice *ret_segment);

/* The double nearest to a number's text, whatever the locale. */
double json_number_double(struct slice text);

/* Where in a document a reader is: a chain on the stack of its functions, read only on failure. */
struct json_place {
    const struct json_place *above;
    struct slice name; /* data NULL: element `index` of an array */
    uint32_t index;
};

/* Writes the dotted path, cut if it is too long. */
void json_place_write(const struct json_place *place, char *target, size_t size);
