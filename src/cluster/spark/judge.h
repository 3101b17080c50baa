#pragma once

/*
 * The judge: leat's own engine runs the same queries over the same records beside Spark and stores
 * no row. So the fate of every record is known exactly and durably (stored, filtered, late, dead),
 * the records that fail in a query are dead letters with their reason, as everywhere, and when
 * Spark fails at a record it can be told which to leave out.
 *
 * It costs what the embedded engine costs without its tables. Which rows are late depends on where
 * batches end, so Spark's choice may differ there; `batch: N records` fixes the boundaries.
 */

#include "cluster/spark/deletes.h"
#include "cluster/spark/plan.h"
#include "connect/processor.h"

/* The job with its sinks judged only: rows are converted as the tables want them, and left. */
const struct processor_job *judge_job(const struct processor_job *job,
                                      const struct spark_deletes *deletes,
                                      struct arena *arena);

/* The places of dead letters at or behind `offsets` (a partition) that are not to be read by the
 * stream: those that could not be decoded, and those that failed in its query. */
MUST_USE enum status judge_dead_places(const struct processor_job *job,
                                       const char *stream,
                                       const int64_t *offsets,
                                       int32_t partitions,
                                       struct arena *arena,
                                       struct spark_place **ret_places,
                                       size_t *ret_count,
                                       struct error *error);
