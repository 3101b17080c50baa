#include "stream/checkpoint.h"

#include "base/memory.h"
#include "columnar/builder.h"
#include "stream/bytes.h"

#include <stdlib.h>

static struct store_column groups_columns[3];
static struct store_column outbox_columns[2];
static const uint32_t groups_key[] = {0, 1};
static const uint32_t outbox_key[] = {0};
static const bool ascending[] = {false, false};

static const struct store_table groups = {
    .name = "leat_groups",
    .columns = groups_columns,
    .column_count = 3,
    .key = groups_key,
    .key_count = 2,
    .partition_count = 1,
    .key_descending = ascending,
    .internal = true,
};

static const struct store_table outbox = {
    .name = "leat_outbox",
    .columns = outbox_columns,
    .column_count = 2,
    .key = outbox_key,
    .key_count = 1,
    .partition_count = 1,
    .key_descending = ascending,
    .internal = true,
};

/* Types are no constant expressions in C, so the columns are filled in once. */
static void fill_columns(void)
{
    groups_columns[0] = (struct store_column){"stream", type_plain(TYPE_STRING), STORE_PLAIN};
    groups_columns[1] = (struct store_column){"group_key", type_plain(TYPE_BINARY), STORE_PLAIN};
    groups_columns[2] = (struct store_column){"group_value", type_plain(TYPE_BINARY), STORE_PLAIN};
    outbox_columns[0] = (struct store_column){"number", type_plain(TYPE_BIGINT), STORE_PLAIN};
    outbox_columns[1] = (struct store_column){"bytes", type_plain(TYPE_BINARY), STORE_PLAIN};
}

enum status checkpoint_tables(struct task_store *state, struct error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fill_columns);
    TRY(state->ops->table_ensure(state->handle, &groups, error));
    return state->ops->table_ensure(state->handle, &outbox, error);
}

static struct batch *table_batch(struct arena *arena,
                                 const struct store_table *table,
                                 struct column_builder *builders,
                                 int64_t length)
{
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, table->column_count);
    const struct column **columns = ARENA_ARRAY(arena, const struct column *, table->column_count);
    for (uint32_t i = 0; i < table->column_count; i++) {
        fields[i] = (struct type_field){table->columns[i].name, table->columns[i].type, true};
        columns[i] = column_builder_finish(&builders[i]);
    }
    struct batch *batch = ARENA_NEW(arena, struct batch);
    *batch = (struct batch){length, type_struct(arena, fields, table->column_count), columns};
    return batch;
}

static struct column_builder *table_builders(struct arena *arena, const struct store_table *table)
{
    struct column_builder *builders =
        ARENA_ARRAY(arena, struct column_builder, table->column_count);
    for (uint32_t i = 0; i < table->column_count; i++) {
        column_builder_init(&builders[i], arena, table->columns[i].type, 16);
    }
    return builders;
}

static struct store_write make_write(struct arena *arena,
                                     const struct store_table *table,
                                     struct column_builder *builders,
                                     enum store_op op,
                                     int64_t version)
{
    int64_t length = builders[0].length;
    int64_t *versions = arena_alloc(arena, ((size_t) length + 1) * sizeof(*versions));
    for (int64_t i = 0; i < length; i++) {
        versions[i] = version;
    }
    uint8_t *ops = NULL;
    if (op == STORE_DELETE) {
        ops = memset(arena_alloc(arena, (size_t) length + 1), STORE_DELETE, (size_t) length);
    }
    return (struct store_write){table, table_batch(arena, table, builders, length), ops, versions};
}

static bool changed_groups(struct processor *task,
                           struct arena *arena,
                           struct store_write *write,
                           int64_t version)
{
    struct column_builder *builders = table_builders(arena, &groups);
    struct buffer value = BUFFER_INIT;
    for (size_t i = 0; i < task->stream_count; i++) {
        const struct aggregates *aggregates = task->streams[i].aggregates;
        for (size_t g = 0; aggregates != NULL && g < aggregates->groups.dirty_count; g++) {
            const struct group *group = aggregates->groups.dirty[g];
            buffer_clear(&value);
            group_write(&aggregates->groups, group, &value);
            column_append_bytes(&builders[0], slice_of_string(task->streams[i].spec->name));
            column_append_bytes(&builders[1], group->key);
            column_append_bytes(&builders[2], buffer_slice(&value));
        }
    }
    buffer_deinit(&value);
    if (builders[0].length == 0) {
        return false;
    }
    *write = make_write(arena, &groups, builders, STORE_UPSERT, version);
    return true;
}

static bool removed_groups(struct processor *task,
                           struct arena *arena,
                           struct store_write *write,
                           int64_t version)
{
    struct column_builder *builders = table_builders(arena, &groups);
    for (size_t i = 0; i < task->stream_count; i++) {
        const struct aggregates *aggregates = task->streams[i].aggregates;
        if (aggregates == NULL) {
            continue;
        }
        struct bytes_reader reader = bytes_reader_of(buffer_slice(&aggregates->groups.removed));
        while (reader.rest.size > 0) {
            column_append_bytes(&builders[0], slice_of_string(task->streams[i].spec->name));
            column_append_bytes(&builders[1], bytes_slice(&reader));
            column_append_null(&builders[2]);
        }
    }
    if (builders[0].length == 0) {
        return false;
    }
    *write = make_write(arena, &groups, builders, STORE_DELETE, version);
    return true;
}

/* Entries that every store has. */
static bool delivered_entries(struct processor *task,
                              int64_t delivered,
                              struct arena *arena,
                              struct store_write *write,
                              int64_t version)
{
    struct column_builder *builders = table_builders(arena, &outbox);
    int64_t last = delivered < task->outbox_last ? delivered : task->outbox_last;
    for (int64_t number = task->outbox_first; number <= last; number++) {
        column_append_int(&builders[0], number);
        column_append_null(&builders[1]);
    }
    if (builders[0].length == 0) {
        return false;
    }
    *write = make_write(arena, &outbox, builders, STORE_DELETE, version);
    return true;
}

struct store_write
checkpoint_entry(struct arena *arena, int64_t number, struct slice entry, int64_t version)
{
    struct column_builder *builders = table_builders(arena, &outbox);
    column_append_int(&builders[0], number);
    column_append_bytes(&builders[1], entry);
    return make_write(arena, &outbox, builders, STORE_UPSERT, version);
}

size_t checkpoint_writes(struct processor *task,
                         struct slice entry,
                         int64_t delivered,
                         struct arena *arena,
                         struct store_write *ret_writes,
                         int64_t version)
{
    size_t count = 0;
    count += removed_groups(task, arena, &ret_writes[count], version);
    count += changed_groups(task, arena, &ret_writes[count], version);
    count += delivered_entries(task, delivered, arena, &ret_writes[count], version);
    if (entry.size > 0) {
        ret_writes[count++] = checkpoint_entry(arena, task->progress.number, entry, version);
    }
    return count;
}

void checkpoint_done(struct processor *task, int64_t delivered)
{
    for (size_t i = 0; i < task->stream_count; i++) {
        if (task->streams[i].aggregates != NULL) {
            keyed_groups_checkpointed(&task->streams[i].aggregates->groups);
        }
    }
    if (task->outbox_first <= delivered) {
        task->outbox_first = delivered + 1;
    }
    task->outbox_last = task->progress.number;
}

static enum status visit_groups(void *context, const struct batch *batch, struct error *error)
{
    struct processor *task = context;
    for (int64_t row = 0; row < batch->length; row++) {
        struct slice name = column_bytes(batch->columns[0], row);
        struct slice key = column_bytes(batch->columns[1], row);
        for (size_t i = 0; i < task->stream_count; i++) {
            struct task_stream *stream = &task->streams[i];
            if (stream->aggregates != NULL && slice_equal_string(name, stream->spec->name)) {
                TRY(keyed_groups_restore(&stream->aggregates->groups, key, aggregate_key_hash(key),
                                         column_bytes(batch->columns[2], row), error));
            }
        }
    }
    return STATUS_OK;
}

enum status checkpoint_load_groups(struct processor *task, struct error *error)
{
    static const char *const columns[] = {"stream", "group_key", "group_value"};
    struct arena arena;
    arena_init(&arena, 0);
    enum status status = task->state.ops->scan(task->state.handle, "leat_groups", columns, 3,
                                               &arena, visit_groups, task, error);
    arena_deinit(&arena);
    return status;
}

enum status checkpoint_reload_groups(struct processor *task, struct error *error)
{
    if (task->state.handle == NULL) {
        return STATUS_OK;
    }
    for (size_t i = 0; i < task->stream_count; i++) {
        struct aggregates *aggregates = task->streams[i].aggregates;
        if (aggregates != NULL) {
            keyed_groups_deinit(&aggregates->groups);
            keyed_groups_init(&aggregates->groups, aggregates->plan);
        }
    }
    return checkpoint_load_groups(task, error);
}

struct group_keys {
    struct column_builder *builders;
};

static enum status visit_keys(void *context, const struct batch *batch, struct error *error)
{
    (void) error;
    struct group_keys *keys = context;
    for (int64_t row = 0; row < batch->length; row++) {
        column_append_bytes(&keys->builders[0], column_bytes(batch->columns[0], row));
        column_append_bytes(&keys->builders[1], column_bytes(batch->columns[1], row));
        column_append_null(&keys->builders[2]);
    }
    return STATUS_OK;
}

enum status checkpoint_drop_groups(struct processor *task, struct error *error)
{
    static const char *const columns[] = {"stream", "group_key"};
    struct task_store *state = &task->state;
    struct arena arena;
    arena_init(&arena, 0);
    struct group_keys keys = {table_builders(&arena, &groups)};
    enum status status = state->ops->scan(state->handle, "leat_groups", columns, 2, &arena,
                                          visit_keys, &keys, error);
    if (status == STATUS_OK) {
        struct buffer bytes = BUFFER_INIT;
        task->progress.number++;
        progress_write(&task->progress, &bytes);
        struct store_write write =
            make_write(&arena, &groups, keys.builders, STORE_DELETE, task->progress.number);
        const struct store_progress progress = {task->name, task->progress.number,
                                                buffer_slice(&bytes)};
        const struct store_commit commit = {
            .writes = &write, .write_count = write.batch->length > 0, .progress = &progress};
        status = state->ops->commit(state->handle, &commit, error);
        buffer_deinit(&bytes);
    }
    arena_deinit(&arena);
    return status;
}

struct outbox_entry {
    int64_t number;
    struct slice bytes;
};

struct outbox_list {
    struct arena arena;
    struct outbox_entry *entries;
    size_t count;
};

static enum status visit_outbox(void *context, const struct batch *batch, struct error *error)
{
    (void) error;
    struct outbox_list *list = context;
    for (int64_t row = 0; row < batch->length; row++) {
        list->entries = mem_realloc(list->entries, (list->count + 1) * sizeof(*list->entries));
        list->entries[list->count++] = (struct outbox_entry){
            column_int(batch->columns[0], row),
            arena_copy(&list->arena, column_bytes(batch->columns[1], row)),
        };
    }
    return STATUS_OK;
}

static int by_number(const void *a, const void *b)
{
    int64_t left = ((const struct outbox_entry *) a)->number;
    int64_t right = ((const struct outbox_entry *) b)->number;
    return (left > right) - (left < right);
}

enum status checkpoint_outbox(struct processor *task,
                              enum status (*deliver)(struct processor *task,
                                                     int64_t number,
                                                     struct slice bytes,
                                                     struct error *error),
                              struct error *error)
{
    static const char *const columns[] = {"number", "bytes"};
    struct outbox_list list = {0};
    arena_init(&list.arena, 0);
    enum status status = task->state.ops->scan(task->state.handle, "leat_outbox", columns, 2,
                                               &list.arena, visit_outbox, &list, error);
    if (status == STATUS_OK && list.count > 0) {
        qsort(list.entries, list.count, sizeof(*list.entries), by_number);
        task->outbox_first = list.entries[0].number;
        task->outbox_last = list.entries[list.count - 1].number;
    }
    for (size_t i = 0; i < list.count && status == STATUS_OK; i++) {
        status = deliver(task, list.entries[i].number, list.entries[i].bytes, error);
    }
    mem_free(list.entries);
    arena_deinit(&list.arena);
    return status;
}
