#include "store/sqlite_internal.h"

#include "base/memory.h"

/* Text of a column, "" for null. Stays as the statement's row does. */
static const char *column_string(const struct db_statement *statement, int column)
{
    struct slice text = statement_column_text(statement, column); /* SQLite ends it with a NUL */
    return text.data == NULL ? "" : (const char *) text.data;
}

enum status db_tables(struct db *db,
                      enum status (*visit)(void *context, const char *table, struct error *error),
                      void *context,
                      struct error *error)
{
    static const char sql[] = "SELECT name FROM sqlite_schema WHERE type = 'table' AND "
                              "name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid";
    CLEANUP(statement_release_pointer) struct db_statement *statement = NULL;
    TRY(db_prepare(db, sql, &statement, error));
    for (;;) {
        bool row;
        TRY(statement_step(statement, &row, error));
        if (!row) {
            return STATUS_OK;
        }
        TRY(visit(context, column_string(statement, 0), error));
    }
}

enum status
db_columns(struct db *db,
           const char *table,
           enum status (*visit)(void *context, const struct db_column *column, struct error *error),
           void *context,
           struct error *error)
{
    static const char sql[] = "SELECT name, type, \"notnull\", pk FROM pragma_table_info(?1)";
    CLEANUP(statement_release_pointer) struct db_statement *statement = NULL;
    TRY(db_prepare(db, sql, &statement, error));
    statement_bind_text(statement, 1, slice_of_string(table));
    for (;;) {
        bool row;
        TRY(statement_step(statement, &row, error));
        if (!row) {
            return STATUS_OK;
        }
        struct db_column column = {
            .name = column_string(statement, 0),
            .type = column_string(statement, 1),
            .not_null = statement_column_int(statement, 2) != 0,
            .key_position = (int) statement_column_int(statement, 3),
        };
        TRY(visit(context, &column, error));
    }
}

enum status db_has_table(struct db *db, const char *table, bool *ret_exists, struct error *error)
{
    static const char sql[] =
        "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE";
    CLEANUP(statement_release_pointer) struct db_statement *statement = NULL;
    TRY(db_prepare(db, sql, &statement, error));
    statement_bind_text(statement, 1, slice_of_string(table));
    return statement_step(statement, ret_exists, error);
}

void db_append_name(struct buffer *sql, const char *name)
{
    buffer_append_byte(sql, '"');
    for (const char *c = name; *c != '\0'; c++) {
        if (*c == '"') {
            buffer_append_byte(sql, '"');
        }
        buffer_append_byte(sql, (uint8_t) *c);
    }
    buffer_append_byte(sql, '"');
}
