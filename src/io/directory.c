#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>

/* Descriptors that a walk keeps open at once. */
#define WALK_DESCRIPTORS 16

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void) info;
    (void) type;
    (void) place;
    return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

enum status directory_remove(const char *path, struct error *error)
{
    /* Children before their parent; symbolic links are removed, not followed. */
    if (nftw(path, remove_one, WALK_DESCRIPTORS, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT) {
        return error_set_errno(error, errno, "could not remove \"%s\"", path);
    }
    return STATUS_OK;
}

static int is_child(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name); /* bytes, whatever the locale */
}

enum status
directory_list(const char *path,
               enum status (*visit)(void *context, const char *name, struct error *error),
               void *context,
               struct error *error)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, is_child, by_name);
    if (count < 0) {
        return error_set_errno(error, errno, "could not list directory \"%s\"", path);
    }
    enum status status = STATUS_OK;
    for (int i = 0; i < count; i++) {
        if (status == STATUS_OK) {
            status = visit(context, entries[i]->d_name, error);
        }
        free(entries[i]);
    }
    free(entries);
    return status;
}

enum status
disk_space(const char *path, uint64_t *ret_free, uint64_t *ret_total, struct error *error)
{
    struct statvfs info;
    int failed;
    do {
        failed = statvfs(path, &info);
    } while (failed != 0 && errno == EINTR);
    if (failed != 0) {
        return error_set_errno(error, errno, "could not ask for the free space at \"%s\"", path);
    }
    *ret_free = (uint64_t) info.f_bavail * info.f_frsize; /* what is not kept back for root */
    *ret_total = (uint64_t) info.f_blocks * info.f_frsize;
    return STATUS_OK;
}
