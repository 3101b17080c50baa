#include "app/kafka_tools.h"

#include "base/settings.h"
#include "base/time_text.h"

#include <stdlib.h>
#include <string.h>

enum status kafka_tools_connect(struct workspace *workspace, const char *what, struct error *error)
{
    if (workspace->running.kafka[0] == '\0') {
        return workspace_need_running(workspace, what, error);
    }
    return workspace_log(workspace, error);
}

static void hint_nearest(struct workspace *workspace, const char *topic, struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    const char **names;
    size_t count;
    if (workspace_topics(workspace, &arena, &names, &count, NULL) != STATUS_OK) {
        return;
    }
    const char *nearest = nearest_word(topic, names, count);
    if (nearest != NULL) {
        error_hint(error, "did you mean \"%s\"?", nearest);
    } else {
        error_hint(error, "leat topic list shows what there is");
    }
}

enum status kafka_tools_partitions(struct workspace *workspace,
                                   const char *topic,
                                   struct arena *arena,
                                   struct log_partition **ret_partitions,
                                   int32_t *ret_count,
                                   struct error *error)
{
    TRY(workspace_log(workspace, error));
    enum status status = workspace->log_ops->topic_offsets(workspace->log, topic, arena,
                                                           ret_partitions, ret_count, error);
    if (status == STATUS_NOT_FOUND) {
        hint_nearest(workspace, topic, error);
    }
    return status;
}

/* ---- places ------------------------------------------------------------------------------------
 */

enum status log_place_parse(const char *option,
                            const char *text,
                            int64_t now_us,
                            struct log_place *ret_place,
                            struct error *error)
{
    char *end;
    int64_t time_us;
    if (strcmp(text, "beginning") == 0 || strcmp(text, "end") == 0) {
        *ret_place = (struct log_place){text[0] == 'b' ? PLACE_BEGINNING : PLACE_END, 0};
        return STATUS_OK;
    }
    const char *digits = text + (text[0] == '-');
    size_t count = strspn(digits, "0123456789");
    if (count > 0 && count < 19 && digits[count] == '\0') {
        *ret_place = (struct log_place){digits == text ? PLACE_OFFSET : PLACE_LAST,
                                        strtoll(digits, &end, 10)};
        return STATUS_OK;
    }
    if (text[0] == '-' && duration_parse(slice_of_string(text + 1), &time_us, NULL) == STATUS_OK) {
        *ret_place = (struct log_place){PLACE_TIME, (now_us - time_us) / US_PER_MS};
        return STATUS_OK;
    }
    if (time_parse(slice_of_string(text), &time_us, NULL) == STATUS_OK) {
        *ret_place = (struct log_place){PLACE_TIME, time_us / US_PER_MS};
        return STATUS_OK;
    }
    (void) error_set(error, STATUS_USAGE, "%s: \"%s\" is no place in a topic", option, text);
    error_hint(error, "give " LOG_PLACE_HELP);
    return STATUS_USAGE;
}

static enum status offsets_at(struct workspace *workspace,
                              const char *topic,
                              int64_t time_ms,
                              const struct log_partition *partitions,
                              int32_t count,
                              int64_t *offsets,
                              struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    /* Before 1970 is where everything begins; negative times mean other things to the protocol. */
    int64_t asked_ms = time_ms < 0 ? 0 : time_ms;
    struct kafka_position *positions = ARENA_ARRAY(&arena, struct kafka_position, (size_t) count);
    for (int32_t i = 0; i < count; i++) {
        positions[i] = (struct kafka_position){topic, i, asked_ms};
    }
    TRY(kafka_admin_offsets_at(workspace->log, positions, (size_t) count, error));
    for (int32_t i = 0; i < count; i++) {
        offsets[i] = positions[i].offset < 0 ? partitions[i].high : positions[i].offset;
    }
    return STATUS_OK;
}

enum status kafka_tools_offsets(struct workspace *workspace,
                                const char *topic,
                                const struct log_place *place,
                                const struct log_partition *partitions,
                                int32_t count,
                                int64_t *ret_offsets,
                                struct error *error)
{
    for (int32_t i = 0; i < count; i++) {
        const struct log_partition *partition = &partitions[i];
        int64_t offset = place->kind == PLACE_END      ? partition->high
                         : place->kind == PLACE_OFFSET ? place->value
                         : place->kind == PLACE_LAST   ? partition->high - place->value
                                                       : partition->low;
        offset = offset < partition->low ? partition->low : offset;
        ret_offsets[i] = offset > partition->high ? partition->high : offset;
    }
    if (place->kind == PLACE_TIME && workspace->running.kafka[0] != '\0') {
        return offsets_at(workspace, topic, place->value, partitions, count, ret_offsets, error);
    }
    return STATUS_OK;
}

/* ---- groups ------------------------------------------------------------------------------------
 */

static int64_t
committed(const struct kafka_group_detail *detail, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < detail->position_count; i++) {
        const struct kafka_position *position = &detail->positions[i];
        if (position->partition == partition && strcmp(position->topic, topic) == 0) {
            return position->offset;
        }
    }
    return -1;
}

static bool has_topic(const struct group_move *move, const char *topic)
{
    for (size_t i = 0; i < move->count; i++) {
        if (strcmp(move->positions[i].topic, topic) == 0) {
            return true;
        }
    }
    return false;
}

/* All partitions of one topic. */
static enum status add_topic(struct workspace *workspace,
                             struct arena *arena,
                             const struct kafka_group_detail *detail,
                             const char *topic,
                             const struct log_place *place,
                             struct group_move *move,
                             struct error *error)
{
    struct log_partition *partitions;
    int32_t count;
    TRY(kafka_tools_partitions(workspace, topic, arena, &partitions, &count, error));
    int64_t *offsets = ARENA_ARRAY(arena, int64_t, (size_t) count);
    TRY(kafka_tools_offsets(workspace, topic, place, partitions, count, offsets, error));
    size_t grown = move->count + (size_t) count;
    move->positions = arena_grow(arena, move->positions, move->count * sizeof(*move->positions),
                                 grown * sizeof(*move->positions));
    move->from = arena_grow(arena, move->from, move->count * sizeof(*move->from),
                            grown * sizeof(*move->from));
    for (int32_t i = 0; i < count; i++) {
        move->from[move->count] = committed(detail, topic, i);
        move->positions[move->count++] = (struct kafka_position){topic, i, offsets[i]};
    }
    return STATUS_OK;
}

static enum status find_group(struct workspace *workspace,
                              struct arena *arena,
                              const char *group,
                              const char *topic,
                              struct kafka_group_detail *detail,
                              struct error *error)
{
    enum status status = kafka_admin_group(workspace->log, group, arena, detail, error);
    if (status == STATUS_NOT_FOUND && topic != NULL) {
        *detail = (struct kafka_group_detail){.state = "Empty", .assignor = ""};
        return STATUS_OK;
    }
    TRY(status);
    if (detail->member_count > 0) {
        (void) error_set(error, STATUS_CONFLICT,
                         "group \"%s\" has %zu members, which would go on where they are", group,
                         detail->member_count);
        error_hint(error, "stop its consumers first");
        return STATUS_CONFLICT;
    }
    if (detail->position_count == 0 && topic == NULL) {
        (void) error_set(error, STATUS_USAGE, "group \"%s\" has committed nothing", group);
        error_hint(error, "name a topic");
        return STATUS_USAGE;
    }
    return STATUS_OK;
}

enum status kafka_tools_group_move(struct workspace *workspace,
                                   const char *group,
                                   const char *topic,
                                   const struct log_place *place,
                                   struct arena *arena,
                                   struct group_move *ret_move,
                                   struct error *error)
{
    struct kafka_group_detail detail;
    *ret_move = (struct group_move){0};
    TRY(find_group(workspace, arena, group, topic, &detail, error));
    if (topic != NULL) {
        return add_topic(workspace, arena, &detail, topic, place, ret_move, error);
    }
    for (size_t i = 0; i < detail.position_count; i++) {
        const char *read = detail.positions[i].topic;
        if (!has_topic(ret_move, read)) {
            TRY(add_topic(workspace, arena, &detail, read, place, ret_move, error));
        }
    }
    return STATUS_OK;
}
