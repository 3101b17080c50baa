#include "base/memory.h"
#include "base/time_text.h"
#include "connectors/http/http_internal.h"
#include "connectors/http/http_source.h"

#include <string.h>

struct source {
    const struct http_settings *settings;
    struct http_client *client;

    struct http_answer {
        struct http_reply reply;
        struct json_document document;
    } answers[2]; /* of the last two pages, which borrow from them; in turns */

    int turn;
    char *description;
};

/* ---- settings that contradict each other ------------------------------------------------------
 */

static enum status wrong(struct error *error, const char *message, const char *hint)
{
    error_set(error, STATUS_CONFIG, "%s", message);
    error_hint(error, "%s", hint);
    return STATUS_CONFIG;
}

static enum status check_next(const struct http_settings *settings, struct error *error)
{
    const struct http_next_settings *next = settings->next;
    if (next == NULL) {
        return STATUS_OK;
    }
    bool numbered = next->by == NEXT_PAGE || next->by == NEXT_OFFSET;
    if (next->param == NULL && next->by != NEXT_LINK && next->by != NEXT_URL) {
        return wrong(error, "\"next\" does not say which parameter asks for a page",
                     "add \"param\", the name of the query parameter");
    }
    if (numbered && (next->path != NULL || next->header != NULL)) {
        return wrong(error,
                     "\"next\" counts pages or offsets, and yet has a \"path\" or \"header\"",
                     "with a cursor in the answer, write \"by: cursor\"");
    }
    if (next->by == NEXT_CURSOR && (next->path == NULL) == (next->header == NULL)) {
        return wrong(error, "\"next\" by cursor needs either \"path\" or \"header\"",
                     "say where in the answer the cursor stands");
    }
    if (next->by == NEXT_URL && next->path == NULL) {
        return wrong(error, "\"next\" by url needs \"path\"",
                     "say where in the answer the next URL stands");
    }
    bool json = settings->format == RECORDS_JSON;
    if (!json && (next->path != NULL || next->more != NULL)) {
        return wrong(error, "\"next\" has a path into the answer, which is no JSON document",
                     "use page, offset, link, or a cursor in a header");
    }
    return STATUS_OK;
}

static enum status check_settings(const struct http_settings *settings, struct error *error)
{
    if (strncmp(settings->url, "http://", 7) != 0 && strncmp(settings->url, "https://", 8) != 0) {
        return wrong(error, "\"url\" begins with neither http:// nor https://",
                     "write the whole address");
    }
    if (settings->token != NULL && settings->user != NULL) {
        return wrong(error, "there is a \"token\" and a \"user\"", "use one of them");
    }
    if (settings->body != NULL && strcmp(http_methods[settings->method], "GET") == 0) {
        return wrong(error, "a GET request has no \"body\"", "write \"method: POST\"");
    }
    int64_t start;
    if (settings->window != NULL &&
        time_parse(slice_of_string(settings->window->start), &start, error) != STATUS_OK) {
        error_context(error, "\"window.start\"");
        return STATUS_CONFIG;
    }
    return check_next(settings, error);
}

/* ---- the ops ------------------------------------------------------------------------------------
 */

static void source_close(struct source *source)
{
    if (source == NULL) {
        return;
    }
    http_client_free(source->client);
    for (size_t i = 0; i < ARRAY_SIZE(source->answers); i++) {
        http_reply_deinit(&source->answers[i].reply);
        json_document_deinit(&source->answers[i].document);
    }
    mem_free(source->description);
    mem_free(source);
}

static enum status
source_open(const void *settings, const char *name, struct source **ret_source, struct error *error)
{
    (void) name;
    const struct http_settings *http = settings;
    TRY(check_settings(http, error));
    struct source *source = mem_zalloc(sizeof(*source));
    source->settings = http;
    for (size_t i = 0; i < ARRAY_SIZE(source->answers); i++) {
        http_reply_init(&source->answers[i].reply);
        json_document_init(&source->answers[i].document);
    }
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    source->description =
        mem_printf("%s %s", http_methods[http->method], url_without_secrets(http->url, &arena));
    struct http_client_config config = {
        .proxy = http->proxy,
        .refuse_private = http->refuse_private,
        .allow_hosts = http->allow_hosts.items,
        .allow_host_count = http->allow_hosts.count,
    };
    if (http->tls != NULL) {
        config.ca_file = http->tls->ca;
        config.certificate_file = http->tls->certificate;
        config.key_file = http->tls->key;
        config.insecure = !http->tls->verify;
    }
    enum status status = http_client_new(&config, &source->client, error);
    if (status != STATUS_OK) {
        source_close(source);
        return status;
    }
    *ret_source = source;
    return STATUS_OK;
}

static enum status source_fetch(struct source *source,
                                const struct source_request *request,
                                struct arena *arena,
                                struct source_page *ret_page,
                                int64_t *ret_retry_after_us,
                                struct error *error)
{
    const struct http_settings *settings = source->settings;
    source->turn = !source->turn;
    struct http_reply *reply = &source->answers[source->turn].reply;
    struct json_document *document = &source->answers[source->turn].document;
    *ret_page = (struct source_page){.document = document};
    *ret_retry_after_us = -1;
    struct http_place place;
    TRY(http_place_read(settings, request->cursor, arena, &place, error));
    if (!http_window_fix(settings, request, &place)) {
        ret_page->end = true; /* the running window is not over */
        ret_page->place = "window";
        return STATUS_OK;
    }
    struct http_request asked;
    TRY(http_request_make(settings, request, &place, arena, &asked, error));
    TRY(http_request(source->client, &asked, reply, error));
    ret_page->requests = 1;
    bool empty;
    TRY(http_answer_check(settings, reply, &empty, ret_retry_after_us, error));
    ret_page->place = http_place_name(settings, &place, arena);
    if (empty) {
        json_document_deinit(document);
        json_document_init(document);
        TRY(json_parse(document, SLICE("null"), 0, error));
        ret_page->end = true;
        if (settings->window == NULL) {
            return STATUS_OK;
        }
    } else {
        TRY(http_answer_read(settings, reply, document, arena, ret_page, error));
    }
    struct http_place next;
    TRY(http_place_next(settings, &place, reply, document, ret_page->count, arena, &next,
                        &ret_page->end, error));
    const char *cursor = http_place_write(settings, &next, arena);
    bool moved =
        request->cursor == NULL ? strcmp(cursor, "{}") != 0 : strcmp(cursor, request->cursor) != 0;
    ret_page->cursor = moved ? cursor : NULL;
    return STATUS_OK;
}

static const char *source_describe(const struct source *source)
{
    return source->description;
}

const struct source_ops http_source_ops = {
    .name = "http",
    .settings = &http_source_settings,
    .reads_ahead = true,
    .open = source_open,
    .fetch = source_fetch,
    .close = source_close,
    .describe = source_describe,
};
