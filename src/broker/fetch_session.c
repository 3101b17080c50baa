#include "broker/fetch_session.h"

#include "base/list.h"
#include "base/memory.h"
#include "base/time_text.h"
#include "io/clock.h"

#define EPOCH_FINAL            (-1)
#define EPOCH_INITIAL          0
#define SESSION_PARTITIONS_MAX 100000
#define EVICT_AFTER_US         (2 * US_PER_MINUTE) /* sessions used later than this are kept */

struct session_partition {
    struct list link;
    struct slice name; /* owned; or the id */
    struct uuid topic_id;
    struct fetch_request_partition wanted;
    int64_t high_watermark; /* what the client knows; -1: nothing */
    int64_t log_start;
};

struct session {
    struct list link; /* least recently used first */
    int32_t id;
    int32_t epoch; /* expected of the next request */
    bool by_id;
    int64_t used_at_us;
    struct list partitions; /* in the order of reading */
    struct map by_key;
};

struct fetch_sessions {
    int sessions_max;
    struct list recent;
    struct map by_id;
};

struct fetch_sessions *fetch_sessions_new(int sessions_max)
{
    struct fetch_sessions *sessions = mem_zalloc(sizeof(*sessions));
    sessions->sessions_max = sessions_max;
    list_init(&sessions->recent);
    map_init(&sessions->by_id);
    return sessions;
}

static struct slice id_key(const int32_t *id)
{
    return slice_of(id, sizeof(*id));
}

static void free_partition(struct session_partition *partition)
{
    list_remove(&partition->link);
    mem_free((void *) (uintptr_t) partition->name.data);
    mem_free(partition);
}

static void remove_session(struct fetch_sessions *sessions, struct session *session)
{
    list_each (&session->partitions, link) {
        free_partition(CONTAINER_OF(link, struct session_partition, link));
    }
    map_deinit(&session->by_key);
    (void) map_remove(&sessions->by_id, id_key(&session->id));
    list_remove(&session->link);
    mem_free(session);
}

void fetch_sessions_free(struct fetch_sessions *sessions)
{
    list_each (&sessions->recent, link) {
        remove_session(sessions, CONTAINER_OF(link, struct session, link));
    }
    map_deinit(&sessions->by_id);
    mem_free(sessions);
}

static void touch(struct fetch_sessions *sessions, struct session *session)
{
    session->used_at_us = clock_monotonic_us();
    list_remove(&session->link);
    list_append(&sessions->recent, &session->link);
}

/* NULL if there are as many as allowed, all in use. */
static struct session *make_session(struct fetch_sessions *sessions, bool by_id)
{
    if (sessions->by_id.size >= (size_t) sessions->sessions_max) {
        struct session *oldest = list_empty(&sessions->recent)
                                     ? NULL
                                     : CONTAINER_OF(sessions->recent.next, struct session, link);
        if (oldest == NULL || clock_monotonic_us() - oldest->used_at_us < EVICT_AFTER_US) {
            return NULL;
        }
        remove_session(sessions, oldest);
    }
    struct session *session = mem_zalloc(sizeof(*session));
    do {
        session->id = (int32_t) (random_u64() & INT32_MAX);
    } while (session->id == 0 || map_has(&sessions->by_id, id_key(&session->id)));
    session->epoch = 1;
    session->by_id = by_id;
    list_init(&session->link);
    list_init(&session->partitions);
    map_init(&session->by_key);
    (void) map_put(&sessions->by_id, id_key(&session->id), session);
    touch(sessions, session);
    return session;
}

/* --- the partitions of a session --- */

/* Topic and partition in one run of bytes. Names that cannot be names share one key; they fail. */
struct key_room {
    uint8_t bytes[TOPIC_NAME_BYTES_MAX + 4];
};

static struct slice make_key(const struct session *session,
                             struct slice name,
                             const struct uuid *topic_id,
                             int32_t index,
                             struct key_room *room)
{
    struct slice topic = session->by_id ? slice_of(topic_id->bytes, sizeof(topic_id->bytes)) : name;
    size_t size = topic.size > TOPIC_NAME_BYTES_MAX ? TOPIC_NAME_BYTES_MAX : topic.size;
    if (size > 0) {
        memcpy(room->bytes, topic.data, size);
    }
    memcpy(room->bytes + size, &index, sizeof(index));
    return slice_of(room->bytes, size + sizeof(index));
}

static struct session_partition *
find(struct session *session, struct slice name, const struct uuid *topic_id, int32_t index)
{
    struct key_room room;
    return map_get(&session->by_key, make_key(session, name, topic_id, index, &room));
}

static void put(struct session *session,
                const struct fetch_request_topic *topic,
                const struct fetch_request_partition *wanted)
{
    struct session_partition *partition =
        find(session, topic->name, &topic->topic_id, wanted->index);
    if (partition == NULL) {
        partition = mem_zalloc(sizeof(*partition));
        uint8_t *name = mem_alloc(topic->name.size);
        if (topic->name.size > 0) {
            memcpy(name, topic->name.data, topic->name.size);
        }
        partition->name = slice_of(name, topic->name.size);
        partition->topic_id = topic->topic_id;
        partition->high_watermark = -1;
        partition->log_start = -1;
        struct key_room room;
        struct slice key = make_key(session, topic->name, &topic->topic_id, wanted->index, &room);
        (void) map_put(&session->by_key, key, partition);
        list_append(&session->partitions, &partition->link);
    }
    partition->wanted = *wanted;
}

static void put_all(struct session *session, const struct fetch_request *body)
{
    for (int32_t i = 0; i < body->topics_count; i++) {
        for (int32_t j = 0; j < body->topics[i].partitions_count; j++) {
            put(session, &body->topics[i], &body->topics[i].partitions[j]);
        }
    }
}

static void forget(struct session *session, const struct fetch_request *body)
{
    for (int32_t i = 0; i < body->forgotten_topics_count; i++) {
        const struct fetch_request_forgotten *topic = &body->forgotten_topics[i];
        for (int32_t j = 0; j < topic->partitions_count; j++) {
            struct key_room room;
            struct slice key =
                make_key(session, topic->name, &topic->topic_id, topic->partitions[j], &room);
            struct session_partition *partition = map_remove(&session->by_key, key);
            if (partition != NULL) {
                free_partition(partition);
            }
        }
    }
}

/* --- plans --- */

static void plan_from_request(struct request *request, struct fetch_plan *plan)
{
    const struct fetch_request *body = request->body;
    int32_t count = 0;
    for (int32_t i = 0; i < body->topics_count; i++) {
        count += body->topics[i].partitions_count;
    }
    plan->items = REQUEST_ARRAY(request, struct fetch_item, count);
    for (int32_t i = 0; i < body->topics_count; i++) {
        const struct fetch_request_topic *topic = &body->topics[i];
        for (int32_t j = 0; j < topic->partitions_count; j++) {
            plan->items[plan->count++] = (struct fetch_item){
                .name = topic->name,
                .topic_id = topic->topic_id,
                .wanted = topic->partitions[j],
            };
        }
    }
}

static void
plan_from_session(struct request *request, const struct session *session, struct fetch_plan *plan)
{
    plan->items = REQUEST_ARRAY(request, struct fetch_item, session->by_key.size);
    list_each (&session->partitions, link) {
        const struct session_partition *partition =
            CONTAINER_OF(link, struct session_partition, link);
        plan->items[plan->count++] = (struct fetch_item){
            .name = arena_copy(request->arena, partition->name),
            .topic_id = partition->topic_id,
            .wanted = partition->wanted,
        };
    }
}

static void begin_new(struct fetch_sessions *sessions,
                      struct request *request,
                      struct fetch_plan *plan,
                      struct fetch_session_use *use)
{
    plan_from_request(request, plan);
    if (request->version < 7 || plan->count == 0 || plan->count > SESSION_PARTITIONS_MAX) {
        return;
    }
    struct session *session = make_session(sessions, plan->by_id);
    if (session != NULL) {
        put_all(session, request->body);
        use->session_id = session->id;
    }
}

int16_t fetch_session_begin(struct fetch_sessions *sessions,
                            struct request *request,
                            struct fetch_plan *plan,
                            struct fetch_session_use *ret_use)
{
    const struct fetch_request *body = request->body;
    *ret_use = (struct fetch_session_use){0};
    struct session *session = map_get(&sessions->by_id, id_key(&body->session_id));
    if (body->session_epoch == EPOCH_FINAL || body->session_epoch == EPOCH_INITIAL) {
        if (session != NULL) {
            remove_session(sessions, session);
        }
        if (body->session_epoch == EPOCH_INITIAL) {
            begin_new(sessions, request, plan, ret_use);
        } else {
            plan_from_request(request, plan);
        }
        return KAFKA_NONE;
    }
    if (session == NULL) {
        return KAFKA_FETCH_SESSION_ID_NOT_FOUND;
    }
    if (session->epoch != body->session_epoch) {
        return KAFKA_INVALID_FETCH_SESSION_EPOCH;
    }
    if (session->by_id != plan->by_id) {
        return KAFKA_FETCH_SESSION_TOPIC_ID_ERROR;
    }
    session->epoch = session->epoch == INT32_MAX ? 1 : session->epoch + 1;
    touch(sessions, session);
    put_all(session, body);
    forget(session, body);
    if (session->by_key.size > SESSION_PARTITIONS_MAX) {
        remove_session(sessions, session);
        return KAFKA_FETCH_SESSION_ID_NOT_FOUND; /* the client goes on without one */
    }
    *ret_use = (struct fetch_session_use){session->id, true};
    plan_from_session(request, session, plan);
    return KAFKA_NONE;
}

void fetch_session_end(struct fetch_sessions *sessions,
                       const struct fetch_session_use *use,
                       struct fetch_plan *plan)
{
    struct session *session = map_get(&sessions->by_id, id_key(&use->session_id));
    if (session == NULL) {
        return;
    }
    for (int32_t i = 0; i < plan->count; i++) {
        struct fetch_item *item = &plan->items[i];
        const struct fetch_response_partition *found = &item->found;
        struct session_partition *partition =
            find(session, item->name, &item->topic_id, item->wanted.index);
        if (partition == NULL) {
            continue;
        }
        bool news = found->records.size > 0 || found->error_code != KAFKA_NONE ||
                    found->high_watermark != partition->high_watermark ||
                    found->log_start_offset != partition->log_start;
        item->left_out = use->incremental && !news;
        /* After an error the next answer tells the partition again. */
        partition->high_watermark = found->error_code == KAFKA_NONE ? found->high_watermark : -1;
        partition->log_start = found->log_start_offset;
        if (found->records.size > 0) {
            list_remove(&partition->link); /* others come first next time */
            list_append(&session->partitions, &partition->link);
        }
    }
}
