/* Rows of a table as JSON records. */

#include "base/time_text.h"
#include "connectors/postgres/source_internal.h"

static void append_name(struct buffer *target, bool *first, const char *name)
{
    buffer_append_string(target, *first ? "" : ",");
    *first = false;
    buffer_append_json(target, slice_of_string(name));
    buffer_append_byte(target, ':');
}

static void append_context(const struct shape *shape,
                           const struct shape_context *context,
                           struct buffer *target,
                           bool *first)
{
    char text[TIME_TEXT_BYTES];
    if (context->with_table) {
        append_name(target, first, "_table");
        buffer_append_json(target, slice_of_string(shape->table));
    }
    if (context->with_lsn) {
        append_name(target, first, "_lsn");
        buffer_append_json(target, slice_of_string(lsn_format(context->lsn, text)));
    }
    if (context->with_committed_at) {
        append_name(target, first, "_committed_at");
        if (context->committed_us == 0) {
            buffer_append_string(target, "null");
        } else {
            size_t size = time_format(context->committed_us, text);
            buffer_append_json(target, slice_of(text, size));
        }
    }
}

const char *shape_append(const struct shape *shape,
                         const struct shape_context *context,
                         const struct pgoutput_tuple *tuple,
                         bool keys_only,
                         struct arena *arena,
                         struct buffer *target,
                         size_t *ret_missing)
{
    const char *fault = NULL;
    bool first = true;
    size_t missing = 0;
    buffer_append_byte(target, '{');
    for (size_t i = 0; i < shape->column_count && i < tuple->count; i++) {
        const struct shape_column *column = &shape->columns[i];
        const struct pgoutput_cell *cell = &tuple->cells[i];
        if (keys_only && !column->key) {
            continue;
        }
        if (cell->kind == PGOUTPUT_UNCHANGED) {
            missing++;
            continue;
        }
        append_name(target, &first, column->name);
        if (cell->kind == PGOUTPUT_NULL) {
            buffer_append_string(target, "null");
            continue;
        }
        size_t before = target->size;
        const char *why = "no text";
        if (cell->kind == PGOUTPUT_BINARY ||
            !value_append(&column->type, cell->bytes, target, &why)) {
            /* The record stays readable for who looks at its dead letter. */
            target->size = before;
            buffer_append_json(target, cell->bytes);
            fault = fault != NULL
                        ? fault
                        : arena_printf(arena, "the value of column \"%s\" of \"%s\" is %s",
                                       column->name, shape->table, why);
        }
    }
    append_context(shape, context, target, &first);
    buffer_append_byte(target, '}');
    if (ret_missing != NULL) {
        *ret_missing = missing;
    }
    return fault;
}
