/* Deletes that wait beside Spark: over SQLite, for state and for the table. */

#include "cluster/spark/deletes.h"
#include "columnar/builder.h"
#include "connectors/sqlite/sqlite_store.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint32_t key[] = {0};
static const bool ascending[] = {false};

static struct {
    char folder[64];
    struct store_column columns[3];
    struct store_table table;
    struct processor_sink sink;
    struct processor_stream stream;
    struct processor_job job;
    struct arena arena;
    struct error error;
} f;

static int setup(void **state)
{
    (void) state;
    memset(&f, 0, sizeof(f));
    (void) strncpy(f.folder, "/tmp/leat-deletes-XXXXXX", sizeof(f.folder) - 1);
    assert_non_null(mkdtemp(f.folder));
    arena_init(&f.arena, 0);
    f.columns[0] = (struct store_column){"id", type_plain(TYPE_STRING), STORE_PLAIN};
    f.columns[1] = (struct store_column){"total", type_plain(TYPE_BIGINT), STORE_PLAIN};
    f.columns[2] = (struct store_column){"deleted_at", type_plain(TYPE_TIMESTAMP), STORE_PLAIN};
    f.table = (struct store_table){
        .name = "sums",
        .columns = f.columns,
        .column_count = 3,
        .key = key,
        .key_count = 1,
        .partition_count = 1,
        .key_descending = ascending,
    };
    f.sink = (struct processor_sink){
        .name = "sums",
        .table = &f.table,
        .store_ops = &sqlite_store_ops,
        .store_url = arena_printf(&f.arena, "%s/tables.db", f.folder),
    };
    f.stream = (struct processor_stream){.name = "sums", .sinks = &f.sink, .sink_count = 1};
    f.job = (struct processor_job){
        .pipeline = "p",
        .topic = "t",
        .streams = &f.stream,
        .stream_count = 1,
        .state_ops = &sqlite_store_ops,
        .state_url = arena_printf(&f.arena, "%s/state.db", f.folder),
    };
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    char *command = arena_printf(&f.arena, "rm -r %s", f.folder);
    assert_int_equal(system(command), 0);
    arena_deinit(&f.arena);
    return 0;
}

/* One row: an upsert of `total`, or with a negative one a delete. */
static struct store_write row(const char *id, int64_t total, int64_t version)
{
    struct column_builder builders[3];
    struct type_field fields[3];
    const struct column **values = ARENA_ARRAY(&f.arena, const struct column *, 3);
    struct batch *batch = ARENA_NEW(&f.arena, struct batch);
    uint8_t *op = arena_alloc(&f.arena, 1);
    int64_t *at = ARENA_ARRAY(&f.arena, int64_t, 1);
    for (size_t i = 0; i < 3; i++) {
        column_builder_init(&builders[i], &f.arena, f.columns[i].type, 1);
        fields[i] = (struct type_field){f.columns[i].name, f.columns[i].type, true};
    }
    column_append_bytes(&builders[0], slice_of_string(id));
    if (total < 0) {
        column_append_null(&builders[1]);
    } else {
        column_append_int(&builders[1], total);
    }
    column_append_null(&builders[2]);
    for (size_t i = 0; i < 3; i++) {
        values[i] = column_builder_finish(&builders[i]);
    }
    *batch = (struct batch){1, type_struct(&f.arena, fields, 3), values};
    *op = total < 0 ? STORE_DELETE : STORE_UPSERT;
    *at = version;
    return (struct store_write){&f.table, batch, op, at};
}

static void take(struct spark_deletes *deletes, const struct store_write *writes, size_t count)
{
    const struct store_commit commit = {.writes = writes, .write_count = count};
    assert_ok(spark_deletes_take(deletes, &commit, &f.error), f.error);
}

static void store(const struct store_write *writes, size_t count)
{
    struct store *made;
    const struct store_commit commit = {.writes = writes, .write_count = count};
    assert_ok(sqlite_store_ops.open(f.sink.store_url, false, &made, &f.error), f.error);
    assert_ok(sqlite_store_ops.table_ensure(made, &f.table, &f.error), f.error);
    assert_ok(sqlite_store_ops.commit(made, &commit, &f.error), f.error);
    sqlite_store_ops.close(made);
}

static enum status take_names(void *context, const struct batch *batch, struct error *error)
{
    struct buffer *text = context;
    (void) error;
    for (int64_t i = 0; i < batch->length; i++) {
        struct slice id = column_bytes(batch->columns[0], i);
        buffer_append(text, id.data, id.size);
        buffer_append_string(text, column_is_null(batch->columns[1], i) ? " " : "! ");
    }
    return STATUS_OK;
}

/* Ids in the table, with "!" behind those that are marked as deleted. */
static const char *stored(void)
{
    static const char *const names[] = {"id", "deleted_at"};
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct store *made;
    assert_ok(sqlite_store_ops.open(f.sink.store_url, true, &made, &f.error), f.error);
    assert_ok(sqlite_store_ops.scan(made, "sums", names, 2, &f.arena, take_names, &text, &f.error),
              f.error);
    sqlite_store_ops.close(made);
    return arena_string(&f.arena, buffer_slice(&text));
}

static size_t waiting(struct spark_deletes *deletes)
{
    int64_t newest;
    return spark_deletes_count(deletes, &newest);
}

static void test_rows_replace_deletes(void **state)
{
    (void) state;
    struct spark_deletes *deletes;
    assert_ok(spark_deletes_open(&f.job, &deletes, &f.error), f.error);
    assert_ptr_equal(spark_deletes_at(spark_deletes_url(deletes)), deletes);
    take(deletes, NULL, 0);
    const struct store_write batch[] = {row("a", 1, 9),   row("b", 2, 12),  row("c", 3, 13),
                                        row("a", -1, 10), row("b", -1, 11), row("n", -1, 14)};
    take(deletes, batch, ARRAY_SIZE(batch));
    assert_int_equal(waiting(deletes), 2); /* b came again, behind its delete */
    const struct store_write later = row("n", 4, 20);
    take(deletes, &later, 1);
    assert_int_equal(waiting(deletes), 1);
    spark_deletes_close(deletes);
    assert_ok(spark_deletes_open(&f.job, &deletes, &f.error), f.error);
    assert_int_equal(waiting(deletes), 1);
    spark_deletes_close(deletes);
}

static void apply_to(enum deletes_mode mode, const char *wanted)
{
    struct spark_deletes *deletes;
    f.sink.deletes = mode;
    assert_ok(spark_deletes_open(&f.job, &deletes, &f.error), f.error);
    const struct store_write rows[] = {row("a", 1, 1000), row("b", 2, 1001), row("z", 3, 9000)};
    store(rows, ARRAY_SIZE(rows));
    const struct store_write first[] = {row("a", -1, 10), row("z", -1, 11)};
    take(deletes, first, ARRAY_SIZE(first));
    int64_t newest;
    assert_int_equal(spark_deletes_count(deletes, &newest), 2);
    const struct store_write later = row("b", -1, 12);
    take(deletes, &later, 1);
    assert_ok(spark_deletes_apply(deletes, newest, 5000, &f.error), f.error);
    assert_string_equal(stored(), wanted); /* "z" was written after the time of the deletes */
    assert_int_equal(waiting(deletes), 1);
    assert_ok(spark_deletes_apply(deletes, newest + 1, 5001, &f.error), f.error);
    assert_int_equal(waiting(deletes), 0);
    spark_deletes_close(deletes);
    assert_ok(spark_deletes_open(&f.job, &deletes, &f.error), f.error);
    assert_int_equal(waiting(deletes), 0);
    spark_deletes_close(deletes);
}

static void test_deletes_go_to_the_table(void **state)
{
    (void) state;
    apply_to(DELETES_APPLY, "b z ");
    assert_string_equal(stored(), "z ");
}

static void test_deletes_mark_rows(void **state)
{
    (void) state;
    apply_to(DELETES_MARK, "a! b z ");
    assert_string_equal(stored(), "a! b! z ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows_replace_deletes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deletes_go_to_the_table, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deletes_mark_rows, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
