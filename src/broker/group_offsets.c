#include "broker/group_offsets.h"

#include "base/memory.h"
#include "broker/topics.h"

/* A map's key: the topic's name and the partition. */
struct offset_key {
    uint8_t bytes[TOPIC_NAME_BYTES_MAX + 4];
    size_t size;
};

static struct slice make_key(struct slice topic, int32_t partition, struct offset_key *room)
{
    size_t size = topic.size > TOPIC_NAME_BYTES_MAX ? TOPIC_NAME_BYTES_MAX : topic.size;
    if (size > 0) {
        memcpy(room->bytes, topic.data, size);
    }
    memcpy(room->bytes + size, &partition, sizeof(partition));
    room->size = size + sizeof(partition);
    return slice_of(room->bytes, room->size);
}

struct committed *group_committed(const struct group *group, struct slice topic, int32_t partition)
{
    struct offset_key room;
    return map_get(&group->offsets, make_key(topic, partition, &room));
}

static void free_committed(struct committed *committed)
{
    if (committed != NULL) {
        mem_free(committed->topic);
        mem_free((void *) (uintptr_t) committed->metadata.data);
        mem_free(committed);
    }
}

static void put(struct group *group,
                struct slice topic,
                const struct offsets_record_partition *partition,
                int64_t committed_at_us)
{
    struct committed *committed = mem_zalloc(sizeof(*committed));
    uint8_t *metadata = mem_alloc(partition->metadata.size);
    if (partition->metadata.size > 0) {
        memcpy(metadata, partition->metadata.data, partition->metadata.size);
    }
    *committed = (struct committed){
        .topic = mem_printf("%.*s", SLICE_FORMAT(topic)),
        .partition = partition->index,
        .offset = partition->offset,
        .leader_epoch = partition->leader_epoch,
        .metadata = slice_of(metadata, partition->metadata.size),
        .committed_at_us = committed_at_us,
    };
    struct offset_key room;
    free_committed(map_put(&group->offsets, make_key(topic, partition->index, &room), committed));
}

static void drop(struct group *group, struct slice topic, int32_t partition)
{
    struct offset_key room;
    free_committed(map_remove(&group->offsets, make_key(topic, partition, &room)));
}

void groups_replay_offsets(struct groups *groups, const struct offsets_record *record)
{
    struct group *group = groups_find(groups, record->group_id);
    if (group == NULL) {
        group = groups_add(groups, record->group_id);
    }
    for (int32_t i = 0; i < record->topics_count; i++) {
        const struct offsets_record_topic *topic = &record->topics[i];
        for (int32_t j = 0; j < topic->partitions_count; j++) {
            put(group, topic->name, &topic->partitions[j], record->committed_at_us);
        }
    }
}

void groups_replay_offsets_deleted(struct groups *groups,
                                   const struct offsets_deleted_record *record)
{
    struct group *group = groups_find(groups, record->group_id);
    for (int32_t i = 0; group != NULL && i < record->topics_count; i++) {
        const struct offsets_deleted_record_topic *topic = &record->topics[i];
        for (int32_t j = 0; j < topic->partitions_count; j++) {
            drop(group, topic->name, topic->partitions[j]);
        }
    }
}

void group_drop_offsets(struct group *group)
{
    struct map_entry *entry;
    for (size_t at = 0; (entry = map_next(&group->offsets, &at)) != NULL;) {
        struct committed *committed = entry->value;
        (void) map_remove(&group->offsets, entry->key);
        free_committed(committed);
    }
}

void group_drop_topic_offsets(struct group *group, struct slice topic)
{
    struct map_entry *entry;
    for (size_t at = 0; (entry = map_next(&group->offsets, &at)) != NULL;) {
        struct committed *committed = entry->value;
        if (slice_equal_string(topic, committed->topic)) {
            (void) map_remove(&group->offsets, entry->key);
            free_committed(committed);
        }
    }
}

/* One entry a partition: simple, and a snapshot is rare. */
enum status
group_offsets_snapshot(struct group *group, struct journal_writer *writer, struct error *error)
{
    struct map_entry *entry;
    for (size_t at = 0; (entry = map_next(&group->offsets, &at)) != NULL;) {
        const struct committed *committed = entry->value;
        struct offsets_record_partition partition = {
            .index = committed->partition,
            .offset = committed->offset,
            .leader_epoch = committed->leader_epoch,
            .metadata = committed->metadata,
        };
        struct offsets_record_topic topic = {
            .name = slice_of_string(committed->topic),
            .partitions = &partition,
            .partitions_count = 1,
        };
        struct offsets_record record = {
            .group_id = slice_of_string(group->id),
            .committed_at_us = committed->committed_at_us,
            .topics = &topic,
            .topics_count = 1,
        };
        TRY(state_write(writer, &offsets_message, &record, error));
    }
    return STATUS_OK;
}
