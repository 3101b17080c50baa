#pragma once

/*
 * Keys and values of records as people want to see them: Avro through the registry as JSON, JSON as
 * it is, text as text, anything else as base64. For one thread.
 */

#include "app/workspace.h"
#include "base/buffer.h"

struct record_view;

enum view_form {
    VIEW_NULL,   /* nothing was appended */
    VIEW_JSON,   /* one line of JSON */
    VIEW_TEXT,   /* a JSON string of the text */
    VIEW_BASE64, /* a JSON string of the bytes in base64 */
};

/* Borrows the workspace, whose registry it opens with the first Avro value. */
struct record_view *record_view_new(struct workspace *workspace);
void record_view_free(struct record_view *view); /* NULL is fine */

/* Appends JSON. `plain`: text that happens to be JSON, such as a key 4711, stays text. */
enum view_form
record_view_append(struct record_view *view, struct slice bytes, bool plain, struct buffer *target);

/* Why the first value that looked like Avro could not be shown as such; "" if none. */
const char *record_view_failure(const struct record_view *view);
