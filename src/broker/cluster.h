#pragma once

/* What a client asks first: brokers, topics, coordinators. */

#include "broker/request.h"

void metadata_handle(struct request *request);
void describe_cluster_handle(struct request *request);
void find_coordinator_handle(struct request *request);
