/* `leat group`: consumer groups, and where they read on. */

#include "app/kafka_tools.h"
#include "cli/command.h"
#include "cli/rows.h"
#include "io/clock.h"

#include <inttypes.h>
#include <string.h>

struct group_options {
    const char *data, *kafka, *pipeline, *profile, *secrets;
    const char *to, *topic;
    bool json, yes;
};

#define OPTION_DATA                                                                                \
    OPTION(group_options, data, "--data", 0, OPTION_STRING, "DIR", COMMAND_DATA_HELP)
#define OPTION_KAFKA                                                                               \
    OPTION(group_options, kafka, "--kafka", 0, OPTION_STRING, "HOST:PORT", COMMAND_KAFKA_HELP)
#define OPTION_JSON                                                                                \
    OPTION(group_options, json, "--json", 0, OPTION_FLAG, NULL, "JSON instead of a table")

#define OPTIONS_PROFILE COMMAND_PROFILE_OPTIONS(group_options)

static const struct option look_options[] = {OPTION_DATA, OPTION_KAFKA, OPTIONS_PROFILE,
                                             OPTION_JSON};

static const struct option delete_options[] = {
    OPTION_DATA,
    OPTION_KAFKA,
    OPTIONS_PROFILE,
    OPTION(group_options, yes, "--yes", 'y', OPTION_FLAG, NULL, "delete it, not only say so"),
};

static const struct option reset_options[] = {
    OPTION_DATA,
    OPTION_KAFKA,
    OPTIONS_PROFILE,
    OPTION_JSON,
    OPTION(group_options, to, "--to", 0, OPTION_STRING, "PLACE", LOG_PLACE_HELP),
    OPTION(group_options,
           topic,
           "--topic",
           't',
           OPTION_STRING,
           "TOPIC",
           "only this topic [all that the group committed]"),
    OPTION(group_options, yes, "--yes", 'y', OPTION_FLAG, NULL, "do it, not only show it"),
};

/* Each command is one function over a connected workspace. */
typedef enum status group_work(const struct group_options *options,
                               struct workspace *workspace,
                               struct arena *arena,
                               const char *group,
                               struct error *error);

static int
run(group_work *work, const char *what, const struct group_options *options, const char *group)
{
    struct error error = {0};
    struct workspace workspace;
    struct arena arena;
    arena_init(&arena, 0);
    const struct workspace_place place = {
        .data = options->data,
        .kafka = options->kafka,
        .pipeline = options->pipeline,
        .profile = options->profile,
        .secrets = options->secrets,
    };
    enum status status = workspace_open_at(&place, &workspace, &error);
    if (status == STATUS_OK) {
        status = kafka_tools_connect(&workspace, what, &error);
    }
    if (status == STATUS_OK) {
        status = work(options, &workspace, &arena, group, &error);
    }
    workspace_close(&workspace);
    arena_deinit(&arena);
    return status == STATUS_OK ? 0 : command_fail(&error);
}

/* ---- list --------------------------------------------------------------------------------------
 */

static enum status list(const struct group_options *options,
                        struct workspace *workspace,
                        struct arena *arena,
                        const char *group,
                        struct error *error)
{
    static const char *const columns[] = {"group", "state"};
    struct kafka_group *groups;
    size_t count;
    (void) group;
    TRY(kafka_admin_groups(workspace->log, arena, &groups, &count, error));
    struct rows rows;
    rows_init(&rows, rows_form_of(options->json, false), columns, ARRAY_SIZE(columns));
    for (size_t i = 0; i < count; i++) {
        rows_string(&rows, groups[i].name);
        rows_string(&rows, groups[i].state);
        rows_end(&rows);
    }
    rows_finish(&rows);
    return STATUS_OK;
}

static int list_main(void *opaque, char **arguments, int count)
{
    (void) arguments;
    (void) count;
    return run(list, "list consumer groups", opaque, NULL);
}

const struct command command_group_list = {
    .name = "group list",
    .summary = "consumer groups",
    .usage = "",
    .help = "Groups of a running leat or of the log at --kafka. leat's own pipelines keep their\n"
            "offsets with their results and are no groups.\n\n"
            "examples:\n"
            "  leat group list\n"
            "  leat group list --json",
    .options = look_options,
    .option_count = ARRAY_SIZE(look_options),
    .options_bytes = sizeof(struct group_options),
    .run = list_main,
};

/* ---- show --------------------------------------------------------------------------------------
 */

/* Where each committed partition ends; -1 where it is gone. */
static enum status ends_of(struct workspace *workspace,
                           struct arena *arena,
                           const struct kafka_group_detail *detail,
                           int64_t **ret_ends,
                           struct error *error)
{
    struct log_partition *partitions = NULL;
    const char *topic = NULL;
    int32_t count = 0;
    *ret_ends = ARENA_ARRAY(arena, int64_t, detail->position_count);
    for (size_t i = 0; i < detail->position_count; i++) {
        const struct kafka_position *position = &detail->positions[i];
        if (topic == NULL || strcmp(topic, position->topic) != 0) {
            topic = position->topic;
            enum status status = workspace->log_ops->topic_offsets(workspace->log, topic, arena,
                                                                   &partitions, &count, error);
            if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
                return status;
            }
            count = status == STATUS_OK ? count : 0;
        }
        (*ret_ends)[i] = position->partition < count ? partitions[position->partition].high : -1;
    }
    return STATUS_OK;
}

static int64_t lag_of(int64_t offset, int64_t end)
{
    return offset < 0 || end < 0 ? -1 : end > offset ? end - offset : 0;
}

static void append_member(struct buffer *text, const char *name, const char *value)
{
    buffer_append_json(text, slice_of_string(name));
    buffer_append_byte(text, ':');
    buffer_append_json(text, slice_of_string(value));
}

static void append_number(struct buffer *text, const char *name, int64_t value)
{
    if (value < 0) {
        buffer_printf(text, ",\"%s\":null", name);
    } else {
        buffer_printf(text, ",\"%s\":%" PRId64, name, value);
    }
}

static void
show_json(const char *group, const struct kafka_group_detail *detail, const int64_t *ends)
{
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append_byte(&text, '{');
    append_member(&text, "group", group);
    buffer_append_byte(&text, ',');
    append_member(&text, "state", detail->state);
    buffer_append_byte(&text, ',');
    append_member(&text, "assignor", detail->assignor);
    buffer_append_string(&text, ",\"members\":[");
    for (size_t i = 0; i < detail->member_count; i++) {
        buffer_append_string(&text, i == 0 ? "{" : ",{");
        append_member(&text, "id", detail->members[i].id);
        buffer_append_byte(&text, ',');
        append_member(&text, "client", detail->members[i].client);
        buffer_append_byte(&text, ',');
        append_member(&text, "host", detail->members[i].host);
        buffer_append_byte(&text, '}');
    }
    buffer_append_string(&text, "],\"offsets\":[");
    for (size_t i = 0; i < detail->position_count; i++) {
        const struct kafka_position *position = &detail->positions[i];
        buffer_append_string(&text, i == 0 ? "{" : ",{");
        append_member(&text, "topic", position->topic);
        append_number(&text, "partition", position->partition);
        append_number(&text, "offset", position->offset);
        append_number(&text, "end", ends[i]);
        append_number(&text, "lag", lag_of(position->offset, ends[i]));
        buffer_append_byte(&text, '}');
    }
    buffer_append_string(&text, "]}");
    (void) puts(buffer_string(&text));
}

static void print_number(struct rows *rows, int64_t value)
{
    if (value < 0) {
        rows_null(rows);
    } else {
        rows_int(rows, value);
    }
}

static void
show_tables(const char *group, const struct kafka_group_detail *detail, const int64_t *ends)
{
    static const char *const columns[] = {"topic", "partition", "offset", "end", "lag"};
    static const char *const member_columns[] = {"member", "client", "host"};
    struct rows rows;
    (void) printf("group %s: %s, %zu member%s\n", group, detail->state, detail->member_count,
                  detail->member_count == 1 ? "" : "s");
    if (detail->member_count > 0) {
        rows_init(&rows, ROWS_TABLE, member_columns, ARRAY_SIZE(member_columns));
        for (size_t i = 0; i < detail->member_count; i++) {
            rows_string(&rows, detail->members[i].id);
            rows_string(&rows, detail->members[i].client);
            rows_string(&rows, detail->members[i].host);
            rows_end(&rows);
        }
        rows_finish(&rows);
        (void) putchar('\n');
    }
    rows_init(&rows, ROWS_TABLE, columns, ARRAY_SIZE(columns));
    for (size_t i = 0; i < detail->position_count; i++) {
        rows_string(&rows, detail->positions[i].topic);
        rows_int(&rows, detail->positions[i].partition);
        print_number(&rows, detail->positions[i].offset);
        print_number(&rows, ends[i]);
        print_number(&rows, lag_of(detail->positions[i].offset, ends[i]));
        rows_end(&rows);
    }
    rows_finish(&rows);
}

static enum status show(const struct group_options *options,
                        struct workspace *workspace,
                        struct arena *arena,
                        const char *group,
                        struct error *error)
{
    struct kafka_group_detail detail;
    int64_t *ends;
    TRY(kafka_admin_group(workspace->log, group, arena, &detail, error));
    TRY(ends_of(workspace, arena, &detail, &ends, error));
    if (options->json) {
        show_json(group, &detail, ends);
    } else {
        show_tables(group, &detail, ends);
    }
    return STATUS_OK;
}

static int show_main(void *opaque, char **arguments, int count)
{
    (void) count;
    return run(show, "show a consumer group", opaque, arguments[0]);
}

const struct command command_group_show = {
    .name = "group show",
    .summary = "a group's members, offsets and lag",
    .usage = "GROUP",
    .help = "\"offset\" is the next one that the group reads, \"end\" the one behind the last "
            "record.\n\n"
            "examples:\n"
            "  leat group show reports\n"
            "  leat group show reports --json | jq '[.offsets[].lag] | add'",
    .options = look_options,
    .option_count = ARRAY_SIZE(look_options),
    .options_bytes = sizeof(struct group_options),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = show_main,
};

/* ---- delete ------------------------------------------------------------------------------------
 */

static enum status delete (const struct group_options *options,
                           struct workspace *workspace,
                           struct arena *arena,
                           const char *group,
                           struct error *error) {
    struct kafka_group_detail detail;
        TRY(kafka_admin_group(workspace->log, group, arena, &detail, error));
        if (!options->yes){(void) error_set(
            error,
            STATUS_USAGE,
            "group \"%s\" with %zu committed offsets would be deleted; nothing was "
            "changed",
            group,
            detail.position_count);
                           error_hint(error, "add --yes to delete it"); return STATUS_USAGE;
}
TRY(kafka_admin_group_delete(workspace->log, group, error));
(void) fprintf(stderr, "deleted group \"%s\"\n", group);
return STATUS_OK;
}

static int delete_main(void *opaque, char **arguments, int count)
{
    (void) count;
    return run(delete, "delete a consumer group", opaque, arguments[0]);
}

const struct command command_group_delete = {
    .name = "group delete",
    .summary = "delete a group and its offsets",
    .usage = "GROUP",
    .help = "Deletes a group that has no members, with --yes; without it says what would go, and\n"
            "ends with 64.\n\n"
            "examples:\n"
            "  leat group delete reports --yes",
    .options = delete_options,
    .option_count = ARRAY_SIZE(delete_options),
    .options_bytes = sizeof(struct group_options),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = delete_main,
};

/* ---- reset -------------------------------------------------------------------------------------
 */

static void print_move(const struct group_options *options, const struct group_move *move)
{
    static const char *const columns[] = {"topic", "partition", "from", "to"};
    struct rows rows;
    rows_init(&rows, rows_form_of(options->json, false), columns, ARRAY_SIZE(columns));
    for (size_t i = 0; i < move->count; i++) {
        rows_string(&rows, move->positions[i].topic);
        rows_int(&rows, move->positions[i].partition);
        print_number(&rows, move->from[i]);
        rows_int(&rows, move->positions[i].offset);
        rows_end(&rows);
    }
    rows_finish(&rows);
}

static enum status reset(const struct group_options *options,
                         struct workspace *workspace,
                         struct arena *arena,
                         const char *group,
                         struct error *error)
{
    struct log_place place;
    struct group_move move;
    if (options->to == NULL) {
        return error_set(error, STATUS_USAGE, "--to is missing: give " LOG_PLACE_HELP);
    }
    TRY(log_place_parse("--to", options->to, clock_now_us(), &place, error));
    TRY(kafka_tools_group_move(workspace, group, options->topic, &place, arena, &move, error));
    if (options->yes) {
        TRY(kafka_admin_group_reset(workspace->log, group, move.positions, move.count, error));
    }
    print_move(options, &move);
    if (!options->yes) {
        (void) fprintf(stderr, "nothing was changed: add --yes to move group \"%s\"\n", group);
    }
    return STATUS_OK;
}

static int reset_main(void *opaque, char **arguments, int count)
{
    (void) count;
    return run(reset, "move a consumer group", opaque, arguments[0]);
}

const struct command command_group_reset = {
    .name = "group reset",
    .summary = "move a group to another place",
    .usage = "GROUP --to PLACE",
    .help =
        "Shows where the group would read on in each partition, and with --yes moves it there.\n"
        "The group must have no members. An offset that a partition does not have is the\n"
        "nearest one that it has. With --topic the group need not exist yet.\n\n"
        "examples:\n"
        "  leat group reset reports --to beginning\n"
        "  leat group reset reports --to 2026-11-22T10:00:00Z --topic users_created --yes\n"
        "  leat group reset reports --to -1h --yes",
    .options = reset_options,
    .option_count = ARRAY_SIZE(reset_options),
    .options_bytes = sizeof(struct group_options),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = reset_main,
};
