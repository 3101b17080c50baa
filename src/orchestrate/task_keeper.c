#include "orchestrate/task_keeper.h"

#include "base/memory.h"
#include "io/clock.h"
#include "io/file.h"
#include "orchestrate/task_keeper_internal.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_FD        3
#define SPEC_BYTES_MAX ((size_t) 16 << 20)
#define SLICE_US       INT64_C(50000)

/* ---- helpers -----------------------------------------------------------------------------------
 */

static const char *in(struct task_keeper *keeper, const char *name)
{
    return arena_printf(&keeper->arena, "%s/%s", keeper->folder, name);
}

const char *task_keeper_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

const char **task_keeper_words(struct task_keeper *keeper, const json_t *list)
{
    const char **words = ARENA_ARRAY(&keeper->arena, const char *, json_array_size(list) + 1);
    for (size_t i = 0; i < json_array_size(list); i++) {
        words[i] = json_string_value(json_array_get(list, i));
    }
    return words;
}

bool task_keeper_stopping(const struct task_keeper *keeper)
{
    char path[1400];
    (void) snprintf(path, sizeof(path), "%s/stop", keeper->folder);
    return access(path, F_OK) == 0;
}

static void append_log(const struct task_keeper *keeper, struct slice bytes)
{
    while (bytes.size > 0) {
        ssize_t written = write(keeper->log, bytes.data, bytes.size);
        if (written <= 0) {
            return; /* a full disk must not end the work */
        }
        bytes.data += written;
        bytes.size -= (size_t) written;
    }
}

void task_keeper_log(struct task_keeper *keeper, const char *format, ...)
{
    char line[2600];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof(line) - 1, format, arguments);
    va_end(arguments);
    size_t size = length < 0                           ? 0
                  : (size_t) length < sizeof(line) - 2 ? (size_t) length
                                                       : sizeof(line) - 2;
    line[size] = '\n';
    append_log(keeper, slice_of(line, size + 1));
}

void task_keeper_fail(struct task_keeper *keeper, const char *format, ...)
{
    if (keeper->result.outcome == TRY_FAILED) {
        return;
    }
    char message[2600];
    va_list arguments;
    va_start(arguments, format);
    (void) vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    keeper->result.outcome = TRY_FAILED;
    keeper->result.message = arena_strdup(&keeper->arena, message);
    task_keeper_log(keeper, "leat: %s", message);
}

int64_t task_keeper_time_left(const struct task_keeper *keeper)
{
    return keeper->deadline_us == 0 ? INT64_MAX : keeper->deadline_us - clock_monotonic_us();
}

static void stopped(struct task_keeper *keeper)
{
    keeper->result.outcome = TRY_STOPPED;
    keeper->result.message = "stopped on request";
}

static void timed_out(struct task_keeper *keeper)
{
    json_int_t limit = json_integer_value(json_object_get(keeper->spec, "timeout_us"));
    task_keeper_fail(keeper, "took longer than its time-out of %.3g s", (double) limit / 1e6);
}

bool task_keeper_sleep(struct task_keeper *keeper, int64_t duration_us)
{
    int64_t until = clock_monotonic_us() + duration_us;
    for (;;) {
        if (task_keeper_stopping(keeper)) {
            stopped(keeper);
            return false;
        }
        if (task_keeper_time_left(keeper) <= 0) {
            timed_out(keeper);
            return false;
        }
        int64_t left = until - clock_monotonic_us();
        if (left <= 0) {
            return true;
        }
        clock_sleep_us(left < SLICE_US ? left : SLICE_US);
    }
}

/* ---- programs ----------------------------------------------------------------------------------
 */

struct running {
    struct task_keeper *keeper;
    bool quiet;
};

/* Of a long output its end counts. */
static void take_output(void *context, bool is_error, struct slice bytes)
{
    const struct running *running = context;
    struct task_keeper *keeper = running->keeper;
    if (!running->quiet || is_error) {
        append_log(keeper, bytes);
    }
    if (is_error) {
        return;
    }
    struct buffer *output = &keeper->output;
    buffer_append_slice(output, bytes);
    if (output->size > (size_t) 4 * TRY_OUTPUT_BYTES_MAX) {
        size_t drop = output->size - (size_t) 2 * TRY_OUTPUT_BYTES_MAX;
        memmove(output->data, output->data + drop, output->size - drop);
        output->size -= drop;
    }
}

static bool must_stop(void *context)
{
    const struct running *running = context;
    return task_keeper_stopping(running->keeper);
}

static const char **environment(struct task_keeper *keeper)
{
    const json_t *given = json_object_get(keeper->spec, "environment");
    const char **variables = ARENA_ARRAY(&keeper->arena, const char *, json_object_size(given) + 2);
    size_t count = 0;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *) (uintptr_t) given, key, value)
    {
        variables[count++] = arena_printf(&keeper->arena, "%s=%s", key, json_string_value(value));
    }
    variables[count] = arena_printf(&keeper->arena, "LEAT_OUTPUT=%s", in(keeper, "output"));
    return variables;
}

enum status task_keeper_run(struct task_keeper *keeper,
                            const char *const *arguments,
                            bool quiet,
                            struct process_result *ret_result,
                            struct error *error)
{
    struct running running = {keeper, quiet};
    int64_t left = task_keeper_time_left(keeper);
    const struct process_options options = {
        .arguments = arguments,
        .environment = environment(keeper),
        .directory = task_keeper_text(keeper->spec, "directory"),
        .timeout_us = left == INT64_MAX ? 0
                      : left > 1        ? left
                                        : 1,
        .output = take_output,
        .stopping = must_stop,
        .context = &running,
    };
    buffer_clear(&keeper->output);
    return process_run(&options, ret_result, error);
}

/* Failures of a command of leat that no second try would mend (sysexits). */
static bool is_final(const struct task_keeper *keeper, int exit_code)
{
    return strcmp(task_keeper_text(keeper->spec, "kind"), "ingest") == 0 &&
           (exit_code == 64 || exit_code == 65 || exit_code == 78);
}

static void run_program(struct task_keeper *keeper)
{
    struct process_result process;
    struct error error = {0};
    json_int_t skip = json_integer_value(json_object_get(keeper->spec, "skip_code"));
    const char **arguments = task_keeper_words(keeper, json_object_get(keeper->spec, "arguments"));
    if (task_keeper_run(keeper, arguments, false, &process, &error) != STATUS_OK) {
        task_keeper_fail(keeper, "%s", error.message);
        keeper->result.final = !error.retriable;
        return;
    }
    keeper->result.exit_code = process.exit_code;
    if (process.stopped) {
        stopped(keeper);
    } else if (process.timed_out) {
        timed_out(keeper);
    } else if (process.signal != 0) {
        task_keeper_fail(keeper, "ended by signal %d (%s)", process.signal,
                         strsignal(process.signal));
    } else if (skip != 0 && process.exit_code == skip) {
        keeper->result.outcome = TRY_SKIPPED;
        keeper->result.message = "the command said that there is nothing to do";
    } else if (process.exit_code != 0) {
        keeper->result.final = is_final(keeper, process.exit_code);
        task_keeper_fail(keeper, "ended with exit code %d", process.exit_code);
    }
}

/* What the work wrote into its file, else the last line that it printed. */
static void take_result_output(struct task_keeper *keeper)
{
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    struct slice found = buffer_slice(&keeper->output);
    const char *path = in(keeper, "output");
    struct error ignored;
    if (access(path, F_OK) == 0) {
        if (file_load(path, TRY_OUTPUT_BYTES_MAX, &text, &ignored) != STATUS_OK) {
            task_keeper_fail(keeper, "%s", ignored.message);
            return;
        }
        found = buffer_slice(&text);
    } else if (strcmp(task_keeper_text(keeper->spec, "kind"), "python") == 0) {
        return; /* what a function prints is not what it returns */
    } else if (json_is_true(json_object_get(keeper->spec, "last_line"))) {
        while (found.size > 0 && found.data[found.size - 1] == '\n') {
            found.size--;
        }
        const uint8_t *line = found.size == 0 ? NULL : memrchr(found.data, '\n', found.size);
        if (line != NULL) {
            found.size -= (size_t) (line + 1 - found.data);
            found.data = line + 1;
        }
    }
    while (found.size > 0 &&
           (found.data[found.size - 1] == '\n' || found.data[found.size - 1] == '\r')) {
        found.size--;
    }
    if (found.size > TRY_OUTPUT_BYTES_MAX) {
        task_keeper_fail(keeper, "its output is larger than %d bytes", TRY_OUTPUT_BYTES_MAX);
    } else if (found.size > 0) {
        keeper->result.output = arena_string(&keeper->arena, found);
    }
}

/* ---- kinds -------------------------------------------------------------------------------------
 */

/* Each of a hook's parts is tried, whatever came of the others. */
static void run_hook(struct task_keeper *keeper)
{
    const json_t *webhook = json_object_get(keeper->spec, "webhook");
    const json_t *mail = json_object_get(keeper->spec, "mail");
    if (webhook != NULL) {
        (void) task_keeper_post(keeper, task_keeper_text(webhook, "url"),
                                slice_of_string(task_keeper_text(webhook, "body")));
    }
    if (mail != NULL) {
        (void) task_keeper_mail(keeper, mail);
    }
    if (json_object_get(keeper->spec, "arguments") != NULL) {
        run_program(keeper);
    }
}

static void work(struct task_keeper *keeper)
{
    const char *kind = task_keeper_text(keeper->spec, "kind");
    if (strcmp(kind, "http") == 0) {
        (void) task_keeper_http(keeper, json_object_get(keeper->spec, "http"));
    } else if (strcmp(kind, "wait") == 0) {
        task_keeper_wait(keeper, json_object_get(keeper->spec, "wait"));
    } else if (strcmp(kind, "sql") == 0) {
        task_keeper_sql(keeper);
    } else if (strcmp(kind, "hook") == 0) {
        run_hook(keeper);
    } else {
        run_program(keeper);
    }
    if (keeper->result.outcome == TRY_SUCCESS) {
        take_result_output(keeper);
    }
}

static enum status load_spec(struct task_keeper *keeper, struct error *error)
{
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    TRY(file_load(in(keeper, "spec.json"), SPEC_BYTES_MAX, &text, error));
    keeper->spec = json_loadb((const char *) text.data, text.size, 0, NULL);
    if (task_keeper_text(keeper->spec, "kind") == NULL) {
        return error_set(error, STATUS_CORRUPT, "\"%s\" is no spec", in(keeper, "spec.json"));
    }
    return STATUS_OK;
}

static enum status keep(struct task_keeper *keeper, struct error *error)
{
    char pid[32];
    TRY(load_spec(keeper, error));
    json_int_t timeout = json_integer_value(json_object_get(keeper->spec, "timeout_us"));
    keeper->result.started_us = clock_now_us();
    keeper->deadline_us = timeout == 0 ? 0 : clock_monotonic_us() + timeout;
    if (task_keeper_stopping(keeper)) {
        stopped(keeper);
    } else {
        int length = snprintf(pid, sizeof(pid), "%lld\n", (long long) getpid());
        TRY(file_replace(in(keeper, "started"), slice_of(pid, (size_t) length), error));
        work(keeper);
    }
    keeper->result.ended_us = clock_now_us();
    TRY(file_remove(in(keeper, "spec.json"), error));
    return try_write_result(keeper->folder, &keeper->result, error);
}

int task_keeper_main(const char *folder)
{
    struct task_keeper keeper = {.folder = folder,
                                 .log = STDOUT_FILENO,
                                 .result = {.outcome = TRY_SUCCESS, .exit_code = -1}};
    struct error error = {0};
    (void) fcntl(LOCK_FD, F_SETFD, FD_CLOEXEC);
    (void) signal(SIGPIPE, SIG_IGN);
    (void) umask(077);
    arena_init(&keeper.arena, 0);
    enum status status = keep(&keeper, &error);
    if (status != STATUS_OK) {
        task_keeper_log(&keeper, "leat: %s", error.message);
    }
    json_decref(keeper.spec);
    buffer_deinit(&keeper.output);
    arena_deinit(&keeper.arena);
    return status_exit_code(status);
}
