#pragma once

/* The committed offsets of a group. Loop thread only. */

#include "broker/group_internal.h"

struct committed *group_committed(const struct group *group, struct slice topic, int32_t partition);

/* Writes them to a snapshot of the journal. */
MUST_USE enum status
group_offsets_snapshot(struct group *group, struct journal_writer *writer, struct error *error);

void group_drop_offsets(struct group *group);
void group_drop_topic_offsets(struct group *group, struct slice topic);
