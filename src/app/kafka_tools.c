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
