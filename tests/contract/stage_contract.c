#include "stage_contract.h"

#include "test.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#define SOURCE "users.random_users"

struct fixture {
    const struct stage_contract *contract;
    const struct stage_ops *ops;
    const char *url;
    struct stage *stage;
    struct arena arena;
    struct error error;
};

static struct fixture f;

static int setup(void **state)
{
    (void) state;
    f.ops = f.contract->ops;
    f.url = f.contract->make(f.contract->context);
    arena_init(&f.arena, 0);
    assert_ok(f.ops->open(f.url, &f.stage, &f.error), f.error);
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    f.ops->close(f.stage);
    arena_deinit(&f.arena);
    f.contract->remove(f.contract->context, f.url);
    return 0;
}

static void reopen(void)
{
    f.ops->close(f.stage);
    assert_ok(f.ops->open(f.url, &f.stage, &f.error), f.error);
}

static struct stage_source load(const char *source)
{
    struct stage_source state;
    assert_ok(f.ops->source_load(f.stage, source, &f.arena, &state, &f.error), f.error);
    return state;
}

/* A row whose hash and value derive from `content`; NULL is a delete. */
static struct stage_row row(const char *key, const char *content)
{
    struct stage_row row = {.op = STAGE_DELETE, .key = slice_of_string(key)};
    if (content != NULL) {
        row.op = STAGE_UPSERT;
        row.json = slice_of_string(content);
        row.value = slice_of_string(content);
        memcpy(row.hash, content, strlen(content) < 16 ? strlen(content) : 16);
    }
    return row;
}

static struct stage_result commit_to(const char *source, const struct stage_page *page)
{
    struct stage_result result;
    assert_ok(f.ops->page_commit(f.stage, source, page, &result, &f.error), f.error);
    return result;
}

static struct stage_result commit_rows(const struct stage_row *rows, size_t count, int64_t max)
{
    struct stage_page page = {.rows = rows,
                              .count = count,
                              .accept_max = max,
                              .cursor = "next",
                              .requests = 1,
                              .now_us = 1000};
    return commit_to(SOURCE, &page);
}

static struct stage_change *changes(int64_t after, size_t max, size_t bytes_max, size_t *ret_count)
{
    struct stage_change *found;
    assert_ok(f.ops->changes_read(f.stage, SOURCE, after, max, bytes_max, &f.arena, &found,
                                  ret_count, &f.error),
              f.error);
    return found;
}

static void new_source(void **state)
{
    (void) state;
    struct stage_source source = load(SOURCE);
    assert_int_equal(source.epoch, 1);
    assert_int_equal(source.position, 0);
    assert_null(source.cursor);
    assert_int_equal(source.schema_id, 0);
    assert_int_equal(source.counts.fetched, 0);
    size_t count;
    changes(0, 10, 1000, &count);
    assert_int_equal(count, 0);
    int64_t confirmed = -1;
    assert_ok(f.ops->changes_confirmed(f.stage, SOURCE, &confirmed, &f.error), f.error);
    assert_int_equal(confirmed, 0);
}

static void page_is_kept(void **state)
{
    (void) state;
    struct stage_row rows[] = {row("a", "1"), row("b", "2"), row("a", "3")};
    struct stage_page page = {
        .rows = rows,
        .count = 3,
        .accept_max = -1,
        .cursor = "{\"page\":2}",
        .rate_window_us = 500,
        .rate_used = 3,
        .schema_id = 7,
        .requests = 2,
        .now_us = 1000,
    };
    struct stage_result result = commit_to(SOURCE, &page);
    assert_int_equal(result.accepted, 3);
    assert_int_equal(result.unchanged, 0);
    assert_false(result.cut);
    reopen();
    struct stage_source source = load(SOURCE);
    assert_string_equal(source.cursor, "{\"page\":2}");
    assert_int_equal(source.rate_window_us, 500);
    assert_int_equal(source.rate_used, 3);
    assert_int_equal(source.schema_id, 7);
    assert_int_equal(source.fetched_at_us, 1000);
    assert_int_equal(source.counts.fetched, 3);
    assert_int_equal(source.counts.accepted, 3);
    assert_int_equal(source.counts.requests, 2);
    assert_int_equal(source.position, result.position);

    size_t count;
    struct stage_change *found = changes(0, 10, 1000, &count);
    assert_int_equal(count, 3);
    const char *const keys[] = {"a", "b", "a"};
    const char *const values[] = {"1", "2", "3"};
    for (size_t i = 0; i < 3; i++) {
        assert_true(slice_equal_string(found[i].key, keys[i]));
        assert_true(slice_equal_string(found[i].value, values[i]));
        assert_int_equal(found[i].op, STAGE_UPSERT);
        assert_int_equal(found[i].accepted_us, 1000);
        assert_true(i == 0 || found[i].position > found[i - 1].position);
    }
    assert_int_equal(found[2].position, source.position);

    /* A page without a cursor leaves the one that stands. */
    page.cursor = NULL;
    page.count = 0;
    commit_to(SOURCE, &page);
    assert_string_equal(load(SOURCE).cursor, "{\"page\":2}");
}

static void unchanged_rows(void **state)
{
    (void) state;
    struct stage_row rows[] = {row("a", "1"), row("b", "2")};
    commit_rows(rows, 2, -1);
    rows[1] = row("b", "other");
    struct stage_result result = commit_rows(rows, 2, -1);
    assert_int_equal(result.accepted, 1);
    assert_int_equal(result.unchanged, 1);
    size_t count;
    changes(0, 10, 1000, &count);
    assert_int_equal(count, 3);
    struct stage_source source = load(SOURCE);
    assert_int_equal(source.counts.fetched, 4);
    assert_int_equal(source.counts.accepted, 3);
    assert_int_equal(source.counts.unchanged, 1);
}

static void deletes(void **state)
{
    (void) state;
    struct stage_row rows[] = {row("a", "1"), row("a", NULL), row("a", NULL), row("a", "1")};
    struct stage_result result = commit_rows(rows, 4, -1);
    assert_int_equal(result.accepted, 3); /* the second delete finds nothing */
    assert_int_equal(result.unchanged, 1);
    size_t count;
    struct stage_change *found = changes(0, 10, 1000, &count);
    assert_int_equal(count, 3);
    assert_int_equal(found[1].op, STAGE_DELETE);
    assert_null(found[1].value.data);
}

static void accept_max(void **state)
{
    (void) state;
    struct stage_row rows[] = {row("a", "1"), row("b", "2"), row("c", "3")};
    commit_rows(rows, 1, -1);
    struct dead_letter letter = {.pipeline = "users", .name = SOURCE, .reason = "malformed"};
    struct stage_page page = {.rows = rows,
                              .count = 3,
                              .dead = &letter,
                              .dead_count = 1,
                              .accept_max = 1,
                              .cursor = "behind",
                              .now_us = 1000};
    struct stage_result result = commit_to(SOURCE, &page);
    assert_int_equal(result.accepted, 1);
    assert_int_equal(result.unchanged, 1);
    assert_true(result.cut);
    assert_string_equal(load(SOURCE).cursor, "next");
    assert_int_equal(load(SOURCE).counts.dead, 0); /* they come again with the page */
    page.accept_max = 1;
    result = commit_to(SOURCE, &page);
    assert_int_equal(result.accepted, 1);
    assert_false(result.cut); /* nothing is left of it */
    assert_string_equal(load(SOURCE).cursor, "behind");
    struct stage_source source = load(SOURCE);
    assert_int_equal(source.counts.accepted, 3);
    assert_int_equal(source.counts.dead, 1);
    assert_int_equal(source.counts.fetched,
                     source.counts.accepted + source.counts.unchanged + source.counts.dead);
}

static void reading_and_confirming(void **state)
{
    (void) state;
    char keys[100][8];
    struct stage_row rows[100];
    for (int i = 0; i < 100; i++) {
        snprintf(keys[i], sizeof(keys[i]), "k%d", i);
        rows[i] = row(keys[i], "0123456789");
    }
    int64_t newest = commit_rows(rows, 100, -1).position;
    size_t count;
    struct stage_change *found = changes(0, 30, 1 << 20, &count);
    assert_int_equal(count, 30);
    int64_t middle = found[29].position;
    changes(middle, 1000, 1 << 20, &count);
    assert_int_equal(count, 70);
    changes(0, 1000, 60, &count);
    assert_in_range(count, 1, 6);
    changes(0, 1000, 1, &count); /* one at least, or it would never go on */
    assert_int_equal(count, 1);

    assert_ok(f.ops->changes_confirm(f.stage, SOURCE, middle, &f.error), f.error);
    reopen();
    changes(0, 1000, 1 << 20, &count);
    assert_int_equal(count, 70);
    int64_t confirmed = 0;
    assert_ok(f.ops->changes_confirmed(f.stage, SOURCE, &confirmed, &f.error), f.error);
    assert_int_equal(confirmed, middle);
    assert_ok(f.ops->changes_confirm(f.stage, SOURCE, newest, &f.error), f.error);
    assert_ok(f.ops->changes_confirm(f.stage, SOURCE, middle, &f.error), f.error); /* late */
    assert_ok(f.ops->changes_confirmed(f.stage, SOURCE, &confirmed, &f.error), f.error);
    assert_int_equal(confirmed, newest);

    /* Positions go on behind what was confirmed and removed. */
    struct stage_row more = row("more", "1");
    assert_true(commit_rows(&more, 1, -1).position > newest);
}

static void rows_as_they_stand(void **state)
{
    (void) state;
    struct slice json;
    struct stage_row *rows;
    size_t count;
    struct slice after = SLICE_EMPTY;
    const struct stage_row some[] = {row("b", "{\"n\":2}"), row("a", "{\"n\":1}"),
                                     row("c", "{\"n\":3}"), row("d", "{\"n\":4}")};
    (void) commit_rows(some, 4, -1);
    const struct stage_row gone[] = {row("c", NULL), row("a", "{\"n\":11}")};
    (void) commit_rows(gone, 2, -1);
    assert_ok(f.ops->row_find(f.stage, SOURCE, SLICE("a"), &f.arena, &json, &f.error), f.error);
    assert_true(slice_equal_string(json, "{\"n\":11}"));
    assert_ok(f.ops->row_find(f.stage, SOURCE, SLICE("c"), &f.arena, &json, &f.error), f.error);
    assert_int_equal(json.size, 0);

    /* Two at a time, then by bytes: each row once, and an end. */
    size_t seen = 0;
    for (int round = 0; round < 5; round++) {
        assert_ok(f.ops->rows_after(f.stage, SOURCE, after, 2, round == 0 ? 1000 : 1, &f.arena,
                                    &rows, &count, &f.error),
                  f.error);
        assert_true(count <= 2);
        seen += count;
        if (count == 0) {
            break;
        }
        for (size_t i = 0; i < count; i++) {
            assert_ok(f.ops->row_find(f.stage, SOURCE, rows[i].key, &f.arena, &json, &f.error),
                      f.error);
            assert_true(slice_equal(json, rows[i].json));
        }
        after = rows[count - 1].key;
    }
    assert_int_equal(count, 0);
    assert_int_equal(seen, 3);
}

static void odd_contents(void **state)
{
    (void) state;
    uint8_t binary[] = {0, 1, 255, 0};
    struct stage_row rows[] = {row("schl\xc3\xbcssel \xe2\x82\xac", "1"), row("a\"b'c;--", "2"),
                               row("", "3"), row("bin", "4")};
    rows[3].value = slice_of(binary, sizeof(binary));
    commit_rows(rows, 4, -1);
    size_t count;
    struct stage_change *found = changes(0, 10, 1000, &count);
    assert_int_equal(count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_true(slice_equal(found[i].key, rows[i].key));
        assert_true(slice_equal(found[i].value, rows[i].value));
    }
    assert_int_equal(commit_rows(rows, 4, -1).unchanged, 4);
}

static void sources_are_apart(void **state)
{
    (void) state;
    struct stage_row one = row("a", "1");
    struct stage_page page = {.rows = &one, .count = 1, .accept_max = -1, .cursor = "x"};
    commit_to(SOURCE, &page);
    page.cursor = "y";
    struct stage_result result = commit_to("other.o\"dd; name", &page);
    assert_int_equal(result.accepted, 1);
    assert_string_equal(load(SOURCE).cursor, "x");
    assert_string_equal(load("other.o\"dd; name").cursor, "y");
    size_t count;
    changes(0, 10, 1000, &count);
    assert_int_equal(count, 1);
}

static struct dead_letter seen[8];
static char seen_raw[8][64];
static size_t seen_count;

static enum status see(void *context, const struct dead_letter *letter, struct error *error)
{
    (void) error;
    assert_ptr_equal(context, &f);
    seen[seen_count] = *letter;
    snprintf(seen_raw[seen_count], sizeof(seen_raw[0]), "%.*s|%s|%s|%s", SLICE_FORMAT(letter->raw),
             letter->reason, letter->message, letter->place);
    seen_count++;
    return STATUS_OK;
}

static size_t list(struct dead_filter filter)
{
    seen_count = 0;
    assert_ok(f.ops->dead_list(f.stage, &filter, see, &f, &f.error), f.error);
    return seen_count;
}

static void dead_letters(void **state)
{
    (void) state;
    struct dead_letter letters[] = {
        {.pipeline = "users",
         .name = SOURCE,
         .reason = "malformed",
         .message = "m1",
         .place = "page 1[0]",
         .raw = SLICE("{cut"),
         .at_us = 100},
        {.pipeline = "users",
         .name = SOURCE,
         .reason = "missing-key",
         .message = "m2",
         .place = "page 1[1]",
         .raw = SLICE("{}"),
         .at_us = 200},
        {.pipeline = "users",
         .name = SOURCE,
         .reason = "type-change",
         .message = "m3",
         .place = "page 1[2]",
         .raw = SLICE("{\"a\":1}"),
         .at_us = 300},
    };
    struct stage_page page = {
        .dead = letters, .dead_count = 3, .accept_max = -1, .cursor = "c", .now_us = 400};
    assert_int_equal(commit_to(SOURCE, &page).dead, 3);
    assert_int_equal(list((struct dead_filter){0}), 3);
    assert_string_equal(seen_raw[0], "{cut|malformed|m1|page 1[0]");
    assert_int_equal(list((struct dead_filter){.reason = "missing-key"}), 1);
    int64_t second = seen[0].id;
    assert_int_equal(list((struct dead_filter){.after_id = second}), 1);
    assert_int_equal(list((struct dead_filter){.name = "no.such"}), 0);
    assert_int_equal(list((struct dead_filter){.limit = 2}), 2);
    int64_t first = seen[0].id;

    /* A retry that fails is counted; one that passes becomes a row. */
    struct stage_result result;
    assert_ok(
        f.ops->dead_resolve(f.stage, SOURCE, first, NULL, "still cut", 500, &result, &f.error),
        f.error);
    list((struct dead_filter){.id = first});
    assert_int_equal(seen[0].retries, 1);
    assert_string_equal(seen_raw[0], "{cut|malformed|still cut|page 1[0]");
    struct stage_row mended = row("k", "mended");
    assert_ok(f.ops->dead_resolve(f.stage, SOURCE, second, &mended, NULL, 500, &result, &f.error),
              f.error);
    assert_int_equal(result.accepted, 1);
    assert_int_equal(list((struct dead_filter){0}), 2);
    struct stage_source source = load(SOURCE);
    assert_int_equal(source.counts.dead, 2);
    assert_int_equal(source.counts.accepted, 1);
    assert_int_equal(source.counts.fetched, 3);
    assert_int_equal(
        f.ops->dead_resolve(f.stage, SOURCE, second, &mended, NULL, 500, &result, &f.error),
        STATUS_NOT_FOUND);

    int64_t removed;
    assert_ok(f.ops->dead_expire(f.stage, 300, &removed, &f.error), f.error);
    assert_int_equal(removed, 1);
    assert_int_equal(load(SOURCE).counts.dead, 2); /* their count stays */
}

static enum status count_source(void *context,
                                const char *source,
                                const struct stage_source *state,
                                struct error *error)
{
    (void) error;
    char *names = context;
    snprintf(names + strlen(names), 100, "%s=%d ", source, (int) state->counts.accepted);
    return STATUS_OK;
}

static void listing(void **state)
{
    (void) state;
    struct stage_row one = row("a", "1");
    commit_rows(&one, 1, -1);
    load("another.source");
    char names[256] = "";
    assert_ok(f.ops->sources_list(f.stage, count_source, names, &f.error), f.error);
    assert_string_equal(names, "another.source=0 " SOURCE "=1 ");
}

/* Two handles, as fetch and capture have them. */
static void two_handles(void **state)
{
    (void) state;
    struct stage *other;
    assert_ok(f.ops->open(f.url, &other, &f.error), f.error);
    struct stage_row rows[] = {row("a", "1"), row("b", "2")};
    int64_t position = commit_rows(rows, 2, -1).position;
    struct stage_change *found;
    size_t count;
    assert_ok(f.ops->changes_read(other, SOURCE, 0, 10, 1000, &f.arena, &found, &count, &f.error),
              f.error);
    assert_int_equal(count, 2);
    assert_ok(f.ops->changes_confirm(other, SOURCE, position, &f.error), f.error);
    rows[0] = row("c", "3");
    commit_rows(rows, 1, -1);
    assert_ok(
        f.ops->changes_read(other, SOURCE, position, 10, 1000, &f.arena, &found, &count, &f.error),
        f.error);
    assert_int_equal(count, 1);
    f.ops->close(other);
}

/* Fetch and capture at once, as fast as they can, each in a thread with its own handle. */
#define CONCURRENT_PAGES 60
#define CONCURRENT_ROWS  20

static void *write_pages(void *context)
{
    struct stage *stage = context;
    char keys[CONCURRENT_ROWS][16];
    struct stage_row rows[CONCURRENT_ROWS];
    for (int page = 0; page < CONCURRENT_PAGES; page++) {
        for (int i = 0; i < CONCURRENT_ROWS; i++) {
            snprintf(keys[i], sizeof(keys[i]), "%d-%d", page, i);
            rows[i] = row(keys[i], "content");
        }
        struct stage_page commit = {.rows = rows, .count = CONCURRENT_ROWS, .accept_max = -1};
        struct stage_result result;
        struct error error;
        if (f.ops->page_commit(stage, SOURCE, &commit, &result, &error) != STATUS_OK) {
            return (void *) "page_commit failed";
        }
    }
    return NULL;
}

static void concurrent_writers(void **state)
{
    (void) state;
    load(SOURCE);
    struct stage *other;
    pthread_t thread;
    assert_ok(f.ops->open(f.url, &other, &f.error), f.error);
    assert_int_equal(pthread_create(&thread, NULL, write_pages, other), 0);
    int64_t position = 0;
    int64_t total = 0;
    while (total < CONCURRENT_PAGES * CONCURRENT_ROWS) {
        size_t count;
        struct stage_change *found = changes(position, 50, 1 << 20, &count);
        if (count == 0) {
            sched_yield();
            continue;
        }
        assert_int_equal(found[0].position > position, 1);
        position = found[count - 1].position;
        total += (int64_t) count;
        assert_ok(f.ops->changes_confirm(f.stage, SOURCE, position, &f.error), f.error);
    }
    void *failure;
    pthread_join(thread, &failure);
    assert_null(failure);
    f.ops->close(other);
    assert_int_equal(load(SOURCE).counts.accepted, total);
}

int stage_contract(const struct stage_contract *contract)
{
    f.contract = contract;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(new_source, setup, teardown),
        cmocka_unit_test_setup_teardown(page_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(unchanged_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(deletes, setup, teardown),
        cmocka_unit_test_setup_teardown(accept_max, setup, teardown),
        cmocka_unit_test_setup_teardown(reading_and_confirming, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_as_they_stand, setup, teardown),
        cmocka_unit_test_setup_teardown(odd_contents, setup, teardown),
        cmocka_unit_test_setup_teardown(sources_are_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(dead_letters, setup, teardown),
        cmocka_unit_test_setup_teardown(listing, setup, teardown),
        cmocka_unit_test_setup_teardown(two_handles, setup, teardown),
        cmocka_unit_test_setup_teardown(concurrent_writers, setup, teardown),
    };
    return cmocka_run_group_tests_name("stage", tests, NULL, NULL);
}
