#include "io/lock.h"

#include "io/file.h"
#include "io/process_name.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The pid that the holder wrote, or 0: it may not have come to that yet. */
static int64_t read_holder(int fd)
{
    char text[32] = "";
    size_t size;
    if (file_read_at(fd, text, sizeof(text) - 1, 0, &size, NULL) != STATUS_OK) {
        return 0;
    }
    int64_t pid = strtoll(text, NULL, 10);
    return pid > 0 ? pid : 0;
}

static enum status held(const char *path, int fd, int64_t *ret_holder, struct error *error)
{
    int64_t pid = read_holder(fd);
    if (ret_holder != NULL) {
        *ret_holder = pid;
    }
    char name[PROCESS_NAME_BYTES];
    if (pid == 0 || !process_name(pid, name)) {
        (void) error_set(error, STATUS_AGAIN, "\"%s\" is held by another process", path);
    } else {
        (void) error_set(error, STATUS_AGAIN, "\"%s\" is held by pid %" PRId64 " (%s)", path, pid,
                         name);
    }
    error_hint(error, "stop that process first, or choose another directory");
    return STATUS_AGAIN;
}

static enum status write_holder(int fd, struct error *error)
{
    char text[32];
    int length = snprintf(text, sizeof(text), "%" PRId64 "\n", (int64_t) getpid());
    TRY(file_truncate(fd, 0, error));
    return file_write_at(fd, slice_of(text, (size_t) length), 0, error);
}

enum status file_lock_take(const char *path,
                           struct file_lock *ret_lock,
                           int64_t *ret_holder,
                           struct error *error)
{
    int fd;
    TRY(file_open(path, O_RDWR | O_CREAT, 0644, &fd, error));
    /* A lock of the open file, not of the process: it does not go when some other descriptor of
     * the file is closed, and a second one in this process is refused as well. */
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    enum status status;
    if (fcntl(fd, F_OFD_SETLK, &whole) == 0) {
        status = write_holder(fd, error);
    } else if (errno == EAGAIN || errno == EACCES) {
        status = held(path, fd, ret_holder, error);
    } else {
        status = error_set_errno(error, errno, "could not lock \"%s\"", path);
    }
    if (status != STATUS_OK) {
        file_close(fd);
        return status;
    }
    ret_lock->fd = fd;
    return STATUS_OK;
}

void file_lock_release(struct file_lock *lock)
{
    file_close(lock->fd);
    lock->fd = -1;
}

bool file_lock_is_held(const char *path)
{
    int fd;
    if (file_open(path, O_RDWR, 0, &fd, NULL) != STATUS_OK) {
        return false;
    }
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    bool held = fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
    file_close(fd);
    return held;
}
