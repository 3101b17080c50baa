#include "base/memory.h"
#include "connectors/file/file_internal.h"
#include "connectors/file/file_source.h"
#include "io/clock.h"

#include <string.h>

/* How often a followed file is looked at. */
#define LOOK_US 20000

struct source {
    const struct file_settings *settings;
    struct file_text text;
    struct json_document document;
    char *description;

    /* JSON documents are parsed once and given out page by page. */
    char *parsed_path;
    struct stat parsed_stat;
    struct arena parsed_arena;
    struct source_record *parsed;
    size_t parsed_count;

    /* What the last fetch saw at the end, so that `wait` knows news. */
    char *end_path;
    uint64_t end_inode;
    int64_t end_size;
};

static void source_close(struct source *source)
{
    file_text_deinit(&source->text);
    json_document_deinit(&source->document);
    arena_deinit(&source->parsed_arena);
    mem_free(source->parsed_path);
    mem_free(source->end_path);
    mem_free(source->description);
    mem_free(source);
}

static enum status
source_open(const void *settings, const char *name, struct source **ret_source, struct error *error)
{
    (void) name;
    const struct file_settings *file = settings;
    if (file->separator != NULL && strlen(file->separator) != 1) {
        return error_set(error, STATUS_CONFIG, "\"separator\" is not one character");
    }
    if (file->follow && file->format == RECORDS_JSON) {
        error_set(error, STATUS_CONFIG, "a JSON document cannot be followed");
        error_hint(error, "use \"format: lines\", or leave \"follow\" out");
        return STATUS_CONFIG;
    }
    struct source *source = mem_zalloc(sizeof(*source));
    source->settings = file;
    source->description = mem_strdup(file->path);
    json_document_init(&source->document);
    arena_init(&source->parsed_arena, 0);
    *ret_source = source;
    return STATUS_OK;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* ---- one page of a file ------------------------------------------------------------------------
 */

static enum status parse_document(struct source *source, const char *path, struct error *error)
{
    if (source->parsed_path != NULL && strcmp(source->parsed_path, path) == 0 &&
        memcmp(&source->parsed_stat.st_mtim, &source->text.stat.st_mtim,
               sizeof(source->parsed_stat.st_mtim)) == 0 &&
        source->parsed_stat.st_ino == source->text.stat.st_ino) {
        return STATUS_OK;
    }
    mem_free(source->parsed_path);
    source->parsed_path = NULL;
    arena_reset(&source->parsed_arena);
    struct record_text_options options = {.format = RECORDS_JSON,
                                          .path = source->settings->records};
    enum status status =
        record_text_read(&options, buffer_slice(&source->text.whole), &source->document,
                         &source->parsed_arena, &source->parsed, &source->parsed_count, error);
    if (status != STATUS_OK) {
        error_context(error, "\"%s\"", path);
        return status;
    }
    source->parsed_path = mem_strdup(path);
    source->parsed_stat = source->text.stat;
    return STATUS_OK;
}

/* Some records of a JSON document; none at its end. */
static enum status page_of_document(struct source *source,
                                    const char *path,
                                    struct file_place *place,
                                    struct source_page *page,
                                    struct error *error)
{
    TRY(parse_document(source, path, error));
    size_t start = (size_t) place->offset < source->parsed_count ? (size_t) place->offset
                                                                 : source->parsed_count;
    size_t count = source->parsed_count - start;
    size_t count_max = (size_t) source->settings->page_records;
    page->records = source->parsed + start;
    page->count = count < count_max ? count : count_max;
    place->offset = (int64_t) (start + page->count);
    place->line = place->offset + 1;
    return STATUS_OK;
}

/* Some complete lines; none at the end of the file. */
static enum status page_of_lines(struct source *source,
                                 const char *path,
                                 struct file_place *place,
                                 struct arena *arena,
                                 struct source_page *page,
                                 struct error *error)
{
    const struct file_settings *settings = source->settings;
    if (!source->text.is_whole && source->text.stat.st_size < place->offset) {
        place->offset = 0; /* cut and written anew under the same inode */
        place->line = 1;
    }
    struct slice lines;
    TRY(file_text_lines(&source->text, settings, place->offset, &lines, error));
    if (lines.size == 0) {
        return STATUS_OK;
    }
    struct record_text_options options = {
        .format = (enum record_format) settings->format,
        .first_place = (uint32_t) place->line,
        .separator = settings->separator == NULL ? ',' : settings->separator[0],
    };
    if (settings->format == RECORDS_CSV && place->offset > 0) {
        options.header = buffer_slice(&source->text.header);
    }
    struct source_record *records;
    enum status status =
        record_text_read(&options, lines, &source->document, arena, &records, &page->count, error);
    if (status != STATUS_OK) {
        error_context(error, "\"%s\"", path);
        return status;
    }
    page->records = records;
    place->offset += (int64_t) lines.size;
    for (size_t i = 0; i < lines.size; i++) {
        place->line += lines.data[i] == '\n';
    }
    return STATUS_OK;
}

static void remember_end(struct source *source, const struct file_place *place)
{
    mem_free(source->end_path);
    source->end_path = mem_strdup(place->file);
    source->end_inode = place->inode;
    source->end_size = source->text.is_whole ? 0 : place->offset;
}

static enum status source_fetch(struct source *source,
                                const struct source_request *request,
                                struct arena *arena,
                                struct source_page *ret_page,
                                int64_t *ret_retry_after_us,
                                struct error *error)
{
    *ret_retry_after_us = -1;
    *ret_page = (struct source_page){.document = &source->document, .place = "files"};
    struct file_place place;
    TRY(file_place_read(request->cursor, arena, &place, error));
    bool at_end_of_it = false;
    for (;;) {
        const char *path;
        TRY(file_find(source->settings, &place, at_end_of_it, arena, &path, error));
        if (path == NULL) {
            break;
        }
        TRY(file_text_open(&source->text, source->settings, path, error));
        int64_t before = place.offset;
        if (source->settings->format == RECORDS_JSON) {
            TRY(page_of_document(source, path, &place, ret_page, error));
        } else {
            TRY(page_of_lines(source, path, &place, arena, ret_page, error));
        }
        ret_page->place = arena_strdup(arena, base_name(path));
        if (ret_page->count > 0) {
            break;
        }
        /* Lines without a record (empty ones, a header) are passed; at its end the next file
         * follows, if there is one. */
        at_end_of_it = place.offset == before;
    }
    ret_page->end = ret_page->count == 0;
    if (place.file != NULL) {
        const char *cursor = file_place_write(&place, arena);
        bool moved = request->cursor == NULL || strcmp(cursor, request->cursor) != 0;
        ret_page->cursor = moved ? cursor : NULL;
        remember_end(source, &place);
    }
    return STATUS_OK;
}

/* ---- news ---------------------------------------------------------------------------------------
 */

static bool has_news(const struct source *source)
{
    struct stat now;
    if (source->end_path == NULL) {
        struct arena arena CLEANUP(arena_deinit);
        arena_init(&arena, 0);
        struct file_place place = {.line = 1};
        const char *path = NULL;
        return file_find(source->settings, &place, false, &arena, &path, NULL) == STATUS_OK &&
               path != NULL;
    }
    if (stat(source->end_path, &now) == 0 &&
        (now.st_ino != source->end_inode || now.st_size != source->end_size)) {
        return true;
    }
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    struct file_place place = {.file = source->end_path, .inode = source->end_inode};
    const char *path = NULL;
    return file_find(source->settings, &place, true, &arena, &path, NULL) == STATUS_OK &&
           path != NULL;
}

/* A file that is not followed has no news between two ticks. */
static bool source_wait(struct source *source, int64_t timeout_us)
{
    int64_t until_us = clock_monotonic_us() + timeout_us;
    bool news = false;
    for (int64_t left_us = timeout_us; left_us > 0 && !news;
         left_us = until_us - clock_monotonic_us()) {
        clock_sleep_us(left_us < LOOK_US || !source->settings->follow ? left_us : LOOK_US);
        news = source->settings->follow && has_news(source);
    }
    return news;
}

static const char *source_describe(const struct source *source)
{
    return source->description;
}

const struct source_ops file_source_ops = {
    .name = "file",
    .settings = &file_source_settings,
    .open = source_open,
    .fetch = source_fetch,
    .wait = source_wait,
    .close = source_close,
    .describe = source_describe,
};
