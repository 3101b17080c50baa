#include "cluster/spark/saved.h"

#include "base/assert.h"
#include "base/memory.h"
#include "cluster/spark/session.h"
#include "columnar/builder.h"
#include "io/clock.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>

static struct store_column columns[2];
static const uint32_t key[] = {0};
static const bool ascending[] = {false};
static const struct store_table table = {
    .name = "leat_spark",
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
    columns[0] = (struct store_column){"topic", type_plain(TYPE_STRING), STORE_PLAIN};
    columns[1] = (struct store_column){"saved", type_plain(TYPE_STRING), STORE_PLAIN};
}

void spark_saved_init(struct spark_saved *saved)
{
    *saved = (struct spark_saved){.session = NULL};
    arena_init(&saved->arena, 0);
}

void spark_saved_deinit(struct spark_saved *saved)
{
    arena_deinit(&saved->arena);
}

struct spark_saved_stream *spark_saved_stream(const struct spark_saved *saved, const char *name)
{
    for (size_t i = 0; i < saved->stream_count; i++) {
        if (strcmp(saved->streams[i].name, name) == 0) {
            return &saved->streams[i];
        }
    }
    return NULL;
}

static void add_stream(struct spark_saved *saved, struct spark_saved_stream stream)
{
    size_t bytes = saved->stream_count * sizeof(stream);
    saved->streams = arena_grow(&saved->arena, saved->streams, bytes, bytes + sizeof(stream));
    saved->streams[saved->stream_count++] = stream;
}

void spark_saved_add_schema(struct spark_saved *saved, int32_t id)
{
    for (size_t i = 0; i < saved->schema_count; i++) {
        if (saved->schema_ids[i] == id) {
            return;
        }
    }
    size_t bytes = saved->schema_count * sizeof(id);
    saved->schema_ids = arena_grow(&saved->arena, saved->schema_ids, bytes, bytes + sizeof(id));
    saved->schema_ids[saved->schema_count++] = id;
}

void spark_saved_offsets(struct spark_saved *saved,
                         struct spark_saved_stream *stream,
                         const int64_t *offsets,
                         int32_t partitions)
{
    if (stream->partitions < partitions) {
        stream->offsets = ARENA_ARRAY(&saved->arena, int64_t, (size_t) partitions);
        stream->partitions = partitions;
    }
    memcpy(stream->offsets, offsets, (size_t) partitions * sizeof(*offsets));
}

/* ---- JSON --------------------------------------------------------------------------------------
 */

static const char *text_of(struct spark_saved *saved, const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL ? NULL : arena_strdup(&saved->arena, text);
}

static uint64_t hash_of(const json_t *object, const char *name)
{
    return (uint64_t) json_integer_value(json_object_get(object, name));
}

static void read_stream(struct spark_saved *saved, const char *name, const json_t *object)
{
    struct spark_saved_stream stream = {
        .name = arena_strdup(&saved->arena, name),
        .query_id = text_of(saved, object, "query_id"),
        .run_id = text_of(saved, object, "run_id"),
        .fingerprint = hash_of(object, "fingerprint"),
        .plan = hash_of(object, "plan"),
        .generation = json_integer_value(json_object_get(object, "generation")),
    };
    const json_t *offsets = json_object_get(object, "offsets");
    stream.partitions = (int32_t) json_array_size(offsets);
    stream.offsets = ARENA_ARRAY(&saved->arena, int64_t, (size_t) stream.partitions);
    for (int32_t i = 0; i < stream.partitions; i++) {
        stream.offsets[i] = json_integer_value(json_array_get(offsets, (size_t) i));
    }
    add_stream(saved, stream);
}

static enum status read_json(struct spark_saved *saved, struct slice text, struct error *error)
{
    json_t *root = json_loadb((const char *) text.data, text.size, 0, NULL);
    const char *session = text_of(saved, root, "session");
    const char *lineage = text_of(saved, root, "lineage");
    if (session == NULL || lineage == NULL) {
        json_decref(root);
        return error_set(error, STATUS_CORRUPT, "what was saved of Spark cannot be read");
    }
    saved->session = arena_strdup(&saved->arena, session);
    saved->lineage = arena_strdup(&saved->arena, lineage);
    const char *name;
    json_t *entry;
    json_object_foreach(json_object_get(root, "streams"), name, entry)
    {
        read_stream(saved, name, entry);
    }
    const json_t *ids = json_object_get(root, "schemas");
    for (size_t i = 0; i < json_array_size(ids); i++) {
        spark_saved_add_schema(saved, (int32_t) json_integer_value(json_array_get(ids, i)));
    }
    json_decref(root);
    return STATUS_OK;
}

static json_t *write_stream(const struct spark_saved_stream *stream)
{
    json_t *offsets = json_array();
    for (int32_t i = 0; i < stream->partitions; i++) {
        (void) json_array_append_new(offsets, json_integer(stream->offsets[i]));
    }
    return json_pack("{s:s*, s:s*, s:I, s:I, s:I, s:o}", "query_id", stream->query_id, "run_id",
                     stream->run_id, "fingerprint", (json_int_t) stream->fingerprint, "plan",
                     (json_int_t) stream->plan, "generation", (json_int_t) stream->generation,
                     "offsets", offsets);
}

static const char *write_json(const struct spark_saved *saved, struct arena *arena)
{
    json_t *streams = json_object();
    for (size_t i = 0; i < saved->stream_count; i++) {
        (void) json_object_set_new(streams, saved->streams[i].name,
                                   write_stream(&saved->streams[i]));
    }
    json_t *ids = json_array();
    for (size_t i = 0; i < saved->schema_count; i++) {
        (void) json_array_append_new(ids, json_integer(saved->schema_ids[i]));
    }
    json_t *root = json_pack("{s:s, s:s, s:o, s:o}", "session", saved->session, "lineage",
                             saved->lineage, "streams", streams, "schemas", ids);
    char *text = json_dumps(root, JSON_COMPACT);
    ASSERT(text != NULL);
    const char *copy = arena_strdup(arena, text);
    free(text);
    json_decref(root);
    return copy;
}

/* ---- the store ---------------------------------------------------------------------------------
 */

struct found {
    struct spark_saved *saved;
    const char *topic;
};

static enum status take_rows(void *context, const struct batch *batch, struct error *error)
{
    const struct found *found = context;
    for (int64_t row = 0; row < batch->length; row++) {
        if (slice_equal_string(column_bytes(batch->columns[0], row), found->topic)) {
            TRY(read_json(found->saved, column_bytes(batch->columns[1], row), error));
        }
    }
    return STATUS_OK;
}

static enum status
open_table(const struct processor_job *job, struct store **ret, struct error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fill_columns);
    TRY(job->state_ops->open(job->state_url, false, ret, error));
    enum status status = job->state_ops->table_ensure(*ret, &table, error);
    if (status != STATUS_OK) {
        job->state_ops->close(*ret);
    }
    return status;
}

static void begin(struct spark_saved *saved)
{
    char id[SPARK_SESSION_ID_BYTES];
    spark_session_id(id);
    saved->session = arena_strdup(&saved->arena, id);
    saved->lineage = arena_printf(&saved->arena, "%08x", (unsigned) (random_u64() & UINT32_MAX));
}

enum status
spark_saved_load(const struct processor_job *job, struct spark_saved *saved, struct error *error)
{
    static const char *const names[] = {"topic", "saved"};
    struct store *store;
    struct found found = {saved, job->topic};
    TRY(open_table(job, &store, error));
    enum status status = job->state_ops->scan(store, table.name, names, ARRAY_SIZE(names),
                                              &saved->arena, take_rows, &found, error);
    job->state_ops->close(store);
    if (status != STATUS_OK) {
        return status;
    }
    if (saved->session == NULL) {
        begin(saved);
    }
    for (size_t i = 0; i < job->stream_count; i++) {
        if (spark_saved_stream(saved, job->streams[i].name) == NULL) {
            add_stream(saved, (struct spark_saved_stream){
                                  .name = arena_strdup(&saved->arena, job->streams[i].name)});
        }
    }
    return STATUS_OK;
}

enum status spark_saved_store(const struct processor_job *job,
                              const struct spark_saved *saved,
                              struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    struct type_field fields[ARRAY_SIZE(columns)];
    const struct column *values[ARRAY_SIZE(columns)];
    const char *const texts[] = {job->topic, write_json(saved, &arena)};
    struct store *store;
    TRY(open_table(job, &store, error));
    for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
        struct column_builder builder;
        column_builder_init(&builder, &arena, columns[i].type, 1);
        column_append_bytes(&builder, slice_of_string(texts[i]));
        fields[i] = (struct type_field){columns[i].name, columns[i].type, true};
        values[i] = column_builder_finish(&builder);
    }
    const struct batch batch = {1, type_struct(&arena, fields, ARRAY_SIZE(columns)), values};
    const int64_t version = clock_now_us();
    const struct store_write write = {.table = &table, .batch = &batch, .versions = &version};
    const struct store_commit commit = {.writes = &write, .write_count = 1};
    enum status status = job->state_ops->commit(store, &commit, error);
    job->state_ops->close(store);
    return status;
}
