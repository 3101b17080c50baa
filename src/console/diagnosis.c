#include "console/diagnosis.h"

#include <inttypes.h>
#include <string.h>

#define STALLED_US     INT64_C(20000000)
#define RECENT_US      INT64_C(300000000)
#define DISK_LOW_RATIO 0.15

struct findings {
    const struct console_snapshot *snapshot;
    struct arena *arena;
    struct console_problem *items;
    size_t count;
};

/* What a cause means, and what to do if the part that failed did not say. */
struct cause {
    const char *name;
    bool severe;
    const char *title; /* "%s" is the name of the part */
    const char *remedy;
};

enum cause_id {
    PROCESS_FAILED,
    DISK_FULL,
    DISK_LOW,
    API_DOWN,
    API_REFUSES,
    SCHEMA_BROKEN,
    SOURCE_FAILED,
    LOG_DOWN,
    LOG_REFUSES,
    STREAM_FAILED,
    SINK_REFUSES,
    STREAM_STALLED,
    CONSUMER_STALLED,
    CONSUMER_STOPPED,
    CONSUMER_REWOUND,
    RECORDS_REFUSED,
};

#define GOES_ON " leat tries again by itself and goes on where it was; nothing is lost."

static const struct cause causes[] = {
    [PROCESS_FAILED] = {"process-failed", true, "leat stopped working",
                        "read the last log lines, mend the cause, and start leat again"},
    [DISK_FULL] = {"disk-full", true, "The disk is full, so %s pauses",
                   "free space where the data directory lies, or move it with --data." GOES_ON},
    [DISK_LOW] = {"disk-low", false, "Little disk space is left",
                  "free space before it reaches 10 %, where fetching pauses"},
    [API_DOWN] = {"api-down", true, "The source %s cannot be reached",
                  "check its address, the network, and whether it is up." GOES_ON},
    [API_REFUSES] = {"api-refuses", true, "The source %s does not answer as it should",
                     "ask the address by hand and compare it with the pipeline file." GOES_ON},
    [SCHEMA_BROKEN] = {"schema-broken", true, "The schema does not allow what %s brings",
                       "look at what changed; then register a compatible schema, or set "
                       "on_type_change, or lower the subject's compatibility level"},
    [SOURCE_FAILED] = {"source-failed", true, "The source %s does not go on",
                       "mend the cause." GOES_ON},
    [LOG_DOWN] = {"log-down", true, "The log does not answer",
                  "start the broker, or check its address in the profile." GOES_ON},
    [LOG_REFUSES] = {"log-refuses", true, "The log takes no records of %s",
                     "look at the broker's own messages." GOES_ON},
    [STREAM_FAILED] = {"stream-failed", true, "The queries over %s cannot go on",
                       "mend the query, check it with `leat check`, and start leat again"},
    [SINK_REFUSES] = {"sink-refuses", true, "A table does not take the rows of %s",
                      "look whether the store is reachable, has space, and still has the table's "
                      "columns." GOES_ON},
    [STREAM_STALLED] =
        {"stream-stalled", true, "The queries over %s stand still",
         "look whether another program holds the tables locked, or their store "
         "hangs; then at the log lines of this topic; `leat doctor` asks every part"},
    [CONSUMER_STALLED] = {"consumer-stalled", false, "The consumers of group %s stand still",
                          "they are connected but commit nothing new: look for one record that "
                          "they cannot process, or a call that hangs; see the group's page"},
    [CONSUMER_STOPPED] = {"consumer-stopped", false, "Group %s has no consumer, and records wait",
                          "start its consumer again, or delete the group if nobody needs it"},
    [CONSUMER_REWOUND] = {"consumer-rewound", false, "Group %s went back to older records",
                          "if nobody reset it, look whether its consumers commit what they read"},
    [RECORDS_REFUSED] = {"records-refused", false, "Records of %s were refused",
                         "see the dead letters for the reason; mend it, and try them again there"},
};

/* `message` and `hint` may be NULL. */
static void find(struct findings *findings,
                 enum cause_id id,
                 struct console_problem place,
                 const struct console_fault *fault)
{
    const struct cause *cause = &causes[id];
    struct console_problem *problem = &findings->items[findings->count++];
    const char *name = place.name == NULL ? "leat" : place.name;
    const char *at = strstr(cause->title, "%s");
    *problem = place;
    problem->severe = cause->severe;
    problem->cause = cause->name;
    problem->title = at == NULL
                         ? cause->title
                         : arena_printf(findings->arena, "%.*s%s%s", (int) (at - cause->title),
                                        cause->title, name, at + 2);
    problem->status = fault->status;
    problem->message = fault->message == NULL ? "" : fault->message;
    problem->remedy = fault->hint == NULL
                          ? cause->remedy
                          : arena_printf(findings->arena, "%s; %s", fault->hint, cause->remedy);
}

static bool is(const struct console_fault *fault, const char *status)
{
    return fault->status != NULL && strcmp(fault->status, status) == 0;
}

static bool says(const struct console_fault *fault, const char *text)
{
    return fault->message != NULL && strcasestr(fault->message, text) != NULL;
}

static bool about_space(const struct console_fault *fault)
{
    return says(fault, "no space") || says(fault, "disk is full") || says(fault, "disk full") ||
           says(fault, "disk quota");
}

/* ---- each part ---------------------------------------------------------------------------------
 */

static bool is_paused_by_disk(const struct console_source *source)
{
    return source->state != NULL && strcmp(source->state, "disk-full") == 0;
}

static enum cause_id cause_of_source(const struct console_source *source)
{
    const struct console_fault *fault = &source->fault;
    if (is_paused_by_disk(source) || about_space(fault)) {
        return DISK_FULL;
    }
    if (says(fault, "schema") || says(fault, "compatib")) {
        return SCHEMA_BROKEN;
    }
    if (is(fault, "unavailable") || is(fault, "again")) {
        return API_DOWN;
    }
    return is(fault, "protocol") || is(fault, "data") || is(fault, "not-found") ? API_REFUSES
                                                                                : SOURCE_FAILED;
}

static enum cause_id cause_of_capture(const struct console_fault *fault)
{
    if (about_space(fault)) {
        return DISK_FULL;
    }
    if (says(fault, "schema") || says(fault, "compatib")) {
        return SCHEMA_BROKEN;
    }
    return is(fault, "unavailable") ? LOG_DOWN : LOG_REFUSES;
}

static enum cause_id cause_of_flow(const struct console_fault *fault)
{
    if (about_space(fault)) {
        return DISK_FULL;
    }
    if (says(fault, "sink") || says(fault, "table") || says(fault, "store")) {
        return SINK_REFUSES;
    }
    if (says(fault, "schema")) {
        return SCHEMA_BROKEN;
    }
    return is(fault, "unavailable") ? LOG_DOWN : STREAM_FAILED;
}

static void look_at_source(struct findings *findings, const struct console_source *source)
{
    const struct console_problem at = {
        .pipeline = source->pipeline, .kind = "source", .name = source->name};
    struct console_problem capture = at;
    capture.kind = "capture";
    if (source->fault.message != NULL) {
        find(findings, cause_of_source(source), at, &source->fault);
    } else if (is_paused_by_disk(source)) {
        find(findings, DISK_FULL, at, &(struct console_fault){.status = "again"});
    }
    if (source->capture_fault.message != NULL) {
        find(findings, cause_of_capture(&source->capture_fault), capture, &source->capture_fault);
    } else if (source->still_us > STALLED_US) {
        find(findings, LOG_REFUSES, capture,
             &(struct console_fault){
                 .message = arena_printf(findings->arena,
                                         "%" PRId64 " staged records wait since %" PRId64 " s",
                                         source->lag, source->still_us / 1000000)});
    }
}

/* A log with transactions ends each of its partitions with a marker, which is no record and never
 * ends: as many offsets may wait for ever. */
static int64_t markers_of(const struct console_snapshot *snapshot, const char *topic)
{
    for (size_t i = 0; !snapshot->log_embedded && i < snapshot->topic_count; i++) {
        if (strcmp(snapshot->topics[i].name, topic) == 0) {
            return (int64_t) snapshot->topics[i].partition_count;
        }
    }
    return 0;
}

static void look_at_flow(struct findings *findings, const struct console_flow *flow)
{
    const struct console_problem at = {
        .pipeline = flow->pipeline, .kind = "flow", .name = flow->topic};
    if (flow->fault.message != NULL) {
        find(findings, cause_of_flow(&flow->fault), at, &flow->fault);
    } else if (flow->running && flow->lag > markers_of(findings->snapshot, flow->topic) &&
               flow->still_us > STALLED_US) {
        find(findings, STREAM_STALLED, at,
             &(struct console_fault){
                 .message = arena_printf(findings->arena,
                                         "%" PRId64 " records wait, none ended for %" PRId64 " s",
                                         flow->lag, flow->still_us / 1000000)});
    }
    if (flow->dead > 0 && flow->dead_still_us > 0 && flow->dead_still_us < RECENT_US) {
        find(findings, RECORDS_REFUSED, at,
             &(struct console_fault){.message = arena_printf(findings->arena,
                                                             "%" PRId64 " dead letters in all, the "
                                                             "newest less than 5 minutes old",
                                                             flow->dead)});
    }
}

static void look_at_group(struct findings *findings, const struct console_group *group)
{
    const struct console_problem at = {.kind = "group", .name = group->id};
    const char *verdict = group->verdict == NULL ? "OK" : group->verdict;
    int64_t lag = 0;
    for (size_t i = 0; i < group->offset_count; i++) {
        const struct console_offset *offset = &group->offsets[i];
        bool known = offset->high_watermark >= 0 && offset->committed >= 0;
        lag += known && offset->high_watermark > offset->committed
                   ? offset->high_watermark - offset->committed
                   : 0;
    }
    const struct console_fault seen = {.message = arena_printf(findings->arena,
                                                               "verdict %s: %" PRId64
                                                               " records wait, %" PRId64 " members",
                                                               verdict, lag, group->member_count)};
    if (strcmp(verdict, "STALL") == 0) {
        find(findings, CONSUMER_STALLED, at, &seen);
    } else if (strcmp(verdict, "STOP") == 0) {
        find(findings, CONSUMER_STOPPED, at, &seen);
    } else if (strcmp(verdict, "REWIND") == 0) {
        find(findings, CONSUMER_REWOUND, at, &seen);
    }
}

static void look_at_disk(struct findings *findings)
{
    const struct console_snapshot *snapshot = findings->snapshot;
    double ratio = (double) snapshot->disk_free / (double) snapshot->disk_total;
    if (ratio < DISK_LOW_RATIO) {
        find(findings, DISK_LOW, (struct console_problem){.kind = "process"},
             &(struct console_fault){
                 .message = arena_printf(findings->arena, "%.1f %% of %.1f GiB is free at \"%s\"",
                                         ratio * 100, (double) snapshot->disk_total / (1 << 30),
                                         snapshot->data)});
    }
}

/* What stops records stands before what only warns; else in the order of the snapshot. */
static struct console_problem *worst_first(const struct findings *findings)
{
    struct console_problem *sorted =
        ARENA_ARRAY(findings->arena, struct console_problem, findings->count);
    size_t count = 0;
    for (int severe = 1; severe >= 0; severe--) {
        for (size_t i = 0; i < findings->count; i++) {
            if (findings->items[i].severe == (bool) severe) {
                sorted[count++] = findings->items[i];
            }
        }
    }
    return sorted;
}

size_t console_diagnose(const struct console_snapshot *snapshot,
                        struct arena *arena,
                        struct console_problem **ret_problems)
{
    size_t max = 3 + snapshot->source_count * 2 + snapshot->flow_count * 2 + snapshot->group_count;
    struct findings findings = {snapshot, arena, ARENA_ARRAY(arena, struct console_problem, max),
                                0};
    if (snapshot->fault.message != NULL) {
        find(&findings, PROCESS_FAILED, (struct console_problem){.kind = "process"},
             &snapshot->fault);
    }
    if (snapshot->log_fault.message != NULL) {
        find(&findings, LOG_DOWN, (struct console_problem){.kind = "process"},
             &snapshot->log_fault);
    }
    for (size_t i = 0; i < snapshot->source_count; i++) {
        look_at_source(&findings, &snapshot->sources[i]);
    }
    for (size_t i = 0; i < snapshot->flow_count; i++) {
        look_at_flow(&findings, &snapshot->flows[i]);
    }
    for (size_t i = 0; i < snapshot->group_count; i++) {
        look_at_group(&findings, &snapshot->groups[i]);
    }
    if (snapshot->disk_total > 0) {
        look_at_disk(&findings);
    }
    *ret_problems = worst_first(&findings);
    return findings.count;
}
