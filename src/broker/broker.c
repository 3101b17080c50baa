#include "broker/broker_internal.h"

#include "base/assert.h"
#include "base/logline.h"
#include "base/memory.h"
#include "base/time_text.h"
#include "broker/fetch.h"
#include "broker/fetch_session.h"
#include "broker/groups.h"
#include "broker/producer_ids.h"
#include "io/clock.h"
#include "io/file.h"

#define MIB ((int64_t) 1 << 20)

void broker_config_init(struct broker_config *config)
{
    *config = (struct broker_config){
        .host = "127.0.0.1",
        .listen_fd = -1,
        .node_id = 1,
        .partitions_default = 1,
        .auto_create = true,
        .flush_policy = FLUSH_ALWAYS,
        .flush_interval_us = US_PER_SECOND,
        .offsets_retention_us = 7 * US_PER_DAY,
        .message_bytes_max = MIB + 12, /* as Kafka: 1 MiB of records and the batch's own start */
        .segment_bytes = 1024 * MIB,
        .retention_us = 7 * US_PER_DAY,
        .retention_bytes = 1024 * MIB,
        .retention_check_us = 5 * US_PER_MINUTE,
        .connections_max = 1000,
        .connection_idle_us = 10 * US_PER_MINUTE,
        .request_bytes_max = (size_t) (100 * MIB),
        .memory_bytes_max = (size_t) (256 * MIB),
        .fetch_bytes_max = (size_t) (8 * MIB),
        .fetch_sessions_max = 1000,
    };
}

/* --- the journal's owner --- */

static enum status
replay(void *context, const struct wire_message *kind, const void *body, struct error *error)
{
    struct broker *broker = context;
    switch (kind->key) {
    case RECORD_CLUSTER: {
        const struct cluster_record *record = body;
        if (record->cluster_id.size >= CLUSTER_ID_BYTES) {
            return error_set(error, STATUS_CORRUPT, "the cluster id is too long");
        }
        memcpy(broker->cluster_id, record->cluster_id.data, record->cluster_id.size);
        broker->cluster_id[record->cluster_id.size] = '\0';
        break;
    }
    case RECORD_TOPIC:
        topics_replay(broker->topics, body);
        break;
    case RECORD_TOPIC_DELETED:
        groups_drop_topic(broker->groups, ((const struct topic_deleted_record *) body)->name);
        topics_replay_deleted(broker->topics, body);
        break;
    case RECORD_PRODUCER_IDS:
        producer_ids_replay(broker->producer_ids, body);
        break;
    case RECORD_GROUP:
        groups_replay(broker->groups, body);
        break;
    case RECORD_GROUP_DELETED:
        groups_replay_deleted(broker->groups, body);
        break;
    case RECORD_OFFSETS:
        groups_replay_offsets(broker->groups, body);
        break;
    case RECORD_OFFSETS_DELETED:
        groups_replay_offsets_deleted(broker->groups, body);
        break;
    }
    return STATUS_OK;
}

static enum status snapshot(void *context, struct journal_writer *writer, struct error *error)
{
    struct broker *broker = context;
    struct cluster_record cluster = {.cluster_id = slice_of_string(broker->cluster_id)};
    TRY(state_write(writer, &cluster_message, &cluster, error));
    TRY(producer_ids_snapshot(broker->producer_ids, writer, error));
    TRY(topics_snapshot(broker->topics, writer, error));
    return groups_snapshot(broker->groups, writer, error);
}

/* 16 random bytes in URL-safe base64 without padding, as Kafka's cluster ids are. */
static void make_cluster_id(struct broker *broker)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t bytes[18] = {0};
    random_bytes(bytes, 16);
    for (int i = 0; i < 22; i++) {
        int bit = i * 6;
        unsigned pair = (unsigned) bytes[bit / 8] << 8 | bytes[bit / 8 + 1];
        broker->cluster_id[i] = digits[pair >> (10 - bit % 8) & 0x3f];
    }
    broker->cluster_id[22] = '\0';
    struct cluster_record record = {.cluster_id = slice_of_string(broker->cluster_id)};
    state_append(broker->state, &cluster_message, &record, NULL, NULL);
}

/* --- opening --- */

static void on_topic_delete(void *context, struct topic *topic)
{
    struct broker *broker = context;
    groups_drop_topic(broker->groups, slice_of_string(topic->name));
    for (int32_t i = 0; i < topic->partition_count; i++) {
        fetch_wake_all(topic->partitions[i]);
    }
}

static void on_retention(struct deadline *deadline)
{
    struct broker *broker = CONTAINER_OF(deadline, struct broker, retention);
    const struct topic *topic;
    for (size_t at = 0; (topic = topics_next(broker->topics, &at)) != NULL;) {
        for (int32_t i = 0; i < topic->partition_count; i++) {
            struct partition *partition = topic_partition(topic, i);
            int64_t removed;
            struct error error = {0};
            if (partition != NULL &&
                partition_log_retain(partition->log, &removed, &error) != STATUS_OK) {
                error_context(&error, "topic \"%s\" partition %d", topic->name, i);
                logline_error(LOG_WARN, "broker", &error);
            }
        }
    }
    groups_expire(broker->groups);
    deadline_set(&broker->loop.deadlines, deadline,
                 clock_monotonic_us() + broker->config.retention_check_us);
}

static void make_parts(struct broker *broker)
{
    const struct broker_config *config = &broker->config;
    struct topics_config topics = {.directory = config->directory, .flusher = broker->flusher};
    partition_log_config_init(&topics.log);
    topics.log.segment_bytes = config->segment_bytes;
    topics.log.retention_us = config->retention_us;
    topics.log.retention_bytes = config->retention_bytes;
    topics.log.message_bytes_max = config->message_bytes_max;
    broker->topics = topics_new(&topics);
    struct groups_config groups = {
        .initial_rebalance_delay_us = config->group_initial_rebalance_delay_us,
        .offsets_retention_us = config->offsets_retention_us,
    };
    broker->groups = groups_new(&broker->loop, &groups);
    broker->producer_ids = producer_ids_new();
    broker->sessions = fetch_sessions_new(config->fetch_sessions_max);
    topics_on_delete(broker->topics, on_topic_delete, broker);
    broker->retention.expire = on_retention;
}

static enum status recover(struct broker *broker, struct error *error)
{
    CLEANUP(mem_free_pointer)
    char *path = mem_printf("%s/meta.journal", broker->config.directory);
    struct state_owner owner = {replay, snapshot, broker};
    TRY(state_open(path, broker->flusher, &broker->loop, &owner, &broker->state, error));
    topics_use_state(broker->topics, broker->state);
    groups_use_state(broker->groups, broker->state);
    producer_ids_use_state(broker->producer_ids, broker->state);
    if (broker->cluster_id[0] == '\0') {
        make_cluster_id(broker);
    }
    TRY(topics_open_logs(broker->topics, error));
    groups_start(broker->groups);
    return STATUS_OK;
}

static bool is_any_address(const char *host)
{
    return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

/* What is told to clients defaults to what was bound. */
static void learn_address(struct broker *broker)
{
    struct broker_config *config = &broker->config;
    char host[64];
    int port;
    server_address(&broker->server, host, &port);
    const char *reachable = !is_any_address(host)       ? host
                            : strchr(host, ':') != NULL ? "::1"
                                                        : "127.0.0.1";
    bool v6 = strchr(reachable, ':') != NULL;
    broker->address = mem_printf(v6 ? "[%s]:%d" : "%s:%d", reachable, port);
    broker->near_host = mem_strdup(reachable);
    broker->near_port = port;
    if (config->advertised_host == NULL) {
        config->advertised_host = mem_strdup(reachable);
    }
    if (config->advertised_port == 0) {
        config->advertised_port = port;
    }
}

static enum status start(struct broker *broker, struct error *error)
{
    const struct broker_config *config = &broker->config;
    struct server_config server = {
        .connections_max = config->connections_max,
        .request_bytes_max = config->request_bytes_max,
        .memory_bytes_max = config->memory_bytes_max,
        .idle_us = config->connection_idle_us,
    };
    TRY(server_open(&broker->server, broker, &broker->loop, &server, config->host, config->port,
                    config->listen_fd, error));
    broker->server_ready = true;
    learn_address(broker);
    deadline_set(&broker->loop.deadlines, &broker->retention,
                 clock_monotonic_us() + config->retention_check_us);
    return loop_start(&broker->loop, error);
}

static void copy_config(struct broker *broker, const struct broker_config *config)
{
    broker->config = *config;
    broker->config.directory = mem_strdup(config->directory);
    broker->config.host = mem_strdup(config->host);
    broker->config.advertised_host = mem_strdup(config->advertised_host);
}

enum status
broker_open(const struct broker_config *config, struct broker **ret_broker, struct error *error)
{
    struct broker *broker = mem_zalloc(sizeof(*broker));
    copy_config(broker, config);
    enum status status = directory_make(config->directory, error);
    if (status == STATUS_OK) {
        status =
            flusher_new(config->flush_policy, config->flush_interval_us, &broker->flusher, error);
    }
    if (status == STATUS_OK) {
        status = loop_init(&broker->loop, error);
        broker->loop_ready = status == STATUS_OK;
    }
    if (status == STATUS_OK) {
        make_parts(broker);
        status = recover(broker, error);
    }
    if (status == STATUS_OK) {
        status = start(broker, error);
    }
    if (status != STATUS_OK) {
        error_context(error, "broker in \"%s\"", config->directory);
        broker_free(broker);
        return status;
    }
    *ret_broker = broker;
    return STATUS_OK;
}

const char *broker_address(const struct broker *broker)
{
    return broker->address;
}

/* --- stopping --- */

static void drain_here(void *context)
{
    struct broker *broker = context;
    broker->stopping = true;
    deadline_clear(&broker->loop.deadlines, &broker->retention);
    server_drain(&broker->server);
}

static void check_empty_here(void *context)
{
    struct {
        struct broker *broker;
        bool empty;
    } *check = context;

    check->empty = server_empty(&check->broker->server);
}

static void close_server_here(void *context)
{
    server_close(&((struct broker *) context)->server);
}

/* Connections close as their requests end; whoever takes too long is cut off. */
static void drain(struct broker *broker, int64_t timeout_us)
{
    struct {
        struct broker *broker;
        bool empty;
    } check = {broker, false};

    int64_t until_us = clock_monotonic_us() + timeout_us;
    loop_call(&broker->loop, drain_here, broker);
    for (;;) {
        loop_call(&broker->loop, check_empty_here, &check);
        if (check.empty || clock_monotonic_us() >= until_us) {
            break;
        }
        clock_sleep_us(US_PER_MS);
    }
    loop_call(&broker->loop, close_server_here, broker);
}

/* Closing the stores runs the callbacks of what still waits for the disk; they go to the mailbox,
 * which is emptied with the loop. */
static enum status close_stores(struct broker *broker, struct error *error)
{
    enum status first = STATUS_OK;
    if (broker->topics != NULL) {
        first = topics_close_logs(broker->topics, error);
    }
    if (broker->state != NULL) {
        enum status status = state_close(broker->state, first == STATUS_OK ? error : NULL);
        first = first == STATUS_OK ? status : first;
    }
    return first;
}

enum status broker_stop(struct broker *broker, int64_t timeout_us, struct error *error)
{
    if (broker->stopped) {
        return STATUS_OK;
    }
    broker->stopped = true;
    if (broker->loop.running) {
        drain(broker, timeout_us);
        loop_stop(&broker->loop);
    }
    broker->stopping = true;
    if (broker->server_ready) {
        server_close(&broker->server);
    }
    enum status status = close_stores(broker, error);
    if (broker->loop_ready) {
        loop_deinit(&broker->loop);
    }
    return status;
}

void broker_free(struct broker *broker)
{
    if (broker == NULL) {
        return;
    }
    struct error error = {0};
    if (broker_stop(broker, 0, &error) != STATUS_OK) {
        error_context(&error, "could not close the broker cleanly");
        logline_error(LOG_ERROR, "broker", &error);
    }
    if (broker->state != NULL) {
        state_free(broker->state);
    }
    if (broker->groups != NULL) {
        groups_free(broker->groups);
        producer_ids_free(broker->producer_ids);
        fetch_sessions_free(broker->sessions);
        topics_free(broker->topics);
    }
    if (broker->flusher != NULL) {
        flusher_free(broker->flusher);
    }
    mem_free((void *) (uintptr_t) broker->config.directory);
    mem_free((void *) (uintptr_t) broker->config.host);
    mem_free((void *) (uintptr_t) broker->config.advertised_host);
    mem_free(broker->near_host);
    mem_free(broker->address);
    mem_free(broker);
}
