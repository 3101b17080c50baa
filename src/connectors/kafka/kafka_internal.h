#pragma once

/*
 * What the files of this folder share: the client's settings, errors of librdkafka as ours, and the
 * functions that kafka_log.c puts into its table.
 *
 * One librdkafka instance serves the log handle (topics, offsets), one each writer, one each
 * reader: an instance has one fate (a fatal producer error ends it) and one set of queues.
 */

#include "base/arena.h"
#include "base/error.h"
#include "connect/log_client.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>

/* Before 2.6.1 its second SCRAM message does not hold what the standard says, and Kafka 4 sees to
 * that (docs/decisions/0011). */
#define KAFKA_SCRAM_FIXED 0x02060100

struct log_client {
    char *address;
    char **settings; /* name, value, ..., NULL */
    struct kafka_handle *handle;
};

/* A librdkafka instance and the last thing it complained about, for messages. */
struct kafka_handle {
    rd_kafka_t *rd;
    pthread_mutex_t mutex;
    char complaint[256]; /* guarded by mutex */
    atomic_bool down;    /* no broker is connected; who reports it clears it */
};

/* Makes an instance with leat's settings, then `settings` (name, value, ..., NULL), then the log's
 * own. `delivered` is the delivery callback of a producer, `opaque` what it gets. */
enum status
kafka_handle_new(const struct log_client *log,
                 rd_kafka_type_t type,
                 const char *client_id,
                 const char *const *settings,
                 void (*delivered)(rd_kafka_t *rd, const rd_kafka_message_t *message, void *opaque),
                 struct kafka_handle **ret_handle,
                 struct error *error);
void kafka_handle_free(struct kafka_handle *handle);

/* librdkafka's error as ours: "could not ...: <text> (<what the connection last said>)". */
enum status kafka_error(struct kafka_handle *handle,
                        rd_kafka_resp_err_t code,
                        struct error *error,
                        const char *format,
                        ...) PRINTF(4, 5);

/* How long a request that changes or reads topics may take, and how long a look at the cluster:
 * short, as a worker that is stopped meanwhile waits for it. */
#define KAFKA_REQUEST_MS 10000
#define KAFKA_LOOK_MS    3000

/* An admin request, from its options to its result. The event belongs to the request. */
struct kafka_request {
    struct log_client *log;
    rd_kafka_AdminOptions_t *options;
    rd_kafka_queue_t *queue;
    rd_kafka_event_t *event;
};

void kafka_request_init(struct kafka_request *request,
                        struct log_client *log,
                        rd_kafka_admin_op_t operation);
void kafka_request_deinit(struct kafka_request *request);

/* Waits for the result. `what` completes "could not ...". */
enum status
kafka_request_wait(struct kafka_request *request, const char *what, struct error *error);

/* The outcome for the one topic of a result. TOPIC_ALREADY_EXISTS is fine: another was faster. */
enum status kafka_topic_outcome(struct log_client *log,
                                const rd_kafka_topic_result_t *const *results,
                                size_t count,
                                const char *what,
                                struct error *error);

enum status kafka_topic_ensure(struct log_client *log,
                               const struct topic_spec *spec,
                               int32_t *ret_partitions,
                               struct error *error);

/* Partitions of a topic that exists; STATUS_NOT_FOUND else. */
enum status kafka_partition_count(struct log_client *log,
                                  const char *topic,
                                  int32_t *ret_count,
                                  struct error *error);

enum status kafka_topic_offsets(struct log_client *log,
                                const char *topic,
                                struct arena *arena,
                                struct log_partition **ret_partitions,
                                int32_t *ret_count,
                                struct error *error);

enum status kafka_topic_ends(struct log_client *log,
                             const char *topic,
                             struct arena *arena,
                             int64_t **ret_ends,
                             int32_t *ret_count,
                             struct error *error);

enum status kafka_newest_identities(struct log_client *log,
                                    const char *topic,
                                    const char *source,
                                    bool settled,
                                    struct arena *arena,
                                    struct identity **ret_identities,
                                    int32_t *ret_count,
                                    struct error *error);

/* The identity in a message's headers; source empty if it has none. Borrows from the message. */
struct identity kafka_identity(const rd_kafka_message_t *message);

/* Transactions of a producer with a transactional.id. A failure leaves the writer unfit: it is
 * closed, and the init of the next one ends what was begun. */
enum status
kafka_transaction_init(struct kafka_handle *handle, const char *topic, struct error *error);
enum status
kafka_transaction_begin(struct kafka_handle *handle, const char *topic, struct error *error);
enum status
kafka_transaction_commit(struct kafka_handle *handle, const char *topic, struct error *error);
void kafka_transaction_abort(struct kafka_handle *handle);

/* Does it mean that a newer writer has taken our place? */
bool kafka_code_is_fencing(struct kafka_handle *handle, rd_kafka_resp_err_t code);
enum status kafka_fenced(const char *topic, struct error *error);

enum status kafka_writer_open(struct log_client *log,
                              const char *topic,
                              const char *writer_id,
                              enum log_writing writing,
                              struct log_writer **ret_writer,
                              struct error *error);
enum status kafka_writer_send(struct log_writer *writer,
                              const struct log_out *records,
                              size_t count,
                              struct error *error);
void kafka_writer_close(struct log_writer *writer);
int32_t kafka_partition_of(struct log_client *log, struct slice key, int32_t partitions);

enum status kafka_reader_open(struct log_client *log,
                              const char *topic,
                              const int64_t *offsets,
                              int32_t partitions,
                              struct log_reader **ret_reader,
                              struct error *error);
enum status kafka_reader_poll(struct log_reader *reader,
                              size_t count_max,
                              int64_t timeout_us,
                              const struct log_in **ret_records,
                              size_t *ret_count,
                              struct error *error);
void kafka_reader_release(struct log_reader *reader);
void kafka_reader_show(struct log_reader *reader,
                       const char *group,
                       const int64_t *offsets,
                       int32_t count);

/* A consumer group that nobody is a member of: its offsets only show how far leat is. */
struct kafka_group;
enum status kafka_group_new(const struct log_client *log,
                            const char *group,
                            struct kafka_group **ret_group,
                            struct error *error);
void kafka_group_show(struct kafka_group *group,
                      const char *topic,
                      const int64_t *offsets,
                      int32_t count);
/* Waits a moment for what was shown last. NULL is fine. */
void kafka_group_free(struct kafka_group *group);

int64_t kafka_reader_position(const struct log_reader *reader, int32_t partition);
void kafka_record_headers(const struct log_in *record,
                          struct arena *arena,
                          struct log_header **ret_headers,
                          size_t *ret_count);
void kafka_reader_wake(struct log_reader *reader);
void kafka_reader_close(struct log_reader *reader);
