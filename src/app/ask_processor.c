#include "app/ask_processor.h"

#include "app/roles.h"
#include "base/node.h"

#include <string.h>

struct asking {
    const struct topology *topology;
    const struct processor_job *job;
    ask_refuse refuse;
    void *context;
};

static void take(void *context, size_t index, const char *message, size_t offset)
{
    const struct asking *asking = context;
    const char *name = asking->job->streams[index].name;
    for (size_t i = 0; i < asking->topology->stream_count; i++) {
        const struct stream_plan *stream = &asking->topology->streams[i];
        if (strcmp(stream->name, name) == 0) {
            struct error refusal = {0};
            (void) node_error_at(&refusal, stream->node, offset, "%s", message);
            asking->refuse(asking->context, &refusal);
            return;
        }
    }
}

static enum status ask_topic(struct asking *asking,
                             const struct topic_plan *topic,
                             const struct roles *roles,
                             struct error *error)
{
    struct processor_job job = {0};
    bool needed;
    TRY(topology_job(asking->topology, topic, asking->topology->arena, &job, &needed, error));
    if (!needed) {
        return STATUS_OK;
    }
    job.log_address = roles->log == NULL ? "127.0.0.1:9092" : roles->log;
    job.processor_url = roles->processor_url;
    job.processor_settings = roles->processor_settings;
    asking->job = &job;
    return roles->processor_ops->check(&job, take, asking, error);
}

enum status ask_processor(const struct topology *topology,
                          ask_refuse refuse,
                          void *context,
                          struct error *error)
{
    struct roles roles;
    const struct profile_settings *profile = topology->pipeline->profile;
    struct asking asking = {.topology = topology, .refuse = refuse, .context = context};
    if (profile == NULL || profile->processing == NULL) {
        return STATUS_OK;
    }
    TRY(roles_take(profile, "", topology->arena, &roles, error));
    for (size_t i = 0; roles.processor_ops->check != NULL && i < topology->topic_count; i++) {
        if (topology->topics[i].type != NULL) { /* else its queries wait for the schema */
            TRY(ask_topic(&asking, &topology->topics[i], &roles, error));
        }
    }
    return STATUS_OK;
}
