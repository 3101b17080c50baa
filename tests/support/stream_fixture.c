#include "stream_fixture.h"

#include "base/memory.h"
#include "connectors/sqlite/sqlite_store.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/notify.h"
#include "stream/processor.h"

#include <stdio.h>
#include <unistd.h>

#define TOPIC       "t"
#define PIPELINE    "p"
#define SOURCE      "p.s"
#define START_US    INT64_C(1763837823000000)
#define STORES      16
#define PATIENCE_US (30 * INT64_C(1000000))

struct fixture f;
static struct notify progressed;

/* ---- a store whose commits fail on request -----------------------------------------------------
 */

static struct {
    struct store *store;
    char url[128];
} opened[STORES];

static struct store_ops failing_ops;

static enum status
open_noted(const char *url, bool read_only, struct store **ret_store, struct error *error)
{
    TRY(sqlite_store_ops.open(url, read_only, ret_store, error));
    for (size_t i = 0; i < STORES; i++) {
        if (opened[i].store == NULL) {
            opened[i].store = *ret_store;
            snprintf(opened[i].url, sizeof(opened[i].url), "%s", url);
            return STATUS_OK;
        }
    }
    fail_msg("too many stores");
    return STATUS_INTERNAL;
}

static void close_noted(struct store *store)
{
    for (size_t i = 0; i < STORES; i++) {
        if (opened[i].store == store) {
            opened[i].store = NULL;
        }
    }
    sqlite_store_ops.close(store);
}

/* Tables and state are written by two threads of a task. Counts this commit; true if it fails. */
static bool fails_now(const struct store *store)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    bool fails = false;
    pthread_mutex_lock(&mutex);
    for (size_t i = 0; i < STORES && f.failure.store != NULL && !fails; i++) {
        if (opened[i].store != store || strstr(opened[i].url, f.failure.store) == NULL) {
            continue;
        }
        if (f.failure.after > 0) {
            f.failure.after--;
        } else if (f.failure.times > 0) {
            f.failure.times--;
            fails = true;
        }
    }
    pthread_mutex_unlock(&mutex);
    return fails;
}

static enum status
commit_or_fail(struct store *store, const struct store_commit *commit, struct error *error)
{
    if (fails_now(store)) {
        return error_set(error, f.failure.status, "the store does not take it");
    }
    return sqlite_store_ops.commit(store, commit, error);
}

/* ---- setting up ------------------------------------------------------------------------------ */

int fixture_setup(void **state)
{
    (void) state;
    memset(&f, 0, sizeof(f));
    memset(opened, 0, sizeof(opened));
    failing_ops = sqlite_store_ops;
    failing_ops.open = open_noted;
    failing_ops.close = close_noted;
    failing_ops.commit = commit_or_fail;
    snprintf(f.directory, sizeof(f.directory), "/tmp/leat-stream-XXXXXX");
    assert_non_null(mkdtemp(f.directory));
    arena_init(&f.arena, 0);
    notify_init(&progressed);
    f.log = memory_log_new();
    f.schemas = memory_schemas_new();
    f.accepted_us = START_US;
    f.job = (struct processor_job){
        .pipeline = PIPELINE,
        .topic = TOPIC,
        .format = VALUE_JSON,
        .streams = f.streams,
        .log_ops = &memory_log_ops,
        .log = f.log,
        .schemas_ops = &memory_schemas_ops,
        .schemas = f.schemas,
        .state_ops = &failing_ops,
        .state_url = arena_printf(&f.arena, "%s/state.db", f.directory),
    };
    return 0;
}

int fixture_teardown(void **state)
{
    (void) state;
    fixture_close();
    memory_log_free(f.log);
    memory_schemas_free(f.schemas);
    notify_deinit(&progressed);
    arena_deinit(&f.arena);
    assert_ok(directory_remove(f.directory, &f.error), f.error);
    return 0;
}

void fixture_topic(const char *type, int32_t partitions)
{
    f.relation = (struct sql_relation){.name = TOPIC, .streaming = true};
    assert_ok(type_parse(slice_of_string(type), &f.arena, &f.relation.type, &f.error), f.error);
    f.job.type = f.relation.type;
    memory_log_topic(f.log, TOPIC, partitions);
}

static const struct sql_relation *find_relation(void *context, const char *name)
{
    (void) context;
    return strcmp(name, TOPIC) == 0 ? &f.relation : NULL;
}

static size_t relation_names(void *context, const char **names, size_t max)
{
    (void) context;
    names[0] = TOPIC;
    return max == 0 ? 0 : 1;
}

void fixture_stream_with(const char *name, const char *sql, struct sql_options options)
{
    static const struct sql_catalog catalog = {find_relation, relation_names, NULL};
    struct query *query;
    size_t offset;
    assert_true(f.job.stream_count < FIXTURE_STREAMS);
    assert_ok(sql_compile(sql, &catalog, &options, &f.arena, &query, &offset, &f.error), f.error);
    size_t at = f.job.stream_count++;
    f.streams[at] =
        (struct processor_stream){.name = name, .query = query, .sql = sql, .sinks = f.sinks[at]};
}

void fixture_stream(const char *name, const char *sql)
{
    fixture_stream_with(name, sql, (struct sql_options){0});
}

void fixture_forget_streams(void)
{
    f.job.stream_count = 0;
}

void fixture_sink_in(const char *database,
                     const char *stream,
                     const char *table,
                     const char *key,
                     const char *uuid,
                     enum deletes_mode deletes)
{
    struct processor_stream *of = &f.streams[f.job.stream_count - 1];
    assert_string_equal(of->name, stream);
    assert_true(of->sink_count < FIXTURE_SINKS);
    const char *keys[8];
    size_t key_count = 0;
    char *names = arena_strdup(&f.arena, key);
    for (char *name = strtok(names, ","); name != NULL; name = strtok(NULL, ",")) {
        keys[key_count++] = name;
    }
    const char *const types[] = {uuid, "uuid"};
    const struct sink_table_spec spec = {
        .table = table,
        .partition_key = keys,
        .partition_key_count = key_count,
        .type_names = types,
        .type_name_count = uuid != NULL,
        .mark_deletes = deletes == DELETES_MARK,
    };
    struct processor_sink *sink = (struct processor_sink *) (uintptr_t) &of->sinks[of->sink_count];
    of->sink_count++;
    *sink = (struct processor_sink){
        .name = arena_printf(&f.arena, "to_%s", table),
        .store_ops = &failing_ops,
        .store_url = arena_printf(&f.arena, "%s/%s", f.directory, database),
        .deletes = deletes,
    };
    assert_ok(sink_table_make(of->query, &spec, &f.arena, &sink->table, &f.error), f.error);
}

void fixture_sink(const char *stream, const char *table, const char *key, enum deletes_mode deletes)
{
    fixture_sink_in("tables.db", stream, table, key, NULL, deletes);
}

/* ---- records --------------------------------------------------------------------------------- */

void fixture_send_to(int32_t partition, const char *key, const char *json, int64_t position)
{
    struct log_out record = {
        .key = slice_of_string(key),
        .value = slice_of_string(json),
        .timestamp_ms = f.accepted_us / 1000,
        .identity = {SLICE(SOURCE), 1, position, 0, f.accepted_us},
    };
    memory_log_append(f.log, TOPIC, partition, record);
    f.accepted_us += 1000000;
}

void fixture_send(const char *key, const char *json)
{
    fixture_send_to(0, key, json, ++f.position);
}

void fixture_send_foreign(const char *key, const char *json)
{
    struct log_out record = {
        .key = slice_of_string(key),
        .value = slice_of_string(json),
        .timestamp_ms = f.accepted_us / 1000,
    };
    memory_log_append(f.log, TOPIC, 0, record);
    f.accepted_us += 1000000;
}

/* ---- running --------------------------------------------------------------------------------- */

static void ring(void *context)
{
    (void) context;
    notify_ring(&progressed);
}

void fixture_open(void)
{
    assert_ok(embedded_processor.open(&f.job, ring, NULL, &f.processor, &f.error), f.error);
}

void fixture_drain(enum status wanted)
{
    struct log_partition *partitions;
    int32_t count;
    assert_ok(memory_log_ops.topic_offsets(f.log, TOPIC, &f.arena, &partitions, &count, &f.error),
              f.error);
    int64_t *until = ARENA_ARRAY(&f.arena, int64_t, (size_t) count);
    for (int32_t i = 0; i < count; i++) {
        until[i] = partitions[i].high;
    }
    embedded_processor.drain(f.processor, until, count);
    int64_t deadline_us = clock_monotonic_us() + PATIENCE_US;
    for (;;) {
        uint64_t seen = notify_seen(&progressed);
        embedded_processor.status(f.processor, &f.status);
        bool failed = f.status.last_error.status != STATUS_OK && !f.status.running;
        if (embedded_processor.drained(f.processor) || failed) {
            break;
        }
        assert_true(clock_monotonic_us() < deadline_us);
        notify_wait(&progressed, seen, 10000);
    }
    embedded_processor.status(f.processor, &f.status);
    enum status ended =
        embedded_processor.drained(f.processor) ? STATUS_OK : f.status.last_error.status;
    if (ended != wanted) {
        fail_msg("the task ended with %s (%s), not %s", status_name(ended),
                 f.status.last_error.message, status_name(wanted));
    }
}

void fixture_close(void)
{
    embedded_processor.close(f.processor);
    f.processor = NULL;
}

void fixture_run(enum status wanted)
{
    enum status status =
        embedded_processor.open(&f.job, ring, NULL, &f.processor, &f.status.last_error);
    if (status != STATUS_OK) {
        if (status != wanted) {
            fail_msg("could not open: %s", f.status.last_error.message);
        }
        return;
    }
    fixture_drain(wanted);
    fixture_close();
}

/* ---- what was stored --------------------------------------------------------------------------
 */

struct lines {
    char *lines[2000];
    size_t count;
};

static enum status visit_rows(void *context, const struct batch *batch, struct error *error)
{
    (void) error;
    struct lines *lines = context;
    for (int64_t row = 0; row < batch->length; row++) {
        struct buffer text = BUFFER_INIT;
        batch_write_json(batch, row, &text);
        assert_true(lines->count < 2000);
        lines->lines[lines->count++] = arena_string(&f.arena, buffer_slice(&text));
        buffer_deinit(&text);
    }
    return STATUS_OK;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

static const char *joined(struct lines *lines)
{
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    for (size_t i = 0; i < lines->count; i++) {
        buffer_printf(&text, "%s%s", i == 0 ? "" : "\n", lines->lines[i]);
    }
    return arena_string(&f.arena, buffer_slice(&text));
}

static struct store *open_store(const char *database)
{
    struct store *store;
    const char *url = arena_printf(&f.arena, "%s/%s", f.directory, database);
    assert_ok(sqlite_store_ops.open(url, true, &store, &f.error), f.error);
    return store;
}

const char *fixture_rows(const char *database, const char *table)
{
    static struct lines lines;
    lines.count = 0;
    struct store *store = open_store(database);
    assert_ok(sqlite_store_ops.scan(store, table, NULL, 0, &f.arena, visit_rows, &lines, &f.error),
              f.error);
    sqlite_store_ops.close(store);
    qsort(lines.lines, lines.count, sizeof(*lines.lines), by_text);
    return joined(&lines);
}

void fixture_expect_rows(const char *table, const char *wanted)
{
    assert_string_equal(fixture_rows("tables.db", table), wanted);
}

static enum status
visit_letter(void *context, const struct dead_letter *letter, struct error *error)
{
    (void) error;
    struct lines *lines = context;
    lines->lines[lines->count++] = arena_printf(
        &f.arena, "%lld %s %s %s %s %d", (long long) letter->id, dead_hop_name(letter->hop),
        letter->name, letter->reason, letter->place == NULL ? "-" : letter->place, letter->retries);
    return STATUS_OK;
}

const char *fixture_letters(const char *database)
{
    return fixture_letters_of(database, NULL);
}

const char *fixture_letters_of(const char *database, const char *name)
{
    struct lines lines = {.count = 0};
    struct dead_filter all = {.limit = 1000, .name = name};
    struct store *store = open_store(database);
    assert_ok(sqlite_store_ops.dead_list(store, &all, visit_letter, &lines, &f.error), f.error);
    sqlite_store_ops.close(store);
    return joined(&lines);
}

static enum status keep_letter(void *context, const struct dead_letter *letter, struct error *error)
{
    (void) error;
    struct dead_letter *kept = context;
    *kept = *letter;
    kept->name = arena_strdup(&f.arena, letter->name);
    kept->raw = letter->raw.data == NULL ? letter->raw : arena_copy(&f.arena, letter->raw);
    kept->key = letter->key.data == NULL ? letter->key : arena_copy(&f.arena, letter->key);
    kept->identity.source = arena_copy(&f.arena, letter->identity.source);
    return STATUS_OK;
}

enum status fixture_retry(int64_t id, bool *ret_resolved)
{
    const char *path = arena_printf(&f.arena, "%s/state.db", f.directory);
    return fixture_retry_from(access(path, F_OK) == 0 ? "state.db" : "tables.db", id, ret_resolved);
}

enum status fixture_retry_from(const char *name, int64_t id, bool *ret_resolved)
{
    struct dead_letter letter = {0};
    struct dead_filter one = {.id = id};
    struct store *store = open_store(name);
    assert_ok(sqlite_store_ops.dead_list(store, &one, keep_letter, &letter, &f.error), f.error);
    sqlite_store_ops.close(store);
    assert_int_equal(letter.id, id);
    return embedded_processor.dead_retry(f.processor, &letter, ret_resolved, &f.error);
}

void fixture_expect_fates(int64_t stored, int64_t filtered, int64_t late, int64_t dead)
{
    const struct fate_counts *counts = &f.status.counts;
    if (counts->stored != stored || counts->filtered != filtered || counts->late != late ||
        counts->dead != dead) {
        fail_msg("stored=%lld filtered=%lld late=%lld dead=%lld, not %lld, %lld, %lld, %lld",
                 (long long) counts->stored, (long long) counts->filtered, (long long) counts->late,
                 (long long) counts->dead, (long long) stored, (long long) filtered,
                 (long long) late, (long long) dead);
    }
}
