/* Commits: what a batch decided becomes durable, in one transaction or through the outbox. */

#include "base/hash.h"
#include "base/logline.h"
#include "base/memory.h"
#include "io/clock.h"
#include "io/crash.h"
#include "stream/checkpoint.h"
#include "stream/committer.h"
#include "stream/outbox.h"
#include "stream/refused.h"
#include "stream/tables_mark.h"
#include "stream/task.h"

#define PAUSE_MIN_US (20 * INT64_C(1000))
#define PAUSE_MAX_US (5 * INT64_C(1000000))

bool task_pause(struct processor *task, const struct error *error, unsigned attempt)
{
    pthread_mutex_lock(&task->mutex);
    task->status.last_error = *error;
    pthread_mutex_unlock(&task->mutex);
    if (attempt == 0) {
        logline_error(LOG_WARN, task->name, error);
    }
    int64_t most_us = PAUSE_MIN_US << (attempt > 8 ? 8 : attempt);
    most_us = most_us > PAUSE_MAX_US ? PAUSE_MAX_US : most_us;
    int64_t pause_us = PAUSE_MIN_US + (int64_t) (random_u64() % (uint64_t) most_us);
    int64_t until_us = clock_monotonic_us() + pause_us;
    while (!atomic_load(&task->stop)) {
        int64_t left_us = until_us - clock_monotonic_us();
        if (left_us <= 0) {
            return true;
        }
        (void) notify_wait(&task->wake, notify_seen(&task->wake), left_us);
    }
    return false;
}

static void show_failing(struct processor *task, bool fails)
{
    pthread_mutex_lock(&task->mutex);
    task->commit_fails = fails;
    if (!fails) {
        error_clear(&task->status.last_error);
    }
    pthread_mutex_unlock(&task->mutex);
}

static void show_recovered(struct processor *task, unsigned attempts)
{
    if (attempts > 0) {
        show_failing(task, false);
        logline(LOG_INFO, task->name, "storing again", LOG_INT("attempts", attempts));
    }
}

enum status task_commit_to(struct processor *task,
                           struct task_store *store,
                           const struct store_commit *commit,
                           struct error *error)
{
    for (unsigned attempt = 0;; attempt++) {
        if (commit->refused != NULL) {
            commit->refused->count = 0;
        }
        enum status status = store->ops->commit(store->handle, commit, error);
        if (status == STATUS_OK) {
            show_recovered(task, attempt);
            return STATUS_OK;
        }
        if (!error->retriable) {
            return status;
        }
        show_failing(task, true);
        if (!task_pause(task, error, attempt)) {
            return error_set(error, STATUS_CANCELLED, "stopped before the batch was stored");
        }
    }
}

static void add_letters(const struct task_output *output, struct store_commit *commit)
{
    commit->dead = output->dead;
    commit->dead_count = output->dead_count;
    commit->dead_resolved = &output->resolved;
    commit->dead_resolved_count = output->resolved != 0;
}

static struct store_write *writes_for(const struct task_output *output,
                                      const struct task_store *store,
                                      struct arena *arena,
                                      size_t *ret_count)
{
    struct store_write *writes = ARENA_ARRAY(arena, struct store_write, output->write_count + 1);
    size_t count = 0;
    for (size_t i = 0; i < output->write_count; i++) {
        if (output->writes[i].sink->store == store) {
            writes[count++] = output->writes[i].rows;
        }
    }
    *ret_count = count;
    return writes;
}

/* The progress of a batch, with what was refused of it counted as dead. */
static enum status progress_moved(struct slice progress,
                                  const struct fate_counts *moved,
                                  struct buffer *target,
                                  struct error *error)
{
    struct progress read;
    progress_init(&read);
    enum status status = progress_read(progress, &read, error);
    if (status == STATUS_OK) {
        fate_counts_add(&read.counts, moved);
        buffer_clear(target);
        progress_write(&read, target);
    }
    progress_deinit(&read);
    return status;
}

enum status task_commit_direct(struct processor *task,
                               int64_t number,
                               struct slice progress,
                               struct task_output *output,
                               struct arena *arena,
                               struct error *error)
{
    struct buffer moved CLEANUP(buffer_deinit) = BUFFER_INIT;
    for (;;) {
        struct store_refusals refused = {.arena = arena};
        const struct store_progress with = {task->name, number, progress};
        struct store_commit commit = {.progress = &with, .refused = &refused};
        commit.writes = writes_for(output, task->keeper, arena, &commit.write_count);
        add_letters(output, &commit);
        enum status status = task_commit_to(task, task->keeper, &commit, error);
        if (status != STATUS_DATA || refused.count == 0) {
            return status;
        }
        struct refusal refusal = {.output = output};
        TRY(refusal_make(task, task->keeper, &refused, &refusal, arena, error));
        refusal_to_output(&refusal, arena);
        fate_counts_add(&task->owed, &refusal.moved);
        TRY(progress_moved(progress, &refusal.moved, &moved, error));
        progress = arena_copy(arena, buffer_slice(&moved));
    }
}

/* The rows of one store, and its number. */
static enum status deliver_to(struct processor *task,
                              struct task_store *store,
                              int64_t number,
                              struct task_output *output,
                              struct arena *arena,
                              struct error *error)
{
    for (;;) {
        struct store_refusals refused = {.arena = arena};
        struct store_progress progress = {task->name, number, SLICE_EMPTY};
        struct store_commit commit = {.progress = &progress, .refused = &refused};
        commit.writes = writes_for(output, store, arena, &commit.write_count);
        if (commit.write_count == 0) {
            return STATUS_OK;
        }
        enum status status = task_commit_to(task, store, &commit, error);
        if (status != STATUS_DATA || refused.count == 0) {
            return status;
        }
        struct refusal refusal = {.output = output, .number = number};
        TRY(refusal_make(task, store, &refused, &refusal, arena, error));
        TRY(committer_settle(task, &refusal, error));
    }
}

enum status task_deliver(struct processor *task,
                         int64_t number,
                         struct task_output *output,
                         struct arena *arena,
                         struct error *error)
{
    for (size_t i = 0; i < task->store_count; i++) {
        struct task_store *store = &task->stores[i];
        if (store->delivered >= number) {
            continue;
        }
        TRY(deliver_to(task, store, number, output, arena, error));
        store->delivered = number;
    }
    atomic_store(&task->delivered, number);
    return STATUS_OK;
}

static enum status
commit_state(struct processor *task, const struct task_output *output, struct error *error)
{
    struct buffer bytes = BUFFER_INIT;
    struct buffer entry = BUFFER_INIT;
    outbox_write(output, &entry);
    progress_write(&task->progress, &bytes);
    const struct store_progress progress = {task->name, task->progress.number,
                                            buffer_slice(&bytes)};
    struct store_write writes[CHECKPOINT_WRITES_MAX];
    struct store_commit commit = {.progress = &progress, .writes = writes};
    int64_t delivered = atomic_load(&task->delivered);
    commit.write_count = checkpoint_writes(task, buffer_slice(&entry), delivered, &task->batch,
                                           writes, task->progress.number);
    add_letters(output, &commit);
    crash_point("process.before_commit");
    enum status status = task_commit_to(task, &task->state, &commit, error);
    buffer_deinit(&bytes);
    buffer_deinit(&entry);
    if (status != STATUS_OK) {
        return status;
    }
    crash_point("process.after_commit");
    task->ahead = false;
    checkpoint_done(task, delivered);
    return STATUS_OK;
}

enum status task_commit(struct processor *task,
                        const struct task_output *output,
                        int64_t newest_us,
                        struct error *error)
{
    if (task->state.handle != NULL) {
        TRY(commit_state(task, output, error));
    }
    return committer_hand_over(task, output, newest_us, error);
}

/* ---- opening -----------------------------------------------------------------------------------
 */

/* The newest entry stays in the state until the next commit. Where every store has it, it is not
 * read: it may be for columns that a changed query no longer has. */
static bool all_have(const struct processor *task, int64_t number)
{
    for (size_t i = 0; i < task->store_count; i++) {
        if (task->stores[i].delivered < number) {
            return false;
        }
    }
    return true;
}

static enum status
deliver_entry(struct processor *task, int64_t number, struct slice bytes, struct error *error)
{
    struct task_output output;
    if (all_have(task, number)) {
        return STATUS_OK;
    }
    arena_reset(&task->batch);
    TRY(outbox_read(task, number, bytes, &task->batch, &output, error));
    return task_deliver(task, number, &output, &task->batch, error);
}

static enum status load_progress(struct processor *task, struct error *error)
{
    struct store_progress stored;
    enum status status = task->keeper->ops->progress_load(task->keeper->handle, task->name,
                                                          &task->arena, &stored, error);
    if (status == STATUS_NOT_FOUND) {
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        return status;
    }
    return progress_read(stored.bytes, &task->progress, error);
}

/* True if the task has kept its progress in the state store before. */
static enum status has_state(struct processor *task, bool *ret_has, struct error *error)
{
    const struct store_ops *ops = task->job->state_ops;
    struct store *store;
    struct store_progress stored;
    enum status status = ops->open(task->job->state_url, true, &store, error);
    if (status == STATUS_OK) {
        status = ops->progress_load(store, task->name, &task->arena, &stored, error);
        ops->close(store);
    }
    *ret_has = status == STATUS_OK;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* A task that was stateless until now kept its progress in its only store: it goes on from there.
 */
static enum status adopt_progress(struct processor *task, struct error *error)
{
    for (size_t i = 0; i < task->store_count && task->progress.number == 0; i++) {
        struct task_store *store = &task->stores[i];
        struct store_progress stored;
        enum status status =
            store->ops->progress_load(store->handle, task->name, &task->arena, &stored, error);
        if (status == STATUS_OK && stored.bytes.size > 0) {
            TRY(progress_read(stored.bytes, &task->progress, error));
        } else if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
            return status;
        }
    }
    return STATUS_OK;
}

/* What each store has already; a store that has more than the state holds is not ours. */
static enum status load_delivered(struct processor *task, struct error *error)
{
    for (size_t i = 0; i < task->store_count; i++) {
        struct task_store *store = &task->stores[i];
        struct store_progress stored;
        enum status status =
            store->ops->progress_load(store->handle, task->name, &task->arena, &stored, error);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
            return status;
        }
        store->delivered = status == STATUS_OK ? stored.number : 0;
        if (store->delivered > task->progress.number) {
            (void) error_set(error, STATUS_CORRUPT,
                             "the tables hold rows of commit %lld, the state only %lld: the state "
                             "is older than the tables",
                             (long long) store->delivered, (long long) task->progress.number);
            error_hint(error, "restore both from the same backup, or rebuild the tables");
            return STATUS_CORRUPT;
        }
    }
    return STATUS_OK;
}

/* ---- changed queries ---------------------------------------------------------------------------
 */

static uint64_t plan_hash(const struct query *query)
{
    struct buffer text = BUFFER_INIT;
    plan_write(query->plan, &text);
    uint64_t hash = hash64(buffer_slice(&text));
    buffer_deinit(&text);
    return hash == 0 ? 1 : hash;
}

/* A stream whose query differs from the one that made what is stored; NULL if there is none. */
static struct task_stream *changed_stream(struct processor *task)
{
    struct task_stream *changed = NULL;
    for (size_t i = 0; i < task->stream_count; i++) {
        struct task_stream *stream = &task->streams[i];
        uint64_t stored = progress_stream_of(&task->progress, stream->spec->name)->plan_hash;
        if (stored == 0 || stored == plan_hash(stream->spec->query)) {
            continue;
        }
        if (changed == NULL || stream->aggregates != NULL) {
            changed = stream;
        }
    }
    return changed;
}

static enum status judge_changes(struct processor *task, bool *ret_rebuild, struct error *error)
{
    struct task_stream *changed = changed_stream(task);
    *ret_rebuild = changed != NULL && task->job->rebuild;
    if (changed != NULL && !task->job->rebuild && changed->aggregates != NULL) {
        (void) error_set(error, STATUS_CONFIG, "stream \"%s\" keeps state that another query made",
                         changed->spec->name);
        error_hint(error,
                   "start with --rebuild to compute its history anew, or give it another name");
        return STATUS_CONFIG;
    }
    if (changed != NULL) {
        logline(LOG_INFO, task->name,
                *ret_rebuild ? "a query has changed: its history is computed anew"
                             : "a query has changed: it holds for new records (--rebuild: for all)",
                LOG_STRING("stream", changed->spec->name));
    }
    if (*ret_rebuild) {
        progress_rewind(&task->progress);
    }
    for (size_t i = 0; i < task->stream_count; i++) {
        struct task_stream *stream = &task->streams[i];
        progress_stream_of(&task->progress, stream->spec->name)->plan_hash =
            plan_hash(stream->spec->query);
    }
    return STATUS_OK;
}

static bool needs_state(const struct processor *task)
{
    bool stateful = false;
    for (size_t i = 0; i < task->stream_count; i++) {
        stateful = stateful || task->streams[i].aggregates != NULL;
    }
    return stateful || task->store_count != 1 || !task->stores[0].ops->atomic;
}

static enum status open_tables(struct processor *task, struct error *error)
{
    for (size_t i = 0; i < task->store_count; i++) {
        struct task_store *store = &task->stores[i];
        TRY(store_open_fenced(store->ops, store->url, task->job->fence, &store->handle, error));
    }
    TRY(tables_look(task, error));
    for (size_t i = 0; i < task->stream_count; i++) {
        for (size_t s = 0; s < task->streams[i].sink_count; s++) {
            struct task_sink *sink = &task->streams[i].sinks[s];
            enum status status =
                sink->store->ops->table_ensure(sink->store->handle, sink->spec->table, error);
            if (status != STATUS_OK) {
                error_context(error, "sink \"%s\"", sink->spec->name);
                return status;
            }
        }
    }
    return STATUS_OK;
}

enum status task_open_stores(struct processor *task, struct error *error)
{
    TRY(open_tables(task, error));
    bool rebuild;
    bool stateful = needs_state(task);
    if (!stateful) { /* once there is a state store, it stays: it may hold rows to deliver */
        TRY(has_state(task, &stateful, error));
    }
    if (!stateful) {
        task->keeper = &task->stores[0];
        TRY(load_progress(task, error));
        TRY(judge_changes(task, &rebuild, error));
        return tables_mark(task, rebuild, error);
    }
    task->state.ops = task->job->state_ops;
    task->state.url = task->job->state_url;
    task->keeper = &task->state;
    TRY(store_open_fenced(task->state.ops, task->state.url, task->job->fence, &task->state.handle,
                          error));
    TRY(checkpoint_tables(&task->state, error));
    TRY(load_progress(task, error));
    TRY(adopt_progress(task, error));
    TRY(load_delivered(task, error));
    TRY(checkpoint_outbox(task, deliver_entry, error));
    atomic_store(&task->delivered, task->outbox_last);
    TRY(judge_changes(task, &rebuild, error));
    TRY(tables_mark(task, rebuild, error));
    return rebuild ? checkpoint_drop_groups(task, error) : checkpoint_load_groups(task, error);
}

void task_close_stores(struct processor *task)
{
    for (size_t i = 0; i < task->store_count; i++) {
        if (task->stores[i].handle != NULL) {
            task->stores[i].ops->close(task->stores[i].handle);
        }
    }
    if (task->state.handle != NULL) {
        task->state.ops->close(task->state.handle);
    }
}
