#pragma once

/*
 * What must outlive this process so that queries that still run on Spark are found again, and that
 * new ones go on from the right checkpoint: one row of the job's state store, as JSON.
 */

#include "base/arena.h"
#include "base/error.h"
#include "connect/processor.h"

#include <stdbool.h>
#include <stdint.h>

struct spark_saved_stream {
    const char *name;
    const char *query_id; /* NULL: none was started */
    const char *run_id;
    uint64_t fingerprint; /* of what was started: text, schemas, excluded records, topic */
    uint64_t plan;        /* of the query's meaning, for --rebuild */
    int64_t generation;   /* of its checkpoint; a rebuild begins a new one */
    int64_t *offsets;     /* a partition: all below is in the result topic */
    int32_t partitions;
};

struct spark_saved {
    char *session; /* UUID */
    char *lineage; /* marks checkpoints and result topics of this data directory */
    struct spark_saved_stream *streams;
    size_t stream_count;
    int32_t *schema_ids; /* that records of the topic were seen with */
    size_t schema_count;
    struct arena arena;
};

void spark_saved_init(struct spark_saved *saved);
void spark_saved_deinit(struct spark_saved *saved);

/* Reads it, or begins a new one; entries for streams of the job that are not there yet are added.
 */
MUST_USE enum status
spark_saved_load(const struct processor_job *job, struct spark_saved *saved, struct error *error);
MUST_USE enum status spark_saved_store(const struct processor_job *job,
                                       const struct spark_saved *saved,
                                       struct error *error);

/* The entry of a stream; it is there after spark_saved_load. */
struct spark_saved_stream *spark_saved_stream(const struct spark_saved *saved, const char *name);

void spark_saved_add_schema(struct spark_saved *saved, int32_t id);
void spark_saved_offsets(struct spark_saved *saved,
                         struct spark_saved_stream *stream,
                         const int64_t *offsets,
                         int32_t partitions);
