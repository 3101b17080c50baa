#include "connectors/cassandra/cql_session.h"

#include "base/logline.h"
#include "base/memory.h"
#include "connectors/cassandra/cql_session_internal.h"
#include "io/clock.h"

#include <errno.h>
#include <poll.h>

#define HOSTS_MAX      1024
#define TICK_MS        20 /* while requests wait for their time */
#define AGREE_US       (10 * INT64_C(1000000))
#define AGREE_PAUSE_US (50 * INT64_C(1000))

/* ---- work --------------------------------------------------------------------------------------
 */

static bool wants_connection(const struct cql_session *session, size_t index)
{
    const struct cql_host *host = session->hosts[index];
    return host->local && !host->gone;
}

void cql_session_pump(struct cql_session *session, int64_t timeout_us)
{
    struct pollfd fds[HOSTS_MAX];
    struct cql_host *polled[HOSTS_MAX];
    nfds_t count = 0;
    for (size_t i = 0; i < session->host_count && count < HOSTS_MAX; i++) {
        struct cql_host *host = session->hosts[i];
        if (wants_connection(session, i)) {
            cql_host_connect(host);
        } else if (host->in_flight == 0) {
            cql_connection_close(host->connection);
            host->connection = NULL;
        }
        if (host->connection != NULL) {
            cql_connection_flush(host->connection);
            fds[count] = (struct pollfd){.fd = cql_connection_fd(host->connection),
                                         .events = cql_connection_events(host->connection)};
            polled[count++] = host;
        }
    }
    int wait_ms = timeout_us < 0 ? TICK_MS : (int) ((timeout_us + 999) / 1000);
    wait_ms = wait_ms > TICK_MS ? TICK_MS : wait_ms; /* connections and deadlines want looking at */
    (void) poll(fds, count, wait_ms);
    for (nfds_t i = 0; i < count; i++) {
        if (polled[i]->connection != NULL) {
            cql_connection_work(polled[i]->connection, fds[i].revents);
            cql_host_welcome(polled[i]);
        }
    }
    cql_requests_dispatch(session);
    for (nfds_t i = 0; i < count; i++) {
        if (polled[i]->connection != NULL) {
            cql_connection_flush(polled[i]->connection);
        }
    }
}

/* ---- one request at a time ---------------------------------------------------------------------
 */

struct single {
    bool done;
    enum status status;
    struct error *error;
    struct arena *arena;
    struct cql_answer answer;
};

static void
on_single(struct cql_request *request, const struct cql_answer *answer, const struct error *failure)
{
    struct single *single = request->context;
    single->done = true;
    if (failure != NULL) {
        single->status = failure->status;
        if (single->error != NULL) {
            *single->error = *failure;
        }
        return;
    }
    single->answer = *answer;
    single->answer.body = arena_copy(single->arena, answer->body);
}

static enum status run_single(struct cql_session *session,
                              uint8_t opcode,
                              struct slice body,
                              uint16_t *host,
                              struct arena *arena,
                              struct cql_answer *ret_answer,
                              struct error *error)
{
    struct single single = {.error = error, .arena = arena};
    struct cql_request request = {.opcode = opcode, .done = on_single, .context = &single};
    request.hosts[0] = *host;
    request.host_count = *host != CQL_ANY_HOST;
    buffer_init(&request.body);
    buffer_append_slice(&request.body, body);
    cql_session_submit(session, &request);
    while (!single.done) {
        cql_session_pump(session, -1);
    }
    buffer_deinit(&request.body);
    *ret_answer = single.answer;
    *host = request.host;
    if (single.status == STATUS_OK && single.answer.opcode != CQL_RESULT) {
        return error_set(error, STATUS_PROTOCOL, "a message of kind %u is no result",
                         single.answer.opcode);
    }
    return single.status;
}

void cql_write_params(const struct cql_session *session,
                      uint16_t value_count,
                      bool paged,
                      bool more,
                      struct buffer *target)
{
    uint32_t flags = (value_count > 0 ? 0x01u : 0u) | (paged ? 0x04u : 0u) | (more ? 0x08u : 0u);
    buffer_append_be16(target, session->settings.consistency);
    if (session->settings.protocol >= CQL_V5) {
        buffer_append_be32(target, flags);
    } else {
        buffer_append_byte(target, (uint8_t) flags);
    }
    if (value_count > 0) {
        buffer_append_be16(target, value_count);
    }
}

void cql_write_batch_end(const struct cql_session *session, struct buffer *target)
{
    buffer_append_be16(target, session->settings.consistency);
    if (session->settings.protocol >= CQL_V5) {
        buffer_append_be32(target, 0);
    } else {
        buffer_append_byte(target, 0);
    }
}

enum status cql_session_query(struct cql_session *session,
                              const char *text,
                              const struct slice *values,
                              size_t value_count,
                              struct arena *arena,
                              struct cql_table *ret_table,
                              struct error *error)
{
    struct buffer body CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct cql_answer answer;
    uint16_t host = CQL_ANY_HOST;
    cql_write_long_string(&body, slice_of_string(text));
    cql_write_params(session, (uint16_t) value_count, false, false, &body);
    for (size_t i = 0; i < value_count; i++) {
        if (values[i].data == NULL) {
            cql_write_null(&body);
        } else {
            cql_write_long_string(&body, values[i]);
        }
    }
    TRY(run_single(session, CQL_QUERY, buffer_slice(&body), &host, arena, &answer, error));
    if (ret_table == NULL) {
        return STATUS_OK;
    }
    if (cql_result_kind(answer.body) != CQL_RESULT_ROWS) {
        *ret_table = (struct cql_table){0};
        return STATUS_OK;
    }
    return cql_table_read(answer.body, arena, ret_table, error);
}

enum status cql_session_query_at(struct cql_session *session,
                                 uint16_t *host,
                                 const char *text,
                                 struct arena *arena,
                                 struct cql_table *ret_table,
                                 struct error *error)
{
    struct buffer body CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct cql_answer answer;
    cql_write_long_string(&body, slice_of_string(text));
    cql_write_params(session, 0, false, false, &body);
    TRY(run_single(session, CQL_QUERY, buffer_slice(&body), host, arena, &answer, error));
    return cql_table_read(answer.body, arena, ret_table, error);
}

/* ---- the schema --------------------------------------------------------------------------------
 */

static enum status
agrees(struct cql_session *session, struct arena *arena, bool *ret_agrees, struct error *error)
{
    struct cql_table own;
    struct cql_table peers;
    uint16_t host = CQL_ANY_HOST;
    TRY(cql_session_query_at(session, &host,
                             "SELECT schema_version FROM system.local WHERE key='local'", arena,
                             &own, error));
    TRY(cql_session_query_at(session, &host, "SELECT schema_version FROM system.peers", arena,
                             &peers, error));
    struct slice first = own.row_count > 0 ? own.cells[0] : SLICE_EMPTY;
    size_t others = 0;
    for (uint32_t i = 0; i < peers.row_count; i++) {
        struct slice version = cql_table_cell(&peers, i, "schema_version");
        others += version.data != NULL && !slice_equal(version, first);
    }
    *ret_agrees = others == 0;
    return STATUS_OK;
}

enum status cql_session_alter(struct cql_session *session, const char *text, struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    enum status status = cql_session_query(session, text, NULL, 0, &arena, NULL, error);
    if (status != STATUS_OK) {
        error_context(error, "%.200s", text);
        return status;
    }
    cql_session_forget(session);
    bool agreed = session->host_count == 1;
    int64_t until_us =
        clock_monotonic_us() + AGREE_US; /* a node that is down may keep its version */
    while (!agreed && clock_monotonic_us() < until_us) {
        TRY(agrees(session, &arena, &agreed, error));
        if (!agreed) {
            clock_sleep_us(AGREE_PAUSE_US);
        }
    }
    if (!agreed) {
        logline(LOG_WARN, "cassandra", "the nodes do not agree on the schema yet",
                LOG_STRING("statement", text));
    }
    return STATUS_OK;
}

/* ---- prepared statements -----------------------------------------------------------------------
 */

enum status cql_session_prepare(struct cql_session *session,
                                const char *text,
                                const struct cql_statement **ret_statement,
                                struct error *error)
{
    struct cql_statement *statement = map_get_string(&session->statements, text);
    if (statement != NULL) {
        *ret_statement = statement;
        return STATUS_OK;
    }
    struct arena scratch CLEANUP(arena_deinit);
    struct buffer body CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct cql_answer answer;
    uint16_t host = CQL_ANY_HOST;
    arena_init(&scratch, 0);
    cql_write_long_string(&body, slice_of_string(text));
    if (session->settings.protocol >= CQL_V5) {
        buffer_append_be32(&body, 0);
    }
    TRY(run_single(session, CQL_PREPARE, buffer_slice(&body), &host, &scratch, &answer, error));
    struct arena *arena = &session->statements_arena;
    statement = ARENA_NEW(arena, struct cql_statement);
    statement->text = arena_strdup(arena, text);
    statement->answer = arena_copy(arena, answer.body);
    TRY(cql_prepared_read(answer.body, answer.version, arena, &statement->prepared, error));
    map_put_string(&session->statements, text, statement);
    *ret_statement = statement;
    return STATUS_OK;
}

void cql_session_forget(struct cql_session *session)
{
    map_deinit(&session->statements);
    map_init(&session->statements);
    arena_reset(&session->statements_arena);
}

/* ---- life --------------------------------------------------------------------------------------
 */

/* The first connection decides the protocol version for all. */
static void settle_version(struct cql_session *session)
{
    for (size_t i = 0; i < session->host_count; i++) {
        struct cql_host *host = session->hosts[i];
        if (cql_host_ready(host)) {
            session->settings.protocol = cql_connection_version(host->connection);
        }
    }
}

/* Waits for the first node that answers; the reason of one that did not otherwise. */
static enum status reach_one(struct cql_session *session, struct error *error)
{
    int64_t until_us = clock_monotonic_us() + session->settings.connect_timeout_us;
    const struct error *reason = NULL;
    for (;;) {
        size_t failed = 0;
        cql_session_pump(session, -1);
        for (size_t i = 0; i < session->host_count; i++) {
            struct cql_host *host = session->hosts[i];
            if (cql_host_ready(host)) {
                settle_version(session);
                return STATUS_OK;
            }
            if (host->last.status != STATUS_OK) {
                failed++;
                reason = reason == NULL || reason->retriable ? &host->last : reason;
            }
        }
        if (failed == session->host_count || clock_monotonic_us() > until_us) {
            break;
        }
    }
    if (reason == NULL) {
        return error_set(error, STATUS_UNAVAILABLE, "could not reach Cassandra in time");
    }
    if (error != NULL) {
        *error = *reason;
    }
    return reason->status;
}

enum status cql_session_open(const struct cql_settings *settings,
                             struct cql_session **ret_session,
                             struct error *error)
{
    struct cql_session *session = mem_zalloc(sizeof(*session));
    enum status status = STATUS_OK;
    session->settings = *settings;
    arena_init(&session->arena, 0);
    arena_init(&session->topology, 0);
    arena_init(&session->statements_arena, 0);
    map_init(&session->statements);
    for (size_t i = 0; i < settings->contact_count; i++) {
        (void) cql_host_add(session, &settings->contacts[i]);
    }
    if (settings->tls) {
        status = cql_tls_new(&session->settings, &session->tls, error);
    }
    status = status == STATUS_OK ? reach_one(session, error) : status;
    status = status == STATUS_OK ? cql_topology_read(session, error) : status;
    if (status != STATUS_OK) {
        cql_session_close(session);
        return status;
    }
    *ret_session = session;
    return STATUS_OK;
}

void cql_session_close(struct cql_session *session)
{
    session->closing = true;
    for (size_t i = 0; i < session->host_count; i++) {
        cql_host_free(session->hosts[i]);
    }
    cql_tls_free(session->tls);
    map_deinit(&session->statements);
    arena_deinit(&session->statements_arena);
    arena_deinit(&session->topology);
    arena_deinit(&session->arena);
    mem_free(session->hosts);
    mem_free(session);
}

uint8_t cql_session_version(const struct cql_session *session)
{
    return session->settings.protocol;
}

const struct cql_settings *cql_session_settings(const struct cql_session *session)
{
    return &session->settings;
}

const char *cql_session_dc(const struct cql_session *session)
{
    return session->dc;
}

size_t cql_session_local_hosts(const struct cql_session *session)
{
    size_t count = 0;
    for (size_t i = 0; i < session->host_count; i++) {
        count += session->hosts[i]->local && !session->hosts[i]->gone;
    }
    return count;
}
