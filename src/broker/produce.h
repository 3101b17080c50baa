#pragma once

/* Produce and InitProducerId: records into partitions. */

#include "broker/request.h"

void produce_handle(struct request *request);
void init_producer_id_handle(struct request *request);
