#pragma once

/*
 * A log and a schema registry in memory, behind the structs of connect/: for tests of what reads
 * and writes topics. Failures are asked for by count. Both are safe from any thread.
 */

#include "connect/log_client.h"
#include "connect/schemas.h"

extern const struct log_ops memory_log_ops;
extern const struct schemas_ops memory_schemas_ops;

/* An empty log with no topics. Closing a client leaves it as it is. */
struct log_client *memory_log_new(void);
void memory_log_free(struct log_client *log);

/* Makes a topic with these partitions, or adds partitions to it. */
void memory_log_topic(struct log_client *log, const char *topic, int32_t partitions);

/* Appends one record (its offset is given back); copies everything. */
int64_t memory_log_append(struct log_client *log,
                          const char *topic,
                          int32_t partition,
                          struct log_out record);

/* Drops what lies below an offset, as retention does. */
void memory_log_retain(struct log_client *log, const char *topic, int32_t partition, int64_t low);

/* The next `count` polls fail with this status. */
void memory_log_fail_polls(struct log_client *log, int count, enum status status);

/* Schemas by id from 1 on. */
struct schemas *memory_schemas_new(void);
void memory_schemas_free(struct schemas *schemas);
int32_t memory_schemas_add(struct schemas *schemas, const char *text);

/* The next `count` calls of by_id fail with this status. */
void memory_schemas_fail(struct schemas *schemas, int count, enum status status);
