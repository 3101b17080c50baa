#include "orchestrate/task_spec.h"

#include "base/time_text.h"
#include "orchestrate/template.h"
#include "orchestrate/try.h"

#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct writer {
    const struct task_place *place;
    const struct task_run *about;
    struct arena arena;
    json_t *spec;
    enum status status; /* the first failure */
    struct error *error;
};

/* ---- values ------------------------------------------------------------------------------------
 */

static const char *param_value(const struct task_run *about, const char *name, struct arena *arena)
{
    const char *value = NULL;
    json_t *params = about->run->params == NULL ? NULL : json_loads(about->run->params, 0, NULL);
    const char *given = json_string_value(json_object_get(params, name));
    if (given != NULL) {
        value = arena_strdup(arena, given);
    }
    json_decref(params);
    const struct setting_sections *sections = &about->dag->settings->params;
    for (size_t i = 0; i < sections->count && value == NULL; i++) {
        if (strcmp(sections->items[i].name, name) == 0) {
            const struct dag_param *param = sections->items[i].value;
            value = param->value;
        }
    }
    return value;
}

static const char *task_value(const struct task_run *about, const char *name, struct arena *arena)
{
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < about->task_count; i++) {
        const struct run_task *task = &about->tasks[i];
        if (strlen(task->name) == (size_t) (dot - name) &&
            strncmp(task->name, name, (size_t) (dot - name)) == 0) {
            return strcmp(dot, ".state") == 0 ? task_state_names[task->state]
                   : task->output == NULL     ? ""
                                              : arena_strdup(arena, task->output);
        }
    }
    return NULL;
}

static const char *look_up(void *context, const char *name, struct arena *arena)
{
    const struct task_run *about = context;
    const struct dag_run *run = about->run;
    char time[TIME_TEXT_BYTES];
    if (strncmp(name, "params.", 7) == 0) {
        return param_value(about, name + 7, arena);
    }
    if (strncmp(name, "tasks.", 6) == 0) {
        return task_value(about, name + 6, arena);
    }
    if (strncmp(name, "interval.", 9) == 0) {
        (void) time_format(strcmp(name, "interval.end") == 0 ? run->end_us : run->start_us, time);
        time[strcmp(name, "interval.date") == 0 ? 10 : strlen(time)] = '\0';
        return arena_strdup(arena, time);
    }

    const struct {
        const char *name, *value;
    } plain[] = {
        {"run.id", arena_printf(arena, "%lld", (long long) run->id)},
        {"run.key", run->key},
        {"run.kind", run->kind},
        {"run.state", run_state_names[run->state]},
        {"dag.name", about->dag->name},
        {"task.name", about->name},
        {"task.try", arena_printf(arena, "%lld", (long long) about->number)},
        {"task.message", about->task_message == NULL ? "" : about->task_message},
    };

    for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
        if (strcmp(plain[i].name, name) == 0) {
            return plain[i].value;
        }
    }
    return NULL;
}

/* ---- pieces of JSON ----------------------------------------------------------------------------
 */

static const char *expand(struct writer *writer, const char *text)
{
    const char *value = "";
    if (writer->status == STATUS_OK) {
        writer->status = template_expand(text, look_up, (void *) (uintptr_t) writer->about,
                                         &writer->arena, &value, writer->error);
    }
    return value;
}

static void set_text(struct writer *writer, json_t *object, const char *key, const char *text)
{
    if (text != NULL) {
        (void) json_object_set_new(object, key, json_string(expand(writer, text)));
    }
}

static void set_int(json_t *object, const char *key, int64_t value)
{
    (void) json_object_set_new(object, key, json_integer(value));
}

static json_t *object_in(struct writer *writer, const char *key)
{
    json_t *object = json_object();
    (void) json_object_set_new(writer->spec, key, object);
    return object;
}

static json_t *strings(struct writer *writer, const struct setting_strings *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++) {
        (void) json_array_append_new(array, json_string(expand(writer, list->items[i])));
    }
    return array;
}

static json_t *pairs(struct writer *writer, const struct setting_pairs *list)
{
    json_t *object = json_object();
    for (size_t i = 0; i < list->count; i++) {
        set_text(writer, object, list->items[i].name, list->items[i].value);
    }
    return object;
}

/* A number, true, false or null without quotes is that. */
static json_t *value_of(struct writer *writer, const struct node *node)
{
    if (node->type == NODE_NULL) {
        return json_null();
    }
    if (node->type == NODE_SCALAR) {
        const char *text = expand(writer, node->text);
        json_t *value = node->quoted ? NULL : json_loads(text, JSON_DECODE_ANY, NULL);
        if (value != NULL &&
            (json_is_number(value) || json_is_boolean(value) || json_is_null(value))) {
            return value;
        }
        json_decref(value);
        return json_string(text);
    }
    json_t *whole = node->type == NODE_LIST ? json_array() : json_object();
    for (size_t i = 0; i < node->count; i++) {
        json_t *item = value_of(writer, node->items[i]);
        if (node->type == NODE_LIST) {
            (void) json_array_append_new(whole, item);
        } else {
            (void) json_object_set_new(whole, node->items[i]->key, item);
        }
    }
    return whole;
}

static void add_words(json_t *array, const char *const *words)
{
    for (size_t i = 0; words[i] != NULL; i++) {
        (void) json_array_append_new(array, json_string(words[i]));
    }
}

/* A list is a program with its words; a text is a script. */
static json_t *command(struct writer *writer, const struct node *run)
{
    json_t *array = json_array();
    if (run->type == NODE_SCALAR) {
        add_words(array,
                  (const char *const[]){"/bin/sh", "-e", "-c", expand(writer, run->text), NULL});
        return array;
    }
    for (size_t i = 0; i < run->count; i++) {
        (void) json_array_append_new(array, json_string(expand(writer, run->items[i]->text)));
    }
    return array;
}

/* ---- the environment ---------------------------------------------------------------------------
 */

static void set_variables(struct writer *writer, json_t *target, const struct setting_pairs *list)
{
    for (size_t i = 0; i < list->count; i++) {
        set_text(writer, target, list->items[i].name, list->items[i].value);
    }
}

static void write_environment(struct writer *writer, const struct setting_pairs *own)
{
    static const char *const names[][2] = {
        {"LEAT_DAG", "${dag.name}"},
        {"LEAT_RUN_ID", "${run.id}"},
        {"LEAT_RUN_KEY", "${run.key}"},
        {"LEAT_RUN_STATE", "${run.state}"},
        {"LEAT_TASK", "${task.name}"},
        {"LEAT_TRY", "${task.try}"},
        {"LEAT_INTERVAL_START", "${interval.start}"},
        {"LEAT_INTERVAL_END", "${interval.end}"},
    };

    json_t *variables = object_in(writer, "environment");
    const struct setting_sections *params = &writer->about->dag->settings->params;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        set_text(writer, variables, names[i][0], names[i][1]);
    }
    set_text(writer, variables, "LEAT_DATA", writer->place->data);
    for (size_t i = 0; i < params->count; i++) {
        char *name = arena_printf(&writer->arena, "LEAT_PARAM_%s", params->items[i].name);
        for (char *c = name; *c != '\0'; c++) {
            *c = (char) toupper((unsigned char) *c);
        }
        const char *value = param_value(writer->about, params->items[i].name, &writer->arena);
        (void) json_object_set_new(variables, name, json_string(value == NULL ? "" : value));
    }
    set_variables(writer, variables, &writer->about->dag->settings->environment);
    if (own != NULL) {
        set_variables(writer, variables, own);
    }
}

/* ---- kinds -------------------------------------------------------------------------------------
 */

/* Loads the file, calls the function with its arguments as texts, writes what it returns. */
static const char python_shim[] =
    "import importlib.util, json, os, sys\n"
    "path, name, arguments = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])\n"
    "sys.path.insert(0, os.path.dirname(os.path.abspath(path)))\n"
    "spec = importlib.util.spec_from_file_location('leat_task', path)\n"
    "module = importlib.util.module_from_spec(spec)\n"
    "sys.modules['leat_task'] = module\n"
    "spec.loader.exec_module(module)\n"
    "value = getattr(module, name)(**arguments)\n"
    "sys.stdout.flush()\n"
    "if value is not None:\n"
    "    with open(os.environ['LEAT_OUTPUT'], 'w', encoding='utf-8') as output:\n"
    "        output.write(value if isinstance(value, str) else json.dumps(value))\n";

static void write_python(struct writer *writer, const struct dag_task_settings *settings)
{
    const char *text = arena_strdup(&writer->arena, expand(writer, settings->python));
    const char *colon = strrchr(text, ':');
    if (colon == NULL) {
        return;
    }
    const char *file = arena_printf(&writer->arena, "%.*s", (int) (colon - text), text);
    if (file[0] != '/') {
        file = arena_printf(&writer->arena, "%s/%s", writer->about->dag->directory, file);
    }
    json_t *given = pairs(writer, &settings->arguments);
    char *arguments = json_dumps(given, JSON_COMPACT);
    json_t *array = json_array();
    add_words(array, (const char *const[]){"python3", "-u", "-c", python_shim, file, colon + 1,
                                           arguments, NULL});
    (void) json_object_set_new(writer->spec, "arguments", array);
    free(arguments);
    json_decref(given);
}

static void write_ingest(struct writer *writer, const struct dag_task_settings *settings)
{
    const struct task_run *about = writer->about;
    json_t *array = json_array();
    add_words(array, (const char *const[]){writer->place->leat, "ingest", about->dag->file,
                                           expand(writer, settings->ingest), "--data",
                                           writer->place->data, NULL});
    if (about->run->start_us < about->run->end_us) {
        add_words(array, (const char *const[]){"--from", expand(writer, "${interval.start}"),
                                               "--to", expand(writer, "${interval.end}"), NULL});
    }
    if (settings->limit > 0) {
        char limit[32];
        (void) snprintf(limit, sizeof(limit), "%" PRId64, settings->limit);
        add_words(array, (const char *const[]){"--limit", limit, NULL});
    }
    if (writer->place->profile != NULL) {
        add_words(array, (const char *const[]){"--profile", writer->place->profile, NULL});
    }
    if (writer->place->secrets != NULL) {
        add_words(array, (const char *const[]){"--secrets", writer->place->secrets, NULL});
    }
    (void) json_object_set_new(writer->spec, "arguments", array);
}

static void write_http(struct writer *writer, const struct dag_http *http)
{
    json_t *object = object_in(writer, "http");
    set_text(writer, object, "url", http->url);
    set_text(writer, object, "method", http->method);
    set_text(writer, object, "body", http->body);
    set_text(writer, object, "contains", http->contains);
    (void) json_object_set_new(object, "headers", pairs(writer, &http->headers));
    (void) json_object_set_new(object, "status", strings(writer, &http->status));
}

static void write_wait(struct writer *writer, const struct dag_wait *wait)
{
    json_t *object = object_in(writer, "wait");
    set_text(writer, object, "file", wait->file);
    set_text(writer, object, "sql", wait->sql);
    set_text(writer, object, "table", wait->table);
    set_text(writer, object, "column", wait->column);
    set_text(writer, object, "lag", wait->lag);
    set_int(object, "below", wait->lag_max);
    set_int(object, "fresh_us", wait->fresh_us);
    set_int(object, "for_us", wait->duration_us);
    set_int(object, "every_us", wait->every_us);
}

static void write_kind(struct writer *writer, const struct dag_task *task)
{
    const struct dag_task_settings *settings = task->settings;
    bool last_line = false;
    switch (task->kind) {
    case TASK_INGEST:
        write_ingest(writer, settings);
        last_line = true;
        break;
    case TASK_RUN:
        (void) json_object_set_new(writer->spec, "arguments", command(writer, settings->run));
        last_line = true;
        break;
    case TASK_PYTHON:
        write_python(writer, settings);
        break;
    case TASK_SQL:
        set_text(writer, writer->spec, "sql", settings->sql);
        if (settings->expect != NULL) {
            (void) json_object_set_new(writer->spec, "expect", value_of(writer, settings->expect));
        }
        break;
    case TASK_HTTP:
        write_http(writer, settings->http);
        break;
    case TASK_WAIT:
        write_wait(writer, settings->wait);
        break;
    case TASK_HOOK:
        break;
    }
    (void) json_object_set_new(writer->spec, "last_line", json_boolean(last_line));
}

/* ---- the whole ---------------------------------------------------------------------------------
 */

static void begin(struct writer *writer, const char *kind, const char *directory)
{
    const struct dag *dag = writer->about->dag;
    arena_init(&writer->arena, 0);
    const char *own = directory == NULL ? "" : expand(writer, directory);
    writer->spec = json_object();
    set_text(writer, writer->spec, "kind", kind);
    (void) json_object_set_new(writer->spec, "leat", json_string(writer->place->leat));
    (void) json_object_set_new(writer->spec, "data", json_string(writer->place->data));
    own = directory == NULL     ? dag->directory
          : directory[0] == '/' ? own
                                : arena_printf(&writer->arena, "%s/%s", dag->directory, own);
    (void) json_object_set_new(writer->spec, "directory", json_string(own));
}

static enum status end(struct writer *writer, struct buffer *ret_json)
{
    if (writer->status == STATUS_OK) {
        char *text = json_dumps(writer->spec, JSON_COMPACT);
        if (text == NULL) {
            writer->status = error_set(writer->error, STATUS_DATA, "a value is not valid UTF-8");
        } else {
            buffer_append_string(ret_json, text);
        }
        free(text);
    }
    json_decref(writer->spec);
    arena_deinit(&writer->arena);
    return writer->status;
}

enum status task_spec_write(const struct task_place *place,
                            const struct task_run *about,
                            const struct dag_task *task,
                            struct buffer *ret_json,
                            struct error *error)
{
    struct writer writer = {.place = place, .about = about, .error = error};
    begin(&writer, dag_task_kind_names[task->kind], task->settings->directory);
    set_int(writer.spec, "timeout_us", task->settings->timeout_us);
    set_int(writer.spec, "skip_code", task->settings->skip_code);
    write_environment(&writer, &task->settings->environment);
    write_kind(&writer, task);
    return end(&writer, ret_json);
}

static void write_webhook(struct writer *writer, const struct dag_hook *hook)
{
    static const char *const members[] = {"dag.name",     "run.id",    "run.key",
                                          "run.kind",     "run.state", "interval.start",
                                          "interval.end", "task.name", "task.message"};
    json_t *body = json_object();
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        char *key = arena_strdup(&writer->arena, members[i]);
        *strchr(key, '.') = '_';
        set_text(writer, body, key, arena_printf(&writer->arena, "${%s}", members[i]));
    }
    char *text = json_dumps(body, JSON_COMPACT);
    json_t *webhook = object_in(writer, "webhook");
    set_text(writer, webhook, "url", hook->webhook);
    (void) json_object_set_new(webhook, "body", json_string(text));
    free(text);
    json_decref(body);
}

static void write_mail(struct writer *writer, const struct dag_mail *mail)
{
    json_t *object = object_in(writer, "mail");
    set_text(writer, object, "server", mail->server);
    set_text(writer, object, "from", mail->from);
    set_text(writer, object, "subject", mail->subject);
    set_text(writer, object, "text", mail->text);
    set_text(writer, object, "user", mail->user);
    set_text(writer, object, "password", mail->password);
    (void) json_object_set_new(object, "to", strings(writer, &mail->to));
}

enum status task_spec_write_hook(const struct task_place *place,
                                 const struct task_run *about,
                                 const struct dag_hook *hook,
                                 struct buffer *ret_json,
                                 struct error *error)
{
    struct writer writer = {.place = place, .about = about, .error = error};
    begin(&writer, "hook", NULL);
    set_int(writer.spec, "timeout_us", 10 * US_PER_MINUTE);
    write_environment(&writer, NULL);
    if (hook->webhook != NULL) {
        write_webhook(&writer, hook);
    }
    if (hook->mail != NULL) {
        write_mail(&writer, hook->mail);
    }
    if (hook->run != NULL) {
        (void) json_object_set_new(writer.spec, "arguments", command(&writer, hook->run));
    }
    return end(&writer, ret_json);
}
