/* Tables as the stream describes them. */

#include "base/memory.h"
#include "connectors/postgres/source_internal.h"

#include <inttypes.h>
#include <stdio.h>

void source_relations_clear(struct source *source)
{
    size_t at = 0;
    for (struct map_entry *entry = map_next(&source->shapes, &at); entry != NULL;
         entry = map_next(&source->shapes, &at)) {
        mem_free(entry->value);
    }
    map_deinit(&source->shapes);
    map_init(&source->shapes);
    pgoutput_relations_clear(&source->relations);
}

static const struct catalog_table *known_table(const struct source *source, uint32_t oid)
{
    for (size_t i = 0; i < source->table_count; i++) {
        if (source->tables[i].oid == oid) {
            return &source->tables[i];
        }
    }
    return NULL;
}

/* A table that was not there when this run began: the next one reads it. One that is gone by now is
 * of no interest. */
static enum status check_unknown(const struct source *source,
                                 const struct pgoutput_relation *relation,
                                 const char *full,
                                 struct error *error)
{
    const struct setting_strings *patterns = &source->settings->tables;
    bool published = false;
    if (catalog_matches(patterns->items, patterns->count, relation->schema, relation->name)) {
        TRY(catalog_is_published(source->catalog, source->publication, relation->oid, &published,
                                 error));
    }
    return published ? error_set(error, STATUS_AGAIN,
                                 "table \"%s\" joined the publication: its rows are read now", full)
                     : STATUS_OK;
}

enum status source_take_relation(struct source *source,
                                 const struct pgoutput_relation *described,
                                 struct error *error)
{
    const struct pgoutput_relation *relation =
        pgoutput_relations_put(&source->relations, described);
    const struct slice key = slice_of(&relation->oid, sizeof(relation->oid));
    const struct catalog_table *table;
    size_t names = strlen(relation->schema) + strlen(relation->name) + 2;
    struct shape *shape =
        mem_zalloc(sizeof(*shape) + names + relation->column_count * sizeof(struct shape_column));
    mem_free(map_put(&source->shapes, key, shape));
    shape->columns = (struct shape_column *) (shape + 1);
    char *full = (char *) (shape->columns + relation->column_count);
    (void) snprintf(full, names, "%s.%s", relation->schema, relation->name);
    table = known_table(source, relation->oid);
    shape->table = table == NULL ? full : table->full; /* it may have been renamed since */
    shape->oid = relation->oid;
    shape->identity = relation->identity;
    shape->wanted = table != NULL;
    if (!shape->wanted) {
        return check_unknown(source, relation, full, error);
    }
    shape->column_count = relation->column_count;
    for (size_t i = 0; i < relation->column_count; i++) {
        const struct pgoutput_column *column = &relation->columns[i];
        shape->columns[i].name = column->name;
        shape->columns[i].key = column->identity;
        TRY(catalog_type(source->catalog, column->type_oid, column->typmod, &shape->columns[i].type,
                         error));
        TRY(schema_builder_add(&source->schema, shape->table, column->name, &shape->columns[i].type,
                               error));
    }
    return STATUS_OK;
}

enum status source_shape_of(const struct source *source,
                            uint32_t oid,
                            const struct shape **ret_shape,
                            struct error *error)
{
    *ret_shape = map_get(&source->shapes, slice_of(&oid, sizeof(oid)));
    if (*ret_shape == NULL) {
        return error_set(
            error, STATUS_PROTOCOL,
            "PostgreSQL sent a change of relation %" PRIu32 " that it has not described", oid);
    }
    return STATUS_OK;
}
