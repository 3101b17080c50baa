/* `leat test`: the tests of pipeline files. */

#include "app/pipeline_test.h"
#include "base/logline.h"
#include "cli/command.h"
#include "io/file.h"

#include <inttypes.h>
#include <string.h>

struct test_options {
    const char *profile, *secrets, *junit;
    struct option_strings set;
    bool json;
};

static const struct option options[] = {
    OPTION(test_options, junit, "--junit", 0, OPTION_STRING, "FILE", "write JUnit XML as well"),
    OPTION(test_options, json, "--json", 0, OPTION_FLAG, NULL, "one JSON object a test"),
    OPTION(test_options,
           profile,
           "--profile",
           0,
           OPTION_STRING,
           "NAME",
           "with the settings of that profile; engines stay embedded"),
    OPTION(test_options, set, "--set", 0, OPTION_STRINGS, "KEY=VALUE", "override a setting"),
    OPTION(test_options,
           secrets,
           "--secrets",
           0,
           OPTION_STRING,
           "DIR",
           "folder with a file for each ${secret:NAME}"),
};

struct testing {
    const struct test_options *options;
    int64_t passed, failed, files;
    int code;          /* of the first file or test that is wrong */
    struct buffer xml; /* test suites so far */
};

/* ---- JUnit XML ---------------------------------------------------------------------------------
 */

/* Text of an attribute or an element. Control characters are none in XML 1.0. */
static void append_xml(struct buffer *xml, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char) *text;
        switch (byte) {
        case '&':
            buffer_append_string(xml, "&amp;");
            break;
        case '<':
            buffer_append_string(xml, "&lt;");
            break;
        case '>':
            buffer_append_string(xml, "&gt;");
            break;
        case '"':
            buffer_append_string(xml, "&quot;");
            break;
        case '\n':
            buffer_append_string(xml, "&#10;");
            break;
        default:
            if (byte < 0x20 && byte != '\t') {
                buffer_append_string(xml, "\xEF\xBF\xBD");
            } else {
                buffer_append_byte(xml, byte);
            }
        }
    }
}

/* `kind`: "failure", "error", or NULL for a test that passed. */
static void xml_case(struct buffer *xml,
                     const char *suite,
                     const char *name,
                     int64_t took_us,
                     const char *kind,
                     const char *text)
{
    buffer_append_string(xml, "    <testcase classname=\"");
    append_xml(xml, suite);
    buffer_append_string(xml, "\" name=\"");
    append_xml(xml, name);
    buffer_printf(xml, "\" time=\"%" PRId64 ".%06" PRId64 "\"", took_us / 1000000,
                  took_us % 1000000);
    if (kind == NULL) {
        buffer_append_string(xml, "/>\n");
        return;
    }
    buffer_printf(xml, ">\n      <%s message=\"", kind);
    const char *end = strchr(text, '\n');
    struct buffer line CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append(&line, text, end == NULL ? strlen(text) : (size_t) (end - text));
    append_xml(xml, buffer_string(&line));
    buffer_append_string(xml, "\">");
    append_xml(xml, text);
    buffer_printf(xml, "</%s>\n    </testcase>\n", kind);
}

static void xml_suite(struct buffer *xml,
                      const char *file,
                      int64_t tests,
                      int64_t failures,
                      int64_t errors,
                      struct buffer *cases)
{
    buffer_append_string(xml, "  <testsuite name=\"");
    append_xml(xml, file);
    buffer_printf(xml,
                  "\" tests=\"%" PRId64 "\" failures=\"%" PRId64 "\" errors=\"%" PRId64 "\">\n",
                  tests, failures, errors);
    buffer_append_slice(xml, buffer_slice(cases));
    buffer_append_string(xml, "  </testsuite>\n");
}

static enum status write_junit(const struct testing *testing, struct error *error)
{
    struct buffer xml CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append_string(&xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    buffer_append_slice(&xml, buffer_slice(&testing->xml));
    buffer_append_string(&xml, "</testsuites>\n");
    return file_replace(testing->options->junit, buffer_slice(&xml), error);
}

/* ---- printing ----------------------------------------------------------------------------------
 */

static void append_name(struct buffer *json, const char *key, const char *value)
{
    buffer_printf(json, "\"%s\":", key);
    if (value == NULL) {
        buffer_append_string(json, "null");
    } else {
        buffer_append_json(json, slice_of_string(value));
    }
}

/* `test` NULL: the file itself is wrong. */
static void print_json(const char *file,
                       const struct setting_section *test,
                       bool ok,
                       int64_t took_us,
                       const char *report)
{
    struct buffer json CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append_byte(&json, '{');
    append_name(&json, "file", file);
    buffer_append_byte(&json, ',');
    append_name(&json, "test", test == NULL ? NULL : test->name);
    buffer_printf(&json, ",\"line\":%d,\"ok\":%s,\"took_us\":%" PRId64 ",",
                  test == NULL ? 0 : test->node->key_line, ok ? "true" : "false", took_us);
    append_name(&json, "report", report);
    buffer_append_string(&json, "}\n");
    (void) fwrite(json.data, 1, json.size, stdout);
}

static void print_indented(const char *text)
{
    while (*text != '\0') {
        const char *end = strchr(text, '\n');
        int size = end == NULL ? (int) strlen(text) : (int) (end - text);
        (void) printf("    %.*s\n", size, text);
        text += end == NULL ? size : size + 1;
    }
}

/* ---- running -----------------------------------------------------------------------------------
 */

/* One test. False if it does not pass. */
static bool run_test(struct testing *testing,
                     const struct pipeline *pipeline,
                     const struct setting_section *test,
                     struct buffer *cases,
                     int64_t *errors)
{
    struct error error = {0};
    struct pipeline_test_result result = {0};
    struct arena arena;
    arena_init(&arena, 0);
    enum status status = pipeline_test_run(pipeline, test, &arena, &result, &error);
    const char *report = status == STATUS_OK ? result.report : error.message;
    if (testing->options->json) {
        print_json(pipeline->path, test, result.passed, result.took_us, report);
    } else {
        (void) printf("  %s %s (%" PRId64 " ms)\n", result.passed ? "ok  " : "FAIL", test->name,
                      result.took_us / 1000);
        print_indented(report);
        if (status != STATUS_OK && error.hint[0] != '\0') {
            (void) printf("    hint: %s\n", error.hint);
        }
    }
    xml_case(cases, pipeline->path, test->name, result.took_us,
             result.passed         ? NULL
             : status == STATUS_OK ? "failure"
                                   : "error",
             report);
    if (status != STATUS_OK) {
        *errors += 1;
        testing->code = testing->code == 0 ? status_exit_code(status) : testing->code;
    }
    testing->passed += result.passed;
    testing->failed += !result.passed;
    (void) fflush(stdout);
    arena_deinit(&arena);
    return result.passed;
}

static void run_tests(struct testing *testing, const struct pipeline *pipeline)
{
    struct buffer cases CLEANUP(buffer_deinit) = BUFFER_INIT;
    int64_t failed = 0;
    int64_t errors = 0;
    if (pipeline->tests.count == 0) {
        (void) fprintf(stderr, "leat: %s has no tests\n", pipeline->path);
    } else if (!testing->options->json) {
        (void) printf("%s\n", pipeline->path);
    }
    for (size_t i = 0; i < pipeline->tests.count; i++) {
        failed += !run_test(testing, pipeline, &pipeline->tests.items[i], &cases, &errors);
    }
    xml_suite(&testing->xml, pipeline->path, (int64_t) pipeline->tests.count, failed - errors,
              errors, &cases);
}

static void run_file(struct testing *testing, const char *file, bool *set_used)
{
    const struct test_options *test = testing->options;
    struct error error = {0};
    struct arena arena;
    struct pipeline *pipeline;
    const struct pipeline_options load = {
        .profile = test->profile,
        .set = test->set.items,
        .set_count = test->set.count,
        .set_used = set_used,
        .secrets_dir = test->secrets,
    };
    arena_init(&arena, 0);
    testing->files++;
    if (pipeline_load(file, &load, &arena, &pipeline, &error) == STATUS_OK) {
        run_tests(testing, pipeline);
    } else {
        struct buffer cases CLEANUP(buffer_deinit) = BUFFER_INIT;
        int code = test->json ? status_exit_code(error.status) : command_fail(&error);
        testing->code = testing->code == 0 ? code : testing->code;
        if (test->json) {
            print_json(file, NULL, false, 0, error.message);
        }
        xml_case(&cases, file, "the file", 0, "error", error.message);
        xml_suite(&testing->xml, file, 1, 0, 1, &cases);
    }
    arena_deinit(&arena);
}

static enum status
run_files(struct testing *testing, char **arguments, int count, struct error *error)
{
    struct arena arena;
    const char *const *files;
    size_t file_count;
    arena_init(&arena, 0);
    const char **names = ARENA_ARRAY(&arena, const char *, (size_t) count);
    for (int i = 0; i < count; i++) {
        names[i] = arguments[i];
    }
    enum status status = pipeline_files(names, (size_t) count, &arena, &files, &file_count, error);
    const struct option_strings *set = &testing->options->set;
    bool *set_used = ARENA_ARRAY(&arena, bool, set->count);
    for (size_t i = 0; status == STATUS_OK && i < file_count; i++) {
        run_file(testing, files[i], set_used);
    }
    if (status == STATUS_OK && testing->code == 0) {
        status = pipeline_check_set(set->items, set->count, set_used, error);
    }
    arena_deinit(&arena);
    return status;
}

static int test_main(void *opaque, char **arguments, int count)
{
    struct testing testing = {.options = opaque};
    struct error error = {0};
    logline_configure(LOG_ERROR, LOG_TEXT);
    enum status status = run_files(&testing, arguments, count, &error);
    if (status == STATUS_OK && testing.options->junit != NULL) {
        status = write_junit(&testing, &error);
    }
    int64_t tests = testing.passed + testing.failed;
    if (status == STATUS_OK && !testing.options->json && tests > 0) {
        (void) printf("%" PRId64 " test%s: %" PRId64 " passed, %" PRId64 " failed\n", tests,
                      tests == 1 ? "" : "s", testing.passed, testing.failed);
    }
    buffer_deinit(&testing.xml);
    if (status != STATUS_OK) {
        return command_fail(&error);
    }
    return testing.code != 0 ? testing.code : testing.failed > 0 ? 1 : 0;
}

const struct command command_test = {
    .name = "test",
    .summary = "run the tests of pipeline files",
    .usage = "FILE|DIR...",
    .help =
        "Runs each test under `tests:`: the records it gives to topics pass the gate of their\n"
        "source, the real queries and a store of their own, and the rows and dead letters that\n"
        "come out are compared with the expected ones. Nothing is fetched, nothing listens, and\n"
        "no data directory is touched. The clock stands still; all windows close at the end.\n"
        "Of a row only the columns given are compared, in any order of rows; a test that does\n"
        "not speak of dead letters expects none. The topic of a stream is given its records too:\n"
        "they do not pass from topic to topic.\n\n"
        "  tests:\n"
        "    address:\n"
        "      given: {users_created: [one_user.json]}     # files, or records written out\n"
        "      clock: 2026-01-01T00:00:00Z\n"
        "      expect: {users: [{first_name: Ada, post_code: \"0123\"}]}\n"
        "      dead: [{reason: missing-key}]\n\n"
        "examples:\n"
        "  leat test examples/users/pipeline.yaml\n"
        "  leat test --junit report.xml pipelines/\n\n"
        "exit codes: 0 all passed (or there are none), 1 a test failed, 64 usage, 78 a file or a\n"
        "test is wrong",
    .options = options,
    .option_count = ARRAY_SIZE(options),
    .options_bytes = sizeof(struct test_options),
    .arguments_min = 1,
    .arguments_max = -1,
    .run = test_main,
};
