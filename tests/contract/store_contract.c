#include "store_contract.h"

#include "base/memory.h"
#include "columnar/builder.h"
#include "test.h"

#include <math.h>
#include <stdio.h>

struct fixture {
    const struct store_contract *contract;
    const struct store_ops *ops;
    const char *url;
    struct store *store;
    struct arena arena;
    struct buffer text;
    struct error error;
};

static struct fixture f;

static int setup(void **state)
{
    (void) state;
    f.ops = f.contract->ops;
    f.url = f.contract->make(f.contract->context);
    arena_init(&f.arena, 0);
    buffer_init(&f.text);
    assert_ok(f.ops->open(f.url, false, &f.store, &f.error), f.error);
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    f.ops->close(f.store);
    arena_deinit(&f.arena);
    buffer_deinit(&f.text);
    f.contract->remove(f.contract->context, f.url);
    return 0;
}

static void reopen(void)
{
    f.ops->close(f.store);
    assert_ok(f.ops->open(f.url, false, &f.store, &f.error), f.error);
}

/* ---- a table of two columns: key and content --------------------------------------------------
 */

static const uint32_t first_key[] = {0};
static const bool ascending[] = {false, false};

static struct store_table pairs(void)
{
    struct store_column *columns = ARENA_ARRAY(&f.arena, struct store_column, 2);
    columns[0] = (struct store_column){"id", type_plain(TYPE_STRING), STORE_PLAIN};
    columns[1] = (struct store_column){"content", type_plain(TYPE_STRING), STORE_PLAIN};
    return (struct store_table){.name = "space.pairs",
                                .columns = columns,
                                .column_count = 2,
                                .key = first_key,
                                .key_count = 1,
                                .partition_count = 1,
                                .key_descending = ascending};
}

static struct batch *
batch_of(const struct store_table *table, struct column_builder *builders, int64_t length)
{
    struct type_field *fields = ARENA_ARRAY(&f.arena, struct type_field, table->column_count);
    const struct column **columns =
        ARENA_ARRAY(&f.arena, const struct column *, table->column_count);
    for (uint32_t i = 0; i < table->column_count; i++) {
        fields[i] = (struct type_field){table->columns[i].name, table->columns[i].type, true};
        columns[i] = column_builder_finish(&builders[i]);
    }
    struct batch *batch = ARENA_NEW(&f.arena, struct batch);
    *batch = (struct batch){length, type_struct(&f.arena, fields, table->column_count), columns};
    return batch;
}

static struct column_builder *builders_of(const struct store_table *table)
{
    struct column_builder *builders =
        ARENA_ARRAY(&f.arena, struct column_builder, table->column_count);
    for (uint32_t i = 0; i < table->column_count; i++) {
        column_builder_init(&builders[i], &f.arena, table->columns[i].type, 16);
    }
    return builders;
}

struct pair {
    const char *id;
    const char *content; /* NULL: a delete */
    int64_t version;
};

/* A write of pairs; all is in the arena. */
static struct store_write
write_of(const struct store_table *table, const struct pair *rows, size_t count)
{
    struct column_builder *builders = builders_of(table);
    int64_t *versions = ARENA_ARRAY(&f.arena, int64_t, count);
    uint8_t *ops = ARENA_ARRAY(&f.arena, uint8_t, count);
    for (size_t i = 0; i < count; i++) {
        column_append_bytes(&builders[0], slice_of_string(rows[i].id));
        if (rows[i].content == NULL) {
            column_append_null(&builders[1]);
            ops[i] = STORE_DELETE;
        } else {
            column_append_bytes(&builders[1], slice_of_string(rows[i].content));
        }
        versions[i] = rows[i].version;
    }
    struct store_write *write = ARENA_NEW(&f.arena, struct store_write);
    *write = (struct store_write){ARENA_NEW(&f.arena, struct store_table),
                                  batch_of(table, builders, (int64_t) count), ops, versions};
    memcpy((void *) (uintptr_t) write->table, table, sizeof(*table));
    return *write;
}

static void commit_pairs(const struct store_table *table, const struct pair *rows, size_t count)
{
    struct store_write write = write_of(table, rows, count);
    struct store_commit commit = {.writes = &write, .write_count = 1};
    assert_ok(f.ops->commit(f.store, &commit, &f.error), f.error);
}

static enum status append_rows(void *context, const struct batch *batch, struct error *error)
{
    (void) error;
    for (int64_t row = 0; row < batch->length; row++) {
        batch_write_json(batch, row, context);
        buffer_append_byte(context, '\n');
    }
    return STATUS_OK;
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

/* All rows as lines of JSON, sorted, as stores keep no order. */
static const char *rows_of(const char *table, const char *const *columns, size_t count)
{
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    assert_ok(f.ops->scan(f.store, table, columns, count, &f.arena, append_rows, &text, &f.error),
              f.error);
    char *lines[1000];
    size_t line_count = 0;
    char *rest = NULL;
    for (char *line = strtok_r((char *) (uintptr_t) buffer_string(&text), "\n", &rest);
         line != NULL && line_count < 1000; line = strtok_r(NULL, "\n", &rest)) {
        lines[line_count++] = line;
    }
    qsort(lines, line_count, sizeof(lines[0]), compare_lines);
    buffer_clear(&f.text);
    for (size_t i = 0; i < line_count; i++) {
        buffer_printf(&f.text, "%s\n", lines[i]);
    }
    return buffer_string(&f.text);
}

/* ---- tests --------------------------------------------------------------------------------------
 */

static void versions_decide(void **state)
{
    (void) state;
    struct store_table table = pairs();
    assert_ok(f.ops->table_ensure(f.store, &table, &f.error), f.error);
    commit_pairs(&table, (struct pair[]){{"a", "one", 10}, {"b", "one", 10}}, 2);
    commit_pairs(&table, (struct pair[]){{"a", "older", 5}, {"b", "newer", 15}}, 2);
    assert_string_equal(rows_of(table.name, NULL, 0), "{\"id\":\"a\",\"content\":\"one\"}\n"
                                                      "{\"id\":\"b\",\"content\":\"newer\"}\n");
    /* Within a batch, in either order. */
    commit_pairs(
        &table, (struct pair[]){{"a", "x", 21}, {"a", "y", 20}, {"b", "x", 20}, {"b", "y", 21}}, 4);
    reopen();
    assert_string_equal(rows_of(table.name, NULL, 0), "{\"id\":\"a\",\"content\":\"x\"}\n"
                                                      "{\"id\":\"b\",\"content\":\"y\"}\n");
}

static void deletes(void **state)
{
    (void) state;
    struct store_table table = pairs();
    assert_ok(f.ops->table_ensure(f.store, &table, &f.error), f.error);
    commit_pairs(&table, (struct pair[]){{"a", "one", 10}, {"b", "one", 10}}, 2);
    commit_pairs(&table, (struct pair[]){{"a", NULL, 5}, {"b", NULL, 20}, {"c", NULL, 20}}, 3);
    assert_string_equal(rows_of(table.name, NULL, 0), "{\"id\":\"a\",\"content\":\"one\"}\n");
    reopen(); /* what is gone stays gone for older writes, also in a new process */
    commit_pairs(&table, (struct pair[]){{"b", "late", 15}, {"c", "late", 19}}, 2);
    assert_string_equal(rows_of(table.name, NULL, 0), "{\"id\":\"a\",\"content\":\"one\"}\n");
    commit_pairs(&table, (struct pair[]){{"b", "again", 30}}, 1);
    assert_string_equal(rows_of(table.name, NULL, 0), "{\"id\":\"a\",\"content\":\"one\"}\n"
                                                      "{\"id\":\"b\",\"content\":\"again\"}\n");
    /* One batch: delete and upsert of the same keys. */
    commit_pairs(
        &table,
        (struct pair[]){{"a", NULL, 41}, {"a", "after", 42}, {"b", "before", 41}, {"b", NULL, 42}},
        4);
    assert_string_equal(rows_of(table.name, NULL, 0), "{\"id\":\"a\",\"content\":\"after\"}\n");
}

/* Enough rows to take whatever path large batches take. */
static void large_batch(void **state)
{
    (void) state;

    enum {
        COUNT = 900
    };
    struct store_table table = pairs();
    assert_ok(f.ops->table_ensure(f.store, &table, &f.error), f.error);
    struct pair *rows = ARENA_ARRAY(&f.arena, struct pair, COUNT);
    for (int i = 0; i < COUNT; i++) {
        /* Each key three times, with versions that rise, fall and rise. */
        rows[i] = (struct pair){arena_printf(&f.arena, "%016d", (i * 7919) % (COUNT / 3)),
                                arena_printf(&f.arena, "v%d", i), 1 + (i * 31) % COUNT};
    }
    commit_pairs(&table, rows, COUNT);
    const char *text = rows_of(table.name, NULL, 0);
    size_t lines = 0;
    for (const char *at = text; *at != '\0'; at++) {
        lines += *at == '\n';
    }
    assert_int_equal(lines, COUNT / 3);
    for (int key = 0; key < COUNT / 3; key++) {
        const struct pair *best = NULL;
        for (int i = 0; i < COUNT; i++) {
            if (atoi(rows[i].id) == key && (best == NULL || rows[i].version > best->version)) {
                best = &rows[i];
            }
        }
        char line[80];
        snprintf(line, sizeof(line), "{\"id\":\"%s\",\"content\":\"%s\"}\n", best->id,
                 best->content);
        assert_non_null(strstr(text, line));
    }
}

static void progress(void **state)
{
    (void) state;
    struct store_table table = pairs();
    assert_ok(f.ops->table_ensure(f.store, &table, &f.error), f.error);
    struct store_progress found;
    assert_int_equal(f.ops->progress_load(f.store, "task", &f.arena, &found, &f.error),
                     STATUS_NOT_FOUND);
    struct pair row = {"a", "one", 10};
    struct store_write write = write_of(&table, &row, 1);
    struct store_progress step = {"task", 1, SLICE("\0first")};
    struct store_commit commit = {.writes = &write, .write_count = 1, .progress = &step};
    assert_ok(f.ops->commit(f.store, &commit, &f.error), f.error);
    step = (struct store_progress){"task", 2, SLICE("second")};
    assert_ok(f.ops->commit(f.store, &commit, &f.error), f.error);
    step = (struct store_progress){"other", 1, SLICE_EMPTY};
    commit.write_count = 0;
    assert_ok(f.ops->commit(f.store, &commit, &f.error), f.error);
    reopen();
    assert_ok(f.ops->progress_load(f.store, "task", &f.arena, &found, &f.error), f.error);
    assert_int_equal(found.number, 2);
    assert_true(slice_equal(found.bytes, SLICE("second")));
    assert_ok(f.ops->progress_load(f.store, "other", &f.arena, &found, &f.error), f.error);
    assert_int_equal(found.bytes.size, 0);
}

/* A second writer of the same task that lags behind is stopped, and its rows with it. */
static void stale_writer(void **state)
{
    (void) state;
    if (!f.ops->atomic) {
        skip();
    }
    struct store_table table = pairs();
    assert_ok(f.ops->table_ensure(f.store, &table, &f.error), f.error);
    struct store_progress step = {"task", 5, SLICE("x")};
    struct store_commit commit = {.progress = &step};
    assert_ok(f.ops->commit(f.store, &commit, &f.error), f.error);
    struct pair row = {"a", "stale", 10};
    struct store_write write = write_of(&table, &row, 1);
    commit.writes = &write;
    commit.write_count = 1;
    assert_fails(f.ops->commit(f.store, &commit, &f.error), STATUS_CONFLICT, f.error, "task");
    assert_string_equal(rows_of(table.name, NULL, 0), "");
}

static struct dead_letter seen[8];
static size_t seen_count;

static enum status see(void *context, const struct dead_letter *letter, struct error *error)
{
    (void) context;
    (void) error;
    seen[seen_count] = *letter;
    seen[seen_count].message = arena_strdup(&f.arena, letter->message);
    seen[seen_count].raw = arena_copy(&f.arena, letter->raw);
    seen[seen_count].topic = arena_strdup(&f.arena, letter->topic);
    seen[seen_count].identity.source = arena_copy(&f.arena, letter->identity.source);
    seen_count++;
    return STATUS_OK;
}

static size_t list(struct dead_filter filter)
{
    seen_count = 0;
    assert_ok(f.ops->dead_list(f.store, &filter, see, NULL, &f.error), f.error);
    return seen_count;
}

static void dead_letters(void **state)
{
    (void) state;
    struct dead_letter letters[] = {
        {.hop = DEAD_PROCESS,
         .pipeline = "users",
         .name = "created",
         .reason = "cast",
         .message = "cannot cast 'x'",
         .place = "users_created/2@4711",
         .raw = SLICE("\0\0\1raw"),
         .key = SLICE("k"),
         .schema_id = 3,
         .identity = {SLICE("users.random"), 1, 4711, 0, 99},
         .topic = "users_created",
         .partition = 2,
         .offset = 4711,
         .version = 1234567,
         .at_us = 100},
        {.hop = DEAD_SINK,
         .pipeline = "users",
         .name = "users",
         .reason = "key",
         .message = "null",
         .topic = "users_created",
         .at_us = 200},
    };
    struct store_commit commit = {.dead = letters, .dead_count = 2};
    assert_ok(f.ops->commit(f.store, &commit, &f.error), f.error);
    reopen();
    assert_int_equal(list((struct dead_filter){0}), 2);
    assert_int_equal(seen[0].hop, DEAD_PROCESS);
    assert_true(slice_equal(seen[0].raw, letters[0].raw));
    assert_int_equal(seen[0].version, 1234567);
    assert_int_equal(seen[0].partition, 2);
    assert_int_equal(seen[0].offset, 4711);
    assert_int_equal(seen[0].identity.position, 4711);
    assert_true(slice_equal_string(seen[0].identity.source, "users.random"));
    assert_int_equal(seen[1].identity.source.size, 0);
    int64_t first = seen[0].id;
    int64_t second = seen[1].id;
    assert_int_equal(list((struct dead_filter){.name = "users"}), 1);
    assert_int_equal(list((struct dead_filter){.reason = "cast"}), 1);
    assert_int_equal(list((struct dead_filter){.after_id = first}), 1);
    assert_ok(f.ops->dead_update(f.store, first, "still", &f.error), f.error);
    list((struct dead_filter){.id = first});
    assert_int_equal(seen[0].retries, 1);
    assert_string_equal(seen[0].message, "still");
    commit = (struct store_commit){.dead_resolved = &first, .dead_resolved_count = 1};
    assert_ok(f.ops->commit(f.store, &commit, &f.error), f.error);
    assert_int_equal(list((struct dead_filter){0}), 1);
    assert_int_equal(seen[0].id, second);
    int64_t removed;
    assert_ok(f.ops->dead_expire(f.store, 200, &removed, &f.error), f.error);
    assert_int_equal(removed, 0);
    assert_ok(f.ops->dead_expire(f.store, 201, &removed, &f.error), f.error);
    assert_int_equal(removed, 1);
}

static struct store_table wide(void)
{
    static const char *const types[] = {"boolean",    "tinyint",
                                        "smallint",   "int",
                                        "bigint",     "float",
                                        "double",     "decimal(38,10)",
                                        "string",     "binary",
                                        "date",       "timestamp",
                                        "array<int>", "struct<a:string,b:bigint>"};
    uint32_t count = ARRAY_SIZE(types) + 1;
    struct store_column *columns = ARENA_ARRAY(&f.arena, struct store_column, count);
    columns[0] = (struct store_column){"id", type_plain(TYPE_BINARY), STORE_UUID};
    for (uint32_t i = 1; i < count; i++) {
        const struct type *type;
        assert_ok(type_parse(slice_of_string(types[i - 1]), &f.arena, &type, &f.error), f.error);
        columns[i] = (struct store_column){arena_printf(&f.arena, "c_%u", i), type, STORE_PLAIN};
    }
    return (struct store_table){.name = "wide",
                                .columns = columns,
                                .column_count = count,
                                .key = first_key,
                                .key_count = 1,
                                .partition_count = 1,
                                .key_descending = ascending};
}

static const uint8_t uuid[16] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0xff};

/* As exact as the store keeps timestamps. */
static int64_t kept(int64_t us)
{
    int64_t unit = f.ops->timestamp_us == 0 ? 1 : f.ops->timestamp_us;
    int64_t rest = us % unit;
    return us - (rest < 0 ? rest + unit : rest);
}

static void append_wide(struct column_builder *b, uint8_t last, int sign)
{
    uint8_t id[16];
    memcpy(id, uuid, 16);
    id[15] = last;
    int128 decimal = (int128) 1234567890123456789 * 10000000000 + 1;
    column_append_bytes(&b[0], slice_of(id, 16));
    column_append_bool(&b[1], sign > 0);
    column_append_int(&b[2], sign > 0 ? INT8_MAX : INT8_MIN);
    column_append_int(&b[3], sign > 0 ? INT16_MAX : INT16_MIN);
    column_append_int(&b[4], sign > 0 ? INT32_MAX : INT32_MIN);
    column_append_int(&b[5], sign > 0 ? INT64_MAX : INT64_MIN);
    column_append_double(&b[6], sign > 0 ? 1.5 : -INFINITY);
    column_append_double(&b[7], sign > 0 ? 0.1 : NAN);
    column_append_decimal(&b[8], sign > 0 ? decimal : -5);
    column_append_bytes(&b[9], sign > 0 ? SLICE("0123") : SLICE("a\0b \xe2\x82\xac"));
    column_append_bytes(&b[10], sign > 0 ? SLICE("\0\xff") : SLICE_EMPTY);
    column_append_int(&b[11], sign > 0 ? 20454 : -1);
    column_append_int(&b[12], kept(sign > 0 ? 1767225600123456 : -1));
    column_append_int(&b[13].children[0], 1);
    column_append_null(&b[13].children[0]);
    column_append_list_end(&b[13]);
    column_append_bytes(&b[14].children[0], SLICE("x\"y"));
    column_append_int(&b[14].children[1], INT64_MAX);
    column_append_struct_end(&b[14]);
}

static struct store_write write_wide(const struct store_table *table)
{
    struct column_builder *b = builders_of(table);
    append_wide(b, 1, 1);
    append_wide(b, 2, -1);
    uint8_t id[16];
    memcpy(id, uuid, 16);
    id[15] = 3;
    column_append_bytes(&b[0], slice_of(id, 16));
    for (uint32_t i = 1; i < table->column_count; i++) {
        column_append_null(&b[i]);
    }
    static const int64_t versions[] = {1, 1, 1};
    return (struct store_write){table, batch_of(table, b, 3), NULL, versions};
}

/* Values come back as they went in: each type, its extremes and null. */
static void types_round_trip(void **state)
{
    (void) state;
    struct store_table table = wide();
    assert_ok(f.ops->table_ensure(f.store, &table, &f.error), f.error);
    struct store_write write = write_wide(&table);
    struct store_commit commit = {.writes = &write, .write_count = 1};
    assert_ok(f.ops->commit(f.store, &commit, &f.error), f.error);
    reopen();
    static const char *const ids[] = {"01234567-89ab-cdef-0011-223344556601",
                                      "01234567-89ab-cdef-0011-223344556602",
                                      "01234567-89ab-cdef-0011-223344556603"};
    struct buffer wanted CLEANUP(buffer_deinit) = BUFFER_INIT;
    for (int64_t row = 0; row < 3; row++) {
        buffer_printf(&wanted, "{\"id\":\"%s\"", ids[row]);
        for (uint32_t i = 1; i < table.column_count; i++) {
            buffer_printf(&wanted, ",\"%s\":", table.columns[i].name);
            column_write_json(write.batch->columns[i], row, &wanted);
        }
        buffer_append_string(&wanted, "}\n");
    }
    assert_string_equal(rows_of("wide", NULL, 0), buffer_string(&wanted));
    const char *const some[] = {"c_9", "id"};
    assert_string_equal(rows_of("wide", some, 2),
                        "{\"c_9\":\"0123\",\"id\":\"01234567-89ab-cdef-0011-223344556601\"}\n"
                        "{\"c_9\":\"a\\u0000b \xe2\x82\xac\",\"id\":\"01234567-89ab-cdef-0011-"
                        "223344556602\"}\n"
                        "{\"c_9\":null,\"id\":\"01234567-89ab-cdef-0011-223344556603\"}\n");
    const char *const none[] = {"no_such"};
    assert_fails(f.ops->scan(f.store, "wide", none, 1, &f.arena, append_rows, &f.text, &f.error),
                 STATUS_NOT_FOUND, f.error, "no_such");
}

static void describe(void **state)
{
    (void) state;
    struct store_table table = wide();
    static const uint32_t key[] = {0, 12, 9};
    static const bool descending[] = {false, true, false};
    table.key = key;
    table.key_count = 3;
    table.partition_count = 1;
    table.key_descending = descending;
    table.ttl_us = 90 * (int64_t) 86400000000;
    assert_ok(f.ops->table_ensure(f.store, &table, &f.error), f.error);
    struct store_table hidden = pairs();
    hidden.name = "own";
    hidden.internal = true;
    assert_ok(f.ops->table_ensure(f.store, &hidden, &f.error), f.error);
    reopen();
    const char **names;
    size_t count;
    assert_ok(f.ops->tables_list(f.store, &f.arena, &names, &count, &f.error), f.error);
    assert_int_equal(count, 1);
    assert_string_equal(names[0], "wide");
    struct store_table found;
    assert_ok(f.ops->table_describe(f.store, "wide", &f.arena, &found, &f.error), f.error);
    assert_int_equal(found.column_count, table.column_count);
    for (uint32_t i = 0; i < table.column_count; i++) {
        assert_string_equal(found.columns[i].name, table.columns[i].name);
        assert_true(type_equal(found.columns[i].type, table.columns[i].type));
        assert_int_equal(found.columns[i].semantic, table.columns[i].semantic);
    }
    assert_int_equal(found.key_count, 3);
    assert_memory_equal(found.key, key, sizeof(key));
    assert_int_equal(found.partition_count, 1);
    assert_memory_equal(found.key_descending, descending, sizeof(descending));
    assert_true(found.ttl_us == table.ttl_us);
    assert_int_equal(f.ops->table_describe(f.store, "none", &f.arena, &found, &f.error),
                     STATUS_NOT_FOUND);
}

static void tables_grow(void **state)
{
    (void) state;
    struct store_table table = pairs();
    assert_ok(f.ops->table_ensure(f.store, &table, &f.error), f.error);
    assert_ok(f.ops->table_ensure(f.store, &table, &f.error), f.error);
    commit_pairs(&table, (struct pair[]){{"a", "one", 1}}, 1);

    struct store_column columns[] = {
        table.columns[0],
        {"added", type_plain(TYPE_BIGINT), STORE_PLAIN},
        table.columns[1],
    };
    struct store_table grown = table;
    grown.columns = columns;
    grown.column_count = 3;
    assert_ok(f.ops->table_ensure(f.store, &grown, &f.error), f.error);
    const char *const order[] = {"id", "content", "added"};
    assert_string_equal(rows_of(table.name, order, 3),
                        "{\"id\":\"a\",\"content\":\"one\",\"added\":null}\n");
    struct column_builder *b = builders_of(&grown);
    column_append_bytes(&b[0], SLICE("b"));
    column_append_int(&b[1], 7);
    column_append_bytes(&b[2], SLICE("two"));
    int64_t version = 1;
    struct store_write write = {&grown, batch_of(&grown, b, 1), NULL, &version};
    struct store_commit commit = {.writes = &write, .write_count = 1};
    assert_ok(f.ops->commit(f.store, &commit, &f.error), f.error);
    assert_string_equal(rows_of(table.name, order, 3),
                        "{\"id\":\"a\",\"content\":\"one\",\"added\":null}\n"
                        "{\"id\":\"b\",\"content\":\"two\",\"added\":7}\n");

    assert_fails(f.ops->table_ensure(f.store, &table, &f.error), STATUS_CONFLICT, f.error, "added");
    columns[1].type = type_plain(TYPE_STRING);
    assert_fails(f.ops->table_ensure(f.store, &grown, &f.error), STATUS_CONFLICT, f.error, "added");
    columns[1].type = type_plain(TYPE_BIGINT);
    static const uint32_t other_key[] = {2};
    grown.key = other_key;
    assert_fails(f.ops->table_ensure(f.store, &grown, &f.error), STATUS_CONFLICT, f.error, "key");
}

static void internal_tables(void **state)
{
    (void) state;
    struct store_table table = pairs();
    table.internal = true;
    assert_ok(f.ops->table_ensure(f.store, &table, &f.error), f.error);
    commit_pairs(&table, (struct pair[]){{"a", "one", 1}, {"b", "one", 1}}, 2);
    commit_pairs(&table, (struct pair[]){{"a", NULL, 2}}, 1);
    assert_string_equal(rows_of(table.name, NULL, 0), "{\"id\":\"b\",\"content\":\"one\"}\n");
    commit_pairs(&table, (struct pair[]){{"a", "new", 3}}, 1);
    assert_string_equal(rows_of(table.name, NULL, 0), "{\"id\":\"a\",\"content\":\"new\"}\n"
                                                      "{\"id\":\"b\",\"content\":\"one\"}\n");
}

static void expiry(void **state)
{
    (void) state;
    if (f.ops->expire == NULL) {
        skip();
    }
    struct store_table table = pairs();
    struct store_table kept = pairs();
    table.ttl_us = 100;
    kept.name = "kept";
    assert_ok(f.ops->table_ensure(f.store, &table, &f.error), f.error);
    assert_ok(f.ops->table_ensure(f.store, &kept, &f.error), f.error);
    commit_pairs(&table, (struct pair[]){{"a", "old", 1000}, {"b", "new", 1050}}, 2);
    commit_pairs(&kept, (struct pair[]){{"a", "old", 1000}}, 1);
    int64_t removed;
    assert_ok(f.ops->expire(f.store, 1099, &removed, &f.error), f.error);
    assert_int_equal(removed, 0);
    assert_ok(f.ops->expire(f.store, 1100, &removed, &f.error), f.error);
    assert_int_equal(removed, 1);
    assert_string_equal(rows_of(table.name, NULL, 0), "{\"id\":\"b\",\"content\":\"new\"}\n");
    assert_string_equal(rows_of("kept", NULL, 0), "{\"id\":\"a\",\"content\":\"old\"}\n");
}

static void odd_names(void **state)
{
    (void) state;
    struct store_table table = pairs();
    struct store_column columns[] = {table.columns[0], table.columns[1]};
    columns[0].name = "select \"from\"";
    columns[1].name = "Gr\xc3\xb6\xc3\x9f"
                      "e";
    table.columns = columns;
    table.name = "a; DROP TABLE \"leat_tables\"";
    assert_ok(f.ops->table_ensure(f.store, &table, &f.error), f.error);
    commit_pairs(&table, (struct pair[]){{"a", "one", 1}}, 1);
    assert_string_equal(rows_of(table.name, NULL, 0),
                        "{\"select \\\"from\\\"\":\"a\",\"Gr\xc3\xb6\xc3\x9f"
                        "e\":\"one\"}\n");
}

static void read_only(void **state)
{
    (void) state;
    struct store_table table = pairs();
    assert_ok(f.ops->table_ensure(f.store, &table, &f.error), f.error);
    commit_pairs(&table, (struct pair[]){{"a", "one", 1}}, 1);
    struct store *writer = f.store;
    assert_ok(f.ops->open(f.url, true, &f.store, &f.error), f.error);
    assert_string_equal(rows_of(table.name, NULL, 0), "{\"id\":\"a\",\"content\":\"one\"}\n");
    f.ops->close(f.store);
    f.store = writer;
}

/* Rows that the store refuses, among others of two writes: all are named, nothing of progress is
 * kept; without them the same commit is. */
static void refused_rows(void **state)
{
    (void) state;

    enum {
        COUNT = 300
    };

    static const int64_t bad[] = {0, 7, 150, 299};
    struct store_table table = pairs();
    assert_ok(f.ops->table_ensure(f.store, &table, &f.error), f.error);
    f.contract->guard(f.contract->context, f.url);
    reopen();
    assert_ok(f.ops->table_ensure(f.store, &table, &f.error), f.error);
    struct pair *rows = ARENA_ARRAY(&f.arena, struct pair, COUNT);
    for (int i = 0; i < COUNT; i++) {
        rows[i] = (struct pair){arena_printf(&f.arena, "%03d", i), "good", 10 + i};
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        rows[bad[i]].content = "r\xc3\xb6"
                               "d";
    }
    struct store_write writes[] = {write_of(&table, rows, 1),
                                   write_of(&table, rows + 1, COUNT - 1)};
    struct store_refusals refused = {.arena = &f.arena};
    struct store_progress progress = {"task", 1, SLICE("x")};
    struct dead_letter letter = {.pipeline = "p", .name = "s", .reason = "store"};
    struct store_commit commit = {.writes = writes,
                                  .write_count = 2,
                                  .progress = &progress,
                                  .dead = &letter,
                                  .dead_count = 1,
                                  .refused = &refused};
    assert_int_equal(f.ops->commit(f.store, &commit, &f.error), STATUS_DATA);
    assert_int_equal(refused.count, ARRAY_SIZE(bad));
    bool named[COUNT] = {false};
    for (size_t i = 0; i < refused.count; i++) {
        assert_true(strlen(refused.rows[i].message) > 0);
        named[refused.rows[i].row + (int64_t) refused.rows[i].write] = true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_true(named[bad[i]]);
    }
    struct store_progress stored;
    assert_int_equal(f.ops->progress_load(f.store, "task", &f.arena, &stored, &f.error),
                     STATUS_NOT_FOUND);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        rows[bad[i]].content = "better";
    }
    refused.count = 0;
    struct store_write good = write_of(&table, rows, COUNT);
    commit.writes = &good;
    commit.write_count = 1;
    assert_ok(f.ops->commit(f.store, &commit, &f.error), f.error);
    assert_int_equal(refused.count, 0);
    assert_ok(f.ops->progress_load(f.store, "task", &f.arena, &stored, &f.error), f.error);
    assert_int_equal(stored.number, 1);
    assert_null(strstr(rows_of(table.name, NULL, 0), "r\xc3\xb6"
                                                     "d"));
}

int store_contract(const struct store_contract *contract)
{
    f.contract = contract;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(versions_decide, setup, teardown),
        cmocka_unit_test_setup_teardown(deletes, setup, teardown),
        cmocka_unit_test_setup_teardown(large_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(progress, setup, teardown),
        cmocka_unit_test_setup_teardown(stale_writer, setup, teardown),
        cmocka_unit_test_setup_teardown(dead_letters, setup, teardown),
        cmocka_unit_test_setup_teardown(types_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(describe, setup, teardown),
        cmocka_unit_test_setup_teardown(tables_grow, setup, teardown),
        cmocka_unit_test_setup_teardown(internal_tables, setup, teardown),
        cmocka_unit_test_setup_teardown(expiry, setup, teardown),
        cmocka_unit_test_setup_teardown(refused_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(odd_names, setup, teardown),
        cmocka_unit_test_setup_teardown(read_only, setup, teardown),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
