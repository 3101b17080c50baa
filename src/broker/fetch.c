#include "broker/fetch.h"

#include "base/assert.h"
#include "base/time_text.h"
#include "broker/fetch_session.h"
#include "io/clock.h"

#define ISOLATION_READ_COMMITTED 1

/* One parked request; it stands in the list of each of its partitions. */
struct fetch_call {
    struct request *request;
    struct fetch_plan plan;
    struct fetch_session_use session;
    struct fetch_waiter *waiters; /* one an item */
    struct deadline deadline;
    size_t ready_bytes; /* found, and appended since */
    size_t min_bytes;
};

struct fetch_waiter {
    struct list link; /* in partition->waiters */
    struct fetch_call *call;
};

static void fill_response(struct fetch_call *call)
{
    struct request *request = call->request;
    struct fetch_response *response = request->response;
    const struct fetch_plan *plan = &call->plan;
    response->topics = REQUEST_ARRAY(request, struct fetch_response_topic, plan->count);
    struct fetch_response_partition *partitions =
        REQUEST_ARRAY(request, struct fetch_response_partition, plan->count);
    struct fetch_response_topic *topic = NULL;
    int32_t used = 0;
    for (int32_t i = 0; i < plan->count; i++) {
        const struct fetch_item *item = &plan->items[i];
        if (item->left_out) {
            continue;
        }
        bool same = topic != NULL && slice_equal(topic->name, item->name) &&
                    memcmp(&topic->topic_id, &item->topic_id, sizeof(struct uuid)) == 0;
        if (!same) {
            topic = &response->topics[response->topics_count++];
            topic->name = item->name;
            topic->topic_id = item->topic_id;
            topic->partitions = &partitions[used];
        }
        topic->partitions[topic->partitions_count++] = item->found;
        used++;
    }
}

static void unpark(struct fetch_call *call)
{
    call->request->cancel = NULL;
    deadline_clear(&call->request->broker->loop.deadlines, &call->deadline);
    for (int32_t i = 0; i < call->plan.count; i++) {
        list_remove(&call->waiters[i].link);
    }
}

static void answer(struct fetch_call *call)
{
    struct fetch_response *response = call->request->response;
    response->session_id = call->session.session_id;
    fetch_session_end(call->request->broker->sessions, &call->session, &call->plan);
    fill_response(call);
    request_answer(call->request);
}

/* With what there is by now. */
static void answer_parked(struct fetch_call *call)
{
    unpark(call);
    bool failed;
    (void) fetch_read(call->request, &call->plan, &failed);
    answer(call);
}

static void on_timeout(struct deadline *deadline)
{
    answer_parked(CONTAINER_OF(deadline, struct fetch_call, deadline));
}

static void on_cancel(struct request *request)
{
    struct fetch_call *call = request->context;
    unpark(call);
    answer(call);
}

void fetch_wake(struct partition *partition, size_t bytes)
{
    list_each (&partition->waiters, link) {
        CONTAINER_OF(link, struct fetch_waiter, link)->call->ready_bytes += bytes;
    }
    /* Answering takes a call out of this list, maybe twice if it names a partition twice. */
    for (struct list *link = partition->waiters.next; link != &partition->waiters;) {
        struct fetch_call *call = CONTAINER_OF(link, struct fetch_waiter, link)->call;
        link = link->next;
        if (call->ready_bytes >= call->min_bytes) {
            answer_parked(call);
            link = partition->waiters.next;
        }
    }
}

void fetch_wake_all(struct partition *partition)
{
    while (!list_empty(&partition->waiters)) {
        answer_parked(CONTAINER_OF(partition->waiters.next, struct fetch_waiter, link)->call);
    }
}

static void park(struct fetch_call *call, int64_t wait_us)
{
    struct request *request = call->request;
    call->waiters = REQUEST_ARRAY(request, struct fetch_waiter, call->plan.count);
    for (int32_t i = 0; i < call->plan.count; i++) {
        struct fetch_waiter *waiter = &call->waiters[i];
        waiter->call = call;
        list_init(&waiter->link);
        struct partition *partition =
            fetch_find(request->broker, &call->plan, &call->plan.items[i]);
        if (partition != NULL) {
            list_append(&partition->waiters, &waiter->link);
        }
    }
    call->deadline.expire = on_timeout;
    deadline_set(&request->broker->loop.deadlines, &call->deadline, clock_monotonic_us() + wait_us);
    request->context = call;
    request->cancel = on_cancel;
}

static void plan_limits(struct fetch_call *call)
{
    struct request *request = call->request;
    const struct fetch_request *body = request->body;
    struct fetch_plan *plan = &call->plan;
    size_t asked = body->max_bytes < 0 ? 0 : (size_t) body->max_bytes;
    size_t allowed =
        server_answer_room(&request->broker->server, request->broker->config.fetch_bytes_max);
    plan->bytes_max = asked < allowed ? asked : allowed;
    plan->by_id = request->version >= 13;
    plan->committed_only = body->isolation_level == ISOLATION_READ_COMMITTED;
    call->min_bytes = body->min_bytes < 0 ? 0 : (size_t) body->min_bytes;
}

void fetch_handle(struct request *request)
{
    const struct fetch_request *body = request->body;
    struct fetch_response *response = request->response;
    struct fetch_call *call = REQUEST_NEW(request, struct fetch_call);
    call->request = request;
    plan_limits(call);
    response->error_code =
        fetch_session_begin(request->broker->sessions, request, &call->plan, &call->session);
    if (response->error_code != KAFKA_NONE) {
        request_answer(request);
        return;
    }
    bool failed;
    call->ready_bytes = fetch_read(request, &call->plan, &failed);
    if (failed || call->ready_bytes >= call->min_bytes || body->max_wait_ms <= 0 ||
        call->ready_bytes >= call->plan.bytes_max || request->broker->stopping) {
        answer(call);
        return;
    }
    park(call, (int64_t) body->max_wait_ms * US_PER_MS);
}
