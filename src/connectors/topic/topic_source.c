#include "connectors/topic/topic_source.h"

#include "base/memory.h"
#include "connectors/kafka/kafka_log.h"
#include "connectors/registry/confluent_schemas.h"
#include "connectors/topic/topic_source_internal.h"
#include "io/clock.h"

#define PAGE_BYTES_MAX  ((size_t) 8 << 20) /* more is left for the next page */
#define ARRAY_DEPTH_MAX 129                /* records may have 128 */
#define POLL_US         (200 * INT64_C(1000))

struct source {
    const struct topic_source_config *config;
    char *description;
    struct log_client *log;
    struct topic_reader records;

    /* The reader stands where the last page ended: at `cursor`. */
    struct log_reader *reader; /* NULL: it is opened at the next fetch's cursor */
    struct arena arena;        /* of `offsets` */
    int64_t *offsets;
    int32_t partitions;
    char *cursor;

    /* What was read and not given out yet. */
    const struct log_in *pending;
    size_t pending_count;

    /* The last page. */
    struct buffer text; /* a JSON array of its records */
    struct json_document document;
};

/* ---- life --------------------------------------------------------------------------------------
 */

static void close_reader(struct source *source)
{
    if (source->reader != NULL) {
        kafka_log_ops.reader_close(source->reader);
    }
    source->reader = NULL;
    source->pending_count = 0;
    mem_free(source->cursor);
    source->cursor = NULL;
}

static void source_close(struct source *source)
{
    close_reader(source);
    if (source->log != NULL) {
        kafka_log_ops.close(source->log);
    }
    if (source->records.schemas != NULL) {
        confluent_schemas_ops.close(source->records.schemas);
    }
    for (size_t i = 0; i < source->records.known_count; i++) {
        avro_schema_release(source->records.known[i]);
    }
    mem_free(source->records.ids);
    mem_free(source->records.known);
    json_document_deinit(&source->records.document);
    arena_deinit(&source->records.arena);
    json_document_deinit(&source->document);
    buffer_deinit(&source->text);
    arena_deinit(&source->arena);
    mem_free(source->description);
    mem_free(source);
}

static enum status open_log(struct source *source, struct error *error)
{
    const struct setting_pairs *pairs = &source->config->settings;
    const char **settings = mem_calloc(2 * pairs->count + 1, sizeof(*settings));
    for (size_t i = 0; i < pairs->count; i++) {
        settings[2 * i] = pairs->items[i].name;
        settings[2 * i + 1] = pairs->items[i].value;
    }
    enum status status = kafka_log_ops.open(source->config->brokers, settings, &source->log, error);
    mem_free(settings);
    return status;
}

static enum status check(const struct topic_source_config *config, struct error *error)
{
    TRY(topic_place_check(config->start, error));
    if (config->format == TOPIC_AVRO && config->registry == NULL) {
        return error_set(error, STATUS_CONFIG, "`format: avro` needs a `registry`");
    }
    return STATUS_OK;
}

static enum status
source_open(const void *settings, const char *name, struct source **ret_source, struct error *error)
{
    (void) name;
    const struct topic_source_config *config = settings;
    TRY(check(config, error));
    struct source *source = mem_zalloc(sizeof(*source));
    source->config = config;
    source->records.config = config;
    source->description = mem_printf("kafka://%s/%s", config->brokers, config->topic);
    arena_init(&source->arena, 0);
    arena_init(&source->records.arena, 0);
    json_document_init(&source->document);
    json_document_init(&source->records.document);
    enum status status = open_log(source, error);
    if (status == STATUS_OK && config->registry != NULL) {
        status = confluent_schemas_ops.open(config->registry, &source->records.schemas, error);
    }
    if (status != STATUS_OK) {
        source_close(source);
        return status;
    }
    *ret_source = source;
    return STATUS_OK;
}

static const char *source_describe(const struct source *source)
{
    return source->description;
}

/* ---- reading -----------------------------------------------------------------------------------
 */

/* Opens the reader at the cursor, unless it stands there. Another one comes after a page that was
 * not stored, or only in part. */
static enum status stand_at(struct source *source, const char *cursor, struct error *error)
{
    if (source->reader != NULL && cursor != NULL && strcmp(cursor, source->cursor) == 0) {
        return STATUS_OK;
    }
    close_reader(source);
    arena_reset(&source->arena);
    if (cursor == NULL) {
        TRY(topic_place_start(source->config, source->log, &source->arena, &source->offsets,
                              &source->partitions, error));
    } else {
        TRY(topic_place_read(source->config, source->log, cursor, &source->arena, &source->offsets,
                             &source->partitions, error));
    }
    TRY(kafka_log_ops.reader_open(source->log, source->config->topic, source->offsets,
                                  source->partitions, &source->reader, error));
    source->cursor = mem_strdup(cursor == NULL ? "" : cursor);
    return STATUS_OK;
}

static enum status poll(struct source *source, int64_t timeout_us, struct error *error)
{
    if (source->pending_count > 0) {
        return STATUS_OK;
    }
    return kafka_log_ops.reader_poll(source->reader, (size_t) source->config->page_records,
                                     timeout_us, &source->pending, &source->pending_count, error);
}

/* True if there is nothing more now: the reader has come to all ends. */
static enum status
at_end(struct source *source, struct arena *arena, bool *ret_end, struct error *error)
{
    struct log_partition *ranges;
    int32_t count;
    TRY(kafka_log_ops.topic_offsets(source->log, source->config->topic, arena, &ranges, &count,
                                    error));
    *ret_end = true;
    for (int32_t i = 0; i < count; i++) {
        int64_t at = i < source->partitions ? source->offsets[i] : 0;
        int64_t position = kafka_log_ops.reader_position(source->reader, i);
        at = position > at ? position : at;
        *ret_end = *ret_end && at >= ranges[i].high;
    }
    return STATUS_OK;
}

/* Waits for records, or for the end. */
static enum status wait_for_some(struct source *source,
                                 const struct source_request *request,
                                 struct arena *arena,
                                 bool *ret_end,
                                 struct error *error)
{
    *ret_end = false;
    for (;;) {
        if (atomic_load(request->cancelled)) {
            return error_set(error, STATUS_CANCELLED, "stopped");
        }
        TRY(poll(source, POLL_US, error));
        if (source->pending_count > 0) {
            return STATUS_OK;
        }
        TRY(at_end(source, arena, ret_end, error));
        if (*ret_end) {
            return STATUS_OK;
        }
    }
}

/* ---- a page ------------------------------------------------------------------------------------
 */

static struct slice copy_of(struct arena *arena, struct slice bytes)
{
    return bytes.data == NULL ? SLICE_EMPTY : arena_copy(arena, bytes);
}

/* One record more on the page; `array` counts those that are in the document. */
static enum status add_record(struct source *source,
                              const struct log_in *in,
                              struct arena *arena,
                              struct source_record *records,
                              struct source_page *page,
                              uint32_t *array,
                              struct error *error)
{
    struct topic_record read;
    size_t before = source->text.size;
    buffer_append_string(&source->text, *array == 0 ? "[" : ",");
    size_t begin = source->text.size;
    TRY(topic_record_read(&source->records, in, arena, &source->text, &read, error));
    if (read.fault != NULL || read.skipped || source->text.size == begin) {
        source->text.size = before;
    }
    if (read.skipped) {
        return STATUS_OK;
    }
    struct source_record *record = &records[page->count++];
    *record = (struct source_record){
        .value = UINT32_MAX,
        .fault = read.fault,
        .place = (uint32_t) in->offset,
        .deleted = read.deleted,
    };
    if (source->text.size > before) {
        record->value = (*array)++; /* its number in the array; its place on the tape comes later */
    } else {
        record->raw = copy_of(arena, in->value);
    }
    return STATUS_OK;
}

/* Parses the array, and gives each record its place in it. */
static enum status
parse_page(struct source *source, struct source_record *records, size_t count, struct error *error)
{
    if (source->text.size == 0) {
        buffer_append_string(&source->text, "[");
    }
    buffer_append_string(&source->text, "]");
    TRY(json_parse(&source->document, buffer_slice(&source->text), ARRAY_DEPTH_MAX, error));
    uint32_t at = 1;
    for (size_t i = 0; i < count; i++) {
        if (records[i].value != UINT32_MAX) {
            records[i].value = at;
            records[i].raw = json_raw(&source->document, at);
            at = json_at(&source->document, at)->next;
        }
    }
    return STATUS_OK;
}

static void move_offsets(struct source *source, size_t taken)
{
    for (size_t i = 0; i < taken; i++) {
        source->offsets[source->pending[i].partition] = source->pending[i].offset + 1;
    }
    source->pending += taken;
    source->pending_count -= taken;
    for (int32_t i = 0; source->pending_count == 0 && i < source->partitions; i++) {
        int64_t position = kafka_log_ops.reader_position(source->reader, i);
        source->offsets[i] = position > source->offsets[i] ? position : source->offsets[i];
    }
}

static enum status
make_page(struct source *source, struct arena *arena, struct source_page *page, struct error *error)
{
    struct source_record *records = ARENA_ARRAY(arena, struct source_record, source->pending_count);
    uint32_t array = 0;
    size_t taken = 0;
    buffer_clear(&source->text);
    while (taken < source->pending_count && source->text.size < PAGE_BYTES_MAX) {
        TRY(add_record(source, &source->pending[taken], arena, records, page, &array, error));
        taken++;
    }
    TRY(parse_page(source, records, page->count, error));
    move_offsets(source, taken);
    page->document = &source->document;
    page->records = records;
    return STATUS_OK;
}

static enum status source_fetch(struct source *source,
                                const struct source_request *request,
                                struct arena *arena,
                                struct source_page *ret_page,
                                int64_t *ret_retry_after_us,
                                struct error *error)
{
    bool end = false;
    struct source_page page = {.place = source->config->topic, .requests = 1};
    *ret_retry_after_us = -1;
    enum status status = stand_at(source, request->cursor, error);
    if (status == STATUS_OK) {
        status = wait_for_some(source, request, arena, &end, error);
    }
    if (status == STATUS_OK) {
        status = make_page(source, arena, &page, error);
    }
    if (status != STATUS_OK) {
        close_reader(source);
        return status;
    }
    page.end = end;
    page.cursor = topic_place_write(source->offsets, source->partitions, arena);
    if (page.count == 0 && strcmp(page.cursor, source->cursor) == 0) {
        page.cursor = NULL; /* nothing to store */
        page.requests = 0;
    } else {
        mem_free(source->cursor);
        source->cursor = mem_strdup(page.cursor);
    }
    *ret_page = page;
    return STATUS_OK;
}

/* A failure shows at the fetch that follows. */
static bool source_wait(struct source *source, int64_t timeout_us)
{
    struct error error;
    if (source->reader == NULL) {
        return true;
    }
    return poll(source, timeout_us, &error) != STATUS_OK || source->pending_count > 0;
}

const struct source_ops topic_source_ops = {
    .name = "kafka",
    .settings = &topic_source_settings,
    .open = source_open,
    .fetch = source_fetch,
    .wait = source_wait,
    .close = source_close,
    .describe = source_describe,
};
