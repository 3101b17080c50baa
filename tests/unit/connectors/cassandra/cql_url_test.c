#include "connectors/cassandra/cql_url.h"
#include "connectors/cassandra/cql_wire.h"
#include "test.h"

static struct arena arena;
static struct error error;
static struct cql_settings settings;

static enum status parse(const char *url)
{
    return cql_url_parse(url, &arena, &settings, &error);
}

static void all_parts(void **state)
{
    (void) state;
    assert_ok(parse("cassandra://us%65r:p%40ss:w@a.example:1,[::1]:2,b/ks?replication=dc1:3,dc2:2"
                    "&consistency=quorum&tls=on&tls_ca=/x%20y&compression=lz4&protocol=4"
                    "&request_timeout_ms=7&in_flight=9"),
              error);
    assert_string_equal(settings.user, "user");
    assert_string_equal(settings.password, "p@ss:w");
    assert_int_equal(settings.contact_count, 3);
    assert_string_equal(settings.contacts[0].host, "a.example");
    assert_int_equal(settings.contacts[0].port, 1);
    assert_string_equal(settings.contacts[1].host, "::1");
    assert_int_equal(settings.contacts[2].port, 9042);
    assert_string_equal(settings.keyspace, "ks");
    assert_string_equal(settings.replication, "dc1:3,dc2:2");
    assert_int_equal(settings.consistency, CQL_QUORUM);
    assert_true(settings.tls && settings.lz4);
    assert_string_equal(settings.tls_ca, "/x y");
    assert_int_equal(settings.protocol, 4);
    assert_int_equal(settings.request_timeout_us, 7000);
    assert_int_equal(settings.in_flight, 9);
}

static void defaults(void **state)
{
    (void) state;
    assert_ok(parse("cassandra://localhost"), error);
    assert_null(settings.user);
    assert_string_equal(settings.keyspace, "leat");
    assert_int_equal(settings.consistency, CQL_LOCAL_QUORUM);
    assert_int_equal(settings.protocol, 5);
    assert_false(settings.tls);
}

static void refused(void **state)
{
    (void) state;

    static const struct {
        const char *url, *part;
    } cases[] = {
        {"http://x", "no cassandra://"},
        {"cassandra://", "not an address"},
        {"cassandra://u:secret@h:99999", "not an address"},
        {"cassandra://h?nonsense=1", "\"nonsense\""},
        {"cassandra://h?in_flight=0", "in_flight"},
        {"cassandra://h?in_flight=x", "in_flight"},
        {"cassandra://h?tls=yes", "on or off"},
        {"cassandra://h?consistency=some", "consistency"},
        {"cassandra://h?protocol=6", "from 4 to 5"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_fails(parse(cases[i].url), STATUS_CONFIG, error, cases[i].part);
        assert_null(strstr(error.message, "secret"));
    }
}

static int setup(void **state)
{
    (void) state;
    arena_init(&arena, 0);
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    arena_deinit(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_parts),
        cmocka_unit_test(defaults),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests_name("cql_url", tests, setup, teardown);
}
