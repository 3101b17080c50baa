#pragma once

/* Pieces of a URL (RFC 3986; queries as in application/x-www-form-urlencoded). */

#include "base/arena.h"
#include "base/buffer.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

/* A name and its value; of headers, queries and path parameters. */
struct http_pair {
    const char *name;
    const char *value;
};

enum url_decoding {
    URL_PATH,  /* "+" is itself; a malformed escape is refused       */
    URL_QUERY, /* "+" is a blank; a malformed escape stays as it is  */
};

/* The decoded text in `arena`, NUL-terminated; NULL if it is refused, as %00 always is. */
char *url_decode(struct slice text, enum url_decoding decoding, struct arena *arena);

/* Appends `text` with everything escaped but letters, digits and "-._~". */
void url_encode(struct buffer *target, struct slice text);

/* Splits and decodes "a=1&b&c=x+y" in its order; at most `max` pairs. Returns false if there are
 * more or one is refused. */
bool url_query_parse(const char *query,
                     size_t max,
                     struct arena *arena,
                     const struct http_pair **ret_pairs,
                     size_t *ret_count);

/* "https://user:key@host:1/path?token=1#x" as "https://host:1/path", for messages: what is left out
 * may be secret. */
char *url_without_secrets(const char *url, struct arena *arena);
