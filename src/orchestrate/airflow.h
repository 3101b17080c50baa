#pragma once

/*
 * A DAG as a file for Apache Airflow 2.10 to 3.x: the same schedule, intervals, dependencies,
 * retries and trigger rules, in Python that a person can read and go on from. `ingest` becomes an
 * operator of the provider (python/airflow-provider-leat), `run` and `python` Airflow's own.
 */

#include "base/buffer.h"
#include "orchestrate/dag.h"

struct airflow_options {
    const char *profile, *data; /* of the ingest tasks; NULL: none, leat's own */
};

/* Appends the file to `target`. STATUS_CONFIG naming the task and what Airflow has nothing for. */
MUST_USE enum status airflow_export(const struct dag *dag,
                                    const struct airflow_options *options,
                                    struct buffer *target,
                                    struct error *error);
