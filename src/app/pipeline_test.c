#include "app/pipeline_test.h"

#include "app/pipeline_test_given.h"
#include "app/test_log.h"
#include "app/test_rows.h"
#include "base/time_text.h"
#include "connectors/sqlite/sqlite_store.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/notify.h"
#include "stream/processor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define STEP_US  INT64_C(100000)
#define STEPS    600 /* a minute without any progress */
#define DEAD_MAX 100000

struct test_run {
    struct given given;
    const struct setting_section *section;
    const struct test_settings *settings;
    struct arena *arena;
    struct topology *topology;
    struct log_client *log;
    struct given_records *records; /* one a topic of the topology, by place in `given` */
    char directory[600];
    struct buffer report;
    struct buffer dead; /* const char * each: dead letters as JSON */
};

static const char *lookup_schema(void *context, const char *subject, struct arena *arena)
{
    const struct test_run *run = context;
    struct schema_version version;
    struct error error;
    return test_schemas_ops.latest(run->given.schemas, subject, arena, &version, &error) ==
                   STATUS_OK
               ? version.text
               : NULL;
}

static enum status build(struct test_run *run, struct error *error)
{
    return topology_build(run->given.pipeline, lookup_schema, run, run->arena, &run->topology,
                          error);
}

/* ---- what is given -----------------------------------------------------------------------------
 */

static const struct topic_plan *find_topic(const struct test_run *run, const char *name)
{
    for (size_t i = 0; i < run->topology->topic_count; i++) {
        if (strcmp(run->topology->topics[i].spec.name, name) == 0) {
            return &run->topology->topics[i];
        }
    }
    return NULL;
}

static enum status
no_such_topic(const struct test_run *run, const struct node *node, struct error *error)
{
    const char **names = ARENA_ARRAY(run->arena, const char *, run->topology->topic_count + 1);
    for (size_t i = 0; i < run->topology->topic_count; i++) {
        names[i] = run->topology->topics[i].spec.name;
    }
    (void) node_error(error, node, "there is no topic \"%s\"", node->key);
    const char *nearest = nearest_word(node->key, names, run->topology->topic_count);
    if (nearest != NULL) {
        error_hint(error, "did you mean \"%s\"?", nearest);
    }
    return STATUS_CONFIG;
}

static void keep_dead(struct test_run *run, const struct dead_letter *letter)
{
    const struct {
        const char *name, *value;
    } fields[] = {
        {"hop", dead_hop_name(letter->hop)}, {"name", letter->name},   {"reason", letter->reason},
        {"message", letter->message},        {"place", letter->place},
    };
    struct buffer json CLEANUP(buffer_deinit) = BUFFER_INIT;
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        buffer_printf(&json, "%s\"%s\":", i == 0 ? "{" : ",", fields[i].name);
        if (fields[i].value == NULL) {
            buffer_append_string(&json, "null");
        } else {
            buffer_append_json(&json, slice_of_string(fields[i].value));
        }
    }
    buffer_append_byte(&json, '}');
    const char *kept = arena_string(run->arena, buffer_slice(&json));
    buffer_append(&run->dead, &kept, sizeof(kept));
}

/* Topics of sources, or those of streams, whose types follow from the former. */
static enum status read_given(struct test_run *run, bool sources, struct error *error)
{
    const struct node *given = run->settings->given;
    for (size_t i = 0; i < given->count; i++) {
        const struct node *node = given->items[i];
        const struct topic_plan *topic = find_topic(run, node->key);
        if (topic == NULL && sources) {
            continue; /* of a stream whose query waits for the schema of a source */
        }
        if (topic == NULL) {
            return no_such_topic(run, node, error);
        }
        if ((topic->source != NULL) != sources) {
            continue;
        }
        struct given_records *records = &run->records[i];
        TRY(given_read(&run->given, topic, node, records, error));
        test_log_add(run->log, topic->spec.name, records->records, records->count);
        for (size_t d = 0; d < records->dead_count; d++) {
            keep_dead(run, &records->dead[d]);
        }
    }
    return build(run, error);
}

/* ---- processing --------------------------------------------------------------------------------
 */

static void rang(void *context)
{
    notify_ring(context);
}

static enum status
wait_drained(struct processor *processor, struct notify *progress, struct error *error)
{
    struct processor_status status;
    for (int silent = 0; silent < STEPS;) {
        uint64_t seen = notify_seen(progress);
        if (embedded_processor.drained(processor)) {
            return STATUS_OK;
        }
        embedded_processor.status(processor, &status);
        if (status.last_error.status != STATUS_OK && !status.running) {
            *error = status.last_error;
            return error->status;
        }
        silent = notify_wait(progress, seen, STEP_US) ? 0 : silent + 1;
    }
    return error_set(error, STATUS_INTERNAL, "the processor made no progress for a minute");
}

static void place_stores(struct test_run *run, struct processor_job *job)
{
    const char *tables = arena_printf(run->arena, "%s/tables.db", run->directory);
    job->log_ops = &test_log_ops;
    job->log = run->log;
    job->schemas_ops = &test_schemas_ops;
    job->schemas = run->given.schemas;
    job->state_ops = &sqlite_store_ops;
    job->state_url = arena_printf(run->arena, "%s/%s.db", run->directory, job->topic);
    job->flush_windows = true;
    for (size_t i = 0; i < job->stream_count; i++) {
        struct processor_stream *stream = (struct processor_stream *) (uintptr_t) &job->streams[i];
        struct processor_sink *sinks = (struct processor_sink *) (uintptr_t) job->streams[i].sinks;
        size_t kept = 0;
        for (size_t s = 0; s < stream->sink_count; s++) {
            if (!sinks[s].is_topic) { /* records do not pass from topic to topic */
                sinks[kept] = sinks[s];
                sinks[kept].store_ops = &sqlite_store_ops;
                sinks[kept++].store_url = tables;
            }
        }
        stream->sink_count = kept;
    }
}

static enum status visit_dead(void *context, const struct dead_letter *letter, struct error *error)
{
    (void) error;
    keep_dead(context, letter);
    return STATUS_OK;
}

/* A task keeps its dead letters in its state, or, if it has none, beside the tables. */
static enum status read_dead(struct test_run *run, const char *url, struct error *error)
{
    const struct dead_filter all = {.limit = DEAD_MAX};
    struct store *store;
    if (access(url, F_OK) != 0) {
        return STATUS_OK;
    }
    TRY(sqlite_store_ops.open(url, true, &store, error));
    enum status status = sqlite_store_ops.dead_list(store, &all, visit_dead, run, error);
    sqlite_store_ops.close(store);
    return status;
}

static enum status process(struct test_run *run,
                           const struct topic_plan *topic,
                           const struct given_records *records,
                           struct error *error)
{
    struct processor_job job;
    struct processor *processor;
    struct notify progress;
    bool needed;
    TRY(topology_job(run->topology, topic, run->arena, &job, &needed, error));
    if (!needed) {
        return STATUS_OK;
    }
    place_stores(run, &job);
    notify_init(&progress);
    enum status status = embedded_processor.open(&job, rang, &progress, &processor, error);
    if (status == STATUS_OK) {
        const int64_t until = (int64_t) records->count;
        embedded_processor.drain(processor, &until, 1);
        status = wait_drained(processor, &progress, error);
        embedded_processor.close(processor);
    }
    notify_deinit(&progress);
    return status == STATUS_OK ? read_dead(run, job.state_url, error) : status;
}

static enum status process_all(struct test_run *run, struct error *error)
{
    const struct node *given = run->settings->given;
    for (size_t i = 0; i < given->count; i++) {
        const struct topic_plan *topic = find_topic(run, given->items[i]->key);
        if (topic->type != NULL) {
            TRY(process(run, topic, &run->records[i], error));
        }
    }
    return read_dead(run, arena_printf(run->arena, "%s/tables.db", run->directory), error);
}

/* ---- what is expected --------------------------------------------------------------------------
 */

struct scanned {
    struct arena *arena;
    struct buffer rows; /* const char * each */
};

static enum status visit_rows(void *context, const struct batch *batch, struct error *error)
{
    (void) error;
    struct scanned *scanned = context;
    for (int64_t row = 0; row < batch->length; row++) {
        struct buffer json CLEANUP(buffer_deinit) = BUFFER_INIT;
        batch_write_json(batch, row, &json);
        const char *kept = arena_string(scanned->arena, buffer_slice(&json));
        buffer_append(&scanned->rows, &kept, sizeof(kept));
    }
    return STATUS_OK;
}

/* No rows where nothing was given to the topic behind: then there is no table. */
static enum status scan_table(const struct test_run *run,
                              const char *table,
                              const char *const *columns,
                              size_t column_count,
                              struct scanned *scanned,
                              struct error *error)
{
    const char *url = arena_printf(run->arena, "%s/tables.db", run->directory);
    struct store *store;
    const char **names;
    size_t count;
    if (access(url, F_OK) != 0) {
        return STATUS_OK;
    }
    TRY(sqlite_store_ops.open(url, true, &store, error));
    enum status status = sqlite_store_ops.tables_list(store, run->arena, &names, &count, error);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        if (strcmp(names[i], table) == 0) {
            status = sqlite_store_ops.scan(store, table, columns, column_count, run->arena,
                                           visit_rows, scanned, error);
        }
    }
    sqlite_store_ops.close(store);
    return status;
}

static const struct sink_plan *find_sink(const struct test_run *run, const char *name)
{
    for (size_t i = 0; i < run->topology->stream_count; i++) {
        const struct stream_plan *stream = &run->topology->streams[i];
        for (size_t s = 0; s < stream->sink_count; s++) {
            if (strcmp(stream->sinks[s].name, name) == 0) {
                return &stream->sinks[s];
            }
        }
    }
    return NULL;
}

static enum status
no_such_sink(const struct test_run *run, const struct node *node, struct error *error)
{
    const struct setting_sections *sinks = &run->given.pipeline->sinks;
    const char **names = ARENA_ARRAY(run->arena, const char *, sinks->count + 1);
    for (size_t i = 0; i < sinks->count; i++) {
        names[i] = sinks->items[i].name;
    }
    (void) node_error(error, node, "there is no sink \"%s\"", node->key);
    const char *nearest = nearest_word(node->key, names, sinks->count);
    if (nearest != NULL) {
        error_hint(error, "did you mean \"%s\"?", nearest);
    }
    return STATUS_CONFIG;
}

static enum status expect_sink(struct test_run *run, const struct node *node, struct error *error)
{
    const struct sink_plan *sink = find_sink(run, node->key);
    if (sink == NULL) {
        return no_such_sink(run, node, error);
    }
    if (sink->table == NULL) {
        (void) node_error(error, node, "the schema behind sink \"%s\" is not known", node->key);
        error_hint(error,
                   "give records to the topic that stream \"%s\" reads, or declare the "
                   "schema of its source",
                   sink->settings->from);
        return STATUS_CONFIG;
    }
    const struct store_table *table = sink->table;
    const char **columns = ARENA_ARRAY(run->arena, const char *, table->column_count + 1);
    bool *is_time = ARENA_ARRAY(run->arena, bool, table->column_count + 1);
    for (uint32_t i = 0; i < table->column_count; i++) {
        columns[i] = table->columns[i].name;
        is_time[i] = table->columns[i].type->id == TYPE_TIMESTAMP;
    }
    struct scanned scanned = {.arena = run->arena};
    enum status status =
        scan_table(run, table->name, columns, table->column_count, &scanned, error);
    if (status == STATUS_OK) {
        const struct test_rows rows = {
            .what = arena_printf(run->arena, "sink \"%s\"", node->key),
            .columns = columns,
            .is_time = is_time,
            .column_count = table->column_count,
            .rows = (const char *const *) (const void *) scanned.rows.data,
            .count = scanned.rows.size / sizeof(const char *),
        };
        status = test_rows_compare(&rows, node, &run->report, error);
    }
    buffer_deinit(&scanned.rows);
    return status;
}

/* Without `dead` there must be none. */
static enum status expect_dead(struct test_run *run, struct error *error)
{
    static const char *const columns[] = {"hop", "name", "reason", "message", "place"};
    struct node none = *run->section->node;
    none.type = NODE_LIST;
    none.count = 0;
    const struct test_rows rows = {
        .what = "the dead letters",
        .columns = columns,
        .column_count = ARRAY_SIZE(columns),
        .rows = (const char *const *) (const void *) run->dead.data,
        .count = run->dead.size / sizeof(const char *),
    };
    const struct node *dead = run->settings->dead;
    return test_rows_compare(&rows, dead == NULL ? &none : dead, &run->report, error);
}

static enum status compare(struct test_run *run, struct error *error)
{
    const struct node *expect = run->settings->expect;
    for (size_t i = 0; expect != NULL && i < expect->count; i++) {
        TRY(expect_sink(run, expect->items[i], error));
    }
    return expect_dead(run, error);
}

/* ---- the whole ---------------------------------------------------------------------------------
 */

static enum status check_shape(struct test_run *run, struct error *error)
{
    const struct test_settings *settings = run->settings;
    const struct node *node = run->section->node;
    struct error fault = {0};
    if (settings->given->type != NODE_MAP) {
        return node_error(error, settings->given,
                          "write `given` as topics with their records: "
                          "{users: [one.json]}");
    }
    if (settings->expect != NULL && settings->expect->type != NODE_MAP) {
        return node_error(error, settings->expect,
                          "write `expect` as sinks with their rows: {users: [{id: 1}]}");
    }
    if (settings->expect == NULL && settings->dead == NULL) {
        return node_error(error, node, "test \"%s\" expects nothing: it needs `expect` or `dead`",
                          run->section->name);
    }
    if (time_parse(slice_of_string(settings->clock), &run->given.now_us, &fault) != STATUS_OK) {
        const struct node *clock = node_get(node, "clock");
        return node_error(error, clock == NULL ? node : clock, "%s", fault.message);
    }
    if (run->given.now_us < 0) {
        return node_error(error, node_get(node, "clock"), "the clock of a test begins in 1970");
    }
    return STATUS_OK;
}

static enum status make_directory(struct test_run *run, struct error *error)
{
    const char *base = getenv("TMPDIR");
    int size = snprintf(run->directory, sizeof(run->directory), "%s/leat-test-XXXXXX",
                        base == NULL || base[0] == '\0' ? "/tmp" : base);
    if (size >= (int) sizeof(run->directory) || mkdtemp(run->directory) == NULL) {
        run->directory[0] = '\0';
        return error_set(error, STATUS_IO, "could not make a temporary directory in \"%s\"",
                         base == NULL ? "/tmp" : base);
    }
    return STATUS_OK;
}

static enum status run_steps(struct test_run *run, struct error *error)
{
    TRY(check_shape(run, error));
    TRY(make_directory(run, error));
    clock_simulate(run->given.now_us);
    TRY(build(run, error));
    TRY(read_given(run, true, error));
    TRY(read_given(run, false, error));
    TRY(process_all(run, error));
    return compare(run, error);
}

enum status pipeline_test_run(const struct pipeline *pipeline,
                              const struct setting_section *test,
                              struct arena *arena,
                              struct pipeline_test_result *ret_result,
                              struct error *error)
{
    int64_t started_us = clock_monotonic_us();
    struct test_run run = {.section = test, .settings = test->value, .arena = arena};
    run.given = (struct given){.pipeline = pipeline,
                               .schemas_ops = &test_schemas_ops,
                               .schemas = test_schemas_new(arena),
                               .arena = arena};
    run.log = test_log_new(arena);
    run.records = ARENA_ARRAY(arena, struct given_records, run.settings->given->count + 1);
    enum status status = run_steps(&run, error);
    clock_simulate(-1);
    struct error left = {0};
    if (run.directory[0] != '\0' && directory_remove(run.directory, &left) != STATUS_OK &&
        status == STATUS_OK) {
        *error = left;
        status = left.status;
    }
    *ret_result = (struct pipeline_test_result){
        .passed = status == STATUS_OK && run.report.size == 0,
        .report = arena_string(arena, buffer_slice(&run.report)),
        .took_us = clock_monotonic_us() - started_us,
    };
    buffer_deinit(&run.report);
    buffer_deinit(&run.dead);
    return status;
}
