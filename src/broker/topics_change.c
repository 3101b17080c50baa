#include "broker/topics_internal.h"

#include "base/assert.h"
#include "base/logline.h"
#include "base/memory.h"
#include "io/clock.h"

#include <ctype.h>

/* A change under way: what to do once its entry is durable. */
struct change {
    struct topics *topics;
    struct topic *topic;
    int32_t partition_count;        /* growing     */
    struct topic_settings settings; /* configuring */
    topics_done done;
    void *context;
};

bool topic_name_ok(struct slice name)
{
    if (name.size == 0 || name.size > TOPIC_NAME_BYTES_MAX || slice_equal_string(name, ".") ||
        slice_equal_string(name, "..")) {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        uint8_t byte = name.data[i];
        if (!isalnum(byte) && byte != '.' && byte != '_' && byte != '-') {
            return false;
        }
    }
    return true;
}

static int16_t refuse(struct error *error, int16_t kafka_error, const char *format, ...)
    PRINTF(3, 4);

static int16_t refuse(struct error *error, int16_t kafka_error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void) error_set_va(error, STATUS_CONFIG, format, arguments);
    va_end(arguments);
    return kafka_error;
}

int16_t
topics_check(const struct topics *topics, const struct topic_wish *wish, struct error *error)
{
    if (!topic_name_ok(wish->name)) {
        return refuse(error, KAFKA_INVALID_TOPIC,
                      "\"%.*s\" cannot be a topic's name: it has 1 to %d letters, digits, \".\", "
                      "\"_\" or \"-\"",
                      SLICE_FORMAT(wish->name), TOPIC_NAME_BYTES_MAX);
    }
    if (map_has(&topics->by_name, wish->name)) {
        return refuse(error, KAFKA_TOPIC_ALREADY_EXISTS, "topic \"%.*s\" exists already",
                      SLICE_FORMAT(wish->name));
    }
    if (wish->partition_count < 1 || wish->partition_count > TOPIC_PARTITIONS_MAX) {
        return refuse(error, KAFKA_INVALID_PARTITIONS, "a topic has 1 to %d partitions, not %d",
                      TOPIC_PARTITIONS_MAX, wish->partition_count);
    }
    return KAFKA_NONE;
}

static struct change *
change_new(struct topics *topics, struct topic *topic, topics_done done, void *context)
{
    struct change *change = mem_zalloc(sizeof(*change));
    change->topics = topics;
    change->topic = topic;
    change->done = done;
    change->context = context;
    topic->changing = true;
    return change;
}

static void
change_end(struct change *change, int16_t kafka_error, const char *message, struct topic *topic)
{
    change->done(change->context, kafka_error, message, topic);
    topic_settings_deinit(&change->settings);
    mem_free(change);
}

static int16_t storage_error(const char *what, const struct topic *topic, const struct error *error)
{
    struct error logged = error == NULL ? (struct error){0} : *error;
    error_context(&logged, "could not %s topic \"%s\"", what, topic->name);
    logline_error(LOG_ERROR, "broker", &logged);
    return KAFKA_STORAGE_ERROR;
}

static void append_record(struct change *change,
                          int32_t partition_count,
                          const struct topic_settings *settings,
                          state_done done)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct topic_record record;
    topic_record_fill(change->topic, partition_count, settings, &arena, &record);
    state_append(change->topics->state, &topic_message, &record, done, change);
    arena_deinit(&arena);
}

/* --- create --- */

/* The entry is durable but the logs cannot be made: the entry is taken back. */
static void give_up_creating(struct change *change, struct error *error)
{
    struct topic *topic = change->topic;
    int16_t kafka_error = storage_error("create", topic, error);
    struct topic_deleted_record gone = {.name = slice_of_string(topic->name)};
    state_append(change->topics->state, &topic_deleted_message, &gone, NULL, NULL);
    enum status status = topic_remove_logs(change->topics, topic, NULL); /* best effort */
    (void) status;
    char message[ERROR_MESSAGE_BYTES];
    memcpy(message, error->message, sizeof(message));
    topics_drop(change->topics, topic);
    change_end(change, kafka_error, message, NULL);
}

static void on_created(void *context, enum status status, const struct error *error)
{
    struct change *change = context;
    struct topic *topic = change->topic;
    if (status != STATUS_OK) {
        int16_t kafka_error = storage_error("create", topic, error);
        topics_drop(change->topics, topic);
        change_end(change, kafka_error, error->message, NULL);
        return;
    }
    struct error failure = {0};
    if (topic_open_logs(change->topics, topic, 0, &failure) != STATUS_OK) {
        give_up_creating(change, &failure);
        return;
    }
    topic->state = TOPIC_READY;
    topic->changing = false;
    logline(LOG_INFO, "broker", "topic created", LOG_STRING("topic", topic->name),
            LOG_INT("partitions", topic->partition_count));
    change_end(change, KAFKA_NONE, NULL, topic);
}

void topics_create(struct topics *topics,
                   const struct topic_wish *wish,
                   topics_done done,
                   void *context)
{
    struct error error = {0};
    int16_t refused = topics_check(topics, wish, &error);
    if (refused != KAFKA_NONE) {
        done(context, refused, error.message, NULL);
        return;
    }
    struct uuid id;
    do {
        random_bytes(id.bytes, sizeof(id.bytes));
        id.bytes[6] = (uint8_t) ((id.bytes[6] & 0x0f) | 0x40); /* RFC 9562, version 4 */
        id.bytes[8] = (uint8_t) ((id.bytes[8] & 0x3f) | 0x80);
    } while (map_has(&topics->by_id, slice_of(id.bytes, sizeof(id.bytes))));
    struct topic *topic = topics_add(topics, wish->name, &id);
    topic->state = TOPIC_CREATING;
    topic_set_partition_count(topic, wish->partition_count);
    topic_settings_copy(&topic->settings, wish->settings);
    struct change *change = change_new(topics, topic, done, context);
    append_record(change, topic->partition_count, &topic->settings, on_created);
}

/* --- delete --- */

static void on_deleted(void *context, enum status status, const struct error *error)
{
    struct change *change = context;
    struct topics *topics = change->topics;
    struct topic *topic = change->topic;
    if (status != STATUS_OK) {
        topic->state = TOPIC_READY;
        topic->changing = false;
        change_end(change, storage_error("delete", topic, error), error->message, topic);
        return;
    }
    if (topics->on_delete != NULL) {
        topics->on_delete(topics->on_delete_context, topic);
    }
    struct error failure = {0};
    if (topic_remove_logs(topics, topic, &failure) != STATUS_OK) {
        (void) storage_error("remove the files of", topic, &failure); /* the next start does */
    }
    logline(LOG_INFO, "broker", "topic deleted", LOG_STRING("topic", topic->name));
    topics_drop(topics, topic);
    change_end(change, KAFKA_NONE, NULL, NULL);
}

void topics_delete(struct topics *topics, struct topic *topic, topics_done done, void *context)
{
    if (topic->changing) {
        done(context, KAFKA_REQUEST_TIMED_OUT, "the topic is being changed", topic);
        return;
    }
    topic->state = TOPIC_DELETING;
    struct change *change = change_new(topics, topic, done, context);
    struct topic_deleted_record gone = {.name = slice_of_string(topic->name)};
    state_append(topics->state, &topic_deleted_message, &gone, on_deleted, change);
}

/* --- grow, configure --- */

static void on_grown(void *context, enum status status, const struct error *error)
{
    struct change *change = context;
    struct topic *topic = change->topic;
    topic->changing = false;
    if (status != STATUS_OK) {
        change_end(change, storage_error("grow", topic, error), error->message, topic);
        return;
    }
    int32_t before = topic->partition_count;
    topic_set_partition_count(topic, change->partition_count);
    struct error failure = {0};
    if (topic_open_logs(change->topics, topic, before, &failure) != STATUS_OK) {
        /* Partitions without a log answer KAFKA_STORAGE_ERROR until the next start makes them. */
        change_end(change, storage_error("grow", topic, &failure), failure.message, topic);
        return;
    }
    change_end(change, KAFKA_NONE, NULL, topic);
}

void topics_grow(struct topics *topics,
                 struct topic *topic,
                 int32_t partition_count,
                 topics_done done,
                 void *context)
{
    ASSERT(partition_count > topic->partition_count);
    if (topic->changing) {
        done(context, KAFKA_REQUEST_TIMED_OUT, "the topic is being changed", topic);
        return;
    }
    struct change *change = change_new(topics, topic, done, context);
    change->partition_count = partition_count;
    append_record(change, partition_count, &topic->settings, on_grown);
}

static void on_configured(void *context, enum status status, const struct error *error)
{
    struct change *change = context;
    struct topic *topic = change->topic;
    topic->changing = false;
    if (status != STATUS_OK) {
        change_end(change, storage_error("configure", topic, error), error->message, topic);
        return;
    }
    topic_settings_copy(&topic->settings, &change->settings);
    struct partition_log_config config;
    topic_settings_apply(&topic->settings, &change->topics->config.log, &config);
    for (int32_t i = 0; i < topic->partition_count; i++) {
        if (topic->partitions[i]->log != NULL) {
            partition_log_configure(topic->partitions[i]->log, &config);
        }
    }
    change_end(change, KAFKA_NONE, NULL, topic);
}

void topics_configure(struct topics *topics,
                      struct topic *topic,
                      const struct topic_settings *settings,
                      topics_done done,
                      void *context)
{
    if (topic->changing) {
        done(context, KAFKA_REQUEST_TIMED_OUT, "the topic is being changed", topic);
        return;
    }
    struct change *change = change_new(topics, topic, done, context);
    topic_settings_copy(&change->settings, settings);
    append_record(change, topic->partition_count, settings, on_configured);
}
