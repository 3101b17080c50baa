#include "broker/topics_internal.h"

#include "base/assert.h"
#include "base/logline.h"
#include "base/memory.h"
#include "io/file.h"

#include <stdio.h>

struct topics *topics_new(const struct topics_config *config)
{
    struct topics *topics = mem_zalloc(sizeof(*topics));
    topics->config = *config;
    map_init(&topics->by_name);
    map_init(&topics->by_id);
    map_init(&topics->deleted);
    return topics;
}

void topics_use_state(struct topics *topics, struct state *state)
{
    topics->state = state;
}

void topics_on_delete(struct topics *topics,
                      void (*on_delete)(void *context, struct topic *topic),
                      void *context)
{
    topics->on_delete = on_delete;
    topics->on_delete_context = context;
}

static struct slice id_key(const struct uuid *id)
{
    return slice_of(id->bytes, sizeof(id->bytes));
}

static void free_topic(struct topic *topic)
{
    for (int32_t i = 0; i < topic->partition_count; i++) {
        mem_free(topic->partitions[i]);
    }
    mem_free(topic->partitions);
    topic_settings_deinit(&topic->settings);
    mem_free(topic->name);
    mem_free(topic);
}

void topics_free(struct topics *topics)
{
    enum status status = topics_close_logs(topics, NULL); /* whoever cares has done so before */
    (void) status;
    struct map_entry *entry;
    for (size_t at = 0; (entry = map_next(&topics->by_name, &at)) != NULL;) {
        free_topic(entry->value);
    }
    map_deinit(&topics->by_name);
    map_deinit(&topics->by_id);
    map_deinit(&topics->deleted);
    mem_free(topics);
}

struct topic *topics_add(struct topics *topics, struct slice name, const struct uuid *id)
{
    struct topic *topic = mem_zalloc(sizeof(*topic));
    topic->name = mem_printf("%.*s", SLICE_FORMAT(name));
    topic->id = *id;
    void *before = map_put(&topics->by_name, name, topic);
    ASSERT(before == NULL);
    (void) map_put(&topics->by_id, id_key(id), topic);
    return topic;
}

void topics_drop(struct topics *topics, struct topic *topic)
{
    (void) map_remove(&topics->by_name, slice_of_string(topic->name));
    (void) map_remove(&topics->by_id, id_key(&topic->id));
    free_topic(topic);
}

void topic_set_partition_count(struct topic *topic, int32_t count)
{
    ASSERT(count >= topic->partition_count);
    topic->partitions = mem_realloc(topic->partitions, (size_t) count * sizeof(struct partition *));
    for (int32_t i = topic->partition_count; i < count; i++) {
        struct partition *partition = mem_zalloc(sizeof(*partition));
        partition->topic = topic;
        partition->index = i;
        list_init(&partition->waiters);
        topic->partitions[i] = partition;
    }
    topic->partition_count = count;
}

void topics_replay(struct topics *topics, const struct topic_record *record)
{
    struct topic *topic = map_get(&topics->by_name, record->name);
    if (topic == NULL) {
        topic = topics_add(topics, record->name, &record->topic_id);
        topic->state = TOPIC_READY;
    }
    (void) map_remove(&topics->deleted, record->name);
    if (record->partition_count > topic->partition_count) {
        topic_set_partition_count(topic, record->partition_count);
    }
    topic_settings_deinit(&topic->settings);
    for (int32_t i = 0; i < record->settings_count; i++) {
        int index = topic_setting_find(record->settings[i].name);
        if (index >= 0) {
            char *value = mem_printf("%.*s", SLICE_FORMAT(record->settings[i].value));
            topic_settings_set(&topic->settings, index, value);
            mem_free(value);
        }
    }
}

void topics_replay_deleted(struct topics *topics, const struct topic_deleted_record *record)
{
    struct topic *topic = map_get(&topics->by_name, record->name);
    if (topic != NULL) {
        /* How many partitions there were, for removing what a crash may have left. */
        (void) map_put(&topics->deleted, record->name, (void *) (intptr_t) topic->partition_count);
        topics_drop(topics, topic);
    }
}

static char *partition_directory(const struct topics *topics, struct slice name, int32_t index)
{
    return mem_printf("%s/%.*s-%d", topics->config.directory, SLICE_FORMAT(name), index);
}

enum status
topic_open_logs(struct topics *topics, struct topic *topic, int32_t from, struct error *error)
{
    struct partition_log_config config;
    topic_settings_apply(&topic->settings, &topics->config.log, &config);
    for (int32_t i = from; i < topic->partition_count; i++) {
        CLEANUP(mem_free_pointer)
        char *path = partition_directory(topics, slice_of_string(topic->name), i);
        enum status status = partition_log_open(path, &config, topics->config.flusher,
                                                &topic->partitions[i]->log, error);
        if (status != STATUS_OK) {
            error_context(error, "topic \"%s\" partition %d", topic->name, i);
            return status;
        }
    }
    return STATUS_OK;
}

enum status topic_remove_logs(struct topics *topics, struct topic *topic, struct error *error)
{
    enum status first = STATUS_OK;
    for (int32_t i = 0; i < topic->partition_count; i++) {
        struct partition *partition = topic->partitions[i];
        enum status status;
        if (partition->log != NULL) {
            status = partition_log_delete(partition->log, first == STATUS_OK ? error : NULL);
            partition->log = NULL;
        } else {
            CLEANUP(mem_free_pointer)
            char *path = partition_directory(topics, slice_of_string(topic->name), i);
            status = directory_remove(path, first == STATUS_OK ? error : NULL);
        }
        first = first == STATUS_OK ? status : first;
    }
    return first;
}

enum status topics_open_logs(struct topics *topics, struct error *error)
{
    struct map_entry *entry;
    for (size_t at = 0; (entry = map_next(&topics->deleted, &at)) != NULL;) {
        for (int32_t i = 0; i < (int32_t) (intptr_t) entry->value; i++) {
            CLEANUP(mem_free_pointer) char *path = partition_directory(topics, entry->key, i);
            TRY(directory_remove(path, error));
        }
    }
    map_deinit(&topics->deleted);
    for (size_t at = 0; (entry = map_next(&topics->by_name, &at)) != NULL;) {
        TRY(topic_open_logs(topics, entry->value, 0, error));
    }
    return STATUS_OK;
}

enum status topics_close_logs(struct topics *topics, struct error *error)
{
    enum status first = STATUS_OK;
    struct map_entry *entry;
    for (size_t at = 0; (entry = map_next(&topics->by_name, &at)) != NULL;) {
        struct topic *topic = entry->value;
        for (int32_t i = 0; i < topic->partition_count; i++) {
            struct partition *partition = topic->partitions[i];
            if (partition->log == NULL) {
                continue;
            }
            enum status status =
                partition_log_close(partition->log, first == STATUS_OK ? error : NULL);
            partition->log = NULL;
            first = first == STATUS_OK ? status : first;
        }
    }
    return first;
}

void topic_record_fill(const struct topic *topic,
                       int32_t partition_count,
                       const struct topic_settings *settings,
                       struct arena *arena,
                       struct topic_record *ret_record)
{
    int all;
    const struct topic_setting *table = topic_setting_all(&all);
    *ret_record = (struct topic_record){
        .name = slice_of_string(topic->name),
        .topic_id = topic->id,
        .partition_count = partition_count,
        .settings = ARENA_ARRAY(arena, struct topic_record_setting, (size_t) all),
    };
    for (int i = 0; i < all; i++) {
        if (settings->values[i] != NULL) {
            ret_record->settings[ret_record->settings_count++] = (struct topic_record_setting){
                .name = slice_of_string(table[i].name),
                .value = slice_of_string(settings->values[i]),
            };
        }
    }
}

enum status
topics_snapshot(struct topics *topics, struct journal_writer *writer, struct error *error)
{
    struct topic *topic;
    for (size_t at = 0; (topic = topics_next(topics, &at)) != NULL;) {
        struct arena arena;
        arena_init(&arena, 0);
        struct topic_record record;
        topic_record_fill(topic, topic->partition_count, &topic->settings, &arena, &record);
        enum status status = state_write(writer, &topic_message, &record, error);
        arena_deinit(&arena);
        TRY(status);
    }
    return STATUS_OK;
}

struct topic *topics_find(const struct topics *topics, struct slice name)
{
    struct topic *topic = map_get(&topics->by_name, name);
    return topic != NULL && topic->state == TOPIC_READY ? topic : NULL;
}

struct topic *topics_find_id(const struct topics *topics, const struct uuid *id)
{
    struct topic *topic = map_get(&topics->by_id, id_key(id));
    return topic != NULL && topic->state == TOPIC_READY ? topic : NULL;
}

struct partition *topic_partition(const struct topic *topic, int32_t index)
{
    if (index < 0 || index >= topic->partition_count || topic->partitions[index]->log == NULL) {
        return NULL;
    }
    return topic->partitions[index];
}

struct partition *topics_partition(const struct topics *topics, struct slice name, int32_t index)
{
    struct topic *topic = topics_find(topics, name);
    return topic == NULL ? NULL : topic_partition(topic, index);
}

struct topic *topics_next(const struct topics *topics, size_t *position)
{
    struct map_entry *entry;
    while ((entry = map_next(&topics->by_name, position)) != NULL) {
        struct topic *topic = entry->value;
        if (topic->state == TOPIC_READY) {
            return topic;
        }
    }
    return NULL;
}

size_t topics_count(const struct topics *topics)
{
    return topics->by_name.size;
}

const struct partition_log_config *topics_log_defaults(const struct topics *topics)
{
    return &topics->config.log;
}
