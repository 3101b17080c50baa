#include "stream/progress.h"

#include "base/memory.h"
#include "stream/bytes.h"

#include <stdlib.h>

#define FORMAT         2
#define FORMAT_WAITING 3 /* with records that wait for delivery: of tasks beside Spark only */

void progress_init(struct progress *progress)
{
    *progress = (struct progress){0};
}

void progress_deinit(struct progress *progress)
{
    for (size_t i = 0; i < progress->seen_count; i++) {
        mem_free(progress->seen[i].source);
    }
    for (size_t i = 0; i < progress->stream_count; i++) {
        mem_free(progress->streams[i].name);
    }
    mem_free(progress->seen);
    mem_free(progress->streams);
    mem_free(progress->offsets);
    mem_free(progress->counted);
    mem_free(progress->waiting);
    progress_init(progress);
}

void progress_grow(struct progress *progress, int32_t partitions)
{
    if (partitions <= progress->partitions) {
        return;
    }
    progress->offsets =
        mem_realloc(progress->offsets, (size_t) partitions * sizeof(*progress->offsets));
    progress->counted =
        mem_realloc(progress->counted, (size_t) partitions * sizeof(*progress->counted));
    for (int32_t i = progress->partitions; i < partitions; i++) {
        progress->offsets[i] = PROGRESS_START;
        progress->counted[i] = 0;
    }
    progress->partitions = partitions;
}

void progress_rewind(struct progress *progress)
{
    for (int32_t i = 0; i < progress->partitions; i++) {
        progress->offsets[i] = PROGRESS_START;
    }
    for (size_t i = 0; i < progress->seen_count; i++) {
        mem_free(progress->seen[i].source);
    }
    progress->seen_count = 0;
    for (size_t i = 0; i < progress->stream_count; i++) {
        progress->streams[i].watermark_us = INT64_MIN;
        progress->streams[i].event_time_max_us = INT64_MIN;
    }
}

static struct progress_seen *
seen_add(struct progress *progress, int32_t partition, struct slice source)
{
    progress->seen =
        mem_realloc(progress->seen, (progress->seen_count + 1) * sizeof(*progress->seen));
    struct progress_seen *seen = &progress->seen[progress->seen_count++];
    *seen = (struct progress_seen){.partition = partition};
    seen->source = mem_string(source);
    return seen;
}

bool progress_observe(struct progress *progress, int32_t partition, const struct identity *identity)
{
    if (identity->source.size == 0) {
        return true;
    }
    struct progress_seen *seen = NULL;
    for (size_t i = 0; i < progress->seen_count; i++) {
        struct progress_seen *entry = &progress->seen[i];
        if (entry->partition == partition && slice_equal_string(identity->source, entry->source)) {
            seen = entry;
            break;
        }
    }
    if (seen == NULL) {
        seen = seen_add(progress, partition, identity->source);
    } else if (identity_compare(identity, &seen->identity) <= 0) {
        return false;
    }
    seen->identity = *identity;
    seen->identity.source = slice_of_string(seen->source);
    return true;
}

struct progress_stream *progress_stream_of(struct progress *progress, const char *name)
{
    for (size_t i = 0; i < progress->stream_count; i++) {
        if (strcmp(progress->streams[i].name, name) == 0) {
            return &progress->streams[i];
        }
    }
    progress->streams =
        mem_realloc(progress->streams, (progress->stream_count + 1) * sizeof(*progress->streams));
    struct progress_stream *stream = &progress->streams[progress->stream_count++];
    *stream = (struct progress_stream){
        .name = mem_strdup(name),
        .watermark_us = INT64_MIN,
        .event_time_max_us = INT64_MIN,
    };
    return stream;
}

struct progress_waiting *progress_add_waiting(struct progress *progress)
{
    progress->waiting =
        mem_realloc(progress->waiting, (progress->waiting_count + 1) * sizeof(*progress->waiting));
    struct progress_waiting *waiting = &progress->waiting[progress->waiting_count++];
    *waiting = (struct progress_waiting){0};
    return waiting;
}

static void write_waiting(const struct progress *progress, struct buffer *target)
{
    buffer_append_varint(target, progress->waiting_count);
    for (size_t i = 0; i < progress->waiting_count; i++) {
        const struct progress_waiting *waiting = &progress->waiting[i];
        buffer_append_varint(target, (uint64_t) waiting->partition);
        buffer_append_zigzag(target, waiting->end);
        buffer_append_zigzag(target, waiting->stored);
        buffer_append_zigzag(target, waiting->foreign);
    }
}

void progress_write(const struct progress *progress, struct buffer *target)
{
    buffer_append_byte(target, progress->waiting_count > 0 ? FORMAT_WAITING : FORMAT);
    buffer_append_zigzag(target, progress->number);
    buffer_append_zigzag(target, progress->version_last);
    buffer_append_zigzag(target, progress->counts.stored);
    buffer_append_zigzag(target, progress->counts.filtered);
    buffer_append_zigzag(target, progress->counts.late);
    buffer_append_zigzag(target, progress->counts.dead);
    buffer_append_zigzag(target, progress->counts.foreign);
    buffer_append_varint(target, (uint64_t) progress->partitions);
    for (int32_t i = 0; i < progress->partitions; i++) {
        buffer_append_zigzag(target, progress->offsets[i]);
        buffer_append_zigzag(target, progress->counted[i]);
    }
    buffer_append_varint(target, progress->seen_count);
    for (size_t i = 0; i < progress->seen_count; i++) {
        const struct progress_seen *seen = &progress->seen[i];
        buffer_append_varint(target, (uint64_t) seen->partition);
        bytes_put_slice(target, slice_of_string(seen->source));
        buffer_append_zigzag(target, seen->identity.epoch);
        buffer_append_zigzag(target, seen->identity.position);
        buffer_append_zigzag(target, seen->identity.seq);
    }
    buffer_append_varint(target, progress->stream_count);
    for (size_t i = 0; i < progress->stream_count; i++) {
        const struct progress_stream *stream = &progress->streams[i];
        bytes_put_slice(target, slice_of_string(stream->name));
        buffer_append_be64(target, stream->plan_hash);
        buffer_append_zigzag(target, stream->watermark_us);
        buffer_append_zigzag(target, stream->event_time_max_us);
    }
    if (progress->waiting_count > 0) {
        write_waiting(progress, target);
    }
}

static void read_seen(struct bytes_reader *reader, struct progress *progress)
{
    uint64_t count = bytes_varint(reader);
    for (uint64_t i = 0; i < count && !reader->failed; i++) {
        int32_t partition = (int32_t) bytes_varint(reader);
        struct progress_seen *seen = seen_add(progress, partition, bytes_slice(reader));
        seen->identity.source = slice_of_string(seen->source);
        seen->identity.epoch = bytes_zigzag(reader);
        seen->identity.position = bytes_zigzag(reader);
        seen->identity.seq = (int32_t) bytes_zigzag(reader);
    }
}

static void read_streams(struct bytes_reader *reader, struct progress *progress)
{
    uint64_t count = bytes_varint(reader);
    for (uint64_t i = 0; i < count && !reader->failed; i++) {
        struct slice name = bytes_slice(reader);
        CLEANUP(mem_free_pointer) char *text = mem_string(name);
        struct progress_stream *stream = progress_stream_of(progress, text);
        stream->plan_hash = bytes_be64(reader);
        stream->watermark_us = bytes_zigzag(reader);
        stream->event_time_max_us = bytes_zigzag(reader);
    }
}

static void read_waiting(struct bytes_reader *reader, struct progress *progress)
{
    uint64_t count = bytes_varint(reader);
    for (uint64_t i = 0; i < count && !reader->failed; i++) {
        struct progress_waiting *waiting = progress_add_waiting(progress);
        waiting->partition = (int32_t) bytes_varint(reader);
        waiting->end = bytes_zigzag(reader);
        waiting->stored = bytes_zigzag(reader);
        waiting->foreign = bytes_zigzag(reader);
    }
}

enum status progress_read(struct slice bytes, struct progress *ret_progress, struct error *error)
{
    struct bytes_reader reader = bytes_reader_of(bytes);
    struct progress progress;
    progress_init(&progress);
    uint8_t format = bytes_byte(&reader);
    progress.number = bytes_zigzag(&reader);
    progress.version_last = bytes_zigzag(&reader);
    progress.counts.stored = bytes_zigzag(&reader);
    progress.counts.filtered = bytes_zigzag(&reader);
    progress.counts.late = bytes_zigzag(&reader);
    progress.counts.dead = bytes_zigzag(&reader);
    progress.counts.foreign = bytes_zigzag(&reader);
    uint64_t partitions = bytes_varint(&reader);
    bool known = format == FORMAT || format == FORMAT_WAITING;
    if (known && !reader.failed && partitions <= bytes.size) {
        progress_grow(&progress, (int32_t) partitions);
        for (uint64_t i = 0; i < partitions; i++) {
            progress.offsets[i] = bytes_zigzag(&reader);
            progress.counted[i] = bytes_zigzag(&reader);
        }
        read_seen(&reader, &progress);
        read_streams(&reader, &progress);
        if (format == FORMAT_WAITING) {
            read_waiting(&reader, &progress);
        }
    }
    if (!known || reader.failed || reader.rest.size != 0) {
        progress_deinit(&progress);
        return error_set(error, STATUS_CORRUPT, "the stored progress cannot be read");
    }
    *ret_progress = progress;
    return STATUS_OK;
}
