#include "connectors/topic/topic_source.h"
#include "connectors/topic/topic_source_internal.h"

#include <stddef.h>

static const char *const format_names[] = {"json", "avro", "debezium", "string", NULL};

#define ROW(field, ...)                                                                            \
    {                                                                                              \
        .offset = offsetof(struct topic_source_config, field), __VA_ARGS__                         \
    }

/* clang-format off */
static const struct setting rows[] = {
    ROW(brokers, .name = "brokers", .type = SETTING_STRING, .flags = SETTING_REQUIRED,
        .help = "Some of the cluster's brokers: `HOST:PORT[,HOST:PORT]`."),
    ROW(settings, .name = "settings", .type = SETTING_PAIRS, .flags = SETTING_SECRET,
        .help = "Client properties of librdkafka, such as those of TLS and SASL."),
    ROW(topic, .name = "topic", .type = SETTING_STRING, .flags = SETTING_REQUIRED,
        .help = "The topic, which must exist."),
    ROW(format, .name = "format", .type = SETTING_CHOICE, .default_text = "json",
        .choices = format_names,
        .help = "`json`; `avro` with the registry's schemas; `debezium`: change events, in JSON or "
                "Avro, whose rows are upserted and deleted; `string`: text, as `key`, `value`, "
                "`partition`, `offset`, `timestamp_ms`."),
    ROW(registry, .name = "registry", .type = SETTING_STRING,
        .help = "URL of the schema registry, for Avro."),
    ROW(start, .name = "start", .type = SETTING_STRING, .default_text = "earliest",
        .help = "Where the first fetch ever begins: `earliest`, `latest`, a time, or offsets such "
                "as `0:17,1:4` (other partitions from their beginning)."),
    ROW(key_field, .name = "key_field", .type = SETTING_STRING,
        .help = "The field that a record's key holds, where that is plain text: a delete says no "
                "more than the key."),
    ROW(page_records, .name = "page_records", .type = SETTING_INT, .default_text = "2000",
        .min = 1, .max = 100000, .help = "At most so many records are one page, one transaction."),
};
/* clang-format on */

const struct settings_table topic_source_settings = {
    .name = "kafka",
    .help = "Records of a topic that exists already.",
    .rows = rows,
    .count = ARRAY_SIZE(rows),
    .struct_size = sizeof(struct topic_source_config),
};
