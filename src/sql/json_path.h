#pragma once

/* Paths of get_json_object: $ then .name, ['name'], [n], [*], .* */

#include "codec/json.h"

#define JSON_PATH_STEPS 64

struct json_path_step {
    enum {
        JSON_STEP_NAME,
        JSON_STEP_INDEX,
        JSON_STEP_ANY
    } kind;
    struct slice name;
    uint32_t index;
};

struct json_path {
    uint32_t count;
    struct json_path_step steps[JSON_PATH_STEPS];
};

/* Borrows the text. False if it is no path. */
bool json_path_parse(struct slice text, struct json_path *path);

/* What the path finds, as text; false if nothing, or null. Several finds are an array. */
bool json_path_get(const struct json_document *document,
                   const struct json_path *path,
                   struct arena *arena,
                   struct slice *ret_text);
