#include "connect/record_text.h"

#include "codec/csv.h"

const char *const record_format_names[] = {"json", "lines", "csv", NULL};

/* Records of the array, in order. */
static struct source_record *elements(const struct json_document *document,
                                      uint32_t array,
                                      uint32_t first_place,
                                      struct arena *arena,
                                      size_t *ret_count)
{
    uint32_t count = json_at(document, array)->count;
    struct source_record *records = ARENA_ARRAY(arena, struct source_record, count);
    uint32_t at = array + 1;
    for (uint32_t i = 0; i < count; i++) {
        records[i] = (struct source_record){
            .value = at, .raw = json_raw(document, at), .place = first_place + i};
        at = json_at(document, at)->next;
    }
    *ret_count = count;
    return records;
}

/* ---- one JSON document ------------------------------------------------------------------------
 */

/* The names at the top of an object, for a message. */
static const char *names_of(const struct json_document *document, struct arena *arena)
{
    if (json_at(document, 0)->kind != JSON_KIND_OBJECT) {
        return "the document is no object";
    }
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append_string(&text, "there is");
    uint32_t at = 1;
    for (uint32_t i = 0; i < json_at(document, 0)->count && i < 8; i++) {
        buffer_append_string(&text, i == 0 ? " " : ", ");
        buffer_append_slice(&text, json_raw(document, at));
        at = json_at(document, at + 1)->next;
    }
    return arena_strdup(arena, buffer_string(&text));
}

static enum status read_json(const struct record_text_options *options,
                             struct slice text,
                             struct json_document *document,
                             struct arena *arena,
                             struct source_record **ret_records,
                             size_t *ret_count,
                             struct error *error)
{
    TRY(json_parse(document, text, options->depth_max, error));
    const char *path = options->path == NULL ? "" : options->path;
    uint32_t found = json_path(document, 0, path);
    if (found == UINT32_MAX) {
        error_set(error, STATUS_DATA, "the records should be at \"%s\", where nothing is", path);
        error_hint(error, "%s", names_of(document, arena));
        return STATUS_DATA;
    }
    switch ((enum json_kind) json_at(document, found)->kind) {
    case JSON_KIND_ARRAY:
        *ret_records = elements(document, found, options->first_place, arena, ret_count);
        return STATUS_OK;
    case JSON_KIND_OBJECT:
        *ret_records = ARENA_NEW(arena, struct source_record);
        **ret_records = (struct source_record){
            .value = found, .raw = json_raw(document, found), .place = options->first_place};
        *ret_count = 1;
        return STATUS_OK;
    case JSON_KIND_NULL:
        *ret_records = NULL;
        *ret_count = 0;
        return STATUS_OK;
    default:
        return error_set(error, STATUS_DATA,
                         "the records should be at \"%s\", where a plain value is", path);
    }
}

/* ---- JSON lines --------------------------------------------------------------------------------
 * All good lines become one array, so that there is one document. First all lines are tried at
 * once; only if one of them is no value, each is looked at by itself. */

struct line {
    struct slice text;
    uint32_t place;
    const char *fault;
    size_t start; /* in the array's text */
};

static struct line *
split_lines(struct slice text, uint32_t first_place, struct arena *arena, size_t *ret_count)
{
    size_t capacity = 1;
    for (size_t i = 0; i < text.size; i++) {
        capacity += text.data[i] == '\n';
    }
    struct line *lines = ARENA_ARRAY(arena, struct line, capacity);
    size_t count = 0;
    uint32_t place = first_place;
    for (size_t at = 0; at < text.size; place++) {
        const uint8_t *end = memchr(text.data + at, '\n', text.size - at);
        size_t size = end == NULL ? text.size - at : (size_t) (end - (text.data + at));
        struct slice line = slice_of(text.data + at, size);
        at += size + 1;
        while (line.size > 0 && strchr(" \t\r", line.data[line.size - 1]) != NULL &&
               line.data[line.size - 1] != '\0') {
            line.size--;
        }
        if (line.size > 0) {
            lines[count++] = (struct line){.text = line, .place = place};
        }
    }
    *ret_count = count;
    return lines;
}

/* "[line,line,...]" of the lines without a fault. */
static struct slice join_lines(struct line *lines, size_t count, struct arena *arena)
{
    size_t size = 2;
    for (size_t i = 0; i < count; i++) {
        size += lines[i].text.size + 1;
    }
    uint8_t *text = arena_alloc(arena, size);
    size_t at = 0;
    text[at++] = '[';
    bool first = true;
    for (size_t i = 0; i < count; i++) {
        if (lines[i].fault != NULL) {
            continue;
        }
        if (!first) {
            text[at++] = ',';
        }
        first = false;
        lines[i].start = at;
        memcpy(text + at, lines[i].text.data, lines[i].text.size);
        at += lines[i].text.size;
    }
    text[at++] = ']';
    return slice_of(text, at);
}

/* Is each line one element of the array? Lines such as "1,2" and "[3" with "4]" could conspire. */
static bool lines_match(const struct json_document *document,
                        const struct line *lines,
                        size_t count,
                        size_t good)
{
    if (json_at(document, 0)->count != good) {
        return false;
    }
    uint32_t at = 1;
    for (size_t i = 0; i < count; i++) {
        if (lines[i].fault != NULL) {
            continue;
        }
        struct slice raw = json_raw(document, at);
        size_t start = (size_t) (raw.data - document->text.data);
        size_t blanks = 0;
        while (blanks < lines[i].text.size && strchr(" \t", lines[i].text.data[blanks]) != NULL) {
            blanks++;
        }
        if (start != lines[i].start + blanks || blanks + raw.size != lines[i].text.size) {
            return false;
        }
        at = json_at(document, at)->next;
    }
    return true;
}

static enum status read_lines(const struct record_text_options *options,
                              struct slice text,
                              struct json_document *document,
                              struct arena *arena,
                              struct source_record **ret_records,
                              size_t *ret_count,
                              struct error *error)
{
    size_t count;
    struct line *lines = split_lines(text, options->first_place, arena, &count);
    /* One level more, as the array is one. */
    uint32_t depth_max = options->depth_max == 0 ? 0 : options->depth_max + 1;
    size_t good = count;
    enum status status = json_parse(document, join_lines(lines, count, arena), depth_max, NULL);
    if (status != STATUS_OK || !lines_match(document, lines, count, good)) {
        struct error fault = {0};
        for (size_t i = 0; i < count; i++) {
            if (json_parse(document, lines[i].text, options->depth_max, &fault) != STATUS_OK) {
                lines[i].fault = arena_strdup(arena, fault.message);
                good--;
            }
        }
        TRY(json_parse(document, join_lines(lines, count, arena), depth_max, error));
    }
    struct source_record *records = ARENA_ARRAY(arena, struct source_record, count);
    uint32_t at = 1;
    for (size_t i = 0; i < count; i++) {
        records[i] = (struct source_record){.value = UINT32_MAX,
                                            .raw = lines[i].text,
                                            .fault = lines[i].fault,
                                            .place = lines[i].place};
        if (lines[i].fault == NULL) {
            records[i].value = at;
            at = json_at(document, at)->next;
        }
    }
    *ret_records = records;
    *ret_count = count;
    return STATUS_OK;
}

/* ---- CSV ---------------------------------------------------------------------------------------
 * Each row becomes the text of an object, all of them one array, which is the document. */

/* Reads one row to the end of `json`. False: there is none. */
static enum status csv_row(struct csv_reader *reader,
                           struct slice text,
                           size_t *at,
                           struct buffer *json,
                           bool *ret_found,
                           struct error *error)
{
    size_t size = json->size;
    size_t used = 0;
    enum csv_event event = CSV_END;
    if (size > 1) {
        buffer_append_byte(json, ',');
    }
    struct slice rest = text.size == 0 ? text : slice_of(text.data + *at, text.size - *at);
    enum status status = csv_read(reader, rest, true, json, &used, &event, error);
    *at += used;
    *ret_found = status == STATUS_DATA || (status == STATUS_OK && event == CSV_RECORD);
    if (status != STATUS_OK || event != CSV_RECORD) {
        json->size = size;
    }
    return status;
}

/* A header that stands elsewhere is read first. */
static enum status csv_header(struct csv_reader *reader,
                              const struct record_text_options *options,
                              struct error *error)
{
    struct buffer header CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct buffer none CLEANUP(buffer_deinit) = BUFFER_INIT;
    if (options->header.size == 0) {
        return STATUS_OK;
    }
    buffer_append_slice(&header, options->header);
    buffer_append_byte(&header, '\n');
    size_t used;
    enum csv_event event;
    return csv_read(reader, buffer_slice(&header), false, &none, &used, &event, error);
}

static enum status csv_rows(struct csv_reader *reader,
                            const struct record_text_options *options,
                            struct slice text,
                            struct buffer *json,
                            struct arena *arena,
                            struct source_record **ret_records,
                            size_t *ret_count,
                            struct error *error)
{
    TRY(csv_header(reader, options, error));
    uint64_t lines_before = reader->line - 1;
    struct source_record *records = NULL;
    size_t count = 0;
    size_t capacity = 0;
    size_t at = 0;
    bool found = true;
    while (found) {
        size_t begin = at;
        uint32_t place = options->first_place + (uint32_t) (reader->line - 1 - lines_before);
        bool no_header_yet = reader->columns == NULL;
        struct error fault = {0};
        enum status status = csv_row(reader, text, &at, json, &found, &fault);
        if (status != STATUS_OK && status != STATUS_DATA) {
            if (error != NULL) {
                *error = fault;
                error->status = STATUS_DATA; /* a bad header: nothing of the text can be read */
            }
            return STATUS_DATA;
        }
        if (!found) {
            break;
        }
        if (count == capacity) {
            size_t grown = capacity == 0 ? 64 : 2 * capacity;
            records = arena_grow(arena, records, capacity * sizeof(records[0]),
                                 grown * sizeof(records[0]));
            capacity = grown;
        }
        records[count++] = (struct source_record){
            .value = UINT32_MAX,
            .raw = slice_of(text.data + begin, at - begin),
            .fault = status == STATUS_OK ? NULL : arena_strdup(arena, fault.message),
            .place = no_header_yet ? place + 1 : place,
        };
    }
    *ret_records = records;
    *ret_count = count;
    return STATUS_OK;
}

static enum status read_csv(const struct record_text_options *options,
                            struct slice text,
                            struct json_document *document,
                            struct arena *arena,
                            struct source_record **ret_records,
                            size_t *ret_count,
                            struct error *error)
{
    struct csv_reader reader;
    struct buffer json CLEANUP(buffer_deinit) = BUFFER_INIT;
    csv_reader_init(&reader, &(struct csv_options){.delimiter = options->separator});
    buffer_append_byte(&json, '[');
    enum status status =
        csv_rows(&reader, options, text, &json, arena, ret_records, ret_count, error);
    csv_reader_deinit(&reader);
    TRY(status);
    buffer_append_byte(&json, ']');
    TRY(json_parse(document, arena_copy(arena, buffer_slice(&json)), 0, error));
    uint32_t at = 1;
    for (size_t i = 0; i < *ret_count; i++) {
        struct source_record *record = &(*ret_records)[i];
        if (record->fault == NULL) {
            record->value = at;
            record->raw = json_raw(document, at); /* what staging shows is JSON */
            at = json_at(document, at)->next;
        }
    }
    return STATUS_OK;
}

enum status record_text_read(const struct record_text_options *options,
                             struct slice text,
                             struct json_document *document,
                             struct arena *arena,
                             struct source_record **ret_records,
                             size_t *ret_count,
                             struct error *error)
{
    *ret_records = NULL;
    *ret_count = 0;
    switch (options->format) {
    case RECORDS_JSON:
        return read_json(options, text, document, arena, ret_records, ret_count, error);
    case RECORDS_LINES:
        return read_lines(options, text, document, arena, ret_records, ret_count, error);
    case RECORDS_CSV:
        return read_csv(options, text, document, arena, ret_records, ret_count, error);
    }
    return error_set(error, STATUS_INTERNAL, "there is no record format %d", options->format);
}
