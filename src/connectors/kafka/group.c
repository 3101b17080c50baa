#include "base/logline.h"
#include "base/memory.h"
#include "connectors/kafka/kafka_internal.h"
#include "io/clock.h"

#define LAST_US (1000 * INT64_C(1000)) /* so long the end waits for what was shown last */

struct kafka_group {
    struct kafka_handle *handle;
    rd_kafka_queue_t *replies;
    int32_t asked; /* commits that were not answered yet */
};

enum status kafka_group_new(const struct log_client *log,
                            const char *group,
                            struct kafka_group **ret_group,
                            struct error *error)
{
    const char *const settings[] = {"group.id", group, NULL};
    struct kafka_handle *handle;
    TRY(kafka_handle_new(log, RD_KAFKA_CONSUMER, group, settings, NULL, &handle, error));
    struct kafka_group *made = mem_zalloc(sizeof(*made));
    made->handle = handle;
    made->replies = rd_kafka_queue_new(handle->rd);
    *ret_group = made;
    return STATUS_OK;
}

static void take_replies(struct kafka_group *group, int timeout_ms)
{
    rd_kafka_event_t *event;
    while ((event = rd_kafka_queue_poll(group->replies, timeout_ms)) != NULL) {
        rd_kafka_resp_err_t code = rd_kafka_event_error(event);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
            logline(LOG_DEBUG, "kafka", "offsets of a group were not shown",
                    LOG_STRING("why", rd_kafka_err2str(code)));
        }
        rd_kafka_event_destroy(event);
        group->asked--;
        timeout_ms = 0;
    }
}

void kafka_group_show(struct kafka_group *group,
                      const char *topic,
                      const int64_t *offsets,
                      int32_t count)
{
    rd_kafka_poll(group->handle->rd, 0);
    take_replies(group, 0);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
    for (int32_t i = 0; i < count; i++) {
        if (offsets[i] >= 0) {
            rd_kafka_topic_partition_list_add(list, topic, i)->offset = offsets[i];
        }
    }
    if (list->cnt > 0 && rd_kafka_commit_queue(group->handle->rd, list, group->replies, NULL,
                                               NULL) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        group->asked++;
    }
    rd_kafka_topic_partition_list_destroy(list);
}

void kafka_group_free(struct kafka_group *group)
{
    if (group == NULL) {
        return;
    }
    int64_t until_us = clock_monotonic_us() + LAST_US;
    while (group->asked > 0 && clock_monotonic_us() < until_us) {
        take_replies(group, 50);
    }
    rd_kafka_queue_destroy(group->replies);
    kafka_handle_free(group->handle);
    mem_free(group);
}
