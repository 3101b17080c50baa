#include "base/settings.h"

#include "base/time_text.h"

#include "test.h"

#include <jansson.h>

struct topic {
    const char *name;
    int64_t partitions;
    int64_t retention_us;
};

struct source {
    struct node *node; /* read by no row */
    const char *url;
    const char *password;
    bool follow;
    int64_t pages;
    double ratio;
    int64_t timeout_us;
    int64_t bytes_max;
    int on_change;
    struct setting_rate limit;
    struct setting_strings keys;
    struct setting_pairs params;
    struct topic *topic;
    struct topic *spare;
    struct setting_sections topics;
    struct node *rest;
};

static const struct setting topic_rows[] = {
    {"name", SETTING_STRING, offsetof(struct topic, name), NULL, "the topic", SETTING_REQUIRED, 0,
     0, NULL, NULL},
    {"partitions", SETTING_INT, offsetof(struct topic, partitions), "3", "how many | parts", 0, 1,
     1000, NULL, NULL},
    {"retention", SETTING_DURATION, offsetof(struct topic, retention_us), "7 days", "age", 0,
     US_PER_SECOND, INT64_MAX, NULL, NULL},
};

static const struct settings_table topic_table = {"topic", "A topic.", topic_rows,
                                                  ARRAY_SIZE(topic_rows), sizeof(struct topic)};

static const char *const changes[] = {"add", "dead_letter", "fail", NULL};

#define AT(field) offsetof(struct source, field)

static const struct setting source_rows[] = {
    {"url", SETTING_STRING, AT(url), NULL, "where", SETTING_REQUIRED, 0, 0, NULL, NULL},
    {"password", SETTING_STRING, AT(password), NULL, "secret", SETTING_SECRET, 0, 0, NULL, NULL},
    {"follow", SETTING_BOOL, AT(follow), "true", "redirects", 0, 0, 0, NULL, NULL},
    {"pages", SETTING_INT, AT(pages), "1", "a tick", 0, 0, 0, NULL, NULL},
    {"ratio", SETTING_DOUBLE, AT(ratio), "0.5", "a part", 0, 0, 0, NULL, NULL},
    {"timeout", SETTING_DURATION, AT(timeout_us), "10s", "at most", 0, 0, 60 * US_PER_SECOND, NULL,
     NULL},
    {"bytes_max", SETTING_BYTES, AT(bytes_max), "64 KiB", "at most", 0, 0, 0, NULL, NULL},
    {"on_change", SETTING_CHOICE, AT(on_change), "add", "what then", 0, 0, 0, changes, NULL},
    {"limit", SETTING_RATE, AT(limit), NULL, "how fast", 0, 0, 0, NULL, NULL},
    {"keys", SETTING_STRINGS, AT(keys), "[a, b]", "which", 0, 0, 0, NULL, NULL},
    {"params", SETTING_PAIRS, AT(params), NULL, "in the URL", 0, 0, 0, NULL, NULL},
    {"topic", SETTING_SECTION, AT(topic), "{name: main}", "where to", SETTING_SCALAR_OK, 0, 0, NULL,
     &topic_table},
    {"spare", SETTING_SECTION, AT(spare), NULL, "where else", 0, 0, 0, NULL, &topic_table},
    {"topics", SETTING_SECTIONS, AT(topics), NULL, "more", 0, 0, 0, NULL, &topic_table},
    {"rest", SETTING_NODE, AT(rest), NULL, "raw", 0, 0, 0, NULL, NULL},
};

static const struct settings_table source_table = {"source", "A source.", source_rows,
                                                   ARRAY_SIZE(source_rows), sizeof(struct source)};

static struct arena arena;
static struct error error;
static struct source source;

static int set_up(void **state)
{
    (void) state;
    arena_init(&arena, 0);
    error_clear(&error);
    return 0;
}

static int tear_down(void **state)
{
    (void) state;
    arena_deinit(&arena);
    return 0;
}

static enum status read(const char *text)
{
    struct node *node;
    assert_ok(node_parse(slice_of_string(text), "f.yaml", &arena, &node, &error), error);
    return settings_read(&source_table, node, &arena, &source, &error);
}

static void fills_defaults(void **state)
{
    (void) state;
    assert_ok(read("url: http://x"), error);
    assert_string_equal(source.url, "http://x");
    assert_null(source.node);
    assert_null(source.password);
    assert_true(source.follow);
    assert_int_equal(source.pages, 1);
    assert_true(source.ratio == 0.5);
    assert_int_equal(source.timeout_us, 10000000);
    assert_int_equal(source.bytes_max, 65536);
    assert_int_equal(source.on_change, 0);
    assert_int_equal(source.limit.count, 0);
    assert_int_equal(source.keys.count, 2);
    assert_string_equal(source.keys.items[1], "b");
    assert_int_equal(source.params.count, 0);
    assert_string_equal(source.topic->name, "main");
    assert_int_equal(source.topic->retention_us, INT64_C(604800000000));
    assert_null(source.spare);
    assert_int_equal(source.topics.count, 0);
    assert_null(source.rest);
}

static void reads_every_type(void **state)
{
    (void) state;
    assert_ok(read("url: 80\n"
                   "password: p\n"
                   "follow: false\n"
                   "pages: 20000\n"
                   "ratio: -2.5e3\n"
                   "timeout: 250ms\n"
                   "bytes_max: \"1 GiB\"\n"
                   "on_change: fail\n"
                   "limit: 20000 records / 5 min\n"
                   "keys: id\n"
                   "params: {results: 500, q: , s: \"a b\"}\n"
                   "topic: users\n"
                   "spare: {name: s, partitions: 1000}\n"
                   "topics: {one: {name: x}, two: {name: y, retention: 1h30m}}\n"
                   "rest: [1, {a: b}]\n"),
              error);
    assert_string_equal(source.url, "80");
    assert_false(source.follow);
    assert_int_equal(source.pages, 20000);
    assert_true(source.ratio == -2500.0);
    assert_int_equal(source.timeout_us, 250000);
    assert_int_equal(source.bytes_max, 1073741824);
    assert_int_equal(source.on_change, 2);
    assert_int_equal(source.limit.count, 20000);
    assert_int_equal(source.limit.per_us, 300000000);
    assert_int_equal(source.keys.count, 1);
    assert_int_equal(source.params.count, 3);
    assert_string_equal(source.params.items[0].name, "results");
    assert_string_equal(source.params.items[0].value, "500");
    assert_string_equal(source.params.items[1].value, "");
    assert_string_equal(source.topic->name, "users");
    assert_int_equal(source.topic->partitions, 3);
    assert_int_equal(source.spare->partitions, 1000);
    assert_int_equal(source.topics.count, 2);
    assert_string_equal(source.topics.items[1].name, "two");
    assert_int_equal(source.topics.items[1].node->line, 14);
    const struct topic *two = source.topics.items[1].value;
    assert_int_equal(two->retention_us, INT64_C(5400000000));
    assert_int_equal(source.rest->count, 2);
}

static void reads_rates(void **state)
{
    (void) state;

    static const struct {
        const char *text;
        int64_t count;
        int64_t per_us;
    } cases[] = {
        {"10 / s", 10, 1000000},
        {"10/s", 10, 1000000},
        {"1 record/min", 1, 60000000},
        {"  5records  /  2 h ", 5, INT64_C(7200000000)},
        {"none", 0, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *text = arena_printf(&arena, "{url: x, limit: '%s'}", cases[i].text);
        assert_ok(read(text), error);
        assert_int_equal(source.limit.count, cases[i].count);
        assert_int_equal(source.limit.per_us, cases[i].per_us);
    }
    static const char *const bad[] = {"",
                                      "10",
                                      "/ s",
                                      "10 /",
                                      "0 / s",
                                      "-1 / s",
                                      "10 / 0s",
                                      "10 apples / s",
                                      "10 / fortnight",
                                      "10 / s / s",
                                      "99999999999999999999 / s",
                                      "10 / s s"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        const char *text = arena_printf(&arena, "{url: x, limit: '%s'}", bad[i]);
        assert_fails(read(text), STATUS_CONFIG, error, "is not a rate");
        assert_non_null(strstr(error.hint, "20000 records / 5 min"));
    }
}

static void explains_what_is_wrong(void **state)
{
    (void) state;

    static const struct {
        const char *text;
        const char *message;
        const char *hint;
    } cases[] = {
        {"pages: 1", "f.yaml:1:1: source: \"url\" is missing\npages: 1\n^", "where"},
        {"url:\npages: 1", "f.yaml:1:4: source: \"url\" is missing", ""},
        {"url: x\npagse: 1", "f.yaml:2:1: source: there is no setting \"pagse\"\npagse: 1\n^",
         "did you mean \"pages\"?"},
        {"url: x\nzzzzzz: 1", "there is no setting \"zzzzzz\"", "it knows url, password"},
        {"{url: x, pages: many}",
         "f.yaml:1:17: \"pages\": \"many\" is not a whole number\n{url: x, pages: many}\n          "
         "      ^",
         ""},
        {"{url: x, pages: '1'}", "is not a whole number", "write it without"},
        {"{url: x, pages: -1}", "\"-1\" is below 0", ""},
        {"{url: x, pages: 1.5}", "is not a whole number", ""},
        {"{url: x, pages: 99999999999999999999}", "is not a whole number", ""},
        {"{url: x, pages: [1]}", "must be a whole number, not a list", ""},
        {"{url: {a: b}}", "must be text, not a map", ""},
        {"{url: x, follow: yes}", "\"yes\" is not true or false", ""},
        {"{url: x, ratio: nan}", "\"nan\" is not a number", ""},
        {"{url: x, ratio: 0x10}", "\"0x10\" is not a number", ""},
        {"{url: x, ratio: 1e999}", "\"1e999\" is not a number", ""},
        {"{url: x, timeout: 10}", "\"10\" is not a duration", "5 min"},
        {"{url: x, timeout: 2 min}", "\"2 min\" is not between 0s and 1m", ""},
        {"{url: x, bytes_max: 1 GB extra}", "is not a size in bytes", "64 KiB"},
        {"{url: x, on_change: ad}", "\"ad\" is not add, dead_letter or fail", ""},
        {"{url: x, on_change: dead-letter}", "is not add", "did you mean \"dead_letter\"?"},
        {"{url: x, keys: [a, [b]]}", "f.yaml:1:20: \"keys\": must be text or a list of texts", ""},
        {"{url: x, params: [a]}", "must be a map", ""},
        {"{url: x, params: {a: [b]}}", "f.yaml:1:22: ", ""},
        {"{url: x, spare: s}", "topic must be a map of settings", ""},
        {"{url: x, spare: }", "topic: \"name\" is missing", ""},
        {"{url: x, spare: {name: a, partitions: 0}}", "\"0\" is not between 1 and 1000", ""},
        {"{url: x, topics: {a: {nam: x}}}", "topic: there is no setting \"nam\"",
         "did you mean \"name\"?"},
        {"[url]", "source must be a map of settings", ""},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_fails(read(cases[i].text), STATUS_CONFIG, error, cases[i].message);
        if (strstr(error.hint, cases[i].hint) == NULL) {
            fail_msg("hint \"%s\" lacks \"%s\"", error.hint, cases[i].hint);
        }
    }
    assert_fails(settings_read(&source_table, NULL, &arena, &source, &error), STATUS_CONFIG, error,
                 "source: \"url\" is missing");
}

static void keeps_secrets(void **state)
{
    (void) state;
    assert_fails(read("{url: x, password: [hunter2]}"), STATUS_CONFIG, error,
                 "f.yaml:1:20: \"password\": must be text");
    assert_null(strstr(error.message, "hunter2"));
    assert_int_equal(setenv("LEAT_SECRET_N", "hunter2", 1), 0);
    struct node *node;
    assert_ok(
        node_parse(SLICE("{url: x, pages: \"${secret:n}\"}"), "f.yaml", &arena, &node, &error),
        error);
    assert_ok(node_expand(node, NULL, &arena, &error), error);
    assert_fails(settings_read(&source_table, node, &arena, &source, &error), STATUS_CONFIG, error,
                 "the value is not a whole number");
    assert_null(strstr(error.message, "hunter2"));
}

static void writes_a_schema(void **state)
{
    (void) state;
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    settings_json_schema(&source_table, &text);
    json_error_t where;
    json_t *schema =
        json_loadb((const char *) text.data, text.size, JSON_REJECT_DUPLICATES, &where);
    assert_non_null(schema);
    json_t *properties = json_object_get(schema, "properties");
    assert_int_equal(json_object_size(properties), ARRAY_SIZE(source_rows));
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(properties, "pages"), "default")), 1);
    assert_string_equal(json_string_value(json_array_get(json_object_get(schema, "required"), 0)),
                        "url");
    assert_non_null(json_object_get(json_object_get(schema, "$defs"), "topic"));
    json_decref(schema);
}

static void writes_markdown(void **state)
{
    (void) state;
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    settings_markdown(&source_table, 2, &text);
    const char *page = buffer_string(&text);
    assert_memory_equal(page, "## source\n\nA source.\n\n| setting |", 33);
    assert_non_null(strstr(page, "| `url` | text | required | where |\n"));
    assert_non_null(strstr(
        page, "| `topic` | [topic](#topic), or its `name` alone | `{name: main}` | where to |\n"));
    assert_non_null(strstr(page, "\n### topic\n"));
    assert_non_null(
        strstr(page, "| `partitions` | whole number, 1 to 1000 | `3` | how many \\| parts |\n"));
    assert_ptr_equal(strstr(page, "### topic"), strstr(strstr(page, "### topic"), "### topic"));
}

static void finds_the_nearest_word(void **state)
{
    (void) state;
    static const char *const words[] = {"schedule", "schema", "limit", "pages", "url"};
    assert_string_equal(nearest_word("shcedule", words, 5), "schedule");
    assert_string_equal(nearest_word("schedul", words, 5), "schedule");
    assert_string_equal(nearest_word("Limits", words, 5), "limit");
    assert_string_equal(nearest_word("uri", words, 5), "url");
    assert_null(nearest_word("topic", words, 5));
    assert_null(nearest_word("", words, 5));
    assert_null(nearest_word("u", words, 5));
    assert_null(nearest_word("limit", NULL, 0));
    char long_word[4096];
    memset(long_word, 'a', sizeof(long_word) - 1);
    long_word[sizeof(long_word) - 1] = '\0';
    assert_null(nearest_word(long_word, words, 5));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(fills_defaults),         TEST(reads_every_type),       TEST(reads_rates),
        TEST(explains_what_is_wrong), TEST(keeps_secrets),          TEST(writes_a_schema),
        TEST(writes_markdown),        TEST(finds_the_nearest_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
