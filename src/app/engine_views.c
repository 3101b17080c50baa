/* What status pages and the screen show of a running engine. */

#include "app/engine_internal.h"

const struct data_dir_addresses *engine_addresses(const struct engine *engine)
{
    return &engine->addresses;
}

const char *engine_data(const struct engine *engine)
{
    return engine->data.path;
}

const char *engine_file(const struct engine *engine)
{
    return engine->pipelines[0].pipeline->path;
}

size_t engine_source_count(const struct engine *engine)
{
    return engine->source_count;
}

void engine_source_view(struct engine *engine, size_t index, struct engine_source_view *ret_view)
{
    struct engine_source *source = &engine->sources[index];
    *ret_view = (struct engine_source_view){
        .pipeline = source->topology->pipeline->name,
        .name = source->topic->source,
        .topic = source->topic->spec.name,
        .capture_runs = !capture_ended(source->capture),
    };
    fetch_status(source->fetch, &ret_view->fetch);
    capture_status(source->capture, &ret_view->capture);
}

size_t engine_topic_count(const struct engine *engine)
{
    return engine->topic_count;
}

void engine_topic_view(struct engine *engine, size_t index, struct engine_topic_view *ret_view)
{
    struct engine_topic *topic = &engine->topics[index];
    *ret_view = (struct engine_topic_view){
        .pipeline = topic->topology->pipeline->name,
        .topic = topic->topic->spec.name,
        .waits_for_schema = topic->processor == NULL,
    };
    if (topic->processor != NULL) {
        engine->roles.processor_ops->status(topic->processor, &ret_view->status);
        for (size_t i = 0; i < topic->job.stream_count; i++) {
            ret_view->sink_count += (int64_t) topic->job.streams[i].sink_count;
        }
    }
}

static enum status take_first(void *context, const struct batch *batch, struct error *error)
{
    if (batch->length == 0) {
        return STATUS_OK;
    }
    batch_write_json(batch, 0, context);
    return error_set(error, STATUS_CANCELLED, "one row is enough");
}

bool engine_sample_row(struct engine *engine, const char **ret_table, struct buffer *ret_json)
{
    struct store *store;
    struct error error;
    if (engine->roles.store_ops->open(engine->roles.store_url, true, &store, &error) != STATUS_OK) {
        return false;
    }
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t i = 0; i < engine->topic_count && ret_json->size == 0; i++) {
        const struct processor_job *job = &engine->topics[i].job;
        for (size_t s = 0; s < job->stream_count && ret_json->size == 0; s++) {
            if (job->streams[s].sink_count > 0 && engine->topics[i].processor != NULL) {
                *ret_table = job->streams[s].sinks[0].table->name;
                (void) engine->roles.store_ops->scan(store, *ret_table, NULL, 0, &arena, take_first,
                                                     ret_json, &error);
            }
        }
    }
    arena_deinit(&arena);
    engine->roles.store_ops->close(store);
    return ret_json->size > 0;
}
