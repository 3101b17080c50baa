#include "console/request.h"

#include "base/node.h"
#include "base/time_text.h"
#include "console/console.h"

#include <inttypes.h>
#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define ROW(structure, field, kind, ...)                                                           \
    {                                                                                              \
        .name = #field, .type = (kind), .offset = offsetof(struct structure, field), __VA_ARGS__   \
    }

#define TABLE(rows_, name_, structure, help_)                                                      \
    {                                                                                              \
        .name = (name_), .help = (help_), .rows = (rows_), .count = ARRAY_SIZE(rows_),             \
        .struct_size = sizeof(struct structure)                                                    \
    }

#define PLACE_HELP "`beginning`, `end`, an offset, `-10` for the last ten, a time, or `-1h`."
#define VALUE_BYTES                                                                                \
    .default_text = "4 KiB", .min = 1, .max = 16 << 20,                                            \
    .help = "Show at most so much of a key, value or header."

static const char *const forms[] = {"auto", "text", "hex", NULL};
static const char *const values[] = {"json", "text", "avro", "hex", "null", NULL};

/* ---- topics ------------------------------------------------------------------------------------
 */

/* clang-format off */
static const struct setting topic_new_rows[] = {
    ROW(console_topic_new, name, SETTING_STRING, .flags = SETTING_REQUIRED,
        .help = "Letters, digits, `.`, `_` and `-`."),
    ROW(console_topic_new, partitions, SETTING_INT, .default_text = "0", .min = 0, .max = 1000,
        .help = "0: the log's default."),
    ROW(console_topic_new, replication, SETTING_INT, .default_text = "0", .min = 0, .max = 100,
        .help = "Copies; 0: the log's default."),
    ROW(console_topic_new, configs, SETTING_PAIRS,
        .help = "Settings as Kafka names them, `retention.ms` and the like."),
};
const struct settings_table console_topic_new_table =
    TABLE(topic_new_rows, "new topic", console_topic_new, "A topic to make.");

static const struct setting topic_change_rows[] = {
    ROW(console_topic_change, partitions, SETTING_INT, .default_text = "0", .min = 0, .max = 1000,
        .help = "More than there are; 0: as they are. Keys then go to other partitions."),
    ROW(console_topic_change, configs, SETTING_PAIRS,
        .help = "Settings as Kafka names them; an empty value takes the default again."),
};
const struct settings_table console_topic_change_table =
    TABLE(topic_change_rows, "topic change", console_topic_change, "What to change of a topic.");

static const struct setting seek_rows[] = {
    ROW(console_seek, from, SETTING_STRING,
        .help = "Forward from here: " PLACE_HELP " Absent: the newest, newest first."),
    ROW(console_seek, before, SETTING_STRING,
        .help = "The newest of those before these offsets, `0:120,2:7`: `older` of a page."),
    ROW(console_seek, partition, SETTING_INT, .default_text = "-1", .min = -1, .max = INT32_MAX,
        .help = "-1: all."),
    ROW(console_seek, limit, SETTING_INT, .default_text = "50", .min = 1, .max = 1000,
        .help = "Of records."),
    ROW(console_seek, value_bytes, SETTING_BYTES, VALUE_BYTES),
    ROW(console_seek, form, SETTING_CHOICE, .default_text = "auto", .choices = forms,
        .help = "How keys and values are shown; `auto`: Avro by the registry, else JSON, text, hex."),
};
const struct settings_table console_seek_table =
    TABLE(seek_rows, "page of records", console_seek, "Which records of a topic.");

static const struct setting scan_rows[] = {
    ROW(console_scan, from, SETTING_STRING,
        .help = PLACE_HELP " Absent: the beginning, or with `follow` the end."),
    ROW(console_scan, where, SETTING_STRING,
        .help = "An expression in leat's SQL over the topic's columns."),
    ROW(console_scan, key, SETTING_STRING, .help = "Only records with this key."),
    ROW(console_scan, partition, SETTING_INT, .default_text = "-1", .min = -1, .max = INT32_MAX,
        .help = "-1: all."),
    ROW(console_scan, limit, SETTING_INT, .default_text = "200", .min = 1, .max = 100000,
        .help = "Ends after so many matches."),
    ROW(console_scan, follow, SETTING_BOOL, .default_text = "false",
        .help = "Goes on with what comes, until the request ends."),
    ROW(console_scan, value_bytes, SETTING_BYTES, VALUE_BYTES),
    ROW(console_scan, form, SETTING_CHOICE, .default_text = "auto", .choices = forms,
        .help = "How keys and values are shown."),
};
const struct settings_table console_scan_table =
    TABLE(scan_rows, "scan", console_scan, "What to look for in a topic.");

static const struct setting produce_rows[] = {
    ROW(console_produce, key, SETTING_STRING, .help = "As text. Absent: none."),
    ROW(console_produce, value, SETTING_STRING, .default_text = "", .help = "As `format` says."),
    ROW(console_produce, format, SETTING_CHOICE, .default_text = "json", .choices = values,
        .help = "`avro`: JSON, encoded by the topic's newest schema; `null`: a delete."),
};
const struct settings_table console_produce_table =
    TABLE(produce_rows, "record", console_produce, "A record to write.");

/* ---- groups, schemas, queries ------------------------------------------------------------------
 */

static const struct setting reset_rows[] = {
    ROW(console_reset, to, SETTING_STRING, .flags = SETTING_REQUIRED, .help = PLACE_HELP),
    ROW(console_reset, topic, SETTING_STRING, .help = "Absent: those that the group reads."),
    ROW(console_reset, apply, SETTING_BOOL, .default_text = "false",
        .help = "Move it; else only say where it would go."),
};
const struct settings_table console_reset_table =
    TABLE(reset_rows, "reset", console_reset, "Where a group goes on.");

static const struct setting schema_rows[] = {
    ROW(console_schema_text, schema, SETTING_STRING, .flags = SETTING_REQUIRED,
        .help = "An Avro schema as JSON text."),
    ROW(console_schema_text, check, SETTING_BOOL, .default_text = "false",
        .help = "Only say whether it could be registered now."),
};
const struct settings_table console_schema_table =
    TABLE(schema_rows, "schema", console_schema_text, "A new version of a schema.");

static const struct setting sql_rows[] = {
    ROW(console_sql, sql, SETTING_STRING, .flags = SETTING_REQUIRED,
        .help = "One query over tables and topics."),
    ROW(console_sql, limit, SETTING_INT, .default_text = "1000", .min = 1, .max = 100000,
        .help = "Of rows."),
};
const struct settings_table console_sql_table =
    TABLE(sql_rows, "query", console_sql, "A query.");

/* ---- dead letters, history ---------------------------------------------------------------------
 */

#define DEAD_ROWS                                                                                  \
    ROW(console_dead_filter, store, SETTING_STRING, .help = "That keeps the letter."),             \
    ROW(console_dead_filter, id, SETTING_INT, .default_text = "0", .min = 0, .max = INT64_MAX,     \
        .help = "Within the store; 0: all."),                                                      \
    ROW(console_dead_filter, hop, SETTING_STRING, .help = "`source`, `process` or `sink`."),       \
    ROW(console_dead_filter, name, SETTING_STRING, .help = "Of the source, stream or sink."),      \
    ROW(console_dead_filter, reason, SETTING_STRING, .help = "A word such as `cast`.")

static const struct setting dead_rows[] = {
    DEAD_ROWS,
    ROW(console_dead_filter, limit, SETTING_INT, .default_text = "100", .min = 1, .max = 1000,
        .help = "Of each store."),
};
const struct settings_table console_dead_table =
    TABLE(dead_rows, "dead letters", console_dead_filter, "Which refused records.");

static const struct setting retry_rows[] = {DEAD_ROWS};
const struct settings_table console_retry_table =
    TABLE(retry_rows, "retry", console_dead_filter, "Which refused records to try again.");

static const struct setting history_rows[] = {
    ROW(console_history_query, prefix, SETTING_STRING, .help = "Of the names of series."),
    ROW(console_history_query, span, SETTING_DURATION, .default_text = "1h",
        .min = 60 * US_PER_SECOND, .max = 7 * US_PER_DAY, .help = "How far back."),
};
const struct settings_table console_history_table =
    TABLE(history_rows, "history", console_history_query, "Which series, and how far back.");

static const struct setting login_rows[] = {
    ROW(console_login_body, user, SETTING_STRING, .flags = SETTING_REQUIRED, .help = "Name."),
    ROW(console_login_body, password, SETTING_STRING, .flags = SETTING_REQUIRED | SETTING_SECRET,
        .help = "Password."),
};
const struct settings_table console_login_table =
    TABLE(login_rows, "login", console_login_body, "Who logs in.");

static const struct setting audit_rows[] = {
    ROW(console_audit_query, limit, SETTING_INT, .default_text = "100", .min = 1, .max = 10000,
        .help = "Of entries, the newest."),
};
const struct settings_table console_audit_table =
    TABLE(audit_rows, "audit", console_audit_query, "How much of the audit log.");

static const struct setting alert_test_rows[] = {
    ROW(console_alert_test, receiver, SETTING_STRING, .flags = SETTING_REQUIRED, .help = "Name."),
};
const struct settings_table console_alert_test_table =
    TABLE(alert_test_rows, "alert test", console_alert_test, "Who is told.");

static const struct setting silence_rows[] = {
    ROW(console_silence_body, rule, SETTING_STRING, .help = "Absent: every rule."),
    ROW(console_silence_body, target, SETTING_STRING, .help = "Begin of the targets. Absent: all."),
    {.name = "for", .type = SETTING_DURATION, .offset = offsetof(struct console_silence_body, for_us),
     .default_text = "1h", .min = US_PER_SECOND, .max = 30 * US_PER_DAY, .help = "How long."},
    ROW(console_silence_body, why, SETTING_STRING, .help = "For those who look later."),
};
const struct settings_table console_silence_table =
    TABLE(silence_rows, "silence", console_silence_body, "What is held back.");

static const struct setting ingest_rows[] = {
    ROW(console_ingest_order, source, SETTING_STRING, .flags = SETTING_REQUIRED,
        .help = "`PIPELINE.SOURCE`, or the source's name alone."),
    {.name = "from", .type = SETTING_STRING, .help = "Begin of the interval, a time."},
    {.name = "to", .type = SETTING_STRING, .help = "Its end."},
    ROW(console_ingest_order, limit, SETTING_INT, .min = 1, .max = INT64_MAX,
        .help = "Of records."),
    {.name = "give_up", .type = SETTING_STRING, .default_text = "60s",
     .help = "So long it is tried."},
    {.name = "lease", .type = SETTING_STRING,
     .help = "Cancelled when nobody has asked about it for so long."},
    ROW(console_ingest_order, key, SETTING_STRING, .help = "An order of the same key is the same."),
};
const struct settings_table console_ingest_table =
    TABLE(ingest_rows, "ingest", console_ingest_order, "What to fetch.");

/* clang-format on */

/* ---- reading -----------------------------------------------------------------------------------
 */

static struct node *scalar(struct arena *arena, const char *text, bool quoted)
{
    struct node *node = ARENA_NEW(arena, struct node);
    *node =
        (struct node){.type = NODE_SCALAR, .quoted = quoted, .text = text, .size = strlen(text)};
    return node;
}

enum status console_query_read(struct http_exchange *exchange,
                               const struct settings_table *table,
                               void *ret_struct,
                               struct error *error)
{
    struct arena *arena = &exchange->arena;
    struct node *map = ARENA_NEW(arena, struct node);
    map->type = NODE_MAP;
    map->items = ARENA_ARRAY(arena, struct node *, exchange->query_count);
    for (size_t i = 0; i < exchange->query_count; i++) {
        const struct http_pair *pair = &exchange->queries[i];
        bool last = strcmp(http_query(exchange, pair->name), pair->value) == 0;
        if (pair->value[0] == '\0' || !last) {
            continue; /* a field of a form that was left empty, or one that a later one replaces */
        }
        struct node *item = scalar(arena, pair->value, false);
        item->key = pair->name;
        map->items[map->count++] = item;
    }
    return settings_read(table, map, arena, ret_struct, error);
}

/* JSON and not YAML: what a browser sends, and no more ways to say it. Null is absent. */
static enum status
node_of_json(const json_t *json, struct arena *arena, struct node **ret_node, struct error *error)
{
    char number[32];
    switch (json_typeof(json)) {
    case JSON_STRING:
        if (strlen(json_string_value(json)) != json_string_length(json)) {
            return error_set(error, STATUS_DATA, "a text holds the character U+0000");
        }
        *ret_node = scalar(arena, arena_strdup(arena, json_string_value(json)), true);
        return STATUS_OK;
    case JSON_INTEGER:
        (void) snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(json));
        *ret_node = scalar(arena, arena_strdup(arena, number), false);
        return STATUS_OK;
    case JSON_TRUE:
    case JSON_FALSE:
        *ret_node = scalar(arena, json_is_true(json) ? "true" : "false", false);
        return STATUS_OK;
    case JSON_OBJECT:
        break;
    default:
        return error_set(error, STATUS_DATA, "lists and fractions have no place here");
    }
    struct node *map = ARENA_NEW(arena, struct node);
    map->type = NODE_MAP;
    map->items = ARENA_ARRAY(arena, struct node *, json_object_size(json));
    const char *key;
    json_t *value;
    json_object_foreach((json_t *) (uintptr_t) json, key, value)
    {
        if (!json_is_null(value)) {
            struct node *item = NULL;
            TRY(node_of_json(value, arena, &item, error));
            item->key = arena_strdup(arena, key);
            map->items[map->count++] = item;
        }
    }
    *ret_node = map;
    return STATUS_OK;
}

enum status console_body_read(struct http_exchange *exchange,
                              const struct settings_table *table,
                              void *ret_struct,
                              struct error *error)
{
    json_error_t fault;
    struct node *node = NULL;
    json_t *json = json_loadb((const char *) exchange->body.data, exchange->body.size,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &fault);
    if (json == NULL) {
        return error_set(error, STATUS_DATA, "the body is no JSON object: %s", fault.text);
    }
    enum status status = json_is_object(json)
                             ? node_of_json(json, &exchange->arena, &node, error)
                             : error_set(error, STATUS_DATA, "the body is no JSON object");
    json_decref(json);
    TRY(status);
    return settings_read(table, node, &exchange->arena, ret_struct, error);
}
