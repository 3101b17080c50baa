#pragma once

/* What the files of the run store share. */

#include "orchestrate/run_store.h"
#include "store/sqlite.h"

struct run_store {
    struct db *db;
};

struct run_store_value {
    bool is_text;
    const char *text; /* NULL: null */
    int64_t integer;
};

#define VALUE_TEXT(value) ((struct run_store_value){.is_text = true, .text = (value)})
#define VALUE_INT(value)  ((struct run_store_value){.integer = (value)})

/* Runs a statement that gives no rows. */
MUST_USE enum status run_store_exec(struct run_store *store,
                                    const char *sql,
                                    const struct run_store_value *values,
                                    size_t count,
                                    struct error *error);

/* Prepares one that gives rows; texts of `values` must stay until its last step. */
MUST_USE enum status run_store_select(struct run_store *store,
                                      const char *sql,
                                      const struct run_store_value *values,
                                      size_t count,
                                      struct db_statement **ret_statement,
                                      struct error *error);

/* NULL for null. */
const char *run_store_text(const struct db_statement *statement, int column, struct arena *arena);

/* Room for one more of `count` items. */
void *run_store_grow(struct arena *arena, void *items, size_t count, size_t size);
