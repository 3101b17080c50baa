/*
 * What a reader wants of the key's columns, as a WHERE that Cassandra answers without reading the
 * rest: every partition column equal to one value or several, then clustering columns in their
 * order, of which the last may have a range.
 */

#include "connectors/cassandra/store_internal.h"

#define VALUES_MAX 100 /* combinations of the values of INs */

struct where {
    const struct cass_table *table;
    const struct store_bound *bounds;
    size_t bound_count;
    struct buffer *cql;
    struct buffer *values;
    uint16_t value_count;
    uint32_t combinations;
};

static const struct cql_type *type_of(const struct cass_table *table, const char *name)
{
    for (uint32_t i = 0; i < table->metadata->column_count; i++) {
        if (strcmp(table->metadata->columns[i].name, name) == 0) {
            return table->metadata->columns[i].type;
        }
    }
    return NULL;
}

/* Types of which equal values have equal bytes, and (`ordered`) that Cassandra orders as SQL does.
 * Not floating-point numbers, with their two zeros, nor decimals, with their scales. */
static bool compares(const struct cql_type *type, bool ordered)
{
    switch (type->id) {
    case CQL_TYPE_ASCII:
    case CQL_TYPE_TEXT:
    case CQL_TYPE_BLOB:
    case CQL_TYPE_TINYINT:
    case CQL_TYPE_SMALLINT:
    case CQL_TYPE_INT:
    case CQL_TYPE_BIGINT:
    case CQL_TYPE_DATE:
    case CQL_TYPE_TIMESTAMP:
        return true;
    case CQL_TYPE_BOOLEAN:
    case CQL_TYPE_UUID:
    case CQL_TYPE_TIMEUUID:
        return !ordered;
    default:
        return false;
    }
}

/* The values in their binary form, or nothing of them. */
static bool
write_values(struct where *where, const struct store_bound *bound, const struct cql_type *type)
{
    size_t start = where->values->size;
    for (uint32_t i = 0; i < bound->value_count; i++) {
        const struct column *value = bound->values[i];
        bool finer = type->id == CQL_TYPE_TIMESTAMP && column_int(value, 0) % 1000 != 0;
        if (finer || cql_value_write(value, 0, type, where->values, NULL) != STATUS_OK) {
            where->values->size = start;
            return false;
        }
    }
    where->value_count = (uint16_t) (where->value_count + bound->value_count);
    return true;
}

static void append_column(struct where *where, const char *name)
{
    buffer_append_string(where->cql, where->value_count == 0 ? " WHERE " : " AND ");
    cass_append_name(where->cql, name);
}

/* "column" = ?, or IN (?, ?); false if nothing says so. */
static bool add_equal(struct where *where, const char *name, const struct cql_type *type)
{
    for (size_t i = 0; i < where->bound_count; i++) {
        const struct store_bound *bound = &where->bounds[i];
        size_t start = where->cql->size;
        if (strcmp(bound->column, name) != 0 || bound->compare != STORE_EQUAL ||
            !compares(type, false) || bound->value_count * where->combinations > VALUES_MAX) {
            continue;
        }
        append_column(where, name);
        if (!write_values(where, bound, type)) {
            where->cql->size = start;
            continue;
        }
        where->combinations *= bound->value_count;
        buffer_append_string(where->cql, bound->value_count == 1 ? " = ?" : " IN (?");
        for (uint32_t v = 1; v < bound->value_count; v++) {
            buffer_append_string(where->cql, ", ?");
        }
        buffer_append_string(where->cql, bound->value_count == 1 ? "" : ")");
        return true;
    }
    return false;
}

static bool
add_limit(struct where *where, const char *name, const struct cql_type *type, bool lower)
{
    static const char *const operators[] = {"=", "<", "<=", ">", ">="};
    for (size_t i = 0; i < where->bound_count; i++) {
        const struct store_bound *bound = &where->bounds[i];
        size_t start = where->cql->size;
        bool is_lower = bound->compare == STORE_GREATER || bound->compare == STORE_GREATER_EQUAL;
        if (strcmp(bound->column, name) != 0 || bound->compare == STORE_EQUAL ||
            is_lower != lower || !compares(type, true)) {
            continue;
        }
        append_column(where, name);
        if (!write_values(where, bound, type)) {
            where->cql->size = start;
            continue;
        }
        buffer_printf(where->cql, " %s ?", operators[bound->compare]);
        return true;
    }
    return false;
}

uint16_t cass_where(const struct cass_table *table,
                    const struct store_bound *bounds,
                    size_t bound_count,
                    struct buffer *cql,
                    struct buffer *values)
{
    struct where where = {table, bounds, bound_count, cql, values, 0, 1};
    const struct store_table *said = &table->table;
    size_t start = cql->size;
    for (uint32_t i = 0; i < said->key_count; i++) {
        const char *name = said->columns[said->key[i]].name;
        const struct cql_type *type = type_of(table, name);
        if (type != NULL && add_equal(&where, name, type)) {
            continue;
        }
        if (i < said->partition_count) { /* without all of the partition's key it is a scan */
            cql->size = start;
            buffer_clear(values);
            return 0;
        }
        if (type != NULL) {
            (void) add_limit(&where, name, type, true);
            (void) add_limit(&where, name, type, false);
        }
        break;
    }
    return where.value_count;
}
