#include "broker/authorized.h"
#include "broker/broker_internal.h"
#include "broker/cluster.h"

/*
 * A topic that is asked for by name and does not exist is made first, where both client and broker
 * allow it; the answer waits for that, so that the client need not ask again.
 */

struct metadata_call {
    struct request *request;
    struct wanted *wanted;
    int32_t pending; /* creations, and one for the handler itself */
};

struct wanted {
    struct metadata_call *call;
    int16_t error; /* of the creation */
};

static void fill_brokers(struct request *request, struct metadata_response *response)
{
    const struct broker *broker = request->broker;
    const struct told_address told = request_told_address(request);
    response->brokers = REQUEST_NEW(request, struct metadata_response_broker);
    response->brokers_count = 1;
    response->brokers[0] = (struct metadata_response_broker){
        .node_id = broker->config.node_id,
        .host = told.host,
        .port = told.port,
    };
    response->cluster_id = slice_of_string(broker->cluster_id);
    response->controller_id = broker->config.node_id;
    const struct metadata_request *body = request->body;
    response->cluster_authorized_operations =
        body->include_cluster_authorized_operations ? AUTHORIZED_CLUSTER : AUTHORIZED_NOT_ASKED;
}

static void fill_partition(struct request *request,
                           const struct topic *topic,
                           int32_t index,
                           struct metadata_response_partition *ret_partition)
{
    const struct partition *partition = topic_partition(topic, index);
    int32_t *node = REQUEST_NEW(request, int32_t);
    *node = request->broker->config.node_id;
    *ret_partition = (struct metadata_response_partition){
        .index = index,
        .leader_id = partition == NULL ? -1 : *node,
        .leader_epoch = -1,
        .error_code = partition == NULL ? KAFKA_LEADER_NOT_AVAILABLE : KAFKA_NONE,
        .replica_nodes = node,
        .replica_nodes_count = 1,
        .isr_nodes = node,
        .isr_nodes_count = partition == NULL ? 0 : 1,
    };
    if (partition != NULL) {
        struct log_offsets offsets;
        partition_log_offsets(partition->log, &offsets);
        ret_partition->leader_epoch = offsets.leader_epoch;
    }
}

static void fill_topic(struct request *request,
                       const struct topic *topic,
                       struct metadata_response_topic *ret_topic)
{
    const struct metadata_request *body = request->body;
    *ret_topic = (struct metadata_response_topic){
        .name = slice_of_string(topic->name),
        .topic_id = topic->id,
        .partitions =
            REQUEST_ARRAY(request, struct metadata_response_partition, topic->partition_count),
        .partitions_count = topic->partition_count,
        .authorized_operations =
            body->include_topic_authorized_operations ? AUTHORIZED_TOPIC : AUTHORIZED_NOT_ASKED,
    };
    for (int32_t i = 0; i < topic->partition_count; i++) {
        fill_partition(request, topic, i, &ret_topic->partitions[i]);
    }
}

static void fill_all(struct request *request, struct metadata_response *response)
{
    const struct topics *topics = request->broker->topics;
    response->topics = REQUEST_ARRAY(request, struct metadata_response_topic, topics_count(topics));
    struct topic *topic;
    for (size_t at = 0; (topic = topics_next(topics, &at)) != NULL;) {
        fill_topic(request, topic, &response->topics[response->topics_count++]);
    }
}

static void fill_missing(const struct metadata_request_topic *asked,
                         int16_t creation_error,
                         struct metadata_response_topic *ret_topic)
{
    *ret_topic = (struct metadata_response_topic){
        .name = asked->name,
        .topic_id = asked->topic_id,
        .authorized_operations = AUTHORIZED_NOT_ASKED,
    };
    if (asked->name.data == NULL) {
        ret_topic->error_code = KAFKA_UNKNOWN_TOPIC_ID;
    } else if (!topic_name_ok(asked->name)) {
        ret_topic->error_code = KAFKA_INVALID_TOPIC;
    } else if (creation_error == KAFKA_TOPIC_ALREADY_EXISTS) {
        ret_topic->error_code = KAFKA_LEADER_NOT_AVAILABLE; /* somebody else makes it right now */
    } else {
        ret_topic->error_code =
            creation_error == KAFKA_NONE ? KAFKA_UNKNOWN_TOPIC_OR_PARTITION : creation_error;
    }
}

static struct topic *find_asked(struct request *request, const struct metadata_request_topic *asked)
{
    const struct topics *topics = request->broker->topics;
    return asked->name.data != NULL ? topics_find(topics, asked->name)
                                    : topics_find_id(topics, &asked->topic_id);
}

static void answer_when_ready(struct metadata_call *call)
{
    if (--call->pending > 0) {
        return;
    }
    struct request *request = call->request;
    const struct metadata_request *body = request->body;
    struct metadata_response *response = request->response;
    fill_brokers(request, response);
    response->topics = REQUEST_ARRAY(request, struct metadata_response_topic, body->topics_count);
    response->topics_count = body->topics_count;
    for (int32_t i = 0; i < body->topics_count; i++) {
        const struct metadata_request_topic *asked = &body->topics[i];
        const struct topic *topic = find_asked(request, asked);
        if (topic != NULL) {
            fill_topic(request, topic, &response->topics[i]);
        } else {
            fill_missing(asked, call->wanted[i].error, &response->topics[i]);
        }
    }
    request_answer(request);
}

static void on_created(void *context, int16_t kafka_error, const char *message, struct topic *topic)
{
    (void) message;
    (void) topic;
    struct wanted *wanted = context;
    wanted->error = kafka_error;
    answer_when_ready(wanted->call);
}

static void create_missing(struct metadata_call *call)
{
    struct request *request = call->request;
    const struct metadata_request *body = request->body;
    const struct broker *broker = request->broker;
    if (!body->allow_auto_topic_creation || !broker->config.auto_create || broker->stopping) {
        return;
    }
    static const struct topic_settings no_settings;
    for (int32_t i = 0; i < body->topics_count; i++) {
        const struct metadata_request_topic *asked = &body->topics[i];
        if (asked->name.data == NULL || find_asked(request, asked) != NULL) {
            continue;
        }
        struct topic_wish wish = {asked->name, broker->config.partitions_default, &no_settings};
        call->pending++;
        topics_create(broker->topics, &wish, on_created, &call->wanted[i]);
    }
}

void metadata_handle(struct request *request)
{
    const struct metadata_request *body = request->body;
    struct metadata_response *response = request->response;
    bool all = body->topics_count == -1 || (request->version == 0 && body->topics_count == 0);
    if (all) {
        fill_brokers(request, response);
        fill_all(request, response);
        request_answer(request);
        return;
    }
    struct metadata_call *call = REQUEST_NEW(request, struct metadata_call);
    *call = (struct metadata_call){
        .request = request,
        .wanted = REQUEST_ARRAY(request, struct wanted, body->topics_count),
        .pending = 1,
    };
    for (int32_t i = 0; i < body->topics_count; i++) {
        call->wanted[i].call = call;
    }
    create_missing(call);
    answer_when_ready(call);
}
