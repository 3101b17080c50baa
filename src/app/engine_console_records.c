/* Records of a topic as JSON, and pages of them. */

#include "app/engine_console_view.h"
#include "app/kafka_tools.h"
#include "base/utf8.h"
#include "codec/avro.h"
#include "io/clock.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define POLL_US        INT64_C(100000)
#define SILENCE_US     INT64_C(2000000) /* offsets may end in what no reader sees */
#define PAGE_BYTES_MAX ((size_t) 32 << 20)

/* ---- one record --------------------------------------------------------------------------------
 */

static void append_hex(struct slice bytes, struct buffer *target)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.size; i++) {
        buffer_append_byte(target, (uint8_t) digits[bytes.data[i] >> 4]);
        buffer_append_byte(target, (uint8_t) digits[bytes.data[i] & 15]);
    }
}

/* At most `max` bytes, and no character cut in two. */
static struct slice cut_text(struct slice text, size_t max)
{
    if (text.size > max) {
        text.size = max;
        while (text.size > 0 && !utf8_valid(text.data, text.size)) {
            text.size--;
        }
    }
    return text;
}

/* Form and text of a value as it is shown; what is JSON comes as its text, so that numbers keep
 * their digits. */
static const char *
show(const struct record_writer *writer, struct slice bytes, bool plain, struct buffer *shown)
{
    if (bytes.data == NULL) {
        return "null";
    }
    if (writer->form == CONSOLE_FORM_AUTO && bytes.size <= (size_t) 16 << 20) {
        enum view_form form = record_view_append(writer->view, bytes, plain, shown);
        if (form == VIEW_JSON) {
            int32_t id;
            struct slice datum;
            return wire_header_read(bytes, &id, &datum) ? "avro" : "json";
        }
        buffer_clear(shown);
    }
    if (writer->form != CONSOLE_FORM_HEX && utf8_valid(bytes.data, bytes.size)) {
        buffer_append_slice(shown, cut_text(bytes, writer->bytes_max));
        return "text";
    }
    append_hex(
        slice_of(bytes.data, bytes.size < writer->bytes_max ? bytes.size : writer->bytes_max),
        shown);
    return "hex";
}

static void write_value(const struct record_writer *writer,
                        const char *key,
                        struct slice bytes,
                        bool plain,
                        struct json_writer *json)
{
    CLEANUP(buffer_deinit) struct buffer shown = BUFFER_INIT;
    const char *form = show(writer, bytes, plain, &shown);
    size_t full = shown.size;
    struct slice text = cut_text(buffer_slice(&shown), writer->bytes_max * 2);
    bool whole = text.size == full && (strcmp(form, "text") != 0 || text.size == bytes.size) &&
                 (strcmp(form, "hex") != 0 || text.size == bytes.size * 2);
    int32_t id;
    struct slice datum;
    json_writer_open(json, key, '{');
    json_writer_text(json, "form", form);
    json_writer_int(json, "bytes", (int64_t) bytes.size);
    json_writer_bool(json, "cut", !whole);
    if (strcmp(form, "avro") == 0 && wire_header_read(bytes, &id, &datum)) {
        json_writer_int(json, "schema", id);
    }
    if (bytes.data != NULL) {
        json_writer_bytes(json, "text", text);
    }
    json_writer_close(json, '}');
}

void record_write(const struct record_writer *writer,
                  const struct log_in *record,
                  struct arena *arena,
                  struct json_writer *json)
{
    struct log_header *headers;
    size_t count;
    json_writer_open(json, NULL, '{');
    json_writer_int(json, "partition", record->partition);
    json_writer_int(json, "offset", record->offset);
    json_writer_int(json, "timestamp_ms", record->timestamp_ms);
    write_value(writer, "key", record->key, true, json);
    write_value(writer, "value", record->value, false, json);
    writer->log_ops->record_headers(record, arena, &headers, &count);
    json_writer_open(json, "headers", '[');
    for (size_t i = 0; i < count; i++) {
        json_writer_open(json, NULL, '{');
        json_writer_bytes(json, "name", headers[i].name);
        write_value(writer, "value", headers[i].value, true, json);
        json_writer_close(json, '}');
    }
    json_writer_close(json, ']');
    json_writer_close(json, '}');
}

/* ---- places ------------------------------------------------------------------------------------
 */

static enum status
check_partition(const char *topic, int64_t partition, int32_t count, struct error *error)
{
    if (partition >= count) {
        return error_set(error, STATUS_NOT_FOUND,
                         "topic \"%s\" has no partition %" PRId64 ", but %d", topic, partition,
                         (int) count);
    }
    return STATUS_OK;
}

enum status record_starts(struct workspace *workspace,
                          const char *topic,
                          const char *from,
                          int64_t partition,
                          const struct log_partition *partitions,
                          int32_t count,
                          int64_t *ret_offsets,
                          struct error *error)
{
    struct log_place place;
    TRY(check_partition(topic, partition, count, error));
    TRY(log_place_parse("from", from, clock_now_us(), &place, error));
    TRY(kafka_tools_offsets(workspace, topic, &place, partitions, count, ret_offsets, error));
    for (int32_t i = 0; i < count && partition >= 0; i++) {
        ret_offsets[i] = i == partition ? ret_offsets[i] : partitions[i].high;
    }
    return STATUS_OK;
}

/* ---- a page ------------------------------------------------------------------------------------
 */

struct found {
    int32_t partition;
    int64_t offset, timestamp_ms;
    struct slice json;
};

struct page {
    struct workspace *workspace;
    const char *topic;
    const struct console_seek *seek;
    struct log_partition *partitions;
    int32_t count;
    int64_t *next; /* offset to read next, a partition */
    int64_t *ends;
    struct found *found;
    size_t found_count, found_bytes;
    size_t found_max; /* stops there */
    bool newest_first;
};

/* "0:120,2:7" */
static enum status read_before(struct page *page, struct error *error)
{
    for (int32_t i = 0; i < page->count; i++) {
        page->ends[i] = page->partitions[i].low;
    }
    for (const char *at = page->seek->before; *at != '\0';) {
        char *end;
        long long partition = strtoll(at, &end, 10);
        long long offset = *end == ':' ? strtoll(end + 1, &end, 10) : -1;
        if (partition < 0 || partition >= page->count || offset < 0 ||
            (*end != ',' && *end != '\0')) {
            return error_set(error, STATUS_DATA,
                             "before is \"%s\", not offsets such as 0:120,2:7 of the %d partitions",
                             page->seek->before, (int) page->count);
        }
        page->ends[partition] =
            offset < page->partitions[partition].high ? offset : page->partitions[partition].high;
        at = *end == ',' ? end + 1 : end;
    }
    return STATUS_OK;
}

/* Which offsets the page may need, in each partition. */
static enum status plan_page(struct page *page, struct error *error)
{
    const struct console_seek *seek = page->seek;
    page->newest_first = seek->from == NULL;
    TRY(check_partition(page->topic, seek->partition, page->count, error));
    for (int32_t i = 0; i < page->count; i++) {
        page->ends[i] = page->partitions[i].high;
    }
    if (!page->newest_first) {
        page->found_max = (size_t) seek->limit;
        return record_starts(page->workspace, page->topic, seek->from, seek->partition,
                             page->partitions, page->count, page->next, error);
    }
    if (seek->before != NULL) {
        TRY(read_before(page, error));
    }
    for (int32_t i = 0; i < page->count; i++) {
        int64_t low = page->partitions[i].low;
        bool wanted = seek->partition < 0 || seek->partition == i;
        int64_t start = wanted ? page->ends[i] - seek->limit : page->ends[i];
        page->next[i] = start > low ? start : low < page->ends[i] ? low : page->ends[i];
        page->found_max += (size_t) (page->ends[i] - page->next[i]);
    }
    return STATUS_OK;
}

static bool page_is_read(const struct page *page)
{
    for (int32_t i = 0; i < page->count; i++) {
        if (page->next[i] < page->ends[i]) {
            return page->found_count >= page->found_max || page->found_bytes > PAGE_BYTES_MAX;
        }
    }
    return true;
}

static void take_records(struct page *page,
                         const struct record_writer *writer,
                         const struct log_in *records,
                         size_t count)
{
    struct arena *arena = &page->workspace->arena;
    for (size_t i = 0; i < count && !page_is_read(page); i++) {
        const struct log_in *record = &records[i];
        if (record->offset < page->next[record->partition] ||
            record->offset >= page->ends[record->partition]) {
            continue;
        }
        CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
        struct json_writer json = {.target = &text};
        record_write(writer, record, arena, &json);
        page->next[record->partition] = record->offset + 1;
        page->found_bytes += text.size;
        page->found[page->found_count++] =
            (struct found){record->partition, record->offset, record->timestamp_ms,
                           arena_copy(arena, buffer_slice(&text))};
    }
}

static enum status read_page(struct page *page, struct error *error)
{
    const struct log_ops *ops = page->workspace->log_ops;
    struct log_reader *reader;
    if (page_is_read(page)) {
        return STATUS_OK;
    }
    /* What is not wanted is read from its end, where nothing comes. */
    int64_t *starts = ARENA_ARRAY(&page->workspace->arena, int64_t, (size_t) page->count);
    for (int32_t i = 0; i < page->count; i++) {
        starts[i] = page->next[i] < page->ends[i] ? page->next[i] : page->partitions[i].high;
    }
    page->found = ARENA_ARRAY(&page->workspace->arena, struct found, page->found_max);
    TRY(ops->reader_open(page->workspace->log, page->topic, starts, page->count, &reader, error));
    const struct record_writer writer = {
        .view = record_view_new(page->workspace),
        .log_ops = ops,
        .form = (enum console_form) page->seek->form,
        .bytes_max = (size_t) page->seek->value_bytes,
    };
    enum status status = STATUS_OK;
    int64_t silent_us = 0;
    while (status == STATUS_OK && !page_is_read(page) && silent_us < SILENCE_US) {
        const struct log_in *records;
        size_t count;
        status = ops->reader_poll(reader, 1000, POLL_US, &records, &count, error);
        if (status == STATUS_OK) {
            silent_us = count > 0 ? 0 : silent_us + POLL_US;
            take_records(page, &writer, records, count);
        }
    }
    record_view_free(writer.view);
    ops->reader_close(reader);
    return status;
}

static int newest_first(const void *a, const void *b)
{
    const struct found *x = a;
    const struct found *y = b;
    if (x->timestamp_ms != y->timestamp_ms) {
        return x->timestamp_ms < y->timestamp_ms ? 1 : -1;
    }
    if (x->partition != y->partition) {
        return x->partition < y->partition ? -1 : 1;
    }
    return x->offset < y->offset ? 1 : -1;
}

/* The offsets before which older records stand, or null if there are none. */
static void write_older(struct page *page, struct json_writer *json)
{
    CLEANUP(buffer_deinit) struct buffer older = BUFFER_INIT;
    for (int32_t i = 0; i < page->count; i++) {
        bool wanted = page->seek->partition < 0 || page->seek->partition == i;
        int64_t first = page->ends[i];
        for (size_t f = 0; f < page->found_count; f++) {
            const struct found *found = &page->found[f];
            first = found->partition == i && found->offset < first ? found->offset : first;
        }
        if (wanted && first > page->partitions[i].low) {
            buffer_printf(&older, "%s%" PRId32 ":%" PRId64, older.size == 0 ? "" : ",", i, first);
        }
    }
    if (older.size == 0) {
        json_writer_null(json, "older");
    } else {
        json_writer_bytes(json, "older", buffer_slice(&older));
    }
}

static void write_page(struct page *page, struct buffer *target)
{
    struct json_writer json = {.target = target};
    size_t limit = (size_t) page->seek->limit;
    if (page->newest_first && page->found_count > 0) {
        qsort(page->found, page->found_count, sizeof(*page->found), newest_first);
    }
    page->found_count = page->found_count < limit ? page->found_count : limit;
    json_writer_open(&json, NULL, '{');
    json_writer_open(&json, "records", '[');
    for (size_t i = 0; i < page->found_count; i++) {
        json_writer_raw(&json, NULL, page->found[i].json);
    }
    json_writer_close(&json, ']');
    if (page->newest_first) {
        write_older(page, &json);
    }
    json_writer_close(&json, '}');
}

enum status engine_records(void *context,
                           const char *topic,
                           const struct console_seek *seek,
                           struct buffer *target,
                           struct error *error)
{
    struct workspace workspace;
    struct page page = {.workspace = &workspace, .topic = topic, .seek = seek};
    engine_borrow(context, &workspace);
    enum status status = kafka_tools_partitions(&workspace, topic, &workspace.arena,
                                                &page.partitions, &page.count, error);
    if (status == STATUS_OK) {
        page.next = ARENA_ARRAY(&workspace.arena, int64_t, (size_t) page.count);
        page.ends = ARENA_ARRAY(&workspace.arena, int64_t, (size_t) page.count);
        status = plan_page(&page, error);
    }
    if (status == STATUS_OK) {
        status = read_page(&page, error);
    }
    if (status == STATUS_OK) {
        write_page(&page, target);
    }
    engine_give_back(&workspace);
    return status;
}
