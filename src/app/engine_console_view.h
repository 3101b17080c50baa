#pragma once

/* What the files engine_console_{topics,records,scan,groups,tables}.c share: the console's view of
 * log, schemas and tables, on threads of requests. */

#include "app/engine_internal.h"
#include "app/record_view.h"
#include "app/workspace.h"
#include "console/json_writer.h"
#include "console/log_view.h"

/* The engine's own handles, which are safe from any thread, as a workspace for one request. */
void engine_borrow(struct engine *engine, struct workspace *ret_workspace);
void engine_give_back(struct workspace *workspace);

/* ---- records as JSON --------------------------------------------------------------------------
 */

struct record_writer {
    struct record_view *view;
    const struct log_ops *log_ops;
    enum console_form form;
    size_t bytes_max; /* of a value that is shown */
};

/* {"partition", "offset", "timestamp_ms", "key": {...}, "value": {...}, "headers": [...]}; a value
 * is {"form", "bytes", "cut", "schema", "text"}. */
void record_write(const struct record_writer *writer,
                  const struct log_in *record,
                  struct arena *arena,
                  struct json_writer *json);

/* The offsets to begin at in each partition; those that are not `partition` (-1: all) at their end.
 */
MUST_USE enum status record_starts(struct workspace *workspace,
                                   const char *topic,
                                   const char *from,
                                   int64_t partition,
                                   const struct log_partition *partitions,
                                   int32_t count,
                                   int64_t *ret_offsets,
                                   struct error *error);

/* ---- of struct console_log_view; `context` is the engine --------------------------------------
 */

extern const struct console_log_view engine_log_view;

enum status
engine_topic_show(void *context, const char *topic, struct buffer *target, struct error *error);
enum status
engine_topic_create(void *context, const struct console_topic_new *topic, struct error *error);
enum status engine_topic_change(void *context,
                                const char *topic,
                                const struct console_topic_change *change,
                                struct error *error);
enum status engine_topic_delete(void *context, const char *topic, struct error *error);
enum status engine_records(void *context,
                           const char *topic,
                           const struct console_seek *seek,
                           struct buffer *target,
                           struct error *error);
enum status engine_produce(void *context,
                           const char *topic,
                           const struct console_produce *record,
                           struct error *error);
enum status engine_scan_open(void *context,
                             const char *topic,
                             const struct console_scan *request,
                             void **ret_scan,
                             struct error *error);
void engine_scan_next(void *scan, struct buffer *target, bool *ret_end);
void engine_scan_close(void *scan);
enum status
engine_group_show(void *context, const char *group, struct buffer *target, struct error *error);
enum status engine_group_reset(void *context,
                               const char *group,
                               const struct console_reset *reset,
                               struct buffer *target,
                               struct error *error);
enum status engine_group_delete(void *context, const char *group, struct error *error);
enum status engine_subjects(void *context, struct buffer *target, struct error *error);
enum status
engine_subject_show(void *context, const char *subject, struct buffer *target, struct error *error);
enum status engine_subject_save(void *context,
                                const char *subject,
                                const struct console_schema_text *text,
                                struct buffer *target,
                                struct error *error);
enum status engine_relations(void *context, struct buffer *target, struct error *error);
enum status engine_query(void *context,
                         const struct console_sql *sql,
                         struct buffer *target,
                         struct error *error);
