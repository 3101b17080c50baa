#pragma once

/* What the tests of src/log share: a scratch directory, and a waiter for callbacks. */

#include "io/file.h"

#include "test.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

struct scratch {
    char path[256];
};

/* In memory if there is such a file system: some tests sync thousands of times. */
static inline void scratch_make(struct scratch *scratch)
{
    const char *base = getenv("TMPDIR");
    if (base == NULL && access("/dev/shm", W_OK) == 0) {
        base = "/dev/shm";
    }
    (void) snprintf(scratch->path, sizeof(scratch->path), "%s/leat-log-XXXXXX",
                    base == NULL ? "/tmp" : base);
    assert_non_null(mkdtemp(scratch->path));
}

static inline void scratch_remove(struct scratch *scratch)
{
    struct error error = {0};
    assert_ok(directory_remove(scratch->path, &error), error);
}

static inline const char *scratch_path(struct scratch *scratch, const char *name)
{
    static char path[512];
    (void) snprintf(path, sizeof(path), "%s/%s", scratch->path, name);
    return path;
}

/* Counts callbacks of one kind and waits for them. */
struct counter {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int count;
    int failed;
};

#define COUNTER_INIT                                                                               \
    {                                                                                              \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0                                  \
    }

static inline void counter_add(struct counter *counter, bool failed)
{
    (void) pthread_mutex_lock(&counter->mutex);
    counter->count++;
    counter->failed += failed;
    (void) pthread_cond_broadcast(&counter->changed);
    (void) pthread_mutex_unlock(&counter->mutex);
}

static inline void counter_wait(struct counter *counter, int count)
{
    (void) pthread_mutex_lock(&counter->mutex);
    while (counter->count < count) {
        (void) pthread_cond_wait(&counter->changed, &counter->mutex);
    }
    (void) pthread_mutex_unlock(&counter->mutex);
}

/* Changes one byte of a file in place. */
static inline void flip_byte(const char *path, long at)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    int byte = fgetc(file);
    assert_int_equal(fseek(file, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    assert_true(fputc(byte ^ 0x20, file) != EOF);
    assert_int_equal(fclose(file), 0);
}

static inline long size_of_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    assert_int_equal(fclose(file), 0);
    return size;
}
