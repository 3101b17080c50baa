/* `leat api`: the stand-in for the randomuser.me API. */

#include "cli/command.h"
#include "connectors/generate/api_server.h"
#include "io/net.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>

struct api_options {
    const char *listen, *replay, *faults;
    int64_t seed;
    bool limit, json;
};

static const struct api_options defaults = {.listen = "127.0.0.1:8099"};

static const struct option options[] = {
    OPTION(api_options,
           listen,
           "--listen",
           0,
           OPTION_STRING,
           "HOST:PORT",
           "where to listen [127.0.0.1:8099]"),
    OPTION(api_options,
           limit,
           "--limit",
           0,
           OPTION_FLAG,
           NULL,
           "20,000 users in 300 s, then 429, as the real one"),
    OPTION(api_options,
           replay,
           "--replay",
           0,
           OPTION_STRING,
           "DIR",
           "serve the recorded replies of a folder, page by page"),
    OPTION(api_options,
           faults,
           "--fault",
           0,
           OPTION_STRING,
           "LIST",
           "what goes wrong: 503:3,429:1,empty:2,html,truncated,error,slow:2s,reset"),
    OPTION(api_options, seed, "--fault-seed", 0, OPTION_INT, "N", "seed of faults by chance"),
    OPTION(api_options, json, "--json", 0, OPTION_FLAG, NULL, "address and counts as JSON"),
};

static void wait_for_signal(void)
{
    sigset_t signals;
    int number;
    (void) sigemptyset(&signals);
    (void) sigaddset(&signals, SIGINT);
    (void) sigaddset(&signals, SIGTERM);
    (void) sigwait(&signals, &number);
}

static void block_signals(void)
{
    sigset_t signals;
    (void) sigemptyset(&signals);
    (void) sigaddset(&signals, SIGINT);
    (void) sigaddset(&signals, SIGTERM);
    (void) sigprocmask(SIG_BLOCK, &signals, NULL); /* before threads start: they inherit it */
}

static int api_main(void *opaque, char **arguments, int count)
{
    (void) arguments;
    (void) count;
    const struct api_options *api = opaque;
    struct error error = {0};
    struct net_address address;
    struct api_server *server;
    if (net_address_parse(api->listen, &address, &error) != STATUS_OK) {
        return command_fail(&error);
    }
    const struct api_server_config config = {
        .host = address.host,
        .port = address.port,
        .limit_users = api->limit ? API_LIMIT_USERS : 0,
        .replay_dir = api->replay,
        .faults = api->faults,
        .fault_seed = (uint64_t) api->seed,
    };
    block_signals();
    if (api_server_start(&config, &server, &error) != STATUS_OK) {
        return command_fail(&error);
    }
    (void) printf(api->json ? "{\"url\":\"%s\"}\n" : "%s\n", api_server_url(server));
    (void) fflush(stdout);
    wait_for_signal();
    struct api_server_counts counts;
    api_server_counts(server, &counts);
    api_server_stop(server);
    (void) printf(api->json ? "{\"requests\":%" PRIu64 ",\"users\":%" PRIu64 ",\"faults\":%" PRIu64
                              ",\"limited\":%" PRIu64 "}\n"
                            : "requests=%" PRIu64 " users=%" PRIu64 " faults=%" PRIu64
                              " limited=%" PRIu64 "\n",
                  counts.requests, counts.users, counts.faults, counts.limited);
    return 0;
}

const struct command command_api = {
    .name = "api",
    .summary = "the stand-in for the randomuser.me API",
    .usage = "",
    .help = "Serves made-up users with the contract of randomuser.me 1.4, until stopped.\n\n"
            "examples:\n"
            "  leat api\n"
            "  leat api --listen 127.0.0.1:0 --limit --fault 503:3,truncated\n"
            "  curl 'http://127.0.0.1:8099/api/?results=2&seed=leat&nat=no'",
    .options = options,
    .option_count = ARRAY_SIZE(options),
    .options_bytes = sizeof(struct api_options),
    .defaults = &defaults,
    .arguments_max = 0,
    .run = api_main,
};
