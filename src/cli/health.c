/* `leat health`: is the leat of this data directory up and are its pipelines running? */

#include "app/data_dir.h"
#include "cli/command.h"
#include "cli/console_target.h"
#include "http/client.h"

#include <string.h>

struct health_options {
    const char *data, *http;
    bool json;
};

static const struct option options[] = {
    OPTION(health_options,
           data,
           "--data",
           0,
           OPTION_STRING,
           "DIR",
           "the data directory of the leat to ask [./.leat, or LEAT_DATA]"),
    OPTION(
        health_options, http, "--http", 0, OPTION_STRING, "HOST:PORT", "ask this address instead"),
    OPTION(health_options, json, "--json", 0, OPTION_FLAG, NULL, "the answer as it came"),
};

static enum status
ask(const struct health_options *health, struct http_reply *reply, struct error *error)
{
    char url[400];
    struct console_target target;
    struct http_client *client;
    TRY(console_target_find(health->data, health->http, &target, error));
    (void) snprintf(url, sizeof(url), "%s/readyz", target.base);
    const struct http_request request = {.url = url,
                                         .headers = target.headers,
                                         .header_count = target.header_count,
                                         .timeouts = {2000000, 3000000, 3000000, 5000000}};
    TRY(http_client_new(&target.client, &client, error));
    enum status status = http_request(client, &request, reply, error);
    http_client_free(client);
    return status;
}

static int health_main(void *opaque, char **arguments, int count)
{
    (void) arguments;
    (void) count;
    const struct health_options *health = opaque;
    struct error error = {0};
    struct http_reply reply;
    http_reply_init(&reply);
    enum status status = ask(health, &reply, &error);
    int code = 0;
    if (status != STATUS_OK) {
        code = command_fail(&error);
    } else if (reply.status != 200 || health->json) {
        (void) printf("%s\n", buffer_string(&reply.body));
        code = reply.status == 200 ? 0 : status_exit_code(STATUS_UNAVAILABLE);
    } else {
        (void) printf("ready\n");
    }
    http_reply_deinit(&reply);
    return code;
}

const struct command command_health = {
    .name = "health",
    .summary = "does the running leat work? (for containers and monitors)",
    .usage = "",
    .help = "Exits with 0 if leat runs and all its pipelines do, else with 69 and the reasons.\n\n"
            "examples:\n"
            "  leat health\n"
            "  leat health --http 127.0.0.1:9021 --json",
    .options = options,
    .option_count = ARRAY_SIZE(options),
    .options_bytes = sizeof(struct health_options),
    .arguments_max = 0,
    .run = health_main,
};
