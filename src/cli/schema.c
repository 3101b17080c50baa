/* `leat schema`: subjects and schemas of the registry. */

#include "app/local_schemas.h"
#include "cli/rows.h"
#include "cli/session.h"
#include "io/file.h"

#include <jansson.h>
#include <string.h>

#define SCHEMA_BYTES_MAX ((size_t) 4 << 20)

struct schema_options {
    const char *data, *registry;
    int64_t version;
    bool json;
};

static const struct schema_options defaults = {.version = -1};

#define COMMON                                                                                     \
    OPTION(schema_options, data, "--data", 0, OPTION_STRING, "DIR", COMMAND_DATA_HELP),            \
        OPTION(schema_options, registry, "--registry", 0, OPTION_STRING, "HOST:PORT",              \
               COMMAND_REGISTRY_HELP),                                                             \
        OPTION(schema_options, json, "--json", 0, OPTION_FLAG, NULL, "one JSON object a row")

static const struct option options[] = {COMMON};

static const struct option show_options[] = {
    COMMON,
    OPTION(schema_options, version, "--version", 0, OPTION_INT, "N", "of the subject [newest]"),
};

/* A registry that is named needs neither a data directory nor a leat. */
static void
open_schemas(struct session *session, const struct schema_options *given, const char *running)
{
    if (given->registry == NULL) {
        session_open(session, given->data, running);
    } else {
        *session = (struct session){0};
        arena_init(&session->arena, 0);
        const struct workspace_place place = {.data = given->data, .registry = given->registry};
        session->status = workspace_open_at(&place, &session->workspace, &session->error);
    }
    if (session->status == STATUS_OK) {
        session->status = workspace_schemas(&session->workspace, &session->error);
    }
}

/* ---- every version of every subject ------------------------------------------------------------
 */

/* GET of the registry of a running leat; the JSON is the caller's to release. */
static enum status
registry_get(struct session *session, const char *path, json_t **ret_json, struct error *error)
{
    static const struct http_client_config config = {0};
    struct http_client *client;
    struct http_reply reply;
    TRY(http_client_new(&config, &client, error));
    http_reply_init(&reply);
    const char *base = session->workspace.running.registry;
    const char *scheme = strstr(base, "://") == NULL ? "http://" : "";
    const struct http_request request = {
        .url = arena_printf(&session->arena, "%s%s%s", scheme, base, path),
        .timeouts = {3000000, 10000000, 10000000, 20000000},
    };
    enum status status = http_request(client, &request, &reply, error);
    if (status == STATUS_OK) {
        *ret_json = json_loadb((const char *) reply.body.data, reply.body.size, 0, NULL);
        if (reply.status != 200 || *ret_json == NULL) {
            json_decref(*ret_json);
            status = error_set(error, STATUS_PROTOCOL, "the schema registry answered %d to \"%s\"",
                               reply.status, path);
        }
    }
    http_reply_deinit(&reply);
    http_client_free(client);
    return status;
}

static enum status list_running(struct session *session,
                                struct registry_schema **ret_schemas,
                                size_t *ret_count,
                                struct error *error)
{
    json_t *all;
    TRY(registry_get(session, "/schemas", &all, error));
    size_t count = json_array_size(all);
    struct registry_schema *schemas = ARENA_ARRAY(&session->arena, struct registry_schema, count);
    for (size_t i = 0; i < count; i++) {
        const json_t *one = json_array_get(all, i);
        const char *subject = json_string_value(json_object_get(one, "subject"));
        const char *text = json_string_value(json_object_get(one, "schema"));
        schemas[i] = (struct registry_schema){
            .id = (int32_t) json_integer_value(json_object_get(one, "id")),
            .version = (int32_t) json_integer_value(json_object_get(one, "version")),
            .subject = arena_strdup(&session->arena, subject == NULL ? "" : subject),
            .text = arena_strdup(&session->arena, text == NULL ? "" : text),
        };
    }
    json_decref(all);
    *ret_schemas = schemas;
    *ret_count = count;
    return STATUS_OK;
}

static enum status all_schemas(struct session *session,
                               struct registry_schema **ret_schemas,
                               size_t *ret_count,
                               struct error *error)
{
    if (session->workspace.running.registry[0] != '\0') {
        return list_running(session, ret_schemas, ret_count, error);
    }
    struct registry *registry = local_schemas_registry(session->workspace.schemas);
    *ret_count = 0;
    return registry == NULL
               ? STATUS_OK
               : registry_list(registry, 0, false, &session->arena, ret_schemas, ret_count, error);
}

/* ---- commands ----------------------------------------------------------------------------------
 */

static enum status list(struct session *session, bool json, struct error *error)
{
    static const char *const columns[] = {"subject", "version", "id"};
    struct registry_schema *schemas = NULL;
    size_t count;
    TRY(all_schemas(session, &schemas, &count, error));
    struct rows rows;
    rows_init(&rows, rows_form_of(json, false), columns, ARRAY_SIZE(columns));
    for (size_t i = 0; i < count; i++) {
        rows_string(&rows, schemas[i].subject);
        rows_int(&rows, schemas[i].version);
        rows_int(&rows, schemas[i].id);
        rows_end(&rows);
    }
    rows_finish(&rows);
    return STATUS_OK;
}

static int list_main(void *opaque, char **arguments, int count)
{
    const struct schema_options *schema = opaque;
    struct session session;
    (void) arguments;
    (void) count;
    open_schemas(&session, schema, NULL);
    if (session.status == STATUS_OK) {
        session.status = list(&session, schema->json, &session.error);
    }
    return session_end(&session);
}

static enum status show(struct session *session,
                        const struct schema_options *wanted,
                        const char *subject,
                        struct error *error)
{
    struct registry_schema *schemas = NULL;
    size_t count;
    const struct registry_schema *found = NULL;
    TRY(all_schemas(session, &schemas, &count, error));
    for (size_t i = 0; i < count; i++) {
        bool fits = wanted->version < 0 || wanted->version == schemas[i].version;
        if (strcmp(schemas[i].subject, subject) == 0 && fits) {
            found = &schemas[i];
        }
    }
    if (found == NULL) {
        return error_set(error, STATUS_NOT_FOUND, "subject \"%s\" has no such schema", subject);
    }
    if (wanted->json) {
        struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
        buffer_append_string(&text, "{\"subject\":");
        buffer_append_json(&text, slice_of_string(subject));
        buffer_printf(&text, ",\"version\":%d,\"id\":%d,\"schema\":%s}\n", (int) found->version,
                      (int) found->id, found->text);
        (void) fputs(buffer_string(&text), stdout);
        return STATUS_OK;
    }
    json_t *tree = json_loads(found->text, JSON_DECODE_ANY, NULL);
    char *pretty = tree == NULL ? NULL : json_dumps(tree, JSON_INDENT(2) | JSON_ENCODE_ANY);
    (void) printf("%s\n", pretty == NULL ? found->text : pretty);
    free(pretty);
    json_decref(tree);
    return STATUS_OK;
}

static int show_main(void *opaque, char **arguments, int count)
{
    const struct schema_options *schema = opaque;
    struct session session;
    (void) count;
    open_schemas(&session, schema, NULL);
    if (session.status == STATUS_OK) {
        session.status = show(&session, schema, arguments[0], &session.error);
    }
    return session_end(&session);
}

/* Registers, or only asks whether that would do. */
static enum status offer(struct session *session,
                         const struct schema_options *schema,
                         char **arguments,
                         bool keep,
                         struct error *error)
{
    struct workspace *workspace = &session->workspace;
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    int32_t id = 0;
    TRY(file_load(arguments[1], SCHEMA_BYTES_MAX, &text, error));
    const char *avro = buffer_string(&text);
    if (!keep) {
        TRY(workspace->schemas_ops->check(workspace->schemas, arguments[0], avro, error));
        (void) printf(schema->json ? "{\"compatible\":true}\n" : "compatible\n");
        return STATUS_OK;
    }
    TRY(workspace->schemas_ops->register_schema(workspace->schemas, arguments[0], avro, &id,
                                                error));
    (void) printf(schema->json ? "{\"id\":%d}\n" : "registered with id %d\n", (int) id);
    return STATUS_OK;
}

static int register_main(void *opaque, char **arguments, int count)
{
    const struct schema_options *schema = opaque;
    struct session session;
    (void) count;
    open_schemas(&session, schema, "register a schema");
    if (session.status == STATUS_OK) {
        session.status = offer(&session, schema, arguments, true, &session.error);
    }
    return session_end(&session);
}

static int check_main(void *opaque, char **arguments, int count)
{
    const struct schema_options *schema = opaque;
    struct session session;
    (void) count;
    open_schemas(&session, schema, NULL);
    if (session.status == STATUS_OK) {
        session.status = offer(&session, schema, arguments, false, &session.error);
    }
    return session_end(&session);
}

static int level_main(void *opaque, char **arguments, int count)
{
    const struct schema_options *schema = opaque;
    struct session session;
    (void) count;
    open_schemas(&session, schema, "set a compatibility level");
    struct workspace *workspace = &session.workspace;
    if (session.status == STATUS_OK) {
        session.status = workspace->schemas_ops->set_compatibility(workspace->schemas, arguments[0],
                                                                   arguments[1], &session.error);
    }
    if (session.status == STATUS_OK) {
        (void) printf(schema->json ? "{\"level\":\"%s\"}\n" : "level %s\n", arguments[1]);
    }
    return session_end(&session);
}

#define SCHEMA_COMMAND(symbol, name_, summary_, usage_, help_, options_, arguments_, run_)         \
    const struct command symbol = {                                                                \
        .name = (name_),                                                                           \
        .summary = (summary_),                                                                     \
        .usage = (usage_),                                                                         \
        .help = (help_),                                                                           \
        .options = (options_),                                                                     \
        .option_count = ARRAY_SIZE(options_),                                                      \
        .options_bytes = sizeof(struct schema_options),                                            \
        .defaults = &defaults,                                                                     \
        .arguments_min = (arguments_),                                                             \
        .arguments_max = (arguments_),                                                             \
        .run = (run_),                                                                             \
    }

SCHEMA_COMMAND(command_schema_list,
               "schema list",
               "subjects, versions and ids",
               "",
               "Works while leat runs and when nothing runs.\n\nexamples:\n  leat schema list",
               options,
               0,
               list_main);
SCHEMA_COMMAND(command_schema_show,
               "schema show",
               "a subject's schema",
               "SUBJECT",
               "Works while leat runs and when nothing runs.\n\nexamples:\n"
               "  leat schema show users_created-value\n"
               "  leat schema show users_created-value --version 1 --json",
               show_options,
               1,
               show_main);
SCHEMA_COMMAND(command_schema_register,
               "schema register",
               "register an Avro schema",
               "SUBJECT FILE",
               "Needs a running leat. An incompatible schema is an error (exit code 1).\n\n"
               "examples:\n  leat schema register clicks-value click.avsc",
               options,
               2,
               register_main);
SCHEMA_COMMAND(command_schema_check,
               "schema check",
               "would this schema be accepted?",
               "SUBJECT FILE",
               "Asks the subject's compatibility level; registers nothing. Exit code 1: no.\n\n"
               "examples:\n  leat schema check users_created-value user.avsc",
               options,
               2,
               check_main);
SCHEMA_COMMAND(command_schema_level,
               "schema set-level",
               "set a subject's compatibility level",
               "SUBJECT LEVEL",
               "Needs a running leat. Levels are NONE, BACKWARD, FORWARD, FULL and their\n"
               "_TRANSITIVE forms.\n\nexamples:\n  leat schema set-level clicks-value FULL",
               options,
               2,
               level_main);
