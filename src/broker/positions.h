#pragma once

/* Where a partition begins and ends: by time, by leader epoch, and moving its beginning. */

#include "broker/request.h"

void list_offsets_handle(struct request *request);
void offset_for_leader_epoch_handle(struct request *request);
void delete_records_handle(struct request *request);
