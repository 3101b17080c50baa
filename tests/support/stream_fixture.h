#pragma once

/*
 * The embedded processor over a topic in memory and SQLite stores in a temporary folder: what the
 * tests of stream/ share. One instance, in `f`.
 *
 *     fixture_topic("STRUCT<id: BIGINT, name: STRING>", 1);
 *     fixture_stream("people", "SELECT id, name FROM t");
 *     fixture_sink("people", "people_rows", "id", DELETES_APPLY);
 *     fixture_send("1", "{\"id\": 1, \"name\": \"Ada\"}");
 *     fixture_run(STATUS_OK);
 *     fixture_expect_rows("people_rows", "{\"id\":1,\"name\":\"Ada\"}");
 *     fixture_expect_fates(1, 0, 0, 0);
 */

#include "connect/dead_letter.h"
#include "connect/processor.h"
#include "memory_log.h"
#include "sql/query.h"
#include "test.h"

#define FIXTURE_STREAMS 6
#define FIXTURE_SINKS   6

struct fixture_failure {
    const char *store;  /* part of the URL of the stores meant */
    int after;          /* commits that pass before */
    int times;          /* commits that fail then */
    enum status status; /* AGAIN: retriable; INTERNAL: for good */
};

struct fixture {
    char directory[64];
    struct arena arena;
    struct error error;
    struct log_client *log;
    struct schemas *schemas;
    struct sql_relation relation;
    struct processor_stream streams[FIXTURE_STREAMS];
    struct processor_sink sinks[FIXTURE_STREAMS][FIXTURE_SINKS];
    struct processor_job job;
    struct processor *processor;
    struct processor_status status; /* of the last run */
    struct fixture_failure failure;
    int64_t position;    /* of the last record with an identity */
    int64_t accepted_us; /* what the next record carries; moves by a second each */
};

extern struct fixture f;

int fixture_setup(void **state);
int fixture_teardown(void **state);

/* The topic "t" with a value of this type, read as JSON. */
void fixture_topic(const char *type, int32_t partitions);

/* A stream over "t". */
void fixture_stream(const char *name, const char *sql);
void fixture_stream_with(const char *name, const char *sql, struct sql_options options);

/* A sink of the stream added last; `key` "a,b": columns, `uuid`: the column that is one, or NULL.
 */
void fixture_sink(const char *stream,
                  const char *table,
                  const char *key,
                  enum deletes_mode deletes);
void fixture_sink_in(const char *database,
                     const char *stream,
                     const char *table,
                     const char *key,
                     const char *uuid,
                     enum deletes_mode deletes);

/* Forgets the streams (and their sinks): the file has changed. */
void fixture_forget_streams(void);

/* Appends to partition 0 with the next identity; `json` NULL: a delete. */
void fixture_send(const char *key, const char *json);
void fixture_send_to(int32_t partition, const char *key, const char *json, int64_t position);
void fixture_send_foreign(const char *key, const char *json);

/* Opens the processor, drains what the topic holds, closes. `wanted` is how it ends: STATUS_OK, or
 * the status that the task failed (or did not open) with. */
void fixture_run(enum status wanted);

/* The three steps of it. */
void fixture_open(void);
void fixture_drain(enum status wanted);
void fixture_close(void);

/* Dead letter `id` again, while the processor is open. */
enum status fixture_retry(int64_t id, bool *ret_resolved);

/* The same of a letter in the store "tables.db" or "state.db". */
enum status fixture_retry_from(const char *name, int64_t id, bool *ret_resolved);

/* All rows of a table as JSON lines, sorted, from "tables.db" or another database. */
const char *fixture_rows(const char *database, const char *table);
void fixture_expect_rows(const char *table, const char *wanted);

/* Lines "id hop name reason place retries", of the store that keeps them. */
const char *fixture_letters(const char *database);
const char *fixture_letters_of(const char *database, const char *name); /* one stream's or sink's */

void fixture_expect_fates(int64_t stored, int64_t filtered, int64_t late, int64_t dead);
