/* The fetch worker between a source that plays pages and staging in SQLite. */

#include "ingest/fetch.h"

#include "base/logline.h"
#include "connect/record_text.h"
#include "connectors/sqlite/sqlite_stage.h"
#include "io/clock.h"
#include "io/file.h"
#include "registry_stand_in.h"
#include "test.h"

#include <sched.h>
#include <stdio.h>

#define SOURCE "users.people"

/* ---- a source that plays pages; its cursor is the number of the next one ------------------------
 */

struct play {
    const char *const *pages; /* JSON arrays; "!" an error that may pass, "?" one that does not */
    size_t count;
    size_t fetched;
};

struct source {
    struct play *play;
    struct json_document documents[2]; /* in turns, as it is read ahead */
    int turn;
    bool failed; /* "!" passes the second time */
};

static enum status
play_open(const void *settings, const char *name, struct source **ret_source, struct error *error)
{
    (void) name;
    (void) error;
    struct source *source = mem_zalloc(sizeof(*source));
    memcpy(&source->play, settings, sizeof(source->play));
    json_document_init(&source->documents[0]);
    json_document_init(&source->documents[1]);
    *ret_source = source;
    return STATUS_OK;
}

static enum status play_fetch(struct source *source,
                              const struct source_request *request,
                              struct arena *arena,
                              struct source_page *ret_page,
                              int64_t *ret_retry_after_us,
                              struct error *error)
{
    *ret_retry_after_us = -1;
    size_t at = request->cursor == NULL ? 0 : (size_t) atoi(request->cursor);
    source->turn = !source->turn;
    struct json_document *document = &source->documents[source->turn];
    *ret_page = (struct source_page){.document = document, .place = "page"};
    if (at >= source->play->count) {
        ret_page->end = true;
        return STATUS_OK;
    }
    const char *text = source->play->pages[at];
    if (text[0] == '!' && !source->failed) {
        source->failed = true;
        *ret_retry_after_us = 1000;
        return error_set(error, STATUS_UNAVAILABLE, "try again");
    }
    if (text[0] == '?') {
        return error_set(error, STATUS_CONFIG, "it will never work");
    }
    struct record_text_options options = {
        .format = text[0] == '[' || text[0] == '!' ? RECORDS_JSON : RECORDS_LINES};
    struct source_record *records;
    TRY(record_text_read(&options, slice_of_string(text + (text[0] == '!')), document, arena,
                         &records, &ret_page->count, error));
    ret_page->records = records;
    ret_page->cursor = arena_printf(arena, "%zu", at + 1);
    ret_page->requests = 1;
    source->play->fetched++;
    return STATUS_OK;
}

static void play_close(struct source *source)
{
    json_document_deinit(&source->documents[0]);
    json_document_deinit(&source->documents[1]);
    mem_free(source);
}

static const struct source_ops play_ops = {.name = "play",
                                           .reads_ahead = true,
                                           .open = play_open,
                                           .fetch = play_fetch,
                                           .close = play_close};

/* ---- the fixture
 * ---------------------------------------------------------------------------------- */

struct fixture {
    char directory[64];
    char url[96];
    struct play play;
    struct play *settings;
    struct fetch_job job;
    struct notify changed;
    struct fetch_status status;
    struct arena arena;
    struct stage *stage;
    struct error error;
};

static struct fixture f;
static const char *const id_key[] = {"id"};

static int setup(void **state)
{
    (void) state;
    memset(&f, 0, sizeof(f));
    snprintf(f.directory, sizeof(f.directory), "/tmp/leat-fetch-XXXXXX");
    assert_non_null(mkdtemp(f.directory));
    snprintf(f.url, sizeof(f.url), "%s/staging.db", f.directory);
    notify_init(&f.changed);
    arena_init(&f.arena, 0);
    stand_in_clear();
    f.settings = &f.play;
    f.job = (struct fetch_job){
        .pipeline = "users",
        .source = SOURCE,
        .ops = &play_ops,
        .settings = &f.settings,
        .key = id_key,
        .key_count = 1,
        .schema = {.subject = "people-value",
                   .record_name = "person",
                   .ops = &stand_in_ops,
                   .schemas = &stand_in},
        .eager = true,
        .until_end = true,
        .stage_ops = &sqlite_stage_ops,
        .stage_url = f.url,
        .committed = &f.changed,
    };
    assert_ok(sqlite_stage_ops.open(f.url, &f.stage, &f.error), f.error);
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    sqlite_stage_ops.close(f.stage);
    notify_deinit(&f.changed);
    arena_deinit(&f.arena);
    assert_ok(directory_remove(f.directory, &f.error), f.error);
    stand_in_clear();
    return 0;
}

/* Runs the job until it ends by itself. */
static void run_pages(const char *const *pages, size_t count)
{
    f.play = (struct play){pages, count, 0};
    struct fetch *fetch;
    assert_ok(fetch_start(&f.job, &fetch, &f.error), f.error);
    int64_t deadline_us = clock_monotonic_us() + 20000000;
    while (true) {
        uint64_t seen = notify_seen(&f.changed);
        fetch_status(fetch, &f.status);
        if (f.status.state == FETCH_ENDED) {
            break;
        }
        assert_true(clock_monotonic_us() < deadline_us);
        notify_wait(&f.changed, seen, 10000);
    }
    fetch_free(fetch);
}

#define RUN(...)                                                                                   \
    do {                                                                                           \
        static const char *const pages_[] = {__VA_ARGS__};                                         \
        run_pages(pages_, ARRAY_SIZE(pages_));                                                     \
    } while (0)

static struct stage_source load(void)
{
    struct stage_source state;
    assert_ok(sqlite_stage_ops.source_load(f.stage, SOURCE, &f.arena, &state, &f.error), f.error);
    return state;
}

static void assert_counts(int64_t accepted, int64_t unchanged, int64_t dead)
{
    struct source_counts counts = load().counts;
    assert_int_equal(counts.accepted, accepted);
    assert_int_equal(counts.unchanged, unchanged);
    assert_int_equal(counts.dead, dead);
    assert_int_equal(counts.fetched, accepted + unchanged + dead);
}

/* The changes as lines "KEY ID JSON", decoded with the schema that each names. */
static const char *changes(void)
{
    struct stage_change *found;
    size_t count;
    assert_ok(sqlite_stage_ops.changes_read(f.stage, SOURCE, 0, 1000, 1 << 20, &f.arena, &found,
                                            &count, &f.error),
              f.error);
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    for (size_t i = 0; i < count; i++) {
        buffer_printf(&text, "%.*s", SLICE_FORMAT(found[i].key));
        int32_t id = 0;
        struct slice datum;
        if (found[i].op == STAGE_UPSERT) {
            assert_true(wire_header_read(found[i].value, &id, &datum));
            const struct avro_schema *schema;
            assert_ok(avro_schema_parse(slice_of_string(stand_in.texts[id - 1]), &f.arena, &schema,
                                        &f.error),
                      f.error);
            buffer_printf(&text, " %d ", (int) id);
            assert_ok(avro_to_json(schema, datum, &text, &f.error), f.error);
            avro_schema_release(schema);
        }
        buffer_append_byte(&text, '\n');
    }
    return arena_strdup(&f.arena, buffer_string(&text));
}

static char reasons[512];

static enum status add_reason(void *context, const struct dead_letter *letter, struct error *error)
{
    (void) context;
    (void) error;
    size_t at = strlen(reasons);
    snprintf(reasons + at, sizeof(reasons) - at, "%s %s %.*s\n", letter->reason, letter->place,
             letter->raw.size > 20 ? 20 : (int) letter->raw.size, (const char *) letter->raw.data);
    return STATUS_OK;
}

static const char *dead(void)
{
    reasons[0] = '\0';
    struct dead_filter filter = {0};
    assert_ok(sqlite_stage_ops.dead_list(f.stage, &filter, add_reason, NULL, &f.error), f.error);
    return reasons;
}

/* ---- tests
 * ------------------------------------------------------------------------------------------ */

static void two_pages(void **state)
{
    (void) state;
    RUN("[{\"id\":\"a\",\"n\":1},{\"id\":\"b\",\"n\":2}]",
        "[{\"id\":\"a\",\"n\":1},{\"id\":\"b\",\"n\":3}]");
    assert_int_equal(f.status.end, FETCH_END_SOURCE);
    assert_counts(3, 1, 0);
    assert_int_equal(f.status.accepted, 3);
    assert_int_equal(f.status.pages, 2);
    assert_string_equal(changes(), "a 1 {\"id\":\"a\",\"n\":1}\nb 1 {\"id\":\"b\",\"n\":2}\n"
                                   "b 1 {\"id\":\"b\",\"n\":3}\n");
    assert_string_equal(load().cursor, "2");
    RUN("x", "x"); /* a new worker goes on behind them */
    assert_int_equal(f.play.fetched, 0);
}

static void keys(void **state)
{
    (void) state;
    static const char *const two[] = {"id", "sub.n"};
    f.job.key = two;
    f.job.key_count = 2;
    RUN("[{\"id\":\"a\\\"b\",\"sub\":{\"n\":1.50}}]",
        "[{\"id\":\"x\",\"sub\":{}},{\"sub\":{\"n\":1}},{\"id\":{},\"sub\":{\"n\":1}},"
        "{\"id\":\"\",\"sub\":{\"n\":1}},7]");
    assert_counts(1, 0, 5);
    assert_string_equal(changes(), "[\"a\\\"b\",1.50] 1 {\"id\":\"a\\\"b\",\"sub\":{\"n\":1.5}}\n");
    assert_string_equal(dead(), "missing-key page[0] {\"id\":\"x\",\"sub\":{}}\n"
                                "missing-key page[1] {\"sub\":{\"n\":1}}\n"
                                "missing-key page[2] {\"id\":{},\"sub\":{\"n\":\n"
                                "missing-key page[3] {\"id\":\"\",\"sub\":{\"n\":\n"
                                "malformed page[4] 7\n");
}

static void no_key(void **state)
{
    (void) state;
    f.job.key_count = 0;
    RUN("[{\"a\":1,\"b\":2},{\"b\":2,\"a\":1},{\"a\":1,\"b\":3}]");
    assert_counts(2, 1, 0); /* equal content is one row, whatever the order of members */
}

static void ignored_changes(void **state)
{
    (void) state;
    static const char *const age[] = {"dob.age"};
    f.job.ignore_changes = age;
    f.job.ignore_count = 1;
    RUN("[{\"id\":\"a\",\"dob\":{\"date\":\"d\",\"age\":1}}]",
        "[{\"id\":\"a\",\"dob\":{\"date\":\"d\",\"age\":2}}]",
        "[{\"id\":\"a\",\"dob\":{\"date\":\"e\",\"age\":2}}]");
    assert_counts(2, 1, 0);
}

static void lines_with_faults(void **state)
{
    (void) state;
    RUN("{\"id\":\"a\"}\n{\"id\":\n{\"id\":\"b\"}\n");
    assert_counts(2, 0, 1);
    assert_string_equal(dead(), "malformed page[1] {\"id\":\n");
}

static void too_large(void **state)
{
    (void) state;
    f.job.record_bytes_max = 20;
    RUN("[{\"id\":\"a\"},{\"id\":\"b\",\"text\":\"0123456789\"}]");
    assert_counts(1, 0, 1);
    assert_string_equal(dead(), "too-large page[1] {\"id\":\"b\",\"text\":\"01\n");
}

static void new_field_added(void **state)
{
    (void) state;
    RUN("[{\"id\":\"a\"}]",
        "[{\"id\":\"b\"},{\"id\":\"c\",\"x\":1},{\"id\":\"d\",\"y\":{\"z\":\"t\"}}]");
    assert_counts(4, 0, 0);
    assert_int_equal(stand_in.count, 2); /* one new version for the page */
    assert_string_equal(changes(), "a 1 {\"id\":\"a\"}\nb 1 {\"id\":\"b\"}\n"
                                   "c 2 {\"id\":\"c\",\"x\":1,\"y\":null}\n"
                                   "d 2 {\"id\":\"d\",\"x\":null,\"y\":{\"z\":\"t\"}}\n");
    assert_int_equal(load().schema_id, 2);
}

static void new_field_refused(void **state)
{
    (void) state;
    RUN("[{\"id\":\"a\"}]");
    stand_in.refuses = true;
    RUN("x", "[{\"id\":\"b\"},{\"id\":\"c\",\"x\":1},{\"id\":\"d\",\"x\":2}]");
    assert_counts(2, 0, 2);
    assert_string_equal(dead(), "new-field page[1] {\"id\":\"c\",\"x\":1}\n"
                                "new-field page[2] {\"id\":\"d\",\"x\":2}\n");
}

static void new_field_by_policy(void **state)
{
    (void) state;
    RUN("[{\"id\":\"a\"}]");
    f.job.schema.on_new_field = NEW_FIELD_IGNORE;
    RUN("x", "[{\"id\":\"b\",\"x\":1}]");
    assert_counts(2, 0, 0);
    f.job.schema.on_new_field = NEW_FIELD_DEAD_LETTER;
    RUN("x", "x", "[{\"id\":\"c\",\"x\":1}]");
    assert_counts(2, 0, 1);
    f.job.schema.on_new_field = NEW_FIELD_STOP;
    RUN("x", "x", "x", "[{\"id\":\"d\"},{\"id\":\"e\",\"x\":1}]");
    assert_int_equal(f.status.end, FETCH_END_FAILED);
    assert_non_null(strstr(f.status.error.message, "\"x\""));
    assert_counts(2, 0, 1); /* nothing of the page */
}

static void type_change(void **state)
{
    (void) state;
    RUN("[{\"id\":\"a\",\"n\":1}]", "[{\"id\":\"b\",\"n\":\"x\"},{\"id\":\"c\",\"n\":2}]");
    assert_counts(2, 0, 1);
    assert_string_equal(dead(), "type-change page[0] {\"id\":\"b\",\"n\":\"x\"}\n");
    f.job.schema.on_type_change = TYPE_CHANGE_WIDEN;
    RUN("x", "x", "[{\"id\":\"d\",\"n\":\"0123\"},{\"id\":\"e\",\"n\":3}]");
    assert_counts(4, 0, 1);
    const char *text = changes();
    assert_non_null(
        strstr(text, "d 2 {\"id\":\"d\",\"n\":\"0123\"}\ne 2 {\"id\":\"e\",\"n\":\"3\"}\n"));
}

static void declared_schema(void **state)
{
    (void) state;
    f.job.schema.declared = "{\"type\":\"record\",\"name\":\"p\",\"fields\":["
                            "{\"name\":\"id\",\"type\":\"string\"},"
                            "{\"name\":\"n\",\"type\":\"int\"}]}";
    RUN("[{\"id\":\"a\",\"n\":1},{\"id\":\"b\"},{\"id\":\"c\",\"n\":1,\"x\":\"new\"}]");
    assert_counts(2, 0, 1);
    assert_string_equal(dead(), "missing-field page[1] {\"id\":\"b\"}\n");
    assert_int_equal(load().schema_id, 2);
    RUN("x", "[{\"id\":\"d\",\"n\":4,\"x\":\"y\"}]"); /* it stays grown after a restart */
    assert_int_equal(stand_in.count, 2);
    assert_int_equal(load().schema_id, 2);
    f.job.schema.declared = "{\"type\":\"record\",\"name\":\"p\",\"fields\":["
                            "{\"name\":\"id\",\"type\":\"string\"},"
                            "{\"name\":\"other\",\"type\":[\"null\",\"int\"],\"default\":null}]}";
    f.job.schema.on_new_field = NEW_FIELD_IGNORE;
    RUN("x", "x", "[{\"id\":\"e\",\"other\":4}]"); /* until the file declares another one */
    assert_int_equal(load().schema_id, 3);
    f.job.schema.declared = "{\"type\":\"recrd\"}";
    RUN("x", "x", "x", "[{\"id\":\"e\",\"other\":4}]");
    assert_int_equal(f.status.end, FETCH_END_FAILED);
    assert_int_equal(f.status.error.status, STATUS_CONFIG);
}

static void tries_again(void **state)
{
    (void) state;
    RUN("[{\"id\":\"a\"}]", "![{\"id\":\"b\"}]", "[{\"id\":\"c\"}]");
    assert_int_equal(f.status.end, FETCH_END_SOURCE);
    assert_int_equal(f.status.error.status, STATUS_OK);
    assert_counts(3, 0, 0);
}

static void gives_up(void **state)
{
    (void) state;
    RUN("[{\"id\":\"a\"}]", "?");
    assert_int_equal(f.status.end, FETCH_END_FAILED);
    assert_string_equal(f.status.error.message, "source \"" SOURCE "\": it will never work");
    assert_counts(1, 0, 0);
    stand_in.down = true; /* what may pass is tried until it is enough */
    f.job.give_up_us = 1;
    RUN("x", "[{\"id\":\"b\",\"new\":1}]");
    assert_int_equal(f.status.end, FETCH_END_FAILED);
    assert_int_equal(f.status.error.status, STATUS_UNAVAILABLE);
    assert_counts(1, 0, 0);
}

static void exact_limit(void **state)
{
    (void) state;
    struct accept_limit limit;
    static const char *const pages[] = {"[{\"id\":\"a\"},{\"id\":\"b\"},{\"id\":\"c\"}]",
                                        "[{\"id\":\"d\"},{\"id\":\"e\"},{\"id\":\"f\"}]"};
    accept_limit_init(&limit, 4);
    f.job.limit = &limit;
    run_pages(pages, 2);
    assert_int_equal(f.status.end, FETCH_END_LIMIT);
    assert_counts(4, 0, 0);
    assert_string_equal(load().cursor, "1");
    accept_limit_deinit(&limit);
    accept_limit_init(&limit, 2);
    run_pages(pages, 2); /* the rest of the page that was cut */
    assert_int_equal(f.status.end, FETCH_END_LIMIT);
    assert_counts(6, 1, 0);
    assert_string_equal(load().cursor, "2");
    accept_limit_deinit(&limit);
    accept_limit_init(&limit, 5);
    run_pages(pages, 2); /* more than there is: the end of the source is no failure */
    assert_int_equal(f.status.end, FETCH_END_SOURCE);
    accept_limit_deinit(&limit);
}

static void stops_while_it_waits(void **state)
{
    (void) state;
    static const char *const pages[] = {"[{\"id\":\"a\"},{\"id\":\"b\"}]", "[{\"id\":\"c\"}]"};
    f.job.rate_count = 2;
    f.job.rate_per_us = 3600000000;
    f.play = (struct play){pages, 2, 0};
    struct fetch *fetch;
    assert_ok(fetch_start(&f.job, &fetch, &f.error), f.error);
    do {
        sched_yield();
        fetch_status(fetch, &f.status);
    } while (f.status.state != FETCH_RATE_LIMITED);
    assert_true(f.status.until_us > clock_now_us());
    fetch_free(fetch); /* at once */
    assert_counts(2, 0, 0);
    assert_int_equal(load().rate_used, 2);
    /* The budget is durable: a new worker waits as well. */
    assert_ok(fetch_start(&f.job, &fetch, &f.error), f.error);
    do {
        sched_yield();
        fetch_status(fetch, &f.status);
    } while (f.status.state != FETCH_RATE_LIMITED);
    fetch_free(fetch);
    assert_counts(2, 0, 0);
}

static void full_disk(void **state)
{
    (void) state;
    static const char *const pages[] = {"[{\"id\":\"a\"}]"};
    f.job.disk_path = f.directory;
    f.job.disk_free_percent_min = 100;
    f.play = (struct play){pages, 1, 0};
    struct fetch *fetch;
    assert_ok(fetch_start(&f.job, &fetch, &f.error), f.error);
    do {
        sched_yield();
        fetch_status(fetch, &f.status);
    } while (f.status.state != FETCH_DISK_FULL);
    assert_non_null(strstr(f.status.error.message, "nearly full"));
    fetch_free(fetch);
    assert_counts(0, 0, 0);
}

int main(void)
{
    logline_configure(LOG_OFF, LOG_TEXT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(keys, setup, teardown),
        cmocka_unit_test_setup_teardown(no_key, setup, teardown),
        cmocka_unit_test_setup_teardown(ignored_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(lines_with_faults, setup, teardown),
        cmocka_unit_test_setup_teardown(too_large, setup, teardown),
        cmocka_unit_test_setup_teardown(new_field_added, setup, teardown),
        cmocka_unit_test_setup_teardown(new_field_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(new_field_by_policy, setup, teardown),
        cmocka_unit_test_setup_teardown(type_change, setup, teardown),
        cmocka_unit_test_setup_teardown(declared_schema, setup, teardown),
        cmocka_unit_test_setup_teardown(tries_again, setup, teardown),
        cmocka_unit_test_setup_teardown(gives_up, setup, teardown),
        cmocka_unit_test_setup_teardown(exact_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(stops_while_it_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(full_disk, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
