#include "cluster/spark/deletes.h"

#include "base/buffer.h"
#include "base/map.h"
#include "base/memory.h"
#include "columnar/builder.h"
#include "io/clock.h"
#include "stream/batch_bytes.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A row, by its place: the table's name, 0, and its key as a batch of one row. */
struct item {
    int64_t number;
    int64_t version; /* of the tombstone, as the judge gave it */
};

struct spark_deletes {
    const struct processor_job *job;
    char *url;
    pthread_mutex_t mutex; /* guards what follows */
    struct map items;      /* place -> struct item */
    int64_t newest;
    struct spark_deletes *next;
};

static pthread_mutex_t all_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct spark_deletes *all; /* of this process */
static int64_t last_id;

/* ---- the table ---------------------------------------------------------------------------------
 */

static struct store_column columns[2];
static const uint32_t key[] = {0};
static const bool ascending[] = {false};
static const struct store_table table = {
    .name = "leat_spark_deletes",
    .columns = columns,
    .column_count = ARRAY_SIZE(columns),
    .key = key,
    .key_count = 1,
    .partition_count = 1,
    .key_descending = ascending,
    .internal = true,
};

static void fill_columns(void)
{
    columns[0] = (struct store_column){"place", type_plain(TYPE_BINARY), STORE_PLAIN};
    columns[1] = (struct store_column){"version", type_plain(TYPE_BIGINT), STORE_PLAIN};
}

static enum status
open_table(const struct processor_job *job, struct store **ret_store, struct error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fill_columns);
    TRY(job->state_ops->open(job->state_url, false, ret_store, error));
    enum status status = job->state_ops->table_ensure(*ret_store, &table, error);
    if (status != STATUS_OK) {
        job->state_ops->close(*ret_store);
    }
    return status;
}

struct change {
    struct slice place;
    int64_t version;
    bool gone;
};

struct changes {
    struct change *items;
    size_t count;
    struct arena arena;
};

static void note(struct changes *changes, struct slice place, int64_t version, bool gone)
{
    size_t bytes = changes->count * sizeof(*changes->items);
    changes->items =
        arena_grow(&changes->arena, changes->items, bytes, bytes + sizeof(*changes->items));
    changes->items[changes->count++] =
        (struct change){arena_copy(&changes->arena, place), version, gone};
}

static enum status
write_changes(struct spark_deletes *deletes, struct changes *changes, struct error *error)
{
    const struct processor_job *job = deletes->job;
    struct arena *arena = &changes->arena;
    struct column_builder places;
    struct column_builder versions;
    struct store *store;
    if (changes->count == 0) {
        return STATUS_OK;
    }
    TRY(open_table(job, &store, error));
    column_builder_init(&places, arena, columns[0].type, (int64_t) changes->count);
    column_builder_init(&versions, arena, columns[1].type, (int64_t) changes->count);
    uint8_t *ops = arena_alloc(arena, changes->count);
    int64_t *now = ARENA_ARRAY(arena, int64_t, changes->count);
    int64_t at_us = clock_now_us();
    for (size_t i = 0; i < changes->count; i++) {
        column_append_bytes(&places, changes->items[i].place);
        column_append_int(&versions, changes->items[i].version);
        ops[i] = changes->items[i].gone ? STORE_DELETE : STORE_UPSERT;
        now[i] = at_us + (int64_t) i; /* of two changes of a place the later stays */
    }
    const struct type_field fields[] = {{columns[0].name, columns[0].type, true},
                                        {columns[1].name, columns[1].type, true}};
    const struct column *values[] = {column_builder_finish(&places),
                                     column_builder_finish(&versions)};
    const struct batch batch = {(int64_t) changes->count,
                                type_struct(arena, fields, ARRAY_SIZE(fields)), values};
    const struct store_write write = {&table, &batch, ops, now};
    const struct store_commit commit = {.writes = &write, .write_count = 1};
    enum status status = job->state_ops->commit(store, &commit, error);
    job->state_ops->close(store);
    return status;
}

/* ---- the set -----------------------------------------------------------------------------------
 */

static void put(struct spark_deletes *deletes, struct slice place, int64_t version)
{
    struct item *item = map_get(&deletes->items, place);
    if (item == NULL) {
        item = mem_zalloc(sizeof(*item));
        (void) map_put(&deletes->items, place, item);
    }
    item->number = ++deletes->newest;
    item->version = version;
}

static enum status load_rows(void *context, const struct batch *batch, struct error *error)
{
    struct spark_deletes *deletes = context;
    (void) error;
    for (int64_t row = 0; row < batch->length; row++) {
        put(deletes, column_bytes(batch->columns[0], row), column_int(batch->columns[1], row));
    }
    return STATUS_OK;
}

enum status spark_deletes_open(const struct processor_job *job,
                               struct spark_deletes **ret_deletes,
                               struct error *error)
{
    static const char *const names[] = {"place", "version"};
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    struct store *store;
    TRY(open_table(job, &store, error));
    struct spark_deletes *deletes = mem_zalloc(sizeof(*deletes));
    deletes->job = job;
    map_init(&deletes->items);
    pthread_mutex_init(&deletes->mutex, NULL);
    pthread_mutex_lock(&all_mutex);
    deletes->url = mem_printf("judge:%lld", (long long) ++last_id);
    deletes->next = all;
    all = deletes;
    pthread_mutex_unlock(&all_mutex);
    enum status status = job->state_ops->scan(store, table.name, names, ARRAY_SIZE(names), &arena,
                                              load_rows, deletes, error);
    job->state_ops->close(store);
    if (status != STATUS_OK) {
        spark_deletes_close(deletes);
        return status;
    }
    *ret_deletes = deletes;
    return STATUS_OK;
}

void spark_deletes_close(struct spark_deletes *deletes)
{
    if (deletes == NULL) {
        return;
    }
    pthread_mutex_lock(&all_mutex);
    struct spark_deletes **at = &all;
    while (*at != deletes) {
        at = &(*at)->next;
    }
    *at = deletes->next;
    pthread_mutex_unlock(&all_mutex);
    size_t position = 0;
    for (struct map_entry *entry; (entry = map_next(&deletes->items, &position)) != NULL;) {
        mem_free(entry->value);
    }
    map_deinit(&deletes->items);
    pthread_mutex_destroy(&deletes->mutex);
    mem_free(deletes->url);
    mem_free(deletes);
}

const char *spark_deletes_url(const struct spark_deletes *deletes)
{
    return deletes->url;
}

struct spark_deletes *spark_deletes_at(const char *url)
{
    pthread_mutex_lock(&all_mutex);
    struct spark_deletes *at = all;
    while (at != NULL && strcmp(at->url, url) != 0) {
        at = at->next;
    }
    pthread_mutex_unlock(&all_mutex);
    return at;
}

size_t spark_deletes_count(struct spark_deletes *deletes, int64_t *ret_newest)
{
    pthread_mutex_lock(&deletes->mutex);
    size_t count = deletes->items.size;
    *ret_newest = deletes->newest;
    pthread_mutex_unlock(&deletes->mutex);
    return count;
}

/* ---- what the judge made -----------------------------------------------------------------------
 */

static const struct type *key_type(const struct store_table *of, struct arena *arena)
{
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, of->key_count);
    for (uint32_t i = 0; i < of->key_count; i++) {
        const struct store_column *column = &of->columns[of->key[i]];
        fields[i] = (struct type_field){column->name, column->type, true};
    }
    return type_struct(arena, fields, of->key_count);
}

static struct slice place_of(const struct store_write *write, int64_t row, struct arena *arena)
{
    const struct store_table *of = write->table;
    struct buffer place CLEANUP(buffer_deinit) = BUFFER_INIT;
    const struct column **values = ARENA_ARRAY(arena, const struct column *, of->key_count);
    const int32_t index = (int32_t) row;
    for (uint32_t i = 0; i < of->key_count; i++) {
        values[i] = column_take(arena, write->batch->columns[of->key[i]], &index, 1);
    }
    const struct batch one = {1, key_type(of, arena), values};
    buffer_append_string(&place, of->name);
    buffer_append_byte(&place, 0);
    batch_write_bytes(&one, &place);
    return arena_copy(arena, buffer_slice(&place));
}

static void take_deletes(struct spark_deletes *deletes,
                         const struct store_write *write,
                         struct changes *changes)
{
    for (int64_t row = 0; write->ops != NULL && row < write->batch->length; row++) {
        if (write->ops[row] == STORE_DELETE) {
            struct slice place = place_of(write, row, &changes->arena);
            put(deletes, place, write->versions[row]);
            note(changes, place, write->versions[row], false);
        }
    }
}

static void
take_rows(struct spark_deletes *deletes, const struct store_write *write, struct changes *changes)
{
    for (int64_t row = 0; deletes->items.size > 0 && row < write->batch->length; row++) {
        if (write->ops != NULL && write->ops[row] == STORE_DELETE) {
            continue;
        }
        struct slice place = place_of(write, row, &changes->arena);
        const struct item *item = map_get(&deletes->items, place);
        if (item != NULL && item->version < write->versions[row]) {
            note(changes, place, 0, true);
            mem_free(map_remove(&deletes->items, place));
        }
    }
}

enum status spark_deletes_take(struct spark_deletes *deletes,
                               const struct store_commit *commit,
                               struct error *error)
{
    struct changes changes = {.count = 0};
    arena_init(&changes.arena, 0);
    pthread_mutex_lock(&deletes->mutex);
    for (size_t i = 0; i < commit->write_count; i++) {
        take_deletes(deletes, &commit->writes[i], &changes);
    }
    for (size_t i = 0; i < commit->write_count; i++) {
        take_rows(deletes, &commit->writes[i], &changes);
    }
    enum status status = write_changes(deletes, &changes, error);
    pthread_mutex_unlock(&deletes->mutex);
    arena_deinit(&changes.arena);
    return status;
}

/* ---- to the sinks ------------------------------------------------------------------------------
 */

/* The keys of the table's rows that are to go, one batch each. */
static enum status collect(struct spark_deletes *deletes,
                           const struct store_table *of,
                           int64_t newest,
                           struct arena *arena,
                           struct batch ***ret_keys,
                           size_t *ret_count,
                           struct error *error)
{
    size_t prefix = strlen(of->name) + 1;
    const struct type *type = key_type(of, arena);
    struct batch **keys = ARENA_ARRAY(arena, struct batch *, deletes->items.size + 1);
    size_t position = 0;
    *ret_count = 0;
    for (struct map_entry *entry; (entry = map_next(&deletes->items, &position)) != NULL;) {
        const struct item *item = entry->value;
        struct slice place = entry->key;
        if (item->number <= newest && place.size > prefix &&
            memcmp(place.data, of->name, prefix) == 0) {
            struct slice bytes = slice_of(place.data + prefix, place.size - prefix);
            TRY(batch_read_bytes(&bytes, type, arena, &keys[*ret_count], error));
            ++*ret_count;
        }
    }
    *ret_keys = keys;
    return STATUS_OK;
}

/* Rows of the table with nothing but these keys, and with `mark` the time of the delete. */
static struct batch *rows_of(const struct store_table *of,
                             struct batch *const *keys,
                             size_t count,
                             bool mark,
                             struct arena *arena)
{
    struct batch *batch = ARENA_NEW(arena, struct batch);
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, of->column_count);
    const struct column **values = ARENA_ARRAY(arena, const struct column *, of->column_count);
    const struct column **parts = ARENA_ARRAY(arena, const struct column *, count);
    for (uint32_t c = 0; c < of->column_count; c++) {
        struct column_builder builder;
        fields[c] = (struct type_field){of->columns[c].name, of->columns[c].type, true};
        column_builder_init(&builder, arena, of->columns[c].type, (int64_t) count);
        for (size_t i = 0; i < count; i++) {
            if (mark && c + 1 == of->column_count) {
                column_append_int(&builder, clock_now_us());
            } else {
                column_append_null(&builder);
            }
        }
        values[c] = column_builder_finish(&builder);
    }
    for (uint32_t k = 0; k < of->key_count; k++) {
        for (size_t i = 0; i < count; i++) {
            parts[i] = keys[i]->columns[k];
        }
        values[of->key[k]] = column_concat(arena, parts, count);
    }
    *batch = (struct batch){(int64_t) count, type_struct(arena, fields, of->column_count), values};
    return batch;
}

static enum status store_deletes(const struct processor_job *job,
                                 const struct processor_sink *sink,
                                 struct batch *const *keys,
                                 size_t count,
                                 int64_t version_us,
                                 struct arena *arena,
                                 struct error *error)
{
    bool mark = sink->deletes == DELETES_MARK;
    int64_t *versions = ARENA_ARRAY(arena, int64_t, count);
    uint8_t *ops = arena_alloc(arena, count);
    for (size_t i = 0; i < count; i++) {
        versions[i] = version_us;
        ops[i] = STORE_DELETE;
    }
    const struct store_write write = {sink->table, rows_of(sink->table, keys, count, mark, arena),
                                      mark ? NULL : ops, versions};
    const struct store_commit commit = {.writes = &write, .write_count = 1};
    struct store *store;
    TRY(store_open_fenced(sink->store_ops, sink->store_url, job->fence, &store, error));
    enum status status = sink->store_ops->table_ensure(store, sink->table, error);
    if (status == STATUS_OK) {
        status = sink->store_ops->commit(store, &commit, error);
    }
    sink->store_ops->close(store);
    if (status != STATUS_OK) {
        error_context(error, "sink \"%s\"", sink->name);
    }
    return status;
}

static enum status apply(struct spark_deletes *deletes,
                         int64_t newest,
                         int64_t version_us,
                         struct changes *changes,
                         struct error *error)
{
    const struct processor_job *job = deletes->job;
    for (size_t i = 0; i < job->stream_count; i++) {
        for (size_t s = 0; s < job->streams[i].sink_count; s++) {
            const struct processor_sink *sink = &job->streams[i].sinks[s];
            struct batch **keys;
            size_t count;
            TRY(collect(deletes, sink->table, newest, &changes->arena, &keys, &count, error));
            if (count > 0) {
                TRY(store_deletes(job, sink, keys, count, version_us, &changes->arena, error));
            }
        }
    }
    size_t position = 0; /* those of a sink that is no more, too */
    for (struct map_entry *entry; (entry = map_next(&deletes->items, &position)) != NULL;) {
        if (((const struct item *) entry->value)->number <= newest) {
            note(changes, entry->key, 0, true);
        }
    }
    return write_changes(deletes, changes, error);
}

enum status spark_deletes_apply(struct spark_deletes *deletes,
                                int64_t newest,
                                int64_t version_us,
                                struct error *error)
{
    struct changes changes = {.count = 0};
    arena_init(&changes.arena, 0);
    pthread_mutex_lock(&deletes->mutex);
    enum status status = apply(deletes, newest, version_us, &changes, error);
    for (size_t i = 0; status == STATUS_OK && i < changes.count; i++) {
        mem_free(map_remove(&deletes->items, changes.items[i].place));
    }
    pthread_mutex_unlock(&deletes->mutex);
    arena_deinit(&changes.arena);
    return status;
}
