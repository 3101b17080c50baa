#include "broker/group_internal.h"

#include "base/memory.h"
#include "broker/broker_internal.h"

#include <stdio.h>

/* --- answers --- */

void join_answer_error(struct request *request, int16_t kafka_error, struct slice member_id)
{
    struct join_group_response *response = request->response;
    *response = (struct join_group_response){
        .error_code = kafka_error,
        .generation_id = -1,
        .protocol_name = request->version >= 7 ? SLICE_EMPTY : SLICE(""),
        .member_id = arena_copy(request->arena, member_id),
    };
    request_answer_later(request);
}

/* All members with their metadata: for the leader, who assigns. */
static void fill_members(struct request *request, const struct group *group)
{
    struct join_group_response *response = request->response;
    response->members =
        REQUEST_ARRAY(request, struct join_group_response_member, group->members.size);
    const struct member *member;
    for (size_t at = 0; (member = group_next_member(group, &at)) != NULL;) {
        response->members[response->members_count++] = (struct join_group_response_member){
            .member_id = request_text(request, member->id),
            .group_instance_id = request_text(request, member->instance_id),
            .metadata = arena_copy(request->arena, member_metadata(member, group->protocol_name)),
        };
    }
}

static void
fill_generation(struct request *request, const struct member *member, const char *leader_id)
{
    struct join_group_response *response = request->response;
    const struct group *group = member->group;
    response->generation_id = group->generation;
    response->protocol_type = request_text(request, group->protocol_type);
    response->protocol_name = request_text(request, group->protocol_name);
    response->leader = request_text(request, leader_id);
    response->member_id = request_text(request, member->id);
}

void join_answer(struct request *request, const struct member *member)
{
    const struct group *group = member->group;
    fill_generation(request, member, group->leader->id);
    if (group->leader == member) {
        fill_members(request, group);
    }
    request_answer_later(request);
}

/* --- parking --- */

static void on_cancel(struct request *request)
{
    struct member *member = request->context;
    member->joining = NULL;
    member_touch(member);
    join_answer_error(request, KAFKA_COORDINATOR_NOT_AVAILABLE, slice_of_string(member->id));
}

/* A member that asks again before it was answered, over another connection, takes over. */
static void park(struct request *request, struct member *member)
{
    struct request *before = member->joining;
    member->joining = request;
    request->context = member;
    request->cancel = on_cancel;
    member_touch(member);
    if (before != NULL) {
        join_answer_error(before, KAFKA_UNKNOWN_MEMBER_ID, slice_of_string(member->id));
    }
}

/* --- members --- */

static void join_new(struct request *request, struct group *group, const char *id)
{
    const struct join_group_request *body = request->body;
    group_remove_pending(group, slice_of_string(id));
    if (group->members.size == 0) {
        mem_free(group->protocol_type);
        group->protocol_type = mem_printf("%.*s", SLICE_FORMAT(body->protocol_type));
    }
    struct member *member = member_add(group, id, body->group_instance_id, request);
    member_update(member, body, request->version);
    park(request, member);
    if (group->state != GROUP_PREPARING) {
        group_prepare_rebalance(group);
    } else {
        group->joined_while_delaying = true;
    }
    group_complete_if_all_joined(group);
}

static void join_again(struct request *request, struct member *member)
{
    struct group *group = member->group;
    member_update(member, request->body, request->version);
    park(request, member);
    if (group->state != GROUP_PREPARING) {
        group_prepare_rebalance(group);
    }
    group_complete_if_all_joined(group);
}

struct static_join {
    struct request *request;
    struct groups *groups;
    char *group_id;
    char *member_id;
    char *leader_before;
};

/* The new id of a static member is durable; the group did not notice its restart. */
static void on_static_stored(void *context, enum status status, const struct error *error)
{
    (void) error;
    struct static_join *join = context;
    struct request *request = join->request;
    struct group *group = groups_find(join->groups, slice_of_string(join->group_id));
    struct member *member =
        group == NULL ? NULL : group_find_member(group, slice_of_string(join->member_id));
    if (member == NULL || group->state != GROUP_STABLE || status != STATUS_OK) {
        int16_t kafka_error =
            status == STATUS_OK ? KAFKA_UNKNOWN_MEMBER_ID : KAFKA_COORDINATOR_NOT_AVAILABLE;
        join_answer_error(request, kafka_error, slice_of_string(join->member_id));
    } else {
        /* It must not assign again. Old clients are kept from it by naming another leader. */
        struct join_group_response *response = request->response;
        bool leads = group->leader == member;
        fill_generation(request, member,
                        leads && request->version < 9 ? join->leader_before : group->leader->id);
        if (leads && request->version >= 9) {
            response->skip_assignment = true;
            fill_members(request, group);
        }
        request_answer_later(request);
    }
    mem_free(join->leader_before);
    mem_free(join->group_id);
    mem_free(join->member_id);
    mem_free(join);
}

/* A static member starts anew: same place in the group, new id, the old one is fenced. */
static void replace_static(struct request *request, struct member *member, const char *id)
{
    const struct join_group_request *body = request->body;
    struct group *group = member->group;
    char *leader_before = mem_strdup(group->leader->id);
    member_end_parked(member, KAFKA_FENCED_INSTANCE_ID);
    member_rename(member, id);
    bool same = member_same_protocols(member, body);
    if (group->state != GROUP_STABLE || !same) {
        mem_free(leader_before);
        join_again(request, member);
        return;
    }
    member_update(member, body, request->version);
    member_touch(member);
    struct static_join *join = mem_zalloc(sizeof(*join));
    *join = (struct static_join){
        .request = request,
        .groups = group->groups,
        .group_id = mem_strdup(group->id),
        .member_id = mem_strdup(id),
        .leader_before = leader_before,
    };
    group_store(group, on_static_stored, join);
}

static void join_without_id(struct request *request, struct group *group)
{
    const struct join_group_request *body = request->body;
    char id[MEMBER_ID_BYTES];
    if (body->group_instance_id.data != NULL) {
        member_id_make(body->group_instance_id, id);
        struct member *member = group_find_instance(group, body->group_instance_id);
        if (member != NULL) {
            replace_static(request, member, id);
        } else {
            join_new(request, group, id);
        }
        return;
    }
    member_id_make(request->header.client_id, id);
    if (request->version >= 4) {
        group_add_pending(group, id, body->session_timeout_ms);
        join_answer_error(request, KAFKA_MEMBER_ID_REQUIRED, slice_of_string(id));
        return;
    }
    join_new(request, group, id);
}

static void join_with_id(struct request *request, struct group *group)
{
    const struct join_group_request *body = request->body;
    if (map_has(&group->pending, body->member_id)) {
        char id[MEMBER_ID_BYTES];
        (void) snprintf(id, sizeof(id), "%.*s", SLICE_FORMAT(body->member_id));
        join_new(request, group, id);
        return;
    }
    struct member *member;
    int16_t refused = group_identify(group, body->member_id, body->group_instance_id, &member);
    if (refused != KAFKA_NONE) {
        join_answer_error(request, refused, body->member_id);
        return;
    }
    bool same = member_same_protocols(member, body);
    bool keep = (group->state == GROUP_COMPLETING && same) ||
                (group->state == GROUP_STABLE && same && group->leader != member);
    if (keep) {
        member_touch(member);
        join_answer(request, member);
        return;
    }
    join_again(request, member);
}

/* --- the request --- */

/* A newcomer must share the group's type and one protocol that all others know. */
static bool fits(const struct group *group, const struct join_group_request *body)
{
    if (body->protocol_type.size == 0 || body->protocols_count == 0) {
        return false;
    }
    if (group == NULL || group->members.size == 0) {
        return true;
    }
    if (group->protocol_type == NULL ||
        !slice_equal_string(body->protocol_type, group->protocol_type)) {
        return false;
    }
    for (int32_t i = 0; i < body->protocols_count; i++) {
        char *name = mem_printf("%.*s", SLICE_FORMAT(body->protocols[i].name));
        bool common = true;
        const struct member *member;
        for (size_t at = 0; common && (member = group_next_member(group, &at)) != NULL;) {
            common =
                slice_equal_string(body->member_id, member->id) || member_supports(member, name);
        }
        mem_free(name);
        if (common) {
            return true;
        }
    }
    return false;
}

static bool names_ok(const struct join_group_request *body)
{
    bool ok = group_text_ok(body->group_instance_id) && group_text_ok(body->protocol_type);
    for (int32_t i = 0; ok && i < body->protocols_count; i++) {
        ok = group_text_ok(body->protocols[i].name);
    }
    return ok;
}

static int16_t check(const struct request *request, const struct group *group)
{
    const struct join_group_request *body = request->body;
    if (body->group_id.size == 0 || !group_text_ok(body->group_id)) {
        return KAFKA_INVALID_GROUP_ID;
    }
    if (!names_ok(body)) {
        return KAFKA_INVALID_REQUEST;
    }
    if (body->session_timeout_ms < SESSION_TIMEOUT_MS_MIN ||
        body->session_timeout_ms > SESSION_TIMEOUT_MS_MAX) {
        return KAFKA_INVALID_SESSION_TIMEOUT;
    }
    if (group == NULL && body->member_id.size > 0) {
        return KAFKA_UNKNOWN_MEMBER_ID;
    }
    if (request->broker->stopping || (group != NULL && group->deleting)) {
        return KAFKA_COORDINATOR_NOT_AVAILABLE;
    }
    if (!fits(group, body)) {
        return KAFKA_INCONSISTENT_GROUP_PROTOCOL;
    }
    if (group != NULL && body->member_id.size == 0 &&
        group->members.size + group->pending.size >= GROUP_MEMBERS_MAX) {
        return KAFKA_GROUP_MAX_SIZE_REACHED;
    }
    return KAFKA_NONE;
}

void join_group_handle(struct request *request)
{
    const struct join_group_request *body = request->body;
    struct groups *groups = request->broker->groups;
    struct group *group = groups_find(groups, body->group_id);
    int16_t refused = check(request, group);
    if (refused != KAFKA_NONE) {
        join_answer_error(request, refused, body->member_id);
        return;
    }
    if (group == NULL) {
        group = groups_add(groups, body->group_id);
    }
    if (body->member_id.size == 0) {
        join_without_id(request, group);
    } else {
        join_with_id(request, group);
    }
}
