/*
 * Rows a second into Cassandra through the store, as a sink does: commits of 20,000 rows.
 *
 *     build/bench/cassandra_bench cassandra://HOST:PORT[?SETTINGS] [ROWS]
 *
 * Writes to the table bench.leat. Rows are the tutorial's: a random uuid and 11 columns of text,
 * 440 bytes. bench/cassandra.py runs it beside a client of the Java driver that writes the same
 * rows.
 */

#include "columnar/builder.h"
#include "connectors/cassandra/cassandra_store.h"
#include "io/clock.h"

#include <stdio.h>
#include <stdlib.h>

#define TEXTS       11
#define TEXT_BYTES  40
#define COMMIT_ROWS 20000

static void check(enum status status, const struct error *error)
{
    if (status != STATUS_OK) {
        (void) fprintf(stderr, "%s\n", error->message);
        exit(1);
    }
}

static struct store_table make_table(struct arena *arena)
{
    static const uint32_t key[] = {0};
    static const bool ascending[] = {false};
    struct store_column *columns = ARENA_ARRAY(arena, struct store_column, TEXTS + 1);
    columns[0] = (struct store_column){"id", type_plain(TYPE_BINARY), STORE_UUID};
    for (int i = 1; i <= TEXTS; i++) {
        columns[i] = (struct store_column){arena_printf(arena, "text_%d", i),
                                           type_plain(TYPE_STRING), STORE_PLAIN};
    }
    return (struct store_table){.name = "bench.leat",
                                .columns = columns,
                                .column_count = TEXTS + 1,
                                .key = key,
                                .key_count = 1,
                                .partition_count = 1,
                                .key_descending = ascending};
}

static const struct batch *
make_batch(struct arena *arena, const struct store_table *table, int64_t count)
{
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, table->column_count);
    const struct column **columns = ARENA_ARRAY(arena, const struct column *, table->column_count);
    for (uint32_t c = 0; c < table->column_count; c++) {
        struct column_builder builder;
        column_builder_init(&builder, arena, table->columns[c].type, count);
        for (int64_t row = 0; row < count; row++) {
            uint8_t bytes[TEXT_BYTES];
            random_bytes(bytes, sizeof(bytes));
            for (size_t i = 0; c > 0 && i < sizeof(bytes); i++) {
                bytes[i] = (uint8_t) ('A' + bytes[i] % 32);
            }
            column_append_bytes(&builder, slice_of(bytes, c == 0 ? 16 : TEXT_BYTES));
        }
        fields[c] = (struct type_field){table->columns[c].name, table->columns[c].type, true};
        columns[c] = column_builder_finish(&builder);
    }
    struct batch *batch = ARENA_NEW(arena, struct batch);
    *batch = (struct batch){count, type_struct(arena, fields, table->column_count), columns};
    return batch;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        (void) fprintf(stderr, "usage: %s cassandra://HOST:PORT [ROWS]\n", argv[0]);
        return 64;
    }
    int64_t rows = argc > 2 ? strtoll(argv[2], NULL, 10) : 200000;
    struct error error;
    struct store *store;
    struct arena arena;
    arena_init(&arena, 0);
    check(cassandra_store_ops.open(argv[1], false, &store, &error), &error);
    struct store_table table = make_table(&arena);
    check(cassandra_store_ops.table_ensure(store, &table, &error), &error);
    int64_t *versions = ARENA_ARRAY(&arena, int64_t, COMMIT_ROWS);
    int64_t busy_us = 0;
    for (int64_t done = 0; done < rows; done += COMMIT_ROWS) {
        struct arena rows_arena;
        arena_init(&rows_arena, 0);
        int64_t now_us = clock_now_us();
        for (int64_t i = 0; i < COMMIT_ROWS; i++) {
            versions[i] = now_us;
        }
        const struct store_write write = {&table, make_batch(&rows_arena, &table, COMMIT_ROWS),
                                          NULL, versions};
        const struct store_commit commit = {.writes = &write, .write_count = 1};
        int64_t begin_us = clock_monotonic_us();
        check(cassandra_store_ops.commit(store, &commit, &error), &error);
        busy_us += clock_monotonic_us() - begin_us;
        arena_deinit(&rows_arena);
    }
    printf("%.0f\n", (double) rows * 1e6 / (double) busy_us);
    cassandra_store_ops.close(store);
    arena_deinit(&arena);
    return 0;
}
