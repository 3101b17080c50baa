/* Values as PostgreSQL 15 shows them, as JSON. */

#include "connectors/postgres/source_value.h"

#include "codec/json.h"
#include "test.h"

static const char *json_of(struct value_type type, const char *text)
{
    static struct buffer json;
    const char *fault = NULL;
    struct json_document document;
    buffer_clear(&json);
    if (!value_append(&type, slice_of_string(text), &json, &fault)) {
        assert_non_null(fault);
        return NULL;
    }
    json_document_init(&document);
    assert_int_equal(json_parse(&document, buffer_slice(&json), 0, NULL), STATUS_OK);
    json_document_deinit(&document);
    return buffer_string(&json);
}

static void scalars(void **state)
{
    (void) state;

    static const struct {
        enum value_kind kind;
        const char *text, *json; /* NULL: refused */
    } cases[] = {
        {VALUE_BOOL, "t", "true"},
        {VALUE_BOOL, "f", "false"},
        {VALUE_BOOL, "yes", NULL},
        {VALUE_INT, "-32768", "-32768"},
        {VALUE_LONG, "9223372036854775807", "9223372036854775807"},
        {VALUE_LONG, "1; DROP", NULL},
        {VALUE_LONG, "", NULL},
        {VALUE_LONG, "007", NULL},
        {VALUE_DOUBLE, "1e+300", "1e+300"},
        {VALUE_DOUBLE, "-0", "-0"},
        {VALUE_DOUBLE, "NaN", "\"NaN\""},
        {VALUE_FLOAT, "-Infinity", "\"-Infinity\""},
        {VALUE_DOUBLE, "1.", NULL},
        {VALUE_DOUBLE, "1e", NULL},
        {VALUE_NUMERIC, "0.10", "\"0.10\""},
        {VALUE_NUMERIC, "NaN", "\"NaN\""},
        {VALUE_DECIMAL, "-0.05", "-0.05"},
        {VALUE_DECIMAL, "NaN", "\"NaN\""},
        {VALUE_BYTES, "\\x", "\"\""},
        {VALUE_BYTES, "\\x00", "\"AA==\""},
        {VALUE_BYTES, "\\x00ff", "\"AP8=\""},
        {VALUE_BYTES, "\\x00ff10", "\"AP8Q\""},
        {VALUE_BYTES, "\\x0", NULL},
        {VALUE_BYTES, "\\x0g", NULL},
        {VALUE_BYTES, "00", NULL},
        {VALUE_DATE, "2024-02-29", "\"2024-02-29\""},
        {VALUE_TIMESTAMP, "2024-02-29 12:00:00.25", "\"2024-02-29T12:00:00.25\""},
        {VALUE_TIMESTAMPTZ, "2024-02-29 10:00:00+00", "\"2024-02-29T10:00:00Z\""},
        {VALUE_TIMESTAMPTZ, "infinity", "\"infinity\""},
        {VALUE_TIMESTAMPTZ, "0044-03-15 00:00:00+00 BC", "\"0044-03-15 00:00:00+00 BC\""},
        {VALUE_TEXT, "a \"q\" \\ \n", "\"a \\\"q\\\" \\\\ \\n\""},
        {VALUE_TEXT, "", "\"\""},
        {VALUE_TEXT, "\xff", NULL},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *json = json_of((struct value_type){.kind = cases[i].kind}, cases[i].text);
        if (cases[i].json == NULL) {
            assert_null(json);
        } else {
            assert_non_null(json);
            assert_string_equal(json, cases[i].json);
        }
    }
}

static void arrays(void **state)
{
    (void) state;

    static const struct {
        enum value_kind kind;
        const char *text, *json;
    } cases[] = {
        {VALUE_INT, "{}", "[]"},
        {VALUE_INT, "{1,NULL,-3}", "[1,null,-3]"},
        {VALUE_INT, "{{1,2},{3,4}}", "[[1,2],[3,4]]"},
        {VALUE_INT, "[2:3]={5,6}", "[5,6]"},
        {VALUE_TEXT, "{a,\"NULL\",null,NULL,\"b \\\"c\\\" \\\\,{}\",\"\"}",
         "[\"a\",\"NULL\",\"null\",null,\"b \\\"c\\\" \\\\,{}\",\"\"]"},
        {VALUE_BYTES, "{\"\\\\x00ff\"}", "[\"AP8=\"]"},
        {VALUE_BOOL, "{t,f}", "[true,false]"},
        {VALUE_INT, "", NULL},
        {VALUE_INT, "{", NULL},
        {VALUE_INT, "{1", NULL},
        {VALUE_INT, "{1,}", NULL},
        {VALUE_INT, "{,1}", NULL},
        {VALUE_INT, "{1}}", NULL},
        {VALUE_INT, "{1}x", NULL},
        {VALUE_TEXT, "{\"a}", NULL},
        {VALUE_INT, "{{{{{{{{{{{{{{{{{{{{1}}}}}}}}}}}}}}}}}}}}", NULL},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct value_type type = {.kind = cases[i].kind, .array = true, .delimiter = ','};
        const char *json = json_of(type, cases[i].text);
        if (cases[i].json == NULL) {
            assert_null(json);
        } else {
            assert_non_null(json);
            /* In PostgreSQL's text only an upper-case NULL without quotes is one. */
            assert_string_equal(json, cases[i].json);
        }
    }
}

static void avro_types(void **state)
{
    (void) state;
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct value_type price = {.kind = VALUE_NUMERIC};
    value_type_decimal(&price, -1); /* no modifier: any number of digits */
    assert_int_equal(price.kind, VALUE_NUMERIC);
    value_type_decimal(&price, ((50 << 16) | 2) + 4); /* more digits than a decimal has */
    assert_int_equal(price.kind, VALUE_NUMERIC);
    value_type_decimal(&price, ((10 << 16) | 2) + 4);
    value_append_avro(&price, &text);
    assert_string_equal(
        buffer_string(&text),
        "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":10,\"scale\":2}");
    buffer_clear(&text);
    struct value_type days = {.kind = VALUE_DATE, .array = true, .delimiter = ','};
    value_append_avro(&days, &text);
    assert_string_equal(buffer_string(&text), "{\"type\":\"array\",\"items\":[\"null\","
                                              "{\"type\":\"int\",\"logicalType\":\"date\"}]}");
    assert_false(value_type_equal(&price, &days));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars),
        cmocka_unit_test(arrays),
        cmocka_unit_test(avro_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
