#include "log/segment.h"

#include "base/assert.h"
#include "base/memory.h"
#include "io/file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

struct segment *segment_new(int64_t base_offset)
{
    struct segment *segment = mem_zalloc(sizeof(*segment));
    segment->base_offset = base_offset;
    segment->refs = 1;
    segment->fd = -1;
    segment->extent.next_offset = base_offset;
    segment->extent.timestamp_max = -1;
    segment->index_loaded = true;
    return segment;
}

void segment_ref(struct segment *segment)
{
    segment->refs++;
}

void segment_unref(struct segment *segment)
{
    ASSERT(segment->refs > 0);
    if (--segment->refs == 0) {
        file_close(segment->fd);
        mem_free(segment->index);
        mem_free(segment);
    }
}

void segment_path(const char *directory,
                  int64_t base_offset,
                  const char *extension,
                  char target[PATH_MAX])
{
    (void) snprintf(target, PATH_MAX, "%s/%020" PRId64 ".%s", directory, base_offset, extension);
}

enum status
segment_open(struct segment *segment, const char *directory, bool create, struct error *error)
{
    segment->used = true;
    if (segment->fd >= 0) {
        return STATUS_OK;
    }
    char path[PATH_MAX];
    segment_path(directory, segment->base_offset, "log", path);
    int flags = create ? O_RDWR | O_CREAT | O_TRUNC : O_RDWR;
    return file_open(path, flags, 0644, &segment->fd, error);
}

/* The log file goes last, so that no index stays without one. */
enum status segment_remove_files(const char *directory, int64_t base_offset, struct error *error)
{
    char path[PATH_MAX];
    segment_path(directory, base_offset, "index", path);
    TRY(file_remove(path, error));
    segment_path(directory, base_offset, "log", path);
    return file_remove(path, error);
}

void segment_add(struct segment *segment,
                 const struct record_batch_header *header,
                 int64_t index_interval_bytes)
{
    struct segment_extent *extent = &segment->extent;
    ASSERT(extent->size <= UINT32_MAX);
    if (header->max_timestamp_ms > extent->timestamp_max) {
        extent->timestamp_max = header->max_timestamp_ms;
        extent->timestamp_max_position = (uint32_t) extent->size;
    }
    size_t count = segment->index_count;
    if (count == 0 ||
        extent->size - segment->index[count - 1].position >= (uint64_t) index_interval_bytes) {
        if (count == segment->index_capacity) {
            segment->index_capacity = count == 0 ? 8 : 2 * count;
            segment->index =
                mem_realloc(segment->index, segment->index_capacity * sizeof(*segment->index));
        }
        segment->index[segment->index_count++] = (struct index_entry){
            .offset = (uint32_t) (header->base_offset - segment->base_offset),
            .position = (uint32_t) extent->size,
            .timestamp_max = extent->timestamp_max,
        };
    }
    extent->size += record_batch_size(header);
    extent->next_offset = header->base_offset + header->last_offset_delta + 1;
}

uint64_t segment_find_offset(const struct segment *segment, int64_t offset)
{
    size_t low = 0; /* entries before it are at or below the offset */
    size_t high = segment->index_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (segment->base_offset + segment->index[middle].offset <= offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 ? 0 : segment->index[low - 1].position;
}

uint64_t segment_find_time(const struct segment *segment, int64_t timestamp_ms)
{
    size_t low = 0; /* entries before it have seen only earlier timestamps */
    size_t high = segment->index_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (segment->index[middle].timestamp_max < timestamp_ms) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 ? 0 : segment->index[low - 1].position;
}

void segment_index_drop(struct segment *segment)
{
    mem_free(segment->index);
    segment->index = NULL;
    segment->index_count = 0;
    segment->index_capacity = 0;
    segment->index_loaded = false;
}

/* ---- scanning ---- */

#define SCAN_BYTES ((size_t) 1 << 20)

struct scanner {
    const struct segment_scan *scan;
    uint8_t *data; /* bytes of the file from `position` on */
    size_t capacity;
    size_t size;
    size_t at; /* in data: the next batch */
    uint64_t position;
    int64_t next_offset;
};

/* Makes `wanted` bytes from `at` on available if the file has them; returns how many there are. */
static enum status
fill(struct scanner *scanner, size_t wanted, size_t *ret_size, struct error *error)
{
    if (scanner->size - scanner->at < wanted) {
        memmove(scanner->data, scanner->data + scanner->at, scanner->size - scanner->at);
        scanner->position += scanner->at;
        scanner->size -= scanner->at;
        scanner->at = 0;
        if (wanted > scanner->capacity) {
            scanner->data = mem_realloc(scanner->data, wanted);
            scanner->capacity = wanted;
        }
        uint64_t from = scanner->position + scanner->size;
        uint64_t left = scanner->scan->until > from ? scanner->scan->until - from : 0;
        size_t room = scanner->capacity - scanner->size;
        size_t got = 0;
        TRY(file_read_at(scanner->scan->fd, scanner->data + scanner->size,
                         left < room ? (size_t) left : room, from, &got, error));
        scanner->size += got;
    }
    *ret_size = scanner->size - scanner->at;
    return STATUS_OK;
}

static enum status
check_order(struct scanner *scanner, const struct record_batch_header *header, struct error *error)
{
    int64_t wanted = scanner->next_offset;
    bool follows = wanted < 0 || header->base_offset == wanted ||
                   (scanner->scan->gaps && header->base_offset > wanted);
    if (!follows || header->base_offset < 0 ||
        header->base_offset > INT64_MAX - header->last_offset_delta - 1) {
        return error_set(error, STATUS_CORRUPT,
                         "a batch has offset %" PRId64 " where %" PRId64 " should follow",
                         header->base_offset, wanted);
    }
    scanner->next_offset = header->base_offset + header->last_offset_delta + 1;
    return STATUS_OK;
}

/* The next batch; an empty one at the end. */
static enum status scan_next(struct scanner *scanner,
                             struct record_batch_header *header,
                             struct slice *ret_batch,
                             struct error *error)
{
    size_t available;
    TRY(fill(scanner, RECORD_BATCH_HEADER_BYTES, &available, error));
    *ret_batch = SLICE_EMPTY;
    if (available == 0) {
        return STATUS_OK;
    }
    struct slice rest = slice_of(scanner->data + scanner->at, available);
    enum status status = record_batch_header_read(rest, header, NULL);
    size_t size = status == STATUS_OK ? record_batch_size(header) : 0;
    if (size < RECORD_BATCH_HEADER_BYTES) {
        return error_set(error, STATUS_CORRUPT, "here no record batch begins");
    }
    if (size > available) {
        /* A wild length must not take wild memory: believe it only if the file is that long. */
        uint64_t file_bytes;
        TRY(file_size(scanner->scan->fd, &file_bytes, error));
        if (size > file_bytes - scanner->position - scanner->at) {
            return error_set(error, STATUS_CORRUPT, "a record batch is cut short");
        }
        TRY(fill(scanner, size, &available, error));
        if (size > available) {
            return error_set(error, STATUS_CORRUPT, "a record batch is cut short");
        }
    }
    *ret_batch = slice_of(scanner->data + scanner->at, size);
    TRY(record_batch_check(*ret_batch, header, error));
    return check_order(scanner, header, error);
}

enum status
segment_scan(const struct segment_scan *scan, uint64_t *ret_position, struct error *error)
{
    struct scanner scanner = {
        .scan = scan,
        .data = mem_alloc(SCAN_BYTES),
        .capacity = SCAN_BYTES,
        .position = scan->from,
        .next_offset = scan->next_offset,
    };
    enum status status;
    for (;;) {
        struct record_batch_header header;
        struct slice batch;
        status = scan_next(&scanner, &header, &batch, error);
        if (status != STATUS_OK || batch.size == 0) {
            break;
        }
        status = scan->visit(scan->context, batch, &header, scanner.position + scanner.at, error);
        if (status != STATUS_OK) {
            break;
        }
        scanner.at += batch.size;
    }
    *ret_position = scanner.position + scanner.at;
    mem_free(scanner.data);
    return status;
}
