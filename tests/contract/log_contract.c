#include "log_contract.h"

#include "base/memory.h"
#include "test.h"

#include <stdio.h>

struct fixture {
    const struct log_contract *contract;
    const struct log_ops *ops;
    struct log_client *log;
    struct arena arena;
    struct error error;
    char topic[64];
};

static struct fixture fixture;
static int topics_made;

static void new_topic(int32_t partitions)
{
    snprintf(fixture.topic, sizeof(fixture.topic), "contract-%d", topics_made++);
    if (fixture.contract->topic_make != NULL) {
        fixture.contract->topic_make(fixture.contract->context, fixture.topic, partitions);
    }
    struct topic_spec spec = {.name = fixture.topic, .partitions = partitions};
    int32_t count = 0;
    assert_ok(fixture.ops->topic_ensure(fixture.log, &spec, &count, &fixture.error), fixture.error);
    assert_int_equal(count, partitions);
}

static int setup(void **state)
{
    *state = &fixture;
    fixture.ops = fixture.contract->ops;
    arena_init(&fixture.arena, 0);
    assert_ok(fixture.ops->open(fixture.contract->address, NULL, &fixture.log, &fixture.error),
              fixture.error);
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    fixture.ops->close(fixture.log);
    arena_deinit(&fixture.arena);
    return 0;
}

static struct log_writer *writer(void)
{
    struct log_writer *writer = NULL;
    assert_ok(fixture.ops->writer_open(fixture.log, fixture.topic, "p.s", LOG_GAPLESS, &writer,
                                       &fixture.error),
              fixture.error);
    return writer;
}

static struct log_reader *reader(const int64_t *offsets, int32_t partitions)
{
    struct log_reader *reader = NULL;
    assert_ok(fixture.ops->reader_open(fixture.log, fixture.topic, offsets, partitions, &reader,
                                       &fixture.error),
              fixture.error);
    return reader;
}

/* Polls until `wanted` records came, calling `check` for each. */
static void read_records(struct log_reader *reader,
                         size_t wanted,
                         void (*check)(const struct log_in *record, size_t index))
{
    size_t got = 0;
    for (int attempt = 0; attempt < 100 && got < wanted; attempt++) {
        const struct log_in *records;
        size_t count;
        assert_ok(fixture.ops->reader_poll(reader, 1000, 1000000, &records, &count, &fixture.error),
                  fixture.error);
        for (size_t i = 0; i < count; i++) {
            check(&records[i], got++);
        }
    }
    assert_int_equal(got, wanted);
}

static struct log_out record(const char *key, const char *value, int64_t position)
{
    return (struct log_out){
        .key = slice_of_string(key),
        .value = slice_of_string(value),
        .timestamp_ms = 1763837823123,
        .identity = {.source = SLICE("p.s"),
                     .epoch = 2,
                     .position = position,
                     .accepted_us = 1763837823123456},
    };
}

static void check_round_trip(const struct log_in *in, size_t index)
{
    assert_int_equal(in->partition, 0);
    assert_int_equal(in->offset, index);
    assert_int_equal(in->timestamp_ms, 1763837823123);
    switch (index) {
    case 0: /* plain */
        assert_true(slice_equal_string(in->key, "k1"));
        assert_true(slice_equal_string(in->value, "v1"));
        assert_true(slice_equal_string(in->identity.source, "p.s"));
        assert_int_equal(in->identity.epoch, 2);
        assert_int_equal(in->identity.position, 7);
        assert_int_equal(in->identity.accepted_us, 1763837823123456);
        break;
    case 1: /* a delete */
        assert_null(in->value.data);
        assert_int_equal(in->identity.position, 8);
        break;
    case 2: /* empty is not null */
        assert_non_null(in->value.data);
        assert_int_equal(in->value.size, 0);
        break;
    case 3: /* no key, no identity */
        assert_null(in->key.data);
        assert_int_equal(in->identity.source.size, 0);
        break;
    default:
        fail();
    }
}

static void round_trip(void **state)
{
    (void) state;
    new_topic(1);
    struct log_out records[] = {record("k1", "v1", 7), record("k2", NULL, 8), record("k3", "", 9),
                                record(NULL, "v4", 0)};
    records[3].identity = (struct identity){0};
    struct log_writer *out = writer();
    assert_ok(fixture.ops->writer_send(out, records, 4, &fixture.error), fixture.error);
    assert_ok(fixture.ops->writer_send(out, records, 0, &fixture.error), fixture.error);
    fixture.ops->writer_close(out);

    int64_t offset = 0;
    struct log_reader *in = reader(&offset, 1);
    read_records(in, 4, check_round_trip);
    fixture.ops->reader_close(in);

    struct log_partition *ranges;
    int32_t count;
    assert_ok(fixture.ops->topic_offsets(fixture.log, fixture.topic, &fixture.arena, &ranges,
                                         &count, &fixture.error),
              fixture.error);
    assert_int_equal(count, 1);
    assert_int_equal(ranges[0].low, 0);
    assert_int_equal(ranges[0].high, 4);
}

static void partitions_as_java(void **state)
{
    (void) state;

    /* From Kafka's own UtilsTest.testMurmur2: hash of the text, made positive, modulo. */
    static const struct {
        const char *key;
        int32_t hash;
    } known[] = {
        {"21", -973932308},
        {"foobar", -790332482},
        {"a-little-bit-long-string", -985981536},
        {"a-little-bit-longer-string", -1486304829},
        {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
        {"abc", 479470107},
    };

    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        for (int32_t partitions = 1; partitions < 20; partitions += 3) {
            assert_int_equal(
                fixture.ops->partition_of(fixture.log, slice_of_string(known[i].key), partitions),
                (known[i].hash & 0x7fffffff) % partitions);
        }
    }
}

static int64_t seen_position[4];
static size_t seen_in[4];

static void check_spread(const struct log_in *in, size_t index)
{
    (void) index;
    assert_int_equal(in->partition, fixture.ops->partition_of(fixture.log, in->key, 4));
    assert_true(in->identity.position > seen_position[in->partition]);
    seen_position[in->partition] = in->identity.position;
    seen_in[in->partition]++;
}

/* Every record goes to the partition of its key, in order; then the newest identities are known. */
static void many_partitions(void **state)
{
    (void) state;

    enum {
        COUNT = 5000
    };

    new_topic(4);
    char(*keys)[16] = mem_calloc(COUNT, sizeof(keys[0]));
    struct log_out *records = mem_calloc(COUNT, sizeof(records[0]));
    for (int i = 0; i < COUNT; i++) {
        snprintf(keys[i], sizeof(keys[i]), "key-%d", i);
        records[i] = record(keys[i], "value", i + 1);
    }
    struct log_writer *out = writer();
    assert_ok(fixture.ops->writer_send(out, records, COUNT / 2, &fixture.error), fixture.error);
    assert_ok(fixture.ops->writer_send(out, records + COUNT / 2, COUNT - COUNT / 2, &fixture.error),
              fixture.error);
    memset(seen_position, 0, sizeof(seen_position));
    memset(seen_in, 0, sizeof(seen_in));
    struct log_reader *in = reader((int64_t[4]){0}, 4);
    read_records(in, COUNT, check_spread);
    fixture.ops->reader_close(in);

    /* A lot of another source on top, so that reading back must look behind it. */
    for (int i = 0; i < COUNT; i++) {
        records[i].identity.source = SLICE("p.other");
        records[i].identity.position = 1000000 + i;
    }
    assert_ok(fixture.ops->writer_send(out, records, COUNT, &fixture.error), fixture.error);
    fixture.ops->writer_close(out);

    struct identity *newest;
    int32_t count;
    assert_ok(fixture.ops->newest_identities(fixture.log, fixture.topic, "p.s", false,
                                             &fixture.arena, &newest, &count, &fixture.error),
              fixture.error);
    assert_int_equal(count, 4);
    for (int32_t i = 0; i < 4; i++) {
        assert_true(seen_in[i] > 0);
        assert_int_equal(newest[i].position, seen_position[i]);
        assert_int_equal(newest[i].epoch, 2);
    }
    assert_ok(fixture.ops->newest_identities(fixture.log, fixture.topic, "p.none", false,
                                             &fixture.arena, &newest, &count, &fixture.error),
              fixture.error);
    for (int32_t i = 0; i < 4; i++) {
        assert_int_equal(newest[i].position, -1);
    }
    mem_free(records);
    mem_free(keys);
}

static void absent_topic(void **state)
{
    (void) state;
    if (fixture.contract->makes_on_lookup) {
        skip();
    }
    struct log_partition *ranges;
    int32_t count;
    assert_fails(fixture.ops->topic_offsets(fixture.log, "contract-absent", &fixture.arena, &ranges,
                                            &count, &fixture.error),
                 STATUS_NOT_FOUND, fixture.error, "contract-absent");
}

/* A reader never skips over what retention took. */
static void offset_gone(void **state)
{
    (void) state;
    new_topic(1);
    struct log_out one = record("k", "v", 1);
    struct log_writer *out = writer();
    assert_ok(fixture.ops->writer_send(out, &one, 1, &fixture.error), fixture.error);
    fixture.ops->writer_close(out);
    int64_t offset = 100;
    struct log_reader *in = reader(&offset, 1);
    enum status status = STATUS_OK;
    for (int attempt = 0; attempt < 20 && status == STATUS_OK; attempt++) {
        const struct log_in *records;
        size_t count;
        status = fixture.ops->reader_poll(in, 10, 1000000, &records, &count, &fixture.error);
        assert_int_equal(count, 0);
    }
    assert_int_equal(status, STATUS_NOT_FOUND);
    fixture.ops->reader_close(in);
}

/* A wake-up ends a wait of ten seconds at once. */
static void wake(void **state)
{
    (void) state;
    new_topic(1);
    int64_t offset = 0;
    struct log_reader *in = reader(&offset, 1);
    fixture.ops->reader_wake(in);
    const struct log_in *records;
    size_t count;
    assert_ok(fixture.ops->reader_poll(in, 10, 10000000, &records, &count, &fixture.error),
              fixture.error);
    assert_int_equal(count, 0);
    fixture.ops->reader_close(in);
}

static void bad_settings(void **state)
{
    (void) state;
    const char *const settings[] = {"no.such.property", "1", NULL};
    struct log_client *log = NULL;
    struct error error;
    assert_fails(fixture.ops->open(fixture.contract->address, settings, &log, &error),
                 STATUS_CONFIG, error, "no.such.property");
}

static void topic_grows(void **state)
{
    (void) state;
    if (fixture.contract->topic_make != NULL) {
        skip();
    }
    new_topic(2);
    struct topic_spec spec = {.name = fixture.topic, .partitions = 5};
    int32_t count = 0;
    assert_ok(fixture.ops->topic_ensure(fixture.log, &spec, &count, &fixture.error), fixture.error);
    assert_int_equal(count, 5);
    spec.partitions = 3;
    assert_ok(fixture.ops->topic_ensure(fixture.log, &spec, &count, &fixture.error), fixture.error);
    assert_int_equal(count, 5);
}

int log_contract(const struct log_contract *contract)
{
    fixture.contract = contract;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(partitions_as_java, setup, teardown),
        cmocka_unit_test_setup_teardown(many_partitions, setup, teardown),
        cmocka_unit_test_setup_teardown(absent_topic, setup, teardown),
        cmocka_unit_test_setup_teardown(offset_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(wake, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_settings, setup, teardown),
        cmocka_unit_test_setup_teardown(topic_grows, setup, teardown),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
