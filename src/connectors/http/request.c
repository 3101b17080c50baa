#include "base/time_text.h"
#include "connectors/http/http_internal.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

static const char *time_text(int64_t time_us, enum window_format format, struct arena *arena)
{
    char text[TIME_TEXT_BYTES];
    switch (format) {
    case WINDOW_SECONDS:
        return arena_printf(arena, "%" PRId64, time_us / US_PER_SECOND);
    case WINDOW_MILLISECONDS:
        return arena_printf(arena, "%" PRId64, time_us / US_PER_MS);
    case WINDOW_ISO:
    case WINDOW_DATE:
        break;
    }
    time_format(time_us, text);
    if (format == WINDOW_DATE) {
        return arena_printf(arena, "%.*s", (int) strcspn(text, "T"), text);
    }
    /* Whole seconds without a fraction, which most APIs expect. */
    return arena_printf(arena, "%.*sZ", (int) strcspn(text, ".Z"), text);
}

/* Puts the interval into "${interval.start}" and "${interval.end}". */
static enum status fill_in(const struct http_settings *settings,
                           const struct http_place *place,
                           const char *text,
                           struct arena *arena,
                           const char **ret_text,
                           struct error *error)
{
    *ret_text = text;
    if (text == NULL || strstr(text, "${interval.") == NULL) {
        return STATUS_OK;
    }
    if (place->from_us == 0 && place->to_us == 0) {
        error_set(error, STATUS_CONFIG, "\"%s\" needs an interval, and there is none", text);
        error_hint(error,
                   "give the source a \"window\", or run \"leat ingest\" with --from and --to");
        return STATUS_CONFIG;
    }
    enum window_format format =
        settings->window == NULL ? WINDOW_ISO : (enum window_format) settings->window->format;
    struct buffer filled CLEANUP(buffer_deinit) = BUFFER_INIT;
    while (*text != '\0') {
        if (strncmp(text, "${interval.start}", 17) == 0) {
            buffer_append_string(&filled, time_text(place->from_us, format, arena));
            text += 17;
        } else if (strncmp(text, "${interval.end}", 15) == 0) {
            buffer_append_string(&filled, time_text(place->to_us, format, arena));
            text += 15;
        } else {
            buffer_append_byte(&filled, (uint8_t) *text++);
        }
    }
    *ret_text = arena_strdup(arena, buffer_string(&filled));
    return STATUS_OK;
}

static void append_param(struct buffer *url, const char *name, const char *value)
{
    bool first = memchr(url->data, '?', url->size) == NULL;
    bool joined = url->data[url->size - 1] == '?' || url->data[url->size - 1] == '&';
    buffer_append_string(url, first ? "?" : joined ? "" : "&");
    url_encode(url, slice_of_string(name));
    buffer_append_byte(url, '=');
    url_encode(url, slice_of_string(value));
}

static enum status make_url(const struct http_settings *settings,
                            const struct http_place *place,
                            struct arena *arena,
                            const char **ret_url,
                            struct error *error)
{
    const struct http_next_settings *next = settings->next;
    if (next != NULL && place->text != NULL && next->by != NEXT_CURSOR) {
        *ret_url = place->text;
        return STATUS_OK;
    }
    const char *base;
    TRY(fill_in(settings, place, settings->url, arena, &base, error));
    struct buffer url CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append(&url, base, strcspn(base, "#"));
    for (size_t i = 0; i < settings->params.count; i++) {
        const char *value;
        TRY(fill_in(settings, place, settings->params.items[i].value, arena, &value, error));
        append_param(&url, settings->params.items[i].name, value);
    }
    if (settings->window != NULL) {
        enum window_format format = (enum window_format) settings->window->format;
        append_param(&url, settings->window->from, time_text(place->from_us, format, arena));
        if (settings->window->to != NULL) {
            append_param(&url, settings->window->to, time_text(place->to_us, format, arena));
        }
    }
    if (next != NULL && (next->by == NEXT_PAGE || next->by == NEXT_OFFSET)) {
        append_param(&url, next->param, arena_printf(arena, "%" PRId64, place->number));
    } else if (next != NULL && next->by == NEXT_CURSOR && place->text != NULL) {
        append_param(&url, next->param, place->text);
    }
    *ret_url = arena_strdup(arena, buffer_string(&url));
    return STATUS_OK;
}

/* RFC 4648. */
static const char *base64(const char *text, struct arena *arena)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t size = strlen(text);
    char *target = arena_alloc(arena, (size + 2) / 3 * 4 + 1);
    size_t at = 0;
    for (size_t i = 0; i < size; i += 3) {
        uint32_t bits = (uint32_t) (uint8_t) text[i] << 16;
        bits |= i + 1 < size ? (uint32_t) (uint8_t) text[i + 1] << 8 : 0;
        bits |= i + 2 < size ? (uint32_t) (uint8_t) text[i + 2] : 0;
        target[at++] = digits[bits >> 18];
        target[at++] = digits[bits >> 12 & 63];
        target[at++] = (char) (i + 1 < size ? digits[bits >> 6 & 63] : '=');
        target[at++] = (char) (i + 2 < size ? digits[bits & 63] : '=');
    }
    target[at] = '\0';
    return target;
}

static bool has_header(const struct http_settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->headers.count; i++) {
        if (strcasecmp(settings->headers.items[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static enum status make_headers(const struct http_settings *settings,
                                const struct http_place *place,
                                struct arena *arena,
                                struct http_request *request,
                                struct error *error)
{
    struct http_request_header *headers =
        ARENA_ARRAY(arena, struct http_request_header, settings->headers.count + 5);
    size_t count = 0;
    for (size_t i = 0; i < settings->headers.count; i++) {
        const char *value;
        TRY(fill_in(settings, place, settings->headers.items[i].value, arena, &value, error));
        headers[count++] =
            (struct http_request_header){settings->headers.items[i].name, value, true};
    }
    if (!has_header(settings, "accept")) {
        headers[count++] = (struct http_request_header){
            "Accept", settings->format == RECORDS_CSV ? "text/csv, */*" : "application/json, */*",
            false};
    }
    if (settings->token != NULL) {
        headers[count++] = (struct http_request_header){
            "Authorization", arena_printf(arena, "Bearer %s", settings->token), true};
    } else if (settings->user != NULL) {
        const char *both = arena_printf(arena, "%s:%s", settings->user,
                                        settings->password == NULL ? "" : settings->password);
        headers[count++] = (struct http_request_header){
            "Authorization", arena_printf(arena, "Basic %s", base64(both, arena)), true};
    }
    if (settings->body != NULL && !has_header(settings, "content-type")) {
        headers[count++] = (struct http_request_header){"Content-Type", "application/json", false};
    }
    if (place->etag != NULL) {
        headers[count++] = (struct http_request_header){"If-None-Match", place->etag, false};
    }
    if (place->modified != NULL) {
        headers[count++] =
            (struct http_request_header){"If-Modified-Since", place->modified, false};
    }
    request->headers = headers;
    request->header_count = count;
    return STATUS_OK;
}

enum status http_request_make(const struct http_settings *settings,
                              const struct source_request *source_request,
                              const struct http_place *place,
                              struct arena *arena,
                              struct http_request *ret_request,
                              struct error *error)
{
    struct http_request request = {
        .method = http_methods[settings->method],
        .timeouts = HTTP_TIMEOUTS_DEFAULT,
        .body_bytes_max = (size_t) settings->body_bytes_max,
        .inflated_bytes_max = (size_t) settings->inflated_bytes_max,
        .redirects_max = (int) settings->redirects_max,
        .cancel = source_request->cancelled,
    };
    if (settings->timeouts != NULL) {
        request.timeouts = (struct http_timeouts){
            settings->timeouts->connect_us, settings->timeouts->first_byte_us,
            settings->timeouts->idle_us, settings->timeouts->total_us};
    }
    TRY(make_url(settings, place, arena, &request.url, error));
    TRY(make_headers(settings, place, arena, &request, error));
    const char *body;
    TRY(fill_in(settings, place, settings->body, arena, &body, error));
    request.body = slice_of_string(body);
    *ret_request = request;
    return STATUS_OK;
}
