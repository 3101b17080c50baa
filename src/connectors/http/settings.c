#include "connectors/http/http_internal.h"
#include "connectors/http/http_source.h"

#include <stddef.h>

const char *const http_methods[] = {"GET", "POST", "PUT", NULL};
static const char *const next_names[] = {"page", "offset", "cursor", "link", "url", NULL};
static const char *const window_formats[] = {"iso", "date", "seconds", "milliseconds", NULL};

#define ROW(type, field, ...)                                                                      \
    {                                                                                              \
        .offset = offsetof(struct type, field), __VA_ARGS__                                        \
    }
#define TABLE(table_rows, type, table_name, table_help)                                            \
    {                                                                                              \
        .name = (table_name), .help = (table_help), .rows = (table_rows),                          \
        .count = ARRAY_SIZE(table_rows), .struct_size = sizeof(struct type),                       \
    }

/* clang-format off */
static const struct setting expect_rows[] = {
    ROW(http_expect_settings, count, .name = "count", .type = SETTING_STRING,
        .help = "Path to the number of records that the answer announces, such as `info.results`. "
                "Fewer than that is a fault, and the page is asked again."),
    ROW(http_expect_settings, records_min, .name = "records_min", .type = SETTING_INT,
        .default_text = "0", .min = 0, .max = 1000000000,
        .help = "The fewest records that a page may have; fewer is a fault. For APIs that are never "
                "empty."),
};
static const struct settings_table expect_table =
    TABLE(expect_rows, http_expect_settings, "expect", "What a good answer holds.");

static const struct setting next_rows[] = {
    ROW(http_next_settings, param, .name = "param", .type = SETTING_STRING,
        .help = "Name of the query parameter that carries the page number, offset or cursor."),
    ROW(http_next_settings, by, .name = "by", .type = SETTING_CHOICE, .default_text = "page",
        .choices = next_names,
        .help = "How the next page is asked for: `page` counts pages, `offset` counts records, "
                "`cursor` takes a value from the answer (`path` or `header`), `link` follows the "
                "Link header with rel=\"next\", `url` follows a URL in the answer (`path`). Pages "
                "and offsets end at an empty page, never at a short one."),
    ROW(http_next_settings, start, .name = "start", .type = SETTING_INT, .default_text = "-1",
        .min = -1, .max = 1000000000000,
        .help = "The first page number or offset; -1 stands for 1 with pages and 0 with offsets."),
    ROW(http_next_settings, path, .name = "path", .type = SETTING_STRING,
        .help = "With `cursor` and `url`: path to it in the answer, such as `meta.next`. Absent, "
                "null or empty is the end."),
    ROW(http_next_settings, header, .name = "header", .type = SETTING_STRING,
        .help = "With `cursor`: the response header that carries it."),
    ROW(http_next_settings, more, .name = "more", .type = SETTING_STRING,
        .help = "Path to a flag in the answer that is false on the last page, such as `has_more`."),
};
static const struct settings_table next_table =
    TABLE(next_rows, http_next_settings, "next", "How the next page is asked for.");

static const struct setting window_rows[] = {
    ROW(http_window_settings, from, .name = "from", .type = SETTING_STRING,
        .flags = SETTING_REQUIRED, .help = "Query parameter for the start of the time window."),
    ROW(http_window_settings, to, .name = "to", .type = SETTING_STRING,
        .help = "Query parameter for its end, which does not belong to it."),
    ROW(http_window_settings, start, .name = "start", .type = SETTING_STRING,
        .flags = SETTING_REQUIRED, .help = "Where the first window begins, such as `2026-01-01`."),
    ROW(http_window_settings, step_us, .name = "step", .type = SETTING_DURATION,
        .default_text = "1 day", .min = 1000000, .max = INT64_MAX,
        .help = "Length of a window. A window is only asked for when it is over."),
    ROW(http_window_settings, lag_us, .name = "lag", .type = SETTING_DURATION, .default_text = "0s",
        .help = "How long after its end a window is taken for complete."),
    ROW(http_window_settings, format, .name = "format", .type = SETTING_CHOICE,
        .default_text = "iso", .choices = window_formats,
        .help = "How times are written: `iso` 2026-01-01T00:00:00Z, `date` 2026-01-01, `seconds` or "
                "`milliseconds` since 1970."),
};
static const struct settings_table window_table =
    TABLE(window_rows, http_window_settings, "window",
          "Time windows: each is asked for once, page by page, and then the next.");

static const struct setting timeout_rows[] = {
    ROW(http_timeout_settings, connect_us, .name = "connect", .type = SETTING_DURATION,
        .default_text = "10s", .help = "Resolving, connecting and TLS together."),
    ROW(http_timeout_settings, first_byte_us, .name = "first_byte", .type = SETTING_DURATION,
        .default_text = "60s", .help = "From the request sent to the first byte of the answer."),
    ROW(http_timeout_settings, idle_us, .name = "idle", .type = SETTING_DURATION,
        .default_text = "30s", .help = "Between two pieces of the answer."),
    ROW(http_timeout_settings, total_us, .name = "total", .type = SETTING_DURATION,
        .default_text = "10 min", .help = "Of the whole request, redirects included."),
};
static const struct settings_table timeout_table =
    TABLE(timeout_rows, http_timeout_settings, "timeouts", "How long to wait; 0 is for ever.");

static const struct setting tls_rows[] = {
    ROW(http_tls_settings, ca, .name = "ca", .type = SETTING_STRING,
        .help = "File with the certificates to trust (PEM), in place of the system's."),
    ROW(http_tls_settings, certificate, .name = "certificate", .type = SETTING_STRING,
        .help = "File with our own certificate (PEM), for servers that ask for one."),
    ROW(http_tls_settings, key, .name = "key", .type = SETTING_STRING,
        .help = "File with its private key (PEM)."),
    ROW(http_tls_settings, verify, .name = "verify", .type = SETTING_BOOL, .default_text = "true",
        .help = "`false` takes any certificate: for tests only."),
};
static const struct settings_table tls_table =
    TABLE(tls_rows, http_tls_settings, "tls", "Certificates of https.");

static const struct setting http_rows[] = {
    ROW(http_settings, url, .name = "url", .type = SETTING_STRING, .flags = SETTING_REQUIRED,
        .help = "The address, http or https. `${interval.start}` and `${interval.end}` stand for "
                "the interval that is asked for, here, in `params`, `headers` and `body`."),
    ROW(http_settings, method, .name = "method", .type = SETTING_CHOICE, .default_text = "GET",
        .choices = http_methods, .help = "The method. A request is repeated after a failure."),
    ROW(http_settings, params, .name = "params", .type = SETTING_PAIRS,
        .help = "Query parameters; they are escaped as needed."),
    ROW(http_settings, headers, .name = "headers", .type = SETTING_PAIRS, .flags = SETTING_SECRET,
        .help = "Request headers, such as `Authorization: \"Bearer ${secret:api_token}\"`. They go "
                "to no other host."),
    ROW(http_settings, body, .name = "body", .type = SETTING_STRING,
        .help = "The request's body; JSON unless a Content-Type header says otherwise."),
    ROW(http_settings, token, .name = "token", .type = SETTING_STRING, .flags = SETTING_SECRET,
        .help = "A bearer token for the Authorization header."),
    ROW(http_settings, user, .name = "user", .type = SETTING_STRING,
        .help = "User name of HTTP basic authentication."),
    ROW(http_settings, password, .name = "password", .type = SETTING_STRING,
        .flags = SETTING_SECRET, .help = "Its password."),
    ROW(http_settings, format, .name = "format", .type = SETTING_CHOICE, .default_text = "json",
        .choices = record_format_names,
        .help = "What the answer is: `json` one document, `lines` a JSON value a line, `csv` with a "
                "header line (all values are strings)."),
    ROW(http_settings, records, .name = "records", .type = SETTING_STRING,
        .help = "Path to the array of records, such as `results`; absent: the document itself. An "
                "object there is one record."),
    ROW(http_settings, expect, .name = "expect", .type = SETTING_SECTION, .section = &expect_table,
        .help = "What a good answer holds."),
    ROW(http_settings, fail_if, .name = "fail_if", .type = SETTING_STRING, .default_text = "error",
        .help = "Path to a value that says that the answer is a failure in spite of its status, "
                "unless it is null, false or empty. `\"\"`: there is none."),
    ROW(http_settings, next, .name = "next", .type = SETTING_SECTION, .flags = SETTING_SCALAR_OK,
        .section = &next_table,
        .help = "How the next page is asked for; absent: there is one page."),
    ROW(http_settings, window, .name = "window", .type = SETTING_SECTION, .section = &window_table,
        .help = "Time windows to go through."),
    ROW(http_settings, timeouts, .name = "timeouts", .type = SETTING_SECTION,
        .section = &timeout_table, .help = "How long to wait."),
    ROW(http_settings, tls, .name = "tls", .type = SETTING_SECTION, .section = &tls_table,
        .help = "Certificates of https."),
    ROW(http_settings, proxy, .name = "proxy", .type = SETTING_STRING,
        .help = "`http://host:port` of a proxy. The environment is not looked at."),
    ROW(http_settings, body_bytes_max, .name = "body_max", .type = SETTING_BYTES,
        .default_text = "64 MiB", .min = 1024, .max = INT64_C(1) << 31,
        .help = "A larger answer is refused, as it comes over the wire."),
    ROW(http_settings, inflated_bytes_max, .name = "inflated_max", .type = SETTING_BYTES,
        .default_text = "256 MiB", .min = 1024, .max = INT64_C(1) << 31,
        .help = "A larger answer is refused, after decompression."),
    ROW(http_settings, depth_max, .name = "depth_max", .type = SETTING_INT, .default_text = "128",
        .min = 1, .max = 1000, .help = "JSON nested deeper is refused."),
    ROW(http_settings, redirects_max, .name = "redirects_max", .type = SETTING_INT,
        .default_text = "5", .min = 0, .max = 20, .help = "The most redirects to follow."),
    ROW(http_settings, refuse_private, .name = "refuse_private", .type = SETTING_BOOL,
        .default_text = "false",
        .help = "Connect to public addresses only, whatever a name resolves to: for pipelines whose "
                "URLs others may choose."),
    ROW(http_settings, allow_hosts, .name = "allow_hosts", .type = SETTING_STRINGS,
        .help = "Names or addresses that `refuse_private` does not hold for, and other hosts that "
                "`next` may lead to."),
};
/* clang-format on */

const struct settings_table http_source_settings =
    TABLE(http_rows, http_settings, "http", "Records of an HTTP API.");
