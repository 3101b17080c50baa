#include "broker/broker_internal.h"
#include "io/net.h"

void request_answer(struct request *request)
{
    request->on_end(request, REQUEST_ANSWERED);
}

static void handle_later(struct mail *mail)
{
    request_answer(CONTAINER_OF(mail, struct request, later));
}

void request_answer_later(struct request *request)
{
    request->cancel = NULL;
    request->later.handle = handle_later;
    loop_post(&request->broker->loop, &request->later);
}

void request_end_silently(struct request *request)
{
    request->on_end(request, REQUEST_SILENT);
}

void request_break(struct request *request)
{
    request->on_end(request, REQUEST_BROKEN);
}

struct told_address request_told_address(const struct request *request)
{
    const struct broker *broker = request->broker;
    const struct broker_config *config = &broker->config;
    if (request->client_host != NULL && net_is_loopback(request->client_host)) {
        return (struct told_address){slice_of_string(broker->near_host), broker->near_port};
    }
    return (struct told_address){slice_of_string(config->advertised_host), config->advertised_port};
}

struct slice request_text(struct request *request, const char *text)
{
    return slice_of_string(arena_strdup(request->arena, text));
}
