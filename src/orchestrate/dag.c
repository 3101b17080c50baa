#include "orchestrate/dag.h"

#include "base/memory.h"
#include "orchestrate/template.h"

#include <string.h>

#define TASKS_MAX 1000

const char *const dag_task_kind_names[] = {"ingest", "run",  "python", "sql",
                                           "http",   "wait", "hook"};

struct build {
    struct dag *dag;
    const struct dag_surroundings *around;
    struct arena *arena;
    struct error *error;
    const char **names; /* of tasks, in the order of the file */
    char *marks;        /* of tasks while they are sorted */
    size_t *places;     /* from the file's order to the DAG's */
    size_t placed;
};

static enum status
hinted(struct error *error, const char *word, const char *const *names, size_t count)
{
    const char *nearest = count == 0 ? NULL : nearest_word(word, names, count);
    if (nearest != NULL) {
        error_hint(error, "did you mean \"%s\"?", nearest);
    }
    return STATUS_CONFIG;
}

/* Names stand in templates and in paths. */
static enum status check_name(const char *what, const struct node *node, struct error *error)
{
    const char *allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    size_t length = strlen(node->key);
    if (length > 100 || strspn(node->key, allowed) != length) {
        return node_error(error, node,
                          "\"%s\" is no name of a %s; use at most 100 letters, digits and _",
                          node->key, what);
    }
    return STATUS_OK;
}

static size_t find_section(const struct setting_sections *sections, const char *name)
{
    for (size_t i = 0; i < sections->count; i++) {
        if (strcmp(sections->items[i].name, name) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

static bool contains(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- the order of tasks ------------------------------------------------------------------------
 */

/* Depth first, so that every task stands behind those that it waits for. */
static enum status place_task(struct build *build, size_t index)
{
    const struct setting_sections *tasks = &build->dag->settings->tasks;
    const struct setting_section *section = &tasks->items[index];
    const struct dag_task_settings *settings = section->value;
    if (build->marks[index] == 2) {
        return STATUS_OK;
    }
    build->marks[index] = 1;
    for (size_t i = 0; i < settings->after.count; i++) {
        const char *name = settings->after.items[i];
        size_t before = find_section(tasks, name);
        if (before == SIZE_MAX) {
            (void) node_error(build->error, settings->after.nodes[i], "there is no task \"%s\"",
                              name);
            return hinted(build->error, name, build->names, tasks->count);
        }
        if (build->marks[before] == 1) {
            return node_error(build->error, settings->after.nodes[i],
                              before == index
                                  ? "task \"%s\" waits for itself"
                                  : "task \"%s\" waits for task \"%s\", and that for it",
                              section->name, name);
        }
        TRY(place_task(build, before));
    }
    build->marks[index] = 2;
    build->places[index] = build->placed;
    build->dag->tasks[build->placed++] = (struct dag_task){
        .name = section->name, .settings = settings, .node = section->node, .is_leaf = true};
    return STATUS_OK;
}

static enum status place_tasks(struct build *build)
{
    const struct setting_sections *tasks = &build->dag->settings->tasks;
    build->dag->tasks = ARENA_ARRAY(build->arena, struct dag_task, tasks->count);
    build->names = ARENA_ARRAY(build->arena, const char *, tasks->count);
    build->marks = arena_zalloc(build->arena, tasks->count + 1);
    build->places = ARENA_ARRAY(build->arena, size_t, tasks->count);
    for (size_t i = 0; i < tasks->count; i++) {
        build->names[i] = tasks->items[i].name;
        TRY(check_name("task", tasks->items[i].node, build->error));
    }
    for (size_t i = 0; i < tasks->count; i++) {
        TRY(place_task(build, i));
    }
    build->dag->task_count = build->placed;
    for (size_t i = 0; i < build->dag->task_count; i++) {
        struct dag_task *task = &build->dag->tasks[i];
        size_t *after = ARENA_ARRAY(build->arena, size_t, task->settings->after.count);
        for (size_t j = 0; j < task->settings->after.count; j++) {
            size_t above = build->places[find_section(tasks, task->settings->after.items[j])];
            bool twice = false;
            for (size_t k = 0; k < task->after_count; k++) {
                twice = twice || after[k] == above;
            }
            if (twice) {
                continue;
            }
            after[task->after_count++] = above;
            task->after = after;
            build->dag->tasks[above].is_leaf = false;
        }
    }
    return STATUS_OK;
}

/* ---- tasks -------------------------------------------------------------------------------------
 */

static enum status choose_kind(struct build *build, struct dag_task *task)
{
    const struct dag_task_settings *s = task->settings;
    const bool given[] = {s->ingest != NULL, s->run != NULL,  s->python != NULL,
                          s->sql != NULL,    s->http != NULL, s->wait != NULL};
    int count = 0;
    for (size_t i = 0; i < ARRAY_SIZE(given); i++) {
        if (given[i]) {
            task->kind = (enum dag_task_kind) i;
            count++;
        }
    }
    if (count == 1) {
        return STATUS_OK;
    }
    (void) node_error(build->error, task->node, "task \"%s\" says %s", task->name,
                      count == 0 ? "not what it does" : "more than one thing that it does");
    error_hint(build->error, "give it one of ingest, run, python, sql, http and wait");
    return STATUS_CONFIG;
}

static enum status check_run(struct build *build, const struct node *run)
{
    bool fine = run->type == NODE_SCALAR && run->size > 0;
    if (run->type == NODE_LIST && run->count > 0) {
        fine = true;
        for (size_t i = 0; i < run->count; i++) {
            fine = fine && run->items[i]->type == NODE_SCALAR;
        }
    }
    return fine ? STATUS_OK
                : node_error(build->error, run, "\"run\" is a list of words, or a script as text");
}

static enum status check_wait(struct build *build, const struct dag_task *task)
{
    const struct dag_wait *wait = task->settings->wait;
    const struct node *node = node_get(task->node, "wait");
    int count = (wait->file != NULL) + (wait->sql != NULL) + (wait->table != NULL) +
                (wait->lag != NULL) + (wait->duration_us > 0);
    if (count != 1) {
        return node_error(build->error, node,
                          "\"wait\" wants one of file, sql, table, lag and for");
    }
    if ((wait->fresh_us > 0) != (wait->column != NULL) ||
        (wait->fresh_us > 0 && wait->table == NULL)) {
        return node_error(build->error, node, "\"fresh\" wants \"table\" and \"column\" beside it");
    }
    return STATUS_OK;
}

static enum status check_source(struct build *build, const struct node *node)
{
    const struct dag_surroundings *around = build->around;
    if (strstr(node->text, "${") != NULL ||
        contains(around->sources, around->source_count, node->text)) {
        return STATUS_OK;
    }
    (void) node_error(build->error, node, "the file has no source \"%s\"", node->text);
    return hinted(build->error, node->text, around->sources, around->source_count);
}

static enum status check_python(struct build *build, const struct dag_task *task)
{
    const char *colon = strrchr(task->settings->python, ':');
    if (colon == NULL || colon == task->settings->python || colon[1] == '\0') {
        return node_error(build->error, node_get(task->node, "python"),
                          "write it as file.py:function");
    }
    return STATUS_OK;
}

static enum status check_kind(struct build *build, const struct dag_task *task)
{
    const struct dag_task_settings *settings = task->settings;
    switch (task->kind) {
    case TASK_INGEST:
        TRY(check_source(build, node_get(task->node, "ingest")));
        break;
    case TASK_RUN:
        TRY(check_run(build, settings->run));
        break;
    case TASK_PYTHON:
        TRY(check_python(build, task));
        break;
    case TASK_WAIT:
        TRY(check_wait(build, task));
        break;
    case TASK_SQL:
    case TASK_HTTP:
    case TASK_HOOK:
        break;
    }
    if (settings->expect != NULL && task->kind != TASK_SQL) {
        return node_error(build->error, settings->expect, "\"expect\" goes with \"sql\" only");
    }
    if (settings->arguments.count > 0 && task->kind != TASK_PYTHON) {
        return node_error(build->error, node_get(task->node, "arguments"),
                          "\"arguments\" goes with \"python\" only");
    }
    return STATUS_OK;
}

/* ---- templates ---------------------------------------------------------------------------------
 */

struct template_check {
    struct build *build;
    const struct dag_task *task; /* NULL: a hook of the DAG */
    const struct node *node;
    bool hook;
};

static enum status
no_template(const struct template_check *check, const char *name, size_t at, const char *why)
{
    return node_error_at(check->build->error, check->node, at, "${%s}: %s", name, why);
}

static enum status
check_task_output(const struct template_check *check, const char *name, size_t at)
{
    const struct dag *dag = check->build->dag;
    const char *task = name + strlen("tasks.");
    const char *dot = strchr(task, '.');
    if (dot == NULL || (strcmp(dot, ".output") != 0 && strcmp(dot, ".state") != 0)) {
        return no_template(check, name, at, "write it as ${tasks.NAME.output}");
    }
    const char *above = arena_printf(check->build->arena, "%.*s", (int) (dot - task), task);
    size_t index = dag_task_find(dag, above);
    if (index == SIZE_MAX) {
        (void) no_template(check, name, at, "there is no such task");
        return hinted(check->build->error, above, check->build->names, dag->task_count);
    }
    if (check->task != NULL && !check->hook &&
        !dag_task_is_after(dag, (size_t) (check->task - dag->tasks), index)) {
        (void) no_template(check, name, at, "this task does not wait for that one");
        error_hint(check->build->error, "add it: after: [%s]", above);
        return STATUS_CONFIG;
    }
    return STATUS_OK;
}

static enum status check_template(void *context, const char *name, size_t at, struct error *error)
{
    static const char *const known[] = {
        "interval.start", "interval.end", "interval.date", "run.id",   "run.key",     "run.kind",
        "run.state",      "dag.name",     "task.name",     "task.try", "task.message"};
    (void) error;
    const struct template_check *check = context;
    const struct setting_sections *params = &check->build->dag->settings->params;
    if (strncmp(name, "tasks.", strlen("tasks.")) == 0) {
        return check_task_output(check, name, at);
    }
    if (strncmp(name, "params.", strlen("params.")) == 0) {
        return find_section(params, name + strlen("params.")) == SIZE_MAX
                   ? no_template(check, name, at, "the DAG has no such parameter")
                   : STATUS_OK;
    }
    if (contains(known, ARRAY_SIZE(known), name)) {
        return STATUS_OK;
    }
    (void) no_template(check, name, at, "there is no such value");
    return hinted(check->build->error, name, known, ARRAY_SIZE(known));
}

static enum status check_templates(struct template_check *check, const struct node *node)
{
    if (node == NULL) {
        return STATUS_OK;
    }
    if (node->type == NODE_SCALAR) {
        check->node = node;
        return template_visit(node->text, check_template, check, check->build->error);
    }
    for (size_t i = 0; i < node->count; i++) {
        bool hook = check->hook;
        const char *key = node->items[i]->key;
        check->hook = hook || (key != NULL && strncmp(key, "on_", 3) == 0);
        enum status status = check_templates(check, node->items[i]);
        check->hook = hook;
        TRY(status);
    }
    return STATUS_OK;
}

/* ---- the whole ---------------------------------------------------------------------------------
 */

static enum status check_task(struct build *build, struct dag_task *task)
{
    const struct dag_surroundings *around = build->around;
    const struct dag_task_settings *settings = task->settings;
    static const struct dag_retries none = {0};
    TRY(choose_kind(build, task));
    TRY(check_kind(build, task));
    task->retries = settings->retries != NULL               ? settings->retries
                    : build->dag->settings->retries != NULL ? build->dag->settings->retries
                                                            : &none;
    if (settings->pool != NULL && !contains(around->pools, around->pool_count, settings->pool)) {
        (void) node_error(build->error, node_get(task->node, "pool"), "the file has no pool \"%s\"",
                          settings->pool);
        if (hinted(build->error, settings->pool, around->pools, around->pool_count) != STATUS_OK &&
            build->error != NULL && build->error->hint[0] == '\0') {
            error_hint(build->error, "declare it at the top of the file: pools: {%s: 2}",
                       settings->pool);
        }
        return STATUS_CONFIG;
    }
    if (settings->branch && task->is_leaf) {
        return node_error(build->error, node_get(task->node, "branch"),
                          "no task comes after \"%s\" for it to choose from", task->name);
    }
    struct template_check check = {.build = build, .task = task};
    return check_templates(&check, task->node);
}

static enum status check_params(struct build *build)
{
    const struct setting_sections *params = &build->dag->settings->params;
    for (size_t i = 0; i < params->count; i++) {
        const struct dag_param *param = params->items[i].value;
        struct error fault = {0};
        TRY(check_name("parameter", params->items[i].node, build->error));
        if (param->value != NULL &&
            dag_param_check(params->items[i].name, param, param->value, &fault) != STATUS_OK) {
            return node_error(build->error, params->items[i].node, "%s", fault.message);
        }
    }
    return STATUS_OK;
}

static enum status check_schedule(struct build *build)
{
    struct dag *dag = build->dag;
    const struct dag_settings *settings = dag->settings;
    const struct dag_due_texts texts = {settings->schedule, settings->timezone, settings->start,
                                        settings->end, settings->catch_up};
    struct error fault = {0};
    const char *field;
    size_t at;
    if (dag_due_init(&texts, &dag->due, &field, &at, &fault) == STATUS_OK) {
        return STATUS_OK;
    }
    const struct node *node = node_get(dag->node, field);
    (void) node_error_at(build->error, node == NULL ? dag->node : node, node == NULL ? 0 : at, "%s",
                         fault.message);
    if (fault.hint[0] != '\0') {
        error_hint(build->error, "%s", fault.hint);
    }
    return STATUS_CONFIG;
}

enum status dag_build(const struct setting_section *section,
                      const struct dag_surroundings *around,
                      struct arena *arena,
                      struct dag **ret_dag,
                      struct error *error)
{
    struct dag *dag = ARENA_NEW(arena, struct dag);
    struct build build = {.dag = dag, .around = around, .arena = arena, .error = error};
    dag->short_name = section->name;
    dag->name = arena_printf(arena, "%s.%s", around->pipeline, section->name);
    dag->pipeline = around->pipeline;
    dag->file = around->file;
    dag->directory = around->directory;
    dag->settings = section->value;
    dag->node = section->node;
    TRY(check_name("DAG", section->node, error));
    if (dag->settings->tasks.count == 0 || dag->settings->tasks.count > TASKS_MAX) {
        return node_error(error, section->node, "DAG \"%s\" has %s", section->name,
                          dag->settings->tasks.count == 0 ? "no tasks" : "too many tasks");
    }
    TRY(place_tasks(&build));
    TRY(check_params(&build));
    TRY(check_schedule(&build));
    for (size_t i = 0; i < dag->task_count; i++) {
        TRY(check_task(&build, &dag->tasks[i]));
    }
    static const char *const hooks[] = {"on_failure", "on_success", "on_deadline", "environment"};
    for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
        struct template_check check = {.build = &build, .hook = true};
        TRY(check_templates(&check, node_get(section->node, hooks[i])));
    }
    *ret_dag = dag;
    return STATUS_OK;
}

size_t dag_task_find(const struct dag *dag, const char *name)
{
    for (size_t i = 0; i < dag->task_count; i++) {
        if (strcmp(dag->tasks[i].name, name) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

bool dag_task_is_after(const struct dag *dag, size_t index, size_t above)
{
    if (above >= index) {
        return false; /* tasks stand behind those that they wait for */
    }
    bool *reached = mem_calloc(index + 1, sizeof(*reached));
    reached[index] = true;
    for (size_t i = index; i > above; i--) {
        const struct dag_task *task = &dag->tasks[i];
        for (size_t j = 0; reached[i] && j < task->after_count; j++) {
            reached[task->after[j]] = true;
        }
    }
    bool is_after = reached[above];
    mem_free(reached);
    return is_after;
}
