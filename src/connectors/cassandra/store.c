#include "base/memory.h"
#include "connectors/cassandra/cassandra_store.h"
#include "connectors/cassandra/store_internal.h"
#include "io/crash.h"

static void cass_close(struct store *store)
{
    if (store->session != NULL) {
        cql_session_close(store->session);
    }
    arena_deinit(&store->arena);
    mem_free(store);
}

static enum status
cass_open(const char *url, bool read_only, struct store **ret_store, struct error *error)
{
    struct store *store = mem_zalloc(sizeof(*store));
    arena_init(&store->arena, 0);
    store->read_only = read_only;
    enum status status = cql_url_parse(url, &store->arena, &store->settings, error);
    if (status == STATUS_OK) {
        status = cql_session_open(&store->settings, &store->session, error);
    }
    if (status != STATUS_OK) {
        cass_close(store);
        return status;
    }
    *ret_store = store;
    return STATUS_OK;
}

/* Rows first, what speaks of them next: a crash in between only repeats rows. */
static enum status
cass_commit(struct store *store, const struct store_commit *commit, struct error *error)
{
    for (size_t i = 0; i < commit->write_count; i++) {
        TRY(cass_write_rows(store, commit, i, error));
    }
    if (commit->refused != NULL && commit->refused->count > 0) {
        return error_set(error, STATUS_DATA, "%zu rows are refused", commit->refused->count);
    }
    crash_point("cassandra.before_progress");
    for (size_t i = 0; i < commit->dead_count; i++) {
        TRY(cass_dead_insert(store, &commit->dead[i], error));
    }
    if (commit->progress != NULL) {
        TRY(cass_progress_save(store, commit->progress, error));
    }
    for (size_t i = 0; i < commit->dead_resolved_count; i++) {
        TRY(cass_dead_remove(store, commit->dead_resolved[i], error));
    }
    return STATUS_OK;
}

const struct store_ops cassandra_store_ops = {
    .name = "cassandra",
    .atomic = false,
    .timestamp_us = 1000,
    .key_bytes_max = 65000, /* of 65,535, what stands between the columns included */
    .open = cass_open,
    .close = cass_close,
    .table_ensure = cass_table_ensure,
    .commit = cass_commit,
    .progress_load = cass_progress_load,
    .progress_list = cass_progress_list,
    .dead_list = cass_dead_list,
    .dead_update = cass_dead_update,
    .dead_expire = cass_dead_expire,
    .tables_list = cass_tables_list,
    .table_describe = cass_table_describe,
    .scan = cass_scan,
    .scan_where = cass_scan_where,
};
