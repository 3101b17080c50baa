#pragma once

/*
 * The log and the schema registry of a pipeline test: both in memory, filled before any processor
 * starts and not changed after that. One partition a topic. What only a real engine can do (writing
 * to the log, judging compatibility) is refused or, for compatibility, not judged.
 */

#include "connect/log_client.h"
#include "connect/schemas.h"

extern const struct log_ops test_log_ops;
extern const struct schemas_ops test_schemas_ops;

/* Both live in the arena. */
struct log_client *test_log_new(struct arena *arena);
struct schemas *test_schemas_new(struct arena *arena);

/* Makes the topic with these records; they are borrowed. Their offsets must count from 0. */
void test_log_add(struct log_client *log,
                  const char *topic,
                  const struct log_in *records,
                  size_t count);
