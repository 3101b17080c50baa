/* The group coordinator by itself: requests without sockets, and a clock that the test moves. */

#include "test.h"

#include "broker/broker_internal.h"
#include "broker/groups.h"
#include "io/clock.h"
#include "io/file.h"

#include <stdio.h>

struct fixture {
    char directory[64];
    struct broker broker;
};

struct client {
    struct arena arena;
    struct request request;
    struct api api;
    bool answered;
};

/* --- fixture --- */

static enum status
replay(void *context, const struct wire_message *kind, const void *body, struct error *error)
{
    (void) error;
    struct fixture *fixture = context;
    if (kind->key == RECORD_GROUP) {
        groups_replay(fixture->broker.groups, body);
    } else if (kind->key == RECORD_GROUP_DELETED) {
        groups_replay_deleted(fixture->broker.groups, body);
    }
    return STATUS_OK;
}

static enum status snapshot(void *context, struct journal_writer *writer, struct error *error)
{
    struct fixture *fixture = context;
    return groups_snapshot(fixture->broker.groups, writer, error);
}

static void open_stores(struct fixture *fixture)
{
    struct broker *broker = &fixture->broker;
    struct error error = {0};
    char path[128];
    (void) snprintf(path, sizeof(path), "%s/meta.journal", fixture->directory);
    assert_ok(flusher_new(FLUSH_NEVER, 0, &broker->flusher, &error), error);
    assert_ok(loop_init(&broker->loop, &error), error);
    struct groups_config config = {.offsets_retention_us = INT64_MAX / 4};
    broker->groups = groups_new(&broker->loop, &config);
    struct state_owner owner = {replay, snapshot, fixture};
    assert_ok(state_open(path, broker->flusher, &broker->loop, &owner, &broker->state, &error),
              error);
    groups_use_state(broker->groups, broker->state);
    groups_start(broker->groups);
}

static void close_stores(struct fixture *fixture)
{
    struct broker *broker = &fixture->broker;
    struct error error = {0};
    assert_ok(state_close(broker->state, &error), error);
    loop_deinit(&broker->loop);
    state_free(broker->state);
    groups_free(broker->groups);
    flusher_free(broker->flusher);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    strcpy(fixture->directory, "/tmp/leat-groups-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    clock_simulate(1000000000);
    open_stores(fixture);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    close_stores(fixture);
    clock_simulate(-1);
    assert_ok(directory_remove(fixture->directory, &error), error);
    free(fixture);
    return 0;
}

/* Runs what is in the mailbox, and what that puts there. */
static void turn(struct fixture *fixture)
{
    for (int i = 0; i < 10; i++) {
        uv_run(&fixture->broker.loop.uv, UV_RUN_NOWAIT);
    }
}

static void pass(struct fixture *fixture, int64_t us)
{
    clock_advance(us);
    deadlines_run(&fixture->broker.loop.deadlines, clock_monotonic_us());
    turn(fixture);
}

/* --- requests --- */

static void on_end(struct request *request, enum request_end end)
{
    struct client *client = CONTAINER_OF(request, struct client, request);
    assert_int_equal(end, REQUEST_ANSWERED);
    assert_false(client->answered);
    client->answered = true;
}

static void *begin(struct fixture *fixture,
                   struct client *client,
                   const struct wire_message *message,
                   int16_t version)
{
    memset(client, 0, sizeof(*client));
    arena_init(&client->arena, 0);
    client->api.message = message;
    client->request = (struct request){
        .broker = &fixture->broker,
        .api = &client->api,
        .header.client_id = SLICE("client"),
        .version = version,
        .arena = &client->arena,
        .client_host = "127.0.0.1",
        .on_end = on_end,
        .body = arena_zalloc(&client->arena, message->request->size),
        .response = arena_zalloc(&client->arena, message->response->size),
    };
    return client->request.body;
}

static const struct join_group_response *join(struct fixture *fixture,
                                              struct client *client,
                                              int16_t version,
                                              const char *member_id,
                                              const char *instance_id,
                                              const char *metadata)
{
    struct join_group_request *body = begin(fixture, client, &join_group_message, version);
    struct join_group_request_protocol *protocol =
        ARENA_NEW(&client->arena, struct join_group_request_protocol);
    *protocol = (struct join_group_request_protocol){
        .name = SLICE("range"),
        .metadata = slice_of_string(arena_strdup(&client->arena, metadata)),
    };
    *body = (struct join_group_request){
        .group_id = SLICE("g"),
        .session_timeout_ms = 10000,
        .rebalance_timeout_ms = 30000,
        .member_id = slice_of_string(arena_strdup(&client->arena, member_id)),
        .group_instance_id = slice_of_string(instance_id),
        .protocol_type = SLICE("consumer"),
        .protocols = protocol,
        .protocols_count = 1,
    };
    join_group_handle(&client->request);
    turn(fixture);
    return client->request.response;
}

static const struct sync_group_response *sync_with(struct fixture *fixture,
                                                   struct client *client,
                                                   const struct join_group_response *joined,
                                                   bool leads)
{
    struct sync_group_request *body = begin(fixture, client, &sync_group_message, 3);
    *body = (struct sync_group_request){
        .group_id = SLICE("g"),
        .generation_id = joined->generation_id,
        .member_id = joined->member_id,
    };
    if (leads) {
        body->assignments = ARENA_ARRAY(&client->arena, struct sync_group_request_assignment,
                                        joined->members_count);
        body->assignments_count = joined->members_count;
        for (int32_t i = 0; i < joined->members_count; i++) {
            body->assignments[i].member_id = joined->members[i].member_id;
            body->assignments[i].assignment = joined->members[i].metadata; /* an echo */
        }
    }
    sync_group_handle(&client->request);
    turn(fixture);
    return client->request.response;
}

static int beat(struct fixture *fixture, struct slice member_id, int32_t generation)
{
    struct client client;
    struct heartbeat_request *body = begin(fixture, &client, &heartbeat_message, 3);
    *body = (struct heartbeat_request){
        .group_id = SLICE("g"), .generation_id = generation, .member_id = member_id};
    heartbeat_handle(&client.request);
    turn(fixture);
    assert_true(client.answered);
    int error = ((struct heartbeat_response *) client.request.response)->error_code;
    arena_deinit(&client.arena);
    return error;
}

static const char *id_of(const struct join_group_response *joined)
{
    return (const char *) joined->member_id.data; /* terminated: it was copied so */
}

static void end(struct client *client)
{
    assert_true(client->answered);
    arena_deinit(&client->arena);
}

/* --- tests --- */

static void a_new_member_must_come_back_with_its_id(void **state)
{
    struct fixture *fixture = *state;
    struct client first;
    const struct join_group_response *asked = join(fixture, &first, 5, "", NULL, "m");
    assert_true(first.answered);
    assert_int_equal(asked->error_code, KAFKA_MEMBER_ID_REQUIRED);
    struct client second;
    const struct join_group_response *joined = join(fixture, &second, 5, id_of(asked), NULL, "m");
    assert_true(second.answered);
    assert_int_equal(joined->error_code, KAFKA_NONE);
    assert_int_equal(joined->generation_id, 1);
    assert_int_equal(joined->members_count, 1);
    assert_true(slice_equal(joined->leader, joined->member_id));
    struct client synced;
    const struct sync_group_response *assigned = sync_with(fixture, &synced, joined, true);
    assert_true(slice_equal_string(assigned->assignment, "m"));
    end(&first);
    end(&second);
    end(&synced);
}

static void an_id_that_nobody_uses_is_forgotten(void **state)
{
    struct fixture *fixture = *state;
    struct client first;
    const struct join_group_response *asked = join(fixture, &first, 5, "", NULL, "m");
    pass(fixture, 11 * 1000000);
    struct client second;
    assert_int_equal(join(fixture, &second, 5, id_of(asked), NULL, "m")->error_code,
                     KAFKA_UNKNOWN_MEMBER_ID);
    end(&first);
    end(&second);
}

/* Two members of version 3 (no id needed first), stable. */
struct pair {
    struct client joins[3];
    struct client syncs[3];
    const struct join_group_response *a;
    const struct join_group_response *b;
};

static void make_pair(struct fixture *fixture, struct pair *pair)
{
    const struct join_group_response *alone = join(fixture, &pair->joins[0], 3, "", NULL, "a");
    (void) sync_with(fixture, &pair->syncs[0], alone, true);
    pair->b = join(fixture, &pair->joins[1], 3, "", NULL, "b");
    assert_false(pair->joins[1].answered); /* it waits for the first */
    assert_int_equal(beat(fixture, alone->member_id, 1), KAFKA_REBALANCE_IN_PROGRESS);
    pair->a = join(fixture, &pair->joins[2], 3, id_of(alone), NULL, "a");
    assert_true(pair->joins[1].answered && pair->joins[2].answered);
    assert_int_equal(pair->a->generation_id, 2);
    assert_int_equal(pair->a->members_count, 2);
    assert_int_equal(pair->b->members_count, 0);
    const struct sync_group_response *b = sync_with(fixture, &pair->syncs[1], pair->b, false);
    assert_false(pair->syncs[1].answered); /* it waits for the leader */
    const struct sync_group_response *a = sync_with(fixture, &pair->syncs[2], pair->a, true);
    assert_true(pair->syncs[1].answered);
    assert_true(slice_equal_string(a->assignment, "a"));
    assert_true(slice_equal_string(b->assignment, "b"));
}

static void end_pair(struct pair *pair)
{
    for (int i = 0; i < 3; i++) {
        end(&pair->joins[i]);
        end(&pair->syncs[i]);
    }
}

static void a_silent_member_is_thrown_out(void **state)
{
    struct fixture *fixture = *state;
    struct pair pair;
    make_pair(fixture, &pair);
    pass(fixture, 6 * 1000000);
    assert_int_equal(beat(fixture, pair.a->member_id, 2), KAFKA_NONE);
    pass(fixture, 6 * 1000000);
    assert_int_equal(beat(fixture, pair.a->member_id, 2), KAFKA_REBALANCE_IN_PROGRESS);
    assert_int_equal(beat(fixture, pair.b->member_id, 2), KAFKA_UNKNOWN_MEMBER_ID);
    struct client again;
    const struct join_group_response *alone = join(fixture, &again, 3, id_of(pair.a), NULL, "a");
    assert_int_equal(alone->generation_id, 3);
    assert_int_equal(alone->members_count, 1);
    end(&again);
    end_pair(&pair);
}

static void who_does_not_join_again_in_time_is_out(void **state)
{
    struct fixture *fixture = *state;
    struct pair pair;
    make_pair(fixture, &pair);
    struct client again;
    const struct join_group_response *a = join(fixture, &again, 3, id_of(pair.a), NULL, "changed");
    assert_false(again.answered);
    for (int i = 0; i < 5; i++) { /* it beats, but does not join */
        pass(fixture, 5 * 1000000);
        assert_int_equal(beat(fixture, pair.b->member_id, 2), KAFKA_REBALANCE_IN_PROGRESS);
    }
    pass(fixture, 6 * 1000000);
    assert_true(again.answered);
    assert_int_equal(a->generation_id, 3);
    assert_int_equal(a->members_count, 1);
    end(&again);
    end_pair(&pair);
}

static void a_follower_that_asks_again_gets_the_same_generation(void **state)
{
    struct fixture *fixture = *state;
    struct pair pair;
    make_pair(fixture, &pair);
    struct client again;
    const struct join_group_response *b = join(fixture, &again, 3, id_of(pair.b), NULL, "b");
    assert_true(again.answered);
    assert_int_equal(b->generation_id, 2);
    assert_int_equal(beat(fixture, pair.a->member_id, 2), KAFKA_NONE);
    assert_int_equal(beat(fixture, pair.a->member_id, 1), KAFKA_ILLEGAL_GENERATION);
    end(&again);
    end_pair(&pair);
}

static void members_survive_a_restart(void **state)
{
    struct fixture *fixture = *state;
    struct pair pair;
    make_pair(fixture, &pair);
    close_stores(fixture);
    open_stores(fixture);
    assert_int_equal(beat(fixture, pair.a->member_id, 2), KAFKA_NONE);
    assert_int_equal(beat(fixture, pair.b->member_id, 2), KAFKA_NONE);
    struct client again;
    (void) join(fixture, &again, 3, id_of(pair.b), NULL, "b"); /* nothing new: no rebalance */
    assert_true(again.answered);
    assert_int_equal(beat(fixture, pair.a->member_id, 2), KAFKA_NONE);
    pass(fixture, 11 * 1000000); /* the session runs from the restart on */
    assert_int_equal(beat(fixture, pair.a->member_id, 2), KAFKA_UNKNOWN_MEMBER_ID);
    end(&again);
    end_pair(&pair);
}

static void a_static_member_is_replaced_and_fenced(void **state)
{
    struct fixture *fixture = *state;
    struct client first;
    struct client synced;
    struct client again;
    const struct join_group_response *before = join(fixture, &first, 5, "", "one", "m");
    assert_int_equal(before->error_code, KAFKA_NONE); /* no id needed first */
    (void) sync_with(fixture, &synced, before, true);
    const struct join_group_response *after = join(fixture, &again, 5, "", "one", "m");
    assert_true(again.answered);
    assert_int_equal(after->generation_id, 1);
    assert_false(slice_equal(after->member_id, before->member_id));
    assert_int_equal(beat(fixture, after->member_id, 1), KAFKA_NONE);

    struct client late;
    struct heartbeat_request *body = begin(fixture, &late, &heartbeat_message, 3);
    *body = (struct heartbeat_request){.group_id = SLICE("g"),
                                       .generation_id = 1,
                                       .member_id = before->member_id,
                                       .group_instance_id = SLICE("one")};
    heartbeat_handle(&late.request);
    assert_int_equal(((struct heartbeat_response *) late.request.response)->error_code,
                     KAFKA_FENCED_INSTANCE_ID);
    end(&late);
    end(&first);
    end(&synced);
    end(&again);
}

static void what_cannot_join(void **state)
{
    struct fixture *fixture = *state;
    struct client client;
    assert_int_equal(join(fixture, &client, 3, "nobody", NULL, "m")->error_code,
                     KAFKA_UNKNOWN_MEMBER_ID);
    end(&client);
    struct join_group_request *body = begin(fixture, &client, &join_group_message, 3);
    body->group_id = SLICE("g");
    body->session_timeout_ms = 5;
    join_group_handle(&client.request);
    turn(fixture);
    assert_int_equal(((struct join_group_response *) client.request.response)->error_code,
                     KAFKA_INVALID_SESSION_TIMEOUT);
    end(&client);
    body = begin(fixture, &client, &join_group_message, 3);
    body->group_id = SLICE("a\0b");
    join_group_handle(&client.request);
    turn(fixture);
    assert_int_equal(((struct join_group_response *) client.request.response)->error_code,
                     KAFKA_INVALID_GROUP_ID);
    end(&client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_member_must_come_back_with_its_id),
        TEST(an_id_that_nobody_uses_is_forgotten),
        TEST(a_silent_member_is_thrown_out),
        TEST(who_does_not_join_again_in_time_is_out),
        TEST(a_follower_that_asks_again_gets_the_same_generation),
        TEST(members_survive_a_restart),
        TEST(a_static_member_is_replaced_and_fenced),
        TEST(what_cannot_join),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
