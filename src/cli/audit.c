/* `leat audit`: proves the sum from the stores. */

#include "app/audit.h"
#include "cli/command.h"

#include <inttypes.h>

struct audit_options {
    const char *data;
    bool json;
};

static const struct option options[] = {
    OPTION(audit_options, data, "--data", 0, OPTION_STRING, "DIR", COMMAND_DATA_HELP),
    OPTION(audit_options, json, "--json", 0, OPTION_FLAG, NULL, "one JSON object"),
};

static void print_text(const struct audit *audit)
{
    for (size_t i = 0; i < audit->source_count; i++) {
        const struct audit_source *source = &audit->sources[i];
        const struct source_counts *counts = &source->counts;
        (void) printf("source %s: fetched %" PRId64 " = accepted %" PRId64 " + unchanged %" PRId64
                      " + refused %" PRId64 "%s",
                      source->name, counts->fetched, counts->accepted, counts->unchanged,
                      counts->dead, source->holds ? "" : "   DOES NOT HOLD");
        if (source->staged > 0) {
            (void) printf("; %" PRId64 " not yet in the log", source->staged);
        }
        (void) printf("\n");
    }
    for (size_t i = 0; i < audit->topic_count; i++) {
        const struct fate_counts *counts = &audit->topics[i].counts;
        (void) printf(
            "topic %s: stored %" PRId64 ", filtered %" PRId64 ", late %" PRId64 ", dead %" PRId64,
            audit->topics[i].task, counts->stored, counts->filtered, counts->late, counts->dead);
        if (counts->foreign > 0) {
            (void) printf(" (%" PRId64 " of them came past staging)", counts->foreign);
        }
        (void) printf("\n");
    }
    for (size_t i = 0; i < audit->lost_count; i++) {
        (void) printf("table %s: LOST: it is not there, or was made anew, empty, while its rows "
                      "count as stored\n",
                      audit->lost[i]);
    }
    const struct fate_counts *fate = &audit->fate;
    (void) printf("sum: accepted %" PRId64 " = stored %" PRId64 " + filtered %" PRId64
                  " + late %" PRId64 " + dead %" PRId64 " + under way %" PRId64 "   %s\n",
                  audit->accepted, fate->stored, fate->filtered, fate->late, fate->dead,
                  audit->in_flight, audit->holds ? "holds" : "DOES NOT HOLD");
}

static void append_source_json(struct buffer *json, const struct audit_source *source)
{
    buffer_append_string(json, "{\"name\":");
    buffer_append_json(json, slice_of_string(source->name));
    buffer_printf(json,
                  ",\"fetched\":%" PRId64 ",\"accepted\":%" PRId64 ",\"unchanged\":%" PRId64
                  ",\"refused\":%" PRId64 ",\"staged\":%" PRId64 ",\"holds\":%s}",
                  source->counts.fetched, source->counts.accepted, source->counts.unchanged,
                  source->counts.dead, source->staged, source->holds ? "true" : "false");
}

static void append_fate_json(struct buffer *json, const struct fate_counts *fate)
{
    buffer_printf(json,
                  "\"stored\":%" PRId64 ",\"filtered\":%" PRId64 ",\"late\":%" PRId64
                  ",\"dead\":%" PRId64 ",\"foreign\":%" PRId64,
                  fate->stored, fate->filtered, fate->late, fate->dead, fate->foreign);
}

static void print_json(const struct audit *audit)
{
    struct buffer json CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_printf(&json,
                  "{\"holds\":%s,\"fetched\":%" PRId64 ",\"accepted\":%" PRId64
                  ",\"unchanged\":%" PRId64 ",\"refused\":%" PRId64 ",",
                  audit->holds ? "true" : "false", audit->source.fetched, audit->accepted,
                  audit->source.unchanged, audit->source.dead);
    append_fate_json(&json, &audit->fate);
    buffer_printf(&json, ",\"in_flight\":%" PRId64 ",\"sources\":[", audit->in_flight);
    for (size_t i = 0; i < audit->source_count; i++) {
        buffer_append_string(&json, i == 0 ? "" : ",");
        append_source_json(&json, &audit->sources[i]);
    }
    buffer_append_string(&json, "],\"topics\":[");
    for (size_t i = 0; i < audit->topic_count; i++) {
        buffer_append_string(&json, i == 0 ? "{\"task\":" : ",{\"task\":");
        buffer_append_json(&json, slice_of_string(audit->topics[i].task));
        buffer_append_byte(&json, ',');
        append_fate_json(&json, &audit->topics[i].counts);
        buffer_append_byte(&json, '}');
    }
    buffer_append_string(&json, "],\"lost_tables\":[");
    for (size_t i = 0; i < audit->lost_count; i++) {
        buffer_append_string(&json, i == 0 ? "" : ",");
        buffer_append_json(&json, slice_of_string(audit->lost[i]));
    }
    buffer_append_string(&json, "]}\n");
    (void) fwrite(json.data, 1, json.size, stdout);
}

static int audit_main(void *opaque, char **arguments, int count)
{
    const struct audit_options *options_given = opaque;
    struct error error = {0};
    struct workspace workspace;
    struct arena arena;
    struct audit audit = {0};
    (void) arguments;
    (void) count;
    arena_init(&arena, 0);
    enum status status = workspace_open(options_given->data, &workspace, &error);
    if (status == STATUS_OK) {
        status = audit_run(&workspace, &arena, &audit, &error);
    }
    int code = 1;
    if (status != STATUS_OK) {
        code = command_fail(&error);
    } else {
        (options_given->json ? print_json : print_text)(&audit);
        code = audit.holds ? 0 : 1;
    }
    workspace_close(&workspace);
    arena_deinit(&arena);
    return code;
}

const struct command command_audit = {
    .name = "audit",
    .summary = "prove that no record was lost or counted twice",
    .usage = "",
    .help =
        "Adds up, from the stores and the log themselves, what became of every record:\n\n"
        "  fetched  = accepted + unchanged + refused at the source\n"
        "  accepted = stored + filtered + late + dead + under way\n\n"
        "What is under way must be found in staging or in the log, and the tables that rows were\n"
        "stored in must be there. Works while leat runs.\n\n"
        "examples:\n"
        "  leat audit\n"
        "  leat audit --json --data /var/lib/leat\n\n"
        "exit codes: 0 the sum holds, 1 it does not, 65 a store is damaged, 69 leat does not\n"
        "answer",
    .options = options,
    .option_count = ARRAY_SIZE(options),
    .options_bytes = sizeof(struct audit_options),
    .arguments_max = 0,
    .run = audit_main,
};
