/* Schemas, and queries over tables and topics, as the console shows them. */

#include "app/engine_console_view.h"
#include "app/query_catalog.h"
#include "base/budget.h"
#include "base/node.h"
#include "columnar/json_write.h"
#include "http/client.h"
#include "http/url.h"
#include "io/clock.h"

#include <jansson.h>
#include <string.h>

#define QUERY_BYTES_MAX ((size_t) 256 << 20)
#define REPLY_BYTES_MAX ((size_t) 32 << 20)
#define QUERY_US        INT64_C(30000000)

/* ---- schemas -----------------------------------------------------------------------------------
 */

/* GET of the registry; the JSON is the caller's to release. */
static enum status
registry_get(struct workspace *workspace, const char *path, json_t **ret_json, struct error *error)
{
    static const struct http_client_config config = {0};
    struct http_client *client;
    struct http_reply reply;
    TRY(http_client_new(&config, &client, error));
    http_reply_init(&reply);
    const char *base = workspace->running.registry;
    const char *scheme = strstr(base, "://") == NULL ? "http://" : "";
    const struct http_request request = {
        .url = arena_printf(&workspace->arena, "%s%s%s", scheme, base, path),
        .timeouts = {3000000, 10000000, 10000000, 20000000},
    };
    enum status status = http_request(client, &request, &reply, error);
    if (status == STATUS_OK) {
        *ret_json = json_loadb((const char *) reply.body.data, reply.body.size, 0, NULL);
        if (reply.status != 200 || *ret_json == NULL) {
            json_decref(*ret_json);
            status = error_set(error, reply.status == 404 ? STATUS_NOT_FOUND : STATUS_PROTOCOL,
                               "the schema registry answered %d to \"%s\"", reply.status, path);
        }
    }
    http_reply_deinit(&reply);
    http_client_free(client);
    return status;
}

static const char *text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text == NULL ? "" : text;
}

static void write_version(const json_t *schema, bool with_text, struct json_writer *json)
{
    json_writer_open(json, NULL, '{');
    json_writer_text(json, "subject", text_of(schema, "subject"));
    json_writer_int(json, "version", json_integer_value(json_object_get(schema, "version")));
    json_writer_int(json, "id", json_integer_value(json_object_get(schema, "id")));
    const char *type = text_of(schema, "schemaType");
    json_writer_text(json, "type", type[0] == '\0' ? "AVRO" : type);
    if (with_text) {
        json_writer_text(json, "text", text_of(schema, "schema"));
    }
    json_writer_close(json, '}');
}

/* Versions of `subject`, or without texts those of all. */
static enum status list_schemas(struct workspace *workspace,
                                const char *subject,
                                struct buffer *target,
                                struct error *error)
{
    json_t *all;
    struct json_writer json = {.target = target};
    int64_t found = 0;
    TRY(registry_get(workspace, "/schemas", &all, error));
    json_writer_open(&json, NULL, '[');
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *schema = json_array_get(all, i);
        if (subject == NULL || strcmp(text_of(schema, "subject"), subject) == 0) {
            write_version(schema, subject != NULL, &json);
            found++;
        }
    }
    json_writer_close(&json, ']');
    json_decref(all);
    if (subject != NULL && found == 0) {
        return error_set(error, STATUS_NOT_FOUND, "there is no subject \"%s\"", subject);
    }
    return STATUS_OK;
}

enum status engine_subjects(void *context, struct buffer *target, struct error *error)
{
    struct workspace workspace;
    engine_borrow(context, &workspace);
    enum status status = list_schemas(&workspace, NULL, target, error);
    engine_give_back(&workspace);
    return status;
}

static enum status show_subject(struct workspace *workspace,
                                const char *subject,
                                struct buffer *target,
                                struct error *error)
{
    CLEANUP(buffer_deinit) struct buffer versions = BUFFER_INIT;
    CLEANUP(buffer_deinit) struct buffer path = BUFFER_INIT;
    json_t *level;
    struct json_writer json = {.target = target};
    TRY(list_schemas(workspace, subject, &versions, error));
    buffer_append_string(&path, "/config/");
    url_encode(&path, slice_of_string(subject));
    buffer_append_string(&path, "?defaultToGlobal=true");
    TRY(registry_get(workspace, buffer_string(&path), &level, error));
    json_writer_open(&json, NULL, '{');
    json_writer_text(&json, "subject", subject);
    json_writer_text(&json, "compatibility", text_of(level, "compatibilityLevel"));
    json_writer_raw(&json, "versions", buffer_slice(&versions));
    json_writer_close(&json, '}');
    json_decref(level);
    return STATUS_OK;
}

enum status
engine_subject_show(void *context, const char *subject, struct buffer *target, struct error *error)
{
    struct workspace workspace;
    engine_borrow(context, &workspace);
    enum status status = show_subject(&workspace, subject, target, error);
    engine_give_back(&workspace);
    return status;
}

enum status engine_subject_save(void *context,
                                const char *subject,
                                const struct console_schema_text *text,
                                struct buffer *target,
                                struct error *error)
{
    struct engine *engine = context;
    int32_t id = -1;
    struct json_writer json = {.target = target};
    enum status status =
        text->check ? engine->schemas_ops->check(engine->schemas, subject, text->schema, error)
                    : engine->schemas_ops->register_schema(engine->schemas, subject, text->schema,
                                                           &id, error);
    if (status != STATUS_OK && !(text->check && status == STATUS_CONFLICT)) {
        return status;
    }
    json_writer_open(&json, NULL, '{');
    json_writer_bool(&json, "compatible", status == STATUS_OK);
    json_writer_text(&json, "message", status == STATUS_OK ? NULL : error->message);
    if (id >= 0) {
        json_writer_int(&json, "id", id);
    }
    json_writer_close(&json, '}');
    return STATUS_OK;
}

/* ---- relations ---------------------------------------------------------------------------------
 */

static enum status
list_relations(struct workspace *workspace, struct buffer *target, struct error *error)
{
    struct query_catalog *catalog;
    const struct query_relation *relations;
    size_t count;
    struct json_writer json = {.target = target};
    TRY(query_catalog_new(workspace, &catalog, error));
    enum status status = query_catalog_list(catalog, &workspace->arena, &relations, &count, error);
    json_writer_open(&json, NULL, '[');
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        json_writer_open(&json, NULL, '{');
        json_writer_text(&json, "name", relations[i].name);
        json_writer_text(&json, "kind", relations[i].kind);
        json_writer_open(&json, "columns", '[');
        for (uint32_t c = 0; c < relations[i].type->field_count; c++) {
            const struct type_field *field = &relations[i].type->fields[c];
            CLEANUP(buffer_deinit) struct buffer type = BUFFER_INIT;
            type_write(field->type, &type);
            json_writer_open(&json, NULL, '{');
            json_writer_text(&json, "name", field->name);
            json_writer_bytes(&json, "type", buffer_slice(&type));
            json_writer_close(&json, '}');
        }
        json_writer_close(&json, ']');
        json_writer_close(&json, '}');
    }
    json_writer_close(&json, ']');
    query_catalog_free(catalog);
    return status;
}

enum status engine_relations(void *context, struct buffer *target, struct error *error)
{
    struct workspace workspace;
    engine_borrow(context, &workspace);
    enum status status = list_relations(&workspace, target, error);
    engine_give_back(&workspace);
    return status;
}

/* ---- queries -----------------------------------------------------------------------------------
 */

struct rows {
    struct json_writer json;
    int64_t count, limit;
    int64_t until_us; /* monotonic */
    bool more;
};

static enum status take_rows(void *context, const struct batch *batch, struct error *error)
{
    struct rows *rows = context;
    if (clock_monotonic_us() > rows->until_us) {
        (void) error_set(error, STATUS_LIMIT, "the query took longer than 30 s");
        error_hint(error, "ask for less, or use `leat query`, which has no such limit");
        return STATUS_LIMIT;
    }
    for (int64_t row = 0; row < batch->length; row++) {
        if (rows->count >= rows->limit || rows->json.target->size > REPLY_BYTES_MAX) {
            rows->more = true;
            return error_set(error, STATUS_CANCELLED, "enough rows");
        }
        json_writer_open(&rows->json, NULL, '[');
        for (uint32_t i = 0; i < batch->type->field_count; i++) {
            CLEANUP(buffer_deinit) struct buffer cell = BUFFER_INIT;
            if (column_is_null(batch->columns[i], row)) {
                buffer_append_string(&cell, "null");
            } else {
                column_write_json(batch->columns[i], row, &cell);
            }
            json_writer_raw(&rows->json, NULL, buffer_slice(&cell));
        }
        json_writer_close(&rows->json, ']');
        rows->count++;
    }
    return STATUS_OK;
}

/* Puts the place in the text, the line and a caret in front of an error. */
static enum status
show_place(const char *text, size_t offset, struct arena *arena, struct error *error)
{
    struct error plain = *error;
    struct node *node = node_of_text(slice_of_string(text), "query", arena);
    (void) node_error_at(error, node, offset, "%s", plain.message);
    error->status = plain.status;
    error_hint(error, "%s", plain.hint);
    return plain.status;
}

static enum status run_plan(const struct query *query,
                            struct query_catalog *catalog,
                            const struct console_sql *sql,
                            struct arena *arena,
                            struct buffer *target,
                            struct error *error)
{
    struct budget budget;
    struct rows rows = {{.target = target}, 0, sql->limit, clock_monotonic_us() + QUERY_US, false};
    const struct type *type = query->plan->type;
    size_t offset = 0;
    budget_init(&budget, "query", QUERY_BYTES_MAX);
    json_writer_open(&rows.json, NULL, '{');
    json_writer_open(&rows.json, "columns", '[');
    for (uint32_t i = 0; i < type->field_count; i++) {
        json_writer_text(&rows.json, NULL, type->fields[i].name);
    }
    json_writer_close(&rows.json, ']');
    json_writer_open(&rows.json, "rows", '[');
    const struct batch_options run = {query_catalog_source(catalog), &budget, clock_now_us()};
    enum status status = batch_run(query->plan, &run, take_rows, &rows, &offset, error);
    if (status == STATUS_DATA) { /* one row cannot be computed, as in Spark */
        return show_place(query->text, offset, arena, error);
    }
    if (status != STATUS_OK && !rows.more) {
        return status;
    }
    const struct query_skipped *skipped = query_catalog_skipped(catalog);
    json_writer_close(&rows.json, ']');
    json_writer_bool(&rows.json, "more", rows.more);
    json_writer_int(&rows.json, "undecodable", skipped->undecodable);
    json_writer_close(&rows.json, '}');
    return STATUS_OK;
}

static enum status run_query(struct workspace *workspace,
                             const struct console_sql *sql,
                             struct buffer *target,
                             struct error *error)
{
    static const struct sql_options options = {.batch = true};
    struct query_catalog *catalog;
    struct query *query;
    size_t offset = 0;
    TRY(query_catalog_new(workspace, &catalog, error));
    const struct sql_catalog names = query_catalog_names(catalog);
    enum status status =
        sql_compile(sql->sql, &names, &options, &workspace->arena, &query, &offset, error);
    if (status != STATUS_OK && query_catalog_failure(catalog) != NULL) {
        *error = *query_catalog_failure(catalog);
        status = error->status;
    } else if (status != STATUS_OK) {
        status = show_place(sql->sql, offset, &workspace->arena, error);
    } else {
        status = run_plan(query, catalog, sql, &workspace->arena, target, error);
    }
    query_catalog_free(catalog);
    return status;
}

enum status engine_query(void *context,
                         const struct console_sql *sql,
                         struct buffer *target,
                         struct error *error)
{
    struct workspace workspace;
    engine_borrow(context, &workspace);
    enum status status = run_query(&workspace, sql, target, error);
    engine_give_back(&workspace);
    return status;
}
