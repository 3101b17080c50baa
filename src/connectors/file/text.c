#include "base/memory.h"
#include "compress/compress.h"
#include "connectors/file/file_internal.h"
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define HEADER_BYTES_MAX (1024 * 1024)

void file_text_deinit(struct file_text *text)
{
    mem_free(text->path);
    buffer_deinit(&text->whole);
    buffer_deinit(&text->chunk);
    buffer_deinit(&text->header);
}

static bool is_gzip(const char *path)
{
    size_t size = strlen(path);
    return size > 3 && strcmp(path + size - 3, ".gz") == 0;
}

static bool is_unchanged(const struct file_text *text, const char *path, const struct stat *now)
{
    return text->path != NULL && strcmp(text->path, path) == 0 &&
           text->stat.st_ino == now->st_ino && text->stat.st_size == now->st_size &&
           text->stat.st_mtim.tv_sec == now->st_mtim.tv_sec &&
           text->stat.st_mtim.tv_nsec == now->st_mtim.tv_nsec;
}

static enum status
load_whole(struct file_text *text, const struct file_settings *settings, struct error *error)
{
    size_t bytes_max = (size_t) settings->file_bytes_max;
    buffer_clear(&text->whole);
    if (!is_gzip(text->path)) {
        return file_load(text->path, bytes_max, &text->whole, error);
    }
    struct buffer packed CLEANUP(buffer_deinit) = BUFFER_INIT;
    TRY(file_load(text->path, bytes_max, &packed, error));
    enum status status =
        decompress_append(COMPRESSION_GZIP, buffer_slice(&packed), bytes_max, &text->whole, error);
    if (status != STATUS_OK) {
        error_context(error, "\"%s\"", text->path);
    }
    return status;
}

/* The end of the last complete line of `lines`, as an offset; 0 if none is. With CSV, a line feed
 * inside quotes ends no line. */
static size_t last_line_end(struct slice lines, bool quotes)
{
    if (!quotes) {
        const uint8_t *end = lines.size == 0 ? NULL : memrchr(lines.data, '\n', lines.size);
        return end == NULL ? 0 : (size_t) (end - lines.data) + 1;
    }
    size_t end = 0;
    bool quoted = false;
    for (size_t i = 0; i < lines.size; i++) {
        if (lines.data[i] == '"') {
            quoted = !quoted;
        } else if (lines.data[i] == '\n' && !quoted) {
            end = i + 1;
        }
    }
    return end;
}

/* Bytes of the plain text from `offset` on, at most `size` of them. */
static enum status read_some(struct file_text *text,
                             int64_t offset,
                             size_t size,
                             struct slice *ret_bytes,
                             bool *ret_at_end,
                             struct error *error)
{
    if (text->is_whole) {
        size_t start = (size_t) offset < text->whole.size ? (size_t) offset : text->whole.size;
        size_t left = text->whole.size - start;
        *ret_bytes = slice_of(text->whole.data + start, left < size ? left : size);
        *ret_at_end = left <= size;
        return STATUS_OK;
    }
    int fd;
    TRY(file_open(text->path, O_RDONLY, 0, &fd, error));
    buffer_clear(&text->chunk);
    size_t got;
    enum status status =
        file_read_at(fd, buffer_reserve(&text->chunk, size), size, (uint64_t) offset, &got, error);
    file_close(fd);
    TRY(status);
    text->chunk.size = got;
    *ret_bytes = buffer_slice(&text->chunk);
    *ret_at_end = got < size;
    return STATUS_OK;
}

/* The header line of a CSV file; empty as long as it is not complete. */
static enum status
load_header(struct file_text *text, const struct file_settings *settings, struct error *error)
{
    buffer_clear(&text->header);
    struct slice begin = SLICE_EMPTY;
    bool at_end = true;
    TRY(read_some(text, 0, HEADER_BYTES_MAX, &begin, &at_end, error));
    bool quoted = false;
    size_t size = 0;
    while (size < begin.size && (begin.data[size] != '\n' || quoted)) {
        quoted ^= begin.data[size] == '"';
        size++;
    }
    if (size == begin.size && !at_end) {
        return error_set(error, STATUS_CONFIG, "\"%s\": the CSV header is longer than %d bytes",
                         text->path, HEADER_BYTES_MAX);
    }
    if (size < begin.size || !settings->follow) {
        size_t bom = size >= 3 && memcmp(begin.data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
        buffer_append(&text->header, begin.data + bom, size - bom);
    }
    return STATUS_OK;
}

enum status file_text_open(struct file_text *text,
                           const struct file_settings *settings,
                           const char *path,
                           struct error *error)
{
    struct stat now;
    if (stat(path, &now) != 0) {
        return error_set_errno(error, errno, "could not look at \"%s\"", path);
    }
    if (is_unchanged(text, path, &now)) {
        return STATUS_OK;
    }
    bool same = text->path != NULL && strcmp(text->path, path) == 0 &&
                text->stat.st_ino == now.st_ino && text->header.size > 0;
    mem_free(text->path);
    text->path = NULL; /* until all is loaded */
    char *copy = mem_strdup(path);
    text->path = copy;
    text->stat = now;
    text->is_whole = is_gzip(path) || settings->format == RECORDS_JSON;
    enum status status = text->is_whole ? load_whole(text, settings, error) : STATUS_OK;
    if (status == STATUS_OK && settings->format == RECORDS_CSV && !same) {
        status = load_header(text, settings, error);
    }
    if (status != STATUS_OK) {
        mem_free(text->path);
        text->path = NULL;
    }
    return status;
}

enum status file_text_lines(struct file_text *text,
                            const struct file_settings *settings,
                            int64_t offset,
                            struct slice *ret_lines,
                            struct error *error)
{
    bool csv = settings->format == RECORDS_CSV;
    size_t size = (size_t) settings->page_bytes;
    for (;;) {
        struct slice lines;
        bool at_end;
        TRY(read_some(text, offset, size, &lines, &at_end, error));
        size_t end = last_line_end(lines, csv);
        if (at_end && !settings->follow) {
            end = lines.size; /* a last line needs no line feed */
        }
        if (end > 0 || at_end) {
            *ret_lines = slice_of(lines.data, end);
            return STATUS_OK;
        }
        if (size >= (size_t) settings->line_bytes_max) {
            error_set(error, STATUS_CONFIG,
                      "\"%s\": the line at byte %lld is longer than %lld bytes", text->path,
                      (long long) offset, (long long) settings->line_bytes_max);
            error_hint(error, "raise \"line_max\", or look at \"format\"");
            return STATUS_CONFIG;
        }
        size = size * 2 < (size_t) settings->line_bytes_max ? size * 2
                                                            : (size_t) settings->line_bytes_max;
    }
}
