/* Retry of a dead letter: a batch of one record, for the queries that refused it. */

#include "base/time_text.h"
#include "io/clock.h"
#include "stream/batch_internal.h"
#include "stream/checkpoint.h"
#include "stream/committer.h"

#define POLL_US         (250 * INT64_C(1000))
#define BEGIN_WITHIN_US (10 * INT64_C(1000000))

/* True if the letter is known to be this one in the task's store, not another with its number. */
struct search {
    const struct dead_letter *letter;
    bool found;
};

static enum status compare(void *context, const struct dead_letter *stored, struct error *error)
{
    (void) error;
    struct search *search = context;
    search->found = stored->partition == search->letter->partition &&
                    stored->offset == search->letter->offset &&
                    stored->version == search->letter->version;
    return STATUS_OK;
}

static bool refused(const struct processor *task,
                    const struct dead_letter *letter,
                    const struct task_stream *stream)
{
    bool mine = letter_names(letter->name, task->job->topic) ||
                letter_names(letter->name, stream->spec->name);
    for (size_t s = 0; s < stream->sink_count; s++) {
        mine = mine || letter_names(letter->name, stream->sinks[s].spec->name);
    }
    return mine;
}

/* Why the task does not have the letter. Once it keeps state it keeps its letters there, while
 * those from before stay in the tables: a retry could not resolve one of them and count it in one
 * step. */
static enum status
not_kept(struct processor *task, const struct dead_letter *letter, struct error *error)
{
    struct search search = {letter, false};
    const struct dead_filter filter = {.id = letter->id};
    for (size_t i = 0; i < task->store_count && !search.found; i++) {
        const struct task_store *store = &task->stores[i];
        TRY(store->ops->dead_list(store->handle, &filter, compare, &search, error));
    }
    if (!search.found) {
        return error_set(error, STATUS_NOT_FOUND, "there is no dead letter %lld of topic \"%s\"",
                         (long long) letter->id, task->job->topic);
    }
    (void) error_set(error, STATUS_CONFIG,
                     "dead letter %lld is from before topic \"%s\" had a stream with state, and "
                     "cannot be tried again",
                     (long long) letter->id, task->job->topic);
    error_hint(error,
               "start with --rebuild after the query has changed: it reads the topic from its "
               "start");
    return STATUS_CONFIG;
}

static enum status
check_letter(struct processor *task, const struct dead_letter *letter, struct error *error)
{
    struct search search = {letter, false};
    const struct dead_filter filter = {.id = letter->id};
    TRY(task->keeper->ops->dead_list(task->keeper->handle, &filter, compare, &search, error));
    if (!search.found) {
        return not_kept(task, letter, error);
    }
    if (letter->partition < 0) {
        (void) error_set(error, STATUS_CONFIG,
                         "dead letter %lld is of a row that came from state, not from one record",
                         (long long) letter->id);
        error_hint(error, "correct the query and start with --rebuild");
        return STATUS_CONFIG;
    }
    for (size_t i = 0; i < task->stream_count; i++) {
        if (refused(task, letter, &task->streams[i])) {
            return STATUS_OK;
        }
    }
    (void) error_set(error, STATUS_CONFIG, "\"%s\", which refused the record, is no more",
                     letter->name);
    error_hint(error, "the file names its streams or sinks otherwise now");
    return STATUS_CONFIG;
}

/* Runs the letter's record through the queries that refused it (all, if it could not be decoded).
 */
static enum status
retry_streams(struct work *work, const struct dead_letter *letter, struct error *error)
{
    struct processor *task = work->task;
    for (size_t i = 0; i < task->stream_count; i++) {
        if (refused(task, letter, &task->streams[i])) {
            TRY(work_run_stream(work, &task->streams[i], &work->run, error));
        }
    }
    return STATUS_OK;
}

/* A row of the record has the version of its letter, so that it loses to newer rows. A row from
 * state is new: the record counts in its group from now on. */
static void keep_version(struct work *work, int64_t version)
{
    for (size_t i = 0; i < work->output.write_count; i++) {
        struct store_write *rows = &work->output.writes[i].rows;
        if (work->output.writes[i].records == NULL) {
            continue;
        }
        int64_t *versions =
            arena_alloc(&work->task->batch, (size_t) rows->batch->length * sizeof(*versions));
        for (int64_t row = 0; row < rows->batch->length; row++) {
            versions[row] = version;
        }
        rows->versions = versions;
    }
}

static void move_counts(struct work *work)
{
    struct fate_counts *counts = &work->task->progress.counts;
    counts->dead--;
    if (work->run.late[0] & 1) {
        counts->late++;
    } else if (work->run.wanted[0] & 1) {
        counts->stored++;
    } else {
        counts->filtered++;
    }
}

/* What the record did to groups before it failed is undone: they are as in the store again. */
static enum status fail_again(struct work *work,
                              const struct dead_letter *letter,
                              const char *fault,
                              struct error *error)
{
    struct processor *task = work->task;
    TRY(checkpoint_reload_groups(task, error));
    task->ahead = false;
    return task->keeper->ops->dead_update(task->keeper->handle, letter->id, fault, error);
}

static enum status retry_letter(struct processor *task,
                                const struct dead_letter *letter,
                                bool *ret_resolved,
                                bool *ret_fatal,
                                struct error *error)
{
    *ret_resolved = *ret_fatal = false;
    TRY(check_letter(task, letter, error));
    arena_reset(&task->batch);
    /* When a foreign record came stands only in the log: the time of its letter is the nearest. */
    bool foreign = letter->identity.source.size == 0;
    struct log_in record = {
        .partition = letter->partition,
        .offset = letter->offset,
        .timestamp_ms = (foreign ? letter->at_us : letter->identity.accepted_us) / US_PER_MS,
        .key = letter->key,
        .value = letter->raw,
        .identity = letter->identity,
    };
    struct work work = {.task = task, .records = &record, .record_count = 1, .retrying = true};
    work.deleted = arena_zalloc(&task->batch, 1);
    TRY(decoder_run(task->decoder, &record, 1, &task->batch, &work.decoded, error));
    run_init(&work.run, &task->batch, work.decoded.batch, clock_now_us());
    work.letters = ARENA_ARRAY(&task->batch, size_t, 2);
    if (work.decoded.failure_count > 0) {
        return fail_again(&work, letter, work.decoded.failures[0].message, error);
    }
    *ret_fatal = true; /* from here on groups and counts change */
    task->ahead = true;
    TRY(retry_streams(&work, letter, error));
    if (work.run.failure_count > 0) {
        TRY(fail_again(&work, letter, work.run.failures[0].message, error));
        *ret_fatal = false;
        return STATUS_OK;
    }
    work_assign_versions(&work);
    keep_version(&work, letter->version);
    work_note_origins(&work);
    move_counts(&work);
    work.output.resolved = letter->id;
    work.output.retries = letter->retries + 1;
    task->progress.number++;
    TRY(task_commit(task, &work.output, 0, error));
    TRY(committer_wait(task, error));
    *ret_resolved = !task->refused;
    *ret_fatal = false;
    return STATUS_OK;
}

/* ---- between the threads ----------------------------------------------------------------------
 */

enum status task_serve_retry(struct processor *task, struct error *error)
{
    pthread_mutex_lock(&task->mutex);
    bool waits = task->retry != NULL;
    pthread_mutex_unlock(&task->mutex);
    if (!waits) {
        return STATUS_OK;
    }
    TRY(committer_wait(task, error)); /* the asker may lose its patience meanwhile */
    pthread_mutex_lock(&task->mutex);
    struct task_retry *retry = task->retry;
    if (retry != NULL) {
        retry->taken = true;
    }
    pthread_mutex_unlock(&task->mutex);
    if (retry == NULL) {
        return STATUS_OK;
    }
    bool fatal;
    retry->status = retry_letter(task, retry->letter, &retry->resolved, &fatal, &retry->error);
    enum status ended = fatal ? retry->status : STATUS_OK;
    if (fatal && error != NULL) {
        *error = retry->error;
        error->retriable = false;
    }
    task_publish(task, !fatal);
    pthread_mutex_lock(&task->mutex);
    retry->done = true;
    task->retry = NULL;
    pthread_mutex_unlock(&task->mutex);
    notify_ring(&task->wake);
    return ended;
}

/* Under the mutex: takes back what the task has not begun. */
static void withdraw(struct processor *task, struct task_retry *retry, const char *why)
{
    task->retry = NULL;
    retry->done = true;
    retry->status = error_set(&retry->error, STATUS_AGAIN, "%s", why);
}

enum status task_ask_retry(struct processor *task,
                           const struct dead_letter *letter,
                           bool *ret_resolved,
                           struct error *error)
{
    struct task_retry retry = {.letter = letter};
    pthread_mutex_lock(&task->mutex);
    bool busy = task->retry != NULL || !task->status.running;
    if (!busy) {
        task->retry = &retry;
    }
    pthread_mutex_unlock(&task->mutex);
    if (busy) {
        return error_set(error, STATUS_AGAIN, "the task is not running, or retries another letter");
    }
    int64_t deadline_us = clock_monotonic_us() + BEGIN_WITHIN_US;
    for (bool done = false; !done;) {
        uint64_t seen = notify_seen(&task->wake);
        task_wake(task);
        (void) notify_wait(&task->wake, seen + 1, POLL_US);
        pthread_mutex_lock(&task->mutex);
        if (!retry.taken && !task->status.running) {
            withdraw(task, &retry, "the task stopped before the retry");
        } else if (!retry.taken && clock_monotonic_us() > deadline_us) {
            withdraw(task, &retry, "the task waits for an engine that does not answer");
        }
        done = retry.done;
        pthread_mutex_unlock(&task->mutex);
    }
    *ret_resolved = retry.resolved;
    if (retry.status != STATUS_OK && error != NULL) {
        *error = retry.error;
    }
    return retry.status;
}
