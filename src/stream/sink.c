#include "stream/sink.h"

#include "base/assert.h"
#include "base/hex.h"
#include "base/settings.h"
#include "columnar/builder.h"
#include "stream/run_internal.h"
#include "stream/sink_internal.h"

#include <stdio.h>
#include <strings.h>

#define UUID_BYTES 16

/* ---- the table ------------------------------------------------------------------------------ */

static enum status
no_such_column(const struct type *type, const char *what, const char *name, struct error *error)
{
    const char *names[64];
    size_t count = 0;
    for (uint32_t i = 0; i < type->field_count && count < ARRAY_SIZE(names); i++) {
        names[count++] = type->fields[i].name;
    }
    (void) error_set(error, STATUS_CONFIG, "%s names \"%s\", which the query does not give", what,
                     name);
    const char *nearest = nearest_word(name, names, count);
    if (nearest != NULL) {
        error_hint(error, "did you mean \"%s\"?", nearest);
    }
    return STATUS_CONFIG;
}

static enum status column_semantic(const struct type_field *field,
                                   const char *type_name,
                                   struct arena *arena,
                                   struct store_column *column,
                                   struct error *error)
{
    if (strcasecmp(type_name, "uuid") == 0) {
        if (field->type->id != TYPE_STRING) {
            return error_set(error, STATUS_CONFIG,
                             "column \"%s\" is %s; a uuid is made from a string", field->name,
                             type_text(field->type, arena));
        }
        column->type = type_plain(TYPE_BINARY);
        column->semantic = STORE_UUID;
        return STATUS_OK;
    }
    const struct type *wanted;
    TRY(type_parse(slice_of_string(type_name), arena, &wanted, error));
    if (!type_equal(wanted, field->type)) {
        (void) error_set(error, STATUS_CONFIG,
                         "column \"%s\" is %s in the query and %s in the sink", field->name,
                         type_text(field->type, arena), type_text(wanted, arena));
        error_hint(error, "cast it in the query: CAST(... AS %s)", type_name);
        return STATUS_CONFIG;
    }
    return STATUS_OK;
}

static enum status key_add(const struct type *type,
                           const char *text,
                           struct store_table *table,
                           uint32_t *key,
                           bool *descending,
                           struct arena *arena,
                           struct error *error)
{
    char *name = arena_strdup(arena, text);
    char *blank = strchr(name, ' ');
    bool down = false;
    if (blank != NULL) {
        *blank = '\0';
        down = strcasecmp(blank + 1, "desc") == 0;
        if (!down && strcasecmp(blank + 1, "asc") != 0) {
            return error_set(error, STATUS_CONFIG, "\"%s\": the order is asc or desc", text);
        }
    }
    int index = type_field_index(type, name);
    if (index < 0) {
        return no_such_column(type, "the key", name, error);
    }
    key[table->key_count] = (uint32_t) index;
    descending[table->key_count++] = down;
    return STATUS_OK;
}

static enum status make_columns(const struct type *type,
                                const struct sink_table_spec *spec,
                                struct arena *arena,
                                struct store_table *table,
                                struct error *error)
{
    struct store_column *columns = ARENA_ARRAY(arena, struct store_column, type->field_count + 1);
    for (uint32_t i = 0; i < type->field_count; i++) {
        const struct type *column_type = type->fields[i].type;
        columns[i].name = type->fields[i].name;
        columns[i].type = column_type->id == TYPE_NULL ? type_plain(TYPE_STRING) : column_type;
    }
    for (size_t i = 0; i < spec->type_name_count; i++) {
        const char *name = spec->type_names[2 * i];
        int index = type_field_index(type, name);
        if (index < 0) {
            return no_such_column(type, "types", name, error);
        }
        TRY(column_semantic(&type->fields[index], spec->type_names[2 * i + 1], arena,
                            &columns[index], error));
    }
    table->column_count = type->field_count;
    if (spec->mark_deletes) {
        columns[table->column_count++] =
            (struct store_column){"_deleted_at", type_plain(TYPE_TIMESTAMP), STORE_PLAIN};
    }
    table->columns = columns;
    return STATUS_OK;
}

enum status sink_table_make(const struct query *query,
                            const struct sink_table_spec *spec,
                            struct arena *arena,
                            const struct store_table **ret_table,
                            struct error *error)
{
    const struct type *type = query->plan->type;
    struct store_table *table = ARENA_NEW(arena, struct store_table);
    table->name = arena_strdup(arena, spec->table);
    table->ttl_us = spec->ttl_us;
    TRY(make_columns(type, spec, arena, table, error));
    size_t keys = spec->partition_key_count + spec->cluster_key_count;
    if (keys == 0) {
        (void) error_set(error, STATUS_CONFIG, "the sink has no key");
        error_hint(error, "say which columns identify a row: key: [id]");
        return STATUS_CONFIG;
    }
    uint32_t *key = ARENA_ARRAY(arena, uint32_t, keys);
    bool *descending = ARENA_ARRAY(arena, bool, keys);
    for (size_t i = 0; i < keys; i++) {
        const char *text = i < spec->partition_key_count
                               ? spec->partition_key[i]
                               : spec->cluster_key[i - spec->partition_key_count];
        TRY(key_add(type, text, table, key, descending, arena, error));
    }
    table->key = key;
    table->key_descending = descending;
    table->partition_count = (uint32_t) spec->partition_key_count;
    *ret_table = table;
    return STATUS_OK;
}

/* ---- values ------------------------------------------------------------------------------------
 */

bool sink_uuid_parse(struct slice text, uint8_t ret_uuid[UUID_BYTES])
{
    if (text.size != 36) {
        return false;
    }
    size_t at = 0;
    for (size_t i = 0; i < 36;) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text.data[i++] != '-') {
                return false;
            }
            continue;
        }
        int high = hex_digit_value(text.data[i]);
        int low = hex_digit_value(text.data[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        ret_uuid[at++] = (uint8_t) (high << 4 | low);
        i += 2;
    }
    return true;
}

struct conversion {
    struct run *run;
    const struct rows *rows;
    uint8_t *selection; /* rows that can be stored */
    int64_t selected;
};

static void refuse(struct conversion *conversion, int64_t row, const char *message)
{
    if (!bit_get(conversion->selection, row)) {
        return;
    }
    bit_clear(conversion->selection, row);
    conversion->selected--;
    const int32_t *origin = conversion->rows->origin;
    run_add_failure(conversion->run, origin == NULL ? -1 : origin[row], RUN_FAILURE_SINK, message);
}

static const struct column *
convert_uuid(struct conversion *conversion, const struct column *column, const char *name)
{
    struct arena *arena = conversion->run->arena;
    struct column_builder builder;
    column_builder_init(&builder, arena, type_plain(TYPE_BINARY), column->length);
    for (int64_t row = 0; row < column->length; row++) {
        uint8_t uuid[UUID_BYTES] = {0};
        if (column_is_null(column, row)) {
            column_append_null(&builder);
            continue;
        }
        struct slice text = column_bytes(column, row);
        if (!sink_uuid_parse(text, uuid)) {
            refuse(conversion, row,
                   arena_printf(arena, "column \"%s\": '%.*s' is no uuid", name,
                                (int) (text.size > 60 ? 60 : text.size), (const char *) text.data));
        }
        column_append_bytes(&builder, slice_of(uuid, UUID_BYTES));
    }
    return column_builder_finish(&builder);
}

static void check_key(struct conversion *conversion, const struct store_table *table)
{
    const struct batch *batch = conversion->rows->batch;
    for (uint32_t k = 0; k < table->key_count; k++) {
        const struct column *column = batch->columns[table->key[k]];
        for (int64_t row = 0; column->null_count > 0 && row < batch->length; row++) {
            if (column_is_null(column, row)) {
                refuse(conversion, row,
                       arena_printf(conversion->run->arena, "key column \"%s\" is null",
                                    table->columns[table->key[k]].name));
            }
        }
    }
}

static size_t key_bytes(const struct store_table *table, const struct batch *batch, int64_t row)
{
    size_t bytes = 0;
    for (uint32_t k = 0; k < table->key_count; k++) {
        const struct column *column = batch->columns[table->key[k]];
        enum type_id type = column->type->id;
        if ((type == TYPE_STRING || type == TYPE_BINARY) && !column_is_null(column, row)) {
            bytes += column_bytes(column, row).size;
        }
    }
    return bytes;
}

static void
check_key_bytes(struct conversion *conversion, const struct store_table *table, size_t most)
{
    const struct batch *batch = conversion->rows->batch;
    for (int64_t row = 0; most > 0 && row < batch->length; row++) {
        size_t bytes = key_bytes(table, batch, row);
        if (bytes > most) {
            refuse(conversion, row,
                   arena_printf(conversion->run->arena,
                                "key of %zu bytes: table \"%s\" takes %zu at most", bytes,
                                table->name, most));
        }
    }
}

const struct type *sink_table_type(const struct store_table *table, struct arena *arena)
{
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, table->column_count);
    for (uint32_t i = 0; i < table->column_count; i++) {
        fields[i] = (struct type_field){table->columns[i].name, table->columns[i].type, true};
    }
    return type_struct(arena, fields, table->column_count);
}

void sink_convert(struct run *run,
                  const struct store_ops *ops,
                  const struct store_table *table,
                  struct rows *rows)
{
    const struct batch *input = rows->batch;
    size_t bytes = (size_t) (input->length + 7) / 8;
    struct conversion conversion = {
        .run = run,
        .rows = rows,
        .selection = memset(arena_alloc(run->arena, bytes + 1), 0xff, bytes),
        .selected = input->length,
    };
    check_key(&conversion, table);
    check_key_bytes(&conversion, table, ops->key_bytes_max);
    const struct column **columns =
        ARENA_ARRAY(run->arena, const struct column *, table->column_count);
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (i >= input->type->field_count) { /* _deleted_at */
            columns[i] = column_nulls(run->arena, table->columns[i].type, input->length);
        } else if (input->columns[i]->type->id == TYPE_NULL) {
            columns[i] = column_nulls(run->arena, table->columns[i].type, input->length);
        } else if (table->columns[i].semantic == STORE_UUID) {
            columns[i] = convert_uuid(&conversion, input->columns[i], table->columns[i].name);
        } else {
            columns[i] = input->columns[i];
        }
    }
    struct batch *batch = ARENA_NEW(run->arena, struct batch);
    *batch = (struct batch){input->length, sink_table_type(table, run->arena), columns};
    rows->batch = batch;
    *rows = run_select(run, *rows, conversion.selection, conversion.selected);
}
