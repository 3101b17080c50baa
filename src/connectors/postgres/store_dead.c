#include "connectors/postgres/store_internal.h"

void pg_store_dead_insert(struct store *store, const struct dead_letter *letter)
{
    struct buffer identity CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    pg_param_int4(&params, (int32_t) letter->hop);
    pg_param_text(&params, slice_of_string(letter->pipeline));
    pg_param_text(&params, slice_of_string(letter->name));
    pg_param_text(&params, slice_of_string(letter->reason));
    pg_param_string(&params, letter->message);
    pg_param_string(&params, letter->place);
    pg_param_bytes(&params, letter->raw);
    pg_param_bytes(&params, letter->key);
    pg_param_int4(&params, letter->schema_id);
    if (letter->identity.source.size == 0) {
        pg_param_null(&params, PG_TEXT);
    } else {
        identity_write(&letter->identity, &identity);
        pg_param_text(&params, buffer_slice(&identity));
    }
    pg_param_string(&params, letter->topic);
    pg_param_int4(&params, letter->partition);
    pg_param_int8(&params, letter->offset);
    pg_param_int8(&params, letter->version);
    pg_param_time(&params, letter->at_us);
    pg_param_int4(&params, letter->retries);
    (void) pg_send(
        store->pg,
        "INSERT INTO leat_dead(hop, pipeline, name, reason, message, place, raw, key,"
        " schema_id, identity, topic, partition, \"offset\", version, at, retries)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        &params);
}

static struct dead_letter letter_of(const PGresult *rows, int row, struct arena *arena)
{
    struct dead_letter letter = {
        .id = pg_int(rows, row, 0),
        .hop = (enum dead_hop) pg_int(rows, row, 1),
        .pipeline = pg_string(rows, row, 2, arena),
        .name = pg_string(rows, row, 3, arena),
        .reason = pg_string(rows, row, 4, arena),
        .message = pg_string(rows, row, 5, arena),
        .place = pg_string(rows, row, 6, arena),
        .raw = pg_bytes(rows, row, 7),
        .key = pg_bytes(rows, row, 8),
        .schema_id = (int32_t) pg_int(rows, row, 9),
        .topic = pg_string(rows, row, 11, arena),
        .partition = (int32_t) pg_int(rows, row, 12),
        .offset = pg_int(rows, row, 13),
        .version = pg_int(rows, row, 14),
        .at_us = pg_time_read(pg_int(rows, row, 15)),
        .retries = (int32_t) pg_int(rows, row, 16),
    };
    if (letter.raw.data != NULL) {
        letter.raw = arena_copy(arena, letter.raw);
    }
    if (letter.key.data != NULL) {
        letter.key = arena_copy(arena, letter.key);
    }
    const char *identity = pg_string(rows, row, 10, arena);
    if (identity != NULL && !identity_read(slice_of_string(identity), &letter.identity)) {
        letter.identity = (struct identity){0};
    }
    return letter;
}

/* All that match, before any is visited: the visitor may use this handle. */
static enum status read_letters(struct store *store,
                                const struct dead_filter *filter,
                                struct arena *arena,
                                struct dead_letter **ret_letters,
                                size_t *ret_count,
                                struct error *error)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    enum status status;
    pg_param_int8(&params, filter->after_id);
    pg_param_int8(&params, filter->id);
    pg_param_string(&params, filter->name);
    pg_param_string(&params, filter->reason);
    pg_param_int8(&params, filter->limit == 0 ? 100 : filter->limit);
    TRY(pg_store_begin(store, PG_READ, error));
    size_t rows = pg_send(
        store->pg,
        "SELECT id, hop, pipeline, name, reason, message, place, raw, key, schema_id, identity,"
        " topic, partition, \"offset\", version, at, retries FROM leat_dead"
        " WHERE id > $1 AND ($2 = 0 OR id = $2)"
        " AND ($3 IS NULL OR strpos(',' || name || ',', ',' || $3 || ',') > 0)"
        " AND ($4 IS NULL OR reason = $4) ORDER BY id LIMIT $5",
        &params);
    TRY_OR_FAIL(pg_commit(store->pg, error));
    *ret_count = (size_t) pg_rows(store->pg, rows);
    *ret_letters = ARENA_ARRAY(arena, struct dead_letter, *ret_count + 1);
    for (size_t i = 0; i < *ret_count; i++) {
        (*ret_letters)[i] = letter_of(pg_result(store->pg, rows), (int) i, arena);
    }
    return STATUS_OK;

fail:
    pg_rollback(store->pg);
    return status;
}

enum status pg_store_dead_list(struct store *store,
                               const struct dead_filter *filter,
                               dead_visit visit,
                               void *context,
                               struct error *error)
{
    if (store->empty) {
        return STATUS_OK;
    }
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    struct dead_letter *letters;
    size_t count;
    TRY(read_letters(store, filter, &arena, &letters, &count, error));
    for (size_t i = 0; i < count; i++) {
        TRY(visit(context, &letters[i], error));
    }
    return STATUS_OK;
}

enum status
pg_store_dead_update(struct store *store, int64_t id, const char *message, struct error *error)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    enum status status;
    pg_param_int8(&params, id);
    pg_param_string(&params, message);
    TRY(pg_store_begin(store, PG_WRITE, error));
    size_t update =
        pg_send(store->pg, "UPDATE leat_dead SET retries = retries + 1, message = $2 WHERE id = $1",
                &params);
    TRY_OR_FAIL(pg_wait(store->pg, error));
    if (pg_affected(store->pg, update) == 0) {
        status = error_set(error, STATUS_NOT_FOUND, "there is no dead letter %lld", (long long) id);
        goto fail;
    }
    TRY_OR_FAIL(pg_commit(store->pg, error));
    return STATUS_OK;

fail:
    pg_rollback(store->pg);
    return status;
}

enum status pg_store_dead_expire(struct store *store,
                                 int64_t before_us,
                                 int64_t *ret_removed,
                                 struct error *error)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    enum status status;
    pg_param_time(&params, before_us);
    TRY(pg_store_begin(store, PG_REPEATABLE, error));
    size_t removed = pg_send(store->pg, "DELETE FROM leat_dead WHERE at < $1", &params);
    TRY_OR_FAIL(pg_wait(store->pg, error));
    *ret_removed = pg_affected(store->pg, removed);
    TRY_OR_FAIL(pg_commit(store->pg, error));
    return STATUS_OK;

fail:
    pg_rollback(store->pg);
    return status;
}
