#include "broker/topics_admin.h"

#include "broker/broker_internal.h"
#include "broker/configs.h"

#include <stdio.h>

/* All three work on several topics at once and answer when the last is done. */
struct admin_call {
    struct request *request;
    int32_t pending; /* changes, and one for the handler itself */
};

static struct admin_call *call_new(struct request *request)
{
    struct admin_call *call = REQUEST_NEW(request, struct admin_call);
    *call = (struct admin_call){.request = request, .pending = 1};
    return call;
}

static void answer_when_ready(struct admin_call *call)
{
    if (--call->pending == 0) {
        request_answer(call->request);
    }
}

/* --- CreateTopics --- */

struct create_one {
    struct admin_call *call;
    struct create_topics_response_topic *answer;
};

static void create_refuse(struct request *request,
                          struct create_topics_response_topic *answer,
                          int16_t kafka_error,
                          const char *message)
{
    answer->error_code = kafka_error;
    answer->error_message = request_text(request, message);
    answer->partition_count = -1;
    answer->replication_factor = -1;
    answer->configs_count = -1;
}

static void create_describe(struct request *request,
                            const struct topic_settings *settings,
                            int32_t partition_count,
                            struct create_topics_response_topic *answer)
{
    const struct partition_log_config *defaults = topics_log_defaults(request->broker->topics);
    int count;
    const struct topic_setting *table = topic_setting_all(&count);
    answer->partition_count = partition_count;
    answer->replication_factor = 1;
    answer->configs = REQUEST_ARRAY(request, struct create_topics_response_config, count);
    answer->configs_count = count;
    for (int i = 0; i < count; i++) {
        char room[SETTING_TEXT_BYTES];
        bool own = settings->values[i] != NULL;
        answer->configs[i] = (struct create_topics_response_config){
            .name = slice_of_string(table[i].name),
            .value = request_text(request, topic_setting_value(settings, defaults, i, room)),
            .config_source = own ? CONFIG_SOURCE_TOPIC : CONFIG_SOURCE_DEFAULT,
        };
    }
}

static void on_created(void *context, int16_t kafka_error, const char *message, struct topic *topic)
{
    struct create_one *one = context;
    struct request *request = one->call->request;
    if (kafka_error != KAFKA_NONE) {
        create_refuse(request, one->answer, kafka_error, message);
    } else {
        one->answer->topic_id = topic->id;
        create_describe(request, &topic->settings, topic->partition_count, one->answer);
    }
    answer_when_ready(one->call);
}

/* Partitions may be given one by one, with the brokers that hold them: here only this one. */
static int16_t read_assignments(const struct request *request,
                                const struct create_topics_request_topic *asked,
                                int32_t *ret_partition_count,
                                struct error *error)
{
    if (asked->partition_count != -1 || asked->replication_factor != -1) {
        (void) error_set(error, STATUS_CONFIG,
                         "with assignments, partition count and replication factor must be -1");
        return KAFKA_INVALID_REQUEST;
    }
    for (int32_t i = 0; i < asked->assignments_count; i++) {
        const struct create_topics_request_assignment *assignment = &asked->assignments[i];
        bool seen = false;
        for (int32_t j = 0; j < asked->assignments_count; j++) {
            seen |= asked->assignments[j].partition_index == i;
        }
        if (!seen || assignment->broker_ids_count != 1 ||
            assignment->broker_ids[0] != request->broker->config.node_id) {
            (void) error_set(error, STATUS_CONFIG,
                             "each partition, from 0 on, is assigned to broker %d",
                             request->broker->config.node_id);
            return KAFKA_INVALID_REPLICA_ASSIGNMENT;
        }
    }
    *ret_partition_count = asked->assignments_count;
    return KAFKA_NONE;
}

static int16_t read_wish(const struct request *request,
                         const struct create_topics_request_topic *asked,
                         struct topic_settings *settings,
                         struct topic_wish *ret_wish,
                         struct error *error)
{
    const struct broker_config *config = &request->broker->config;
    *ret_wish = (struct topic_wish){
        .name = asked->name,
        .partition_count =
            asked->partition_count == -1 ? config->partitions_default : asked->partition_count,
        .settings = settings,
    };
    if (asked->assignments_count > 0) {
        int16_t refused = read_assignments(request, asked, &ret_wish->partition_count, error);
        if (refused != KAFKA_NONE) {
            return refused;
        }
    } else if (asked->replication_factor != -1 && asked->replication_factor != 1 &&
               !(config->any_replication && asked->replication_factor > 0)) {
        (void) error_set(error, STATUS_CONFIG,
                         "the replication factor is 1 here, not %d: there is one broker",
                         asked->replication_factor);
        return KAFKA_INVALID_REPLICATION_FACTOR;
    }
    for (int32_t i = 0; i < asked->configs_count; i++) {
        int16_t refused =
            config_read(settings, asked->configs[i].name, asked->configs[i].value, error);
        if (refused != KAFKA_NONE) {
            return refused;
        }
    }
    return topics_check(request->broker->topics, ret_wish, error);
}

static bool named_twice(const struct create_topics_request *body, struct slice name)
{
    int times = 0;
    for (int32_t i = 0; i < body->topics_count; i++) {
        times += slice_equal(body->topics[i].name, name);
    }
    return times > 1;
}

static void create_topic(struct admin_call *call,
                         const struct create_topics_request_topic *asked,
                         struct create_topics_response_topic *answer)
{
    struct request *request = call->request;
    const struct create_topics_request *body = request->body;
    struct topic_settings settings = {0};
    struct topic_wish wish;
    struct error error = {0};
    answer->name = asked->name;
    if (named_twice(body, asked->name)) {
        create_refuse(request, answer, KAFKA_INVALID_REQUEST,
                      "the request names this topic more than once");
        return;
    }
    int16_t refused = read_wish(request, asked, &settings, &wish, &error);
    if (refused != KAFKA_NONE) {
        create_refuse(request, answer, refused, error.message);
    } else if (body->validate_only) {
        create_describe(request, &settings, wish.partition_count, answer);
    } else {
        struct create_one *one = REQUEST_NEW(request, struct create_one);
        *one = (struct create_one){call, answer};
        call->pending++;
        topics_create(request->broker->topics, &wish, on_created, one);
    }
    topic_settings_deinit(&settings);
}

void create_topics_handle(struct request *request)
{
    const struct create_topics_request *body = request->body;
    struct create_topics_response *response = request->response;
    struct admin_call *call = call_new(request);
    response->topics_count = body->topics_count;
    response->topics =
        REQUEST_ARRAY(request, struct create_topics_response_topic, body->topics_count);
    for (int32_t i = 0; i < body->topics_count; i++) {
        create_topic(call, &body->topics[i], &response->topics[i]);
    }
    answer_when_ready(call);
}

/* --- DeleteTopics --- */

struct delete_one {
    struct admin_call *call;
    struct delete_topics_response_topic *answer;
};

static void on_deleted(void *context, int16_t kafka_error, const char *message, struct topic *topic)
{
    (void) topic;
    struct delete_one *one = context;
    one->answer->error_code = kafka_error;
    one->answer->error_message = request_text(one->call->request, message);
    answer_when_ready(one->call);
}

static void delete_topic(struct admin_call *call,
                         struct slice name,
                         const struct uuid *id,
                         struct delete_topics_response_topic *answer)
{
    struct request *request = call->request;
    struct topics *topics = request->broker->topics;
    struct topic *topic =
        name.data != NULL ? topics_find(topics, name) : topics_find_id(topics, id);
    answer->name = name;
    answer->topic_id = *id;
    if (topic == NULL) {
        answer->error_code =
            name.data != NULL ? KAFKA_UNKNOWN_TOPIC_OR_PARTITION : KAFKA_UNKNOWN_TOPIC_ID;
        return;
    }
    answer->name = request_text(request, topic->name);
    answer->topic_id = topic->id;
    struct delete_one *one = REQUEST_NEW(request, struct delete_one);
    *one = (struct delete_one){call, answer};
    call->pending++;
    topics_delete(topics, topic, on_deleted, one);
}

void delete_topics_handle(struct request *request)
{
    static const struct uuid no_id;
    const struct delete_topics_request *body = request->body;
    struct delete_topics_response *response = request->response;
    struct admin_call *call = call_new(request);
    int32_t count = request->version >= 6 ? body->topics_count : body->topic_names_count;
    response->topics_count = count;
    response->topics = REQUEST_ARRAY(request, struct delete_topics_response_topic, count);
    for (int32_t i = 0; i < count; i++) {
        if (request->version >= 6) {
            delete_topic(call, body->topics[i].name, &body->topics[i].topic_id,
                         &response->topics[i]);
        } else {
            delete_topic(call, body->topic_names[i], &no_id, &response->topics[i]);
        }
    }
    answer_when_ready(call);
}

/* --- CreatePartitions --- */

struct grow_one {
    struct admin_call *call;
    struct create_partitions_response_topic *answer;
};

static void on_grown(void *context, int16_t kafka_error, const char *message, struct topic *topic)
{
    (void) topic;
    struct grow_one *one = context;
    one->answer->error_code = kafka_error;
    one->answer->error_message = request_text(one->call->request, message);
    answer_when_ready(one->call);
}

static int16_t check_growth(const struct request *request,
                            const struct topic *topic,
                            const struct create_partitions_request_topic *asked,
                            const char **ret_message)
{
    *ret_message = NULL;
    if (topic == NULL) {
        return KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    }
    if (asked->count <= topic->partition_count || asked->count > TOPIC_PARTITIONS_MAX) {
        *ret_message = asked->count == topic->partition_count
                           ? "the topic has so many partitions already"
                           : "the number of partitions can only grow, to at most 10000";
        return KAFKA_INVALID_PARTITIONS;
    }
    if (asked->assignments_count > 0 &&
        asked->assignments_count != asked->count - topic->partition_count) {
        *ret_message = "there is one assignment for each new partition";
        return KAFKA_INVALID_REPLICA_ASSIGNMENT;
    }
    for (int32_t i = 0; i < asked->assignments_count; i++) {
        if (asked->assignments[i].broker_ids_count != 1 ||
            asked->assignments[i].broker_ids[0] != request->broker->config.node_id) {
            *ret_message = "partitions can only be assigned to this broker";
            return KAFKA_INVALID_REPLICA_ASSIGNMENT;
        }
    }
    return KAFKA_NONE;
}

void create_partitions_handle(struct request *request)
{
    const struct create_partitions_request *body = request->body;
    struct create_partitions_response *response = request->response;
    struct admin_call *call = call_new(request);
    response->topics_count = body->topics_count;
    response->topics =
        REQUEST_ARRAY(request, struct create_partitions_response_topic, body->topics_count);
    for (int32_t i = 0; i < body->topics_count; i++) {
        const struct create_partitions_request_topic *asked = &body->topics[i];
        struct create_partitions_response_topic *answer = &response->topics[i];
        struct topic *topic = topics_find(request->broker->topics, asked->name);
        const char *message;
        answer->name = asked->name;
        answer->error_code = check_growth(request, topic, asked, &message);
        answer->error_message = slice_of_string(message);
        if (answer->error_code == KAFKA_NONE && !body->validate_only) {
            struct grow_one *one = REQUEST_NEW(request, struct grow_one);
            *one = (struct grow_one){call, answer};
            call->pending++;
            topics_grow(request->broker->topics, topic, asked->count, on_grown, one);
        }
    }
    answer_when_ready(call);
}
