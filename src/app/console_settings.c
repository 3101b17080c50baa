/* `console:` of a pipeline file: who may use the console of the leat that runs it. */

#include "app/pipeline.h"

#define ROW(structure, field, kind, ...)                                                           \
    {                                                                                              \
        .name = #field, .type = (kind), .offset = offsetof(struct structure, field), __VA_ARGS__   \
    }

#define TABLE(rows_, name_, structure, help_)                                                      \
    {                                                                                              \
        .name = (name_), .help = (help_), .rows = (rows_), .count = ARRAY_SIZE(rows_),             \
        .struct_size = sizeof(struct structure)                                                    \
    }

/* clang-format off */
static const struct setting tls_rows[] = {
    ROW(tls_settings, certificate, SETTING_STRING, .flags = SETTING_REQUIRED,
        .help = "PEM file: the server's certificate, and behind it those up to the authority's."),
    ROW(tls_settings, key, SETTING_STRING, .flags = SETTING_REQUIRED,
        .help = "PEM file with its private key, without a password."),
};
static const struct settings_table tls_table =
    TABLE(tls_rows, "tls", tls_settings, "HTTPS, versions 1.2 and 1.3.");

static const struct setting console_rows[] = {
    ROW(console_settings, users, SETTING_STRING,
        .help = "File with users and tokens (`leat user`, `leat token`): then a login is needed. "
                "`--users` comes before it."),
    ROW(console_settings, tls, SETTING_SECTION, .section = &tls_table,
        .help = "Certificate and key; without them the console speaks plain HTTP."),
};
const struct settings_table console_settings_table =
    TABLE(console_rows, "console", console_settings,
          "The web console and REST API of the process. Of several files the first that has this section counts.");
/* clang-format on */
