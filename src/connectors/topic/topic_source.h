#pragma once

/*
 * The records of a topic that exists already as a source: JSON, Avro, Debezium's change events, or
 * text. A null value is a delete. The cursor is the next offset of each partition; nothing is
 * committed to a consumer group. See connect/source.h for what the functions promise.
 */

#include "connect/source.h"

extern const struct settings_table topic_source_settings;
extern const struct source_ops topic_source_ops;
