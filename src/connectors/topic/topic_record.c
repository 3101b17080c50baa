#include "base/memory.h"
#include "base/utf8.h"
#include "codec/avro.h"
#include "connectors/registry/confluent_schemas.h"
#include "connectors/topic/topic_source_internal.h"

#include <inttypes.h>

static enum status bad(struct topic_record *record, struct arena *arena, const struct error *error)
{
    record->fault = arena_strdup(arena, error->message);
    return STATUS_OK;
}

/* ---- bytes to JSON -----------------------------------------------------------------------------
 */

static enum status schema_of(struct topic_reader *reader,
                             int32_t id,
                             const struct avro_schema **ret_schema,
                             struct error *error)
{
    for (size_t i = 0; i < reader->known_count; i++) {
        if (reader->ids[i] == id) {
            *ret_schema = reader->known[i];
            return STATUS_OK;
        }
    }
    const char *text;
    TRY(confluent_schemas_ops.by_id(reader->schemas, id, &reader->arena, &text, error));
    TRY(avro_schema_parse(slice_of_string(text), &reader->arena, ret_schema, error));
    size_t count = reader->known_count + 1;
    reader->ids = mem_realloc(reader->ids, count * sizeof(*reader->ids));
    reader->known = mem_realloc(reader->known, count * sizeof(*reader->known));
    reader->ids[reader->known_count] = id;
    reader->known[reader->known_count++] = *ret_schema;
    return STATUS_OK;
}

/* The bytes of a key or value as JSON text; STATUS_DATA if they are none. */
static enum status to_json(struct topic_reader *reader,
                           struct slice bytes,
                           struct arena *arena,
                           struct slice *ret_json,
                           struct error *error)
{
    int32_t id;
    struct slice datum;
    bool avro = reader->schemas != NULL && wire_header_read(bytes, &id, &datum);
    if (!avro && reader->config->format == TOPIC_AVRO) {
        return error_set(error, STATUS_DATA, "it does not begin with a schema id");
    }
    if (!avro) {
        *ret_json = bytes;
        return STATUS_OK;
    }
    const struct avro_schema *schema;
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    enum status status = schema_of(reader, id, &schema, error);
    if (status == STATUS_NOT_FOUND) {
        return error_set(error, STATUS_DATA, "the registry does not know schema %d", (int) id);
    }
    TRY(status);
    TRY(avro_to_json(schema, datum, &text, error));
    *ret_json = arena_copy(arena, buffer_slice(&text));
    return STATUS_OK;
}

/* ---- deletes -----------------------------------------------------------------------------------
 */

/* {"a":{"b":"text"}} for the field a.b. */
static void append_nested(struct buffer *target, const char *path, struct slice text)
{
    size_t size = strcspn(path, ".");
    buffer_append_string(target, "{");
    buffer_append_json(target, slice_of(path, size));
    buffer_append_string(target, ":");
    if (path[size] == '.') {
        append_nested(target, path + size + 1, text);
    } else {
        buffer_append_json(target, text);
    }
    buffer_append_string(target, "}");
}

/* The payload of JSON that Connect's converter wraps as {"schema": ..., "payload": ...}. */
static uint32_t unwrap(const struct json_document *document)
{
    uint32_t schema = json_member(document, 0, SLICE("schema"));
    uint32_t payload = json_member(document, 0, SLICE("payload"));
    bool wrapped = json_at(document, 0)->kind == JSON_KIND_OBJECT &&
                   json_at(document, 0)->count == 2 && schema != UINT32_MAX &&
                   payload != UINT32_MAX;
    return wrapped ? payload : 0;
}

/* A record that says no more than which key is gone: the key's own fields, or `key_field`. */
static enum status read_delete(struct topic_reader *reader,
                               const struct log_in *in,
                               struct arena *arena,
                               struct buffer *target,
                               struct topic_record *record,
                               struct error *error)
{
    struct slice json;
    struct error reason = {0};
    record->deleted = true;
    if (in->key.data == NULL) {
        record->fault = "a delete without a key";
        return STATUS_OK;
    }
    bool plain = reader->config->format == TOPIC_STRING;
    enum status status = plain ? STATUS_DATA : to_json(reader, in->key, arena, &json, &reason);
    if (status != STATUS_OK && status != STATUS_DATA) {
        *error = reason;
        return status;
    }
    if (status == STATUS_OK && json_parse(&reader->document, json, 0, &reason) == STATUS_OK) {
        uint32_t key = unwrap(&reader->document);
        if (json_at(&reader->document, key)->kind == JSON_KIND_OBJECT) {
            buffer_append_slice(target, json_raw(&reader->document, key));
            return STATUS_OK;
        }
        if (json_at(&reader->document, key)->kind == JSON_KIND_STRING) {
            json = json_text(&reader->document, key, arena);
        }
    } else if (status != STATUS_OK) {
        json = in->key;
    }
    const char *field = plain ? "key" : reader->config->key_field;
    if (field == NULL || !utf8_valid(json.data, json.size)) {
        record->fault = "a delete whose key is no object: say with `key_field` which field it is";
        return STATUS_OK;
    }
    append_nested(target, field, json);
    return STATUS_OK;
}

/* ---- values ------------------------------------------------------------------------------------
 */

static enum status
read_string(const struct log_in *in, struct buffer *target, struct topic_record *record)
{
    if (!utf8_valid(in->value.data, in->value.size) ||
        (in->key.data != NULL && !utf8_valid(in->key.data, in->key.size))) {
        record->fault = "it is no UTF-8 text";
        return STATUS_OK;
    }
    buffer_append_string(target, "{\"key\":");
    if (in->key.data == NULL) {
        buffer_append_string(target, "null");
    } else {
        buffer_append_json(target, in->key);
    }
    buffer_append_string(target, ",\"value\":");
    buffer_append_json(target, in->value);
    buffer_printf(target,
                  ",\"partition\":%" PRId32 ",\"offset\":%" PRId64 ",\"timestamp_ms\":%" PRId64 "}",
                  in->partition, in->offset, in->timestamp_ms);
    return STATUS_OK;
}

/* {"before": ..., "after": ..., "op": "c" | "r" | "u" | "d" | "t" | "m", ...}. */
static enum status read_envelope(struct topic_reader *reader,
                                 const struct log_in *in,
                                 struct arena *arena,
                                 struct buffer *target,
                                 struct topic_record *record,
                                 struct error *error)
{
    const struct json_document *document = &reader->document;
    uint32_t root = unwrap(document);
    uint32_t op = json_member(document, root, SLICE("op"));
    uint32_t before = json_member(document, root, SLICE("before"));
    uint32_t after = json_member(document, root, SLICE("after"));
    struct slice word = op == UINT32_MAX ? SLICE_EMPTY : json_text(document, op, arena);
    if (word.size != 1) {
        record->fault = "it is no change event of Debezium: it has no \"op\"";
        return STATUS_OK;
    }
    switch (word.data[0]) {
    case 'c':
    case 'r':
    case 'u':
        if (after == UINT32_MAX || json_at(document, after)->kind != JSON_KIND_OBJECT) {
            record->fault = "a change event without \"after\"";
            return STATUS_OK;
        }
        buffer_append_slice(target, json_raw(document, after));
        return STATUS_OK;
    case 'd':
        if (before == UINT32_MAX || json_at(document, before)->kind != JSON_KIND_OBJECT) {
            return read_delete(reader, in, arena, target, record, error);
        }
        record->deleted = true;
        buffer_append_slice(target, json_raw(document, before));
        return STATUS_OK;
    case 'm':
        record->skipped = true; /* a message of the log, no row */
        return STATUS_OK;
    default:
        record->fault = word.data[0] == 't'
                            ? "the table was truncated, which rows here cannot follow"
                            : "a change event with an unknown \"op\"";
        return STATUS_OK;
    }
}

enum status topic_record_read(struct topic_reader *reader,
                              const struct log_in *in,
                              struct arena *arena,
                              struct buffer *target,
                              struct topic_record *ret_record,
                              struct error *error)
{
    struct error reason = {0};
    struct slice json;
    *ret_record = (struct topic_record){.deleted = false};
    if (in->value.data == NULL) {
        return read_delete(reader, in, arena, target, ret_record, error);
    }
    if (reader->config->format == TOPIC_STRING) {
        return read_string(in, target, ret_record);
    }
    enum status status = to_json(reader, in->value, arena, &json, &reason);
    if (status == STATUS_OK) {
        status = json_parse(&reader->document, json, 0, &reason);
    }
    if (status == STATUS_DATA) {
        return bad(ret_record, arena, &reason);
    }
    if (status != STATUS_OK) {
        *error = reason;
        return status;
    }
    if (reader->config->format == TOPIC_DEBEZIUM) {
        return read_envelope(reader, in, arena, target, ret_record, error);
    }
    buffer_append_slice(target, json);
    return STATUS_OK;
}
