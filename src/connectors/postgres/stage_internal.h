#pragma once

/*
 * The layout of staging in PostgreSQL. For people: one table a source, named "PIPELINE.SOURCE",
 * with each row as it stands now. For leat, in the same schema:
 *
 *     leat_sources       a row a source: cursor, epoch, positions, rate budget, counts
 *     leat_outbox        changes that are not confirmed yet, by source and position
 *     leat_confirmed     how far each source's changes are in the log; apart from leat_sources, so
 *                        that fetch and capture do not wait for each other
 *     leat_source_dead   refused records
 *
 * Positions are dense within a source: the n-th accepted change has position n. Who writes to a
 * source locks its row in leat_sources first.
 */

#include "base/map.h"
#include "connect/stage.h"
#include "connectors/postgres/connection.h"

struct stage {
    struct pg *pg;
    struct map sources; /* name -> struct staged_source */
};

/* A source that this handle has met. */
struct staged_source {
    int64_t id;
    char *look; /* which of these keys are there, with their hashes */
    char *upsert;
    char *remove;
    char *find;
    char *after;
};

/* Finds a source, or makes its row and table. Outside a transaction. */
enum status pg_stage_source_find(struct stage *stage,
                                 const char *name,
                                 const struct staged_source **ret_source,
                                 struct error *error);

/* Inside a transaction: locks the source for writing, and tells its newest position. */
enum status pg_stage_source_lock(struct stage *stage,
                                 const struct staged_source *source,
                                 int64_t *ret_position,
                                 struct error *error);

/* Rows that are written inside a transaction, which has locked the source. */
struct stage_rows {
    const struct stage_row *rows;
    size_t count;
    int64_t accept_max; /* -1: no limit */
    int64_t now_us;
    struct stage_result result; /* .position: in, the newest so far; out, the newest */
    size_t done;                /* out: how many were looked at */
};

enum status pg_stage_rows_write(struct stage *stage,
                                const struct staged_source *source,
                                struct stage_rows *rows,
                                struct error *error);

enum status pg_stage_page_commit(struct stage *stage,
                                 const char *source,
                                 const struct stage_page *page,
                                 struct stage_result *ret_result,
                                 struct error *error);

enum status pg_stage_changes_read(struct stage *stage,
                                  const char *source,
                                  int64_t after,
                                  size_t count_max,
                                  size_t bytes_max,
                                  struct arena *arena,
                                  struct stage_change **ret_changes,
                                  size_t *ret_count,
                                  struct error *error);
enum status pg_stage_changes_confirm(struct stage *stage,
                                     const char *source,
                                     int64_t position,
                                     struct error *error);
enum status pg_stage_changes_confirmed(struct stage *stage,
                                       const char *source,
                                       int64_t *ret_position,
                                       struct error *error);

enum status pg_stage_row_find(struct stage *stage,
                              const char *source,
                              struct slice key,
                              struct arena *arena,
                              struct slice *ret_json,
                              struct error *error);
enum status pg_stage_rows_after(struct stage *stage,
                                const char *source,
                                struct slice after,
                                size_t count_max,
                                size_t bytes_max,
                                struct arena *arena,
                                struct stage_row **ret_rows,
                                size_t *ret_count,
                                struct error *error);

/* Inside a transaction: queued. */
void pg_stage_dead_insert(struct stage *stage, const struct dead_letter *letter);
enum status pg_stage_dead_list(struct stage *stage,
                               const struct dead_filter *filter,
                               dead_visit visit,
                               void *context,
                               struct error *error);
enum status pg_stage_dead_resolve(struct stage *stage,
                                  const char *source,
                                  int64_t id,
                                  const struct stage_row *row,
                                  const char *message,
                                  int64_t now_us,
                                  struct stage_result *ret_result,
                                  struct error *error);
enum status pg_stage_dead_expire(struct stage *stage,
                                 int64_t before_us,
                                 int64_t *ret_removed,
                                 struct error *error);

/* As connect/stage.h says of `hold`, `holds` and `release`. */
enum status pg_stage_hold(const char *url,
                          const char *const *pipelines,
                          size_t count,
                          struct stage_hold **ret_hold,
                          struct error *error);
enum status pg_stage_holds(struct stage_hold *hold, struct error *error);
void pg_stage_release(struct stage_hold *hold);
