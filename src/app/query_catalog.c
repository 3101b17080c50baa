#include "app/query_catalog.h"

#include "app/query_internal.h"
#include "base/memory.h"
#include "codec/avro_schema.h"

#include <strings.h>

/* ---- relations ---------------------------------------------------------------------------------
 */

static enum status add_tables(struct query_catalog *catalog, struct error *error)
{
    struct arena *arena = &catalog->arena;
    const char **names;
    size_t count;
    TRY(workspace_tables(catalog->workspace, &catalog->store, error));
    if (catalog->store == NULL) {
        return STATUS_OK;
    }
    const struct store_ops *ops = catalog->workspace->roles.store_ops;
    TRY(ops->tables_list(catalog->store, arena, &names, &count, error));
    for (size_t i = 0; i < count; i++) {
        struct store_table table;
        TRY(ops->table_describe(catalog->store, names[i], arena, &table, error));
        struct type_field *fields = ARENA_ARRAY(arena, struct type_field, table.column_count);
        for (uint32_t c = 0; c < table.column_count; c++) {
            const struct store_column *column = &table.columns[c];
            bool uuid = column->semantic == STORE_UUID;
            fields[c] = (struct type_field){column->name,
                                            uuid ? type_plain(TYPE_STRING) : column->type, true};
        }
        struct query_item *item = ARENA_NEW(arena, struct query_item);
        item->sql.name = names[i];
        item->sql.type = type_struct(arena, fields, table.column_count);
        map_put_string(&catalog->items, names[i], item);
    }
    return STATUS_OK;
}

/* A topic without a schema: its values as they are. */
static void make_plain(struct query_catalog *catalog, struct query_item *item)
{
    const struct type_field value = {"value", type_plain(TYPE_STRING), true};
    item->sql.type = type_struct(&catalog->arena, &value, 1);
    item->job.format = VALUE_STRING;
}

static enum status
look_up_schema(struct query_catalog *catalog, struct query_item *item, struct error *error)
{
    struct workspace *workspace = catalog->workspace;
    struct arena *arena = &catalog->arena;
    TRY(workspace_schemas(workspace, error));
    struct schema_version version;
    const char *subject = arena_printf(arena, "%s-value", item->sql.name);
    enum status status =
        workspace->schemas_ops->latest(workspace->schemas, subject, arena, &version, error);
    item->job = (struct processor_job){.topic = item->sql.name,
                                       .format = VALUE_AVRO,
                                       .schemas_ops = workspace->schemas_ops,
                                       .schemas = workspace->schemas};
    if (status == STATUS_NOT_FOUND) {
        make_plain(catalog, item);
        return STATUS_OK;
    }
    TRY(status);
    const struct avro_schema *schema;
    bool nullable;
    TRY(avro_schema_parse(slice_of_string(version.text), arena, &schema, error));
    status = avro_schema_type(schema, arena, &item->sql.type, &nullable, error);
    avro_schema_release(schema);
    if (status == STATUS_OK && item->sql.type->id != TYPE_STRUCT) {
        make_plain(catalog, item);
        return STATUS_OK;
    }
    item->job.type = item->sql.type;
    item->job.reader_schema = version.text;
    return status;
}

static enum status
load_item(struct query_catalog *catalog, struct query_item *item, struct error *error)
{
    if (!item->is_topic || item->loaded) {
        return STATUS_OK;
    }
    enum status status = look_up_schema(catalog, item, error);
    if (status != STATUS_OK) {
        error_context(error, "topic \"%s\"", item->sql.name);
    }
    item->loaded = status == STATUS_OK;
    return status;
}

static enum status add_topics(struct query_catalog *catalog, struct error *error)
{
    const char **names;
    size_t count;
    TRY(workspace_topics(catalog->workspace, &catalog->arena, &names, &count, error));
    for (size_t i = 0; i < count; i++) {
        if (map_get_string(&catalog->items, names[i]) != NULL) {
            continue; /* a table of that name is what the query means */
        }
        struct query_item *item = ARENA_NEW(&catalog->arena, struct query_item);
        item->is_topic = true;
        item->sql.name = names[i];
        item->sql.streaming = true;
        map_put_string(&catalog->items, names[i], item);
    }
    return STATUS_OK;
}

enum status query_catalog_new(struct workspace *workspace,
                              struct query_catalog **ret_catalog,
                              struct error *error)
{
    struct query_catalog *catalog = mem_zalloc(sizeof(*catalog));
    catalog->workspace = workspace;
    arena_init(&catalog->arena, 0);
    map_init(&catalog->items);
    enum status status;
    TRY_OR_FAIL(add_tables(catalog, error));
    TRY_OR_FAIL(add_topics(catalog, error));
    *ret_catalog = catalog;
    return STATUS_OK;

fail:
    query_catalog_free(catalog);
    return status;
}

void query_catalog_free(struct query_catalog *catalog)
{
    if (catalog == NULL) {
        return;
    }
    if (catalog->store != NULL) {
        catalog->workspace->roles.store_ops->close(catalog->store);
    }
    map_deinit(&catalog->items);
    arena_deinit(&catalog->arena);
    mem_free(catalog);
}

/* ---- for the compiler --------------------------------------------------------------------------
 */

static const struct sql_relation *find(void *context, const char *name)
{
    struct query_catalog *catalog = context;
    size_t at = 0;
    for (struct map_entry *entry; (entry = map_next(&catalog->items, &at)) != NULL;) {
        struct query_item *item = entry->value;
        if (strcasecmp(item->sql.name, name) == 0) {
            return load_item(catalog, item, &catalog->failure) == STATUS_OK ? &item->sql : NULL;
        }
    }
    return NULL;
}

static size_t names(void *context, const char **names_out, size_t max)
{
    struct query_catalog *catalog = context;
    size_t at = 0;
    size_t count = 0;
    for (struct map_entry *entry;
         count < max && (entry = map_next(&catalog->items, &at)) != NULL;) {
        names_out[count++] = ((struct query_item *) entry->value)->sql.name;
    }
    return count;
}

struct sql_catalog query_catalog_names(struct query_catalog *catalog)
{
    return (struct sql_catalog){find, names, catalog};
}

const struct error *query_catalog_failure(const struct query_catalog *catalog)
{
    return catalog->failure.status == STATUS_OK ? NULL : &catalog->failure;
}

enum status query_catalog_list(struct query_catalog *catalog,
                               struct arena *arena,
                               const struct query_relation **ret_relations,
                               size_t *ret_count,
                               struct error *error)
{
    struct query_relation *relations =
        ARENA_ARRAY(arena, struct query_relation, catalog->items.size);
    size_t at = 0;
    size_t count = 0;
    for (struct map_entry *entry; (entry = map_next(&catalog->items, &at)) != NULL;) {
        struct query_item *item = entry->value;
        TRY(load_item(catalog, item, error));
        relations[count++] = (struct query_relation){
            item->sql.name, item->is_topic ? "topic" : "table", item->sql.type};
    }
    *ret_relations = relations;
    *ret_count = count;
    return STATUS_OK;
}

const struct query_skipped *query_catalog_skipped(const struct query_catalog *catalog)
{
    return &catalog->skipped;
}
