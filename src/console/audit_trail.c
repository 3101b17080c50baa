#include "console/audit_trail.h"

#include "base/attr.h"
#include "base/logline.h"
#include "base/memory.h"
#include "base/time_text.h"
#include "console/json_writer.h"
#include "io/clock.h"
#include "io/file.h"

#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES_MAX ((uint64_t) 64 << 20)
#define READ_BYTES_MAX ((uint64_t) 4 << 20)
#define BODY_BYTES_MAX 512
#define PATH_BYTES_MAX 512

struct audit_trail {
    pthread_mutex_t lock;
    char *path;
};

struct audit_trail *audit_trail_new(const char *path)
{
    struct audit_trail *trail = mem_zalloc(sizeof(*trail));
    (void) pthread_mutex_init(&trail->lock, NULL);
    trail->path = path == NULL ? NULL : mem_strdup(path);
    return trail;
}

void audit_trail_free(struct audit_trail *trail)
{
    if (trail != NULL) {
        (void) pthread_mutex_destroy(&trail->lock);
        mem_free(trail->path);
        mem_free(trail);
    }
}

static struct slice first_of(struct slice text, size_t size_max)
{
    return slice_of(text.data, text.size < size_max ? text.size : size_max);
}

static void write_entry(const struct audit_entry *entry, struct buffer *target)
{
    char at[TIME_TEXT_BYTES];
    struct json_writer json = {.target = target};
    (void) time_format(clock_now_us(), at);
    json_writer_open(&json, NULL, '{');
    json_writer_text(&json, "at", at);
    json_writer_text(&json, "who", entry->who);
    json_writer_text(&json, "role", entry->role);
    json_writer_text(&json, "peer", entry->peer);
    json_writer_text(&json, "method", entry->method);
    json_writer_bytes(&json, "path", first_of(slice_of_string(entry->path), PATH_BYTES_MAX));
    json_writer_int(&json, "status", entry->status);
    if (entry->body.size > 0) {
        json_writer_bytes(&json, "body", first_of(entry->body, BODY_BYTES_MAX));
    }
    json_writer_close(&json, '}');
    buffer_append_byte(target, '\n');
}

/* Behind what a kill left of a line, another begins. */
static enum status write_line(int fd, struct slice line, uint64_t *size, struct error *error)
{
    char last = '\n';
    size_t got = 0;
    TRY(file_size(fd, size, error));
    if (*size > 0) {
        TRY(file_read_at(fd, &last, 1, *size - 1, &got, error));
    }
    if (last != '\n') {
        TRY(file_write_at(fd, SLICE("\n"), *size, error));
        *size += 1;
    }
    return file_write_at(fd, line, *size, error);
}

static enum status append(const char *path, struct slice line, struct error *error)
{
    int fd;
    uint64_t size = 0;
    TRY(file_open(path, O_RDWR | O_CREAT | O_APPEND, 0600, &fd, error));
    enum status status = write_line(fd, line, &size, error);
    if (status == STATUS_OK) {
        status = file_sync(fd, error);
    }
    file_close(fd);
    if (status == STATUS_OK && size + line.size > FILE_BYTES_MAX) {
        CLEANUP(mem_free_pointer) char *old = mem_printf("%s.1", path);
        status = file_rename(path, old, error);
    }
    return status;
}

void audit_trail_add(struct audit_trail *trail, const struct audit_entry *entry)
{
    if (trail->path == NULL) {
        return;
    }
    struct error error;
    CLEANUP(buffer_deinit) struct buffer line = BUFFER_INIT;
    write_entry(entry, &line);
    (void) pthread_mutex_lock(&trail->lock);
    enum status status = append(trail->path, buffer_slice(&line), &error);
    (void) pthread_mutex_unlock(&trail->lock);
    if (status != STATUS_OK) {
        error_context(&error, "audit log");
        logline_error(LOG_ERROR, "console", &error);
    }
}

/* The end of the file, from the begin of a line on. */
static enum status load_end(const char *path, struct buffer *ret_text, struct error *error)
{
    int fd;
    uint64_t size = 0;
    size_t got = 0;
    TRY(file_open(path, O_RDONLY, 0, &fd, error));
    enum status status = file_size(fd, &size, error);
    if (status == STATUS_OK) {
        uint64_t from = size > READ_BYTES_MAX ? size - READ_BYTES_MAX : 0;
        uint8_t *target = buffer_reserve(ret_text, (size_t) (size - from));
        status = file_read_at(fd, target, (size_t) (size - from), from, &got, error);
        ret_text->size += got;
    }
    file_close(fd);
    return status;
}

static bool is_whole(struct slice line)
{
    json_t *json = json_loadb((const char *) line.data, line.size, 0, NULL);
    bool whole = json_is_object(json);
    json_decref(json);
    return whole;
}

enum status audit_trail_read(struct audit_trail *trail,
                             int64_t limit,
                             struct buffer *target,
                             struct error *error)
{
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    struct json_writer json = {.target = target};
    if (trail->path != NULL && access(trail->path, F_OK) == 0) {
        TRY(load_end(trail->path, &text, error));
    }
    json_writer_open(&json, NULL, '[');
    size_t end = text.size;
    while (end > 0 && limit > 0) {
        size_t begin = end - 1; /* at the line's break */
        while (begin > 0 && text.data[begin - 1] != '\n') {
            begin--;
        }
        struct slice line = slice_of(text.data + begin, end - 1 - begin);
        if (is_whole(line)) { /* a kill may have cut one */
            json_writer_raw(&json, NULL, line);
            limit--;
        }
        end = begin;
    }
    json_writer_close(&json, ']');
    return STATUS_OK;
}
