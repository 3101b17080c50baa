#include "codec/avro.h"

#include "test.h"

#include <stdio.h>

/* Decodes each text into one row of the type; "! message" for those refused. */
static const char *
decode(struct arena *arena, const char *ddl, const char *const *texts, size_t count)
{
    const struct type *type;
    struct error error;
    assert_ok(type_parse(slice_of_string(ddl), arena, &type, &error), error);
    struct column_builder *builders = ARENA_ARRAY(arena, struct column_builder, type->field_count);
    for (uint32_t i = 0; i < type->field_count; i++) {
        column_builder_init(&builders[i], arena, type->fields[i].type, 0);
    }
    CLEANUP(buffer_deinit) struct buffer lines = BUFFER_INIT;
    struct json_document document;
    json_document_init(&document);
    int64_t rows = 0;
    for (size_t i = 0; i < count; i++) {
        assert_ok(json_parse(&document, slice_of_string(texts[i]), 0, &error), error);
        if (json_decode(&document, 0, type, builders, &error) == STATUS_OK) {
            rows++;
        } else {
            buffer_printf(&lines, "! %s\n", error.message);
        }
        assert_int_equal(builders[0].length, rows);
    }
    json_document_deinit(&document);
    const struct column **columns = ARENA_ARRAY(arena, const struct column *, type->field_count);
    for (uint32_t i = 0; i < type->field_count; i++) {
        columns[i] = column_builder_finish(&builders[i]);
    }
    struct batch batch = {.length = rows, .type = type, .columns = columns};
    for (int64_t i = 0; i < rows; i++) {
        batch_write_json(&batch, i, &lines);
        buffer_append_byte(&lines, '\n');
    }
    return arena_string(arena, buffer_slice(&lines));
}

static void nested_records(void **state)
{
    (void) state;
    struct arena arena;
    arena_init(&arena, 0);
    static const char *const texts[] = {
        "{\"x\":0,\"id\":1,\"name\":{\"first\":\"A\",\"last\":\"B\"},\"tags\":[\"t\",null],\"m\":{"
        "\"k\":1.5}}",
        "{\"m\":{},\"tags\":[],\"name\":{\"last\":\"\\u00e4\\n\",\"other\":[{}]},\"id\":-5,\"id\":"
        "6}",
        "{}",
        "{\"id\":null,\"name\":null,\"tags\":null,\"m\":null}",
        "{\"id\":1,\"name\":{\"first\":\"x\"},\"tags\":[\"a\",\"b\"],\"m\":{\"k\":\"z\"}}",
        "{\"id\":\"1\"}",
        "{\"name\":[]}",
        "{\"tags\":{}}",
        "[]",
    };
    assert_string_equal(
        decode(&arena,
               "struct<id:bigint,name:struct<last:string,first:string>,tags:array<string>,m:map<"
               "string,double>>",
               texts, ARRAY_SIZE(texts)),
        "! field \"m.k\": \"z\" is not of type double\n"
        "! field \"id\": \"1\" is not of type bigint\n"
        "! field \"name\": [] is not of type struct<last:string,first:string>\n"
        "! field \"tags\": {} is not of type array<string>\n"
        "! the record is not a JSON object\n"
        "{\"id\":1,\"name\":{\"last\":\"B\",\"first\":\"A\"},\"tags\":[\"t\",null],\"m\":{\"k\":1."
        "5}}\n"
        "{\"id\":6,\"name\":{\"last\":\"ä\\n\",\"first\":null},\"tags\":[],\"m\":{}}\n"
        "{\"id\":null,\"name\":null,\"tags\":null,\"m\":null}\n"
        "{\"id\":null,\"name\":null,\"tags\":null,\"m\":null}\n");
    arena_deinit(&arena);
}

static void scalars(void **state)
{
    (void) state;

    static const struct {
        const char *type;
        const char *text;
        const char *wanted;
    } cases[] = {
        {"boolean", "true", "true"},
        {"boolean", "1", NULL},
        {"tinyint", "-128", "-128"},
        {"tinyint", "128", NULL},
        {"smallint", "32768", NULL},
        {"int", "2147483647", "2147483647"},
        {"int", "2147483648", NULL},
        {"bigint", "9223372036854775807", "9223372036854775807"},
        {"bigint", "1.0", NULL},
        {"double", "1", "1.0"},
        {"double", "\"NaN\"", "\"NaN\""},
        {"double", "\"1\"", NULL},
        {"float", "0.1", "0.1"},
        {"decimal(5,2)", "1.5", "1.50"},
        {"decimal(5,2)", "1.555", NULL},
        {"decimal(5,2)", "1000", NULL},
        {"string", "1.50", "\"1.50\""},
        {"string", "true", "\"true\""},
        {"string", "{\"a\": [1]}", "\"{\\\"a\\\": [1]}\""},
        {"binary", "\"AAE=\"", "\"AAE=\""},
        {"binary", "\"A\"", NULL},
        {"date", "\"2026-02-28\"", "\"2026-02-28\""},
        {"date", "\"2026-02-30\"", NULL},
        {"date", "5", NULL},
        {"timestamp", "\"2026-01-02T03:04:05.678+01:00\"", "\"2026-01-02T02:04:05.678000Z\""},
        {"timestamp", "1", "\"1970-01-01T00:00:01.000000Z\""},
        {"interval day to second", "1", NULL},
        {"void", "1", "null"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct arena arena;
        arena_init(&arena, 0);
        const char *ddl = arena_printf(&arena, "struct<a:%s>", cases[i].type);
        const char *text = arena_printf(&arena, "{\"a\":%s}", cases[i].text);
        const char *actual = decode(&arena, ddl, &text, 1);
        if (cases[i].wanted == NULL) {
            assert_int_equal(actual[0], '!');
        } else {
            assert_string_equal(actual, arena_printf(&arena, "{\"a\":%s}\n", cases[i].wanted));
        }
        arena_deinit(&arena);
    }
}

/* More fields than are looked up at once. */
static void wide_records(void **state)
{
    (void) state;
    struct arena arena;
    arena_init(&arena, 0);
    CLEANUP(buffer_deinit) struct buffer ddl = BUFFER_INIT;
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    CLEANUP(buffer_deinit) struct buffer wanted = BUFFER_INIT;
    for (int i = 0; i < 200; i++) {
        buffer_printf(&ddl, "%sf%d:int", i == 0 ? "struct<" : ",", i);
        buffer_printf(&text, "%s\"f%d\":%d", i == 0 ? "{" : ",", 199 - i, 199 - i);
        buffer_printf(&wanted, "%s\"f%d\":%d", i == 0 ? "{" : ",", i, i);
    }
    buffer_append_string(&ddl, ">");
    buffer_append_string(&text, "}");
    buffer_append_string(&wanted, "}\n");
    const char *record = buffer_string(&text);
    assert_string_equal(decode(&arena, buffer_string(&ddl), &record, 1), buffer_string(&wanted));
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nested_records),
        cmocka_unit_test(scalars),
        cmocka_unit_test(wide_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
