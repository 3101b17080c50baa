/*
 * Any bytes as what clients send to a broker: frames with their length prefix, each as if from a
 * connection of its own, to a new broker and without sockets. Every request ends exactly once (what
 * is parked when its client goes away), every answer can be decoded to its end, and a broker opened
 * again on what is left behind is sound.
 */

#include "base/assert.h"
#include "base/logline.h"
#include "broker/broker_internal.h"
#include "broker/dispatch.h"
#include "io/file.h"

#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FRAMES_MAX       16
#define ARRAYS_BYTES_MAX ((size_t) 64 << 20)

struct visit {
    struct request request;
    struct arena arena;
    struct wire_reader frame;
    bool ended;
    enum request_end end;
};

struct run {
    struct broker *broker;
    struct visit visits[FRAMES_MAX];
    int count;
    bool all_ended;
};

static char directory[64];

static void remove_all(void)
{
    (void) !directory_remove(directory, NULL);
}

static void start(void)
{
    logline_configure(LOG_OFF, LOG_TEXT);
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    (void) snprintf(directory, sizeof(directory), "%s/leat-fuzz-XXXXXX", base);
    char *made = mkdtemp(directory);
    ASSERT(made != NULL);
    (void) atexit(remove_all);
}

static struct broker *open_broker(void)
{
    struct broker *broker;
    struct broker_config config;
    broker_config_init(&config);
    config.directory = directory;
    config.flush_policy = FLUSH_NEVER;
    enum status status = broker_open(&config, &broker, NULL);
    ASSERT(status == STATUS_OK);
    return broker;
}

/* --- on the broker's thread --- */

static void check_answer(const struct visit *visit)
{
    const struct request *request = &visit->request;
    const struct wire_message *message = request->api->message;
    bool flexible = wire_is_flexible(message, request->version);
    struct wire_output output;
    wire_output_init(&output, 0);
    enum status status = response_encode(request, &output, NULL);
    ASSERT(status == STATUS_OK);
    struct arena arena;
    arena_init(&arena, 0);
    struct wire_reader reader = {output.bytes.data + FRAME_PREFIX_BYTES + 4,
                                 output.bytes.data + output.bytes.size};
    bool tags = flexible && message->key != API_API_VERSIONS;
    ASSERT(!tags || wire_read_tags(&reader));
    void *body = arena_zalloc(&arena, message->response->size);
    status = wire_decode(message->response, request->version, flexible, &reader, ARRAYS_BYTES_MAX,
                         &arena, body, NULL);
    ASSERT(status == STATUS_OK && reader.at == reader.end);
    arena_deinit(&arena);
    wire_output_deinit(&output);
}

static void on_end(struct request *request, enum request_end end)
{
    struct visit *visit = CONTAINER_OF(request, struct visit, request);
    ASSERT(!visit->ended);
    request->cancel = NULL;
    visit->ended = true;
    visit->end = end;
    if (end == REQUEST_ANSWERED) {
        check_answer(visit);
    }
}

static void send_all(void *context)
{
    struct run *run = context;
    for (int i = 0; i < run->count; i++) {
        struct visit *visit = &run->visits[i];
        struct error error = {0};
        if (request_dispatch(&visit->request, &visit->frame, &error) != STATUS_OK) {
            ASSERT(error.message[0] != '\0' && !visit->ended);
            visit->ended = true;
        }
    }
}

/* The clients go away. */
static void hang_up(void *context)
{
    struct run *run = context;
    run->all_ended = true;
    for (int i = 0; i < run->count; i++) {
        struct visit *visit = &run->visits[i];
        if (!visit->ended && visit->request.cancel != NULL) {
            visit->request.cancel(&visit->request);
        }
        run->all_ended = run->all_ended && visit->ended;
    }
}

/* --- */

static void cut_frames(struct run *run, const uint8_t *data, size_t size)
{
    while (size >= FRAME_PREFIX_BYTES && run->count < FRAMES_MAX) {
        size_t length =
            (size_t) data[0] << 24 | (size_t) data[1] << 16 | (size_t) data[2] << 8 | data[3];
        data += FRAME_PREFIX_BYTES;
        size -= FRAME_PREFIX_BYTES;
        length = length > size ? size : length;
        struct visit *visit = &run->visits[run->count++];
        *visit = (struct visit){.frame = {data, data + length}};
        arena_init(&visit->arena, 0);
        visit->request = (struct request){
            .broker = run->broker,
            .arena = &visit->arena,
            .client_host = "127.0.0.1",
            .on_end = on_end,
        };
        data += length;
        size -= length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct run run;
    if (directory[0] == '\0') {
        start();
    }
    enum status status = directory_remove(directory, NULL);
    ASSERT(status == STATUS_OK);
    run.broker = open_broker();
    run.count = 0;
    /* Produce checks batches in place. */
    CLEANUP(buffer_deinit) struct buffer copy = BUFFER_INIT;
    buffer_append(&copy, data, size);
    cut_frames(&run, copy.data, copy.size);
    loop_call(&run.broker->loop, send_all, &run);
    do {
        loop_call(&run.broker->loop, hang_up, &run);
    } while (!run.all_ended);
    status = broker_stop(run.broker, 0, NULL);
    ASSERT(status == STATUS_OK);
    broker_free(run.broker);
    for (int i = 0; i < run.count; i++) {
        arena_deinit(&run.visits[i].arena);
    }
    broker_free(open_broker());
    return 0;
}
