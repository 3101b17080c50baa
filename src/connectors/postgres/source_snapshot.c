/* The rows that a table has, read with COPY: one row in memory at a time. */

#include "base/memory.h"
#include "connectors/postgres/pg_error.h"
#include "connectors/postgres/pg_place.h"
#include "connectors/postgres/replication_wait.h"
#include "connectors/postgres/source_internal.h"

#include <stdlib.h>

struct snapshot {
    PGconn *connection;
    char *shown;
    char *row; /* what libpq handed out last */
    struct pgoutput_cell *cells;
    size_t column_count;
    bool copying;
};

void snapshot_close(struct snapshot *snapshot)
{
    if (snapshot == NULL) {
        return;
    }
    PQfreemem(snapshot->row);
    PQfinish(snapshot->connection);
    mem_free(snapshot->cells);
    mem_free(snapshot->shown);
    mem_free(snapshot);
}

static enum status
run(struct snapshot *snapshot, const char *sql, ExecStatusType wanted, struct error *error)
{
    PGresult *result = PQexec(snapshot->connection, sql);
    enum status status = STATUS_OK;
    if (PQresultStatus(result) != wanted) {
        status = pg_error_result(result, error);
    }
    PQclear(result);
    return status;
}

enum status snapshot_open(const char *url,
                          const char *shown,
                          const char *exported,
                          struct snapshot **ret_snapshot,
                          struct error *error)
{
    struct snapshot *snapshot = mem_zalloc(sizeof(*snapshot));
    enum status status;
    snapshot->shown = mem_strdup(shown);
    TRY_OR_FAIL(catalog_connect(url, shown, &snapshot->connection, error));
    /* A large table is read for as long as it takes. */
    TRY_OR_FAIL(run(snapshot,
                    "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;"
                    " BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                    PGRES_COMMAND_OK, error));
    if (exported != NULL) {
        char *literal = PQescapeLiteral(snapshot->connection, exported, strlen(exported));
        char *sql = mem_printf("SET TRANSACTION SNAPSHOT %s", literal == NULL ? "''" : literal);
        status = run(snapshot, sql, PGRES_COMMAND_OK, error);
        mem_free(sql);
        PQfreemem(literal);
        TRY_OR_FAIL(status);
    }
    *ret_snapshot = snapshot;
    return STATUS_OK;

fail:
    snapshot_close(snapshot);
    return status;
}

static void append_names(struct buffer *sql, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buffer_append_string(sql, i == 0 ? "" : ", ");
        pg_append_name(sql, names[i]);
    }
}

/* "COPY (SELECT ... WHERE filter AND (a, b) > ('1', '2') ORDER BY a, b) TO STDOUT" */
static void append_copy(struct snapshot *snapshot,
                        const struct catalog_table *table,
                        const char *const *after,
                        size_t after_count,
                        struct buffer *sql)
{
    buffer_append_string(sql, "COPY (SELECT ");
    for (size_t i = 0; i < table->column_count; i++) {
        buffer_append_string(sql, i == 0 ? "" : ", ");
        pg_append_name(sql, table->columns[i].name);
    }
    buffer_append_string(sql, table->partitioned ? " FROM " : " FROM ONLY ");
    pg_append_name(sql, table->schema);
    buffer_append_byte(sql, '.');
    pg_append_name(sql, table->name);
    if (table->filter != NULL) {
        buffer_printf(sql, " WHERE (%s)", table->filter);
    }
    if (after_count > 0 && after_count == table->order_count) {
        buffer_append_string(sql, table->filter == NULL ? " WHERE (" : " AND (");
        append_names(sql, table->order, table->order_count);
        buffer_append_string(sql, ") > (");
        for (size_t i = 0; i < after_count; i++) {
            char *literal = PQescapeLiteral(snapshot->connection, after[i], strlen(after[i]));
            buffer_append_string(sql, i == 0 ? "" : ", ");
            buffer_append_string(sql, literal == NULL ? "NULL" : literal);
            PQfreemem(literal);
        }
        buffer_append_byte(sql, ')');
    }
    if (table->order_count > 0) {
        buffer_append_string(sql, " ORDER BY ");
        append_names(sql, table->order, table->order_count);
    }
    buffer_append_string(sql, ") TO STDOUT");
}

enum status snapshot_table(struct snapshot *snapshot,
                           const struct catalog_table *table,
                           const char *const *after,
                           size_t after_count,
                           struct error *error)
{
    struct buffer sql CLEANUP(buffer_deinit) = BUFFER_INIT;
    append_copy(snapshot, table, after, after_count, &sql);
    enum status status = run(snapshot, buffer_string(&sql), PGRES_COPY_OUT, error);
    if (status != STATUS_OK) {
        error_context(error, "could not read table \"%s\"", table->full);
        return status;
    }
    mem_free(snapshot->cells);
    snapshot->cells = mem_calloc(table->column_count + 1, sizeof(*snapshot->cells));
    snapshot->column_count = table->column_count;
    snapshot->copying = true;
    return STATUS_OK;
}

/* "SELECT w.n FROM (VALUES (1, '1', '2'), ...) AS w(n, k0, k1) WHERE EXISTS (SELECT FROM table
 * WHERE filter AND a = k0::type AND b = k1::type)" */
static void append_look(struct snapshot *snapshot,
                        const struct catalog_table *table,
                        const char *const *keys,
                        size_t row_count,
                        struct buffer *sql)
{
    buffer_append_string(sql, "SELECT leat_n FROM (VALUES ");
    for (size_t row = 0; row < row_count; row++) {
        buffer_printf(sql, "%s(%zu", row == 0 ? "" : ", ", row);
        for (size_t i = 0; i < table->order_count; i++) {
            const char *key = keys[row * table->order_count + i];
            char *literal = PQescapeLiteral(snapshot->connection, key, strlen(key));
            buffer_printf(sql, ", %s", literal == NULL ? "NULL" : literal);
            PQfreemem(literal);
        }
        buffer_append_byte(sql, ')');
    }
    buffer_append_string(sql, ") AS leat_wanted(leat_n");
    for (size_t i = 0; i < table->order_count; i++) {
        buffer_printf(sql, ", leat_%zu", i);
    }
    buffer_append_string(sql, table->partitioned ? ") WHERE EXISTS (SELECT FROM "
                                                 : ") WHERE EXISTS (SELECT FROM ONLY ");
    pg_append_name(sql, table->schema);
    buffer_append_byte(sql, '.');
    pg_append_name(sql, table->name);
    buffer_printf(sql, " WHERE (%s)", table->filter == NULL ? "true" : table->filter);
    for (size_t i = 0; i < table->order_count; i++) {
        buffer_append_string(sql, " AND ");
        pg_append_name(sql, table->order[i]);
        buffer_printf(sql, table->order_bytes[i] ? " = decode(leat_%zu, 'base64')" : " = leat_%zu",
                      i);
        if (!table->order_bytes[i]) {
            buffer_printf(sql, "::%s", table->order_types[i]);
        }
    }
    buffer_append_byte(sql, ')');
}

enum status snapshot_look(struct snapshot *snapshot,
                          const struct catalog_table *table,
                          const char *const *keys,
                          size_t row_count,
                          bool *ret_there,
                          struct error *error)
{
    struct buffer sql CLEANUP(buffer_deinit) = BUFFER_INIT;
    memset(ret_there, 0, row_count * sizeof(*ret_there));
    if (row_count == 0) {
        return STATUS_OK;
    }
    append_look(snapshot, table, keys, row_count, &sql);
    PGresult *result = PQexec(snapshot->connection, buffer_string(&sql));
    enum status status = STATUS_OK;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        status = pg_error_result(result, error);
        error_context(error, "could not look for rows of table \"%s\"", table->full);
    }
    for (int i = 0; status == STATUS_OK && i < PQntuples(result); i++) {
        size_t row = strtoul(PQgetvalue(result, i, 0), NULL, 10);
        if (row < row_count) {
            ret_there[row] = true;
        }
    }
    PQclear(result);
    return status;
}

/* One field of COPY's text format, unescaped where it stands. Returns what is behind it. */
static char *take_field(char *at, char *end, struct pgoutput_cell *cell)
{
    static const char signs[] = "b\bf\fn\nr\rt\tv\v";
    char *field = at;
    char *write = at;
    if (end - at >= 2 && at[0] == '\\' && at[1] == 'N') {
        *cell = (struct pgoutput_cell){.kind = PGOUTPUT_NULL};
        return at + 2;
    }
    while (at < end && *at != '\t' && *at != '\n') {
        char c = *at++;
        if (c == '\\' && at < end) {
            c = *at++;
            for (size_t i = 0; i + 1 < sizeof(signs); i += 2) {
                if (signs[i] == c) {
                    c = signs[i + 1];
                    break;
                }
            }
        }
        *write++ = c;
    }
    *cell = (struct pgoutput_cell){.kind = PGOUTPUT_TEXT,
                                   .bytes = slice_of(field, (size_t) (write - field))};
    return at;
}

static enum status
split_row(struct snapshot *snapshot, size_t size, struct pgoutput_tuple *tuple, struct error *error)
{
    char *at = snapshot->row;
    char *end = at + size;
    for (size_t i = 0; i < snapshot->column_count; i++) {
        if (i > 0) {
            at += at < end && *at == '\t';
        }
        at = take_field(at, end, &snapshot->cells[i]);
        if (at == end || *at != (i + 1 < snapshot->column_count ? '\t' : '\n')) {
            return error_set(error, STATUS_PROTOCOL,
                             "PostgreSQL sent a row that has not %zu columns",
                             snapshot->column_count);
        }
    }
    tuple->cells = snapshot->cells;
    tuple->count = (uint16_t) snapshot->column_count;
    return STATUS_OK;
}

static enum status copy_ended(struct snapshot *snapshot, struct error *error)
{
    enum status status = STATUS_OK;
    snapshot->copying = false;
    for (PGresult *result = PQgetResult(snapshot->connection); result != NULL;
         result = PQgetResult(snapshot->connection)) {
        if (status == STATUS_OK && PQresultStatus(result) != PGRES_COMMAND_OK) {
            status = pg_error_result(result, error);
        }
        PQclear(result);
    }
    return status;
}

enum status snapshot_row(struct snapshot *snapshot,
                         const atomic_bool *cancelled,
                         struct pgoutput_tuple *ret_tuple,
                         struct error *error)
{
    *ret_tuple = (struct pgoutput_tuple){0};
    for (;;) {
        PQfreemem(snapshot->row);
        snapshot->row = NULL;
        int size = PQgetCopyData(snapshot->connection, &snapshot->row, 1);
        if (size > 0) {
            return split_row(snapshot, (size_t) size, ret_tuple, error);
        }
        if (size < 0) {
            return copy_ended(snapshot, error);
        }
        if (!replication_wait(PQsocket(snapshot->connection), INT64_MAX, cancelled)) {
            return error_set(error, STATUS_CANCELLED, "stopped");
        }
        if (PQconsumeInput(snapshot->connection) == 0) {
            return pg_error_connection(snapshot->connection, snapshot->shown, error);
        }
    }
}
