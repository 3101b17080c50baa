#include "connectors/sqlite/store_internal.h"

static void bind_text_or_null(struct db_statement *statement, int index, const char *text)
{
    if (text == NULL) {
        statement_bind_null(statement, index);
    } else {
        statement_bind_text(statement, index, slice_of_string(text));
    }
}

enum status
store_dead_insert(struct store *store, const struct dead_letter *letter, struct error *error)
{
    struct db_statement *insert CLEANUP(statement_release_pointer) = NULL;
    struct buffer identity CLEANUP(buffer_deinit) = BUFFER_INIT;
    TRY(db_prepare(store->db,
                   "INSERT INTO leat_dead(hop, pipeline, name, reason, message, place, raw, key,"
                   " schema_id, identity, topic, partition, offset, version, at_us, retries) VALUES"
                   " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
                   &insert, error));
    statement_bind_int(insert, 1, letter->hop);
    statement_bind_text(insert, 2, slice_of_string(letter->pipeline));
    statement_bind_text(insert, 3, slice_of_string(letter->name));
    statement_bind_text(insert, 4, slice_of_string(letter->reason));
    bind_text_or_null(insert, 5, letter->message);
    bind_text_or_null(insert, 6, letter->place);
    if (letter->raw.data == NULL) {
        statement_bind_null(insert, 7);
    } else {
        statement_bind_blob(insert, 7, letter->raw);
    }
    if (letter->key.data == NULL) {
        statement_bind_null(insert, 8);
    } else {
        statement_bind_blob(insert, 8, letter->key);
    }
    statement_bind_int(insert, 9, letter->schema_id);
    if (letter->identity.source.size == 0) {
        statement_bind_null(insert, 10);
    } else {
        identity_write(&letter->identity, &identity);
        statement_bind_text(insert, 10, buffer_slice(&identity));
    }
    bind_text_or_null(insert, 11, letter->topic);
    statement_bind_int(insert, 12, letter->partition);
    statement_bind_int(insert, 13, letter->offset);
    statement_bind_int(insert, 14, letter->version);
    statement_bind_int(insert, 15, letter->at_us);
    statement_bind_int(insert, 16, letter->retries);
    return statement_run(insert, error);
}

enum status store_dead_remove(struct store *store, int64_t id, struct error *error)
{
    struct db_statement *remove CLEANUP(statement_release_pointer) = NULL;
    TRY(db_prepare(store->db, "DELETE FROM leat_dead WHERE id = ?1", &remove, error));
    statement_bind_int(remove, 1, id);
    TRY(statement_run(remove, error));
    if (db_changes(store->db) == 0) {
        return error_set(error, STATUS_NOT_FOUND, "there is no dead letter %lld", (long long) id);
    }
    return STATUS_OK;
}

static const char *text_or_null(struct db_statement *row, int column, struct arena *arena)
{
    struct slice text = statement_column_text(row, column);
    return text.data == NULL ? NULL : arena_string(arena, text);
}

static struct dead_letter letter_of(struct db_statement *row, struct arena *arena)
{
    struct dead_letter letter = {
        .id = statement_column_int(row, 0),
        .hop = (enum dead_hop) statement_column_int(row, 1),
        .pipeline = text_or_null(row, 2, arena),
        .name = text_or_null(row, 3, arena),
        .reason = text_or_null(row, 4, arena),
        .message = text_or_null(row, 5, arena),
        .place = text_or_null(row, 6, arena),
        .raw = statement_column_blob(row, 7),
        .key = statement_column_blob(row, 8),
        .schema_id = (int32_t) statement_column_int(row, 9),
        .topic = text_or_null(row, 11, arena),
        .partition = (int32_t) statement_column_int(row, 12),
        .offset = statement_column_int(row, 13),
        .version = statement_column_int(row, 14),
        .at_us = statement_column_int(row, 15),
        .retries = (int32_t) statement_column_int(row, 16),
    };
    const char *identity = text_or_null(row, 10, arena);
    if (identity != NULL && !identity_read(slice_of_string(identity), &letter.identity)) {
        letter.identity = (struct identity){0};
    }
    return letter;
}

enum status store_dead_list(struct store *store,
                            const struct dead_filter *filter,
                            dead_visit visit,
                            void *context,
                            struct error *error)
{
    if (store->empty) {
        return STATUS_OK;
    }
    struct db_statement *select CLEANUP(statement_release_pointer) = NULL;
    TRY(db_prepare(store->db,
                   "SELECT id, hop, pipeline, name, reason, message, place, raw, key, schema_id,"
                   " identity, topic, partition, offset, version, at_us, retries FROM leat_dead"
                   " WHERE id > ?1 AND (?2 = 0 OR id = ?2)"
                   " AND (?3 IS NULL OR instr(',' || name || ',', ',' || ?3 || ',') > 0)"
                   " AND (?4 IS NULL OR reason = ?4) ORDER BY id LIMIT ?5",
                   &select, error));
    statement_bind_int(select, 1, filter->after_id);
    statement_bind_int(select, 2, filter->id);
    bind_text_or_null(select, 3, filter->name);
    bind_text_or_null(select, 4, filter->reason);
    statement_bind_int(select, 5, filter->limit == 0 ? 100 : filter->limit);
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    bool found;
    TRY(statement_step(select, &found, error));
    while (found) {
        arena_reset(&arena);
        struct dead_letter letter = letter_of(select, &arena);
        TRY(visit(context, &letter, error));
        TRY(statement_step(select, &found, error));
    }
    return STATUS_OK;
}

enum status
store_dead_update(struct store *store, int64_t id, const char *message, struct error *error)
{
    struct db_statement *update CLEANUP(statement_release_pointer) = NULL;
    TRY(db_prepare(store->db,
                   "UPDATE leat_dead SET retries = retries + 1, message = ?2 WHERE id = ?1",
                   &update, error));
    statement_bind_int(update, 1, id);
    bind_text_or_null(update, 2, message);
    TRY(statement_run(update, error));
    if (db_changes(store->db) == 0) {
        return error_set(error, STATUS_NOT_FOUND, "there is no dead letter %lld", (long long) id);
    }
    return STATUS_OK;
}

enum status
store_dead_expire(struct store *store, int64_t before_us, int64_t *ret_removed, struct error *error)
{
    struct db_statement *remove CLEANUP(statement_release_pointer) = NULL;
    TRY(db_prepare(store->db, "DELETE FROM leat_dead WHERE at_us < ?1", &remove, error));
    statement_bind_int(remove, 1, before_us);
    TRY(statement_run(remove, error));
    *ret_removed = db_changes(store->db);
    return STATUS_OK;
}
