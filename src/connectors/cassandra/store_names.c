#include "connectors/cassandra/store_internal.h"

#include <ctype.h>
#include <jansson.h>

#define NAME_MAX_BYTES 48

/* ---- names -------------------------------------------------------------------------------------
 */

static enum status encode(struct slice name,
                          const char *whole,
                          struct arena *arena,
                          const char **ret_name,
                          struct error *error)
{
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    for (size_t i = 0; i < name.size; i++) {
        uint8_t c = name.data[i];
        if (c < 128 && (isalnum(c) || c == '_')) {
            buffer_append_byte(&text, c);
        } else {
            buffer_printf(&text, "_%02x", c);
        }
    }
    if (text.size == 0 || text.size > NAME_MAX_BYTES) {
        return error_set(
            error, STATUS_CONFIG, "table \"%s\" cannot have this name in Cassandra: \"%s\" is %s",
            whole, buffer_string(&text), text.size == 0 ? "empty" : "longer than 48 characters");
    }
    *ret_name = arena_string(arena, buffer_slice(&text));
    return STATUS_OK;
}

void cass_append_name(struct buffer *target, const char *name)
{
    buffer_append_byte(target, '"');
    for (const char *c = name; *c != '\0'; c++) {
        buffer_append(target, "\"\"", *c == '"' ? 2 : 0);
        buffer_append(target, c, *c == '"' ? 0 : 1);
    }
    buffer_append_byte(target, '"');
}

void cass_append_text(struct buffer *target, const char *text)
{
    buffer_append_byte(target, '\'');
    for (const char *c = text; *c != '\0'; c++) {
        buffer_append(target, "''", *c == '\'' ? 2 : 0);
        buffer_append(target, c, *c == '\'' ? 0 : 1);
    }
    buffer_append_byte(target, '\'');
}

enum status cass_name_of(const struct store *store,
                         const char *name,
                         struct arena *arena,
                         struct cass_name *ret_name,
                         struct error *error)
{
    const char *dot = strchr(name, '.');
    struct slice keyspace = dot == NULL ? slice_of_string(store->settings.keyspace)
                                        : slice_of(name, (size_t) (dot - name));
    TRY(encode(keyspace, name, arena, &ret_name->keyspace, error));
    TRY(encode(slice_of_string(dot == NULL ? name : dot + 1), name, arena, &ret_name->table,
               error));
    ret_name->quoted = arena_printf(arena, "\"%s\".\"%s\"", ret_name->keyspace, ret_name->table);
    return STATUS_OK;
}

/* ---- comments ----------------------------------------------------------------------------------
 */

static const char mark[] = "leat {";

const char *cass_comment_text(const struct store_table *table, struct arena *arena)
{
    json_t *columns = json_array();
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct store_column *column = &table->columns[i];
        json_array_append_new(columns,
                              json_pack("[sss]", column->name, type_text(column->type, arena),
                                        column->semantic == STORE_UUID ? "uuid" : ""));
    }
    json_t *root = json_pack("{s:s, s:I, s:b, s:o}", "table", table->name, "ttl_us",
                             (json_int_t) table->ttl_us, "internal", (int) table->internal,
                             "columns", columns);
    char *text = json_dumps(root, JSON_COMPACT);
    const char *comment = arena_printf(arena, "leat %s", text);
    free(text);
    json_decref(root);
    return comment;
}

static bool read_columns(const json_t *list, struct arena *arena, struct store_table *table)
{
    size_t count = json_array_size(list);
    struct store_column *columns = ARENA_ARRAY(arena, struct store_column, count);
    for (size_t i = 0; i < count; i++) {
        const char *name;
        const char *type;
        const char *semantic;
        if (json_unpack(json_array_get(list, i), "[sss]", &name, &type, &semantic) != 0 ||
            type_parse(slice_of_string(type), arena, &columns[i].type, NULL) != STATUS_OK) {
            return false;
        }
        columns[i].name = arena_strdup(arena, name);
        columns[i].semantic = strcmp(semantic, "uuid") == 0 ? STORE_UUID : STORE_PLAIN;
    }
    table->columns = columns;
    table->column_count = (uint32_t) count;
    return true;
}

bool cass_comment_read(struct slice comment, struct arena *arena, struct store_table *ret_table)
{
    size_t skip = sizeof(mark) - 2;
    *ret_table = (struct store_table){0};
    if (comment.size < sizeof(mark) || memcmp(comment.data, mark, sizeof(mark) - 1) != 0) {
        return false;
    }
    json_t *root = json_loadb((const char *) comment.data + skip, comment.size - skip, 0, NULL);
    const char *name = NULL;
    json_int_t ttl_us = 0;
    int internal = 0;
    json_t *columns = NULL;
    bool good = root != NULL &&
                json_unpack(root, "{s:s, s:I, s:b, s:o}", "table", &name, "ttl_us", &ttl_us,
                            "internal", &internal, "columns", &columns) == 0 &&
                read_columns(columns, arena, ret_table);
    if (good) {
        ret_table->name = arena_strdup(arena, name);
        ret_table->ttl_us = ttl_us;
        ret_table->internal = internal != 0;
    }
    json_decref(root);
    return good;
}
