#pragma once

/*
 * Counters, gauges and histograms, by the field's naming rules (Prometheus: base units, `_total`
 * for counters, `_seconds`, `_bytes`). A metric is registered once and then updated without locks.
 *
 *     static struct metric *rows;      rows = metric_counter("leat_sink_rows_total", "help",
 *                                                             "sink", "users", NULL);
 *     metric_add(rows, 1000);
 */

#include "base/buffer.h"

#include <stdint.h>

struct metric;

/* Registers, or finds the one with the same name and labels. Labels are name, value, ..., NULL.
 * Never freed. */
struct metric *metric_counter(const char *name, const char *help, ...) __attribute__((sentinel));
struct metric *metric_gauge(const char *name, const char *help, ...) __attribute__((sentinel));

/* Exponential buckets from 10 µs to 100 s. Observed in seconds. */
struct metric *metric_histogram(const char *name, const char *help, ...) __attribute__((sentinel));

void metric_add(struct metric *counter, int64_t amount);
void metric_set(struct metric *gauge, double value);
void metric_observe(struct metric *histogram, double seconds);
int64_t metric_value(const struct metric *counter);

/* The text exposition format 0.0.4 of everything registered. */
void metrics_write(struct buffer *target);
