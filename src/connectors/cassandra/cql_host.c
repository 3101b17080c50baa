/* A node: its one connection, opened again when it broke, and how much it is given at a time. */

#include "base/logline.h"
#include "base/memory.h"
#include "connectors/cassandra/cql_session_internal.h"
#include "io/clock.h"

#define RETRY_MIN_US (100 * INT64_C(1000))
#define RETRY_MAX_US (10 * INT64_C(1000000))
#define SHRINK_US    (100 * INT64_C(1000))
#define WINDOW_LEAST 4

struct cql_host *cql_host_add(struct cql_session *session, const struct net_address *address)
{
    struct cql_host *host = mem_zalloc(sizeof(*host));
    host->session = session;
    host->address = *address;
    host->dc = "";
    host->rack = "";
    host->local = true; /* until the topology says otherwise */
    host->window = session->settings.in_flight;
    session->hosts =
        mem_realloc(session->hosts, (session->host_count + 1) * sizeof(struct cql_host *));
    session->hosts[session->host_count++] = host;
    return host;
}

void cql_host_free(struct cql_host *host)
{
    cql_connection_close(host->connection);
    mem_free(host);
}

/* ---- the connection ----------------------------------------------------------------------------
 */

/* Nodes came, went, or changed: the body names which, but reading all anew is simpler and right. */
static void on_event(void *context, struct slice body)
{
    struct cql_host *host = context;
    struct cql_reader reader = cql_reader_of(body);
    struct slice type = cql_read_string(&reader);
    if (!slice_equal_string(type, "SCHEMA_CHANGE")) {
        host->session->topology_stale = true;
    }
}

static void
on_registered(void *context, const struct cql_answer *answer, const struct error *failure)
{
    (void) context;
    (void) answer;
    (void) failure; /* without events a failed connection still makes us look */
}

static void note_failure(struct cql_host *host, const struct error *reason)
{
    int64_t pause_us = RETRY_MIN_US << (host->failures < 7 ? host->failures : 7);
    pause_us = pause_us > RETRY_MAX_US ? RETRY_MAX_US : pause_us;
    pause_us = pause_us / 2 + (int64_t) (random_u64() % (uint64_t) pause_us);
    if (host->failures == 0) {
        logline_error(LOG_DEBUG, "cassandra", reason);
    }
    host->failures++;
    host->last = *reason;
    host->next_try_us = clock_monotonic_us() + pause_us;
    host->session->topology_stale = true;
}

void cql_host_connect(struct cql_host *host)
{
    struct error error;
    const struct error *failure =
        host->connection == NULL ? NULL : cql_connection_failure(host->connection);
    if (failure != NULL) {
        note_failure(host, failure);
        cql_connection_close(host->connection);
        host->connection = NULL;
        host->welcomed = false;
    }
    if (host->connection != NULL || host->gone || clock_monotonic_us() < host->next_try_us) {
        return;
    }
    const struct cql_connection_options options = {
        .settings = &host->session->settings,
        .tls = host->session->tls,
        .address = host->address,
        .on_event = on_event,
        .context = host,
    };
    if (cql_connection_open(&options, &host->connection, &error) != STATUS_OK) {
        host->connection = NULL;
        note_failure(host, &error);
    }
}

static void register_events(struct cql_host *host)
{
    static const char *const types[] = {"TOPOLOGY_CHANGE", "STATUS_CHANGE", "SCHEMA_CHANGE"};
    struct buffer body CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append_be16(&body, ARRAY_SIZE(types));
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        cql_write_string(&body, slice_of_string(types[i]));
    }
    (void) cql_connection_send(host->connection, CQL_REGISTER, buffer_slice(&body),
                               host->session->settings.request_timeout_us, on_registered, NULL);
}

bool cql_host_ready(const struct cql_host *host)
{
    return host->connection != NULL && cql_connection_ready(host->connection);
}

/* After each work of the connection: it has just become ready. */
void cql_host_welcome(struct cql_host *host)
{
    if (!host->welcomed && cql_host_ready(host)) {
        host->welcomed = true;
        host->failures = 0;
        error_clear(&host->last);
        register_events(host);
    }
}

/* ---- how much at a time ------------------------------------------------------------------------
 */

void cql_host_shrink(struct cql_host *host)
{
    int64_t now_us = clock_monotonic_us();
    if (now_us - host->shrunk_us > SHRINK_US) { /* once for all that were under way together */
        host->shrunk_us = now_us;
        host->window = host->window / 2 > WINDOW_LEAST ? host->window / 2 : WINDOW_LEAST;
        host->successes = 0;
    }
}

void cql_host_grow(struct cql_host *host)
{
    if (host->window < host->session->settings.in_flight && ++host->successes >= host->window) {
        host->window++;
        host->successes = 0;
    }
}
