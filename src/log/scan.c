/* Reading a log's files as they are, without opening the log: `leat log verify` and `dump`. */

#include "base/memory.h"
#include "log/log_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

struct scan_files {
    int64_t *bases;
    size_t count;
    size_t capacity;
};

struct scan_visit {
    enum status (*visit)(void *context, struct slice batch, struct error *error);
    void *context;
    int64_t next_offset;
    enum status status;
};

static enum status add_name(void *context, const char *name, struct error *error)
{
    struct scan_files *files = context;
    (void) error;
    const char *dot = strchr(name, '.');
    if (dot == NULL || strcmp(dot, ".log") != 0 ||
        strspn(name, "0123456789") != (size_t) (dot - name)) {
        return STATUS_OK;
    }
    if (files->count == files->capacity) {
        files->capacity = files->capacity == 0 ? 4 : 2 * files->capacity;
        files->bases = mem_realloc(files->bases, files->capacity * sizeof(*files->bases));
    }
    files->bases[files->count++] = strtoll(name, NULL, 10);
    return STATUS_OK;
}

static enum status pass_on(void *context,
                           struct slice batch,
                           const struct record_batch_header *header,
                           uint64_t position,
                           struct error *error)
{
    struct scan_visit *visit = context;
    (void) position;
    visit->next_offset = header->base_offset + header->last_offset_delta + 1;
    visit->status = visit->visit(visit->context, batch, error);
    return visit->status;
}

static enum status scan_file(
    const char *directory, int64_t base, bool first, struct scan_visit *visit, struct error *error)
{
    char path[PATH_MAX];
    segment_path(directory, base, "log", path);
    int fd;
    TRY(file_open(path, O_RDONLY, 0, &fd, error));
    struct segment_scan scan = {
        .fd = fd,
        .until = UINT64_MAX,
        .next_offset = first ? base : visit->next_offset,
        .gaps = true,
        .visit = pass_on,
        .context = visit,
    };
    uint64_t position = 0;
    enum status status = segment_scan(&scan, &position, error);
    file_close(fd);
    if (status != STATUS_OK && visit->status == STATUS_OK) {
        error_context(error, "\"%s\" at byte %" PRIu64, path, position);
    }
    return status;
}

enum status
partition_log_scan(const char *directory,
                   enum status (*visit)(void *context, struct slice batch, struct error *error),
                   void *context,
                   struct error *error)
{
    struct scan_files files = {0};
    struct scan_visit state = {.visit = visit, .context = context, .next_offset = -1};
    enum status status = directory_list(directory, add_name, &files, error);
    for (size_t i = 0; i < files.count && status == STATUS_OK; i++) {
        status = scan_file(directory, files.bases[i], i == 0, &state, error);
    }
    mem_free(files.bases);
    return status;
}
