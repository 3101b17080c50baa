#pragma once

/* Reading and changing settings: DescribeConfigs, AlterConfigs, IncrementalAlterConfigs. */

#include "broker/request.h"
#include "broker/topic_settings.h"

/* Where a value comes from, in Kafka's numbers. */
enum {
    CONFIG_SOURCE_TOPIC = 1,
    CONFIG_SOURCE_STATIC_BROKER = 4,
    CONFIG_SOURCE_DEFAULT = 5,
};

/* Puts one setting of a request into `settings`, if it may stand there; a null value takes the
 * default. Returns 0 or a Kafka error, with its reason. */
int16_t config_read(struct topic_settings *settings,
                    struct slice name,
                    struct slice value,
                    struct error *error);

void describe_configs_handle(struct request *request);
void alter_configs_handle(struct request *request);
void incremental_alter_configs_handle(struct request *request);
