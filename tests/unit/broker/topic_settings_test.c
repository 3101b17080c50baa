#include "test.h"

#include "broker/topic_settings.h"

static const struct topic_setting *setting(const char *name)
{
    int count;
    int index = topic_setting_find(slice_of_string(name));
    assert_true(index >= 0);
    return &topic_setting_all(&count)[index];
}

static void values_are_checked(void **state)
{
    (void) state;

    static const struct {
        const char *name;
        const char *good;
        const char *bad;
        const char *reason;
    } cases[] = {
        {"retention.ms", "-1", "-2", "at least -1"},
        {"retention.ms", "9223372036854775807", "9223372036854775808", "it is a number"},
        {"retention.bytes", "1000", "1000 bytes", "it is a number"},
        {"segment.bytes", "1048576", "4294967296", "it is a number"},
        {"segment.bytes", "14", "13", "at least 14"},
        {"cleanup.policy", "delete", "burn", "one of delete|compact"},
        {"cleanup.policy", "compact,delete", "compact,", "one of delete|compact"},
        {"compression.type", "zstd", "brotli", "one of producer"},
        {"message.timestamp.type", "LogAppendTime", "logappendtime", "one of CreateTime"},
        {"preallocate", "true", "yes", "true or false"},
        {"min.cleanable.dirty.ratio", "0.25", "half", "it is a number"},
        {"max.message.bytes", "0", "", "it is a number"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error error = {0};
        const struct topic_setting *one = setting(cases[i].name);
        assert_ok(topic_setting_check(one, slice_of_string(cases[i].good), &error), error);
        assert_fails(topic_setting_check(one, slice_of_string(cases[i].bad), &error), STATUS_CONFIG,
                     error, cases[i].reason);
    }
    assert_int_equal(topic_setting_find(SLICE("retention.parsecs")), -1);
}

static void defaults_pass_their_own_check(void **state)
{
    (void) state;
    int count;
    const struct topic_setting *table = topic_setting_all(&count);
    for (int i = 0; i < count; i++) {
        struct error error = {0};
        assert_ok(topic_setting_check(&table[i], slice_of_string(table[i].fallback), &error),
                  error);
    }
}

static void a_topic_overrides_the_broker(void **state)
{
    (void) state;
    struct partition_log_config defaults;
    partition_log_config_init(&defaults);
    defaults.retention_us = 3600 * (int64_t) 1000000;
    struct topic_settings settings = {0};
    struct partition_log_config config;
    char room[SETTING_TEXT_BYTES];
    int retention = topic_setting_find(SLICE("retention.ms"));

    assert_string_equal(topic_setting_value(&settings, &defaults, retention, room), "3600000");
    topic_settings_apply(&settings, &defaults, &config);
    assert_int_equal(config.retention_us, defaults.retention_us);

    topic_settings_set(&settings, retention, "5");
    assert_string_equal(topic_setting_value(&settings, &defaults, retention, room), "5");
    topic_settings_apply(&settings, &defaults, &config);
    assert_int_equal(config.retention_us, 5000);

    topic_settings_set(&settings, retention, "9223372036854775807"); /* no overflow */
    topic_settings_apply(&settings, &defaults, &config);
    assert_int_equal(config.retention_us, INT64_MAX);

    topic_settings_set(&settings, topic_setting_find(SLICE("cleanup.policy")), "compact");
    topic_settings_apply(&settings, &defaults, &config);
    assert_true(config.compact);
    assert_int_equal(config.retention_us, -1);

    topic_settings_set(&settings, topic_setting_find(SLICE("compression.type")), "lz4");
    assert_int_equal(topic_settings_codec(&settings), 3);
    topic_settings_deinit(&settings);
    assert_int_equal(topic_settings_codec(&settings), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_checked),
        cmocka_unit_test(defaults_pass_their_own_check),
        cmocka_unit_test(a_topic_overrides_the_broker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
