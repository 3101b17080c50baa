/* `leat consume`: records of a topic on stdout. */

#include "app/kafka_tools.h"
#include "app/record_view.h"
#include "cli/command.h"
#include "io/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>

#define POLL_RECORDS 5000
#define POLL_US      (200 * INT64_C(1000))
#define SILENCE_US   (2000 * INT64_C(1000))

struct consume_options {
    const char *data, *kafka, *registry, *pipeline, *profile, *secrets;
    const char *from;
    int64_t partition, count;
    bool follow, json, raw, values;
};

static const struct consume_options defaults = {.from = "beginning", .partition = -1, .count = -1};

static const struct option options[] = {
    OPTION(consume_options, data, "--data", 0, OPTION_STRING, "DIR", COMMAND_DATA_HELP),
    OPTION(consume_options, kafka, "--kafka", 0, OPTION_STRING, "HOST:PORT", COMMAND_KAFKA_HELP),
    OPTION(consume_options,
           registry,
           "--registry",
           0,
           OPTION_STRING,
           "HOST:PORT",
           COMMAND_REGISTRY_HELP),
    COMMAND_PROFILE_OPTIONS(consume_options),
    OPTION(consume_options, from, "--from", 0, OPTION_STRING, "PLACE", LOG_PLACE_HELP),
    OPTION(consume_options, partition, "--partition", 'p', OPTION_INT, "N", "only this [all]"),
    OPTION(consume_options, count, "--count", 'n', OPTION_INT, "N", "stop after N records"),
    OPTION(consume_options,
           follow,
           "--follow",
           'f',
           OPTION_FLAG,
           NULL,
           "wait for more at the end, until stopped"),
    OPTION(consume_options, json, "--json", 0, OPTION_FLAG, NULL, "one JSON object a record"),
    OPTION(consume_options, values, "--values", 0, OPTION_FLAG, NULL, "values alone, a line each"),
    OPTION(consume_options, raw, "--raw", 0, OPTION_FLAG, NULL, "bytes of the values as they are"),
};

struct consumer {
    const struct consume_options *options;
    const char *topic;
    struct workspace *workspace;
    struct record_view *view;
    struct log_place place;
    struct log_partition *ends;
    int64_t *next;
    bool *started; /* partitions whose first record at or after the time has come */
    int32_t partitions;
    int64_t printed;
    struct arena arena; /* of one poll */
    struct buffer line, part;
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void) number;
    stopped = 1;
}

/* ---- one record --------------------------------------------------------------------------------
 */

/* "name":value, and that it is base64 if it is. */
static void append_part(struct consumer *consumer, const char *name, struct slice bytes, bool plain)
{
    struct buffer *line = &consumer->line;
    buffer_printf(line, ",\"%s\":", name);
    enum view_form form = record_view_append(consumer->view, bytes, plain, line);
    if (form == VIEW_NULL) {
        buffer_append_string(line, "null");
    } else if (form == VIEW_BASE64) {
        buffer_printf(line, ",\"%s_encoding\":\"base64\"", name);
    }
}

/* Headers may repeat a name, and have an order: an array of objects. */
static void append_headers(struct consumer *consumer, const struct log_in *record)
{
    struct log_header *headers;
    size_t count;
    consumer->workspace->log_ops->record_headers(record, &consumer->arena, &headers, &count);
    buffer_append_string(&consumer->line, ",\"headers\":[");
    for (size_t i = 0; i < count; i++) {
        buffer_append_string(&consumer->line, i == 0 ? "{\"name\":" : ",{\"name\":");
        buffer_append_json(&consumer->line, headers[i].name);
        append_part(consumer, "value", headers[i].value, true);
        buffer_append_byte(&consumer->line, '}');
    }
    buffer_append_byte(&consumer->line, ']');
}

static void write_json(struct consumer *consumer, const struct log_in *record)
{
    buffer_append_string(&consumer->line, "{\"topic\":");
    buffer_append_json(&consumer->line, slice_of_string(consumer->topic));
    buffer_printf(&consumer->line,
                  ",\"partition\":%d,\"offset\":%" PRId64 ",\"timestamp\":%" PRId64,
                  (int) record->partition, record->offset, record->timestamp_ms);
    append_part(consumer, "key", record->key, true);
    append_part(consumer, "value", record->value, false);
    append_headers(consumer, record);
    buffer_append_byte(&consumer->line, '}');
}

/* Text loses its quotes but keeps its escapes: one line a record, and no terminal obeys it. */
static void write_plain(struct consumer *consumer, struct slice bytes, bool plain)
{
    buffer_clear(&consumer->part);
    enum view_form form = record_view_append(consumer->view, bytes, plain, &consumer->part);
    struct slice text = buffer_slice(&consumer->part);
    if (form == VIEW_TEXT || form == VIEW_BASE64) {
        text = slice_of(text.data + 1, text.size - 2);
    }
    buffer_append_slice(&consumer->line, text);
}

static enum status
print_record(struct consumer *consumer, const struct log_in *record, struct error *error)
{
    buffer_clear(&consumer->line);
    if (consumer->options->raw) {
        buffer_append_slice(&consumer->line, record->value);
    } else if (consumer->options->json) {
        write_json(consumer, record);
    } else {
        if (!consumer->options->values) {
            write_plain(consumer, record->key, true);
            buffer_append_byte(&consumer->line, '\t');
        }
        write_plain(consumer, record->value, false);
    }
    buffer_append_byte(&consumer->line, '\n');
    if (fwrite(consumer->line.data, 1, consumer->line.size, stdout) != consumer->line.size) {
        return error_set_errno(error, errno, "could not write to stdout");
    }
    consumer->printed++;
    return STATUS_OK;
}

/* ---- the topic ---------------------------------------------------------------------------------
 */

static bool is_wanted(const struct consumer *consumer, int32_t partition)
{
    return consumer->options->partition < 0 || consumer->options->partition == partition;
}

static bool at_end(const struct consumer *consumer)
{
    for (int32_t i = 0; i < consumer->partitions; i++) {
        if (is_wanted(consumer, i) && consumer->next[i] < consumer->ends[i].high) {
            return false;
        }
    }
    return true;
}

static bool has_enough(const struct consumer *consumer)
{
    return consumer->options->count >= 0 && consumer->printed >= consumer->options->count;
}

static bool takes(struct consumer *consumer, const struct log_in *record)
{
    int32_t partition = record->partition;
    bool ended = !consumer->options->follow && record->offset >= consumer->ends[partition].high;
    if (!is_wanted(consumer, partition) || ended) {
        return false;
    }
    if (consumer->place.kind == PLACE_TIME && record->timestamp_ms >= consumer->place.value) {
        consumer->started[partition] = true;
    }
    return consumer->place.kind != PLACE_TIME || consumer->started[partition];
}

static enum status
print_records(struct consumer *consumer, struct log_reader *reader, struct error *error)
{
    const struct log_ops *ops = consumer->workspace->log_ops;
    int64_t silent_us = 0;
    while (stopped == 0 && !has_enough(consumer) &&
           (consumer->options->follow || !at_end(consumer))) {
        const struct log_in *records;
        size_t count;
        enum status status =
            ops->reader_poll(reader, POLL_RECORDS, POLL_US, &records, &count, error);
        for (size_t i = 0; status == STATUS_OK && i < count && !has_enough(consumer); i++) {
            consumer->next[records[i].partition] = records[i].offset + 1;
            if (takes(consumer, &records[i])) {
                status = print_record(consumer, &records[i], error);
            }
        }
        ops->reader_release(reader);
        arena_reset(&consumer->arena);
        TRY(status);
        if (fflush(stdout) != 0) {
            return error_set_errno(error, errno, "could not write to stdout");
        }
        /* Offsets may end in what no reader sees, such as a transaction's marker. */
        silent_us = count > 0 ? 0 : silent_us + POLL_US;
        if (silent_us >= SILENCE_US && !consumer->options->follow) {
            return STATUS_OK;
        }
    }
    return STATUS_OK;
}

static enum status consume(struct consumer *consumer, struct arena *arena, struct error *error)
{
    const struct consume_options *given = consumer->options;
    struct workspace *workspace = consumer->workspace;
    const char *topic = consumer->topic;
    TRY(log_place_parse("--from", given->from, clock_now_us(), &consumer->place, error));
    if (given->json + given->raw + given->values > 1) {
        return error_set(error, STATUS_USAGE, "give one of --json, --values and --raw");
    }
    if (given->follow) {
        TRY(kafka_tools_connect(workspace, "follow a topic", error));
    }
    TRY(kafka_tools_partitions(workspace, topic, arena, &consumer->ends, &consumer->partitions,
                               error));
    if (given->partition >= consumer->partitions || given->partition < -1) {
        return error_set(error, STATUS_USAGE,
                         "topic \"%s\" has no partition %" PRId64 ", but 0 to %d", topic,
                         given->partition, (int) consumer->partitions - 1);
    }
    consumer->next = ARENA_ARRAY(arena, int64_t, (size_t) consumer->partitions);
    consumer->started = ARENA_ARRAY(arena, bool, (size_t) consumer->partitions);
    TRY(kafka_tools_offsets(workspace, topic, &consumer->place, consumer->ends,
                            consumer->partitions, consumer->next, error));
    for (int32_t i = 0; i < consumer->partitions; i++) {
        consumer->next[i] = is_wanted(consumer, i) ? consumer->next[i] : consumer->ends[i].high;
    }
    struct log_reader *reader;
    TRY(workspace->log_ops->reader_open(workspace->log, topic, consumer->next, consumer->partitions,
                                        &reader, error));
    enum status status = print_records(consumer, reader, error);
    workspace->log_ops->reader_close(reader);
    return status;
}

static int consume_main(void *opaque, char **arguments, int count)
{
    const struct consume_options *given = opaque;
    struct error error = {0};
    struct workspace workspace;
    struct arena arena;
    (void) count;
    if (given->follow) {
        const struct sigaction action = {.sa_handler = on_signal};
        (void) sigaction(SIGINT, &action, NULL);
        (void) sigaction(SIGTERM, &action, NULL);
    }
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
        struct consumer consumer = {
            .options = given, .topic = arguments[0], .workspace = &workspace};
        consumer.view = record_view_new(&workspace);
        arena_init(&consumer.arena, 0);
        status = consume(&consumer, &arena, &error);
        if (record_view_failure(consumer.view)[0] != '\0') {
            (void) fprintf(stderr,
                           "leat: some records look like Avro but are not shown as such: %s\n",
                           record_view_failure(consumer.view));
        }
        record_view_free(consumer.view);
        arena_deinit(&consumer.arena);
        buffer_deinit(&consumer.line);
        buffer_deinit(&consumer.part);
    }
    workspace_close(&workspace);
    arena_deinit(&arena);
    return status == STATUS_OK ? 0 : command_fail(&error);
}

const struct command command_consume = {
    .name = "consume",
    .summary = "print records of a topic",
    .usage = "TOPIC",
    .help =
        "Prints the records of a topic up to where it ends now: KEY, a tab, VALUE. Avro values\n"
        "are shown as JSON through the schema registry; what is neither Avro, JSON nor text is\n"
        "base64. A missing key or value (a delete) is empty, control characters are escaped;\n"
        "--json tells all apart, and has partition, offset, timestamp (ms) and headers.\n"
        "Partitions are not put in one order. When nothing runs the files of the data directory\n"
        "are read, and --follow is refused. With --kafka, Avro needs --registry too.\n\n"
        "examples:\n"
        "  leat consume users_created --count 5\n"
        "  leat consume users_created --json --from -1h | jq .value.email\n"
        "  leat consume users_created --values --from end --follow | jq .email\n"
        "  leat consume users_created --partition 0 --from 100 --raw > values\n\n"
        "exit codes: 0 done, or stopped while following, 64 usage, 69 leat does not answer",
    .options = options,
    .option_count = ARRAY_SIZE(options),
    .options_bytes = sizeof(struct consume_options),
    .defaults = &defaults,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = consume_main,
};
