#include "io/net.h"

#include "io/file.h"
#include "io/process_name.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Linux tells who holds a port in two steps: /proc/net/tcp has the inode of each listening socket,
 * and /proc/PID/fd/N is a link "socket:[INODE]".
 */

#define STATE_LISTEN 0x0a

/* The inode of a socket that listens on the port, or 0. */
static uint64_t find_inode(const char *table, uint16_t port)
{
    FILE *file = fopen(table, "re");
    if (file == NULL) {
        return 0;
    }
    char line[512];
    uint64_t inode = 0;
    while (inode == 0 && fgets(line, sizeof(line), file) != NULL) {
        unsigned local_port;
        unsigned state;
        uint64_t found;
        int fields = sscanf(line,
                            " %*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*u %*d "
                            "%" SCNu64,
                            &local_port, &state, &found);
        if (fields == 3 && local_port == port && state == STATE_LISTEN) {
            inode = found;
        }
    }
    (void) fclose(file);
    return inode;
}

struct search {
    char link[64];   /* "socket:[INODE]" */
    char folder[64]; /* /proc/PID/fd */
    int64_t pid;     /* 0 until found */
};

static enum status look_at_descriptor(void *context, const char *name, struct error *error)
{
    (void) error;
    struct search *search = context;
    char path[sizeof(search->folder) + 32];
    char target[64];
    (void) snprintf(path, sizeof(path), "%s/%.20s", search->folder, name);
    ssize_t length = readlink(path, target, sizeof(target) - 1);
    if (length > 0) {
        target[length] = '\0';
        if (strcmp(target, search->link) == 0) {
            search->pid = strtoll(search->folder + strlen("/proc/"), NULL, 10);
        }
    }
    return search->pid != 0 ? STATUS_CONFLICT : STATUS_OK; /* any failure ends the walk */
}

static enum status look_at_process(void *context, const char *name, struct error *error)
{
    struct search *search = context;
    if (name[strspn(name, "0123456789")] != '\0') {
        return STATUS_OK; /* no process */
    }
    (void) snprintf(search->folder, sizeof(search->folder), "/proc/%.20s/fd", name);
    enum status status = directory_list(search->folder, look_at_descriptor, search, error);
    return search->pid != 0 ? status : STATUS_OK; /* others' processes cannot be read */
}

bool net_port_holder(uint16_t port, struct net_holder *ret_holder)
{
    uint64_t inode = find_inode("/proc/net/tcp", port);
    if (inode == 0) {
        inode = find_inode("/proc/net/tcp6", port);
    }
    if (inode == 0) {
        return false;
    }
    struct search search = {.pid = 0};
    (void) snprintf(search.link, sizeof(search.link), "socket:[%" PRIu64 "]", inode);
    enum status status = directory_list("/proc", look_at_process, &search, NULL);
    if (status == STATUS_OK || search.pid == 0) {
        return false;
    }
    ret_holder->pid = search.pid;
    return process_name(search.pid, ret_holder->name);
}
