#pragma once

/*
 * Everything of one process: data directory, broker, registry, console, and the sources, captures
 * and processors of its pipelines. Started in the order in which they need each other, drained the
 * other way round: source, capture, stream, sink, broker, each with a deadline.
 *
 * All functions are called from the one thread that owns the engine.
 */

#include "app/data_dir.h"
#include "app/topology.h"
#include "base/buffer.h"
#include "base/error.h"
#include "connect/counts.h"
#include "ingest/capture.h"
#include "ingest/fetch.h"
#include "io/notify.h"

#include <stdbool.h>
#include <stdint.h>

struct engine;

struct engine_options {
    const char *data;                    /* directory */
    const char *kafka, *http, *registry; /* HOST:PORT to listen on; NULL: the default */
    const char *kafka_advertise;
    const char *profile;
    const char *const *set;
    size_t set_count;
    const char *secrets_dir;
    int64_t limit;      /* accept so many, then drain; -1: no limit */
    bool until_drained; /* `run`: ends when the sources are at their end */
    int64_t give_up_us; /* `run`: after a source failed for so long; 0: never */
    bool flush_windows;
    const char *only_source; /* `ingest`: leave all others out; NULL: none is */
    int64_t from_us, to_us;  /* interval to ingest, or 0 and 0 */
    bool rebuild;            /* run changed queries over the whole topic again */
    bool allow_open;
    const char *users; /* file with who may use the console; NULL: as the pipeline file says */
    const char *flush; /* "always", "interval", "never" */
};

/* Totals of the data directory, and this invocation's part. */
struct engine_totals {
    struct source_counts source; /* sum over sources */
    struct fate_counts fate;     /* sum over topics */
    int64_t accepted;            /* staged ones, and foreign records of the topics */
    int64_t accepted_new;        /* by this invocation */
    int64_t staged;              /* accepted and not yet in the log */
};

/* Loads the pipeline files and starts all. On failure everything is stopped again. */
MUST_USE enum status engine_start(const char *const *files,
                                  size_t file_count,
                                  const struct engine_options *options,
                                  struct engine **ret_engine,
                                  struct error *error);

/* Waits until something changed, at most `timeout_us`; then does what is due. */
void engine_tick(struct engine *engine, int64_t timeout_us);

/* Wakes engine_tick; safe from signal-driven threads (a notify). */
void engine_wake(struct engine *engine);

/* True once there is nothing more to do (`--limit` reached, sources at their end, or a failure that
 * ends the run). Then drain. */
bool engine_finished(const struct engine *engine);

/* The failure that ended it; STATUS_OK if none. */
enum status engine_failure(const struct engine *engine, struct error *ret_error);

/* Stops accepting and waits until every accepted record has ended. STATUS_CANCELLED when the
 * deadline passes, or `*abandon` becomes true, first. */
MUST_USE enum status engine_drain(struct engine *engine,
                                  int64_t timeout_us,
                                  const volatile bool *abandon,
                                  struct error *error);

/* Stops everything and frees it. NULL is fine. */
void engine_free(struct engine *engine);

void engine_totals(struct engine *engine, struct engine_totals *ret_totals);
const struct data_dir_addresses *engine_addresses(const struct engine *engine);
const char *engine_data(const struct engine *engine);
const char *engine_file(const struct engine *engine); /* the first pipeline's path */

/* ---- what status pages and the screen show --------------------------------------------------- */

struct engine_source_view {
    const char *pipeline;
    const char *name;
    const char *topic;
    const char *describe;
    struct fetch_status fetch;
    struct capture_status capture;
    bool capture_runs;
};

struct engine_topic_view {
    const char *pipeline;
    const char *topic;
    bool waits_for_schema;
    struct processor_status status;
    int64_t sink_count;
};

size_t engine_source_count(const struct engine *engine);
void engine_source_view(struct engine *engine, size_t index, struct engine_source_view *ret_view);
size_t engine_topic_count(const struct engine *engine);
void engine_topic_view(struct engine *engine, size_t index, struct engine_topic_view *ret_view);

/* One stored row as JSON, of the first table that has one, and the table's name: what a person sees
 * first. False while there is none. The name lives as long as the engine. */
bool engine_sample_row(struct engine *engine, const char **ret_table, struct buffer *ret_json);
