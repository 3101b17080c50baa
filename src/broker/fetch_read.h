#pragma once

/* What one fetch request wants of each partition, and reading it. */

#include "broker/broker_internal.h"
#include "broker/request.h"

struct fetch_item {
    struct slice name; /* or, from version 13 on, the id */
    struct uuid topic_id;
    struct fetch_request_partition wanted;
    struct fetch_response_partition found;
    bool left_out; /* of the answer: nothing new for the session */
};

struct fetch_plan {
    struct fetch_item *items;
    int32_t count;
    size_t bytes_max; /* of all records together */
    bool by_id;
    bool committed_only; /* isolation level read_committed */
};

/* NULL, and the item's error set, if there is no such partition. */
struct partition *
fetch_find(const struct broker *broker, const struct fetch_plan *plan, struct fetch_item *item);

/* Fills every item's `found`. Returns the bytes of records; `ret_failed` says whether any partition
 * has an error, which is told at once. */
size_t fetch_read(struct request *request, struct fetch_plan *plan, bool *ret_failed);
