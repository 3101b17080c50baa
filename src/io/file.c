#include "io/file.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* One call never asks for more; Linux would cut it at 2 GiB anyway. */
#define CALL_BYTES_MAX ((size_t) 1 << 30)

/* ---- faults on request -------------------------------------------------------------------- */

static _Atomic int64_t fault_at = -1;
static _Atomic int64_t fault_calls;
static atomic_int fault_errno;

void file_fault(int64_t nth, int error_number)
{
    atomic_store(&fault_errno, error_number);
    atomic_store(&fault_calls, 0);
    atomic_store(&fault_at, nth < 0 ? -1 : nth);
}

int64_t file_fault_calls(void)
{
    return atomic_load(&fault_calls);
}

/* Counts a call; true, with errno set, if it is the one that must fail. */
static bool fault_now(void)
{
    int64_t call = atomic_fetch_add_explicit(&fault_calls, 1, memory_order_relaxed);
    if (call != atomic_load_explicit(&fault_at, memory_order_relaxed)) {
        return false;
    }
    errno = atomic_load(&fault_errno);
    return true;
}

/* The name behind a descriptor, for messages. */
static const char *fd_name(int fd, char *target, size_t size)
{
    char link[64];
    (void) snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, target, size - 1);
    if (length < 0) {
        (void) snprintf(target, size, "descriptor %d", fd);
    } else {
        target[length] = '\0';
    }
    return target;
}

static enum status fd_failed(struct error *error, int fd, const char *what)
{
    int error_number = errno;
    char name[PATH_MAX];
    return error_set_errno(error, error_number, "could not %s \"%s\"", what,
                           fd_name(fd, name, sizeof(name)));
}

/* ---- files -------------------------------------------------------------------------------- */

enum status file_open(const char *path, int flags, int mode, int *ret_fd, struct error *error)
{
    int fd = -1;
    if (!fault_now()) {
        do {
            fd = open(path, flags | O_CLOEXEC, (mode_t) mode);
        } while (fd < 0 && errno == EINTR);
    }
    if (fd < 0) {
        return error_set_errno(error, errno, "could not open \"%s\"", path);
    }
    *ret_fd = fd;
    return STATUS_OK;
}

void file_close(int fd)
{
    if (fd >= 0) {
        (void) close(fd); /* on Linux closed even after EINTR; what matters was synced before */
    }
}

enum status file_write_at(int fd, struct slice bytes, uint64_t offset, struct error *error)
{
    size_t done = 0;
    while (done < bytes.size) {
        size_t size = bytes.size - done < CALL_BYTES_MAX ? bytes.size - done : CALL_BYTES_MAX;
        bool fault = fault_now();
        int fault_number = errno;
        if (fault) {
            size /= 2; /* a torn write: this much arrives */
        }
        ssize_t written = pwrite(fd, bytes.data + done, size, (off_t) (offset + done));
        if (fault) {
            errno = fault_number;
            return fd_failed(error, fd, "write");
        }
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            errno = written == 0 ? EIO : errno;
            return fd_failed(error, fd, "write");
        }
        done += (size_t) written;
    }
    return STATUS_OK;
}

enum status file_read_at(
    int fd, void *target, size_t size, uint64_t offset, size_t *ret_size, struct error *error)
{
    size_t done = 0;
    while (done < size) {
        size_t want = size - done < CALL_BYTES_MAX ? size - done : CALL_BYTES_MAX;
        ssize_t got = pread(fd, (uint8_t *) target + done, want, (off_t) (offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fd_failed(error, fd, "read");
        }
        if (got == 0) {
            break;
        }
        done += (size_t) got;
    }
    *ret_size = done;
    return STATUS_OK;
}

enum status file_sync(int fd, struct error *error)
{
    int failed = -1;
    if (!fault_now()) {
        do {
            failed = fdatasync(fd);
        } while (failed != 0 && errno == EINTR);
    }
    return failed == 0 ? STATUS_OK : fd_failed(error, fd, "sync");
}

enum status file_write_back(int fd, bool wait, struct error *error)
{
    unsigned flags = SYNC_FILE_RANGE_WRITE;
    if (wait) {
        flags |= SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WAIT_AFTER;
    }
    int failed = -1;
    if (!fault_now()) {
        do {
            failed = sync_file_range(fd, 0, 0, flags);
        } while (failed != 0 && errno == EINTR);
    }
    bool unsupported = failed != 0 && (errno == ENOSYS || errno == EINVAL || errno == ESPIPE);
    return failed == 0 || unsupported ? STATUS_OK : fd_failed(error, fd, "write back");
}

enum status file_truncate(int fd, uint64_t size, struct error *error)
{
    int failed = -1;
    if (!fault_now()) {
        do {
            failed = ftruncate(fd, (off_t) size);
        } while (failed != 0 && errno == EINTR);
    }
    return failed == 0 ? STATUS_OK : fd_failed(error, fd, "truncate");
}

enum status file_preallocate(int fd, uint64_t size, struct error *error)
{
    int failed;
    do {
        failed = fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t) size);
    } while (failed != 0 && errno == EINTR);
    if (failed != 0 && errno != EOPNOTSUPP && errno != ENOSYS) {
        return fd_failed(error, fd, "reserve space for");
    }
    return STATUS_OK;
}

enum status file_size(int fd, uint64_t *ret_size, struct error *error)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return fd_failed(error, fd, "look at");
    }
    *ret_size = (uint64_t) info.st_size;
    return STATUS_OK;
}

enum status
file_load(const char *path, size_t bytes_max, struct buffer *ret_text, struct error *error)
{
    int fd;
    TRY(file_open(path, O_RDONLY, 0, &fd, error));
    enum status status = STATUS_OK;
    size_t before = ret_text->size;
    for (;;) {
        size_t loaded = ret_text->size - before;
        size_t want = bytes_max - loaded < 65536 ? bytes_max - loaded + 1 : 65536;
        ssize_t got = read(fd, buffer_reserve(ret_text, want), want); /* also from a pipe */
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            status = error_set_errno(error, errno, "could not read \"%s\"", path);
            break;
        }
        if (got == 0) {
            break;
        }
        if ((size_t) got > bytes_max - loaded) {
            status =
                error_set(error, STATUS_LIMIT, "\"%s\" is larger than %zu bytes", path, bytes_max);
            break;
        }
        ret_text->size += (size_t) got;
    }
    file_close(fd);
    return status;
}

static enum status write_new(const char *path, struct slice bytes, mode_t mode, struct error *error)
{
    int fd;
    TRY(file_remove(path, error)); /* one left over may have another mode */
    TRY(file_open(path, O_WRONLY | O_CREAT | O_EXCL, mode, &fd, error));
    enum status status = file_write_at(fd, bytes, 0, error);
    if (status == STATUS_OK) {
        status = file_sync(fd, error);
    }
    file_close(fd);
    return status;
}

enum status file_rename(const char *from, const char *to, struct error *error)
{
    if (fault_now() || rename(from, to) != 0) {
        return error_set_errno(error, errno, "could not rename \"%s\" to \"%s\"", from, to);
    }
    return STATUS_OK;
}

enum status file_remove(const char *path, struct error *error)
{
    if (unlink(path) != 0 && errno != ENOENT) {
        return error_set_errno(error, errno, "could not remove \"%s\"", path);
    }
    return STATUS_OK;
}

static enum status replace(const char *path, struct slice bytes, mode_t mode, struct error *error)
{
    CLEANUP(mem_free_pointer) char *new_path = mem_printf("%s.new", path);
    enum status status = write_new(new_path, bytes, mode, error);
    if (status == STATUS_OK) {
        status = file_rename(new_path, path, error);
    }
    if (status != STATUS_OK) {
        (void) unlink(new_path);
        return status;
    }
    return directory_sync_parent(path, error);
}

enum status file_replace(const char *path, struct slice bytes, struct error *error)
{
    return replace(path, bytes, 0644, error);
}

enum status file_replace_private(const char *path, struct slice bytes, struct error *error)
{
    return replace(path, bytes, 0600, error);
}

/* ---- directories -------------------------------------------------------------------------- */

static enum status make_one(const char *path, struct error *error)
{
    if (mkdir(path, 0755) == 0) {
        return STATUS_OK;
    }
    int error_number = errno;
    struct stat info;
    if (error_number == EEXIST && stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        return STATUS_OK;
    }
    return error_set_errno(error, error_number, "could not make directory \"%s\"", path);
}

enum status directory_make(const char *path, struct error *error)
{
    CLEANUP(mem_free_pointer) char *part = mem_strdup(path);
    for (char *slash = strchr(part + 1, '/'); part[0] != '\0' && slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        TRY(make_one(part, error));
        *slash = '/';
    }
    return make_one(path, error);
}

enum status directory_sync(const char *path, struct error *error)
{
    int fd;
    TRY(file_open(path, O_RDONLY | O_DIRECTORY, 0, &fd, error));
    int failed = -1;
    if (!fault_now()) {
        do {
            failed = fsync(fd);
        } while (failed != 0 && errno == EINTR);
    }
    enum status status = failed == 0 ? STATUS_OK : fd_failed(error, fd, "sync");
    file_close(fd);
    return status;
}

enum status directory_sync_parent(const char *path, struct error *error)
{
    CLEANUP(mem_free_pointer) char *parent = mem_strdup(path);
    char *slash = strrchr(parent, '/');
    if (slash == NULL) {
        return directory_sync(".", error);
    }
    slash[slash == parent ? 1 : 0] = '\0';
    return directory_sync(parent, error);
}
