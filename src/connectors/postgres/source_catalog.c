#include "connectors/postgres/source_catalog_internal.h"

#include "base/memory.h"
#include "connectors/postgres/pg_error.h"
#include "connectors/postgres/pg_place.h"
#include "connectors/postgres/pgoutput.h"
#include "connectors/postgres/replication.h"

#include <stdio.h>
#include <stdlib.h>

#define VERSION_MIN      120000
#define VERSION_STAND_BY 160000 /* logical decoding on a stand-by */

static const char session_options[] =
    "-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=iso_8601 -c bytea_output=hex "
    "-c extra_float_digits=1 -c default_transaction_read_only=off";

void result_free(PGresult **result)
{
    PQclear(*result);
    *result = NULL;
}

enum status
catalog_connect(const char *url, const char *shown, PGconn **ret_connection, struct error *error)
{
    const char *const names[] = {"application_name",
                                 "connect_timeout",
                                 "tcp_user_timeout",
                                 "dbname",
                                 "options",
                                 "client_encoding",
                                 NULL};
    const char *const values[] = {"leat", "10", "10000", url, session_options, "UTF8", NULL};
    PGconn *connection = PQconnectdbParams(names, values, 1);
    if (PQstatus(connection) != CONNECTION_OK) {
        enum status status = pg_error_connection(connection, shown, error);
        PQfinish(connection);
        return status;
    }
    *ret_connection = connection;
    return STATUS_OK;
}

enum status catalog_open(const char *url,
                         const char *shown,
                         bool decimals,
                         struct catalog **ret_catalog,
                         struct error *error)
{
    PGconn *connection;
    TRY(catalog_connect(url, shown, &connection, error));
    struct catalog *catalog = mem_zalloc(sizeof(*catalog));
    catalog->connection = connection;
    catalog->shown = mem_strdup(shown);
    catalog->decimals = decimals;
    map_init(&catalog->types);
    *ret_catalog = catalog;
    return STATUS_OK;
}

void catalog_close(struct catalog *catalog)
{
    if (catalog == NULL) {
        return;
    }
    size_t at = 0;
    for (struct map_entry *entry = map_next(&catalog->types, &at); entry != NULL;
         entry = map_next(&catalog->types, &at)) {
        mem_free(entry->value);
    }
    map_deinit(&catalog->types);
    PQfinish(catalog->connection);
    mem_free(catalog->shown);
    mem_free(catalog);
}

enum status catalog_query(struct catalog *catalog,
                          const char *sql,
                          const char *const *parameters,
                          int count,
                          PGresult **ret_result,
                          struct error *error)
{
    PGresult *result =
        PQexecParams(catalog->connection, sql, count, NULL, parameters, NULL, NULL, 0);
    ExecStatusType state = PQresultStatus(result);
    if (state != PGRES_TUPLES_OK && state != PGRES_COMMAND_OK) {
        enum status status = pg_error_result(result, error);
        PQclear(result);
        return status;
    }
    *ret_result = result;
    return STATUS_OK;
}

/* ---- the server --------------------------------------------------------------------------------
 */

static const char server_sql[] =
    "SELECT current_setting('wal_level'), current_setting('server_version_num'),"
    " pg_is_in_recovery(), rolreplication OR rolsuper, current_user,"
    " current_setting('max_replication_slots'), (SELECT count(*) FROM pg_replication_slots),"
    " current_setting('max_wal_senders'), current_setting('max_slot_wal_keep_size', true),"
    " current_setting('server_version')"
    " FROM pg_roles WHERE rolname = current_user";

static enum status refuse(struct error *error, const char *hint, const char *message)
{
    (void) error_set(error, STATUS_CONFIG, "%s", message);
    error_hint(error, "%s", hint);
    return STATUS_CONFIG;
}

enum status catalog_check_server(struct catalog *catalog, struct error *error)
{
    PGresult *result CLEANUP(result_free) = NULL;
    char message[256];
    TRY(catalog_query(catalog, server_sql, NULL, 0, &result, error));
    long version = strtol(catalog_text(result, 0, 1), NULL, 10);
    if (version < VERSION_MIN) {
        return refuse(error, "use PostgreSQL 12 or newer", "this PostgreSQL is too old");
    }
    if (strcmp(catalog_text(result, 0, 0), "logical") != 0) {
        snprintf(message, sizeof(message), "wal_level is \"%s\", and must be \"logical\"",
                 catalog_text(result, 0, 0));
        return refuse(error,
                      "ALTER SYSTEM SET wal_level = logical; then restart the server (managed "
                      "services have a parameter of their own for it)",
                      message);
    }
    if (catalog_true(result, 0, 2) && version < VERSION_STAND_BY) {
        return refuse(error, "name the primary in the URL",
                      "the server is a stand-by, which decodes nothing before PostgreSQL 16");
    }
    if (!catalog_true(result, 0, 3)) {
        snprintf(message, sizeof(message), "role \"%s\" may not replicate",
                 catalog_text(result, 0, 4));
        return refuse(error, "ALTER ROLE ... REPLICATION", message);
    }
    return STATUS_OK;
}

const char *catalog_describe(struct catalog *catalog, struct arena *arena)
{
    PGresult *result CLEANUP(result_free) = NULL;
    if (catalog_query(catalog, server_sql, NULL, 0, &result, NULL) != STATUS_OK) {
        return "PostgreSQL";
    }
    const char *kept = catalog_text(result, 0, 8);
    return arena_printf(arena, "PostgreSQL %s, %s of %s slots in use%s", catalog_text(result, 0, 9),
                        catalog_text(result, 0, 6), catalog_text(result, 0, 5),
                        strcmp(kept, "-1") == 0
                            ? ", max_slot_wal_keep_size is not set: a source that stands still "
                              "fills the server's disk"
                            : "");
}

enum status catalog_flushed(struct catalog *catalog, uint64_t *ret_lsn, struct error *error)
{
    PGresult *result CLEANUP(result_free) = NULL;
    TRY(catalog_query(catalog,
                      "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()"
                      " ELSE pg_current_wal_flush_lsn() END",
                      NULL, 0, &result, error));
    if (!lsn_parse(catalog_text(result, 0, 0), ret_lsn)) {
        return error_set(error, STATUS_PROTOCOL, "PostgreSQL gives the position \"%s\"",
                         catalog_text(result, 0, 0));
    }
    return STATUS_OK;
}

/* ---- publication -------------------------------------------------------------------------------
 */

enum status catalog_publication_find(struct catalog *catalog,
                                     const char *name,
                                     struct catalog_publication *ret_publication,
                                     struct error *error)
{
    PGresult *result CLEANUP(result_free) = NULL;
    *ret_publication = (struct catalog_publication){0};
    TRY(catalog_query(catalog,
                      "SELECT pubinsert, pubupdate, pubdelete, pubtruncate FROM pg_publication"
                      " WHERE pubname = $1",
                      &name, 1, &result, error));
    if (PQntuples(result) == 1) {
        *ret_publication = (struct catalog_publication){
            .exists = true,
            .inserts = catalog_true(result, 0, 0),
            .updates = catalog_true(result, 0, 1),
            .deletes = catalog_true(result, 0, 2),
            .truncates = catalog_true(result, 0, 3),
        };
    }
    return STATUS_OK;
}

/* Publishing the updates of a table without identity makes PostgreSQL refuse them to everyone. */
enum status catalog_check_identities(const struct catalog_table *tables,
                                     size_t count,
                                     bool inserts_only,
                                     struct error *error)
{
    for (size_t i = 0; i < count && !inserts_only; i++) {
        if (tables[i].identity == 'n' ||
            (tables[i].identity == 'd' && tables[i].order_count == 0)) {
            (void) error_set(error, STATUS_CONFIG,
                             "table \"%s\" has no primary key: once it is published, PostgreSQL "
                             "refuses updates and deletes of its rows",
                             tables[i].full);
            error_hint(error,
                       "ALTER TABLE %s REPLICA IDENTITY FULL; or make a publication of its own "
                       "WITH (publish = 'insert') and name it in `publication`",
                       tables[i].full);
            return STATUS_CONFIG;
        }
    }
    return STATUS_OK;
}

enum status catalog_publication_make(struct catalog *catalog,
                                     const char *name,
                                     const struct catalog_table *tables,
                                     size_t count,
                                     struct error *error)
{
    struct buffer sql CLEANUP(buffer_deinit) = BUFFER_INIT;
    PGresult *result CLEANUP(result_free) = NULL;
    TRY(catalog_check_identities(tables, count, false, error));
    buffer_append_string(&sql, "CREATE PUBLICATION ");
    pg_append_name(&sql, name);
    buffer_append_string(&sql, " FOR TABLE ");
    for (size_t i = 0; i < count; i++) {
        buffer_append_string(&sql, i == 0 ? "" : ", ");
        pg_append_name(&sql, tables[i].schema);
        buffer_append_byte(&sql, '.');
        pg_append_name(&sql, tables[i].name);
    }
    if (PQserverVersion(catalog->connection) >= 130000) {
        buffer_append_string(&sql, " WITH (publish_via_partition_root = true)");
    }
    enum status status = catalog_query(catalog, buffer_string(&sql), NULL, 0, &result, error);
    if (status != STATUS_OK) {
        error_context(error, "could not make publication \"%s\"", name);
        error_hint(error, "have it made by the tables' owner: %.400s", buffer_string(&sql));
    }
    return status;
}

/* ---- slot --------------------------------------------------------------------------------------
 */

static uint64_t lsn_of(const PGresult *result, int column)
{
    uint64_t lsn;
    return lsn_parse(catalog_text(result, 0, column), &lsn) ? lsn : 0;
}

enum status catalog_slot_find(struct catalog *catalog,
                              const char *name,
                              struct arena *arena,
                              struct catalog_slot *ret_slot,
                              struct error *error)
{
    PGresult *result CLEANUP(result_free) = NULL;
    int version = PQserverVersion(catalog->connection);
    const char *sql = arena_printf(
        arena,
        "SELECT active, active_pid, plugin, database, restart_lsn, confirmed_flush_lsn, %s, %s"
        " FROM pg_replication_slots WHERE slot_name = $1",
        version >= 130000 ? "wal_status" : "''", version >= 170000 ? "invalidation_reason" : "''");
    *ret_slot = (struct catalog_slot){0};
    TRY(catalog_query(catalog, sql, &name, 1, &result, error));
    if (PQntuples(result) != 1) {
        return STATUS_OK;
    }
    *ret_slot = (struct catalog_slot){
        .exists = true,
        .active = catalog_true(result, 0, 0),
        .active_pid = (int32_t) strtol(catalog_text(result, 0, 1), NULL, 10),
        .plugin = arena_strdup(arena, catalog_text(result, 0, 2)),
        .database = arena_strdup(arena, catalog_text(result, 0, 3)),
        .restart_lsn = lsn_of(result, 4),
        .confirmed_lsn = lsn_of(result, 5),
        .wal_status = arena_strdup(arena, catalog_text(result, 0, 6)),
        .why_invalid = arena_strdup(arena, catalog_text(result, 0, 7)),
    };
    return STATUS_OK;
}

enum status catalog_slot_drop(struct catalog *catalog, const char *name, struct error *error)
{
    PGresult *result CLEANUP(result_free) = PQexecParams(
        catalog->connection, "SELECT pg_drop_replication_slot($1)", 1, NULL, &name, NULL, NULL, 0);
    return PQresultStatus(result) == PGRES_TUPLES_OK ? STATUS_OK : replication_error(result, error);
}
