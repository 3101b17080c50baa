#pragma once

/* What orchestrate/airflow.c (the DAG) and airflow_tasks.c (its tasks) share. */

#include "orchestrate/airflow.h"

struct exporter {
    const struct dag *dag;
    const struct airflow_options *options;
    struct buffer *target;
    struct arena arena;
    struct error *error;
};

void airflow_put(struct exporter *exporter, const char *text);

/* A string in which leat's templates are Airflow's. */
MUST_USE enum status airflow_put_template(struct exporter *exporter, const char *text);

/* {"NAME": "value", ...} */
MUST_USE enum status airflow_put_pairs(struct exporter *exporter,
                                       const struct setting_pairs *pairs);

/* task_NAME = Operator(...) */
MUST_USE enum status airflow_put_task(struct exporter *exporter, const struct dag_task *task);
