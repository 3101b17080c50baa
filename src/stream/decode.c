#include "stream/decode.h"

#include "base/memory.h"
#include "codec/avro.h"
#include "codec/json.h"
#include "columnar/builder.h"
#include "sql/query.h"

#include <strings.h>

#define METADATA_COLUMNS 5

struct schema_decoder {
    int32_t id;
    struct avro_decoder *decoder;
    const struct avro_schema *writer;
};

struct decoder {
    const struct processor_job *job;
    const struct type *wanted;
    struct arena arena; /* schemas and decoders: they live as long as this */
    const struct avro_schema *reader;
    struct schema_decoder *schemas;
    size_t schema_count;
    struct json_document document;
};

/* ---- what is wanted ------------------------------------------------------------------------- */

static const struct type *
merge(struct arena *arena, const struct type *full, const struct type *a, const struct type *b)
{
    if (a == NULL || b == NULL) {
        return a == NULL ? b : a;
    }
    if (full->id != TYPE_STRUCT || a->id != TYPE_STRUCT || b->id != TYPE_STRUCT) {
        return full;
    }
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, full->field_count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < full->field_count; i++) {
        int in_a = type_field_index(a, full->fields[i].name);
        int in_b = type_field_index(b, full->fields[i].name);
        const struct type *merged =
            merge(arena, full->fields[i].type, in_a < 0 ? NULL : a->fields[in_a].type,
                  in_b < 0 ? NULL : b->fields[in_b].type);
        if (merged != NULL) {
            fields[count] = full->fields[i];
            fields[count++].type = merged;
        }
    }
    return type_struct(arena, fields, count);
}

static const struct type *scan_types(struct arena *arena,
                                     const struct type *full,
                                     const struct plan *plan,
                                     const struct type *so_far)
{
    if (plan->kind == PLAN_SCAN) {
        return merge(arena, full, so_far, plan->type);
    }
    for (uint32_t i = 0; i < plan->input_count; i++) {
        so_far = scan_types(arena, full, plan->inputs[i], so_far);
    }
    return so_far;
}

const struct type *type_wanted(struct arena *arena,
                               const struct type *full,
                               const struct query *const *queries,
                               size_t count)
{
    const struct type *wanted = type_struct(arena, NULL, 0);
    for (size_t i = 0; i < count; i++) {
        wanted = scan_types(arena, full, queries[i]->plan, wanted);
        int watermark = queries[i]->watermark_column == NULL
                            ? -1
                            : type_field_index(full, queries[i]->watermark_column);
        if (watermark >= 0) {
            const struct type *column = type_struct(arena, &full->fields[watermark], 1);
            wanted = merge(arena, full, wanted, column);
        }
    }
    /* A first merge of a scan keeps only names of `full`: metadata columns fall out. */
    return merge(arena, full, wanted, wanted);
}

/* ---- decoding ----------------------------------------------------------------------------------
 */

enum status decoder_new(const struct processor_job *job,
                        const struct type *wanted,
                        struct decoder **ret_decoder,
                        struct error *error)
{
    struct decoder *decoder = mem_zalloc(sizeof(*decoder));
    decoder->job = job;
    arena_init(&decoder->arena, 0);
    json_document_init(&decoder->document);
    decoder->wanted = type_copy(&decoder->arena, wanted);
    if (job->reader_schema != NULL) {
        enum status status = avro_schema_parse(slice_of_string(job->reader_schema), &decoder->arena,
                                               &decoder->reader, error);
        if (status != STATUS_OK) {
            decoder_free(decoder);
            return status;
        }
    }
    *ret_decoder = decoder;
    return STATUS_OK;
}

void decoder_free(struct decoder *decoder)
{
    if (decoder == NULL) {
        return;
    }
    for (size_t i = 0; i < decoder->schema_count; i++) {
        avro_schema_release(decoder->schemas[i].writer);
    }
    if (decoder->reader != NULL) {
        avro_schema_release(decoder->reader);
    }
    json_document_deinit(&decoder->document);
    mem_free(decoder->schemas);
    arena_deinit(&decoder->arena);
    mem_free(decoder);
}

/* The decoder for a schema id, fetched and made at its first record. STATUS_DATA: it will never
 * decode; other errors: not now. */
static enum status schema_of(struct decoder *decoder,
                             int32_t id,
                             const struct avro_decoder **ret_decoder,
                             struct error *error)
{
    for (size_t i = 0; i < decoder->schema_count; i++) {
        if (decoder->schemas[i].id == id) {
            *ret_decoder = decoder->schemas[i].decoder;
            return STATUS_OK;
        }
    }
    const struct processor_job *job = decoder->job;
    struct schema_decoder made = {.id = id};
    const char *text;
    enum status status = job->schemas_ops->by_id(job->schemas, id, &decoder->arena, &text, error);
    if (status == STATUS_NOT_FOUND) {
        return error_set(error, STATUS_DATA, "the registry has no schema with id %d", id);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (avro_schema_parse(slice_of_string(text), &decoder->arena, &made.writer, error) !=
        STATUS_OK) {
        return STATUS_DATA;
    }
    if (avro_decoder_new(made.writer, decoder->reader, decoder->wanted, &decoder->arena,
                         &made.decoder, error) != STATUS_OK) {
        avro_schema_release(made.writer);
        error_context(error, "schema id %d", id);
        return STATUS_DATA;
    }
    decoder->schemas = mem_realloc(decoder->schemas, (decoder->schema_count + 1) * sizeof(made));
    decoder->schemas[decoder->schema_count++] = made;
    *ret_decoder = made.decoder;
    return STATUS_OK;
}

static enum status decode_avro(struct decoder *decoder,
                               struct slice value,
                               struct column_builder *builders,
                               int32_t *ret_id,
                               struct error *error)
{
    struct slice datum;
    if (!wire_header_read(value, ret_id, &datum)) {
        return error_set(error, STATUS_DATA,
                         "the value does not begin with a schema id (0, then four bytes)");
    }
    const struct avro_decoder *avro = NULL;
    TRY(schema_of(decoder, *ret_id, &avro, error));
    return avro_decode(avro, datum, builders, error);
}

static enum status decode_value(struct decoder *decoder,
                                struct slice value,
                                struct column_builder *builders,
                                int32_t *ret_id,
                                struct error *error)
{
    *ret_id = 0;
    if (decoder->job->format == VALUE_AVRO) {
        return decode_avro(decoder, value, builders, ret_id, error);
    }
    TRY(json_parse(&decoder->document, value, 0, error));
    return json_decode(&decoder->document, 0, decoder->wanted, builders, error);
}

static void append_metadata(struct column_builder *builders, const struct log_in *record)
{
    if (record->key.data == NULL) {
        column_append_null(&builders[0]);
    } else {
        column_append_bytes(&builders[0], record->key);
    }
    column_append_bytes(&builders[1], SLICE("upsert"));
    bool foreign = record->identity.source.size == 0;
    column_append_int(&builders[2],
                      foreign ? record->timestamp_ms * 1000 : record->identity.accepted_us);
    column_append_int(&builders[3], record->partition);
    column_append_int(&builders[4], record->offset);
}

static struct batch *finish(const struct type *wanted,
                            struct column_builder *builders,
                            struct arena *arena,
                            int64_t length)
{
    uint32_t count = wanted->field_count + METADATA_COLUMNS;
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, count);
    const struct column **columns = ARENA_ARRAY(arena, const struct column *, count);
    for (uint32_t i = 0; i < count; i++) {
        fields[i] = i < wanted->field_count ? wanted->fields[i]
                                            : sql_metadata_columns[i - wanted->field_count];
        columns[i] = column_builder_finish(&builders[i]);
    }
    struct batch *batch = ARENA_NEW(arena, struct batch);
    *batch = (struct batch){length, type_struct(arena, fields, count), columns};
    return batch;
}

enum status decoder_run(struct decoder *decoder,
                        const struct log_in *records,
                        size_t count,
                        struct arena *arena,
                        struct decoded *ret_decoded,
                        struct error *error)
{
    uint32_t wanted = decoder->wanted->field_count;
    struct column_builder *builders =
        ARENA_ARRAY(arena, struct column_builder, wanted + METADATA_COLUMNS);
    for (uint32_t i = 0; i < wanted + METADATA_COLUMNS; i++) {
        const struct type *type =
            i < wanted ? decoder->wanted->fields[i].type : sql_metadata_columns[i - wanted].type;
        column_builder_init(&builders[i], arena, type, (int64_t) count);
    }
    size_t *rows = ARENA_ARRAY(arena, size_t, count);
    size_t *deletes = ARENA_ARRAY(arena, size_t, count);
    struct decode_failure *failures = NULL;
    struct decoded decoded = {.records = rows, .deletes = deletes};
    int64_t length = 0;
    for (size_t i = 0; i < count; i++) {
        if (records[i].value.data == NULL) {
            deletes[decoded.delete_count++] = i;
            continue;
        }
        struct error fault;
        int32_t id;
        enum status status = decode_value(decoder, records[i].value, builders, &id, &fault);
        if (status == STATUS_OK) {
            append_metadata(builders + wanted, &records[i]);
            rows[length++] = i;
            continue;
        }
        if (status != STATUS_DATA) {
            *error = fault;
            return status;
        }
        size_t bytes = decoded.failure_count * sizeof(*failures);
        failures = arena_grow(arena, failures, bytes, bytes + sizeof(*failures));
        failures[decoded.failure_count++] =
            (struct decode_failure){i, id, arena_strdup(arena, fault.message)};
    }
    decoded.failures = failures;
    decoded.batch = finish(decoder->wanted, builders, arena, length);
    *ret_decoded = decoded;
    return STATUS_OK;
}
