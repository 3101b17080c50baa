#include "broker/group_offsets.h"

#include "base/logline.h"
#include "base/memory.h"
#include "broker/broker_internal.h"
#include "io/clock.h"

/* OffsetCommit, OffsetFetch and OffsetDelete. */

/* --- OffsetCommit --- */

/* Only the present generation may commit; anybody may for a group without members. */
static int16_t check_commit(const struct request *request)
{
    const struct offset_commit_request *body = request->body;
    const struct group *group = groups_find(request->broker->groups, body->group_id);
    if (body->group_id.size == 0 || !group_text_ok(body->group_id)) {
        return KAFKA_INVALID_GROUP_ID;
    }
    if (group == NULL) {
        return body->generation_id < 0 ? KAFKA_NONE : KAFKA_ILLEGAL_GENERATION;
    }
    if (group->deleting) {
        return KAFKA_COORDINATOR_NOT_AVAILABLE;
    }
    if (body->generation_id < 0 && group->state == GROUP_EMPTY) {
        return KAFKA_NONE;
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
    return group->state == GROUP_COMPLETING ? KAFKA_REBALANCE_IN_PROGRESS : KAFKA_NONE;
}

static int16_t check_partition(const struct request *request,
                               struct slice topic,
                               const struct offset_commit_request_partition *asked)
{
    if (topics_partition(request->broker->topics, topic, asked->index) == NULL) {
        return KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    }
    return asked->metadata.size > OFFSET_METADATA_MAX ? KAFKA_OFFSET_METADATA_TOO_LARGE
                                                      : KAFKA_NONE;
}

/* Fills the answer, and the journal's entry with what may be committed. */
static int32_t fill_commit(struct request *request, int16_t refused, struct offsets_record *record)
{
    const struct offset_commit_request *body = request->body;
    struct offset_commit_response *response = request->response;
    int32_t accepted = 0;
    response->topics_count = record->topics_count = body->topics_count;
    response->topics =
        REQUEST_ARRAY(request, struct offset_commit_response_topic, body->topics_count);
    record->topics = REQUEST_ARRAY(request, struct offsets_record_topic, body->topics_count);
    for (int32_t i = 0; i < body->topics_count; i++) {
        const struct offset_commit_request_topic *asked = &body->topics[i];
        struct offset_commit_response_topic *answer = &response->topics[i];
        struct offsets_record_topic *entry = &record->topics[i];
        int32_t count = asked->partitions_count;
        answer->name = entry->name = asked->name;
        answer->partitions_count = count;
        answer->partitions = REQUEST_ARRAY(request, struct offset_commit_response_partition, count);
        entry->partitions = REQUEST_ARRAY(request, struct offsets_record_partition, count);
        for (int32_t j = 0; j < count; j++) {
            const struct offset_commit_request_partition *one = &asked->partitions[j];
            int16_t error =
                refused != KAFKA_NONE ? refused : check_partition(request, asked->name, one);
            answer->partitions[j].index = one->index;
            answer->partitions[j].error_code = error;
            if (error == KAFKA_NONE) {
                entry->partitions[entry->partitions_count++] = (struct offsets_record_partition){
                    .index = one->index,
                    .offset = one->offset,
                    .leader_epoch = one->leader_epoch,
                    .metadata = one->metadata,
                };
                accepted++;
            }
        }
    }
    return accepted;
}

static void fail_commit(struct request *request, int16_t kafka_error)
{
    struct offset_commit_response *response = request->response;
    for (int32_t i = 0; i < response->topics_count; i++) {
        for (int32_t j = 0; j < response->topics[i].partitions_count; j++) {
            response->topics[i].partitions[j].error_code = kafka_error;
        }
    }
}

static void on_committed(void *context, enum status status, const struct error *error)
{
    struct request *request = context;
    if (status == STATUS_OK) {
        groups_replay_offsets(request->broker->groups, request->context);
    } else {
        logline_error(LOG_ERROR, "broker", error);
        fail_commit(request, KAFKA_COORDINATOR_NOT_AVAILABLE);
    }
    request_answer(request);
}

void offset_commit_handle(struct request *request)
{
    const struct offset_commit_request *body = request->body;
    struct offsets_record *record = REQUEST_NEW(request, struct offsets_record);
    record->group_id = body->group_id;
    record->committed_at_us = clock_now_us();
    int32_t accepted = fill_commit(request, check_commit(request), record);
    if (accepted == 0) {
        request_answer(request);
        return;
    }
    request->context = record;
    state_append(request->broker->state, &offsets_message, record, on_committed, request);
}

/* --- OffsetFetch --- */

static void fill_one(const struct request *request,
                     const struct group *group,
                     struct slice topic,
                     int32_t index,
                     struct offset_fetch_response_group_partition *ret_found)
{
    (void) request;
    const struct committed *committed = group == NULL ? NULL : group_committed(group, topic, index);
    *ret_found = (struct offset_fetch_response_group_partition){
        .index = index,
        .offset = committed == NULL ? -1 : committed->offset,
        .leader_epoch = committed == NULL ? -1 : committed->leader_epoch,
        .metadata = committed == NULL ? SLICE("") : committed->metadata,
    };
}

static void fill_asked(struct request *request,
                       const struct group *group,
                       const struct offset_fetch_request_group_topic *asked,
                       struct offset_fetch_response_group_topic *ret_topic)
{
    ret_topic->name = asked->name;
    ret_topic->partitions_count = asked->partitions_count;
    ret_topic->partitions = REQUEST_ARRAY(request, struct offset_fetch_response_group_partition,
                                          asked->partitions_count);
    for (int32_t i = 0; i < asked->partitions_count; i++) {
        fill_one(request, group, asked->name, asked->partitions[i], &ret_topic->partitions[i]);
    }
}

static struct offset_fetch_response_group_topic *
find_topic(struct offset_fetch_response_group *answer, const char *name)
{
    for (int32_t i = answer->topics_count - 1; i >= 0; i--) {
        if (slice_equal_string(answer->topics[i].name, name)) {
            return &answer->topics[i];
        }
    }
    return NULL;
}

/* Everything that the group has committed. */
static void fill_all(struct request *request,
                     const struct group *group,
                     struct offset_fetch_response_group *answer)
{
    size_t count = group == NULL ? 0 : group->offsets.size;
    answer->topics = REQUEST_ARRAY(request, struct offset_fetch_response_group_topic, count);
    struct map_entry *entry;
    for (size_t at = 0; count > 0 && (entry = map_next(&group->offsets, &at)) != NULL;) {
        const struct committed *committed = entry->value;
        struct offset_fetch_response_group_topic *topic = find_topic(answer, committed->topic);
        if (topic == NULL) {
            topic = &answer->topics[answer->topics_count++];
            topic->name = request_text(request, committed->topic);
        }
        topic->partitions =
            arena_grow(request->arena, topic->partitions,
                       (size_t) topic->partitions_count * sizeof(*topic->partitions),
                       ((size_t) topic->partitions_count + 1) * sizeof(*topic->partitions));
        fill_one(request, group, topic->name, committed->partition,
                 &topic->partitions[topic->partitions_count++]);
    }
}

static void fill_group(struct request *request,
                       const struct offset_fetch_request_group *asked,
                       struct offset_fetch_response_group *answer)
{
    const struct group *group = groups_find(request->broker->groups, asked->group_id);
    answer->group_id = asked->group_id;
    if (asked->topics_count == -1) {
        fill_all(request, group, answer);
        return;
    }
    answer->topics_count = asked->topics_count;
    answer->topics =
        REQUEST_ARRAY(request, struct offset_fetch_response_group_topic, asked->topics_count);
    for (int32_t i = 0; i < asked->topics_count; i++) {
        fill_asked(request, group, &asked->topics[i], &answer->topics[i]);
    }
}

/* Before version 8 a request is about one group; its topics have the same layout in memory. */
static void fetch_single(struct request *request)
{
    const struct offset_fetch_request *body = request->body;
    struct offset_fetch_response *response = request->response;
    struct offset_fetch_request_group asked = {
        .group_id = body->group_id,
        .topics_count = body->topics_count,
    };
    asked.topics = REQUEST_ARRAY(request, struct offset_fetch_request_group_topic,
                                 body->topics_count < 0 ? 0 : body->topics_count);
    for (int32_t i = 0; i < body->topics_count; i++) {
        asked.topics[i] = (struct offset_fetch_request_group_topic){
            .name = body->topics[i].name,
            .partitions = body->topics[i].partitions,
            .partitions_count = body->topics[i].partitions_count,
        };
    }
    struct offset_fetch_response_group answer = {0};
    fill_group(request, &asked, &answer);
    response->topics_count = answer.topics_count;
    response->topics =
        REQUEST_ARRAY(request, struct offset_fetch_response_topic, answer.topics_count);
    for (int32_t i = 0; i < answer.topics_count; i++) {
        const struct offset_fetch_response_group_topic *from = &answer.topics[i];
        struct offset_fetch_response_topic *to = &response->topics[i];
        to->name = from->name;
        to->partitions_count = from->partitions_count;
        to->partitions =
            REQUEST_ARRAY(request, struct offset_fetch_response_partition, from->partitions_count);
        for (int32_t j = 0; j < from->partitions_count; j++) {
            to->partitions[j] = (struct offset_fetch_response_partition){
                .index = from->partitions[j].index,
                .offset = from->partitions[j].offset,
                .leader_epoch = from->partitions[j].leader_epoch,
                .metadata = from->partitions[j].metadata,
            };
        }
    }
}

void offset_fetch_handle(struct request *request)
{
    const struct offset_fetch_request *body = request->body;
    struct offset_fetch_response *response = request->response;
    if (request->version < 8) {
        fetch_single(request);
    } else {
        response->groups_count = body->groups_count;
        response->groups =
            REQUEST_ARRAY(request, struct offset_fetch_response_group, body->groups_count);
        for (int32_t i = 0; i < body->groups_count; i++) {
            fill_group(request, &body->groups[i], &response->groups[i]);
        }
    }
    request_answer(request);
}

/* --- OffsetDelete --- */

/* Whether a member's subscription (Kafka's consumer protocol: version int16, then topics) names it.
 * One that cannot be read counts as naming everything. */
static bool subscribes(struct slice metadata, struct slice topic)
{
    struct wire_reader reader = {metadata.data, metadata.data + metadata.size};
    int64_t version;
    int64_t count;
    if (!wire_read_int(&reader, 2, &version) || !wire_read_int(&reader, 4, &count)) {
        return true;
    }
    for (int64_t i = 0; i < count; i++) {
        int64_t size;
        if (!wire_read_int(&reader, 2, &size) || size < 0 || size > reader.end - reader.at) {
            return true;
        }
        if (slice_equal(slice_of(reader.at, (size_t) size), topic)) {
            return true;
        }
        reader.at += size;
    }
    return false;
}

static bool in_use(const struct group *group, struct slice topic)
{
    const struct member *member;
    for (size_t at = 0; (member = group_next_member(group, &at)) != NULL;) {
        if (subscribes(member->protocols[0].metadata, topic)) {
            return true;
        }
    }
    return false;
}

static int16_t check_delete(const struct group *group)
{
    if (group == NULL) {
        return KAFKA_GROUP_ID_NOT_FOUND;
    }
    bool consumers = group->protocol_type != NULL && strcmp(group->protocol_type, "consumer") == 0;
    return group->state == GROUP_EMPTY || consumers ? KAFKA_NONE : KAFKA_NON_EMPTY_GROUP;
}

static void on_offsets_deleted(void *context, enum status status, const struct error *error)
{
    struct request *request = context;
    struct offset_delete_response *response = request->response;
    if (status == STATUS_OK) {
        groups_replay_offsets_deleted(request->broker->groups, request->context);
    } else {
        logline_error(LOG_ERROR, "broker", error);
        response->error_code = KAFKA_COORDINATOR_NOT_AVAILABLE;
        response->topics_count = 0;
    }
    request_answer(request);
}

static void fill_delete(struct request *request,
                        const struct group *group,
                        struct offsets_deleted_record *record)
{
    const struct offset_delete_request *body = request->body;
    struct offset_delete_response *response = request->response;
    response->topics_count = record->topics_count = body->topics_count;
    response->topics =
        REQUEST_ARRAY(request, struct offset_delete_response_topic, body->topics_count);
    record->topics =
        REQUEST_ARRAY(request, struct offsets_deleted_record_topic, body->topics_count);
    for (int32_t i = 0; i < body->topics_count; i++) {
        const struct offset_delete_request_topic *asked = &body->topics[i];
        struct offset_delete_response_topic *answer = &response->topics[i];
        bool used = in_use(group, asked->name);
        answer->name = record->topics[i].name = asked->name;
        answer->partitions_count = asked->partitions_count;
        answer->partitions = REQUEST_ARRAY(request, struct offset_delete_response_partition,
                                           asked->partitions_count);
        record->topics[i].partitions = REQUEST_ARRAY(request, int32_t, asked->partitions_count);
        for (int32_t j = 0; j < asked->partitions_count; j++) {
            int32_t index = asked->partitions[j].index;
            answer->partitions[j].index = index;
            answer->partitions[j].error_code = used ? KAFKA_GROUP_SUBSCRIBED_TO_TOPIC : KAFKA_NONE;
            if (!used) {
                record->topics[i].partitions[record->topics[i].partitions_count++] = index;
            }
        }
    }
}

void offset_delete_handle(struct request *request)
{
    const struct offset_delete_request *body = request->body;
    struct offset_delete_response *response = request->response;
    const struct group *group = groups_find(request->broker->groups, body->group_id);
    response->error_code = check_delete(group);
    if (response->error_code != KAFKA_NONE) {
        request_answer(request);
        return;
    }
    struct offsets_deleted_record *record = REQUEST_NEW(request, struct offsets_deleted_record);
    record->group_id = body->group_id;
    fill_delete(request, group, record);
    request->context = record;
    state_append(request->broker->state, &offsets_deleted_message, record, on_offsets_deleted,
                 request);
}
