/* Runs, their tasks and tries. */

#include "orchestrate/run_store_internal.h"

#include <string.h>

/* ---- runs --------------------------------------------------------------------------------------
 */

#define RUN_COLUMNS                                                                                \
    "id, dag, key, kind, state, start_us, end_us, created_us, started_us, ended_us, params, "      \
    "message, parallel, cancel, told_late"

static void read_run(const struct db_statement *row, struct arena *arena, struct dag_run *ret_run)
{
    *ret_run = (struct dag_run){
        .id = statement_column_int(row, 0),
        .dag = run_store_text(row, 1, arena),
        .key = run_store_text(row, 2, arena),
        .kind = run_store_text(row, 3, arena),
        .state = (enum run_state) statement_column_int(row, 4),
        .start_us = statement_column_int(row, 5),
        .end_us = statement_column_int(row, 6),
        .created_us = statement_column_int(row, 7),
        .started_us = statement_column_int(row, 8),
        .ended_us = statement_column_int(row, 9),
        .params = run_store_text(row, 10, arena),
        .message = run_store_text(row, 11, arena),
        .parallel = statement_column_int(row, 12),
        .cancel = statement_column_int(row, 13) != 0,
        .told_late = statement_column_int(row, 14) != 0,
    };
}

static enum status
find_key(struct run_store *store, const struct dag_run *run, int64_t *ret_id, struct error *error)
{
    CLEANUP(statement_release_pointer) struct db_statement *row = NULL;
    const struct run_store_value values[] = {VALUE_TEXT(run->dag), VALUE_TEXT(run->key)};
    bool more;
    TRY(run_store_select(store, "SELECT id FROM runs WHERE dag = ?1 AND key = ?2", values,
                         ARRAY_SIZE(values), &row, error));
    TRY(statement_step(row, &more, error));
    *ret_id = more ? statement_column_int(row, 0) : 0;
    return STATUS_OK;
}

enum status run_store_add(struct run_store *store,
                          const struct dag_run *run,
                          int64_t *ret_id,
                          bool *ret_added,
                          struct error *error)
{
    const struct run_store_value values[] = {
        VALUE_TEXT(run->dag),       VALUE_TEXT(run->key),       VALUE_TEXT(run->kind),
        VALUE_INT(run->state),      VALUE_INT(run->start_us),   VALUE_INT(run->end_us),
        VALUE_INT(run->created_us), VALUE_INT(run->started_us), VALUE_INT(run->ended_us),
        VALUE_TEXT(run->params),    VALUE_TEXT(run->message),   VALUE_INT(run->parallel)};
    TRY(run_store_exec(store,
                       "INSERT INTO runs(dag, key, kind, state, start_us, end_us, created_us, "
                       "started_us, ended_us, params, message, parallel, cancel, told_late) VALUES "
                       "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0, 0) "
                       "ON CONFLICT(dag, key) DO NOTHING",
                       values, ARRAY_SIZE(values), error));
    *ret_added = db_changes(store->db) > 0;
    return find_key(store, run, ret_id, error);
}

enum status
run_store_update(struct run_store *store, const struct dag_run *run, struct error *error)
{
    const struct run_store_value values[] = {VALUE_INT(run->id),         VALUE_INT(run->state),
                                             VALUE_INT(run->started_us), VALUE_INT(run->ended_us),
                                             VALUE_TEXT(run->message),   VALUE_INT(run->told_late)};
    return run_store_exec(store,
                          "UPDATE runs SET state = ?2, started_us = ?3, ended_us = ?4, "
                          "message = ?5, told_late = ?6 WHERE id = ?1",
                          values, ARRAY_SIZE(values), error);
}

enum status run_store_cancel(struct run_store *store, int64_t id, struct error *error)
{
    const struct run_store_value values[] = {VALUE_INT(id)};
    return run_store_exec(store, "UPDATE runs SET cancel = 1 WHERE id = ?1 AND state < 2", values,
                          1, error);
}

enum status run_store_runs(struct run_store *store,
                           const struct run_filter *filter,
                           struct arena *arena,
                           struct dag_run **ret_runs,
                           size_t *ret_count,
                           struct error *error)
{
    CLEANUP(statement_release_pointer) struct db_statement *row = NULL;
    const char *sql = arena_printf(
        arena, "SELECT " RUN_COLUMNS " FROM runs WHERE 1%s%s%s%s%s ORDER BY id%s LIMIT %lld",
        filter->active ? " AND state < 2" : "", filter->dag != NULL ? " AND dag = ?1" : "",
        filter->state != NULL ? " AND state = ?2" : "", filter->id != 0 ? " AND id = ?3" : "",
        filter->before != 0 ? " AND id < ?4" : "", filter->active ? "" : " DESC",
        filter->limit == 0 ? -1LL : (long long) filter->limit);
    int64_t state = -1;
    for (int i = 0; filter->state != NULL && run_state_names[i] != NULL; i++) {
        state = strcmp(run_state_names[i], filter->state) == 0 ? i : state;
    }
    *ret_runs = NULL;
    *ret_count = 0;
    TRY(db_prepare(store->db, sql, &row, error));
    if (filter->dag != NULL) {
        statement_bind_text(row, 1, slice_of_string(filter->dag));
    }
    if (filter->state != NULL) {
        statement_bind_int(row, 2, state);
    }
    if (filter->id != 0) {
        statement_bind_int(row, 3, filter->id);
    }
    if (filter->before != 0) {
        statement_bind_int(row, 4, filter->before);
    }
    for (bool more;;) {
        TRY(statement_step(row, &more, error));
        if (!more) {
            return STATUS_OK;
        }
        *ret_runs = run_store_grow(arena, *ret_runs, *ret_count, sizeof(**ret_runs));
        read_run(row, arena, &(*ret_runs)[(*ret_count)++]);
    }
}

enum status run_store_run(struct run_store *store,
                          int64_t id,
                          struct arena *arena,
                          struct dag_run *ret_run,
                          struct error *error)
{
    const struct run_filter filter = {.id = id};
    struct dag_run *runs = NULL;
    size_t count = 0;
    if (id > 0) {
        TRY(run_store_runs(store, &filter, arena, &runs, &count, error));
    }
    if (count == 0) {
        return error_set(error, STATUS_NOT_FOUND, "there is no run %lld", (long long) id);
    }
    *ret_run = runs[0];
    return STATUS_OK;
}

/* ---- tasks -------------------------------------------------------------------------------------
 */

enum status run_store_put_task(struct run_store *store,
                               int64_t run,
                               const struct run_task *task,
                               struct error *error)
{
    const struct run_store_value values[] = {VALUE_INT(run),
                                             VALUE_TEXT(task->name),
                                             VALUE_TEXT(task->kind),
                                             VALUE_INT(task->state),
                                             VALUE_INT(task->tries),
                                             VALUE_INT(task->due_us),
                                             VALUE_INT(task->started_us),
                                             VALUE_INT(task->ended_us),
                                             VALUE_TEXT(task->output),
                                             VALUE_TEXT(task->message),
                                             VALUE_INT(task->slots),
                                             VALUE_INT(task->priority),
                                             VALUE_TEXT(task->pool),
                                             VALUE_TEXT(task->after),
                                             VALUE_INT(task->tries_before)};
    return run_store_exec(
        store,
        "INSERT INTO tasks(run, name, place, kind, state, tries, due_us, started_us, ended_us, "
        "output,"
        " message, slots, priority, pool, after, tries_before) VALUES (?1, ?2, (SELECT count(*) "
        "FROM tasks WHERE run"
        " = ?1), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) ON CONFLICT(run, name) "
        "DO UPDATE"
        " SET state = ?4, tries = ?5, due_us = ?6, started_us = ?7, ended_us = ?8, output = ?9,"
        " message = ?10, slots = ?11, priority = ?12, pool = ?13, after = ?14, tries_before = ?15",
        values, ARRAY_SIZE(values), error);
}

static void
read_task(const struct db_statement *row, struct arena *arena, struct run_task *ret_task)
{
    *ret_task = (struct run_task){
        .name = run_store_text(row, 0, arena),
        .kind = run_store_text(row, 1, arena),
        .state = (enum task_state) statement_column_int(row, 2),
        .tries = statement_column_int(row, 3),
        .due_us = statement_column_int(row, 4),
        .started_us = statement_column_int(row, 5),
        .ended_us = statement_column_int(row, 6),
        .output = run_store_text(row, 7, arena),
        .message = run_store_text(row, 8, arena),
        .slots = statement_column_int(row, 9),
        .priority = statement_column_int(row, 10),
        .pool = run_store_text(row, 11, arena),
        .after = run_store_text(row, 12, arena),
        .tries_before = statement_column_int(row, 13),
    };
}

enum status run_store_tasks(struct run_store *store,
                            int64_t run,
                            struct arena *arena,
                            struct run_task **ret_tasks,
                            size_t *ret_count,
                            struct error *error)
{
    CLEANUP(statement_release_pointer) struct db_statement *row = NULL;
    const struct run_store_value values[] = {VALUE_INT(run)};
    *ret_tasks = NULL;
    *ret_count = 0;
    TRY(run_store_select(
        store,
        "SELECT name, kind, state, tries, due_us, started_us, ended_us, output, "
        "message, slots, priority, pool, after, tries_before FROM tasks WHERE run = ?1 "
        "ORDER BY place",
        values, 1, &row, error));
    for (bool more;;) {
        TRY(statement_step(row, &more, error));
        if (!more) {
            return STATUS_OK;
        }
        *ret_tasks = run_store_grow(arena, *ret_tasks, *ret_count, sizeof(**ret_tasks));
        read_task(row, arena, &(*ret_tasks)[(*ret_count)++]);
    }
}

enum status run_store_running(struct run_store *store,
                              enum status (*visit)(void *context,
                                                   int64_t run,
                                                   const char *task,
                                                   int64_t try,
                                                   struct error *error),
                              void *context,
                              struct error *error)
{
    CLEANUP(statement_release_pointer) struct db_statement *row = NULL;
    struct arena arena;
    arena_init(&arena, 0);
    bool more = true;
    enum status status = run_store_select(
        store, "SELECT run, name, tries FROM tasks WHERE state = 2 ORDER BY run, name", NULL, 0,
        &row, error);
    while (status == STATUS_OK && more) {
        status = statement_step(row, &more, error);
        if (status == STATUS_OK && more) {
            status = visit(context, statement_column_int(row, 0), run_store_text(row, 1, &arena),
                           statement_column_int(row, 2), error);
        }
    }
    arena_deinit(&arena);
    return status;
}

/* ---- tries -------------------------------------------------------------------------------------
 */

enum status run_store_put_try(struct run_store *store,
                              int64_t run,
                              const struct run_try *try,
                              struct error *error)
{
    const struct run_store_value values[] = {VALUE_INT(run),
                                             VALUE_TEXT(try->task),
                                             VALUE_INT(try->number),
                                             VALUE_TEXT(try->state),
                                             VALUE_INT(try->started_us),
                                             VALUE_INT(try->ended_us),
                                             VALUE_INT(try->exit_code),
                                             VALUE_TEXT(try->message)};
    return run_store_exec(store,
                          "INSERT OR REPLACE INTO tries VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                          values, ARRAY_SIZE(values), error);
}

enum status run_store_tries(struct run_store *store,
                            int64_t run,
                            struct arena *arena,
                            struct run_try **ret_tries,
                            size_t *ret_count,
                            struct error *error)
{
    CLEANUP(statement_release_pointer) struct db_statement *row = NULL;
    const struct run_store_value values[] = {VALUE_INT(run)};
    *ret_tries = NULL;
    *ret_count = 0;
    TRY(run_store_select(
        store,
        "SELECT task, number, state, started_us, ended_us, exit_code, message FROM "
        "tries WHERE run = ?1 ORDER BY started_us, task, number",
        values, 1, &row, error));
    for (bool more;;) {
        TRY(statement_step(row, &more, error));
        if (!more) {
            return STATUS_OK;
        }
        *ret_tries = run_store_grow(arena, *ret_tries, *ret_count, sizeof(**ret_tries));
        (*ret_tries)[(*ret_count)++] = (struct run_try){
            .task = run_store_text(row, 0, arena),
            .number = statement_column_int(row, 1),
            .state = run_store_text(row, 2, arena),
            .started_us = statement_column_int(row, 3),
            .ended_us = statement_column_int(row, 4),
            .exit_code = statement_column_int(row, 5),
            .message = run_store_text(row, 6, arena),
        };
    }
}

/* ---- what others want --------------------------------------------------------------------------
 */

/* True if `name` is one of those in a list divided by commas. */
static bool listed(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list; at != NULL && *at != '\0';) {
        size_t word = strcspn(at, ",");
        if (word == length && strncmp(at, name, length) == 0) {
            return true;
        }
        at += word;
        at += *at == ',';
    }
    return false;
}

static bool is_again(const struct run_task *task, const char *named)
{
    if (strcmp(task->kind, "hook") == 0) {
        return false;
    }
    return named != NULL ? strcmp(task->name, named) == 0
                         : task->state == STATE_FAILED || task->state == STATE_UPSTREAM_FAILED ||
                               task->state == STATE_CANCELLED;
}

/* Tasks come behind those that they wait for, so one pass finds all that follow. */
static enum status
again(struct run_store *store, int64_t run, const char *named, struct error *error)
{
    struct arena arena;
    struct run_task *tasks;
    size_t count;
    arena_init(&arena, 0);
    size_t chosen = 0;
    enum status status = run_store_tasks(store, run, &arena, &tasks, &count, error);
    bool *marks = ARENA_ARRAY(&arena, bool, count + 1);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        marks[i] = is_again(&tasks[i], named);
        for (size_t j = 0; j < i && !marks[i] && strcmp(tasks[i].kind, "hook") != 0; j++) {
            marks[i] = marks[j] && listed(tasks[i].after, tasks[j].name);
        }
        if (marks[i]) {
            tasks[i].state = STATE_WAITING;
            tasks[i].message = NULL;
            tasks[i].output = NULL;
            tasks[i].ended_us = 0;
            tasks[i].tries_before = tasks[i].tries;
            status = run_store_put_task(store, run, &tasks[i], error);
            chosen++;
        }
    }
    if (status == STATUS_OK && chosen == 0) {
        status = named == NULL ? error_set(error, STATUS_CONFLICT, "no task of run %lld has failed",
                                           (long long) run)
                               : error_set(error, STATUS_NOT_FOUND, "run %lld has no task \"%s\"",
                                           (long long) run, named);
    }
    arena_deinit(&arena);
    return status;
}

enum status
run_store_retry(struct run_store *store, int64_t run, const char *task, struct error *error)
{
    struct arena arena;
    struct dag_run found;
    arena_init(&arena, 0);
    enum status status = run_store_run(store, run, &arena, &found, error);
    if (status == STATUS_OK && !run_state_is_end(found.state)) {
        status = error_set(error, STATUS_CONFLICT, "run %lld is still under way", (long long) run);
    }
    if (status == STATUS_OK && found.state == RUN_SKIPPED) {
        status = error_set(error, STATUS_CONFLICT, "run %lld was left out; run the DAG anew",
                           (long long) run);
    }
    arena_deinit(&arena);
    TRY(status);
    TRY(db_begin(store->db, error));
    const struct run_store_value values[] = {VALUE_INT(run)};
    status = again(store, run, task, error);
    if (status == STATUS_OK) {
        status =
            run_store_exec(store,
                           "UPDATE runs SET state = 1, cancel = 0, ended_us = 0, message = NULL "
                           "WHERE id = ?1",
                           values, 1, error);
    }
    if (status == STATUS_OK) {
        status = db_commit(store->db, error);
    }
    if (status != STATUS_OK) {
        db_rollback(store->db);
    }
    return status;
}
