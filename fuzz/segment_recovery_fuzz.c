/*
 * Any bytes as one of the files of a log. The first byte says which; checksums are put right where
 * that helps to get further in. Opening says yes or "corrupt", never crashes; an open log reads to
 * its end or says "corrupt"; opened again it ends at the same offset.
 */

#include "base/assert.h"
#include "base/logline.h"
#include "io/file.h"
#include "log/flusher.h"
#include "log/journal.h"
#include "log/partition_log.h"
#include "wire/record_batch.h"

#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum which {
    SEGMENT,
    SEGMENT_SUMMED,
    PRODUCERS,
    INDEX,
    CHECKPOINT,
    DURABLE,
    JOURNAL,
    WHICH_COUNT
};

static const char *const names[] = {
    [SEGMENT] = "00000000000000000000.log",
    [SEGMENT_SUMMED] = "00000000000000000000.log",
    [PRODUCERS] = "producers",
    [INDEX] = "00000000000000000000.index",
    [CHECKPOINT] = "checkpoint",
    [DURABLE] = "durable",
    [JOURNAL] = "journal",
};

static char directory[64];
static struct buffer sound[WHICH_COUNT]; /* the files of a good log */
static struct flusher *flusher;

static void store_be32(uint8_t *target, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        target[i] = (uint8_t) (value >> (24 - 8 * i));
    }
}

static char *path_of(enum which which)
{
    static char path[128];
    (void) snprintf(path, sizeof(path), "%s/%s", directory, names[which]);
    return path;
}

static void put_file(enum which which, struct slice bytes)
{
    int fd;
    enum status status = file_open(path_of(which), O_WRONLY | O_CREAT | O_TRUNC, 0644, &fd, NULL);
    ASSERT(status == STATUS_OK);
    status = file_write_at(fd, bytes, 0, NULL);
    ASSERT(status == STATUS_OK);
    file_close(fd);
}

static void ignore(void *context, const struct append_result *result, const struct error *error)
{
    (void) context;
    (void) result;
    (void) error;
}

/* A log of five idempotent batches, closed, is the base. */
static void make_sound_log(void)
{
    struct partition_log_config config;
    struct partition_log *log;
    partition_log_config_init(&config);
    config.index_interval_bytes = 100;
    enum status status = partition_log_open(directory, &config, flusher, &log, NULL);
    ASSERT(status == STATUS_OK);
    for (int32_t i = 0; i < 5; i++) {
        struct buffer buffer = BUFFER_INIT;
        struct record record = {.key = SLICE("key"), .value = SLICE("some value")};
        struct record_batch_header header = {.producer_id = 7, .base_sequence = i};
        struct append_result result;
        status = record_batch_write(&header, &record, 1, &buffer, NULL);
        ASSERT(status == STATUS_OK);
        partition_log_append(log, buffer.data, buffer.size, false, ignore, NULL, &result);
        ASSERT(result.kafka_error == 0);
        buffer_deinit(&buffer);
    }
    status = partition_log_close(log, NULL);
    ASSERT(status == STATUS_OK);
    for (int i = SEGMENT; i < JOURNAL; i++) {
        status = file_load(path_of((enum which) i), (size_t) 1 << 20, &sound[i], NULL);
        ASSERT(status == STATUS_OK);
    }
}

static void remove_all(void)
{
    (void) !directory_remove(directory, NULL);
}

static void start(void)
{
    logline_configure(LOG_OFF, LOG_TEXT);
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    (void) snprintf(directory, sizeof(directory), "%s/leat-fuzz-XXXXXX", base);
    char *made = mkdtemp(directory);
    ASSERT(made != NULL);
    (void) atexit(remove_all);
    enum status status = flusher_new(FLUSH_NEVER, 0, &flusher, NULL);
    ASSERT(status == STATUS_OK);
    make_sound_log();
}

/* Puts lengths and checksums of batches right, as far as they fit. */
static void sum_batches(uint8_t *data, size_t size)
{
    size_t at = 0;
    while (size - at >= RECORD_BATCH_HEADER_BYTES) {
        struct record_batch_header header;
        data[at + 16] = 2;
        if (record_batch_header_read(slice_of(data + at, size - at), &header, NULL) != STATUS_OK) {
            return;
        }
        size_t length = record_batch_size(&header);
        if (length < RECORD_BATCH_HEADER_BYTES || length > size - at) {
            length = size - at;
            store_be32(data + at + 8, (uint32_t) (length - RECORD_BATCH_LENGTH_AT));
        }
        store_be32(data + at + 17, crc32c(0, data + at + 21, length - 21));
        at += length;
    }
}

static void put_changed(enum which which, const uint8_t *data, size_t size)
{
    struct buffer copy = BUFFER_INIT;
    buffer_append(&copy, data, size);
    if (which == SEGMENT_SUMMED) {
        sum_batches(copy.data, copy.size);
    }
    if ((which == PRODUCERS || which == CHECKPOINT) && size >= 4) {
        store_be32(copy.data + size - 4, crc32c(0, copy.data, size - 4));
    }
    put_file(which, buffer_slice(&copy));
    buffer_deinit(&copy);
}

static void read_all(struct partition_log *log)
{
    struct log_offsets offsets;
    struct arena arena;
    arena_init(&arena, 0);
    partition_log_offsets(log, &offsets);
    int64_t offset = offsets.log_start;
    while (offset < offsets.high_watermark) {
        struct slice batches;
        struct record_batch_header header;
        enum status status = partition_log_read(log, offset, 200, true, &arena, &batches, NULL);
        ASSERT(status == STATUS_OK || status == STATUS_CORRUPT);
        if (status != STATUS_OK) {
            break;
        }
        status = record_batch_header_read(batches, &header, NULL);
        ASSERT(status == STATUS_OK);
        int64_t next = header.base_offset + header.last_offset_delta + 1;
        ASSERT(next > offset);
        offset = next;
    }
    int64_t found;
    int64_t found_ms;
    (void) !partition_log_find_time(log, 5, &found, &found_ms, NULL);
    arena_deinit(&arena);
}

static void open_twice(void)
{
    struct partition_log_config config;
    struct partition_log *log;
    struct log_offsets first;
    struct log_offsets second;
    partition_log_config_init(&config);
    enum status status = partition_log_open(directory, &config, flusher, &log, NULL);
    ASSERT(status == STATUS_OK || status == STATUS_CORRUPT);
    if (status != STATUS_OK) {
        return;
    }
    read_all(log);
    partition_log_offsets(log, &first);
    status = partition_log_close(log, NULL);
    ASSERT(status == STATUS_OK);
    status = partition_log_open(directory, &config, flusher, &log, NULL);
    ASSERT(status == STATUS_OK);
    partition_log_offsets(log, &second);
    ASSERT(first.log_end == second.log_end && first.log_start == second.log_start);
    status = partition_log_close(log, NULL);
    ASSERT(status == STATUS_OK);
}

static enum status replay(void *context, struct slice entry, struct error *error)
{
    (void) error;
    *(size_t *) context += entry.size + 1;
    return STATUS_OK;
}

static void open_journal(void)
{
    size_t first = 0;
    size_t second = 0;
    struct journal *journal;
    if (journal_open(path_of(JOURNAL), flusher, replay, &first, &journal, NULL) == STATUS_OK) {
        enum status status = journal_close(journal, NULL);
        ASSERT(status == STATUS_OK);
        status = journal_open(path_of(JOURNAL), flusher, replay, &second, &journal, NULL);
        ASSERT(status == STATUS_OK && first == second);
        status = journal_close(journal, NULL);
        ASSERT(status == STATUS_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (directory[0] == '\0') {
        start();
    }
    if (size == 0) {
        return 0;
    }
    enum which which = (enum which)(data[0] % WHICH_COUNT);
    enum status status = directory_remove(directory, NULL);
    ASSERT(status == STATUS_OK);
    status = directory_make(directory, NULL);
    ASSERT(status == STATUS_OK);
    if (which == JOURNAL) {
        put_changed(which, data + 1, size - 1);
        open_journal();
        return 0;
    }
    bool alone = which == SEGMENT || which == SEGMENT_SUMMED; /* with no other file vouching */
    for (int i = SEGMENT_SUMMED; i < JOURNAL && !alone; i++) {
        put_file((enum which) i, buffer_slice(&sound[i]));
    }
    put_changed(which, data + 1, size - 1);
    open_twice();
    return 0;
}
