/* Schema text, a NUL, a datum: a schema that is read can be written and read again; a datum is
 * shown as JSON and decoded to columns, and what decodes can be written as a row. */

#include "base/assert.h"
#include "codec/avro.h"

#include "fuzz.h"

static void schema_is_stable(const struct avro_schema *schema, struct arena *arena)
{
    struct buffer first = BUFFER_INIT;
    struct buffer second = BUFFER_INIT;
    const struct avro_schema *again;
    avro_schema_write(schema, &first);
    enum status status = avro_schema_parse(buffer_slice(&first), arena, &again, NULL);
    ASSERT(status == STATUS_OK);
    avro_schema_write(again, &second);
    ASSERT(slice_equal(buffer_slice(&first), buffer_slice(&second)));
    buffer_clear(&first);
    buffer_clear(&second);
    avro_schema_canonical(schema, &first);
    avro_schema_canonical(again, &second);
    ASSERT(slice_equal(buffer_slice(&first), buffer_slice(&second)));
    avro_schema_release(again);
    buffer_deinit(&first);
    buffer_deinit(&second);
}

static void show(const struct avro_schema *schema, struct slice datum)
{
    struct buffer text = BUFFER_INIT;
    if (avro_to_json(schema, datum, &text, NULL) == STATUS_OK) {
        struct json_document document;
        json_document_init(&document);
        enum status status = json_parse(&document, buffer_slice(&text), 1024, NULL);
        ASSERT(status == STATUS_OK);
        json_document_deinit(&document);
    } else {
        ASSERT(text.size == 0);
    }
    buffer_deinit(&text);
}

static void decode(const struct avro_schema *schema, struct slice datum, struct arena *arena)
{
    const struct type *type;
    bool nullable;
    struct avro_decoder *decoder;
    if (schema->kind != AVRO_RECORD ||
        avro_schema_type(schema, arena, &type, &nullable, NULL) != STATUS_OK ||
        avro_decoder_new(schema, schema, type, arena, &decoder, NULL) != STATUS_OK) {
        return;
    }
    uint32_t count = type->field_count;
    struct column_builder *builders = ARENA_ARRAY(arena, struct column_builder, count);
    for (uint32_t i = 0; i < count; i++) {
        column_builder_init(&builders[i], arena, type->fields[i].type, 0);
    }
    int64_t rows = avro_decode(decoder, datum, builders, NULL) == STATUS_OK;
    rows += avro_decode(decoder, datum, builders, NULL) == STATUS_OK;
    const struct column **columns = ARENA_ARRAY(arena, const struct column *, count);
    for (uint32_t i = 0; i < count; i++) {
        columns[i] = column_builder_finish(&builders[i]);
        ASSERT(columns[i]->length == rows);
    }
    struct batch batch = {.length = rows, .type = type, .columns = columns};
    struct buffer target = BUFFER_INIT;
    for (int64_t i = 0; i < rows; i++) {
        batch_write_json(&batch, i, &target);
        buffer_clear(&target);
        enum status status = avro_encode_row(schema, &batch, i, &target, NULL);
        ASSERT(status == STATUS_OK || target.size == 0);
        buffer_clear(&target);
    }
    buffer_deinit(&target);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size == 0 ? NULL : memchr(data, 0, size);
    size_t text_size = nul == NULL ? size : (size_t) (nul - data);
    struct slice datum = SLICE_EMPTY;
    if (nul != NULL) {
        datum = slice_of(nul + 1, size - text_size - 1);
    }
    struct arena arena;
    arena_init(&arena, 0);
    const struct avro_schema *schema;
    if (avro_schema_parse(slice_of(data, text_size), &arena, &schema, NULL) == STATUS_OK) {
        schema_is_stable(schema, &arena);
        show(schema, datum);
        decode(schema, datum, &arena);
        avro_schema_release(schema);
    }
    arena_deinit(&arena);
    return 0;
}
