/* The stage contract over SQLite, and what only a file can do: be full. */

#include "connectors/sqlite/sqlite_stage.h"

#include "connectors/sqlite/stage_internal.h"
#include "io/file.h"
#include "stage_contract.h"
#include "test.h"

#include <stdio.h>
#include <unistd.h>

static char directory[64];

static const char *make(void *context)
{
    (void) context;
    static char path[96];
    snprintf(directory, sizeof(directory), "/tmp/leat-stage-XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/staging.db", directory);
    return path;
}

static void take_away(void *context, const char *url)
{
    (void) context;
    (void) url;
    struct error error;
    assert_ok(directory_remove(directory, &error), error);
}

/* The disk is full after 0, 1, 2, ... more pages of the file: nothing of the page of rows is kept,
 * the reason is said, and with room again the same page goes through. */
static void full_disk(void **state)
{
    (void) state;

    enum {
        ROWS = 60
    };
    struct error error;
    const char *url = make(NULL);
    struct stage *stage;
    struct arena arena;
    arena_init(&arena, 0);
    assert_ok(sqlite_stage_ops.open(url, &stage, &error), error);
    struct stage_source source;
    assert_ok(sqlite_stage_ops.source_load(stage, "p.s", &arena, &source, &error), error);
    char body[2000];
    memset(body, 'x', sizeof(body));
    char keys[ROWS][16];
    struct stage_row rows[ROWS];
    for (int i = 0; i < ROWS; i++) {
        snprintf(keys[i], sizeof(keys[i]), "%d", i);
        rows[i] = (struct stage_row){.key = slice_of_string(keys[i]),
                                     .json = slice_of(body, sizeof(body)),
                                     .value = slice_of(body, sizeof(body))};
    }
    struct stage_page page = {.rows = rows, .count = ROWS, .accept_max = -1, .cursor = "c"};
    int64_t accepted = 0;
    int failed = 0;
    for (int64_t pages = 0; accepted == 0; pages++) {
        struct stage_result result;
        db_limit_growth(stage->db, pages);
        enum status status = sqlite_stage_ops.page_commit(stage, "p.s", &page, &result, &error);
        db_limit_growth(stage->db, -1);
        assert_ok(sqlite_stage_ops.source_load(stage, "p.s", &arena, &source, &error), error);
        if (status == STATUS_OK) {
            accepted = result.accepted;
            continue;
        }
        failed++;
        assert_int_equal(status, STATUS_AGAIN);
        assert_int_equal(source.counts.fetched, 0);
        assert_int_equal(source.position, 0);
        assert_null(source.cursor);
    }
    assert_true(failed > 10);
    assert_int_equal(accepted, ROWS);
    assert_int_equal(source.position, ROWS);
    assert_ok(db_check(stage->db, &error), error);
    sqlite_stage_ops.close(stage);
    arena_deinit(&arena);
    take_away(NULL, url);
}

int main(void)
{
    struct stage_contract contract = {.ops = &sqlite_stage_ops, .make = make, .remove = take_away};
    int failures = stage_contract(&contract);
    const struct CMUnitTest tests[] = {cmocka_unit_test(full_disk)};
    return failures + cmocka_run_group_tests(tests, NULL, NULL);
}
