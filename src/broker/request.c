#include "broker/broker_internal.h"

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

struct slice request_text(struct request *request, const char *text)
{
    return slice_of_string(arena_strdup(request->arena, text));
}
