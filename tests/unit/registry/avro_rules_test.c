/* The rules against Python's avro (golden/registry/compatibility.jsonl), and what it does not say:
 * the place of a fault, and schemas made to be slow. */

#include "registry/avro_rules.h"

#include "io/clock.h"
#include "test.h"

#include <stdio.h>

#define FAULTS_MAX 64

static struct avro_incompatibility faults[FAULTS_MAX];

static size_t judge(json_t *reader_json, json_t *writer_json)
{
    struct arena arena CLEANUP(arena_deinit);
    struct error error;
    const struct avro_schema *reader;
    const struct avro_schema *writer;
    arena_init(&arena, 0);
    assert_ok(avro_schema_from_json_take(reader_json, &arena, &reader, &error), error);
    assert_ok(avro_schema_from_json_take(writer_json, &arena, &writer, &error), error);
    size_t count = avro_can_read(reader, writer, faults, FAULTS_MAX);
    avro_schema_release(reader);
    avro_schema_release(writer);
    return count;
}

static size_t judge_text(const char *reader, const char *writer)
{
    return judge(json_loads(reader, JSON_DECODE_ANY, NULL),
                 json_loads(writer, JSON_DECODE_ANY, NULL));
}

/* The kinds of what was found, as a sorted set with commas. */
static const char *kinds_found(size_t count)
{
    static const char *const kinds[] = {
        "FIXED_SIZE_MISMATCH",
        "MISSING_ENUM_SYMBOLS",
        "MISSING_UNION_BRANCH",
        "NAME_MISMATCH",
        "READER_FIELD_MISSING_DEFAULT_VALUE",
        "TYPE_MISMATCH",
    };
    static char text[256];
    text[0] = '\0';
    for (size_t k = 0; k < 6; k++) {
        for (size_t i = 0; i < count && i < FAULTS_MAX; i++) {
            if (strcmp(avro_fault_name(faults[i].fault), kinds[k]) == 0) {
                strcat(strcat(text, text[0] == '\0' ? "" : ","), kinds[k]);
                break;
            }
        }
    }
    return text;
}

static void test_as_python(void **state)
{
    (void) state;
    char path[1024];
    snprintf(path, sizeof(path), "%s/tests/golden/registry/compatibility.jsonl",
             getenv("LEAT_SOURCE_ROOT"));
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    static char line[1 << 16];
    int number = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        number++;
        json_t *vector = json_loads(line, 0, NULL);
        assert_non_null(vector);
        size_t count = judge(json_incref(json_object_get(vector, "reader")),
                             json_incref(json_object_get(vector, "writer")));
        char wanted[256] = "";
        size_t i;
        json_t *kind;
        json_array_foreach(json_object_get(vector, "faults"), i, kind)
        {
            strcat(strcat(wanted, i == 0 ? "" : ","), json_string_value(kind));
        }
        if (strcmp(kinds_found(count), wanted) != 0) {
            fail_msg("line %d: %s, and avro says %s\n%s", number, kinds_found(count), wanted, line);
        }
        json_decref(vector);
    }
    fclose(file);
    assert_true(number > 600);
}

static void expect(const char *reader,
                   const char *writer,
                   const char *kind,
                   const char *place,
                   const char *details)
{
    assert_true(judge_text(reader, writer) >= 1);
    assert_string_equal(avro_fault_name(faults[0].fault), kind);
    assert_string_equal(faults[0].path, place);
    assert_string_equal(faults[0].details, details);
}

/* As Java's SchemaCompatibility places them. */
static void test_places(void **state)
{
    (void) state;
    expect("\"int\"", "\"string\"", "TYPE_MISMATCH", "/",
           "reader type: INT not compatible with writer type: STRING");
    expect("{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"}]}",
           "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"string\"}]}",
           "TYPE_MISMATCH", "/fields/0/type",
           "reader type: INT not compatible with writer type: STRING");
    expect("{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"}]}",
           "{\"type\":\"record\",\"name\":\"R\",\"fields\":[]}",
           "READER_FIELD_MISSING_DEFAULT_VALUE", "/fields/0", "a");
    expect("{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"]}",
           "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\",\"C\"]}",
           "MISSING_ENUM_SYMBOLS", "/symbols", "[B, C]");
    expect("{\"type\":\"fixed\",\"name\":\"F\",\"size\":4}",
           "{\"type\":\"fixed\",\"name\":\"F\",\"size\":8}", "FIXED_SIZE_MISMATCH", "/size",
           "expected: 8, found: 4");
    expect("{\"type\":\"array\",\"items\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":4}}",
           "{\"type\":\"array\",\"items\":{\"type\":\"fixed\",\"name\":\"n.G\",\"size\":4}}",
           "NAME_MISMATCH", "/items/name", "expected: n.G");
    expect("[\"null\",\"int\"]", "[\"null\",\"string\"]", "MISSING_UNION_BRANCH", "/1",
           "reader union lacking writer type: STRING");
}

/* Each record names the next one twice: 2 to the 40 ways through 40 records. */
static char *doubling(int depth, const char *last)
{
    struct buffer text = BUFFER_INIT;
    for (int i = 0; i < depth; i++) {
        buffer_printf(
            &text,
            "{\"type\":\"record\",\"name\":\"R%d\",\"fields\":[{\"name\":\"a\",\"type\":", i);
    }
    buffer_append_string(&text, last);
    for (int i = depth - 1; i >= 0; i--) {
        char name[32];
        snprintf(name, sizeof(name), "\"R%d\"", i + 1);
        buffer_printf(&text, "},{\"name\":\"b\",\"type\":%s}]}", i == depth - 1 ? last : name);
    }
    char *copy = strdup(buffer_string(&text));
    buffer_deinit(&text);
    return copy;
}

static void test_schemas_made_to_be_slow(void **state)
{
    (void) state;
    char *ints = doubling(40, "\"int\"");
    char *strings = doubling(40, "\"string\"");
    char *unions = doubling(40, "[\"null\",\"int\"]");
    int64_t begin_us = clock_monotonic_us();
    assert_int_equal(judge_text(ints, ints), 0);
    assert_int_equal(judge_text(unions, ints), 0);
    assert_true(judge_text(ints, strings) > 0);
    assert_string_equal(kinds_found(1), "TYPE_MISMATCH");
    assert_true(clock_monotonic_us() - begin_us < 5000000);
    free(ints);
    free(strings);
    free(unions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_python),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_schemas_made_to_be_slow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
