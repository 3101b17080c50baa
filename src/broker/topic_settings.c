#include "broker/topic_settings.h"

#include "base/assert.h"
#include "base/memory.h"
#include "base/time_text.h"

#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define NO_MINIMUM (-DBL_MAX)

/* Places in the table of those that have an effect. */
enum {
    CLEANUP_POLICY,
    COMPRESSION_TYPE,
    INDEX_INTERVAL_BYTES,
    MAX_MESSAGE_BYTES,
    TIMESTAMP_TYPE,
    RETENTION_BYTES,
    RETENTION_MS,
    SEGMENT_BYTES,
    SEGMENT_MS,
};

static const struct topic_setting table[] = {
    [CLEANUP_POLICY] =
        {"cleanup.policy", SETTING_LIST, "delete", NO_MINIMUM, "delete|compact",
         "what becomes of old records: deleted, or compacted to the last of each key"},
    [COMPRESSION_TYPE] = {"compression.type", SETTING_STRING, "producer", NO_MINIMUM,
                          "producer|uncompressed|gzip|snappy|lz4|zstd",
                          "how batches are stored; producer: as they came"},
    [INDEX_INTERVAL_BYTES] = {"index.interval.bytes", SETTING_INT, "4096", 0, NULL,
                              "bytes of log between two entries of the offset index"},
    [MAX_MESSAGE_BYTES] = {"max.message.bytes", SETTING_INT, "1048588", 0, NULL,
                           "largest record batch"},
    [TIMESTAMP_TYPE] = {"message.timestamp.type", SETTING_STRING, "CreateTime", NO_MINIMUM,
                        "CreateTime|LogAppendTime", "whose clock gives a record its time"},
    [RETENTION_BYTES] = {"retention.bytes", SETTING_LONG, "-1", -1, NULL,
                         "bytes of a partition that are kept"},
    [RETENTION_MS] = {"retention.ms", SETTING_LONG, "604800000", -1, NULL,
                      "how long records are kept"},
    [SEGMENT_BYTES] = {"segment.bytes", SETTING_INT, "1073741824", 14, NULL,
                       "size of one file of the log"},
    [SEGMENT_MS] = {"segment.ms", SETTING_LONG, "604800000", 1, NULL,
                    "age at which a new file is begun"},
    /* From here on without effect on one node. */
    {"delete.retention.ms", SETTING_LONG, "86400000", 0, NULL, "how long tombstones stay"},
    {"file.delete.delay.ms", SETTING_LONG, "60000", 0, NULL, "files go at once here"},
    {"flush.messages", SETTING_LONG, "9223372036854775807", 1, NULL,
     "the broker's flush policy holds"},
    {"flush.ms", SETTING_LONG, "9223372036854775807", 0, NULL, "the broker's flush policy holds"},
    {"follower.replication.throttled.replicas", SETTING_LIST, "", NO_MINIMUM, NULL, "no replicas"},
    {"leader.replication.throttled.replicas", SETTING_LIST, "", NO_MINIMUM, NULL, "no replicas"},
    {"local.retention.bytes", SETTING_LONG, "-2", -2, NULL, "no remote storage"},
    {"local.retention.ms", SETTING_LONG, "-2", -2, NULL, "no remote storage"},
    {"max.compaction.lag.ms", SETTING_LONG, "9223372036854775807", 1, NULL, "when compaction must"},
    {"message.downconversion.enable", SETTING_BOOLEAN, "true", NO_MINIMUM, NULL, "never needed"},
    {"message.format.version", SETTING_STRING, "3.0-IV1", NO_MINIMUM, NULL, "always batches v2"},
    {"message.timestamp.after.max.ms", SETTING_LONG, "9223372036854775807", 0, NULL,
     "how far ahead a record's time may be"},
    {"message.timestamp.before.max.ms", SETTING_LONG, "9223372036854775807", 0, NULL,
     "how far back a record's time may be"},
    {"message.timestamp.difference.max.ms", SETTING_LONG, "9223372036854775807", 0, NULL,
     "how far off a record's time may be"},
    {"min.cleanable.dirty.ratio", SETTING_DOUBLE, "0.5", 0, NULL, "when compaction pays"},
    {"min.compaction.lag.ms", SETTING_LONG, "0", 0, NULL, "when compaction may"},
    {"min.insync.replicas", SETTING_INT, "1", 1, NULL, "one node has one replica"},
    {"preallocate", SETTING_BOOLEAN, "false", NO_MINIMUM, NULL, "files are always preallocated"},
    {"remote.storage.enable", SETTING_BOOLEAN, "false", NO_MINIMUM, "false", "no remote storage"},
    {"segment.index.bytes", SETTING_INT, "10485760", 4, NULL, "indexes take what they need"},
    {"segment.jitter.ms", SETTING_LONG, "0", 0, NULL, "no jitter"},
    {"unclean.leader.election.enable", SETTING_BOOLEAN, "false", NO_MINIMUM, NULL, "no elections"},
};

_Static_assert(ARRAY_SIZE(table) <= TOPIC_SETTINGS_MAX, "struct topic_settings is too small");

const struct topic_setting *topic_setting_all(int *ret_count)
{
    *ret_count = ARRAY_SIZE(table);
    return table;
}

int topic_setting_find(struct slice name)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (slice_equal_string(name, table[i].name)) {
            return (int) i;
        }
    }
    return -1;
}

static bool among(const char *choices, struct slice word)
{
    for (const char *at = choices; *at != '\0';) {
        size_t size = strcspn(at, "|");
        if (slice_equal(word, slice_of(at, size))) {
            return true;
        }
        at += size + (at[size] == '|');
    }
    return false;
}

static enum status
check_words(const struct topic_setting *setting, struct slice value, struct error *error)
{
    bool list = setting->type == SETTING_LIST;
    for (size_t at = 0; at <= value.size;) {
        const uint8_t *comma =
            list && at < value.size ? memchr(value.data + at, ',', value.size - at) : NULL;
        size_t end = comma == NULL ? value.size : (size_t) (comma - value.data);
        struct slice word = slice_of(value.data + at, end - at);
        if (!among(setting->choices, word)) {
            return error_set(error, STATUS_CONFIG, "%s cannot be \"%.*s\"; it is one of %s",
                             setting->name, SLICE_FORMAT(word), setting->choices);
        }
        at = end + 1;
    }
    return STATUS_OK;
}

static enum status
check_number(const struct topic_setting *setting, struct slice value, struct error *error)
{
    char text[64] = "";
    if (value.size < sizeof(text)) {
        memcpy(text, value.data, value.size);
    }
    char *end = NULL;
    errno = 0;
    double number = 0;
    if (setting->type == SETTING_DOUBLE) {
        number = strtod(text, &end);
    } else {
        long long whole = strtoll(text, &end, 10);
        number = (double) whole;
        if (setting->type != SETTING_LONG && (whole > INT32_MAX || whole < INT32_MIN)) {
            errno = ERANGE;
        }
    }
    if (end == text || *end != '\0' || errno != 0) {
        return error_set(error, STATUS_CONFIG, "%s cannot be \"%.*s\"; it is a number",
                         setting->name, SLICE_FORMAT(value));
    }
    if (number < setting->minimum) {
        return error_set(error, STATUS_CONFIG, "%s cannot be %s; it is at least %.0f",
                         setting->name, text, setting->minimum);
    }
    return STATUS_OK;
}

enum status
topic_setting_check(const struct topic_setting *setting, struct slice value, struct error *error)
{
    switch (setting->type) {
    case SETTING_STRING:
    case SETTING_LIST:
        return setting->choices == NULL ? STATUS_OK : check_words(setting, value, error);
    case SETTING_BOOLEAN:
        if (slice_equal_string(value, "true") || slice_equal_string(value, "false")) {
            return STATUS_OK;
        }
        return error_set(error, STATUS_CONFIG, "%s cannot be \"%.*s\"; it is true or false",
                         setting->name, SLICE_FORMAT(value));
    default:
        return check_number(setting, value, error);
    }
}

void topic_settings_set(struct topic_settings *settings, int index, const char *value)
{
    char *copy = mem_strdup(value);
    mem_free(settings->values[index]);
    settings->values[index] = copy;
}

void topic_settings_copy(struct topic_settings *target, const struct topic_settings *source)
{
    for (int i = 0; i < TOPIC_SETTINGS_MAX; i++) {
        topic_settings_set(target, i, source->values[i]);
    }
}

void topic_settings_deinit(struct topic_settings *settings)
{
    for (int i = 0; i < TOPIC_SETTINGS_MAX; i++) {
        mem_free(settings->values[i]);
        settings->values[i] = NULL;
    }
}

/* The broker's own default of a setting, where it has one. */
static bool
broker_default(const struct partition_log_config *defaults, int index, int64_t *ret_value)
{
    switch (index) {
    case INDEX_INTERVAL_BYTES:
        *ret_value = defaults->index_interval_bytes;
        return true;
    case MAX_MESSAGE_BYTES:
        *ret_value = defaults->message_bytes_max;
        return true;
    case RETENTION_BYTES:
        *ret_value = defaults->retention_bytes;
        return true;
    case RETENTION_MS:
        *ret_value = defaults->retention_us < 0 ? -1 : defaults->retention_us / US_PER_MS;
        return true;
    case SEGMENT_BYTES:
        *ret_value = defaults->segment_bytes;
        return true;
    case SEGMENT_MS:
        *ret_value = defaults->segment_us / US_PER_MS;
        return true;
    default:
        return false;
    }
}

const char *topic_setting_value(const struct topic_settings *settings,
                                const struct partition_log_config *defaults,
                                int index,
                                char room[SETTING_TEXT_BYTES])
{
    if (settings->values[index] != NULL) {
        return settings->values[index];
    }
    int64_t number;
    if (broker_default(defaults, index, &number)) {
        (void) snprintf(room, SETTING_TEXT_BYTES, "%" PRId64, number);
        return room;
    }
    return table[index].fallback;
}

static int64_t number_of(const struct topic_settings *settings,
                         const struct partition_log_config *defaults,
                         int index)
{
    char room[SETTING_TEXT_BYTES];
    return strtoll(topic_setting_value(settings, defaults, index, room), NULL, 10);
}

/* Milliseconds to microseconds without passing the end of the range. */
static int64_t time_of(int64_t ms)
{
    return ms > INT64_MAX / US_PER_MS ? INT64_MAX : ms * US_PER_MS;
}

bool topic_settings_compact(const struct topic_settings *settings)
{
    const char *policy = settings->values[CLEANUP_POLICY];
    return policy != NULL && strstr(policy, "compact") != NULL;
}

int topic_settings_codec(const struct topic_settings *settings)
{
    static const char *const names[] = {"uncompressed", "gzip", "snappy", "lz4", "zstd"};
    const char *wanted = settings->values[COMPRESSION_TYPE];
    for (int i = 0; wanted != NULL && i < (int) ARRAY_SIZE(names); i++) {
        if (strcmp(wanted, names[i]) == 0) {
            return i;
        }
    }
    return -1;
}

void topic_settings_apply(const struct topic_settings *settings,
                          const struct partition_log_config *defaults,
                          struct partition_log_config *ret_config)
{
    *ret_config = *defaults;
    ret_config->index_interval_bytes = number_of(settings, defaults, INDEX_INTERVAL_BYTES);
    ret_config->message_bytes_max = number_of(settings, defaults, MAX_MESSAGE_BYTES);
    ret_config->retention_bytes = number_of(settings, defaults, RETENTION_BYTES);
    int64_t retention_ms = number_of(settings, defaults, RETENTION_MS);
    ret_config->retention_us = retention_ms < 0 ? -1 : time_of(retention_ms);
    ret_config->segment_bytes = number_of(settings, defaults, SEGMENT_BYTES);
    ret_config->segment_us = time_of(number_of(settings, defaults, SEGMENT_MS));
    ret_config->compact = topic_settings_compact(settings);
    const char *type = settings->values[TIMESTAMP_TYPE];
    ret_config->log_append_time = type != NULL && strcmp(type, "LogAppendTime") == 0;
    const char *policy = settings->values[CLEANUP_POLICY];
    if (policy != NULL && strstr(policy, "delete") == NULL) {
        ret_config->retention_us = -1; /* compacted only: nothing is too old */
        ret_config->retention_bytes = -1;
    }
}
