#include "connectors/postgres/connection_internal.h"

#include "base/hash.h"
#include "base/map.h"
#include "base/memory.h"
#include "connectors/postgres/pg_error.h"
#include "connectors/postgres/pg_text.h"
#include "io/clock.h"
#include "io/link_watch.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>

/* A statement that takes longer counts as a lost connection. Locks are waited for less long. */
#define ANSWER_US (300 * INT64_C(1000000))

/* ---- connecting --------------------------------------------------------------------------------
 */

static void ignore_notice(void *context, const PGresult *result)
{
    (void) context;
    (void) result;
}

void pg_disconnect(struct pg *pg)
{
    link_watch_remove(pg->socket);
    pg->socket = -1;
    PQfinish(pg->connection);
    pg->connection = NULL;
    pg->in_transaction = false;
    size_t at = 0;
    for (struct map_entry *entry; (entry = map_next(&pg->prepared, &at)) != NULL;) {
        ((struct pg_prepared *) entry->value)->ready = false;
    }
    pg_forget_results(pg);
    pg->pending_count = 0;
}

/* What a server must be, else nothing of leat would be right. */
static enum status check_server(const struct pg *pg, struct error *error)
{
    int version = PQserverVersion(pg->connection);
    const char *encoding = PQparameterStatus(pg->connection, "server_encoding");
    if (version < PG_VERSION_MIN) {
        return error_set(error, STATUS_CONFIG, "%s: PostgreSQL %d.%d at %s is too old: it takes %d",
                         pg->what, version / 10000, version % 10000, pg->place.shown,
                         PG_VERSION_MIN / 10000);
    }
    if (encoding == NULL || strcmp(encoding, "UTF8") != 0) {
        (void) error_set(error, STATUS_CONFIG, "%s: the database at %s is encoded in %s, not UTF8",
                         pg->what, pg->place.shown, encoding == NULL ? "?" : encoding);
        error_hint(error, "make one: CREATE DATABASE leat ENCODING 'UTF8' TEMPLATE template0");
        return STATUS_CONFIG;
    }
    return STATUS_OK;
}

/* Settings of the session. Plans are made once, often while a table is still empty, and must fit
 * when it is not: keys are looked up in their index, one after the other. Acknowledged means on
 * disk, whatever the server's default. */
static enum status set_up_session(struct pg *pg, struct error *error)
{
    static const char sql[] = "SELECT set_config('search_path', quote_ident($1), false),"
                              " set_config('lock_timeout', '20s', false),"
                              " set_config('statement_timeout', '0', false),"
                              " set_config('idle_in_transaction_session_timeout', '60s', false),"
                              " set_config('plan_cache_mode', 'force_generic_plan', false),"
                              " set_config('enable_seqscan', 'off', false),"
                              " set_config('enable_hashjoin', 'off', false),"
                              " set_config('enable_mergejoin', 'off', false),"
                              " set_config('jit', 'off', false),"
                              " set_config('work_mem', '32MB', false),"
                              " set_config('timezone', 'UTC', false),"
                              " CASE current_setting('synchronous_commit') WHEN 'off'"
                              " THEN set_config('synchronous_commit', 'on', false) END";
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    pg_param_text(&params, slice_of_string(pg->place.schema));
    (void) pg_send_once(pg, sql, &params);
    return pg_wait(pg, error);
}

enum status pg_connect(struct pg *pg, struct error *error)
{
    /* What stands before "dbname" the URL may say otherwise. */
    static const char *const names[] = {"connect_timeout",
                                        "tcp_user_timeout",
                                        "keepalives_idle",
                                        "keepalives_interval",
                                        "keepalives_count",
                                        "fallback_application_name",
                                        "dbname",
                                        "client_encoding",
                                        NULL};
    const char *const values[] = {"6",    "30000",       "10",   "5", "3",
                                  "leat", pg->place.url, "UTF8", NULL};
    if (pg->connection != NULL && PQstatus(pg->connection) == CONNECTION_OK) {
        return STATUS_OK;
    }
    pg_disconnect(pg);
    pg->connection = PQconnectdbParams(names, values, 1);
    enum status status = STATUS_OK;
    if (pg->connection == NULL || PQstatus(pg->connection) != CONNECTION_OK) {
        status = pg_error_connection(pg->connection, pg->place.shown, error);
        error_context(error, "%s", pg->what);
    } else {
        (void) PQsetNoticeReceiver(pg->connection, ignore_notice, NULL);
        pg->socket = PQsocket(pg->connection);
        link_watch_add(pg->socket);
        status = check_server(pg, error);
    }
    if (status == STATUS_OK &&
        (PQsetnonblocking(pg->connection, 1) != 0 || PQenterPipelineMode(pg->connection) != 1)) {
        status = error_set(error, STATUS_INTERNAL, "%s: libpq refuses pipeline mode", pg->what);
    }
    if (status == STATUS_OK) {
        status = set_up_session(pg, error);
    }
    if (status != STATUS_OK) {
        pg_disconnect(pg);
    }
    return status;
}

enum status pg_open(const char *url, const char *what, struct pg **ret_pg, struct error *error)
{
    struct pg *pg = mem_zalloc(sizeof(*pg));
    pg->socket = -1;
    arena_init(&pg->arena, 1024);
    map_init(&pg->prepared);
    pg->what = arena_strdup(&pg->arena, what);
    uint8_t id[16];
    random_bytes(id, sizeof(id));
    for (size_t i = 0; i < sizeof(id); i++) {
        (void) snprintf(pg->id + 2 * i, 3, "%02x", id[i]);
    }
    enum status status = pg_place_read(url, &pg->arena, &pg->place, error);
    if (status != STATUS_OK) {
        error_context(error, "%s", what);
    } else {
        status = pg_connect(pg, error);
    }
    if (status != STATUS_OK) {
        pg_close(pg);
        return status;
    }
    *ret_pg = pg;
    return STATUS_OK;
}

/* The row that told of commits is of no more use. */
static void remove_handle(struct pg *pg)
{
    struct error error;
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    if (pg->connection == NULL || pg->number == 0 || pg->in_doubt) {
        return;
    }
    pg_rollback(pg);
    pg_param_string(&params, pg->id);
    (void) pg_send_once(pg, "DELETE FROM leat_handles WHERE id = $1", &params);
    (void) !pg_wait(pg, &error); /* rows of crashed ones stay too, until pg_schema_make */
}

void pg_close(struct pg *pg)
{
    if (pg == NULL) {
        return;
    }
    remove_handle(pg);
    pg_disconnect(pg);
    size_t at = 0;
    for (struct map_entry *entry; (entry = map_next(&pg->prepared, &at)) != NULL;) {
        mem_free(entry->value);
    }
    map_deinit(&pg->prepared);
    mem_free(pg->pending);
    mem_free(pg->results);
    arena_deinit(&pg->arena);
    mem_free(pg);
}

const char *pg_schema(const struct pg *pg)
{
    return pg->place.schema;
}

const char *pg_shown(const struct pg *pg)
{
    return pg->place.shown;
}

int pg_version(const struct pg *pg)
{
    return PQserverVersion(pg->connection);
}

/* ---- statements --------------------------------------------------------------------------------
 */

void pg_forget_results(struct pg *pg)
{
    for (size_t i = 0; i < pg->result_count; i++) {
        PQclear(pg->results[i]);
    }
    pg->result_count = 0;
}

static void add_pending(struct pg *pg, struct pg_prepared *prepares)
{
    if (pg->pending_count == pg->pending_capacity) {
        pg->pending_capacity = pg->pending_capacity == 0 ? 32 : 2 * pg->pending_capacity;
        pg->pending = mem_realloc(pg->pending, pg->pending_capacity * sizeof(pg->pending[0]));
    }
    pg->pending[pg->pending_count++] = prepares;
}

/* Results of the round before are forgotten when a new one begins. */
static size_t add_statement(struct pg *pg)
{
    if (pg->waited) {
        pg_forget_results(pg);
        pg->statement_count = 0;
        pg->waited = false;
    }
    return pg->statement_count++;
}

#define PARAMS_MAX 2048

/* libpq's form of the parameters. */
struct call {
    const char *values[PARAMS_MAX];
    Oid types[PARAMS_MAX];
    int sizes[PARAMS_MAX];
    int formats[PARAMS_MAX];
    int count;
};

static struct call *call_of(const struct pg_params *params)
{
    struct call *call = mem_alloc(sizeof(*call));
    call->count = params == NULL ? 0 : (int) params->count;
    for (int i = 0; i < call->count && i < PARAMS_MAX; i++) {
        const struct pg_param *param = &params->items[i];
        call->values[i] = param->null        ? NULL
                          : param->size == 0 ? ""
                                             : (const char *) params->bytes.data + param->offset;
        call->types[i] = param->oid;
        call->sizes[i] = (int) param->size;
        call->formats[i] = 1;
    }
    return call;
}

static struct pg_prepared *find_prepared(struct pg *pg, const char *sql)
{
    struct pg_prepared *prepared = map_get_string(&pg->prepared, sql);
    if (prepared == NULL) {
        prepared = mem_zalloc(sizeof(*prepared));
        (void) snprintf(prepared->name, sizeof(prepared->name), "s%zu", pg->prepared.size);
        map_put_string(&pg->prepared, sql, prepared);
    }
    return prepared;
}

static size_t send_statement(struct pg *pg,
                             const char *sql,
                             const struct pg_params *params,
                             struct pg_prepared *prepared)
{
    size_t statement = add_statement(pg);
    struct call *call CLEANUP(mem_free_pointer) = call_of(params);
    int sent = pg->connection != NULL && call->count <= PARAMS_MAX;
    if (sent && prepared != NULL && !prepared->ready) {
        sent = PQsendPrepare(pg->connection, prepared->name, sql, call->count, call->types);
        if (sent) {
            add_pending(pg, prepared);
            prepared->ready = true; /* unless its result says otherwise */
        }
    }
    if (sent && prepared != NULL) {
        sent = PQsendQueryPrepared(pg->connection, prepared->name, call->count, call->values,
                                   call->sizes, call->formats, 1);
    } else if (sent) {
        sent = PQsendQueryParams(pg->connection, sql, call->count, call->types, call->values,
                                 call->sizes, call->formats, 1);
    }
    if (sent) {
        add_pending(pg, NULL);
    } else {
        pg->send_failed = true;
    }
    return statement;
}

size_t pg_send(struct pg *pg, const char *sql, const struct pg_params *params)
{
    return send_statement(pg, sql, params, find_prepared(pg, sql));
}

size_t pg_send_once(struct pg *pg, const char *sql, const struct pg_params *params)
{
    return send_statement(pg, sql, params, NULL);
}

/* ---- answers -----------------------------------------------------------------------------------
 */

/* Until a result can be read without waiting. False: the connection is lost. */
static bool wait_for_answer(struct pg *pg)
{
    int64_t until_us = clock_monotonic_us() + ANSWER_US;
    while (PQisBusy(pg->connection)) {
        int unsent = PQflush(pg->connection);
        int64_t left_us = until_us - clock_monotonic_us();
        if (unsent < 0 || left_us <= 0) {
            return false;
        }
        struct pollfd socket = {.fd = PQsocket(pg->connection),
                                .events = (short) (POLLIN | (unsent > 0 ? POLLOUT : 0))};
        int ready = poll(&socket, 1, 1000);
        if (ready < 0 && errno != EINTR) {
            return false;
        }
        if (ready > 0 && socket.revents != POLLOUT && !PQconsumeInput(pg->connection)) {
            return false;
        }
    }
    return PQstatus(pg->connection) == CONNECTION_OK;
}

/* The result of one statement; NULL if the connection is lost. */
static PGresult *take_result(struct pg *pg)
{
    PGresult *kept = NULL;
    for (;;) {
        if (!wait_for_answer(pg)) {
            PQclear(kept);
            return NULL;
        }
        PGresult *result = PQgetResult(pg->connection);
        if (result == NULL) {
            return kept;
        }
        PQclear(kept);
        kept = result;
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
            return kept;
        }
    }
}

static bool succeeded(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_PIPELINE_SYNC;
}

static void keep_result(struct pg *pg, PGresult *result)
{
    if (pg->result_count == pg->result_capacity) {
        pg->result_capacity = pg->result_capacity == 0 ? 32 : 2 * pg->result_capacity;
        pg->results = mem_realloc(pg->results, pg->result_capacity * sizeof(pg->results[0]));
    }
    pg->results[pg->result_count++] = result;
}

static enum status lost(struct pg *pg, struct error *error)
{
    const char *message = pg->connection == NULL ? "" : PQerrorMessage(pg->connection);
    (void) error_set(error, STATUS_UNAVAILABLE,
                     "%s: the connection to PostgreSQL at %s was lost%s%.*s", pg->what,
                     pg->place.shown, message[0] == '\0' ? "" : ": ", (int) strcspn(message, "\n"),
                     message);
    pg_disconnect(pg);
    return STATUS_UNAVAILABLE;
}

/* Notes the first failure; all behind it are only skipped. */
static void
note_failure(struct pg *pg, const PGresult *result, enum status *status, struct error *error)
{
    if (*status == STATUS_OK) {
        *status = pg_error_result(result, error);
        error_context(error, "%s", pg->what);
        pg->session_ended = pg_error_ends_session(result);
    }
}

/* Reads the results of all that is pending, and the end of the round. */
static enum status read_round(struct pg *pg, struct error *error)
{
    enum status status = STATUS_OK;
    pg->session_ended = false;
    for (size_t i = 0; i <= pg->pending_count; i++) {
        PGresult *result = take_result(pg);
        if (result == NULL) {
            return status == STATUS_OK ? lost(pg, error) : status;
        }
        if (!succeeded(result)) {
            note_failure(pg, result, &status, error);
        }
        bool last = i == pg->pending_count;
        if (last || pg->pending[i] != NULL) {
            if (!last && !succeeded(result)) {
                pg->pending[i]->ready = false;
            }
            PQclear(result);
        } else {
            keep_result(pg, result);
        }
    }
    return status;
}

enum status pg_wait(struct pg *pg, struct error *error)
{
    enum status status;
    pg->waited = true;
    if (pg->send_failed || pg->connection == NULL || !PQpipelineSync(pg->connection)) {
        pg->send_failed = false;
        return lost(pg, error);
    }
    status = read_round(pg, error);
    pg->pending_count = 0;
    if (pg->connection != NULL &&
        (pg->session_ended || PQstatus(pg->connection) != CONNECTION_OK)) {
        pg_disconnect(pg);
    }
    return status == STATUS_OK ? pg_fence_check(pg, error) : status;
}

const PGresult *pg_result(const struct pg *pg, size_t statement)
{
    return pg->results[statement];
}
