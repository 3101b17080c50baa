#pragma once

/*
 * Fictional users in the form of the randomuser.me API, version 1.4: what was asked, and the text
 * of the reply. The same seed and page give the same users, byte for byte but for ages, which count
 * to the time of asking. Names and places are of our own making (data/).
 */

#include "base/buffer.h"
#include "base/error.h"
#include "connectors/generate/user.h"
#include "http/url.h"

#include <stdbool.h>
#include <stdint.h>

#define RANDOMUSER_RESULTS_MAX 5000
#define RANDOMUSER_PAGE_MAX    10000
#define RANDOMUSER_SEED_BYTES  256 /* of a given seed; a longer one counts with its first bytes */

enum randomuser_format {
    FORMAT_JSON,
    FORMAT_PRETTY,
    FORMAT_CSV
};

struct randomuser_query {
    unsigned results;
    unsigned page;
    char seed[RANDOMUSER_SEED_BYTES + 1];
    int gender;               /* 0 male, 1 female, -1 either */
    uint32_t nationality_set; /* a bit each */
    unsigned fields;          /* a bit each, enum user_field */
    enum randomuser_format format;
    bool without_info;
    const char *version;  /* "1.4" */
    const char *callback; /* NULL: no JSONP */
};

/* Reads a request's parameters. As the service does, it takes the default for what it cannot read;
 * only the formats yaml and xml, which the service has and this does not, are STATUS_USAGE. A seed
 * that is not given is drawn. `version` and the pairs must outlive the query. */
MUST_USE enum status randomuser_query_read(const struct http_pair *pairs,
                                           size_t count,
                                           const char *version,
                                           struct randomuser_query *ret_query,
                                           struct error *error);

/* Appends the whole reply. `now_us` is the time that ages count to. */
void randomuser_write(const struct randomuser_query *query,
                      struct user_maker *maker,
                      int64_t now_us,
                      struct buffer *target);

/* Appends the reply with no users in it. */
void randomuser_write_empty(const struct randomuser_query *query,
                            unsigned claimed_results,
                            struct buffer *target);

/* "application/json" or "text/csv". */
const char *randomuser_content_type(const struct randomuser_query *query);
