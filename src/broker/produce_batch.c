#include "broker/produce_batch.h"

#include "wire/record_batch.h"

#define CODEC_ZSTD        4 /* in the attributes of a batch */
#define RECORDS_BYTES_MAX ((size_t) 256 << 20)

static void refuse(struct batch_fault *fault, int16_t kafka_error, const char *message)
{
    *fault = (struct batch_fault){.kafka_error = kafka_error, .message = message};
}

void produce_batch_check(const struct request *request,
                         struct slice records,
                         struct batch_fault *ret_fault)
{
    struct record_batch_header header = {0};
    refuse(ret_fault, KAFKA_NONE, NULL);
    if (record_batch_header_read(records, &header, NULL) != STATUS_OK) {
        bool old = records.size > RECORD_BATCH_HEADER_BYTES && header.magic != 2;
        refuse(ret_fault, KAFKA_INVALID_RECORD,
               old ? "only record batches of magic 2 are served"
                   : "the records are not one whole batch");
        return;
    }
    size_t size = record_batch_size(&header);
    int codec = header.attributes & RECORD_BATCH_CODEC_MASK;
    if (size > records.size) {
        refuse(ret_fault, KAFKA_CORRUPT_MESSAGE, "the record batch is cut short");
    } else if (size < records.size) {
        refuse(ret_fault, KAFKA_INVALID_RECORD,
               "a request carries exactly one batch for each partition");
    } else if (codec == CODEC_ZSTD && request->version < 7) {
        refuse(ret_fault, KAFKA_UNSUPPORTED_COMPRESSION_TYPE, "zstd needs version 7 of Produce");
    } else if ((header.attributes & RECORD_BATCH_TRANSACTIONAL) != 0) {
        refuse(ret_fault, KAFKA_INVALID_TXN_STATE, "transactions are not served by this broker");
    }
}

void produce_batch_recompress(struct request *request,
                              const struct topic *topic,
                              struct slice *records,
                              struct batch_fault *ret_fault)
{
    refuse(ret_fault, KAFKA_NONE, NULL);
    int codec = topic_settings_codec(&topic->settings);
    struct record_batch_header header;
    if (codec < 0 || record_batch_check(*records, &header, NULL) != STATUS_OK ||
        (header.attributes & RECORD_BATCH_CODEC_MASK) == codec) {
        return; /* as it is; what is wrong with it the log will say */
    }
    struct record *list;
    int32_t count;
    if (record_batch_read(*records, RECORDS_BYTES_MAX, request->arena, &list, &count, NULL) !=
        STATUS_OK) {
        refuse(ret_fault, KAFKA_CORRUPT_MESSAGE, "the records cannot be read");
        return;
    }
    header.attributes = (int16_t) ((header.attributes & ~RECORD_BATCH_CODEC_MASK) | codec);
    CLEANUP(buffer_deinit) struct buffer again = BUFFER_INIT;
    if (record_batch_write(&header, list, count, &again, NULL) != STATUS_OK) {
        refuse(ret_fault, KAFKA_UNKNOWN_SERVER_ERROR, "the records could not be compressed");
        return;
    }
    *records = arena_copy(request->arena, buffer_slice(&again));
}

void produce_batch_find_keyless(struct request *request,
                                struct slice records,
                                struct batch_fault *fault)
{
    struct record *list;
    int32_t count;
    if (record_batch_read(records, RECORDS_BYTES_MAX, request->arena, &list, &count, NULL) !=
        STATUS_OK) {
        return;
    }
    fault->records = REQUEST_ARRAY(request, int32_t, count);
    for (int32_t i = 0; i < count; i++) {
        if (list[i].key.data == NULL) {
            fault->records[fault->record_count++] = i;
        }
    }
}
