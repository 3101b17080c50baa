/* `leat produce`: JSON lines into a topic. */

#include "app/kafka_tools.h"
#include "cli/command.h"
#include "codec/avro.h"
#include "codec/json.h"
#include "io/clock.h"
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES       ((size_t) 256 << 10)
#define LINE_BYTES_MAX   ((size_t) 16 << 20)
#define SEND_RECORDS_MAX 1000
#define SEND_BYTES_MAX   ((size_t) 1 << 20)

/* What fits into a topic's default max.message.bytes with the framing of a batch. */
#define RECORD_BYTES_MAX (((size_t) 1 << 20) - 256)

struct produce_options {
    const char *data, *kafka, *registry, *pipeline, *profile, *secrets;
    const char *file, *key, *key_text, *schema;
    bool avro, null, raw, json;
};

static const struct option options[] = {
    OPTION(produce_options, data, "--data", 0, OPTION_STRING, "DIR", COMMAND_DATA_HELP),
    OPTION(produce_options, kafka, "--kafka", 0, OPTION_STRING, "HOST:PORT", COMMAND_KAFKA_HELP),
    OPTION(produce_options,
           registry,
           "--registry",
           0,
           OPTION_STRING,
           "HOST:PORT",
           COMMAND_REGISTRY_HELP),
    COMMAND_PROFILE_OPTIONS(produce_options),
    OPTION(produce_options, file, "--file", 'f', OPTION_STRING, "FILE", "read it, not stdin"),
    OPTION(produce_options,
           key,
           "--key",
           'k',
           OPTION_STRING,
           "PATH",
           "the field that is the key, such as login.uuid"),
    OPTION(produce_options, key_text, "--key-text", 0, OPTION_STRING, "TEXT", "this key for all"),
    OPTION(produce_options,
           avro,
           "--avro",
           0,
           OPTION_FLAG,
           NULL,
           "as Avro by the newest schema of TOPIC-value"),
    OPTION(produce_options,
           schema,
           "--schema",
           0,
           OPTION_STRING,
           "SUBJECT",
           "as Avro by the newest schema of this subject"),
    OPTION(produce_options, raw, "--raw", 0, OPTION_FLAG, NULL, "lines are text, not JSON"),
    OPTION(produce_options, null, "--null", 0, OPTION_FLAG, NULL, "deletes: keys without values"),
    OPTION(produce_options, json, "--json", 0, OPTION_FLAG, NULL, "print the count as JSON"),
};

struct producer {
    const struct produce_options *options;
    const char *topic;
    struct workspace *workspace;
    struct log_writer *writer;
    const struct avro_schema *schema; /* with --avro */
    int32_t schema_id;
    struct json_document document;
    struct buffer value;
    struct arena arena; /* keys and values until they are sent */
    struct log_out records[SEND_RECORDS_MAX];
    size_t count;
    size_t bytes;
    int64_t line;
    int64_t produced; /* durable */
};

/* ---- one line ----------------------------------------------------------------------------------
 */

static enum status read_key(struct producer *producer, struct slice *ret_key, struct error *error)
{
    const struct produce_options *given = producer->options;
    if (given->key_text != NULL) {
        *ret_key = slice_of_string(given->key_text);
        return STATUS_OK;
    }
    *ret_key = SLICE_EMPTY;
    if (given->key == NULL) {
        return STATUS_OK;
    }
    uint32_t at = json_path(&producer->document, 0, given->key);
    enum json_kind kind =
        at == UINT32_MAX ? JSON_KIND_NULL : json_at(&producer->document, at)->kind;
    if (kind == JSON_KIND_NULL) {
        return error_set(error, STATUS_DATA, "there is no key at \"%s\"", given->key);
    }
    struct slice text = kind == JSON_KIND_STRING
                            ? json_text(&producer->document, at, &producer->arena)
                            : json_raw(&producer->document, at);
    *ret_key = arena_copy(&producer->arena, text);
    return STATUS_OK;
}

static enum status read_value(struct producer *producer,
                              struct slice line,
                              struct slice *ret_value,
                              struct error *error)
{
    *ret_value = SLICE_EMPTY;
    if (producer->options->null) {
        return STATUS_OK;
    }
    if (producer->schema == NULL) {
        *ret_value = arena_copy(&producer->arena, line);
        return STATUS_OK;
    }
    struct drift drift;
    buffer_clear(&producer->value);
    buffer_append_byte(&producer->value, 0);
    buffer_append_be32(&producer->value, (uint32_t) producer->schema_id);
    TRY(avro_encode_json(producer->schema, &producer->document, 0, true, &producer->value, &drift,
                         error));
    *ret_value = arena_copy(&producer->arena, buffer_slice(&producer->value));
    return STATUS_OK;
}

static enum status read_record(struct producer *producer, struct slice line, struct error *error)
{
    struct log_out record = {.timestamp_ms = clock_now_us() / 1000};
    if (!producer->options->raw) {
        TRY(json_parse(&producer->document, line, 0, error));
    }
    TRY(read_key(producer, &record.key, error));
    TRY(read_value(producer, line, &record.value, error));
    size_t bytes = record.key.size + record.value.size;
    if (bytes > RECORD_BYTES_MAX) {
        return error_set(error, STATUS_DATA, "the record has %zu bytes, at most %zu are taken",
                         bytes, RECORD_BYTES_MAX);
    }
    producer->bytes += bytes;
    producer->records[producer->count++] = record;
    return STATUS_OK;
}

static enum status flush(struct producer *producer, struct error *error)
{
    if (producer->count == 0) {
        return STATUS_OK;
    }
    enum status status = producer->workspace->log_ops->writer_send(
        producer->writer, producer->records, producer->count, error);
    if (status == STATUS_OK) {
        producer->produced += (int64_t) producer->count;
    } else {
        error_context(error, "some of %zu records may be in the topic", producer->count);
    }
    producer->count = 0;
    producer->bytes = 0;
    arena_reset(&producer->arena);
    return status;
}

static struct slice trim(struct slice line)
{
    while (line.size > 0 && strchr(" \t\r", line.data[0]) != NULL && line.data[0] != '\0') {
        line = slice_of(line.data + 1, line.size - 1);
    }
    while (line.size > 0 && line.data[line.size - 1] != '\0' &&
           strchr(" \t\r", line.data[line.size - 1]) != NULL) {
        line.size--;
    }
    return line;
}

/* What came before a bad line is sent before the line is complained about. */
static enum status take_line(struct producer *producer, struct slice line, struct error *error)
{
    producer->line++;
    line = producer->options->raw ? line : trim(line);
    if (line.size == 0) {
        return STATUS_OK;
    }
    enum status status = read_record(producer, line, error);
    if (status != STATUS_OK) {
        error_context(error, "line %" PRId64, producer->line);
        TRY(flush(producer, error));
        return status;
    }
    bool full = producer->count == SEND_RECORDS_MAX || producer->bytes >= SEND_BYTES_MAX;
    return full ? flush(producer, error) : STATUS_OK;
}

/* ---- the input ---------------------------------------------------------------------------------
 */

/* Takes the whole lines of `input` and leaves the rest. */
static enum status take_lines(struct producer *producer, struct buffer *input, struct error *error)
{
    size_t at = 0;
    const uint8_t *end;
    while (at < input->size && (end = memchr(input->data + at, '\n', input->size - at)) != NULL) {
        size_t size = (size_t) (end - (input->data + at));
        TRY(take_line(producer, slice_of(input->data + at, size), error));
        at += size + 1;
    }
    memmove(input->data, input->data + at, input->size - at);
    input->size -= at;
    if (input->size > LINE_BYTES_MAX) {
        TRY(flush(producer, error));
        return error_set(error, STATUS_DATA, "line %" PRId64 " is longer than %zu bytes",
                         producer->line + 1, LINE_BYTES_MAX);
    }
    return STATUS_OK;
}

/* Sends what there is before it waits for more, so that a slow pipe is not held back. */
static enum status read_lines(struct producer *producer, int fd, struct error *error)
{
    struct buffer input CLEANUP(buffer_deinit) = BUFFER_INIT;
    for (;;) {
        ssize_t got = read(fd, buffer_reserve(&input, READ_BYTES), READ_BYTES);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return error_set_errno(error, errno, "could not read the input");
        }
        if (got == 0) {
            break;
        }
        input.size += (size_t) got;
        TRY(take_lines(producer, &input, error));
        TRY(flush(producer, error));
    }
    if (input.size > 0) {
        TRY(take_line(producer, buffer_slice(&input), error));
    }
    return flush(producer, error);
}

static enum status read_input(struct producer *producer, struct error *error)
{
    const struct produce_options *given = producer->options;
    if (given->null && given->key_text != NULL) { /* one delete: there is nothing to read */
        producer->records[producer->count++] = (struct log_out){
            .key = slice_of_string(given->key_text), .timestamp_ms = clock_now_us() / 1000};
        return flush(producer, error);
    }
    if (given->file == NULL) {
        return read_lines(producer, STDIN_FILENO, error);
    }
    int fd;
    TRY(file_open(given->file, O_RDONLY, 0, &fd, error));
    enum status status = read_lines(producer, fd, error);
    file_close(fd);
    if (status == STATUS_DATA) {
        error_context(error, "\"%s\"", given->file);
    }
    return status;
}

/* ---- the command -------------------------------------------------------------------------------
 */

static enum status check_options(const struct produce_options *given, struct error *error)
{
    if (given->key != NULL && given->key_text != NULL) {
        return error_set(error, STATUS_USAGE, "give --key or --key-text, not both");
    }
    if (given->null && given->key == NULL && given->key_text == NULL) {
        return error_set(error, STATUS_USAGE, "--null needs --key or --key-text");
    }
    if (given->null + given->raw + (given->avro || given->schema != NULL) > 1) {
        return error_set(error, STATUS_USAGE, "give one of --null, --raw and --avro or --schema");
    }
    if (given->raw && given->key != NULL) {
        return error_set(error, STATUS_USAGE, "--raw lines have no fields for --key");
    }
    return STATUS_OK;
}

static enum status load_schema(struct producer *producer, struct arena *arena, struct error *error)
{
    struct workspace *workspace = producer->workspace;
    struct schema_version version;
    const char *subject = producer->options->schema;
    if (subject == NULL) {
        subject = arena_printf(arena, "%s-value", producer->topic);
    }
    TRY(workspace_schemas(workspace, error));
    enum status status =
        workspace->schemas_ops->latest(workspace->schemas, subject, arena, &version, error);
    if (status != STATUS_OK) {
        error_context(error, "schema of \"%s\"", subject);
        if (status == STATUS_NOT_FOUND) {
            error_hint(error, "register one: leat schema register %s FILE", subject);
        }
        return status;
    }
    producer->schema_id = version.id;
    return avro_schema_parse(slice_of_string(version.text), arena, &producer->schema, error);
}

static enum status produce(struct producer *producer, struct arena *arena, struct error *error)
{
    struct workspace *workspace = producer->workspace;
    struct log_partition *partitions;
    int32_t count;
    TRY(check_options(producer->options, error));
    TRY(kafka_tools_connect(workspace, "produce records", error));
    TRY(kafka_tools_partitions(workspace, producer->topic, arena, &partitions, &count, error));
    if (producer->options->avro || producer->options->schema != NULL) {
        TRY(load_schema(producer, arena, error));
    }
    TRY(workspace->log_ops->writer_open(workspace->log, producer->topic, "leat-produce",
                                        LOG_GAPLESS, &producer->writer, error));
    enum status status = read_input(producer, error);
    workspace->log_ops->writer_close(producer->writer);
    (void) printf(producer->options->json ? "{\"produced\":%" PRId64 "}\n"
                                          : "produced=%" PRId64 "\n",
                  producer->produced);
    return status;
}

static int produce_main(void *opaque, char **arguments, int count)
{
    const struct produce_options *given = opaque;
    struct error error = {0};
    struct workspace workspace;
    struct arena arena;
    (void) count;
    arena_init(&arena, 0);
    const struct workspace_place place = {
        .data = given->data,
        .kafka = given->kafka,
        .registry = given->registry,
        .pipeline = given->pipeline,
        .profile = given->profile,
        .secrets = given->secrets,
    };
    enum status status = workspace_open_at(&place, &workspace, &error);
    if (status == STATUS_OK) {
        struct producer *producer = ARENA_NEW(&arena, struct producer);
        producer->options = given;
        producer->topic = arguments[0];
        producer->workspace = &workspace;
        json_document_init(&producer->document);
        arena_init(&producer->arena, 0);
        status = produce(producer, &arena, &error);
        if (producer->schema != NULL) {
            avro_schema_release(producer->schema);
        }
        json_document_deinit(&producer->document);
        buffer_deinit(&producer->value);
        arena_deinit(&producer->arena);
    }
    workspace_close(&workspace);
    arena_deinit(&arena);
    return status == STATUS_OK ? 0 : command_fail(&error);
}

const struct command command_produce = {
    .name = "produce",
    .summary = "write JSON lines to a topic",
    .usage = "TOPIC",
    .help =
        "Writes each line of standard input, or of --file, as a record, and prints how many are\n"
        "durable. A line must be JSON (not with --raw); empty lines are skipped. It is written as "
        "it stands, or\n"
        "with --avro in Confluent's wire format; a field that the schema does not have is then an\n"
        "error. A bad line ends the command with 65 and its number; what came before it is\n"
        "written. With --null the records are deletes; with --key-text also, and nothing is read.\n"
        "The topic must exist.\n\n"
        "examples:\n"
        "  echo '{\"id\": 1, \"page\": \"/\"}' | leat produce clicks --key id\n"
        "  leat produce users_created --avro --key login.uuid --file users.jsonl\n"
        "  leat produce accounts --null --key-text 4711\n"
        "  leat consume a --raw | leat produce b\n\n"
        "exit codes: 0 done, 64 usage, 65 a bad line, 69 leat does not answer",
    .options = options,
    .option_count = ARRAY_SIZE(options),
    .options_bytes = sizeof(struct produce_options),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = produce_main,
};
