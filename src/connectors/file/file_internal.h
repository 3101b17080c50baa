#pragma once

/* What the files of this folder share: settings, the place in the files, and a file that is read.
 */

#include "base/settings.h"
#include "connect/record_text.h"
#include "connect/source.h"

#include <sys/stat.h>

struct file_settings {
    const char *path;
    int format; /* enum record_format */
    const char *records;
    const char *separator;
    bool follow;
    int64_t page_bytes;
    int64_t page_records;
    int64_t line_bytes_max;
    int64_t file_bytes_max;
};

/* How far the files are read, as a cursor:
 *     {"file":"/data/a.jsonl","inode":17,"offset":4711,"line":12}
 * The offset counts bytes (of the plain text, for gzip), or records for JSON documents. */
struct file_place {
    const char *file; /* NULL: before the first */
    uint64_t inode;
    int64_t offset;
    int64_t line; /* of the offset, from 1 */
};

enum status file_place_read(const char *cursor,
                            struct arena *arena,
                            struct file_place *ret_place,
                            struct error *error);
const char *file_place_write(const struct file_place *place, struct arena *arena);

/* Finds the file that `place` stands in, which may have another name by now, or the first one
 * behind it. `*ret_path` NULL: there is none. `place` is set to the beginning of a file that is
 * new, or that was cut since. */
enum status file_find(const struct file_settings *settings,
                      struct file_place *place,
                      bool at_end_of_it,
                      struct arena *arena,
                      const char **ret_path,
                      struct error *error);

/* A file under way. Whole files (gzip, JSON documents) are kept from page to page. */
struct file_text {
    char *path;
    struct stat stat;
    struct buffer whole; /* gzip, JSON: the plain text */
    bool is_whole;
    struct buffer chunk;
    struct buffer header; /* CSV: the first line */
};

void file_text_deinit(struct file_text *text);

/* Opens `path` unless it is open and unchanged. */
enum status file_text_open(struct file_text *text,
                           const struct file_settings *settings,
                           const char *path,
                           struct error *error);

/* Complete lines from `offset` on, about page_bytes of them. `*ret_size` 0: there are none now. */
enum status file_text_lines(struct file_text *text,
                            const struct file_settings *settings,
                            int64_t offset,
                            struct slice *ret_lines,
                            struct error *error);
