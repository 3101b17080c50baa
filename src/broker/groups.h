#pragma once

/*
 * Consumer groups, classic protocol: membership, rebalances, committed offsets. The broker is every
 * group's coordinator. Members run the assignment; what they exchange is opaque bytes here.
 *
 *                 first join                     all joined, or time is up
 *     EMPTY ──────────────────► PREPARING ──────────────────────────► COMPLETING
 *       ▲                        │  ▲  ▲                                │    │
 *       │ nobody joined          │  │  └── join, leave, session ends ───┘    │ leader's assignment
 *       └────────────────────────┘  │                                        │ is durable
 *                                   └── join, leave, session ends ── STABLE ◄┘
 *
 * A group with its members is stored when it becomes stable or empty, so that a restart of the
 * broker disturbs no consumer. Loop thread only.
 */

#include "broker/request.h"
#include "broker/state.h"

struct group;
struct groups;
struct topic;

struct groups_config {
    int64_t initial_rebalance_delay_us;
    int64_t offsets_retention_us;
};

struct groups *groups_new(struct loop *loop, const struct groups_config *config);
void groups_free(struct groups *groups);
void groups_use_state(struct groups *groups, struct state *state);

void groups_replay(struct groups *groups, const struct group_record *record);
void groups_replay_deleted(struct groups *groups, const struct group_deleted_record *record);
void groups_replay_offsets(struct groups *groups, const struct offsets_record *record);
void groups_replay_offsets_deleted(struct groups *groups,
                                   const struct offsets_deleted_record *record);
MUST_USE enum status
groups_snapshot(struct groups *groups, struct journal_writer *writer, struct error *error);

/* Gives restored members a fresh session. */
void groups_start(struct groups *groups);

/* Forgets the offsets of a topic. */
void groups_drop_topic(struct groups *groups, struct slice topic);

/* Removes groups that have been empty for longer than offsets are retained. */
void groups_expire(struct groups *groups);

/* Those that there are; advances *position, NULL at the end. */
struct group *groups_next(const struct groups *groups, size_t *position);

void join_group_handle(struct request *request);
void sync_group_handle(struct request *request);
void heartbeat_handle(struct request *request);
void leave_group_handle(struct request *request);
void describe_groups_handle(struct request *request);
void list_groups_handle(struct request *request);
void delete_groups_handle(struct request *request);
void offset_commit_handle(struct request *request);
void offset_fetch_handle(struct request *request);
void offset_delete_handle(struct request *request);
