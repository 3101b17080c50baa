#pragma once

/*
 * A JSON reader for the hot path: RFC 8259, UTF-8 checked, one pass into a flat tape. Numbers keep
 * their text (nothing is rounded before a type asks for it). Duplicate keys: the last wins on
 * look-up. Limits on depth and size are the caller's. Names keep clear of jansson's (json_string,
 * JSON_NULL), as both may be included together.
 *
 * A document borrows the text it was parsed from. Reuse a document for many texts: its tape grows
 * to what is needed and stays.
 */

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum json_kind {
    JSON_KIND_NULL,
    JSON_KIND_FALSE,
    JSON_KIND_TRUE,
    JSON_KIND_NUMBER,
    JSON_KIND_STRING,
    JSON_KIND_ARRAY,
    JSON_KIND_OBJECT,
};

/* One value of the tape. Objects hold name, value, name, value, ... right behind themselves. */
struct json_value {
    uint8_t kind;
    uint8_t flags; /* JSON_ESCAPED: a string with escapes; JSON_INTEGRAL: a number without . or e */
    uint32_t count; /* ARRAY: elements; OBJECT: members */
    uint32_t next;  /* tape index behind this value */
    uint32_t start; /* of the text: inside the quotes for strings */
    uint32_t size;  /* of the text; of the whole {...} or [...] for nested ones */
};

enum {
    JSON_ESCAPED = 1,
    JSON_INTEGRAL = 2
};

struct json_document {
    struct slice text;
    struct json_value *tape;
    uint32_t tape_size;
    uint32_t tape_capacity;
};

void json_document_init(struct json_document *document);
void json_document_deinit(struct json_document *document);

/* Parses exactly one value with white space around it; the root is tape index 0. Texts up to 2 GiB.
 * STATUS_DATA with line and column of the fault; `depth_max` 0 takes 128. */
MUST_USE enum status json_parse(struct json_document *document,
                                struct slice text,
                                uint32_t depth_max,
                                struct error *error);

/* Parses the first value of `text`, white space before it included, and says where it ended: for
 * JSON lines and concatenations. White space alone is an error: skip it to see whether more comes.
 */
MUST_USE enum status json_parse_prefix(struct json_document *document,
                                       struct slice text,
                                       uint32_t depth_max,
                                       size_t *ret_size,
                                       struct error *error);

static inline const struct json_value *json_at(const struct json_document *document, uint32_t index)
{
    return &document->tape[index];
}

/* The raw text of a value, quotes included. */
struct slice json_raw(const struct json_document *document, uint32_t index);

/* A string's value; unescaped into the arena only if it has escapes. A \u escape that is half of a
 * surrogate pair becomes U+FFFD: the value is always valid UTF-8. */
struct slice json_text(const struct json_document *document, uint32_t index, struct arena *arena);

/* Tape index of a member's value, or UINT32_MAX. */
uint32_t json_member(const struct json_document *document, uint32_t object, struct slice name);

/* Follows "a.b.0.c" (names, or indices into arrays); an empty path is the value itself. Names with
 * dots can be quoted: a."b.c". UINT32_MAX if it leads nowhere. */
uint32_t json_path(const struct json_document *document, uint32_t index, const char *path);

/* A number as int64; false if it is not a number, has a point or an exponent, or does not fit. */
bool json_int64(const struct json_document *document, uint32_t index, int64_t *ret_value);
/* The nearest double; infinite if out of range. */
double json_double(const struct json_document *document, uint32_t index);

/* Appends a canonical form: members sorted by name, no white space, shortest escapes, numbers as
 * they came. The same for equal values; used for content hashes. Members whose dotted path is in
 * `skip_paths` are left out (ignore_changes). */
void json_canonical(const struct json_document *document,
                    uint32_t index,
                    const char *const *skip_paths,
                    size_t skip_count,
                    struct buffer *target);
