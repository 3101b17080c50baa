#include "connectors/postgres/pg_schema.h"

#include <inttypes.h>

static const char *const common_statements[] = {
    "CREATE TABLE IF NOT EXISTS leat_format ("
    " kind text PRIMARY KEY,"
    " version bigint NOT NULL)",
    "CREATE TABLE IF NOT EXISTS leat_handles ("
    " id text PRIMARY KEY,"
    " number bigint NOT NULL,"
    " at timestamptz NOT NULL DEFAULT now())",
    "CREATE TABLE IF NOT EXISTS leat_fences ("
    " scope text PRIMARY KEY,"
    " number bigint NOT NULL)",
    "DELETE FROM leat_handles WHERE at < now() - interval '30 days'",
    NULL,
};

/* Inside a transaction. */
static enum status
read_version(struct pg *pg, const char *kind, int64_t *ret_version, struct error *error)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    *ret_version = 0;
    pg_param_string(&params, pg_schema(pg));
    size_t table =
        pg_send(pg, "SELECT to_regclass(quote_ident($1) || '.leat_format') IS NOT NULL", &params);
    TRY(pg_wait(pg, error));
    if (pg_int(pg_result(pg, table), 0, 0) == 0) {
        return STATUS_OK;
    }
    pg_params_clear(&params);
    pg_param_string(&params, kind);
    size_t version = pg_send(pg, "SELECT version FROM leat_format WHERE kind = $1", &params);
    TRY(pg_wait(pg, error));
    *ret_version = pg_rows(pg, version) == 0 ? 0 : pg_int(pg_result(pg, version), 0, 0);
    return STATUS_OK;
}

enum status
pg_schema_version(struct pg *pg, const char *kind, int64_t *ret_version, struct error *error)
{
    enum status status;
    TRY(pg_begin(pg, PG_READ, error));
    TRY_OR_FAIL(read_version(pg, kind, ret_version, error));
    TRY_OR_FAIL(pg_commit(pg, error));
    return STATUS_OK;

fail:
    pg_rollback(pg);
    return status;
}

/* CREATE SCHEMA IF NOT EXISTS would want the privilege to make one even where one is. */
static enum status make_schema(struct pg *pg, struct error *error)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    pg_param_string(&params, pg_schema(pg));
    size_t found = pg_send(pg, "SELECT 1 FROM pg_namespace WHERE nspname = $1", &params);
    TRY(pg_wait(pg, error));
    if (pg_rows(pg, found) == 0) {
        struct buffer sql CLEANUP(buffer_deinit) = BUFFER_INIT;
        buffer_append_string(&sql, "CREATE SCHEMA ");
        pg_append_name(&sql, pg_schema(pg));
        (void) pg_send_once(pg, buffer_string(&sql), NULL);
    }
    return STATUS_OK;
}

enum status pg_schema_make(struct pg *pg,
                           const char *kind,
                           int64_t version,
                           const char *const *statements,
                           struct error *error)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    enum status status;
    int64_t there;
    TRY(pg_begin(pg, PG_REPEATABLE, error));
    TRY_OR_FAIL(read_version(pg, kind, &there, error));
    if (there > version) {
        status =
            error_set(error, STATUS_CONFIG,
                      "schema \"%s\" at %s was made by a newer leat: its %s has version %" PRId64
                      ", this one knows %" PRId64,
                      pg_schema(pg), pg_shown(pg), kind, there, version);
        goto fail;
    }
    if (there < version) {
        pg_lock(pg, "schema", 0);
        TRY_OR_FAIL(make_schema(pg, error));
        for (size_t i = 0; common_statements[i] != NULL; i++) {
            (void) pg_send_once(pg, common_statements[i], NULL);
        }
        for (size_t i = 0; statements[i] != NULL; i++) {
            (void) pg_send_once(pg, statements[i], NULL);
        }
        pg_param_string(&params, kind);
        pg_param_int8(&params, version);
        (void) pg_send_once(pg,
                            "INSERT INTO leat_format(kind, version) VALUES ($1, $2)"
                            " ON CONFLICT (kind) DO UPDATE SET version = excluded.version",
                            &params);
    }
    TRY_OR_FAIL(pg_commit(pg, error));
    return STATUS_OK;

fail:
    pg_rollback(pg);
    error_context(error, "schema \"%s\" at %s", pg_schema(pg), pg_shown(pg));
    return status;
}
