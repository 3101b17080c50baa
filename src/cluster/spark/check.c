/* Before anything starts: what Spark says of the queries, and whether it has what they need. */

#include "cluster/spark/fault.h"
#include "cluster/spark/task.h"
#include "codec/avro_schema.h"

#include <string.h>

static enum status open_session(const char *url,
                                const atomic_bool *cancel,
                                struct spark_session **ret_session,
                                struct error *error)
{
    char id[SPARK_SESSION_ID_BYTES];
    spark_session_id(id);
    return spark_session_open(url, id, cancel, ret_session, error);
}

/* ---- queries -----------------------------------------------------------------------------------
 */

/* Records are decoded by the schema of their type, under an id that none has: nothing is read. */
static enum status own_schema(const struct processor_job *job,
                              struct arena *arena,
                              struct spark_input *input,
                              struct error *error)
{
    struct spark_schema *schema = ARENA_NEW(arena, struct spark_schema);
    const struct avro_schema *made;
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    schema->text = job->reader_schema;
    if (schema->text == NULL) {
        TRY(avro_schema_from_type(spark_record_type(job->type, arena), "row", arena, &made, error));
        avro_schema_write(made, &text);
        avro_schema_release(made);
        schema->text = arena_string(arena, buffer_slice(&text));
    }
    input->schemas = schema;
    input->schema_count = 1;
    return STATUS_OK;
}

static enum status check_stream(struct spark_session *session,
                                const struct processor_stream *stream,
                                const struct spark_input *input,
                                struct arena *arena,
                                struct error *error)
{
    const char *const *names;
    size_t count;
    TRY(spark_views(session, stream, input, arena, error));
    return spark_columns(session, spark_sql(stream->sql, arena), arena, &names, &count, error);
}

static enum status check_streams(struct spark_session *session,
                                 const struct spark_input *input,
                                 struct arena *arena,
                                 processor_refuse refuse,
                                 void *context,
                                 struct error *error)
{
    const struct processor_job *job = input->job;
    for (size_t i = 0; i < job->stream_count; i++) {
        enum status status = check_stream(session, &job->streams[i], input, arena, error);
        if (status == STATUS_CONFIG || status == STATUS_FAILED) {
            struct spark_fault fault = spark_fault_read(spark_session_fault(session), arena);
            size_t offset = fault.line > 0 ? spark_fault_offset(&fault, job->streams[i].sql) : 0;
            refuse(context, i, error->message, offset);
        } else if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

enum status spark_check(const struct processor_job *job,
                        processor_refuse refuse,
                        void *context,
                        struct error *error)
{
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    atomic_bool cancel = false;
    struct spark_session *session;
    struct spark_input input = {.job = job};
    TRY(open_session(job->processor_url, &cancel, &session, error));
    enum status status = spark_set_up(session, job, error);
    if (status == STATUS_OK && job->format == VALUE_AVRO) {
        status = own_schema(job, &arena, &input, error);
    }
    if (status == STATUS_OK) {
        status = check_streams(session, &input, &arena, refuse, context, error);
    }
    spark_session_close(session);
    return status;
}

/* ---- the server --------------------------------------------------------------------------------
 */

struct asker {
    struct spark_session *session;
    struct arena arena;
    processor_tell tell;
    void *context;
};

/* A text that is only analysed: does Spark understand it? */
static bool understands(struct asker *asker, const char *sql, struct error *error)
{
    const char *const *names;
    size_t count;
    return spark_columns(asker->session, spark_sql(sql, &asker->arena), &asker->arena, &names,
                         &count, error) == STATUS_OK;
}

static void ask_kafka(struct asker *asker)
{
    static const struct processor_job job = {
        .topic = "leat", .format = VALUE_STRING, .log_address = "127.0.0.1:1"};
    struct error error = {0};
    Connect__Relation *records = spark_kafka_relation(&job, &asker->arena);
    const char *const *names;
    size_t count;
    if (spark_columns(asker->session, records, &asker->arena, &names, &count, &error) ==
        STATUS_OK) {
        asker->tell(asker->context, "Kafka", STATUS_OK, "reads and writes topics", "");
    } else {
        asker->tell(asker->context, "Kafka", STATUS_CONFIG, error.message,
                    "put spark-sql-kafka-0-10 of its version on Spark's class path");
    }
}

static void ask_avro(struct asker *asker)
{
    struct error error = {0};
    Connect__Relation *row = spark_avro_relation(&asker->arena);
    const char *const *names;
    size_t count;
    if (spark_columns(asker->session, row, &asker->arena, &names, &count, &error) == STATUS_OK) {
        asker->tell(asker->context, "Avro", STATUS_OK, "writes records", "");
    } else {
        asker->tell(asker->context, "Avro", STATUS_CONFIG, error.message,
                    "put spark-avro of its version on Spark's class path");
    }
}

static void ask_checkpoints(struct asker *asker, const char *url)
{
    static const char remedy[] = "checkpoints: a URL that Spark's driver and executors reach";
    struct error error = {0};
    if (url == NULL) {
        asker->tell(asker->context, "checkpoints", STATUS_CONFIG, "the profile names none", remedy);
    } else if (understands(asker, arena_printf(&asker->arena, "SELECT * FROM text.`%s`", url),
                           &error)) {
        asker->tell(asker->context, "checkpoints", STATUS_OK, "Spark reaches the folder", "");
    } else if (strstr(error.message, "PATH_NOT_FOUND") != NULL) {
        asker->tell(asker->context, "checkpoints", STATUS_OK,
                    "Spark reaches the place; the folder will be made", "");
    } else {
        asker->tell(asker->context, "checkpoints", STATUS_CONFIG,
                    arena_printf(&asker->arena, "Spark does not reach %s: %s", url, error.message),
                    remedy);
    }
}

void spark_reach(const char *url, const char *checkpoints, processor_tell tell, void *context)
{
    struct asker asker = {.tell = tell, .context = context};
    struct error error = {0};
    atomic_bool cancel = false;
    const char *version;
    arena_init(&asker.arena, 0);
    enum status status = open_session(url, &cancel, &asker.session, &error);
    if (status == STATUS_OK) {
        status = spark_version(asker.session, &asker.arena, &version, &error);
    }
    if (status == STATUS_OK) {
        tell(context, "", STATUS_OK, arena_printf(&asker.arena, "Spark %s answers", version), "");
        ask_kafka(&asker);
        ask_avro(&asker);
        ask_checkpoints(&asker, checkpoints);
    } else {
        tell(context, "", status, error.message, error.hint);
    }
    spark_session_close(asker.session);
    arena_deinit(&asker.arena);
}
