#include "ingest/rows.h"

#include "base/hash.h"

#include <stdio.h>

/* One page under way. */
struct making {
    const struct row_rules *rules;
    struct schema_gate *gate;
    const struct source_page *page;
    const uint32_t *values; /* of all records, UINT32_MAX for those that are none */
    int64_t now_us;
    struct arena *arena;
    struct buffer scratch;
    struct page_rows result;
};

static void refuse(struct making *making,
                   const struct source_record *record,
                   const char *reason,
                   const char *message)
{
    making->result.dead[making->result.dead_count++] = (struct dead_letter){
        .hop = DEAD_SOURCE,
        .pipeline = making->rules->pipeline,
        .name = making->rules->source,
        .reason = reason,
        .message = arena_strdup(making->arena, message),
        .place = arena_printf(making->arena, "%s[%u]", making->page->place, record->place),
        .raw = record->raw,
        .schema_id = 0,
        .at_us = making->now_us,
    };
}

/* One part of a key: a plain value that is there. */
static bool key_part(const struct json_document *document, uint32_t value)
{
    if (value == UINT32_MAX) {
        return false;
    }
    switch ((enum json_kind) json_at(document, value)->kind) {
    case JSON_KIND_STRING:
        return json_at(document, value)->size > 0;
    case JSON_KIND_NUMBER:
    case JSON_KIND_TRUE:
    case JSON_KIND_FALSE:
        return true;
    default:
        return false;
    }
}

/* Plain text of one path, a JSON array of several. False and the path at fault if a part is
 * missing. */
static bool key_of(const struct row_rules *rules,
                   const struct json_document *document,
                   uint32_t record,
                   struct arena *arena,
                   struct buffer *scratch,
                   struct slice *ret_key,
                   const char **ret_missing)
{
    buffer_clear(scratch);
    for (size_t i = 0; i < rules->key_count; i++) {
        uint32_t value = json_path(document, record, rules->key[i]);
        if (!key_part(document, value)) {
            *ret_missing = rules->key[i];
            return false;
        }
        bool text = json_at(document, value)->kind == JSON_KIND_STRING;
        if (rules->key_count == 1) {
            *ret_key = text ? json_text(document, value, arena) : json_raw(document, value);
            return true;
        }
        buffer_append_byte(scratch, i == 0 ? '[' : ',');
        if (text) {
            buffer_append_json(scratch, json_text(document, value, arena));
        } else {
            buffer_append_slice(scratch, json_raw(document, value));
        }
    }
    buffer_append_byte(scratch, ']');
    *ret_key = arena_copy(arena, buffer_slice(scratch));
    return true;
}

/* Does the record say that its key is gone? */
static bool is_deleted(const struct making *making, const struct source_record *record)
{
    const struct row_rules *rules = making->rules;
    const struct json_document *document = making->page->document;
    if (record->deleted || rules->deleted_field == NULL) {
        return record->deleted;
    }
    uint32_t value = json_path(document, record->value, rules->deleted_field);
    if (value == UINT32_MAX) {
        return false;
    }
    bool text = json_at(document, value)->kind == JSON_KIND_STRING;
    struct slice found =
        text ? json_text(document, value, making->arena) : json_raw(document, value);
    if (rules->deleted_equals != NULL) {
        return slice_equal_string(found, rules->deleted_equals);
    }
    switch ((enum json_kind) json_at(document, value)->kind) {
    case JSON_KIND_NULL:
    case JSON_KIND_FALSE:
        return false;
    case JSON_KIND_NUMBER:
        return json_double(document, value) != 0;
    case JSON_KIND_STRING:
        return found.size > 0;
    default:
        return true;
    }
}

static void hash_of(struct making *making, uint32_t record, uint8_t ret_hash[16])
{
    buffer_clear(&making->scratch);
    json_canonical(making->page->document, record, making->rules->ignore_changes,
                   making->rules->ignore_count, &making->scratch);
    hash128(buffer_slice(&making->scratch), ret_hash);
}

static struct slice hash_text(struct arena *arena, const uint8_t hash[16])
{
    char *text = arena_alloc(arena, 33);
    for (size_t i = 0; i < 16; i++) {
        snprintf(text + 2 * i, 3, "%02x", hash[i]);
    }
    return slice_of(text, 32);
}

enum status rows_key(const struct row_rules *rules,
                     struct slice json,
                     struct arena *arena,
                     struct slice *ret_key,
                     struct error *error)
{
    struct buffer scratch CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct json_document document CLEANUP(json_document_deinit);
    const char *missing = NULL;
    uint8_t hash[16];
    json_document_init(&document);
    TRY(json_parse(&document, json, 0, error));
    if (rules->key_count == 0) {
        json_canonical(&document, 0, rules->ignore_changes, rules->ignore_count, &scratch);
        hash128(buffer_slice(&scratch), hash);
        *ret_key = hash_text(arena, hash);
        return STATUS_OK;
    }
    if (!key_of(rules, &document, 0, arena, &scratch, ret_key, &missing)) {
        return error_set(error, STATUS_DATA, "key \"%s\" is missing, empty or no plain value",
                         missing);
    }
    *ret_key = arena_copy(arena, *ret_key);
    return STATUS_OK;
}

/* STATUS_DATA: refused, and in the dead letters. */
static enum status make_row(struct making *making, size_t index, struct error *error)
{
    const struct source_record *record = &making->page->records[index];
    size_t bytes_max =
        making->rules->record_bytes_max == 0 ? RECORD_BYTES_MAX : making->rules->record_bytes_max;
    char message[512];
    if (record->value == UINT32_MAX) {
        refuse(making, record, "malformed", record->fault == NULL ? "no record" : record->fault);
        return STATUS_DATA;
    }
    if (json_at(making->page->document, record->value)->kind != JSON_KIND_OBJECT) {
        refuse(making, record, "malformed", "the record is no object");
        return STATUS_DATA;
    }
    if (record->raw.size > bytes_max) {
        snprintf(message, sizeof(message), "the record has %zu bytes, more than %zu",
                 record->raw.size, bytes_max);
        refuse(making, record, "too-large", message);
        return STATUS_DATA;
    }
    struct stage_row row = {.op = is_deleted(making, record) ? STAGE_DELETE : STAGE_UPSERT};
    const char *missing = NULL;
    hash_of(making, record->value, row.hash);
    if (making->rules->key_count == 0) {
        row.key = hash_text(making->arena, row.hash);
    } else if (!key_of(making->rules, making->page->document, record->value, making->arena,
                       &making->scratch, &row.key, &missing)) {
        snprintf(message, sizeof(message), "key \"%s\" is missing, empty or no plain value",
                 missing);
        refuse(making, record, "missing-key", message);
        return STATUS_DATA;
    }
    if (row.op == STAGE_UPSERT) {
        const char *reason = NULL;
        struct buffer *value = &making->scratch;
        buffer_clear(value);
        enum status status =
            schema_gate_encode(making->gate, making->page->document, making->values + index,
                               making->page->count - index, value, &reason, error);
        if (status == STATUS_DATA) {
            refuse(making, record, reason, error->message);
        }
        TRY(status);
        if (value->size > bytes_max) {
            snprintf(message, sizeof(message), "the encoded record has %zu bytes, more than %zu",
                     value->size, bytes_max);
            refuse(making, record, "too-large", message);
            return STATUS_DATA;
        }
        row.json = record->raw;
        row.value = arena_copy(making->arena, buffer_slice(value));
    }
    making->result.rows[making->result.count++] = row;
    return STATUS_OK;
}

enum status rows_make(const struct row_rules *rules,
                      struct schema_gate *gate,
                      const struct source_page *page,
                      int64_t now_us,
                      struct arena *arena,
                      struct page_rows *ret_rows,
                      struct error *error)
{
    struct making making = {
        .rules = rules, .gate = gate, .page = page, .now_us = now_us, .arena = arena};
    uint32_t *values = ARENA_ARRAY(arena, uint32_t, page->count);
    uint32_t *samples = ARENA_ARRAY(arena, uint32_t, page->count);
    size_t sample_count = 0;
    for (size_t i = 0; i < page->count; i++) {
        const struct source_record *record = &page->records[i];
        bool fit = record->value != UINT32_MAX &&
                   json_at(page->document, record->value)->kind == JSON_KIND_OBJECT &&
                   !is_deleted(&making, record);
        values[i] = fit ? record->value : UINT32_MAX;
        if (fit) {
            samples[sample_count++] = record->value;
        }
    }
    TRY(schema_gate_page(gate, page->document, samples, sample_count, error));
    making.values = values;
    making.result.rows = ARENA_ARRAY(arena, struct stage_row, page->count);
    making.result.dead = ARENA_ARRAY(arena, struct dead_letter, page->count);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < page->count; i++) {
        struct error reason = {0};
        enum status row_status = make_row(&making, i, &reason);
        if (row_status != STATUS_OK && row_status != STATUS_DATA) {
            if (error != NULL) {
                *error = reason;
            }
            status = row_status;
            break;
        }
    }
    buffer_deinit(&making.scratch);
    *ret_rows = making.result;
    return status;
}
