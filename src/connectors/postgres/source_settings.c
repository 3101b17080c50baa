#include "connectors/postgres/postgres_source.h"
#include "connectors/postgres/source_internal.h"

#include <stddef.h>

static const char *const snapshot_choices[] = {"initial", "never", "when_lost", NULL};
static const char *const numeric_choices[] = {"text", "decimal", NULL};

#define ROW(field, ...)                                                                            \
    {                                                                                              \
        .offset = offsetof(struct postgres_settings, field), __VA_ARGS__                           \
    }

/* clang-format off */
static const struct setting postgres_rows[] = {
    ROW(url, .name = "url", .type = SETTING_STRING, .flags = SETTING_REQUIRED | SETTING_SECRET,
        .help = "The database: `postgresql://user@host:5432/database`, with any parameter of libpq "
                "(`sslmode=verify-full`). The role needs REPLICATION and SELECT on the tables."),
    ROW(tables, .name = "tables", .type = SETTING_STRINGS, .flags = SETTING_REQUIRED,
        .help = "The tables: `users` (in `public`), `shop.orders`, or patterns such as `shop.*`. "
                "With several tables each record has the field `_table`."),
    ROW(publication, .name = "publication", .type = SETTING_STRING,
        .help = "Name of the publication; it is made if it is not there. Without this setting "
                "`leat_PIPELINE_SOURCE`. Row filters and column lists hold for the first rows too."),
    ROW(slot, .name = "slot", .type = SETTING_STRING,
        .help = "Name of the replication slot; it is made if it is not there. Without this setting "
                "`leat_PIPELINE_SOURCE`. Nobody else may read from it."),
    ROW(snapshot, .name = "snapshot", .type = SETTING_CHOICE, .default_text = "initial",
        .choices = snapshot_choices,
        .help = "`initial` reads the rows there are first, and then every change since; `never` "
                "begins with the changes; `when_lost` is `initial`, and reads the rows again when "
                "the server no longer has the changes that are to come next."),
    ROW(numeric, .name = "numeric", .type = SETTING_CHOICE, .default_text = "text",
        .choices = numeric_choices,
        .help = "How `numeric` values are written: `text` keeps all digits, of any; with `decimal` "
                "those with a precision of at most 38 are decimals, the others text."),
    ROW(metadata, .name = "metadata", .type = SETTING_STRINGS,
        .help = "More fields: `table` (`_table`), `lsn` (`_lsn`, where the commit stands in the "
                "server's log) and `committed_at` (`_committed_at`, null for rows that were there "
                "at the start)."),
    ROW(page_records, .name = "page_records", .type = SETTING_INT, .default_text = "10000",
        .min = 1, .max = 1000000, .help = "At most so many records are one page, one transaction "
                                          "of staging. Large transactions are several pages."),
    ROW(page_bytes, .name = "page_bytes", .type = SETTING_BYTES, .default_text = "4 MiB",
        .min = 1, .max = 1 << 30, .help = "About so many bytes are one page."),
};
/* clang-format on */

const struct settings_table postgres_source_settings = {
    .name = "postgres",
    .help = "Rows of PostgreSQL tables and every change of them, by logical replication.",
    .rows = postgres_rows,
    .count = ARRAY_SIZE(postgres_rows),
    .struct_size = sizeof(struct postgres_settings),
};
