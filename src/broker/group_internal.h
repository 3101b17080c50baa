#pragma once

/* What the files group*.c share. */

#include "base/map.h"
#include "broker/deadline.h"
#include "broker/groups.h"

#define SESSION_TIMEOUT_MS_MIN 6000
#define SESSION_TIMEOUT_MS_MAX (30 * 60 * 1000)
#define GROUP_MEMBERS_MAX      10000
#define OFFSET_METADATA_MAX    4096

enum group_state {
    GROUP_EMPTY,
    GROUP_PREPARING,
    GROUP_COMPLETING,
    GROUP_STABLE,
};

struct groups {
    struct loop *loop;
    struct state *state;
    struct groups_config config;
    struct map by_id; /* struct group */
};

struct protocol {
    char *name;
    struct slice metadata; /* owned */
};

struct member {
    struct group *group;
    char *id;
    char *instance_id; /* NULL: dynamic */
    char *client_id;
    char *client_host;
    int32_t session_timeout_ms;
    int32_t rebalance_timeout_ms;
    struct protocol *protocols; /* in order of preference */
    int32_t protocol_count;
    bool restored;           /* from the journal: only the chosen protocol is known */
    struct slice assignment; /* owned */
    struct request *joining; /* parked until the join completes */
    struct request *syncing; /* parked until the assignment is durable */
    struct deadline session; /* runs while nothing is parked */
};

/* A member id that was given out and not yet used (KIP-394). */
struct pending_member {
    struct group *group;
    char *id;
    struct deadline deadline;
};

struct committed {
    char *topic;
    int32_t partition;
    int64_t offset;
    int32_t leader_epoch;
    struct slice metadata; /* owned */
    int64_t committed_at_us;
};

struct group {
    struct groups *groups;
    char *id;
    enum group_state state;
    int32_t generation;
    char *protocol_type; /* NULL: never had a member */
    char *protocol_name; /* chosen; NULL: none */
    struct member *leader;
    struct map members;        /* by id                    */
    struct map instances;      /* static members, by instance id */
    struct map pending;        /* struct pending_member, by id   */
    struct map offsets;        /* struct committed, by topic and partition */
    struct deadline rebalance; /* PREPARING: joins end; COMPLETING: syncs end */
    bool delaying;             /* PREPARING: an empty group waits for more members */
    int64_t delay_left_us;
    bool joined_while_delaying;
    bool storing; /* COMPLETING: the assignment is being made durable */
    bool deleting;
    int64_t changed_at_us; /* wall clock; when it became empty */
};

/* --- groups.c --- */

/* Ids and names are kept as C strings. */
static inline bool group_text_ok(struct slice text)
{
    return text.size == 0 || memchr(text.data, '\0', text.size) == NULL;
}

struct group *groups_find(const struct groups *groups, struct slice id);
struct group *groups_add(struct groups *groups, struct slice id);
void groups_remove(struct group *group); /* frees it */
const char *group_state_name(const struct group *group);

/* Stores the group as it is now; `done` may be NULL. */
void group_store(struct group *group, state_done done, void *context);

/* --- group_member.c --- */

struct member *group_find_member(const struct group *group, struct slice id);
struct member *group_find_instance(const struct group *group, struct slice instance_id);
struct member *group_next_member(const struct group *group, size_t *position);

/* Adds a member; the first becomes leader. */
struct member *member_add(struct group *group,
                          const char *id,
                          struct slice instance_id,
                          const struct request *request);

struct member *member_restore(struct group *group, const struct group_record_member *record);

/* Takes timeouts and protocols from a join. */
void member_update(struct member *member, const struct join_group_request *body, int16_t version);
bool member_same_protocols(const struct member *member, const struct join_group_request *body);
bool member_supports(const struct member *member, const char *protocol);
struct slice member_metadata(const struct member *member, const char *protocol);
void member_set_assignment(struct member *member, struct slice assignment);

/* Gives it another id, as a static member that comes back has. */
void member_rename(struct member *member, const char *id);

/* Ends its parked requests with `kafka_error` and forgets it. Does not rebalance. */
void member_remove(struct member *member, int16_t kafka_error);
void member_end_parked(struct member *member, int16_t kafka_error);

/* From now on it must be heard of within its session timeout, unless something is parked. */
void member_touch(struct member *member);

void group_add_pending(struct group *group, const char *id, int32_t session_timeout_ms);
void group_remove_pending(struct group *group, struct slice id);

/* "NAME-<uuid>" */
#define MEMBER_ID_BYTES 320
void member_id_make(struct slice name, char ret_id[MEMBER_ID_BYTES]);

/* Finds who speaks: 0, or UNKNOWN_MEMBER_ID or FENCED_INSTANCE_ID. */
int16_t group_identify(const struct group *group,
                       struct slice member_id,
                       struct slice instance_id,
                       struct member **ret_member);

/* --- group_rebalance.c --- */

void group_prepare_rebalance(struct group *group);
void group_on_rebalance_deadline(struct deadline *deadline);
void group_complete_if_all_joined(struct group *group);
const char *group_choose_protocol(const struct group *group); /* NULL without members */

/* The member is out (left, or silent for too long): rebalance if that matters. */
void group_member_gone(struct member *member, int16_t kafka_error);

/* Answers a join with the current generation. */
void join_answer(struct request *request, const struct member *member);
void join_answer_error(struct request *request, int16_t kafka_error, struct slice member_id);
void sync_answer(struct request *request, const struct member *member);
void sync_answer_error(struct request *request, int16_t kafka_error);
