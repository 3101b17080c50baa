/* Dead letters: few, so all in one partition, in the order of their ids. */

#include "connectors/cassandra/store_internal.h"
#include "io/clock.h"

#define READ_ROWS 200 /* at a time: raw records may be large */

/* Ids rise with time, so that they need no counter that all would have to share. */
static int64_t next_id(struct store *store)
{
    int64_t now_us = clock_now_us();
    store->last_dead_id = now_us > store->last_dead_id ? now_us : store->last_dead_id + 1;
    return store->last_dead_id;
}

enum status
cass_dead_insert(struct store *store, const struct dead_letter *letter, struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    struct buffer identity CLEANUP(buffer_deinit) = BUFFER_INIT;
    arena_init(&arena, 0);
    TRY(cass_own_tables(store, error));
    if (letter->identity.source.size > 0) {
        identity_write(&letter->identity, &identity);
    }
    const struct slice values[] = {
        cass_int(&arena, next_id(store), 8),
        cass_int(&arena, letter->hop, 4),
        slice_of_string(letter->pipeline),
        slice_of_string(letter->name),
        slice_of_string(letter->reason),
        slice_of_string(letter->message),
        slice_of_string(letter->place),
        letter->raw,
        letter->key,
        cass_int(&arena, letter->schema_id, 4),
        buffer_slice(&identity),
        slice_of_string(letter->topic),
        cass_int(&arena, letter->partition, 4),
        cass_int(&arena, letter->offset, 8),
        cass_int(&arena, letter->version, 8),
        cass_int(&arena, letter->at_us, 8),
        cass_int(&arena, letter->retries, 4),
    };
    const char *cql =
        arena_printf(&arena,
                     "INSERT INTO %s (part, id, hop, pipeline, name, reason, message, place, raw, "
                     "key, schema_id, identity, topic, partition, offset, version, at_us, retries) "
                     "VALUES (0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                     cass_own_name(store, "leat_dead", &arena));
    return cql_session_query(store->session, cql, values, ARRAY_SIZE(values), &arena, NULL, error);
}

/* ---- reading -----------------------------------------------------------------------------------
 */

static const char *text_or_null(struct arena *arena, struct slice text)
{
    return text.data == NULL ? NULL : arena_string(arena, text);
}

static struct dead_letter
letter_of(const struct cql_table *found, uint32_t row, struct arena *arena)
{
    struct dead_letter letter = {
        .id = cass_int_of(cql_table_cell(found, row, "id")),
        .hop = (enum dead_hop) cass_int_of(cql_table_cell(found, row, "hop")),
        .pipeline = text_or_null(arena, cql_table_cell(found, row, "pipeline")),
        .name = text_or_null(arena, cql_table_cell(found, row, "name")),
        .reason = text_or_null(arena, cql_table_cell(found, row, "reason")),
        .message = text_or_null(arena, cql_table_cell(found, row, "message")),
        .place = text_or_null(arena, cql_table_cell(found, row, "place")),
        .raw = cql_table_cell(found, row, "raw"),
        .key = cql_table_cell(found, row, "key"),
        .schema_id = (int32_t) cass_int_of(cql_table_cell(found, row, "schema_id")),
        .topic = text_or_null(arena, cql_table_cell(found, row, "topic")),
        .partition = (int32_t) cass_int_of(cql_table_cell(found, row, "partition")),
        .offset = cass_int_of(cql_table_cell(found, row, "offset")),
        .version = cass_int_of(cql_table_cell(found, row, "version")),
        .at_us = cass_int_of(cql_table_cell(found, row, "at_us")),
        .retries = (int32_t) cass_int_of(cql_table_cell(found, row, "retries")),
    };
    struct slice identity = cql_table_cell(found, row, "identity");
    if (identity.size > 0 &&
        !identity_read(slice_of_string(arena_string(arena, identity)), &letter.identity)) {
        letter.identity = (struct identity){0};
    }
    return letter;
}

/* "users" is one of "users,by_country". */
static bool names_it(const char *names, const char *wanted)
{
    size_t length = strlen(wanted);
    for (const char *at = names; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, wanted, length) == 0 && (at[length] == ',' || at[length] == '\0')) {
            return true;
        }
    }
    return false;
}

static bool matches(const struct dead_letter *letter, const struct dead_filter *filter)
{
    return (filter->id == 0 || letter->id == filter->id) &&
           (filter->name == NULL ||
            (letter->name != NULL && names_it(letter->name, filter->name))) &&
           (filter->reason == NULL ||
            (letter->reason != NULL && strcmp(letter->reason, filter->reason) == 0));
}

/* The letters behind `after`, READ_ROWS at most. */
static enum status read_some(struct store *store,
                             int64_t after,
                             struct arena *arena,
                             struct cql_table *ret_found,
                             struct error *error)
{
    struct slice value = cass_int(arena, after, 8);
    const char *cql = arena_printf(arena, "SELECT * FROM %s WHERE part = 0 AND id > ? LIMIT %d",
                                   cass_own_name(store, "leat_dead", arena), READ_ROWS);
    return cql_session_query(store->session, cql, &value, 1, arena, ret_found, error);
}

enum status cass_dead_list(struct store *store,
                           const struct dead_filter *filter,
                           dead_visit visit,
                           void *context,
                           struct error *error)
{
    bool there;
    struct arena arena CLEANUP(arena_deinit);
    struct cql_table found = {.row_count = READ_ROWS};
    int64_t left = filter->limit == 0 ? 100 : filter->limit;
    int64_t after =
        filter->id != 0 && filter->id > filter->after_id ? filter->id - 1 : filter->after_id;
    arena_init(&arena, 0);
    TRY(cass_own_there(store, &there, error));
    while (there && left > 0 && found.row_count == READ_ROWS) {
        arena_reset(&arena);
        TRY(read_some(store, after, &arena, &found, error));
        for (uint32_t i = 0; i < found.row_count && left > 0; i++) {
            struct dead_letter letter = letter_of(&found, i, &arena);
            after = letter.id;
            if (filter->id != 0 && letter.id > filter->id) {
                return STATUS_OK;
            }
            if (matches(&letter, filter)) {
                TRY(visit(context, &letter, error));
                left--;
            }
        }
    }
    return STATUS_OK;
}

/* ---- changing ----------------------------------------------------------------------------------
 */

static enum status find_one(struct store *store,
                            int64_t id,
                            struct arena *arena,
                            struct dead_letter *ret_letter,
                            struct error *error)
{
    bool there;
    struct cql_table found = {0};
    struct slice value = cass_int(arena, id, 8);
    TRY(cass_own_there(store, &there, error));
    if (there) {
        const char *cql = arena_printf(arena, "SELECT * FROM %s WHERE part = 0 AND id = ?",
                                       cass_own_name(store, "leat_dead", arena));
        TRY(cql_session_query(store->session, cql, &value, 1, arena, &found, error));
    }
    if (found.row_count == 0) {
        return error_set(error, STATUS_NOT_FOUND, "there is no dead letter %lld", (long long) id);
    }
    *ret_letter = letter_of(&found, 0, arena);
    return STATUS_OK;
}

enum status cass_dead_remove(struct store *store, int64_t id, struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    struct dead_letter letter;
    struct slice value;
    arena_init(&arena, 0);
    TRY(find_one(store, id, &arena, &letter, error));
    value = cass_int(&arena, id, 8);
    const char *cql = arena_printf(&arena, "DELETE FROM %s WHERE part = 0 AND id = ?",
                                   cass_own_name(store, "leat_dead", &arena));
    return cql_session_query(store->session, cql, &value, 1, &arena, NULL, error);
}

enum status
cass_dead_update(struct store *store, int64_t id, const char *message, struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    struct dead_letter letter;
    arena_init(&arena, 0);
    TRY(find_one(store, id, &arena, &letter, error));
    const struct slice values[] = {
        cass_int(&arena, letter.retries + 1, 4),
        slice_of_string(message),
        cass_int(&arena, id, 8),
    };
    const char *cql =
        arena_printf(&arena, "UPDATE %s SET retries = ?, message = ? WHERE part = 0 AND id = ?",
                     cass_own_name(store, "leat_dead", &arena));
    return cql_session_query(store->session, cql, values, ARRAY_SIZE(values), &arena, NULL, error);
}

enum status
cass_dead_expire(struct store *store, int64_t before_us, int64_t *ret_removed, struct error *error)
{
    bool there;
    struct arena arena CLEANUP(arena_deinit);
    struct cql_table found = {.row_count = READ_ROWS};
    int64_t after = 0;
    arena_init(&arena, 0);
    *ret_removed = 0;
    TRY(cass_own_there(store, &there, error));
    while (there && found.row_count == READ_ROWS) {
        arena_reset(&arena);
        TRY(read_some(store, after, &arena, &found, error));
        for (uint32_t i = 0; i < found.row_count; i++) {
            struct dead_letter letter = letter_of(&found, i, &arena);
            after = letter.id;
            if (letter.at_us < before_us) {
                TRY(cass_dead_remove(store, letter.id, error));
                ++*ret_removed;
            }
        }
    }
    return STATUS_OK;
}
