/* Tables and types as the catalogs describe them. */

#include "base/memory.h"
#include "connectors/postgres/source_catalog_internal.h"

#include <fnmatch.h>
#include <stdlib.h>

#define DOMAINS_MAX 32 /* of domains */

/* ---- types -------------------------------------------------------------------------------------
 */

static enum status ask_type(struct catalog *catalog,
                            uint32_t oid,
                            int32_t modifier,
                            unsigned depth,
                            struct value_type *type,
                            struct error *error)
{
    *type = (struct value_type){.kind = VALUE_TEXT};
    if (value_type_builtin(oid, &type->kind) || depth > DOMAINS_MAX) {
        if (catalog->decimals) {
            value_type_decimal(type, modifier);
        }
        return STATUS_OK;
    }
    PGresult *result CLEANUP(result_free) = NULL;
    char text[16];
    const char *parameter = text;
    (void) snprintf(text, sizeof(text), "%u", oid);
    TRY(catalog_query(catalog,
                      "SELECT t.typtype, t.typbasetype, t.typelem, e.typdelim,"
                      " t.typcategory = 'A' AND t.typlen = -1 AND t.typelem <> 0, t.typtypmod"
                      " FROM pg_type t LEFT JOIN pg_type e ON e.oid = t.typelem WHERE t.oid = $1",
                      &parameter, 1, &result, error));
    if (PQntuples(result) != 1) {
        return STATUS_OK; /* dropped since: what it was is not known, its text is right */
    }
    if (catalog_text(result, 0, 0)[0] == 'd') {
        uint32_t base = (uint32_t) strtoul(catalog_text(result, 0, 1), NULL, 10);
        int32_t inner = (int32_t) strtol(catalog_text(result, 0, 5), NULL, 10);
        return ask_type(catalog, base, inner, depth + 1, type, error);
    }
    if (catalog_true(result, 0, 4)) {
        uint32_t element = (uint32_t) strtoul(catalog_text(result, 0, 2), NULL, 10);
        TRY(ask_type(catalog, element, modifier, depth + 1, type, error));
        if (type->array) { /* of a domain over an array: its elements are text */
            *type = (struct value_type){.kind = VALUE_TEXT};
        }
        type->array = true;
        type->delimiter = catalog_text(result, 0, 3)[0];
    }
    return STATUS_OK;
}

enum status catalog_type(struct catalog *catalog,
                         uint32_t oid,
                         int32_t modifier,
                         struct value_type *ret_type,
                         struct error *error)
{
    const uint32_t both[] = {oid, (uint32_t) modifier};
    const struct slice key = slice_of(both, sizeof(both));
    const struct value_type *known = map_get(&catalog->types, key);
    if (known == NULL) {
        TRY(ask_type(catalog, oid, modifier, 0, ret_type, error));
        struct value_type *kept = mem_alloc(sizeof(*kept));
        *kept = *ret_type;
        map_put(&catalog->types, key, kept);
    } else {
        *ret_type = *known;
    }
    return STATUS_OK;
}

/* ---- patterns ----------------------------------------------------------------------------------
 */

static bool matches_one(const char *pattern, const char *schema, const char *name)
{
    const char *dot = strchr(pattern, '.');
    if (dot == NULL) {
        return strcmp(schema, "public") == 0 && fnmatch(pattern, name, 0) == 0;
    }
    char *space = mem_string(slice_of(pattern, (size_t) (dot - pattern)));
    bool fits = fnmatch(space, schema, 0) == 0 && fnmatch(dot + 1, name, 0) == 0;
    mem_free(space);
    return fits;
}

bool catalog_matches(const char *const *patterns,
                     size_t pattern_count,
                     const char *schema,
                     const char *name)
{
    for (size_t i = 0; i < pattern_count; i++) {
        if (matches_one(patterns[i], schema, name)) {
            return true;
        }
    }
    return false;
}

static enum status check_patterns(const char *publication,
                                  bool published,
                                  const char *const *patterns,
                                  size_t pattern_count,
                                  const struct catalog_table *tables,
                                  size_t count,
                                  struct error *error)
{
    for (size_t i = 0; i < pattern_count; i++) {
        bool found = false;
        for (size_t j = 0; j < count && !found; j++) {
            found = matches_one(patterns[i], tables[j].schema, tables[j].name);
        }
        if (found) {
            continue;
        }
        if (!published) {
            (void) error_set(error, STATUS_CONFIG, "there is no table \"%s\" that the role may see",
                             patterns[i]);
            error_hint(error, "write it as schema.table; upper and lower case differ");
        } else {
            (void) error_set(error, STATUS_CONFIG, "publication \"%s\" has no table \"%s\"",
                             publication, patterns[i]);
            error_hint(error,
                       "ALTER PUBLICATION %s ADD TABLE %s; or the table has another name now",
                       publication, patterns[i]);
        }
        return STATUS_CONFIG;
    }
    return STATUS_OK;
}

/* ---- tables ------------------------------------------------------------------------------------
 */

/* One row a table: oid, schema, name, identity, kind, columns of the publication (15), its filter
 * (15). */
static const char all_tables_sql[] =
    "SELECT c.oid, n.nspname, c.relname, c.relreplident, c.relkind, NULL, NULL"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p'"
    " AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'"
    " AND has_table_privilege(c.oid, 'SELECT') ORDER BY 2, 3";
static const char published_sql[] =
    "SELECT c.oid, n.nspname, c.relname, c.relreplident, c.relkind, %s"
    " FROM pg_publication_tables t JOIN pg_namespace n ON n.nspname = t.schemaname"
    " JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename"
    " WHERE t.pubname = $1 ORDER BY 2, 3";

/* name, type, belongs to the identity, place in the key that rows can be read by. A primary key
 * serves for reading in order even where the identity is another. */
static const char columns_sql[] =
    "WITH keys AS (SELECT indisprimary, indisreplident, indkey FROM pg_index"
    "  WHERE indrelid = $1::oid AND indisvalid AND (indisprimary OR indisreplident)),"
    " identity AS (SELECT k.indkey FROM keys k JOIN pg_class c ON c.oid = $1::oid"
    "  WHERE CASE c.relreplident WHEN 'd' THEN k.indisprimary WHEN 'i' THEN k.indisreplident"
    "  ELSE false END),"
    " ordered AS (SELECT indkey FROM keys ORDER BY indisprimary DESC LIMIT 1)"
    " SELECT a.attname, a.atttypid, a.atttypmod,"
    "  (SELECT relreplident = 'f' FROM pg_class WHERE oid = $1::oid)"
    "   OR COALESCE((SELECT a.attnum = ANY (indkey::int2[]) FROM identity), false),"
    "  COALESCE((SELECT array_position(indkey::int2[], a.attnum) FROM ordered), -1),"
    "  format_type(a.atttypid, a.atttypmod)"
    " FROM pg_attribute a WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped"
    " AND a.attgenerated = ''"
    " AND ($2::text IS NULL OR a.attname = ANY ($2::text::name[])) ORDER BY a.attnum";

static enum status read_columns(struct catalog *catalog,
                                struct catalog_table *table,
                                const char *published,
                                struct arena *arena,
                                struct error *error)
{
    PGresult *result CLEANUP(result_free) = NULL;
    const char *parameters[] = {arena_printf(arena, "%u", table->oid), published};
    TRY(catalog_query(catalog, columns_sql, parameters, 2, &result, error));
    int count = PQntuples(result);
    table->column_count = (size_t) count;
    table->columns = ARENA_ARRAY(arena, struct catalog_column, count);
    table->order = ARENA_ARRAY(arena, const char *, count);
    table->order_bytes = ARENA_ARRAY(arena, bool, count);
    table->order_types = ARENA_ARRAY(arena, const char *, count);
    for (int i = 0; i < count; i++) {
        struct catalog_column *column = &table->columns[i];
        column->name = arena_strdup(arena, catalog_text(result, i, 0));
        uint32_t type = (uint32_t) strtoul(catalog_text(result, i, 1), NULL, 10);
        int32_t modifier = (int32_t) strtol(catalog_text(result, i, 2), NULL, 10);
        TRY(catalog_type(catalog, type, modifier, &column->type, error));
        column->key = catalog_true(result, i, 3);
        long place = strtol(catalog_text(result, i, 4), NULL, 10); /* int2vector counts from 0 */
        if (place >= 0 && place < count) {
            table->order[place] = column->name;
            table->order_bytes[place] = column->type.kind == VALUE_BYTES;
            table->order_types[place] = arena_strdup(arena, catalog_text(result, i, 5));
            table->order_count++;
        }
    }
    for (size_t i = 0; i < table->order_count; i++) {
        if (table->order[i] == NULL) { /* a column of the key is not published */
            table->order_count = 0;
        }
    }
    return STATUS_OK;
}

enum status catalog_tables(struct catalog *catalog,
                           const char *publication,
                           bool published,
                           const char *const *patterns,
                           size_t pattern_count,
                           struct arena *arena,
                           struct catalog_table **ret_tables,
                           size_t *ret_count,
                           struct error *error)
{
    PGresult *result CLEANUP(result_free) = NULL;
    bool details = PQserverVersion(catalog->connection) >= 150000;
    const char *sql = all_tables_sql;
    if (published) {
        sql =
            arena_printf(arena, published_sql, details ? "t.attnames, t.rowfilter" : "NULL, NULL");
    }
    TRY(catalog_query(catalog, sql, &publication, published ? 1 : 0, &result, error));
    int rows = PQntuples(result);
    struct catalog_table *tables = ARENA_ARRAY(arena, struct catalog_table, rows);
    size_t count = 0;
    for (int i = 0; i < rows; i++) {
        struct catalog_table *table = &tables[count];
        const char *schema = catalog_text(result, i, 1);
        const char *name = catalog_text(result, i, 2);
        if (!catalog_matches(patterns, pattern_count, schema, name)) {
            continue;
        }
        count++;
        table->oid = (uint32_t) strtoul(catalog_text(result, i, 0), NULL, 10);
        table->schema = arena_strdup(arena, schema);
        table->name = arena_strdup(arena, name);
        table->full = arena_printf(arena, "%s.%s", schema, name);
        table->identity = catalog_text(result, i, 3)[0];
        table->partitioned = catalog_text(result, i, 4)[0] == 'p';
        table->filter =
            PQgetisnull(result, i, 6) ? NULL : arena_strdup(arena, catalog_text(result, i, 6));
        TRY(read_columns(catalog, table,
                         PQgetisnull(result, i, 5) ? NULL : catalog_text(result, i, 5), arena,
                         error));
    }
    *ret_tables = tables;
    *ret_count = count;
    return check_patterns(publication, published, patterns, pattern_count, tables, count, error);
}

enum status catalog_is_published(struct catalog *catalog,
                                 const char *publication,
                                 uint32_t oid,
                                 bool *ret_published,
                                 struct error *error)
{
    PGresult *result CLEANUP(result_free) = NULL;
    char text[16];
    const char *parameters[] = {publication, text};
    (void) snprintf(text, sizeof(text), "%u", oid);
    TRY(catalog_query(catalog,
                      "SELECT FROM pg_publication_tables t"
                      " JOIN pg_namespace n ON n.nspname = t.schemaname"
                      " JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename"
                      " WHERE t.pubname = $1 AND c.oid = $2::oid",
                      parameters, 2, &result, error));
    *ret_published = PQntuples(result) > 0;
    return STATUS_OK;
}
