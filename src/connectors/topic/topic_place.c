#include "base/time_text.h"
#include "connectors/kafka/kafka_admin.h"
#include "connectors/kafka/kafka_log.h"
#include "connectors/topic/topic_source_internal.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

#define EARLIEST "earliest"
#define LATEST   "latest"

/* "0:17,2:4": calls for each; false if the text is none. */
static bool
read_pairs(const char *text, void (*take)(void *context, int32_t, int64_t), void *context)
{
    for (;;) {
        char *end;
        if (!isdigit((unsigned char) *text)) {
            return false;
        }
        long long partition = strtoll(text, &end, 10);
        if (*end != ':' || !isdigit((unsigned char) end[1]) || partition > INT32_MAX) {
            return false;
        }
        long long offset = strtoll(end + 1, &end, 10);
        take(context, (int32_t) partition, offset);
        if (*end == '\0') {
            return true;
        }
        if (*end != ',') {
            return false;
        }
        text = end + 1;
    }
}

static void take_none(void *context, int32_t partition, int64_t offset)
{
    (void) context;
    (void) partition;
    (void) offset;
}

enum status topic_place_check(const char *start, struct error *error)
{
    int64_t at_us;
    if (strcmp(start, EARLIEST) == 0 || strcmp(start, LATEST) == 0 ||
        read_pairs(start, take_none, NULL) ||
        time_parse(slice_of_string(start), &at_us, NULL) == STATUS_OK) {
        return STATUS_OK;
    }
    (void) error_set(error, STATUS_CONFIG, "\"start\" is \"%s\"", start);
    error_hint(error, "earliest, latest, a time such as 2026-01-01T00:00:00Z, or offsets such as "
                      "0:17,1:4");
    return STATUS_CONFIG;
}

static enum status ranges_of(const struct topic_source_config *config,
                             struct log_client *log,
                             struct arena *arena,
                             struct log_partition **ret_ranges,
                             int32_t *ret_count,
                             struct error *error)
{
    enum status status =
        kafka_log_ops.topic_offsets(log, config->topic, arena, ret_ranges, ret_count, error);
    if (status == STATUS_NOT_FOUND) {
        error_hint(error, "a `kafka` source reads a topic that exists already");
    }
    return status;
}

static enum status offsets_at_time(const struct topic_source_config *config,
                                   struct log_client *log,
                                   int64_t at_us,
                                   int64_t *offsets,
                                   int32_t count,
                                   struct arena *arena,
                                   struct error *error)
{
    struct kafka_position *positions = ARENA_ARRAY(arena, struct kafka_position, (size_t) count);
    for (int32_t i = 0; i < count; i++) {
        positions[i].topic = config->topic;
        positions[i].partition = i;
        positions[i].offset = at_us / US_PER_MS;
    }
    TRY(kafka_admin_offsets_at(log, positions, (size_t) count, error));
    for (int32_t i = 0; i < count; i++) {
        /* Negative: no record so late, so that the next one to come is the first. */
        offsets[i] = positions[i].offset >= 0 ? positions[i].offset : offsets[i];
    }
    return STATUS_OK;
}

struct taking {
    int64_t *offsets;
    int32_t count;
    int32_t beyond; /* a partition that the topic does not have, -1: none */
};

static void take_offset(void *context, int32_t partition, int64_t offset)
{
    struct taking *taking = context;
    if (partition < taking->count) {
        taking->offsets[partition] = offset;
    } else {
        taking->beyond = partition;
    }
}

enum status topic_place_start(const struct topic_source_config *config,
                              struct log_client *log,
                              struct arena *arena,
                              int64_t **ret_offsets,
                              int32_t *ret_count,
                              struct error *error)
{
    struct log_partition *ranges;
    int32_t count;
    int64_t at_us;
    TRY(ranges_of(config, log, arena, &ranges, &count, error));
    int64_t *offsets = ARENA_ARRAY(arena, int64_t, (size_t) count);
    bool timed = time_parse(slice_of_string(config->start), &at_us, NULL) == STATUS_OK;
    for (int32_t i = 0; i < count; i++) {
        bool late = timed || strcmp(config->start, LATEST) == 0;
        offsets[i] = late ? ranges[i].high : ranges[i].low;
    }
    struct taking taking = {offsets, count, -1};
    if (timed) {
        TRY(offsets_at_time(config, log, at_us, offsets, count, arena, error));
    } else if (read_pairs(config->start, take_none, NULL)) {
        (void) read_pairs(config->start, take_offset, &taking);
    }
    if (taking.beyond >= 0) {
        return error_set(error, STATUS_CONFIG,
                         "\"start\" names partition %d, and topic \"%s\" has %d",
                         (int) taking.beyond, config->topic, (int) count);
    }
    for (int32_t i = 0; i < count; i++) {
        if (offsets[i] < ranges[i].low || offsets[i] > ranges[i].high) {
            return error_set(error, STATUS_CONFIG,
                             "\"start\" is offset %" PRId64 " of partition %d, and that has the "
                             "offsets %" PRId64 " to %" PRId64,
                             offsets[i], (int) i, ranges[i].low, ranges[i].high);
        }
    }
    *ret_offsets = offsets;
    *ret_count = count;
    return STATUS_OK;
}

enum status topic_place_read(const struct topic_source_config *config,
                             struct log_client *log,
                             const char *cursor,
                             struct arena *arena,
                             int64_t **ret_offsets,
                             int32_t *ret_count,
                             struct error *error)
{
    struct log_partition *ranges;
    int32_t count;
    TRY(ranges_of(config, log, arena, &ranges, &count, error));
    int64_t *offsets = ARENA_ARRAY(arena, int64_t, (size_t) count);
    for (int32_t i = 0; i < count; i++) {
        offsets[i] = ranges[i].low;
    }
    const char *text = cursor;
    for (int32_t i = 0; *text != '\0'; i++) {
        char *end;
        long long offset = strtoll(text, &end, 10);
        if (end == text || offset < 0 || (*end != ',' && *end != '\0')) {
            return error_set(error, STATUS_CORRUPT, "the cursor \"%s\" is no list of offsets",
                             cursor);
        }
        if (i >= count || offset > ranges[i].high) {
            (void) error_set(error, STATUS_CONFIG,
                             "topic \"%s\" ends before the place that was read last "
                             "(partition %d, offset %lld)",
                             config->topic, (int) i, offset);
            error_hint(error, "it was made anew, or this is another cluster: give the source "
                              "another name to read it from its `start`");
            return STATUS_CONFIG;
        }
        offsets[i] = offset;
        text = *end == ',' ? end + 1 : end;
    }
    *ret_offsets = offsets;
    *ret_count = count;
    return STATUS_OK;
}

const char *topic_place_write(const int64_t *offsets, int32_t count, struct arena *arena)
{
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    for (int32_t i = 0; i < count; i++) {
        buffer_printf(&text, "%s%" PRId64, i == 0 ? "" : ",", offsets[i]);
    }
    return arena_strdup(arena, buffer_string(&text));
}
