#include "log/journal.h"

#include "base/buffer.h"
#include "base/logline.h"
#include "base/memory.h"
#include "io/clock.h"
#include "io/crash.h"
#include "io/file.h"
#include "log/bytes_internal.h"
#include "log/flusher_internal.h"
#include "wire/crc32c.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#define FILE_MAGIC         0x4c544a52u /* LTJR */
#define FILE_VERSION       1
#define FILE_HEADER_BYTES  16
#define ENTRY_MARK         0x6a656e74u /* jent */
#define ENTRY_HEADER_BYTES 24
#define ENTRY_CRC_FROM     8
#define FILE_BYTES_MAX     ((size_t) 8 << 30)

struct waiter {
    uint64_t end; /* durable once the file is, up to here */
    journal_done done;
    void *context;
};

struct journal {
    struct flush_item item; /* first: see journal_sync */
    char *path;
    struct flusher *flusher;
    pthread_mutex_t mutex; /* all below */
    int fd;
    uint64_t salt;
    uint64_t size;    /* whole entries written      */
    uint64_t durable; /* of them known to be on disk */
    bool torn;        /* something may stand behind `size`: cut before the next write */
    bool name_dirty;  /* the directory does not know yet that the file was replaced   */
    struct waiter *waiters;
    size_t waiter_count;
    size_t waiter_capacity;
    struct buffer scratch;
};

struct journal_writer {
    int fd;
    uint64_t salt;
    uint64_t size;
    struct buffer buffer; /* not yet written, ends at `size` */
};

/* ---- entries ---- */

static size_t padded(size_t size)
{
    return (size + 7) & ~(size_t) 7;
}

static uint32_t entry_crc(uint64_t salt, const uint8_t *entry, size_t bytes)
{
    uint32_t start = (uint32_t) (salt ^ salt >> 32);
    return crc32c(start, entry + ENTRY_CRC_FROM, ENTRY_HEADER_BYTES - ENTRY_CRC_FROM + bytes);
}

static void append_entry(struct buffer *target, uint64_t salt, uint64_t durable, struct slice entry)
{
    size_t start = target->size;
    buffer_append_be32(target, ENTRY_MARK);
    buffer_append_be32(target, 0);
    buffer_append_be64(target, entry.size);
    buffer_append_be64(target, durable);
    buffer_append_slice(target, entry);
    uint32_t crc = entry_crc(salt, target->data + start, entry.size);
    for (unsigned i = 0; i < 4; i++) {
        target->data[start + 4 + i] = (uint8_t) (crc >> (24 - 8 * i));
    }
    while ((target->size - start) % 8 != 0) {
        buffer_append_byte(target, 0);
    }
}

struct entry {
    struct slice bytes;
    uint64_t durable;
    size_t size; /* in the file */
};

/* The entry at the start of `rest`; false if none stands there whole. */
static bool read_entry(struct slice rest, uint64_t salt, struct entry *ret_entry)
{
    if (rest.size < ENTRY_HEADER_BYTES || bytes_be32(rest.data) != ENTRY_MARK) {
        return false;
    }
    uint64_t bytes = bytes_be64(rest.data + 8);
    if (bytes > JOURNAL_ENTRY_BYTES_MAX ||
        ENTRY_HEADER_BYTES + padded((size_t) bytes) > rest.size ||
        entry_crc(salt, rest.data, (size_t) bytes) != bytes_be32(rest.data + 4)) {
        return false;
    }
    ret_entry->bytes = slice_of(rest.data + ENTRY_HEADER_BYTES, (size_t) bytes);
    ret_entry->durable = bytes_be64(rest.data + 16);
    ret_entry->size = ENTRY_HEADER_BYTES + padded((size_t) bytes);
    return true;
}

static void append_file_header(struct buffer *target, uint64_t salt)
{
    buffer_append_be32(target, FILE_MAGIC);
    buffer_append_be16(target, FILE_VERSION);
    buffer_append_be16(target, 0);
    buffer_append_be64(target, salt);
}

/* ---- opening ---- */

/* Is there an entry behind the bad place `at` that vouches for it? */
static bool was_durable(struct slice file, size_t at, uint64_t salt)
{
    struct entry entry;
    for (size_t next = at + 8; next + ENTRY_HEADER_BYTES <= file.size; next += 8) {
        struct slice rest = slice_of(file.data + next, file.size - next);
        if (read_entry(rest, salt, &entry) && entry.durable > at) {
            return true;
        }
    }
    return false;
}

static enum status replay_all(struct journal *journal,
                              struct slice file,
                              journal_replay replay,
                              void *context,
                              struct error *error)
{
    if (file.size < FILE_HEADER_BYTES) {
        journal->size = 0; /* made, and the process died before the header was on disk */
        return STATUS_OK;
    }
    if (bytes_be32(file.data) != FILE_MAGIC || bytes_be16(file.data + 4) != FILE_VERSION) {
        return error_set(error, STATUS_CORRUPT, "\"%s\" is not a journal of this version",
                         journal->path);
    }
    journal->salt = bytes_be64(file.data + 8);
    size_t at = FILE_HEADER_BYTES;
    struct entry entry;
    while (read_entry(slice_of(file.data + at, file.size - at), journal->salt, &entry)) {
        TRY(replay(context, entry.bytes, error));
        at += entry.size;
    }
    if (at < file.size && was_durable(file, at, journal->salt)) {
        error_set(error, STATUS_CORRUPT, "\"%s\" is damaged at byte %zu", journal->path, at);
        error_hint(error,
                   "restore the file from a backup; what follows that byte was acknowledged");
        return STATUS_CORRUPT;
    }
    journal->size = at;
    return STATUS_OK;
}

static enum status sync_name(const struct journal *journal, struct error *error)
{
    const char *slash = strrchr(journal->path, '/');
    CLEANUP(mem_free_pointer)
    char *parent = slash == NULL
                       ? mem_strdup(".")
                       : mem_printf("%.*s", (int) (slash - journal->path + 1), journal->path);
    return directory_sync(parent, error);
}

/* Puts a header into an empty file, and the file's name to disk. */
static enum status start_file(struct journal *journal, struct error *error)
{
    journal->salt = random_u64();
    buffer_clear(&journal->scratch);
    append_file_header(&journal->scratch, journal->salt);
    TRY(file_write_at(journal->fd, buffer_slice(&journal->scratch), 0, error));
    TRY(file_sync(journal->fd, error));
    TRY(sync_name(journal, error));
    journal->size = FILE_HEADER_BYTES;
    return STATUS_OK;
}

/*
 * What stands behind the last whole entry goes, and what is left is written once more before the
 * sync: after an earlier sync had failed, the system may hold pages that it calls clean and that
 * never reached the disk.
 */
static enum status settle(struct journal *journal, struct slice file, struct error *error)
{
    if (journal->size == 0) {
        TRY(file_truncate(journal->fd, 0, error));
        TRY(start_file(journal, error));
    } else {
        if (journal->size < file.size) {
            logline(LOG_WARN, "journal", "cut a torn end", LOG_STRING("file", journal->path),
                    LOG_INT("bytes", (int64_t) (file.size - journal->size)));
            TRY(file_truncate(journal->fd, journal->size, error));
        }
        TRY(file_write_at(journal->fd, slice_of(file.data, (size_t) journal->size), 0, error));
        TRY(file_sync(journal->fd, error));
    }
    journal->durable = journal->size;
    return STATUS_OK;
}

static void journal_sync(struct flush_item *item);

static void journal_release(struct journal *journal)
{
    file_close(journal->fd);
    (void) pthread_mutex_destroy(&journal->mutex);
    buffer_deinit(&journal->scratch);
    mem_free(journal->waiters);
    mem_free(journal->path);
    mem_free(journal);
}

enum status journal_open(const char *path,
                         struct flusher *flusher,
                         journal_replay replay,
                         void *context,
                         struct journal **ret_journal,
                         struct error *error)
{
    struct journal *journal = mem_zalloc(sizeof(*journal));
    journal->item.sync = journal_sync;
    journal->path = mem_strdup(path);
    journal->flusher = flusher;
    journal->fd = -1;
    (void) pthread_mutex_init(&journal->mutex, NULL);
    struct buffer file = BUFFER_INIT;
    enum status status;
    TRY_OR_FAIL(file_open(path, O_RDWR | O_CREAT, 0644, &journal->fd, error));
    TRY_OR_FAIL(file_load(path, FILE_BYTES_MAX, &file, error));
    TRY_OR_FAIL(replay_all(journal, buffer_slice(&file), replay, context, error));
    TRY_OR_FAIL(settle(journal, buffer_slice(&file), error));
    buffer_deinit(&file);
    *ret_journal = journal;
    return STATUS_OK;
fail:
    buffer_deinit(&file);
    journal_release(journal);
    return status;
}

/* ---- appending and syncing ---- */

static void wait_add(struct journal *journal, journal_done done, void *context)
{
    if (journal->waiter_count == journal->waiter_capacity) {
        journal->waiter_capacity =
            journal->waiter_capacity == 0 ? 16 : 2 * journal->waiter_capacity;
        journal->waiters =
            mem_realloc(journal->waiters, journal->waiter_capacity * sizeof(struct waiter));
    }
    journal->waiters[journal->waiter_count++] = (struct waiter){journal->size, done, context};
}

/* Takes the waiters up to `end` out, as a new array. */
static struct waiter *wait_take(struct journal *journal, uint64_t end, size_t *ret_count)
{
    size_t count = 0;
    while (count < journal->waiter_count && journal->waiters[count].end <= end) {
        count++;
    }
    struct waiter *taken = mem_alloc(count * sizeof(*taken) + 1);
    if (count > 0) {
        memcpy(taken, journal->waiters, count * sizeof(*taken));
        memmove(journal->waiters, journal->waiters + count,
                (journal->waiter_count - count) * sizeof(*taken));
    }
    journal->waiter_count -= count;
    *ret_count = count;
    return taken;
}

static void wait_end(struct waiter *waiters, size_t count, enum status status, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (waiters[i].done != NULL) {
            waiters[i].done(waiters[i].context, status, error);
        }
    }
    mem_free(waiters);
}

/* Removes what a failed write or sync left, so that later entries stand on firm ground. */
static enum status heal(struct journal *journal, struct error *error)
{
    if (!journal->torn) {
        return STATUS_OK;
    }
    TRY(file_truncate(journal->fd, journal->size, error));
    TRY(file_sync(journal->fd, error));
    journal->torn = false;
    return STATUS_OK;
}

/* One sync with everything appended so far. The mutex is free while it runs. */
static enum status sync_now(struct journal *journal, struct error *error)
{
    (void) pthread_mutex_lock(&journal->mutex);
    uint64_t end = journal->size;
    int fd = journal->fd;
    bool due = end > journal->durable;
    bool name_dirty = journal->name_dirty;
    (void) pthread_mutex_unlock(&journal->mutex);
    enum status status = name_dirty ? sync_name(journal, error) : STATUS_OK;
    if (status == STATUS_OK && due) {
        status = file_sync(fd, error);
    }
    crash_point("journal.synced");
    (void) pthread_mutex_lock(&journal->mutex);
    if (status == STATUS_OK) {
        journal->name_dirty = false;
        journal->durable = end > journal->durable ? end : journal->durable;
    } else {
        journal->size = journal->durable; /* entries written meanwhile fail as well */
        journal->torn = true;
        (void) !heal(journal,
                     NULL); /* at once, so that what is told to have failed has; or later */
        end = UINT64_MAX;
    }
    size_t count;
    struct waiter *waiters = wait_take(journal, end, &count);
    (void) pthread_mutex_unlock(&journal->mutex);
    wait_end(waiters, count, status, error);
    return status;
}

static void journal_sync(struct flush_item *item)
{
    struct journal *journal = (struct journal *) item;
    struct error error = {0};
    if (sync_now(journal, &error) != STATUS_OK) {
        logline_error(LOG_ERROR, "journal", &error);
    }
}

static enum status write_entry(struct journal *journal, struct slice entry, struct error *error)
{
    if (entry.size > JOURNAL_ENTRY_BYTES_MAX) {
        return error_set(error, STATUS_LIMIT, "a journal entry may have %zu bytes, not %zu",
                         JOURNAL_ENTRY_BYTES_MAX, entry.size);
    }
    TRY(heal(journal, error));
    buffer_clear(&journal->scratch);
    append_entry(&journal->scratch, journal->salt, journal->durable, entry);
    struct slice bytes = buffer_slice(&journal->scratch);
    enum status status = file_write_at(journal->fd, bytes, journal->size, error);
    if (status != STATUS_OK) {
        journal->torn = true;
        return status;
    }
    journal->size += bytes.size;
    return STATUS_OK;
}

void journal_append(struct journal *journal, struct slice entry, journal_done done, void *context)
{
    struct error error = {0};
    bool wait = flusher_policy(journal->flusher) == FLUSH_ALWAYS;
    (void) pthread_mutex_lock(&journal->mutex);
    enum status status = write_entry(journal, entry, &error);
    if (status == STATUS_OK && wait) {
        wait_add(journal, done, context);
    }
    (void) pthread_mutex_unlock(&journal->mutex);
    if (status == STATUS_OK) {
        flusher_request(journal->flusher, &journal->item);
    }
    if ((status != STATUS_OK || !wait) && done != NULL) {
        done(context, status, &error);
    }
}

enum status journal_close(struct journal *journal, struct error *error)
{
    if (journal == NULL) {
        return STATUS_OK;
    }
    flusher_forget(journal->flusher, &journal->item);
    enum status status = sync_now(journal, error);
    if (status == STATUS_OK) {
        status = heal(journal, error);
    }
    journal_release(journal);
    return status;
}

int64_t journal_size(struct journal *journal)
{
    (void) pthread_mutex_lock(&journal->mutex);
    int64_t size = (int64_t) journal->size;
    (void) pthread_mutex_unlock(&journal->mutex);
    return size;
}

/* ---- rewriting ---- */

#define WRITE_BYTES ((size_t) 1 << 20)

static enum status writer_flush(struct journal_writer *writer, struct error *error)
{
    struct slice bytes = buffer_slice(&writer->buffer);
    TRY(file_write_at(writer->fd, bytes, writer->size - bytes.size, error));
    buffer_clear(&writer->buffer);
    return STATUS_OK;
}

enum status journal_write(struct journal_writer *writer, struct slice entry, struct error *error)
{
    if (entry.size > JOURNAL_ENTRY_BYTES_MAX) {
        return error_set(error, STATUS_LIMIT, "a journal entry of %zu bytes", entry.size);
    }
    size_t before = writer->buffer.size;
    append_entry(&writer->buffer, writer->salt, 0, entry);
    writer->size += writer->buffer.size - before;
    return writer->buffer.size < WRITE_BYTES ? STATUS_OK : writer_flush(writer, error);
}

enum status journal_rewrite(struct journal *journal,
                            enum status (*snapshot)(void *context,
                                                    struct journal_writer *writer,
                                                    struct error *error),
                            void *context,
                            struct error *error)
{
    flusher_forget(journal->flusher, &journal->item);
    TRY(sync_now(journal, error));
    /* from here on only this thread touches the journal */
    CLEANUP(mem_free_pointer) char *new_path = mem_printf("%s.new", journal->path);
    struct journal_writer writer = {.fd = -1, .salt = random_u64(), .size = FILE_HEADER_BYTES};
    append_file_header(&writer.buffer, writer.salt);
    enum status status;
    TRY_OR_FAIL(file_open(new_path, O_RDWR | O_CREAT | O_TRUNC, 0644, &writer.fd, error));
    TRY_OR_FAIL(snapshot(context, &writer, error));
    TRY_OR_FAIL(writer_flush(&writer, error));
    TRY_OR_FAIL(file_sync(writer.fd, error));
    crash_point("journal.before_rename");
    TRY_OR_FAIL(file_rename(new_path, journal->path, error));
    (void) pthread_mutex_lock(&journal->mutex);
    file_close(journal->fd);
    journal->fd = writer.fd;
    journal->salt = writer.salt;
    journal->size = writer.size;
    journal->durable = writer.size;
    journal->name_dirty = true;
    (void) pthread_mutex_unlock(&journal->mutex);
    buffer_deinit(&writer.buffer);
    return sync_now(journal, error);
fail:
    file_close(writer.fd);
    (void) !file_remove(new_path, NULL);
    buffer_deinit(&writer.buffer);
    error_context(error, "could not rewrite \"%s\"", journal->path);
    return status;
}
