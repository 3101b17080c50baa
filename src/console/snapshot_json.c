#include "base/utf8.h"
#include "console/diagnosis.h"
#include "console/json_writer.h"
#include "console/snapshot.h"
#include "io/clock.h"

static const char *state_name(enum console_state state)
{
    switch (state) {
    case CONSOLE_RUNNING:
        return "running";
    case CONSOLE_DRAINING:
        return "draining";
    case CONSOLE_FAILED:
        return "failed";
    }
    return "unknown";
}

static void
write_fault(struct json_writer *json, const char *key, const struct console_fault *fault)
{
    if (fault->message == NULL) {
        json_writer_null(json, key);
        return;
    }
    json_writer_open(json, key, '{');
    json_writer_text(json, "status", fault->status);
    json_writer_text(json, "message", fault->message);
    json_writer_text(json, "hint", fault->hint);
    json_writer_close(json, '}');
}

/* Times that are not known are null, never 0 or a large negative number. */
static void write_time(struct json_writer *json, const char *key, int64_t time_us)
{
    if (time_us == INT64_MIN || time_us == 0) {
        json_writer_null(json, key);
    } else {
        json_writer_int(json, key, time_us);
    }
}

/* -1: not known. */
static void write_known(struct json_writer *json, const char *key, int64_t value)
{
    if (value < 0) {
        json_writer_null(json, key);
    } else {
        json_writer_int(json, key, value);
    }
}

static void write_source(struct json_writer *json, const struct console_source *source)
{
    json_writer_open(json, NULL, '{');
    json_writer_text(json, "pipeline", source->pipeline);
    json_writer_text(json, "name", source->name);
    json_writer_text(json, "topic", source->topic);
    json_writer_text(json, "address", source->address);
    json_writer_text(json, "state", source->state);
    write_time(json, "until_us", source->until_us);
    json_writer_int(json, "failures", source->failures);
    json_writer_int(json, "fetched", source->fetched);
    json_writer_int(json, "accepted", source->accepted);
    json_writer_int(json, "unchanged", source->unchanged);
    json_writer_int(json, "dead", source->dead);
    json_writer_int(json, "requests", source->requests);
    json_writer_int(json, "accepted_new", source->accepted_new);
    write_time(json, "fetched_at_us", source->fetched_at_us);
    write_fault(json, "fault", &source->fault);
    json_writer_open(json, "capture", '{');
    json_writer_text(json, "state", source->capture_state);
    json_writer_int(json, "lag", source->lag);
    write_known(json, "lag_us", source->lag_us);
    write_fault(json, "fault", &source->capture_fault);
    json_writer_close(json, '}');
    json_writer_close(json, '}');
}

static void
write_sources(struct json_writer *json, const char *key, const struct console_snapshot *snapshot)
{
    json_writer_open(json, key, '[');
    for (size_t i = 0; i < snapshot->source_count; i++) {
        write_source(json, &snapshot->sources[i]);
    }
    json_writer_close(json, ']');
}

static void write_stream(struct json_writer *json, const struct console_stream *stream)
{
    json_writer_open(json, NULL, '{');
    json_writer_text(json, "name", stream->name);
    json_writer_text(json, "sql", stream->sql);
    json_writer_open(json, "sinks", '[');
    for (size_t i = 0; i < stream->sink_count; i++) {
        json_writer_open(json, NULL, '{');
        json_writer_text(json, "name", stream->sinks[i].name);
        json_writer_text(json, "table", stream->sinks[i].table);
        json_writer_close(json, '}');
    }
    json_writer_close(json, ']');
    json_writer_close(json, '}');
}

static void write_flow(struct json_writer *json, const struct console_flow *flow)
{
    json_writer_open(json, NULL, '{');
    json_writer_text(json, "pipeline", flow->pipeline);
    json_writer_text(json, "topic", flow->topic);
    json_writer_bool(json, "derived", flow->derived);
    json_writer_bool(json, "waits_for_schema", flow->waits_for_schema);
    json_writer_bool(json, "running", flow->running);
    json_writer_open(json, "streams", '[');
    for (size_t i = 0; i < flow->stream_count; i++) {
        write_stream(json, &flow->streams[i]);
    }
    json_writer_close(json, ']');
    json_writer_int(json, "stored", flow->stored);
    json_writer_int(json, "filtered", flow->filtered);
    json_writer_int(json, "late", flow->late);
    json_writer_int(json, "dead", flow->dead);
    json_writer_int(json, "foreign", flow->foreign);
    write_known(json, "lag", flow->lag);
    write_known(json, "lag_us", flow->lag_us);
    write_time(json, "watermark_us", flow->watermark_us);
    json_writer_int(json, "latency_us", flow->latency_us);
    json_writer_int(json, "state_bytes", flow->state_bytes);
    json_writer_int(json, "groups", flow->groups);
    write_fault(json, "fault", &flow->fault);
    json_writer_close(json, '}');
}

static void write_topic(struct json_writer *json, const struct console_topic *topic)
{
    int64_t records = 0;
    int64_t bytes = 0;
    json_writer_open(json, NULL, '{');
    json_writer_text(json, "name", topic->name);
    json_writer_open(json, "partitions", '[');
    for (size_t i = 0; i < topic->partition_count; i++) {
        const struct console_partition *partition = &topic->partitions[i];
        json_writer_open(json, NULL, '{');
        json_writer_int(json, "partition", (int64_t) i);
        json_writer_int(json, "log_start", partition->log_start);
        json_writer_int(json, "high_watermark", partition->high_watermark);
        write_known(json, "size_bytes", partition->size_bytes);
        json_writer_close(json, '}');
        records += partition->high_watermark - partition->log_start;
        bytes = partition->size_bytes < 0 ? -1 : bytes + partition->size_bytes;
    }
    json_writer_close(json, ']');
    json_writer_int(json, "records", records);
    write_known(json, "size_bytes", bytes);
    json_writer_close(json, '}');
}

static void
write_topics(struct json_writer *json, const char *key, const struct console_snapshot *snapshot)
{
    json_writer_open(json, key, '[');
    for (size_t i = 0; i < snapshot->topic_count; i++) {
        write_topic(json, &snapshot->topics[i]);
    }
    json_writer_close(json, ']');
}

static void write_group(struct json_writer *json, const struct console_group *group)
{
    int64_t lag = 0;
    json_writer_open(json, NULL, '{');
    json_writer_text(json, "id", group->id);
    json_writer_text(json, "state", group->state);
    json_writer_text(json, "protocol_type", group->protocol_type);
    json_writer_int(json, "members", group->member_count);
    json_writer_open(json, "offsets", '[');
    for (size_t i = 0; i < group->offset_count; i++) {
        const struct console_offset *offset = &group->offsets[i];
        bool known = offset->high_watermark >= 0 && offset->committed >= 0;
        int64_t behind = known ? offset->high_watermark - offset->committed : 0;
        json_writer_open(json, NULL, '{');
        json_writer_text(json, "topic", offset->topic);
        json_writer_int(json, "partition", offset->partition);
        json_writer_int(json, "committed", offset->committed);
        json_writer_int(json, "high_watermark", offset->high_watermark);
        json_writer_int(json, "lag", behind);
        json_writer_text(json, "verdict", offset->verdict);
        json_writer_close(json, '}');
        lag += behind;
    }
    json_writer_close(json, ']');
    json_writer_int(json, "lag", lag);
    write_known(json, "lag_us", group->lag_us);
    json_writer_text(json, "verdict", group->verdict);
    json_writer_close(json, '}');
}

static void
write_groups(struct json_writer *json, const char *key, const struct console_snapshot *snapshot)
{
    json_writer_open(json, key, '[');
    for (size_t i = 0; i < snapshot->group_count; i++) {
        write_group(json, &snapshot->groups[i]);
    }
    json_writer_close(json, ']');
}

static void write_totals(struct json_writer *json, const struct console_snapshot *snapshot)
{
    struct console_totals totals;
    console_totals_of(snapshot, &totals);
    json_writer_open(json, "totals", '{');
    json_writer_int(json, "fetched", totals.fetched);
    json_writer_int(json, "accepted", totals.accepted);
    json_writer_int(json, "unchanged", totals.unchanged);
    json_writer_int(json, "refused", totals.refused);
    json_writer_int(json, "stored", totals.stored);
    json_writer_int(json, "filtered", totals.filtered);
    json_writer_int(json, "late", totals.late);
    json_writer_int(json, "dead", totals.dead);
    json_writer_int(json, "foreign", totals.foreign);
    json_writer_int(json, "staged", totals.staged);
    json_writer_int(json, "in_flight", totals.in_flight);
    json_writer_close(json, '}');
}

static void write_problems(struct json_writer *json, const struct console_snapshot *snapshot)
{
    struct arena arena;
    struct console_problem *problems;
    arena_init(&arena, 1024);
    size_t count = console_diagnose(snapshot, &arena, &problems);
    json_writer_open(json, "problems", '[');
    for (size_t i = 0; i < count; i++) {
        json_writer_open(json, NULL, '{');
        json_writer_text(json, "severity", problems[i].severe ? "error" : "warning");
        json_writer_text(json, "cause", problems[i].cause);
        json_writer_text(json, "title", problems[i].title);
        json_writer_text(json, "pipeline", problems[i].pipeline);
        json_writer_text(json, "kind", problems[i].kind);
        json_writer_text(json, "name", problems[i].name);
        json_writer_text(json, "status", problems[i].status);
        json_writer_text(json, "message", problems[i].message);
        json_writer_text(json, "hint", problems[i].remedy);
        json_writer_close(json, '}');
    }
    json_writer_close(json, ']');
    arena_deinit(&arena);
}

void snapshot_write_status(const struct console_snapshot *snapshot,
                           int64_t started_us,
                           struct buffer *target)
{
    struct json_writer json = {.target = target};
    json_writer_open(&json, NULL, '{');
    json_writer_text(&json, "version", LEAT_VERSION);
    json_writer_text(&json, "state", state_name(snapshot->state));
    json_writer_int(&json, "now_us", clock_now_us());
    json_writer_int(&json, "started_us", started_us);
    json_writer_int(&json, "pid", snapshot->pid);
    if (snapshot->role != NULL) {
        json_writer_text(&json, "role", snapshot->role);
        json_writer_int(&json, "fence", snapshot->fence);
        json_writer_text(&json, "leader", snapshot->leader);
    }
    json_writer_text(&json, "data", snapshot->data);
    json_writer_text(&json, "file", snapshot->file);
    json_writer_open(&json, "addresses", '{');
    json_writer_text(&json, "kafka", snapshot->kafka);
    json_writer_text(&json, "http", snapshot->http);
    json_writer_text(&json, "registry", snapshot->registry);
    json_writer_close(&json, '}');
    if (snapshot->disk_total > 0) {
        json_writer_open(&json, "disk", '{');
        json_writer_int(&json, "free_bytes", snapshot->disk_free);
        json_writer_int(&json, "total_bytes", snapshot->disk_total);
        json_writer_close(&json, '}');
    }
    write_totals(&json, snapshot);
    write_problems(&json, snapshot);
    write_sources(&json, "sources", snapshot);
    json_writer_open(&json, "flows", '[');
    for (size_t i = 0; i < snapshot->flow_count; i++) {
        write_flow(&json, &snapshot->flows[i]);
    }
    json_writer_close(&json, ']');
    json_writer_bool(&json, "log_embedded", snapshot->log_embedded);
    write_fault(&json, "log_fault", &snapshot->log_fault);
    write_topics(&json, "topics", snapshot);
    write_groups(&json, "groups", snapshot);
    json_writer_close(&json, '}');
}

void snapshot_write_sources(const struct console_snapshot *snapshot, struct buffer *target)
{
    struct json_writer json = {.target = target};
    write_sources(&json, NULL, snapshot);
}

void snapshot_write_topics(const struct console_snapshot *snapshot, struct buffer *target)
{
    struct json_writer json = {.target = target};
    write_topics(&json, NULL, snapshot);
}

void snapshot_write_groups(const struct console_snapshot *snapshot, struct buffer *target)
{
    struct json_writer json = {.target = target};
    write_groups(&json, NULL, snapshot);
}

/* Text as text; bytes that are none, such as Avro, in hexadecimal. */
static void write_raw(struct json_writer *json, struct slice raw)
{
    static const char digits[] = "0123456789abcdef";
    if (utf8_valid(raw.data, raw.size)) {
        json_writer_bytes(json, "raw", raw);
        return;
    }
    CLEANUP(buffer_deinit) struct buffer hex = BUFFER_INIT;
    for (size_t i = 0; i < raw.size; i++) {
        buffer_append_byte(&hex, (uint8_t) digits[raw.data[i] >> 4]);
        buffer_append_byte(&hex, (uint8_t) digits[raw.data[i] & 15]);
    }
    json_writer_bytes(json, "raw_hex", buffer_slice(&hex));
}

void dead_write(const struct console_dead *letters, size_t count, struct buffer *target)
{
    struct json_writer json = {.target = target};
    json_writer_open(&json, NULL, '[');
    for (size_t i = 0; i < count; i++) {
        const struct console_dead *letter = &letters[i];
        json_writer_open(&json, NULL, '{');
        json_writer_text(&json, "store", letter->store);
        json_writer_int(&json, "id", letter->id);
        json_writer_text(&json, "hop", letter->hop);
        json_writer_text(&json, "pipeline", letter->pipeline);
        json_writer_text(&json, "name", letter->name);
        json_writer_text(&json, "reason", letter->reason);
        json_writer_text(&json, "message", letter->message);
        json_writer_text(&json, "place", letter->place);
        json_writer_text(&json, "topic", letter->topic);
        if (letter->topic != NULL) {
            json_writer_int(&json, "partition", letter->partition);
            json_writer_int(&json, "offset", letter->offset);
        }
        write_time(&json, "at_us", letter->at_us);
        json_writer_int(&json, "retries", letter->retries);
        write_raw(&json, letter->raw);
        json_writer_int(&json, "raw_bytes", (int64_t) letter->raw_bytes);
        json_writer_close(&json, '}');
    }
    json_writer_close(&json, ']');
}
