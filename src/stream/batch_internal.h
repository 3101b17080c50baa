#pragma once

/* What the files of one batch share: batch.c runs it, letters.c writes its dead letters, retry.c
 * runs a dead letter as a batch of its own. */

#include "stream/decode.h"
#include "stream/run.h"
#include "stream/task.h"

/* A batch on its way. Memory of the task's batch arena. */
struct work {
    struct processor *task;
    const struct log_in *records; /* repeats left out */
    size_t record_count;
    struct decoded decoded;
    struct run run;
    struct task_output output;
    uint8_t *deleted;            /* bitmap over records: a tombstone that some sink applies */
    bool retrying;               /* a dead letter comes again */
    struct fate_counts *waiting; /* a partition: what ends as stored once it is delivered */
    size_t *letters;             /* of each decoded row: index of its dead letter + 1, or 0 */
};

/* A record of a replay was counted, and got its dead letter, when it came first. */
bool record_is_counted(const struct work *work, size_t record);

/* Dead letters of the records that could not be decoded, and of the run's failures from `first` on,
 * in the name of a stream or sink. */
void letters_of_decode_failures(struct work *work);
void letters_of_run_failures(struct work *work, size_t first, const char *name);

/* True if a letter's names ("a" or "a,b") hold this one. */
bool letter_names(const char *names, const char *name);

/* Writes down which record made each row, and how that one is counted: to call before the counts
 * change. (refused.c) */
void work_note_origins(struct work *work);

/* What a letter says of its record; raw bytes and key are copied. */
struct dead_letter
letter_of_record(const struct processor *task, const struct log_in *record, struct arena *arena);

/* Gives rows and letters their versions, in the order of their records: of two changes of one key
 * the later record wins, be it a row, a delete or a letter that is tried again. Rows from state
 * follow behind. */
void work_assign_versions(struct work *work);

/* Runs the input of `run` through a stream: rows become writes to its sinks, failures letters. */
MUST_USE enum status work_run_stream(struct work *work,
                                     struct task_stream *stream,
                                     struct run *run,
                                     struct error *error);
