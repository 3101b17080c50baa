#include "io/process.h"

#include "base/buffer.h"
#include "io/clock.h"

#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static struct error error;
static struct process_result result;

struct heard {
    struct buffer out;
    struct buffer err;
    bool stop_when_heard;
};

static void hear(void *context, bool is_error, struct slice bytes)
{
    struct heard *heard = context;
    buffer_append_slice(is_error ? &heard->err : &heard->out, bytes);
}

static bool stopping(void *context)
{
    const struct heard *heard = context;
    return heard->stop_when_heard && heard->out.size > 0;
}

static struct heard heard;

static int set_up(void **state)
{
    (void) state;
    heard = (struct heard){BUFFER_INIT, BUFFER_INIT, false};
    return 0;
}

static int tear_down(void **state)
{
    (void) state;
    buffer_deinit(&heard.out);
    buffer_deinit(&heard.err);
    return 0;
}

static struct process_options shell(const char *const arguments[4])
{
    return (struct process_options){
        .arguments = arguments, .output = hear, .stopping = stopping, .context = &heard};
}

#define SHELL(text) ((const char *const[4]){"sh", "-c", (text), NULL})

static void passes_output_and_exit_code(void **state)
{
    (void) state;
    struct process_options options = shell(SHELL("echo out; echo err >&2; cat; pwd; exit 3"));
    options.directory = "/usr";
    assert_ok(process_run(&options, &result, &error), error);
    assert_int_equal(result.exit_code, 3);
    assert_int_equal(result.signal, 0);
    assert_false(result.timed_out || result.stopped);
    assert_string_equal(buffer_string(&heard.out), "out\n/usr\n");
    assert_string_equal(buffer_string(&heard.err), "err\n");
}

static void passes_much_output(void **state)
{
    (void) state;
    struct process_options options =
        shell(SHELL("head -c 3000000 /dev/zero; head -c 1000000 /dev/zero >&2"));
    assert_ok(process_run(&options, &result, &error), error);
    assert_int_equal(result.exit_code, 0);
    assert_int_equal(heard.out.size, 3000000);
    assert_int_equal(heard.err.size, 1000000);
}

static void sets_the_environment(void **state)
{
    (void) state;
    assert_int_equal(setenv("LEAT_TEST_A", "ours", 1), 0);
    assert_int_equal(setenv("LEAT_TEST_AB", "kept", 1), 0);
    static const char *const environment[] = {"LEAT_TEST_A=theirs", "LEAT_TEST_NEW=a b", NULL};
    struct process_options options =
        shell(SHELL("echo $LEAT_TEST_A,$LEAT_TEST_AB,$LEAT_TEST_NEW; ls /proc/self/fd | wc -l"));
    options.environment = environment;
    assert_ok(process_run(&options, &result, &error), error);
    /* ls itself opens the fourth: nothing of ours is left open */
    assert_string_equal(buffer_string(&heard.out), "theirs,kept,a b\n4\n");
}

static void tells_the_signal(void **state)
{
    (void) state;
    struct process_options options = shell(SHELL("kill -SEGV $$"));
    assert_ok(process_run(&options, &result, &error), error);
    assert_int_equal(result.exit_code, -1);
    assert_int_equal(result.signal, SIGSEGV);
}

static void ends_what_takes_too_long(void **state)
{
    (void) state;
    struct process_options options = shell(SHELL("sleep 100 & sleep 100"));
    options.timeout_us = 20000;
    assert_ok(process_run(&options, &result, &error), error);
    assert_true(result.timed_out);
    assert_int_equal(result.signal, SIGTERM);

    options = shell(SHELL("trap '' TERM; while :; do sleep 0.1; done"));
    options.timeout_us = 20000;
    options.grace_us = 20000;
    assert_ok(process_run(&options, &result, &error), error);
    assert_true(result.timed_out);
    assert_int_equal(result.signal, SIGKILL);
}

static void stops_on_request(void **state)
{
    (void) state;
    heard.stop_when_heard = true;
    struct process_options options =
        shell(SHELL("trap 'echo bye; exit 9' TERM; echo ready; while :; do sleep 0.01; done"));
    assert_ok(process_run(&options, &result, &error), error);
    assert_true(result.stopped);
    assert_false(result.timed_out);
    assert_int_equal(result.exit_code, 9);
    assert_string_equal(buffer_string(&heard.out), "ready\nbye\n");
}

static void ends_whom_it_left_behind(void **state)
{
    (void) state;
    struct process_options options = shell(SHELL("sleep 1000 & echo $!"));
    int64_t before = clock_monotonic_us();
    assert_ok(process_run(&options, &result, &error), error);
    assert_true(clock_monotonic_us() - before < INT64_C(60000000));
    assert_int_equal(result.exit_code, 0);
    long pid = strtol(buffer_string(&heard.out), NULL, 10);
    assert_true(pid > 1);
    char path[64];
    (void) snprintf(path, sizeof(path), "/proc/%ld/cmdline", pid);
    FILE *file = fopen(path, "r"); /* gone, or a zombie whose command line is empty */
    assert_true(file == NULL || fgetc(file) == EOF);
    if (file != NULL) {
        (void) fclose(file);
    }
}

static void explains_what_cannot_run(void **state)
{
    (void) state;
    struct process_options options = shell((const char *const[4]){"no-such-program", NULL});
    assert_fails(process_run(&options, &result, &error), STATUS_CONFIG, error,
                 "cannot run \"no-such-program\": No such file");
    options = shell((const char *const[4]){"/etc/passwd", NULL});
    assert_fails(process_run(&options, &result, &error), STATUS_CONFIG, error,
                 "cannot run \"/etc/passwd\": Permission denied");
    assert_non_null(strstr(error.hint, "chmod"));
    options = shell(SHELL("true"));
    options.directory = "/nonexistent";
    assert_fails(process_run(&options, &result, &error), STATUS_CONFIG, error,
                 "in \"/nonexistent\": No such file");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(passes_output_and_exit_code), TEST(passes_much_output),
        TEST(sets_the_environment),        TEST(tells_the_signal),
        TEST(ends_what_takes_too_long),    TEST(stops_on_request),
        TEST(ends_whom_it_left_behind),    TEST(explains_what_cannot_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
