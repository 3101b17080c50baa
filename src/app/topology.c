#include "app/topology.h"

#include "app/dags.h"
#include "base/assert.h"
#include "codec/avro_schema.h"
#include "io/file.h"
#include "orchestrate/timetable.h"
#include "stream/sink.h"

#include <fcntl.h>
#include <strings.h>

#define SCHEMA_BYTES_MAX ((size_t) 4 << 20)
#define SQL_BYTES_MAX    ((size_t) 1 << 20)

struct builder {
    struct topology *topology;
    schema_lookup lookup;
    void *context;
    struct error *error; /* of a failed look-up inside the SQL compiler */
    enum status status;
    bool *compiling; /* streams under way: a cycle comes back to one of them */
    struct sql_relation *views;
    size_t compiled; /* streams so far */
};

static enum status compile_stream(struct builder *builder, struct stream_plan *stream);

/* ---- topics ------------------------------------------------------------------------------------
 */

static enum status load_text(const struct pipeline *pipeline,
                             const char *name,
                             size_t bytes_max,
                             const char **ret_text,
                             struct error *error)
{
    struct buffer text = BUFFER_INIT;
    enum status status = file_load(pipeline_file(pipeline, name), bytes_max, &text, error);
    if (status == STATUS_OK) {
        *ret_text = arena_string(pipeline->arena, buffer_slice(&text));
    } else {
        error->status = STATUS_CONFIG;
    }
    buffer_deinit(&text);
    return status == STATUS_OK ? STATUS_OK : STATUS_CONFIG;
}

static enum status
topic_type(struct builder *builder, struct topic_plan *topic, struct error *error)
{
    const struct avro_schema *schema;
    struct arena *arena = builder->topology->arena;
    bool nullable;
    if (topic->schema_text == NULL) {
        return STATUS_OK;
    }
    TRY(avro_schema_parse(slice_of_string(topic->schema_text), arena, &schema, error));
    enum status status = avro_schema_type(schema, arena, &topic->type, &nullable, error);
    avro_schema_release(schema);
    if (status != STATUS_OK) {
        return status;
    }
    if (topic->type->id != TYPE_STRUCT) {
        return error_set(error, STATUS_CONFIG, "the schema of a topic must be a record");
    }
    topic->relation =
        (struct sql_relation){.name = topic->spec.name, .type = topic->type, .streaming = true};
    return STATUS_OK;
}

static void topic_spec_fill(struct topic_plan *topic,
                            const struct topic_settings *settings,
                            const char *default_name)
{
    topic->spec = (struct topic_spec){.name = default_name,
                                      .partitions = 1,
                                      .replication = 0,
                                      .retention_us = 0,
                                      .retention_bytes = 0};
    if (settings != NULL) {
        topic->spec.name = settings->name != NULL ? settings->name : default_name;
        topic->spec.partitions = (int32_t) settings->partitions;
        topic->spec.replication = (int32_t) settings->replication;
        topic->spec.retention_us = settings->retention_us;
        topic->spec.retention_bytes = settings->retention_bytes;
        topic->spec.compact = settings->compact;
    }
}

static enum status check_schedule(const struct setting_section *section,
                                  const struct source_settings *settings,
                                  struct error *error)
{
    const struct zone *zone;
    struct timetable timetable;
    struct error fault;
    size_t at = 0;
    const char *name = "timezone";
    if (zone_find(settings->timezone, &zone, &fault) == STATUS_OK) {
        name = "schedule";
        if (strcmp(settings->schedule, SCHEDULE_NONE) == 0 ||
            timetable_parse(settings->schedule, zone, &timetable, &at, &fault) == STATUS_OK) {
            return STATUS_OK;
        }
    }
    (void) node_error_at(error, node_get(section->node, name), at, "%s", fault.message);
    error_hint(error, "%s", fault.hint);
    return STATUS_CONFIG;
}

static enum status add_source_topic(struct builder *builder,
                                    const struct setting_section *section,
                                    struct error *error)
{
    struct topology *topology = builder->topology;
    const struct source_settings *settings = section->value;
    struct topic_plan *topic = &topology->topics[topology->topic_count];
    topic_spec_fill(topic, settings->topic, section->name);
    for (size_t i = 0; i < topology->topic_count; i++) {
        if (strcmp(topology->topics[i].spec.name, topic->spec.name) == 0) {
            return node_error(error, section->node,
                              "sources \"%s\" and \"%s\" both write topic \"%s\"",
                              topology->topics[i].source, section->name, topic->spec.name);
        }
    }
    TRY(check_schedule(section, settings, error));
    topology->topic_count++;
    topic->subject = arena_printf(topology->arena, "%s-value", topic->spec.name);
    topic->source = section->name;
    topic->source_settings = settings;
    topic->key_paths = settings->key.items;
    topic->key_path_count = settings->key.count;
    if (settings->schema != NULL && settings->schema->file != NULL) {
        TRY(load_text(topology->pipeline, settings->schema->file, SCHEMA_BYTES_MAX,
                      &topic->schema_text, error));
    } else if (builder->lookup != NULL) {
        topic->schema_text = builder->lookup(builder->context, topic->subject, topology->arena);
    }
    enum status status = topic_type(builder, topic, error);
    if (status != STATUS_OK) {
        error_context(error, "%s: schema of source \"%s\"", topology->pipeline->path,
                      section->name);
        error->status = STATUS_CONFIG;
        return STATUS_CONFIG;
    }
    return STATUS_OK;
}

static struct topic_plan *find_topic(struct topology *topology, const char *name)
{
    for (size_t i = 0; i < topology->topic_count; i++) {
        if (strcasecmp(topology->topics[i].spec.name, name) == 0) {
            return &topology->topics[i];
        }
    }
    return NULL;
}

/* The topic that a stream writes: its schema follows from the query. */
static enum status
add_stream_topic(struct builder *builder, struct stream_plan *stream, struct error *error)
{
    struct topology *topology = builder->topology;
    const struct topic_settings *settings = stream->settings->topic;
    struct topic_plan made = {.level = find_topic(topology, stream->topic)->level + 1};
    topic_spec_fill(&made, settings, stream->name);
    if (find_topic(topology, made.spec.name) != NULL) {
        return node_error(error, stream->node, "topic \"%s\" has another writer already",
                          made.spec.name);
    }
    if (settings->key.count == 0) {
        (void) node_error(error, stream->node, "the topic of stream \"%s\" needs a key",
                          stream->name);
        error_hint(error, "say which columns make the record key: topic: {name: ..., key: [id]}");
        return STATUS_CONFIG;
    }
    struct sink_table_spec spec = {.table = made.spec.name,
                                   .partition_key = settings->key.items,
                                   .partition_key_count = settings->key.count};
    struct error fault = {0};
    if (sink_table_make(stream->query, &spec, topology->arena, &stream->topic_table, &fault) !=
        STATUS_OK) {
        (void) node_error(error, stream->node, "topic of stream \"%s\": %s", stream->name,
                          fault.message);
        error_hint(error, "%s", fault.hint);
        return STATUS_CONFIG;
    }
    made.subject = arena_printf(topology->arena, "%s-value", made.spec.name);
    made.type = stream->query->plan->type;
    made.key_paths = settings->key.items;
    made.key_path_count = settings->key.count;
    made.relation =
        (struct sql_relation){.name = made.spec.name, .type = made.type, .streaming = true};
    topology->topics[topology->topic_count++] = made;
    return STATUS_OK;
}

/* ---- queries -----------------------------------------------------------------------------------
 */

static const struct sql_relation *catalog_find(void *context, const char *name)
{
    struct builder *builder = context;
    struct topology *topology = builder->topology;
    for (size_t i = 0; i < topology->topic_count; i++) {
        if (strcasecmp(topology->topics[i].spec.name, name) == 0 &&
            topology->topics[i].type != NULL) {
            return &topology->topics[i].relation;
        }
    }
    for (size_t i = 0; i < topology->stream_count; i++) {
        struct stream_plan *stream = &topology->streams[i];
        if (strcasecmp(stream->name, name) != 0) {
            continue;
        }
        builder->status = compile_stream(builder, stream);
        if (builder->status != STATUS_OK || stream->query == NULL) {
            return NULL;
        }
        struct sql_relation *relation = &builder->views[i];
        if (stream->topic_table != NULL) {
            return &find_topic(topology, stream->topic_table->name)->relation;
        }
        *relation = (struct sql_relation){.name = stream->name,
                                          .type = stream->query->plan->type,
                                          .streaming = true,
                                          .view = stream->query->plan};
        return relation;
    }
    return NULL;
}

static size_t catalog_names(void *context, const char **names, size_t max)
{
    const struct topology *topology = ((struct builder *) context)->topology;
    size_t count = 0;
    for (size_t i = 0; i < topology->topic_count && count < max; i++) {
        names[count++] = topology->topics[i].spec.name;
    }
    for (size_t i = 0; i < topology->stream_count && count < max; i++) {
        names[count++] = topology->streams[i].name;
    }
    return count;
}

/* True if the text reads (perhaps through views) a topic whose schema is not known yet. */
static bool waits_for_schema(const struct topology *topology)
{
    for (size_t i = 0; i < topology->topic_count; i++) {
        if (topology->topics[i].type == NULL) {
            return true;
        }
    }
    return false;
}

static enum status
compile_text(struct builder *builder, struct stream_plan *stream, struct error *error)
{
    const struct sql_catalog catalog = {catalog_find, catalog_names, builder};
    const struct stream_settings *settings = stream->settings;
    struct sql_options options = {.mode = (enum output_mode) settings->mode};
    if (settings->watermark != NULL) {
        options.watermark_column = settings->watermark->column;
        options.watermark_delay_us = settings->watermark->delay_us;
    }
    size_t offset = 0;
    builder->status = STATUS_OK;
    enum status status = sql_compile(stream->sql, &catalog, &options, builder->topology->arena,
                                     &stream->query, &offset, error);
    if (status == STATUS_OK) {
        return STATUS_OK;
    }
    stream->query = NULL;
    if (builder->status != STATUS_OK) { /* a view that it reads failed, and said so */
        *error = *builder->error;
        return builder->status;
    }
    if (waits_for_schema(builder->topology)) {
        return STATUS_OK;
    }
    struct error plain = *error;
    (void) node_error_at(error, stream->node, offset, "%s", plain.message);
    error_hint(error, "%s", plain.hint);
    return STATUS_CONFIG;
}

static enum status compile_stream(struct builder *builder, struct stream_plan *stream)
{
    struct topology *topology = builder->topology;
    size_t index = (size_t) (stream - topology->streams);
    struct error *error = builder->error;
    if (stream->query != NULL) {
        return STATUS_OK;
    }
    if (builder->compiling[index]) {
        return node_error(error, stream->node,
                          "stream \"%s\" reads itself, directly or through others", stream->name);
    }
    builder->compiling[index] = true;
    struct error fault = {0};
    enum status status = compile_text(builder, stream, &fault);
    builder->compiling[index] = false;
    if (status != STATUS_OK) {
        *error = fault;
        return status;
    }
    if (stream->query == NULL) {
        return STATUS_OK;
    }
    if (stream->query->relation_count != 1) {
        (void) node_error(error, stream->node, "stream \"%s\" reads %zu topics; it must read one",
                          stream->name, stream->query->relation_count);
        return STATUS_CONFIG;
    }
    stream->topic = stream->query->relations[0];
    stream->order = ++builder->compiled;
    return stream->settings->topic == NULL ? STATUS_OK : add_stream_topic(builder, stream, error);
}

static enum status
add_stream(struct builder *builder, const struct setting_section *section, struct error *error)
{
    struct topology *topology = builder->topology;
    struct stream_plan *stream = &topology->streams[topology->stream_count++];
    stream->name = section->name;
    stream->settings = section->value;
    stream->node = node_get(section->node, "sql");
    stream->sql = stream->settings->sql;
    if ((stream->settings->sql == NULL) == (stream->settings->sql_file == NULL)) {
        return node_error(error, section->node, "stream \"%s\" needs `sql` or `sql_file`",
                          section->name);
    }
    if (stream->settings->sql_file != NULL) {
        TRY(load_text(topology->pipeline, stream->settings->sql_file, SQL_BYTES_MAX, &stream->sql,
                      error));
        struct slice text = slice_of_string(stream->sql);
        stream->node = node_of_text(
            text, pipeline_file(topology->pipeline, stream->settings->sql_file), topology->arena);
    }
    return STATUS_OK;
}

/* ---- sinks -------------------------------------------------------------------------------------
 */

static enum status names_of(const struct node *node,
                            struct arena *arena,
                            const char *const **ret_names,
                            size_t *ret_count,
                            struct error *error)
{
    *ret_names = NULL;
    *ret_count = 0;
    if (node == NULL) {
        return STATUS_OK;
    }
    if (node->type == NODE_SCALAR) {
        const char **one = ARENA_ARRAY(arena, const char *, 1);
        one[0] = node->text;
        *ret_names = one;
        *ret_count = 1;
        return STATUS_OK;
    }
    if (node->type != NODE_LIST) {
        return node_error(error, node, "write the key as a list of columns: [id]");
    }
    const char **names = ARENA_ARRAY(arena, const char *, node->count);
    for (size_t i = 0; i < node->count; i++) {
        if (node->items[i]->type != NODE_SCALAR) {
            return node_error(error, node->items[i], "a key column is a name");
        }
        names[i] = node->items[i]->text;
    }
    *ret_names = names;
    *ret_count = node->count;
    return STATUS_OK;
}

static enum status sink_spec(const struct sink_settings *settings,
                             struct arena *arena,
                             struct sink_table_spec *spec,
                             struct error *error)
{
    spec->table = settings->table;
    spec->ttl_us = settings->ttl_us;
    spec->mark_deletes = settings->deletes == DELETES_MARK;
    const char **types = ARENA_ARRAY(arena, const char *, settings->types.count * 2);
    for (size_t i = 0; i < settings->types.count; i++) {
        types[2 * i] = settings->types.items[i].name;
        types[2 * i + 1] = settings->types.items[i].value;
    }
    spec->type_names = types;
    spec->type_name_count = settings->types.count;
    const struct node *key = settings->key;
    if (key->type != NODE_MAP) {
        return names_of(key, arena, &spec->partition_key, &spec->partition_key_count, error);
    }
    for (size_t i = 0; i < key->count; i++) {
        if (strcmp(key->items[i]->key, "partition") != 0 &&
            strcmp(key->items[i]->key, "cluster") != 0) {
            return node_error(error, key->items[i], "a key has `partition` and `cluster`");
        }
    }
    TRY(names_of(node_get(key, "partition"), arena, &spec->partition_key,
                 &spec->partition_key_count, error));
    return names_of(node_get(key, "cluster"), arena, &spec->cluster_key, &spec->cluster_key_count,
                    error);
}

static struct stream_plan *find_stream(struct topology *topology, const char *name)
{
    for (size_t i = 0; i < topology->stream_count; i++) {
        if (strcmp(topology->streams[i].name, name) == 0) {
            return &topology->streams[i];
        }
    }
    return NULL;
}

static enum status no_such_stream(const struct topology *topology,
                                  const struct setting_section *section,
                                  const char *name,
                                  struct error *error)
{
    const char **names = ARENA_ARRAY(topology->arena, const char *, topology->stream_count);
    for (size_t i = 0; i < topology->stream_count; i++) {
        names[i] = topology->streams[i].name;
    }
    (void) node_error(error, node_get(section->node, "from"), "there is no stream \"%s\"", name);
    const char *nearest = nearest_word(name, names, topology->stream_count);
    if (nearest != NULL) {
        error_hint(error, "did you mean \"%s\"?", nearest);
    }
    return STATUS_CONFIG;
}

static enum status check_table_once(const struct pipeline *pipeline,
                                    const struct setting_section *section,
                                    struct error *error)
{
    const struct sink_settings *settings = section->value;
    for (size_t i = 0; i < pipeline->sinks.count; i++) {
        const struct setting_section *other = &pipeline->sinks.items[i];
        if (other->value == section->value) {
            return STATUS_OK;
        }
        if (strcmp(((const struct sink_settings *) other->value)->table, settings->table) == 0) {
            return node_error(error, node_get(section->node, "table"),
                              "sinks \"%s\" and \"%s\" both write table \"%s\"", other->name,
                              section->name, settings->table);
        }
    }
    return STATUS_OK;
}

static enum status
add_sink(struct topology *topology, const struct setting_section *section, struct error *error)
{
    const struct sink_settings *settings = section->value;
    struct stream_plan *stream = find_stream(topology, settings->from);
    if (stream == NULL) {
        return no_such_stream(topology, section, settings->from, error);
    }
    TRY(check_table_once(topology->pipeline, section, error));
    struct sink_plan *sink = &stream->sinks[stream->sink_count++];
    *sink = (struct sink_plan){.name = section->name, .settings = settings, .node = section->node};
    struct sink_table_spec spec = {0};
    TRY(sink_spec(settings, topology->arena, &spec, error));
    if (stream->query == NULL) {
        return STATUS_OK;
    }
    struct error fault = {0};
    if (sink_table_make(stream->query, &spec, topology->arena, &sink->table, &fault) != STATUS_OK) {
        (void) node_error(error, section->node, "sink \"%s\": %s", section->name, fault.message);
        error_hint(error, "%s", fault.hint);
        return STATUS_CONFIG;
    }
    return STATUS_OK;
}

enum status topology_build(const struct pipeline *pipeline,
                           schema_lookup lookup,
                           void *context,
                           struct arena *arena,
                           struct topology **ret_topology,
                           struct error *error)
{
    struct error none = {0};
    error = error == NULL ? &none : error;
    struct topology *topology = ARENA_NEW(arena, struct topology);
    topology->pipeline = pipeline;
    topology->arena = arena;
    topology->topics =
        ARENA_ARRAY(arena, struct topic_plan, pipeline->sources.count + pipeline->streams.count);
    topology->streams = ARENA_ARRAY(arena, struct stream_plan, pipeline->streams.count);
    struct builder builder = {
        .topology = topology,
        .lookup = lookup,
        .context = context,
        .error = error,
        .compiling = ARENA_ARRAY(arena, bool, pipeline->streams.count),
        .views = ARENA_ARRAY(arena, struct sql_relation, pipeline->streams.count),
    };
    if (lookup == NULL) { /* the file by itself, before anything runs */
        struct dag **dags;
        size_t dag_count;
        TRY(dags_build(pipeline, &dags, &dag_count, error));
    }
    for (size_t i = 0; i < pipeline->sources.count; i++) {
        TRY(add_source_topic(&builder, &pipeline->sources.items[i], error));
    }
    for (size_t i = 0; i < pipeline->streams.count; i++) {
        TRY(add_stream(&builder, &pipeline->streams.items[i], error));
    }
    for (size_t i = 0; i < topology->stream_count; i++) {
        topology->streams[i].sinks = ARENA_ARRAY(arena, struct sink_plan, pipeline->sinks.count);
        TRY(compile_stream(&builder, &topology->streams[i]));
    }
    for (size_t i = 0; i < pipeline->sinks.count; i++) {
        TRY(add_sink(topology, &pipeline->sinks.items[i], error));
    }
    *ret_topology = topology;
    return STATUS_OK;
}

/* ---- jobs --------------------------------------------------------------------------------------
 */

static enum status job_stream(const struct stream_plan *plan,
                              struct arena *arena,
                              struct processor_job *job,
                              struct processor_stream *stream,
                              struct error *error)
{
    *stream = (struct processor_stream){.name = plan->name, .query = plan->query, .sql = plan->sql};
    struct processor_sink *sinks = ARENA_ARRAY(arena, struct processor_sink, plan->sink_count + 1);
    for (size_t i = 0; i < plan->sink_count; i++) {
        sinks[i].name = plan->sinks[i].name;
        sinks[i].table = plan->sinks[i].table;
        sinks[i].deletes = (enum deletes_mode) plan->sinks[i].settings->deletes;
    }
    stream->sinks = sinks;
    stream->sink_count = plan->sink_count;
    if (plan->topic_table != NULL) {
        sinks[stream->sink_count++] = (struct processor_sink){
            .name = arena_printf(arena, "topic:%s", plan->topic_table->name),
            .table = plan->topic_table,
            .is_topic = true};
    }
    int64_t batch;
    TRY(batch_records_parse(plan->settings->batch, &batch, error));
    if (batch > 0 && job->batch_records > 0 && batch != job->batch_records) {
        return error_set(error, STATUS_CONFIG,
                         "stream \"%s\" wants batches of %lld records, another stream over topic "
                         "\"%s\" batches of %lld",
                         plan->name, (long long) batch, job->topic, (long long) job->batch_records);
    }
    job->batch_records = batch > 0 ? batch : job->batch_records;
    if (plan->settings->state_bytes_max > job->state_bytes_max) {
        job->state_bytes_max = plan->settings->state_bytes_max;
    }
    return STATUS_OK;
}

/* Streams without a topic of their own are views for the others over the same one. */
static void
job_views(const struct topology *topology, struct arena *arena, struct processor_job *job)
{
    struct processor_view *views =
        ARENA_ARRAY(arena, struct processor_view, topology->stream_count);
    for (size_t order = 1; order <= topology->stream_count; order++) {
        for (size_t i = 0; i < topology->stream_count; i++) {
            const struct stream_plan *plan = &topology->streams[i];
            if (plan->order == order && plan->query != NULL && plan->topic_table == NULL &&
                strcasecmp(plan->topic, job->topic) == 0) {
                views[job->view_count++] = (struct processor_view){plan->name, plan->sql};
            }
        }
    }
    job->views = views;
}

enum status topology_job(const struct topology *topology,
                         const struct topic_plan *topic,
                         struct arena *arena,
                         struct processor_job *ret_job,
                         bool *ret_needed,
                         struct error *error)
{
    struct processor_job job = {
        .pipeline = topology->pipeline->name,
        .topic = topic->spec.name,
        .format = VALUE_AVRO,
        .type = topic->type,
        .reader_schema = topic->schema_text,
        .key_paths = topic->key_paths,
        .key_path_count = topic->key_path_count,
    };
    struct processor_stream *streams =
        ARENA_ARRAY(arena, struct processor_stream, topology->stream_count);
    for (size_t i = 0; i < topology->stream_count; i++) {
        const struct stream_plan *plan = &topology->streams[i];
        bool writes = plan->sink_count > 0 || plan->topic_table != NULL;
        if (plan->query == NULL || !writes || strcasecmp(plan->topic, topic->spec.name) != 0) {
            continue;
        }
        TRY(job_stream(plan, arena, &job, &streams[job.stream_count++], error));
    }
    job.streams = streams;
    job_views(topology, arena, &job);
    *ret_needed = job.stream_count > 0;
    *ret_job = job;
    return STATUS_OK;
}
