#include "connectors/postgres/pg_error.h"

#include <string.h>

/* By SQLSTATE or its class; the first that fits counts
 * (https://www.postgresql.org/docs/15/errcodes-appendix.html). */
static const struct {
    const char *state;
    enum status status;
    const char *hint;
} kinds[] = {
    {"08", STATUS_UNAVAILABLE, NULL},
    {"57P", STATUS_UNAVAILABLE, NULL}, /* shut down, crashed, starting */
    {"25006", STATUS_UNAVAILABLE,
     "the server is a stand-by or read-only: name the primary, or add "
     "target_session_attrs=read-write to the URL"},
    {"40", STATUS_AGAIN, NULL},
    {"55P03", STATUS_AGAIN, "another session holds a lock; pg_stat_activity shows which"},
    {"57014", STATUS_AGAIN, NULL},
    {"53100", STATUS_AGAIN, "free some space on the server's disk; it goes on by itself"},
    {"53300", STATUS_AGAIN, "raise max_connections of the server, or end other sessions"},
    {"53", STATUS_AGAIN, NULL},
    {"58", STATUS_IO, NULL},
    {"XX001", STATUS_CORRUPT, NULL},
    {"XX002", STATUS_CORRUPT, NULL},
    {"28", STATUS_CONFIG, "check user and password of the URL, and pg_hba.conf of the server"},
    {"3D000", STATUS_CONFIG, "make it: createdb, or CREATE DATABASE"},
    {"42501", STATUS_CONFIG,
     "the role needs CREATE on the database, or to own the schema and its tables"},
    {"42P01", STATUS_CONFIG, "a table of leat was removed while leat used it; start it again"},
    {"42703", STATUS_CONFIG,
     "a column of a table of leat was removed or renamed; put it back, or drop the table and start "
     "leat again"},
    {"3F000", STATUS_CONFIG, "a schema of leat was removed while leat used it; start it again"},
    {"22", STATUS_DATA, NULL},
    {"23", STATUS_CONFLICT, NULL},
    {"54", STATUS_LIMIT, NULL},
};

static enum status
fill(const char *state, const char *message, const char *hint, struct error *error)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (strncmp(state, kinds[i].state, strlen(kinds[i].state)) == 0) {
            (void) error_set(error, kinds[i].status, "%s (%s)", message, state);
            if (kinds[i].hint != NULL || hint != NULL) {
                error_hint(error, "%s", kinds[i].hint != NULL ? kinds[i].hint : hint);
            }
            return kinds[i].status;
        }
    }
    (void) error_set(error, STATUS_INTERNAL, "%s (%s)", message, state);
    return STATUS_INTERNAL;
}

const char *pg_error_state(const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    return state == NULL ? "" : state;
}

bool pg_error_ends_session(const PGresult *result)
{
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    return severity != NULL && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);
}

static bool is_of_values(const char *state)
{
    static const char *const classes[] = {"22", "23", "44", "54", "P0001"};
    for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
        if (strncmp(state, classes[i], strlen(classes[i])) == 0) {
            return true;
        }
    }
    return false;
}

enum status pg_error_result(const PGresult *result, struct error *error)
{
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *state = pg_error_state(result);
    if (message == NULL) {
        message = PQresultErrorMessage(result);
    }
    if (state[0] == '\0') { /* libpq's own: the connection is gone */
        return error_set(error, STATUS_UNAVAILABLE, "%.*s", (int) strcspn(message, "\n"), message);
    }
    enum status status =
        fill(state, message, PQresultErrorField(result, PG_DIAG_MESSAGE_HINT), error);
    if (is_of_values(state)) {
        error_code(error, PG_ROW_REFUSED_CODE);
    }
    return status;
}

bool pg_error_refuses_row(const struct error *error)
{
    return error->code == PG_ROW_REFUSED_CODE;
}

/* libpq keeps no SQLSTATE of a refused connection, so its words decide. */
enum status pg_error_connection(const PGconn *connection, const char *shown, struct error *error)
{
    static const struct {
        const char *words, *state;
    } refusals[] = {
        {"password authentication failed", "28"},
        {"no password supplied", "28"},
        {"no pg_hba.conf entry", "28"},
        {"authentication failed", "28"},
        {"database \"", "3D000"},
        {"role \"", "28"},
    };

    const char *message = connection == NULL ? "out of memory" : PQerrorMessage(connection);
    const char *end = message;
    for (const char *line = message; *line != '\0';) { /* the last line says most */
        size_t size = strcspn(line, "\n");
        if (size > 0 && line[0] != '\t' && line[0] != ' ') {
            message = line;
            end = line + size;
        }
        line += size + (line[size] == '\n');
    }
    int size = (int) (end - message);
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
        bool fatal = memmem(message, (size_t) size, "FATAL", 5) != NULL;
        if (fatal && strstr(message, refusals[i].words) != NULL) {
            char text[512];
            (void) snprintf(text, sizeof(text), "could not connect to PostgreSQL at %s: %.*s",
                            shown, size, message);
            return fill(refusals[i].state, text, NULL, error);
        }
    }
    return error_set(error, STATUS_UNAVAILABLE, "could not reach PostgreSQL at %s: %.*s", shown,
                     size, message);
}
