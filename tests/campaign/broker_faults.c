/*
 * Loaded before the C library into a broker (LD_PRELOAD) by broker_faults.py: calls on sockets are
 * cut short or end in a reset, calls on files fail. How often stands in the file that FAULTS names,
 * which is mapped, so that the campaign changes it while the broker runs.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define MILLION 1000000u

/* Of a million calls each. The last one is the errno of a file's fault. */
struct faults {
    uint32_t reset;
    uint32_t brief;
    uint32_t disk;
    uint32_t disk_errno;
    uint32_t done[3]; /* counted here: resets, brief calls, file faults */
};

static struct faults *faults;
static _Thread_local uint64_t seed;

__attribute__((constructor)) static void map_faults(void)
{
    const char *path = getenv("FAULTS");
    int fd = path == NULL ? -1 : open(path, O_RDWR);
    if (fd >= 0) {
        void *mapped = mmap(NULL, sizeof(*faults), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        faults = mapped == MAP_FAILED ? NULL : mapped;
        (void) close(fd);
    }
}

/* xorshift64 (Marsaglia, 2003) */
static int happens(uint32_t of_a_million, int kind)
{
    if (of_a_million == 0) {
        return 0;
    }
    if (seed == 0) {
        seed = ((uint64_t) getpid() << 32 ^ (uint64_t) (uintptr_t) &seed) | 1;
    }
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    if (seed % MILLION >= of_a_million) {
        return 0;
    }
    __atomic_fetch_add(&faults->done[kind], 1, __ATOMIC_RELAXED);
    return 1;
}

static int is_kind(int fd, mode_t kind)
{
    struct stat status;
    return faults != NULL && fstat(fd, &status) == 0 && (status.st_mode & S_IFMT) == kind;
}

/* The peer sees a reset, at whatever byte it is. */
static ssize_t reset(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    (void) setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    (void) shutdown(fd, SHUT_RDWR);
    errno = ECONNRESET;
    return -1;
}

#define REAL(name) ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))

static size_t brief(size_t size)
{
    return size > 7 && happens(faults->brief, 1) ? 7 : size;
}

ssize_t read(int fd, void *buffer, size_t size)
{
    if (!is_kind(fd, S_IFSOCK)) {
        return REAL(read)(fd, buffer, size);
    }
    return happens(faults->reset, 0) ? reset(fd) : REAL(read)(fd, buffer, brief(size));
}

/* Half of what was to be written, then a reset: in the middle of a frame. */
static ssize_t send_some(int fd, const void *data, size_t size)
{
    if (happens(faults->reset, 0)) {
        (void) !REAL(write)(fd, data, size / 2);
        return reset(fd);
    }
    return REAL(write)(fd, data, brief(size));
}

ssize_t write(int fd, const void *data, size_t size)
{
    return is_kind(fd, S_IFSOCK) ? send_some(fd, data, size) : REAL(write)(fd, data, size);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    if (!is_kind(fd, S_IFSOCK) || count < 1) {
        return REAL(writev)(fd, parts, count);
    }
    if (happens(faults->brief, 1)) {
        return send_some(fd, parts[0].iov_base, parts[0].iov_len);
    }
    if (happens(faults->reset, 0)) {
        (void) !REAL(write)(fd, parts[0].iov_base, parts[0].iov_len);
        return reset(fd);
    }
    return REAL(writev)(fd, parts, count);
}

static int disk_fails(int fd)
{
    if (is_kind(fd, S_IFREG) && happens(faults->disk, 2)) {
        errno = (int) faults->disk_errno;
        return 1;
    }
    return 0;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
    if (disk_fails(fd)) {
        int error = errno;
        (void) !REAL(pwrite64)(fd, data, size / 2, at); /* some of it is there */
        errno = error;
        return -1;
    }
    return REAL(pwrite64)(fd, data, size, at);
}

int fdatasync(int fd)
{
    return disk_fails(fd) ? -1 : REAL(fdatasync)(fd);
}

int fsync(int fd)
{
    return disk_fails(fd) ? -1 : REAL(fsync)(fd);
}
