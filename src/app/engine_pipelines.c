#include "app/engine_internal.h"

#include "app/engine_lead.h"
#include "app/source_kind.h"
#include "base/logline.h"
#include "base/memory.h"
#include "base/time_text.h"
#include "connectors/topic/topic_store.h"
#include "ingest/log_owner.h"

#include <stdlib.h>

/* ---- loading -----------------------------------------------------------------------------------
 */

static const char *lookup_schema(void *context, const char *subject, struct arena *arena)
{
    struct engine *engine = context;
    struct schema_version version;
    struct error error;
    if (engine->schemas_ops->latest(engine->schemas, subject, arena, &version, &error) !=
        STATUS_OK) {
        return NULL;
    }
    return version.text;
}

/* The engines that the profile names; all pipelines of a process share them. */
static enum status
take_roles(struct engine *engine, const struct pipeline *pipeline, struct error *error)
{
    struct roles roles;
    enum status status = roles_take(pipeline->profile, data_dir_path(engine->options.data),
                                    &engine->arena, &roles, error);
    if (status != STATUS_OK) {
        error_context(error, "%s", pipeline->path);
        return status;
    }
    if (engine->pipeline_count == 1) {
        engine->roles = roles;
        engine->profile = pipeline->profile;
        return STATUS_OK;
    }
    if (!roles_equal(&engine->roles, &roles)) {
        return error_set(error, STATUS_CONFIG,
                         "%s: its profile names other engines than the file before",
                         pipeline->path);
    }
    return STATUS_OK;
}

static enum status load_one(struct engine *engine,
                            const char *file,
                            const struct pipeline_options *options,
                            struct error *error)
{
    struct engine_pipeline *running = &engine->pipelines[engine->pipeline_count++];
    arena_init(&running->arena, 0);
    arena_init(&running->tries, 0);
    TRY(pipeline_load(file, options, &running->arena, &running->pipeline, error));
    if (engine->options.allow_open && !running->pipeline->allow_open) {
        (void) error_set(error, STATUS_CONFIG,
                         "--allow-open needs `allow-open: true` in %s as well", file);
        return STATUS_CONFIG;
    }
    for (size_t i = 0; i + 1 < engine->pipeline_count; i++) {
        if (strcmp(engine->pipelines[i].pipeline->name, running->pipeline->name) == 0) {
            return error_set(error, STATUS_CONFIG, "%s and %s are both named \"%s\"",
                             engine->pipelines[i].pipeline->path, file, running->pipeline->name);
        }
    }
    return take_roles(engine, running->pipeline, error);
}

enum status engine_pipelines_load(struct engine *engine,
                                  const char *const *files,
                                  size_t count,
                                  struct error *error)
{
    engine->pipelines = mem_calloc(count + 1, sizeof(*engine->pipelines));
    const struct pipeline_options options = {
        .profile = engine->options.profile,
        .set = engine->options.set,
        .set_count = engine->options.set_count,
        .set_used = ARENA_ARRAY(&engine->arena, bool, engine->options.set_count),
        .secrets_dir = engine->options.secrets_dir,
    };
    size_t sources = 0;
    size_t topics = 0;
    for (size_t i = 0; i < count; i++) {
        TRY(load_one(engine, files[i], &options, error));
        struct engine_pipeline *running = &engine->pipelines[i];
        sources += running->pipeline->sources.count;
        topics += running->pipeline->sources.count + running->pipeline->streams.count;
        /* Mistakes in the file are found before anything listens. */
        TRY(topology_build(running->pipeline, NULL, NULL, &running->arena, &running->topology,
                           error));
    }
    TRY(pipeline_check_set(options.set, options.set_count, options.set_used, error));
    engine->sources = mem_calloc(sources + 1, sizeof(*engine->sources));
    engine->topics = mem_calloc(topics + 1, sizeof(*engine->topics));
    return STATUS_OK;
}

/* ---- sources -----------------------------------------------------------------------------------
 */

static int64_t next_tick(void *context, int64_t after_us)
{
    const struct engine_source *source = context;
    if (engine_source_is_driven(source)) {
        return INT64_MAX;
    }
    return timetable_next(&source->timetable, after_us);
}

static void
fill_fetch(struct engine *engine, struct engine_source *source, const struct source_kind *kind)
{
    const struct source_settings *settings = source->topic->source_settings;
    const struct pipeline *pipeline = source->topology->pipeline;
    source->fetch_job = (struct fetch_job){
        .pipeline = pipeline->name,
        .source = source->name,
        .ops = kind->ops,
        .settings = kind->settings,
        .key = settings->key.items,
        .key_count = settings->key.count,
        .ignore_changes = settings->ignore_changes.items,
        .ignore_count = settings->ignore_changes.count,
        .deleted_field = settings->deleted == NULL ? NULL : settings->deleted->field,
        .deleted_equals = settings->deleted == NULL ? NULL : settings->deleted->equals,
        .record_bytes_max = (size_t) settings->record_bytes_max,
        .schema = {.declared = source->topic->source_settings->schema != NULL &&
                                       settings->schema->file != NULL
                                   ? source->topic->schema_text
                                   : NULL,
                   .on_new_field = NEW_FIELD_ADD,
                   .on_type_change = TYPE_CHANGE_DEAD_LETTER,
                   .subject = source->topic->subject,
                   .record_name = source->topic->source,
                   .ops = engine->schemas_ops,
                   .schemas = engine->schemas},
        .rate_count = settings->limit.count,
        .rate_per_us = settings->limit.per_us,
        .schedule = {next_tick, source},
        .pages_per_tick = settings->pages,
        .eager = engine->options.until_drained || engine->options.limit >= 0,
        .until_end = engine->options.until_drained,
        .from_us = engine->options.from_us,
        .to_us = engine->options.to_us,
        .stage_ops = engine->roles.stage_ops,
        .stage_url = engine->roles.stage_url,
        .fence = engine_fence(engine),
        .limit = &engine->limit,
        .give_up_us = engine->options.give_up_us,
        .disk_path = engine->data.path,
        .committed = &source->staged,
    };
    if (settings->schema != NULL) {
        source->fetch_job.schema.on_new_field =
            (enum new_field_policy) settings->schema->on_new_field;
        source->fetch_job.schema.on_type_change =
            (enum type_change_policy) settings->schema->on_type_change;
    }
}

static enum status source_start(struct engine *engine,
                                const struct topology *topology,
                                const struct topic_plan *topic,
                                struct error *error)
{
    const struct source_settings *settings = topic->source_settings;
    struct engine_source *source = &engine->sources[engine->source_count++];
    source->engine = engine;
    source->topology = topology;
    source->topic = topic;
    source->name = mem_printf("%s.%s", topology->pipeline->name, topic->source);
    notify_init(&source->staged);
    struct source_kind kind;
    TRY(source_kind_of(settings, topic->source, &kind, error));
    const struct zone *zone;
    TRY(zone_find(settings->timezone, &zone, error));
    const char *schedule =
        strcmp(settings->schedule, SCHEDULE_NONE) == 0 ? "@once" : settings->schedule;
    TRY(timetable_parse(schedule, zone, &source->timetable, NULL, error));
    if (settings->schema != NULL && settings->schema->compatibility != NULL) {
        TRY(engine->schemas_ops->set_compatibility(engine->schemas, topic->subject,
                                                   settings->schema->compatibility, error));
    }
    fill_fetch(engine, source, &kind);
    struct capture_job capture = {
        .source = source->name,
        .topic = topic->spec,
        .stage_ops = engine->roles.stage_ops,
        .stage_url = engine->roles.stage_url,
        .fence = engine_fence(engine),
        .log_ops = engine->log_ops,
        .log = engine->log,
        .writing = engine->roles.log != NULL ? LOG_TRANSACTIONAL : LOG_GAPLESS,
        .bell = &source->staged,
        .progress = &engine->progress,
    };
    TRY(capture_start(&capture, &source->capture, error));
    return engine_source_fetch(source, engine_source_is_driven(source), error);
}

bool engine_source_is_driven(const struct engine_source *source)
{
    const struct engine_options *options = &source->engine->options;
    const struct profile_settings *profile = source->topology->pipeline->profile;
    bool bounded = options->until_drained || options->limit >= 0;
    bool external = profile != NULL && profile->orchestration != 0;
    bool by_order = strcmp(source->topic->source_settings->schedule, SCHEDULE_NONE) == 0;
    return (external || by_order) && !bounded;
}

enum status engine_source_fetch(struct engine_source *source, bool wait_first, struct error *error)
{
    struct fetch_job job = source->fetch_job;
    job.wait_first = wait_first;
    return fetch_start(&job, &source->fetch, error);
}

/* ---- topics ------------------------------------------------------------------------------------
 */

static void rang(void *context)
{
    struct engine *engine = context;
    notify_ring(&engine->progress);
}

/* A log that is not ours may hold what another data directory wrote; before a record of it is read.
 */
static enum status check_owner(struct engine *engine,
                               const struct topology *topology,
                               const struct topic_plan *plan,
                               struct error *error)
{
    if (engine->roles.log == NULL || plan->source == NULL) {
        return STATUS_OK;
    }
    const char *source =
        arena_printf(topology->arena, "%s.%s", topology->pipeline->name, plan->source);
    return log_owner_check_topic(source, plan->spec.name, engine->roles.stage_ops,
                                 engine->roles.stage_url, engine->log_ops, engine->log, error);
}

/* The topic that a job reads, and those that its streams write. */
static enum status
ensure_topics(struct engine *engine, const struct engine_topic *topic, struct error *error)
{
    const struct topology *topology = topic->topology;
    for (size_t i = 0; i < topology->topic_count; i++) {
        const struct topic_plan *plan = &topology->topics[i];
        int32_t partitions;
        if (plan == topic->topic || plan->level == topic->topic->level + 1) {
            TRY(engine->log_ops->topic_ensure(engine->log, &plan->spec, &partitions, error));
            TRY(check_owner(engine, topology, plan, error));
        }
    }
    return STATUS_OK;
}

static enum status
topic_start(struct engine *engine, struct engine_topic *topic, struct error *error)
{
    struct arena *arena = topic->topology->arena;
    bool needed;
    TRY(topology_job(topic->topology, topic->topic, arena, &topic->job, &needed, error));
    struct processor_job *job = &topic->job;
    job->log_ops = engine->log_ops;
    job->log = engine->log;
    job->log_address = engine->addresses.kafka;
    job->schemas_ops = engine->schemas_ops;
    job->schemas = engine->schemas;
    job->state_ops = engine->roles.state_ops;
    job->state_url = roles_state_url(&engine->roles, arena, job->pipeline, job->topic);
    job->fence = engine_fence(engine);
    job->show_progress = engine->roles.log != NULL;
    job->processor_url = engine->roles.processor_url;
    job->checkpoints_url = engine->roles.checkpoints_url;
    job->log_settings = engine->roles.log_settings;
    job->processor_settings = engine->roles.processor_settings;
    job->flush_windows = engine->options.flush_windows;
    job->rebuild = engine->options.rebuild;
    for (size_t i = 0; i < job->stream_count; i++) {
        struct processor_stream *stream = (struct processor_stream *) (uintptr_t) &job->streams[i];
        stream->state_url = roles_state_url(&engine->roles, arena, job->pipeline,
                                            arena_printf(arena, "%s.%s", job->topic, stream->name));
        for (size_t s = 0; s < job->streams[i].sink_count; s++) {
            struct processor_sink *sink =
                (struct processor_sink *) (uintptr_t) &job->streams[i].sinks[s];
            sink->store_ops = sink->is_topic ? &topic_store_ops : engine->roles.store_ops;
            sink->store_url = sink->is_topic ? engine->topic_url : engine->roles.store_url;
        }
    }
    TRY(ensure_topics(engine, topic, error));
    return engine->roles.processor_ops->open(job, rang, engine, &topic->processor, error);
}

static bool some_wait(const struct engine *engine)
{
    for (size_t i = 0; i < engine->topic_count; i++) {
        if (engine->topics[i].processor == NULL) {
            return true;
        }
    }
    return false;
}

/* Topics of the pipeline that the engine does not know yet: a stream's topic shows only when the
 * schema that its query stands on is known. */
static void add_topics(struct engine *engine, size_t pipeline, struct topology *topology)
{
    for (size_t t = 0; t < topology->topic_count; t++) {
        bool known = false;
        for (size_t i = 0; i < engine->topic_count; i++) {
            known = known || (engine->topics[i].pipeline == pipeline &&
                              strcmp(engine->topics[i].topic->spec.name,
                                     topology->topics[t].spec.name) == 0);
        }
        if (!known) {
            engine->topics[engine->topic_count++] = (struct engine_topic){
                .topology = topology, .topic = &topology->topics[t], .pipeline = pipeline};
        }
    }
}

/* Looks the schemas up again: those that were missing may be there now. */
static enum status rebuild(struct engine *engine, size_t pipeline, struct error *error)
{
    struct engine_pipeline *running = &engine->pipelines[pipeline];
    struct topology *topology;
    TRY(topology_build(running->pipeline, lookup_schema, engine, &running->tries, &topology,
                       error));
    for (size_t i = 0; i < engine->topic_count; i++) {
        struct engine_topic *topic = &engine->topics[i];
        if (topic->pipeline != pipeline || topic->processor != NULL) {
            continue;
        }
        topic->topology = topology;
        for (size_t t = 0; t < topology->topic_count; t++) {
            if (strcmp(topology->topics[t].spec.name, topic->topic->spec.name) == 0) {
                topic->topic = &topology->topics[t];
            }
        }
    }
    add_topics(engine, pipeline, topology);
    return STATUS_OK;
}

enum status engine_pipelines_advance(struct engine *engine, struct error *error)
{
    if (!some_wait(engine)) {
        return STATUS_OK;
    }
    for (size_t i = 0; i < engine->pipeline_count; i++) {
        TRY(rebuild(engine, i, error));
    }
    for (size_t i = 0; i < engine->topic_count; i++) {
        struct engine_topic *topic = &engine->topics[i];
        if (topic->processor == NULL && topic->topic->type != NULL) {
            enum status status = topic_start(engine, topic, error);
            if (status != STATUS_OK) {
                error_context(error, "pipeline \"%s\"", topic->topology->pipeline->name);
                return status;
            }
        }
    }
    return STATUS_OK;
}

enum status engine_pipelines_start(struct engine *engine, struct error *error)
{
    for (size_t i = 0; i < engine->pipeline_count; i++) {
        add_topics(engine, i, engine->pipelines[i].topology);
    }
    TRY(engine_pipelines_advance(engine, error));
    for (size_t i = 0; i < engine->pipeline_count; i++) {
        struct topology *topology = engine->pipelines[i].topology;
        for (size_t t = 0; t < topology->topic_count; t++) {
            const char *only = engine->options.only_source;
            const char *name = topology->topics[t].source;
            if (name == NULL || (only != NULL && strcmp(name, only) != 0)) {
                continue;
            }
            enum status status = source_start(engine, topology, &topology->topics[t], error);
            if (status != STATUS_OK) {
                error_context(error, "pipeline \"%s\"", topology->pipeline->name);
                return status;
            }
        }
    }
    if (engine->options.only_source != NULL && engine->source_count == 0) {
        return error_set(error, STATUS_CONFIG, "there is no source \"%s\" in the file",
                         engine->options.only_source);
    }
    return engine_dags_start(engine, error);
}

void engine_pipelines_halt(struct engine *engine)
{
    engine_dags_stop(engine);
    engine_ingests_free(engine);
    engine_ingests_init(engine);
    for (size_t i = 0; i < engine->source_count; i++) { /* all at once, before one is waited for */
        if (engine->sources[i].fetch != NULL) {
            fetch_stop(engine->sources[i].fetch);
        }
        if (engine->sources[i].capture != NULL) {
            capture_stop(engine->sources[i].capture);
        }
    }
    for (size_t i = 0; i < engine->source_count; i++) {
        struct engine_source *source = &engine->sources[i];
        fetch_free(source->fetch);
        capture_free(source->capture);
        notify_deinit(&source->staged);
        mem_free(source->name);
    }
    for (size_t i = 0; i < engine->topic_count; i++) {
        if (engine->topics[i].processor != NULL) {
            engine->roles.processor_ops->close(engine->topics[i].processor);
        }
    }
    memset(engine->sources, 0, engine->source_count * sizeof(*engine->sources));
    memset(engine->topics, 0, engine->topic_count * sizeof(*engine->topics));
    engine->source_count = 0;
    engine->topic_count = 0;
    for (size_t i = 0; i < engine->pipeline_count; i++) {
        arena_reset(&engine->pipelines[i].tries);
    }
}

void engine_pipelines_stop(struct engine *engine)
{
    if (engine->sources != NULL) {
        engine_pipelines_halt(engine);
    }
    for (size_t i = 0; i < engine->pipeline_count; i++) {
        arena_deinit(&engine->pipelines[i].tries);
        arena_deinit(&engine->pipelines[i].arena);
    }
    mem_free(engine->sources);
    mem_free(engine->topics);
    mem_free(engine->pipelines);
}
