/* Server-sent events: a queue of shared blocks for each subscriber. */

#include "base/assert.h"
#include "base/memory.h"
#include "http/server_internal.h"

#include <string.h>
#include <time.h>

#define KEEP_ALIVE_SECONDS 15 /* a comment after so long, so that dead peers are noticed */

/* One event as text, shared by the queues that hold it. */
struct block {
    size_t references; /* under the lock of the events */
    size_t size;
    char text[];
};

struct http_subscriber {
    struct http_events *events;
    struct http_server *server;
    struct http_subscriber *next;           /* of the same events */
    struct http_subscriber *next_of_server; /* under the server's lock */
    pthread_cond_t wake;
    struct block **queue; /* a ring of events->queue_events_max */
    size_t first;
    size_t count;
    size_t bytes;
    struct buffer greeting; /* goes before the queue */
    bool slow;              /* its queue was full */
    bool ended;
};

struct http_events {
    pthread_mutex_t lock;
    size_t references; /* the owner and each subscriber */
    size_t queue_events_max;
    size_t queue_bytes_max;
    struct http_subscriber *subscribers;
    size_t subscriber_count;
    uint64_t dropped;
    bool ended;
};

struct http_events *http_events_new(size_t queue_events_max, size_t queue_bytes_max)
{
    ASSERT(queue_events_max > 0 && queue_bytes_max > 0);
    struct http_events *events = mem_zalloc(sizeof(*events));
    (void) pthread_mutex_init(&events->lock, NULL);
    events->references = 1;
    events->queue_events_max = queue_events_max;
    events->queue_bytes_max = queue_bytes_max;
    return events;
}

/* Gives one reference back; called with the lock held, which it releases. */
static void events_unref_unlock(struct http_events *events)
{
    ASSERT(events->references > 0);
    bool last = --events->references == 0;
    (void) pthread_mutex_unlock(&events->lock);
    if (last) {
        (void) pthread_mutex_destroy(&events->lock);
        mem_free(events);
    }
}

void http_events_free(struct http_events *events)
{
    if (events == NULL) {
        return;
    }
    (void) pthread_mutex_lock(&events->lock);
    events->ended = true;
    for (struct http_subscriber *at = events->subscribers; at != NULL; at = at->next) {
        at->ended = true;
        (void) pthread_cond_signal(&at->wake);
    }
    events_unref_unlock(events);
}

static void block_unref(struct block *block)
{
    if (--block->references == 0) {
        mem_free(block);
    }
}

/* "event: NAME", a "data:" line for each line of the text, and an empty line. */
static void write_event(struct buffer *target, const char *name, struct slice data)
{
    buffer_append_string(target, "event: ");
    buffer_append_string(target, name);
    const uint8_t *at = data.data;
    size_t left = data.size;
    for (;;) {
        size_t size = 0;
        while (size < left && at[size] != '\n' && at[size] != '\r') {
            size++;
        }
        buffer_append_string(target, "\ndata: ");
        buffer_append(target, at, size);
        if (size == left) {
            break;
        }
        size += size + 1 < left && at[size] == '\r' && at[size + 1] == '\n' ? 2 : 1;
        at += size;
        left -= size;
    }
    buffer_append_string(target, "\n\n");
}

static void subscriber_push(struct http_subscriber *subscriber, struct block *block)
{
    struct http_events *events = subscriber->events;
    if (subscriber->slow || subscriber->ended) {
        return;
    }
    if (subscriber->count == events->queue_events_max ||
        subscriber->bytes + block->size > events->queue_bytes_max) {
        subscriber->slow = true;
        events->dropped++;
    } else {
        size_t last = (subscriber->first + subscriber->count) % events->queue_events_max;
        subscriber->queue[last] = block;
        subscriber->count++;
        subscriber->bytes += block->size;
        block->references++;
    }
    (void) pthread_cond_signal(&subscriber->wake);
}

void http_events_publish(struct http_events *events, const char *name, struct slice data)
{
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    write_event(&text, name, data);
    struct block *block = mem_alloc(sizeof(*block) + text.size);
    block->references = 1;
    block->size = text.size;
    memcpy(block->text, text.data, text.size);
    (void) pthread_mutex_lock(&events->lock);
    for (struct http_subscriber *at = events->subscribers; at != NULL; at = at->next) {
        subscriber_push(at, block);
    }
    block_unref(block);
    (void) pthread_mutex_unlock(&events->lock);
}

size_t http_events_subscribers(struct http_events *events)
{
    (void) pthread_mutex_lock(&events->lock);
    size_t count = events->subscriber_count;
    (void) pthread_mutex_unlock(&events->lock);
    return count;
}

uint64_t http_events_dropped(struct http_events *events)
{
    (void) pthread_mutex_lock(&events->lock);
    uint64_t dropped = events->dropped;
    (void) pthread_mutex_unlock(&events->lock);
    return dropped;
}

/* Moves the queue into `target`. */
static void drain(struct http_subscriber *subscriber, struct buffer *target)
{
    buffer_append_slice(target, buffer_slice(&subscriber->greeting));
    buffer_deinit(&subscriber->greeting);
    while (subscriber->count > 0) {
        struct block *block = subscriber->queue[subscriber->first];
        buffer_append(target, block->text, block->size);
        block_unref(block);
        subscriber->first = (subscriber->first + 1) % subscriber->events->queue_events_max;
        subscriber->count--;
    }
    subscriber->bytes = 0;
}

static enum status subscriber_next(void *context, struct buffer *target, bool *ret_end)
{
    struct http_subscriber *subscriber = context;
    struct http_events *events = subscriber->events;
    struct timespec until;
    (void) clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += KEEP_ALIVE_SECONDS;
    (void) pthread_mutex_lock(&events->lock);
    bool timed_out = false;
    while (subscriber->count == 0 && subscriber->greeting.size == 0 && !subscriber->slow &&
           !subscriber->ended && !timed_out) {
        timed_out = pthread_cond_timedwait(&subscriber->wake, &events->lock, &until) != 0;
    }
    if (timed_out) {
        buffer_append_string(target, ": alive\n\n");
    }
    drain(subscriber, target);
    if (subscriber->slow) {
        write_event(target, "dropped", SLICE("{\"reason\":\"too slow\"}"));
    }
    *ret_end = subscriber->slow || subscriber->ended;
    (void) pthread_mutex_unlock(&events->lock);
    return STATUS_OK;
}

static void subscriber_release(void *context)
{
    struct http_subscriber *subscriber = context;
    struct http_events *events = subscriber->events;
    struct http_server *server = subscriber->server;
    (void) pthread_mutex_lock(&server->lock);
    struct http_subscriber **of_server = &server->subscribers;
    while (*of_server != subscriber) {
        of_server = &(*of_server)->next_of_server;
    }
    *of_server = subscriber->next_of_server;
    (void) pthread_mutex_unlock(&server->lock);

    (void) pthread_mutex_lock(&events->lock);
    struct http_subscriber **link = &events->subscribers;
    while (*link != subscriber) {
        link = &(*link)->next;
    }
    *link = subscriber->next;
    events->subscriber_count--;
    while (subscriber->count > 0) {
        block_unref(subscriber->queue[subscriber->first]);
        subscriber->first = (subscriber->first + 1) % events->queue_events_max;
        subscriber->count--;
    }
    events_unref_unlock(events);
    buffer_deinit(&subscriber->greeting);
    (void) pthread_cond_destroy(&subscriber->wake);
    mem_free(subscriber->queue);
    mem_free(subscriber);
}

static struct http_subscriber *subscriber_new(struct http_events *events,
                                              struct http_server *server)
{
    struct http_subscriber *subscriber = mem_zalloc(sizeof(*subscriber));
    subscriber->events = events;
    subscriber->server = server;
    subscriber->queue = mem_calloc(events->queue_events_max, sizeof(*subscriber->queue));
    pthread_condattr_t attributes;
    (void) pthread_condattr_init(&attributes);
    (void) pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void) pthread_cond_init(&subscriber->wake, &attributes);
    (void) pthread_condattr_destroy(&attributes);
    return subscriber;
}

void http_reply_events(struct http_exchange *exchange,
                       struct http_events *events,
                       const char *first_name,
                       struct slice first_data)
{
    struct http_call *call = call_of(exchange);
    struct http_server *server = call->server;
    struct http_subscriber *subscriber = subscriber_new(events, server);
    buffer_append_string(&subscriber->greeting, "retry: 2000\n\n");
    if (first_name != NULL) {
        write_event(&subscriber->greeting, first_name, first_data);
    }
    (void) pthread_mutex_lock(&server->lock);
    subscriber->ended = atomic_load(&server->stopping);
    subscriber->next_of_server = server->subscribers;
    server->subscribers = subscriber;
    (void) pthread_mutex_lock(&events->lock);
    subscriber->ended |= events->ended;
    subscriber->next = events->subscribers;
    events->subscribers = subscriber;
    events->subscriber_count++;
    events->references++;
    (void) pthread_mutex_unlock(&events->lock);
    (void) pthread_mutex_unlock(&server->lock);
    const struct http_stream stream = {
        .next = subscriber_next, .release = subscriber_release, .context = subscriber, .size = -1};
    http_reply_stream(exchange, 200, "text/event-stream; charset=utf-8", &stream);
    http_reply_header(exchange, "Cache-Control", "no-cache");
    call->reply.endless = true;
}

void events_end_all(struct http_server *server)
{
    (void) pthread_mutex_lock(&server->lock);
    for (struct http_subscriber *at = server->subscribers; at != NULL; at = at->next_of_server) {
        (void) pthread_mutex_lock(&at->events->lock);
        at->ended = true;
        (void) pthread_cond_signal(&at->wake);
        (void) pthread_mutex_unlock(&at->events->lock);
    }
    (void) pthread_mutex_unlock(&server->lock);
}
