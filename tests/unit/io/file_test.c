#include "io/file.h"

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64];
static char path[128];
static struct error error;

static int set_up(void **state)
{
    (void) state;
    (void) strcpy(directory, "/tmp/leat-test-XXXXXX");
    (void) snprintf(path, sizeof(path), "%s/file", mkdtemp(directory));
    error_clear(&error);
    return 0;
}

static int tear_down(void **state)
{
    (void) state;
    file_fault(-1, 0);
    return directory_remove(directory, NULL) == STATUS_OK ? 0 : -1;
}

static void assert_content(const char *wanted)
{
    struct buffer text = BUFFER_INIT;
    assert_ok(file_load(path, 1000, &text, &error), error);
    assert_string_equal(buffer_string(&text), wanted);
    buffer_deinit(&text);
}

static void writes_and_reads_at_places(void **state)
{
    (void) state;
    int fd;
    assert_ok(file_open(path, O_RDWR | O_CREAT, 0600, &fd, &error), error);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_ok(file_write_at(fd, SLICE("world"), 6, &error), error);
    assert_ok(file_write_at(fd, SLICE("hello "), 0, &error), error);
    assert_ok(file_write_at(fd, SLICE_EMPTY, 100, &error), error);
    assert_ok(file_sync(fd, &error), error);
    assert_content("hello world");
    char target[32];
    size_t size;
    assert_ok(file_read_at(fd, target, sizeof(target), 6, &size, &error), error);
    assert_int_equal(size, 5);
    assert_memory_equal(target, "world", 5);
    assert_ok(file_read_at(fd, target, sizeof(target), 1000, &size, &error), error);
    assert_int_equal(size, 0);
    assert_ok(file_preallocate(fd, 1 << 16, &error), error);
    uint64_t bytes;
    assert_ok(file_size(fd, &bytes, &error), error);
    assert_int_equal(bytes, 11);
    assert_ok(file_truncate(fd, 5, &error), error);
    assert_content("hello");
    file_close(fd);
    file_close(-1);
}

static void names_the_file_in_errors(void **state)
{
    (void) state;
    int fd;
    assert_fails(file_open("/nonexistent/x", O_RDONLY, 0, &fd, &error), STATUS_IO, error,
                 "could not open \"/nonexistent/x\": No such file or directory");
    assert_int_equal(error.code, ENOENT);
    assert_ok(file_open(path, O_RDONLY | O_CREAT, 0600, &fd, &error), error);
    assert_fails(file_write_at(fd, SLICE("x"), 0, &error), STATUS_IO, error, path);
    file_close(fd);
    assert_fails(file_sync(-1, &error), STATUS_IO, error, "descriptor -1");
}

static void replaces_whole_files(void **state)
{
    (void) state;
    assert_ok(file_replace(path, SLICE("old"), &error), error);
    file_fault(-1, 0);
    assert_ok(file_replace(path, SLICE("second"), &error), error);
    int64_t calls = file_fault_calls();
    assert_true(calls >= 5);
    for (int64_t nth = 0; nth < calls; nth++) {
        assert_ok(file_replace(path, SLICE("old"), &error), error);
        file_fault(nth, ENOSPC);
        assert_fails(file_replace(path, SLICE("new"), &error), STATUS_AGAIN, error, "disk is full");
        file_fault(-1, 0);
        struct buffer text = BUFFER_INIT;
        assert_ok(file_load(path, 1000, &text, &error), error);
        const char *now = buffer_string(&text);
        assert_true(strcmp(now, "old") == 0 || strcmp(now, "new") == 0);
        buffer_deinit(&text);
        char left[160];
        (void) snprintf(left, sizeof(left), "%s.new", path);
        assert_int_equal(access(left, F_OK), -1);
    }
    file_fault(calls, ENOSPC); /* one past the last: nothing fails */
    assert_ok(file_replace(path, SLICE("new"), &error), error);
}

static void tears_the_write_that_fails(void **state)
{
    (void) state;
    int fd;
    assert_ok(file_open(path, O_RDWR | O_CREAT, 0600, &fd, &error), error);
    file_fault(0, EIO);
    assert_fails(file_write_at(fd, SLICE("12345678"), 0, &error), STATUS_IO, error,
                 "could not write");
    file_fault(-1, 0);
    file_close(fd);
    assert_content("1234");
}

static void limits_what_it_loads(void **state)
{
    (void) state;
    assert_ok(file_replace(path, SLICE("1234567890"), &error), error);
    struct buffer text = BUFFER_INIT;
    buffer_append_string(&text, "before ");
    assert_ok(file_load(path, 10, &text, &error), error);
    assert_string_equal(buffer_string(&text), "before 1234567890");
    assert_fails(file_load(path, 9, &text, &error), STATUS_LIMIT, error, "larger than 9 bytes");
    assert_fails(file_load("/dev/zero", 100000, &text, &error), STATUS_LIMIT, error, "larger than");
    assert_fails(file_load(directory, 100, &text, &error), STATUS_IO, error, "could not read");
    buffer_deinit(&text);
}

static enum status remember(void *context, const char *name, struct error *unused)
{
    char *names = context;
    (void) strcat(strcat(names, name), ";");
    return strcmp(name, "stop") == 0 ? error_set(unused, STATUS_FAILED, "stopped") : STATUS_OK;
}

static void makes_lists_and_removes_directories(void **state)
{
    (void) state;
    char deep[160];
    (void) snprintf(deep, sizeof(deep), "%s/a/b/c//d/", directory);
    assert_ok(directory_make(deep, &error), error);
    assert_ok(directory_make(deep, &error), error);
    assert_ok(directory_sync(deep, &error), error);
    assert_ok(file_replace(path, SLICE("x"), &error), error);
    assert_fails(directory_make(path, &error), STATUS_IO, error, "could not make directory");
    char below[160];
    (void) snprintf(below, sizeof(below), "%s/below", path);
    assert_fails(directory_make(below, &error), STATUS_IO, error, "could not make directory");

    char names[256] = "";
    assert_ok(directory_list(directory, remember, names, &error), error);
    assert_string_equal(names, "a;file;");
    names[0] = '\0';
    (void) snprintf(below, sizeof(below), "%s/stop", directory);
    assert_ok(directory_make(below, &error), error);
    (void) snprintf(below, sizeof(below), "%s/then", directory);
    assert_int_equal(symlink("/tmp", below), 0);
    assert_fails(directory_list(directory, remember, names, &error), STATUS_FAILED, error,
                 "stopped");
    assert_string_equal(names, "a;file;stop;");

    assert_ok(directory_remove(directory, &error), error); /* the link, not where it leads to */
    assert_int_equal(access(directory, F_OK), -1);
    assert_int_equal(access("/tmp", F_OK), 0);
    assert_ok(directory_remove(directory, &error), error);
    assert_fails(directory_list(directory, remember, names, &error), STATUS_IO, error,
                 "could not list");
}

static void tells_free_space(void **state)
{
    (void) state;
    uint64_t available;
    uint64_t total;
    assert_ok(disk_space(directory, &available, &total, &error), error);
    assert_true(available > 0 && available <= total);
    assert_fails(disk_space("/nonexistent", &available, &total, &error), STATUS_IO, error,
                 "/nonexistent");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(writes_and_reads_at_places), TEST(names_the_file_in_errors),
        TEST(replaces_whole_files),       TEST(tears_the_write_that_fails),
        TEST(limits_what_it_loads),       TEST(makes_lists_and_removes_directories),
        TEST(tells_free_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
