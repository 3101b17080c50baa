#include "ingest/fetch.h"

#include "base/logline.h"
#include "base/memory.h"
#include "ingest/fetch_internal.h"
#include "io/clock.h"
#include "io/file.h"

#include <string.h>

#define RETRY_FIRST_US 100000
#define RETRY_MAX_US   (10 * (int64_t) 1000000)
#define STAGE_WAIT_US  (4 * (int64_t) 1000000) /* at most: staging is ours to ask often */
#define FAILED_WAIT_US                                                                             \
    (60 * (int64_t) 1000000) /* at least, before a failed source is tried again */
#define DISK_WAIT_US      1000000
#define NEWS_WAIT_US      200000 /* of a source that tells; then a stop is looked for */
#define DISK_FREE_PERCENT 10
#define HTTP_TOO_MANY     429

const char *fetch_state_name(enum fetch_state state)
{
    static const char *const names[] = {"starting", "waiting",   "fetching", "rate-limited",
                                        "retrying", "disk-full", "failed",   "ended"};
    return names[state];
}

/* `error` NULL leaves the trouble as it is. */
static void
set_state(struct fetch *fetch, enum fetch_state state, int64_t until_us, const struct error *error)
{
    pthread_mutex_lock(&fetch->mutex);
    bool changed = fetch->status.state != state;
    fetch->status.state = state;
    fetch->status.until_us = until_us;
    fetch->status.failures = fetch->backoff.failures;
    if (error != NULL) {
        fetch->status.error = *error;
    }
    pthread_mutex_unlock(&fetch->mutex);
    if (changed && fetch->job.committed != NULL) {
        notify_ring(fetch->job.committed);
    }
}

static void end(struct fetch *fetch, enum fetch_end reason, const struct error *error)
{
    pthread_mutex_lock(&fetch->mutex);
    if (fetch->status.end == FETCH_RUNNING) {
        fetch->status.end = reason;
    }
    if (error != NULL) {
        fetch->status.error = *error;
    }
    pthread_mutex_unlock(&fetch->mutex);
}

static bool ended(struct fetch *fetch)
{
    pthread_mutex_lock(&fetch->mutex);
    bool is_ended = fetch->status.end != FETCH_RUNNING;
    pthread_mutex_unlock(&fetch->mutex);
    return is_ended;
}

/* Sleeps until the wall clock shows `until_us`; a stop ends it, a trigger too if it may. */
static void sleep_until(struct fetch *fetch, int64_t until_us, bool triggers)
{
    for (;;) {
        uint64_t seen = notify_seen(&fetch->bell);
        int64_t left_us = until_us - clock_now_us();
        if (left_us <= 0 || atomic_load(&fetch->stopping) ||
            (triggers && atomic_exchange(&fetch->triggered, false))) {
            return;
        }
        /* In slices, as the wall clock may be set. */
        notify_wait(&fetch->bell, seen, left_us < 10000000 ? left_us : 10000000);
    }
}

/* True if there is room. Otherwise the state says so, and the caller comes back. */
static bool disk_has_room(struct fetch *fetch)
{
    uint64_t free_bytes, total_bytes;
    struct error error = {0};
    if (fetch->job.disk_path == NULL ||
        disk_space(fetch->job.disk_path, &free_bytes, &total_bytes, &error) != STATUS_OK) {
        return true;
    }
    int percent = fetch->job.disk_free_percent_min == 0 ? DISK_FREE_PERCENT
                                                        : fetch->job.disk_free_percent_min;
    if (free_bytes / 100 * 100 >= total_bytes / 100 * (uint64_t) percent) {
        return true;
    }
    error_set(&error, STATUS_AGAIN,
              "source \"%s\": fetching stopped, as the disk of \"%s\" is nearly full: %llu of %llu "
              "MiB are free, less than %d %%",
              fetch->job.source, fetch->job.disk_path, (unsigned long long) (free_bytes >> 20),
              (unsigned long long) (total_bytes >> 20), percent);
    error_hint(&error, "free some space; fetching goes on by itself");
    if (backoff_failing_us(&fetch->backoff) == 0) {
        logline_error(LOG_WARN, "fetch", &error);
    }
    backoff_next(&fetch->backoff);
    set_state(fetch, FETCH_DISK_FULL, 0, &error);
    if (fetch->job.give_up_us > 0 && backoff_failing_us(&fetch->backoff) >= fetch->job.give_up_us) {
        end(fetch, FETCH_END_FAILED, &error);
    } else {
        sleep_until(fetch, clock_now_us() + DISK_WAIT_US, false);
    }
    return false;
}

/* What to do after a failure: wait and try again, or end. */
static void recover(struct fetch *fetch, struct error *error, int64_t retry_after_us)
{
    if (atomic_load(&fetch->stopping) || error->status == STATUS_CANCELLED) {
        return;
    }
    error_context(error, "source \"%s\"", fetch->job.source);
    metric_add(fetch->retries, 1);
    int64_t wait_us = backoff_next(&fetch->backoff);
    if (fetch->backoff.failures == 1) {
        logline_error(LOG_WARN, "fetch", error);
    }
    bool limited = error->code == HTTP_TOO_MANY && error->retriable;
    bool hopeless = !error->retriable;
    int64_t failing_us = backoff_failing_us(&fetch->backoff);
    /* Waiting because the peer asks for it is no failure. */
    bool given_up = fetch->job.give_up_us > 0 && !limited && failing_us >= fetch->job.give_up_us;
    if ((hopeless && (fetch->job.until_end || fetch->job.give_up_us > 0)) || given_up) {
        end(fetch, FETCH_END_FAILED, error);
        return;
    }
    int64_t now_us = clock_now_us();
    if (hopeless) {
        int64_t next = fetch->job.schedule.next == NULL
                           ? 0
                           : fetch->job.schedule.next(fetch->job.schedule.context, now_us);
        int64_t least = now_us + FAILED_WAIT_US;
        next = next > least && next != INT64_MAX ? next : least;
        set_state(fetch, FETCH_FAILED, next, error);
        sleep_until(fetch, next, true);
        return;
    }
    if (fetch->at_stage && wait_us > STAGE_WAIT_US) {
        wait_us = STAGE_WAIT_US;
    }
    if (retry_after_us >= 0) {
        wait_us = retry_after_us > wait_us ? retry_after_us : wait_us;
    }
    if (fetch->job.give_up_us > 0 && !limited && wait_us > fetch->job.give_up_us - failing_us) {
        wait_us = fetch->job.give_up_us - failing_us;
    }
    set_state(fetch, limited ? FETCH_RATE_LIMITED : FETCH_RETRYING, now_us + wait_us, error);
    sleep_until(fetch, now_us + wait_us, true);
}

/* One page with all that may hold it up. True: done; false: to be tried again, or ended. */
static bool attempt(struct fetch *fetch, struct page_outcome *ret_outcome)
{
    struct error error = {0};
    if (!disk_has_room(fetch)) {
        pager_drop(fetch->pager);
        return false;
    }
    *ret_outcome = (struct page_outcome){.retry_after_us = -1};
    enum status status = fetch_open(fetch, &error);
    if (status == STATUS_OK) {
        int64_t now_us = clock_now_us();
        int64_t wait_us = fetch_rate_wait_us(fetch, now_us);
        if (wait_us > 0) {
            pager_drop(fetch->pager);
            set_state(fetch, FETCH_RATE_LIMITED, now_us + wait_us, NULL);
            sleep_until(fetch, now_us + wait_us, false);
            return false;
        }
        set_state(fetch, FETCH_FETCHING, 0, NULL);
        status = fetch_page(fetch, ret_outcome, &error);
    }
    if (status != STATUS_OK) {
        pager_drop(fetch->pager);
        recover(fetch, &error, ret_outcome->retry_after_us);
        return false;
    }
    backoff_reset(&fetch->backoff);
    return true;
}

/* Pages until the tick is over. True if the source is at its end. */
static bool tick(struct fetch *fetch)
{
    fetch->tick_pages = 0;
    while (!atomic_load(&fetch->stopping) && !ended(fetch)) {
        if (fetch->job.limit != NULL && accept_limit_reached(fetch->job.limit)) {
            struct error error;
            if (fetch->stage == NULL && fetch_open(fetch, &error) != STATUS_OK) {
                recover(fetch, &error, -1); /* the counts of earlier runs are wanted all the same */
                continue;
            }
            end(fetch, FETCH_END_LIMIT, NULL);
            break;
        }
        struct page_outcome outcome;
        if (!attempt(fetch, &outcome)) {
            continue;
        }
        fetch->tick_pages++;
        if (outcome.end) {
            return true;
        }
        if (!fetch->job.eager && fetch->job.pages_per_tick > 0 &&
            fetch->tick_pages >= fetch->job.pages_per_tick) {
            return false;
        }
    }
    return false;
}

/* Waits for a tick, or until a source that can tell has something new. */
static void wait_for_tick(struct fetch *fetch, int64_t due_us)
{
    set_state(fetch, FETCH_WAITING, due_us == INT64_MAX ? 0 : due_us, NULL);
    if (fetch->job.ops->wait == NULL || fetch->source == NULL) {
        sleep_until(fetch, due_us, true);
        return;
    }
    while (!atomic_load(&fetch->stopping) && !atomic_exchange(&fetch->triggered, false) &&
           clock_now_us() < due_us) {
        if (fetch->job.ops->wait(fetch->source, NEWS_WAIT_US)) {
            return;
        }
    }
}

static int64_t next_tick_us(const struct fetch *fetch)
{
    const struct fetch_schedule *schedule = &fetch->job.schedule;
    return schedule->next == NULL ? INT64_MAX : schedule->next(schedule->context, clock_now_us());
}

static void run(struct fetch *fetch)
{
    if (fetch->job.wait_first) {
        wait_for_tick(fetch, next_tick_us(fetch));
    }
    while (!atomic_load(&fetch->stopping)) {
        bool at_end = tick(fetch);
        if (ended(fetch) || atomic_load(&fetch->stopping)) {
            break;
        }
        bool scheduled = fetch->job.schedule.next != NULL;
        bool over = !scheduled && (!at_end || fetch->job.ops->wait == NULL);
        if (at_end && fetch->job.until_end) {
            over = true;
        } else if (fetch->job.eager && !at_end) {
            continue;
        }
        if (over) {
            end(fetch, FETCH_END_SOURCE, NULL);
            break;
        }
        wait_for_tick(fetch, next_tick_us(fetch));
    }
    end(fetch, FETCH_END_STOPPED, NULL);
}

static void work(struct thread *self, void *context)
{
    (void) self;
    struct fetch *fetch = context;
    struct error error = {0};
    /* So that the counts are there even if it is stopped before its first page. A failure shows
     * again, and is dealt with, at that page. */
    (void) !fetch_open_stage(fetch, &error);
    run(fetch);
    if (fetch->backoff.failures > 0) { /* a page may be committed whose counts were not read back */
        (void) !fetch_open_stage(fetch, &error);
    }
    fetch_close(fetch);
    set_state(fetch, FETCH_ENDED, 0, NULL);
}

static struct metric *count_metric(const struct fetch_job *job, const char *outcome)
{
    return metric_counter("leat_source_records_total", "Records of sources by how they were taken.",
                          "source", job->source, "outcome", outcome, NULL);
}

enum status fetch_start(const struct fetch_job *job, struct fetch **ret_fetch, struct error *error)
{
    struct fetch *fetch = mem_zalloc(sizeof(*fetch));
    fetch->job = *job;
    pthread_mutex_init(&fetch->mutex, NULL);
    notify_init(&fetch->bell);
    arena_init(&fetch->arena, 1 << 20);
    arena_init(&fetch->state_arena, 4096);
    schema_gate_init(&fetch->gate, &job->schema);
    fetch->pager = pager_new(job->ops, &fetch->stopping);
    backoff_init(&fetch->backoff, RETRY_FIRST_US, RETRY_MAX_US);
    fetch->accepted = count_metric(job, "accepted");
    fetch->unchanged = count_metric(job, "unchanged");
    fetch->dead = count_metric(job, "dead");
    fetch->requests = metric_counter("leat_source_requests_total", "Answered requests of sources.",
                                     "source", job->source, NULL);
    fetch->retries =
        metric_counter("leat_source_failures_total", "Requests or commits that failed.", "source",
                       job->source, NULL);
    enum status status = thread_start("fetch", work, fetch, &fetch->thread, error);
    if (status != STATUS_OK) {
        fetch_free(fetch);
        return status;
    }
    *ret_fetch = fetch;
    return STATUS_OK;
}

void fetch_stop(struct fetch *fetch)
{
    atomic_store(&fetch->stopping, true);
    notify_ring(&fetch->bell);
}

void fetch_trigger(struct fetch *fetch)
{
    atomic_store(&fetch->triggered, true);
    notify_ring(&fetch->bell);
}

bool fetch_ended(struct fetch *fetch)
{
    struct fetch_status status;
    fetch_status(fetch, &status);
    return status.state == FETCH_ENDED;
}

void fetch_status(struct fetch *fetch, struct fetch_status *ret_status)
{
    pthread_mutex_lock(&fetch->mutex);
    *ret_status = fetch->status;
    pthread_mutex_unlock(&fetch->mutex);
}

void fetch_counted(struct fetch *fetch, const struct source_counts *counts)
{
    pthread_mutex_lock(&fetch->mutex);
    fetch->status.counts = *counts;
    pthread_mutex_unlock(&fetch->mutex);
}

void fetch_free(struct fetch *fetch)
{
    if (fetch == NULL) {
        return;
    }
    if (fetch->thread != NULL) {
        fetch_stop(fetch);
        (void) !thread_join(fetch->thread, -1, NULL); /* waits for ever, so it cannot fail */
    }
    pager_free(fetch->pager);
    schema_gate_deinit(&fetch->gate);
    mem_free(fetch->interval_cursor);
    mem_free(fetch->source_schema);
    arena_deinit(&fetch->arena);
    arena_deinit(&fetch->state_arena);
    notify_deinit(&fetch->bell);
    pthread_mutex_destroy(&fetch->mutex);
    mem_free(fetch);
}
