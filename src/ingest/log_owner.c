#include "ingest/log_owner.h"

#include <inttypes.h>

/* Whether the change of that position waits here, accepted at the same microsecond. */
static enum status waits_here(const struct log_owner_query *query,
                              const struct identity *newest,
                              bool *ret_waits,
                              struct error *error)
{
    struct stage_change *changes;
    size_t count;
    TRY(query->stage_ops->changes_read(query->stage, query->source, newest->position - 1, 1,
                                       SIZE_MAX, query->arena, &changes, &count, error));
    *ret_waits = count > 0 && changes[0].position == newest->position &&
                 changes[0].accepted_us == newest->accepted_us;
    return STATUS_OK;
}

enum status log_owner_check(const struct log_owner_query *query, struct error *error)
{
    struct stage_source state;
    int64_t confirmed;
    TRY(query->stage_ops->source_load(query->stage, query->source, query->arena, &state, error));
    TRY(query->stage_ops->changes_confirmed(query->stage, query->source, &confirmed, error));
    for (int32_t i = 0; i < query->partitions; i++) {
        const struct identity *newest = &query->newest[i];
        bool ours = newest->position < 0 || newest->epoch < state.epoch ||
                    (newest->epoch == state.epoch && newest->position <= confirmed);
        if (!ours && newest->epoch == state.epoch) {
            TRY(waits_here(query, newest, &ours, error));
        }
        if (!ours) {
            error_set(
                error, STATUS_CONFIG,
                "topic \"%s\" holds records of source \"%s\" that this data directory did not "
                "write: position %" PRId64 " in partition %d, here it is at %" PRId64,
                query->topic, query->source, newest->position, (int) i, state.position);
            error_hint(error, "start with the data directory that wrote them, give the topic "
                              "another name, or delete the topic");
            error->retriable = false;
            return STATUS_CONFIG;
        }
    }
    return STATUS_OK;
}

enum status log_owner_check_topic(const char *source,
                                  const char *topic,
                                  const struct stage_ops *stage_ops,
                                  const char *stage_url,
                                  const struct log_ops *log_ops,
                                  struct log_client *log,
                                  struct error *error)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct log_owner_query query = {
        .source = source, .topic = topic, .stage_ops = stage_ops, .arena = &arena};
    struct identity *newest;
    enum status status;
    TRY_OR_FAIL(stage_ops->open(stage_url, &query.stage, error));
    TRY_OR_FAIL(log_ops->newest_identities(log, topic, source, false, &arena, &newest,
                                           &query.partitions, error));
    query.newest = newest;
    status = log_owner_check(&query, error);
fail:
    if (query.stage != NULL) {
        stage_ops->close(query.stage);
    }
    arena_deinit(&arena);
    return status;
}
