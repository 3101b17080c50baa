/* Consumer groups as the console shows and moves them. */

#include "app/engine_console_view.h"
#include "app/kafka_tools.h"
#include "io/clock.h"

#include <string.h>

static void
write_group(const char *group, const struct kafka_group_detail *detail, struct buffer *target)
{
    struct json_writer json = {.target = target};
    json_writer_open(&json, NULL, '{');
    json_writer_text(&json, "id", group);
    json_writer_text(&json, "state", detail->state);
    json_writer_text(&json, "assignor", detail->assignor);
    json_writer_open(&json, "members", '[');
    for (size_t i = 0; i < detail->member_count; i++) {
        json_writer_open(&json, NULL, '{');
        json_writer_text(&json, "id", detail->members[i].id);
        json_writer_text(&json, "client", detail->members[i].client);
        json_writer_text(&json, "host", detail->members[i].host);
        json_writer_close(&json, '}');
    }
    json_writer_close(&json, ']');
    json_writer_close(&json, '}');
}

enum status
engine_group_show(void *context, const char *group, struct buffer *target, struct error *error)
{
    struct engine *engine = context;
    struct kafka_group_detail detail;
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    TRY(kafka_admin_group(engine->log, group, &arena, &detail, error));
    write_group(group, &detail, target);
    return STATUS_OK;
}

enum status engine_group_delete(void *context, const char *group, struct error *error)
{
    struct engine *engine = context;
    return kafka_admin_group_delete(engine->log, group, error);
}

static void write_moves(const struct group_move *move, bool applied, struct buffer *target)
{
    struct json_writer json = {.target = target};
    json_writer_open(&json, NULL, '{');
    json_writer_bool(&json, "applied", applied);
    json_writer_open(&json, "moves", '[');
    for (size_t i = 0; i < move->count; i++) {
        json_writer_open(&json, NULL, '{');
        json_writer_text(&json, "topic", move->positions[i].topic);
        json_writer_int(&json, "partition", move->positions[i].partition);
        if (move->from[i] < 0) {
            json_writer_null(&json, "from");
        } else {
            json_writer_int(&json, "from", move->from[i]);
        }
        json_writer_int(&json, "to", move->positions[i].offset);
        json_writer_close(&json, '}');
    }
    json_writer_close(&json, ']');
    json_writer_close(&json, '}');
}

static enum status reset_group(struct workspace *workspace,
                               const char *group,
                               const struct console_reset *reset,
                               struct buffer *target,
                               struct error *error)
{
    struct log_place place;
    struct group_move move;
    TRY(log_place_parse("to", reset->to, clock_now_us(), &place, error));
    TRY(kafka_tools_group_move(workspace, group, reset->topic, &place, &workspace->arena, &move,
                               error));
    if (reset->apply) {
        TRY(kafka_admin_group_reset(workspace->log, group, move.positions, move.count, error));
    }
    write_moves(&move, reset->apply, target);
    return STATUS_OK;
}

enum status engine_group_reset(void *context,
                               const char *group,
                               const struct console_reset *reset,
                               struct buffer *target,
                               struct error *error)
{
    struct workspace workspace;
    engine_borrow(context, &workspace);
    enum status status = reset_group(&workspace, group, reset, target, error);
    engine_give_back(&workspace);
    return status;
}
