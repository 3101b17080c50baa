#pragma once

/*
 * Topics and their partitions. A topic is made in three steps: an entry in the journal, the
 * partition logs in DIR/NAME-N/, then it can be found. It goes in the same order: entry, logs, out
 * of sight. After a crash the journal says what should be there. Loop thread only.
 */

#include "base/list.h"
#include "base/map.h"
#include "broker/state.h"
#include "broker/topic_settings.h"
#include "wire/kafka_error.h"

#define TOPIC_NAME_BYTES_MAX 249
#define TOPIC_PARTITIONS_MAX 10000

struct topics;
struct topic;

struct partition {
    struct topic *topic;
    int32_t index;
    struct partition_log *log;
    struct list waiters; /* fetches that want to know of new records; see fetch_wait.h */
};

enum topic_state {
    TOPIC_CREATING,
    TOPIC_READY,
    TOPIC_DELETING
};

struct topic {
    char *name;
    struct uuid id;
    enum topic_state state;
    bool changing; /* an entry for it is under way: partitions or settings */
    struct topic_settings settings;
    struct partition **partitions;
    int32_t partition_count;
};

struct topics_config {
    const char *directory;
    struct partition_log_config log; /* what topics start from */
    struct flusher *flusher;
};

struct topics *topics_new(const struct topics_config *config);
void topics_free(struct topics *topics); /* closes what is open */

/* The journal, once it is open. */
void topics_use_state(struct topics *topics, struct state *state);

/* Called when a topic is about to go, while it is still whole. */
void topics_on_delete(struct topics *topics,
                      void (*on_delete)(void *context, struct topic *topic),
                      void *context);

/* Replaying the journal; then opens all logs and removes the directories of deleted topics. */
void topics_replay(struct topics *topics, const struct topic_record *record);
void topics_replay_deleted(struct topics *topics, const struct topic_deleted_record *record);
MUST_USE enum status topics_open_logs(struct topics *topics, struct error *error);
MUST_USE enum status
topics_snapshot(struct topics *topics, struct journal_writer *writer, struct error *error);

/* Syncs and closes all logs with the clean mark. The first failure is returned, all are closed. */
MUST_USE enum status topics_close_logs(struct topics *topics, struct error *error);

/* Only topics that are ready. NULL if there is none. */
struct topic *topics_find(const struct topics *topics, struct slice name);
struct topic *topics_find_id(const struct topics *topics, const struct uuid *id);
/* NULL also for a partition whose log could not be made. */
struct partition *topic_partition(const struct topic *topic, int32_t index);
struct partition *topics_partition(const struct topics *topics, struct slice name, int32_t index);

/* Those that are ready, in the order of creation; advances *position, NULL at the end. */
struct topic *topics_next(const struct topics *topics, size_t *position);
size_t topics_count(const struct topics *topics);

const struct partition_log_config *topics_log_defaults(const struct topics *topics);

/* 1 to 249 of letters, digits, ".", "_", "-"; not "." or "..". */
bool topic_name_ok(struct slice name);

/* How a change came out: a Kafka error, 0 if done, with its reason. `topic` is the one made. */
typedef void (*topics_done)(void *context,
                            int16_t kafka_error,
                            const char *message,
                            struct topic *topic);

/* What the caller wants; all of it is borrowed. */
struct topic_wish {
    struct slice name;
    int32_t partition_count;
    const struct topic_settings *settings;
};

/* Whether it could be made now: 0 or a Kafka error with its reason in `error`. */
int16_t
topics_check(const struct topics *topics, const struct topic_wish *wish, struct error *error);

/* `done` is called later, or at once with what topics_check says. */
void topics_create(struct topics *topics,
                   const struct topic_wish *wish,
                   topics_done done,
                   void *context);
void topics_delete(struct topics *topics, struct topic *topic, topics_done done, void *context);
void topics_grow(struct topics *topics,
                 struct topic *topic,
                 int32_t partition_count,
                 topics_done done,
                 void *context);
void topics_configure(struct topics *topics,
                      struct topic *topic,
                      const struct topic_settings *settings,
                      topics_done done,
                      void *context);
