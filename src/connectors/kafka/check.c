#include "base/memory.h"
#include "connectors/kafka/kafka_check.h"
#include "connectors/kafka/kafka_internal.h"
#include "connectors/kafka/kafka_log.h"

#include <stdio.h>
#include <string.h>

struct check {
    const char *address;
    const char *const *settings;
    kafka_visit visit;
    void *context;
    struct arena arena;
};

static void tell(struct check *check,
                 const char *subject,
                 enum status status,
                 const char *found,
                 const char *remedy)
{
    const struct kafka_finding finding = {subject, status, found, remedy};
    check->visit(check->context, &finding);
}

static enum status look_at(const struct check *check,
                           const char *address,
                           struct log_client **ret_log,
                           const struct rd_kafka_metadata **ret_metadata,
                           struct error *error)
{
    TRY(kafka_log_ops.open(address, check->settings, ret_log, error));
    rd_kafka_resp_err_t code =
        rd_kafka_metadata((*ret_log)->handle->rd, 1, NULL, ret_metadata, KAFKA_LOOK_MS);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        return STATUS_OK;
    }
    enum status status =
        kafka_error((*ret_log)->handle, code, error, "could not ask the log at \"%s\"", address);
    kafka_log_ops.close(*ret_log);
    return status;
}

/* ---- brokers -----------------------------------------------------------------------------------
 */

/* A cluster answers at its first address, and its brokers tell clients theirs: those must be
 * reachable from here as well. */
static void check_broker(struct check *check, const struct rd_kafka_metadata_broker *broker)
{
    const char *subject = arena_printf(&check->arena, "broker %d", (int) broker->id);
    const char *address = arena_printf(&check->arena, "%s:%d", broker->host, broker->port);
    struct error error = {0};
    struct log_client *log;
    const struct rd_kafka_metadata *metadata;
    if (look_at(check, address, &log, &metadata, &error) == STATUS_OK) {
        rd_kafka_metadata_destroy(metadata);
        kafka_log_ops.close(log);
        tell(check, subject, STATUS_OK, arena_printf(&check->arena, "answers at %s", address), "");
        return;
    }
    tell(check, subject, STATUS_UNAVAILABLE,
         arena_printf(&check->arena, "tells clients %s, and does not answer there", address),
         "set advertised.listeners of that broker to an address that is reachable from here");
}

/* ---- topics ------------------------------------------------------------------------------------
 */

static void check_topic(struct check *check,
                        const struct topic_spec *wanted,
                        const struct rd_kafka_metadata *metadata)
{
    struct arena *arena = &check->arena;
    const char *subject = arena_printf(arena, "topic %s", wanted->name);
    if (wanted->replication > metadata->broker_cnt) {
        tell(check, subject, STATUS_CONFIG,
             arena_printf(arena, "wants %d copies, and the log has %d broker%s",
                          (int) wanted->replication, metadata->broker_cnt,
                          metadata->broker_cnt == 1 ? "" : "s"),
             "lower `replication` of the topic, or add brokers");
        return;
    }
    for (int i = 0; i < metadata->topic_cnt; i++) {
        const struct rd_kafka_metadata_topic *topic = &metadata->topics[i];
        if (strcmp(topic->topic, wanted->name) != 0) {
            continue;
        }
        for (int p = 0; p < topic->partition_cnt; p++) {
            if (topic->partitions[p].leader < 0) {
                tell(check, subject, STATUS_UNAVAILABLE,
                     arena_printf(arena, "partition %d has no leader", p),
                     "are all brokers that hold a copy of it down?");
                return;
            }
        }
        if (topic->partition_cnt > wanted->partitions && wanted->partitions > 0) {
            tell(check, subject, STATUS_OK,
                 arena_printf(arena, "has %d partitions, more than the %d of the file",
                              topic->partition_cnt, (int) wanted->partitions),
                 "partitions are never taken away; write the number that is there");
        }
        return;
    }
}

/* ---- all ---------------------------------------------------------------------------------------
 */

static void check_client(struct check *check)
{
    for (size_t i = 0; check->settings != NULL && check->settings[i] != NULL; i += 2) {
        bool scram = strncmp(check->settings[i], "sasl.mechanism", 14) == 0 &&
                     strncmp(check->settings[i + 1], "SCRAM", 5) == 0;
        if (scram && RD_KAFKA_VERSION < KAFKA_SCRAM_FIXED) {
            tell(check, "SCRAM", STATUS_OK,
                 arena_printf(&check->arena,
                              "works with Kafka 3 only: librdkafka is %s, older than 2.6.1",
                              rd_kafka_version_str()),
                 "with Kafka 4 use PLAIN over TLS or a client certificate, or build leat with a "
                 "newer librdkafka");
        }
    }
}

void kafka_check(const char *address,
                 const char *const *settings,
                 const struct topic_spec *topics,
                 size_t topic_count,
                 kafka_visit visit,
                 void *context)
{
    struct check check = {
        .address = address, .settings = settings, .visit = visit, .context = context};
    struct error error = {0};
    struct log_client *log;
    const struct rd_kafka_metadata *metadata;
    arena_init(&check.arena, 0);
    check_client(&check);
    if (look_at(&check, address, &log, &metadata, &error) != STATUS_OK) {
        tell(&check, "", error.status, error.message, error.hint);
        arena_deinit(&check.arena);
        return;
    }
    tell(&check, "", STATUS_OK,
         arena_printf(&check.arena, "answers, with %d topics on %d broker%s", metadata->topic_cnt,
                      metadata->broker_cnt, metadata->broker_cnt == 1 ? "" : "s"),
         "");
    for (int i = 0; i < metadata->broker_cnt; i++) {
        check_broker(&check, &metadata->brokers[i]);
    }
    for (size_t i = 0; i < topic_count; i++) {
        check_topic(&check, &topics[i], metadata);
    }
    rd_kafka_metadata_destroy(metadata);
    kafka_log_ops.close(log);
    arena_deinit(&check.arena);
}
