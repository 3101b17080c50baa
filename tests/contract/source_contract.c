#include "source_contract.h"

#include "test.h"

#include <stdio.h>

struct fixture {
    const struct source_contract *contract;
    struct source *source;
    struct arena arena;
    struct source_page page;
    char cursor[1024];
    bool has_cursor;
    atomic_bool cancelled;
    struct error error;
};

static struct fixture f;

static void open_source(void)
{
    assert_ok(f.contract->ops->open(f.contract->settings, "contract.source", &f.source, &f.error),
              f.error);
}

static int setup(void **state)
{
    (void) state;
    arena_init(&f.arena, 0);
    f.has_cursor = false;
    atomic_store(&f.cancelled, false);
    open_source();
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    f.contract->ops->close(f.source);
    arena_deinit(&f.arena);
    return 0;
}

static enum status fetch(void)
{
    arena_reset(&f.arena);
    struct source_request request = {.cursor = f.has_cursor ? f.cursor : NULL,
                                     .cancelled = &f.cancelled};
    int64_t retry_after_us;
    return f.contract->ops->fetch(f.source, &request, &f.arena, &f.page, &retry_after_us, &f.error);
}

/* As staging does once the page is stored. */
static void keep_cursor(void)
{
    if (f.page.cursor != NULL) {
        assert_true(strlen(f.page.cursor) < sizeof(f.cursor));
        snprintf(f.cursor, sizeof(f.cursor), "%s", f.page.cursor);
        f.has_cursor = true;
    }
}

static void assert_records(size_t from)
{
    assert_true(from + f.page.count <= f.contract->record_count);
    for (size_t i = 0; i < f.page.count; i++) {
        const struct source_record *record = &f.page.records[i];
        assert_null(record->fault);
        assert_true(slice_equal_string(record->raw, f.contract->records[from + i]));
        assert_true(slice_equal(json_raw(f.page.document, record->value), record->raw));
        assert_non_null(f.page.place);
    }
}

/* Reads all, doing `between` after each page. */
static void read_through(void (*between)(void))
{
    size_t count = 0;
    size_t pages = 0;
    do {
        assert_ok(fetch(), f.error);
        assert_records(count);
        count += f.page.count;
        pages += f.page.count > 0;
        keep_cursor();
        between();
    } while (!f.page.end);
    assert_int_equal(count, f.contract->record_count);
    assert_true(pages > 1);
}

static void nothing(void)
{
}

static void reads_in_order(void **state)
{
    (void) state;
    read_through(nothing);
    assert_ok(fetch(), f.error); /* the end stays the end */
    assert_int_equal(f.page.count, 0);
    assert_true(f.page.end);
}

static void reopen(void)
{
    f.contract->ops->close(f.source);
    open_source();
}

/* The cursor is all that a source needs to go on. */
static void goes_on_after_a_restart(void **state)
{
    (void) state;
    read_through(reopen);
}

/* A page that was not stored comes again. */
static void page_comes_again(void **state)
{
    (void) state;
    assert_ok(fetch(), f.error);
    size_t first = f.page.count;
    assert_true(first > 0);
    assert_ok(fetch(), f.error);
    assert_int_equal(f.page.count, first);
    assert_records(0);
    keep_cursor();
    assert_ok(fetch(), f.error);
    assert_records(first);
    assert_ok(fetch(), f.error);
    assert_records(first);
}

static void describes_itself(void **state)
{
    (void) state;
    assert_non_null(f.contract->ops->name);
    assert_non_null(f.contract->ops->settings);
    assert_true(strlen(f.contract->ops->describe(f.source)) > 0);
}

int source_contract(const struct source_contract *contract)
{
    f.contract = contract;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(goes_on_after_a_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(page_comes_again, setup, teardown),
        cmocka_unit_test_setup_teardown(describes_itself, setup, teardown),
    };
    return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}
