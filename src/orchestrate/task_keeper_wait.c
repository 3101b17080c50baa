/* Tasks that look: at files, tables and the running leat. */

#include "base/time_text.h"
#include "http/client.h"
#include "io/clock.h"
#include "io/file.h"
#include "orchestrate/task_keeper_internal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- queries -----------------------------------------------------------------------------------
 */

/* Rows as JSON lines in keeper->output. False if it failed, then `why` may be asked. */
static bool query(struct task_keeper *keeper, const char *sql, struct error *error)
{
    const char *arguments[] = {
        task_keeper_text(keeper->spec, "leat"), "query", sql, "--json", "--data",
        task_keeper_text(keeper->spec, "data"), NULL};
    struct process_result process;
    if (task_keeper_run(keeper, arguments, true, &process, error) != STATUS_OK) {
        return false;
    }
    keeper->result.exit_code = process.exit_code;
    if (process.exit_code == 0 && !process.stopped && !process.timed_out) {
        return true;
    }
    (void) error_set(error, STATUS_FAILED,
                     process.stopped     ? "stopped on request"
                     : process.timed_out ? "took longer than its time-out"
                                         : "the query failed");
    if (process.stopped) {
        keeper->result.outcome = TRY_STOPPED;
        keeper->result.message = "stopped on request";
    }
    return false;
}

/* The rows as an array; with `single`, one row of one column is its value. */
static json_t *rows_of(const struct task_keeper *keeper, bool single)
{
    json_t *rows = json_array();
    struct slice left = buffer_slice(&keeper->output);
    while (left.size > 0) {
        const uint8_t *end = memchr(left.data, '\n', left.size);
        size_t size = end == NULL ? left.size : (size_t) (end - left.data);
        json_t *row = json_loadb((const char *) left.data, size, JSON_DECODE_ANY, NULL);
        if (row != NULL) {
            (void) json_array_append_new(rows, row);
        }
        left.data += size + (end != NULL);
        left.size -= size + (end != NULL);
    }
    json_t *first = json_array_get(rows, 0);
    if (!single || json_array_size(rows) != 1 || json_object_size(first) != 1) {
        return rows;
    }
    json_t *value = json_incref(json_object_iter_value(json_object_iter(first)));
    json_decref(rows);
    return value;
}

/* As texts: 3 is "3" and 3.0; text is itself. */
static bool same_value(const json_t *wanted, const json_t *got)
{
    if (json_is_number(wanted) && json_is_number(got)) {
        return json_number_value(wanted) == json_number_value(got);
    }
    if (json_is_string(wanted) && json_is_number(got)) {
        char text[64];
        (void) snprintf(text, sizeof(text), "%.17g", json_number_value(got));
        return strcmp(json_string_value(wanted), text) == 0;
    }
    if (json_is_string(wanted) && json_is_boolean(got)) {
        return strcmp(json_string_value(wanted), json_is_true(got) ? "true" : "false") == 0;
    }
    return json_equal(wanted, got) != 0;
}

/* Columns that are not named are not compared. */
static bool same_rows(const json_t *wanted, const json_t *got)
{
    if (!json_is_array(wanted) || !json_is_array(got)) {
        return same_value(wanted, got);
    }
    if (json_array_size(wanted) != json_array_size(got)) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        const char *key;
        json_t *value;
        json_object_foreach(json_array_get(wanted, i), key, value)
        {
            const json_t *there = json_object_get(json_array_get(got, i), key);
            if (there == NULL || !same_value(value, there)) {
                return false;
            }
        }
    }
    return true;
}

static void take_rows(struct task_keeper *keeper, const json_t *value)
{
    char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    buffer_clear(&keeper->output);
    buffer_append_string(&keeper->output, json_is_string(value) ? json_string_value(value) : text);
    free(text);
}

void task_keeper_sql(struct task_keeper *keeper)
{
    struct error error = {0};
    const json_t *expect = json_object_get(keeper->spec, "expect");
    if (!query(keeper, task_keeper_text(keeper->spec, "sql"), &error)) {
        if (keeper->result.outcome != TRY_STOPPED) {
            task_keeper_fail(keeper, "%s", error.message);
        }
        return;
    }
    json_t *got = rows_of(keeper, !json_is_array(expect));
    take_rows(keeper, got);
    task_keeper_log(keeper, "%s", buffer_string(&keeper->output));
    if (expect != NULL && !same_rows(expect, got)) {
        char *wanted = json_dumps(expect, JSON_COMPACT | JSON_ENCODE_ANY);
        task_keeper_fail(keeper, "expected %.500s, and the query gave %.500s", wanted,
                         buffer_string(&keeper->output));
        free(wanted);
    }
    json_decref(got);
}

/* ---- the running leat --------------------------------------------------------------------------
 */

/* Asks the leat that runs on the data directory; NULL while there is none. */
static json_t *ask(struct task_keeper *keeper, const char *path)
{
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    const char *file =
        arena_printf(&keeper->arena, "%s/leat.json", task_keeper_text(keeper->spec, "data"));
    struct error ignored;
    if (file_load(file, 65536, &text, &ignored) != STATUS_OK) {
        return NULL;
    }
    json_t *running = json_loadb((const char *) text.data, text.size, 0, NULL);
    const char *address = task_keeper_text(running, "http");
    json_t *answer = NULL;
    struct http_client *client = NULL;
    const struct http_client_config config = {0};
    if (address != NULL && http_client_new(&config, &client, &ignored) == STATUS_OK) {
        const struct http_request request = {
            .url = arena_printf(&keeper->arena, "http://%s%s", address, path),
            .timeouts = {3000000, 30000000, 30000000, 60000000},
        };
        struct http_reply reply;
        http_reply_init(&reply);
        if (http_request(client, &request, &reply, &ignored) == STATUS_OK) {
            answer = json_loadb((const char *) reply.body.data, reply.body.size, 0, NULL);
        }
        http_reply_deinit(&reply);
    }
    http_client_free(client);
    json_decref(running);
    return answer;
}

/* What waits on the way of one source or topic: in staging, and in the topic. -1: not known. */
static json_int_t lag_of(struct task_keeper *keeper, const char *name)
{
    json_int_t lag = -1;
    json_t *status = ask(keeper, "/api/v1/status");
    const char *const lists[] = {"sources", "flows"};
    const char *topic = name;
    for (size_t l = 0; l < ARRAY_SIZE(lists); l++) {
        const json_t *list = json_object_get(status, lists[l]);
        for (size_t i = 0; i < json_array_size(list); i++) {
            const json_t *item = json_array_get(list, i);
            const char *source = task_keeper_text(item, "name");
            const char *written = task_keeper_text(item, "topic");
            bool is_it = (source != NULL && strcmp(source, name) == 0) ||
                         (written != NULL && strcmp(written, topic) == 0);
            const json_t *waits = json_object_get(item, "lag");
            if (is_it && json_is_integer(waits)) {
                topic = written != NULL ? written : topic;
                lag = (lag < 0 ? 0 : lag) + json_integer_value(waits);
            }
        }
    }
    json_decref(status);
    return lag;
}

/* ---- waiting -----------------------------------------------------------------------------------
 */

static bool has_rows(struct task_keeper *keeper, const char *sql)
{
    struct error error = {0};
    return query(keeper, sql, &error) && keeper->output.size > 0;
}

static bool has_fresh_row(struct task_keeper *keeper, const json_t *wait)
{
    char since[TIME_TEXT_BYTES];
    const char *table = task_keeper_text(wait, "table");
    const char *column = task_keeper_text(wait, "column");
    if (column == NULL) {
        return has_rows(keeper,
                        arena_printf(&keeper->arena, "SELECT 1 AS there FROM %s LIMIT 1", table));
    }
    json_int_t fresh = json_integer_value(json_object_get(wait, "fresh_us"));
    (void) time_format(clock_now_us() - fresh, since);
    return has_rows(keeper,
                    arena_printf(&keeper->arena,
                                 "SELECT 1 AS there FROM %s WHERE %s >= TIMESTAMP '%s' LIMIT 1",
                                 table, column, since));
}

static bool is_there(struct task_keeper *keeper, const json_t *wait)
{
    const char *file = task_keeper_text(wait, "file");
    const char *sql = task_keeper_text(wait, "sql");
    const char *lag = task_keeper_text(wait, "lag");
    if (file != NULL) {
        const char *directory = task_keeper_text(keeper->spec, "directory");
        return access(file[0] == '/' ? file
                                     : arena_printf(&keeper->arena, "%s/%s", directory, file),
                      F_OK) == 0;
    }
    if (sql != NULL) {
        return has_rows(keeper, sql);
    }
    if (lag != NULL) {
        json_int_t waits = lag_of(keeper, lag);
        return waits >= 0 && waits <= json_integer_value(json_object_get(wait, "below"));
    }
    return has_fresh_row(keeper, wait);
}

void task_keeper_wait(struct task_keeper *keeper, const json_t *wait)
{
    int64_t duration = json_integer_value(json_object_get(wait, "for_us"));
    int64_t every = json_integer_value(json_object_get(wait, "every_us"));
    if (duration > 0) {
        (void) task_keeper_sleep(keeper, duration);
        return;
    }
    while (!is_there(keeper, wait)) {
        if (keeper->result.outcome != TRY_SUCCESS ||
            !task_keeper_sleep(keeper, every > 0 ? every : 1)) {
            return;
        }
    }
}
