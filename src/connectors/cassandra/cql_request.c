/* Requests: where they go, what their answer means, and when they are tried again. */

#include "base/assert.h"
#include "connectors/cassandra/cql_session_internal.h"
#include "io/clock.h"

#define PAUSE_MIN_US (20 * INT64_C(1000))
#define PAUSE_MAX_US (1000 * INT64_C(1000))

/* ---- the line of those that wait ---------------------------------------------------------------
 */

static void enqueue(struct cql_session *session, struct cql_request *request)
{
    request->next = NULL;
    if (session->waiting_last == NULL) {
        session->waiting_first = request;
    } else {
        session->waiting_last->next = request;
    }
    session->waiting_last = request;
    session->waiting++;
}

void cql_session_submit(struct cql_session *session, struct cql_request *request)
{
    request->session = session;
    request->attempts = 0;
    request->preparing = 0;
    request->not_before_us = 0;
    request->host = CQL_ANY_HOST;
    error_clear(&request->last);
    if (request->deadline_us == 0) {
        request->deadline_us = clock_monotonic_us() + PATIENCE_US;
    }
    session->under_way++;
    enqueue(session, request);
    if (session->waiting == 1) {
        cql_requests_dispatch(session);
    }
}

size_t cql_session_waiting(const struct cql_session *session)
{
    return session->waiting;
}

/* ---- answers -----------------------------------------------------------------------------------
 */

static void
finish(struct cql_request *request, const struct cql_answer *answer, const struct error *failure)
{
    request->session->under_way--;
    request->done(request, answer, failure);
}

static void try_again(struct cql_request *request, bool at_once, const struct error *reason)
{
    int64_t now_us = clock_monotonic_us();
    request->last = *reason;
    if (now_us >= request->deadline_us) {
        finish(request, NULL, &request->last);
        return;
    }
    unsigned steps = request->attempts < 6 ? request->attempts : 6;
    int64_t most_us = PAUSE_MIN_US << steps;
    most_us = most_us > PAUSE_MAX_US ? PAUSE_MAX_US : most_us;
    request->not_before_us = at_once && request->attempts == 0
                                 ? 0
                                 : now_us + (int64_t) (random_u64() % (uint64_t) most_us);
    request->attempts++;
    enqueue(request->session, request);
}

static void on_answer(void *context, const struct cql_answer *answer, const struct error *failure);

static void send_to(struct cql_request *request, struct cql_host *host)
{
    host->in_flight++;
    bool sent =
        cql_connection_send(host->connection, request->opcode, buffer_slice(&request->body),
                            request->session->settings.request_timeout_us, on_answer, request);
    ASSERT(sent);
}

/* Values are written for the types that the statement had when it was prepared first. */
static bool is_as_it_was(const struct cql_request *request, struct slice body)
{
    for (size_t i = 0; i < ARRAY_SIZE(request->statements); i++) {
        const struct cql_statement *statement = request->statements[i];
        if (statement != NULL && slice_equal(statement->answer, body)) {
            return true;
        }
    }
    return false;
}

/* The node has the statements again: the request goes there anew. */
static void on_prepared(void *context, const struct cql_answer *answer, const struct error *failure)
{
    struct cql_request *request = context;
    struct cql_host *host = request->session->hosts[request->host];
    if (request->session->closing) {
        return;
    }
    request->preparing--;
    host->in_flight--;
    if (failure != NULL) {
        request->last = *failure;
    } else if (answer->opcode != CQL_RESULT) {
        struct cql_refusal refusal;
        cql_error_read(answer->body, &refusal, &request->last);
        cql_error_of_prepare(&refusal, &request->last);
    } else if (!is_as_it_was(request, answer->body)) {
        (void) error_set(&request->last, STATUS_NOT_FOUND, "the table has been made anew");
        request->last.retriable = true; /* by who asks: prepared anew, it may fit */
    }
    if (request->preparing > 0) {
        return;
    }
    if (request->last.status == STATUS_OK && clock_monotonic_us() < request->deadline_us) {
        request->not_before_us = 0;
        enqueue(request->session, request);
    } else if (request->last.retriable && request->last.status != STATUS_NOT_FOUND) {
        struct error reason = request->last;
        try_again(request, false, &reason);
    } else {
        finish(request, NULL, &request->last);
    }
}

static void
prepare_there(struct cql_request *request, struct cql_host *host, const struct error *why)
{
    error_clear(&request->last);
    for (size_t i = 0; i < ARRAY_SIZE(request->statements); i++) {
        struct buffer body CLEANUP(buffer_deinit) = BUFFER_INIT;
        if (request->statements[i] == NULL) {
            continue;
        }
        cql_write_long_string(&body, slice_of_string(request->statements[i]->text));
        if (cql_session_version(request->session) >= CQL_V5) {
            buffer_append_be32(&body, 0);
        }
        if (cql_connection_send(host->connection, CQL_PREPARE, buffer_slice(&body),
                                request->session->settings.request_timeout_us, on_prepared,
                                request)) {
            host->in_flight++;
            request->preparing++;
        }
    }
    if (request->preparing == 0) {
        try_again(request, false, why);
    }
}

static void on_refused(struct cql_request *request, struct cql_host *host, struct slice body)
{
    struct cql_refusal refusal;
    struct error error;
    cql_error_read(body, &refusal, &error);
    switch (refusal.remedy) {
    case CQL_REMEDY_NONE:
        finish(request, NULL, &error);
        break;
    case CQL_REMEDY_AGAIN:
        try_again(request, false, &error);
        break;
    case CQL_REMEDY_ELSEWHERE:
        try_again(request, true, &error);
        break;
    case CQL_REMEDY_SLOWER:
        cql_host_shrink(host);
        try_again(request, false, &error);
        break;
    case CQL_REMEDY_PREPARE:
        prepare_there(request, host, &error);
        break;
    }
}

static void on_answer(void *context, const struct cql_answer *answer, const struct error *failure)
{
    struct cql_request *request = context;
    struct cql_host *host = request->session->hosts[request->host];
    if (request->session->closing) {
        return;
    }
    host->in_flight--;
    if (failure != NULL) {
        if (failure->status == STATUS_AGAIN) {
            cql_host_shrink(host); /* it did not answer in time */
        }
        try_again(request, true, failure);
    } else if (answer->opcode == CQL_ERROR) {
        on_refused(request, host, answer->body);
    } else {
        cql_host_grow(host);
        finish(request, answer, NULL);
    }
}

/* ---- where to ----------------------------------------------------------------------------------
 */

static bool may_take(const struct cql_session *session, uint16_t index, bool *ret_hope)
{
    const struct cql_host *host = session->hosts[index];
    if (host->gone || !cql_host_ready(host)) {
        return false;
    }
    *ret_hope = true; /* it will have room */
    return (int64_t) host->in_flight < host->window;
}

/* A replica before others, another than the last after a failure; CQL_ANY_HOST: none has room. The
 * first replica that is up is waited for rather than passed over: a batch was made for it. */
static uint16_t choose_host(struct cql_session *session, const struct cql_request *request)
{
    bool hope = false;
    for (size_t i = 0; i < request->host_count; i++) {
        uint16_t index = request->hosts[i];
        if (request->attempts > 0 && index == request->host && request->host_count > 1) {
            continue;
        }
        if (may_take(session, index, &hope)) {
            return index;
        }
        if (hope && request->attempts == 0) {
            return CQL_ANY_HOST;
        }
    }
    uint16_t last_choice = CQL_ANY_HOST;
    for (size_t i = 0; i < session->host_count; i++) {
        uint16_t index = (uint16_t) ((session->turn + i) % session->host_count);
        if (!session->hosts[index]->local || !may_take(session, index, &hope)) {
            continue;
        }
        if (request->attempts > 0 && index == request->host) {
            last_choice = index;
            continue;
        }
        session->turn = (uint16_t) (index + 1);
        return index;
    }
    return last_choice;
}

/* Why nobody can be asked. */
static void explain(const struct cql_session *session, struct cql_request *request)
{
    for (size_t i = 0; i < session->host_count; i++) {
        const struct cql_host *host = session->hosts[i];
        if (!host->gone && host->local && host->last.status != STATUS_OK && !cql_host_ready(host)) {
            request->last = host->last;
        }
    }
    if (request->last.status == STATUS_OK) {
        (void) error_set(&request->last, STATUS_UNAVAILABLE,
                         "could not reach any node of data centre \"%s\" in time",
                         session->dc == NULL ? "?" : session->dc);
    }
}

/* A refusal that no waiting will change, such as of the password, when no node can be asked. */
static bool hopeless(const struct cql_session *session)
{
    bool any = false;
    for (size_t i = 0; i < session->host_count; i++) {
        const struct cql_host *host = session->hosts[i];
        if (host->gone || !host->local) {
            continue;
        }
        any = true;
        if (cql_host_ready(host) || host->last.status == STATUS_OK || host->last.retriable) {
            return false;
        }
    }
    return any;
}

void cql_requests_dispatch(struct cql_session *session)
{
    int64_t now_us = clock_monotonic_us();
    bool no_hope = hopeless(session);
    struct cql_request *rest = session->waiting_first;
    session->waiting_first = session->waiting_last = NULL;
    session->waiting = 0;
    while (rest != NULL) {
        struct cql_request *request = rest;
        rest = rest->next;
        uint16_t index =
            now_us < request->not_before_us ? CQL_ANY_HOST : choose_host(session, request);
        if (index != CQL_ANY_HOST) {
            request->host = index;
            send_to(request, session->hosts[index]);
        } else if (now_us >= request->deadline_us || no_hope) {
            explain(session, request);
            finish(request, NULL, &request->last);
        } else {
            enqueue(session, request);
        }
    }
}
