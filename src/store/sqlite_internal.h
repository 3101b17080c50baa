#pragma once

#include "store/sqlite.h"

#include <sqlite3.h>

struct db_statement {
    struct db *db;
    sqlite3_stmt *compiled;
    char *sql;
    uint64_t hash;             /* of sql */
    int bind_failed;           /* SQLite's code of the first bind that failed; 0: none */
    struct db_statement *next; /* among the free ones, the last used first */
};

struct db {
    sqlite3 *handle;
    char *path;
    bool read_only;
    int32_t user_version;
    struct db_statement *free_statements;
    size_t free_count;
    size_t used_count; /* prepared and not yet released */
};

/* Fills `error` from what SQLite says about its last failure: "could not <what> \"PATH\": ...".
 * `code` is the (extended) result code. */
enum status db_failed(const struct db *db, int code, const char *what, struct error *error);

/* Frees all kept statements. */
void db_drop_statements(struct db *db);
