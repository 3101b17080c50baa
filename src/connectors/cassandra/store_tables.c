/* Tables: made, grown, described. */

#include "base/logline.h"
#include "connectors/cassandra/store_internal.h"
#include "io/clock.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#define US_PER_SECOND   INT64_C(1000000)
#define SETTLE_US       (5 * US_PER_SECOND)
#define SETTLE_PAUSE_US (50 * INT64_C(1000))

/* Two statements that make the same table at once through two nodes may leave it broken: handles of
 * this process go one after the other. */
static pthread_mutex_t schema_turn = PTHREAD_MUTEX_INITIALIZER;

/* ---- as it is ----------------------------------------------------------------------------------
 */

/* A column's part in the key, from system_schema.columns. */
struct part {
    const char *name;
    int32_t position;
    bool partition, clustering, descending;
};

static int compare_parts(const void *a, const void *b)
{
    const struct part *left = a;
    const struct part *right = b;
    if (left->partition != right->partition) {
        return left->partition ? -1 : 1;
    }
    return (left->position > right->position) - (left->position < right->position);
}

/* The key's columns, partition ones first, each in its order. */
static enum status load_key(struct store *store,
                            const struct cass_name *name,
                            struct arena *arena,
                            struct part **ret_parts,
                            size_t *ret_count,
                            struct error *error)
{
    struct cql_table found;
    const struct slice values[] = {slice_of_string(name->keyspace), slice_of_string(name->table)};
    TRY(cql_session_query(store->session,
                          "SELECT column_name, kind, position, clustering_order FROM "
                          "system_schema.columns WHERE keyspace_name = ? AND table_name = ?",
                          values, 2, arena, &found, error));
    struct part *parts = ARENA_ARRAY(arena, struct part, found.row_count);
    size_t count = 0;
    for (uint32_t i = 0; i < found.row_count; i++) {
        struct slice kind = cql_table_cell(&found, i, "kind");
        struct slice order = cql_table_cell(&found, i, "clustering_order");
        struct part part = {
            .name = arena_string(arena, cql_table_cell(&found, i, "column_name")),
            .position = (int32_t) cass_int_of(cql_table_cell(&found, i, "position")),
            .partition = slice_equal_string(kind, "partition_key"),
            .clustering = slice_equal_string(kind, "clustering"),
            .descending = slice_equal_string(order, "desc"),
        };
        if (part.partition || part.clustering) {
            parts[count++] = part;
        }
    }
    qsort(parts, count, sizeof(*parts), compare_parts);
    *ret_parts = parts;
    *ret_count = count;
    return STATUS_OK;
}

static int find_column(const struct store_column *columns, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(columns[i].name, name) == 0) {
            return (int) i;
        }
    }
    return -1;
}

static const struct cql_type *type_in(const struct cql_metadata *metadata, const char *name)
{
    for (uint32_t i = 0; i < metadata->column_count; i++) {
        if (strcmp(metadata->columns[i].name, name) == 0) {
            return metadata->columns[i].type;
        }
    }
    return NULL;
}

/* Columns as the comment has them, as far as they are there and of that type; then the others. */
static void merge_columns(const struct cql_metadata *there,
                          const struct store_table *said,
                          struct arena *arena,
                          struct cass_table *table)
{
    struct store_column *columns = ARENA_ARRAY(arena, struct store_column, there->column_count);
    const char **types = ARENA_ARRAY(arena, const char *, there->column_count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < said->column_count && count < there->column_count; i++) {
        const struct store_column *column = &said->columns[i];
        const struct cql_type *type = type_in(there, column->name);
        const char *made = cql_type_text(cql_type_of_column(column, arena), arena);
        if (type != NULL && find_column(columns, count, column->name) < 0 &&
            strcmp(cql_type_text(type, arena), made) == 0) {
            columns[count] = *column;
            types[count++] = made;
        }
    }
    for (uint32_t i = 0; i < there->column_count; i++) {
        const struct cql_column *column = &there->columns[i];
        if (find_column(columns, count, column->name) < 0) {
            const char *name = arena_strdup(arena, column->name);
            columns[count] = cql_type_as_column(name, column->type, arena);
            types[count++] = cql_type_text(column->type, arena);
        }
    }
    table->table.columns = columns;
    table->table.column_count = count;
    table->types = types;
}

static void
set_key(const struct part *parts, size_t count, struct arena *arena, struct store_table *table)
{
    uint32_t *key = ARENA_ARRAY(arena, uint32_t, count);
    bool *descending = ARENA_ARRAY(arena, bool, count);
    table->partition_count = 0;
    for (size_t i = 0; i < count; i++) {
        int at = find_column(table->columns, table->column_count, parts[i].name);
        key[i] = (uint32_t) (at < 0 ? 0 : at);
        descending[i] = parts[i].descending;
        table->partition_count += parts[i].partition;
    }
    table->key = key;
    table->key_count = (uint32_t) count;
    table->key_descending = descending;
}

/* What SELECT * gives, with the types in full; copied, since statements come and go. */
static enum status load_types(struct store *store,
                              const struct cass_name *name,
                              struct arena *arena,
                              const struct cql_metadata **ret_metadata,
                              struct error *error)
{
    const struct cql_statement *all;
    const char *cql = arena_printf(arena, "SELECT * FROM %s", name->quoted);
    int64_t until_us = clock_monotonic_us() + SETTLE_US;
    cql_session_forget(store->session); /* another process may have changed the table */
    enum status status = cql_session_prepare(store->session, cql, &all, error);
    /* A table that was just made stands in the schema's tables before statements may name it. */
    while (status == STATUS_DATA && clock_monotonic_us() < until_us) {
        clock_sleep_us(SETTLE_PAUSE_US);
        status = cql_session_prepare(store->session, cql, &all, error);
    }
    if (status == STATUS_OK) {
        *ret_metadata = &all->prepared.result;
    }
    return status;
}

enum status cass_table_load(struct store *store,
                            const char *name,
                            struct arena *arena,
                            struct cass_table *ret_table,
                            struct error *error)
{
    struct cql_table found;
    struct store_table said;
    struct part *parts;
    size_t part_count;
    const struct cql_metadata *types;
    *ret_table = (struct cass_table){0};
    struct cass_name *where = &ret_table->name;
    TRY(cass_name_of(store, name, arena, where, error));
    const struct slice values[] = {slice_of_string(where->keyspace), slice_of_string(where->table)};
    TRY(cql_session_query(store->session,
                          "SELECT comment, default_time_to_live FROM system_schema.tables WHERE "
                          "keyspace_name = ? AND table_name = ?",
                          values, 2, arena, &found, error));
    if (found.row_count == 0) {
        return error_set(error, STATUS_NOT_FOUND, "there is no table \"%s\"", name);
    }
    struct slice comment = cql_table_cell(&found, 0, "comment");
    ret_table->comment = arena_string(arena, comment);
    ret_table->by_leat = cass_comment_read(comment, arena, &said);
    TRY(load_key(store, where, arena, &parts, &part_count, error));
    TRY(load_types(store, where, arena, &types, error));
    ret_table->metadata = types;
    merge_columns(types, &said, arena, ret_table);
    struct store_table *table = &ret_table->table;
    int64_t ttl_us = cass_int_of(cql_table_cell(&found, 0, "default_time_to_live")) * US_PER_SECOND;
    table->name = ret_table->by_leat ? said.name : arena_strdup(arena, name);
    table->ttl_us = said.ttl_us != 0 && ttl_us != 0 ? said.ttl_us : ttl_us;
    table->internal = said.internal;
    set_key(parts, part_count, arena, table);
    return STATUS_OK;
}

/* ---- making ------------------------------------------------------------------------------------
 */

/* dc1:3,dc2:2 as the strategy of a keyspace. */
static enum status
append_replication(const struct store *store, struct buffer *cql, struct error *error)
{
    const char *said = store->settings.replication;
    buffer_append_string(cql, "{'class': 'NetworkTopologyStrategy'");
    if (said == NULL && cql_session_local_hosts(store->session) != 1) {
        (void) error_set(error, STATUS_CONFIG,
                         "the keyspace is to be made, but nothing says how many "
                         "replicas it is to have");
        error_hint(error, "say so in the profile: storage: {url: ..., replication: {%s: 3}}",
                   cql_session_dc(store->session));
        return STATUS_CONFIG;
    }
    if (said == NULL) {
        buffer_append_string(cql, ", ");
        cass_append_text(cql, cql_session_dc(store->session));
        buffer_append_string(cql, ": 1");
    }
    while (said != NULL && *said != '\0') {
        const char *colon = strchr(said, ':');
        size_t digits = colon == NULL ? 0 : strspn(colon + 1, "0123456789");
        const char *end = colon == NULL ? NULL : colon + 1 + digits;
        if (digits == 0 || digits > 3 || colon == said || (*end != ',' && *end != '\0')) {
            return error_set(error, STATUS_CONFIG,
                             "replication \"%s\" is not DATACENTER:NUMBER[,DATACENTER:NUMBER]",
                             store->settings.replication);
        }
        char dc[256] = {0};
        memcpy(dc, said,
               (size_t) (colon - said) < sizeof(dc) ? (size_t) (colon - said) : sizeof(dc) - 1);
        buffer_append_string(cql, ", ");
        cass_append_text(cql, dc);
        buffer_printf(cql, ": %.*s", (int) digits, colon + 1);
        said = *end == ',' ? end + 1 : end;
    }
    buffer_append_string(cql, "}");
    return STATUS_OK;
}

static enum status ensure_keyspace(struct store *store, const char *keyspace, struct error *error)
{
    struct cql_replication replication;
    enum status status = cql_session_replication(store->session, keyspace, &replication, error);
    if (status != STATUS_NOT_FOUND) {
        return status;
    }
    struct buffer cql CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_printf(&cql, "CREATE KEYSPACE IF NOT EXISTS \"%s\" WITH replication = ", keyspace);
    status = append_replication(store, &cql, error);
    if (status != STATUS_OK) {
        error_context(error, "keyspace \"%s\"", keyspace);
        return status;
    }
    TRY(cql_session_alter(store->session, buffer_string(&cql), error));
    logline(LOG_INFO, "cassandra", "made a keyspace", LOG_STRING("statement", buffer_string(&cql)));
    return STATUS_OK;
}

static void append_key(const struct store_table *table, struct buffer *cql)
{
    buffer_append_string(cql, "PRIMARY KEY ((");
    for (uint32_t i = 0; i < table->key_count; i++) {
        buffer_append_string(cql, i == 0 ? "" : i == table->partition_count ? "), " : ", ");
        cass_append_name(cql, table->columns[table->key[i]].name);
    }
    buffer_append_string(cql, table->key_count == table->partition_count ? ")))" : "))");
}

static void append_order(const struct store_table *table, struct buffer *cql)
{
    for (uint32_t i = table->partition_count; i < table->key_count; i++) {
        buffer_append_string(cql, i == table->partition_count ? "CLUSTERING ORDER BY (" : ", ");
        cass_append_name(cql, table->columns[table->key[i]].name);
        buffer_append_string(cql, table->key_descending[i] ? " DESC" : " ASC");
    }
    if (table->key_count > table->partition_count) {
        buffer_append_string(cql, ") AND ");
    }
}

/* Seconds, rounded up: nothing goes before its time. */
static int64_t ttl_seconds(const struct store_table *table)
{
    return (table->ttl_us + US_PER_SECOND - 1) / US_PER_SECOND;
}

static enum status create(struct store *store,
                          const struct cass_name *name,
                          const struct store_table *table,
                          struct arena *arena,
                          struct error *error)
{
    struct buffer cql CLEANUP(buffer_deinit) = BUFFER_INIT;
    if (table->key_count == 0 || table->partition_count == 0) {
        return error_set(error, STATUS_CONFIG, "a table in Cassandra needs a key");
    }
    buffer_printf(&cql, "CREATE TABLE IF NOT EXISTS %s (", name->quoted);
    for (uint32_t i = 0; i < table->column_count; i++) {
        cass_append_name(&cql, table->columns[i].name);
        buffer_append_byte(&cql, ' ');
        cql_type_write(cql_type_of_column(&table->columns[i], arena), &cql);
        buffer_append_string(&cql, ", ");
    }
    append_key(table, &cql);
    buffer_append_string(&cql, " WITH ");
    append_order(table, &cql);
    buffer_append_string(&cql, "comment = ");
    cass_append_text(&cql, cass_comment_text(table, arena));
    buffer_printf(&cql, " AND default_time_to_live = %" PRId64, ttl_seconds(table));
    return cql_session_alter(store->session, buffer_string(&cql), error);
}

/* ---- comparing ---------------------------------------------------------------------------------
 */

static enum status differs(const struct store_table *table,
                           const char *what,
                           const char *name,
                           const char *is,
                           const char *wanted,
                           struct error *error)
{
    (void) error_set(error, STATUS_CONFLICT, "table \"%s\": %s \"%s\" is %s, the pipeline has %s",
                     table->name, what, name, is, wanted);
    error_hint(error, "write to another table, or drop this one and start with --rebuild");
    return STATUS_CONFLICT;
}

static enum status
compare_key(const struct store_table *wanted, const struct store_table *there, struct error *error)
{
    bool same =
        wanted->key_count == there->key_count && wanted->partition_count == there->partition_count;
    for (uint32_t i = 0; same && i < wanted->key_count; i++) {
        same =
            strcmp(wanted->columns[wanted->key[i]].name, there->columns[there->key[i]].name) == 0;
        if (same && i >= wanted->partition_count &&
            wanted->key_descending[i] != there->key_descending[i]) {
            return differs(wanted, "the order of key column", wanted->columns[wanted->key[i]].name,
                           there->key_descending[i] ? "descending" : "ascending",
                           wanted->key_descending[i] ? "descending" : "ascending", error);
        }
    }
    if (same) {
        return STATUS_OK;
    }
    (void) error_set(error, STATUS_CONFLICT, "table \"%s\" has another key than the pipeline says",
                     wanted->name);
    error_hint(error, "write to another table, or drop this one and start with --rebuild");
    return STATUS_CONFLICT;
}

/* A table that leat made must have the very type; another must only take the values. */
static bool fits(const struct store_column *wanted, const struct cass_table *there, uint32_t at)
{
    const struct store_column *column = &there->table.columns[at];
    if (there->by_leat) {
        return type_equal(wanted->type, column->type) && wanted->semantic == column->semantic;
    }
    return cql_type_takes(type_in(there->metadata, wanted->name), wanted->type);
}

static enum status compare_columns(const struct store_table *wanted,
                                   const struct cass_table *there,
                                   struct arena *arena,
                                   struct error *error)
{
    const struct store_table *table = &there->table;
    for (uint32_t i = 0; i < wanted->column_count; i++) {
        const struct store_column *column = &wanted->columns[i];
        int at = find_column(table->columns, table->column_count, column->name);
        if (at >= 0 && !fits(column, there, (uint32_t) at)) {
            return differs(wanted, "column", column->name, there->types[at],
                           column->semantic == STORE_UUID ? "uuid" : type_text(column->type, arena),
                           error);
        }
    }
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (find_column(wanted->columns, wanted->column_count, table->columns[i].name) < 0) {
            return differs(wanted, "column", table->columns[i].name, "there", "none of that name",
                           error);
        }
    }
    return STATUS_OK;
}

static enum status add_columns(struct store *store,
                               const struct store_table *wanted,
                               const struct cass_table *there,
                               struct arena *arena,
                               struct error *error)
{
    for (uint32_t i = 0; i < wanted->column_count; i++) {
        const struct store_column *column = &wanted->columns[i];
        struct buffer cql CLEANUP(buffer_deinit) = BUFFER_INIT;
        if (find_column(there->table.columns, there->table.column_count, column->name) >= 0) {
            continue;
        }
        buffer_printf(&cql, "ALTER TABLE %s ADD ", there->name.quoted);
        cass_append_name(&cql, column->name);
        buffer_append_byte(&cql, ' ');
        cql_type_write(cql_type_of_column(column, arena), &cql);
        TRY(cql_session_alter(store->session, buffer_string(&cql), error));
    }
    const char *comment = cass_comment_text(wanted, arena);
    struct buffer cql CLEANUP(buffer_deinit) = BUFFER_INIT;
    if (strcmp(comment, there->comment) == 0 || !there->by_leat) {
        return STATUS_OK; /* another's table keeps its comment and its time to live */
    }
    buffer_printf(&cql, "ALTER TABLE %s WITH comment = ", there->name.quoted);
    cass_append_text(&cql, comment);
    buffer_printf(&cql, " AND default_time_to_live = %" PRId64, ttl_seconds(wanted));
    return cql_session_alter(store->session, buffer_string(&cql), error);
}

static enum status ensure(struct store *store,
                          const struct store_table *table,
                          struct arena *arena,
                          struct error *error)
{
    struct cass_table there;
    enum status status = cass_table_load(store, table->name, arena, &there, error);
    if (status == STATUS_NOT_FOUND) {
        TRY(ensure_keyspace(store, there.name.keyspace, error));
        return create(store, &there.name, table, arena, error);
    }
    TRY(status);
    if (there.by_leat && strcmp(there.table.name, table->name) != 0) {
        return error_set(error, STATUS_CONFLICT,
                         "tables \"%s\" and \"%s\" have one name in Cassandra", there.table.name,
                         table->name);
    }
    TRY(compare_columns(table, &there, arena, error));
    TRY(compare_key(table, &there.table, error));
    return add_columns(store, table, &there, arena, error);
}

enum status
cass_table_ensure(struct store *store, const struct store_table *table, struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    pthread_mutex_lock(&schema_turn);
    enum status status = ensure(store, table, &arena, error);
    pthread_mutex_unlock(&schema_turn);
    return status;
}

/* ---- listing -----------------------------------------------------------------------------------
 */

static bool is_systems(struct slice keyspace)
{
    return slice_equal_string(keyspace, "system") ||
           (keyspace.size > 7 && memcmp(keyspace.data, "system_", 7) == 0);
}

/* The name that leat knows the table by; NULL if it is none of the user's. */
static const char *listed_name(const struct store *store,
                               const struct cql_table *found,
                               uint32_t row,
                               struct arena *arena)
{
    struct store_table said;
    struct slice keyspace = cql_table_cell(found, row, "keyspace_name");
    struct slice table = cql_table_cell(found, row, "table_name");
    bool own =
        slice_equal_string(keyspace, store->settings.keyspace) &&
        (slice_equal_string(table, "leat_progress") || slice_equal_string(table, "leat_dead"));
    if (is_systems(keyspace) || own) {
        return NULL;
    }
    if (cass_comment_read(cql_table_cell(found, row, "comment"), arena, &said)) {
        return said.internal ? NULL : said.name;
    }
    return arena_printf(arena, "%.*s.%.*s", SLICE_FORMAT(keyspace), SLICE_FORMAT(table));
}

enum status cass_tables_list(struct store *store,
                             struct arena *arena,
                             const char ***ret_names,
                             size_t *ret_count,
                             struct error *error)
{
    struct cql_table found;
    size_t count = 0;
    TRY(cql_session_query(store->session,
                          "SELECT keyspace_name, table_name, comment FROM system_schema.tables",
                          NULL, 0, arena, &found, error));
    const char **names = ARENA_ARRAY(arena, const char *, found.row_count + 1);
    for (uint32_t i = 0; i < found.row_count; i++) {
        names[count] = listed_name(store, &found, i, arena);
        count += names[count] != NULL;
    }
    *ret_names = names;
    *ret_count = count;
    return STATUS_OK;
}

enum status cass_table_describe(struct store *store,
                                const char *name,
                                struct arena *arena,
                                struct store_table *ret_table,
                                struct error *error)
{
    struct cass_table table;
    TRY(cass_table_load(store, name, arena, &table, error));
    *ret_table = table.table;
    return STATUS_OK;
}
