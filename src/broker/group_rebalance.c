#include "broker/group_internal.h"

#include "base/assert.h"
#include "base/logline.h"
#include "base/memory.h"
#include "base/time_text.h"
#include "io/clock.h"

static int64_t longest_rebalance_us(const struct group *group)
{
    int64_t longest_ms = 0;
    struct member *member;
    for (size_t at = 0; (member = group_next_member(group, &at)) != NULL;) {
        if (member->rebalance_timeout_ms > longest_ms) {
            longest_ms = member->rebalance_timeout_ms;
        }
    }
    return longest_ms * US_PER_MS;
}

static void set_deadline(struct group *group, int64_t wait_us)
{
    deadline_set(&group->groups->loop->deadlines, &group->rebalance,
                 clock_monotonic_us() + wait_us);
}

/* Assignments of a generation that never became stable are void. */
static void void_assignments(struct group *group)
{
    struct member *member;
    for (size_t at = 0; (member = group_next_member(group, &at)) != NULL;) {
        member_set_assignment(member, SLICE_EMPTY);
        struct request *syncing = member->syncing;
        member->syncing = NULL;
        if (syncing != NULL) {
            sync_answer_error(syncing, KAFKA_REBALANCE_IN_PROGRESS);
            member_touch(member);
        }
    }
    group->storing = false;
}

void group_prepare_rebalance(struct group *group)
{
    bool was_empty = group->state == GROUP_EMPTY;
    if (group->state == GROUP_COMPLETING) {
        group->state = GROUP_PREPARING;
        void_assignments(group);
    }
    group->state = GROUP_PREPARING;
    int64_t delay_us = group->groups->config.initial_rebalance_delay_us;
    group->delaying = was_empty && delay_us > 0;
    if (group->delaying) {
        int64_t longest_us = longest_rebalance_us(group);
        group->joined_while_delaying = false;
        group->delay_left_us = longest_us > delay_us ? longest_us - delay_us : 0;
        set_deadline(group, delay_us < longest_us ? delay_us : longest_us);
        return;
    }
    set_deadline(group, longest_rebalance_us(group));
}

const char *group_choose_protocol(const struct group *group)
{
    /* Each member votes for the first of its list that all support; most votes win. */
    size_t first = 0;
    const struct member *any = group_next_member(group, &first);
    const char *best = NULL;
    int best_votes = -1;
    for (int32_t i = 0; any != NULL && i < any->protocol_count; i++) {
        const char *name = any->protocols[i].name;
        int votes = 0;
        bool common = true;
        const struct member *member;
        for (size_t at = 0; (member = group_next_member(group, &at)) != NULL && common;) {
            common = member_supports(member, name);
        }
        for (size_t at = 0; common && (member = group_next_member(group, &at)) != NULL;) {
            votes += strcmp(member->protocols[0].name, name) == 0;
        }
        if (common && votes > best_votes) {
            best = name;
            best_votes = votes;
        }
    }
    return best;
}

static bool all_joined(const struct group *group)
{
    const struct member *member;
    for (size_t at = 0; (member = group_next_member(group, &at)) != NULL;) {
        if (member->joining == NULL) {
            return false;
        }
    }
    return group->pending.size == 0;
}

/* Dynamic members that did not join again are out; static ones stay until their session ends. */
static bool drop_absent(struct group *group)
{
    bool any_joined = group->members.size == 0;
    struct member *member;
    for (size_t at = 0; (member = group_next_member(group, &at)) != NULL;) {
        if (member->joining != NULL) {
            any_joined = true;
        } else if (member->instance_id == NULL) {
            member_remove(member, KAFKA_UNKNOWN_MEMBER_ID);
        }
    }
    return any_joined || group->members.size == 0;
}

static void ensure_leader_joined(struct group *group)
{
    if (group->leader != NULL && group->leader->joining != NULL) {
        return;
    }
    struct member *member;
    for (size_t at = 0; (member = group_next_member(group, &at)) != NULL;) {
        if (member->joining != NULL) {
            group->leader = member;
            return;
        }
    }
}

static void become_empty(struct group *group)
{
    group->state = GROUP_EMPTY;
    group->leader = NULL;
    mem_free(group->protocol_name);
    group->protocol_name = NULL;
    group->changed_at_us = clock_now_us();
    deadline_clear(&group->groups->loop->deadlines, &group->rebalance);
    group_store(group, NULL, NULL);
}

static void complete_join(struct group *group)
{
    if (!drop_absent(group)) {
        set_deadline(group, longest_rebalance_us(group)); /* only static members, all away */
        return;
    }
    group->delaying = false;
    group->generation = group->generation == INT32_MAX ? 1 : group->generation + 1;
    if (group->members.size == 0) {
        become_empty(group);
        return;
    }
    ensure_leader_joined(group);
    char *chosen = mem_strdup(group_choose_protocol(group));
    mem_free(group->protocol_name);
    group->protocol_name = chosen;
    group->state = GROUP_COMPLETING;
    logline(LOG_DEBUG, "broker", "group rebalanced", LOG_STRING("group", group->id),
            LOG_INT("generation", group->generation),
            LOG_INT("members", (int64_t) group->members.size));
    set_deadline(group, longest_rebalance_us(group));
    /* Answering may let a client go on at once, but never takes a member away. */
    struct member *member;
    for (size_t at = 0; (member = group_next_member(group, &at)) != NULL;) {
        struct request *joining = member->joining;
        member->joining = NULL;
        member_touch(member);
        if (joining != NULL) {
            join_answer(joining, member);
        }
    }
}

void group_complete_if_all_joined(struct group *group)
{
    if (group->state == GROUP_PREPARING && !group->delaying && all_joined(group)) {
        complete_join(group);
    }
}

/* Members that got the generation but never asked for their assignment hold up all others. */
static void drop_not_syncing(struct group *group)
{
    bool dropped = false;
    struct member *member;
    for (size_t at = 0; (member = group_next_member(group, &at)) != NULL;) {
        if (member->syncing == NULL) {
            member_remove(member, KAFKA_UNKNOWN_MEMBER_ID);
            dropped = true;
        }
    }
    if (dropped) {
        group_prepare_rebalance(group);
        group_complete_if_all_joined(group);
    }
}

static void go_on_delaying(struct group *group)
{
    int64_t delay_us = group->groups->config.initial_rebalance_delay_us;
    if (group->joined_while_delaying && group->delay_left_us > 0) {
        int64_t wait_us = delay_us < group->delay_left_us ? delay_us : group->delay_left_us;
        group->joined_while_delaying = false;
        group->delay_left_us -= wait_us;
        set_deadline(group, wait_us);
        return;
    }
    complete_join(group);
}

void group_on_rebalance_deadline(struct deadline *deadline)
{
    struct group *group = CONTAINER_OF(deadline, struct group, rebalance);
    if (group->state == GROUP_PREPARING && group->delaying) {
        go_on_delaying(group);
    } else if (group->state == GROUP_PREPARING) {
        complete_join(group);
    } else if (group->state == GROUP_COMPLETING && !group->storing) {
        drop_not_syncing(group);
    }
}

void group_member_gone(struct member *member, int16_t kafka_error)
{
    struct group *group = member->group;
    member_remove(member, kafka_error);
    if (group->state == GROUP_STABLE || group->state == GROUP_COMPLETING) {
        group_prepare_rebalance(group);
    }
    group_complete_if_all_joined(group);
}
