#pragma once

/*
 * The layout of staging.db. For people: one table a source, named "PIPELINE.SOURCE", with each row
 * as it stands now. For leat:
 *
 *     leat_sources         a row a source: cursor, epoch, positions, rate budget, counts
 *     leat_outbox_<id>     changes of source <id> that are not confirmed yet, by position
 *     leat_dead            refused records
 *
 * Positions are dense within a source: the n-th accepted change has position n.
 */

#include "base/map.h"
#include "connect/stage.h"
#include "connectors/sqlite/turn.h"
#include "store/sqlite.h"

struct stage {
    struct db *db;
    struct turn *turn;  /* to write */
    struct map sources; /* name -> struct staged_source */
};

/* A source that this handle has met: its statements as text, which the db keeps compiled. */
struct staged_source {
    int64_t id;
    char *upsert;
    char *remove;
    char *find;
    char *after;
    char *outbox_insert;
    char *outbox_read;
    char *outbox_delete;
};

/* Finds a source, or makes its row and tables. */
enum status stage_source_find(struct stage *stage,
                              const char *name,
                              const struct staged_source **ret_source,
                              struct error *error);

/* Rows that are written inside a transaction. */
struct stage_rows {
    const struct stage_row *rows;
    size_t count;
    int64_t accept_max; /* -1: no limit */
    int64_t now_us;
    struct stage_result result; /* .position: in, the newest so far; out, the newest */
    size_t done;                /* out: how many were looked at */
};

enum status stage_rows_write(struct stage *stage,
                             const struct staged_source *source,
                             struct stage_rows *rows,
                             struct error *error);

enum status stage_page_commit(struct stage *stage,
                              const char *source,
                              const struct stage_page *page,
                              struct stage_result *ret_result,
                              struct error *error);

enum status stage_changes_read(struct stage *stage,
                               const char *source,
                               int64_t after,
                               size_t count_max,
                               size_t bytes_max,
                               struct arena *arena,
                               struct stage_change **ret_changes,
                               size_t *ret_count,
                               struct error *error);
enum status stage_changes_confirm(struct stage *stage,
                                  const char *source,
                                  int64_t position,
                                  struct error *error);
enum status stage_changes_confirmed(struct stage *stage,
                                    const char *source,
                                    int64_t *ret_position,
                                    struct error *error);

enum status stage_row_find(struct stage *stage,
                           const char *source,
                           struct slice key,
                           struct arena *arena,
                           struct slice *ret_json,
                           struct error *error);
enum status stage_rows_after(struct stage *stage,
                             const char *source,
                             struct slice after,
                             size_t count_max,
                             size_t bytes_max,
                             struct arena *arena,
                             struct stage_row **ret_rows,
                             size_t *ret_count,
                             struct error *error);

/* Inside a transaction. */
enum status
stage_dead_insert(struct stage *stage, const struct dead_letter *letter, struct error *error);
enum status stage_dead_list(struct stage *stage,
                            const struct dead_filter *filter,
                            dead_visit visit,
                            void *context,
                            struct error *error);
enum status stage_dead_resolve(struct stage *stage,
                               const char *source,
                               int64_t id,
                               const struct stage_row *row,
                               const char *message,
                               int64_t now_us,
                               struct stage_result *ret_result,
                               struct error *error);
enum status stage_dead_expire(struct stage *stage,
                              int64_t before_us,
                              int64_t *ret_removed,
                              struct error *error);
