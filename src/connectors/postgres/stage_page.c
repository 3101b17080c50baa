/* A page in one transaction, and two or three round trips: which of its keys stand there already;
 * then, once it is decided what each row changes, all of it at once; then the commit. */

#include "base/memory.h"
#include "connectors/postgres/pg_text.h"
#include "connectors/postgres/stage_internal.h"
#include "io/crash.h"

/* A statement carries rows up to these. */
#define PART_ROWS  16384
#define PART_BYTES ((size_t) 16 * 1024 * 1024)

#define NO_ROW SIZE_MAX

/* A key of the page: as it stands in the table, and what the page makes of it. */
struct staged_key {
    bool there;
    uint8_t hash[16];
    size_t row; /* the newest accepted one; NO_ROW: none */
    int64_t position;
};

struct page_work {
    struct stage *stage;
    const struct staged_source *source;
    struct stage_rows *rows;
    struct arena arena;
    struct map keys;            /* as in the table -> struct staged_key */
    struct slice *names;        /* one a row: its key as in the table */
    struct staged_key **key_of; /* one a row */
    size_t *changes;            /* rows that were accepted */
    size_t change_count;
};

/* ---- what is there -----------------------------------------------------------------------------
 */

/* The keys of the page, each once. */
static void gather_keys(struct page_work *work)
{
    const struct stage_rows *rows = work->rows;
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    work->names = ARENA_ARRAY(&work->arena, struct slice, rows->count + 1);
    work->key_of = ARENA_ARRAY(&work->arena, struct staged_key *, rows->count + 1);
    work->changes = ARENA_ARRAY(&work->arena, size_t, rows->count + 1);
    for (size_t i = 0; i < rows->count; i++) {
        buffer_clear(&text);
        pg_index_text_write(rows->rows[i].key, &text);
        work->names[i] = arena_copy(&work->arena, buffer_slice(&text));
        struct staged_key *key = map_get(&work->keys, work->names[i]);
        if (key == NULL) {
            key = ARENA_NEW(&work->arena, struct staged_key);
            key->row = NO_ROW;
            map_put(&work->keys, work->names[i], key);
        }
        work->key_of[i] = key;
    }
}

static void append_bytes(struct pg_params *params, struct slice plain)
{
    buffer_append_slice(pg_array_open(params), plain);
    pg_array_shut(params);
}

/* Asks for the hashes of all keys. */
static enum status look(struct page_work *work, struct error *error)
{
    struct pg *pg = work->stage->pg;
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    struct staged_key **asked = ARENA_ARRAY(&work->arena, struct staged_key *, work->keys.size + 1);
    size_t count = 0;
    size_t at = 0;
    pg_array_begin(&params, PG_TEXT);
    for (struct map_entry *entry; (entry = map_next(&work->keys, &at)) != NULL;) {
        append_bytes(&params, entry->key);
        asked[count++] = entry->value;
    }
    pg_array_end(&params);
    size_t statement = pg_send(pg, work->source->look, &params);
    TRY(pg_wait(pg, error));
    const PGresult *found = pg_result(pg, statement);
    for (int row = 0; row < pg_rows(pg, statement); row++) {
        struct staged_key *key = asked[pg_int(found, row, 0) - 1];
        struct slice hash = pg_bytes(found, row, 1);
        if (hash.size != sizeof(key->hash)) {
            return error_set(error, STATUS_CORRUPT, "staging at %s holds a hash of %zu bytes",
                             pg_shown(pg), hash.size);
        }
        key->there = true;
        memcpy(key->hash, hash.data, hash.size);
    }
    return STATUS_OK;
}

/* ---- what the rows change ----------------------------------------------------------------------
 */

/* Goes through the rows in order, as if each were written before the next. */
static void decide(struct page_work *work)
{
    struct stage_rows *rows = work->rows;
    struct stage_result *result = &rows->result;
    while (rows->done < rows->count &&
           (rows->accept_max < 0 || result->accepted < rows->accept_max)) {
        size_t i = rows->done++;
        const struct stage_row *row = &rows->rows[i];
        struct staged_key *key = work->key_of[i];
        bool changes = row->op == STAGE_DELETE
                           ? key->there
                           : !key->there || memcmp(key->hash, row->hash, sizeof(row->hash)) != 0;
        if (!changes) {
            result->unchanged++;
            continue;
        }
        result->accepted++;
        key->there = row->op == STAGE_UPSERT;
        memcpy(key->hash, row->hash, sizeof(row->hash));
        key->row = i;
        key->position = ++result->position;
        work->changes[work->change_count++] = i;
    }
}

/* ---- writing -----------------------------------------------------------------------------------
 */

/* Where a part that begins at entry `from` of `list` ends. */
static size_t part_end(const struct page_work *work, const size_t *list, size_t from, size_t count)
{
    size_t bytes = 0;
    size_t end = from;
    for (; end < count && end - from < PART_ROWS && bytes < PART_BYTES; end++) {
        const struct stage_row *row = &work->rows->rows[list[end]];
        bytes += row->key.size + row->json.size + row->value.size;
    }
    return end;
}

static void send_outbox(struct page_work *work, size_t from, size_t end)
{
    static const char sql[] =
        "INSERT INTO leat_outbox(source_id, position, op, key, value, accepted_us)"
        " SELECT $1, position, op, key, value, $2 FROM unnest($3, $4, $5, $6)"
        " AS made(position, op, key, value)";
    const struct stage_row *rows = work->rows->rows;
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    int64_t before = work->rows->result.position - (int64_t) work->change_count;
    pg_param_int8(&params, work->source->id);
    pg_param_int8(&params, work->rows->now_us);
    pg_array_begin(&params, PG_INT8);
    for (size_t i = from; i < end; i++) {
        pg_array_int8(&params, before + 1 + (int64_t) i);
    }
    pg_array_end(&params);
    pg_array_begin(&params, PG_INT2);
    for (size_t i = from; i < end; i++) {
        pg_array_int2(&params, (int16_t) rows[work->changes[i]].op);
    }
    pg_array_end(&params);
    pg_array_begin(&params, PG_BYTEA);
    for (size_t i = from; i < end; i++) {
        pg_array_bytes(&params, rows[work->changes[i]].key);
    }
    pg_array_end(&params);
    pg_array_begin(&params, PG_BYTEA);
    for (size_t i = from; i < end; i++) {
        const struct stage_row *row = &rows[work->changes[i]];
        if (row->op == STAGE_DELETE) {
            pg_array_null(&params);
        } else {
            pg_array_bytes(&params, row->value);
        }
    }
    pg_array_end(&params);
    (void) pg_send(work->stage->pg, sql, &params);
}

static void send_upserts(struct page_work *work, const size_t *list, size_t from, size_t end)
{
    const struct stage_row *rows = work->rows->rows;
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    pg_array_begin(&params, PG_TEXT);
    for (size_t i = from; i < end; i++) {
        append_bytes(&params, work->names[list[i]]);
    }
    pg_array_end(&params);
    pg_array_begin(&params, PG_TEXT);
    for (size_t i = from; i < end; i++) {
        pg_array_text(&params, rows[list[i]].json);
    }
    pg_array_end(&params);
    pg_array_begin(&params, PG_BYTEA);
    for (size_t i = from; i < end; i++) {
        pg_array_bytes(&params, slice_of(rows[list[i]].hash, sizeof(rows[0].hash)));
    }
    pg_array_end(&params);
    pg_array_begin(&params, PG_INT8);
    for (size_t i = from; i < end; i++) {
        pg_array_int8(&params, work->key_of[list[i]]->position);
    }
    pg_array_end(&params);
    pg_param_time(&params, work->rows->now_us);
    (void) pg_send(work->stage->pg, work->source->upsert, &params);
}

static void send_deletes(struct page_work *work, const size_t *list, size_t count)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    pg_array_begin(&params, PG_TEXT);
    for (size_t i = 0; i < count; i++) {
        append_bytes(&params, work->names[list[i]]);
    }
    pg_array_end(&params);
    (void) pg_send(work->stage->pg, work->source->remove, &params);
}

/* Queues it all: of each key only what is left of it at the end of the page, in the order of its
 * newest row, but each change in the outbox. */
static void send_changes(struct page_work *work)
{
    size_t *upserts = ARENA_ARRAY(&work->arena, size_t, work->change_count + 1);
    size_t *deletes = ARENA_ARRAY(&work->arena, size_t, work->change_count + 1);
    size_t upsert_count = 0;
    size_t delete_count = 0;
    for (size_t i = 0; i < work->change_count; i++) {
        size_t row = work->changes[i];
        if (work->key_of[row]->row != row) {
            continue;
        }
        if (work->rows->rows[row].op == STAGE_UPSERT) {
            upserts[upsert_count++] = row;
        } else {
            deletes[delete_count++] = row;
        }
    }
    for (size_t from = 0, end; from < upsert_count; from = end) {
        end = part_end(work, upserts, from, upsert_count);
        send_upserts(work, upserts, from, end);
    }
    if (delete_count > 0) {
        send_deletes(work, deletes, delete_count);
    }
    for (size_t from = 0, end; from < work->change_count; from = end) {
        end = part_end(work, work->changes, from, work->change_count);
        send_outbox(work, from, end);
    }
}

enum status pg_stage_rows_write(struct stage *stage,
                                const struct staged_source *source,
                                struct stage_rows *rows,
                                struct error *error)
{
    struct page_work work = {.stage = stage, .source = source, .rows = rows};
    if (rows->count == 0) {
        return STATUS_OK;
    }
    arena_init(&work.arena, 0);
    map_init(&work.keys);
    gather_keys(&work);
    enum status status = look(&work, error);
    if (status == STATUS_OK) {
        decide(&work);
        send_changes(&work);
    }
    map_deinit(&work.keys);
    arena_deinit(&work.arena);
    return status;
}

/* ---- pages -------------------------------------------------------------------------------------
 */

/* State and counts of the source. A page that was cut leaves the cursor. */
static void send_source(struct stage *stage,
                        const struct staged_source *source,
                        const struct stage_page *page,
                        const struct stage_result *result)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    pg_param_int8(&params, source->id);
    pg_param_int8(&params, result->position);
    pg_param_string(&params, result->cut ? NULL : page->cursor);
    pg_param_int8(&params, page->rate_window_us);
    pg_param_int8(&params, page->rate_used);
    pg_param_time(&params, page->now_us);
    pg_param_int4(&params, page->schema_id);
    pg_param_int8(&params, result->accepted);
    pg_param_int8(&params, result->unchanged);
    pg_param_int8(&params, result->dead);
    pg_param_int8(&params, page->requests);
    (void) pg_send(stage->pg,
                   "UPDATE leat_sources SET position = $2, cursor = coalesce($3, cursor),"
                   " rate_window_us = $4, rate_used = $5, fetched_at = $6, schema_id = $7,"
                   " accepted = accepted + $8, unchanged = unchanged + $9, dead = dead + $10,"
                   " fetched = fetched + $8 + $9 + $10, requests = requests + $11 WHERE id = $1",
                   &params);
}

enum status pg_stage_page_commit(struct stage *stage,
                                 const char *name,
                                 const struct stage_page *page,
                                 struct stage_result *ret_result,
                                 struct error *error)
{
    *ret_result = (struct stage_result){0};
    struct stage_rows rows = {.rows = page->rows,
                              .count = page->count,
                              .accept_max = page->accept_max,
                              .now_us = page->now_us};
    struct stage_result *result = &rows.result;
    const struct staged_source *source;
    TRY(pg_stage_source_find(stage, name, &source, error));
    TRY(pg_begin(stage->pg, PG_WRITE, error));
    enum status status;
    TRY_OR_FAIL(pg_stage_source_lock(stage, source, &result->position, error));
    TRY_OR_FAIL(pg_stage_rows_write(stage, source, &rows, error));
    result->cut = rows.done < page->count;
    /* A page that is cut comes again whole, with its dead letters. */
    for (size_t i = 0; i < page->dead_count && !result->cut; i++) {
        pg_stage_dead_insert(stage, &page->dead[i]);
        result->dead++;
    }
    send_source(stage, source, page, result);
    TRY_OR_FAIL(pg_wait(stage->pg, error));
    crash_point("stage.before_commit");
    TRY_OR_FAIL(pg_commit(stage->pg, error));
    crash_point("stage.after_commit");
    *ret_result = *result;
    return STATUS_OK;

fail:
    pg_rollback(stage->pg);
    return status;
}
