/* Records of a topic as the rows that a query reads. */

#include "app/query_internal.h"
#include "base/assert.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "columnar/builder.h"
#include "stream/decode.h"

#include <stdio.h>

struct query_decoder {
    const struct query_item *item;
    const struct plan *scan;
    struct decoder *decoder; /* NULL: values as they are */
    struct arena arena;
};

/* A column of the wanted type: structs lose the fields that the query does not use. */
static const struct column *
narrow(struct arena *arena, const struct column *column, const struct type *type)
{
    if (type->id != TYPE_STRUCT) {
        return column;
    }
    const struct column **children = ARENA_ARRAY(arena, const struct column *, type->field_count);
    for (uint32_t i = 0; i < type->field_count; i++) {
        int at = type_field_index(column->type, type->fields[i].name);
        ASSERT(at >= 0);
        children[i] = narrow(arena, column->children[at], type->fields[i].type);
    }
    struct column *copy = ARENA_NEW(arena, struct column);
    *copy = *column;
    copy->type = type;
    copy->children = children;
    return copy;
}

struct batch *query_choose(struct arena *arena, const struct batch *batch, const struct type *type)
{
    const struct column **columns = ARENA_ARRAY(arena, const struct column *, type->field_count);
    for (uint32_t i = 0; i < type->field_count; i++) {
        const struct column *column = batch_column(batch, type->fields[i].name);
        ASSERT(column != NULL);
        columns[i] = narrow(arena, column, type->fields[i].type);
    }
    struct batch *chosen = ARENA_NEW(arena, struct batch);
    *chosen = (struct batch){batch->length, type, columns};
    return chosen;
}

/* The columns that the scan wants without the metadata ones. */
static const struct type *wanted_columns(struct arena *arena, const struct plan *scan)
{
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, scan->type->field_count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < scan->type->field_count; i++) {
        if (type_field_index(scan->relation->type, scan->type->fields[i].name) >= 0) {
            fields[count++] = scan->type->fields[i];
        }
    }
    return type_struct(arena, fields, count);
}

void query_decoder_free(struct query_decoder *decoder)
{
    if (decoder != NULL) {
        decoder_free(decoder->decoder);
        arena_deinit(&decoder->arena);
        mem_free(decoder);
    }
}

enum status query_decoder_new(const struct query_item *item,
                              const struct plan *scan,
                              struct query_decoder **ret_decoder,
                              struct error *error)
{
    struct query_decoder *decoder = mem_zalloc(sizeof(*decoder));
    decoder->item = item;
    decoder->scan = scan;
    arena_init(&decoder->arena, 0);
    enum status status = STATUS_OK;
    if (item->job.format != VALUE_STRING) {
        status = decoder_new(&item->job, wanted_columns(&decoder->arena, scan), &decoder->decoder,
                             error);
    }
    if (status != STATUS_OK) {
        query_decoder_free(decoder);
        return status;
    }
    *ret_decoder = decoder;
    return STATUS_OK;
}

/* Values as text, for topics without a schema. */
static const struct batch *
plain_batch(const struct log_in *records, size_t count, int64_t *deletes, struct arena *arena)
{
    enum {
        VALUE,
        META
    };
    struct type_field fields[META + ARRAY_SIZE(sql_metadata_columns)];
    struct column_builder builders[ARRAY_SIZE(fields)];
    fields[VALUE] = (struct type_field){"value", type_plain(TYPE_STRING), true};
    memcpy(&fields[META], sql_metadata_columns, sizeof(sql_metadata_columns));
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        column_builder_init(&builders[i], arena, fields[i].type, (int64_t) count);
    }
    int64_t length = 0;
    for (size_t i = 0; i < count; i++) {
        const struct log_in *record = &records[i];
        if (record->value.data == NULL) {
            ++*deletes;
            continue;
        }
        if (!utf8_valid(record->value.data, record->value.size)) {
            column_append_null(&builders[VALUE]); /* bytes, not text */
        } else {
            column_append_bytes(&builders[VALUE], record->value);
        }
        if (record->key.data == NULL) {
            column_append_null(&builders[META]);
        } else {
            column_append_bytes(&builders[META], record->key);
        }
        column_append_bytes(&builders[META + 1], SLICE("upsert"));
        bool foreign = record->identity.source.size == 0;
        column_append_int(&builders[META + 2],
                          foreign ? record->timestamp_ms * 1000 : record->identity.accepted_us);
        column_append_int(&builders[META + 3], record->partition);
        column_append_int(&builders[META + 4], record->offset);
        length++;
    }
    const struct column **columns = ARENA_ARRAY(arena, const struct column *, ARRAY_SIZE(builders));
    for (size_t i = 0; i < ARRAY_SIZE(builders); i++) {
        columns[i] = column_builder_finish(&builders[i]);
    }
    struct batch *batch = ARENA_NEW(arena, struct batch);
    *batch = (struct batch){length, type_struct(arena, fields, ARRAY_SIZE(fields)), columns};
    return batch;
}

enum status query_decoder_run(struct query_decoder *decoder,
                              const struct log_in *records,
                              size_t count,
                              struct query_skipped *skipped,
                              struct arena *arena,
                              const struct batch **ret_batch,
                              struct error *error)
{
    if (decoder->decoder == NULL) {
        const struct batch *plain = plain_batch(records, count, &skipped->deletes, arena);
        *ret_batch = query_choose(arena, plain, decoder->scan->type);
        return STATUS_OK;
    }
    struct decoded decoded;
    TRY(decoder_run(decoder->decoder, records, count, arena, &decoded, error));
    if (decoded.failure_count > 0 && skipped->undecodable == 0) {
        const struct log_in *record = &records[decoded.failures[0].record];
        (void) snprintf(skipped->first, sizeof(skipped->first), "%s/%d@%lld: %s",
                        decoder->item->sql.name, (int) record->partition,
                        (long long) record->offset, decoded.failures[0].message);
    }
    skipped->undecodable += (int64_t) decoded.failure_count;
    skipped->deletes += (int64_t) decoded.delete_count;
    *ret_batch = query_choose(arena, decoded.batch, decoder->scan->type);
    return STATUS_OK;
}
