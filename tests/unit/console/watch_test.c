#include "test.h"

#include "console/watch.h"

#include <jansson.h>
#include <stdio.h>

#define START INT64_C(1800000000000000)

/* A pipeline, a topic and a group as the provider gives them. */
struct world {
    struct console_source source;
    struct console_flow flow;
    struct console_partition partition;
    struct console_topic topic;
    struct console_offset offset;
    struct console_group group;
    struct console_snapshot snapshot;
};

static void world_init(struct world *world)
{
    *world = (struct world){
        .source = {.pipeline = "p", .name = "s"},
        .flow = {.pipeline = "p", .topic = "t", .running = true},
        .topic = {"t", &world->partition, 1},
        .offset = {"t", 0, 0, 0, NULL},
        .group = {.id = "g", .member_count = 1, .offsets = &world->offset, .offset_count = 1},
        .snapshot = {.sources = &world->source,
                     .source_count = 1,
                     .flows = &world->flow,
                     .flow_count = 1,
                     .topics = &world->topic,
                     .topic_count = 1,
                     .groups = &world->group,
                     .group_count = 1},
    };
}

/* Ten records a look go into the topic; the stream ends `ended` of them, the group reads `read`. */
static void step(struct world *world, int64_t look, int64_t ended, int64_t read)
{
    int64_t end = (look + 1) * 10;
    world->source.accepted = end;
    world->partition.high_watermark = end;
    world->offset.high_watermark = end;
    world->flow.stored = ended;
    world->flow.lag = end - ended;
    world->offset.committed = read;
}

static void what_waits_has_an_age_and_who_stands_a_verdict(void **state)
{
    (void) state;
    struct world world;
    struct arena arena;
    struct watch *watch = watch_new(NULL);
    world_init(&world);
    arena_init(&arena, 0);
    for (int64_t look = 0; look < 20; look++) {
        step(&world, look, look < 10 ? (look + 1) * 10 : 100, 50);
        watch_observe(watch, &world.snapshot, START + look * WATCH_US);
    }
    int64_t now = START + 19 * WATCH_US;
    struct console_snapshot seen = world.snapshot;
    watch_complete(watch, &arena, &seen, now);
    /* 100 records had come with look 9: the 101st waits since look 10 at the latest. */
    assert_int_equal(seen.flows[0].lag, 100);
    assert_int_equal(seen.flows[0].lag_us, 10 * WATCH_US);
    assert_int_equal(seen.flows[0].still_us, 10 * WATCH_US);
    assert_string_equal(seen.groups[0].verdict, "STALL");
    assert_string_equal(seen.groups[0].offsets[0].verdict, "STALL");
    assert_int_equal(seen.groups[0].lag_us, 15 * WATCH_US);
    assert_int_equal(seen.sources[0].lag_us, 0);
    /* The provider's own snapshot is as it was. */
    assert_null(world.offset.verdict);
    arena_deinit(&arena);
    watch_free(watch);
}

static void what_catches_up_waits_no_more(void **state)
{
    (void) state;
    struct world world;
    struct arena arena;
    struct watch *watch = watch_new(NULL);
    world_init(&world);
    arena_init(&arena, 0);
    for (int64_t look = 0; look < 20; look++) {
        step(&world, look, (look + 1) * 10, (look + 1) * 10);
        watch_observe(watch, &world.snapshot, START + look * WATCH_US);
    }
    struct console_snapshot seen = world.snapshot;
    watch_complete(watch, &arena, &seen, START + 19 * WATCH_US);
    assert_int_equal(seen.flows[0].lag_us, 0);
    assert_int_equal(seen.flows[0].still_us, 0);
    assert_string_equal(seen.groups[0].verdict, "OK");
    arena_deinit(&arena);
    watch_free(watch);
}

static void rates_are_in_the_history(void **state)
{
    (void) state;
    struct world world;
    struct buffer text = BUFFER_INIT;
    struct watch *watch = watch_new(NULL);
    world_init(&world);
    for (int64_t look = 0; look < 20; look++) {
        step(&world, look, 0, 0);
        watch_observe(watch, &world.snapshot, START + look * WATCH_US);
    }
    watch_history(watch, "topic/t/in", START + 19 * WATCH_US, 60000000, &text);
    json_t *json = json_loadb((const char *) text.data, text.size, 0, NULL);
    json_t *values = json_object_get(json_object_get(json, "series"), "topic/t/in");
    double newest = json_number_value(json_array_get(values, json_array_size(values) - 1));
    assert_true(newest > 3.3 && newest < 3.4); /* ten in three seconds */
    json_decref(json);
    buffer_deinit(&text);
    watch_free(watch);
}

/* 10,000 groups that come and go leave nothing behind but their places in the history. */
static void what_is_gone_is_forgotten(void **state)
{
    (void) state;
    struct world world;
    struct arena arena;
    struct watch *watch = watch_new(NULL);
    char name[700];
    world_init(&world);
    arena_init(&arena, 0);
    for (int64_t look = 0; look < 10000; look++) {
        (void) snprintf(name, sizeof(name), "%0*lld", look % 2 == 0 ? 20 : 690, (long long) look);
        world.group.id = name;
        watch_observe(watch, &world.snapshot, START + look * WATCH_US);
    }
    world.group.id = "new";
    struct console_snapshot seen = world.snapshot;
    watch_complete(watch, &arena, &seen, START);
    assert_string_equal(seen.groups[0].verdict, "OK");
    arena_deinit(&arena);
    watch_free(watch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_has_an_age_and_who_stands_a_verdict),
        cmocka_unit_test(what_catches_up_waits_no_more),
        cmocka_unit_test(rates_are_in_the_history),
        cmocka_unit_test(what_is_gone_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
