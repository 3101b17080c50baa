/* Rows, deletes, progress and dead letters in one transaction, which takes two round trips. */

#include "base/memory.h"
#include "connectors/postgres/store_internal.h"
#include "io/crash.h"

#include <stdlib.h>

/* Versions of deleted keys are kept for longer than a dead letter may wait for its retry. */
#define GONE_KEPT_US (35 * INT64_C(86400) * 1000000)

/* Was it this commit whose outcome was open, and is it there? A task asks for the same again until
 * it is told. */
static bool has_landed(struct store *store, const struct store_commit *commit)
{
    bool landed = store->landed && store->open_task != NULL && commit->progress != NULL &&
                  strcmp(store->open_task, commit->progress->task) == 0 &&
                  store->open_number == commit->progress->number;
    store->landed = false;
    mem_free(store->open_task);
    store->open_task = NULL;
    return landed;
}

static void note_open(struct store *store, const struct store_commit *commit)
{
    if (commit->progress != NULL) {
        store->open_task = mem_strdup(commit->progress->task);
        store->open_number = commit->progress->number;
    }
}

/* A number that does not rise shows another writer of the task: it must not go on. */
static size_t send_progress(struct store *store, const struct store_progress *progress)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    pg_param_string(&params, progress->task);
    pg_param_int8(&params, progress->number);
    pg_param_bytes(&params, progress->bytes.data == NULL ? SLICE("") : progress->bytes);
    return pg_send(store->pg,
                   "INSERT INTO leat_progress AS there (task, number, bytes) VALUES ($1, $2, $3)"
                   " ON CONFLICT (task) DO UPDATE SET number = excluded.number,"
                   " bytes = excluded.bytes, at = now() WHERE there.number < excluded.number",
                   &params);
}

static int compare_ids(const void *a, const void *b)
{
    int64_t left = *(const int64_t *) a;
    int64_t right = *(const int64_t *) b;
    return (left > right) - (left < right);
}

/* Writers of a table go one after the other: between two at once a delete and an older upsert could
 * miss each other. In the order of ids, so that nobody waits in a circle. */
static enum status lock_tables(struct store *store,
                               const struct store_commit *commit,
                               struct sink_table **writers,
                               struct arena *arena,
                               struct error *error)
{
    int64_t *ids = ARENA_ARRAY(arena, int64_t, commit->write_count + 1);
    for (size_t i = 0; i < commit->write_count; i++) {
        TRY(pg_store_table_writer(store, commit->writes[i].table, &writers[i], error));
        ids[i] = writers[i]->id;
    }
    qsort(ids, commit->write_count, sizeof(ids[0]), compare_ids);
    for (size_t i = 0; i < commit->write_count; i++) {
        if (i == 0 || ids[i] != ids[i - 1]) {
            pg_lock(store->pg, "table", ids[i]);
        }
    }
    return STATUS_OK;
}

static size_t send_resolved(struct store *store, const struct store_commit *commit)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    pg_array_begin(&params, PG_INT8);
    for (size_t i = 0; i < commit->dead_resolved_count; i++) {
        pg_array_int8(&params, commit->dead_resolved[i]);
    }
    pg_array_end(&params);
    return pg_send(store->pg, "DELETE FROM leat_dead WHERE id = ANY ($1)", &params);
}

static enum status send_writes(struct store *store,
                               const struct store_commit *commit,
                               struct arena *arena,
                               struct error *error)
{
    struct sink_table **writers = ARENA_ARRAY(arena, struct sink_table *, commit->write_count + 1);
    TRY(lock_tables(store, commit, writers, arena, error));
    for (size_t i = 0; i < commit->write_count; i++) {
        TRY(pg_store_write_rows(store, &commit->writes[i], writers[i], arena, error));
    }
    return STATUS_OK;
}

enum status pg_store_write_all(struct store *store,
                               const struct store_write *writes,
                               size_t write_count,
                               struct arena *arena,
                               struct error *error)
{
    const struct store_commit commit = {.writes = writes, .write_count = write_count};
    TRY(send_writes(store, &commit, arena, error));
    return pg_wait(store->pg, error);
}

/* All of the commit, sent and answered. */
static enum status
write_commit(struct store *store, const struct store_commit *commit, struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    TRY(send_writes(store, commit, &arena, error));
    for (size_t i = 0; i < commit->dead_count; i++) {
        pg_store_dead_insert(store, &commit->dead[i]);
    }
    size_t resolved = commit->dead_resolved_count > 0 ? send_resolved(store, commit) : 0;
    size_t progress = commit->progress != NULL ? send_progress(store, commit->progress) : 0;
    TRY(pg_wait(store->pg, error));
    if (commit->dead_resolved_count > 0 &&
        pg_affected(store->pg, resolved) != (int64_t) commit->dead_resolved_count) {
        return error_set(error, STATUS_NOT_FOUND, "there is no dead letter %lld",
                         (long long) commit->dead_resolved[0]);
    }
    if (commit->progress != NULL && pg_affected(store->pg, progress) == 0) {
        return error_set(error, STATUS_CONFLICT,
                         "task \"%s\": another writer has come as far as commit %lld or beyond",
                         commit->progress->task, (long long) commit->progress->number);
    }
    return STATUS_OK;
}

enum status
pg_store_commit(struct store *store, const struct store_commit *commit, struct error *error)
{
    enum status status;
    struct error why = {0};
    TRY(pg_store_begin(store, PG_WRITE, error));
    if (has_landed(store, commit)) {
        pg_rollback(store->pg);
        return STATUS_OK;
    }
    status = write_commit(store, commit, &why);
    if (status != STATUS_OK) {
        pg_rollback(store->pg);
        status = pg_store_find_refused(store, commit, &why);
        if (error != NULL) {
            *error = why;
        }
        return status;
    }
    crash_point("sink.before_commit");
    status = pg_commit(store->pg, error);
    if (status != STATUS_OK) {
        note_open(store, commit);
        goto fail;
    }
    crash_point("sink.after_commit");
    return STATUS_OK;

fail:
    pg_rollback(store->pg);
    return status;
}

/* ---- expiry ------------------------------------------------------------------------------------
 */

static enum status send_expire(struct store *store,
                               const char *name,
                               int64_t before,
                               size_t *ret_statement,
                               struct error *error)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    struct buffer sql CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append_string(&sql, "DELETE FROM ");
    TRY(pg_store_table_place(store, name, &sql, error));
    buffer_append_string(&sql, " WHERE leat_version <= $1");
    pg_param_int8(&params, before);
    *ret_statement = pg_send(store->pg, buffer_string(&sql), &params);
    return STATUS_OK;
}

static enum status
expire(struct store *store, int64_t now_us, int64_t *ret_removed, struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    arena_init(&arena, 0);
    pg_allow_scans(store->pg);
    size_t rows = pg_send(
        store->pg, "SELECT name, ttl_us FROM leat_tables WHERE ttl_us > 0 AND NOT internal", NULL);
    TRY(pg_wait(store->pg, error));
    size_t count = (size_t) pg_rows(store->pg, rows);
    const char **names = ARENA_ARRAY(&arena, const char *, count + 1);
    int64_t *before = ARENA_ARRAY(&arena, int64_t, count + 1);
    size_t *statements = ARENA_ARRAY(&arena, size_t, count + 1);
    for (size_t i = 0; i < count; i++) {
        names[i] = pg_string(pg_result(store->pg, rows), (int) i, 0, &arena);
        before[i] = now_us - pg_int(pg_result(store->pg, rows), (int) i, 1);
    }
    for (size_t i = 0; i < count; i++) {
        TRY(send_expire(store, names[i], before[i], &statements[i], error));
    }
    pg_param_int8(&params, now_us - GONE_KEPT_US);
    (void) pg_send(store->pg, "DELETE FROM leat_gone WHERE version < $1", &params);
    TRY(pg_wait(store->pg, error));
    for (size_t i = 0; i < count; i++) {
        *ret_removed += pg_affected(store->pg, statements[i]);
    }
    return STATUS_OK;
}

enum status
pg_store_expire(struct store *store, int64_t now_us, int64_t *ret_removed, struct error *error)
{
    enum status status;
    *ret_removed = 0;
    TRY(pg_store_begin(store, PG_REPEATABLE, error));
    TRY_OR_FAIL(expire(store, now_us, ret_removed, error));
    TRY_OR_FAIL(pg_commit(store->pg, error));
    return STATUS_OK;

fail:
    pg_rollback(store->pg);
    *ret_removed = 0;
    return status;
}
