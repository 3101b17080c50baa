#include "app/engine_access.h"
#include "app/engine_internal.h"

#include "base/logline.h"
#include "connectors/kafka/kafka_log.h"
#include "connectors/registry/confluent_schemas.h"
#include "connectors/topic/topic_url.h"
#include "io/net.h"
#include "registry/registry_server.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BROKER_STOP_US (3 * INT64_C(1000000))

/* Off loopback there must be authentication: the console may have a login, the others have none. */
static enum status check_open(const struct engine *engine,
                              const struct net_address *address,
                              const char *option,
                              struct error *error)
{
    const bool console = strcmp(option, "--http") == 0;
    if (net_is_loopback(address->host) || engine->options.allow_open ||
        (console && engine_access_has_login(engine))) {
        return STATUS_OK;
    }
    (void) error_set(error, STATUS_CONFIG, "%s %s is not loopback, and there is no authentication",
                     option, address->host);
    error_hint(
        error,
        "listen on 127.0.0.1, %sor say `allow-open: true` in the file and --allow-open on the "
        "command line",
        console ? "give it users (leat user add, --users FILE), " : "");
    return STATUS_CONFIG;
}

/* The address to listen on. A default port that is taken gives way to a free one, with a warning; a
 * port that was asked for does not. */
static enum status choose_address(const struct engine *engine,
                                  const char *option,
                                  const char *given,
                                  const char *standard,
                                  struct net_address *ret_address,
                                  struct error *error)
{
    TRY(net_address_parse(given != NULL ? given : standard, ret_address, error));
    TRY(check_open(engine, ret_address, option, error));
    int fd;
    enum status status = net_listen(ret_address, &fd, NULL, error);
    if (status == STATUS_OK) {
        close(fd);
        return STATUS_OK;
    }
    if (given != NULL) {
        error_context(error, "%s", option);
        return status;
    }
    logline(LOG_WARN, "leat", error->message, LOG_STRING("instead", "a free port"));
    ret_address->port = 0;
    return STATUS_OK;
}

static enum status start_broker(struct engine *engine, struct error *error)
{
    struct net_address address;
    struct net_address advertised = {0};
    char directory[1200];
    struct broker_config config;
    broker_config_init(&config);
    TRY(choose_address(engine, "--kafka", engine->options.kafka, "127.0.0.1:9092", &address,
                       error));
    config.directory = data_dir_file(engine->data.path, "log", directory);
    config.host = address.host;
    config.port = address.port;
    if (engine->options.kafka_advertise != NULL) {
        TRY(net_address_parse(engine->options.kafka_advertise, &advertised, error));
        config.advertised_host = advertised.host;
        config.advertised_port = advertised.port;
    }
    const char *flush = engine->options.flush;
    if (flush != NULL && strcmp(flush, "never") == 0) {
        config.flush_policy = FLUSH_NEVER;
    } else if (flush != NULL && strcmp(flush, "interval") == 0) {
        config.flush_policy = FLUSH_INTERVAL;
        config.flush_interval_us = 1000000;
    }
    TRY(broker_open(&config, &engine->broker, error));
    (void) snprintf(engine->addresses.kafka, sizeof(engine->addresses.kafka), "%s",
                    broker_address(engine->broker));
    return STATUS_OK;
}

static enum status start_registry(struct engine *engine, struct error *error)
{
    struct net_address address;
    char directory[1200];
    TRY(choose_address(engine, "--registry", engine->options.registry, "127.0.0.1:8081", &address,
                       error));
    TRY(registry_server_start(data_dir_file(engine->data.path, "registry", directory), address.host,
                              address.port, &engine->registry, error));
    (void) snprintf(engine->addresses.registry, sizeof(engine->addresses.registry), "%s",
                    registry_server_address(engine->registry));
    return STATUS_OK;
}

static const char *engine_registry_url(struct engine *engine)
{
    return engine->roles.schemas != NULL
               ? engine->roles.schemas
               : arena_printf(&engine->arena, "http://%s", engine->addresses.registry);
}

/* Addresses of engines that are not ours, for leat.json and the screen. */
static void show_foreign(struct engine *engine)
{
    if (engine->roles.log != NULL) {
        (void) snprintf(engine->addresses.kafka, sizeof(engine->addresses.kafka), "%s",
                        engine->roles.log);
    }
    if (engine->roles.schemas != NULL) {
        (void) snprintf(engine->addresses.registry, sizeof(engine->addresses.registry), "%s",
                        engine->roles.schemas);
    }
}

static enum status start_console(struct engine *engine, struct error *error)
{
    struct net_address address;
    TRY(choose_address(engine, "--http", engine->options.http, "127.0.0.1:9021", &address, error));
    return engine_console_start(engine, &address, error);
}

static enum status open_clients(struct engine *engine, struct error *error)
{
    static const char *const no_settings[] = {NULL};
    engine->log_ops = &kafka_log_ops;
    TRY(engine->log_ops->open(engine->addresses.kafka,
                              engine->roles.log_settings != NULL ? engine->roles.log_settings
                                                                 : no_settings,
                              &engine->log, error));
    engine->schemas_ops = &confluent_schemas_ops;
    return engine->schemas_ops->open(engine_registry_url(engine), &engine->schemas, error);
}

enum status engine_services_start(struct engine *engine, struct error *error)
{
    TRY(engine_access_open(engine, error));
    if (engine->roles.log == NULL) {
        TRY(start_broker(engine, error));
    }
    if (engine->roles.schemas == NULL) {
        TRY(start_registry(engine, error));
    }
    show_foreign(engine);
    TRY(open_clients(engine, error));
    const struct topic_url topics = {
        .address = engine->addresses.kafka,
        .settings = engine->roles.log_settings,
        .transactions = engine->roles.log != NULL,
        .registry = engine_registry_url(engine),
    };
    engine->topic_url = topic_url_write(&topics, &engine->arena);
    return start_console(engine, error); /* its requests use all of the above */
}

void engine_services_stop(struct engine *engine)
{
    struct error error = {0};
    if (engine->schemas != NULL) {
        engine->schemas_ops->close(engine->schemas);
    }
    if (engine->log != NULL) {
        engine->log_ops->close(engine->log);
    }
    registry_server_stop(engine->registry);
    engine_access_close(engine);
    if (engine->broker != NULL &&
        broker_stop(engine->broker, BROKER_STOP_US, &error) != STATUS_OK) {
        logline_error(LOG_ERROR, "broker", &error);
    }
    broker_free(engine->broker);
}
