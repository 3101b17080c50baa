#include "base/logline.h"
#include "base/memory.h"
#include "connectors/kafka/kafka_internal.h"
#include "io/link_watch.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* For every instance. What a profile sets comes later and wins. */
static const char *const common_settings[] = {
    "socket.nagle.disable",
    "true",
    "socket.keepalive.enable",
    "true",
    "reconnect.backoff.ms",
    "50",
    "reconnect.backoff.max.ms",
    "1000",
    "socket.connection.setup.timeout.ms",
    "6000", /* behind a link that swallows what is sent */
    "log.connection.close",
    "false",
    NULL,
};

static const char *const consumer_settings[] = {
    "allow.auto.create.topics",
    "false",
    "enable.auto.commit",
    "false",
    "check.crcs",
    "true",
    "isolation.level",
    "read_committed",
    NULL,
};

/* librdkafka's own log lines: the last one about a connection explains a later time-out. */
static void on_log(const rd_kafka_t *rd, int level, const char *facility, const char *text)
{
    struct kafka_handle *handle = rd_kafka_opaque(rd);
    if (handle != NULL && level <= 4) {
        pthread_mutex_lock(&handle->mutex);
        snprintf(handle->complaint, sizeof(handle->complaint), "%s", text);
        pthread_mutex_unlock(&handle->mutex);
    }
    logline(LOG_DEBUG, "kafka", text, LOG_STRING("facility", facility));
}

/* Runs in rd_kafka_poll. Single requests and messages report their own errors; only this one is
 * reported nowhere else. */
static void on_error(rd_kafka_t *rd, int code, const char *reason, void *opaque)
{
    (void) rd;
    (void) reason;
    struct kafka_handle *handle = opaque;
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        atomic_store(&handle->down, true);
    }
}

static int open_socket(int domain, int type, int protocol, void *opaque)
{
    (void) opaque;
    int fd = socket(domain, type | SOCK_CLOEXEC, protocol);
    link_watch_add(fd);
    return fd;
}

static int close_socket(int fd, void *opaque)
{
    (void) opaque;
    link_watch_remove(fd);
    return close(fd);
}

static enum status set_all(rd_kafka_conf_t *conf, const char *const *settings, struct error *error)
{
    for (size_t i = 0; settings != NULL && settings[i] != NULL; i += 2) {
        char reason[256];
        rd_kafka_conf_res_t result =
            rd_kafka_conf_set(conf, settings[i], settings[i + 1], reason, sizeof(reason));
        if (result != RD_KAFKA_CONF_OK) {
            error_set(error, STATUS_CONFIG, "log: cannot set client property \"%s\": %s",
                      settings[i], reason);
            error_hint(error, "properties are librdkafka's, see its CONFIGURATION.md");
            return STATUS_CONFIG;
        }
    }
    return STATUS_OK;
}

enum status
kafka_handle_new(const struct log_client *log,
                 rd_kafka_type_t type,
                 const char *client_id,
                 const char *const *settings,
                 void (*delivered)(rd_kafka_t *rd, const rd_kafka_message_t *message, void *opaque),
                 struct kafka_handle **ret_handle,
                 struct error *error)
{
    struct kafka_handle *handle = mem_zalloc(sizeof(*handle));
    pthread_mutex_init(&handle->mutex, NULL);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    const char *const own[] = {"bootstrap.servers", log->address, "client.id", client_id, NULL};
    rd_kafka_conf_set_opaque(conf, handle);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_socket_cb(conf, open_socket);
    rd_kafka_conf_set_closesocket_cb(conf, close_socket);
    if (delivered != NULL) {
        rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    }
    enum status status;
    TRY_OR_FAIL(set_all(conf, common_settings, error));
    if (type == RD_KAFKA_CONSUMER) {
        TRY_OR_FAIL(set_all(conf, consumer_settings, error));
    }
    TRY_OR_FAIL(set_all(conf, own, error));
    TRY_OR_FAIL(set_all(conf, (const char *const *) log->settings, error));
    TRY_OR_FAIL(set_all(conf, settings, error));

    char reason[256];
    handle->rd = rd_kafka_new(type, conf, reason, sizeof(reason));
    if (handle->rd == NULL) {
        status = error_set(error, STATUS_CONFIG, "log: cannot make a client for \"%s\": %s",
                           log->address, reason);
        goto fail;
    }
    *ret_handle = handle;
    return STATUS_OK;

fail:
    rd_kafka_conf_destroy(conf);
    kafka_handle_free(handle);
    return status;
}

void kafka_handle_free(struct kafka_handle *handle)
{
    if (handle == NULL) {
        return;
    }
    if (handle->rd != NULL) {
        rd_kafka_destroy(handle->rd);
    }
    pthread_mutex_destroy(&handle->mutex);
    mem_free(handle);
}

struct error_kind {
    rd_kafka_resp_err_t code;
    enum status status;
    bool retriable;
    const char *hint;
};

#if RD_KAFKA_VERSION < KAFKA_SCRAM_FIXED
#define SCRAM_HINT                                                                                 \
    "; with Kafka 4 this leat cannot use SCRAM at all, as its librdkafka is older than 2.6.1: "    \
    "use "                                                                                         \
    "PLAIN over TLS or a client certificate, or build leat with a newer librdkafka"
#else
#define SCRAM_HINT ""
#endif

#define NO_ACCESS "look at the ACLs of the principal that leat connects as"

/* Those that are not listed are STATUS_PROTOCOL, retriable. An unknown topic is retriable too, as
 * for Java's clients: a broker that came back does not know its topics until the controller told
 * it. */
static const struct error_kind error_kinds[] = {
    {RD_KAFKA_RESP_ERR__TRANSPORT, STATUS_UNAVAILABLE, true, NULL},
    {RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, STATUS_UNAVAILABLE, true, NULL},
    {RD_KAFKA_RESP_ERR__TIMED_OUT, STATUS_UNAVAILABLE, true, NULL},
    {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, STATUS_UNAVAILABLE, true, NULL},
    {RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE, STATUS_UNAVAILABLE, true, NULL},
    {RD_KAFKA_RESP_ERR__RESOLVE, STATUS_UNAVAILABLE, true, "look at the host names of the log"},
    {RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION, STATUS_UNAVAILABLE, true, NULL},
    {RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE, STATUS_UNAVAILABLE, true, NULL},
    {RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, STATUS_UNAVAILABLE, true, NULL},
    {RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, STATUS_UNAVAILABLE, true, NULL},
    {RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, STATUS_UNAVAILABLE, true, NULL},
    {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, STATUS_UNAVAILABLE, true, NULL},
    {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND, STATUS_UNAVAILABLE, true, NULL},
    {RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, STATUS_AGAIN, true,
     "look at the disk of the broker: full, or failing"},
    {RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED, STATUS_AGAIN, true, NULL},
    {RD_KAFKA_RESP_ERR__QUEUE_FULL, STATUS_AGAIN, true, NULL},
    {RD_KAFKA_RESP_ERR__FATAL, STATUS_AGAIN, true, NULL},
    {RD_KAFKA_RESP_ERR__GAPLESS_GUARANTEE, STATUS_AGAIN, true, NULL},
    {RD_KAFKA_RESP_ERR__PURGE_QUEUE, STATUS_AGAIN, true, NULL},
    {RD_KAFKA_RESP_ERR__PURGE_INFLIGHT, STATUS_AGAIN, true, NULL},
    {RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, STATUS_AGAIN, true, NULL},
    {RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID, STATUS_AGAIN, true, NULL},
    {RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, STATUS_AGAIN, true, NULL},
    {RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, STATUS_NOT_FOUND, true, NULL},
    {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, STATUS_NOT_FOUND, true, NULL},
    {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, STATUS_NOT_FOUND, true, NULL},
    {RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, STATUS_NOT_FOUND, false, NULL},
    {RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, STATUS_NOT_FOUND, false, NULL},
    {RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, STATUS_CONFLICT, false, NULL},
    {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, STATUS_LIMIT, false,
     "raise max.message.bytes of the topic, and message.max.bytes of the client"},
    {RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, STATUS_LIMIT, false, NULL},
    {RD_KAFKA_RESP_ERR_INVALID_MSG, STATUS_CORRUPT, false, NULL},
    {RD_KAFKA_RESP_ERR__BAD_MSG, STATUS_CORRUPT, false, NULL},
    {RD_KAFKA_RESP_ERR__BAD_COMPRESSION, STATUS_CORRUPT, false, NULL},
    {RD_KAFKA_RESP_ERR__AUTHENTICATION, STATUS_CONFIG, false, "look at user name and password"},
    {RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, STATUS_CONFIG, false,
     "look at user name and password"},
    {RD_KAFKA_RESP_ERR__SSL, STATUS_CONFIG, false, "look at the certificates"},
    {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, STATUS_CONFIG, false, NO_ACCESS},
    {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, STATUS_CONFIG, false, NO_ACCESS},
    {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, STATUS_CONFIG, false, NO_ACCESS},
    {RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, STATUS_CONFIG, false,
     "a topic's name has letters, digits, '.', '_' and '-', at most 249"},
    {RD_KAFKA_RESP_ERR_INVALID_PARTITIONS, STATUS_CONFIG, false, NULL},
    {RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, STATUS_CONFIG, false,
     "the log has fewer brokers than that"},
    {RD_KAFKA_RESP_ERR_INVALID_CONFIG, STATUS_CONFIG, false, NULL},
    {RD_KAFKA_RESP_ERR_POLICY_VIOLATION, STATUS_CONFIG, false, NULL},
    {RD_KAFKA_RESP_ERR__INVALID_ARG, STATUS_CONFIG, false, NULL},
};

/* Why a connection cannot be had though a broker is there: librdkafka reports it as one that cannot
 * be reached, and only its log line says more. Retriable, as a broker that just starts may not know
 * its users yet. */
static const struct refusal {
    const char *words; /* of the log line */
    const char *more;  /* other words that it must have as well; NULL: none */
    const char *hint;
} refusals[] = {
    {"SASL authentication error", "SCRAM",
     "look at sasl.username and sasl.password of `log_settings`" SCRAM_HINT},
    {"SASL authentication error", NULL,
     "look at sasl.username and sasl.password of `log_settings`"},
    {"certificate verify failed", NULL,
     "name the authority that signed the broker's certificate: ssl.ca.location in `log_settings`"},
    {"SSL handshake failed", NULL,
     "does that port speak TLS, and does security.protocol of `log_settings` say so?"},
    {"connecting to a SSL listener", NULL,
     "that port speaks TLS: say security.protocol: SSL or SASL_SSL in `log_settings`"},
    {"connecting to a SASL", NULL,
     "that port wants a user: say security.protocol: SASL_SSL or SASL_PLAINTEXT in `log_settings`"},
};

static const struct refusal *refusal_of(const char *complaint)
{
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
        if (strstr(complaint, refusals[i].words) != NULL &&
            (refusals[i].more == NULL || strstr(complaint, refusals[i].more) != NULL)) {
            return &refusals[i];
        }
    }
    return NULL;
}

enum status kafka_error(struct kafka_handle *handle,
                        rd_kafka_resp_err_t code,
                        struct error *error,
                        const char *format,
                        ...)
{
    struct error_kind kind = {code, STATUS_PROTOCOL, true, NULL};
    for (size_t i = 0; i < ARRAY_SIZE(error_kinds); i++) {
        if (error_kinds[i].code == code) {
            kind = error_kinds[i];
        }
    }
    char what[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);

    char complaint[sizeof(handle->complaint)] = "";
    if (kind.status == STATUS_UNAVAILABLE) {
        pthread_mutex_lock(&handle->mutex);
        memcpy(complaint, handle->complaint, sizeof(complaint));
        pthread_mutex_unlock(&handle->mutex);
    }
    error_set(error, kind.status, "log: %s: %s%s%s%s", what, rd_kafka_err2str(code),
              complaint[0] == '\0' ? "" : " (", complaint, complaint[0] == '\0' ? "" : ")");
    error_code(error, code);
    if (error != NULL) {
        error->retriable = kind.retriable;
    }
    const struct refusal *refusal = refusal_of(complaint);
    if (refusal != NULL) {
        kind.status = STATUS_CONFIG;
        kind.hint = refusal->hint;
        if (error != NULL) {
            error->status = kind.status;
        }
    }
    if (kind.hint == NULL && complaint[0] == '\0' && kind.status == STATUS_UNAVAILABLE) {
        kind.hint = "is it up, and does security.protocol of `log_settings` fit that port?";
    }
    if (kind.hint != NULL) {
        error_hint(error, "%s", kind.hint);
    }
    return kind.status;
}
