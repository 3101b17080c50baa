/*
 * Topics and groups of a log that is a server of its own, for snapshots: a thread asks it every few
 * seconds and keeps the answer, so that no page waits for a broker that is slow or gone.
 */

#include "app/engine_console_view.h"
#include "base/memory.h"
#include "connectors/kafka/kafka_admin.h"
#include "io/thread.h"

#include <pthread.h>
#include <string.h>

#define LOOK_US    INT64_C(3000000)
#define TOPICS_MAX 500
#define GROUPS_MAX 200

struct log_copy {
    struct arena arena;
    struct console_topic *topics;
    size_t topic_count;
    struct console_group *groups;
    size_t group_count;
    struct error failure; /* of the last look */
};

struct engine_log_watch {
    struct engine *engine;
    struct thread *thread;
    pthread_mutex_t mutex;
    struct log_copy *newest; /* NULL: no look has succeeded */
    struct error failure;
};

static enum status
look_at_topic(struct engine *engine, struct log_copy *copy, const char *name, struct error *error)
{
    struct log_partition *partitions;
    int32_t count;
    enum status status =
        engine->log_ops->topic_offsets(engine->log, name, &copy->arena, &partitions, &count, error);
    if (status == STATUS_NOT_FOUND) {
        return STATUS_OK; /* deleted in between */
    }
    TRY(status);
    struct console_partition *shown =
        ARENA_ARRAY(&copy->arena, struct console_partition, (size_t) count);
    for (int32_t i = 0; i < count; i++) {
        shown[i] = (struct console_partition){partitions[i].low, partitions[i].high, -1};
    }
    copy->topics[copy->topic_count++] = (struct console_topic){name, shown, (size_t) count};
    return STATUS_OK;
}

static int64_t end_of(const struct log_copy *copy, const struct kafka_position *position)
{
    for (size_t i = 0; i < copy->topic_count; i++) {
        const struct console_topic *topic = &copy->topics[i];
        if (strcmp(topic->name, position->topic) == 0 &&
            (size_t) position->partition < topic->partition_count) {
            return topic->partitions[position->partition].high_watermark;
        }
    }
    return -1;
}

static enum status
look_at_group(struct engine *engine, struct log_copy *copy, const char *name, struct error *error)
{
    struct kafka_group_detail detail;
    enum status status = kafka_admin_group(engine->log, name, &copy->arena, &detail, error);
    if (status == STATUS_NOT_FOUND) {
        return STATUS_OK;
    }
    TRY(status);
    struct console_offset *offsets =
        ARENA_ARRAY(&copy->arena, struct console_offset, detail.position_count);
    for (size_t i = 0; i < detail.position_count; i++) {
        const struct kafka_position *position = &detail.positions[i];
        offsets[i] = (struct console_offset){position->topic, position->partition, position->offset,
                                             end_of(copy, position), NULL};
    }
    copy->groups[copy->group_count++] = (struct console_group){
        .id = name,
        .state = detail.state,
        .protocol_type = "consumer",
        .member_count = (int64_t) detail.member_count,
        .offsets = offsets,
        .offset_count = detail.position_count,
    };
    return STATUS_OK;
}

static enum status look(struct engine *engine, struct log_copy *copy, struct error *error)
{
    struct kafka_topic *topics;
    struct kafka_group *groups;
    size_t topic_count;
    size_t group_count;
    TRY(kafka_admin_topics(engine->log, &copy->arena, &topics, &topic_count, error));
    copy->topics = ARENA_ARRAY(&copy->arena, struct console_topic, topic_count);
    for (size_t i = 0; i < topic_count && i < TOPICS_MAX; i++) {
        TRY(look_at_topic(engine, copy, topics[i].name, error));
    }
    TRY(kafka_admin_groups(engine->log, &copy->arena, &groups, &group_count, error));
    copy->groups = ARENA_ARRAY(&copy->arena, struct console_group, group_count);
    for (size_t i = 0; i < group_count && i < GROUPS_MAX; i++) {
        TRY(look_at_group(engine, copy, groups[i].name, error));
    }
    return STATUS_OK;
}

static void copy_free(struct log_copy *copy)
{
    if (copy != NULL) {
        arena_deinit(&copy->arena);
        mem_free(copy);
    }
}

static void look_again(struct engine_log_watch *watch)
{
    struct log_copy *copy = mem_zalloc(sizeof(*copy));
    struct error error = {0};
    arena_init(&copy->arena, 0);
    enum status status = look(watch->engine, copy, &error);
    (void) pthread_mutex_lock(&watch->mutex);
    struct log_copy *old = copy;
    if (status == STATUS_OK) {
        old = watch->newest;
        watch->newest = copy;
    }
    watch->failure = error;
    watch->failure.status = status;
    (void) pthread_mutex_unlock(&watch->mutex);
    copy_free(old);
}

static void run(struct thread *self, void *context)
{
    do {
        look_again(context);
    } while (!thread_pause(self, LOOK_US));
}

enum status engine_log_watch_start(struct engine *engine, struct error *error)
{
    if (engine->roles.log == NULL) {
        return STATUS_OK;
    }
    struct engine_log_watch *watch = mem_zalloc(sizeof(*watch));
    watch->engine = engine;
    (void) pthread_mutex_init(&watch->mutex, NULL);
    engine->log_watch = watch;
    return thread_start("console-log", run, watch, &watch->thread, error);
}

void engine_log_watch_stop(struct engine *engine)
{
    struct engine_log_watch *watch = engine->log_watch;
    if (watch == NULL) {
        return;
    }
    if (watch->thread != NULL) {
        (void) !thread_join(watch->thread, -1, NULL);
    }
    copy_free(watch->newest);
    (void) pthread_mutex_destroy(&watch->mutex);
    mem_free(watch);
    engine->log_watch = NULL;
}

/* The copy may be replaced as soon as the lock is given back: all of it goes into the arena. */
static void
copy_topics(const struct log_copy *copy, struct arena *arena, struct console_snapshot *snapshot)
{
    struct console_topic *topics = ARENA_ARRAY(arena, struct console_topic, copy->topic_count);
    for (size_t i = 0; i < copy->topic_count; i++) {
        const struct console_topic *from = &copy->topics[i];
        size_t bytes = from->partition_count * sizeof(*from->partitions);
        topics[i] = *from;
        topics[i].name = arena_strdup(arena, from->name);
        topics[i].partitions = (const struct console_partition *) (const void *) arena_copy(
                                   arena, slice_of(from->partitions, bytes))
                                   .data;
    }
    snapshot->topics = topics;
    snapshot->topic_count = copy->topic_count;
}

static void
copy_groups(const struct log_copy *copy, struct arena *arena, struct console_snapshot *snapshot)
{
    struct console_group *groups = ARENA_ARRAY(arena, struct console_group, copy->group_count);
    for (size_t i = 0; i < copy->group_count; i++) {
        const struct console_group *from = &copy->groups[i];
        struct console_offset *offsets =
            ARENA_ARRAY(arena, struct console_offset, from->offset_count);
        for (size_t o = 0; o < from->offset_count; o++) {
            offsets[o] = from->offsets[o];
            offsets[o].topic = arena_strdup(arena, from->offsets[o].topic);
        }
        groups[i] = *from;
        groups[i].id = arena_strdup(arena, from->id);
        groups[i].state = arena_strdup(arena, from->state);
        groups[i].offsets = offsets;
    }
    snapshot->groups = groups;
    snapshot->group_count = copy->group_count;
}

void engine_log_watch_fill(struct engine *engine,
                           struct arena *arena,
                           struct console_snapshot *snapshot)
{
    struct engine_log_watch *watch = engine->log_watch;
    if (watch == NULL) {
        return;
    }
    (void) pthread_mutex_lock(&watch->mutex);
    if (watch->newest != NULL) {
        copy_topics(watch->newest, arena, snapshot);
        copy_groups(watch->newest, arena, snapshot);
    }
    if (watch->failure.status != STATUS_OK) {
        snapshot->log_fault = (struct console_fault){
            .status = status_name(watch->failure.status),
            .message = arena_strdup(arena, watch->failure.message),
            .hint =
                watch->failure.hint[0] == '\0' ? NULL : arena_strdup(arena, watch->failure.hint),
        };
    }
    (void) pthread_mutex_unlock(&watch->mutex);
}
