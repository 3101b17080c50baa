/* What the contracts leave out, over a real PostgreSQL: fences, sessions that end, hostile
 * contents, names that are too long, tables that are not ours. */

#include "columnar/builder.h"
#include "connectors/postgres/postgres_stage.h"
#include "connectors/postgres/postgres_store.h"

#include "fresh_database.h"
#include "test.h"

#include <stdio.h>

struct fixture {
    const char *url;
    struct stage *stage;
    struct store *store;
    struct arena arena;
    struct error error;
};

static struct fixture f;

static int setup(void **state)
{
    (void) state;
    f.url = fresh_database_make(NULL);
    arena_init(&f.arena, 0);
    assert_ok(postgres_stage_ops.open(f.url, &f.stage, &f.error), f.error);
    assert_ok(postgres_store_ops.open(f.url, false, &f.store, &f.error), f.error);
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    postgres_stage_ops.close(f.stage);
    postgres_store_ops.close(f.store);
    arena_deinit(&f.arena);
    fresh_database_remove(NULL, f.url);
    return 0;
}

static enum status
commit_row(struct stage *stage, const char *source, struct slice key, struct slice content)
{
    struct stage_row row = {.key = key, .json = content, .value = content};
    memcpy(row.hash, content.data, content.size < 16 ? content.size : 16);
    const struct stage_page page = {.rows = &row, .count = 1, .accept_max = -1};
    struct stage_result result;
    return postgres_stage_ops.page_commit(stage, source, &page, &result, &f.error);
}

static const char *const text_types[] = {"string", "string"};

/* A table whose columns are "c_0", "c_1", ...; the first is the key. */
static struct store_table table_of(const char *name, const char *const *types, uint32_t count)
{
    static const uint32_t key[] = {0};
    struct store_column *columns = ARENA_ARRAY(&f.arena, struct store_column, count);
    for (uint32_t i = 0; i < count; i++) {
        columns[i].name = arena_printf(&f.arena, "c_%u", i);
        assert_ok(type_parse(slice_of_string(types[i]), &f.arena, &columns[i].type, &f.error),
                  f.error);
    }
    return (struct store_table){.name = name,
                                .columns = columns,
                                .column_count = count,
                                .key = key,
                                .key_count = 1,
                                .partition_count = 1};
}

static struct column_builder *builders_of(const struct store_table *table)
{
    struct column_builder *builders =
        ARENA_ARRAY(&f.arena, struct column_builder, table->column_count);
    for (uint32_t i = 0; i < table->column_count; i++) {
        column_builder_init(&builders[i], &f.arena, table->columns[i].type, 4);
    }
    return builders;
}

static enum status commit_built(struct store *store,
                                const struct store_table *table,
                                struct column_builder *builders,
                                const struct store_progress *progress)
{
    static const int64_t versions[] = {1, 1, 1, 1};
    struct type_field *fields = ARENA_ARRAY(&f.arena, struct type_field, table->column_count);
    const struct column **columns =
        ARENA_ARRAY(&f.arena, const struct column *, table->column_count);
    for (uint32_t i = 0; i < table->column_count; i++) {
        fields[i] = (struct type_field){table->columns[i].name, table->columns[i].type, true};
        columns[i] = column_builder_finish(&builders[i]);
    }
    const struct batch batch = {builders[0].length,
                                type_struct(&f.arena, fields, table->column_count), columns};
    const struct store_write write = {table, &batch, NULL, versions};
    const struct store_commit commit = {.writes = &write, .write_count = 1, .progress = progress};
    return postgres_store_ops.commit(store, &commit, &f.error);
}

static enum status commit_pair(struct store *store, const struct store_table *table, const char *id)
{
    struct column_builder *builders = builders_of(table);
    column_append_bytes(&builders[0], slice_of_string(id));
    column_append_bytes(&builders[1], SLICE("x"));
    return commit_built(store, table, builders, NULL);
}

static enum status show(void *context, const struct batch *batch, struct error *error)
{
    (void) error;
    for (int64_t row = 0; row < batch->length; row++) {
        batch_write_json(batch, row, context);
        buffer_append_byte(context, '\n');
    }
    return STATUS_OK;
}

static const char *rows_of(const char *table)
{
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    assert_ok(postgres_store_ops.scan(f.store, table, NULL, 0, &f.arena, show, &text, &f.error),
              f.error);
    return arena_strdup(&f.arena, buffer_string(&text));
}

/* ---- fences ------------------------------------------------------------------------------------
 */

static void older_holders_are_refused(void **state)
{
    (void) state;
    const struct fence first = {"users", 1};
    const struct fence second = {"users", 2};
    const struct fence other = {"other", 1};
    struct stage *newer;
    struct stage_source source;
    assert_ok(postgres_stage_ops.fence(f.stage, &first, &f.error), f.error);
    assert_ok(commit_row(f.stage, "p.s", SLICE("a"), SLICE("1")), f.error);
    assert_ok(stage_open_fenced(&postgres_stage_ops, f.url, &second, &newer, &f.error), f.error);
    assert_int_equal(commit_row(f.stage, "p.s", SLICE("b"), SLICE("1")), STATUS_CONFLICT);
    assert_true(fence_was_refused(&f.error));
    assert_int_equal(postgres_stage_ops.source_load(f.stage, "p.s", &f.arena, &source, &f.error),
                     STATUS_CONFLICT);
    assert_int_equal(postgres_stage_ops.fence(f.stage, &first, &f.error), STATUS_CONFLICT);
    assert_ok(commit_row(newer, "p.s", SLICE("b"), SLICE("1")), f.error);
    assert_ok(postgres_stage_ops.source_load(newer, "p.s", &f.arena, &source, &f.error), f.error);
    assert_int_equal(source.counts.accepted, 2);
    postgres_stage_ops.close(newer);

    /* Staging and tables share their schema, so the claim holds for both; of a scope only. */
    assert_int_equal(postgres_store_ops.fence(f.store, &first, &f.error), STATUS_CONFLICT);
    assert_ok(postgres_store_ops.fence(f.store, &other, &f.error), f.error);
    struct store_table table = table_of("t", text_types, 2);
    assert_ok(postgres_store_ops.table_ensure(f.store, &table, &f.error), f.error);
    assert_ok(commit_pair(f.store, &table, "a"), f.error);
    const struct fence newest = {"other", 2};
    struct store *taker;
    assert_ok(store_open_fenced(&postgres_store_ops, f.url, &newest, &taker, &f.error), f.error);
    assert_int_equal(commit_pair(f.store, &table, "b"), STATUS_CONFLICT);
    assert_true(fence_was_refused(&f.error));
    assert_int_equal(postgres_store_ops.table_ensure(f.store, &table, &f.error), STATUS_CONFLICT);
    assert_ok(commit_pair(taker, &table, "c"), f.error);
    postgres_store_ops.close(taker);
}

/* ---- sessions ----------------------------------------------------------------------------------
 */

static const char end_sessions[] =
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE application_name = 'leat' AND datname = current_database()";

static void ended_sessions_come_back(void **state)
{
    (void) state;
    struct store_table table = table_of("t", text_types, 2);
    assert_ok(postgres_store_ops.table_ensure(f.store, &table, &f.error), f.error);
    assert_ok(commit_row(f.stage, "p.s", SLICE("a"), SLICE("1")), f.error);
    assert_ok(commit_pair(f.store, &table, "a"), f.error);
    fresh_database_run(f.url, end_sessions);
    /* What was under way failed, as retriable; the next one is a new session's. */
    assert_int_equal(commit_row(f.stage, "p.s", SLICE("b"), SLICE("1")), STATUS_UNAVAILABLE);
    assert_true(f.error.retriable);
    assert_int_equal(commit_pair(f.store, &table, "b"), STATUS_UNAVAILABLE);
    assert_true(f.error.retriable);
    assert_ok(commit_row(f.stage, "p.s", SLICE("b"), SLICE("1")), f.error);
    assert_ok(commit_pair(f.store, &table, "b"), f.error);
    struct stage_source source;
    assert_ok(postgres_stage_ops.source_load(f.stage, "p.s", &f.arena, &source, &f.error), f.error);
    assert_int_equal(source.counts.accepted, 2);
    assert_string_equal(rows_of("t"),
                        "{\"c_0\":\"a\",\"c_1\":\"x\"}\n{\"c_0\":\"b\",\"c_1\":\"x\"}\n");
}

/* ---- contents ----------------------------------------------------------------------------------
 */

static void hostile_keys_are_staged(void **state)
{
    (void) state;
    char *key = arena_alloc(&f.arena, 100000);
    for (int i = 0; i < 100000; i++) { /* no pattern that compression could take out */
        key[i] = (char) ('!' + (uint32_t) i * 2654435761u % 90);
    }
    const struct slice keys[] = {
        SLICE("nul \0 nul"),
        SLICE("nul \xe2\x90\x80"
              "0 nul"),
        SLICE("\xff\xfe"),
        slice_of(key, 100000),
        slice_of(key, 99999),
    };
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        assert_ok(commit_row(f.stage, "p.s", keys[i], keys[i]), f.error);
    }
    struct stage_change *changes;
    size_t count;
    assert_ok(postgres_stage_ops.changes_read(f.stage, "p.s", 0, 100, 1 << 20, &f.arena, &changes,
                                              &count, &f.error),
              f.error);
    assert_int_equal(count, ARRAY_SIZE(keys));
    for (size_t i = 0; i < count; i++) {
        assert_true(slice_equal(changes[i].key, keys[i]));
        assert_true(slice_equal(changes[i].value, keys[i]));
        assert_ok(commit_row(f.stage, "p.s", keys[i], keys[i]), f.error);
    }
    struct stage_source source;
    assert_ok(postgres_stage_ops.source_load(f.stage, "p.s", &f.arena, &source, &f.error), f.error);
    assert_int_equal(source.counts.unchanged, ARRAY_SIZE(keys));
}

/* What PostgreSQL cannot hold as it is comes back, or is the end of time. */
static void odd_values_are_stored(void **state)
{
    (void) state;
    static const char *const types[] = {
        "string",
        "date",
        "timestamp",
        "interval day to second",
        "map<string,string>",
        "array<string>",
        "struct<a:decimal(5,2),b:double>",
        "decimal(38,0)",
    };
    struct store_table table = table_of("odd.values", types, ARRAY_SIZE(types));
    assert_ok(postgres_store_ops.table_ensure(f.store, &table, &f.error), f.error);
    struct column_builder *b = builders_of(&table);
    column_append_bytes(&b[0], SLICE("k\0\xe2\x90\x80"));
    column_append_int(&b[1], -719162); /* 0001-01-01 */
    column_append_int(&b[2], INT64_C(-62135596800000000));
    column_append_int(&b[3], INT64_MIN);
    column_append_bytes(&b[4].children[0], SLICE("\0"));
    column_append_bytes(&b[4].children[1], SLICE("\\u0000 \xe2\x90\x80 \\"));
    column_append_list_end(&b[4]);
    column_append_bytes(&b[5].children[0], SLICE("\"\0\\\0"));
    column_append_null(&b[5].children[0]);
    column_append_list_end(&b[5]);
    column_append_decimal(&b[6].children[0], -12345);
    column_append_double(&b[6].children[1], 1e300);
    column_append_struct_end(&b[6]);
    int128 nines = (int128) 9999999999999999999u * 10000000000000000000u + 9999999999999999999u;
    column_append_decimal(&b[7], -nines);
    struct buffer wanted CLEANUP(buffer_deinit) = BUFFER_INIT;
    assert_ok(commit_built(f.store, &table, b, NULL), f.error);
    buffer_append_string(&wanted, "{\"c_0\":\"k\\u0000\xe2\x90\x80\",\"c_1\":\"0001-01-01\","
                                  "\"c_2\":\"0001-01-01T00:00:00.000000Z\",\"c_3\":");
    const char *found = rows_of("odd.values");
    assert_memory_equal(found, wanted.data, wanted.size);
    assert_non_null(strstr(found, "{\"\\u0000\":\"\\\\u0000 \xe2\x90\x80 \\\\\"}"));
    assert_non_null(strstr(found, "[\"\\\"\\u0000\\\\\\u0000\",null]"));
    assert_non_null(strstr(found, "\"a\":-123.45"));
    assert_non_null(strstr(found, "-99999999999999999999999999999999999999}"));
    fresh_database_run(f.url, "DO $$ BEGIN ASSERT (SELECT c_0 = 'k\xe2\x90\x80"
                              "0\xe2\x90\x80\xe2\x90\x80'"
                              " AND c_5->>1 IS NULL AND c_7 < -1e37 FROM odd.\"values\"); END $$");
}

static void times_beyond_are_infinite(void **state)
{
    (void) state;
    static const char *const types[] = {"int", "date", "timestamp"};
    struct store_table table = table_of("times", types, ARRAY_SIZE(types));
    assert_ok(postgres_store_ops.table_ensure(f.store, &table, &f.error), f.error);
    struct column_builder *b = builders_of(&table);
    column_append_int(&b[0], 1);
    column_append_int(&b[1], INT32_MIN);
    column_append_int(&b[2], INT64_MIN);
    column_append_int(&b[0], 2);
    column_append_int(&b[1], INT32_MAX);
    column_append_int(&b[2], INT64_MAX);
    assert_ok(commit_built(f.store, &table, b, NULL), f.error);
    fresh_database_run(f.url,
                       "DO $$ BEGIN ASSERT (SELECT c_1 = '-infinity' AND c_2 = '-infinity'"
                       " FROM leat.times WHERE c_0 = 1); ASSERT (SELECT c_1 = 'infinity' AND"
                       " extract(year FROM c_2) = 294247 FROM leat.times WHERE c_0 = 2); END $$");
    assert_non_null(rows_of("times"));
}

/* The longest keys that the store says it takes, as hostile as they can be. */
static void longest_keys_fit(void **state)
{
    (void) state;
    struct store_table table = table_of("long.keys", text_types, 2);
    size_t most = postgres_store_ops.key_bytes_max;
    char *keys[3];
    assert_ok(postgres_store_ops.table_ensure(f.store, &table, &f.error), f.error);
    for (int i = 0; i < 3; i++) { /* plain; with NUL; with the sign for NUL's */
        keys[i] = arena_alloc(&f.arena, most + 3);
        for (size_t at = 0; at < most; at++) {
            keys[i][at] = (char) ('!' + (uint32_t) at * 2654435761u / 65536 % 90);
            if (i == 1 && at % 2 == 0) {
                keys[i][at] = '\0';
            }
        }
        for (size_t at = 0; i == 2 && at + 4 <= most; at += 4) {
            memcpy(keys[i] + at, "\xe2\x90\x80", 3);
        }
        struct column_builder *b = builders_of(&table);
        column_append_bytes(&b[0], slice_of(keys[i], most));
        column_append_bytes(&b[1], SLICE("x"));
        assert_ok(commit_built(f.store, &table, b, NULL), f.error);
    }
    fresh_database_run(f.url, "DO $$ BEGIN ASSERT (SELECT count(*) = 3 FROM long.keys); END $$");
}

/* ---- names -------------------------------------------------------------------------------------
 */

static void names_are_checked(void **state)
{
    (void) state;
    struct store_table table = table_of(
        "a_name_that_has_more_than_the_sixty_three_bytes_that_postgresql_takes", text_types, 2);
    assert_fails(postgres_store_ops.table_ensure(f.store, &table, &f.error), STATUS_CONFIG, f.error,
                 "63 bytes");
    table.name = "leat_progress";
    assert_fails(postgres_store_ops.table_ensure(f.store, &table, &f.error), STATUS_CONFIG, f.error,
                 "leat's own");
    fresh_database_run(f.url, "CREATE SCHEMA theirs; CREATE TABLE theirs.t(c_0 text, c_1 text)");
    table.name = "theirs.t";
    assert_fails(postgres_store_ops.table_ensure(f.store, &table, &f.error), STATUS_CONFLICT,
                 f.error, "is not leat's");

    /* A table that somebody dropped is made again. */
    table.name = "ours.t";
    assert_ok(postgres_store_ops.table_ensure(f.store, &table, &f.error), f.error);
    assert_ok(commit_pair(f.store, &table, "a"), f.error);
    fresh_database_run(f.url, "DROP TABLE ours.t");
    assert_fails(commit_pair(f.store, &table, "b"), STATUS_CONFIG, f.error, "does not exist");
    assert_ok(postgres_store_ops.table_ensure(f.store, &table, &f.error), f.error);
    assert_ok(commit_pair(f.store, &table, "b"), f.error);

    /* Long names of sources keep what makes them different. */
    char name[200];
    for (char last = 'a'; last <= 'b'; last++) {
        snprintf(name, sizeof(name), "pipeline.%0150d%c", 1, last);
        assert_ok(commit_row(f.stage, name, SLICE("k"), SLICE("1")), f.error);
    }
    struct stage_source source;
    assert_ok(postgres_stage_ops.source_load(f.stage, name, &f.arena, &source, &f.error), f.error);
    assert_int_equal(source.counts.accepted, 1);
}

/* A state of its own beside the tables, found by its name. */
static void states_are_apart(void **state)
{
    (void) state;
    const char **names;
    size_t count;
    struct store *other;
    struct store_progress step = {"users.topic", 3, SLICE("bytes")};
    const struct store_commit commit = {.progress = &step};
    assert_ok(postgres_store_ops.states_list(f.url, &f.arena, &names, &count, &f.error), f.error);
    assert_int_equal(count, 0);
    const char *url = arena_printf(&f.arena, "%s?state=users.topic", f.url);
    assert_ok(postgres_store_ops.open(url, false, &other, &f.error), f.error);
    assert_ok(postgres_store_ops.commit(other, &commit, &f.error), f.error);
    assert_int_equal(
        postgres_store_ops.progress_load(f.store, "users.topic", &f.arena, &step, &f.error),
        STATUS_NOT_FOUND);
    assert_ok(postgres_store_ops.states_list(f.url, &f.arena, &names, &count, &f.error), f.error);
    assert_int_equal(count, 1);
    assert_string_equal(names[0], "users.topic");
    postgres_store_ops.close(other);
    assert_fails(postgres_store_ops.open("postgresql://h/d?nonsense=1", false, &other, &f.error),
                 STATUS_CONFIG, f.error, "nonsense");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(older_holders_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(ended_sessions_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(hostile_keys_are_staged, setup, teardown),
        cmocka_unit_test_setup_teardown(odd_values_are_stored, setup, teardown),
        cmocka_unit_test_setup_teardown(times_beyond_are_infinite, setup, teardown),
        cmocka_unit_test_setup_teardown(longest_keys_fit, setup, teardown),
        cmocka_unit_test_setup_teardown(names_are_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(states_are_apart, setup, teardown),
    };
    return cmocka_run_group_tests_name("postgres", tests, NULL, NULL);
}
