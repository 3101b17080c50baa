#include "connectors/generate/api_server.h"

#include "base/map.h"
#include "base/memory.h"
#include "connectors/generate/fault.h"
#include "connectors/generate/randomuser.h"
#include "connectors/generate/replay.h"
#include "http/server.h"
#include "io/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define STOP_DEADLINE_US (2 * INT64_C(1000000))
#define PEERS_MAX        4096 /* that are counted in one window */
#define LATEST_VERSION   "1.4"

struct api_server {
    struct http_server *http;
    char *url;
    struct replay replay;
    bool replays;
    uint64_t limit_users;
    int64_t limit_window_us;

    pthread_mutex_t lock; /* for what follows */
    struct fault_plan plan;
    struct api_server_counts counts;
    struct map users_of_peer; /* address -> count, as a pointer */
    int64_t window_end_us;    /* monotonic */
};

/* A page as one that stands in front of an overloaded server sends it. */
static const char html_page[] =
    "<!DOCTYPE html>\n<html><head><title>Service temporarily unavailable</title></head>\n"
    "<body><h1>Service temporarily unavailable</h1>\n<p>The server cannot answer now &amp; asks "
    "for patience.</p></body></html>\n";

static const char error_body[] =
    "{\"error\":\"Uh oh, something has gone wrong. Please tweet us @randomapi about the issue. "
    "Thank you.\"}";

/* --- the limit --- */

/* Counts the users of a request; false if the peer was at the limit before. */
static bool within_limit(struct api_server *server,
                         const char *peer,
                         unsigned users,
                         uint64_t *ret_before,
                         int64_t *ret_wait_us)
{
    struct slice key = slice_of_string(peer);
    int64_t now_us = clock_monotonic_us();
    if (now_us >= server->window_end_us || server->users_of_peer.size >= PEERS_MAX) {
        map_deinit(&server->users_of_peer);
        map_init(&server->users_of_peer);
        server->window_end_us = now_us + server->limit_window_us;
    }
    uint64_t before = (uintptr_t) map_get(&server->users_of_peer, key);
    *ret_before = before;
    *ret_wait_us = server->window_end_us - now_us;
    if (before >= server->limit_users) {
        return false;
    }
    (void) map_put(&server->users_of_peer, key, (void *) (uintptr_t) (before + users));
    return true;
}

static void reply_limited(struct http_exchange *exchange, uint64_t users, int64_t wait_us)
{
    char seconds[24];
    struct buffer body = BUFFER_INIT;
    (void) snprintf(seconds, sizeof(seconds), "%lld", (long long) (wait_us / 1000000 + 1));
    http_reply_header(exchange, "Retry-After", seconds);
    buffer_printf(
        &body,
        "{\"error\":\"Whoa, ease up there cowboy. You've requested %llu users in the last "
        "minute. Help us keep this service free and spare some bandwidth for other users "
        "please :)\"}",
        (unsigned long long) users);
    http_reply_take(exchange, 429, "application/json; charset=utf-8", &body);
}

/* --- faults --- */

/* Puts another value in the place of the first scalar under `key`. */
static void replace_value(struct buffer *json, const char *key, const char *value)
{
    const char *text = buffer_string(json);
    const char *found = strstr(text, key);
    if (found == NULL) {
        return;
    }
    const char *begin = found + strlen(key);
    begin += strspn(begin, " :");
    size_t size = *begin == '"' ? strcspn(begin + 1, "\"") + 2 : strcspn(begin, ",}\n ");
    struct buffer changed = BUFFER_INIT;
    buffer_append(&changed, text, (size_t) (begin - text));
    buffer_append_string(&changed, value);
    buffer_append_string(&changed, begin + size);
    buffer_deinit(json);
    *json = changed;
}

static void spoil_record(struct buffer *json, uint64_t number)
{
    static const struct {
        const char *key;
        const char *value;
    } rows[] = {
        {"\"uuid\"", "null"},
        {"\"postcode\"", "{\"code\":1}"},
        {"\"number\"", "\"seven\""},
    };

    size_t row = number % ARRAY_SIZE(rows);
    replace_value(json, rows[row].key, rows[row].value);
}

/* Half of a body that was announced whole. */
struct half {
    struct buffer body;
    bool sent;
};

static enum status half_next(void *context, struct buffer *target, bool *ret_end)
{
    (void) ret_end;
    struct half *half = context;
    if (half->sent) {
        return STATUS_IO; /* cuts the connection */
    }
    buffer_append(target, half->body.data, half->body.size / 2);
    half->sent = true;
    return STATUS_OK;
}

static void half_release(void *context)
{
    struct half *half = context;
    buffer_deinit(&half->body);
    mem_free(half);
}

static void reply_cut(struct http_exchange *exchange, const char *type, struct buffer *body)
{
    struct half *half = mem_zalloc(sizeof(*half));
    half->body = *body;
    buffer_init(body);
    const struct http_stream stream = {.next = half_next,
                                       .release = half_release,
                                       .context = half,
                                       .size = (int64_t) half->body.size};
    http_reply_stream(exchange, 200, type, &stream);
}

/* Faults that need no users. Returns false if the request is to be answered. */
static bool reply_fault(struct http_exchange *exchange,
                        const struct fault_row *fault,
                        const struct randomuser_query *query)
{
    struct buffer body = BUFFER_INIT;
    switch (fault->kind) {
    case FAULT_503:
        http_reply_static(exchange, 503, "text/html; charset=utf-8", SLICE(html_page));
        return true;
    case FAULT_429:
        reply_limited(exchange, API_LIMIT_USERS + 1, 0);
        return true;
    case FAULT_EMPTY:
        randomuser_write_empty(query, query->results, &body);
        http_reply_take(exchange, 200, "application/json; charset=utf-8", &body);
        return true;
    case FAULT_HTML:
        http_reply_static(exchange, 200, "text/html; charset=utf-8", SLICE(html_page));
        return true;
    case FAULT_ERROR:
        http_reply_static(exchange, 200, "application/json; charset=utf-8", SLICE(error_body));
        return true;
    case FAULT_RESET:
        http_reply_abort(exchange, true);
        return true;
    case FAULT_SLOW:
        for (int64_t left_us = fault->delay_us; left_us > 0 && !http_stopping(exchange);) {
            int64_t step_us = left_us < 100000 ? left_us : 100000;
            clock_sleep_us(step_us);
            left_us -= step_us;
        }
        return false;
    default:
        return false;
    }
}

/* --- requests --- */

/* The body of a right answer: recorded or made. */
static enum status make_body(struct api_server *server,
                             const struct randomuser_query *query,
                             struct buffer *body,
                             struct error *error)
{
    if (server->replays) {
        if (query->page <= server->replay.count) {
            buffer_append_slice(body, buffer_slice(&server->replay.pages[query->page - 1]));
        } else {
            randomuser_write_empty(query, 0, body);
        }
        return STATUS_OK;
    }
    struct user_maker *maker = NULL;
    TRY(user_maker_new(&maker, error));
    randomuser_write(query, maker, clock_now_us(), body);
    user_maker_free(maker);
    return STATUS_OK;
}

/* What is decided under the lock before a request is answered. */
struct decision {
    bool limited;
    uint64_t users_before;
    int64_t wait_us;
    uint64_t fault_number;
    struct fault_row fault;
};

static struct decision
decide(struct api_server *server, const char *peer, const struct randomuser_query *query)
{
    struct decision decision = {.fault = {.kind = FAULT_NONE}};
    (void) pthread_mutex_lock(&server->lock);
    server->counts.requests++;
    decision.limited =
        server->limit_users > 0 &&
        !within_limit(server, peer, query->results, &decision.users_before, &decision.wait_us);
    server->counts.limited += decision.limited;
    const struct fault_row *fault = decision.limited ? NULL : fault_plan_next(&server->plan);
    if (fault != NULL) {
        decision.fault = *fault;
        decision.fault_number = server->counts.faults++;
    }
    (void) pthread_mutex_unlock(&server->lock);
    return decision;
}

static enum status answer(struct http_exchange *exchange,
                          struct api_server *server,
                          const char *version,
                          struct error *error)
{
    struct randomuser_query query;
    TRY(randomuser_query_read(exchange->queries, exchange->query_count, version, &query, error));
    if (server->replays) { /* what was recorded is JSON */
        query.format = FORMAT_JSON;
        query.callback = NULL;
    }
    struct decision decision = decide(server, exchange->peer, &query);
    if (decision.limited) {
        reply_limited(exchange, decision.users_before, decision.wait_us);
        return STATUS_OK;
    }
    if (reply_fault(exchange, &decision.fault, &query)) {
        return STATUS_OK;
    }
    struct buffer body = BUFFER_INIT;
    TRY(make_body(server, &query, &body, error));
    const char *type = randomuser_content_type(&query);
    if (http_query(exchange, "dl") != NULL || http_query(exchange, "download") != NULL) {
        bool is_csv = query.format == FORMAT_CSV;
        const char *name = is_csv ? "download.csv" : "download.json";
        http_reply_header(exchange, "Content-Disposition",
                          arena_printf(&exchange->arena, "attachment; filename=%s", name));
    }
    switch (decision.fault.kind) {
    case FAULT_TRUNCATED:
        body.size /= 2;
        http_reply_take(exchange, 200, type, &body);
        return STATUS_OK;
    case FAULT_CUT:
        reply_cut(exchange, type, &body);
        return STATUS_OK;
    case FAULT_BAD_RECORD:
        spoil_record(&body, decision.fault_number);
        break;
    default:
        break;
    }
    (void) pthread_mutex_lock(&server->lock);
    server->counts.users += query.results;
    (void) pthread_mutex_unlock(&server->lock);
    http_reply_take(exchange, 200, type, &body);
    return STATUS_OK;
}

static bool before(struct http_exchange *exchange, void *context)
{
    (void) context;
    http_reply_header(exchange, "Access-Control-Allow-Origin", "*");
    http_reply_header(exchange, "Cache-Control", "no-cache");
    return false;
}

static enum status get_latest(struct http_exchange *exchange, void *context, struct error *error)
{
    return answer(exchange, context, LATEST_VERSION, error);
}

static enum status get_version(struct http_exchange *exchange, void *context, struct error *error)
{
    static const char *const versions[] = {"1.0", "1.1", "1.2", "1.3", LATEST_VERSION};
    const char *wanted = http_param(exchange, "version");
    for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
        if (strcmp(versions[i], wanted) == 0) {
            return answer(exchange, context, versions[i], error);
        }
    }
    http_reply(exchange, 404, "text/plain; charset=utf-8", SLICE("Not Found"));
    return STATUS_OK;
}

static enum status get_help(struct http_exchange *exchange, void *context, struct error *error)
{
    (void) context;
    (void) error;
    http_reply(
        exchange, 200, "text/plain; charset=utf-8",
        SLICE("leat's stand-in for the randomuser.me API\n\n"
              "GET /api/?results=1..5000&page=1..10000&seed=TEXT&gender=male|female&nat=US,DE\n"
              "         &inc=FIELDS&exc=FIELDS&format=json|pretty|csv&noinfo\n"));
    return STATUS_OK;
}

static const struct http_route routes[] = {
    {"GET", "/", get_help, "what there is"},
    {"GET", "/api", get_latest, "users, in the newest version of the API"},
    {"GET", "/api/{version}", get_version, "users, in version 1.0 to 1.4"},
};

/* --- start and stop --- */

static enum status
start(const struct api_server_config *config, struct api_server *server, struct error *error)
{
    TRY(fault_plan_read(&server->plan, config->faults, config->fault_seed, error));
    if (config->replay_dir != NULL) {
        TRY(replay_load(&server->replay, config->replay_dir, error));
        server->replays = true;
    }
    const struct http_server_config http = {
        .name = "api",
        .host = config->host == NULL ? "127.0.0.1" : config->host,
        .port = config->port,
        .routes = routes,
        .route_count = ARRAY_SIZE(routes),
        .context = server,
        .body_bytes_max = 4096,
        .before = before,
    };
    TRY(http_server_start(&http, &server->http, error));
    server->url = mem_printf("http://%s/api/", http_server_address(server->http));
    return STATUS_OK;
}

enum status api_server_start(const struct api_server_config *config,
                             struct api_server **ret_server,
                             struct error *error)
{
    struct api_server *server = mem_zalloc(sizeof(*server));
    server->limit_users = config->limit_users;
    server->limit_window_us =
        config->limit_window_us == 0 ? API_LIMIT_WINDOW_US : config->limit_window_us;
    (void) pthread_mutex_init(&server->lock, NULL);
    map_init(&server->users_of_peer);
    enum status status = start(config, server, error);
    if (status != STATUS_OK) {
        api_server_stop(server);
        return status;
    }
    *ret_server = server;
    return STATUS_OK;
}

void api_server_stop(struct api_server *server)
{
    if (server == NULL) {
        return;
    }
    http_server_stop(server->http, STOP_DEADLINE_US);
    replay_deinit(&server->replay);
    map_deinit(&server->users_of_peer);
    (void) pthread_mutex_destroy(&server->lock);
    mem_free(server->url);
    mem_free(server);
}

const char *api_server_url(const struct api_server *server)
{
    return server->url;
}

void api_server_counts(struct api_server *server, struct api_server_counts *ret_counts)
{
    (void) pthread_mutex_lock(&server->lock);
    *ret_counts = server->counts;
    (void) pthread_mutex_unlock(&server->lock);
}
