/* Pages fetched one ahead. */

#include "ingest/pager.h"

#include "io/clock.h"
#include "test.h"

#include <sched.h>
#include <stdio.h>

/* Counts calls; its pages are named by their cursors, in memory that lives for two calls. */
struct source {
    char places[2][16];
    int turn;
    atomic_int calls;
    atomic_int inside;
    atomic_bool overlapped; /* two calls at the same time */
    atomic_bool fails;
};

static enum status count_fetch(struct source *source,
                               const struct source_request *request,
                               struct arena *arena,
                               struct source_page *ret_page,
                               int64_t *ret_retry_after_us,
                               struct error *error)
{
    if (atomic_fetch_add(&source->inside, 1) > 0) {
        atomic_store(&source->overlapped, true);
    }
    source->turn = !source->turn;
    char *place = source->places[source->turn];
    const char *cursor = request->cursor == NULL ? "first" : request->cursor;
    (void) snprintf(place, sizeof(source->places[0]), "%s", cursor);
    ret_page->place = place;
    ret_page->cursor = arena_printf(arena, "%s+", cursor);
    *ret_retry_after_us = 7;
    bool fails = atomic_load(&source->fails);
    atomic_fetch_add(&source->calls, 1);
    atomic_fetch_sub(&source->inside, 1);
    return fails ? error_set(error, STATUS_UNAVAILABLE, "no page %s", cursor) : STATUS_OK;
}

static const struct source_ops ahead_ops = {
    .name = "ahead", .reads_ahead = true, .fetch = count_fetch};
static const struct source_ops plain_ops = {.name = "plain", .fetch = count_fetch};

struct fixture {
    struct source source;
    atomic_bool cancelled;
    struct pager *pager;
    struct pager_page got;
    struct error error;
};

static struct fixture f;

static void make(const struct source_ops *ops)
{
    memset(&f, 0, sizeof(f));
    f.pager = pager_new(ops, &f.cancelled);
}

static enum status fetch(const char *cursor)
{
    const struct source_request request = {.cursor = cursor};
    return pager_fetch(f.pager, &f.source, &request, &f.got, &f.error);
}

static void begin(const char *cursor)
{
    const struct source_request request = {.cursor = cursor};
    pager_begin(f.pager, &f.source, &request);
}

static void wait_for_calls(int calls)
{
    int64_t deadline_us = clock_monotonic_us() + 60000000;
    while (atomic_load(&f.source.calls) < calls) {
        assert_true(clock_monotonic_us() < deadline_us);
        sched_yield();
    }
}

static void the_next_page_is_there_when_it_is_asked_for(void **state)
{
    (void) state;
    make(&ahead_ops);
    assert_ok(fetch(NULL), f.error);
    for (int i = 0; i < 200; i++) {
        struct pager_page held = f.got;
        char *next = strdup(i % 50 == 49 ? "x" : held.page.cursor);
        char *place = strdup(held.page.place);
        begin(next);
        if (i % 2 == 0) {
            wait_for_calls(i + 2);
        }
        assert_string_equal(held.page.place, place); /* what is staged meanwhile stays */
        assert_ok(fetch(next), f.error);
        assert_int_equal(atomic_load(&f.source.calls), i + 2); /* once each */
        assert_memory_equal(f.got.page.place, next, strlen(next) < 15 ? strlen(next) : 15);
        assert_int_equal(f.got.retry_after_us, 7);
        free(next);
        free(place);
    }
    assert_false(atomic_load(&f.source.overlapped));
    pager_free(f.pager);
}

static void another_page_than_the_one_ahead_is_asked_for(void **state)
{
    (void) state;
    make(&ahead_ops);
    begin("b");
    assert_ok(fetch("a"), f.error);
    assert_string_equal(f.got.page.place, "a");
    assert_int_equal(atomic_load(&f.source.calls), 2);
    begin("b");
    pager_drop(f.pager);
    assert_ok(fetch("b"), f.error); /* what was dropped is asked for again */
    assert_int_equal(atomic_load(&f.source.calls), 4);
    pager_free(f.pager);
}

static void an_error_ahead_is_told_once_and_in_its_turn(void **state)
{
    (void) state;
    make(&ahead_ops);
    assert_ok(fetch("a"), f.error);
    atomic_store(&f.source.fails, true);
    begin("b");
    wait_for_calls(2);
    assert_int_equal(fetch("b"), STATUS_UNAVAILABLE);
    assert_string_equal(f.error.message, "no page b");
    assert_int_equal(f.got.retry_after_us, 7);
    assert_int_equal(atomic_load(&f.source.calls), 2);
    atomic_store(&f.source.fails, false);
    assert_ok(fetch("b"), f.error);
    assert_int_equal(atomic_load(&f.source.calls), 3);
    begin("c"); /* and it may end with one under way */
    pager_free(f.pager);
}

static void only_what_may_be_read_ahead_is(void **state)
{
    (void) state;
    make(&plain_ops);
    assert_ok(fetch("a"), f.error);
    begin("b");
    assert_ok(fetch("b"), f.error);
    assert_int_equal(atomic_load(&f.source.calls), 2);
    pager_free(f.pager);
    pager_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_page_is_there_when_it_is_asked_for),
        cmocka_unit_test(another_page_than_the_one_ahead_is_asked_for),
        cmocka_unit_test(an_error_ahead_is_told_once_and_in_its_turn),
        cmocka_unit_test(only_what_may_be_read_ahead_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
