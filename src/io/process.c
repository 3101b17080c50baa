#include "io/process.h"

#include "base/assert.h"
#include "base/memory.h"
#include "io/clock.h"
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_BYTES     65536
#define GRACE_DEFAULT_US INT64_C(5000000)
#define ASK_EVERY_US     INT64_C(100000)
#define DRAIN_US         INT64_C(1000000) /* for output after the end, held open by others */

enum {
    OUT,
    ERR,
    END,
    DESCRIPTORS
}; /* its output, its errors, its end (a pidfd) */

struct process {
    const struct process_options *options;
    struct process_result *result;
    pid_t pid;
    int fds[DESCRIPTORS]; /* -1: closed */
    int64_t deadline_us;  /* of the next step: SIGTERM, then SIGKILL; 0: none */
    bool terminated;      /* SIGTERM was sent */
    uint8_t *bytes;
};

/* ---- starting ----------------------------------------------------------------------------- */

static bool same_variable(const char *a, const char *b)
{
    size_t length = strcspn(a, "=");
    return strncmp(a, b, length) == 0 && b[length] == '=';
}

/* Our environment with the given variables over it. Borrowed strings in a new array. */
static char **merge_environment(const char *const *over)
{
    size_t ours = 0;
    size_t more = 0;
    while (environ[ours] != NULL) {
        ours++;
    }
    while (over != NULL && over[more] != NULL) {
        more++;
    }
    char **merged = mem_calloc(ours + more + 1, sizeof(*merged));
    size_t count = 0;
    for (size_t i = 0; i < ours; i++) {
        bool replaced = false;
        for (size_t j = 0; j < more && !replaced; j++) {
            replaced = same_variable(over[j], environ[i]);
        }
        if (!replaced) {
            merged[count++] = environ[i];
        }
    }
    for (size_t j = 0; j < more; j++) {
        merged[count++] = (char *) (uintptr_t) over[j];
    }
    return merged;
}

static void set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none;
    sigset_t all;
    (void) sigemptyset(&none);
    (void) sigfillset(&all);
    (void) posix_spawnattr_init(attributes);
    (void) posix_spawnattr_setpgroup(attributes, 0);
    (void) posix_spawnattr_setsigmask(attributes, &none);
    (void) posix_spawnattr_setsigdefault(attributes, &all);
    (void) posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                    POSIX_SPAWN_SETSIGDEF);
}

/* Returns an errno. `out` and `err` are the ends that the program writes to. */
static int spawn(struct process *process, int out, int err)
{
    const struct process_options *options = process->options;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    (void) posix_spawn_file_actions_init(&actions);
    (void) posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    (void) posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    (void) posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
    (void) posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    if (options->directory != NULL) {
        (void) posix_spawn_file_actions_addchdir_np(&actions, options->directory);
    }
    set_attributes(&attributes);
    char **environment = merge_environment(options->environment);
    int failed = posix_spawnp(&process->pid, options->arguments[0], &actions, &attributes,
                              (char *const *) (uintptr_t) options->arguments, environment);
    mem_free(environment);
    (void) posix_spawnattr_destroy(&attributes);
    (void) posix_spawn_file_actions_destroy(&actions);
    return failed;
}

static enum status
start_failed(const struct process_options *options, int error_number, struct error *error)
{
    const char *name = options->arguments[0];
    bool wrong = error_number == ENOENT || error_number == EACCES || error_number == ENOTDIR ||
                 error_number == ENOEXEC;
    if (!wrong) {
        return error_set_errno(error, error_number, "could not start \"%s\"", name);
    }
    if (options->directory != NULL && access(options->directory, X_OK) != 0) {
        return error_set(error, STATUS_CONFIG, "cannot run \"%s\" in \"%s\": %s", name,
                         options->directory, strerror(errno));
    }
    (void) error_set(error, STATUS_CONFIG, "cannot run \"%s\": %s", name, strerror(error_number));
    error_hint(error, error_number == ENOENT   ? "is it installed, and its path right?"
                      : error_number == EACCES ? "make it executable (chmod +x)"
                                               : "does it begin with a line such as #!/bin/sh?");
    return STATUS_CONFIG;
}

static enum status start(struct process *process, struct error *error)
{
    int out[2] = {-1, -1};
    int err[2] = {-1, -1};
    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) {
        int error_number = errno;
        file_close(out[0]);
        file_close(out[1]);
        return error_set_errno(error, error_number, "could not make a pipe");
    }
    int failed = spawn(process, out[1], err[1]);
    file_close(out[1]);
    file_close(err[1]);
    process->fds[OUT] = out[0];
    process->fds[ERR] = err[0];
    if (failed != 0) {
        return start_failed(process->options, failed, error);
    }
    process->fds[END] = (int) syscall(SYS_pidfd_open, process->pid, 0);
    if (process->fds[END] < 0) {
        int error_number = errno;
        (void) kill(-process->pid, SIGKILL);
        (void) waitpid(process->pid, NULL, 0);
        return error_set_errno(error, error_number, "could not watch \"%s\"",
                               process->options->arguments[0]);
    }
    return STATUS_OK;
}

/* ---- running ------------------------------------------------------------------------------ */

static int64_t grace_us(const struct process *process)
{
    return process->options->grace_us == 0 ? GRACE_DEFAULT_US : process->options->grace_us;
}

/* SIGTERM first, SIGKILL when the grace is over. */
static void end_it(struct process *process)
{
    (void) kill(-process->pid, process->terminated ? SIGKILL : SIGTERM);
    process->terminated = true;
    process->deadline_us = clock_monotonic_us() + grace_us(process);
}

static void check_time(struct process *process)
{
    const struct process_options *options = process->options;
    if (!process->terminated && options->stopping != NULL && options->stopping(options->context)) {
        process->result->stopped = true;
        end_it(process);
    } else if (process->deadline_us != 0 && clock_monotonic_us() >= process->deadline_us) {
        process->result->timed_out = process->result->timed_out || !process->terminated;
        end_it(process);
    }
}

/* Reads once what is there; closes at the end. */
static void pass_output(struct process *process, int which)
{
    ssize_t got = read(process->fds[which], process->bytes, OUTPUT_BYTES);
    if (got < 0 && errno == EINTR) {
        return;
    }
    if (got <= 0) {
        file_close(process->fds[which]);
        process->fds[which] = -1;
        return;
    }
    if (process->options->output != NULL) {
        process->options->output(process->options->context, which == ERR,
                                 slice_of(process->bytes, (size_t) got));
    }
}

/* Waits at most `wait_us` for output or the end; true when it has ended. */
static bool wait_and_pass(struct process *process, int64_t wait_us)
{
    struct pollfd polled[DESCRIPTORS];
    for (int i = 0; i < DESCRIPTORS; i++) {
        polled[i] = (struct pollfd){.fd = process->fds[i], .events = POLLIN};
    }
    if (poll(polled, DESCRIPTORS, (int) (wait_us / 1000)) <= 0) {
        return false;
    }
    for (int i = OUT; i <= ERR; i++) {
        if (polled[i].revents != 0) {
            pass_output(process, i);
        }
    }
    return polled[END].revents != 0;
}

/* The program has ended; what it wrote last may still be in the pipes. A child that it left behind
 * may hold them open, so this does not wait for their end for ever. */
static void drain(struct process *process)
{
    (void) kill(-process->pid, SIGKILL); /* whom it left behind; its pid is not free yet */
    file_close(process->fds[END]);
    process->fds[END] = -1;
    int64_t until = clock_monotonic_us() + DRAIN_US;
    while ((process->fds[OUT] >= 0 || process->fds[ERR] >= 0) && clock_monotonic_us() < until) {
        (void) wait_and_pass(process, ASK_EVERY_US);
    }
}

static void reap(struct process *process)
{
    int state = 0;
    pid_t reaped;
    do {
        reaped = waitpid(process->pid, &state, 0);
    } while (reaped < 0 && errno == EINTR);
    ASSERT(reaped == process->pid);
    process->result->signal = WIFSIGNALED(state) ? WTERMSIG(state) : 0;
    process->result->exit_code = WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

enum status process_run(const struct process_options *options,
                        struct process_result *ret_result,
                        struct error *error)
{
    *ret_result = (struct process_result){0};
    struct process process = {
        .options = options, .result = ret_result, .fds = {-1, -1, -1}, .deadline_us = 0};
    enum status status = start(&process, error);
    if (status == STATUS_OK) {
        process.bytes = mem_alloc(OUTPUT_BYTES);
        if (options->timeout_us > 0) {
            process.deadline_us = clock_monotonic_us() + options->timeout_us;
        }
        do {
            check_time(&process);
        } while (!wait_and_pass(&process, ASK_EVERY_US));
        drain(&process);
        reap(&process);
        mem_free(process.bytes);
    }
    for (int i = 0; i < DESCRIPTORS; i++) {
        file_close(process.fds[i]);
    }
    return status;
}
