#include "connectors/sqlite/store_internal.h"
#include "io/crash.h"

#include <stdlib.h>

/* Batches from here on are written in the order of their key: neighbours in the index are then
 * written together, which matters once it is larger than the cache. */
#define SORT_ROWS_MIN 256

/* Versions of deleted keys are kept for longer than a dead letter may wait for its retry. */
#define GONE_KEPT_US (35 * (int64_t) 86400 * 1000000)

/* One batch under way. */
struct writing {
    struct store *store;
    struct store_refusals *refused; /* NULL: none may be */
    size_t write_index;
    struct sink_table *table;
    const struct store_write *write;
    struct db_statement *upsert;
    struct db_statement *remove;
    struct db_statement *gone_select;
    struct db_statement *gone_upsert;
    struct buffer key;
    struct arena *arena;
};

static enum status writing_begin(struct writing *writing, struct error *error)
{
    struct db *db = writing->store->db;
    struct sink_table *table = writing->table;
    TRY(db_prepare(db, table->upsert, &writing->upsert, error));
    if (writing->write->ops != NULL) {
        TRY(db_prepare(db, table->remove, &writing->remove, error));
    }
    if (!table->internal && (table->has_gone || writing->write->ops != NULL)) {
        TRY(db_prepare(db, table->gone_select, &writing->gone_select, error));
        TRY(db_prepare(db, table->gone_upsert, &writing->gone_upsert, error));
    }
    return STATUS_OK;
}

static void writing_end(struct writing *writing)
{
    statement_release(writing->upsert);
    statement_release(writing->remove);
    statement_release(writing->gone_select);
    statement_release(writing->gone_upsert);
    buffer_deinit(&writing->key);
}

static struct slice key_bytes(struct writing *writing, int64_t row)
{
    const struct store_table *table = writing->write->table;
    buffer_clear(&writing->key);
    for (uint32_t i = 0; i < table->key_count; i++) {
        column_encode_key(writing->write->batch->columns[table->key[i]], row, &writing->key);
    }
    return buffer_slice(&writing->key);
}

/* Was the key deleted with a higher version? */
static enum status
is_gone(struct writing *writing, int64_t row, bool *ret_gone, struct error *error)
{
    *ret_gone = false;
    if (writing->gone_select == NULL) {
        return STATUS_OK;
    }
    statement_bind_blob(writing->gone_select, 1, key_bytes(writing, row));
    bool found;
    TRY(statement_step(writing->gone_select, &found, error));
    if (found) {
        *ret_gone = statement_column_int(writing->gone_select, 0) > writing->write->versions[row];
        statement_reset(writing->gone_select);
    }
    return STATUS_OK;
}

static enum status upsert(struct writing *writing, int64_t row, struct error *error)
{
    bool gone;
    TRY(is_gone(writing, row, &gone, error));
    if (gone) {
        return STATUS_OK;
    }
    const struct batch *batch = writing->write->batch;
    uint32_t count = writing->write->table->column_count;
    for (uint32_t i = 0; i < count; i++) {
        store_bind(writing->upsert, (int) i + 1, batch->columns[i], row, writing->arena);
    }
    statement_bind_int(writing->upsert, (int) count + 1, writing->write->versions[row]);
    return statement_run(writing->upsert, error);
}

static enum status remove_row(struct writing *writing, int64_t row, struct error *error)
{
    const struct store_table *table = writing->write->table;
    int64_t version = writing->write->versions[row];
    statement_bind_int(writing->remove, 1, version);
    for (uint32_t i = 0; i < table->key_count; i++) {
        store_bind(writing->remove, (int) i + 2, writing->write->batch->columns[table->key[i]], row,
                   writing->arena);
    }
    TRY(statement_run(writing->remove, error));
    if (writing->gone_upsert == NULL) {
        return STATUS_OK;
    }
    writing->table->has_gone = true;
    statement_bind_blob(writing->gone_upsert, 1, key_bytes(writing, row));
    statement_bind_int(writing->gone_upsert, 2, version);
    return statement_run(writing->gone_upsert, error);
}

struct sort_entry {
    uint64_t prefix;
    int64_t row;
};

static int compare_entries(const void *left, const void *right)
{
    const struct sort_entry *a = left;
    const struct sort_entry *b = right;
    if (a->prefix != b->prefix) {
        return a->prefix < b->prefix ? -1 : 1;
    }
    return (a->row > b->row) - (a->row < b->row);
}

/* Rows by the first eight bytes of the first key column, as SQLite orders blobs and text. NULL: as
 * they come. Rows are independent of each other (versions decide), but for internal tables. */
static struct sort_entry *sorted_rows(const struct writing *writing)
{
    const struct store_table *table = writing->write->table;
    const struct batch *batch = writing->write->batch;
    const struct column *key = batch->columns[table->key[0]];
    if (batch->length < SORT_ROWS_MIN || table->internal ||
        (key->type->id != TYPE_BINARY && key->type->id != TYPE_STRING)) {
        return NULL;
    }
    struct sort_entry *entries =
        ARENA_ARRAY(writing->arena, struct sort_entry, (size_t) batch->length);
    for (int64_t row = 0; row < batch->length; row++) {
        struct slice bytes = column_is_null(key, row) ? SLICE_EMPTY : column_bytes(key, row);
        uint64_t prefix = 0;
        for (size_t i = 0; i < 8; i++) {
            prefix = prefix << 8 | (i < bytes.size ? bytes.data[i] : 0);
        }
        entries[row] = (struct sort_entry){prefix, row};
    }
    qsort(entries, (size_t) batch->length, sizeof(entries[0]), compare_entries);
    return entries;
}

static enum status check_write(const struct store_write *write, struct error *error)
{
    const struct store_table *table = write->table;
    if (write->batch->type->field_count != table->column_count) {
        return error_set(error, STATUS_INTERNAL, "table \"%s\" has %u columns, the batch %u",
                         table->name, table->column_count, write->batch->type->field_count);
    }
    for (uint32_t i = 0; i < table->key_count; i++) {
        if (write->batch->columns[table->key[i]]->null_count > 0) {
            return error_set(error, STATUS_DATA, "table \"%s\": key column \"%s\" is null",
                             table->name, table->columns[table->key[i]].name);
        }
    }
    return STATUS_OK;
}

static enum status write_row(struct writing *writing, int64_t row, struct error *error)
{
    struct error failure = {0};
    bool removes = writing->write->ops != NULL && writing->write->ops[row] == STORE_DELETE;
    enum status status =
        removes ? remove_row(writing, row, &failure) : upsert(writing, row, &failure);
    if (status != STATUS_OK && writing->refused != NULL && db_refuses_row(&failure)) {
        store_refuse(writing->refused, writing->write_index, row, &failure);
        return STATUS_OK;
    }
    if (status != STATUS_OK && error != NULL) {
        *error = failure;
    }
    return status;
}

static enum status write_rows(struct store *store,
                              const struct store_commit *commit,
                              size_t index,
                              struct arena *arena,
                              struct error *error)
{
    const struct store_write *write = &commit->writes[index];
    if (write->batch->length == 0) {
        return STATUS_OK;
    }
    TRY(check_write(write, error));
    struct writing writing = {.store = store,
                              .refused = commit->refused,
                              .write_index = index,
                              .write = write,
                              .arena = arena};
    TRY(store_table_writer(store, write->table, &writing.table, error));
    enum status status = writing_begin(&writing, error);
    struct sort_entry *sorted = sorted_rows(&writing);
    for (int64_t i = 0; i < write->batch->length && status == STATUS_OK; i++) {
        int64_t row = sorted == NULL ? i : sorted[i].row;
        status = write_row(&writing, row, error);
    }
    writing_end(&writing);
    if (status != STATUS_OK) {
        error_context(error, "table \"%s\"", write->table->name);
    }
    return status;
}

/* A number that does not rise shows another writer of the task: it must not go on. */
static enum status
progress_store(struct store *store, const struct store_progress *progress, struct error *error)
{
    struct db_statement *upsert_statement CLEANUP(statement_release_pointer) = NULL;
    TRY(db_prepare(store->db,
                   "INSERT INTO leat_progress(task, number, bytes) VALUES (?1, ?2, ?3)"
                   " ON CONFLICT(task) DO UPDATE SET number = excluded.number,"
                   " bytes = excluded.bytes WHERE number < excluded.number",
                   &upsert_statement, error));
    statement_bind_text(upsert_statement, 1, slice_of_string(progress->task));
    statement_bind_int(upsert_statement, 2, progress->number);
    statement_bind_blob(upsert_statement, 3, progress->bytes);
    TRY(statement_run(upsert_statement, error));
    if (db_changes(store->db) == 0) {
        return error_set(error, STATUS_CONFLICT,
                         "task \"%s\": another writer has come as far as commit %lld or beyond",
                         progress->task, (long long) progress->number);
    }
    return STATUS_OK;
}

enum status
store_commit(struct store *store, const struct store_commit *commit, struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    enum status status;
    TRY(write_begin(store->db, store->turn, error));
    for (size_t i = 0; i < commit->write_count; i++) {
        TRY_OR_FAIL(write_rows(store, commit, i, &arena, error));
        arena_reset(&arena);
    }
    if (commit->refused != NULL && commit->refused->count > 0) {
        TRY_OR_FAIL(error_set(error, STATUS_DATA, "%zu rows are refused", commit->refused->count));
    }
    for (size_t i = 0; i < commit->dead_count; i++) {
        TRY_OR_FAIL(store_dead_insert(store, &commit->dead[i], error));
    }
    for (size_t i = 0; i < commit->dead_resolved_count; i++) {
        TRY_OR_FAIL(store_dead_remove(store, commit->dead_resolved[i], error));
    }
    if (commit->progress != NULL) {
        TRY_OR_FAIL(progress_store(store, commit->progress, error));
    }
    crash_point("sink.before_commit");
    TRY_OR_FAIL(write_commit(store->db, store->turn, error));
    crash_point("sink.after_commit");
    return STATUS_OK;

fail:
    write_rollback(store->db, store->turn);
    error_context(error, "store");
    return status;
}

static enum status expire_table(struct store *store,
                                const char *name,
                                int64_t id,
                                int64_t ttl_us,
                                int64_t now_us,
                                int64_t *removed,
                                struct error *error)
{
    struct buffer sql CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct db_statement *remove CLEANUP(statement_release_pointer) = NULL;
    if (ttl_us > 0) {
        buffer_append_string(&sql, "DELETE FROM ");
        db_append_name(&sql, name);
        buffer_append_string(&sql, " WHERE leat_version <= ?1");
        TRY(db_prepare(store->db, buffer_string(&sql), &remove, error));
        statement_bind_int(remove, 1, now_us - ttl_us);
        TRY(statement_run(remove, error));
        *removed += db_changes(store->db);
        statement_release(remove);
        remove = NULL;
    }
    buffer_clear(&sql);
    buffer_printf(&sql, "DELETE FROM leat_gone_%lld WHERE version < ?1", (long long) id);
    TRY(db_prepare(store->db, buffer_string(&sql), &remove, error));
    statement_bind_int(remove, 1, now_us - GONE_KEPT_US);
    return statement_run(remove, error);
}

enum status
store_expire(struct store *store, int64_t now_us, int64_t *ret_removed, struct error *error)
{
    *ret_removed = 0;
    struct db_statement *select CLEANUP(statement_release_pointer) = NULL;
    TRY(db_prepare(store->db, "SELECT name, id, ttl_us FROM leat_tables WHERE NOT internal",
                   &select, error));
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    enum status status;
    bool found;
    TRY(write_begin(store->db, store->turn, error));
    TRY_OR_FAIL(statement_step(select, &found, error));
    while (found) {
        TRY_OR_FAIL(expire_table(store, arena_string(&arena, statement_column_text(select, 0)),
                                 statement_column_int(select, 1), statement_column_int(select, 2),
                                 now_us, ret_removed, error));
        TRY_OR_FAIL(statement_step(select, &found, error));
    }
    TRY_OR_FAIL(write_commit(store->db, store->turn, error));
    return STATUS_OK;

fail:
    write_rollback(store->db, store->turn);
    *ret_removed = 0;
    return status;
}
