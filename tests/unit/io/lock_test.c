#include "io/lock.h"

#include "io/file.h"

#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[64];
static char path[128];
static struct error error;

static int set_up(void **state)
{
    (void) state;
    (void) strcpy(directory, "/tmp/leat-test-XXXXXX");
    (void) snprintf(path, sizeof(path), "%s/lock", mkdtemp(directory));
    return 0;
}

static int tear_down(void **state)
{
    (void) state;
    return directory_remove(directory, NULL) == STATUS_OK ? 0 : -1;
}

static void refuses_a_second(void **state)
{
    (void) state;
    struct file_lock lock;
    struct file_lock second = FILE_LOCK_NONE;
    assert_ok(file_lock_take(path, &lock, NULL, &error), error);
    int64_t holder = 0;
    char wanted[64];
    (void) snprintf(wanted, sizeof(wanted), "is held by pid %d (", (int) getpid());
    assert_fails(file_lock_take(path, &second, &holder, &error), STATUS_AGAIN, error, wanted);
    assert_int_equal(holder, getpid());
    assert_int_equal(second.fd, -1);
    file_lock_release(&lock);
    file_lock_release(&lock);
    assert_ok(file_lock_take(path, &second, NULL, &error), error);
    file_lock_release(&second);
    assert_fails(file_lock_take("/nonexistent/lock", &lock, NULL, &error), STATUS_IO, error,
                 "could not open");
}

/* The lock goes with its holder, even if that is killed; its pid stays in the file. */
static void goes_with_its_holder(void **state)
{
    (void) state;
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct file_lock lock;
        bool taken = file_lock_take(path, &lock, NULL, NULL) == STATUS_OK;
        (void) !write(ready[1], taken ? "y" : "n", 1);
        (void) pause();
        _exit(0);
    }
    char answer;
    assert_int_equal(read(ready[0], &answer, 1), 1);
    assert_int_equal(answer, 'y');
    struct file_lock lock;
    int64_t holder;
    assert_fails(file_lock_take(path, &lock, &holder, &error), STATUS_AGAIN, error,
                 "is held by pid");
    assert_int_equal(holder, child);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_ok(file_lock_take(path, &lock, &holder, &error), error);
    file_lock_release(&lock);
    (void) close(ready[0]);
    (void) close(ready[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(refuses_a_second),
        TEST(goes_with_its_holder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
