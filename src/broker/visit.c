#include "broker/broker_internal.h"

#include "broker/group_offsets.h"

/* What status pages show, gathered on the loop while the caller waits. */

struct topics_call {
    struct broker *broker;
    void (*visit)(void *context, const struct broker_topic_info *info);
    void *context;
};

static void visit_topic(const struct topics_call *call, const struct topic *topic)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct broker_partition_info *partitions =
        ARENA_ARRAY(&arena, struct broker_partition_info, (size_t) topic->partition_count);
    for (int32_t i = 0; i < topic->partition_count; i++) {
        struct partition *partition = topic_partition(topic, i);
        if (partition != NULL) {
            struct log_offsets offsets;
            partition_log_offsets(partition->log, &offsets);
            partitions[i] = (struct broker_partition_info){
                .log_start = offsets.log_start,
                .high_watermark = offsets.high_watermark,
                .size_bytes = offsets.size_bytes,
            };
        }
    }
    struct broker_topic_info info = {topic->name, topic->partition_count, partitions};
    call->visit(call->context, &info);
    arena_deinit(&arena);
}

static void visit_topics_here(void *context)
{
    const struct topics_call *call = context;
    const struct topic *topic;
    for (size_t at = 0; (topic = topics_next(call->broker->topics, &at)) != NULL;) {
        visit_topic(call, topic);
    }
}

void broker_topics_visit(struct broker *broker,
                         void (*visit)(void *context, const struct broker_topic_info *info),
                         void *context)
{
    struct topics_call call = {broker, visit, context};
    loop_call(&broker->loop, visit_topics_here, &call);
}

struct groups_call {
    struct broker *broker;
    void (*visit)(void *context, const struct broker_group_info *info);
    void *context;
};

static int64_t high_watermark(const struct broker *broker, const struct committed *committed)
{
    struct partition *partition =
        topics_partition(broker->topics, slice_of_string(committed->topic), committed->partition);
    if (partition == NULL) {
        return -1;
    }
    struct log_offsets offsets;
    partition_log_offsets(partition->log, &offsets);
    return offsets.high_watermark;
}

static void visit_group(const struct groups_call *call, const struct group *group)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct broker_offset_info *offsets =
        ARENA_ARRAY(&arena, struct broker_offset_info, group->offsets.size);
    struct broker_group_info info = {
        .id = group->id,
        .state = group_state_name(group),
        .protocol_type = group->protocol_type == NULL ? "" : group->protocol_type,
        .member_count = (int32_t) group->members.size,
        .offsets = offsets,
    };
    struct map_entry *entry;
    for (size_t at = 0; (entry = map_next(&group->offsets, &at)) != NULL;) {
        const struct committed *committed = entry->value;
        offsets[info.offset_count++] = (struct broker_offset_info){
            .topic = committed->topic,
            .partition = committed->partition,
            .committed = committed->offset,
            .high_watermark = high_watermark(call->broker, committed),
        };
    }
    call->visit(call->context, &info);
    arena_deinit(&arena);
}

static void visit_groups_here(void *context)
{
    const struct groups_call *call = context;
    const struct group *group;
    for (size_t at = 0; (group = groups_next(call->broker->groups, &at)) != NULL;) {
        visit_group(call, group);
    }
}

void broker_groups_visit(struct broker *broker,
                         void (*visit)(void *context, const struct broker_group_info *info),
                         void *context)
{
    struct groups_call call = {broker, visit, context};
    loop_call(&broker->loop, visit_groups_here, &call);
}
