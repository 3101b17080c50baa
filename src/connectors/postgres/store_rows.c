/* Rows of a batch on their way into a table. Of each key only one statement may speak, so the batch
 * is reduced first: of rows with one key the one with the highest version is left. */

#include "base/hash.h"
#include "connectors/postgres/pg_text.h"
#include "connectors/postgres/pg_value.h"
#include "connectors/postgres/store_internal.h"

/* A statement carries rows up to these. */
#define PART_ROWS  16384
#define PART_BYTES ((size_t) 16 * 1024 * 1024)

#define NO_ROW (-1)

struct rows_work {
    struct store *store;
    const struct store_write *write;
    const struct sink_table *writer;
    struct arena *arena;
    struct buffer keys;    /* encoded, one behind the other */
    size_t *key_ends;      /* one a row */
    struct buffer scratch; /* of values that are written twice */
};

static struct slice key_of(const struct rows_work *work, int64_t row)
{
    size_t from = row == 0 ? 0 : work->key_ends[row - 1];
    return slice_of(work->keys.data + from, work->key_ends[row] - from);
}

static void encode_keys(struct rows_work *work)
{
    const struct store_table *table = work->write->table;
    const struct batch *batch = work->write->batch;
    work->key_ends = ARENA_ARRAY(work->arena, size_t, (size_t) batch->length);
    for (int64_t row = 0; row < batch->length; row++) {
        for (uint32_t i = 0; i < table->key_count; i++) {
            column_encode_key(batch->columns[table->key[i]], row, &work->keys);
        }
        work->key_ends[row] = work->keys.size;
    }
}

static bool removes(const struct store_write *write, int64_t row)
{
    return write->ops != NULL && write->ops[row] == STORE_DELETE;
}

/* Does the row win over one with the same key that came before? A delete removes what is below its
 * version, so that it gives way to an upsert with the same. */
static bool wins(const struct store_write *write, int64_t row, int64_t before)
{
    return write->versions[row] > write->versions[before] ||
           (write->versions[row] == write->versions[before] && removes(write, before) &&
            !removes(write, row));
}

/* The rows that are left, in the order of the batch; the first of a key gives the place. */
static int64_t *reduce(struct rows_work *work, int64_t *ret_count)
{
    const struct store_write *write = work->write;
    size_t length = (size_t) write->batch->length;
    size_t size = 16;
    while (size < 2 * length) {
        size *= 2;
    }
    int64_t *slots = ARENA_ARRAY(work->arena, int64_t, size); /* place in `left` + 1 */
    int64_t *left = ARENA_ARRAY(work->arena, int64_t, length + 1);
    int64_t count = 0;
    for (int64_t row = 0; row < write->batch->length; row++) {
        struct slice key = key_of(work, row);
        size_t at = (size_t) hash64(key) & (size - 1);
        while (slots[at] != 0 && !slice_equal(key_of(work, left[slots[at] - 1]), key)) {
            at = (at + 1) & (size - 1);
        }
        if (slots[at] == 0) {
            left[count] = row;
            slots[at] = ++count;
        } else if (wins(write, row, left[slots[at] - 1])) {
            left[slots[at] - 1] = row;
        }
    }
    *ret_count = count;
    return left;
}

/* ---- statements --------------------------------------------------------------------------------
 */

static bool is_key(const struct store_table *table, uint32_t column)
{
    for (uint32_t i = 0; i < table->key_count; i++) {
        if (table->key[i] == column) {
            return true;
        }
    }
    return false;
}

static void append_column(struct rows_work *work,
                          struct pg_params *params,
                          uint32_t index,
                          const int64_t *rows,
                          int64_t count)
{
    const struct store_column *description = &work->write->table->columns[index];
    const struct column *column = work->write->batch->columns[index];
    pg_array_begin(params, pg_value_type(description));
    bool text_of_key = is_key(work->write->table, index) && column->type->id == TYPE_STRING;
    for (int64_t i = 0; i < count; i++) {
        if (text_of_key && !pg_text_is_plain(column_bytes(column, rows[i]))) {
            /* Written otherwise it may no longer fit into the index. */
            pg_index_text_write(column_bytes(column, rows[i]), pg_array_open(params));
            pg_array_shut(params);
        } else {
            pg_value_write(params, description, column, rows[i], &work->scratch);
        }
    }
    pg_array_end(params);
}

static void append_versions(struct rows_work *work,
                            struct pg_params *params,
                            const int64_t *rows,
                            int64_t count)
{
    pg_array_begin(params, PG_INT8);
    for (int64_t i = 0; i < count; i++) {
        pg_array_int8(params, work->write->versions[rows[i]]);
    }
    pg_array_end(params);
}

static void
append_keys(struct rows_work *work, struct pg_params *params, const int64_t *rows, int64_t count)
{
    pg_array_begin(params, PG_BYTEA);
    for (int64_t i = 0; i < count; i++) {
        pg_index_bytes_write(key_of(work, rows[i]), pg_array_open(params));
        pg_array_shut(params);
    }
    pg_array_end(params);
}

static void send_upserts(struct rows_work *work, const int64_t *rows, int64_t count)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    const struct store_table *table = work->write->table;
    for (uint32_t i = 0; i < table->column_count; i++) {
        append_column(work, &params, i, rows, count);
    }
    append_versions(work, &params, rows, count);
    append_keys(work, &params, rows, count);
    (void) pg_send(work->store->pg, work->writer->upsert, &params);
}

static void send_deletes(struct rows_work *work, const int64_t *rows, int64_t count)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    const struct store_table *table = work->write->table;
    for (uint32_t i = 0; i < table->key_count && !table->internal; i++) {
        append_column(work, &params, table->key[i], rows, count);
    }
    if (table->internal) {
        append_keys(work, &params, rows, count);
    }
    append_versions(work, &params, rows, count);
    (void) pg_send(work->store->pg, work->writer->remove, &params);
    if (table->internal) {
        return;
    }
    pg_params_clear(&params);
    pg_param_int8(&params, work->writer->id);
    append_keys(work, &params, rows, count);
    append_versions(work, &params, rows, count);
    (void) pg_send(work->store->pg,
                   "INSERT INTO leat_gone AS there (table_id, key, version)"
                   " SELECT $1, key, version FROM unnest($2, $3) AS made(key, version)"
                   " ON CONFLICT (table_id, key) DO UPDATE SET version = excluded.version"
                   " WHERE there.version < excluded.version",
                   &params);
}

static size_t width_of(const struct rows_work *work, int64_t row)
{
    const struct batch *batch = work->write->batch;
    size_t bytes = 0;
    for (uint32_t i = 0; i < batch->type->field_count; i++) {
        const struct column *column = batch->columns[i];
        bool long_one = column->type->id == TYPE_STRING || column->type->id == TYPE_BINARY;
        bytes += long_one && !column_is_null(column, row) ? column_bytes(column, row).size : 16;
    }
    return bytes;
}

static void send_parts(struct rows_work *work,
                       const int64_t *rows,
                       int64_t count,
                       void (*send)(struct rows_work *work, const int64_t *rows, int64_t count))
{
    for (int64_t from = 0, end; from < count; from = end) {
        size_t bytes = 0;
        for (end = from; end < count && end - from < PART_ROWS && bytes < PART_BYTES; end++) {
            bytes += width_of(work, rows[end]);
        }
        send(work, rows + from, end - from);
    }
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

enum status pg_store_write_rows(struct store *store,
                                const struct store_write *write,
                                const struct sink_table *writer,
                                struct arena *arena,
                                struct error *error)
{
    if (write->batch->length == 0) {
        return STATUS_OK;
    }
    TRY(check_write(write, error));
    struct rows_work work = {.store = store, .write = write, .writer = writer, .arena = arena};
    encode_keys(&work);
    int64_t count;
    int64_t *left = reduce(&work, &count);
    int64_t *deletes = ARENA_ARRAY(arena, int64_t, (size_t) count + 1);
    int64_t delete_count = 0;
    int64_t upsert_count = 0;
    for (int64_t i = 0; i < count; i++) {
        if (removes(write, left[i])) {
            deletes[delete_count++] = left[i];
        } else {
            left[upsert_count++] = left[i];
        }
    }
    send_parts(&work, left, upsert_count, send_upserts);
    send_parts(&work, deletes, delete_count, send_deletes);
    buffer_deinit(&work.keys);
    buffer_deinit(&work.scratch);
    return STATUS_OK;
}
