#include "stream/outbox.h"

#include "base/logline.h"
#include "stream/batch_bytes.h"
#include "stream/bytes.h"
#include "stream/sink_internal.h"

#define HAS_OPS     1
#define HAS_ORIGINS 2

void output_add_write(struct arena *arena, struct task_output *output, struct task_write write)
{
    if (output->write_count == output->write_capacity) {
        size_t old = output->write_capacity * sizeof(*output->writes);
        output->write_capacity = output->write_capacity == 0 ? 8 : output->write_capacity * 2;
        output->writes = arena_grow(arena, output->writes, old,
                                    output->write_capacity * sizeof(*output->writes));
    }
    output->writes[output->write_count++] = write;
}

void output_add_dead(struct arena *arena, struct task_output *output, struct dead_letter letter)
{
    if (output->dead_count == output->dead_capacity) {
        size_t old = output->dead_capacity * sizeof(*output->dead);
        output->dead_capacity = output->dead_capacity == 0 ? 8 : output->dead_capacity * 2;
        output->dead =
            arena_grow(arena, output->dead, old, output->dead_capacity * sizeof(*output->dead));
    }
    output->dead[output->dead_count++] = letter;
}

void outbox_write(const struct task_output *output, struct buffer *target)
{
    struct buffer type = BUFFER_INIT;
    for (size_t i = 0; i < output->write_count; i++) {
        const struct task_write *write = &output->writes[i];
        const struct batch *batch = write->rows.batch;
        bytes_put_slice(target, slice_of_string(write->sink->spec->name));
        buffer_clear(&type);
        type_write(batch->type, &type);
        bytes_put_slice(target, buffer_slice(&type));
        buffer_append_varint(target, (uint64_t) batch->length);
        buffer_append_byte(target, (write->rows.ops != NULL ? HAS_OPS : 0) |
                                       (write->origins != NULL ? HAS_ORIGINS : 0));
        if (write->rows.ops != NULL) {
            buffer_append(target, write->rows.ops, (size_t) batch->length);
        }
        if (write->origins != NULL) {
            buffer_append(target, write->origins, (size_t) batch->length * sizeof(*write->origins));
        }
        buffer_append(target, write->rows.versions, (size_t) batch->length * sizeof(int64_t));
        batch_write_bytes(batch, target);
    }
    buffer_deinit(&type);
}

static struct task_sink *find_sink(struct processor *task, struct slice name)
{
    for (size_t i = 0; i < task->stream_count; i++) {
        for (size_t s = 0; s < task->streams[i].sink_count; s++) {
            if (slice_equal_string(name, task->streams[i].sinks[s].spec->name)) {
                return &task->streams[i].sinks[s];
            }
        }
    }
    return NULL;
}

static enum status read_write(struct processor *task,
                              int64_t number,
                              struct bytes_reader *reader,
                              struct arena *arena,
                              struct task_output *output,
                              struct error *error)
{
    struct slice name = bytes_slice(reader);
    struct slice type_name = bytes_slice(reader);
    uint64_t length = bytes_varint(reader);
    uint8_t parts = bytes_byte(reader);
    bool has_ops = (parts & HAS_OPS) != 0;
    bool has_origins = (parts & HAS_ORIGINS) != 0;
    reader->failed = reader->failed || length > reader->rest.size;
    struct slice ops = bytes_take(reader, has_ops ? length : 0);
    struct slice origins = bytes_take(reader, has_origins ? length * sizeof(struct row_origin) : 0);
    struct slice versions = bytes_take(reader, length * sizeof(int64_t));
    const struct type *type;
    if (reader->failed || type_parse(type_name, arena, &type, NULL) != STATUS_OK ||
        type->id != TYPE_STRUCT) {
        return error_set(error, STATUS_CORRUPT, "rows that wait for their sink cannot be read");
    }
    struct batch *batch;
    TRY(batch_read_bytes(&reader->rest, type, arena, &batch, error));
    if ((uint64_t) batch->length != length) {
        return error_set(error, STATUS_CORRUPT, "rows that wait for their sink do not add up");
    }
    struct task_sink *sink = find_sink(task, name);
    if (sink != NULL && sink->store->delivered >= number) {
        return STATUS_OK; /* it has them; its columns may have changed since */
    }
    if (sink == NULL) {
        logline(LOG_WARN, "stream", "rows of a sink that the file no longer names are dropped",
                LOG_STRING("sink", arena_string(arena, name)), LOG_INT("rows", batch->length));
        return STATUS_OK;
    }
    if (!type_equal(type, sink_table_type(sink->spec->table, arena))) {
        (void) error_set(error, STATUS_CONFIG,
                         "sink \"%s\": rows from before the last stop still wait, and its columns "
                         "have changed since",
                         sink->spec->name);
        error_hint(error, "run once with the file as it was, so that they are stored");
        return STATUS_CONFIG;
    }
    int64_t *aligned = arena_alloc(arena, versions.size + 1);
    memcpy(aligned, versions.data, versions.size);
    struct row_origin *copied = arena_alloc(arena, origins.size + 1);
    if (origins.size > 0) {
        memcpy(copied, origins.data, origins.size);
    }
    output_add_write(arena, output,
                     (struct task_write){
                         .sink = sink,
                         .origins = has_origins ? copied : NULL,
                         .rows = {.table = sink->spec->table,
                                  .batch = batch,
                                  .ops = has_ops ? ops.data : NULL,
                                  .versions = aligned},
                     });
    return STATUS_OK;
}

enum status outbox_read(struct processor *task,
                        int64_t number,
                        struct slice bytes,
                        struct arena *arena,
                        struct task_output *ret_output,
                        struct error *error)
{
    struct bytes_reader reader = bytes_reader_of(bytes);
    *ret_output = (struct task_output){0};
    while (reader.rest.size > 0) {
        TRY(read_write(task, number, &reader, arena, ret_output, error));
    }
    return STATUS_OK;
}
