/* `leat consume`: records of a topic, decoded. */

#include "base/map.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "cli/session.h"
#include "codec/avro.h"

#include <inttypes.h>

#define POLL_RECORDS 1000
#define POLL_US      (200 * INT64_C(1000))
#define SILENCE_US   (2000 * INT64_C(1000))

struct consume_options {
    const char *data;
    int64_t offset, count, partition;
    bool raw, json, follow;
};

static const struct consume_options defaults = {.count = -1, .partition = -1};

static const struct option options[] = {
    OPTION(consume_options, data, "--data", 0, OPTION_STRING, "DIR", COMMAND_DATA_HELP),
    OPTION(consume_options,
           offset,
           "--offset",
           'o',
           OPTION_INT,
           "N",
           "begin at this offset; below 0: so many before the end of each partition [0]"),
    OPTION(consume_options, count, "--count", 'n', OPTION_INT, "N", "end after N records"),
    OPTION(consume_options, partition, "--partition", 'p', OPTION_INT, "N", "only this one"),
    OPTION(consume_options, follow, "--follow", 'F', OPTION_FLAG, NULL, "wait for more at the end"),
    OPTION(consume_options,
           raw,
           "--raw",
           0,
           OPTION_FLAG,
           NULL,
           "the bytes of each value, a line each"),
    OPTION(consume_options,
           json,
           "--json",
           0,
           OPTION_FLAG,
           NULL,
           "an object with partition, offset, timestamp, key and value"),
};

struct consumer {
    struct session *session;
    const struct consume_options *options;
    struct map schemas; /* id as text -> struct avro_schema */
    struct log_partition *ends;
    int64_t *next;
    int32_t partitions;
    int64_t printed;
    struct buffer text;
};

/* ---- values ------------------------------------------------------------------------------------
 */

static const struct avro_schema *schema_of(struct consumer *consumer, int32_t id)
{
    char name[16];
    (void) snprintf(name, sizeof(name), "%d", (int) id);
    const struct avro_schema *schema = map_get_string(&consumer->schemas, name);
    struct session *session = consumer->session;
    struct workspace *workspace = &session->workspace;
    const char *text;
    struct error error;
    if (schema != NULL || workspace_schemas(workspace, &error) != STATUS_OK ||
        workspace->schemas_ops->by_id(workspace->schemas, id, &session->arena, &text, &error) !=
            STATUS_OK ||
        avro_schema_parse(slice_of_string(text), &session->arena, &schema, &error) != STATUS_OK) {
        return schema;
    }
    (void) map_put_string(&consumer->schemas, name, (void *) (uintptr_t) schema);
    return schema;
}

/* Avro by its schema, JSON as it is, other text as a string; bytes as an array-free string with
 * U+FFFD for what is no text. */
static void append_value(struct consumer *consumer, struct slice value)
{
    struct buffer *text = &consumer->text;
    int32_t id;
    struct slice datum;
    struct error error;
    if (value.data == NULL) {
        buffer_append_string(text, "null");
        return;
    }
    size_t size = text->size;
    if (wire_header_read(value, &id, &datum)) {
        const struct avro_schema *schema = schema_of(consumer, id);
        if (schema != NULL && avro_to_json(schema, datum, text, &error) == STATUS_OK) {
            return;
        }
        text->size = size;
    }
    struct json_document document;
    json_document_init(&document);
    bool is_json = json_parse(&document, value, 0, &error) == STATUS_OK;
    json_document_deinit(&document);
    if (is_json) {
        buffer_append_slice(text, value);
    } else {
        buffer_append_json(text, value);
    }
}

static void print_record(struct consumer *consumer, const struct log_in *record)
{
    struct buffer *text = &consumer->text;
    buffer_clear(text);
    if (consumer->options->raw) {
        buffer_append_slice(text, record->value);
    } else if (consumer->options->json) {
        buffer_printf(text,
                      "{\"partition\":%d,\"offset\":%" PRId64 ",\"timestamp\":%" PRId64 ",\"key\":",
                      (int) record->partition, record->offset, record->timestamp_ms);
        if (record->key.data == NULL) {
            buffer_append_string(text, "null");
        } else {
            buffer_append_json(text, record->key);
        }
        buffer_append_string(text, ",\"value\":");
        append_value(consumer, record->value);
        buffer_append_byte(text, '}');
    } else {
        append_value(consumer, record->value);
    }
    buffer_append_byte(text, '\n');
    (void) fwrite(text->data, 1, text->size, stdout);
    consumer->printed++;
}

/* ---- reading -----------------------------------------------------------------------------------
 */

static bool enough(const struct consumer *consumer)
{
    const struct consume_options *options_given = consumer->options;
    if (options_given->count >= 0 && consumer->printed >= options_given->count) {
        return true;
    }
    if (options_given->follow) {
        return ferror(stdout) != 0;
    }
    for (int32_t i = 0; i < consumer->partitions; i++) {
        bool wanted = options_given->partition < 0 || options_given->partition == i;
        if (wanted && consumer->next[i] < consumer->ends[i].high) {
            return false;
        }
    }
    return true;
}

static void print_records(struct consumer *consumer, const struct log_in *records, size_t count)
{
    const struct consume_options *options_given = consumer->options;
    for (size_t i = 0; i < count && !enough(consumer); i++) {
        const struct log_in *record = &records[i];
        consumer->next[record->partition] = record->offset + 1;
        bool wanted = options_given->partition < 0 || options_given->partition == record->partition;
        if (wanted &&
            (options_given->follow || record->offset < consumer->ends[record->partition].high)) {
            print_record(consumer, record);
        }
    }
}

static enum status
read_all(struct consumer *consumer, struct log_reader *reader, struct error *error)
{
    const struct log_ops *ops = consumer->session->workspace.log_ops;
    int64_t silent_us = 0;
    while (!enough(consumer)) {
        const struct log_in *records;
        size_t count;
        TRY(ops->reader_poll(reader, POLL_RECORDS, POLL_US, &records, &count, error));
        print_records(consumer, records, count);
        ops->reader_release(reader);
        if (count == 0) {
            (void) fflush(stdout);
        }
        silent_us = count > 0 ? 0 : silent_us + POLL_US;
        if (silent_us >= SILENCE_US && !consumer->options->follow) {
            return STATUS_OK; /* the last offsets are no records: markers of transactions */
        }
    }
    return STATUS_OK;
}

static enum status consume(struct consumer *consumer, const char *topic, struct error *error)
{
    struct session *session = consumer->session;
    struct workspace *workspace = &session->workspace;
    TRY(workspace_log(workspace, error));
    TRY(workspace->log_ops->topic_offsets(workspace->log, topic, &session->arena, &consumer->ends,
                                          &consumer->partitions, error));
    if (consumer->options->partition >= consumer->partitions) {
        return error_set(error, STATUS_USAGE, "topic \"%s\" has %d partitions, the first is 0",
                         topic, (int) consumer->partitions);
    }
    consumer->next = ARENA_ARRAY(&session->arena, int64_t, (size_t) consumer->partitions);
    for (int32_t i = 0; i < consumer->partitions; i++) {
        const struct log_partition *end = &consumer->ends[i];
        int64_t at = consumer->options->offset;
        at = at < 0 ? end->high + at : at;
        consumer->next[i] = at < end->low ? end->low : at > end->high ? end->high : at;
    }
    struct log_reader *reader;
    TRY(workspace->log_ops->reader_open(workspace->log, topic, consumer->next, consumer->partitions,
                                        &reader, error));
    enum status status = read_all(consumer, reader, error);
    workspace->log_ops->reader_close(reader);
    return status;
}

static int consume_main(void *opaque, char **arguments, int count)
{
    struct session session;
    struct consumer consumer = {.session = &session, .options = opaque};
    (void) count;
    map_init(&consumer.schemas);
    session_open(&session, consumer.options->data,
                 consumer.options->follow ? "wait for records" : NULL);
    if (session.status == STATUS_OK) {
        session.status = consume(&consumer, arguments[0], &session.error);
    }
    size_t at = 0;
    for (struct map_entry *entry; (entry = map_next(&consumer.schemas, &at)) != NULL;) {
        avro_schema_release(entry->value);
    }
    map_deinit(&consumer.schemas);
    buffer_deinit(&consumer.text);
    return session_end(&session);
}

const struct command command_consume = {
    .name = "consume",
    .summary = "print the records of a topic",
    .usage = "TOPIC",
    .help = "Prints values, a line each, up to where the topic ends now: Avro as JSON by its\n"
            "schema, JSON as it is, other bytes as a JSON string. Works while leat runs and when\n"
            "nothing runs; it joins no consumer group.\n\n"
            "examples:\n"
            "  leat consume users_created --count 3\n"
            "  leat consume users_created --json --offset -10 --partition 0\n"
            "  leat consume users_created --follow | jq .email",
    .options = options,
    .option_count = ARRAY_SIZE(options),
    .options_bytes = sizeof(struct consume_options),
    .defaults = &defaults,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = consume_main,
};
