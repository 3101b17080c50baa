#pragma once

/*
 * Apache Spark as the processor (connect/processor.h), reached by Spark Connect.
 *
 *     topic ─► Spark, one query a stream ─► result topic a stream ─► task ─► sinks     results.h
 *       └────► the judge: fates, dead letters                                          judge.h
 *
 * The SQL text goes to Spark unchanged. Queries belong to a session whose id is kept (saved.h), so
 * that after a restart of leat those that still run are adopted; others start from their
 * checkpoint.
 *
 * A tombstone has no row, so no delete passes: it counts as filtered.
 */

#include "connect/processor.h"

extern const struct processor_ops spark_processor;
