#include "io/link_watch.h"

#include "base/logline.h"
#include "base/memory.h"
#include "io/clock.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define LOOK_US  (500 * INT64_C(1000))
#define IDLE_S   2 /* then the peer is asked */
#define EACH_S   1
#define PROBES   10
#define GROW_FDS 32

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* A socket, and not another one that has its number by now. */
struct watched {
    int fd;
    ino_t inode;
};

static struct watched *watched;
static size_t watched_count;
static size_t watched_capacity;
static bool is_running;

/* Something is sent again, or asked, and nothing at all comes back. */
static bool is_dead(const struct watched *socket)
{
    struct tcp_info info;
    struct stat now;
    socklen_t size = sizeof(info);
    if (fstat(socket->fd, &now) != 0 || now.st_ino != socket->inode ||
        getsockopt(socket->fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) {
        return false;
    }
    unsigned silent_ms = info.tcpi_last_ack_recv < info.tcpi_last_data_recv
                             ? info.tcpi_last_ack_recv
                             : info.tcpi_last_data_recv;
    return info.tcpi_state == TCP_ESTABLISHED && silent_ms >= LINK_SILENT_MS &&
           (info.tcpi_retransmits > 0 || info.tcpi_probes > 0);
}

static void *look(void *context)
{
    (void) context;
    for (;;) {
        clock_sleep_us(LOOK_US);
        pthread_mutex_lock(&mutex);
        for (size_t i = 0; i < watched_count; i++) {
            if (is_dead(&watched[i])) {
                logline(LOG_DEBUG, "link", "a connection is given up: its peer is silent",
                        LOG_INT("fd", watched[i].fd));
                (void) shutdown(watched[i].fd, SHUT_RDWR);
            }
        }
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

/* It ends with the process, and takes no signals. */
static void start(void)
{
    sigset_t all;
    sigset_t before;
    pthread_attr_t attributes;
    pthread_t thread;
    is_running = true; /* without it connections are only slower to come back */
    if (pthread_attr_init(&attributes) != 0) {
        return;
    }
    (void) sigfillset(&all);
    (void) pthread_sigmask(SIG_SETMASK, &all, &before);
    (void) pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    (void) pthread_create(&thread, &attributes, look, NULL);
    (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void) pthread_attr_destroy(&attributes);
}

static bool ask_when_silent(int fd)
{
    static const struct {
        int level, name, value;
    } options[] = {
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, IDLE_S},
        {IPPROTO_TCP, TCP_KEEPINTVL, EACH_S},
        {IPPROTO_TCP, TCP_KEEPCNT, PROBES},
    };

    bool done = true;
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        done = setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int)) ==
                   0 &&
               done;
    }
    return done;
}

void link_watch_add(int fd)
{
    struct stat made;
    if (fd < 0 || fstat(fd, &made) != 0 || !ask_when_silent(fd)) {
        return;
    }
    pthread_mutex_lock(&mutex);
    if (watched_count == watched_capacity) {
        watched_capacity += GROW_FDS;
        watched = mem_realloc(watched, watched_capacity * sizeof(*watched));
    }
    watched[watched_count++] = (struct watched){fd, made.st_ino};
    if (!is_running) {
        start();
    }
    pthread_mutex_unlock(&mutex);
}

void link_watch_remove(int fd)
{
    pthread_mutex_lock(&mutex);
    for (size_t i = 0; i < watched_count; i++) {
        if (watched[i].fd == fd) {
            watched[i] = watched[--watched_count];
            break;
        }
    }
    pthread_mutex_unlock(&mutex);
}
