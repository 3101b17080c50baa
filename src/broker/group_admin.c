#include "broker/group_offsets.h"

#include "base/logline.h"
#include "base/memory.h"
#include "base/time_text.h"
#include "broker/authorized.h"
#include "broker/broker_internal.h"
#include "io/clock.h"

#include <strings.h>

/* Looking at groups and removing them. */

/* --- DescribeGroups --- */

static void describe_member(struct request *request,
                            const struct member *member,
                            struct describe_groups_response_member *ret_member)
{
    const struct group *group = member->group;
    bool settled = group->state == GROUP_STABLE;
    *ret_member = (struct describe_groups_response_member){
        .member_id = slice_of_string(member->id),
        .group_instance_id = slice_of_string(member->instance_id),
        .client_id = slice_of_string(member->client_id),
        .client_host = slice_of_string(member->client_host),
        .member_metadata = settled ? member_metadata(member, group->protocol_name) : SLICE(""),
        .member_assignment = settled ? member->assignment : SLICE(""),
    };
    (void) request;
}

static void describe_one(struct request *request,
                         struct slice id,
                         struct describe_groups_response_group *ret_group)
{
    const struct describe_groups_request *body = request->body;
    const struct group *group = groups_find(request->broker->groups, id);
    *ret_group = (struct describe_groups_response_group){
        .group_id = id,
        .group_state = SLICE("Dead"),
        .authorized_operations =
            body->include_authorized_operations ? AUTHORIZED_GROUP : AUTHORIZED_NOT_ASKED,
    };
    if (group == NULL) {
        return;
    }
    ret_group->group_state = slice_of_string(group_state_name(group));
    ret_group->protocol_type = slice_of_string(group->protocol_type);
    if (group->state == GROUP_STABLE) {
        ret_group->protocol_data = slice_of_string(group->protocol_name);
    }
    ret_group->members =
        REQUEST_ARRAY(request, struct describe_groups_response_member, group->members.size);
    const struct member *member;
    for (size_t at = 0; (member = group_next_member(group, &at)) != NULL;) {
        describe_member(request, member, &ret_group->members[ret_group->members_count++]);
    }
}

void describe_groups_handle(struct request *request)
{
    const struct describe_groups_request *body = request->body;
    struct describe_groups_response *response = request->response;
    response->groups_count = body->groups_count;
    response->groups =
        REQUEST_ARRAY(request, struct describe_groups_response_group, body->groups_count);
    for (int32_t i = 0; i < body->groups_count; i++) {
        describe_one(request, body->groups[i], &response->groups[i]);
    }
    request_answer(request);
}

/* --- ListGroups --- */

static bool matches(const struct slice *filters, int32_t count, const char *word)
{
    for (int32_t i = 0; i < count; i++) {
        if (filters[i].size == strlen(word) &&
            strncasecmp((const char *) filters[i].data, word, filters[i].size) == 0) {
            return true;
        }
    }
    return count == 0;
}

void list_groups_handle(struct request *request)
{
    const struct list_groups_request *body = request->body;
    struct list_groups_response *response = request->response;
    const struct groups *groups = request->broker->groups;
    response->groups =
        REQUEST_ARRAY(request, struct list_groups_response_group, groups->by_id.size);
    const struct group *group;
    for (size_t at = 0; (group = groups_next(groups, &at)) != NULL;) {
        const char *state = group_state_name(group);
        if (!matches(body->states_filter, body->states_filter_count, state) ||
            !matches(body->types_filter, body->types_filter_count, "classic")) {
            continue;
        }
        response->groups[response->groups_count++] = (struct list_groups_response_group){
            .group_id = slice_of_string(group->id),
            .protocol_type = slice_of_string(group->protocol_type),
            .group_state = slice_of_string(state),
            .group_type = SLICE("classic"),
        };
    }
    request_answer(request);
}

/* --- DeleteGroups --- */

struct delete_call {
    struct request *request;
    int32_t pending;
};

struct delete_one {
    struct delete_call *call;
    struct delete_groups_response_result *result;
};

static void answer_when_ready(struct delete_call *call)
{
    if (--call->pending == 0) {
        request_answer(call->request);
    }
}

static void on_deleted(void *context, enum status status, const struct error *error)
{
    struct delete_one *one = context;
    struct group *group = groups_find(one->call->request->broker->groups, one->result->group_id);
    if (status != STATUS_OK) {
        logline_error(LOG_ERROR, "broker", error);
        one->result->error_code = KAFKA_COORDINATOR_NOT_AVAILABLE;
        if (group != NULL) {
            group->deleting = false;
        }
    } else if (group != NULL) {
        groups_remove(group);
    }
    answer_when_ready(one->call);
}

void delete_groups_handle(struct request *request)
{
    const struct delete_groups_request *body = request->body;
    struct delete_groups_response *response = request->response;
    struct delete_call *call = REQUEST_NEW(request, struct delete_call);
    *call = (struct delete_call){.request = request, .pending = 1};
    response->results_count = body->group_ids_count;
    response->results =
        REQUEST_ARRAY(request, struct delete_groups_response_result, body->group_ids_count);
    for (int32_t i = 0; i < body->group_ids_count; i++) {
        struct delete_groups_response_result *result = &response->results[i];
        result->group_id = body->group_ids[i];
        struct group *group = groups_find(request->broker->groups, result->group_id);
        if (group == NULL || group->deleting) {
            result->error_code = KAFKA_GROUP_ID_NOT_FOUND;
            continue;
        }
        if (group->state != GROUP_EMPTY) {
            result->error_code = KAFKA_NON_EMPTY_GROUP;
            continue;
        }
        struct delete_one *one = REQUEST_NEW(request, struct delete_one);
        *one = (struct delete_one){call, result};
        struct group_deleted_record record = {.group_id = result->group_id};
        group->deleting = true;
        call->pending++;
        state_append(request->broker->state, &group_deleted_message, &record, on_deleted, one);
    }
    answer_when_ready(call);
}

/* --- expiry --- */

static int64_t newest_commit_us(const struct group *group)
{
    int64_t newest = group->changed_at_us;
    struct map_entry *entry;
    for (size_t at = 0; (entry = map_next(&group->offsets, &at)) != NULL;) {
        const struct committed *committed = entry->value;
        newest = committed->committed_at_us > newest ? committed->committed_at_us : newest;
    }
    return newest;
}

void groups_expire(struct groups *groups)
{
    int64_t before_us = clock_now_us() - groups->config.offsets_retention_us;
    struct group *group;
    for (size_t at = 0; (group = groups_next(groups, &at)) != NULL;) {
        if (group->state != GROUP_EMPTY || group->pending.size > 0 || group->deleting ||
            newest_commit_us(group) > before_us) {
            continue;
        }
        struct group_deleted_record record = {.group_id = slice_of_string(group->id)};
        state_append(groups->state, &group_deleted_message, &record, NULL, NULL);
        groups_remove(group);
    }
}
