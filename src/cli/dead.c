/* `leat dead`: records that a hop refused. */

#include "app/dead.h"
#include "base/time_text.h"
#include "cli/rows.h"
#include "cli/session.h"
#include "codec/avro.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

struct dead_options {
    const char *data, *name, *reason;
    int64_t limit;
    bool json, all;
};

static const struct dead_options defaults = {.limit = 100};

#define COMMON                                                                                     \
    OPTION(dead_options, data, "--data", 0, OPTION_STRING, "DIR", COMMAND_DATA_HELP),              \
        OPTION(dead_options, json, "--json", 0, OPTION_FLAG, NULL, "JSON")

#define CHOICE                                                                                     \
    OPTION(dead_options, name, "--name", 0, OPTION_STRING, "NAME",                                 \
           "of the source, stream or sink that refused"),                                          \
        OPTION(dead_options, reason, "--reason", 0, OPTION_STRING, "WORD",                         \
               "such as malformed, missing-key, type-change, decode, cast, overflow")

static const struct option list_options[] = {
    COMMON,
    CHOICE,
    OPTION(dead_options, limit, "--limit", 'n', OPTION_INT, "N", "at most N of each store [100]"),
};

static const struct option show_options[] = {COMMON};

static const struct option retry_options[] = {
    COMMON,
    CHOICE,
    OPTION(dead_options, all, "--all", 0, OPTION_FLAG, NULL, "all of them"),
};

/* ---- list --------------------------------------------------------------------------------------
 */

static enum status
print_row(void *context, const char *store, const struct dead_letter *letter, struct error *error)
{
    struct rows *rows = context;
    char id[160];
    (void) error;
    (void) snprintf(id, sizeof(id), "%s:%" PRId64, store, letter->id);
    rows_string(rows, id);
    rows_string(rows, dead_hop_name(letter->hop));
    rows_string(rows, letter->name);
    rows_string(rows, letter->reason);
    rows_string(rows, letter->place);
    rows_time(rows, letter->at_us);
    rows_int(rows, letter->retries);
    rows_string(rows, letter->message);
    rows_end(rows);
    return STATUS_OK;
}

static int list_main(void *opaque, char **arguments, int count)
{
    static const char *const columns[] = {"id",    "hop", "name",    "reason",
                                          "place", "at",  "retries", "message"};
    const struct dead_options *dead = opaque;
    struct session session;
    (void) arguments;
    (void) count;
    session_open(&session, dead->data, NULL);
    if (session.status == STATUS_OK) {
        const struct dead_selection selection = {
            .name = dead->name, .reason = dead->reason, .limit = dead->limit};
        struct rows rows;
        rows_init(&rows, rows_form_of(dead->json, false), columns, ARRAY_SIZE(columns));
        session.status =
            dead_list(&session.workspace, &selection, print_row, &rows, &session.error);
        rows_finish(&rows);
    }
    return session_end(&session);
}

/* ---- show --------------------------------------------------------------------------------------
 */

struct showing {
    struct session *session;
    bool json;
    bool found;
};

/* The record as a person reads it: Avro by its schema, otherwise the bytes. */
static void append_raw(struct session *session, struct slice raw, struct buffer *target)
{
    struct workspace *workspace = &session->workspace;
    int32_t id;
    struct slice datum;
    const char *text;
    const struct avro_schema *schema;
    struct error error;
    if (wire_header_read(raw, &id, &datum) && workspace_schemas(workspace, &error) == STATUS_OK &&
        workspace->schemas_ops->by_id(workspace->schemas, id, &session->arena, &text, &error) ==
            STATUS_OK &&
        avro_schema_parse(slice_of_string(text), &session->arena, &schema, &error) == STATUS_OK) {
        size_t size = target->size;
        enum status status = avro_to_json(schema, datum, target, &error);
        avro_schema_release(schema);
        if (status == STATUS_OK) {
            return;
        }
        target->size = size;
    }
    buffer_append_json(target, raw);
}

static enum status print_letter(void *context,
                                const char *store,
                                const struct dead_letter *letter,
                                struct error *error)
{
    struct showing *showing = context;
    struct buffer record CLEANUP(buffer_deinit) = BUFFER_INIT;
    char at[TIME_TEXT_BYTES];
    (void) error;
    showing->found = true;
    struct json_document document;
    struct error fault;
    json_document_init(&document);
    if (json_parse(&document, letter->raw, 0, &fault) == STATUS_OK) {
        buffer_append_slice(&record, letter->raw);
    } else {
        append_raw(showing->session, letter->raw, &record);
    }
    json_document_deinit(&document);
    (void) time_format(letter->at_us, at);

    const struct {
        const char *name, *value;
    } fields[] = {
        {"hop", dead_hop_name(letter->hop)},
        {"pipeline", letter->pipeline},
        {"name", letter->name},
        {"reason", letter->reason},
        {"message", letter->message},
        {"place", letter->place},
        {"topic", letter->topic},
        {"at", at},
    };
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_printf(&text,
                  showing->json ? "{\"id\":\"%s:%" PRId64 "\"" : "id        %s:%" PRId64 "\n",
                  store, letter->id);
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        if (showing->json) {
            buffer_printf(&text, ",\"%s\":", fields[i].name);
            if (fields[i].value == NULL) {
                buffer_append_string(&text, "null");
            } else {
                buffer_append_json(&text, slice_of_string(fields[i].value));
            }
        } else if (fields[i].value != NULL) {
            buffer_printf(&text, "%-9s %s\n", fields[i].name, fields[i].value);
        }
    }
    buffer_printf(&text, showing->json ? ",\"retries\":%d,\"record\":%s}\n" : "retries   %d\n%s\n",
                  (int) letter->retries, buffer_string(&record));
    (void) fwrite(text.data, 1, text.size, stdout);
    return STATUS_OK;
}

static int show_main(void *opaque, char **arguments, int count)
{
    const struct dead_options *dead = opaque;
    struct session session;
    struct showing showing = {.session = &session, .json = dead->json};
    session_open(&session, dead->data, NULL);
    for (int i = 0; i < count && session.status == STATUS_OK; i++) {
        struct dead_selection selection;
        showing.found = false;
        session.status = dead_name_parse(arguments[i], &session.arena, &selection, &session.error);
        if (session.status == STATUS_OK) {
            session.status =
                dead_list(&session.workspace, &selection, print_letter, &showing, &session.error);
        }
        if (session.status == STATUS_OK && !showing.found) {
            session.status = error_set(&session.error, STATUS_NOT_FOUND,
                                       "there is no dead letter %s", arguments[i]);
        }
    }
    return session_end(&session);
}

/* ---- retry -------------------------------------------------------------------------------------
 */

struct retry_sum {
    int64_t tried, resolved;
};

static void append_member(struct buffer *body, const char *name, const char *value)
{
    if (value != NULL) {
        buffer_printf(body, "%s\"%s\":", body->size > 1 ? "," : "", name);
        buffer_append_json(body, slice_of_string(value));
    }
}

static enum status retry(struct session *session,
                         const struct dead_selection *selection,
                         struct retry_sum *sum,
                         struct error *error)
{
    struct buffer body CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct http_reply reply;
    buffer_append_byte(&body, '{');
    append_member(&body, "store", selection->store);
    append_member(&body, "name", selection->name);
    append_member(&body, "reason", selection->reason);
    if (selection->id != 0) {
        buffer_printf(&body, "%s\"id\":%" PRId64, body.size > 1 ? "," : "", selection->id);
    }
    buffer_append_byte(&body, '}');
    http_reply_init(&reply);
    enum status status =
        session_call(session, "/api/v1/dead/retry", buffer_string(&body), &reply, error);
    json_t *answer = json_loadb((const char *) reply.body.data, reply.body.size, 0, NULL);
    if (status == STATUS_OK && reply.status != 200) {
        const char *message =
            json_string_value(json_object_get(json_object_get(answer, "error"), "message"));
        status = error_set(error, reply.status == 404 ? STATUS_NOT_FOUND : STATUS_FAILED, "%s",
                           message == NULL ? "the running leat refused the retry" : message);
    } else if (status == STATUS_OK) {
        sum->tried += json_integer_value(json_object_get(answer, "tried"));
        sum->resolved += json_integer_value(json_object_get(answer, "resolved"));
    }
    json_decref(answer);
    http_reply_deinit(&reply);
    return status;
}

static enum status retry_all(struct session *session,
                             const struct dead_options *dead,
                             char **arguments,
                             int count,
                             struct retry_sum *sum,
                             struct error *error)
{
    bool chosen = dead->all || dead->name != NULL || dead->reason != NULL;
    if ((count > 0) == chosen) {
        return error_set(error, STATUS_USAGE,
                         "name dead letters, or choose with --all, --name or --reason");
    }
    if (chosen) {
        const struct dead_selection selection = {.name = dead->name, .reason = dead->reason};
        return retry(session, &selection, sum, error);
    }
    for (int i = 0; i < count; i++) {
        struct dead_selection selection;
        TRY(dead_name_parse(arguments[i], &session->arena, &selection, error));
        TRY(retry(session, &selection, sum, error));
    }
    return STATUS_OK;
}

static int retry_main(void *opaque, char **arguments, int count)
{
    const struct dead_options *dead = opaque;
    struct session session;
    struct retry_sum sum = {0};
    session_open(&session, dead->data, "try dead letters again");
    if (session.status == STATUS_OK) {
        session.status = retry_all(&session, dead, arguments, count, &sum, &session.error);
        (void) printf(dead->json ? "{\"tried\":%" PRId64 ",\"resolved\":%" PRId64 "}\n"
                                 : "tried %" PRId64 ", resolved %" PRId64 "\n",
                      sum.tried, sum.resolved);
    }
    int code = session_end(&session);
    return code == 0 && sum.resolved < sum.tried ? 1 : code;
}

#define DEAD_COMMAND(symbol, name_, summary_, usage_, help_, options_, min_, max_, run_)           \
    const struct command symbol = {                                                                \
        .name = (name_),                                                                           \
        .summary = (summary_),                                                                     \
        .usage = (usage_),                                                                         \
        .help = (help_),                                                                           \
        .options = (options_),                                                                     \
        .option_count = ARRAY_SIZE(options_),                                                      \
        .options_bytes = sizeof(struct dead_options),                                              \
        .defaults = &defaults,                                                                     \
        .arguments_min = (min_),                                                                   \
        .arguments_max = (max_),                                                                   \
        .run = (run_),                                                                             \
    }

DEAD_COMMAND(command_dead_list,
             "dead list",
             "records that were refused, and why",
             "",
             "Of all hops, whether leat runs or not.\n\nexamples:\n  leat dead list\n"
             "  leat dead list --reason type-change --json",
             list_options,
             0,
             0,
             list_main);
DEAD_COMMAND(
    command_dead_show,
    "dead show",
    "a refused record, with its content",
    "ID...",
    "Works while leat runs and when nothing runs.\n\nexamples:\n  leat dead show staging:3",
    show_options,
    1,
    -1,
    show_main);
DEAD_COMMAND(
    command_dead_retry,
    "dead retry",
    "try refused records again",
    "[ID...]",
    "With the queries and tables of the running leat. A record keeps its identity and the\n"
    "version that it had when it died, so it loses to newer rows.\n\nexamples:\n"
    "  leat dead retry tables:17\n  leat dead retry --reason cast\n  leat dead retry --all\n\n"
    "exit codes: 0 all passed, 1 some are refused again, 69 nothing runs",
    retry_options,
    0,
    -1,
    retry_main);
