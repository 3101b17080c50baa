#pragma once

/* The settings that a topic may have, as Kafka names them: one table for checking, describing and
 * applying. Settings of what one node has not (replicas, throttles) are accepted and have no
 * effect, so that tools written for clusters work. */

#include "base/error.h"
#include "base/slice.h"
#include "log/partition_log.h"

/* DescribeConfigs' numbers for types. */
enum setting_type {
    SETTING_BOOLEAN = 1,
    SETTING_STRING = 2,
    SETTING_INT = 3,
    SETTING_SHORT = 4,
    SETTING_LONG = 5,
    SETTING_DOUBLE = 6,
    SETTING_LIST = 7,
};

struct topic_setting {
    const char *name;
    enum setting_type type;
    const char *fallback; /* the value when neither topic nor broker says otherwise */
    double minimum;       /* numbers */
    const char *choices;  /* strings and lists: "a|b|c"; NULL: any text */
    const char *help;
};

#define TOPIC_SETTINGS_MAX 40

/* Values that differ from the defaults, by place in the table; NULL: the default. Owned text. */
struct topic_settings {
    char *values[TOPIC_SETTINGS_MAX];
};

const struct topic_setting *topic_setting_all(int *ret_count);
int topic_setting_find(struct slice name); /* -1 if unknown */

/* Whether `value` may stand there; STATUS_CONFIG with the reason if not. */
MUST_USE enum status
topic_setting_check(const struct topic_setting *setting, struct slice value, struct error *error);

/* `value` NULL takes the default again. */
void topic_settings_set(struct topic_settings *settings, int index, const char *value);
void topic_settings_copy(struct topic_settings *target, const struct topic_settings *source);
void topic_settings_deinit(struct topic_settings *settings);

/* The value in force: the topic's, else the broker's (from `defaults`, by name), else the table's.
 * `room` holds the text of numbers. */
#define SETTING_TEXT_BYTES 32
const char *topic_setting_value(const struct topic_settings *settings,
                                const struct partition_log_config *defaults,
                                int index,
                                char room[SETTING_TEXT_BYTES]);

/* What the partition logs need to know. */
void topic_settings_apply(const struct topic_settings *settings,
                          const struct partition_log_config *defaults,
                          struct partition_log_config *ret_config);

/* Whether cleanup.policy has "compact". */
bool topic_settings_compact(const struct topic_settings *settings);

/* The codec that batches are to have, in the attributes' numbers; -1: the producer's. */
int topic_settings_codec(const struct topic_settings *settings);
