#include "app/pipeline_test_given.h"

#include "app/test_rows.h"
#include "connect/record_text.h"
#include "io/file.h"

#include <string.h>

#define GIVEN_BYTES_MAX ((size_t) 64 << 20)

static bool ends_with(const char *name, const char *end)
{
    size_t size = strlen(name);
    size_t end_size = strlen(end);
    return size >= end_size && strcmp(name + size - end_size, end) == 0;
}

/* ---- from the file of the pipeline to one JSON array -------------------------------------------
 */

static enum status append_records(const struct record_text_options *options,
                                  const struct node *node,
                                  struct slice text,
                                  struct buffer *array,
                                  struct error *error)
{
    struct json_document document;
    struct source_record *records;
    size_t count;
    struct arena arena;
    struct error fault = {0};
    arena_init(&arena, 0);
    json_document_init(&document);
    enum status status =
        record_text_read(options, text, &document, &arena, &records, &count, &fault);
    if (status != STATUS_OK) {
        (void) node_error(error, node, "%s", fault.message);
    }
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        if (records[i].value == UINT32_MAX) {
            status = node_error(error, node, "record %u cannot be read: %s", records[i].place,
                                records[i].fault);
            break;
        }
        buffer_append_string(array, array->size == 1 ? "" : ",");
        buffer_append_slice(array, json_raw(&document, records[i].value));
    }
    json_document_deinit(&document);
    arena_deinit(&arena);
    return status == STATUS_OK ? STATUS_OK : STATUS_CONFIG;
}

static enum status append_file(const struct given *given,
                               const struct node *node,
                               struct buffer *array,
                               struct error *error)
{
    bool lines = ends_with(node->text, ".jsonl") || ends_with(node->text, ".ndjson");
    const struct record_text_options options = {.format = lines ? RECORDS_LINES : RECORDS_JSON,
                                                .first_place = 1};
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct error fault = {0};
    if (file_load(pipeline_file(given->pipeline, node->text), GIVEN_BYTES_MAX, &text, &fault) !=
        STATUS_OK) {
        return node_error(error, node, "%s", fault.message);
    }
    return append_records(&options, node, buffer_slice(&text), array, error);
}

static enum status append_item(const struct given *given,
                               const struct node *node,
                               struct buffer *array,
                               struct error *error)
{
    if (node->type == NODE_SCALAR) {
        return append_file(given, node, array, error);
    }
    if (node->type != NODE_MAP) {
        return node_error(error, node, "give the name of a file, or a record: {id: 1}");
    }
    buffer_append_string(array, array->size == 1 ? "" : ",");
    test_json_of_node(node, array);
    return STATUS_OK;
}

/* ---- from JSON to records of the log -----------------------------------------------------------
 */

/* The topic of a stream has the schema that follows from its query. */
static enum status schema_of_type(const struct given *given,
                                  const struct topic_plan *topic,
                                  const char **ret_text,
                                  struct error *error)
{
    const struct avro_schema *schema;
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    TRY(avro_schema_from_type(topic->type, topic->spec.name, given->arena, &schema, error));
    avro_schema_write(schema, &text);
    avro_schema_release(schema);
    *ret_text = arena_string(given->arena, buffer_slice(&text));
    return STATUS_OK;
}

static enum status policy_of(const struct given *given,
                             const struct topic_plan *topic,
                             struct schema_policy *ret_policy,
                             struct error *error)
{
    *ret_policy = (struct schema_policy){
        .declared = topic->schema_text,
        .on_new_field = NEW_FIELD_ADD,
        .on_type_change = TYPE_CHANGE_DEAD_LETTER,
        .subject = topic->subject,
        .record_name = topic->source,
        .ops = given->schemas_ops,
        .schemas = given->schemas,
    };
    if (topic->source == NULL) {
        ret_policy->on_new_field = NEW_FIELD_STOP;
        ret_policy->on_type_change = TYPE_CHANGE_STOP;
        return schema_of_type(given, topic, &ret_policy->declared, error);
    }
    const struct schema_settings *schema = topic->source_settings->schema;
    if (schema != NULL) {
        ret_policy->on_new_field = (enum new_field_policy) schema->on_new_field;
        ret_policy->on_type_change = (enum type_change_policy) schema->on_type_change;
    }
    return STATUS_OK;
}

static void keep_records(const struct given *given,
                         const struct topic_plan *topic,
                         const struct row_rules *rules,
                         const struct page_rows *rows,
                         struct given_records *ret_records)
{
    struct log_in *records = ARENA_ARRAY(given->arena, struct log_in, rows->count + 1);
    for (size_t i = 0; i < rows->count; i++) {
        records[i] = (struct log_in){
            .offset = (int64_t) i,
            .timestamp_ms = given->now_us / 1000,
            .key = arena_copy(given->arena, rows->rows[i].key),
            .value = rows->rows[i].op == STAGE_DELETE
                         ? SLICE_EMPTY
                         : arena_copy(given->arena, rows->rows[i].value),
        };
        if (topic->source != NULL) { /* others have no identity of ours */
            records[i].identity = (struct identity){.source = slice_of_string(rules->source),
                                                    .epoch = 1,
                                                    .position = (int64_t) i + 1,
                                                    .accepted_us = given->now_us};
        }
    }
    for (size_t i = 0; i < rows->dead_count; i++) {
        rows->dead[i].raw = SLICE_EMPTY; /* of the document, which goes */
    }
    *ret_records = (struct given_records){records, rows->count, rows->dead, rows->dead_count};
}

static enum status encode(const struct given *given,
                          const struct topic_plan *topic,
                          struct slice array,
                          struct given_records *ret_records,
                          struct error *error)
{
    const char *name = topic->source == NULL ? topic->spec.name : topic->source;
    const struct deleted_settings *deleted =
        topic->source_settings == NULL ? NULL : topic->source_settings->deleted;
    const struct row_rules rules = {
        .pipeline = given->pipeline->name,
        .source = arena_printf(given->arena, "%s.%s", given->pipeline->name, name),
        .key = topic->key_paths,
        .key_count = topic->key_path_count,
        .record_bytes_max =
            topic->source_settings == NULL ? 0 : (size_t) topic->source_settings->record_bytes_max,
        .deleted_field = deleted == NULL ? NULL : deleted->field,
        .deleted_equals = deleted == NULL ? NULL : deleted->equals,
    };
    const struct record_text_options options = {.format = RECORDS_JSON};
    struct schema_policy policy;
    TRY(policy_of(given, topic, &policy, error));
    struct json_document document;
    struct schema_gate gate;
    struct source_record *records;
    struct page_rows rows;
    size_t count;
    json_document_init(&document);
    schema_gate_init(&gate, &policy);
    enum status status =
        record_text_read(&options, array, &document, given->arena, &records, &count, error);
    if (status == STATUS_OK) {
        status = schema_gate_open(&gate, 0, error);
    }
    if (status == STATUS_OK) {
        const struct source_page page = {
            .document = &document, .records = records, .count = count, .place = "given"};
        status = rows_make(&rules, &gate, &page, given->now_us, given->arena, &rows, error);
    }
    if (status == STATUS_OK) {
        keep_records(given, topic, &rules, &rows, ret_records);
    }
    schema_gate_deinit(&gate);
    json_document_deinit(&document);
    return status;
}

enum status given_read(const struct given *given,
                       const struct topic_plan *topic,
                       const struct node *node,
                       struct given_records *ret_records,
                       struct error *error)
{
    struct buffer array CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append_byte(&array, '[');
    if (node->type == NODE_LIST) {
        for (size_t i = 0; i < node->count; i++) {
            TRY(append_item(given, node->items[i], &array, error));
        }
    } else {
        TRY(append_item(given, node, &array, error));
    }
    buffer_append_byte(&array, ']');
    struct error fault = {0};
    if (encode(given, topic, buffer_slice(&array), ret_records, &fault) != STATUS_OK) {
        (void) node_error(error, node, "topic \"%s\": %s", topic->spec.name, fault.message);
        error_hint(error, "%s", fault.hint);
        return STATUS_CONFIG;
    }
    return STATUS_OK;
}
