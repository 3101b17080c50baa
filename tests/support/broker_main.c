/*
 * The broker by itself, for end-to-end tests: prints its address, serves until SIGTERM or SIGINT,
 * then drains.
 *
 *     leat-broker-test --dir DIR [--port N] [--partitions N] [--flush always|interval|never]
 *                      [--no-auto-create] [--any-replication] [--idle-ms N]
 *                      [--rebalance-delay-ms N]
 */

#include "base/logline.h"
#include "broker/broker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int usage(void)
{
    (void) fputs("usage: leat-broker-test --dir DIR [--port N] [--partitions N] "
                 "[--flush always|interval|never] [--no-auto-create] [--any-replication]\n",
                 stderr);
    return 64;
}

static bool read_flush(const char *word, enum flush_policy *ret_policy)
{
    static const char *const words[] = {"always", "interval", "never"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(word, words[i]) == 0) {
            *ret_policy = (enum flush_policy) i;
            return true;
        }
    }
    return false;
}

static bool read_options(int count, char **words, struct broker_config *config)
{
    for (int i = 1; i < count; i++) {
        const char *next = i + 1 < count ? words[i + 1] : NULL;
        if (strcmp(words[i], "--no-auto-create") == 0) {
            config->auto_create = false;
            continue;
        }
        if (strcmp(words[i], "--any-replication") == 0) {
            config->any_replication = true;
            continue;
        }
        if (next == NULL) {
            return false;
        }
        if (strcmp(words[i], "--dir") == 0) {
            config->directory = next;
        } else if (strcmp(words[i], "--port") == 0) {
            config->port = atoi(next);
        } else if (strcmp(words[i], "--partitions") == 0) {
            config->partitions_default = atoi(next);
        } else if (strcmp(words[i], "--rebalance-delay-ms") == 0) {
            config->group_initial_rebalance_delay_us = atoll(next) * 1000;
        } else if (strcmp(words[i], "--idle-ms") == 0) {
            config->connection_idle_us = atoll(next) * 1000;
        } else if (strcmp(words[i], "--flush") != 0 || !read_flush(next, &config->flush_policy)) {
            return false;
        }
        i++;
    }
    return config->directory != NULL;
}

int main(int count, char **words)
{
    struct broker_config config;
    broker_config_init(&config);
    if (!read_options(count, words, &config)) {
        return usage();
    }
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* before threads start */
    (void) signal(SIGPIPE, SIG_IGN);

    struct broker *broker;
    struct error error = {0};
    if (broker_open(&config, &broker, &error) != STATUS_OK) {
        logline_error(LOG_ERROR, "broker", &error);
        return status_exit_code(error.status);
    }
    (void) printf("%s\n", broker_address(broker));
    (void) fflush(stdout);
    int number;
    (void) sigwait(&signals, &number);
    enum status status = broker_stop(broker, 8 * 1000 * 1000, &error);
    if (status != STATUS_OK) {
        logline_error(LOG_ERROR, "broker", &error);
    }
    broker_free(broker);
    return status_exit_code(status);
}
