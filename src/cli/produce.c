/* `leat produce`: JSON lines to a topic. */

#include "cli/session.h"
#include "codec/avro.h"
#include "io/clock.h"
#include "io/file.h"

#include <inttypes.h>
#include <string.h>

#define INPUT_BYTES_MAX ((size_t) 256 << 20)
#define SEND_RECORDS    2000

struct produce_options {
    const char *data, *file, *key, *avro;
    bool json, raw;
};

static const struct option options[] = {
    OPTION(produce_options, data, "--data", 0, OPTION_STRING, "DIR", COMMAND_DATA_HELP),
    OPTION(
        produce_options, file, "--file", 'f', OPTION_STRING, "FILE", "in place of standard input"),
    OPTION(produce_options,
           key,
           "--key",
           'k',
           OPTION_STRING,
           "PATH",
           "the key: a path such as login.uuid"),
    OPTION(produce_options,
           avro,
           "--avro",
           0,
           OPTION_STRING,
           "SUBJECT",
           "encode with the newest schema of this subject"),
    OPTION(produce_options, raw, "--raw", 0, OPTION_FLAG, NULL, "lines are text, not JSON"),
    OPTION(produce_options, json, "--json", 0, OPTION_FLAG, NULL, "the count as a JSON object"),
};

struct producer {
    struct session *session;
    const struct produce_options *options;
    const struct avro_schema *schema;
    int32_t schema_id;
    struct log_writer *writer;
    struct arena batch; /* of what waits to be sent */
    struct log_out *records;
    size_t count;
    int64_t sent;
};

static enum status flush(struct producer *producer, struct error *error)
{
    if (producer->count > 0) {
        TRY(producer->session->workspace.log_ops->writer_send(producer->writer, producer->records,
                                                              producer->count, error));
    }
    producer->sent += (int64_t) producer->count;
    producer->count = 0;
    arena_reset(&producer->batch);
    producer->records = ARENA_ARRAY(&producer->batch, struct log_out, SEND_RECORDS);
    return STATUS_OK;
}

static enum status encode(struct producer *producer,
                          const struct json_document *document,
                          struct log_out *record,
                          struct error *error)
{
    struct buffer value CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct drift drift;
    buffer_append_byte(&value, 0);
    buffer_append_be32(&value, (uint32_t) producer->schema_id);
    TRY(avro_encode_json(producer->schema, document, 0, true, &value, &drift, error));
    record->value = arena_copy(&producer->batch, buffer_slice(&value));
    return STATUS_OK;
}

static enum status
read_line(struct producer *producer, struct slice line, struct log_out *record, struct error *error)
{
    struct json_document document;
    json_document_init(&document);
    enum status status = json_parse(&document, line, 0, error);
    record->value = line;
    if (status == STATUS_OK && producer->options->key != NULL) {
        uint32_t key = json_path(&document, 0, producer->options->key);
        if (key == UINT32_MAX) {
            status = error_set(error, STATUS_DATA, "there is no \"%s\"", producer->options->key);
        } else {
            bool text = json_at(&document, key)->kind == JSON_KIND_STRING;
            record->key =
                text ? json_text(&document, key, &producer->batch) : json_raw(&document, key);
            record->key = arena_copy(&producer->batch, record->key);
        }
    }
    if (status == STATUS_OK && producer->schema != NULL) {
        status = encode(producer, &document, record, error);
    }
    json_document_deinit(&document);
    return status;
}

static enum status produce_lines(struct producer *producer, struct slice text, struct error *error)
{
    int64_t number = 0;
    TRY(flush(producer, error));
    while (text.size > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        size_t size = end == NULL ? text.size : (size_t) (end - text.data);
        struct slice line = slice_of(text.data, size);
        text.data += size + (end != NULL);
        text.size -= size + (end != NULL);
        number++;
        if (line.size > 0 && line.data[line.size - 1] == '\r') {
            line.size--;
        }
        if (line.size == 0) {
            continue;
        }
        struct log_out record = {.value = line, .timestamp_ms = clock_now_us() / 1000};
        enum status status =
            producer->options->raw ? STATUS_OK : read_line(producer, line, &record, error);
        if (status != STATUS_OK) { /* what stands before it is sent */
            error_context(error, "line %" PRId64, number);
            struct error ignored;
            return flush(producer, &ignored) == STATUS_OK ? status : ignored.status;
        }
        producer->records[producer->count++] = record;
        if (producer->count == SEND_RECORDS) {
            TRY(flush(producer, error));
        }
    }
    return flush(producer, error);
}

static enum status find_schema(struct producer *producer, struct error *error)
{
    struct session *session = producer->session;
    struct workspace *workspace = &session->workspace;
    struct schema_version version;
    if (producer->options->avro == NULL) {
        return STATUS_OK;
    }
    TRY(workspace_schemas(workspace, error));
    TRY(workspace->schemas_ops->latest(workspace->schemas, producer->options->avro, &session->arena,
                                       &version, error));
    producer->schema_id = version.id;
    return avro_schema_parse(slice_of_string(version.text), &session->arena, &producer->schema,
                             error);
}

static enum status produce(struct producer *producer, const char *topic, struct error *error)
{
    struct workspace *workspace = &producer->session->workspace;
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    if (producer->options->raw &&
        (producer->options->key != NULL || producer->options->avro != NULL)) {
        return error_set(error, STATUS_USAGE, "--raw lines have neither --key nor --avro");
    }
    TRY(find_schema(producer, error));
    TRY(producer->options->file != NULL
            ? file_load(producer->options->file, INPUT_BYTES_MAX, &text, error)
            : command_read_stdin(INPUT_BYTES_MAX, &text, error));
    TRY(workspace_log(workspace, error));
    struct log_partition *partitions; /* a missing topic is an error, not made by accident */
    int32_t count;
    TRY(workspace->log_ops->topic_offsets(workspace->log, topic, &producer->session->arena,
                                          &partitions, &count, error));
    TRY(workspace->log_ops->writer_open(workspace->log, topic, "leat-produce", &producer->writer,
                                        error));
    enum status status = produce_lines(producer, buffer_slice(&text), error);
    workspace->log_ops->writer_close(producer->writer);
    return status;
}

static int produce_main(void *opaque, char **arguments, int count)
{
    struct session session;
    struct producer producer = {.session = &session, .options = opaque};
    (void) count;
    arena_init(&producer.batch, 0);
    session_open(&session, producer.options->data, "produce");
    if (session.status == STATUS_OK) {
        session.status = produce(&producer, arguments[0], &session.error);
        (void) printf(producer.options->json ? "{\"produced\":%" PRId64 "}\n"
                                             : "produced %" PRId64 " records\n",
                      producer.sent);
    }
    if (producer.schema != NULL) {
        avro_schema_release(producer.schema);
    }
    arena_deinit(&producer.batch);
    return session_end(&session);
}

const struct command command_produce = {
    .name = "produce",
    .summary = "write lines to a topic",
    .usage = "TOPIC",
    .help =
        "Reads a JSON value a line and writes each as one record; empty lines are skipped.\n"
        "Needs a running leat and a topic that exists. A bad line ends it: what stands before\n"
        "it is written.\n\n"
        "examples:\n"
        "  echo '{\"id\": 1}' | leat produce clicks --key id\n"
        "  leat produce users_created --avro users_created-value --key login.uuid -f users.json",
    .options = options,
    .option_count = ARRAY_SIZE(options),
    .options_bytes = sizeof(struct produce_options),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = produce_main,
};
