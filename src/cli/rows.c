#include "cli/rows.h"

#include "base/assert.h"
#include "base/buffer.h"
#include "base/time_text.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ROWS_HELD 1000

struct rows_cell {
    struct slice text; /* data NULL: null */
    bool quoted;       /* a string in JSON and CSV */
};

enum rows_form rows_form_of(bool json, bool csv)
{
    return json ? ROWS_JSON : csv ? ROWS_CSV : ROWS_TABLE;
}

void rows_init(struct rows *rows, enum rows_form form, const char *const *names, size_t columns)
{
    *rows = (struct rows){.form = form, .names = names, .columns = columns};
    arena_init(&rows->arena, 0);
}

/* ---- JSON and CSV ------------------------------------------------------------------------------
 */

static void write_csv_cell(struct slice text, bool quoted)
{
    bool special = quoted && text.size == 0; /* "" is empty, nothing is null */
    for (size_t i = 0; i < text.size && !special; i++) {
        special = strchr("\",\r\n", text.data[i]) != NULL;
    }
    if (!special) {
        (void) fwrite(text.data, 1, text.size, stdout);
        return;
    }
    (void) putchar('"');
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"') {
            (void) putchar('"');
        }
        (void) putchar(text.data[i]);
    }
    (void) putchar('"');
}

static void write_cell(struct rows *rows, const struct rows_cell *cell)
{
    size_t column = rows->column;
    if (rows->form == ROWS_CSV) {
        for (size_t i = 0; !rows->headed && i < rows->columns; i++) {
            (void) fputs(i == 0 ? "" : ",", stdout);
            write_csv_cell(slice_of_string(rows->names[i]), true);
        }
        (void) fputs(column > 0 ? "," : rows->headed ? "" : "\n", stdout);
        rows->headed = true;
        if (cell->text.data != NULL) {
            write_csv_cell(cell->text, cell->quoted);
        }
        return;
    }
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append_string(&text, column == 0 ? "{" : ",");
    buffer_append_json(&text, slice_of_string(rows->names[column]));
    buffer_append_byte(&text, ':');
    if (cell->text.data == NULL) {
        buffer_append_string(&text, "null");
    } else if (cell->quoted) {
        buffer_append_json(&text, cell->text);
    } else {
        buffer_append_slice(&text, cell->text);
    }
    (void) fwrite(text.data, 1, text.size, stdout);
}

/* ---- tables ------------------------------------------------------------------------------------
 */

/* What could move the cursor or colour the terminal is written out. */
static struct slice harmless(struct rows *rows, struct slice text)
{
    bool plain = utf8_valid(text.data, text.size);
    for (size_t i = 0; i < text.size && plain; i++) {
        bool c1 = text.data[i] == 0xc2 && i + 1 < text.size && text.data[i + 1] < 0xa0;
        plain = text.data[i] >= 0x20 && text.data[i] != 0x7f && !c1;
    }
    if (plain) {
        return arena_copy(&rows->arena, text);
    }
    struct buffer shown CLEANUP(buffer_deinit) = BUFFER_INIT;
    for (size_t i = 0; i < text.size;) {
        uint32_t point;
        size_t size = utf8_decode(text.data + i, text.size - i, &point);
        if (size == 0) {
            buffer_printf(&shown, "\\x%02x", text.data[i++]);
            continue;
        }
        if (point == '\n') {
            buffer_append_string(&shown, "\\n");
        } else if (point < 0x20 || (point >= 0x7f && point < 0xa0)) {
            buffer_printf(&shown, "\\u%04x", point);
        } else {
            buffer_append(&shown, text.data + i, size);
        }
        i += size;
    }
    return arena_copy(&rows->arena, buffer_slice(&shown));
}

static void hold_cell(struct rows *rows, const struct rows_cell *cell)
{
    size_t bytes = rows->cell_count * sizeof(*cell);
    rows->cells = arena_grow(&rows->arena, rows->cells, bytes, bytes + sizeof(*cell));
    struct rows_cell *held = &rows->cells[rows->cell_count++];
    *held = *cell;
    held->text = cell->text.data == NULL ? SLICE("NULL") : harmless(rows, cell->text);
}

static void print_padded(struct slice text, size_t width, bool right, bool last)
{
    size_t length = utf8_length(text.data, text.size);
    int blanks = length < width ? (int) (width - length) : 0;
    if (right) {
        (void) printf("%*s", blanks, "");
    }
    (void) fwrite(text.data, 1, text.size, stdout);
    if (!right && !last) {
        (void) printf("%*s", blanks, "");
    }
    (void) fputs(last ? "\n" : "  ", stdout);
}

static void measure(struct rows *rows)
{
    rows->widths = ARENA_ARRAY(&rows->arena, size_t, rows->columns);
    rows->right = ARENA_ARRAY(&rows->arena, bool, rows->columns);
    for (size_t i = 0; i < rows->columns; i++) {
        struct slice name = slice_of_string(rows->names[i]);
        rows->widths[i] = utf8_length(name.data, name.size);
        rows->right[i] = rows->cell_count > 0;
    }
    for (size_t i = 0; i < rows->cell_count; i++) {
        const struct rows_cell *cell = &rows->cells[i];
        size_t column = i % rows->columns;
        size_t length = utf8_length(cell->text.data, cell->text.size);
        rows->widths[column] = length > rows->widths[column] ? length : rows->widths[column];
        rows->right[column] = rows->right[column] && !cell->quoted;
    }
}

static void print_held(struct rows *rows)
{
    if (!rows->headed) {
        measure(rows);
        rows->headed = true;
        for (size_t i = 0; i < rows->columns; i++) {
            print_padded(harmless(rows, slice_of_string(rows->names[i])), rows->widths[i],
                         rows->right[i], i + 1 == rows->columns);
        }
        for (size_t i = 0; i < rows->columns; i++) {
            for (size_t c = 0; c < rows->widths[i]; c++) {
                (void) putchar('-');
            }
            (void) fputs(i + 1 == rows->columns ? "\n" : "  ", stdout);
        }
    }
    for (size_t i = 0; i < rows->cell_count; i++) {
        size_t column = i % rows->columns;
        print_padded(rows->cells[i].text, rows->widths[column], rows->right[column],
                     column + 1 == rows->columns);
    }
    rows->cell_count = 0;
}

/* ---- cells -------------------------------------------------------------------------------------
 */

static void add_cell(struct rows *rows, struct slice text, bool quoted)
{
    struct rows_cell cell = {text, quoted};
    ASSERT(rows->column < rows->columns);
    if (rows->form == ROWS_TABLE) {
        hold_cell(rows, &cell);
    } else {
        write_cell(rows, &cell);
    }
    rows->column++;
}

void rows_text(struct rows *rows, struct slice text)
{
    add_cell(rows, text.data == NULL ? SLICE("") : text, true);
}

void rows_string(struct rows *rows, const char *text)
{
    add_cell(rows, text == NULL ? SLICE_EMPTY : slice_of_string(text), true);
}

void rows_int(struct rows *rows, int64_t value)
{
    char text[32];
    int size = snprintf(text, sizeof(text), "%" PRId64, value);
    add_cell(rows, slice_of(text, (size_t) size), false);
}

void rows_bool(struct rows *rows, bool value)
{
    add_cell(rows, value ? SLICE("true") : SLICE("false"), false);
}

void rows_time(struct rows *rows, int64_t time_us)
{
    char text[TIME_TEXT_BYTES];
    if (time_us == 0) {
        rows_null(rows);
        return;
    }
    add_cell(rows, slice_of(text, time_format(time_us, text)), true);
}

void rows_null(struct rows *rows)
{
    add_cell(rows, SLICE_EMPTY, false);
}

void rows_value(struct rows *rows, struct slice json)
{
    if (slice_equal(json, SLICE("null"))) {
        rows_null(rows);
        return;
    }
    bool string = json.size >= 2 && json.data[0] == '"';
    bool escaped = string && memchr(json.data, '\\', json.size) != NULL;
    if (string && !escaped) {
        add_cell(rows, slice_of(json.data + 1, json.size - 2), true);
    } else {
        add_cell(rows, json, false);
    }
}

void rows_end(struct rows *rows)
{
    ASSERT(rows->column == rows->columns);
    rows->column = 0;
    rows->count++;
    if (rows->form != ROWS_TABLE) {
        (void) fputs(rows->form == ROWS_JSON ? "}\n" : "\n", stdout);
    } else if (rows->cell_count >= ROWS_HELD * rows->columns) {
        print_held(rows);
    }
}

void rows_finish(struct rows *rows)
{
    if (rows->form == ROWS_TABLE && rows->columns > 0) {
        print_held(rows);
    }
    (void) fflush(stdout);
    arena_deinit(&rows->arena);
}
