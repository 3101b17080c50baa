#pragma once

/*
 * Text of a page or a file as records: one JSON document, JSON lines, or CSV. Shared by the sources
 * that get text (HTTP, files). What cannot be read as a record is a record with a `fault`.
 */

#include "base/arena.h"
#include "connect/source.h"

enum record_format {
    RECORDS_JSON,  /* one document; `path` leads to the array of records */
    RECORDS_LINES, /* a JSON value a line; empty lines are skipped */
    RECORDS_CSV,   /* RFC 4180 with a header line; every value is a string */
};

/* For SETTING_CHOICE. */
extern const char *const record_format_names[]; /* "json", "lines", "csv", NULL */

struct record_text_options {
    enum record_format format;
    const char *path;     /* JSON: where the records are; NULL or "": the document itself */
    uint32_t depth_max;   /* 0: 128 */
    uint32_t first_place; /* the number of the first record or line, for `place` */
    char separator;       /* CSV; 0: a comma */
    struct slice header;  /* CSV: the header line if the text does not begin with it */
};

/* Where there is an array, its elements are the records; an object is one record; null is none.
 * STATUS_DATA if the text as a whole cannot be read (JSON, or a CSV header) or the path leads
 * nowhere. The document borrows `text` or memory of the arena. */
MUST_USE enum status record_text_read(const struct record_text_options *options,
                                      struct slice text,
                                      struct json_document *document,
                                      struct arena *arena,
                                      struct source_record **ret_records,
                                      size_t *ret_count,
                                      struct error *error);
