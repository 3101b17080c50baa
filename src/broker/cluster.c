#include "broker/cluster.h"

#include "broker/authorized.h"
#include "broker/broker_internal.h"

#define KEY_TYPE_GROUP       0
#define KEY_TYPE_TRANSACTION 1

#define NO_TRANSACTIONS "transactions are not served by this broker"

void describe_cluster_handle(struct request *request)
{
    const struct describe_cluster_request *body = request->body;
    struct describe_cluster_response *response = request->response;
    const struct broker *broker = request->broker;
    const struct told_address told = request_told_address(request);
    response->cluster_id = slice_of_string(broker->cluster_id);
    response->controller_id = broker->config.node_id;
    response->endpoint_type = body->endpoint_type;
    response->cluster_authorized_operations =
        body->include_cluster_authorized_operations ? AUTHORIZED_CLUSTER : AUTHORIZED_NOT_ASKED;
    response->brokers = REQUEST_NEW(request, struct describe_cluster_response_broker);
    response->brokers_count = 1;
    response->brokers[0] = (struct describe_cluster_response_broker){
        .broker_id = broker->config.node_id,
        .host = told.host,
        .port = told.port,
    };
    request_answer(request);
}

static void find_one(const struct request *request,
                     struct slice key,
                     int8_t key_type,
                     struct find_coordinator_response_coordinator *ret_found)
{
    const struct broker_config *config = &request->broker->config;
    *ret_found =
        (struct find_coordinator_response_coordinator){.key = key, .node_id = -1, .port = -1};
    if (key_type == KEY_TYPE_TRANSACTION) {
        /* The one error that makes clients give up at once instead of asking again and again. */
        ret_found->error_code = KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
        ret_found->error_message = SLICE(NO_TRANSACTIONS);
    } else if (key_type != KEY_TYPE_GROUP) {
        ret_found->error_code = KAFKA_INVALID_REQUEST;
        ret_found->error_message = SLICE("the key type is unknown");
    } else {
        ret_found->node_id = config->node_id;
        const struct told_address told = request_told_address(request);
        ret_found->host = told.host;
        ret_found->port = told.port;
    }
}

void find_coordinator_handle(struct request *request)
{
    const struct find_coordinator_request *body = request->body;
    struct find_coordinator_response *response = request->response;
    if (request->version >= 4) {
        int32_t count = body->coordinator_keys_count;
        response->coordinators =
            REQUEST_ARRAY(request, struct find_coordinator_response_coordinator, count);
        response->coordinators_count = count;
        for (int32_t i = 0; i < count; i++) {
            find_one(request, body->coordinator_keys[i], body->key_type,
                     &response->coordinators[i]);
        }
    } else {
        struct find_coordinator_response_coordinator found;
        find_one(request, body->key, body->key_type, &found);
        response->error_code = found.error_code;
        response->error_message = found.error_message;
        response->node_id = found.node_id;
        response->host = found.host;
        response->port = found.port;
    }
    request_answer(request);
}
