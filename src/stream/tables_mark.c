#include "stream/tables_mark.h"

#include "base/buffer.h"
#include "base/logline.h"

#include <string.h>

enum status tables_look(struct processor *task, struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    for (size_t i = 0; i < task->stream_count; i++) {
        for (size_t s = 0; s < task->streams[i].sink_count; s++) {
            struct task_sink *sink = &task->streams[i].sinks[s];
            struct store_table table;
            if (sink->spec->is_topic || sink->store->ops->table_describe == NULL) {
                continue;
            }
            enum status status = sink->store->ops->table_describe(
                sink->store->handle, sink->spec->table->name, &arena, &table, error);
            sink->absent = status == STATUS_NOT_FOUND;
            if (status != STATUS_OK && !sink->absent) {
                error_context(error, "sink \"%s\"", sink->spec->name);
                return status;
            }
        }
    }
    return STATUS_OK;
}

/* '+' or '-' of a line of the mark; 0: it does not name the table. */
static char found_in(struct slice mark, const char *table)
{
    size_t length = strlen(table);
    const char *at = (const char *) mark.data;
    const char *end = at + mark.size;
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t) (end - at));
        if (line_end == NULL) {
            break;
        }
        if ((size_t) (line_end - at) == length + 1 && memcmp(at + 1, table, length) == 0) {
            return *at;
        }
        at = line_end + 1;
    }
    return 0;
}

static void append_table(const struct processor *task,
                         const struct task_sink *sink,
                         struct slice before,
                         bool rebuild,
                         struct buffer *mark)
{
    const char *table = sink->spec->table->name;
    char was = found_in(before, table);
    bool went = was == '+' && sink->absent && task->progress.counts.stored > 0;
    bool lost = !rebuild && (went || was == '-');
    if (went && !rebuild) {
        logline(LOG_WARN, task->name,
                "a table is gone, and with it what is counted as stored: it is made anew, empty",
                LOG_STRING("table", table));
    }
    buffer_printf(mark, "%c%s\n", lost ? '-' : '+', table);
}

enum status tables_mark(struct processor *task, bool rebuild, struct error *error)
{
    const struct store_ops *ops = task->keeper->ops;
    struct buffer mark CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct store_progress stored = {.number = 0};
    const char *name = arena_printf(&task->arena, "%s" TABLES_MARK, task->name);
    enum status status =
        ops->progress_load(task->keeper->handle, name, &task->arena, &stored, error);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    struct slice before = status == STATUS_OK ? stored.bytes : SLICE_EMPTY;
    for (size_t i = 0; i < task->stream_count; i++) {
        for (size_t s = 0; s < task->streams[i].sink_count; s++) {
            if (!task->streams[i].sinks[s].spec->is_topic) {
                append_table(task, &task->streams[i].sinks[s], before, rebuild, &mark);
            }
        }
    }
    struct slice now = buffer_slice(&mark);
    if (now.size == before.size &&
        (now.size == 0 || memcmp(now.data, before.data, now.size) == 0)) {
        return STATUS_OK;
    }
    const struct store_progress progress = {name, stored.number + 1, now};
    const struct store_commit commit = {.progress = &progress};
    struct error failure = {0};
    status = ops->commit(task->keeper->handle, &commit, &failure);
    if (status == STATUS_OK || failure.retriable) { /* the next start writes it */
        return STATUS_OK;
    }
    *error = failure;
    return status;
}
