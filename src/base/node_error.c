#include "base/node_internal.h"

#include "base/utf8.h"

#include <stdio.h>

/* Of a long line only this many code points around the column are shown. */
#define SHOWN_BEFORE 60
#define SHOWN_AFTER  40

void node_place(const struct document *document, size_t offset, int *ret_line, int *ret_column)
{
    const uint8_t *text = document->text.data;
    size_t end = offset < document->text.size ? offset : document->text.size;
    int line = 1;
    size_t line_start = 0;
    for (size_t i = 0; i < end; i++) {
        if (text[i] == '\n') {
            line++;
            line_start = i + 1;
        }
    }
    *ret_line = line;
    *ret_column = (int) utf8_length(text + line_start, end - line_start) + 1;
}

/* ---- from a place in a scalar's text to the place in the document ------------------------- */

/* Bytes that a double-quoted escape takes in the document; `at` is its backslash. */
static size_t escape_size(struct slice text, size_t at)
{
    if (at + 1 >= text.size) {
        return 1;
    }
    switch (text.data[at + 1]) {
    case 'x':
        return 4;
    case 'u':
        return 6;
    case 'U':
        return 10;
    default:
        return 2;
    }
}

static size_t skip_blanks(struct slice text, size_t at, size_t end, size_t count_max)
{
    size_t stop = end - at < count_max ? end : at + count_max;
    while (at < stop && (text.data[at] == ' ' || text.data[at] == '\t' || text.data[at] == '\r')) {
        at++;
    }
    return at;
}

/* After a line break in the document: the next text, past indentation and, in folded styles, past
 * the blank lines that became line breaks of the value. */
static size_t next_line(const struct node_origin *origin, struct slice text, size_t at)
{
    bool block = origin->style == STYLE_LITERAL || origin->style == STYLE_FOLDED;
    return skip_blanks(text, at + 1, origin->end, block ? origin->indent : SIZE_MAX);
}

/* A backslash at the end of a line: two lines become one without a blank. */
static bool joins_lines(const struct node_origin *origin, struct slice text, size_t at)
{
    return origin->style == STYLE_DOUBLE_QUOTED && at + 1 < origin->end && text.data[at] == '\\' &&
           (text.data[at + 1] == '\n' || text.data[at + 1] == '\r');
}

/*
 * Walks the document and the value side by side until the value stands at `offset`. Within a line
 * both agree byte for byte but for escapes; a line break of the document is one byte of the value
 * (a line break or, folded, a blank), or none. The walk need only be right where people look: on
 * text that cannot be aligned it ends early, on the right line.
 */
static size_t align(const struct node_origin *origin, struct slice text, size_t offset)
{
    struct slice value = origin->parsed;
    bool block = origin->style == STYLE_LITERAL || origin->style == STYLE_FOLDED;
    size_t at = origin->start;
    if (block) {
        at = skip_blanks(text, at, origin->end, origin->indent);
    }
    size_t done = 0;
    while (done < offset && done < value.size && at < origin->end) {
        uint8_t wanted = value.data[done];
        uint8_t found = text.data[at];
        if (joins_lines(origin, text, at)) {
            at = next_line(origin, text, at + 1);
        } else if (origin->style == STYLE_DOUBLE_QUOTED && found == '\\') {
            size_t size = escape_size(text, at);
            uint32_t code_point;
            size_t width = utf8_decode(value.data + done, value.size - done, &code_point);
            at += size;
            done += width == 0 ? 1 : width;
        } else if (origin->style == STYLE_SINGLE_QUOTED && found == '\'') {
            at += 2;
            done++;
        } else if (found == '\n') {
            at = next_line(origin, text, at);
            done += wanted == '\n' || wanted == ' ' ? 1 : 0;
        } else if (found == wanted) {
            at++;
            done++;
        } else if (found == ' ' || found == '\t' || found == '\r') {
            at++; /* blanks at the end of a folded line */
        } else if (wanted == '\n' || wanted == ' ') {
            done++;
        } else {
            break;
        }
    }
    /* The place of a value's byte is where its own text begins, not the break before it. */
    while (done < value.size && at < origin->end && value.data[done] != '\n' &&
           value.data[done] != ' ') {
        if (joins_lines(origin, text, at)) {
            at = next_line(origin, text, at + 1);
        } else if (text.data[at] == '\n') {
            at = next_line(origin, text, at);
        } else {
            break;
        }
    }
    return at < text.size ? at : text.size;
}

/* Undoes node_expand: a place inside a replacement is the start of its ${...}. */
static size_t parsed_offset(const struct node_origin *origin, size_t offset)
{
    size_t parsed = offset;
    for (size_t i = 0; i < origin->edit_count; i++) {
        const struct node_edit *edit = &origin->edits[i];
        if (offset < edit->at) {
            break;
        }
        if (offset < edit->at + edit->size) {
            return edit->parsed_at;
        }
        parsed = offset - (edit->at + edit->size) + edit->parsed_at + edit->parsed_size;
    }
    return parsed;
}

size_t node_source_offset(const struct node *node, size_t offset)
{
    return align(node->origin, node->document->text, parsed_offset(node->origin, offset));
}

/* ---- messages ----------------------------------------------------------------------------- */

/* Text from a file may hold anything; a terminal must not obey it. */
static void make_harmless(char *text)
{
    for (char *c = text; *c != '\0'; c++) {
        unsigned char byte = (unsigned char) *c;
        if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f) {
            *c = '?';
        }
    }
}

static struct slice line_text(struct slice text, int line)
{
    size_t start = 0;
    for (int i = 1; i < line && start < text.size; start++) {
        i += text.data[start] == '\n' ? 1 : 0;
    }
    size_t end = start;
    while (end < text.size && text.data[end] != '\n') {
        end++;
    }
    while (end > start && (text.data[end - 1] == '\r' || text.data[end - 1] == '\0')) {
        end--;
    }
    return slice_of(text.data + start, end - start);
}

/* Bytes of the first `count` code points. */
static size_t prefix_bytes(struct slice line, size_t count)
{
    size_t i = 0;
    for (; count > 0 && i < line.size; count--) {
        uint32_t code_point;
        size_t width = utf8_decode(line.data + i, line.size - i, &code_point);
        i += width == 0 ? 1 : width;
    }
    return i;
}

/* "\n<line>\n<blanks>^", behind the message; nothing if it does not fit. */
static void append_excerpt(struct error *error, struct slice line, int column)
{
    size_t before = (size_t) column - 1;
    size_t skipped = before > SHOWN_BEFORE ? before - SHOWN_BEFORE : 0;
    size_t start = prefix_bytes(line, skipped);
    struct slice rest = slice_of(line.data + start, line.size - start);
    size_t shown = prefix_bytes(rest, before - skipped + SHOWN_AFTER);
    const char *left = skipped > 0 ? "..." : "";
    const char *right = shown < rest.size ? "..." : "";

    /* Tabs before the caret stay tabs, so that it stands below its column at any tab width. */
    char blanks[SHOWN_BEFORE + 4];
    size_t count = 0;
    for (; count < strlen(left); count++) {
        blanks[count] = ' ';
    }
    for (size_t i = 0; i < before - skipped; i++) {
        size_t at = prefix_bytes(rest, i);
        blanks[count++] = at < rest.size && rest.data[at] == '\t' ? '\t' : ' ';
    }
    blanks[count] = '\0';

    size_t used = strlen(error->message);
    size_t room = sizeof(error->message) - used;
    int length = snprintf(error->message + used, room, "\n%s%.*s%s\n%s^", left, (int) shown,
                          shown == 0 ? "" : (const char *) rest.data, right, blanks);
    if (length < 0 || (size_t) length >= room) {
        error->message[used] = '\0';
    }
}

static PRINTF(5, 0) enum status error_place_va(struct error *error,
                                               const struct document *document,
                                               int line,
                                               int column,
                                               const char *format,
                                               va_list arguments)
{
    if (error == NULL) {
        return STATUS_CONFIG;
    }
    (void) error_set_va(error, STATUS_CONFIG, format, arguments);
    if (document != NULL) {
        error_context(error, "%s:%d:%d", document->name, line, column);
        struct slice shown = line_text(document->text, line);
        if (shown.size > 0) {
            append_excerpt(error, shown, column);
        }
    }
    make_harmless(error->message);
    return STATUS_CONFIG;
}

enum status node_error_place(struct error *error,
                             const struct document *document,
                             int line,
                             int column,
                             const char *format,
                             ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void) error_place_va(error, document, line, column, format, arguments);
    va_end(arguments);
    return STATUS_CONFIG;
}

enum status node_error(struct error *error, const struct node *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void) error_place_va(error, node->document, node->line, node->column, format, arguments);
    va_end(arguments);
    return STATUS_CONFIG;
}

enum status
node_error_at(struct error *error, const struct node *node, size_t offset, const char *format, ...)
{
    int line = node->line;
    int column = node->column;
    if (node->origin != NULL && node->document != NULL) {
        node_place(node->document, node_source_offset(node, offset), &line, &column);
    }
    va_list arguments;
    va_start(arguments, format);
    (void) error_place_va(error, node->document, line, column, format, arguments);
    va_end(arguments);
    return STATUS_CONFIG;
}
