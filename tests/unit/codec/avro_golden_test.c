/* Against fastavro and avro (tests/golden/avro/make.py). */

#include "codec/avro.h"

#include "golden.h"
#include "test.h"

struct fixture {
    struct arena arena;
    struct json_document expected;
    struct json_document actual;
    struct buffer text;
    struct error error;
};

static struct fixture fixture_new(void)
{
    struct fixture fixture = {0};
    arena_init(&fixture.arena, 0);
    return fixture;
}

static void fixture_free(struct fixture *fixture)
{
    arena_deinit(&fixture->arena);
    json_document_deinit(&fixture->expected);
    json_document_deinit(&fixture->actual);
    buffer_deinit(&fixture->text);
}

/* The next word of a line, unhexed into the arena ("-" is empty). */
static struct slice next_bytes(struct fixture *fixture, struct slice *line)
{
    CLEANUP(buffer_deinit) struct buffer bytes = golden_hex(golden_word(line));
    return arena_copy(&fixture->arena, buffer_slice(&bytes));
}

static const struct avro_schema *next_schema(struct fixture *fixture, struct slice *line)
{
    const struct avro_schema *schema;
    struct slice text = next_bytes(fixture, line);
    assert_ok(avro_schema_parse(text, &fixture->arena, &schema, &fixture->error), fixture->error);
    return schema;
}

/* Numbers may be written differently, and floats have 32 bits. */
static bool same_number(const struct fixture *fixture, uint32_t a, uint32_t b)
{
    double left = json_double(&fixture->expected, a);
    double right = json_double(&fixture->actual, b);
    int64_t left_integer;
    int64_t right_integer;
    bool left_integral = json_int64(&fixture->expected, a, &left_integer);
    bool right_integral = json_int64(&fixture->actual, b, &right_integer);
    if (left_integral && right_integral) {
        return left_integer == right_integer;
    }
    return left == right || (float) left == (float) right;
}

static bool same(const struct fixture *fixture, uint32_t a, uint32_t b)
{
    const struct json_value *left = json_at(&fixture->expected, a);
    const struct json_value *right = json_at(&fixture->actual, b);
    if (left->kind != right->kind || left->count != right->count) {
        return false;
    }
    if (left->kind == JSON_KIND_NUMBER) {
        return same_number(fixture, a, b);
    }
    if (left->kind < JSON_KIND_ARRAY) {
        return slice_equal(json_raw(&fixture->expected, a), json_raw(&fixture->actual, b));
    }
    uint32_t at = a + 1;
    uint32_t other = b + 1;
    for (uint32_t i = 0; i < left->count; i++) {
        if (left->kind == JSON_KIND_OBJECT) {
            struct slice name = json_raw(&fixture->expected, at);
            name = slice_of(name.data + 1, name.size - 2); /* no escapes in names here */
            other = json_member(&fixture->actual, b, name);
            at++;
        }
        if (other == UINT32_MAX || !same(fixture, at, other)) {
            return false;
        }
        at = json_at(&fixture->expected, at)->next;
        other = json_at(&fixture->actual, other)->next;
    }
    return true;
}

static void assert_same_json(struct fixture *fixture, struct slice wanted)
{
    struct slice text = buffer_slice(&fixture->text);
    assert_ok(json_parse(&fixture->expected, wanted, 0, &fixture->error), fixture->error);
    assert_ok(json_parse(&fixture->actual, text, 0, &fixture->error), fixture->error);
    if (!same(fixture, 0, 0)) {
        fail_msg("%.*s, not %.*s", SLICE_FORMAT(text), SLICE_FORMAT(wanted));
    }
}

/* Decodes a datum three times (and something wrong in between) into a batch. */
static struct batch *decode(struct fixture *fixture,
                            const struct avro_schema *writer,
                            const struct avro_schema *reader,
                            const struct type *type,
                            struct slice datum)
{
    struct avro_decoder *decoder;
    assert_ok(avro_decoder_new(writer, reader, type, &fixture->arena, &decoder, &fixture->error),
              fixture->error);
    uint32_t count = type->field_count;
    struct column_builder *builders = ARENA_ARRAY(&fixture->arena, struct column_builder, count);
    for (uint32_t i = 0; i < count; i++) {
        column_builder_init(&builders[i], &fixture->arena, type->fields[i].type, 0);
    }
    for (int row = 0; row < 3; row++) {
        assert_ok(avro_decode(decoder, datum, builders, &fixture->error), fixture->error);
        for (size_t cut = 0; cut < datum.size; cut++) {
            assert_int_equal(
                avro_decode(decoder, slice_of(datum.data, cut), builders, &fixture->error),
                STATUS_DATA);
        }
    }
    const struct column **columns = ARENA_ARRAY(&fixture->arena, const struct column *, count);
    for (uint32_t i = 0; i < count; i++) {
        columns[i] = column_builder_finish(&builders[i]);
        assert_int_equal(columns[i]->length, 3);
    }
    struct batch *batch = ARENA_NEW(&fixture->arena, struct batch);
    *batch = (struct batch){.length = 3, .type = type, .columns = columns};
    return batch;
}

/* A union of several has no JSON form of its own in columns: STRUCT<member0, ...>. */
static bool is_plain(struct fixture *fixture, const struct type *type)
{
    return strstr(type_text(type, &fixture->arena), "member0") == NULL;
}

/* Our bytes must be the foreign ones, but for decimals: fastavro writes -128 in two bytes, Java and
 * we in one. Those must read as the same value. */
static void assert_same_datum(struct fixture *fixture,
                              const struct avro_schema *schema,
                              struct slice datum,
                              struct slice wanted)
{
    if (slice_equal(buffer_slice(&fixture->text), datum)) {
        return;
    }
    if (schema->fields[0].schema->logical != AVRO_DECIMAL || fixture->text.size >= datum.size) {
        fail_msg("%.*s becomes other bytes", SLICE_FORMAT(wanted));
    }
    struct slice own = arena_copy(&fixture->arena, buffer_slice(&fixture->text));
    buffer_clear(&fixture->text);
    assert_ok(avro_to_json(schema, own, &fixture->text, &fixture->error), fixture->error);
    assert_same_json(fixture, wanted);
}

static void check_columns(struct fixture *fixture,
                          const struct avro_schema *schema,
                          struct slice datum,
                          struct slice wanted)
{
    const struct type *type;
    bool nullable;
    if (avro_schema_type(schema, &fixture->arena, &type, &nullable, &fixture->error) != STATUS_OK) {
        assert_non_null(strstr(fixture->error.message, "holds itself"));
        return;
    }
    struct batch *batch = decode(fixture, schema, schema, type, datum);
    if (!is_plain(fixture, type)) {
        return;
    }
    buffer_clear(&fixture->text);
    batch_write_json(batch, 1, &fixture->text);
    assert_same_json(fixture, wanted);
    buffer_clear(&fixture->text);
    assert_ok(avro_encode_row(schema, batch, 2, &fixture->text, &fixture->error), fixture->error);
    assert_same_datum(fixture, schema, datum, wanted);
}

static void datums(void **state)
{
    (void) state;
    CLEANUP(buffer_deinit) struct buffer file = golden_load("avro/datums.txt");
    struct slice rest = buffer_slice(&file);
    struct slice line;
    size_t cases = 0;
    for (; golden_line(&rest, &line); cases++) {
        struct fixture fixture = fixture_new();
        const struct avro_schema *schema = next_schema(&fixture, &line);
        struct slice datum = next_bytes(&fixture, &line);
        struct slice wanted = next_bytes(&fixture, &line);

        assert_ok(avro_to_json(schema, datum, &fixture.text, &fixture.error), fixture.error);
        assert_same_json(&fixture, wanted);

        buffer_clear(&fixture.text);
        struct drift drift;
        assert_ok(json_parse(&fixture.expected, wanted, 0, &fixture.error), fixture.error);
        assert_ok(avro_encode_json(schema, &fixture.expected, 0, true, &fixture.text, &drift,
                                   &fixture.error),
                  fixture.error);
        assert_same_datum(&fixture, schema, datum, wanted);
        assert_int_equal(drift.kind, DRIFT_NONE);

        for (size_t cut = 0; cut < datum.size; cut++) {
            size_t before = fixture.text.size;
            enum status status =
                avro_to_json(schema, slice_of(datum.data, cut), &fixture.text, &fixture.error);
            assert_int_equal(status, STATUS_DATA);
            assert_int_equal(fixture.text.size, before);
        }
        check_columns(&fixture, schema, datum, wanted);
        avro_schema_release(schema);
        fixture_free(&fixture);
    }
    assert_true(cases > 90);
}

static void resolution(void **state)
{
    (void) state;
    CLEANUP(buffer_deinit) struct buffer file = golden_load("avro/resolution.txt");
    struct slice rest = buffer_slice(&file);
    struct slice line;
    size_t cases = 0;
    for (; golden_line(&rest, &line); cases++) {
        struct fixture fixture = fixture_new();
        const struct avro_schema *writer = next_schema(&fixture, &line);
        const struct avro_schema *reader = next_schema(&fixture, &line);
        struct slice datum = next_bytes(&fixture, &line);
        struct slice wanted = next_bytes(&fixture, &line);
        const struct type *type;
        bool nullable;
        assert_ok(avro_schema_type(reader, &fixture.arena, &type, &nullable, &fixture.error),
                  fixture.error);
        struct batch *batch = decode(&fixture, writer, reader, type, datum);
        batch_write_json(batch, 2, &fixture.text);
        assert_same_json(&fixture, wanted);
        avro_schema_release(writer);
        avro_schema_release(reader);
        fixture_free(&fixture);
    }
    assert_true(cases > 30);
}

static void canonical_forms(void **state)
{
    (void) state;
    CLEANUP(buffer_deinit) struct buffer file = golden_load("avro/canonical.txt");
    struct slice rest = buffer_slice(&file);
    struct slice line;
    size_t cases = 0;
    for (; golden_line(&rest, &line); cases++) {
        struct fixture fixture = fixture_new();
        const struct avro_schema *schema = next_schema(&fixture, &line);
        struct slice wanted = next_bytes(&fixture, &line);
        struct slice fingerprint = next_bytes(&fixture, &line);
        CLEANUP(buffer_deinit) struct buffer form = BUFFER_INIT;
        avro_schema_canonical(schema, &form);
        assert_string_equal(buffer_string(&form), (const char *) wanted.data);
        CLEANUP(buffer_deinit) struct buffer bytes = BUFFER_INIT;
        buffer_append_be64(&bytes, avro_fingerprint(buffer_slice(&form)));
        assert_true(slice_equal(buffer_slice(&bytes), fingerprint));

        /* Written and read again it is the same, and so is the second text. */
        const struct avro_schema *again;
        CLEANUP(buffer_deinit) struct buffer first = BUFFER_INIT;
        CLEANUP(buffer_deinit) struct buffer second = BUFFER_INIT;
        avro_schema_write(schema, &first);
        assert_ok(avro_schema_parse(buffer_slice(&first), &fixture.arena, &again, &fixture.error),
                  fixture.error);
        avro_schema_write(again, &second);
        assert_string_equal(buffer_string(&first), buffer_string(&second));
        buffer_clear(&form);
        avro_schema_canonical(again, &form);
        assert_string_equal(buffer_string(&form), (const char *) wanted.data);
        avro_schema_release(schema);
        avro_schema_release(again);
        fixture_free(&fixture);
    }
    assert_true(cases > 15);
    /* Apache Avro's own test data for "int" (share/test/data/schema-tests.txt). */
    assert_true(avro_fingerprint(SLICE("\"int\"")) == UINT64_C(0x7275d51a3f395c8f));
}

static void bad_schemas(void **state)
{
    (void) state;
    CLEANUP(buffer_deinit) struct buffer file = golden_load("avro/bad_schemas.txt");
    struct slice rest = buffer_slice(&file);
    struct slice line;
    while (golden_line(&rest, &line)) {
        struct fixture fixture = fixture_new();
        struct slice text = next_bytes(&fixture, &line);
        const struct avro_schema *schema;
        enum status status = avro_schema_parse(text, &fixture.arena, &schema, &fixture.error);
        if (status != STATUS_DATA) {
            fail_msg("%.*s is not refused", SLICE_FORMAT(text));
        }
        assert_non_null(strstr(fixture.error.message, "not an Avro schema"));
        fixture_free(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datums),
        cmocka_unit_test(resolution),
        cmocka_unit_test(canonical_forms),
        cmocka_unit_test(bad_schemas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
