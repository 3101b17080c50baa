#include "test.h"

#include "cluster/address.h"

static void the_parts_of_a_url(void **state)
{
    (void) state;
    struct error error = {0};
    struct zookeeper_address address;
    assert_ok(zookeeper_address_parse("zookeeper://a:2181,b.example:2182,10.0.0.1:1/x/y?session=6s",
                                      &address, &error),
              error);
    assert_string_equal(address.hosts, "a:2181,b.example:2182,10.0.0.1:1");
    assert_string_equal(address.root, "/x/y");
    assert_null(address.credentials);
    assert_int_equal(address.session_us, 6000000);
    zookeeper_address_deinit(&address);

    assert_ok(zookeeper_address_parse("zookeeper://leat:p@ss:word@zk:2181", &address, &error),
              error);
    assert_string_equal(address.hosts, "zk:2181");
    assert_string_equal(address.root, "");
    assert_string_equal(address.credentials, "leat:p@ss:word");
    assert_int_equal(address.session_us, ZOOKEEPER_SESSION_US);
    zookeeper_address_deinit(&address);

    assert_ok(zookeeper_address_parse("zookeeper://zk:2181/", &address, &error), error);
    assert_string_equal(address.root, "");
    zookeeper_address_deinit(&address);
}

static void what_is_no_address(void **state)
{
    (void) state;
    static const char *const wrong[] = {
        "zk:2181",
        "kafka://zk:2181",
        "zookeeper://",
        "zookeeper://zk",
        "zookeeper://zk:",
        "zookeeper://:2181",
        "zookeeper://zk:0",
        "zookeeper://zk:65536",
        "zookeeper://zk:99999999999999999999",
        "zookeeper://zk:2181,",
        "zookeeper://,zk:2181",
        "zookeeper://z k:2181",
        "zookeeper://zk:2181/a//b",
        "zookeeper://zk:2181/a/",
        "zookeeper://zk:2181/../a",
        "zookeeper://zk:2181/a\nb",
        "zookeeper://user@zk:2181",
        "zookeeper://:secret@zk:2181",
        "zookeeper://user:@zk:2181",
        "zookeeper://zk:2181?timeout=5s",
        "zookeeper://zk:2181?session=",
        "zookeeper://zk:2181?session=10ms",
        "zookeeper://zk:2181?session=1d",
    };
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct error error = {0};
        struct zookeeper_address address;
        assert_fails(zookeeper_address_parse(wrong[i], &address, &error), STATUS_CONFIG, error,
                     "coordination: ");
    }
}

static void a_password_is_never_told(void **state)
{
    (void) state;
    struct error error = {0};
    struct zookeeper_address address;
    assert_fails(zookeeper_address_parse("zookeeper://leat:hunter2@zk", &address, &error),
                 STATUS_CONFIG, error, "HOST:PORT");
    assert_null(strstr(error.message, "hunter2"));
    assert_null(strstr(error.hint, "hunter2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_of_a_url),
        cmocka_unit_test(what_is_no_address),
        cmocka_unit_test(a_password_is_never_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
