#include "broker/group_internal.h"

#include "base/assert.h"
#include "base/memory.h"
#include "base/time_text.h"
#include "io/clock.h"

#include <stdio.h>

#define MEMBER_NAME_BYTES 256

static struct slice copy_slice(struct slice bytes)
{
    uint8_t *copy = mem_alloc(bytes.size + 1);
    if (bytes.size > 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    return slice_of(copy, bytes.size);
}

static void free_slice(struct slice *bytes)
{
    mem_free((void *) (uintptr_t) bytes->data);
    *bytes = SLICE_EMPTY;
}

static char *copy_text(struct slice text)
{
    return mem_printf("%.*s", SLICE_FORMAT(text));
}

struct member *group_find_member(const struct group *group, struct slice id)
{
    return map_get(&group->members, id);
}

struct member *group_find_instance(const struct group *group, struct slice instance_id)
{
    return map_get(&group->instances, instance_id);
}

struct member *group_next_member(const struct group *group, size_t *position)
{
    struct map_entry *entry = map_next(&group->members, position);
    return entry == NULL ? NULL : entry->value;
}

static void on_session_end(struct deadline *deadline)
{
    group_member_gone(CONTAINER_OF(deadline, struct member, session), KAFKA_UNKNOWN_MEMBER_ID);
}

static struct member *add(struct group *group, struct slice id, struct slice instance_id)
{
    struct member *member = mem_zalloc(sizeof(*member));
    member->group = group;
    member->id = copy_text(id);
    member->session.expire = on_session_end;
    (void) map_put(&group->members, id, member);
    if (instance_id.data != NULL) {
        member->instance_id = copy_text(instance_id);
        (void) map_put(&group->instances, instance_id, member);
    }
    if (group->leader == NULL) {
        group->leader = member;
    }
    return member;
}

struct member *member_add(struct group *group,
                          const char *id,
                          struct slice instance_id,
                          const struct request *request)
{
    struct member *member = add(group, slice_of_string(id), instance_id);
    member->client_id = copy_text(request->header.client_id);
    member->client_host = mem_printf("/%s", request->client_host);
    return member;
}

static void free_protocols(struct member *member)
{
    for (int32_t i = 0; i < member->protocol_count; i++) {
        mem_free(member->protocols[i].name);
        free_slice(&member->protocols[i].metadata);
    }
    mem_free(member->protocols);
    member->protocols = NULL;
    member->protocol_count = 0;
}

struct member *member_restore(struct group *group, const struct group_record_member *record)
{
    struct member *member = add(group, record->member_id, record->group_instance_id);
    member->restored = true;
    member->client_id = copy_text(record->client_id);
    member->client_host = copy_text(record->client_host);
    member->session_timeout_ms = record->session_timeout_ms;
    member->rebalance_timeout_ms = record->rebalance_timeout_ms;
    member->protocols = mem_zalloc(sizeof(*member->protocols));
    member->protocol_count = 1;
    member->protocols[0].name =
        mem_strdup(group->protocol_name == NULL ? "" : group->protocol_name);
    member->protocols[0].metadata = copy_slice(record->metadata);
    member->assignment = copy_slice(record->assignment);
    return member;
}

void member_update(struct member *member, const struct join_group_request *body, int16_t version)
{
    member->session_timeout_ms = body->session_timeout_ms;
    member->rebalance_timeout_ms =
        version >= 1 ? body->rebalance_timeout_ms : body->session_timeout_ms;
    free_protocols(member);
    member->restored = false;
    member->protocols = mem_calloc((size_t) body->protocols_count, sizeof(*member->protocols));
    member->protocol_count = body->protocols_count;
    for (int32_t i = 0; i < body->protocols_count; i++) {
        member->protocols[i].name = copy_text(body->protocols[i].name);
        member->protocols[i].metadata = copy_slice(body->protocols[i].metadata);
    }
}

/* Of a member from before a restart only the chosen protocol is known. */
static bool same_chosen(const struct member *member, const struct join_group_request *body)
{
    for (int32_t i = 0; i < body->protocols_count; i++) {
        if (slice_equal_string(body->protocols[i].name, member->protocols[0].name)) {
            return slice_equal(body->protocols[i].metadata, member->protocols[0].metadata);
        }
    }
    return false;
}

bool member_same_protocols(const struct member *member, const struct join_group_request *body)
{
    if (member->restored) {
        return same_chosen(member, body);
    }
    if (member->protocol_count != body->protocols_count) {
        return false;
    }
    for (int32_t i = 0; i < body->protocols_count; i++) {
        if (!slice_equal_string(body->protocols[i].name, member->protocols[i].name) ||
            !slice_equal(body->protocols[i].metadata, member->protocols[i].metadata)) {
            return false;
        }
    }
    return true;
}

bool member_supports(const struct member *member, const char *protocol)
{
    for (int32_t i = 0; i < member->protocol_count; i++) {
        if (strcmp(member->protocols[i].name, protocol) == 0) {
            return true;
        }
    }
    return false;
}

struct slice member_metadata(const struct member *member, const char *protocol)
{
    for (int32_t i = 0; protocol != NULL && i < member->protocol_count; i++) {
        if (strcmp(member->protocols[i].name, protocol) == 0) {
            return member->protocols[i].metadata;
        }
    }
    return SLICE("");
}

void member_set_assignment(struct member *member, struct slice assignment)
{
    struct slice copy = copy_slice(assignment);
    free_slice(&member->assignment);
    member->assignment = copy;
}

void member_rename(struct member *member, const char *id)
{
    (void) map_remove(&member->group->members, slice_of_string(member->id));
    mem_free(member->id);
    member->id = mem_strdup(id);
    (void) map_put(&member->group->members, slice_of_string(id), member);
}

void member_end_parked(struct member *member, int16_t kafka_error)
{
    struct request *joining = member->joining;
    struct request *syncing = member->syncing;
    member->joining = NULL;
    member->syncing = NULL;
    if (joining != NULL) {
        join_answer_error(joining, kafka_error, slice_of_string(member->id));
    }
    if (syncing != NULL) {
        sync_answer_error(syncing, kafka_error);
    }
}

void member_remove(struct member *member, int16_t kafka_error)
{
    struct group *group = member->group;
    deadline_clear(&group->groups->loop->deadlines, &member->session);
    (void) map_remove(&group->members, slice_of_string(member->id));
    if (member->instance_id != NULL) {
        (void) map_remove(&group->instances, slice_of_string(member->instance_id));
    }
    if (group->leader == member) {
        size_t first = 0;
        group->leader = group_next_member(group, &first);
    }
    member_end_parked(member, kafka_error);
    free_protocols(member);
    free_slice(&member->assignment);
    mem_free(member->id);
    mem_free(member->instance_id);
    mem_free(member->client_id);
    mem_free(member->client_host);
    mem_free(member);
}

void member_touch(struct member *member)
{
    struct deadlines *deadlines = &member->group->groups->loop->deadlines;
    if (member->joining != NULL || member->syncing != NULL) {
        deadline_clear(deadlines, &member->session);
        return;
    }
    deadline_set(deadlines, &member->session,
                 clock_monotonic_us() + member->session_timeout_ms * US_PER_MS);
}

static void on_pending_end(struct deadline *deadline)
{
    struct pending_member *pending = CONTAINER_OF(deadline, struct pending_member, deadline);
    struct group *group = pending->group;
    group_remove_pending(group, slice_of_string(pending->id));
    group_complete_if_all_joined(group);
    bool unused = group->state == GROUP_EMPTY && group->generation == 0 &&
                  group->pending.size == 0 && group->offsets.size == 0;
    if (unused) {
        groups_remove(group); /* asked for and never joined */
    }
}

void group_add_pending(struct group *group, const char *id, int32_t session_timeout_ms)
{
    struct pending_member *pending = mem_zalloc(sizeof(*pending));
    pending->group = group;
    pending->id = mem_strdup(id);
    pending->deadline.expire = on_pending_end;
    (void) map_put(&group->pending, slice_of_string(id), pending);
    deadline_set(&group->groups->loop->deadlines, &pending->deadline,
                 clock_monotonic_us() + session_timeout_ms * US_PER_MS);
}

void group_remove_pending(struct group *group, struct slice id)
{
    struct pending_member *pending = map_get(&group->pending, id);
    if (pending != NULL) {
        deadline_clear(&group->groups->loop->deadlines, &pending->deadline);
        (void) map_remove(&group->pending, slice_of_string(pending->id));
        mem_free(pending->id);
        mem_free(pending);
    }
}

void member_id_make(struct slice name, char ret_id[MEMBER_ID_BYTES])
{
    uint8_t b[16];
    random_bytes(b, sizeof(b));
    b[6] = (uint8_t) ((b[6] & 0x0f) | 0x40); /* RFC 9562, version 4 */
    b[8] = (uint8_t) ((b[8] & 0x3f) | 0x80);
    int size = name.size > MEMBER_NAME_BYTES ? MEMBER_NAME_BYTES : (int) name.size;
    int used = snprintf(ret_id, MEMBER_ID_BYTES, "%.*s-", size, (const char *) name.data);
    for (int i = 0; i < 16; i++) {
        bool dash = i == 4 || i == 6 || i == 8 || i == 10;
        used += snprintf(ret_id + used, MEMBER_ID_BYTES - (size_t) used, "%s%02x", dash ? "-" : "",
                         b[i]);
    }
}

int16_t group_identify(const struct group *group,
                       struct slice member_id,
                       struct slice instance_id,
                       struct member **ret_member)
{
    *ret_member = NULL;
    if (instance_id.data != NULL) {
        struct member *member = group_find_instance(group, instance_id);
        if (member == NULL) {
            return KAFKA_UNKNOWN_MEMBER_ID;
        }
        if (!slice_equal_string(member_id, member->id)) {
            return KAFKA_FENCED_INSTANCE_ID;
        }
        *ret_member = member;
        return KAFKA_NONE;
    }
    *ret_member = group_find_member(group, member_id);
    return *ret_member == NULL ? KAFKA_UNKNOWN_MEMBER_ID : KAFKA_NONE;
}
