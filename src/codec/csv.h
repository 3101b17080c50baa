#pragma once

/*
 * A CSV reader (RFC 4180): header row, quoted cells with doubled quotes and line ends inside, LF,
 * CRLF or CR. Each record becomes the text of a JSON object whose members are named by the header,
 * so that staging sees one shape whatever the source is.
 *
 * Cells are strings. Numbers and booleans are written as such only where a schema says that the
 * field is one and the cell is a valid JSON number, or true or false; anything else stays a string
 * and is judged as drift behind. An empty cell that is not quoted may stand for null.
 *
 * The reader works on chunks and keeps nothing of them: the caller keeps what was not used and adds
 * to it.
 */

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "codec/avro_schema.h"

#include <stdbool.h>
#include <stdint.h>

struct csv_options {
    char delimiter;                   /* 0: comma                                            */
    char quote;                       /* 0: double quote                                     */
    bool empty_is_null;               /* an empty cell without quotes is null, not ""        */
    const struct avro_schema *schema; /* a record, or NULL: every cell is a string */
};

/* How a column's cells are written. */
enum csv_cell {
    CSV_TEXT,
    CSV_NUMBER,
    CSV_BOOLEAN
};

struct csv_column {
    struct slice name; /* as a JSON string, with quotes */
    enum csv_cell cell;
};

struct csv_reader {
    struct csv_options options;
    struct arena arena;
    struct csv_column *columns; /* NULL before the header was read */
    uint32_t column_count;
    uint64_t line; /* of what comes next, from 1 */
    struct buffer cell;
};

enum csv_event {
    CSV_RECORD, /* one record was appended                                       */
    CSV_MORE,   /* the input holds no whole record; call again with more of it   */
    CSV_END     /* the input is used up and it was the last                      */
};

void csv_reader_init(struct csv_reader *reader, const struct csv_options *options);
void csv_reader_deinit(struct csv_reader *reader);

/* Reads one record from the front of `input` and appends its JSON text to `target`. `last`: nothing
 * follows `input`. `ret_size`: bytes used, also with CSV_MORE (a header) and on failure, when it
 * covers the bad record, so that the caller can put it aside and go on. STATUS_DATA names the line;
 * a bad header is STATUS_CONFIG and final. */
MUST_USE enum status csv_read(struct csv_reader *reader,
                              struct slice input,
                              bool last,
                              struct buffer *target,
                              size_t *ret_size,
                              enum csv_event *ret_event,
                              struct error *error);
