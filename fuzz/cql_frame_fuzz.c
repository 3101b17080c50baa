/* What a Cassandra node sends: segments, envelopes, results with values of any type, errors. The
 * first byte chooses. A value that was read is written and read again to the same bytes. */

#include "base/assert.h"
#include "connectors/cassandra/cql_error.h"
#include "connectors/cassandra/cql_result.h"
#include "connectors/cassandra/cql_segment.h"
#include "connectors/cassandra/cql_value.h"
#include "fuzz.h"

static void read_segments(struct slice bytes, bool lz4)
{
    struct buffer plain CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct error error;
    size_t used = 1;
    while (used > 0 && cql_segment_read(bytes, lz4, &plain, &used, &error) == STATUS_OK) {
        bytes = slice_of(bytes.data + used, bytes.size - used);
    }
    buffer_clear(&plain);
    (void) !cql_lz4_body_read(bytes, &plain, &error);
}

static void
write_again(struct column_builder *builder, const struct cql_type *type, struct arena *arena)
{
    struct buffer first CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct buffer second CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct column_builder again;
    struct error error;
    const struct column *read = column_builder_finish(builder);
    if (!cql_type_takes(type, read->type) ||
        cql_value_write(read, 0, type, &first, &error) != STATUS_OK || column_is_null(read, 0)) {
        return;
    }
    column_builder_init(&again, arena, read->type, 1);
    struct slice value = slice_of(first.data + 4, first.size - 4);
    if (cql_value_read(value, type, &again, &error) == STATUS_OK) {
        const struct column *copy = column_builder_finish(&again);
        ASSERT(cql_value_write(copy, 0, type, &second, &error) == STATUS_OK);
        ASSERT(slice_equal(buffer_slice(&first), buffer_slice(&second)));
    }
}

static void read_rows(struct slice body, struct arena *arena)
{
    struct cql_rows rows;
    struct error error;
    if (cql_rows_read(body, arena, &rows, &error) != STATUS_OK || rows.metadata.columns == NULL) {
        return;
    }
    for (uint32_t row = 0; row < rows.count && row < 8; row++) {
        for (uint32_t i = 0; i < rows.metadata.column_count; i++) {
            struct slice bytes;
            struct column_builder builder;
            const struct cql_type *type = rows.metadata.columns[i].type;
            if (!cql_read_bytes(&rows.cells, &bytes)) {
                continue;
            }
            column_builder_init(&builder, arena, cql_type_as_column("c", type, arena).type, 1);
            if (cql_value_read(bytes, type, &builder, &error) == STATUS_OK) {
                write_again(&builder, type, arena);
            }
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena CLEANUP(arena_deinit);
    struct error error;
    arena_init(&arena, 0);
    if (size == 0) {
        return 0;
    }
    struct slice rest = slice_of(data + 1, size - 1);
    switch (data[0] % 6) {
    case 0:
        read_segments(rest, false);
        break;
    case 1:
        read_segments(rest, true);
        break;
    case 2:
        read_rows(rest, &arena);
        break;
    case 3: {
        struct cql_prepared prepared;
        (void) !cql_prepared_read(rest, CQL_V5, &arena, &prepared, &error);
        break;
    }
    case 4: {
        struct cql_refusal refusal;
        cql_error_read(rest, &refusal, &error);
        break;
    }
    default:
        (void) cql_type_text(cql_type_of_class(rest, &arena), &arena);
        break;
    }
    return 0;
}
