#include "base/logline.h"
#include "connectors/file/file_internal.h"

#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <libgen.h>
#include <string.h>

enum status file_place_read(const char *cursor,
                            struct arena *arena,
                            struct file_place *ret_place,
                            struct error *error)
{
    *ret_place = (struct file_place){.line = 1};
    if (cursor == NULL) {
        return STATUS_OK;
    }
    struct json_document document;
    json_document_init(&document);
    enum status status = json_parse(&document, slice_of_string(cursor), 4, NULL);
    int64_t inode = 0;
    uint32_t file = UINT32_MAX;
    if (status == STATUS_OK && json_at(&document, 0)->kind == JSON_KIND_OBJECT) {
        file = json_member(&document, 0, SLICE("file"));
    }
    bool fits = file != UINT32_MAX && json_at(&document, file)->kind == JSON_KIND_STRING;

    struct {
        const char *name;
        int64_t *value;
    } numbers[] = {{"inode", &inode}, {"offset", &ret_place->offset}, {"line", &ret_place->line}};

    for (size_t i = 0; fits && i < ARRAY_SIZE(numbers); i++) {
        uint32_t value = json_member(&document, 0, slice_of_string(numbers[i].name));
        fits = value != UINT32_MAX && json_int64(&document, value, numbers[i].value);
    }
    if (fits) {
        ret_place->inode = (uint64_t) inode;
        ret_place->file = arena_string(arena, json_text(&document, file, arena));
    }
    json_document_deinit(&document);
    if (!fits) {
        return error_set(error, STATUS_CORRUPT,
                         "the stored cursor \"%.100s\" is none of this source", cursor);
    }
    return STATUS_OK;
}

const char *file_place_write(const struct file_place *place, struct arena *arena)
{
    struct buffer json CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append_string(&json, "{\"file\":");
    buffer_append_json(&json, slice_of_string(place->file));
    buffer_printf(&json, ",\"inode\":%" PRId64 ",\"offset\":%" PRId64 ",\"line\":%" PRId64 "}",
                  (int64_t) place->inode, place->offset, place->line);
    return arena_strdup(arena, buffer_string(&json));
}

static void begin_file(struct file_place *place, const char *path, uint64_t inode)
{
    *place = (struct file_place){.file = path, .inode = inode, .line = 1};
}

/* The file with this inode beside `path`: where rotation put it. NULL if it is gone. */
static const char *find_renamed(const char *path, uint64_t inode, struct arena *arena)
{
    char *copy = arena_strdup(arena, path);
    const char *pattern = arena_printf(arena, "%s/*", dirname(copy));
    const char *found = NULL;
    glob_t names = {0};
    if (glob(pattern, GLOB_NOSORT, NULL, &names) == 0) {
        for (size_t i = 0; i < names.gl_pathc && found == NULL; i++) {
            struct stat stat_of;
            if (stat(names.gl_pathv[i], &stat_of) == 0 && stat_of.st_ino == inode) {
                found = arena_strdup(arena, names.gl_pathv[i]);
            }
        }
    }
    globfree(&names);
    return found;
}

/* The first file whose name sorts behind `after` (NULL: the first of all). */
static enum status next_file(const struct file_settings *settings,
                             const char *after,
                             struct arena *arena,
                             const char **ret_path,
                             struct error *error)
{
    *ret_path = NULL;
    glob_t names = {0};
    int result = glob(settings->path, GLOB_ERR, NULL, &names);
    if (result != 0 && result != GLOB_NOMATCH) {
        globfree(&names);
        return error_set_errno(error, errno, "could not look for files of \"%s\"", settings->path);
    }
    for (size_t i = 0; i < names.gl_pathc && *ret_path == NULL; i++) {
        if (after == NULL || strcmp(names.gl_pathv[i], after) > 0) {
            *ret_path = arena_strdup(arena, names.gl_pathv[i]);
        }
    }
    bool any = names.gl_pathc > 0;
    globfree(&names);
    if (!any && after == NULL && !settings->follow) {
        error_set(error, STATUS_UNAVAILABLE, "there is no file \"%s\"", settings->path);
        error_hint(error, "look at \"path\"; with \"follow: true\" the source waits for it");
        return STATUS_UNAVAILABLE;
    }
    return STATUS_OK;
}

enum status file_find(const struct file_settings *settings,
                      struct file_place *place,
                      bool at_end_of_it,
                      struct arena *arena,
                      const char **ret_path,
                      struct error *error)
{
    *ret_path = NULL;
    struct stat stat_of;
    if (place->file != NULL) {
        bool there = stat(place->file, &stat_of) == 0;
        bool same = there && stat_of.st_ino == place->inode;
        if (!at_end_of_it) {
            *ret_path = same ? place->file : find_renamed(place->file, place->inode, arena);
            if (*ret_path == NULL) {
                logline(LOG_WARN, "file", "a file that was not read to its end is gone",
                        LOG_STRING("file", place->file), LOG_INT("offset", place->offset));
            }
        }
        if (*ret_path == NULL && there && !same) {
            begin_file(place, place->file, stat_of.st_ino); /* its successor of the same name */
            *ret_path = place->file;
        }
        if (*ret_path != NULL) {
            return STATUS_OK;
        }
    }
    TRY(next_file(settings, place->file, arena, ret_path, error));
    if (*ret_path != NULL) {
        if (stat(*ret_path, &stat_of) != 0) {
            return error_set_errno(error, errno, "could not look at \"%s\"", *ret_path);
        }
        begin_file(place, *ret_path, stat_of.st_ino);
    }
    return STATUS_OK;
}
