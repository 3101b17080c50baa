#include "io/thread.h"

#include "base/assert.h"
#include "base/memory.h"
#include "io/deadline.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#define NAME_BYTES 16 /* with the NUL: what Linux allows */

struct thread {
    pthread_t handle;
    char name[NAME_BYTES];
    void (*run)(struct thread *self, void *context);
    void *context;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t asked;
    bool stopping;
};

static void *run(void *pointer)
{
    struct thread *self = pointer;
    (void) pthread_setname_np(pthread_self(), self->name);
    self->run(self, self->context);
    return NULL;
}

static void thread_free(struct thread *thread)
{
    (void) pthread_cond_destroy(&thread->asked);
    (void) pthread_mutex_destroy(&thread->mutex);
    mem_free(thread);
}

enum status thread_start(const char *name,
                         void (*function)(struct thread *self, void *context),
                         void *context,
                         struct thread **ret_thread,
                         struct error *error)
{
    struct thread *thread = mem_zalloc(sizeof(*thread));
    (void) snprintf(thread->name, sizeof(thread->name), "%s", name);
    thread->run = function;
    thread->context = context;
    (void) pthread_mutex_init(&thread->mutex, NULL);
    deadline_condition_init(&thread->asked);

    sigset_t all;
    sigset_t before;
    (void) sigfillset(&all);
    (void) pthread_sigmask(SIG_SETMASK, &all, &before); /* inherited by the new thread */
    int failed = pthread_create(&thread->handle, NULL, run, thread);
    (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        thread_free(thread);
        return error_set_errno(error, failed, "could not start thread \"%s\"", name);
    }
    *ret_thread = thread;
    return STATUS_OK;
}

bool thread_stopping(struct thread *self)
{
    (void) pthread_mutex_lock(&self->mutex);
    bool stopping = self->stopping;
    (void) pthread_mutex_unlock(&self->mutex);
    return stopping;
}

bool thread_pause(struct thread *self, int64_t duration_us)
{
    struct timespec deadline = deadline_after(duration_us);
    (void) pthread_mutex_lock(&self->mutex);
    while (!self->stopping && deadline_wait(&self->asked, &self->mutex, duration_us, &deadline)) {
    }
    bool stopping = self->stopping;
    (void) pthread_mutex_unlock(&self->mutex);
    return stopping;
}

void thread_stop(struct thread *thread)
{
    (void) pthread_mutex_lock(&thread->mutex);
    thread->stopping = true;
    (void) pthread_cond_broadcast(&thread->asked);
    (void) pthread_mutex_unlock(&thread->mutex);
}

enum status thread_join(struct thread *thread, int64_t timeout_us, struct error *error)
{
    thread_stop(thread);
    int failed;
    if (timeout_us < 0) {
        failed = pthread_join(thread->handle, NULL);
    } else {
        struct timespec deadline = deadline_after(timeout_us);
        failed = pthread_clockjoin_np(thread->handle, NULL, CLOCK_MONOTONIC, &deadline);
    }
    if (failed == ETIMEDOUT) {
        return error_set(error, STATUS_AGAIN, "thread \"%s\" has not stopped yet", thread->name);
    }
    ASSERT(failed == 0);
    thread_free(thread);
    return STATUS_OK;
}
