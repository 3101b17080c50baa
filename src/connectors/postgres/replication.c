#include "connectors/postgres/replication.h"

#include "base/logline.h"
#include "base/memory.h"
#include "base/time_text.h"
#include "connectors/postgres/pg_error.h"
#include "connectors/postgres/pgoutput.h"
#include "connectors/postgres/replication_wait.h"
#include "io/clock.h"
#include "io/link_watch.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#define CONFIRM_US     1000000 /* a position that rose is told at the latest after this */
#define PATIENCE_US    5000000 /* before it is said what is waited for */
#define TELL_US        5000000
#define EPOCH_2000_US  (INT64_C(946684800) * US_PER_SECOND)
#define MESSAGE_HEADER 25 /* 'w', begin, end, time */
#define KEEPALIVE_SIZE 18 /* 'k', end, time, answer wanted */

struct replication {
    PGconn *connection;
    int socket; /* of it; -1: none */
    char *shown;
    char *slot;
    char *received;     /* what libpq handed out last */
    uint64_t confirmed; /* stored by the caller */
    uint64_t told;      /* what the server knows of it */
    int64_t told_us;
    bool answer_wanted;
};

static enum status tell(struct replication *replication, bool ask, struct error *error);

void replication_close(struct replication *replication)
{
    if (replication == NULL) {
        return;
    }
    if (replication->confirmed > replication->told) {
        (void) !tell(replication, false, NULL); /* what is not heard now is told next time */
    }
    PQfreemem(replication->received);
    link_watch_remove(replication->socket);
    PQfinish(replication->connection);
    mem_free(replication->shown);
    mem_free(replication->slot);
    mem_free(replication);
}

/* Values of text must not depend on the server's settings. */
static const char session_options[] =
    "-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=iso_8601 -c bytea_output=hex "
    "-c extra_float_digits=1";

enum status replication_open(const char *url,
                             const char *shown,
                             struct replication **ret_replication,
                             struct error *error)
{
    /* The URL overrides what stands before it, and is overridden by what stands behind it. */
    const char *const names[] = {
        "application_name", "connect_timeout", "tcp_user_timeout", "dbname",
        "replication",      "options",         "client_encoding",  NULL};
    const char *const values[] = {"leat",          "10",   "10000", url, "database",
                                  session_options, "UTF8", NULL};
    struct replication *replication = mem_zalloc(sizeof(*replication));
    replication->socket = -1;
    replication->shown = mem_strdup(shown);
    replication->connection = PQconnectdbParams(names, values, 1);
    if (PQstatus(replication->connection) != CONNECTION_OK) {
        enum status status = pg_error_connection(replication->connection, shown, error);
        replication_close(replication);
        return status;
    }
    replication->socket = PQsocket(replication->connection);
    link_watch_add(replication->socket);
    *ret_replication = replication;
    return STATUS_OK;
}

enum status replication_error(const PGresult *result, struct error *error)
{
    static const struct {
        const char *state, *words, *name, *hint;
        enum status status;
    } known[] = {
        {"55006", "", "slot-in-use",
         "another session reads from it; one whose client is gone ends after wal_sender_timeout",
         STATUS_AGAIN},
        {"55000", "", "slot-invalidated",
         "`snapshot: when_lost` begins anew with the rows there are", STATUS_CONFLICT},
        {"42704", "publication", "publication-missing",
         "`snapshot: when_lost` begins anew with the rows there are", STATUS_CONFLICT},
        {"42704", "", "slot-missing", "`snapshot: when_lost` begins anew with the rows there are",
         STATUS_CONFLICT},
    };

    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    for (size_t i = 0; i < ARRAY_SIZE(known) && message != NULL; i++) {
        if (strcmp(pg_error_state(result), known[i].state) == 0 &&
            strstr(message, known[i].words) != NULL) {
            (void) error_set(error, known[i].status, "%s: %s", known[i].name, message);
            error_hint(error, "%s", known[i].hint);
            return known[i].status;
        }
    }
    return pg_error_result(result, error);
}

/* Runs a command and gives its last result. Making a slot may take as long as the longest
 * transaction that is under way, so a stop is seen in between. */
static enum status run_command(struct replication *replication,
                               const char *text,
                               const atomic_bool *cancelled,
                               PGresult **ret_result,
                               struct error *error)
{
    PGconn *connection = replication->connection;
    int64_t patient_us = clock_monotonic_us() + PATIENCE_US;
    *ret_result = NULL;
    if (PQsendQuery(connection, text) == 0) {
        return pg_error_connection(connection, replication->shown, error);
    }
    for (;;) {
        while (PQisBusy(connection)) {
            if (!replication_wait(PQsocket(connection), patient_us, cancelled)) {
                return error_set(error, STATUS_CANCELLED, "stopped");
            }
            if (clock_monotonic_us() >= patient_us) {
                logline(LOG_WARN, "postgres",
                        "waits for transactions that are under way on the server (pg_stat_activity "
                        "shows the oldest)");
                patient_us = INT64_MAX;
            }
            if (PQconsumeInput(connection) == 0) {
                return pg_error_connection(connection, replication->shown, error);
            }
        }
        PGresult *result = PQgetResult(connection);
        if (result == NULL) {
            return STATUS_OK;
        }
        PQclear(*ret_result);
        *ret_result = result;
    }
}

/* A command that answers with one row of at least `columns` columns. */
static enum status command(struct replication *replication,
                           const char *text,
                           int columns,
                           const atomic_bool *cancelled,
                           PGresult **ret_result,
                           struct error *error)
{
    PGresult *result;
    enum status status = run_command(replication, text, cancelled, &result, error);
    if (status == STATUS_OK && PQresultStatus(result) != PGRES_TUPLES_OK) {
        status = pg_error_result(result, error);
    }
    if (status == STATUS_OK && (PQntuples(result) != 1 || PQnfields(result) < columns)) {
        status =
            error_set(error, STATUS_PROTOCOL, "PostgreSQL's answer to \"%.30s\" has no row", text);
    }
    if (status != STATUS_OK) {
        PQclear(result);
        return status;
    }
    *ret_result = result;
    return STATUS_OK;
}

enum status replication_identify(struct replication *replication,
                                 struct arena *arena,
                                 struct replication_system *ret_system,
                                 struct error *error)
{
    PGresult *result;
    TRY(command(replication, "IDENTIFY_SYSTEM", 3, NULL, &result, error));
    enum status status = STATUS_OK;
    ret_system->id = arena_strdup(arena, PQgetvalue(result, 0, 0));
    ret_system->timeline = (int32_t) strtol(PQgetvalue(result, 0, 1), NULL, 10);
    if (!lsn_parse(PQgetvalue(result, 0, 2), &ret_system->lsn)) {
        status = error_set(error, STATUS_PROTOCOL, "PostgreSQL gives the position \"%s\"",
                           PQgetvalue(result, 0, 2));
    }
    PQclear(result);
    return status;
}

/* Lines of "TIMELINE\tLSN\tREASON": where each earlier one was left. */
static bool find_switch(const char *history, int32_t before, uint64_t *ret_lsn)
{
    for (const char *line = history; *line != '\0';) {
        char lsn[LSN_TEXT_BYTES];
        int timeline;
        if (sscanf(line, " %d %22[0-9A-Fa-f/]", &timeline, lsn) == 2 && timeline == before) {
            return lsn_parse(lsn, ret_lsn);
        }
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    return false;
}

enum status replication_timeline_switch(struct replication *replication,
                                        int32_t timeline,
                                        int32_t before,
                                        uint64_t *ret_lsn,
                                        struct error *error)
{
    char text[64];
    PGresult *result;
    snprintf(text, sizeof(text), "TIMELINE_HISTORY %" PRId32, timeline);
    TRY(command(replication, text, 2, NULL, &result, error));
    bool found = find_switch(PQgetvalue(result, 0, 1), before, ret_lsn);
    PQclear(result);
    return found ? STATUS_OK
                 : error_set(error, STATUS_NOT_FOUND,
                             "timeline %" PRId32 " does not come from timeline %" PRId32, timeline,
                             before);
}

enum status replication_slot_create(struct replication *replication,
                                    const char *slot,
                                    bool temporary,
                                    const atomic_bool *cancelled,
                                    struct arena *arena,
                                    uint64_t *ret_lsn,
                                    const char **ret_snapshot,
                                    struct error *error)
{
    /* The form that every version from 10 on takes. */
    const char *text =
        arena_printf(arena, "CREATE_REPLICATION_SLOT \"%s\" %sLOGICAL pgoutput EXPORT_SNAPSHOT",
                     slot, temporary ? "TEMPORARY " : "");
    PGresult *result;
    TRY(command(replication, text, 4, cancelled, &result, error));
    enum status status = STATUS_OK;
    *ret_snapshot = arena_strdup(arena, PQgetvalue(result, 0, 2));
    if (!lsn_parse(PQgetvalue(result, 0, 1), ret_lsn)) {
        status = error_set(error, STATUS_PROTOCOL, "PostgreSQL gives the position \"%s\"",
                           PQgetvalue(result, 0, 1));
    }
    PQclear(result);
    return status;
}

enum status replication_start(struct replication *replication,
                              const struct replication_stream *stream,
                              struct error *error)
{
    char lsn[LSN_TEXT_BYTES];
    /* Version 1 is enough as long as transactions come whole; every server from 10 on has it. */
    char *quoted = PQescapeIdentifier(replication->connection, stream->publication,
                                      strlen(stream->publication));
    char *literal =
        PQescapeLiteral(replication->connection, quoted, quoted == NULL ? 0 : strlen(quoted));
    if (literal == NULL) {
        PQfreemem(quoted);
        return pg_error_connection(replication->connection, replication->shown, error);
    }
    char *text = mem_printf("START_REPLICATION SLOT \"%s\" LOGICAL %s (proto_version '1', "
                            "publication_names %s)",
                            stream->slot, lsn_format(stream->lsn, lsn), literal);
    PQfreemem(quoted);
    PQfreemem(literal);
    PGresult *result = PQexec(replication->connection, text);
    mem_free(text);
    enum status status = STATUS_OK;
    if (PQresultStatus(result) != PGRES_COPY_BOTH) {
        status = replication_error(result, error);
    }
    PQclear(result);
    mem_free(replication->slot);
    replication->slot = mem_strdup(stream->slot);
    replication->confirmed = replication->told = stream->lsn;
    replication->told_us = clock_monotonic_us();
    return status;
}

/* ---- talking back ------------------------------------------------------------------------------
 */

static void put64(char *target, uint64_t value)
{
    for (int i = 0; i < 8; i++) {
        target[i] = (char) (value >> (56 - 8 * i));
    }
}

/* 'r', written, flushed, applied, time, answer wanted. The server goes by "flushed" alone. */
static enum status tell(struct replication *replication, bool ask, struct error *error)
{
    char message[34] = {'r'};
    for (size_t i = 0; i < 3; i++) {
        put64(message + 1 + 8 * i, replication->confirmed);
    }
    put64(message + 25, (uint64_t) (clock_now_us() - EPOCH_2000_US));
    message[33] = ask;
    if (PQputCopyData(replication->connection, message, sizeof(message)) != 1 ||
        PQflush(replication->connection) < 0) {
        return pg_error_connection(replication->connection, replication->shown, error);
    }
    replication->told = replication->confirmed;
    replication->told_us = clock_monotonic_us();
    replication->answer_wanted = false;
    return STATUS_OK;
}

static enum status tell_if_due(struct replication *replication, struct error *error)
{
    int64_t since_us = clock_monotonic_us() - replication->told_us;
    bool rose = replication->confirmed > replication->told;
    if (replication->answer_wanted || since_us >= TELL_US || (rose && since_us >= CONFIRM_US)) {
        return tell(replication, false, error);
    }
    return STATUS_OK;
}

enum status
replication_confirm(struct replication *replication, uint64_t lsn, bool ask, struct error *error)
{
    if (lsn > replication->confirmed) {
        replication->confirmed = lsn;
    }
    return ask ? tell(replication, true, error) : tell_if_due(replication, error);
}

/* ---- receiving ---------------------------------------------------------------------------------
 */

static uint64_t get64(const char *source)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) {
        value = value << 8 | (uint8_t) source[i];
    }
    return value;
}

/* The stream is over: the reason is the result behind the copied data. */
static enum status stream_ended(struct replication *replication, struct error *error)
{
    PGresult *result = PQgetResult(replication->connection);
    enum status status;
    if (PQresultStatus(result) == PGRES_FATAL_ERROR) {
        status = replication_error(result, error);
    } else {
        status = error_set(error, STATUS_UNAVAILABLE, "PostgreSQL at %s ended the stream",
                           replication->shown);
    }
    PQclear(result);
    return status;
}

static enum status understand(struct replication *replication,
                              size_t size,
                              struct replication_input *input,
                              struct error *error)
{
    const char *bytes = replication->received;
    if (size >= MESSAGE_HEADER && bytes[0] == 'w') {
        input->event = REPLICATION_MESSAGE;
        input->bytes = slice_of(bytes + MESSAGE_HEADER, size - MESSAGE_HEADER);
        return STATUS_OK;
    }
    if (size == KEEPALIVE_SIZE && bytes[0] == 'k') {
        input->event = REPLICATION_KEEPALIVE;
        input->end_lsn = get64(bytes + 1);
        replication->answer_wanted = replication->answer_wanted || bytes[17] != 0;
        return tell_if_due(replication, error);
    }
    return error_set(error, STATUS_PROTOCOL,
                     "PostgreSQL sent %zu bytes of the unknown kind 0x%02x in the stream", size,
                     size == 0 ? 0 : (uint8_t) bytes[0]);
}

enum status replication_receive(struct replication *replication,
                                int64_t timeout_us,
                                const atomic_bool *cancelled,
                                struct replication_input *ret_input,
                                struct error *error)
{
    int64_t until_us = clock_monotonic_us() + timeout_us;
    *ret_input = (struct replication_input){.event = REPLICATION_NOTHING};
    for (bool last = false;; last = clock_monotonic_us() >= until_us) {
        PQfreemem(replication->received);
        replication->received = NULL;
        int size = PQgetCopyData(replication->connection, &replication->received, 1);
        if (size > 0) {
            return understand(replication, (size_t) size, ret_input, error);
        }
        if (size < 0) {
            return stream_ended(replication, error);
        }
        TRY(tell_if_due(replication, error));
        if (last) {
            return STATUS_OK;
        }
        if (!replication_wait(PQsocket(replication->connection), until_us, cancelled)) {
            return error_set(error, STATUS_CANCELLED, "stopped");
        }
        if (PQconsumeInput(replication->connection) == 0) {
            return pg_error_connection(replication->connection, replication->shown, error);
        }
    }
}
