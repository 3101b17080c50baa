/* One batch of a task: from records to everything that a commit makes durable. */

#include "base/time_text.h"
#include "codec/avro.h"
#include "columnar/builder.h"
#include "io/clock.h"
#include "stream/outbox.h"
#include "stream/run_internal.h"
#include "stream/task.h"

#include <inttypes.h>

/* A batch on its way. Memory of the task's batch arena. */
struct work {
    struct processor *task;
    const struct log_in *records; /* repeats left out */
    size_t record_count;
    struct decoded decoded;
    struct run run;
    struct task_output output;
    uint8_t *deleted; /* bitmap over records: a tombstone that some sink applies */
    bool retrying;    /* a dead letter comes again */
    size_t *letters;  /* of each decoded row: index of its dead letter + 1, or 0 */
};

/* ---- dead letters ------------------------------------------------------------------------------
 */

static struct dead_letter
letter_of(struct work *work, const struct log_in *record, const char *name, const char *message)
{
    struct processor *task = work->task;
    struct dead_letter letter = {
        .hop = DEAD_PROCESS,
        .pipeline = task->job->pipeline,
        .name = name,
        .reason = "expression",
        .message = message,
        .topic = task->job->topic,
        .partition = -1,
        .offset = -1,
        .version = ++task->progress.version_last,
        .at_us = work->run.now_us,
    };
    if (record != NULL) {
        letter.raw = record->value;
        letter.key = record->key;
        letter.identity = record->identity;
        letter.partition = record->partition;
        letter.offset = record->offset;
        letter.place = arena_printf(&task->batch, "%s/%" PRId32 "@%" PRId64, task->job->topic,
                                    record->partition, record->offset);
        struct slice datum;
        if (task->job->format == VALUE_AVRO) {
            (void) wire_header_read(record->value, &letter.schema_id, &datum);
        }
    }
    return letter;
}

/* A record of a replay was counted, and got its dead letter, when it came first. */
static bool is_counted(const struct work *work, size_t record)
{
    const struct log_in *in = &work->records[record];
    return in->offset < work->task->progress.counted[in->partition];
}

static void decode_failures(struct work *work)
{
    for (size_t i = 0; i < work->decoded.failure_count; i++) {
        const struct decode_failure *failure = &work->decoded.failures[i];
        if (is_counted(work, failure->record)) {
            continue;
        }
        struct dead_letter letter = letter_of(work, &work->records[failure->record],
                                              work->task->job->topic, failure->message);
        letter.reason = "decode";
        output_add_dead(&work->task->batch, &work->output, letter);
    }
}

/* The reason word of a failed expression, from its message. */
static const char *reason_of(const struct run_failure *failure)
{
    if (failure->kind == RUN_FAILURE_SINK) {
        return strstr(failure->message, "is null") != NULL ? "key" : "type";
    }
    if (strstr(failure->message, "overflow") != NULL) {
        return "overflow";
    }
    return strstr(failure->message, "cast") != NULL ? "cast" : "expression";
}

static bool names_hold(const char *names, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = names; (at = strstr(at, name)) != NULL; at++) {
        bool begins = at == names || at[-1] == ',';
        if (begins && (at[length] == ',' || at[length] == '\0')) {
            return true;
        }
    }
    return false;
}

/* A record has one letter, however many queries refuse it: their names stand in it with commas. */
static void add_failure(struct work *work, const struct run_failure *failure, const char *name)
{
    struct arena *arena = &work->task->batch;
    size_t *known = failure->input_row < 0 ? NULL : &work->letters[failure->input_row];
    if (known != NULL && *known != 0) {
        struct dead_letter *letter = &work->output.dead[*known - 1];
        if (!names_hold(letter->name, name)) {
            letter->name = arena_printf(arena, "%s,%s", letter->name, name);
            letter->message = arena_printf(arena, "%s; %s", letter->message, failure->message);
        }
        return;
    }
    const struct log_in *record = NULL;
    if (known != NULL) {
        size_t index = work->decoded.records[failure->input_row];
        if (!work->retrying && is_counted(work, index)) {
            return;
        }
        record = &work->records[index];
    }
    struct dead_letter letter = letter_of(work, record, name, failure->message);
    letter.hop = failure->kind == RUN_FAILURE_SINK ? DEAD_SINK : DEAD_PROCESS;
    letter.reason = reason_of(failure);
    output_add_dead(arena, &work->output, letter);
    if (known != NULL) {
        *known = work->output.dead_count;
    }
}

static void run_failures(struct work *work, size_t first, const char *name)
{
    for (size_t i = first; i < work->run.failure_count; i++) {
        add_failure(work, &work->run.failures[i], name);
    }
}

/* ---- rows --------------------------------------------------------------------------------------
 */

static const int64_t *versions_for(struct processor *task, int64_t count, int64_t now_us)
{
    int64_t *versions = arena_alloc(&task->batch, ((size_t) count + 1) * sizeof(*versions));
    for (int64_t i = 0; i < count; i++) {
        int64_t next = task->progress.version_last + 1;
        task->progress.version_last = next > now_us ? next : now_us;
        versions[i] = task->progress.version_last;
    }
    return versions;
}

static void write_rows(struct work *work, struct task_stream *stream, struct rows rows)
{
    struct processor *task = work->task;
    if (rows.batch->length == 0) {
        return;
    }
    if (stream->sink_count == 0) {
        run_want(&work->run, &rows);
    }
    for (size_t i = 0; i < stream->sink_count; i++) {
        struct task_sink *sink = &stream->sinks[i];
        struct rows converted = rows;
        size_t first = work->run.failure_count;
        sink_convert(&work->run, sink->spec->table, &converted);
        run_failures(work, first, sink->spec->name);
        run_want(&work->run, &converted);
        if (converted.batch->length == 0) {
            continue;
        }
        struct task_write write = {.sink = sink};
        write.rows.table = sink->spec->table;
        write.rows.batch = converted.batch;
        write.rows.versions = versions_for(task, converted.batch->length, work->run.now_us);
        output_add_write(&task->batch, &work->output, write);
    }
}

static enum status
run_stream(struct work *work, struct task_stream *stream, struct run *run, struct error *error)
{
    struct rows rows;
    size_t first = run->failure_count;
    run->aggregates = stream->aggregates;
    run->watermark_us = progress_stream_of(&work->task->progress, stream->spec->name)->watermark_us;
    enum status status = run_plan(run, stream->spec->query->plan, &rows, error);
    if (status != STATUS_OK) {
        error_context(error, "stream \"%s\"", stream->spec->name);
        return status;
    }
    run_failures(work, first, stream->spec->name);
    write_rows(work, stream, rows);
    return STATUS_OK;
}

/* ---- watermark ---------------------------------------------------------------------------------
 */

/* The newest event time of the batch. */
static int64_t event_time_max(const struct batch *batch, const char *name)
{
    const struct column *column = batch_column(batch, name);
    int64_t newest = INT64_MIN;
    for (int64_t row = 0; column != NULL && row < column->length; row++) {
        if (!column_is_null(column, row) && column_int(column, row) > newest) {
            newest = column_int(column, row);
        }
    }
    return newest;
}

/* Moves the stream's watermark, as it is at the end of a batch; true if it moved. */
static bool advance_watermark(struct work *work, struct task_stream *stream, bool closing)
{
    const struct query *query = stream->spec->query;
    struct progress_stream *state = progress_stream_of(&work->task->progress, stream->spec->name);
    if (query->watermark_column == NULL) {
        return false;
    }
    if (closing) {
        state->watermark_us = INT64_MAX - 1;
        return true;
    }
    bool in_topic = batch_column(work->decoded.batch, query->watermark_column) != NULL;
    int64_t newest = in_topic ? event_time_max(work->decoded.batch, query->watermark_column)
                              : work->run.event_time_max_us;
    if (newest <= state->event_time_max_us) {
        return false;
    }
    state->event_time_max_us = newest;
    int64_t watermark_us = newest - query->watermark_delay_us;
    if (watermark_us <= state->watermark_us) {
        return false;
    }
    state->watermark_us = watermark_us;
    return true;
}

/* Spark's batch without rows: after the watermark moved, what it has passed is emitted and removed.
 */
static enum status
run_without_rows(struct work *work, struct task_stream *stream, struct error *error)
{
    struct processor *task = work->task;
    struct run full = work->run;
    const uint8_t *nothing =
        arena_zalloc(&task->batch, (size_t) work->decoded.batch->length / 8 + 1);
    const struct batch *empty = batch_filter(&task->batch, work->decoded.batch, nothing, 0);
    run_init(&work->run, &task->batch, empty, full.now_us);
    enum status status = run_stream(work, stream, &work->run, error);
    work->run = full;
    return status;
}

/* ---- deletes -----------------------------------------------------------------------------------
 */

static const struct batch *
mark_deleted(struct work *work, const struct store_table *table, const struct batch *batch)
{
    struct arena *arena = &work->task->batch;
    struct batch *marked = ARENA_NEW(arena, struct batch);
    *marked = *batch;
    const struct column **columns = ARENA_ARRAY(arena, const struct column *, table->column_count);
    for (uint32_t i = 0; i < table->column_count; i++) {
        columns[i] = batch->columns[i];
    }
    struct column_builder builder;
    column_builder_init(&builder, arena, type_plain(TYPE_TIMESTAMP), batch->length);
    for (int64_t row = 0; row < batch->length; row++) {
        column_append_int(&builder, work->run.now_us);
    }
    columns[table->column_count - 1] = column_builder_finish(&builder);
    marked->columns = columns;
    return marked;
}

static void delete_rows(struct work *work, struct task_sink *sink)
{
    struct processor *task = work->task;
    if (sink->spec->deletes == DELETES_IGNORE || !sink->key.derived) {
        return;
    }
    size_t *used;
    const struct batch *batch =
        sink_delete_rows(sink->spec->table, &sink->key, work->records, work->decoded.deletes,
                         work->decoded.delete_count, &task->batch, &used);
    if (batch->length == 0) {
        return;
    }
    struct task_write write = {.sink = sink};
    write.rows.table = sink->spec->table;
    write.rows.batch = batch;
    if (sink->spec->deletes == DELETES_MARK) {
        write.rows.batch = mark_deleted(work, sink->spec->table, batch);
    } else {
        size_t length = (size_t) batch->length;
        write.rows.ops = memset(arena_alloc(&task->batch, length), STORE_DELETE, length);
    }
    write.rows.versions = versions_for(task, batch->length, work->run.now_us);
    for (int64_t i = 0; i < batch->length; i++) {
        bit_set(work->deleted, (int64_t) used[i]);
    }
    output_add_write(&task->batch, &work->output, write);
}

static void run_deletes(struct work *work)
{
    for (size_t i = 0; work->decoded.delete_count > 0 && i < work->task->stream_count; i++) {
        for (size_t s = 0; s < work->task->streams[i].sink_count; s++) {
            delete_rows(work, &work->task->streams[i].sinks[s]);
        }
    }
}

/* ---- counts ------------------------------------------------------------------------------------
 */

static void count_one(struct work *work, size_t record, int64_t *fate)
{
    if (is_counted(work, record)) {
        return;
    }
    (*fate)++;
    if (work->records[record].identity.source.size == 0) {
        work->task->progress.counts.foreign++;
    }
}

static void count_fates(struct work *work)
{
    struct fate_counts *counts = &work->task->progress.counts;
    for (size_t i = 0; i < work->decoded.failure_count; i++) {
        count_one(work, work->decoded.failures[i].record, &counts->dead);
    }
    for (size_t i = 0; i < work->decoded.delete_count; i++) {
        size_t record = work->decoded.deletes[i];
        bool applied = bit_get(work->deleted, (int64_t) record);
        count_one(work, record, applied ? &counts->stored : &counts->filtered);
    }
    for (int64_t row = 0; row < work->decoded.batch->length; row++) {
        int64_t *fate = bit_get(work->run.dead, row)     ? &counts->dead
                        : bit_get(work->run.late, row)   ? &counts->late
                        : bit_get(work->run.wanted, row) ? &counts->stored
                                                         : &counts->filtered;
        count_one(work, work->decoded.records[row], fate);
    }
    for (size_t i = 0; i < work->record_count; i++) {
        const struct log_in *in = &work->records[i];
        int64_t *counted = &work->task->progress.counted[in->partition];
        *counted = in->offset >= *counted ? in->offset + 1 : *counted;
    }
}

/* ---- the batch ---------------------------------------------------------------------------------
 */

/* Leaves out repeats by identity, and moves the offsets. */
static void observe(struct work *work, const struct log_in *records, size_t count)
{
    struct processor *task = work->task;
    struct log_in *fresh = ARENA_ARRAY(&task->batch, struct log_in, count);
    for (size_t i = 0; i < count; i++) {
        const struct log_in *record = &records[i];
        progress_grow(&task->progress, record->partition + 1);
        task->progress.offsets[record->partition] = record->offset + 1;
        if (progress_observe(&task->progress, record->partition, &record->identity)) {
            fresh[work->record_count++] = *record;
        }
    }
    work->records = fresh;
}

static enum status run_streams(struct work *work, bool closing, struct error *error)
{
    struct processor *task = work->task;
    for (size_t i = 0; i < task->stream_count; i++) {
        struct task_stream *stream = &task->streams[i];
        TRY(run_stream(work, stream, &work->run, error));
        if (stream->aggregates != NULL && advance_watermark(work, stream, closing)) {
            TRY(run_without_rows(work, stream, error));
        }
    }
    return STATUS_OK;
}

static int64_t newest_acceptance(const struct work *work)
{
    int64_t newest = 0;
    for (size_t i = 0; i < work->record_count; i++) {
        int64_t at = work->records[i].identity.accepted_us;
        newest = at > newest ? at : newest;
    }
    return newest;
}

enum status task_batch(struct processor *task,
                       const struct log_in *records,
                       size_t count,
                       bool closing,
                       struct error *error)
{
    arena_reset(&task->batch);
    struct work work = {.task = task};
    observe(&work, records, count);
    work.deleted = arena_zalloc(&task->batch, work.record_count / 8 + 1);
    enum status status = decoder_run(task->decoder, work.records, work.record_count, &task->batch,
                                     &work.decoded, error);
    if (status != STATUS_OK) { /* nothing has run yet: forget that these records were seen */
        struct error reload;
        return task_reload_progress(task, &reload) == STATUS_OK
                   ? status
                   : error_set(error, STATUS_INTERNAL, "%s", reload.message);
    }
    run_init(&work.run, &task->batch, work.decoded.batch, clock_now_us());
    work.letters = ARENA_ARRAY(&task->batch, size_t, (size_t) work.decoded.batch->length + 1);
    decode_failures(&work);
    TRY(run_streams(&work, closing, error));
    run_deletes(&work);
    count_fates(&work);
    task->progress.number++;
    TRY(task_commit(task, &work.output, error));

    pthread_mutex_lock(&task->mutex);
    int64_t newest = newest_acceptance(&work);
    if (newest > 0) {
        task->status.latency_us = clock_now_us() - newest;
    }
    pthread_mutex_unlock(&task->mutex);
    return STATUS_OK;
}

/* ---- retry of a dead letter --------------------------------------------------------------------
 */

/* Runs the letter's record through the query that refused it, or through all if none did. */
static enum status
retry_streams(struct work *work, const struct dead_letter *letter, struct error *error)
{
    struct processor *task = work->task;
    for (size_t i = 0; i < task->stream_count; i++) {
        struct task_stream *stream = &task->streams[i];
        bool mine = names_hold(letter->name, task->job->topic) ||
                    names_hold(letter->name, stream->spec->name);
        for (size_t s = 0; s < stream->sink_count; s++) {
            mine = mine || names_hold(letter->name, stream->sinks[s].spec->name);
        }
        if (mine) {
            TRY(run_stream(work, stream, &work->run, error));
        }
    }
    return STATUS_OK;
}

/* A row of a retry has the version of its letter, so that it loses to newer rows. */
static void keep_version(struct work *work, int64_t version)
{
    for (size_t i = 0; i < work->output.write_count; i++) {
        struct store_write *rows = &work->output.writes[i].rows;
        int64_t *versions =
            arena_alloc(&work->task->batch, (size_t) rows->batch->length * sizeof(*versions));
        for (int64_t row = 0; row < rows->batch->length; row++) {
            versions[row] = version;
        }
        rows->versions = versions;
    }
}

enum status task_retry_letter(struct processor *task,
                              const struct dead_letter *letter,
                              bool *ret_resolved,
                              struct error *error)
{
    arena_reset(&task->batch);
    struct log_in record = {
        .partition = letter->partition,
        .offset = letter->offset,
        .timestamp_ms = letter->identity.accepted_us / US_PER_MS,
        .key = letter->key,
        .value = letter->raw,
        .identity = letter->identity,
    };
    struct work work = {.task = task, .records = &record, .record_count = 1, .retrying = true};
    work.deleted = arena_zalloc(&task->batch, 1);
    TRY(decoder_run(task->decoder, &record, 1, &task->batch, &work.decoded, error));
    run_init(&work.run, &task->batch, work.decoded.batch, clock_now_us());
    work.letters = ARENA_ARRAY(&task->batch, size_t, 2);
    const char *fault = NULL;
    if (work.decoded.failure_count > 0) {
        fault = work.decoded.failures[0].message;
    } else {
        TRY(retry_streams(&work, letter, error));
        fault = work.run.failure_count > 0 ? work.run.failures[0].message : NULL;
    }
    *ret_resolved = fault == NULL;
    if (fault != NULL) {
        return task->keeper->ops->dead_update(task->keeper->handle, letter->id, fault, error);
    }
    struct fate_counts *counts = &task->progress.counts;
    counts->dead--;
    if (work.run.late[0] & 1) {
        counts->late++;
    } else if (work.run.wanted[0] & 1) {
        counts->stored++;
    } else {
        counts->filtered++;
    }
    keep_version(&work, letter->version);
    work.output.resolved = letter->id;
    task->progress.number++;
    return task_commit(task, &work.output, error);
}
