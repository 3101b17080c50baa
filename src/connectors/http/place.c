#include "base/time_text.h"
#include "base/utf8.h"
#include "connectors/http/http_internal.h"
#include "io/clock.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

static enum next_by next_by(const struct http_settings *settings)
{
    return settings->next == NULL ? NEXT_PAGE : (enum next_by) settings->next->by;
}

struct http_place http_place_first(const struct http_settings *settings)
{
    struct http_place place = {0};
    if (settings->next != NULL) {
        bool pages = settings->next->by == NEXT_PAGE;
        place.number = settings->next->start >= 0 ? settings->next->start : pages ? 1 : 0;
    }
    return place;
}

/* ---- as cursor text ----------------------------------------------------------------------------
 */

static const char *
member_text(const struct json_document *document, const char *name, struct arena *arena)
{
    uint32_t value = json_member(document, 0, slice_of_string(name));
    if (value == UINT32_MAX || json_at(document, value)->kind != JSON_KIND_STRING) {
        return NULL;
    }
    return arena_string(arena, json_text(document, value, arena));
}

static int64_t
member_time(const struct json_document *document, const char *name, struct arena *arena)
{
    const char *text = member_text(document, name, arena);
    int64_t time_us = 0;
    if (text == NULL || time_parse(slice_of_string(text), &time_us, NULL) != STATUS_OK) {
        return 0;
    }
    return time_us;
}

enum status http_place_read(const struct http_settings *settings,
                            const char *cursor,
                            struct arena *arena,
                            struct http_place *ret_place,
                            struct error *error)
{
    *ret_place = http_place_first(settings);
    if (cursor == NULL) {
        return STATUS_OK;
    }
    struct json_document document;
    json_document_init(&document);
    enum status status = json_parse(&document, slice_of_string(cursor), 4, NULL);
    if (status != STATUS_OK || json_at(&document, 0)->kind != JSON_KIND_OBJECT) {
        json_document_deinit(&document);
        return error_set(error, STATUS_CORRUPT,
                         "the stored cursor \"%.100s\" is none of this source", cursor);
    }
    const char *name = next_by(settings) == NEXT_OFFSET ? "offset" : "page";
    uint32_t number = json_member(&document, 0, slice_of_string(name));
    if (number != UINT32_MAX) {
        (void) json_int64(&document, number, &ret_place->number);
    }
    name = next_by(settings) == NEXT_CURSOR ? "cursor" : "url";
    ret_place->text = settings->next == NULL ? NULL : member_text(&document, name, arena);
    ret_place->from_us = member_time(&document, "from", arena);
    ret_place->to_us = member_time(&document, "to", arena);
    ret_place->etag = member_text(&document, "etag", arena);
    ret_place->modified = member_text(&document, "modified", arena);
    json_document_deinit(&document);
    return STATUS_OK;
}

static void write_text(struct buffer *json, const char *name, const char *value)
{
    if (value != NULL) {
        buffer_printf(json, "%s\"%s\":", json->size > 1 ? "," : "", name);
        buffer_append_json(json, slice_of_string(value));
    }
}

static void write_time(struct buffer *json, const char *name, int64_t time_us)
{
    char text[TIME_TEXT_BYTES];
    if (time_us != 0) {
        time_format(time_us, text);
        write_text(json, name, text);
    }
}

const char *http_place_write(const struct http_settings *settings,
                             const struct http_place *place,
                             struct arena *arena)
{
    struct buffer json CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append_byte(&json, '{');
    write_time(&json, "from", place->from_us);
    write_time(&json, "to", place->to_us);
    if (settings->next != NULL) {
        switch (next_by(settings)) {
        case NEXT_PAGE:
        case NEXT_OFFSET:
            buffer_printf(&json, "%s\"%s\":%" PRId64, json.size > 1 ? "," : "",
                          next_by(settings) == NEXT_PAGE ? "page" : "offset", place->number);
            break;
        case NEXT_CURSOR:
            write_text(&json, "cursor", place->text);
            break;
        case NEXT_LINK:
        case NEXT_URL:
            write_text(&json, "url", place->text);
            break;
        }
    }
    write_text(&json, "etag", place->etag);
    write_text(&json, "modified", place->modified);
    buffer_append_byte(&json, '}');
    return arena_strdup(arena, buffer_string(&json));
}

const char *http_place_name(const struct http_settings *settings,
                            const struct http_place *place,
                            struct arena *arena)
{
    const char *window = "";
    if (place->from_us != 0) {
        char from[TIME_TEXT_BYTES];
        time_format(place->from_us, from);
        window = arena_printf(arena, "window %s, ", from);
    }
    if (settings->next == NULL) {
        return arena_printf(arena, "%spage", window);
    }
    switch (next_by(settings)) {
    case NEXT_PAGE:
        return arena_printf(arena, "%spage %" PRId64, window, place->number);
    case NEXT_OFFSET:
        return arena_printf(arena, "%soffset %" PRId64, window, place->number);
    case NEXT_CURSOR:
        return place->text == NULL ? arena_printf(arena, "%sfirst page", window)
                                   : arena_printf(arena, "%spage at %.60s", window, place->text);
    case NEXT_LINK:
    case NEXT_URL:
        break;
    }
    return place->text == NULL
               ? arena_printf(arena, "%sfirst page", window)
               : arena_printf(arena, "%s%s", window, url_without_secrets(place->text, arena));
}

/* ---- time windows
 * -------------------------------------------------------------------------------- */

bool http_window_fix(const struct http_settings *settings,
                     const struct source_request *request,
                     struct http_place *place)
{
    const struct http_window_settings *window = settings->window;
    if (window == NULL) {
        place->from_us = request->from_us;
        place->to_us = request->to_us;
        return true;
    }
    if (place->from_us == 0) {
        place->from_us = request->from_us;
        if (place->from_us == 0) {
            (void) !time_parse(slice_of_string(window->start), &place->from_us, NULL);
        }
    }
    if (place->to_us != 0) {
        return true; /* in the middle of it */
    }
    int64_t until_us = request->to_us != 0 ? request->to_us : clock_now_us() - window->lag_us;
    place->to_us = place->from_us + window->step_us;
    if (place->to_us > until_us) {
        /* What is asked for by hand ends where it is said; a running window is waited for. */
        place->to_us = request->to_us != 0 ? until_us : 0;
    }
    return place->to_us > place->from_us;
}

/* ---- how it goes on
 * ------------------------------------------------------------------------------- */

static enum status repeated(const char *what, const char *value, struct error *error)
{
    error_set(error, STATUS_PROTOCOL, "the answer leads to the same page again: %s \"%.100s\"",
              what, value);
    error_hint(error, "look at \"next\": the cursor may stand elsewhere in the answer");
    if (error != NULL) {
        error->retriable = false;
    }
    return STATUS_PROTOCOL;
}

/* A cursor or URL in the answer; NULL if there is none. */
static enum status text_in_body(const struct http_next_settings *next,
                                const struct json_document *document,
                                struct arena *arena,
                                const char **ret_text,
                                struct error *error)
{
    *ret_text = NULL;
    uint32_t value = json_path(document, 0, next->path);
    if (value == UINT32_MAX) {
        return STATUS_OK;
    }
    switch ((enum json_kind) json_at(document, value)->kind) {
    case JSON_KIND_STRING:
        *ret_text = arena_string(arena, json_text(document, value, arena));
        break;
    case JSON_KIND_NUMBER:
        *ret_text = arena_string(arena, json_raw(document, value));
        break;
    case JSON_KIND_NULL:
    case JSON_KIND_FALSE:
        break;
    default:
        return error_set(
            error, STATUS_PROTOCOL, "\"%s\" of the answer is no cursor: %.*s", next->path,
            (int) (json_raw(document, value).size > 100 ? 100 : json_raw(document, value).size),
            (const char *) json_raw(document, value).data);
    }
    if (*ret_text != NULL && (*ret_text)[0] == '\0') {
        *ret_text = NULL;
    }
    return STATUS_OK;
}

/* A URL from an answer may lead to the API itself or to a host that the settings name, and never
 * from https to http: the request carries the API's credentials. */
static bool host_allowed(const struct http_settings *settings, const char *url)
{
    struct slice own = http_url_origin(settings->url);
    struct slice origin = http_url_origin(url);
    if (origin.size == 0 || slice_equal(origin, own)) {
        return origin.size > 0;
    }
    const uint8_t *host = (const uint8_t *) memmem(origin.data, origin.size, "://", 3) + 3;
    size_t scheme_size = (size_t) (host - origin.data);
    if (strncmp(settings->url, "https:", 6) == 0 &&
        (scheme_size != 8 || strncasecmp(url, "https", 5) != 0)) {
        return false;
    }
    size_t size = origin.size - scheme_size;
    if (memchr(host, '@', size) != NULL || memchr(host, '\\', size) != NULL) {
        return false; /* whose host is not what it seems */
    }
    const uint8_t *port = memrchr(host, ':', size);
    struct slice name = slice_of(host, port == NULL ? size : (size_t) (port - host));
    for (size_t i = 0; i < settings->allow_hosts.count; i++) {
        const char *allowed = settings->allow_hosts.items[i];
        if (name.size == strlen(allowed) &&
            strncasecmp((const char *) name.data, allowed, name.size) == 0) {
            return true;
        }
    }
    return false;
}

static enum status next_url(const struct http_settings *settings,
                            const struct http_reply *reply,
                            const struct json_document *document,
                            struct arena *arena,
                            const char **ret_url,
                            struct error *error)
{
    const char *found = NULL;
    if (settings->next->by == NEXT_LINK) {
        const char *header = http_reply_value(reply, "link");
        found = header == NULL ? NULL : http_link_next(header, arena);
    } else {
        TRY(text_in_body(settings->next, document, arena, &found, error));
    }
    *ret_url = NULL;
    if (found == NULL) {
        return STATUS_OK;
    }
    const char *url = http_url_join(reply->url, found, arena);
    if (!host_allowed(settings, url)) {
        struct slice origin = http_url_origin(url);
        error_set(error, STATUS_CONFIG, "the next page lies on another host: \"%.*s\"",
                  SLICE_FORMAT(origin));
        error_hint(error, "name the host in \"allow_hosts\" if that is as it should be");
        return STATUS_CONFIG;
    }
    *ret_url = url;
    return STATUS_OK;
}

/* Cursors are kept as JSON. */
static bool is_utf8(const char *text)
{
    return utf8_valid((const uint8_t *) text, strlen(text));
}

/* A validator to send back; what cannot be kept as it is, is not sent. */
static const char *storable(const char *text, struct arena *arena)
{
    return text == NULL || !is_utf8(text) ? NULL : arena_strdup(arena, text);
}

/* By cursor, link or URL. */
static enum status next_by_text(const struct http_settings *settings,
                                const struct http_place *place,
                                const struct http_reply *reply,
                                const struct json_document *document,
                                size_t count,
                                struct arena *arena,
                                const char **ret_text,
                                struct error *error)
{
    bool by_url = settings->next->by != NEXT_CURSOR;
    if (by_url) {
        TRY(next_url(settings, reply, document, arena, ret_text, error));
    } else if (settings->next->header != NULL) {
        char name[128];
        size_t size = 0;
        for (; settings->next->header[size] != '\0' && size < sizeof(name) - 1; size++) {
            char c = settings->next->header[size];
            name[size] = c >= 'A' && c <= 'Z' ? (char) (c + 32) : c;
        }
        name[size] = '\0';
        const char *value = http_reply_value(reply, name);
        *ret_text = value == NULL || value[0] == '\0' ? NULL : arena_strdup(arena, value);
    } else {
        TRY(text_in_body(settings->next, document, arena, ret_text, error));
    }
    if (*ret_text != NULL && !is_utf8(*ret_text)) {
        return error_set(error, STATUS_PROTOCOL, "the %s of the next page is no valid UTF-8",
                         by_url ? "URL" : "cursor");
    }
    const char *now = place->text == NULL && by_url ? reply->url : place->text;
    if (*ret_text != NULL && now != NULL && strcmp(*ret_text, now) == 0) {
        if (count > 0) {
            return repeated(by_url ? "url" : "cursor",
                            by_url ? url_without_secrets(now, arena) : now, error);
        }
        *ret_text = NULL; /* many APIs answer the same cursor until there is something new */
    }
    return STATUS_OK;
}

static bool says_last(const struct http_settings *settings, const struct json_document *document)
{
    if (settings->next->more == NULL) {
        return false;
    }
    uint32_t flag = json_path(document, 0, settings->next->more);
    return flag != UINT32_MAX && json_at(document, flag)->kind == JSON_KIND_FALSE;
}

/* Behind the last page of a window comes the first of the next one. */
static void next_window(const struct http_settings *settings,
                        const struct http_place *place,
                        struct http_place *ret_next)
{
    *ret_next = http_place_first(settings);
    ret_next->from_us = place->to_us;
}

enum status http_place_next(const struct http_settings *settings,
                            const struct http_place *place,
                            const struct http_reply *reply,
                            const struct json_document *document,
                            size_t count,
                            struct arena *arena,
                            struct http_place *ret_next,
                            bool *ret_end,
                            struct error *error)
{
    *ret_next = *place;
    bool last = true;
    if (settings->next != NULL) {
        switch (next_by(settings)) {
        case NEXT_PAGE:
            last = count == 0 || says_last(settings, document);
            ret_next->number = count == 0 ? place->number : place->number + 1;
            break;
        case NEXT_OFFSET:
            last = count == 0 || says_last(settings, document);
            ret_next->number = place->number + (int64_t) count;
            break;
        case NEXT_CURSOR:
        case NEXT_LINK:
        case NEXT_URL: {
            const char *text = NULL;
            TRY(next_by_text(settings, place, reply, document, count, arena, &text, error));
            last = text == NULL || says_last(settings, document);
            ret_next->text = text == NULL ? place->text : text;
            break;
        }
        }
    } else if (settings->window == NULL) {
        ret_next->etag = storable(reply->etag, arena);
        ret_next->modified = storable(reply->last_modified, arena);
    }
    *ret_end = last;
    if (last && settings->window != NULL) {
        next_window(settings, place, ret_next);
        *ret_end = false; /* whether there is another window, the next request finds out */
    }
    return STATUS_OK;
}
