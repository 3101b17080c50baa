/* Any bytes as JSON: what is read has a canonical form that reads as the same; an object fits the
 * schema that is inferred from it, and comes back from Avro. */

#include "base/assert.h"
#include "codec/avro.h"

#include "fuzz.h"

static void canonical_is_stable(const struct json_document *document)
{
    struct json_document again;
    struct buffer first = BUFFER_INIT;
    struct buffer second = BUFFER_INIT;
    json_document_init(&again);
    json_canonical(document, 0, NULL, 0, &first);
    enum status status = json_parse(&again, buffer_slice(&first), 0, NULL);
    ASSERT(status == STATUS_OK);
    json_canonical(&again, 0, NULL, 0, &second);
    ASSERT(slice_equal(buffer_slice(&first), buffer_slice(&second)));
    buffer_deinit(&first);
    buffer_deinit(&second);
    json_document_deinit(&again);
}

/* Numbers that no double holds, names with NUL, and nesting that a schema refuses, are the only
 * ways to fail. */
static void fits_inferred_schema(const struct json_document *document, struct arena *arena)
{
    const struct avro_schema *schema;
    uint32_t index = 0;
    if (avro_schema_infer(&document, &index, 1, "Fuzz", arena, &schema, NULL) != STATUS_OK) {
        return;
    }
    struct buffer datum = BUFFER_INIT;
    struct buffer text = BUFFER_INIT;
    struct drift drift;
    if (avro_encode_json(schema, document, 0, true, &datum, &drift, NULL) == STATUS_OK) {
        enum status status = avro_to_json(schema, buffer_slice(&datum), &text, NULL);
        ASSERT(status == STATUS_OK);
        struct json_document again;
        json_document_init(&again);
        status = json_parse(&again, buffer_slice(&text), 0, NULL);
        ASSERT(status == STATUS_OK);
        json_document_deinit(&again);
        const struct avro_schema *same;
        status = avro_schema_evolve(schema, document, 0, true, arena, &same, NULL);
        ASSERT(status == STATUS_OK && same == schema);
    } else {
        ASSERT(drift.kind == DRIFT_TYPE_CHANGE || drift.kind == DRIFT_NAMES);
    }
    buffer_deinit(&datum);
    buffer_deinit(&text);
    avro_schema_release(schema);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_document document;
    json_document_init(&document);
    size_t used = 0;
    enum status whole = json_parse(&document, slice_of(data, size), 64, NULL);
    if (whole == STATUS_OK) {
        struct arena arena;
        arena_init(&arena, 0);
        ASSERT(json_at(&document, 0)->next == document.tape_size);
        canonical_is_stable(&document);
        if (json_at(&document, 0)->kind == JSON_KIND_OBJECT) {
            fits_inferred_schema(&document, &arena);
        }
        arena_deinit(&arena);
    }
    enum status prefix = json_parse_prefix(&document, slice_of(data, size), 64, &used, NULL);
    ASSERT(whole != STATUS_OK || prefix == STATUS_OK);
    ASSERT(prefix != STATUS_OK || used <= size);
    json_document_deinit(&document);
    return 0;
}
