#pragma once

/* What the files of this folder share: the settings, the place in the paging, and a request. */

#include "base/arena.h"
#include "base/settings.h"
#include "connect/record_text.h"
#include "connect/source.h"
#include "http/client.h"

struct http_expect_settings {
    const char *count;
    int64_t records_min;
};

enum next_by {
    NEXT_PAGE,
    NEXT_OFFSET,
    NEXT_CURSOR,
    NEXT_LINK,
    NEXT_URL,
};

struct http_next_settings {
    const char *param;
    int by;        /* enum next_by */
    int64_t start; /* -1: 1 for pages, 0 for offsets */
    const char *path;
    const char *header;
    const char *more;
};

enum window_format {
    WINDOW_ISO,
    WINDOW_DATE,
    WINDOW_SECONDS,
    WINDOW_MILLISECONDS,
};

struct http_window_settings {
    const char *from;
    const char *to;
    const char *start;
    int64_t step_us;
    int64_t lag_us;
    int format; /* enum window_format */
};

struct http_timeout_settings {
    int64_t connect_us;
    int64_t first_byte_us;
    int64_t idle_us;
    int64_t total_us;
};

struct http_tls_settings {
    const char *ca;
    const char *certificate;
    const char *key;
    bool verify;
};

struct http_settings {
    const char *url;
    int method; /* index into http_methods */
    struct setting_pairs params;
    struct setting_pairs headers;
    const char *body;
    const char *token;
    const char *user;
    const char *password;
    int format; /* enum record_format */
    const char *records;
    struct http_expect_settings *expect;
    const char *fail_if;
    struct http_next_settings *next;
    struct http_window_settings *window;
    struct http_timeout_settings *timeouts;
    struct http_tls_settings *tls;
    const char *proxy;
    int64_t body_bytes_max;
    int64_t inflated_bytes_max;
    int64_t depth_max;
    int64_t redirects_max;
    bool refuse_private;
    struct setting_strings allow_hosts;
};

extern const char *const http_methods[];

/* Where the paging stands. As a cursor it is a small JSON object of what is not empty:
 *     {"page":3}  {"offset":500}  {"cursor":"abc"}  {"url":"https://..."}
 *     {"from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z","page":2}  {"etag":"\"x\""} */
struct http_place {
    int64_t number;   /* page or offset */
    const char *text; /* cursor or URL; NULL: the first page */
    int64_t from_us;  /* time window; both 0: none */
    int64_t to_us;
    const char *etag; /* of the last answer, where each tick asks for the same thing */
    const char *modified;
};

/* The first place. */
struct http_place http_place_first(const struct http_settings *settings);

/* Reads a cursor; NULL is the first place. STATUS_CORRUPT if it is none of ours. */
enum status http_place_read(const struct http_settings *settings,
                            const char *cursor,
                            struct arena *arena,
                            struct http_place *ret_place,
                            struct error *error);

const char *http_place_write(const struct http_settings *settings,
                             const struct http_place *place,
                             struct arena *arena);

/* For people: "page 3", "offset 500", "the first page". */
const char *http_place_name(const struct http_settings *settings,
                            const struct http_place *place,
                            struct arena *arena);

/* Sets the window that `place` is in, within (request's interval or now - lag). False: there is no
 * complete one yet. */
bool http_window_fix(const struct http_settings *settings,
                     const struct source_request *request,
                     struct http_place *place);

/* The request for a place; memory in the arena. */
enum status http_request_make(const struct http_settings *settings,
                              const struct source_request *source_request,
                              const struct http_place *place,
                              struct arena *arena,
                              struct http_request *ret_request,
                              struct error *error);

/* Is the answer usable? Else an error, retriable or not, with `*ret_retry_after_us` from the peer.
 * `*ret_empty`: it says in its status that there is nothing (204, 304). */
enum status http_answer_check(const struct http_settings *settings,
                              const struct http_reply *reply,
                              bool *ret_empty,
                              int64_t *ret_retry_after_us,
                              struct error *error);

/* The `fail_if` value and the announced count. */
enum status http_answer_check_body(const struct http_settings *settings,
                                   const struct json_document *document,
                                   size_t record_count,
                                   struct arena *arena,
                                   struct error *error);

/* The records of a good answer into `page`, whose place names the page; both checks of the body are
 * made. What cannot be read as a whole is STATUS_UNAVAILABLE: it is asked for again. The page
 * borrows from the reply and the document. */
enum status http_answer_read(const struct http_settings *settings,
                             const struct http_reply *reply,
                             struct json_document *document,
                             struct arena *arena,
                             struct source_page *page,
                             struct error *error);

/* How it goes on behind a page of `count` records: the next place, or `*ret_end`. */
enum status http_place_next(const struct http_settings *settings,
                            const struct http_place *place,
                            const struct http_reply *reply,
                            const struct json_document *document,
                            size_t count,
                            struct arena *arena,
                            struct http_place *ret_next,
                            bool *ret_end,
                            struct error *error);

/* The URL of rel="next" in a Link header (RFC 8288), or NULL. */
const char *http_link_next(const char *header, struct arena *arena);

/* `reference` as seen from `base` (RFC 3986, section 5, without dot segments). */
const char *http_url_join(const char *base, const char *reference, struct arena *arena);

/* "https://host:port" of a URL, for comparing. */
struct slice http_url_origin(const char *url);
