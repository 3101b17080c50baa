#include "app/audit.h"

#include "base/map.h"
#include "stream/progress.h"
#include "stream/tables_mark.h"

/*
 * In the order in which records cannot hide: fates first, then what sources accepted, then what
 * staging still holds, then the ends of the log. A record that was accepted by then and has not
 * ended is in staging, or in the log behind the offsets read first.
 */

struct task {
    const char *name;
    int64_t number; /* of the progress that was taken */
    struct fate_counts counts;
    int64_t *offsets;
    int32_t partitions;
    int64_t waiting; /* records that it has judged, and Spark has yet to deliver */
};

struct auditor {
    struct workspace *workspace;
    struct arena *arena;
    struct map tasks;   /* name -> struct task */
    struct map sources; /* name -> struct audit_source */
    struct map tables;  /* name -> itself: that tasks fill */
    struct map lost;    /* those of them that are known to be gone */
    int64_t behind;     /* records of the log that no task has processed, or none delivered */
};

/* ---- tables ------------------------------------------------------------------------------------
 */

static bool is_mark(const char *task)
{
    size_t length = strlen(task);
    return length > strlen(TABLES_MARK) &&
           strcmp(task + length - strlen(TABLES_MARK), TABLES_MARK) == 0;
}

/* Lines of "+NAME" or "-NAME" (stream/tables_mark.h). */
static void take_mark(struct auditor *auditor, struct slice mark)
{
    char *text = arena_printf(auditor->arena, "%.*s", (int) mark.size, (const char *) mark.data);
    for (char *line = strtok_r(text, "\n", &text); line != NULL;
         line = strtok_r(NULL, "\n", &text)) {
        map_put_string(line[0] == '-' ? &auditor->lost : &auditor->tables, line + 1, line + 1);
    }
}

/* Are the tables of tasks that have stored something still there? */
static enum status look_for_tables(struct auditor *auditor, struct error *error)
{
    const struct store_ops *ops = auditor->workspace->roles.store_ops;
    struct store *store;
    TRY(workspace_tables(auditor->workspace, &store, error));
    enum status status = STATUS_OK;
    size_t at = 0;
    for (struct map_entry *entry;
         status == STATUS_OK && (entry = map_next(&auditor->tables, &at)) != NULL;) {
        struct store_table table;
        const char *name = entry->value;
        status = store == NULL ? STATUS_NOT_FOUND
                               : ops->table_describe(store, name, auditor->arena, &table, error);
        if (status == STATUS_NOT_FOUND) {
            map_put_string(&auditor->lost, name, entry->value);
            status = STATUS_OK;
        }
    }
    if (store != NULL) {
        ops->close(store);
    }
    return status;
}

/* ---- tasks -------------------------------------------------------------------------------------
 */

/* A task's progress stands in its state, or, if all of it is stateless, in the tables. Where both
 * have one the newer counts; a store that is only delivered to keeps the number alone. */
static enum status
take_task(void *context, const struct store_progress *stored, struct error *error)
{
    struct auditor *auditor = context;
    struct progress progress;
    struct task *task = map_get_string(&auditor->tasks, stored->task);
    bool delivers =
        strstr(stored->task, ".leat.") != NULL; /* rows of Spark, counted by its judge */
    if (is_mark(stored->task)) {
        take_mark(auditor, stored->bytes);
        return STATUS_OK;
    }
    if (delivers || stored->bytes.size == 0 || (task != NULL && task->number >= stored->number)) {
        return STATUS_OK;
    }
    progress_init(&progress);
    enum status status = progress_read(stored->bytes, &progress, error);
    if (status == STATUS_OK) {
        if (task == NULL) {
            task = ARENA_NEW(auditor->arena, struct task);
            task->name = arena_strdup(auditor->arena, stored->task);
            map_put_string(&auditor->tasks, task->name, task);
        }
        task->number = stored->number;
        task->counts = progress.counts;
        task->partitions = progress.partitions;
        task->offsets = ARENA_ARRAY(auditor->arena, int64_t, (size_t) progress.partitions);
        for (int32_t i = 0; i < progress.partitions; i++) {
            task->offsets[i] = progress.offsets[i];
        }
        task->waiting = 0;
        for (size_t i = 0; i < progress.waiting_count; i++) {
            task->waiting += progress.waiting[i].stored;
        }
    } else {
        error_context(error, "progress of \"%s\"", stored->task);
    }
    progress_deinit(&progress);
    return status;
}

static enum status
take_store(struct auditor *auditor, const struct store_place *place, struct error *error)
{
    struct store *store;
    TRY(store_place_open(place, &store, error));
    if (store == NULL) {
        return STATUS_OK;
    }
    enum status status = place->ops->progress_list(store, take_task, auditor, error);
    place->ops->close(store);
    return status;
}

static enum status take_tasks(struct auditor *auditor, struct error *error)
{
    struct store_place *places;
    size_t count;
    TRY(workspace_stores(auditor->workspace, auditor->arena, &places, &count, error));
    for (size_t i = 0; i < count; i++) {
        TRY(take_store(auditor, &places[i], error));
    }
    return STATUS_OK;
}

/* ---- sources -----------------------------------------------------------------------------------
 */

static enum status
take_source(void *context, const char *name, const struct stage_source *state, struct error *error)
{
    struct auditor *auditor = context;
    (void) error;
    struct audit_source *source = ARENA_NEW(auditor->arena, struct audit_source);
    source->name = arena_strdup(auditor->arena, name);
    source->counts = state->counts;
    source->staged = state->position;
    source->holds = state->counts.fetched ==
                    state->counts.accepted + state->counts.unchanged + state->counts.dead;
    map_put_string(&auditor->sources, source->name, source);
    return STATUS_OK;
}

static enum status take_sources(struct auditor *auditor, struct error *error)
{
    struct stage *stage;
    const struct stage_ops *ops = auditor->workspace->roles.stage_ops;
    TRY(workspace_stage(auditor->workspace, &stage, error));
    if (stage == NULL) {
        return STATUS_OK;
    }
    enum status status = ops->sources_list(stage, take_source, auditor, error);
    size_t at = 0;
    for (struct map_entry *entry;
         status == STATUS_OK && (entry = map_next(&auditor->sources, &at)) != NULL;) {
        struct audit_source *source = entry->value;
        int64_t confirmed;
        status = ops->changes_confirmed(stage, source->name, &confirmed, error);
        source->staged = status == STATUS_OK ? source->staged - confirmed : 0;
    }
    ops->close(stage);
    return status;
}

/* ---- the log -----------------------------------------------------------------------------------
 */

/* The topic is what follows the pipeline's name, which has no dot. */
static const char *topic_of(const char *task)
{
    const char *dot = strchr(task, '.');
    return dot == NULL ? task : dot + 1;
}

static bool has_task(const struct auditor *auditor, const char *topic)
{
    size_t at = 0;
    for (struct map_entry *entry; (entry = map_next(&auditor->tasks, &at)) != NULL;) {
        if (strcmp(topic_of(((const struct task *) entry->value)->name), topic) == 0) {
            return true;
        }
    }
    return false;
}

static enum status
measure_task(struct auditor *auditor, const struct task *task, struct error *error)
{
    struct workspace *workspace = auditor->workspace;
    struct log_partition *ends;
    int32_t count;
    enum status status = workspace->log_ops->topic_offsets(workspace->log, topic_of(task->name),
                                                           auditor->arena, &ends, &count, error);
    if (status == STATUS_NOT_FOUND) { /* deleted since: nothing of it is under way */
        return STATUS_OK;
    }
    TRY(status);
    for (int32_t i = 0; i < count; i++) {
        int64_t at = i < task->partitions ? task->offsets[i] : 0;
        auditor->behind += ends[i].high > at ? ends[i].high - at : 0;
    }
    return STATUS_OK;
}

static enum status measure_log(struct auditor *auditor, struct error *error)
{
    const char **topics;
    size_t count;
    TRY(workspace_topics(auditor->workspace, auditor->arena, &topics, &count, error));
    size_t at = 0;
    for (struct map_entry *entry; (entry = map_next(&auditor->tasks, &at)) != NULL;) {
        const struct task *task = entry->value;
        auditor->behind += task->waiting;
        TRY(measure_task(auditor, task, error));
    }
    for (size_t i = 0; i < count; i++) {
        if (!has_task(auditor, topics[i])) {
            const struct task unread = {.name = arena_printf(auditor->arena, ".%s", topics[i])};
            TRY(measure_task(auditor, &unread, error));
        }
    }
    return STATUS_OK;
}

/* ---- the sum -----------------------------------------------------------------------------------
 */

static void add_sources(struct auditor *auditor, struct audit *audit)
{
    struct audit_source *sources =
        ARENA_ARRAY(auditor->arena, struct audit_source, auditor->sources.size);
    size_t at = 0;
    for (struct map_entry *entry; (entry = map_next(&auditor->sources, &at)) != NULL;) {
        const struct audit_source *source = entry->value;
        sources[audit->source_count++] = *source;
        audit->source.fetched += source->counts.fetched;
        audit->source.accepted += source->counts.accepted;
        audit->source.unchanged += source->counts.unchanged;
        audit->source.dead += source->counts.dead;
        audit->source.requests += source->counts.requests;
        audit->staged += source->staged;
        audit->holds = audit->holds && source->holds;
    }
    audit->sources = sources;
}

static void add_topics(struct auditor *auditor, struct audit *audit)
{
    struct audit_topic *topics =
        ARENA_ARRAY(auditor->arena, struct audit_topic, auditor->tasks.size);
    size_t at = 0;
    for (struct map_entry *entry; (entry = map_next(&auditor->tasks, &at)) != NULL;) {
        const struct task *task = entry->value;
        topics[audit->topic_count++] = (struct audit_topic){task->name, task->counts};
        audit->fate.stored += task->counts.stored;
        audit->fate.filtered += task->counts.filtered;
        audit->fate.late += task->counts.late;
        audit->fate.dead += task->counts.dead;
        audit->fate.foreign += task->counts.foreign;
    }
    audit->topics = topics;
}

static void add_lost(struct auditor *auditor, struct audit *audit)
{
    const char **names = ARENA_ARRAY(auditor->arena, const char *, auditor->lost.size + 1);
    size_t at = 0;
    for (struct map_entry *entry; (entry = map_next(&auditor->lost, &at)) != NULL;) {
        names[audit->lost_count++] = entry->value;
    }
    audit->lost = names;
}

enum status audit_run(struct workspace *workspace,
                      struct arena *arena,
                      struct audit *ret_audit,
                      struct error *error)
{
    struct auditor auditor = {.workspace = workspace, .arena = arena};
    struct audit audit = {.holds = true};
    map_init(&auditor.tasks);
    map_init(&auditor.sources);
    map_init(&auditor.tables);
    map_init(&auditor.lost);
    enum status status = take_tasks(&auditor, error);
    status = status == STATUS_OK ? take_sources(&auditor, error) : status;
    status = status == STATUS_OK ? measure_log(&auditor, error) : status;
    if (status == STATUS_OK) {
        add_sources(&auditor, &audit);
        add_topics(&auditor, &audit);
        status = audit.fate.stored > 0 ? look_for_tables(&auditor, error) : STATUS_OK;
        add_lost(&auditor, &audit);
        const struct fate_counts *fate = &audit.fate;
        int64_t ended = fate->stored + fate->filtered + fate->late + fate->dead;
        audit.accepted = audit.source.accepted + fate->foreign;
        audit.in_flight = audit.accepted - ended;
        audit.holds = audit.holds && audit.lost_count == 0 && audit.in_flight >= 0 &&
                      audit.in_flight <= audit.staged + auditor.behind;
        *ret_audit = audit;
    }
    map_deinit(&auditor.tasks);
    map_deinit(&auditor.sources);
    map_deinit(&auditor.tables);
    map_deinit(&auditor.lost);
    return status;
}
