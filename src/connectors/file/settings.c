#include "connectors/file/file_internal.h"
#include "connectors/file/file_source.h"

#include <stddef.h>

#define ROW(field, ...)                                                                            \
    {                                                                                              \
        .offset = offsetof(struct file_settings, field), __VA_ARGS__                               \
    }

/* clang-format off */
static const struct setting file_rows[] = {
    ROW(path, .name = "path", .type = SETTING_STRING, .flags = SETTING_REQUIRED,
        .help = "The file, or a pattern such as `/data/*.jsonl`. Several files are read in the order "
                "of their names, and a new one is expected to sort behind those before it. Names "
                "that end in `.gz` are decompressed."),
    ROW(format, .name = "format", .type = SETTING_CHOICE, .default_text = "lines",
        .choices = record_format_names,
        .help = "`lines` a JSON value a line, `csv` with a header line (all values are strings), "
                "`json` one document a file."),
    ROW(records, .name = "records", .type = SETTING_STRING,
        .help = "With `json`: path to the array of records; absent: the document itself."),
    ROW(separator, .name = "separator", .type = SETTING_STRING, .default_text = ",",
        .help = "With `csv`: the character between fields."),
    ROW(follow, .name = "follow", .type = SETTING_BOOL, .default_text = "false",
        .help = "Wait for more at the end of the last file, across rotation: a file that was "
                "renamed is read to its end before its successor."),
    ROW(page_bytes, .name = "page_bytes", .type = SETTING_BYTES, .default_text = "4 MiB",
        .min = 1, .max = 1 << 30, .help = "About so many bytes are one page, one transaction."),
    ROW(page_records, .name = "page_records", .type = SETTING_INT, .default_text = "10000",
        .min = 1, .max = 10000000, .help = "With `json`: so many records are one page."),
    ROW(line_bytes_max, .name = "line_max", .type = SETTING_BYTES, .default_text = "16 MiB",
        .min = 16, .max = 1 << 30, .help = "A longer line stops the source."),
    ROW(file_bytes_max, .name = "file_max", .type = SETTING_BYTES, .default_text = "1 GiB",
        .min = 16, .max = INT64_C(1) << 31,
        .help = "Files that are read as a whole (gzip, `json`) may be so large, as plain text."),
};
/* clang-format on */

const struct settings_table file_source_settings = {
    .name = "file",
    .help = "Records of files.",
    .rows = file_rows,
    .count = ARRAY_SIZE(file_rows),
    .struct_size = sizeof(struct file_settings),
};
