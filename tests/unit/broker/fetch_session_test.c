/* Fetch sessions (KIP-227): what a request means and what its answer leaves out. */

#include "test.h"

#include "broker/fetch_session.h"

struct fixture {
    struct fetch_sessions *sessions;
    struct arena arena;
    struct api api;
    struct request request;
    struct fetch_request body;
    struct fetch_request_topic topic;
    struct fetch_request_partition partitions[3];
    struct fetch_request_forgotten forgotten;
    int32_t forgotten_index;
    struct fetch_plan plan;
    struct fetch_session_use use;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->sessions = fetch_sessions_new(2);
    arena_init(&fixture->arena, 0);
    fixture->api.message = &fetch_message;
    fixture->request = (struct request){
        .api = &fixture->api, .version = 11, .arena = &fixture->arena, .body = &fixture->body};
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    fetch_sessions_free(fixture->sessions);
    arena_deinit(&fixture->arena);
    free(fixture);
    return 0;
}

/* Asks for the first `count` partitions of one topic. */
static int16_t ask(struct fixture *fixture, int32_t id, int32_t epoch, int count)
{
    fixture->plan = (struct fetch_plan){0};
    for (int i = 0; i < count; i++) {
        fixture->partitions[i] = (struct fetch_request_partition){.index = i, .fetch_offset = 10};
    }
    fixture->topic = (struct fetch_request_topic){
        .name = SLICE("t"), .partitions = fixture->partitions, .partitions_count = count};
    fixture->body.session_id = id;
    fixture->body.session_epoch = epoch;
    fixture->body.topics = &fixture->topic;
    fixture->body.topics_count = count > 0 ? 1 : 0;
    return fetch_session_begin(fixture->sessions, &fixture->request, &fixture->plan, &fixture->use);
}

/* Answers with these high watermarks; returns how many partitions the answer names. */
static int answer(struct fixture *fixture, const int64_t *high_watermarks)
{
    int named = 0;
    for (int32_t i = 0; i < fixture->plan.count; i++) {
        struct fetch_item *item = &fixture->plan.items[i];
        item->found = (struct fetch_response_partition){
            .index = item->wanted.index, .high_watermark = high_watermarks[item->wanted.index]};
    }
    fetch_session_end(fixture->sessions, &fixture->use, &fixture->plan);
    for (int32_t i = 0; i < fixture->plan.count; i++) {
        named += !fixture->plan.items[i].left_out;
    }
    return named;
}

static void a_session_tells_only_what_is_new(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(ask(fixture, 0, 0, 3), KAFKA_NONE);
    int32_t id = fixture->use.session_id;
    assert_int_not_equal(id, 0);
    assert_int_equal(answer(fixture, (int64_t[]){5, 5, 5}), 3); /* the first answer is full */

    assert_int_equal(ask(fixture, id, 1, 0), KAFKA_NONE);
    assert_int_equal(fixture->plan.count, 3);
    assert_int_equal(answer(fixture, (int64_t[]){5, 5, 5}), 0);

    assert_int_equal(ask(fixture, id, 2, 0), KAFKA_NONE);
    assert_int_equal(answer(fixture, (int64_t[]){5, 6, 5}), 1);
}

static void partitions_are_forgotten(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(ask(fixture, 0, 0, 3), KAFKA_NONE);
    int32_t id = fixture->use.session_id;
    fixture->forgotten_index = 1;
    fixture->forgotten = (struct fetch_request_forgotten){
        .name = SLICE("t"), .partitions = &fixture->forgotten_index, .partitions_count = 1};
    fixture->body.forgotten_topics = &fixture->forgotten;
    fixture->body.forgotten_topics_count = 1;
    assert_int_equal(ask(fixture, id, 1, 0), KAFKA_NONE);
    assert_int_equal(fixture->plan.count, 2);
    assert_int_equal(fixture->plan.items[1].wanted.index, 2);
}

static void epochs_are_checked(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(ask(fixture, 77, 1, 1), KAFKA_FETCH_SESSION_ID_NOT_FOUND);
    assert_int_equal(ask(fixture, 0, 0, 1), KAFKA_NONE);
    int32_t id = fixture->use.session_id;
    assert_int_equal(ask(fixture, id, 2, 0), KAFKA_INVALID_FETCH_SESSION_EPOCH);
    assert_int_equal(ask(fixture, id, 1, 0), KAFKA_NONE);
    fixture->plan.by_id = true;
    fixture->body.session_epoch = 2;
    assert_int_equal(
        fetch_session_begin(fixture->sessions, &fixture->request, &fixture->plan, &fixture->use),
        KAFKA_FETCH_SESSION_TOPIC_ID_ERROR);
    assert_int_equal(ask(fixture, id, -1, 1), KAFKA_NONE); /* closes it */
    assert_int_equal(fixture->use.session_id, 0);
    assert_int_equal(ask(fixture, id, 2, 0), KAFKA_FETCH_SESSION_ID_NOT_FOUND);
}

static void there_are_only_so_many(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ask(fixture, 0, 0, 1), KAFKA_NONE);
        assert_int_not_equal(fixture->use.session_id, 0);
    }
    assert_int_equal(ask(fixture, 0, 0, 1), KAFKA_NONE); /* served, without a session */
    assert_int_equal(fixture->use.session_id, 0);
    assert_int_equal(fixture->plan.count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_session_tells_only_what_is_new),
        TEST(partitions_are_forgotten),
        TEST(epochs_are_checked),
        TEST(there_are_only_so_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
