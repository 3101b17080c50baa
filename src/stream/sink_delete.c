/* Deletes: from the key of a tombstone to the key of a table's row. */

#include "base/assert.h"
#include "codec/json.h"
#include "columnar/builder.h"
#include "stream/sink.h"
#include "stream/sink_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

/* Writes the dotted path that output column `index` of the plan copies; false if it computes. */
static bool
copied_path(const struct plan *plan, const struct expression *expression, struct buffer *path);

static bool copied_column(const struct plan *plan, uint32_t index, struct buffer *path)
{
    switch (plan->kind) {
    case PLAN_SCAN:
        buffer_append_string(path, plan->type->fields[index].name);
        return true;
    case PLAN_FILTER:
        return copied_column(plan->inputs[0], index, path);
    case PLAN_PROJECT:
        return copied_path(plan->inputs[0], plan->expressions[index], path);
    default:
        return false;
    }
}

static bool
copied_path(const struct plan *plan, const struct expression *expression, struct buffer *path)
{
    if (expression->kind == EXPR_COLUMN) {
        return copied_column(plan, expression->index, path);
    }
    if (expression->kind != EXPR_FIELD || !copied_path(plan, expression->arguments[0], path)) {
        return false;
    }
    const struct type *parent = expression->arguments[0]->type;
    buffer_printf(path, ".%s", parent->fields[expression->index].name);
    return true;
}

enum status sink_key_derive(const struct query *query,
                            const struct store_table *table,
                            const char *const *key_paths,
                            size_t key_path_count,
                            struct arena *arena,
                            struct sink_key *ret_key,
                            struct error *error)
{
    (void) error;
    int *parts = ARENA_ARRAY(arena, int, table->key_count);
    *ret_key = (struct sink_key){.parts = parts, .topic_part_count = key_path_count};
    if (!plan_is_row_for_row(query->plan)) {
        return STATUS_OK;
    }
    ret_key->derived = true;
    struct buffer path = BUFFER_INIT;
    for (uint32_t k = 0; k < table->key_count; k++) {
        buffer_clear(&path);
        parts[k] = -1;
        if (copied_column(query->plan, table->key[k], &path)) {
            const char *text = buffer_string(&path);
            for (size_t i = 0; i < key_path_count; i++) {
                parts[k] = strcasecmp(text, key_paths[i]) == 0 ? (int) i : parts[k];
            }
            if (strcasecmp(text, "_key") == 0) {
                parts[k] = SINK_KEY_WHOLE;
            }
        }
        ret_key->derived = ret_key->derived && parts[k] != -1;
    }
    buffer_deinit(&path);
    return STATUS_OK;
}

/* The `part`-th piece of a topic key of `count` pieces: the whole text, or an element of its JSON
 * array. */
static bool key_part(struct slice key,
                     size_t count,
                     int part,
                     struct json_document *document,
                     struct arena *arena,
                     struct slice *ret_text)
{
    if (part == SINK_KEY_WHOLE || count == 1) {
        *ret_text = key;
        return true;
    }
    if (json_parse(document, key, 0, NULL) != STATUS_OK ||
        json_at(document, 0)->kind != JSON_KIND_ARRAY || json_at(document, 0)->count != count) {
        return false;
    }
    uint32_t at = 1;
    for (int i = 0; i < part; i++) {
        at = json_at(document, at)->next;
    }
    *ret_text = json_at(document, at)->kind == JSON_KIND_STRING ? json_text(document, at, arena)
                                                                : json_raw(document, at);
    return true;
}

static bool append_key_value(struct column_builder *builder,
                             const struct store_column *column,
                             struct slice text)
{
    if (column->semantic == STORE_UUID) {
        uint8_t uuid[16];
        if (!sink_uuid_parse(text, uuid)) {
            return false;
        }
        column_append_bytes(builder, slice_of(uuid, sizeof(uuid)));
        return true;
    }
    if (column->type->id == TYPE_STRING || column->type->id == TYPE_BINARY) {
        column_append_bytes(builder, text);
        return true;
    }
    if (type_is_integral(column->type)) {
        char digits[24] = {0};
        char *end;
        if (text.size == 0 || text.size >= sizeof(digits)) {
            return false;
        }
        memcpy(digits, text.data, text.size);
        errno = 0;
        long long value = strtoll(digits, &end, 10);
        int64_t most = INT64_MAX >> (64 - 8 * type_width(column->type));
        if (*end != '\0' || errno != 0 || value > most || value < -most - 1) {
            return false; /* such a number was never a key of this table */
        }
        column_append_int(builder, value);
        return true;
    }
    return false;
}

static bool append_row(const struct store_table *table,
                       const struct sink_key *key,
                       struct slice topic_key,
                       struct json_document *document,
                       struct arena *arena,
                       struct column_builder *builders)
{
    for (uint32_t k = 0; k < table->key_count; k++) {
        struct slice text;
        uint32_t column = table->key[k];
        if (!key_part(topic_key, key->topic_part_count, key->parts[k], document, arena, &text) ||
            !append_key_value(&builders[column], &table->columns[column], text)) {
            return false;
        }
    }
    return true;
}

const struct batch *sink_delete_rows(const struct store_table *table,
                                     const struct sink_key *key,
                                     const struct log_in *records,
                                     const size_t *deletes,
                                     size_t count,
                                     struct arena *arena,
                                     size_t **ret_used)
{
    struct json_document document;
    json_document_init(&document);
    struct column_builder *builders =
        ARENA_ARRAY(arena, struct column_builder, table->column_count);
    for (uint32_t i = 0; i < table->column_count; i++) {
        column_builder_init(&builders[i], arena, table->columns[i].type, (int64_t) count);
    }
    size_t *used = ARENA_ARRAY(arena, size_t, count);
    int64_t length = 0;
    for (size_t i = 0; i < count; i++) {
        const struct log_in *record = &records[deletes[i]];
        bool fits = record->key.data != NULL &&
                    append_row(table, key, record->key, &document, arena, builders);
        for (uint32_t c = 0; c < table->column_count; c++) {
            if (!fits) {
                column_builder_truncate(&builders[c], length);
            } else if (builders[c].length == length) {
                column_append_null(&builders[c]);
            }
        }
        if (fits) {
            used[length++] = deletes[i];
        }
    }
    json_document_deinit(&document);
    const struct column **columns = ARENA_ARRAY(arena, const struct column *, table->column_count);
    for (uint32_t i = 0; i < table->column_count; i++) {
        columns[i] = column_builder_finish(&builders[i]);
    }
    struct batch *batch = ARENA_NEW(arena, struct batch);
    *batch = (struct batch){length, sink_table_type(table, arena), columns};
    *ret_used = used;
    return batch;
}
