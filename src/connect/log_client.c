#include "connect/log_client.h"

bool log_writer_fenced(const struct error *error)
{
    return error->code == LOG_FENCED_CODE;
}

enum status log_topic_ends(const struct log_ops *ops,
                           struct log_client *log,
                           const char *topic,
                           struct arena *arena,
                           int64_t **ret_ends,
                           int32_t *ret_count,
                           struct error *error)
{
    if (ops->topic_ends != NULL) {
        return ops->topic_ends(log, topic, arena, ret_ends, ret_count, error);
    }
    struct log_partition *partitions;
    TRY(ops->topic_offsets(log, topic, arena, &partitions, ret_count, error));
    *ret_ends = ARENA_ARRAY(arena, int64_t, (size_t) *ret_count);
    for (int32_t i = 0; i < *ret_count; i++) {
        (*ret_ends)[i] = partitions[i].high;
    }
    return STATUS_OK;
}
