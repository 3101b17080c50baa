/*
 * The console's view of the engine: struct console_provider, filled in. What changes hands between
 * the threads of requests and the engine's goes through engine_ask.
 */

#include "app/engine_access.h"
#include "app/engine_console_view.h"

#include "http/url.h"
#include "io/file.h"

#include <stdio.h>

#define ASK_US (500 * INT64_C(1000))

/* ---- snapshot, on the engine's thread ----------------------------------------------------------
 */

static struct console_fault fault_of(const struct error *error, struct arena *arena)
{
    if (error->status == STATUS_OK) {
        return (struct console_fault){0};
    }
    return (struct console_fault){
        .status = status_name(error->status),
        .message = arena_strdup(arena, error->message),
        .hint = error->hint[0] != '\0' ? arena_strdup(arena, error->hint) : NULL,
    };
}

/* The `url` or `path` of a source's settings: what its kind calls the place it reads. */
static const char *source_address(const struct fetch_job *job, struct arena *arena)
{
    const struct settings_table *table = job->ops->settings;
    for (size_t i = 0; i < table->count; i++) {
        const struct setting *row = &table->rows[i];
        bool names_place = strcmp(row->name, "url") == 0 || strcmp(row->name, "path") == 0;
        if (names_place && row->type == SETTING_STRING) {
            const char *text = *(const char *const *) ((const char *) job->settings + row->offset);
            return text == NULL ? NULL : url_without_secrets(text, arena);
        }
    }
    return NULL;
}

static void fill_source(struct engine *engine,
                        size_t index,
                        struct arena *arena,
                        struct console_source *ret_source)
{
    struct engine_source_view view;
    engine_source_view(engine, index, &view);
    *ret_source = (struct console_source){
        .pipeline = arena_strdup(arena, view.pipeline),
        .name = arena_strdup(arena, view.name),
        .topic = arena_strdup(arena, view.topic),
        .address = source_address(&engine->sources[index].fetch_job, arena),
        .state = fetch_state_name(view.fetch.state),
        .until_us = view.fetch.until_us,
        .failures = view.fetch.failures,
        .fetched = view.fetch.counts.fetched,
        .accepted = view.fetch.counts.accepted,
        .unchanged = view.fetch.counts.unchanged,
        .dead = view.fetch.counts.dead,
        .requests = view.fetch.counts.requests,
        .accepted_new = engine->sources[index].accepted_before + view.fetch.accepted,
        .fetched_at_us = view.fetch.fetched_at_us,
        .fault = fault_of(&view.fetch.error, arena),
        .capture_state = capture_state_name(view.capture.state),
        .lag = view.capture.lag,
        .capture_fault = fault_of(&view.capture.last_error, arena),
    };
}

static void fill_streams(const struct topology *topology,
                         const char *topic,
                         struct arena *arena,
                         struct console_flow *flow)
{
    struct console_stream *streams =
        ARENA_ARRAY(arena, struct console_stream, topology->stream_count);
    for (size_t i = 0; i < topology->stream_count; i++) {
        const struct stream_plan *plan = &topology->streams[i];
        if (plan->topic == NULL || strcmp(plan->topic, topic) != 0) {
            continue;
        }
        struct console_sink *sinks = ARENA_ARRAY(arena, struct console_sink, plan->sink_count);
        for (size_t s = 0; s < plan->sink_count; s++) {
            const struct store_table *table = plan->sinks[s].table;
            sinks[s].name = arena_strdup(arena, plan->sinks[s].name);
            sinks[s].table = table == NULL ? NULL : arena_strdup(arena, table->name);
        }
        streams[flow->stream_count++] = (struct console_stream){
            .name = arena_strdup(arena, plan->name),
            .sql = arena_strdup(arena, plan->sql),
            .sinks = sinks,
            .sink_count = plan->sink_count,
        };
    }
    flow->streams = streams;
}

/* Records of the topic that the broker has and the processor has not ended. */
static int64_t flow_lag(const struct console_snapshot *snapshot, const char *topic, int64_t ended)
{
    for (size_t i = 0; i < snapshot->topic_count; i++) {
        if (strcmp(snapshot->topics[i].name, topic) == 0) {
            int64_t high = 0;
            for (size_t p = 0; p < snapshot->topics[i].partition_count; p++) {
                high += snapshot->topics[i].partitions[p].high_watermark;
            }
            return high > ended ? high - ended : 0;
        }
    }
    return -1;
}

static void fill_flow(struct engine *engine,
                      size_t index,
                      struct arena *arena,
                      const struct console_snapshot *snapshot,
                      struct console_flow *ret_flow)
{
    struct engine_topic_view view;
    engine_topic_view(engine, index, &view);
    const struct engine_topic *topic = &engine->topics[index];
    *ret_flow = (struct console_flow){
        .pipeline = arena_strdup(arena, view.pipeline),
        .topic = arena_strdup(arena, view.topic),
        .derived = topic->topic->level > 0,
        .waits_for_schema = view.waits_for_schema,
        .running = view.status.running,
        .stored = view.status.counts.stored,
        .filtered = view.status.counts.filtered,
        .late = view.status.counts.late,
        .dead = view.status.counts.dead,
        .foreign = view.status.counts.foreign,
        .lag = flow_lag(snapshot, view.topic, view.status.committed),
        .watermark_us = view.waits_for_schema ? INT64_MIN : view.status.watermark_us,
        .latency_us = view.status.latency_us,
        .state_bytes = view.status.state_bytes,
        .groups = view.status.groups,
        .fault = fault_of(&view.status.last_error, arena),
    };
    fill_streams(topic->topology, view.topic, arena, ret_flow);
}

struct broker_copy {
    struct arena *arena;
    struct console_topic *topics;
    size_t topic_count;
    struct console_group *groups;
    size_t group_count;
};

/* The number of items grows while they come: room doubles when it is full. */
static void *grow(struct arena *arena, void *items, size_t count, size_t size)
{
    bool full = (count & (count - 1)) == 0;
    size_t room = count == 0 ? 1 : count * 2;
    return full ? arena_grow(arena, items, count * size, room * size) : items;
}

static void copy_topic(void *context, const struct broker_topic_info *info)
{
    struct broker_copy *copy = context;
    struct arena *arena = copy->arena;
    size_t count = (size_t) info->partition_count;
    struct console_partition *partitions = ARENA_ARRAY(arena, struct console_partition, count);
    for (size_t i = 0; i < count; i++) {
        partitions[i] = (struct console_partition){
            .log_start = info->partitions[i].log_start,
            .high_watermark = info->partitions[i].high_watermark,
            .size_bytes = info->partitions[i].size_bytes,
        };
    }
    char *name = arena_strdup(arena, info->name);
    copy->topics = grow(arena, copy->topics, copy->topic_count, sizeof(*copy->topics));
    copy->topics[copy->topic_count++] = (struct console_topic){name, partitions, count};
}

static void copy_group(void *context, const struct broker_group_info *info)
{
    struct broker_copy *copy = context;
    struct arena *arena = copy->arena;
    size_t count = (size_t) info->offset_count;
    struct console_offset *offsets = ARENA_ARRAY(arena, struct console_offset, count);
    for (size_t i = 0; i < count; i++) {
        offsets[i] = (struct console_offset){
            .topic = arena_strdup(arena, info->offsets[i].topic),
            .partition = info->offsets[i].partition,
            .committed = info->offsets[i].committed,
            .high_watermark = info->offsets[i].high_watermark,
        };
    }
    struct console_group group = {
        .id = arena_strdup(arena, info->id),
        .state = arena_strdup(arena, info->state),
        .protocol_type = arena_strdup(arena, info->protocol_type ? info->protocol_type : ""),
        .member_count = info->member_count,
        .offsets = offsets,
        .offset_count = count,
    };
    copy->groups = grow(arena, copy->groups, copy->group_count, sizeof(*copy->groups));
    copy->groups[copy->group_count++] = group;
}

static void
fill_broker(struct engine *engine, struct arena *arena, struct console_snapshot *snapshot)
{
    struct broker_copy copy = {.arena = arena};
    if (engine->broker == NULL) {
        engine_log_watch_fill(engine, arena, snapshot);
        return;
    }
    broker_topics_visit(engine->broker, copy_topic, &copy);
    broker_groups_visit(engine->broker, copy_group, &copy);
    snapshot->topics = copy.topics;
    snapshot->topic_count = copy.topic_count;
    snapshot->groups = copy.groups;
    snapshot->group_count = copy.group_count;
}

static void fill_role(struct engine *engine, struct arena *arena, struct console_snapshot *snapshot)
{
    struct engine_lead_view view;
    engine_lead_view(engine, &view);
    snapshot->role = view.role;
    snapshot->fence = view.fence;
    snapshot->leader = view.leader[0] == '\0' ? NULL : arena_strdup(arena, view.leader);
    snapshot->role_fault = fault_of(&view.error, arena);
}

struct snapshot_ask {
    struct arena *arena;
    struct console_snapshot *snapshot;
};

/* Offsets of a log with transactions count their markers too. Where a source of ours fills the
 * topic, the records are counted: those that it sent, and those that have ended. */
static void count_lag(const struct console_snapshot *snapshot, struct console_flow *flow)
{
    for (size_t i = 0; i < snapshot->source_count; i++) {
        const struct console_source *source = &snapshot->sources[i];
        if (strcmp(source->pipeline, flow->pipeline) == 0 &&
            strcmp(source->topic, flow->topic) == 0) {
            int64_t ended = flow->stored + flow->filtered + flow->late + flow->dead;
            int64_t sent = source->accepted - source->lag + flow->foreign;
            flow->lag = sent > ended ? sent - ended : 0;
        }
    }
}

static void take_snapshot(struct engine *engine, void *argument)
{
    const struct snapshot_ask *ask = argument;
    struct arena *arena = ask->arena;
    struct console_source *sources =
        ARENA_ARRAY(arena, struct console_source, engine->source_count);
    struct console_flow *flows = ARENA_ARRAY(arena, struct console_flow, engine->topic_count);
    *ask->snapshot = (struct console_snapshot){
        .state = engine->failure.status != STATUS_OK ? CONSOLE_FAILED
                 : engine->draining                  ? CONSOLE_DRAINING
                                                     : CONSOLE_RUNNING,
        .fault = fault_of(&engine->failure, arena),
        .pid = engine->addresses.pid,
        .data = arena_strdup(arena, engine_data(engine)),
        .file = arena_strdup(arena, engine_file(engine)),
        .kafka = arena_strdup(arena, engine->addresses.kafka),
        .http = arena_strdup(arena, engine->addresses.http),
        .registry = arena_strdup(arena, engine->addresses.registry),
        .log_embedded = engine->broker != NULL,
        .sources = sources,
        .source_count = engine->source_count,
        .flows = flows,
        .flow_count = engine->topic_count,
    };
    fill_role(engine, arena, ask->snapshot);
    uint64_t disk_free;
    uint64_t disk_total;
    if (disk_space(engine_data(engine), &disk_free, &disk_total, NULL) == STATUS_OK) {
        ask->snapshot->disk_free = (int64_t) disk_free;
        ask->snapshot->disk_total = (int64_t) disk_total;
    }
    /* Ends are read before what came in, and so a sum over both never shows more ends. */
    fill_broker(engine, arena, ask->snapshot);
    for (size_t i = 0; i < engine->topic_count; i++) {
        fill_flow(engine, i, arena, ask->snapshot, &flows[i]);
    }
    for (size_t i = 0; i < engine->source_count; i++) {
        fill_source(engine, i, arena, &sources[i]);
    }
    for (size_t i = 0; engine->broker == NULL && i < engine->topic_count; i++) {
        count_lag(ask->snapshot, &flows[i]);
    }
}

static enum status snapshot(void *context,
                            struct arena *arena,
                            struct console_snapshot *ret_snapshot,
                            struct error *error)
{
    struct snapshot_ask ask = {arena, ret_snapshot};
    return engine_ask(context, take_snapshot, &ask, ASK_US, error);
}

/* ---- start and stop ----------------------------------------------------------------------------
 */

enum status
engine_console_start(struct engine *engine, const struct net_address *address, struct error *error)
{
    char history[1200];
    char audit[1200];
    struct console_config config = {
        .history = data_dir_file(engine->data.path, "history", history),
        .audit = data_dir_file(engine->data.path, "audit.jsonl", audit),
        .host = address->host,
        .port = address->port,
        .loopback = net_is_loopback(address->host),
    };
    const struct console_provider provider = {
        .context = engine,
        .snapshot = snapshot,
        .dead_list = engine_console_dead_list,
        .dead_retry = engine_console_dead_retry,
        .ingest_start = engine_console_ingest_start,
        .ingest_list = engine_console_ingest_list,
        .ingest_cancel = engine_console_ingest_cancel,
        .dags = engine_console_dags,
        .log = &engine_log_view,
    };
    engine_access_configure(engine, &config);
    TRY(engine_log_watch_start(engine, error));
    TRY(console_start(&config, &provider, &engine->console, error));
    (void) snprintf(engine->addresses.http, sizeof(engine->addresses.http), "%s",
                    console_address(engine->console));
    return STATUS_OK;
}

void engine_console_stop(struct engine *engine)
{
    engine_asks_close(&engine->asks);
    console_stop(engine->console);
    engine->console = NULL;
    engine_log_watch_stop(engine);
}
