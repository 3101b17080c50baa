#include "orchestrate/try.h"

#include "base/buffer.h"
#include "io/file.h"
#include "io/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOCK_FD          3
#define RESULT_BYTES_MAX ((size_t) 1 << 20)

const char *const try_outcome_names[] = {"success", "failed", "skipped", "stopped", NULL};

const char *
try_folder(const char *data, int64_t run, const char *task, int64_t number, struct arena *arena)
{
    return arena_printf(arena, "%s/dags/runs/%lld/%s/%lld", data, (long long) run, task,
                        (long long) number);
}

static const char *in(const char *folder, const char *name, char target[1400])
{
    (void) snprintf(target, 1400, "%s/%s", folder, name);
    return target;
}

/* ---- starting ----------------------------------------------------------------------------------
 */

/* A session of its own: neither a terminal nor a signal to our group reaches it. */
static void set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none;
    sigset_t all;
    (void) sigemptyset(&none);
    (void) sigfillset(&all);
    (void) posix_spawnattr_init(attributes);
    (void) posix_spawnattr_setsigmask(attributes, &none);
    (void) posix_spawnattr_setsigdefault(attributes, &all);
    (void) posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                                    POSIX_SPAWN_SETSIGDEF);
}

static int spawn_keeper(const char *folder, const char *log, int lock_fd, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char *const arguments[] = {(char *) (uintptr_t) "leat", (char *) (uintptr_t) KEEPER_COMMAND,
                               (char *) (uintptr_t) folder, NULL};
    (void) posix_spawn_file_actions_init(&actions);
    (void) posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    (void) posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log,
                                            O_WRONLY | O_CREAT | O_APPEND, 0600);
    (void) posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    (void) posix_spawn_file_actions_adddup2(&actions, lock_fd, LOCK_FD);
    (void) posix_spawn_file_actions_addclosefrom_np(&actions, LOCK_FD + 1);
    set_attributes(&attributes);
    int failed = posix_spawn(ret_pid, "/proc/self/exe", &actions, &attributes, arguments, environ);
    (void) posix_spawnattr_destroy(&attributes);
    (void) posix_spawn_file_actions_destroy(&actions);
    return failed;
}

/* A copy above the descriptor that it goes to: dup2 onto itself would leave it close-on-exec. */
static int above_lock_fd(int fd)
{
    return fd == LOCK_FD ? fcntl(fd, F_DUPFD_CLOEXEC, LOCK_FD + 1) : fd;
}

enum status try_start(const char *folder, struct slice spec, pid_t *ret_pid, struct error *error)
{
    char path[1400];
    char log[1400];
    struct file_lock lock = FILE_LOCK_NONE;
    TRY(directory_make(folder, error));
    TRY(file_lock_take(in(folder, "lock", path), &lock, NULL, error));
    enum status status = file_replace_private(in(folder, "spec.json", path), spec, error);
    if (status == STATUS_OK) {
        int fd = above_lock_fd(lock.fd);
        int failed = fd < 0 ? errno : spawn_keeper(folder, in(folder, "log", log), fd, ret_pid);
        if (failed != 0) {
            status = error_set_errno(error, failed, "could not start a keeper in \"%s\"", folder);
        }
        if (fd != lock.fd) {
            file_close(fd);
        }
    }
    file_lock_release(&lock); /* the keeper has it on */
    return status;
}

enum status try_stop(const char *folder, struct error *error)
{
    char path[1400];
    int fd;
    TRY(file_open(in(folder, "stop", path), O_WRONLY | O_CREAT, 0644, &fd, error));
    file_close(fd);
    return STATUS_OK;
}

/* ---- the result --------------------------------------------------------------------------------
 */

enum status
try_write_result(const char *folder, const struct try_result *result, struct error *error)
{
    char path[1400];
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    buffer_printf(
        &text,
        "{\"outcome\":\"%s\",\"final\":%s,\"exit_code\":%d,\"started_us\":%lld,\"ended_us\":%lld",
        try_outcome_names[result->outcome], result->final ? "true" : "false", result->exit_code,
        (long long) result->started_us, (long long) result->ended_us);
    if (result->message != NULL) {
        buffer_append_string(&text, ",\"message\":");
        buffer_append_json(&text, slice_of_string(result->message));
    }
    if (result->output != NULL) {
        buffer_append_string(&text, ",\"output\":");
        buffer_append_json(&text, slice_of_string(result->output));
    }
    buffer_append_string(&text, "}\n");
    return file_replace_private(in(folder, "result.json", path), buffer_slice(&text), error);
}

static const char *member(const json_t *object, const char *key, struct arena *arena)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value == NULL ? NULL : arena_strdup(arena, value);
}

static enum status parse_result(const char *path,
                                struct slice text,
                                struct arena *arena,
                                struct try_result *ret_result,
                                struct error *error)
{
    json_t *root = json_loadb((const char *) text.data, text.size, JSON_ALLOW_NUL, NULL);
    const char *outcome = json_string_value(json_object_get(root, "outcome"));
    int found = -1;
    for (int i = 0; outcome != NULL && try_outcome_names[i] != NULL; i++) {
        found = strcmp(outcome, try_outcome_names[i]) == 0 ? i : found;
    }
    if (found >= 0) {
        *ret_result = (struct try_result){
            .outcome = (enum try_outcome) found,
            .final = json_is_true(json_object_get(root, "final")),
            .exit_code = (int) json_integer_value(json_object_get(root, "exit_code")),
            .started_us = json_integer_value(json_object_get(root, "started_us")),
            .ended_us = json_integer_value(json_object_get(root, "ended_us")),
            .message = member(root, "message", arena),
            .output = member(root, "output", arena),
        };
    }
    json_decref(root);
    return found >= 0 ? STATUS_OK
                      : error_set(error, STATUS_CORRUPT, "\"%s\" is no result of a try", path);
}

enum status try_look(const char *folder,
                     struct arena *arena,
                     enum try_stage *ret_stage,
                     struct try_result *ret_result,
                     struct error *error)
{
    char path[1400];
    /* The lock first: a result that is not there when the lock is free never comes. */
    bool held = file_lock_is_held(in(folder, "lock", path));
    if (access(in(folder, "result.json", path), F_OK) == 0) {
        CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
        *ret_stage = TRY_ENDED;
        TRY(file_load(path, RESULT_BYTES_MAX, &text, error));
        return parse_result(path, buffer_slice(&text), arena, ret_result, error);
    }
    bool started = access(in(folder, "started", path), F_OK) == 0;
    *ret_stage = held ? TRY_RUNNING : started ? TRY_LOST : TRY_NEVER_BEGAN;
    return STATUS_OK;
}
