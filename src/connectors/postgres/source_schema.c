/* The Avro schema of the records, from the types of the tables' columns. */

#include "base/memory.h"
#include "connectors/postgres/source_internal.h"

struct schema_column {
    struct value_type type;
    const char *table;
};

void schema_builder_init(struct schema_builder *schema)
{
    *schema = (struct schema_builder){0};
    arena_init(&schema->arena, 0);
    map_init(&schema->columns);
}

void schema_builder_deinit(struct schema_builder *schema)
{
    map_deinit(&schema->columns);
    arena_deinit(&schema->arena);
    mem_free(schema->text);
}

void schema_builder_clear(struct schema_builder *schema)
{
    schema_builder_deinit(schema);
    schema_builder_init(schema);
}

/* Does `wide` hold every value of `narrow`? What the log still has of before a column was widened
 * does not narrow it again. */
static bool holds(const struct value_type *wide, const struct value_type *narrow)
{
    bool numbers = wide->kind >= VALUE_INT && wide->kind <= VALUE_DOUBLE &&
                   narrow->kind >= VALUE_INT && narrow->kind <= VALUE_DOUBLE;
    return value_type_equal(wide, narrow) ||
           (numbers && wide->array == narrow->array && wide->kind > narrow->kind);
}

enum status schema_builder_add(struct schema_builder *schema,
                               const char *table,
                               const char *name,
                               const struct value_type *type,
                               struct error *error)
{
    struct schema_column *column = map_get_string(&schema->columns, name);
    if (column == NULL) {
        column = ARENA_NEW(&schema->arena, struct schema_column);
        column->table = arena_strdup(&schema->arena, table);
        map_put_string(&schema->columns, name, column);
    } else if (holds(&column->type, type)) {
        return STATUS_OK;
    } else if (strcmp(column->table, table) != 0 && !holds(type, &column->type)) {
        (void) error_set(error, STATUS_CONFIG,
                         "column \"%s\" has one type in \"%s\" and another in "
                         "\"%s\"",
                         name, column->table, table);
        error_hint(error, "make them sources of their own");
        return STATUS_CONFIG;
    }
    column->type = *type;
    mem_free(schema->text);
    schema->text = NULL;
    return STATUS_OK;
}

static bool is_name_sign(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* A name as Avro allows it. */
static const char *avro_name(const char *name, struct arena *arena)
{
    char *clean = arena_printf(arena, "%s%s", *name >= '0' && *name <= '9' ? "_" : "", name);
    for (char *at = clean; *at != '\0'; at++) {
        *at = (char) (is_name_sign(*at) ? *at : '_');
    }
    return clean[0] == '\0' ? "_" : clean;
}

static void append_field(struct buffer *text, const char *clean, const char *name)
{
    buffer_append_string(text, text->data[text->size - 1] == '[' ? "" : ",");
    buffer_append_string(text, "{\"name\":");
    buffer_append_json(text, slice_of_string(clean));
    if (strcmp(clean, name) != 0) { /* which field of the record it is */
        buffer_append_string(text, ",\"aliases\":[");
        buffer_append_json(text, slice_of_string(name));
        buffer_append_byte(text, ']');
    }
    buffer_append_string(text, ",\"default\":null,\"type\":[\"null\",");
}

static void append_columns(const struct schema_builder *schema, struct buffer *text)
{
    struct map used;
    struct arena arena CLEANUP(arena_deinit);
    size_t at = 0;
    arena_init(&arena, 0);
    map_init(&used);
    for (struct map_entry *entry = map_next(&schema->columns, &at); entry != NULL;
         entry = map_next(&schema->columns, &at)) {
        const struct schema_column *column = entry->value;
        const char *name = (const char *) entry->key.data;
        const char *clean = avro_name(name, &arena);
        bool valid = strcmp(clean, name) == 0;
        while (!valid && (map_get_string(&used, clean) != NULL ||
                          map_get_string(&schema->columns, clean) != NULL)) {
            clean = arena_printf(&arena, "%s_", clean);
        }
        map_put_string(&used, clean, entry);
        append_field(text, clean, name);
        value_append_avro(&column->type, text);
        buffer_append_string(text, "]}");
    }
    map_deinit(&used);
}

const char *schema_builder_text(struct schema_builder *schema,
                                const char *name,
                                const struct shape_context *context)
{
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct arena arena CLEANUP(arena_deinit);
    const char *dot = strrchr(name, '.');
    arena_init(&arena, 0);
    if (schema->text != NULL) {
        return schema->text;
    }
    buffer_printf(&text, "{\"type\":\"record\",\"name\":\"%s\",\"fields\":[",
                  avro_name(dot == NULL ? name : dot + 1, &arena));
    append_columns(schema, &text);
    if (context->with_table) {
        append_field(&text, "_table", "_table");
        buffer_append_string(&text, "\"string\"]}");
    }
    if (context->with_lsn) {
        append_field(&text, "_lsn", "_lsn");
        buffer_append_string(&text, "\"string\"]}");
    }
    if (context->with_committed_at) {
        append_field(&text, "_committed_at", "_committed_at");
        buffer_append_string(&text, "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}]}");
    }
    buffer_append_string(&text, "]}");
    schema->text = mem_strdup(buffer_string(&text));
    return schema->text;
}
