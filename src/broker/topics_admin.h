#pragma once

/* Making, growing and deleting topics. */

#include "broker/request.h"

void create_topics_handle(struct request *request);
void delete_topics_handle(struct request *request);
void create_partitions_handle(struct request *request);
