#include "codec/csv.h"

#include "base/utf8.h"
#include "codec/avro_value.h"
#include "codec/json_scan.h"

/* More columns than this are a mistake in the delimiter or in the file. */
#define COLUMNS_MAX 16384

/* One record while it is cut into cells. */
struct cutter {
    struct csv_reader *reader;
    const uint8_t *at;
    const uint8_t *end;
    bool last;
    const char *fault;
    uint64_t line; /* where `at` is */
};

/* What stands behind a cell. */
enum cell_end {
    CELL_NEXT,   /* another cell  */
    CELL_RECORD, /* the record's end */
    CELL_MORE,   /* the input ended inside the record */
    CELL_BAD
};

void csv_reader_init(struct csv_reader *reader, const struct csv_options *options)
{
    *reader = (struct csv_reader){.options = *options, .line = 1};
    if (reader->options.delimiter == '\0') {
        reader->options.delimiter = ',';
    }
    if (reader->options.quote == '\0') {
        reader->options.quote = '"';
    }
    arena_init(&reader->arena, 4096);
}

void csv_reader_deinit(struct csv_reader *reader)
{
    arena_deinit(&reader->arena);
    buffer_deinit(&reader->cell);
}

/* ---- Cells ----------------------------------------------------------------------------------- */

static bool at_line_end(const struct cutter *cutter)
{
    return cutter->at < cutter->end && (*cutter->at == '\n' || *cutter->at == '\r');
}

/* Steps over a line end. False if a CR is the last byte so far: a LF may follow. */
static bool take_line_end(struct cutter *cutter)
{
    if (*cutter->at == '\r') {
        if (cutter->end - cutter->at == 1 && !cutter->last) {
            return false;
        }
        if (cutter->end - cutter->at > 1 && cutter->at[1] == '\n') {
            cutter->at++;
        }
    }
    cutter->at++;
    cutter->line++;
    return true;
}

/* Behind a cell's text. */
static enum cell_end end_cell(struct cutter *cutter)
{
    if (cutter->at == cutter->end) {
        return cutter->last ? CELL_RECORD : CELL_MORE;
    }
    if (*cutter->at == (uint8_t) cutter->reader->options.delimiter) {
        cutter->at++;
        return CELL_NEXT;
    }
    if (at_line_end(cutter)) {
        return take_line_end(cutter) ? CELL_RECORD : CELL_MORE;
    }
    cutter->fault = "text behind a closing quote";
    return CELL_BAD;
}

/* The opening quote is at cutter->at. The cell's text goes to reader->cell. */
static enum cell_end cut_quoted(struct cutter *cutter)
{
    uint8_t quote = (uint8_t) cutter->reader->options.quote;
    struct buffer *cell = &cutter->reader->cell;
    cutter->at++;
    for (;;) {
        const uint8_t *close = memchr(cutter->at, quote, (size_t) (cutter->end - cutter->at));
        if (close == NULL) {
            if (!cutter->last) {
                return CELL_MORE;
            }
            cutter->at = cutter->end;
            cutter->fault = "a quote that is not closed";
            return CELL_BAD;
        }
        for (const uint8_t *at = cutter->at; at < close; at++) {
            cutter->line += *at == '\n' || (*at == '\r' && at[1] != '\n');
        }
        buffer_append(cell, cutter->at, (size_t) (close - cutter->at));
        cutter->at = close + 1;
        if (cutter->at == cutter->end && !cutter->last) {
            return CELL_MORE; /* the quote may be doubled */
        }
        if (cutter->at == cutter->end || *cutter->at != quote) {
            return end_cell(cutter);
        }
        buffer_append_byte(cell, quote);
        cutter->at++;
    }
}

static enum cell_end cut_cell(struct cutter *cutter, bool *ret_quoted)
{
    uint8_t delimiter = (uint8_t) cutter->reader->options.delimiter;
    uint8_t quote = (uint8_t) cutter->reader->options.quote;
    buffer_clear(&cutter->reader->cell);
    *ret_quoted = cutter->at < cutter->end && *cutter->at == quote;
    if (*ret_quoted) {
        return cut_quoted(cutter);
    }
    const uint8_t *start = cutter->at;
    while (cutter->at < cutter->end && *cutter->at != delimiter && !at_line_end(cutter)) {
        if (*cutter->at == quote) {
            cutter->fault = "a quote inside a cell that does not start with one";
            return CELL_BAD;
        }
        cutter->at++;
    }
    buffer_append(&cutter->reader->cell, start, (size_t) (cutter->at - start));
    return end_cell(cutter);
}

/* After a fault: to the end of the line, so that the next record can be read. False if the input
 * does not reach that far. */
static bool skip_line(struct cutter *cutter, const uint8_t *record)
{
    if (cutter->at > record && (cutter->at[-1] == '\n' || cutter->at[-1] == '\r')) {
        return true; /* the fault was seen behind the end */
    }
    while (cutter->at < cutter->end && !at_line_end(cutter)) {
        cutter->at++;
    }
    return cutter->at < cutter->end ? take_line_end(cutter) : cutter->last;
}

/* ---- Header ---------------------------------------------------------------------------------- */

static enum csv_cell cell_for(const struct avro_schema *schema, struct slice name)
{
    int found = schema == NULL ? -1 : avro_field_index(schema, name);
    for (uint32_t i = 0; found < 0 && schema != NULL && i < schema->field_count; i++) {
        for (uint32_t j = 0; j < schema->fields[i].alias_count; j++) {
            if (slice_equal_string(name, schema->fields[i].aliases[j])) {
                found = (int) i;
            }
        }
    }
    if (found < 0) {
        return CSV_TEXT;
    }
    const struct avro_schema *plain = avro_schema_plain(schema->fields[found].schema, NULL);
    if (plain == NULL) {
        return CSV_TEXT;
    }
    if (plain->kind == AVRO_BOOLEAN) {
        return CSV_BOOLEAN;
    }
    bool number =
        (plain->kind >= AVRO_INT && plain->kind <= AVRO_DOUBLE) || plain->logical == AVRO_DECIMAL;
    return number ? CSV_NUMBER : CSV_TEXT;
}

static bool add_column(struct cutter *cutter)
{
    struct csv_reader *reader = cutter->reader;
    struct slice name = buffer_slice(&reader->cell);
    if (name.size == 0 || !utf8_valid(name.data, name.size)) {
        cutter->fault = name.size == 0 ? "a column without a name" : "a name that is not UTF-8";
        return false;
    }
    CLEANUP(buffer_deinit) struct buffer quoted = BUFFER_INIT;
    buffer_append_json(&quoted, name);
    for (uint32_t i = 0; i < reader->column_count; i++) {
        if (slice_equal(reader->columns[i].name, buffer_slice(&quoted))) {
            cutter->fault = "a column name that stands twice";
            return false;
        }
    }
    if (reader->column_count == COLUMNS_MAX) {
        cutter->fault = "too many columns";
        return false;
    }
    uint32_t count = reader->column_count;
    if ((count & (count - 1)) == 0) { /* full at powers of two */
        reader->columns =
            arena_grow(&reader->arena, reader->columns, count * sizeof(*reader->columns),
                       (count == 0 ? 1 : 2 * count) * sizeof(*reader->columns));
    }
    reader->columns[count] = (struct csv_column){
        .name = arena_copy(&reader->arena, buffer_slice(&quoted)),
        .cell = cell_for(reader->options.schema, name),
    };
    reader->column_count++;
    return true;
}

static enum cell_end read_header(struct cutter *cutter)
{
    enum cell_end end;
    bool quoted;
    if (cutter->end - cutter->at >= 3 && memcmp(cutter->at, "\xef\xbb\xbf", 3) == 0) {
        cutter->at += 3;
    }
    do {
        end = cut_cell(cutter, &quoted);
        if ((end == CELL_NEXT || end == CELL_RECORD) && !add_column(cutter)) {
            end = CELL_BAD;
        }
    } while (end == CELL_NEXT);
    if (end != CELL_RECORD) {
        cutter->reader->columns = NULL;
        cutter->reader->column_count = 0;
    }
    return end;
}

/* ---- Records --------------------------------------------------------------------------------- */

static bool is_number(struct slice text)
{
    bool integral;
    const char *fault = NULL;
    return text.size > 0 &&
           json_scan_number(text.data, text.data + text.size, &integral, &fault) ==
               text.data + text.size &&
           fault == NULL;
}

static void
write_cell(struct csv_reader *reader, uint32_t column, bool quoted, struct buffer *target)
{
    struct slice text = buffer_slice(&reader->cell);
    enum csv_cell cell = reader->columns[column].cell;
    buffer_append_byte(target, column == 0 ? '{' : ',');
    buffer_append_slice(target, reader->columns[column].name);
    buffer_append_byte(target, ':');
    if (text.size == 0 && !quoted && reader->options.empty_is_null) {
        buffer_append_string(target, "null");
    } else if ((cell == CSV_NUMBER && is_number(text)) ||
               (cell == CSV_BOOLEAN &&
                (slice_equal_string(text, "true") || slice_equal_string(text, "false")))) {
        buffer_append_slice(target, text);
    } else {
        buffer_append_json(target, text);
    }
}

static enum cell_end read_record(struct cutter *cutter, struct buffer *target)
{
    struct csv_reader *reader = cutter->reader;
    enum cell_end end;
    uint32_t column = 0;
    const char *fault = NULL;
    do {
        bool quoted;
        end = cut_cell(cutter, &quoted);
        if (end != CELL_NEXT && end != CELL_RECORD) {
            return end;
        }
        if (!utf8_valid(reader->cell.data, reader->cell.size)) {
            fault = "text that is not UTF-8";
        } else if (column < reader->column_count) {
            write_cell(reader, column, quoted, target);
        }
        column++;
    } while (end == CELL_NEXT);
    if (column != reader->column_count && fault == NULL) {
        fault = column < reader->column_count ? "fewer cells than the header has"
                                              : "more cells than the header has";
    }
    if (fault != NULL) {
        cutter->fault = fault;
        return CELL_BAD;
    }
    buffer_append_byte(target, '}');
    return CELL_RECORD;
}

/* ---- Entry ----------------------------------------------------------------------------------- */

static enum status
bad_record(struct cutter *cutter, uint64_t line, bool header, struct error *error)
{
    cutter->reader->line = cutter->line;
    return error_set(error, header ? STATUS_CONFIG : STATUS_DATA, "line %llu: %s%s",
                     (unsigned long long) line, header ? "the header has " : "", cutter->fault);
}

enum status csv_read(struct csv_reader *reader,
                     struct slice input,
                     bool last,
                     struct buffer *target,
                     size_t *ret_size,
                     enum csv_event *ret_event,
                     struct error *error)
{
    static const uint8_t nothing[1] = {0};
    const uint8_t *start = input.size == 0 ? nothing : input.data;
    struct cutter cutter = {.reader = reader,
                            .at = start,
                            .end = start + input.size,
                            .last = last,
                            .line = reader->line};
    size_t before = target->size;
    *ret_size = 0;
    *ret_event = CSV_MORE;
    for (;;) {
        while (at_line_end(&cutter) && take_line_end(&cutter)) {
            *ret_size = (size_t) (cutter.at - start); /* blank lines */
            reader->line = cutter.line;
        }
        if (cutter.at == cutter.end) {
            *ret_event = last ? CSV_END : CSV_MORE;
            return STATUS_OK;
        }
        bool header = reader->columns == NULL;
        uint64_t line = cutter.line;
        const uint8_t *record = cutter.at;
        enum cell_end end = header ? read_header(&cutter) : read_record(&cutter, target);
        if (end == CELL_MORE || (end == CELL_BAD && !skip_line(&cutter, record))) {
            target->size = before;
            return STATUS_OK;
        }
        if (end == CELL_BAD) {
            target->size = before;
            *ret_size = (size_t) (cutter.at - start);
            return bad_record(&cutter, line, header, error);
        }
        *ret_size = (size_t) (cutter.at - start);
        reader->line = cutter.line;
        if (!header) {
            *ret_event = CSV_RECORD;
            return STATUS_OK;
        }
    }
}
