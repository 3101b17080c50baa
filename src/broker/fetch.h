#pragma once

/*
 * Fetch: records out of partitions, with long polls. A request that finds less than it asked for is
 * parked; appends to its partitions wake it, or its time runs out.
 */

#include "broker/request.h"

#include <stddef.h>

struct partition;

void fetch_handle(struct request *request);

/* `bytes` more can be read from the partition. */
void fetch_wake(struct partition *partition, size_t bytes);

/* The partition is about to go: whoever waits for it is answered now. */
void fetch_wake_all(struct partition *partition);
