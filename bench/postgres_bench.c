/*
 * Rows a second into PostgreSQL: staged in pages, and stored as a sink's table, beside COPY of the
 * same rows by libpq, first into a plain table and then merged by key as loaders do.
 *
 *     build/bench/postgres_bench postgresql://USER@HOST/DATABASE [ROWS]
 *
 * Works in schemas "bench", which are made anew. Rows are like the users example's: a uuid as key,
 * 1,100 bytes of JSON, 460 of Avro; 12 columns of text in the sink's table.
 */

#include "columnar/builder.h"
#include "connectors/postgres/postgres_stage.h"
#include "connectors/postgres/postgres_store.h"
#include "io/clock.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#define JSON_BYTES  1100
#define VALUE_BYTES 460
#define TEXT_BYTES  20
#define TEXTS       11

static struct {
    const char *url;
    int64_t count;
    char (*keys)[40];
    uint8_t *bytes; /* incompressible */
    struct arena arena;
} bench;

static void check(enum status status, const struct error *error)
{
    if (status != STATUS_OK) {
        (void) fprintf(stderr, "%s\n", error->message);
        exit(1);
    }
}

static void print_rate(const char *what, int64_t begin_us)
{
    double seconds = (double) (clock_monotonic_us() - begin_us) / 1e6;
    printf("%-52s %9.0f rows/s\n", what, (double) bench.count / seconds);
    (void) fflush(stdout);
}

static struct slice filling(int64_t row, size_t size)
{
    return slice_of(bench.bytes + (row * 97) % 65536, size);
}

static void make_rows(void)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ{}";
    bench.keys = arena_alloc(&bench.arena, (size_t) bench.count * sizeof(bench.keys[0]));
    bench.bytes = arena_alloc(&bench.arena, 65536 + JSON_BYTES);
    random_bytes(bench.bytes, 65536 + JSON_BYTES);
    for (size_t i = 0; i < 65536 + JSON_BYTES; i++) {
        bench.bytes[i] = (uint8_t) digits[bench.bytes[i] % 64];
    }
    for (int64_t row = 0; row < bench.count; row++) {
        (void) snprintf(bench.keys[row], sizeof(bench.keys[0]), "%016" PRIx64 "%016" PRIx64,
                        random_u64(), random_u64());
    }
}

/* ---- COPY --------------------------------------------------------------------------------------
 */

static void run(PGconn *connection, const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_COPY_IN) {
        (void) fprintf(stderr, "%s: %s", sql, PQerrorMessage(connection));
        exit(1);
    }
    PQclear(result);
}

static void copy_rows(PGconn *connection, const char *table)
{
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_printf(&text, "COPY %s (key, json, value, position) FROM STDIN", table);
    run(connection, buffer_string(&text));
    for (int64_t row = 0; row < bench.count; row++) {
        buffer_clear(&text);
        buffer_printf(&text, "%s\t%.*s\t%.*s\t%" PRId64 "\n", bench.keys[row],
                      SLICE_FORMAT(filling(row, JSON_BYTES)),
                      SLICE_FORMAT(filling(row + 1, VALUE_BYTES)), row);
        (void) PQputCopyData(connection, (const char *) text.data, (int) text.size);
    }
    (void) PQputCopyEnd(connection, NULL);
    for (PGresult *result; (result = PQgetResult(connection)) != NULL;) {
        PQclear(result);
    }
}

static const char columns[] = "(key text COLLATE \"C\", json text, value bytea, position bigint)";

static void measure_copy(void)
{
    PGconn *connection = PQconnectdb(bench.url);
    char sql[256];
    run(connection, "SET client_min_messages = error");
    run(connection, "DROP SCHEMA IF EXISTS bench, \"bench.bench\" CASCADE");
    run(connection, "DROP SCHEMA IF EXISTS bench_tables CASCADE");
    run(connection, "CREATE SCHEMA bench");
    (void) snprintf(sql, sizeof(sql), "CREATE TABLE bench.plain %s", columns);
    run(connection, sql);
    int64_t begin_us = clock_monotonic_us();
    copy_rows(connection, "bench.plain");
    print_rate("COPY into a table without index", begin_us);

    (void) snprintf(sql, sizeof(sql), "CREATE TABLE bench.keyed %s", columns);
    run(connection, sql);
    run(connection, "ALTER TABLE bench.keyed ADD PRIMARY KEY (key)");
    (void) snprintf(sql, sizeof(sql), "CREATE TEMP TABLE loaded %s", columns);
    run(connection, sql);
    begin_us = clock_monotonic_us();
    copy_rows(connection, "loaded");
    run(connection, "INSERT INTO bench.keyed SELECT * FROM loaded ON CONFLICT (key) DO UPDATE"
                    " SET json = excluded.json, value = excluded.value");
    print_rate("COPY, then INSERT ... ON CONFLICT of all at once", begin_us);
    run(connection, "DROP SCHEMA bench CASCADE");
    PQfinish(connection);
}

/* ---- leat --------------------------------------------------------------------------------------
 */

static const char *with_schema(const char *schema)
{
    return arena_printf(&bench.arena, "%s%cschema=%s", bench.url,
                        strchr(bench.url, '?') == NULL ? '?' : '&', schema);
}

static void stage_rows(struct stage *stage, const char *source, int64_t page_rows)
{
    struct error error;
    struct stage_row *rows = ARENA_ARRAY(&bench.arena, struct stage_row, (size_t) page_rows);
    for (int64_t from = 0; from < bench.count; from += page_rows) {
        int64_t left = bench.count - from < page_rows ? bench.count - from : page_rows;
        for (int64_t i = 0; i < left; i++) {
            rows[i] = (struct stage_row){.key = slice_of_string(bench.keys[from + i]),
                                         .json = filling(from + i, JSON_BYTES),
                                         .value = filling(from + i + 1, VALUE_BYTES)};
            memcpy(rows[i].hash, bench.keys[from + i], 16);
        }
        const struct stage_page page = {
            .rows = rows, .count = (size_t) left, .accept_max = -1, .now_us = clock_now_us()};
        struct stage_result result;
        check(postgres_stage_ops.page_commit(stage, source, &page, &result, &error), &error);
    }
}

static void measure_stage(void)
{
    static const int64_t page_rows[] = {100, 500, 5000};
    struct error error;
    struct stage *stage;
    check(postgres_stage_ops.open(with_schema("bench"), &stage, &error), &error);
    for (size_t i = 0; i < 3; i++) {
        const char *source = arena_printf(&bench.arena, "bench.%zu", i);
        int64_t begin_us = clock_monotonic_us();
        stage_rows(stage, source, page_rows[i]);
        print_rate(arena_printf(&bench.arena, "staged, a page of %" PRId64 ": row and outbox",
                                page_rows[i]),
                   begin_us);
    }
    int64_t begin_us = clock_monotonic_us();
    stage_rows(stage, "bench.1", 500);
    print_rate("the same again, a page of 500: unchanged", begin_us);
    begin_us = clock_monotonic_us();
    int64_t position = 0;
    size_t found = 1;
    while (found > 0) {
        struct arena arena CLEANUP(arena_deinit);
        arena_init(&arena, 0);
        struct stage_change *changes;
        check(postgres_stage_ops.changes_read(stage, "bench.1", position, 20000, 16 << 20, &arena,
                                              &changes, &found, &error),
              &error);
        if (found > 0) {
            position = changes[found - 1].position;
            check(postgres_stage_ops.changes_confirm(stage, "bench.1", position, &error), &error);
        }
    }
    print_rate("changes read and confirmed", begin_us);
    postgres_stage_ops.close(stage);
}

static struct store_table bench_table(void)
{
    static const uint32_t key[] = {0};
    struct store_column *made = ARENA_ARRAY(&bench.arena, struct store_column, TEXTS + 1);
    made[0] = (struct store_column){"id", type_plain(TYPE_BINARY), STORE_UUID};
    for (uint32_t i = 1; i <= TEXTS; i++) {
        made[i] = (struct store_column){arena_printf(&bench.arena, "c_%u", i),
                                        type_plain(TYPE_STRING), STORE_PLAIN};
    }
    return (struct store_table){.name = "bench_tables.users",
                                .columns = made,
                                .column_count = TEXTS + 1,
                                .key = key,
                                .key_count = 1,
                                .partition_count = 1};
}

static void store_batch(struct store *store,
                        const struct store_table *table,
                        int64_t from,
                        int64_t count,
                        int64_t version)
{
    struct arena arena CLEANUP(arena_deinit);
    struct error error;
    arena_init(&arena, 0);
    struct type_field *fields = ARENA_ARRAY(&arena, struct type_field, TEXTS + 1);
    const struct column **built = ARENA_ARRAY(&arena, const struct column *, TEXTS + 1);
    int64_t *versions = ARENA_ARRAY(&arena, int64_t, (size_t) count);
    for (uint32_t c = 0; c <= TEXTS; c++) {
        struct column_builder builder;
        column_builder_init(&builder, &arena, table->columns[c].type, count);
        for (int64_t i = 0; i < count; i++) {
            column_append_bytes(&builder, c == 0 ? slice_of(bench.keys[from + i], 16)
                                                 : filling(from + i + c, TEXT_BYTES));
            versions[i] = version;
        }
        fields[c] = (struct type_field){table->columns[c].name, table->columns[c].type, true};
        built[c] = column_builder_finish(&builder);
    }
    const struct batch batch = {count, type_struct(&arena, fields, TEXTS + 1), built};
    const struct store_write write = {table, &batch, NULL, versions};
    const struct store_progress progress = {"bench", version, SLICE("bytes")};
    const struct store_commit commit = {.writes = &write, .write_count = 1, .progress = &progress};
    check(postgres_store_ops.commit(store, &commit, &error), &error);
}

static void measure_store(void)
{
    static const char *const rounds[] = {"stored, new rows, batches of 10,000",
                                         "stored, newer versions, batches of 10,000"};
    struct error error;
    struct store *store;
    struct store_table table = bench_table();
    int64_t version = 1;
    check(postgres_store_ops.open(with_schema("bench"), false, &store, &error), &error);
    check(postgres_store_ops.table_ensure(store, &table, &error), &error);
    for (int round = 0; round < 2; round++) {
        int64_t begin_us = clock_monotonic_us();
        for (int64_t from = 0; from < bench.count; from += 10000) {
            int64_t left = bench.count - from;
            store_batch(store, &table, from, left < 10000 ? left : 10000, version++);
        }
        print_rate(rounds[round], begin_us);
    }
    int64_t begin_us = clock_monotonic_us();
    for (int i = 0; i < 1000; i++) {
        store_batch(store, &table, i, 1, version++);
    }
    printf("%-52s %9.0f µs\n", "a commit of one row, with progress",
           (double) (clock_monotonic_us() - begin_us) / 1000);
    postgres_store_ops.close(store);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        (void) fprintf(stderr, "usage: postgres_bench URL [ROWS]\n");
        return 64;
    }
    bench.url = argv[1];
    bench.count = argc > 2 ? strtoll(argv[2], NULL, 10) : 200000;
    arena_init(&bench.arena, 0);
    make_rows();
    measure_copy();
    measure_stage();
    measure_store();
    arena_deinit(&bench.arena);
    return 0;
}
