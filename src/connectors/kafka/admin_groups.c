#include "connectors/kafka/kafka_admin.h"
#include "connectors/kafka/kafka_internal.h"

#include <stdio.h>

enum status kafka_admin_groups(struct log_client *log,
                               struct arena *arena,
                               struct kafka_group **ret_groups,
                               size_t *ret_count,
                               struct error *error)
{
    struct kafka_request admin;
    kafka_request_init(&admin, log, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS);
    rd_kafka_ListConsumerGroups(log->handle->rd, admin.options, admin.queue);
    enum status status = kafka_request_wait(&admin, "list the consumer groups", error);
    if (status == STATUS_OK) {
        size_t count;
        const rd_kafka_ConsumerGroupListing_t **listed = rd_kafka_ListConsumerGroups_result_valid(
            rd_kafka_event_ListConsumerGroups_result(admin.event), &count);
        struct kafka_group *groups = ARENA_ARRAY(arena, struct kafka_group, count);
        for (size_t i = 0; i < count; i++) {
            groups[i].name = arena_strdup(arena, rd_kafka_ConsumerGroupListing_group_id(listed[i]));
            groups[i].state = arena_strdup(
                arena,
                rd_kafka_consumer_group_state_name(rd_kafka_ConsumerGroupListing_state(listed[i])));
        }
        *ret_groups = groups;
        *ret_count = count;
    }
    kafka_request_deinit(&admin);
    return status;
}

/* ---- one group ---------------------------------------------------------------------------------
 */

static enum status take_description(struct log_client *log,
                                    const rd_kafka_ConsumerGroupDescription_t *group,
                                    struct arena *arena,
                                    struct kafka_group_detail *detail,
                                    struct error *error)
{
    const char *name = rd_kafka_ConsumerGroupDescription_group_id(group);
    const rd_kafka_error_t *fault = rd_kafka_ConsumerGroupDescription_error(group);
    if (fault != NULL) {
        return kafka_error(log->handle, rd_kafka_error_code(fault), error,
                           "could not describe group \"%s\"", name);
    }
    rd_kafka_consumer_group_state_t state = rd_kafka_ConsumerGroupDescription_state(group);
    if (state == RD_KAFKA_CONSUMER_GROUP_STATE_DEAD) { /* how a broker says: unknown */
        return error_set(error, STATUS_NOT_FOUND, "there is no consumer group \"%s\"", name);
    }
    const char *assignor = rd_kafka_ConsumerGroupDescription_partition_assignor(group);
    detail->state = arena_strdup(arena, rd_kafka_consumer_group_state_name(state));
    detail->assignor = arena_strdup(arena, assignor == NULL ? "" : assignor);
    detail->member_count = rd_kafka_ConsumerGroupDescription_member_count(group);
    detail->members = ARENA_ARRAY(arena, struct kafka_member, detail->member_count);
    for (size_t i = 0; i < detail->member_count; i++) {
        const rd_kafka_MemberDescription_t *member =
            rd_kafka_ConsumerGroupDescription_member(group, i);
        detail->members[i] = (struct kafka_member){
            .id = arena_strdup(arena, rd_kafka_MemberDescription_consumer_id(member)),
            .client = arena_strdup(arena, rd_kafka_MemberDescription_client_id(member)),
            .host = arena_strdup(arena, rd_kafka_MemberDescription_host(member)),
        };
    }
    return STATUS_OK;
}

static enum status describe(struct log_client *log,
                            const char *group,
                            struct arena *arena,
                            struct kafka_group_detail *detail,
                            struct error *error)
{
    char what[320];
    (void) snprintf(what, sizeof(what), "describe group \"%s\"", group);
    struct kafka_request admin;
    kafka_request_init(&admin, log, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS);
    rd_kafka_DescribeConsumerGroups(log->handle->rd, &group, 1, admin.options, admin.queue);
    enum status status = kafka_request_wait(&admin, what, error);
    if (status == STATUS_OK) {
        size_t count;
        const rd_kafka_ConsumerGroupDescription_t **groups =
            rd_kafka_DescribeConsumerGroups_result_groups(
                rd_kafka_event_DescribeConsumerGroups_result(admin.event), &count);
        status = count == 1
                     ? take_description(log, groups[0], arena, detail, error)
                     : error_set(error, STATUS_PROTOCOL, "the log did not describe the group");
    }
    kafka_request_deinit(&admin);
    return status;
}

/* The outcome for the one group of a result. */
static enum status group_outcome(struct log_client *log,
                                 const rd_kafka_group_result_t *const *results,
                                 size_t count,
                                 const char *what,
                                 struct error *error)
{
    const rd_kafka_error_t *fault = count == 0 ? NULL : rd_kafka_group_result_error(results[0]);
    if (fault == NULL) {
        return STATUS_OK;
    }
    rd_kafka_resp_err_t code = rd_kafka_error_code(fault);
    enum status status = kafka_error(log->handle, code, error, "cannot %s", what);
    if (code == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND) {
        error->status = STATUS_NOT_FOUND;
        return STATUS_NOT_FOUND;
    }
    if (code == RD_KAFKA_RESP_ERR_NON_EMPTY_GROUP || code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID) {
        error->status = STATUS_CONFLICT;
        error_hint(error, "stop its consumers first");
        return STATUS_CONFLICT;
    }
    return status;
}

static void take_positions(const rd_kafka_topic_partition_list_t *list,
                           struct arena *arena,
                           struct kafka_group_detail *detail)
{
    detail->positions = ARENA_ARRAY(arena, struct kafka_position, (size_t) list->cnt);
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *from = &list->elems[i];
        detail->positions[detail->position_count++] = (struct kafka_position){
            .topic = arena_strdup(arena, from->topic),
            .partition = from->partition,
            .offset = from->offset < 0 ? -1 : from->offset,
        };
    }
}

static enum status read_positions(struct log_client *log,
                                  const char *group,
                                  struct arena *arena,
                                  struct kafka_group_detail *detail,
                                  struct error *error)
{
    char what[320];
    (void) snprintf(what, sizeof(what), "read the offsets of group \"%s\"", group);
    struct kafka_request admin;
    kafka_request_init(&admin, log, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
    rd_kafka_ListConsumerGroupOffsets_t *request =
        rd_kafka_ListConsumerGroupOffsets_new(group, NULL);
    rd_kafka_ListConsumerGroupOffsets(log->handle->rd, &request, 1, admin.options, admin.queue);
    enum status status = kafka_request_wait(&admin, what, error);
    if (status == STATUS_OK) {
        size_t count;
        const rd_kafka_group_result_t **groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
            rd_kafka_event_ListConsumerGroupOffsets_result(admin.event), &count);
        status = group_outcome(log, groups, count, what, error);
        if (status == STATUS_OK && count == 1) {
            take_positions(rd_kafka_group_result_partitions(groups[0]), arena, detail);
        }
    }
    kafka_request_deinit(&admin);
    rd_kafka_ListConsumerGroupOffsets_destroy(request);
    return status;
}

enum status kafka_admin_group(struct log_client *log,
                              const char *group,
                              struct arena *arena,
                              struct kafka_group_detail *ret_detail,
                              struct error *error)
{
    *ret_detail = (struct kafka_group_detail){0};
    TRY(describe(log, group, arena, ret_detail, error));
    return read_positions(log, group, arena, ret_detail, error);
}

/* ---- changes -----------------------------------------------------------------------------------
 */

enum status kafka_admin_group_delete(struct log_client *log, const char *group, struct error *error)
{
    char what[320];
    (void) snprintf(what, sizeof(what), "delete group \"%s\"", group);
    struct kafka_request admin;
    kafka_request_init(&admin, log, RD_KAFKA_ADMIN_OP_DELETEGROUPS);
    rd_kafka_DeleteGroup_t *request = rd_kafka_DeleteGroup_new(group);
    rd_kafka_DeleteGroups(log->handle->rd, &request, 1, admin.options, admin.queue);
    enum status status = kafka_request_wait(&admin, what, error);
    if (status == STATUS_OK) {
        size_t count;
        const rd_kafka_group_result_t **groups = rd_kafka_DeleteGroups_result_groups(
            rd_kafka_event_DeleteGroups_result(admin.event), &count);
        status = group_outcome(log, groups, count, what, error);
    }
    kafka_request_deinit(&admin);
    rd_kafka_DeleteGroup_destroy(request);
    return status;
}

static rd_kafka_topic_partition_list_t *list_of(const struct kafka_position *positions,
                                                size_t count)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int) count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_topic_partition_list_add(list, positions[i].topic, positions[i].partition)
            ->offset = positions[i].offset;
    }
    return list;
}

enum status kafka_admin_group_reset(struct log_client *log,
                                    const char *group,
                                    const struct kafka_position *positions,
                                    size_t count,
                                    struct error *error)
{
    char what[320];
    (void) snprintf(what, sizeof(what), "move the offsets of group \"%s\"", group);
    struct kafka_request admin;
    kafka_request_init(&admin, log, RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS);
    rd_kafka_topic_partition_list_t *list = list_of(positions, count);
    rd_kafka_AlterConsumerGroupOffsets_t *request =
        rd_kafka_AlterConsumerGroupOffsets_new(group, list);
    rd_kafka_AlterConsumerGroupOffsets(log->handle->rd, &request, 1, admin.options, admin.queue);
    enum status status = kafka_request_wait(&admin, what, error);
    if (status == STATUS_OK) {
        size_t results;
        const rd_kafka_group_result_t **groups = rd_kafka_AlterConsumerGroupOffsets_result_groups(
            rd_kafka_event_AlterConsumerGroupOffsets_result(admin.event), &results);
        status = group_outcome(log, groups, results, what, error);
        const rd_kafka_topic_partition_list_t *set =
            status == STATUS_OK && results == 1 ? rd_kafka_group_result_partitions(groups[0])
                                                : NULL;
        for (int i = 0; set != NULL && i < set->cnt && status == STATUS_OK; i++) {
            if (set->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR) {
                status = kafka_error(log->handle, set->elems[i].err, error, "cannot %s", what);
            }
        }
    }
    kafka_request_deinit(&admin);
    rd_kafka_AlterConsumerGroupOffsets_destroy(request);
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}

enum status kafka_admin_offsets_at(struct log_client *log,
                                   struct kafka_position *positions,
                                   size_t count,
                                   struct error *error)
{
    rd_kafka_topic_partition_list_t *list = list_of(positions, count);
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(log->handle->rd, list, KAFKA_REQUEST_MS);
    for (size_t i = 0; i < count && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        code = list->elems[i].err;
        positions[i].offset = list->elems[i].offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR
               ? STATUS_OK
               : kafka_error(log->handle, code, error, "could not look up the offsets");
}
