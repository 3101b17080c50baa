#include "test.h"

#include "connectors/topic/topic_url.h"

static struct arena arena;

static void what_is_written_is_read(void **state)
{
    (void) state;
    static const char *const settings[] = {
        "sasl.password", "p&=%? \xc3\xa4\"", "security.protocol", "SASL_SSL", "empty", "", NULL};
    const struct topic_url url = {
        .address = "a:9092,b:9092",
        .settings = settings,
        .transactions = true,
        .registry = "http://registry:8081/apis/ccompat/v7?x=1&y=2",
    };
    struct error error = {0};
    struct topic_url read;
    const char *text = topic_url_write(&url, &arena);
    assert_ok(topic_url_read(text, &arena, &read, &error), error);
    assert_string_equal(read.address, url.address);
    assert_string_equal(read.registry, url.registry);
    assert_true(read.transactions);
    for (size_t i = 0; i < ARRAY_SIZE(settings) - 1; i++) {
        assert_string_equal(read.settings[i], settings[i]);
    }
    assert_null(read.settings[ARRAY_SIZE(settings) - 1]);
}

static void the_short_form(void **state)
{
    (void) state;
    struct error error = {0};
    struct topic_url url;
    assert_ok(topic_url_read("kafka://a:1?registry=http://r", &arena, &url, &error), error);
    assert_string_equal(url.address, "a:1");
    assert_string_equal(url.registry, "http://r");
    assert_false(url.transactions);
    assert_null(url.settings[0]);
}

static void what_is_no_url(void **state)
{
    (void) state;
    static const char *const wrong[] = {
        "",
        "kafka://",
        "kafka://a:1",
        "http://a:1?registry=x",
        "kafka://?registry=x",
        "kafka://a:1?transactions",
        "kafka://a:1?set=a&registry=x",
        "kafka://a:1?set=a=b",
        "kafka://a:1?set=a=%4&registry=x",
        "kafka://a:1?set=a=%zz&registry=x",
        "kafka://a:1?set=%=b&registry=x",
    };
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct error error = {0};
        struct topic_url url;
        assert_fails(topic_url_read(wrong[i], &arena, &url, &error), STATUS_CONFIG, error,
                     "kafka://");
    }
}

int main(void)
{
    arena_init(&arena, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(the_short_form),
        cmocka_unit_test(what_is_no_url),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    arena_deinit(&arena);
    return failures;
}
