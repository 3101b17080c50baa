#include "stream/refused.h"

#include "base/assert.h"
#include "io/clock.h"
#include "stream/batch_internal.h"
#include "stream/checkpoint.h"
#include "stream/outbox.h"

#include <stdlib.h>

#define READ_RECORDS 4096
#define READ_WAIT_US (250 * INT64_C(1000))
#define READ_MOST_US (30 * INT64_C(1000000)) /* without a record: then the log is asked anew */

/* ---- where rows come from ----------------------------------------------------------------------
 */

static uint8_t *fates_of(const struct work *work)
{
    uint8_t *fates = arena_zalloc(&work->task->batch, work->record_count + 1);
    for (size_t i = 0; i < work->decoded.delete_count; i++) {
        fates[work->decoded.deletes[i]] = ROW_STORED;
    }
    for (int64_t row = 0; row < work->decoded.batch->length; row++) {
        fates[work->decoded.records[row]] = bit_get(work->run.dead, row)     ? ROW_DEAD
                                            : bit_get(work->run.late, row)   ? ROW_LATE
                                            : bit_get(work->run.wanted, row) ? ROW_STORED
                                                                             : ROW_FILTERED;
    }
    for (size_t i = 0; i < work->record_count; i++) {
        if (!work->retrying && record_is_counted(work, i)) {
            fates[i] = ROW_UNCOUNTED;
        }
    }
    return fates;
}

void work_note_origins(struct work *work)
{
    struct task_output *output = &work->output;
    const uint8_t *fates = fates_of(work);
    for (size_t w = 0; w < output->write_count; w++) {
        struct task_write *write = &output->writes[w];
        size_t length = (size_t) write->rows.batch->length;
        write->origins = ARENA_ARRAY(&work->task->batch, struct row_origin, length + 1);
        for (size_t i = 0; i < length; i++) {
            int32_t record = write->records == NULL ? -1 : write->records[i];
            write->origins[i] = (struct row_origin){.offset = -1, .partition = -1};
            if (record >= 0) {
                const struct log_in *in = &work->records[record];
                write->origins[i] = (struct row_origin){in->offset, in->partition, fates[record]};
            }
        }
    }
}

/* ---- the refused rows --------------------------------------------------------------------------
 */

struct refused_row {
    struct task_write *write;
    struct row_origin origin;
    int64_t version;
    const char *message;
    const char *text; /* of the row itself, where no record is known */
    struct dead_letter *letter;
};

struct refused_rows {
    struct processor *task;
    struct arena *arena;
    struct refused_row *rows; /* by partition and offset; those from state first */
    size_t count;
};

static int compare_places(int32_t left_partition,
                          int64_t left_offset,
                          int32_t right_partition,
                          int64_t right_offset)
{
    if (left_partition != right_partition) {
        return left_partition < right_partition ? -1 : 1;
    }
    return (left_offset > right_offset) - (left_offset < right_offset);
}

static int compare_rows(const void *a, const void *b)
{
    const struct row_origin *left = &((const struct refused_row *) a)->origin;
    const struct row_origin *right = &((const struct refused_row *) b)->origin;
    return compare_places(left->partition, left->offset, right->partition, right->offset);
}

/* The first row of that record; NULL if none of it is refused. */
static struct refused_row *
row_of(const struct refused_rows *refused, int32_t partition, int64_t offset)
{
    size_t low = 0;
    size_t high = refused->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct row_origin *origin = &refused->rows[middle].origin;
        if (compare_places(origin->partition, origin->offset, partition, offset) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == refused->count) {
        return NULL;
    }
    const struct row_origin *found = &refused->rows[low].origin;
    return found->partition == partition && found->offset == offset ? &refused->rows[low] : NULL;
}

/* The write that a store knows by its index. */
static struct task_write *
write_of(struct task_output *output, const struct task_store *store, size_t index)
{
    for (size_t i = 0; i < output->write_count; i++) {
        if (output->writes[i].sink->store == store && index-- == 0) {
            return &output->writes[i];
        }
    }
    return NULL;
}

static void collect(struct refused_rows *refused,
                    struct task_output *output,
                    const struct task_store *store,
                    const struct store_refusals *from)
{
    refused->rows = ARENA_ARRAY(refused->arena, struct refused_row, from->count + 1);
    for (size_t i = 0; i < from->count; i++) {
        int64_t at = from->rows[i].row;
        struct task_write *write = write_of(output, store, from->rows[i].write);
        ASSERT(write != NULL && at >= 0 && at < write->rows.batch->length);
        if (write->rows.ops != NULL && write->rows.ops[at] == STORE_DELETE) {
            continue; /* what cannot be stored under this key is not there */
        }
        struct refused_row *row = &refused->rows[refused->count++];
        *row = (struct refused_row){
            .write = write,
            .origin = {.offset = -1, .partition = -1},
            .version = write->rows.versions[at],
            .message = from->rows[i].message,
        };
        if (write->origins != NULL) {
            row->origin = write->origins[at];
        }
        if (row->origin.partition < 0) {
            struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
            batch_write_json(write->rows.batch, at, &text);
            row->text = arena_string(refused->arena, buffer_slice(&text));
        }
    }
    qsort(refused->rows, refused->count, sizeof(*refused->rows), compare_rows);
}

/* ---- taking them out ---------------------------------------------------------------------------
 */

static void keep_rows(struct task_write *write, const uint8_t *keep, struct arena *arena)
{
    int64_t length = write->rows.batch->length;
    size_t size = (size_t) length + 1;
    uint8_t *ops = write->rows.ops == NULL ? NULL : arena_alloc(arena, size);
    int64_t *versions = ARENA_ARRAY(arena, int64_t, size);
    struct row_origin *origins =
        write->origins == NULL ? NULL : ARENA_ARRAY(arena, struct row_origin, size);
    int64_t kept = 0;
    for (int64_t row = 0; row < length; row++) {
        if (!bit_get(keep, row)) {
            continue;
        }
        versions[kept] = write->rows.versions[row];
        if (ops != NULL) {
            ops[kept] = write->rows.ops[row];
        }
        if (origins != NULL) {
            origins[kept] = write->origins[row];
        }
        kept++;
    }
    write->rows.batch = batch_filter(arena, write->rows.batch, keep, kept);
    write->rows.ops = ops;
    write->rows.versions = versions;
    write->origins = origins;
    write->records = NULL;
}

static void take_out(struct task_output *output,
                     const struct task_store *store,
                     const struct store_refusals *refused,
                     struct arena *arena)
{
    for (size_t index = 0;; index++) {
        struct task_write *write = write_of(output, store, index);
        if (write == NULL) {
            return;
        }
        size_t bytes = (size_t) write->rows.batch->length / 8 + 1;
        uint8_t *keep = memset(arena_alloc(arena, bytes), 0xff, bytes);
        bool all = true;
        for (size_t i = 0; i < refused->count; i++) {
            if (refused->rows[i].write == index) {
                bit_clear(keep, refused->rows[i].row);
                all = false;
            }
        }
        if (!all) {
            keep_rows(write, keep, arena);
        }
    }
}

/* Further rows of these records, in this store or another, belong to a dead record now. */
static void mark_dead(struct task_output *output, const struct refused_rows *refused)
{
    for (size_t w = 0; w < output->write_count; w++) {
        struct task_write *write = &output->writes[w];
        for (int64_t i = 0; write->origins != NULL && i < write->rows.batch->length; i++) {
            struct row_origin *origin = &write->origins[i];
            if (origin->partition >= 0 && origin->fate != ROW_UNCOUNTED &&
                row_of(refused, origin->partition, origin->offset) != NULL) {
                origin->fate = ROW_DEAD;
            }
        }
    }
}

/* ---- their records -----------------------------------------------------------------------------
 */

struct reading {
    const struct refused_rows *refused;
    struct log_partition *partitions;
    int64_t *from, *to; /* a partition: what is to be read, `to` left out */
    int32_t count;
};

static void plan_reading(struct reading *reading, struct arena *arena)
{
    size_t count = (size_t) reading->count;
    reading->from = ARENA_ARRAY(arena, int64_t, count + 1);
    reading->to = ARENA_ARRAY(arena, int64_t, count + 1);
    for (int32_t p = 0; p < reading->count; p++) {
        reading->from[p] = reading->to[p] = reading->partitions[p].high;
    }
    bool *any = ARENA_ARRAY(arena, bool, count + 1);
    for (size_t i = 0; i < reading->refused->count; i++) {
        const struct row_origin *origin = &reading->refused->rows[i].origin;
        int32_t p = origin->partition;
        if (p < 0 || p >= reading->count || origin->fate == ROW_UNCOUNTED ||
            origin->offset < reading->partitions[p].low) {
            continue; /* gone: it was kept for too short a time */
        }
        if (!any[p]) {
            reading->from[p] = origin->offset;
            any[p] = true;
        }
        reading->to[p] = origin->offset + 1;
    }
    for (int32_t p = 0; p < reading->count; p++) {
        reading->to[p] = any[p] ? reading->to[p] : reading->from[p];
    }
}

static void take_record(const struct reading *reading, const struct log_in *record)
{
    const struct refused_rows *refused = reading->refused;
    struct refused_row *row = row_of(refused, record->partition, record->offset);
    if (record->partition < reading->count && reading->from[record->partition] <= record->offset) {
        reading->from[record->partition] = record->offset + 1;
    }
    if (row != NULL && row->letter == NULL) {
        row->letter = ARENA_NEW(refused->arena, struct dead_letter);
        *row->letter = letter_of_record(refused->task, record, refused->arena);
    }
}

static bool is_read(const struct reading *reading, struct log_reader *reader)
{
    const struct log_ops *ops = reading->refused->task->job->log_ops;
    for (int32_t p = 0; p < reading->count; p++) {
        bool open = reading->from[p] < reading->to[p];
        if (open &&
            (ops->reader_position == NULL || ops->reader_position(reader, p) < reading->to[p])) {
            return false;
        }
    }
    return true;
}

static enum status poll_records(struct reading *reading, struct error *error)
{
    const struct processor_job *job = reading->refused->task->job;
    struct log_reader *reader;
    int64_t until_us = clock_monotonic_us() + READ_MOST_US;
    TRY(job->log_ops->reader_open(job->log, job->topic, reading->from, reading->count, &reader,
                                  error));
    enum status status = STATUS_OK;
    while (status == STATUS_OK && !is_read(reading, reader)) {
        const struct log_in *records;
        size_t count;
        status =
            job->log_ops->reader_poll(reader, READ_RECORDS, READ_WAIT_US, &records, &count, error);
        for (size_t i = 0; status == STATUS_OK && i < count; i++) {
            take_record(reading, &records[i]);
        }
        if (status == STATUS_OK && count > 0) {
            until_us = clock_monotonic_us() + READ_MOST_US;
        }
        if (status == STATUS_OK) {
            job->log_ops->reader_release(reader);
        }
        if (status == STATUS_OK && clock_monotonic_us() > until_us) {
            status = error_set(error, STATUS_AGAIN, "could not read refused records in time");
        }
    }
    job->log_ops->reader_close(reader);
    return status;
}

static enum status read_once(struct refused_rows *refused, struct error *error)
{
    const struct processor_job *job = refused->task->job;
    struct reading reading = {.refused = refused};
    TRY(job->log_ops->topic_offsets(job->log, job->topic, refused->arena, &reading.partitions,
                                    &reading.count, error));
    plan_reading(&reading, refused->arena);
    for (int32_t p = 0; p < reading.count; p++) {
        if (reading.from[p] < reading.to[p]) {
            return poll_records(&reading, error);
        }
    }
    return STATUS_OK;
}

static enum status read_records(struct refused_rows *refused, struct error *error)
{
    for (unsigned attempt = 0;; attempt++) {
        enum status status = read_once(refused, error);
        if (status == STATUS_OK || !error->retriable) {
            return status;
        }
        if (!task_pause(refused->task, error, attempt)) {
            return error_set(error, STATUS_CANCELLED, "stopped before refused rows were kept");
        }
    }
}

/* ---- letters -----------------------------------------------------------------------------------
 */

static void count_moved(struct fate_counts *moved, enum row_fate fate)
{
    switch (fate) {
    case ROW_STORED:
        moved->stored--;
        break;
    case ROW_LATE:
        moved->late--;
        break;
    case ROW_FILTERED:
        moved->filtered--;
        break;
    case ROW_UNCOUNTED:
    case ROW_DEAD:
        return;
    }
    moved->dead++;
}

static void
join_names(struct dead_letter *letter, const char *name, const char *message, struct arena *arena)
{
    if (!letter_names(letter->name, name)) {
        letter->name = arena_printf(arena, "%s,%s", letter->name, name);
        letter->message = arena_printf(arena, "%s; %s", letter->message, message);
    }
}

/* A letter for the row, with its record where that is still in the log. */
static struct dead_letter letter_for(const struct refused_rows *refused,
                                     const struct refused_row *row,
                                     const struct task_output *output)
{
    struct dead_letter letter = {
        .pipeline = refused->task->job->pipeline,
        .topic = refused->task->job->topic,
        .partition = -1,
        .offset = -1,
        .raw = row->text == NULL ? SLICE_EMPTY : slice_of_string(row->text),
    };
    if (row->letter != NULL) {
        letter = *row->letter;
    } else if (row->origin.partition >= 0) { /* no retry will find it */
        letter.place = arena_printf(refused->arena, "%s/%d@%lld", letter.topic,
                                    (int) row->origin.partition, (long long) row->origin.offset);
    }
    letter.hop = DEAD_SINK;
    letter.name = row->write->sink->spec->name;
    letter.reason = "store";
    letter.message = row->message;
    letter.version = row->version;
    letter.at_us = clock_now_us();
    letter.retries = output->resolved != 0 ? output->retries : 0;
    return letter;
}

static void make_letters(const struct refused_rows *refused, struct refusal *refusal)
{
    refusal->letters = ARENA_ARRAY(refused->arena, struct dead_letter, refused->count + 1);
    refusal->joins = ARENA_ARRAY(refused->arena, bool, refused->count + 1);
    const struct row_origin *before = NULL;
    for (size_t i = 0; i < refused->count; i++) {
        const struct refused_row *row = &refused->rows[i];
        bool known = row->origin.partition >= 0;
        if (known && row->origin.fate == ROW_UNCOUNTED) {
            continue;
        }
        if (known && before != NULL && before->partition == row->origin.partition &&
            before->offset == row->origin.offset) {
            join_names(&refusal->letters[refusal->letter_count - 1], row->write->sink->spec->name,
                       row->message, refused->arena);
            continue;
        }
        before = &row->origin;
        refusal->joins[refusal->letter_count] = known && row->origin.fate == ROW_DEAD;
        refusal->letters[refusal->letter_count++] = letter_for(refused, row, refusal->output);
        if (known) {
            count_moved(&refusal->moved, (enum row_fate) row->origin.fate);
        }
    }
}

enum status refusal_make(struct processor *task,
                         const struct task_store *store,
                         const struct store_refusals *refused,
                         struct refusal *refusal,
                         struct arena *arena,
                         struct error *error)
{
    struct refused_rows rows = {.task = task, .arena = arena};
    collect(&rows, refusal->output, store, refused);
    TRY(read_records(&rows, error));
    make_letters(&rows, refusal);
    take_out(refusal->output, store, refused, arena);
    mark_dead(refusal->output, &rows);
    task->refused = task->refused || refusal->letter_count > 0;
    fate_counts_add(&task->moved, &refusal->moved);
    return STATUS_OK;
}

/* ---- keeping them ------------------------------------------------------------------------------
 */

static bool is_of_record(const struct dead_letter *letter, const struct dead_letter *other)
{
    return letter->partition >= 0 && letter->partition == other->partition &&
           letter->offset == other->offset && strcmp(letter->topic, other->topic) == 0;
}

void refusal_to_output(const struct refusal *refusal, struct arena *arena)
{
    struct task_output *output = refusal->output;
    for (size_t i = 0; i < refusal->letter_count; i++) {
        const struct dead_letter *letter = &refusal->letters[i];
        struct dead_letter *there = NULL;
        for (size_t d = 0; refusal->joins[i] && d < output->dead_count; d++) {
            if (is_of_record(&output->dead[d], letter)) {
                there = &output->dead[d];
            }
        }
        if (there != NULL) {
            join_names(there, letter->name, letter->message, arena);
        } else {
            output_add_dead(arena, output, *letter);
        }
    }
}

/* The letters of the records that have one already. */
struct join {
    struct refusal *refusal;
    struct arena *arena;
    int64_t *replaced;
    size_t replaced_count;
};

static enum status join_stored(void *context, const struct dead_letter *stored, struct error *error)
{
    (void) error;
    struct join *join = context;
    struct refusal *refusal = join->refusal;
    for (size_t i = 0; i < refusal->letter_count; i++) {
        struct dead_letter *letter = &refusal->letters[i];
        if (refusal->joins[i] && stored->topic != NULL && is_of_record(stored, letter)) {
            const char *name = letter->name;
            const char *message = letter->message;
            letter->name = arena_strdup(join->arena, stored->name);
            letter->message = arena_strdup(join->arena, stored->message);
            join_names(letter, name, message, join->arena);
            letter->reason = arena_strdup(join->arena, stored->reason);
            letter->hop = stored->hop;
            refusal->joins[i] = false;
            join->replaced[join->replaced_count++] = stored->id;
        }
    }
    return STATUS_OK;
}

static enum status find_joins(struct processor *task, struct join *join, struct error *error)
{
    bool any = false;
    for (size_t i = 0; i < join->refusal->letter_count; i++) {
        any = any || join->refusal->joins[i];
    }
    join->replaced = ARENA_ARRAY(join->arena, int64_t, join->refusal->letter_count + 1);
    const struct dead_filter every = {.limit = INT64_MAX};
    return any ? task->state.ops->dead_list(task->state.handle, &every, join_stored, join, error)
               : STATUS_OK;
}

enum status refusal_settle(struct processor *task, struct refusal *refusal, struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    struct buffer entry CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct buffer bytes CLEANUP(buffer_deinit) = BUFFER_INIT;
    arena_init(&arena, 0);
    if (task->ahead) { /* of what is stored: it comes again when leat does */
        return error_set(error, STATUS_CANCELLED, "stopped before refused rows were kept");
    }
    struct join join = {.refusal = refusal, .arena = &arena};
    TRY(find_joins(task, &join, error));
    fate_counts_add(&task->progress.counts, &refusal->moved);
    task->progress.number++;
    progress_write(&task->progress, &bytes);
    outbox_write(refusal->output, &entry);
    const struct store_write write =
        checkpoint_entry(&arena, refusal->number, buffer_slice(&entry), task->progress.number);
    const struct store_progress progress = {task->name, task->progress.number,
                                            buffer_slice(&bytes)};
    const struct store_commit commit = {
        .writes = &write,
        .write_count = 1,
        .progress = &progress,
        .dead = refusal->letters,
        .dead_count = refusal->letter_count,
        .dead_resolved = join.replaced,
        .dead_resolved_count = join.replaced_count,
    };
    task->ahead = true;
    TRY(task_commit_to(task, &task->state, &commit, error));
    task->ahead = false;
    return STATUS_OK;
}
