#include "cluster/spark/results.h"

#include "base/buffer.h"
#include "codec/avro_schema.h"
#include "sql/query.h"

#include <string.h>

#define RETENTION_US (INT64_C(3) * 86400 * 1000000)

/* ---- the query of the task: the same columns under their own names ----------------------------
 */

static const struct sql_relation *find_rows(void *context, const char *name)
{
    const struct sql_relation *rows = context;
    return strcmp(name, rows->name) == 0 ? rows : NULL;
}

static size_t no_names(void *context, const char **names, size_t max)
{
    (void) context;
    (void) names;
    (void) max;
    return 0;
}

static void append_quoted(struct buffer *text, const char *name)
{
    buffer_append_byte(text, '`');
    for (const char *at = name; *at != '\0'; at++) {
        buffer_append_string(text, *at == '`' ? "`" : "");
        buffer_append_byte(text, (uint8_t) *at);
    }
    buffer_append_byte(text, '`');
}

static enum status copying_query(const struct type *record,
                                 const struct type *rows,
                                 struct arena *arena,
                                 struct processor_stream *stream,
                                 struct error *error)
{
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    for (uint32_t i = 0; i < rows->field_count; i++) {
        buffer_append_string(&text, i == 0 ? "SELECT " : ", ");
        append_quoted(&text, record->fields[i].name);
        buffer_append_string(&text, " AS ");
        append_quoted(&text, rows->fields[i].name);
    }
    buffer_append_string(&text, " FROM results");
    struct sql_relation *relation = ARENA_NEW(arena, struct sql_relation);
    *relation = (struct sql_relation){.name = "results", .type = record, .streaming = true};
    const struct sql_catalog catalog = {find_rows, no_names, relation};
    const struct sql_options options = {.mode = OUTPUT_APPEND};
    struct query *query;
    size_t offset;
    stream->sql = arena_string(arena, buffer_slice(&text));
    TRY(sql_compile(stream->sql, &catalog, &options, arena, &query, &offset, error));
    stream->query = query;
    return STATUS_OK;
}

/* ---- topic and schema -------------------------------------------------------------------------
 */

/* Where sinks have different keys, one partition keeps the order for all of them. */
static bool keys_agree(const struct processor_stream *stream)
{
    const struct store_table *first = stream->sinks[0].table;
    for (size_t i = 1; i < stream->sink_count; i++) {
        const struct store_table *other = stream->sinks[i].table;
        if (other->key_count != first->key_count ||
            memcmp(other->key, first->key, first->key_count * sizeof(*first->key)) != 0) {
            return false;
        }
    }
    return true;
}

static enum status make_topic(const struct processor_job *job,
                              const struct processor_stream *stream,
                              const char *name,
                              struct arena *arena,
                              struct error *error)
{
    struct log_partition *bounds;
    int32_t partitions;
    TRY(job->log_ops->topic_offsets(job->log, job->topic, arena, &bounds, &partitions, error));
    const struct topic_spec spec = {
        .name = name,
        .partitions = keys_agree(stream) ? partitions : 1,
        .retention_us = RETENTION_US,
        .retention_bytes = -1,
    };
    return job->log_ops->topic_ensure(job->log, &spec, &partitions, error);
}

static enum status register_schema(const struct processor_job *job,
                                   struct spark_output *output,
                                   struct arena *arena,
                                   struct error *error)
{
    const struct avro_schema *schema;
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    TRY(avro_schema_from_type(output->type, "row", arena, &schema, error));
    avro_schema_write(schema, &text);
    avro_schema_release(schema);
    output->schema = arena_string(arena, buffer_slice(&text));
    return job->schemas_ops->register_schema(job->schemas,
                                             arena_printf(arena, "%s-value", output->topic),
                                             output->schema, &output->schema_id, error);
}

enum status spark_result_prepare(const struct processor_job *job,
                                 const struct processor_stream *stream,
                                 const char *lineage,
                                 struct arena *arena,
                                 struct spark_result *ret_result,
                                 struct error *error)
{
    const struct type *rows = stream->query->plan->type;
    const struct store_table *table = stream->sinks[0].table;
    struct spark_output *output = &ret_result->output;
    *output = (struct spark_output){
        .topic = arena_printf(arena, "leat.%s.%s.%s", job->pipeline, stream->name, lineage),
        .type = spark_record_type(rows, arena),
        .key = table->key,
        .key_count = table->key_count,
    };
    TRY(make_topic(job, stream, output->topic, arena, error));
    TRY(register_schema(job, output, arena, error));
    struct processor_stream *copy = ARENA_ARRAY(arena, struct processor_stream, 1);
    *copy = *stream;
    TRY(copying_query(output->type, rows, arena, copy, error));
    ret_result->job = *job;
    struct processor_job *made = &ret_result->job;
    made->topic = output->topic;
    made->format = VALUE_AVRO;
    made->type = output->type;
    made->reader_schema = output->schema;
    made->streams = copy;
    made->stream_count = 1;
    made->batch_records = 0;
    made->rebuild = false;
    made->flush_windows = false;
    made->key_paths = NULL;
    made->key_path_count = 0;
    made->state_url = stream->state_url;
    return STATUS_OK;
}
