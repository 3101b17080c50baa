#include "broker/group_internal.h"

#include "base/memory.h"
#include "broker/group_offsets.h"
#include "io/clock.h"

struct groups *groups_new(struct loop *loop, const struct groups_config *config)
{
    struct groups *groups = mem_zalloc(sizeof(*groups));
    groups->loop = loop;
    groups->config = *config;
    map_init(&groups->by_id);
    return groups;
}

void groups_use_state(struct groups *groups, struct state *state)
{
    groups->state = state;
}

void groups_free(struct groups *groups)
{
    struct group *group;
    for (size_t at = 0; (group = groups_next(groups, &at)) != NULL;) {
        groups_remove(group);
    }
    map_deinit(&groups->by_id);
    mem_free(groups);
}

struct group *groups_find(const struct groups *groups, struct slice id)
{
    return map_get(&groups->by_id, id);
}

struct group *groups_next(const struct groups *groups, size_t *position)
{
    struct map_entry *entry = map_next(&groups->by_id, position);
    return entry == NULL ? NULL : entry->value;
}

struct group *groups_add(struct groups *groups, struct slice id)
{
    struct group *group = mem_zalloc(sizeof(*group));
    group->groups = groups;
    group->id = mem_printf("%.*s", SLICE_FORMAT(id));
    group->changed_at_us = clock_now_us();
    group->rebalance.expire = group_on_rebalance_deadline;
    map_init(&group->members);
    map_init(&group->instances);
    map_init(&group->pending);
    map_init(&group->offsets);
    (void) map_put(&groups->by_id, id, group);
    return group;
}

void groups_remove(struct group *group)
{
    struct member *member;
    for (size_t at = 0; (member = group_next_member(group, &at)) != NULL;) {
        member_remove(member, KAFKA_UNKNOWN_MEMBER_ID);
    }
    struct map_entry *entry;
    for (size_t at = 0; (entry = map_next(&group->pending, &at)) != NULL;) {
        group_remove_pending(group, entry->key);
    }
    group_drop_offsets(group);
    deadline_clear(&group->groups->loop->deadlines, &group->rebalance);
    (void) map_remove(&group->groups->by_id, slice_of_string(group->id));
    map_deinit(&group->members);
    map_deinit(&group->instances);
    map_deinit(&group->pending);
    map_deinit(&group->offsets);
    mem_free(group->protocol_type);
    mem_free(group->protocol_name);
    mem_free(group->id);
    mem_free(group);
}

const char *group_state_name(const struct group *group)
{
    static const char *const names[] = {
        [GROUP_EMPTY] = "Empty",
        [GROUP_PREPARING] = "PreparingRebalance",
        [GROUP_COMPLETING] = "CompletingRebalance",
        [GROUP_STABLE] = "Stable",
    };
    return names[group->state];
}

/* --- the journal --- */

/* Without members while they are changing: after a restart they then join anew. */
static void fill_record(const struct group *group,
                        bool with_members,
                        struct arena *arena,
                        struct group_record *record)
{
    *record = (struct group_record){
        .group_id = slice_of_string(group->id),
        .protocol_type = slice_of_string(group->protocol_type),
        .protocol_name = slice_of_string(group->protocol_name),
        .generation_id = group->generation,
        .leader = slice_of_string(group->leader == NULL ? NULL : group->leader->id),
        .changed_at_us = group->changed_at_us,
        .members = ARENA_ARRAY(arena, struct group_record_member, group->members.size),
    };
    struct member *member;
    for (size_t at = 0; with_members && (member = group_next_member(group, &at)) != NULL;) {
        record->members[record->members_count++] = (struct group_record_member){
            .member_id = slice_of_string(member->id),
            .group_instance_id = slice_of_string(member->instance_id),
            .client_id = slice_of_string(member->client_id),
            .client_host = slice_of_string(member->client_host),
            .session_timeout_ms = member->session_timeout_ms,
            .rebalance_timeout_ms = member->rebalance_timeout_ms,
            .metadata = member_metadata(member, group->protocol_name),
            .assignment = member->assignment,
        };
    }
}

void group_store(struct group *group, state_done done, void *context)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct group_record record;
    fill_record(group, true, &arena, &record);
    state_append(group->groups->state, &group_message, &record, done, context);
    arena_deinit(&arena);
}

static char *copy_or_null(struct slice text)
{
    return text.data == NULL ? NULL : mem_printf("%.*s", SLICE_FORMAT(text));
}

void groups_replay(struct groups *groups, const struct group_record *record)
{
    struct group *group = groups_find(groups, record->group_id);
    if (group == NULL) {
        group = groups_add(groups, record->group_id);
    }
    struct member *member;
    for (size_t at = 0; (member = group_next_member(group, &at)) != NULL;) {
        member_remove(member, KAFKA_UNKNOWN_MEMBER_ID);
    }
    mem_free(group->protocol_type);
    mem_free(group->protocol_name);
    group->protocol_type = copy_or_null(record->protocol_type);
    group->protocol_name = copy_or_null(record->protocol_name);
    group->generation = record->generation_id;
    group->changed_at_us = record->changed_at_us;
    group->state = record->members_count > 0 ? GROUP_STABLE : GROUP_EMPTY;
    for (int32_t i = 0; i < record->members_count; i++) {
        (void) member_restore(group, &record->members[i]);
    }
    group->leader = group_find_member(group, record->leader);
}

void groups_replay_deleted(struct groups *groups, const struct group_deleted_record *record)
{
    struct group *group = groups_find(groups, record->group_id);
    if (group != NULL) {
        groups_remove(group);
    }
}

enum status
groups_snapshot(struct groups *groups, struct journal_writer *writer, struct error *error)
{
    struct group *group;
    for (size_t at = 0; (group = groups_next(groups, &at)) != NULL;) {
        struct arena arena;
        arena_init(&arena, 0);
        struct group_record record;
        fill_record(group, group->state == GROUP_STABLE, &arena, &record);
        enum status status = state_write(writer, &group_message, &record, error);
        if (status == STATUS_OK) {
            status = group_offsets_snapshot(group, writer, error);
        }
        arena_deinit(&arena);
        TRY(status);
    }
    return STATUS_OK;
}

void groups_start(struct groups *groups)
{
    struct group *group;
    for (size_t at = 0; (group = groups_next(groups, &at)) != NULL;) {
        struct member *member;
        for (size_t position = 0; (member = group_next_member(group, &position)) != NULL;) {
            member_touch(member);
        }
    }
}

void groups_drop_topic(struct groups *groups, struct slice topic)
{
    struct group *group;
    for (size_t at = 0; (group = groups_next(groups, &at)) != NULL;) {
        group_drop_topic_offsets(group, topic);
    }
}
