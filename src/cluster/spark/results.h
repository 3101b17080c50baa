#pragma once

/*
 * The way out of Spark: a topic a stream, which Spark writes and a task of leat's own engine stores
 * into the stream's sinks, so that versions, dead letters and every store work as everywhere.
 *
 * Spark's Kafka sink is at least once: after a failure it writes a batch again, all of it, before
 * any later one. Records of one sink key are in one partition and in Spark's order, so writing them
 * again ends with the same newest row a key: the repeat is harmless. (In between a row may be seen
 * as it was some records ago.)
 */

#include "cluster/spark/plan.h"
#include "connect/processor.h"

struct spark_result {
    struct spark_output output;
    struct processor_job job; /* of the task that stores */
    struct processor *task;   /* the embedded processor's; NULL until it is started */
};

/* Makes the topic and registers its schema. `lineage` marks topics of this data directory. */
MUST_USE enum status spark_result_prepare(const struct processor_job *job,
                                          const struct processor_stream *stream,
                                          const char *lineage,
                                          struct arena *arena,
                                          struct spark_result *ret_result,
                                          struct error *error);
