/* A snapshot in Prometheus' text format. One table a kind of thing; a row is a metric. Totals here
 * are durable, those of the data directory; what base/metrics.h keeps counts since the process
 * started, and no name may be in both. */

#include "base/metrics.h"
#include "base/utf8.h"
#include "console/snapshot.h"

#include <inttypes.h>
#include <stdio.h>

enum unit {
    UNIT_COUNT,   /* as it is                                                  */
    UNIT_SECONDS, /* kept in µs                                                */
    UNIT_INSTANT, /* µs since 1970, shown in seconds; left out if not known    */
    UNIT_KNOWN,   /* as it is; left out if negative, which says "not known"    */
};

struct row {
    const char *name;
    const char *help;
    size_t offset; /* of an int64_t */
    enum unit unit;
};

#define SOURCE(field) offsetof(struct console_source, field)
#define FLOW(field)   offsetof(struct console_flow, field)

/* Names that end in "_total" are counters, others gauges. */
static const struct row source_rows[] = {
    {"leat_source_fetched_total", "Records fetched.", SOURCE(fetched), UNIT_COUNT},
    {"leat_source_accepted_total", "Records accepted into staging.", SOURCE(accepted), UNIT_COUNT},
    {"leat_source_unchanged_total", "Records fetched whose content was known.", SOURCE(unchanged),
     UNIT_COUNT},
    {"leat_source_dead_total", "Records refused at the source.", SOURCE(dead), UNIT_COUNT},
    {"leat_source_consecutive_failures", "Requests failed in a row.", SOURCE(failures), UNIT_COUNT},
    {"leat_source_last_fetch_timestamp_seconds", "When the newest page was committed.",
     SOURCE(fetched_at_us), UNIT_INSTANT},
    {"leat_staging_lag_records", "Records staged and not yet in their topic.", SOURCE(lag),
     UNIT_COUNT},
};

static const struct row flow_rows[] = {
    {"leat_records_stored_total", "Records whose every output is durable in its tables.",
     FLOW(stored), UNIT_COUNT},
    {"leat_records_filtered_total", "Records that no query wanted.", FLOW(filtered), UNIT_COUNT},
    {"leat_records_late_total", "Records behind the watermark.", FLOW(late), UNIT_COUNT},
    {"leat_records_dead_total", "Records that a query or a sink refused.", FLOW(dead), UNIT_COUNT},
    {"leat_records_foreign_total", "Records that did not come through staging.", FLOW(foreign),
     UNIT_COUNT},
    {"leat_stream_lag_records", "Records in the topic whose way has not ended.", FLOW(lag),
     UNIT_KNOWN},
    {"leat_stream_latency_seconds", "From acceptance to durable in the table, last batch.",
     FLOW(latency_us), UNIT_SECONDS},
    {"leat_stream_watermark_timestamp_seconds", "The event-time watermark.", FLOW(watermark_us),
     UNIT_INSTANT},
    {"leat_stream_state_bytes", "Size of the keyed state.", FLOW(state_bytes), UNIT_COUNT},
    {"leat_stream_state_groups", "Groups in the keyed state.", FLOW(groups), UNIT_COUNT},
};

static void write_head(struct buffer *target, const char *name, const char *help)
{
    const char *type =
        strlen(name) > 6 && strcmp(name + strlen(name) - 6, "_total") == 0 ? "counter" : "gauge";
    buffer_printf(target, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* What is no UTF-8 becomes U+FFFD: one bad name must not make the whole text unreadable. */
static void write_label(struct buffer *target, char before, const char *name, const char *value)
{
    size_t size = strlen(value);
    buffer_append_byte(target, (uint8_t) before);
    buffer_printf(target, "%s=\"", name);
    for (size_t at = 0, width; at < size; at += width) {
        uint32_t code_point;
        width = utf8_decode((const uint8_t *) value + at, size - at, &code_point);
        if (width == 0) {
            buffer_append_string(target, "\xef\xbf\xbd");
            width = 1;
        } else if (value[at] == '\n') {
            buffer_append_string(target, "\\n");
        } else {
            if (value[at] == '"' || value[at] == '\\') {
                buffer_append_byte(target, '\\');
            }
            buffer_append(target, value + at, width);
        }
    }
    buffer_append_byte(target, '"');
}

static bool is_known(enum unit unit, int64_t value)
{
    switch (unit) {
    case UNIT_INSTANT:
        return value != 0 && value != INT64_MIN;
    case UNIT_KNOWN:
        return value >= 0;
    case UNIT_COUNT:
    case UNIT_SECONDS:
        return true;
    }
    return true;
}

/* Of a table's object: pipeline, and what it is called. */
static void write_row(const struct row *row,
                      const void *object,
                      const char *pipeline,
                      const char *label,
                      const char *name,
                      struct buffer *target)
{
    int64_t value = *(const int64_t *) ((const char *) object + row->offset);
    if (!is_known(row->unit, value)) {
        return;
    }
    buffer_append_string(target, row->name);
    write_label(target, '{', "pipeline", pipeline);
    write_label(target, ',', label, name);
    if (row->unit == UNIT_SECONDS || row->unit == UNIT_INSTANT) {
        buffer_printf(target, "} %.6f\n", (double) value / 1e6);
    } else {
        buffer_printf(target, "} %" PRId64 "\n", value);
    }
}

static void write_sources(const struct console_snapshot *snapshot, struct buffer *target)
{
    for (size_t r = 0; r < ARRAY_SIZE(source_rows) && snapshot->source_count > 0; r++) {
        write_head(target, source_rows[r].name, source_rows[r].help);
        for (size_t i = 0; i < snapshot->source_count; i++) {
            const struct console_source *source = &snapshot->sources[i];
            write_row(&source_rows[r], source, source->pipeline, "source", source->name, target);
        }
    }
}

static void write_flows(const struct console_snapshot *snapshot, struct buffer *target)
{
    for (size_t r = 0; r < ARRAY_SIZE(flow_rows) && snapshot->flow_count > 0; r++) {
        write_head(target, flow_rows[r].name, flow_rows[r].help);
        for (size_t i = 0; i < snapshot->flow_count; i++) {
            const struct console_flow *flow = &snapshot->flows[i];
            write_row(&flow_rows[r], flow, flow->pipeline, "topic", flow->topic, target);
        }
    }
}

static void write_partitions(const struct console_snapshot *snapshot,
                             const char *name,
                             const char *help,
                             size_t offset,
                             struct buffer *target)
{
    write_head(target, name, help);
    for (size_t i = 0; i < snapshot->topic_count; i++) {
        for (size_t p = 0; p < snapshot->topics[i].partition_count; p++) {
            const char *partition = (const char *) &snapshot->topics[i].partitions[p];
            buffer_append_string(target, name);
            write_label(target, '{', "topic", snapshot->topics[i].name);
            buffer_printf(target, ",partition=\"%zu\"} %" PRId64 "\n", p,
                          *(const int64_t *) (partition + offset));
        }
    }
}

static void write_topics(const struct console_snapshot *snapshot, struct buffer *target)
{
    if (snapshot->topic_count == 0) {
        return;
    }
    write_partitions(snapshot, "leat_topic_partition_start_offset", "First offset kept.",
                     offsetof(struct console_partition, log_start), target);
    write_partitions(snapshot, "leat_topic_partition_end_offset", "High watermark.",
                     offsetof(struct console_partition, high_watermark), target);
    write_partitions(snapshot, "leat_topic_partition_size_bytes", "Size on disk.",
                     offsetof(struct console_partition, size_bytes), target);
}

static void write_groups(const struct console_snapshot *snapshot, struct buffer *target)
{
    if (snapshot->group_count == 0) {
        return;
    }
    write_head(target, "leat_group_members", "Members of a consumer group.");
    for (size_t i = 0; i < snapshot->group_count; i++) {
        buffer_append_string(target, "leat_group_members");
        write_label(target, '{', "group", snapshot->groups[i].id);
        buffer_printf(target, "} %" PRId64 "\n", snapshot->groups[i].member_count);
    }
    write_head(target, "leat_group_lag_records", "Records behind the committed offset.");
    for (size_t i = 0; i < snapshot->group_count; i++) {
        const struct console_group *group = &snapshot->groups[i];
        for (size_t o = 0; o < group->offset_count; o++) {
            const struct console_offset *offset = &group->offsets[o];
            if (offset->high_watermark < 0 || offset->committed < 0) {
                continue;
            }
            buffer_append_string(target, "leat_group_lag_records");
            write_label(target, '{', "group", group->id);
            write_label(target, ',', "topic", offset->topic);
            buffer_printf(target, ",partition=\"%d\"} %" PRId64 "\n", offset->partition,
                          offset->high_watermark - offset->committed);
        }
    }
}

void snapshot_write_metrics(const struct console_snapshot *snapshot, struct buffer *target)
{
    write_sources(snapshot, target);
    write_flows(snapshot, target);
    write_topics(snapshot, target);
    write_groups(snapshot, target);
}
