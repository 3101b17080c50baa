/* Reading: whole batches for a fetch, and offsets by time. */

#include "io/file.h"
#include "log/log_internal.h"

#include <inttypes.h>

#define PLAIN_BYTES_MAX ((size_t) 256 << 20) /* of one decompressed batch */

/* A place to read at: a segment with a reference, and its bounds. */
struct read_place {
    struct segment *segment;
    uint64_t position;
    uint64_t limit; /* readers see nothing at or behind it */
    uint64_t ahead; /* how much further on the wanted batch may begin */
};

/* Returns the offset after the segment. */
static int64_t give_back(struct partition_log *log, const struct read_place *place)
{
    log_lock(log);
    int64_t next_offset = place->segment->extent.next_offset;
    segment_unref(place->segment);
    log_unlock(log);
    return next_offset;
}

static enum status out_of_range(const struct partition_log *log,
                                int64_t offset,
                                int64_t high_watermark,
                                struct error *error)
{
    return error_set(error, STATUS_NOT_FOUND,
                     "offset %" PRId64 " is outside of the log, %" PRId64 " to %" PRId64, offset,
                     log->log_start, high_watermark);
}

/* With the mutex held: takes the segment, as far as readers may see it. */
static enum status take_segment(struct partition_log *log,
                                struct segment *segment,
                                struct read_place *ret_place,
                                struct error *error)
{
    struct log_point visible = log_visible(log);
    TRY(segment_open(segment, log->directory, false, error));
    segment_ref(segment);
    *ret_place = (struct read_place){
        .segment = segment,
        .ahead = (uint64_t) log->config.index_interval_bytes,
        .limit = segment->base_offset < visible.segment    ? segment->extent.size
                 : segment->base_offset == visible.segment ? visible.position
                                                           : 0,
    };
    return STATUS_OK;
}

static bool find_hint(const struct partition_log *log, int64_t offset, struct read_place *place)
{
    for (size_t i = 0; i < READ_HINTS; i++) {
        const struct read_hint *hint = &log->hints[i];
        if (hint->offset == offset && hint->segment == place->segment->base_offset) {
            place->position = hint->position;
            place->ahead = 0;
            return true;
        }
    }
    return false;
}

static void save_hint(struct partition_log *log,
                      const struct read_place *place,
                      int64_t next_offset,
                      uint64_t position)
{
    log_lock(log);
    log->hints[log->hint_next++ % READ_HINTS] =
        (struct read_hint){next_offset, place->segment->base_offset, position};
    log_unlock(log);
}

/* Where the batch with `offset` stands, or is a little further on. No segment: nothing to read. */
static enum status
find_place(struct partition_log *log, int64_t offset, struct read_place *place, struct error *error)
{
    *place = (struct read_place){0};
    log_lock(log);
    int64_t high_watermark = log_visible(log).offset;
    enum status status = STATUS_OK;
    bool hinted = false;
    if (offset < log->log_start || offset > high_watermark) {
        status = out_of_range(log, offset, high_watermark, error);
    } else if (offset < high_watermark) {
        status = take_segment(log, log_find_segment(log, offset), place, error);
        hinted = status == STATUS_OK && find_hint(log, offset, place);
    }
    log_unlock(log);
    if (status == STATUS_OK && place->segment != NULL && !hinted) {
        log_index_need(log, place->segment);
        log_lock(log);
        place->position = segment_find_offset(place->segment, offset);
        log_unlock(log);
    }
    return status;
}

static enum status corrupt_at(const struct partition_log *log,
                              const struct read_place *place,
                              uint64_t position,
                              struct error *error)
{
    char path[PATH_MAX];
    segment_path(log->directory, place->segment->base_offset, "log", path);
    error_context(error, "\"%s\" is damaged at byte %" PRIu64, path, position);
    return STATUS_CORRUPT;
}

/* A window onto the segment, in the arena. */
struct window {
    uint64_t position;
    struct slice bytes;
};

static enum status load_window(const struct read_place *place,
                               uint64_t position,
                               uint64_t wanted,
                               struct arena *arena,
                               struct window *ret_window,
                               struct error *error)
{
    uint64_t left = place->limit - position;
    size_t size = (size_t) (wanted < left ? wanted : left);
    uint8_t *data = arena_alloc(arena, size);
    size_t got;
    TRY(file_read_at(place->segment->fd, data, size, position, &got, error));
    if (got < size) {
        return error_set(error, STATUS_CORRUPT, "the file ends too early");
    }
    *ret_window = (struct window){position, slice_of(data, size)};
    return STATUS_OK;
}

static int64_t last_offset(const struct record_batch_header *header)
{
    return header->base_offset + header->last_offset_delta;
}

/* The header at `at` in the window; false if it is not whole in there. */
static enum status window_header(const struct window *window,
                                 size_t at,
                                 struct record_batch_header *ret_header,
                                 bool *ret_whole,
                                 struct error *error)
{
    struct slice rest = slice_of(window->bytes.data + at, window->bytes.size - at);
    *ret_whole = rest.size >= RECORD_BATCH_HEADER_BYTES;
    if (!*ret_whole) {
        return STATUS_OK;
    }
    enum status status = record_batch_header_read(rest, ret_header, error);
    if (status != STATUS_OK || record_batch_size(ret_header) < RECORD_BATCH_HEADER_BYTES) {
        return error_set(error, STATUS_CORRUPT, "here no record batch begins");
    }
    return STATUS_OK;
}

/*
 * Moves the window until the batch that holds `offset` begins it or stands whole in it, at
 * `ret_at`. `wanted` is how much is read at a time. At the end of the segment (compaction may have
 * taken the rest) the window is empty.
 */
static enum status find_batch(const struct read_place *place,
                              int64_t offset,
                              uint64_t wanted,
                              struct arena *arena,
                              struct window *window,
                              size_t *ret_at,
                              struct error *error)
{
    size_t at = 0;
    TRY(load_window(place, place->position, wanted, arena, window, error));
    for (;;) {
        struct record_batch_header header;
        bool whole;
        TRY(window_header(window, at, &header, &whole, error));
        if (whole && last_offset(&header) < offset &&
            record_batch_size(&header) <= place->limit - window->position - at) {
            at += record_batch_size(&header);
            if (at <= window->bytes.size) {
                continue;
            }
            whole = false;
        }
        bool complete = whole && record_batch_size(&header) <= window->bytes.size - at;
        if (complete || at == 0) {
            *ret_at = at;
            return STATUS_OK;
        }
        TRY(load_window(place, window->position + at, wanted, arena, window, error));
        at = 0;
    }
}

/* As many whole batches from `at` as fit, checked. */
static enum status collect(struct partition_log *log,
                           const struct read_place *place,
                           const struct window *window,
                           size_t at,
                           size_t bytes_max,
                           struct slice *ret_batches,
                           struct error *error)
{
    size_t start = at;
    struct record_batch_header header = {0};
    for (;;) {
        struct record_batch_header next;
        bool whole;
        TRY(window_header(window, at, &next, &whole, error));
        size_t size = whole ? record_batch_size(&next) : 0;
        if (!whole || size > window->bytes.size - at || at - start + size > bytes_max) {
            break;
        }
        enum status status =
            record_batch_check(slice_of(window->bytes.data + at, size), &header, error);
        if (status != STATUS_OK) {
            return corrupt_at(log, place, window->position + at, error);
        }
        at += size;
    }
    *ret_batches = slice_of(window->bytes.data + start, at - start);
    if (at > start) {
        save_hint(log, place, last_offset(&header) + 1, window->position + at);
    }
    return STATUS_OK;
}

static enum status read_at_place(struct partition_log *log,
                                 const struct read_place *place,
                                 int64_t offset,
                                 size_t bytes_max,
                                 bool at_least_one,
                                 struct arena *arena,
                                 struct slice *ret_batches,
                                 struct error *error)
{
    struct window window;
    size_t at;
    uint64_t wanted = (uint64_t) bytes_max + place->ahead;
    if (wanted < RECORD_BATCH_HEADER_BYTES) {
        wanted = RECORD_BATCH_HEADER_BYTES;
    }
    TRY(find_batch(place, offset, wanted, arena, &window, &at, error));
    struct record_batch_header header;
    bool whole;
    TRY(window_header(&window, at, &header, &whole, error));
    if (!whole) {
        if (at < window.bytes.size) {
            return error_set(error, STATUS_CORRUPT, "a batch is cut short");
        }
        return STATUS_OK; /* nothing of the segment is left */
    }
    size_t size = record_batch_size(&header);
    if (size > place->limit - window.position - at) {
        return error_set(error, STATUS_CORRUPT, "a batch is longer than its segment");
    }
    if (size > bytes_max) {
        if (!at_least_one) {
            return STATUS_OK;
        }
        bytes_max = size;
        if (size > window.bytes.size - at) {
            TRY(load_window(place, window.position + at, size, arena, &window, error));
            at = 0;
        }
    }
    return collect(log, place, &window, at, bytes_max, ret_batches, error);
}

enum status partition_log_read(struct partition_log *log,
                               int64_t offset,
                               size_t bytes_max,
                               bool at_least_one,
                               struct arena *arena,
                               struct slice *ret_batches,
                               struct error *error)
{
    *ret_batches = SLICE_EMPTY;
    for (;;) {
        struct read_place place;
        TRY(find_place(log, offset, &place, error));
        if (place.segment == NULL) {
            return STATUS_OK;
        }
        enum status status =
            read_at_place(log, &place, offset, bytes_max, at_least_one, arena, ret_batches, error);
        int64_t next = give_back(log, &place);
        bool ended = status == STATUS_OK && ret_batches->size == 0 && at_least_one;
        if (!ended || next <= offset) {
            return status;
        }
        offset = next; /* compaction took the rest of that segment */
    }
}

/* ---- by time ---- */

struct time_search {
    int64_t timestamp_ms;
    int64_t offset_min;
    int64_t offset; /* found, or -1 */
    int64_t found_ms;
};

static enum status visit_for_time(void *context,
                                  struct slice batch,
                                  const struct record_batch_header *header,
                                  uint64_t position,
                                  struct error *error)
{
    struct time_search *search = context;
    (void) position;
    if (header->max_timestamp_ms < search->timestamp_ms ||
        last_offset(header) < search->offset_min) {
        return STATUS_OK;
    }
    struct arena arena;
    struct record *records = NULL;
    int32_t count = 0;
    arena_init(&arena, 0);
    enum status status = record_batch_read(batch, PLAIN_BYTES_MAX, &arena, &records, &count, error);
    for (int32_t i = 0; status == STATUS_OK && i < count; i++) {
        if (records[i].timestamp_ms >= search->timestamp_ms &&
            records[i].offset >= search->offset_min) {
            search->offset = records[i].offset;
            search->found_ms = records[i].timestamp_ms;
            status = STATUS_CANCELLED; /* found: the scan may stop */
        }
    }
    arena_deinit(&arena);
    return status;
}

static enum status search_segment(struct partition_log *log,
                                  const struct read_place *place,
                                  struct time_search *search,
                                  struct error *error)
{
    log_index_need(log, place->segment);
    log_lock(log);
    struct segment_scan scan = {
        .fd = place->segment->fd,
        .from = segment_find_time(place->segment, search->timestamp_ms),
        .until = place->limit,
        .next_offset = -1,
        .gaps = true,
        .visit = visit_for_time,
        .context = search,
    };
    log_unlock(log);
    uint64_t position;
    enum status status = segment_scan(&scan, &position, error);
    if (status == STATUS_CORRUPT) {
        return corrupt_at(log, place, position, error);
    }
    return status == STATUS_CANCELLED ? STATUS_OK : status;
}

enum status partition_log_find_time(struct partition_log *log,
                                    int64_t timestamp_ms,
                                    int64_t *ret_offset,
                                    int64_t *ret_timestamp_ms,
                                    struct error *error)
{
    struct time_search search = {.timestamp_ms = timestamp_ms, .offset = -1, .found_ms = -1};
    enum status status = STATUS_OK;
    int64_t from = -1; /* base offset of the next segment to look at */
    while (status == STATUS_OK && search.offset < 0) {
        struct read_place place = {0};
        log_lock(log);
        search.offset_min = log->log_start;
        for (size_t i = 0; i < log->segment_count && place.segment == NULL; i++) {
            struct segment *segment = log->segments[i];
            if (segment->base_offset >= from && segment->extent.timestamp_max >= timestamp_ms &&
                segment->extent.size > 0) {
                from = segment->base_offset + 1;
                status = take_segment(log, segment, &place, error);
                break;
            }
        }
        log_unlock(log);
        if (status != STATUS_OK || place.segment == NULL) {
            break;
        }
        status = search_segment(log, &place, &search, error);
        (void) give_back(log, &place);
    }
    *ret_offset = search.offset;
    *ret_timestamp_ms = search.found_ms;
    return status;
}

enum status partition_log_find_max_time(struct partition_log *log,
                                        int64_t *ret_offset,
                                        int64_t *ret_timestamp_ms,
                                        struct error *error)
{
    struct log_offsets offsets;
    partition_log_offsets(log, &offsets);
    *ret_offset = -1;
    *ret_timestamp_ms = -1;
    int64_t timestamp_ms = offsets.timestamp_max_ms;
    if (timestamp_ms < 0) {
        return STATUS_OK;
    }
    return partition_log_find_time(log, timestamp_ms, ret_offset, ret_timestamp_ms, error);
}

size_t partition_log_aborted(struct partition_log *log,
                             int64_t from,
                             int64_t to,
                             struct arena *arena,
                             struct aborted_txn **ret_aborted)
{
    log_lock(log);
    const struct producer_txns *aborted = &log->producers.aborted;
    size_t count = 0;
    *ret_aborted = NULL;
    for (size_t i = 0; i < aborted->count; i++) {
        count += aborted->items[i].first < to && aborted->items[i].last >= from;
    }
    if (count > 0) {
        struct aborted_txn *target = ARENA_ARRAY(arena, struct aborted_txn, count);
        *ret_aborted = target;
        for (size_t i = 0; i < aborted->count; i++) {
            if (aborted->items[i].first < to && aborted->items[i].last >= from) {
                *target++ =
                    (struct aborted_txn){aborted->items[i].producer_id, aborted->items[i].first};
            }
        }
    }
    log_unlock(log);
    return count;
}
