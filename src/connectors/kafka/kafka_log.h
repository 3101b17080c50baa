#pragma once

/*
 * The log over the Kafka protocol with librdkafka: leat's embedded broker, Apache Kafka, or
 * anything compatible. See connect/log_client.h for what each function promises.
 */

#include "connect/log_client.h"

extern const struct log_ops kafka_log_ops;
