#pragma once

/* What the files of the source share: its settings, places in the topic, and records as JSON. */

#include "base/buffer.h"
#include "base/settings.h"
#include "codec/avro_schema.h"
#include "connect/log_client.h"
#include "connect/schemas.h"
#include "connect/source.h"

enum topic_format {
    TOPIC_JSON,
    TOPIC_AVRO,
    TOPIC_DEBEZIUM,
    TOPIC_STRING,
};

struct topic_source_config {
    const char *brokers;
    struct setting_pairs settings;
    const char *topic;
    int format; /* enum topic_format */
    const char *registry;
    const char *start;
    const char *key_field;
    int64_t page_records;
};

/* ---- places: the next offset of each partition, as a cursor "17,4,0" ---------------------------
 */

/* Where `start` is, for a source that was never read. */
MUST_USE enum status topic_place_start(const struct topic_source_config *config,
                                       struct log_client *log,
                                       struct arena *arena,
                                       int64_t **ret_offsets,
                                       int32_t *ret_count,
                                       struct error *error);

/* A stored cursor; partitions that the topic has got since begin at their beginning. */
MUST_USE enum status topic_place_read(const struct topic_source_config *config,
                                      struct log_client *log,
                                      const char *cursor,
                                      struct arena *arena,
                                      int64_t **ret_offsets,
                                      int32_t *ret_count,
                                      struct error *error);

const char *topic_place_write(const int64_t *offsets, int32_t count, struct arena *arena);

/* Finds mistakes of `start` before anything is asked. */
MUST_USE enum status topic_place_check(const char *start, struct error *error);

/* ---- records -----------------------------------------------------------------------------------
 */

struct topic_reader {
    const struct topic_source_config *config;
    struct schemas *schemas; /* NULL: no registry */
    struct arena arena;      /* of the schemas */
    int32_t *ids;            /* of those that were read */
    const struct avro_schema **known;
    size_t known_count;
    struct json_document document; /* of one record, while it is looked at */
};

struct topic_record {
    bool deleted;
    bool skipped;      /* nothing to do: a heartbeat, the tombstone behind a delete */
    const char *fault; /* why it is no record; text in the arena */
};

/* Appends the record as a JSON object. STATUS_OK with a fault for a bad record; other failures are
 * of the registry. */
MUST_USE enum status topic_record_read(struct topic_reader *reader,
                                       const struct log_in *in,
                                       struct arena *arena,
                                       struct buffer *target,
                                       struct topic_record *ret_record,
                                       struct error *error);
