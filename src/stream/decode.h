#pragma once

/*
 * Records of a topic to columns. Each record is decoded by the schema that its id names (Avro,
 * Confluent wire format), or as JSON; only columns that some query wants are built. The metadata
 * columns stand behind them.
 */

#include "base/arena.h"
#include "base/error.h"
#include "connect/log_client.h"
#include "connect/processor.h"

struct decoder;

struct decode_failure {
    size_t record; /* index into the records given */
    int32_t schema_id;
    const char *message;
};

struct decoded {
    const struct batch
        *batch;            /* wanted columns, then _key, _op, _accepted_at, _partition, _offset */
    const size_t *records; /* which record each row is */
    const struct decode_failure *failures;
    size_t failure_count;
    const size_t *deletes; /* records with a null value */
    size_t delete_count;
};

/* `wanted`: STRUCT of the topic's columns that queries read. The job is borrowed. */
MUST_USE enum status decoder_new(const struct processor_job *job,
                                 const struct type *wanted,
                                 struct decoder **ret_decoder,
                                 struct error *error);
void decoder_free(struct decoder *decoder);

/* Decodes records into one batch; memory of the arena. A record that cannot be decoded is a
 * failure of its own; an error means that a schema could not be had now (retriable). */
MUST_USE enum status decoder_run(struct decoder *decoder,
                                 const struct log_in *records,
                                 size_t count,
                                 struct arena *arena,
                                 struct decoded *ret_decoded,
                                 struct error *error);

/* The columns of `full` that any of the plans scans, nested fields pruned, in the order of `full`.
 * Metadata columns are left out. */
const struct type *type_wanted(struct arena *arena,
                               const struct type *full,
                               const struct query *const *queries,
                               size_t count);
