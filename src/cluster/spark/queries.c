/* One stream's query on Spark: found again, started, watched, and begun anew when it ended. */

#include "base/hash.h"
#include "base/logline.h"
#include "base/memory.h"
#include "base/time_text.h"
#include "cluster/spark/fault.h"
#include "cluster/spark/judge.h"
#include "cluster/spark/task.h"
#include "io/clock.h"
#include "sql/query.h"
#include "stream/processor.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define FAILURES_MAX   6
#define JUDGE_WAIT_US  (20 * INT64_C(1000000))
#define JUDGE_LOOK_US  (200 * INT64_C(1000))
#define JUDGE_STILL_US (2 * INT64_C(1000000))

/* ---- the session -------------------------------------------------------------------------------
 */

/* What the texts of leat's SQL mean: ANSI and UTC. State is cut in few parts: their number is fixed
 * with the first batch of a checkpoint, and the profile may give another. */
enum status
spark_set_up(struct spark_session *session, const struct processor_job *job, struct error *error)
{
    static const char *const ours[] = {"spark.sql.ansi.enabled",
                                       "true",
                                       "spark.sql.session.timeZone",
                                       "UTC",
                                       "spark.sql.caseSensitive",
                                       "false",
                                       NULL};
    static const char *const few[] = {"spark.sql.shuffle.partitions", "2", NULL};
    const char *const *theirs = job->processor_settings;
    TRY(spark_configure(session, few, error));
    if (theirs != NULL && theirs[0] != NULL &&
        spark_configure(session, theirs, error) != STATUS_OK) {
        error_context(error, "processing_settings");
        return error->status;
    }
    return spark_configure(session, ours, error);
}

enum status spark_task_connect(struct spark_task *task, struct error *error)
{
    spark_session_close(task->session);
    task->session = NULL;
    TRY(spark_session_open(task->job->processor_url, task->saved.session, &task->stop,
                           &task->session, error));
    enum status status = spark_set_up(task->session, task->job, error);
    if (status != STATUS_OK && spark_session_is_gone(task->session)) {
        char id[SPARK_SESSION_ID_BYTES];
        spark_session_id(id);
        task->saved.session = arena_strdup(&task->saved.arena, id);
        TRY(spark_saved_store(task->job, &task->saved, error));
        return error_set(error, STATUS_AGAIN, "Spark no longer has the session; another is begun");
    }
    return status;
}

/* ---- starting ----------------------------------------------------------------------------------
 */

static uint64_t plan_hash(const struct query *query)
{
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    plan_write(query->plan, &text);
    return hash64(buffer_slice(&text)) >> 1; /* JSON numbers have a sign */
}

static const char *checkpoint_of(const struct spark_task *task,
                                 const struct spark_saved_stream *saved,
                                 struct arena *arena)
{
    const char *base = task->job->checkpoints_url;
    size_t length = strlen(base);
    return arena_printf(arena, "%s%s%s.%s.%s/%lld", base,
                        length > 0 && base[length - 1] == '/' ? "" : "/", task->job->pipeline,
                        saved->name, task->saved.lineage, (long long) saved->generation);
}

/* What makes a query that runs the one that is wanted. Which dead records it leaves out is no part
 * of it: they are behind it, or will stop it. */
static uint64_t fingerprint(const struct spark_task *task,
                            const struct spark_stream *stream,
                            const char *checkpoint)
{
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    const struct query *query = stream->spec->query;
    buffer_printf(&text, "%s\n%s\n%d\n%d\n%s\n%lld\n%s\n%lld\n", stream->spec->sql,
                  stream->result.output.topic, stream->result.output.schema_id, (int) query->mode,
                  query->watermark_column == NULL ? "" : query->watermark_column,
                  (long long) query->watermark_delay_us, checkpoint,
                  (long long) task->job->batch_records);
    buffer_append_string(&text, task->job->log_address);
    for (size_t i = 0; i < task->job->view_count; i++) {
        buffer_printf(&text, "\n%s", task->job->views[i].sql);
    }
    for (size_t i = 0; i < task->saved.schema_count; i++) {
        buffer_printf(&text, "\n%d", task->saved.schema_ids[i]);
    }
    return hash64(buffer_slice(&text)) >> 1;
}

/* A changed query goes on from its checkpoint, unless its history is wanted anew. */
static void judge_change(struct spark_task *task,
                         const struct spark_stream *stream,
                         struct spark_saved_stream *saved)
{
    uint64_t plan = plan_hash(stream->spec->query);
    if (saved->plan != 0 && saved->plan != plan) {
        logline(LOG_INFO, task->name,
                task->job->rebuild
                    ? "a query has changed: its history is computed anew"
                    : "a query has changed: it holds for new records (--rebuild: for all)",
                LOG_STRING("stream", saved->name));
        if (task->job->rebuild) {
            saved->generation++;
            saved->partitions = 0;
        }
    }
    saved->plan = plan;
}

static enum status schema_texts(struct spark_task *task,
                                struct arena *arena,
                                struct spark_input *input,
                                struct error *error)
{
    const struct processor_job *job = task->job;
    struct spark_schema *schemas =
        ARENA_ARRAY(arena, struct spark_schema, task->saved.schema_count);
    for (size_t i = 0; i < task->saved.schema_count; i++) {
        schemas[i].id = task->saved.schema_ids[i];
        TRY(job->schemas_ops->by_id(job->schemas, schemas[i].id, arena, &schemas[i].text, error));
    }
    input->schemas = schemas;
    input->schema_count = task->saved.schema_count;
    return STATUS_OK;
}

enum status spark_views(struct spark_session *session,
                        const struct processor_stream *stream,
                        const struct spark_input *input,
                        struct arena *arena,
                        struct error *error)
{
    const struct processor_job *job = input->job;
    TRY(spark_view(session, job->topic, spark_input_relation(input, stream, arena), error));
    for (size_t i = 0; i < job->view_count; i++) {
        if (strcmp(job->views[i].name, stream->name) == 0) {
            return STATUS_OK; /* those behind it may read it; it cannot read them */
        }
        TRY(spark_view(session, job->views[i].name, spark_sql(job->views[i].sql, arena), error));
    }
    return STATUS_OK;
}

/* Spark's refusal of the text, with the line that it means. */
static enum status refused(struct spark_task *task,
                           const struct spark_stream *stream,
                           struct arena *arena,
                           struct error *error)
{
    struct spark_fault fault = spark_fault_read(spark_session_fault(task->session), arena);
    if (error->status == STATUS_CONFIG && fault.line > 0) {
        const char *sql = stream->spec->sql;
        size_t offset = spark_fault_offset(&fault, sql);
        size_t from = offset;
        while (from > 0 && sql[from - 1] != '\n') {
            from--;
        }
        error_hint(error, "line %d, column %d of its SQL: %.*s", fault.line, fault.column + 1,
                   (int) strcspn(sql + from, "\n"), sql + from);
    }
    error_context(error, "stream \"%s\"", stream->spec->name);
    return error->status;
}

static enum status start(struct spark_task *task,
                         struct spark_stream *stream,
                         struct spark_saved_stream *saved,
                         const char *checkpoint,
                         struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    struct spark_input input = {.job = task->job, .kafka = &task->kafka};
    struct spark_place *places;
    const char *const *names;
    size_t name_count;
    TRY(schema_texts(task, &arena, &input, error));
    TRY(judge_dead_places(task->job, stream->spec->name, saved->offsets, saved->partitions, &arena,
                          &places, &input.excluded_count, error));
    input.excluded = places;
    stream->excluded = input.excluded_count;
    enum status status = spark_views(task->session, stream->spec, &input, &arena, error);
    if (status == STATUS_OK) {
        status = spark_columns(task->session, spark_sql(stream->spec->sql, &arena), &arena, &names,
                               &name_count, error);
    }
    if (status != STATUS_OK) {
        return refused(task, stream, &arena, error);
    }
    Connect__Relation *rows =
        spark_output_relation(stream->spec, &stream->result.output, name_count, &arena);
    arena_reset(&stream->arena);
    status = spark_query_start(task->session,
                               spark_start(task->job, stream->spec, &stream->result.output,
                                           &task->kafka, rows, checkpoint, &arena),
                               &stream->arena, &stream->query, error);
    if (status != STATUS_OK) {
        stream->query = (struct spark_query){0};
        return refused(task, stream, &arena, error);
    }
    logline(LOG_INFO, task->name, "Spark runs the query", LOG_STRING("stream", saved->name),
            LOG_STRING("id", stream->query.id), LOG_INT("excluded", (int64_t) stream->excluded));
    return STATUS_OK;
}

/* True if the query that was started before this process still runs and is the one wanted. */
static enum status adopt(struct spark_task *task,
                         struct spark_stream *stream,
                         const struct spark_saved_stream *saved,
                         uint64_t wanted,
                         bool *ret_runs,
                         struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    struct spark_query_state state;
    const struct spark_query query = {saved->query_id, saved->run_id};
    *ret_runs = false;
    if (query.id == NULL || query.run_id == NULL) {
        return STATUS_OK;
    }
    enum status status = spark_query_state(task->session, &query, &arena, &state, error);
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    if (state.active && saved->fingerprint != wanted) {
        return spark_query_stop(task->session, &query, error);
    }
    if (state.active) {
        arena_reset(&stream->arena);
        stream->query.id = arena_strdup(&stream->arena, query.id);
        stream->query.run_id = arena_strdup(&stream->arena, query.run_id);
        logline(LOG_INFO, task->name, "Spark still runs the query",
                LOG_STRING("stream", saved->name), LOG_STRING("id", query.id));
        *ret_runs = true;
    }
    return STATUS_OK;
}

enum status
spark_stream_begin(struct spark_task *task, struct spark_stream *stream, struct error *error)
{
    struct spark_saved_stream *saved = spark_saved_stream(&task->saved, stream->spec->name);
    judge_change(task, stream, saved);
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    const char *checkpoint = checkpoint_of(task, saved, &arena);
    uint64_t wanted = fingerprint(task, stream, checkpoint);
    bool runs;
    TRY(adopt(task, stream, saved, wanted, &runs, error));
    if (runs) {
        return STATUS_OK;
    }
    TRY(start(task, stream, saved, checkpoint, error));
    saved->query_id = arena_strdup(&task->saved.arena, stream->query.id);
    saved->run_id = arena_strdup(&task->saved.arena, stream->query.run_id);
    saved->fingerprint = wanted;
    return spark_saved_store(task->job, &task->saved, error);
}

void spark_stream_end(struct spark_task *task, struct spark_stream *stream)
{
    struct error error = {0};
    if (stream->query.id != NULL &&
        spark_query_stop(task->session, &stream->query, &error) != STATUS_OK) {
        logline_error(LOG_WARN, task->name, &error);
    }
    stream->query = (struct spark_query){0};
}

/* ---- watching ----------------------------------------------------------------------------------
 */

/* {"TOPIC": {"0": 17, "1": 9}} */
static void take_offsets(struct spark_task *task, struct spark_stream *stream, const json_t *ends)
{
    const char *partition;
    const json_t *offset;
    json_object_foreach((json_t *) (uintptr_t) json_object_get(ends, task->job->topic), partition,
                        offset)
    {
        int32_t number = (int32_t) strtol(partition, NULL, 10);
        if (number < 0 || number > 1000000) {
            continue;
        }
        if (number >= stream->partitions) {
            size_t count = (size_t) number + 1;
            stream->offsets = mem_realloc(stream->offsets, count * sizeof(*stream->offsets));
            while (stream->partitions <= number) {
                stream->offsets[stream->partitions++] = 0;
            }
        }
        if (json_integer_value(offset) > stream->offsets[number]) {
            stream->offsets[number] = json_integer_value(offset);
            stream->failures = 0;
        }
    }
}

static void take_progress(struct spark_task *task, struct spark_stream *stream, const char *text)
{
    json_t *root = json_loads(text, 0, NULL);
    const json_t *source = json_array_get(json_object_get(root, "sources"), 0);
    const json_t *ends = json_object_get(source, "endOffset");
    json_t *parsed = json_is_string(ends) ? json_loads(json_string_value(ends), 0, NULL) : NULL;
    take_offsets(task, stream, parsed != NULL ? parsed : ends);
    const char *watermark =
        json_string_value(json_object_get(json_object_get(root, "eventTime"), "watermark"));
    int64_t watermark_us;
    if (watermark != NULL &&
        time_parse(slice_of_string(watermark), &watermark_us, NULL) == STATUS_OK) {
        stream->watermark_us = watermark_us;
    }
    const json_t *times = json_object_get(root, "durationMs");
    stream->batch_us = json_integer_value(json_object_get(times, "triggerExecution")) * US_PER_MS;
    json_decref(parsed);
    json_decref(root);
}

/* A record whose schema was not known when the query began: the branch is added. False if the
 * registry knows no such schema either. */
static bool learn_schema(struct spark_task *task, int32_t id, struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    const char *text;
    if (id < 0 ||
        task->job->schemas_ops->by_id(task->job->schemas, id, &arena, &text, error) != STATUS_OK) {
        return false;
    }
    spark_saved_add_schema(&task->saved, id);
    logline(LOG_INFO, task->name, "records with another schema", LOG_INT("id", id));
    return true;
}

/* Waits until the judge has dead letters that the query did not leave out, or stands still. */
static enum status
await_judgement(struct spark_task *task, struct spark_stream *stream, struct error *error)
{
    const struct spark_saved_stream *saved = spark_saved_stream(&task->saved, stream->spec->name);
    int64_t begun_us = clock_monotonic_us();
    int64_t moved_us = begun_us;
    int64_t seen = -1;
    for (;;) {
        struct arena arena CLEANUP(arena_deinit);
        arena_init(&arena, 0);
        struct spark_place *places;
        size_t count;
        struct processor_status judge;
        TRY(judge_dead_places(task->job, saved->name, saved->offsets, saved->partitions, &arena,
                              &places, &count, error));
        embedded_processor.status(task->judge, &judge);
        int64_t now_us = clock_monotonic_us();
        moved_us = judge.position != seen ? now_us : moved_us;
        seen = judge.position;
        if (count > stream->excluded || now_us - moved_us > JUDGE_STILL_US ||
            now_us - begun_us > JUDGE_WAIT_US || !spark_task_wait(task, JUDGE_LOOK_US)) {
            stream->failures -= count > stream->excluded && stream->failures > 0;
            return STATUS_OK;
        }
    }
}

/* The query failed, and its batch is not in the checkpoint: what must change before it begins anew?
 */
static enum status ended(struct spark_task *task,
                         struct spark_stream *stream,
                         const char *exception,
                         struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    struct spark_saved_stream *saved = spark_saved_stream(&task->saved, stream->spec->name);
    const char *text = exception == NULL ? "it was stopped by another" : exception;
    stream->query = (struct spark_query){0};
    if (stream->partitions > 0) {
        spark_saved_offsets(&task->saved, saved, stream->offsets, stream->partitions);
    }
    if (learn_schema(task, spark_fault_schema_id(text), error)) {
        return error_set(error, STATUS_AGAIN, "stream \"%s\" begins anew with another schema",
                         stream->spec->name);
    }
    stream->failures++;
    struct spark_fault fault = spark_fault_read(text, &arena);
    logline(LOG_WARN, task->name, "a query ended", LOG_STRING("stream", saved->name),
            LOG_STRING("reason", fault.message));
    TRY(await_judgement(task, stream, error));
    if (stream->failures >= FAILURES_MAX) {
        return error_set(error, STATUS_FAILED,
                         "stream \"%s\": Spark ends its query again and again: %s",
                         stream->spec->name, fault.message);
    }
    return error_set(error, STATUS_AGAIN, "stream \"%s\": its query ended: %s", stream->spec->name,
                     fault.message);
}

enum status
spark_stream_look(struct spark_task *task, struct spark_stream *stream, struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    struct spark_query_state state;
    const char *json;
    enum status status = spark_query_state(task->session, &stream->query, &arena, &state, error);
    if (status == STATUS_NOT_FOUND || spark_session_is_gone(task->session)) {
        stream->query = (struct spark_query){0};
        return error_set(error, STATUS_AGAIN, "Spark no longer has the query of stream \"%s\"",
                         stream->spec->name);
    }
    if (status != STATUS_OK) {
        return status;
    }
    TRY(spark_query_progress(task->session, &stream->query, &arena, &json, error));
    if (json != NULL) {
        take_progress(task, stream, json);
    }
    if (!state.active) {
        return ended(task, stream, state.exception, error);
    }
    stream->idle = state.idle;
    return STATUS_OK;
}
