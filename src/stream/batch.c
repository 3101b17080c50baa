/* One batch of a task: from records to everything that a commit makes durable. */

#include "base/assert.h"
#include "base/time_text.h"
#include "columnar/builder.h"
#include "io/clock.h"
#include "stream/batch_internal.h"
#include "stream/delivery.h"
#include "stream/outbox.h"
#include "stream/run_internal.h"

/* ---- rows --------------------------------------------------------------------------------------
 */

/* The record that each row came from; NULL for rows from state. */
static const int32_t *records_of(const struct work *work, const struct rows *rows)
{
    if (rows->origin == NULL) {
        return NULL;
    }
    size_t length = (size_t) rows->batch->length;
    int32_t *records = arena_alloc(&work->task->batch, length * sizeof(*records));
    for (size_t i = 0; i < length; i++) {
        int32_t origin = rows->origin[i];
        records[i] = origin < 0 ? -1 : (int32_t) work->decoded.records[origin];
    }
    return records;
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
        sink_convert(&work->run, sink->spec->store_ops, sink->spec->table, &converted);
        letters_of_run_failures(work, first, sink->spec->name);
        run_want(&work->run, &converted);
        if (converted.batch->length == 0) {
            continue;
        }
        struct task_write write = {.sink = sink};
        write.rows.table = sink->spec->table;
        write.rows.batch = converted.batch;
        write.records = records_of(work, &converted);
        output_add_write(&task->batch, &work->output, write);
    }
}

/* As in Spark it begins at 1970: what lies before is late. */
static int64_t watermark_of(const struct work *work, const struct task_stream *stream)
{
    const char *name = stream->spec->name;
    int64_t watermark_us = progress_stream_of(&work->task->progress, name)->watermark_us;
    bool declared = stream->spec->query->watermark_column != NULL;
    return declared && watermark_us < 0 ? 0 : watermark_us;
}

enum status
work_run_stream(struct work *work, struct task_stream *stream, struct run *run, struct error *error)
{
    struct rows rows;
    size_t first = run->failure_count;
    run->aggregates = stream->aggregates;
    run->event_time_max_us = INT64_MIN;
    run->watermark_us = watermark_of(work, stream);
    enum status status = run_plan(run, stream->spec->query->plan, &rows, error);
    if (status != STATUS_OK) {
        error_context(error, "stream \"%s\"", stream->spec->name);
        return status;
    }
    letters_of_run_failures(work, first, stream->spec->name);
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
    if (query->mode == OUTPUT_COMPLETE) {
        return false; /* nothing is emitted, removed or late by it */
    }
    if (closing) { /* just so far that the last open window is closed */
        int64_t last_us = keyed_groups_event_time_max(&stream->aggregates->groups);
        bool moves = last_us > state->watermark_us;
        state->watermark_us = moves ? last_us : state->watermark_us;
        return moves;
    }
    bool in_topic = batch_column(work->decoded.batch, query->watermark_column) != NULL;
    int64_t newest = in_topic ? event_time_max(work->decoded.batch, query->watermark_column)
                              : work->run.event_time_max_us;
    if (newest <= state->event_time_max_us) {
        return false;
    }
    state->event_time_max_us = newest;
    int64_t to_ms = newest % US_PER_MS; /* Spark keeps it in milliseconds, rounded down */
    to_ms += to_ms < 0 ? US_PER_MS : 0;
    int64_t watermark_us = newest - to_ms - query->watermark_delay_us;
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
    enum status status = work_run_stream(work, stream, &work->run, error);
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
    int32_t *deleted = ARENA_ARRAY(&task->batch, int32_t, (size_t) batch->length);
    for (int64_t i = 0; i < batch->length; i++) {
        bit_set(work->deleted, (int64_t) used[i]);
        deleted[i] = (int32_t) used[i];
    }
    write.records = deleted;
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
    struct processor *task = work->task;
    if (record_is_counted(work, record)) {
        return;
    }
    bool foreign = work->records[record].identity.source.size == 0;
    if (task->job->awaits_delivery && fate == &task->progress.counts.stored) {
        struct fate_counts *waits = &work->waiting[work->records[record].partition];
        waits->stored++;
        waits->foreign += foreign;
        return;
    }
    (*fate)++;
    task->progress.counts.foreign += foreign;
}

/* What the batch wanted waits for its rows. */
static void defer_stored(struct work *work)
{
    struct progress *progress = &work->task->progress;
    for (int32_t p = 0; work->waiting != NULL && p < progress->partitions; p++) {
        if (work->waiting[p].stored > 0) {
            delivery_defer(progress, p, work->waiting[p].stored, work->waiting[p].foreign);
        }
    }
}

static void count_fates(struct work *work)
{
    struct processor *task = work->task;
    struct fate_counts *counts = &task->progress.counts;
    if (task->job->awaits_delivery) {
        size_t partitions = (size_t) task->progress.partitions;
        work->waiting = ARENA_ARRAY(&task->batch, struct fate_counts, partitions);
    }
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
        int64_t *counted = &task->progress.counted[in->partition];
        *counted = in->offset >= *counted ? in->offset + 1 : *counted;
    }
    defer_stored(work);
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
        TRY(work_run_stream(work, stream, &work->run, error));
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
    struct buffer before CLEANUP(buffer_deinit) = BUFFER_INIT;
    progress_write(&task->progress, &before);
    task->ahead = true;
    observe(&work, records, count);
    work.deleted = arena_zalloc(&task->batch, work.record_count / 8 + 1);
    enum status status = decoder_run(task->decoder, work.records, work.record_count, &task->batch,
                                     &work.decoded, error);
    if (status != STATUS_OK) { /* nothing has run yet: forget that these records were seen */
        progress_deinit(&task->progress);
        enum status restored = progress_read(buffer_slice(&before), &task->progress, NULL);
        ASSERT(restored == STATUS_OK);
        task->ahead = false;
        return status;
    }
    run_init(&work.run, &task->batch, work.decoded.batch, clock_now_us());
    work.letters = ARENA_ARRAY(&task->batch, size_t, (size_t) work.decoded.batch->length + 1);
    letters_of_decode_failures(&work);
    TRY(run_streams(&work, closing, error));
    run_deletes(&work);
    work_assign_versions(&work);
    work_note_origins(&work);
    count_fates(&work);
    task->progress.number++;
    return task_commit(task, &work.output, newest_acceptance(&work), error);
}
