#pragma once

/*
 * Rows of a result on stdout, in one of three forms: an aligned table for people, a JSON object a
 * line, or CSV (RFC 4180, with a header). JSON and CSV are written as they come; a table holds the
 * first thousand rows to find the widths, and later rows keep them.
 *
 *     rows_init(&rows, ROWS_TABLE, names, 2);
 *     rows_text(&rows, slice); rows_int(&rows, 3); rows_end(&rows);
 *     rows_finish(&rows);
 */

#include "base/arena.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rows_form {
    ROWS_TABLE,
    ROWS_JSON,
    ROWS_CSV,
};

struct rows_cell;

struct rows {
    enum rows_form form;
    struct arena arena;
    const char *const *names;
    size_t columns;
    struct rows_cell *cells; /* held for a table */
    size_t cell_count;
    size_t column; /* of the next cell */
    size_t *widths;
    bool *right; /* numbers stand to the right */
    bool headed;
    int64_t count; /* rows so far */
};

/* `names` is borrowed. */
void rows_init(struct rows *rows, enum rows_form form, const char *const *names, size_t columns);

void rows_text(struct rows *rows, struct slice text);
void rows_string(struct rows *rows, const char *text); /* NULL: null */
void rows_int(struct rows *rows, int64_t value);
void rows_bool(struct rows *rows, bool value);
void rows_time(struct rows *rows, int64_t time_us); /* 0: null */
void rows_null(struct rows *rows);

/* JSON text of a value: unquoted in a table if it is a plain string. */
void rows_value(struct rows *rows, struct slice json);

void rows_end(struct rows *rows);    /* of a row */
void rows_finish(struct rows *rows); /* prints what is held, and frees */

/* --json and --csv of a command. */
enum rows_form rows_form_of(bool json, bool csv);
