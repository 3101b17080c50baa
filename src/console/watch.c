#include "console/watch.h"

#include "base/logline.h"
#include "base/map.h"
#include "base/memory.h"
#include "console/verdict.h"
#include "io/file.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define KEY_BYTES 600
#define LOOKS_MAX 400 /* 20 minutes */
#define SAVE_US   INT64_C(60000000)

/* How a counter rose: its last value for the rate, its last values for the age of what waits. */
struct track {
    int64_t value, at_us;
    int64_t still_since_us; /* since when it has not moved */

    struct {
        int64_t at_us, value;
    } looks[LOOKS_MAX];

    size_t count, next; /* a ring; the oldest is at `next` once it is full */
    struct verdict_window window;
    uint64_t seen; /* number of the look that touched it last */
};

struct watch {
    pthread_mutex_t mutex;
    struct map tracks; /* key -> struct track */
    struct history *history;
    char *path;
    uint64_t looks;
    int64_t saved_us;
};

struct watch *watch_new(const char *path)
{
    struct watch *watch = mem_zalloc(sizeof(*watch));
    struct error error;
    (void) pthread_mutex_init(&watch->mutex, NULL);
    map_init(&watch->tracks);
    watch->history = history_new();
    watch->path = path == NULL ? NULL : mem_strdup(path);
    if (path != NULL && history_load(watch->history, path, &error) != STATUS_OK) {
        logline_error(LOG_WARN, "console", &error);
    }
    return watch;
}

static void save(struct watch *watch)
{
    struct error error;
    if (watch->path != NULL && history_save(watch->history, watch->path, &error) != STATUS_OK) {
        logline_error(LOG_WARN, "console", &error);
    }
}

void watch_free(struct watch *watch)
{
    if (watch == NULL) {
        return;
    }
    save(watch);
    size_t at = 0;
    for (struct map_entry *entry; (entry = map_next(&watch->tracks, &at)) != NULL;) {
        mem_free(entry->value);
    }
    map_deinit(&watch->tracks);
    history_free(watch->history);
    (void) pthread_mutex_destroy(&watch->mutex);
    mem_free(watch->path);
    mem_free(watch);
}

/* ---- looking -----------------------------------------------------------------------------------
 */

struct look {
    struct watch *watch;
    int64_t now_us;
};

static struct track *track_of(const struct look *look, const char *key)
{
    struct watch *watch = look->watch;
    struct track *track = map_get_string(&watch->tracks, key);
    if (track == NULL) {
        track = mem_zalloc(sizeof(*track));
        map_put_string(&watch->tracks, key, track);
    }
    track->seen = watch->looks;
    return track;
}

/* A total that only rises: its rate goes into the history under the same name. */
static void observe_counter(const struct look *look, const char *key, int64_t value)
{
    struct track *track = track_of(look, key);
    if (track->at_us != 0 && look->now_us > track->at_us && value >= track->value) {
        double seconds = (double) (look->now_us - track->at_us) / 1e6;
        history_put(look->watch->history, key, look->now_us,
                    (double) (value - track->value) / seconds);
    }
    if (track->at_us == 0 || value != track->value) {
        track->still_since_us = look->now_us;
    }
    track->value = value;
    track->at_us = look->now_us;
    track->looks[track->next].at_us = look->now_us;
    track->looks[track->next].value = value;
    track->next = (track->next + 1) % LOOKS_MAX;
    track->count += track->count < LOOKS_MAX;
}

static void observe_gauge(const struct look *look, const char *key, int64_t value)
{
    if (value >= 0) {
        history_put(look->watch->history, key, look->now_us, (double) value);
    }
}

static void source_key(char *target, const struct console_source *source, const char *what)
{
    (void) snprintf(target, KEY_BYTES, "source/%s/%s/%s", source->pipeline, source->name, what);
}

static void flow_key(char *target, const struct console_flow *flow, const char *what)
{
    (void) snprintf(target, KEY_BYTES, "flow/%s/%s/%s", flow->pipeline, flow->topic, what);
}

static void topic_key(char *target, const char *topic, const char *what)
{
    (void) snprintf(target, KEY_BYTES, "topic/%s/%s", topic, what);
}

static void group_key(char *target, const struct console_group *group, const char *what)
{
    (void) snprintf(target, KEY_BYTES, "group/%s/%s", group->id, what);
}

static void
offset_key(char *target, const struct console_group *group, const struct console_offset *offset)
{
    (void) snprintf(target, KEY_BYTES, "offset/%" PRId32 "/%s/%s", offset->partition, offset->topic,
                    group->id);
}

static int64_t ended_of(const struct console_flow *flow)
{
    return flow->stored + flow->filtered + flow->late + flow->dead;
}

static int64_t lag_of(const struct console_offset *offset)
{
    if (offset->high_watermark < 0 || offset->committed < 0) {
        return -1;
    }
    int64_t lag = offset->high_watermark - offset->committed;
    return lag > 0 ? lag : 0;
}

static void observe_flow(const struct look *look, const struct console_flow *flow)
{
    char key[KEY_BYTES];
    flow_key(key, flow, "ended");
    observe_counter(look, key, ended_of(flow));
    flow_key(key, flow, "dead");
    observe_counter(look, key, flow->dead);
    flow_key(key, flow, "lag");
    observe_gauge(look, key, flow->lag);
    flow_key(key, flow, "latency_us");
    observe_gauge(look, key, flow->latency_us);
}

static void observe_source(const struct look *look, const struct console_source *source)
{
    char key[KEY_BYTES];
    source_key(key, source, "fetched");
    observe_counter(look, key, source->fetched);
    source_key(key, source, "accepted");
    observe_counter(look, key, source->accepted);
    source_key(key, source, "dead");
    observe_counter(look, key, source->dead);
    source_key(key, source, "logged");
    observe_counter(look, key, source->accepted - source->lag);
    source_key(key, source, "lag");
    observe_gauge(look, key, source->lag);
}

static void observe_topic(const struct look *look, const struct console_topic *topic)
{
    char key[KEY_BYTES];
    int64_t end = 0;
    int64_t bytes = 0;
    for (size_t i = 0; i < topic->partition_count; i++) {
        end += topic->partitions[i].high_watermark;
        bytes += topic->partitions[i].size_bytes;
    }
    topic_key(key, topic->name, "in");
    observe_counter(look, key, end);
    topic_key(key, topic->name, "size_bytes");
    observe_gauge(look, key, bytes);
}

static void observe_group(const struct look *look, const struct console_group *group)
{
    char key[KEY_BYTES];
    int64_t lag = 0;
    int64_t committed = 0;
    int64_t end = 0;
    for (size_t i = 0; i < group->offset_count; i++) {
        const struct console_offset *offset = &group->offsets[i];
        int64_t own = lag_of(offset);
        offset_key(key, group, offset);
        verdict_observe(&track_of(look, key)->window, offset->committed, own);
        if (own >= 0) {
            lag += own;
            committed += offset->committed;
            end += offset->high_watermark;
        }
    }
    group_key(key, group, "lag");
    observe_gauge(look, key, lag);
    group_key(key, group, "consumed");
    observe_counter(look, key, committed);
    group_key(key, group, "end");
    observe_counter(look, key, end);
}

/* What was not there this time is gone: a group that ended, a topic that was deleted. */
static void forget_unseen(struct watch *watch)
{
    size_t at = 0;
    for (struct map_entry *entry; (entry = map_next(&watch->tracks, &at)) != NULL;) {
        struct track *track = entry->value;
        if (track->seen != watch->looks) {
            (void) map_remove(&watch->tracks, entry->key);
            mem_free(track);
        }
    }
}

void watch_observe(struct watch *watch, const struct console_snapshot *snapshot, int64_t now_us)
{
    (void) pthread_mutex_lock(&watch->mutex);
    const struct look look = {watch, now_us};
    watch->looks++;
    for (size_t i = 0; i < snapshot->source_count; i++) {
        observe_source(&look, &snapshot->sources[i]);
    }
    for (size_t i = 0; i < snapshot->flow_count; i++) {
        observe_flow(&look, &snapshot->flows[i]);
    }
    for (size_t i = 0; i < snapshot->topic_count; i++) {
        observe_topic(&look, &snapshot->topics[i]);
    }
    for (size_t i = 0; i < snapshot->group_count; i++) {
        observe_group(&look, &snapshot->groups[i]);
    }
    forget_unseen(watch);
    if (watch->saved_us == 0) {
        watch->saved_us = now_us;
    }
    bool due = now_us - watch->saved_us >= SAVE_US;
    if (due) {
        watch->saved_us = now_us;
        save(watch);
    }
    (void) pthread_mutex_unlock(&watch->mutex);
}

/* ---- telling -----------------------------------------------------------------------------------
 */

/* How long ago the counter stood at `value` or below for the last time: what came after that still
 * waits. As old as the ring if it never did. -1 without a look. */
static int64_t age_of(const struct watch *watch, const char *key, int64_t value, int64_t now_us)
{
    const struct track *track = map_get_string(&watch->tracks, key);
    if (track == NULL || track->count == 0) {
        return -1;
    }
    int64_t age = -1;
    for (size_t i = 0; i < track->count; i++) {
        size_t at = (track->next + LOOKS_MAX - 1 - i) % LOOKS_MAX;
        age = now_us - track->looks[at].at_us;
        if (track->looks[at].value <= value) {
            break;
        }
    }
    return age < 0 ? 0 : age;
}

static int64_t still_of(const struct watch *watch, const char *key, int64_t now_us)
{
    const struct track *track = map_get_string(&watch->tracks, key);
    return track == NULL || track->still_since_us == 0 ? 0 : now_us - track->still_since_us;
}

static void complete_flow(struct watch *watch,
                          const struct console_snapshot *snapshot,
                          struct console_flow *flow,
                          int64_t now_us)
{
    char key[KEY_BYTES];
    flow->lag_us = flow->lag > 0 ? -1 : 0;
    for (size_t i = 0; flow->lag > 0 && i < snapshot->topic_count; i++) {
        if (strcmp(snapshot->topics[i].name, flow->topic) == 0) {
            int64_t end = 0;
            for (size_t p = 0; p < snapshot->topics[i].partition_count; p++) {
                end += snapshot->topics[i].partitions[p].high_watermark;
            }
            topic_key(key, flow->topic, "in");
            flow->lag_us = age_of(watch, key, end - flow->lag, now_us);
        }
    }
    flow_key(key, flow, "ended");
    flow->still_us = flow->lag > 0 ? still_of(watch, key, now_us) : 0;
    flow_key(key, flow, "dead");
    flow->dead_still_us = still_of(watch, key, now_us);
}

static void complete_source(struct watch *watch, struct console_source *source, int64_t now_us)
{
    char key[KEY_BYTES];
    source_key(key, source, "accepted");
    source->lag_us =
        source->lag > 0 ? age_of(watch, key, source->accepted - source->lag, now_us) : 0;
    source_key(key, source, "logged");
    source->still_us = source->lag > 0 ? still_of(watch, key, now_us) : 0;
}

static void complete_group(struct watch *watch,
                           struct arena *arena,
                           struct console_group *group,
                           int64_t now_us)
{
    char key[KEY_BYTES];
    enum verdict worst = VERDICT_OK;
    int64_t lag = 0;
    int64_t end = 0;
    struct console_offset *offsets = ARENA_ARRAY(arena, struct console_offset, group->offset_count);
    for (size_t i = 0; i < group->offset_count; i++) {
        offsets[i] = group->offsets[i];
        offset_key(key, group, &offsets[i]);
        const struct track *track = map_get_string(&watch->tracks, key);
        enum verdict verdict =
            track == NULL ? VERDICT_OK : verdict_of(&track->window, group->member_count > 0);
        offsets[i].verdict = verdict_name(verdict);
        worst = verdict > worst ? verdict : worst;
        int64_t own = lag_of(&offsets[i]);
        if (own >= 0) {
            lag += own;
            end += offsets[i].high_watermark;
        }
    }
    group_key(key, group, "end");
    group->lag_us = lag > 0 ? age_of(watch, key, end - lag, now_us) : 0;
    group->verdict = verdict_name(worst);
    group->offsets = offsets;
    group_key(key, group, "consumed");
    group->still_us = lag > 0 ? still_of(watch, key, now_us) : 0;
}

static void *copy(struct arena *arena, const void *items, size_t count, size_t size)
{
    void *target = arena_calloc(arena, count, size);
    if (count > 0) {
        memcpy(target, items, count * size);
    }
    return target;
}

void watch_complete(struct watch *watch,
                    struct arena *arena,
                    struct console_snapshot *snapshot,
                    int64_t now_us)
{
    struct console_source *sources =
        copy(arena, snapshot->sources, snapshot->source_count, sizeof(*sources));
    struct console_flow *flows = copy(arena, snapshot->flows, snapshot->flow_count, sizeof(*flows));
    struct console_group *groups =
        copy(arena, snapshot->groups, snapshot->group_count, sizeof(*groups));
    (void) pthread_mutex_lock(&watch->mutex);
    for (size_t i = 0; i < snapshot->source_count; i++) {
        complete_source(watch, &sources[i], now_us);
    }
    for (size_t i = 0; i < snapshot->flow_count; i++) {
        complete_flow(watch, snapshot, &flows[i], now_us);
    }
    for (size_t i = 0; i < snapshot->group_count; i++) {
        complete_group(watch, arena, &groups[i], now_us);
    }
    (void) pthread_mutex_unlock(&watch->mutex);
    snapshot->sources = sources;
    snapshot->flows = flows;
    snapshot->groups = groups;
}

void watch_history(
    struct watch *watch, const char *prefix, int64_t now_us, int64_t span_us, struct buffer *target)
{
    (void) pthread_mutex_lock(&watch->mutex);
    history_write(watch->history, prefix, now_us, span_us, target);
    (void) pthread_mutex_unlock(&watch->mutex);
}
