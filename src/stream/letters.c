/* Dead letters of a batch: one a record, however many queries refuse it. */

#include "codec/avro.h"
#include "stream/batch_internal.h"
#include "stream/outbox.h"

#include <inttypes.h>

/* The record may be gone when its letter is stored. */
static struct slice kept(struct arena *arena, struct slice bytes)
{
    return bytes.data == NULL ? bytes : arena_copy(arena, bytes);
}

struct dead_letter
letter_of_record(const struct processor *task, const struct log_in *record, struct arena *arena)
{
    struct dead_letter letter = {
        .pipeline = task->job->pipeline,
        .topic = task->job->topic,
        .raw = kept(arena, record->value),
        .key = kept(arena, record->key),
        .identity = record->identity,
        .partition = record->partition,
        .offset = record->offset,
        .place = arena_printf(arena, "%s/%" PRId32 "@%" PRId64, task->job->topic, record->partition,
                              record->offset),
    };
    struct slice datum;
    letter.identity.source = kept(arena, record->identity.source);
    if (task->job->format == VALUE_AVRO) {
        (void) wire_header_read(record->value, &letter.schema_id, &datum);
    }
    return letter;
}

static struct dead_letter
letter_of(struct work *work, int64_t index, const char *name, const char *message)
{
    struct processor *task = work->task;
    struct dead_letter letter = {
        .pipeline = task->job->pipeline,
        .topic = task->job->topic,
        .partition = -1,
        .offset = -1,
    };
    if (index >= 0) {
        letter = letter_of_record(task, &work->records[index], &task->batch);
    }
    letter.hop = DEAD_PROCESS;
    letter.name = name;
    letter.reason = "expression";
    letter.message = message;
    letter.version = index; /* see work_assign_versions */
    letter.at_us = work->run.now_us;
    return letter;
}

bool record_is_counted(const struct work *work, size_t record)
{
    const struct log_in *in = &work->records[record];
    return in->offset < work->task->progress.counted[in->partition];
}

void letters_of_decode_failures(struct work *work)
{
    for (size_t i = 0; i < work->decoded.failure_count; i++) {
        const struct decode_failure *failure = &work->decoded.failures[i];
        if (record_is_counted(work, failure->record)) {
            continue;
        }
        struct dead_letter letter =
            letter_of(work, (int64_t) failure->record, work->task->job->topic, failure->message);
        letter.reason = "decode";
        output_add_dead(&work->task->batch, &work->output, letter);
    }
}

/* The reason word of a failed expression, from its message. */
static const char *reason_of(const struct run_failure *failure)
{
    if (failure->kind == RUN_FAILURE_SINK) {
        return strncmp(failure->message, "key ", 4) == 0 ? "key" : "type";
    }
    if (strstr(failure->message, "overflow") != NULL) {
        return "overflow";
    }
    return strstr(failure->message, "cast") != NULL ? "cast" : "expression";
}

bool letter_names(const char *names, const char *name)
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
        if (!letter_names(letter->name, name)) {
            letter->name = arena_printf(arena, "%s,%s", letter->name, name);
            letter->message = arena_printf(arena, "%s; %s", letter->message, failure->message);
        }
        return;
    }
    int64_t index = -1;
    if (known != NULL) {
        index = (int64_t) work->decoded.records[failure->input_row];
        if (!work->retrying && record_is_counted(work, (size_t) index)) {
            return;
        }
    }
    struct dead_letter letter = letter_of(work, index, name, failure->message);
    letter.hop = failure->kind == RUN_FAILURE_SINK ? DEAD_SINK : DEAD_PROCESS;
    letter.reason = reason_of(failure);
    output_add_dead(arena, &work->output, letter);
    if (known != NULL) {
        *known = work->output.dead_count;
    }
}

void letters_of_run_failures(struct work *work, size_t first, const char *name)
{
    for (size_t i = first; i < work->run.failure_count; i++) {
        add_failure(work, &work->run.failures[i], name);
    }
}
