#pragma once

/*
 * Rows that a tombstone takes away. It has no row, so nothing of it passes Spark; the judge, leat's
 * own engine beside it, knows which rows it means, and hands them here instead of to a store. They
 * are kept in the job's state store until the sinks have everything that came before (delivery.c),
 * and go then as deletes of that moment. One whose row the judge meets again before is forgotten:
 * the newer row replaces the old one.
 */

#include "base/arena.h"
#include "base/error.h"
#include "connect/processor.h"

struct spark_deletes;

/* Loads what was left; `job` is Spark's, with the real sinks, and is borrowed. */
MUST_USE enum status spark_deletes_open(const struct processor_job *job,
                                        struct spark_deletes **ret_deletes,
                                        struct error *error);
void spark_deletes_close(struct spark_deletes *deletes); /* NULL is fine */

/* The URL of a store that takes writes for this set; see judge.c. */
const char *spark_deletes_url(const struct spark_deletes *deletes);
struct spark_deletes *spark_deletes_at(const char *url);

/* What the judge made of a batch: deletes are kept, rows replace them. Durable on return. Safe to
 * repeat, in order. */
MUST_USE enum status spark_deletes_take(struct spark_deletes *deletes,
                                        const struct store_commit *commit,
                                        struct error *error);

/* How many there are; *ret_newest is the number of the newest. */
size_t spark_deletes_count(struct spark_deletes *deletes, int64_t *ret_newest);

/* Gives those up to that number to their sinks with this version, and forgets them. */
MUST_USE enum status spark_deletes_apply(struct spark_deletes *deletes,
                                         int64_t newest,
                                         int64_t version_us,
                                         struct error *error);
