#include "broker/loop.h"

#include "base/assert.h"
#include "io/clock.h"

static bool take_mails(struct loop *loop)
{
    struct list mails;
    list_init(&mails);
    pthread_mutex_lock(&loop->mutex);
    struct list *link;
    while ((link = list_pop(&loop->mails)) != NULL) {
        list_append(&mails, link);
    }
    pthread_mutex_unlock(&loop->mutex);
    bool any = !list_empty(&mails);
    while ((link = list_pop(&mails)) != NULL) {
        struct mail *mail = CONTAINER_OF(link, struct mail, link);
        mail->handle(mail);
    }
    return any;
}

static void on_wake(uv_async_t *wake)
{
    (void) take_mails(wake->data);
}

static void on_timer(uv_timer_t *timer)
{
    struct loop *loop = timer->data;
    deadlines_run(&loop->deadlines, clock_monotonic_us());
}

/* Right before the loop blocks: the timer is set to the next deadline. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct loop *loop = prepare->data;
    int64_t next_us = deadlines_next(&loop->deadlines);
    if (next_us == INT64_MAX) {
        uv_timer_stop(&loop->timer);
        return;
    }
    int64_t wait_us = next_us - clock_monotonic_us();
    uint64_t wait_ms = wait_us <= 0 ? 0 : (uint64_t) (wait_us + 999) / 1000;
    uv_update_time(&loop->uv);
    uv_timer_start(&loop->timer, on_timer, wait_ms, 0);
}

enum status loop_init(struct loop *loop, struct error *error)
{
    int failed = uv_loop_init(&loop->uv);
    if (failed != 0) {
        return error_set_errno(error, -failed, "could not make an event loop");
    }
    pthread_mutex_init(&loop->mutex, NULL);
    list_init(&loop->mails);
    deadlines_init(&loop->deadlines);
    loop->running = false;
    loop->timer.data = loop->prepare.data = loop->wake.data = loop;
    uv_timer_init(&loop->uv, &loop->timer);
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_prepare_start(&loop->prepare, on_prepare);
    failed = uv_async_init(&loop->uv, &loop->wake, on_wake);
    ASSERT(failed == 0);
    return STATUS_OK;
}

static void run(void *context)
{
    struct loop *loop = context;
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

enum status loop_start(struct loop *loop, struct error *error)
{
    loop->running = true;
    int failed = uv_thread_create(&loop->thread, run, loop);
    if (failed != 0) {
        loop->running = false;
        return error_set_errno(error, -failed, "could not start the broker's thread");
    }
    return STATUS_OK;
}

static void stop_here(void *context)
{
    struct loop *loop = context;
    uv_stop(&loop->uv);
}

void loop_stop(struct loop *loop)
{
    if (loop->running) {
        loop_call(loop, stop_here, loop);
        uv_thread_join(&loop->thread);
        loop->running = false;
    }
}

void loop_deinit(struct loop *loop)
{
    ASSERT(!loop->running);
    while (take_mails(loop)) {
    }
    uv_close((uv_handle_t *) &loop->timer, NULL);
    uv_close((uv_handle_t *) &loop->prepare, NULL);
    uv_close((uv_handle_t *) &loop->wake, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    int failed = uv_loop_close(&loop->uv);
    ASSERT(failed == 0);
    deadlines_deinit(&loop->deadlines);
    pthread_mutex_destroy(&loop->mutex);
}

void loop_post(struct loop *loop, struct mail *mail)
{
    pthread_mutex_lock(&loop->mutex);
    list_append(&loop->mails, &mail->link);
    pthread_mutex_unlock(&loop->mutex);
    uv_async_send(&loop->wake);
}

struct call {
    struct mail mail;
    void (*function)(void *context);
    void *context;
    uv_sem_t done;
};

static void handle_call(struct mail *mail)
{
    struct call *call = CONTAINER_OF(mail, struct call, mail);
    call->function(call->context);
    uv_sem_post(&call->done);
}

void loop_call(struct loop *loop, void (*function)(void *context), void *context)
{
    if (!loop->running) {
        function(context);
        return;
    }
    struct call call = {.mail = {.handle = handle_call}, .function = function, .context = context};
    int failed = uv_sem_init(&call.done, 0);
    ASSERT(failed == 0);
    loop_post(loop, &call.mail);
    uv_sem_wait(&call.done);
    uv_sem_destroy(&call.done);
}
