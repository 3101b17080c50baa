#pragma once

/*
 * What commands do with topics and consumer groups: the log's contract of a workspace, and the
 * requests of connectors/kafka/kafka_admin.h for what only a broker can do. For one thread.
 */

#include "app/workspace.h"
#include "connectors/kafka/kafka_admin.h"

/* Connects to a broker: STATUS_UNAVAILABLE naming the command if there is only the files. `what`
 * completes "cannot ...". */
MUST_USE enum status
kafka_tools_connect(struct workspace *workspace, const char *what, struct error *error);

/* The topic's partitions; STATUS_NOT_FOUND with the nearest name as a hint. */
MUST_USE enum status kafka_tools_partitions(struct workspace *workspace,
                                            const char *topic,
                                            struct arena *arena,
                                            struct log_partition **ret_partitions,
                                            int32_t *ret_count,
                                            struct error *error);

/* ---- places in a topic, as --from and --to have them -------------------------------------------
 */

enum log_place_kind {
    PLACE_BEGINNING,
    PLACE_END,
    PLACE_OFFSET, /* value: in each partition */
    PLACE_LAST,   /* value: so many before the end of each partition */
    PLACE_TIME,   /* value: ms; the first record with this timestamp or a later one */
};

struct log_place {
    enum log_place_kind kind;
    int64_t value;
};

/* What LOG_PLACE_HELP says. STATUS_USAGE naming the option. */
#define LOG_PLACE_HELP "beginning, end, an offset, -10 for the last ten, a time, or -1h"
MUST_USE enum status log_place_parse(const char *option,
                                     const char *text,
                                     int64_t now_us,
                                     struct log_place *ret_place,
                                     struct error *error);

/* The offset of the place in each of the topic's `count` partitions, within low and high. A time
 * in files, which have no index of times here, is `low`: the reader leaves out what is before. */
MUST_USE enum status kafka_tools_offsets(struct workspace *workspace,
                                         const char *topic,
                                         const struct log_place *place,
                                         const struct log_partition *partitions,
                                         int32_t count,
                                         int64_t *ret_offsets,
                                         struct error *error);

/* ---- groups ------------------------------------------------------------------------------------
 */

/* Where a group would go on: `positions` to, `from` its committed offset, -1 for none. */
struct group_move {
    struct kafka_position *positions;
    int64_t *from;
    size_t count;
};

/* The move of a group to a place in all partitions of `topic`, or, if that is NULL, of the topics
 * that it has committed. With a topic the group need not exist. STATUS_CONFLICT while it has
 * members; STATUS_USAGE if it has committed nothing and no topic is named. Changes nothing. */
MUST_USE enum status kafka_tools_group_move(struct workspace *workspace,
                                            const char *group,
                                            const char *topic,
                                            const struct log_place *place,
                                            struct arena *arena,
                                            struct group_move *ret_move,
                                            struct error *error);
