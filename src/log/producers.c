#include "log/producers.h"

#include "base/memory.h"
#include "log/bytes_internal.h"

#include <inttypes.h>

#define KAFKA_OUT_OF_ORDER_SEQUENCE  45
#define KAFKA_INVALID_PRODUCER_EPOCH 47
#define KAFKA_INVALID_TXN_STATE      48
#define KAFKA_INVALID_RECORD         87

#define SLOTS_MIN 8

/* ---- the table ---- */

static size_t slot_of(int64_t id, size_t slot_count)
{
    return (size_t) (((uint64_t) id * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (slot_count - 1);
}

static struct producer *find(const struct producers *producers, int64_t id)
{
    if (producers->slot_count == 0) {
        return NULL;
    }
    size_t at = slot_of(id, producers->slot_count);
    while (producers->slots[at].id != id) {
        if (producers->slots[at].id < 0) {
            return NULL;
        }
        at = (at + 1) & (producers->slot_count - 1);
    }
    return &producers->slots[at];
}

static struct producer *free_slot(struct producers *producers, int64_t id)
{
    size_t at = slot_of(id, producers->slot_count);
    while (producers->slots[at].id >= 0) {
        at = (at + 1) & (producers->slot_count - 1);
    }
    return &producers->slots[at];
}

/* A table of `slot_count` with the producers for which `keep` holds. */
static void rebuild(struct producers *producers, size_t slot_count, int64_t before_us)
{
    struct producers old = *producers;
    producers->slots = slot_count == 0 ? NULL : mem_calloc(slot_count, sizeof(struct producer));
    producers->slot_count = slot_count;
    producers->count = 0;
    for (size_t i = 0; i < slot_count; i++) {
        producers->slots[i].id = -1;
    }
    for (size_t i = 0; i < old.slot_count; i++) {
        if (old.slots[i].id >= 0 && old.slots[i].used_us >= before_us) {
            *free_slot(producers, old.slots[i].id) = old.slots[i];
            producers->count++;
        }
    }
    mem_free(old.slots);
}

static const struct producer_txn *open_txn(const struct producers *producers, int64_t id)
{
    for (size_t i = 0; i < producers->unstable.count; i++) {
        const struct producer_txn *txn = &producers->unstable.items[i];
        if (txn->producer_id == id && txn->last < 0) {
            return txn;
        }
    }
    return NULL;
}

/* When a peer has made more producers than is sane, the older half of those at rest goes. */
static void make_room(struct producers *producers)
{
    int64_t oldest = INT64_MAX;
    int64_t newest = INT64_MIN;
    for (size_t i = 0; i < producers->slot_count; i++) {
        if (producers->slots[i].id >= 0) {
            int64_t used = producers->slots[i].used_us;
            oldest = used < oldest ? used : oldest;
            newest = used > newest ? used : newest;
        }
    }
    producers_expire(producers, oldest + (newest - oldest) / 2 + 1, INT64_MIN);
}

static struct producer *find_or_add(struct producers *producers, int64_t id, int64_t now_us)
{
    struct producer *producer = find(producers, id);
    if (producer == NULL) {
        if (producers->count >= PRODUCERS_MAX) {
            make_room(producers);
        }
        if (2 * (producers->count + 1) > producers->slot_count) {
            rebuild(producers, producers->slot_count == 0 ? SLOTS_MIN : 2 * producers->slot_count,
                    INT64_MIN);
        }
        producer = free_slot(producers, id);
        *producer = (struct producer){.id = id, .epoch = -1, .coordinator_epoch = -1};
        producers->count++;
    }
    producer->used_us = now_us;
    return producer;
}

static void txns_add(struct producer_txns *txns, struct producer_txn txn)
{
    if (txns->count == txns->capacity) {
        txns->capacity = txns->capacity == 0 ? 4 : 2 * txns->capacity;
        txns->items = mem_realloc(txns->items, txns->capacity * sizeof(*txns->items));
    }
    txns->items[txns->count++] = txn;
}

void producers_deinit(struct producers *producers)
{
    mem_free(producers->slots);
    mem_free(producers->unstable.items);
    mem_free(producers->aborted.items);
    *producers = (struct producers){0};
}

void producers_expire(struct producers *producers, int64_t before_us, int64_t log_start)
{
    size_t kept = 0;
    size_t stay = 0;
    for (size_t i = 0; i < producers->slot_count; i++) {
        struct producer *producer = &producers->slots[i];
        if (producer->id >= 0 && producer->used_us < before_us &&
            open_txn(producers, producer->id) != NULL) {
            producer->used_us = before_us;
        }
        stay += producer->id >= 0 && producer->used_us >= before_us;
    }
    if (stay < producers->count) {
        size_t slot_count = SLOTS_MIN;
        while (slot_count < 2 * stay) {
            slot_count *= 2;
        }
        rebuild(producers, stay == 0 ? 0 : slot_count, before_us);
    }
    for (size_t i = 0; i < producers->aborted.count; i++) {
        if (producers->aborted.items[i].last >= log_start) {
            producers->aborted.items[kept++] = producers->aborted.items[i];
        }
    }
    producers->aborted.count = kept;
}

/* ---- checks and changes ---- */

/* Sequences wrap from 2^31-1 to 0. */
static int32_t sequence_add(int32_t sequence, int32_t more)
{
    return (int32_t) (((int64_t) sequence + more) & INT32_MAX);
}

static struct producer_answer refuse(int16_t kafka_error, const char *message)
{
    return (struct producer_answer){.kafka_error = kafka_error, .message = message};
}

struct producer_answer producers_check(const struct producers *producers,
                                       const struct record_batch_header *header,
                                       bool log_empty)
{
    int32_t first = header->base_sequence;
    if (first < 0 || header->producer_epoch < 0) {
        return refuse(KAFKA_INVALID_RECORD, "a producer id needs an epoch and a sequence");
    }
    const struct producer *producer = find(producers, header->producer_id);
    if (producer == NULL) {
        if (log_empty && first != 0) {
            return refuse(KAFKA_OUT_OF_ORDER_SEQUENCE,
                          "the first batch of a partition must have sequence 0");
        }
        return (struct producer_answer){0};
    }
    if (header->producer_epoch < producer->epoch) {
        return refuse(KAFKA_INVALID_PRODUCER_EPOCH, "a producer with a newer epoch has taken over");
    }
    bool new_epoch = header->producer_epoch > producer->epoch;
    int32_t last = sequence_add(first, header->last_offset_delta);
    for (unsigned i = 0; i < producer->batch_count && !new_epoch; i++) {
        const struct producer_batch *batch = &producer->batches[i];
        if (batch->first_sequence == first && batch->last_sequence == last) {
            return (struct producer_answer){.duplicate = true,
                                            .base_offset = batch->base_offset,
                                            .last_offset = batch->last_offset,
                                            .timestamp_ms = batch->timestamp_ms};
        }
    }
    bool begins = new_epoch || producer->batch_count == 0;
    int32_t expected =
        begins ? 0 : sequence_add(producer->batches[producer->batch_count - 1].last_sequence, 1);
    if (first != expected) {
        return refuse(KAFKA_OUT_OF_ORDER_SEQUENCE, "the sequence leaves a gap or is too old");
    }
    if ((header->attributes & RECORD_BATCH_TRANSACTIONAL) == 0 &&
        open_txn(producers, header->producer_id) != NULL) {
        return refuse(KAFKA_INVALID_TXN_STATE,
                      "the producer has an open transaction, this batch is not part of one");
    }
    return (struct producer_answer){0};
}

static void set_epoch(struct producer *producer, int16_t epoch)
{
    if (epoch != producer->epoch) {
        producer->epoch = epoch;
        producer->batch_count = 0;
    }
}

void producers_add(struct producers *producers,
                   const struct record_batch_header *header,
                   int64_t now_us)
{
    if (header->producer_id < 0) {
        return;
    }
    struct producer *producer = find_or_add(producers, header->producer_id, now_us);
    set_epoch(producer, header->producer_epoch);
    if (producer->batch_count == PRODUCER_BATCHES) {
        memmove(producer->batches, producer->batches + 1,
                (PRODUCER_BATCHES - 1) * sizeof(producer->batches[0]));
        producer->batch_count--;
    }
    producer->batches[producer->batch_count++] = (struct producer_batch){
        .first_sequence = header->base_sequence,
        .last_sequence = sequence_add(header->base_sequence, header->last_offset_delta),
        .base_offset = header->base_offset,
        .last_offset = header->base_offset + header->last_offset_delta,
        .timestamp_ms = header->max_timestamp_ms,
    };
    if ((header->attributes & RECORD_BATCH_TRANSACTIONAL) != 0 &&
        open_txn(producers, header->producer_id) == NULL) {
        txns_add(&producers->unstable,
                 (struct producer_txn){header->producer_id, header->base_offset, -1});
    }
}

void producers_end_txn(struct producers *producers,
                       const struct record_batch_header *header,
                       bool commit,
                       int32_t coordinator_epoch,
                       int64_t now_us)
{
    struct producer *producer = find_or_add(producers, header->producer_id, now_us);
    set_epoch(producer, header->producer_epoch);
    producer->coordinator_epoch = coordinator_epoch;
    for (size_t i = 0; i < producers->unstable.count; i++) {
        struct producer_txn *txn = &producers->unstable.items[i];
        if (txn->producer_id == header->producer_id && txn->last < 0) {
            txn->last = header->base_offset;
            if (!commit) {
                txns_add(&producers->aborted, *txn);
            }
        }
    }
}

enum status producers_read_marker(struct slice batch,
                                  bool *ret_commit,
                                  int32_t *ret_coordinator_epoch,
                                  struct error *error)
{
    struct arena arena;
    arena_init(&arena, 1024);
    struct record *records = NULL;
    int32_t count = 0;
    enum status status = record_batch_read(batch, batch.size, &arena, &records, &count, error);
    if (status == STATUS_OK &&
        (count != 1 || records[0].key.size < 4 || records[0].value.size < 6 ||
         records[0].key.data[2] != 0 || records[0].key.data[3] > 1)) {
        status = error_set(error, STATUS_DATA, "a control batch is not a transaction marker");
    }
    if (status == STATUS_OK) {
        *ret_commit = records[0].key.data[3] == 1;
        *ret_coordinator_epoch = (int32_t) bytes_be32(records[0].value.data + 2);
    }
    arena_deinit(&arena);
    return status;
}

int64_t producers_last_stable(struct producers *producers, int64_t high_watermark)
{
    struct producer_txns *txns = &producers->unstable;
    size_t kept = 0;
    for (size_t i = 0; i < txns->count; i++) {
        if (txns->items[i].last < 0 || txns->items[i].last >= high_watermark) {
            txns->items[kept++] = txns->items[i];
        }
    }
    txns->count = kept;
    bool limited = kept > 0 && txns->items[0].first < high_watermark;
    return limited ? txns->items[0].first : high_watermark;
}

/* ---- the file ---- */

#define FILE_MAGIC        0x4c545053u /* LTPS */
#define FILE_VERSION      1
#define FILE_HEADER_BYTES 32
#define PRODUCER_BYTES    24
#define BATCH_BYTES       32
#define TXN_BYTES         24
#define CRC_BYTES         4

static void encode_txns(const struct producer_txns *txns, struct buffer *target)
{
    for (size_t i = 0; i < txns->count; i++) {
        buffer_append_be64(target, (uint64_t) txns->items[i].producer_id);
        buffer_append_be64(target, (uint64_t) txns->items[i].first);
        buffer_append_be64(target, (uint64_t) txns->items[i].last);
    }
}

static void encode_producer(const struct producer *producer, struct buffer *target)
{
    buffer_append_be64(target, (uint64_t) producer->id);
    buffer_append_be64(target, (uint64_t) producer->used_us);
    buffer_append_be32(target, (uint32_t) producer->coordinator_epoch);
    buffer_append_be16(target, (uint16_t) producer->epoch);
    buffer_append_be16(target, producer->batch_count);
    for (unsigned i = 0; i < producer->batch_count; i++) {
        const struct producer_batch *batch = &producer->batches[i];
        buffer_append_be32(target, (uint32_t) batch->first_sequence);
        buffer_append_be32(target, (uint32_t) batch->last_sequence);
        buffer_append_be64(target, (uint64_t) batch->base_offset);
        buffer_append_be64(target, (uint64_t) batch->last_offset);
        buffer_append_be64(target, (uint64_t) batch->timestamp_ms);
    }
}

void producers_encode(const struct producers *producers, int64_t end, struct buffer *target)
{
    size_t start = target->size;
    buffer_append_be32(target, FILE_MAGIC);
    buffer_append_be16(target, FILE_VERSION);
    buffer_append_be16(target, 0);
    buffer_append_be64(target, (uint64_t) end);
    buffer_append_be32(target, (uint32_t) producers->count);
    buffer_append_be32(target, (uint32_t) producers->unstable.count);
    buffer_append_be64(target, producers->aborted.count);
    for (size_t i = 0; i < producers->slot_count; i++) {
        if (producers->slots[i].id >= 0) {
            encode_producer(&producers->slots[i], target);
        }
    }
    encode_txns(&producers->unstable, target);
    encode_txns(&producers->aborted, target);
    buffer_append_be32(target, crc32c(0, target->data + start, target->size - start));
}

static enum status decode_txns(struct producer_txns *txns, struct slice *rest, uint64_t count)
{
    if (count > rest->size / TXN_BYTES) {
        return STATUS_CORRUPT;
    }
    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *data = rest->data + i * TXN_BYTES;
        txns_add(txns,
                 (struct producer_txn){(int64_t) bytes_be64(data), (int64_t) bytes_be64(data + 8),
                                       (int64_t) bytes_be64(data + 16)});
    }
    *rest = slice_of(rest->data + count * TXN_BYTES, rest->size - count * TXN_BYTES);
    return STATUS_OK;
}

static enum status decode_producer(struct producers *producers, struct slice *rest)
{
    if (rest->size < PRODUCER_BYTES) {
        return STATUS_CORRUPT;
    }
    const uint8_t *data = rest->data;
    int64_t id = (int64_t) bytes_be64(data);
    unsigned batch_count = bytes_be16(data + 22);
    size_t size = PRODUCER_BYTES + batch_count * BATCH_BYTES;
    if (id < 0 || batch_count > PRODUCER_BATCHES || size > rest->size) {
        return STATUS_CORRUPT;
    }
    struct producer *producer = find_or_add(producers, id, (int64_t) bytes_be64(data + 8));
    producer->coordinator_epoch = (int32_t) bytes_be32(data + 16);
    producer->epoch = (int16_t) bytes_be16(data + 20);
    producer->batch_count = (uint16_t) batch_count;
    data += PRODUCER_BYTES;
    for (unsigned i = 0; i < batch_count; i++, data += BATCH_BYTES) {
        producer->batches[i] = (struct producer_batch){
            .first_sequence = (int32_t) bytes_be32(data),
            .last_sequence = (int32_t) bytes_be32(data + 4),
            .base_offset = (int64_t) bytes_be64(data + 8),
            .last_offset = (int64_t) bytes_be64(data + 16),
            .timestamp_ms = (int64_t) bytes_be64(data + 24),
        };
    }
    *rest = slice_of(rest->data + size, rest->size - size);
    return STATUS_OK;
}

static enum status decode_all(struct producers *producers, struct slice bytes)
{
    struct slice rest = slice_of(bytes.data + FILE_HEADER_BYTES, bytes.size - FILE_HEADER_BYTES);
    uint32_t count = bytes_be32(bytes.data + 16);
    for (uint32_t i = 0; i < count; i++) {
        TRY(decode_producer(producers, &rest));
    }
    TRY(decode_txns(&producers->unstable, &rest, bytes_be32(bytes.data + 20)));
    TRY(decode_txns(&producers->aborted, &rest, bytes_be64(bytes.data + 24)));
    return rest.size == CRC_BYTES ? STATUS_OK : STATUS_CORRUPT;
}

enum status producers_decode(struct producers *producers,
                             struct slice bytes,
                             int64_t *ret_end,
                             struct error *error)
{
    struct producers decoded = {0};
    enum status status = STATUS_CORRUPT;
    if (bytes.size >= FILE_HEADER_BYTES + CRC_BYTES && bytes_be32(bytes.data) == FILE_MAGIC &&
        bytes_be16(bytes.data + 4) == FILE_VERSION &&
        crc32c(0, bytes.data, bytes.size - CRC_BYTES) ==
            bytes_be32(bytes.data + bytes.size - CRC_BYTES)) {
        status = decode_all(&decoded, bytes);
    }
    if (status != STATUS_OK) {
        producers_deinit(&decoded);
        return error_set(error, STATUS_CORRUPT, "the producer states are damaged");
    }
    producers_deinit(producers);
    *producers = decoded;
    *ret_end = (int64_t) bytes_be64(bytes.data + 8);
    return STATUS_OK;
}
