#pragma once

/* What tools ask about a running server: sizes, moves, access rules. */

#include "broker/request.h"

void describe_log_dirs_handle(struct request *request);
void list_partition_reassignments_handle(struct request *request);
void describe_acls_handle(struct request *request);
void create_acls_handle(struct request *request);
void delete_acls_handle(struct request *request);
