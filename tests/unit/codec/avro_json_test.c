/* JSON records against a schema: drift, mixed fields, missing and doubled members. */

#include "codec/avro.h"

#include "test.h"

#include <stdio.h>

struct fixture {
    struct arena arena;
    const struct avro_schema *schema;
    struct json_document document;
    struct buffer datum;
    struct buffer json;
    struct drift drift;
    struct error error;
};

static struct fixture fixture_new(const char *schema)
{
    struct fixture fixture = {0};
    arena_init(&fixture.arena, 0);
    assert_ok(
        avro_schema_parse(slice_of_string(schema), &fixture.arena, &fixture.schema, &fixture.error),
        fixture.error);
    return fixture;
}

static void fixture_free(struct fixture *fixture)
{
    avro_schema_release(fixture->schema);
    json_document_deinit(&fixture->document);
    buffer_deinit(&fixture->datum);
    buffer_deinit(&fixture->json);
    arena_deinit(&fixture->arena);
}

static enum status encode(struct fixture *fixture, const char *text, bool strict)
{
    assert_ok(json_parse(&fixture->document, slice_of_string(text), 0, &fixture->error),
              fixture->error);
    buffer_clear(&fixture->datum);
    buffer_append_string(&fixture->datum, "before");
    enum status status = avro_encode_json(fixture->schema, &fixture->document, 0, strict,
                                          &fixture->datum, &fixture->drift, &fixture->error);
    if (status != STATUS_OK) {
        assert_int_equal(status, STATUS_DATA);
        assert_int_equal(fixture->datum.size, 6);
    }
    return status;
}

/* The record as it comes back. */
static const char *round_trip(struct fixture *fixture, const char *text)
{
    assert_ok(encode(fixture, text, false), fixture->error);
    buffer_clear(&fixture->json);
    struct slice datum = slice_of(fixture->datum.data + 6, fixture->datum.size - 6);
    assert_ok(avro_to_json(fixture->schema, datum, &fixture->json, &fixture->error),
              fixture->error);
    return buffer_string(&fixture->json);
}

static void assert_drift(struct fixture *fixture,
                         const char *text,
                         enum drift_kind kind,
                         const char *path,
                         const char *raw,
                         const char *message)
{
    if (encode(fixture, text, true) != STATUS_DATA) {
        fail_msg("%s is accepted", text);
    }
    assert_int_equal(fixture->drift.kind, kind);
    assert_string_equal(fixture->drift.path, path);
    if (raw == NULL) {
        assert_int_equal(fixture->drift.value, UINT32_MAX);
    } else {
        assert_true(slice_equal_string(json_raw(&fixture->document, fixture->drift.value), raw));
    }
    if (strstr(fixture->error.message, message) == NULL) {
        fail_msg("\"%s\" lacks \"%s\"", fixture->error.message, message);
    }
}

#define SCHEMA                                                                                     \
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":["                                             \
    "{\"name\":\"a\",\"type\":\"long\"},"                                                          \
    "{\"name\":\"b\",\"type\":[\"null\",\"string\"],\"default\":null},"                            \
    "{\"name\":\"o\",\"type\":{\"type\":\"record\",\"name\":\"O\",\"fields\":["                    \
    "{\"name\":\"p\",\"type\":\"string\",\"default\":\"dflt\"},"                                   \
    "{\"name\":\"q\",\"type\":[\"null\",\"string\"],\"default\":null,\"leat.mixed\":true}]}},"     \
    "{\"name\":\"l\",\"type\":{\"type\":\"array\",\"items\":\"int\"},\"default\":[]},"             \
    "{\"name\":\"x_y\",\"type\":[\"null\",\"boolean\"],\"default\":null,\"aliases\":[\"x-y\"]}]}"

static void members_in_any_order(void **state)
{
    (void) state;
    struct fixture fixture = fixture_new(SCHEMA);
    const char *wanted =
        "{\"a\":1,\"b\":\"s\",\"o\":{\"p\":\"P\",\"q\":\"007\"},\"l\":[1,2],\"x_y\":true}";
    assert_string_equal(round_trip(&fixture,
                                   "{\"a\":1,\"b\":\"s\",\"o\":{\"p\":\"P\",\"q\":\"007\"},"
                                   "\"l\":[1,2],\"x_y\":true}"),
                        wanted);
    assert_string_equal(round_trip(&fixture,
                                   "{\"x-y\":true,\"l\":[1,2],\"o\":{\"q\":\"007\",\"p\":\"P\"},"
                                   "\"b\":\"s\",\"a\":1}"),
                        wanted);
    /* Of equal names the last wins, as in the reader's json_member; others are skipped. */
    assert_string_equal(round_trip(&fixture,
                                   "{\"a\":5,\"new\":{\"z\":[1]},\"b\":\"s\",\"o\":{\"p\":\"no\","
                                   "\"q\":\"007\",\"p\":\"P\"},\"l\":[1,2],\"x_y\":true,\"a\":1}"),
                        wanted);
    assert_string_equal(
        round_trip(&fixture, "{\"\\u0061\":1,\"o\":{\"p\":\"\\u0050\"},\"b\":\"s\"}"),
        "{\"a\":1,\"b\":\"s\",\"o\":{\"p\":\"P\",\"q\":null},\"l\":[],\"x_y\":null}");
    fixture_free(&fixture);
}

static void mixed_fields_keep_digits(void **state)
{
    (void) state;
    struct fixture fixture = fixture_new(SCHEMA);
    static const char *const numbers[] = {"1",   "-0",   "1.50",
                                          "1e5", "0.10", "12345678901234567890123"};
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        char text[200];
        char wanted[200];
        (void) snprintf(text, sizeof(text), "{\"a\":1,\"o\":{\"q\":%s}}", numbers[i]);
        (void) snprintf(wanted, sizeof(wanted), "\"q\":\"%s\"", numbers[i]);
        assert_non_null(strstr(round_trip(&fixture, text), wanted));
    }
    fixture_free(&fixture);
}

static void says_what_departs(void **state)
{
    (void) state;
    struct fixture fixture = fixture_new(SCHEMA);
    assert_drift(&fixture, "{\"b\":\"s\",\"o\":{}}", DRIFT_MISSING_FIELD, "a", NULL,
                 "field \"a\": it is missing");
    assert_drift(&fixture, "{\"a\":1}", DRIFT_MISSING_FIELD, "o", NULL, "missing");
    assert_drift(&fixture, "{\"a\":\"1\",\"o\":{}}", DRIFT_TYPE_CHANGE, "a", "\"1\"",
                 "\"1\" is not of type long");
    assert_drift(&fixture, "{\"a\":1.0,\"o\":{}}", DRIFT_TYPE_CHANGE, "a", "1.0",
                 "not of type long");
    assert_drift(&fixture, "{\"a\":9223372036854775808,\"o\":{}}", DRIFT_TYPE_CHANGE, "a",
                 "9223372036854775808", "long");
    assert_drift(&fixture, "{\"a\":null,\"o\":{}}", DRIFT_TYPE_CHANGE, "a", "null", "long");
    assert_drift(&fixture, "{\"a\":1,\"b\":2,\"o\":{}}", DRIFT_TYPE_CHANGE, "b", "2",
                 "not of type string");
    assert_drift(&fixture, "{\"a\":1,\"o\":{\"q\":[1]}}", DRIFT_TYPE_CHANGE, "o.q", "[1]",
                 "field \"o.q\"");
    assert_drift(&fixture, "{\"a\":1,\"o\":[]}", DRIFT_TYPE_CHANGE, "o", "[]", "not of type O");
    assert_drift(&fixture, "{\"a\":1,\"o\":{},\"l\":[1,\"x\"]}", DRIFT_TYPE_CHANGE, "l.1", "\"x\"",
                 "not of type int");
    assert_drift(&fixture, "{\"a\":1,\"o\":{},\"l\":[2147483648]}", DRIFT_TYPE_CHANGE, "l.0",
                 "2147483648", "int");
    assert_drift(&fixture, "{\"a\":1,\"o\":{\"new\":1}}", DRIFT_NEW_FIELD, "o.new", "1",
                 "does not have this field");
    assert_drift(&fixture, "{\"a\":1,\"o\":{},\"n\":null}", DRIFT_NEW_FIELD, "n", "null", "");
    assert_drift(&fixture, "[]", DRIFT_TYPE_CHANGE, "", "[]", "not of type R");
    assert_drift(&fixture, "{\"a\":1,\"o\":{},\"x-y\":true,\"x_y\":true}", DRIFT_NAMES, "x-y",
                 "true", "\"x_y\" are one field");
    assert_drift(&fixture, "{\"a\":1,\"o\":{},\"x\\u0000\":true}", DRIFT_NAMES, "", "true", "NUL");
    fixture_free(&fixture);
}

static void unions_take_what_fits(void **state)
{
    (void) state;
    struct fixture fixture = fixture_new(
        "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"u\",\"type\":[\"null\","
        "\"int\",\"string\",{\"type\":\"array\",\"items\":\"boolean\"},"
        "{\"type\":\"record\",\"name\":\"P\",\"fields\":[{\"name\":\"x\",\"type\":\"int\"}]},"
        "{\"type\":\"record\",\"name\":\"Q\",\"fields\":[{\"name\":\"y\",\"type\":\"string\"}]}]}]"
        "}");
    static const char *const same[] = {
        "{\"u\":null}",   "{\"u\":1}",         "{\"u\":\"1\"}",
        "{\"u\":[true]}", "{\"u\":{\"x\":1}}", "{\"u\":{\"y\":\"1\"}}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
        assert_string_equal(round_trip(&fixture, same[i]), same[i]);
    }
    /* A union of string and number: what fits no number keeps its digits. */
    assert_string_equal(round_trip(&fixture, "{\"u\":1.5}"), "{\"u\":\"1.5\"}");
    assert_drift(&fixture, "{\"u\":true}", DRIFT_TYPE_CHANGE, "u", "true", "");
    assert_drift(&fixture, "{\"u\":[1]}", DRIFT_TYPE_CHANGE, "u", "[1]", "");
    fixture_free(&fixture);
}

static void logical_types(void **state)
{
    (void) state;
    struct fixture fixture = fixture_new(
        "{\"type\":\"record\",\"name\":\"R\",\"fields\":["
        "{\"name\":\"d\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":5,"
        "\"scale\":2},\"default\":\"\"},"
        "{\"name\":\"t\",\"type\":[\"null\",{\"type\":\"long\",\"logicalType\":\"timestamp-"
        "millis\"}]},"
        "{\"name\":\"b\",\"type\":[\"null\",\"bytes\"],\"default\":null}]}");
    assert_string_equal(round_trip(&fixture, "{\"d\":1.5,\"t\":\"1969-12-31T23:59:59.9995Z\"}"),
                        "{\"d\":1.50,\"t\":\"1969-12-31T23:59:59.999000Z\",\"b\":null}");
    assert_string_equal(round_trip(&fixture, "{\"d\":-12e1,\"t\":0,\"b\":\"AAE=\"}"),
                        "{\"d\":-120.00,\"t\":\"1970-01-01T00:00:00.000000Z\",\"b\":\"AAE=\"}");
    assert_string_equal(round_trip(&fixture, "{\"d\":999.9900,\"t\":null}"),
                        "{\"d\":999.99,\"t\":null,\"b\":null}");
    static const char *const refused[] = {"1000", "1.005", "1e3", "\"1\"", "1e-3", "1e999999999"};
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        char text[100];
        (void) snprintf(text, sizeof(text), "{\"d\":%s,\"t\":null}", refused[i]);
        assert_drift(&fixture, text, DRIFT_TYPE_CHANGE, "d", refused[i], "decimal");
    }
    assert_drift(&fixture, "{\"t\":\"soon\"}", DRIFT_TYPE_CHANGE, "t", "\"soon\"",
                 "timestamp-millis");
    assert_drift(&fixture, "{\"t\":1.5}", DRIFT_TYPE_CHANGE, "t", "1.5", "timestamp-millis");
    assert_drift(&fixture, "{\"b\":\"AA=\",\"t\":1}", DRIFT_TYPE_CHANGE, "b", "\"AA=\"", "bytes");
    fixture_free(&fixture);
}

/* ---- Inferred and widened schemas ------------------------------------------------------------ */

static const char *infer(struct arena *arena, const char *const *texts, size_t count)
{
    struct json_document documents[8];
    const struct json_document *pointers[8];
    uint32_t indices[8] = {0};
    struct error error;
    for (size_t i = 0; i < count; i++) {
        json_document_init(&documents[i]);
        assert_ok(json_parse(&documents[i], slice_of_string(texts[i]), 0, &error), error);
        pointers[i] = &documents[i];
    }
    const struct avro_schema *schema;
    assert_ok(avro_schema_infer(pointers, indices, count, "my.space.User", arena, &schema, &error),
              error);
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    CLEANUP(buffer_deinit) struct buffer datum = BUFFER_INIT;
    avro_schema_write(schema, &text);
    for (size_t i = 0; i < count; i++) { /* every sample fits, without a new field */
        assert_ok(avro_encode_json(schema, pointers[i], 0, true, &datum, NULL, &error), error);
        json_document_deinit(&documents[i]);
    }
    avro_schema_release(schema);
    return arena_string(arena, buffer_slice(&text));
}

static void infers(void **state)
{
    (void) state;
    struct arena arena;
    arena_init(&arena, 0);
    static const char *const samples[] = {
        "{\"i\":1,\"d\":1,\"m\":1,\"s\":\"x\",\"b\":true,\"n\":null,\"o\":{\"p\":1},\"e\":[]}",
        "{\"i\":2,\"d\":1.5,\"m\":\"1\",\"o\":null,\"new-name\":1,\"e\":[{\"p\":1},null]}",
    };
    assert_string_equal(
        infer(&arena, samples, 2),
        "{\"name\":\"User\",\"namespace\":\"my.space\",\"type\":\"record\",\"fields\":["
        "{\"name\":\"i\",\"type\":[\"null\",\"long\"],\"default\":null},"
        "{\"name\":\"d\",\"type\":[\"null\",\"double\"],\"default\":null},"
        "{\"name\":\"m\",\"type\":[\"null\",{\"type\":\"string\",\"leat.mixed\":true}],\"default\":"
        "null},"
        "{\"name\":\"s\",\"type\":[\"null\",\"string\"],\"default\":null},"
        "{\"name\":\"b\",\"type\":[\"null\",\"boolean\"],\"default\":null},"
        "{\"name\":\"n\",\"type\":\"null\",\"default\":null},"
        "{\"name\":\"o\",\"type\":[\"null\",{\"name\":\"User_o\",\"type\":\"record\",\"fields\":["
        "{\"name\":\"p\",\"type\":[\"null\",\"long\"],\"default\":null}]}],\"default\":null},"
        "{\"name\":\"e\",\"type\":[\"null\",{\"type\":\"array\",\"items\":[\"null\","
        "{\"name\":\"User_e\",\"type\":\"record\",\"fields\":["
        "{\"name\":\"p\",\"type\":[\"null\",\"long\"],\"default\":null}]}]}],\"default\":null},"
        "{\"name\":\"new_name\",\"type\":[\"null\",\"long\"],\"default\":null,"
        "\"aliases\":[\"new-name\"]}]}");
    static const char *const odd[] = {
        "{\"a b\":1,\"a_b\":2,\"1\":3,\"\":4,\"x\":{\"y_z\":{}},\"x_y\":{\"z\":{}},\"u\":1}",
        "{\"u\":[1,\"2\",[3]]}",
        "{\"u\":{\"v\":true}}",
    };
    (void) infer(&arena, odd, 3);
    /* A name that is valid stays, also behind one that becomes the same. */
    static const char *const same[] = {"{\"a b\":1,\"a_b\":\"x\",\"a-b\":true}"};
    const char *text = infer(&arena, same, 1);
    assert_non_null(strstr(text, "{\"name\":\"a_b_2\",\"type\":[\"null\",\"long\"]"));
    assert_non_null(strstr(text, "{\"name\":\"a_b\",\"type\":[\"null\",\"string\"]"));
    assert_non_null(strstr(text, "{\"name\":\"a_b_3\",\"type\":[\"null\",\"boolean\"]"));
    arena_deinit(&arena);
}

/* A new name that Avro refuses does not take the place of a new one that it does not. */
static void names_evolve_side_by_side(void **state)
{
    (void) state;
    struct fixture fixture = fixture_new("{\"type\":\"record\",\"name\":\"R\",\"fields\":[]}");
    const char *text = "{\"a b\":1,\"a_b\":\"x\",\"n\\u0000\":1}";
    const struct avro_schema *after;
    assert_ok(json_parse(&fixture.document, slice_of_string(text), 0, &fixture.error),
              fixture.error);
    assert_ok(avro_schema_evolve(fixture.schema, &fixture.document, 0, true, &fixture.arena, &after,
                                 &fixture.error),
              fixture.error);
    assert_int_equal(after->field_count, 2);
    assert_string_equal(after->fields[0].name, "a_b_2");
    assert_string_equal(after->fields[0].aliases[0], "a b");
    assert_string_equal(after->fields[1].name, "a_b");
    avro_schema_release(after);
    fixture_free(&fixture);
}

static void assert_evolves(const char *before, const char *text, bool widen, const char *part)
{
    struct fixture fixture = fixture_new(before);
    assert_ok(json_parse(&fixture.document, slice_of_string(text), 0, &fixture.error),
              fixture.error);
    const struct avro_schema *after;
    assert_ok(avro_schema_evolve(fixture.schema, &fixture.document, 0, widen, &fixture.arena,
                                 &after, &fixture.error),
              fixture.error);
    if (part == NULL) {
        assert_ptr_equal(after, fixture.schema);
    } else {
        buffer_clear(&fixture.json);
        avro_schema_write(after, &fixture.json);
        if (strstr(buffer_string(&fixture.json), part) == NULL) {
            fail_msg("%s lacks %s", buffer_string(&fixture.json), part);
        }
        assert_ok(avro_encode_json(after, &fixture.document, 0, true, &fixture.datum, NULL,
                                   &fixture.error),
                  fixture.error);
        avro_schema_release(after);
    }
    fixture_free(&fixture);
}

#define ONE(type)                                                                                  \
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":" type "}]}"

static void evolves(void **state)
{
    (void) state;
    assert_evolves(ONE("\"int\""), "{\"a\":1}", true, NULL);
    assert_evolves(ONE("\"int\""), "{\"a\":\"x\"}", false, NULL);
    assert_evolves(ONE("\"int\""), "{\"a\":1,\"b\":\"x\"}", false,
                   "{\"name\":\"b\",\"type\":[\"null\",\"string\"],\"default\":null}");
    assert_evolves(ONE("\"int\""), "{\"a\":3000000000}", true, "\"type\":\"long\"");
    assert_evolves(ONE("\"int\""), "{\"a\":1.5}", true, "\"type\":\"double\"");
    assert_evolves(ONE("[\"null\",\"long\"]"), "{\"a\":1.5}", true, "[\"null\",\"double\"]");
    assert_evolves(ONE("[\"null\",\"long\"]"), "{\"a\":\"x\"}", true,
                   "[\"null\",{\"type\":\"string\",\"leat.mixed\":true}]");
    assert_evolves(ONE("\"string\""), "{\"a\":7}", true, "\"leat.mixed\":true");
    assert_evolves(ONE("\"string\""), "{\"a\":null}", true, "[\"null\",\"string\"]");
    assert_evolves(ONE("\"string\""), "{}", true,
                   "\"type\":[\"null\",\"string\"],\"default\":null");
    assert_evolves(ONE("\"null\""), "{\"a\":7}", false, "[\"null\",\"long\"]");
    assert_evolves(ONE("\"boolean\""), "{\"a\":\"x\"}", true, "[\"boolean\",\"string\"]");
    assert_evolves(ONE("{\"type\":\"array\",\"items\":\"int\"}"), "{\"a\":[1,2.5,\"x\",null]}",
                   true, "\"items\":[\"null\",{\"type\":\"string\",\"leat.mixed\":true}]");
    assert_evolves(ONE("{\"type\":\"array\",\"items\":\"null\"}"),
                   "{\"a\":[{\"x\":1},{\"x\":\"2\",\"y\":3}]}", true, "\"name\":\"y\"");
    /* A record that is used twice changes where it is defined. */
    assert_evolves("{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"n\",\"fields\":["
                   "{\"name\":\"a\",\"type\":{\"type\":\"record\",\"name\":\"S\",\"fields\":[]}},"
                   "{\"name\":\"b\",\"type\":[\"null\",\"S\"],\"doc\":\"d\",\"x\":{\"y\":1}}]}",
                   "{\"a\":{\"p\":1},\"b\":{\"q\":{\"r\":1}}}", false,
                   "{\"name\":\"a\",\"type\":{\"name\":\"S\",\"type\":\"record\",\"fields\":["
                   "{\"name\":\"p\",\"type\":[\"null\",\"long\"],\"default\":null},"
                   "{\"name\":\"q\",\"type\":[\"null\",{\"name\":\"S_q\",\"type\":\"record\"");
}

/* ---- From types ------------------------------------------------------------------------------ */

/* The type of the schema made from a type is that type, but for the few that Avro does not have. */
static void from_types(void **state)
{
    (void) state;
    static const char *const cases[][2] = {
        {"struct<a:boolean,b:int,c:bigint,d:float,e:double,f:string,g:binary>", NULL},
        {"struct<a:date,b:timestamp,c:decimal(20,4),d:void>", NULL},
        {"struct<a:array<map<string,struct<x:array<int>>>>>", NULL},
        {"struct<a_b:struct<c:struct<x:int>>,a:struct<b_c:struct<y:int>>>", NULL},
        {"struct<a:tinyint,b:smallint,c:interval day to second,d:interval year to month>",
         "struct<a:int,b:int,c:bigint,d:int>"},
        {"struct<`count(1)`:bigint,`1`:int,count_1_:int>",
         "struct<count_1__2:bigint,_1:int,count_1_:int>"},
    };
    struct arena arena;
    arena_init(&arena, 0);
    struct error error;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct type *type;
        const struct type *back;
        const struct avro_schema *schema;
        bool nullable;
        assert_ok(type_parse(slice_of_string(cases[i][0]), &arena, &type, &error), error);
        assert_ok(avro_schema_from_type(type, "a.b.R", &arena, &schema, &error), error);
        assert_ok(avro_schema_type(schema, &arena, &back, &nullable, &error), error);
        assert_string_equal(type_text(back, &arena),
                            cases[i][1] != NULL ? cases[i][1] : cases[i][0]);
        avro_schema_release(schema);
    }
    const struct type *type;
    const struct avro_schema *schema;
    assert_ok(type_parse(SLICE("struct<a:map<int,int>>"), &arena, &type, &error), error);
    assert_fails(avro_schema_from_type(type, "R", &arena, &schema, &error), STATUS_CONFIG, error,
                 "column \"a\": Avro has maps with string keys only");
    arena_deinit(&arena);
}

/* A schema of 40 records, each holding the one before twice, stands for 2^40 values. */
static void schema_bombs(void **state)
{
    (void) state;
    static const char *const first[] = {"[]", "[{\"name\":\"x\",\"type\":\"int\"}]"};
    static const char *const reason[] = {"too many items without bytes", "it ends early"};
    for (int kind = 0; kind < 2; kind++) {
        struct arena arena;
        struct error error;
        arena_init(&arena, 0);
        const char *text = arena_printf(
            &arena, "{\"type\":\"record\",\"name\":\"R0\",\"fields\":%s}", first[kind]);
        for (int i = 1; i < 40; i++) {
            text = arena_printf(&arena,
                                "{\"type\":\"record\",\"name\":\"R%d\",\"fields\":[{\"name\":"
                                "\"a\",\"type\":%s},{\"name\":\"b\",\"type\":\"R%d\"}]}",
                                i, text, i - 1);
        }
        const struct avro_schema *schema;
        const struct type *type;
        struct avro_decoder *decoder;
        bool nullable;
        assert_ok(avro_schema_parse(slice_of_string(text), &arena, &schema, &error), error);
        assert_fails(avro_schema_type(schema, &arena, &type, &nullable, &error), STATUS_CONFIG,
                     error, "more than 65536 columns");
        assert_ok(type_parse(SLICE("struct<z:int>"), &arena, &type, &error), error);
        assert_ok(avro_decoder_new(schema, NULL, type, &arena, &decoder, &error), error);
        struct column_builder builder;
        column_builder_init(&builder, &arena, type->fields[0].type, 0);
        assert_fails(avro_decode(decoder, SLICE("abc"), &builder, &error), STATUS_DATA, error,
                     reason[kind]);
        CLEANUP(buffer_deinit) struct buffer json = BUFFER_INIT;
        assert_fails(avro_to_json(schema, SLICE("abc"), &json, &error), STATUS_DATA, error,
                     reason[kind]);
        avro_schema_release(schema);
        arena_deinit(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_evolve_side_by_side),
        cmocka_unit_test(members_in_any_order),
        cmocka_unit_test(mixed_fields_keep_digits),
        cmocka_unit_test(says_what_departs),
        cmocka_unit_test(unions_take_what_fits),
        cmocka_unit_test(logical_types),
        cmocka_unit_test(infers),
        cmocka_unit_test(evolves),
        cmocka_unit_test(from_types),
        cmocka_unit_test(schema_bombs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
