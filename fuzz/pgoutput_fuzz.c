/* Any bytes as a message of logical decoding: what is read lies within the bytes, and its values
 * are JSON or refused. */

#include "connectors/postgres/pgoutput.h"

#include "base/assert.h"
#include "codec/json.h"
#include "connectors/postgres/source_value.h"

#include "fuzz.h"

static void check_value(struct slice text, unsigned seed)
{
    struct value_type type = {
        .kind = (enum value_kind)(seed % (VALUE_TIMESTAMPTZ + 1)),
        .array = seed / 16 % 2,
        .delimiter = ',',
    };
    struct buffer json = BUFFER_INIT;
    struct json_document document;
    const char *fault = NULL;
    json_document_init(&document);
    if (value_append(&type, text, &json, &fault)) {
        ASSERT(json_parse(&document, buffer_slice(&json), 0, NULL) == STATUS_OK);
    } else {
        ASSERT(fault != NULL);
    }
    json_document_deinit(&document);
    buffer_deinit(&json);
}

static void check_tuple(struct slice all, const struct pgoutput_tuple *tuple)
{
    for (uint16_t i = 0; tuple->cells != NULL && i < tuple->count; i++) {
        struct slice bytes = tuple->cells[i].bytes;
        ASSERT(bytes.size == 0 ||
               (bytes.data >= all.data && bytes.data + bytes.size <= all.data + all.size));
        for (unsigned kind = 0; kind < 32; kind++) {
            check_value(bytes, kind);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct slice bytes = slice_of(data + 1, size - 1);
    struct arena arena;
    struct pgoutput_message message;
    struct pgoutput_relations relations;
    struct error error = {0};
    arena_init(&arena, 0);
    pgoutput_relations_init(&relations);
    if (pgoutput_decode(bytes, data[0] & 1, &arena, &message, &error) != STATUS_OK) {
        ASSERT(error.status == STATUS_PROTOCOL);
    } else if (message.kind == PGOUTPUT_RELATION) {
        (void) pgoutput_relations_put(&relations, &message.relation);
        const struct pgoutput_relation *kept =
            pgoutput_relations_put(&relations, &message.relation);
        ASSERT(kept->column_count == message.relation.column_count);
        ASSERT(pgoutput_relations_get(&relations, message.relation.oid) == kept);
    } else if (message.kind == PGOUTPUT_INSERT || message.kind == PGOUTPUT_UPDATE ||
               message.kind == PGOUTPUT_DELETE) {
        check_tuple(bytes, &message.change.key);
        check_tuple(bytes, &message.change.old);
        check_tuple(bytes, &message.change.row);
    }
    pgoutput_relations_deinit(&relations);
    arena_deinit(&arena);
    return 0;
}
