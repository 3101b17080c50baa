#include "broker/group_internal.h"

#include "base/logline.h"
#include "base/memory.h"
#include "broker/broker_internal.h"

/* SyncGroup, Heartbeat and LeaveGroup: what members do between two joins. */

/* --- SyncGroup --- */

void sync_answer_error(struct request *request, int16_t kafka_error)
{
    struct sync_group_response *response = request->response;
    *response = (struct sync_group_response){.error_code = kafka_error, .assignment = SLICE("")};
    request_answer_later(request);
}

void sync_answer(struct request *request, const struct member *member)
{
    struct sync_group_response *response = request->response;
    response->protocol_type = request_text(request, member->group->protocol_type);
    response->protocol_name = request_text(request, member->group->protocol_name);
    response->assignment = arena_copy(request->arena, member->assignment);
    request_answer_later(request);
}

static void on_cancel(struct request *request)
{
    struct member *member = request->context;
    member->syncing = NULL;
    member_touch(member);
    sync_answer_error(request, KAFKA_COORDINATOR_NOT_AVAILABLE);
}

static void park(struct request *request, struct member *member)
{
    struct request *before = member->syncing;
    member->syncing = request;
    request->context = member;
    request->cancel = on_cancel;
    member_touch(member);
    if (before != NULL) {
        sync_answer_error(before, KAFKA_UNKNOWN_MEMBER_ID);
    }
}

static void become_stable(struct group *group)
{
    group->state = GROUP_STABLE;
    deadline_clear(&group->groups->loop->deadlines, &group->rebalance);
    struct member *member;
    for (size_t at = 0; (member = group_next_member(group, &at)) != NULL;) {
        struct request *syncing = member->syncing;
        member->syncing = NULL;
        member_touch(member);
        if (syncing != NULL) {
            sync_answer(syncing, member);
        }
    }
}

struct store_call {
    struct groups *groups;
    char *group_id;
    int32_t generation;
};

/* Meanwhile the group may have changed again; then nobody waits for this any more. */
static void on_stored(void *context, enum status status, const struct error *error)
{
    struct store_call *call = context;
    struct group *group = groups_find(call->groups, slice_of_string(call->group_id));
    if (group != NULL && group->state == GROUP_COMPLETING && group->storing &&
        group->generation == call->generation) {
        group->storing = false;
        if (status == STATUS_OK) {
            become_stable(group);
        } else {
            logline_error(LOG_ERROR, "broker", error);
            group_prepare_rebalance(group);
        }
    }
    mem_free(call->group_id);
    mem_free(call);
}

static void store_assignments(struct group *group, const struct sync_group_request *body)
{
    struct member *member;
    for (size_t at = 0; (member = group_next_member(group, &at)) != NULL;) {
        member_set_assignment(member, SLICE_EMPTY);
    }
    for (int32_t i = 0; i < body->assignments_count; i++) {
        member = group_find_member(group, body->assignments[i].member_id);
        if (member != NULL) {
            member_set_assignment(member, body->assignments[i].assignment);
        }
    }
    group->storing = true;
    struct store_call *call = mem_zalloc(sizeof(*call));
    *call = (struct store_call){
        .groups = group->groups,
        .group_id = mem_strdup(group->id),
        .generation = group->generation,
    };
    group_store(group, on_stored, call);
}

static bool differs(struct slice asked, const char *actual)
{
    return asked.data != NULL && !slice_equal_string(asked, actual);
}

static int16_t check_sync(const struct request *request, struct member **ret_member)
{
    const struct sync_group_request *body = request->body;
    const struct group *group = groups_find(request->broker->groups, body->group_id);
    if (body->group_id.size == 0) {
        return KAFKA_INVALID_GROUP_ID;
    }
    if (group == NULL) {
        return KAFKA_UNKNOWN_MEMBER_ID;
    }
    int16_t refused = group_identify(group, body->member_id, body->group_instance_id, ret_member);
    if (refused != KAFKA_NONE) {
        return refused;
    }
    if (body->generation_id != group->generation) {
        return KAFKA_ILLEGAL_GENERATION;
    }
    if (differs(body->protocol_type, group->protocol_type) ||
        differs(body->protocol_name, group->protocol_name)) {
        return KAFKA_INCONSISTENT_GROUP_PROTOCOL;
    }
    return KAFKA_NONE;
}

void sync_group_handle(struct request *request)
{
    const struct sync_group_request *body = request->body;
    struct member *member = NULL;
    int16_t refused = check_sync(request, &member);
    if (refused != KAFKA_NONE) {
        sync_answer_error(request, refused);
        return;
    }
    struct group *group = member->group;
    switch (group->state) {
    case GROUP_EMPTY:
        sync_answer_error(request, KAFKA_UNKNOWN_MEMBER_ID);
        return;
    case GROUP_PREPARING:
        sync_answer_error(request, KAFKA_REBALANCE_IN_PROGRESS);
        return;
    case GROUP_COMPLETING:
        park(request, member);
        if (group->leader == member && !group->storing) {
            store_assignments(group, body);
        }
        return;
    case GROUP_STABLE:
        member_touch(member);
        sync_answer(request, member);
        return;
    }
}

/* --- Heartbeat --- */

static int16_t heartbeat(const struct request *request)
{
    const struct heartbeat_request *body = request->body;
    const struct group *group = groups_find(request->broker->groups, body->group_id);
    if (body->group_id.size == 0) {
        return KAFKA_INVALID_GROUP_ID;
    }
    if (group == NULL) {
        return KAFKA_UNKNOWN_MEMBER_ID;
    }
    struct member *member;
    int16_t refused = group_identify(group, body->member_id, body->group_instance_id, &member);
    if (refused != KAFKA_NONE) {
        return refused;
    }
    if (body->generation_id != group->generation) {
        return KAFKA_ILLEGAL_GENERATION;
    }
    member_touch(member);
    return group->state == GROUP_PREPARING ? KAFKA_REBALANCE_IN_PROGRESS : KAFKA_NONE;
}

void heartbeat_handle(struct request *request)
{
    struct heartbeat_response *response = request->response;
    response->error_code = heartbeat(request);
    request_answer(request);
}

/* --- LeaveGroup --- */

static int16_t leave(struct group *group, struct slice member_id, struct slice instance_id)
{
    struct member *member;
    if (instance_id.data == NULL && map_has(&group->pending, member_id)) {
        group_remove_pending(group, member_id);
        group_complete_if_all_joined(group);
        return KAFKA_NONE;
    }
    if (instance_id.data != NULL && member_id.size == 0) {
        member = group_find_instance(group, instance_id); /* an administrator removes it */
        if (member == NULL) {
            return KAFKA_UNKNOWN_MEMBER_ID;
        }
    } else {
        int16_t refused = group_identify(group, member_id, instance_id, &member);
        if (refused != KAFKA_NONE) {
            return refused;
        }
    }
    group_member_gone(member, KAFKA_UNKNOWN_MEMBER_ID);
    return KAFKA_NONE;
}

void leave_group_handle(struct request *request)
{
    const struct leave_group_request *body = request->body;
    struct leave_group_response *response = request->response;
    struct group *group = groups_find(request->broker->groups, body->group_id);
    if (body->group_id.size == 0) {
        response->error_code = KAFKA_INVALID_GROUP_ID;
    } else if (request->version < 3) {
        response->error_code =
            group == NULL ? KAFKA_UNKNOWN_MEMBER_ID : leave(group, body->member_id, SLICE_EMPTY);
    } else {
        response->members_count = body->members_count;
        response->members =
            REQUEST_ARRAY(request, struct leave_group_response_member, body->members_count);
        for (int32_t i = 0; i < body->members_count; i++) {
            const struct leave_group_request_member *asked = &body->members[i];
            response->members[i] = (struct leave_group_response_member){
                .member_id = asked->member_id,
                .group_instance_id = asked->group_instance_id,
                .error_code = group == NULL
                                  ? KAFKA_UNKNOWN_MEMBER_ID
                                  : leave(group, asked->member_id, asked->group_instance_id),
            };
        }
    }
    request_answer(request);
}
