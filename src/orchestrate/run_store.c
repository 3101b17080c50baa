#include "orchestrate/run_store.h"

#include "base/memory.h"
#include "io/file.h"
#include "orchestrate/run_store_internal.h"

#include <stdio.h>
#include <string.h>

#define APPLICATION_ID 0x6c656174
#define VERSION        1

const char *const run_state_names[] = {"queued",    "running", "success", "failed",
                                       "cancelled", "skipped", NULL};
const char *const task_state_names[] = {"waiting",   "queued",  "running", "retry",
                                        "success",   "failed",  "skipped", "upstream_failed",
                                        "cancelled", "removed", NULL};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS dags(name TEXT PRIMARY KEY, file TEXT, profile TEXT, schedule TEXT,"
    " help TEXT, spec TEXT NOT NULL, paused INTEGER NOT NULL DEFAULT 0, present INTEGER NOT NULL,"
    " last_us INTEGER, next_us INTEGER) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS runs(id INTEGER PRIMARY KEY AUTOINCREMENT, dag TEXT NOT NULL,"
    " key TEXT NOT NULL, kind TEXT NOT NULL, state INTEGER NOT NULL, start_us INTEGER NOT NULL,"
    " end_us INTEGER NOT NULL, created_us INTEGER NOT NULL, started_us INTEGER NOT NULL,"
    " ended_us INTEGER NOT NULL, params TEXT, message TEXT, parallel INTEGER NOT NULL,"
    " cancel INTEGER NOT NULL, told_late INTEGER NOT NULL, UNIQUE(dag, key));"
    "CREATE INDEX IF NOT EXISTS runs_dag ON runs(dag, id);"
    "CREATE INDEX IF NOT EXISTS runs_active ON runs(id) WHERE state < 2;"
    "CREATE TABLE IF NOT EXISTS tasks(run INTEGER NOT NULL, name TEXT NOT NULL, place INTEGER NOT "
    "NULL,"
    " kind TEXT NOT NULL, state INTEGER NOT NULL, tries INTEGER NOT NULL,"
    " tries_before INTEGER NOT NULL, due_us INTEGER NOT NULL,"
    " started_us INTEGER NOT NULL, ended_us INTEGER NOT NULL, output TEXT, message TEXT,"
    " slots INTEGER NOT NULL, priority INTEGER NOT NULL, pool TEXT, after TEXT NOT NULL,"
    " PRIMARY KEY(run, name)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS tasks_running ON tasks(run, name) WHERE state = 2;"
    "CREATE TABLE IF NOT EXISTS tries(run INTEGER NOT NULL, task TEXT NOT NULL, number INTEGER NOT "
    "NULL,"
    " state TEXT NOT NULL, started_us INTEGER NOT NULL, ended_us INTEGER NOT NULL,"
    " exit_code INTEGER NOT NULL, message TEXT, PRIMARY KEY(run, task, number)) WITHOUT ROWID;";

enum status
run_store_open(const char *data, bool read_only, struct run_store **ret_store, struct error *error)
{
    char path[1200];
    const struct db_options options = {
        .flags = read_only ? DB_READ_ONLY : DB_CREATE,
        .application_id = APPLICATION_ID,
        .user_version = VERSION,
        .busy_timeout_us = INT64_C(30000000),
    };
    (void) snprintf(path, sizeof(path), "%s/dags", data);
    if (!read_only) {
        TRY(directory_make(path, error));
    }
    (void) snprintf(path, sizeof(path), "%s/dags/runs.db", data);
    struct run_store *store = mem_zalloc(sizeof(*store));
    enum status status = db_open(path, &options, &store->db, error);
    if (status == STATUS_OK && !read_only) {
        status = db_exec(store->db, schema, error);
    }
    if (status != STATUS_OK) {
        run_store_close(store);
        return status;
    }
    *ret_store = store;
    return STATUS_OK;
}

void run_store_close(struct run_store *store)
{
    if (store != NULL) {
        db_close(store->db);
        mem_free(store);
    }
}

enum status run_store_begin(struct run_store *store, struct error *error)
{
    return db_begin(store->db, error);
}

enum status run_store_commit(struct run_store *store, struct error *error)
{
    return db_commit(store->db, error);
}

void run_store_rollback(struct run_store *store)
{
    db_rollback(store->db);
}

enum status run_store_version(struct run_store *store, int64_t *ret_version, struct error *error)
{
    return db_query_int(store->db, "PRAGMA data_version", ret_version, error);
}

/* ---- parameters and columns --------------------------------------------------------------------
 */

static enum status
bind_all(struct db_statement *statement, const struct run_store_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int at = (int) i + 1;
        if (values[i].is_text && values[i].text == NULL) {
            statement_bind_null(statement, at);
        } else if (values[i].is_text) {
            statement_bind_text(statement, at, slice_of_string(values[i].text));
        } else {
            statement_bind_int(statement, at, values[i].integer);
        }
    }
    return STATUS_OK;
}

enum status run_store_exec(struct run_store *store,
                           const char *sql,
                           const struct run_store_value *values,
                           size_t count,
                           struct error *error)
{
    CLEANUP(statement_release_pointer) struct db_statement *statement = NULL;
    TRY(db_prepare(store->db, sql, &statement, error));
    TRY(bind_all(statement, values, count));
    return statement_run(statement, error);
}

enum status run_store_select(struct run_store *store,
                             const char *sql,
                             const struct run_store_value *values,
                             size_t count,
                             struct db_statement **ret_statement,
                             struct error *error)
{
    TRY(db_prepare(store->db, sql, ret_statement, error));
    return bind_all(*ret_statement, values, count);
}

const char *run_store_text(const struct db_statement *statement, int column, struct arena *arena)
{
    struct slice text = statement_column_text(statement, column);
    return text.data == NULL ? NULL : arena_string(arena, text);
}

void *run_store_grow(struct arena *arena, void *items, size_t count, size_t size)
{
    if ((count & (count - 1)) != 0) {
        return items; /* grows at 0, 1, 2, 4, 8, ... */
    }
    size_t more = count == 0 ? 1 : count * 2;
    return arena_grow(arena, items, count * size, more * size);
}

/* ---- DAGs --------------------------------------------------------------------------------------
 */

enum status
run_store_put_dag(struct run_store *store, const struct dag_record *dag, struct error *error)
{
    const struct run_store_value values[] = {VALUE_TEXT(dag->name),    VALUE_TEXT(dag->file),
                                             VALUE_TEXT(dag->profile), VALUE_TEXT(dag->schedule),
                                             VALUE_TEXT(dag->help),    VALUE_TEXT(dag->spec)};
    return run_store_exec(store,
                          "INSERT INTO dags(name, file, profile, schedule, help, spec, present) "
                          "VALUES (?1, ?2, ?3, ?4,"
                          " ?5, ?6, 1) ON CONFLICT(name) DO UPDATE SET file = ?2, profile = ?3, "
                          "schedule = ?4, help = ?5,"
                          " spec = ?6, present = 1",
                          values, ARRAY_SIZE(values), error);
}

enum status run_store_forget_dags(struct run_store *store, struct error *error)
{
    return db_exec(store->db, "UPDATE dags SET present = 0, next_us = NULL", error);
}

static void
read_dag(const struct db_statement *row, struct arena *arena, struct dag_record *ret_dag)
{
    *ret_dag = (struct dag_record){
        .name = run_store_text(row, 0, arena),
        .file = run_store_text(row, 1, arena),
        .profile = run_store_text(row, 2, arena),
        .schedule = run_store_text(row, 3, arena),
        .help = run_store_text(row, 4, arena),
        .spec = run_store_text(row, 5, arena),
        .paused = statement_column_int(row, 6) != 0,
        .present = statement_column_int(row, 7) != 0,
        .last_us =
            statement_column_type(row, 8) == DB_NULL ? INT64_MIN : statement_column_int(row, 8),
        .next_us =
            statement_column_type(row, 9) == DB_NULL ? INT64_MAX : statement_column_int(row, 9),
    };
}

enum status run_store_dags(struct run_store *store,
                           struct arena *arena,
                           struct dag_record **ret_dags,
                           size_t *ret_count,
                           struct error *error)
{
    CLEANUP(statement_release_pointer) struct db_statement *row = NULL;
    bool more;
    *ret_dags = NULL;
    *ret_count = 0;
    TRY(run_store_select(store, "SELECT * FROM dags ORDER BY name", NULL, 0, &row, error));
    for (;;) {
        TRY(statement_step(row, &more, error));
        if (!more) {
            return STATUS_OK;
        }
        *ret_dags = run_store_grow(arena, *ret_dags, *ret_count, sizeof(**ret_dags));
        read_dag(row, arena, &(*ret_dags)[(*ret_count)++]);
    }
}

static bool is_named(const struct dag_record *dag, const char *name)
{
    const char *dot = strrchr(dag->name, '.');
    return strcmp(dag->name, name) == 0 || (dot != NULL && strcmp(dot + 1, name) == 0);
}

enum status run_store_find_dag(struct run_store *store,
                               const char *name,
                               struct arena *arena,
                               struct dag_record *ret_dag,
                               struct error *error)
{
    struct dag_record *dags;
    size_t count;
    size_t found = 0;
    TRY(run_store_dags(store, arena, &dags, &count, error));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(dags[i].name, name) == 0) {
            *ret_dag = dags[i];
            return STATUS_OK;
        }
        if (is_named(&dags[i], name)) {
            *ret_dag = dags[i];
            found++;
        }
    }
    if (found == 1) {
        return STATUS_OK;
    }
    (void) error_set(error, STATUS_NOT_FOUND,
                     found == 0 ? "there is no DAG \"%s\"" : "several pipelines have a DAG \"%s\"",
                     name);
    if (found > 1) {
        error_hint(error, "write it as PIPELINE.DAG");
    } else {
        error_hint(error,
                   "leat dag list shows them; with --file FILE, those of a file that never ran");
    }
    return STATUS_NOT_FOUND;
}

enum status
run_store_pause(struct run_store *store, const char *dag, bool paused, struct error *error)
{
    const struct run_store_value values[] = {VALUE_TEXT(dag), VALUE_INT(paused)};
    return run_store_exec(store, "UPDATE dags SET paused = ?2 WHERE name = ?1", values,
                          ARRAY_SIZE(values), error);
}

enum status run_store_set_due(
    struct run_store *store, const char *dag, int64_t last_us, int64_t next_us, struct error *error)
{
    const struct run_store_value values[] = {VALUE_TEXT(dag), VALUE_INT(last_us),
                                             VALUE_INT(next_us)};
    return run_store_exec(store,
                          "UPDATE dags SET last_us = nullif(?2, -9223372036854775807 - 1),"
                          " next_us = nullif(?3, 9223372036854775807) WHERE name = ?1",
                          values, ARRAY_SIZE(values), error);
}
