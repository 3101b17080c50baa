#pragma once

/* What the broker itself does with a batch before the partition log gets it. */

#include "broker/request.h"
#include "broker/topics.h"

/* What is wrong with a batch: a Kafka error, why, and which records (for record_errors). */
struct batch_fault {
    int16_t kafka_error;
    const char *message; /* static text or NULL */
    int32_t *records;
    int32_t record_count;
};

/* What the partition log does not look at: exactly one batch, of a kind this request may carry. */
void produce_batch_check(const struct request *request,
                         struct slice records,
                         struct batch_fault *ret_fault);

/* The topic may want another codec than the producer's (compression.type): then `*records` is
 * replaced by the same batch, compressed anew, in the request's arena. */
void produce_batch_recompress(struct request *request,
                              const struct topic *topic,
                              struct slice *records,
                              struct batch_fault *ret_fault);

/* The records without a key, after the log of a compacted topic has refused the batch. */
void produce_batch_find_keyless(struct request *request,
                                struct slice records,
                                struct batch_fault *fault);
