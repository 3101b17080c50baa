#include "cluster/spark/session.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "cluster/spark/fault.h"
#include "cluster/spark/grpc.h"
#include "io/clock.h"

#include <stdio.h>
#include <string.h>

#define SERVICE    "/spark.connect.SparkConnectService/"
#define CALL_US    (60 * INT64_C(1000000))
#define CLIENT     "leat"
#define SPARK_PORT 15002

struct spark_session {
    struct grpc_channel *channel;
    char *id;
    char *address;
    char *fault;
    bool gone;
    struct arena arena; /* of one call */
    Connect__UserContext user;
};

/* ---- life --------------------------------------------------------------------------------------
 */

void spark_session_id(char ret_id[SPARK_SESSION_ID_BYTES])
{
    uint8_t b[16];
    random_bytes(b, sizeof(b));
    b[6] = (uint8_t) ((b[6] & 0x0f) | 0x40); /* RFC 9562: version 4, variant 1 */
    b[8] = (uint8_t) ((b[8] & 0x3f) | 0x80);
    (void) snprintf(ret_id, SPARK_SESSION_ID_BYTES,
                    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
                    b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
                    b[13], b[14], b[15]);
}

static char *copy_range(const char *from, const char *to)
{
    return mem_string(slice_of(from, (size_t) (to - from)));
}

enum status spark_session_open(const char *url,
                               const char *id,
                               const atomic_bool *cancel,
                               struct spark_session **ret_session,
                               struct error *error)
{
    static const char scheme[] = "spark://";
    const char *host = strncmp(url, scheme, strlen(scheme)) == 0 ? url + strlen(scheme) : "";
    const char *end = host + strcspn(host, "/?");
    const char *token = strstr(end, "token=");
    if (end == host) {
        (void) error_set(error, STATUS_CONFIG, "processing: \"%s\" is no spark://HOST:PORT", url);
        error_hint(error, "the port of Spark Connect is %d unless configured", SPARK_PORT);
        return STATUS_CONFIG;
    }
    struct spark_session *session = mem_zalloc(sizeof(*session));
    arena_init(&session->arena, 0);
    session->id = mem_strdup(id);
    session->address = copy_range(host, end);
    if (strchr(session->address, ':') == NULL) {
        char *bare = session->address;
        session->address = mem_printf("%s:%d", bare, SPARK_PORT);
        mem_free(bare);
    }
    connect__user_context__init(&session->user);
    session->user.user_id = (char *) (uintptr_t) CLIENT;
    char *secret =
        token == NULL ? NULL : copy_range(token + 6, token + 6 + strcspn(token + 6, "&"));
    enum status status =
        grpc_channel_new(session->address, secret, cancel, &session->channel, error);
    mem_free(secret);
    if (status != STATUS_OK) {
        spark_session_close(session);
        return status;
    }
    *ret_session = session;
    return STATUS_OK;
}

void spark_session_close(struct spark_session *session)
{
    if (session == NULL) {
        return;
    }
    grpc_channel_free(session->channel);
    arena_deinit(&session->arena);
    mem_free(session->id);
    mem_free(session->address);
    mem_free(session->fault);
    mem_free(session);
}

bool spark_session_is_gone(const struct spark_session *session)
{
    return session->gone;
}

const char *spark_session_fault(const struct spark_session *session)
{
    return session->fault == NULL ? "" : session->fault;
}

/* ---- failures ----------------------------------------------------------------------------------
 */

/* The Java class that the status was made from, and the id under which 4.x keeps the whole text. */
static void read_details(struct spark_session *session,
                         struct slice details,
                         const char **ret_class,
                         const char **ret_error_id)
{
    *ret_class = "";
    *ret_error_id = NULL;
    Connect__RpcStatus *status =
        details.data == NULL ? NULL : connect__rpc_status__unpack(NULL, details.size, details.data);
    for (size_t i = 0; status != NULL && i < status->n_details; i++) {
        const ProtobufCBinaryData *value = &status->details[i]->value;
        Connect__ErrorInfo *info =
            strstr(status->details[i]->type_url, "google.rpc.ErrorInfo") == NULL
                ? NULL
                : connect__error_info__unpack(NULL, value->len, value->data);
        if (info == NULL) {
            continue;
        }
        *ret_class = arena_strdup(&session->arena, info->reason);
        for (size_t m = 0; m < info->n_metadata; m++) {
            if (strcmp(info->metadata[m]->key, "errorId") == 0) {
                *ret_error_id = arena_strdup(&session->arena, info->metadata[m]->value);
            }
        }
        connect__error_info__free_unpacked(info, NULL);
    }
    if (status != NULL) {
        connect__rpc_status__free_unpacked(status, NULL);
    }
}

/* 4.x cuts the text that travels with the status and keeps all of it for those who ask. */
static const char *
whole_message(struct spark_session *session, const char *error_id, const char *message)
{
    Connect__FetchErrorDetailsRequest request;
    connect__fetch_error_details_request__init(&request);
    request.session_id = session->id;
    request.user_context = &session->user;
    request.error_id = (char *) (uintptr_t) error_id;
    size_t size = connect__fetch_error_details_request__get_packed_size(&request);
    uint8_t *bytes = arena_alloc(&session->arena, size);
    (void) connect__fetch_error_details_request__pack(&request, bytes);
    struct grpc_reply reply;
    if (grpc_call(session->channel, SERVICE "FetchErrorDetails", slice_of(bytes, size), CALL_US,
                  &session->arena, &reply, NULL) != STATUS_OK ||
        reply.code != GRPC_OK || reply.count == 0) {
        return message;
    }
    Connect__FetchErrorDetailsResponse *details = connect__fetch_error_details_response__unpack(
        NULL, reply.messages[0].size, reply.messages[0].data);
    if (details == NULL) {
        return message;
    }
    size_t root = (size_t) details->root_error_idx;
    if (root < details->n_errors && details->errors[root]->message[0] != '\0') {
        message = arena_strdup(&session->arena, details->errors[root]->message);
    }
    connect__fetch_error_details_response__free_unpacked(details, NULL);
    return message;
}

static enum status kind_of(enum grpc_code code, const char *class)
{
    if (strstr(class, "AnalysisException") != NULL || strstr(class, "ParseException") != NULL ||
        code == GRPC_INVALID_ARGUMENT || code == GRPC_UNAUTHENTICATED) {
        return STATUS_CONFIG;
    }
    if (strstr(class, "ConnectException") != NULL || code == GRPC_UNAVAILABLE ||
        code == GRPC_DEADLINE_EXCEEDED || code == GRPC_RESOURCE_EXHAUSTED ||
        code == GRPC_CANCELLED) {
        return STATUS_UNAVAILABLE;
    }
    return code == GRPC_UNIMPLEMENTED ? STATUS_PROTOCOL
           : code == GRPC_NOT_FOUND   ? STATUS_NOT_FOUND
                                      : STATUS_FAILED;
}

static enum status
refused(struct spark_session *session, const struct grpc_reply *reply, struct error *error)
{
    const char *class;
    const char *error_id;
    const char *message = reply->message;
    read_details(session, reply->details, &class, &error_id);
    if (error_id != NULL) {
        message = whole_message(session, error_id, message);
    }
    session->fault = mem_strdup(message);
    session->gone = strstr(message, "INVALID_HANDLE.SESSION") != NULL;
    struct spark_fault fault = spark_fault_read(message, &session->arena);
    enum status kind = session->gone ? STATUS_AGAIN : kind_of(reply->code, class);
    return error_set(error, kind, "Spark refuses: %s",
                     fault.message[0] == '\0' ? class : fault.message);
}

/* ---- calls ---------------------------------------------------------------------------------- */

static struct slice pack(struct spark_session *session, const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = arena_alloc(&session->arena, size);
    (void) protobuf_c_message_pack(message, bytes);
    return slice_of(bytes, size);
}

static enum status call(struct spark_session *session,
                        const char *method,
                        const ProtobufCMessage *request,
                        struct grpc_reply *ret_reply,
                        struct error *error)
{
    mem_free(session->fault);
    session->fault = NULL;
    session->gone = false;
    enum status status = grpc_call(session->channel, method, pack(session, request), CALL_US,
                                   &session->arena, ret_reply, error);
    if (status == STATUS_OK && ret_reply->code != GRPC_OK) {
        return refused(session, ret_reply, error);
    }
    if (status != STATUS_OK) {
        error_context(error, "Spark at %s", session->address);
    }
    return status;
}

static enum status unreadable(const struct spark_session *session, struct error *error)
{
    return error_set(error, STATUS_PROTOCOL, "Spark at %s answers what cannot be read",
                     session->address);
}

static enum status execute(struct spark_session *session,
                           Connect__Command *command,
                           struct grpc_reply *ret_reply,
                           struct error *error)
{
    Connect__Plan plan;
    connect__plan__init(&plan);
    plan.kind_case = CONNECT__PLAN__KIND_COMMAND;
    plan.command = command;
    Connect__ExecutePlanRequest request;
    connect__execute_plan_request__init(&request);
    request.session_id = session->id;
    request.user_context = &session->user;
    request.client_type = (char *) (uintptr_t) CLIENT;
    request.plan = &plan;
    return call(session, SERVICE "ExecutePlan", &request.base, ret_reply, error);
}

enum status spark_version(struct spark_session *session,
                          struct arena *arena,
                          const char **ret_version,
                          struct error *error)
{
    arena_reset(&session->arena);
    Connect__AnalyzePlanRequest__SparkVersion nothing;
    connect__analyze_plan_request__spark_version__init(&nothing);
    Connect__AnalyzePlanRequest request;
    connect__analyze_plan_request__init(&request);
    request.session_id = session->id;
    request.user_context = &session->user;
    request.client_type = (char *) (uintptr_t) CLIENT;
    request.analyze_case = CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_SPARK_VERSION;
    request.spark_version = &nothing;
    struct grpc_reply reply;
    TRY(call(session, SERVICE "AnalyzePlan", &request.base, &reply, error));
    Connect__AnalyzePlanResponse *answer =
        reply.count == 0 ? NULL
                         : connect__analyze_plan_response__unpack(NULL, reply.messages[0].size,
                                                                  reply.messages[0].data);
    if (answer == NULL || answer->spark_version == NULL ||
        answer->result_case != CONNECT__ANALYZE_PLAN_RESPONSE__RESULT_SPARK_VERSION) {
        connect__analyze_plan_response__free_unpacked(answer, NULL);
        return unreadable(session, error);
    }
    *ret_version = arena_strdup(arena, answer->spark_version->version);
    connect__analyze_plan_response__free_unpacked(answer, NULL);
    return STATUS_OK;
}

enum status
spark_configure(struct spark_session *session, const char *const *settings, struct error *error)
{
    arena_reset(&session->arena);
    size_t count = 0;
    while (settings[2 * count] != NULL) {
        count++;
    }
    Connect__Pair *pairs = ARENA_ARRAY(&session->arena, Connect__Pair, count);
    Connect__Pair **list = ARENA_ARRAY(&session->arena, Connect__Pair *, count);
    for (size_t i = 0; i < count; i++) {
        connect__pair__init(&pairs[i]);
        pairs[i].key = (char *) (uintptr_t) settings[2 * i];
        pairs[i].value = (char *) (uintptr_t) settings[2 * i + 1];
        list[i] = &pairs[i];
    }
    Connect__ConfigRequest__Set set;
    connect__config_request__set__init(&set);
    set.n_pairs = count;
    set.pairs = list;
    Connect__ConfigRequest__Operation operation;
    connect__config_request__operation__init(&operation);
    operation.kind_case = CONNECT__CONFIG_REQUEST__OPERATION__KIND_SET;
    operation.set = &set;
    Connect__ConfigRequest request;
    connect__config_request__init(&request);
    request.session_id = session->id;
    request.user_context = &session->user;
    request.client_type = (char *) (uintptr_t) CLIENT;
    request.operation = &operation;
    struct grpc_reply reply;
    return call(session, SERVICE "Config", &request.base, &reply, error);
}

enum status spark_view(struct spark_session *session,
                       const char *name,
                       Connect__Relation *relation,
                       struct error *error)
{
    arena_reset(&session->arena);
    Connect__Command__CreateView view;
    connect__command__create_view__init(&view);
    view.input = relation;
    view.name = (char *) (uintptr_t) name;
    view.replace = true;
    Connect__Command command;
    connect__command__init(&command);
    command.kind_case = CONNECT__COMMAND__KIND_CREATE_DATAFRAME_VIEW;
    command.create_dataframe_view = &view;
    struct grpc_reply reply;
    return execute(session, &command, &reply, error);
}

enum status spark_columns(struct spark_session *session,
                          Connect__Relation *relation,
                          struct arena *arena,
                          const char *const **ret_names,
                          size_t *ret_count,
                          struct error *error)
{
    arena_reset(&session->arena);
    Connect__Plan plan;
    connect__plan__init(&plan);
    plan.kind_case = CONNECT__PLAN__KIND_ROOT;
    plan.root = relation;
    Connect__AnalyzePlanRequest__Schema schema;
    connect__analyze_plan_request__schema__init(&schema);
    schema.plan = &plan;
    Connect__AnalyzePlanRequest request;
    connect__analyze_plan_request__init(&request);
    request.session_id = session->id;
    request.user_context = &session->user;
    request.client_type = (char *) (uintptr_t) CLIENT;
    request.analyze_case = CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_SCHEMA;
    request.schema = &schema;
    struct grpc_reply reply;
    TRY(call(session, SERVICE "AnalyzePlan", &request.base, &reply, error));
    Connect__AnalyzePlanResponse *answer =
        reply.count == 0 ? NULL
                         : connect__analyze_plan_response__unpack(NULL, reply.messages[0].size,
                                                                  reply.messages[0].data);
    const Connect__DataType *type =
        answer != NULL && answer->result_case == CONNECT__ANALYZE_PLAN_RESPONSE__RESULT_SCHEMA
            ? answer->schema->schema
            : NULL;
    if (type == NULL || type->kind_case != CONNECT__DATA_TYPE__KIND_STRUCT) {
        connect__analyze_plan_response__free_unpacked(answer, NULL);
        return unreadable(session, error);
    }
    const char **names = ARENA_ARRAY(arena, const char *, type->struct_->n_fields);
    for (size_t i = 0; i < type->struct_->n_fields; i++) {
        names[i] = arena_strdup(arena, type->struct_->fields[i]->name);
    }
    *ret_names = names;
    *ret_count = type->struct_->n_fields;
    connect__analyze_plan_response__free_unpacked(answer, NULL);
    return STATUS_OK;
}

/* ---- streaming queries -------------------------------------------------------------------------
 */

/* The first message of a kind in a reply; NULL if there is none. To be freed by the caller. */
static Connect__ExecutePlanResponse *first_of(const struct grpc_reply *reply,
                                              Connect__ExecutePlanResponse__KindCase kind)
{
    for (size_t i = 0; i < reply->count; i++) {
        Connect__ExecutePlanResponse *answer = connect__execute_plan_response__unpack(
            NULL, reply->messages[i].size, reply->messages[i].data);
        if (answer != NULL && answer->kind_case == kind) {
            return answer;
        }
        connect__execute_plan_response__free_unpacked(answer, NULL);
    }
    return NULL;
}

enum status spark_query_start(struct spark_session *session,
                              Connect__Command__StartQuery *start,
                              struct arena *arena,
                              struct spark_query *ret_query,
                              struct error *error)
{
    arena_reset(&session->arena);
    Connect__Command command;
    connect__command__init(&command);
    command.kind_case = CONNECT__COMMAND__KIND_WRITE_STREAM_OPERATION_START;
    command.write_stream_operation_start = start;
    struct grpc_reply reply;
    TRY(execute(session, &command, &reply, error));
    Connect__ExecutePlanResponse *answer =
        first_of(&reply, CONNECT__EXECUTE_PLAN_RESPONSE__KIND_WRITE_STREAM_OPERATION_START_RESULT);
    const Connect__QueryId *id =
        answer == NULL ? NULL : answer->write_stream_operation_start_result->query_id;
    if (id != NULL) {
        ret_query->id = arena_strdup(arena, id->id);
        ret_query->run_id = arena_strdup(arena, id->run_id);
    }
    connect__execute_plan_response__free_unpacked(answer, NULL);
    return id == NULL ? unreadable(session, error) : STATUS_OK;
}

/* Asks a query; the answer's part is freed by the caller with the message. */
static enum status ask(struct spark_session *session,
                       const struct spark_query *query,
                       Connect__Command__Query__CommandCase what,
                       Connect__ExecutePlanResponse **ret_answer,
                       struct error *error)
{
    Connect__QueryId id;
    connect__query_id__init(&id);
    id.id = (char *) (uintptr_t) query->id;
    id.run_id = (char *) (uintptr_t) query->run_id;
    Connect__Command__Query asked;
    connect__command__query__init(&asked);
    asked.query_id = &id;
    asked.command_case = what;
    asked.status = true; /* one of a union of flags */
    Connect__Command command;
    connect__command__init(&command);
    command.kind_case = CONNECT__COMMAND__KIND_STREAMING_QUERY_COMMAND;
    command.streaming_query_command = &asked;
    struct grpc_reply reply;
    enum status status = execute(session, &command, &reply, error);
    if (status != STATUS_OK) {
        bool unknown = strstr(spark_session_fault(session), "is not found") != NULL;
        return unknown ? error_set(error, STATUS_NOT_FOUND, "Spark has no query %s", query->id)
                       : status;
    }
    *ret_answer =
        first_of(&reply, CONNECT__EXECUTE_PLAN_RESPONSE__KIND_STREAMING_QUERY_COMMAND_RESULT);
    return STATUS_OK;
}

static enum status query_exception(struct spark_session *session,
                                   const struct spark_query *query,
                                   struct arena *arena,
                                   const char **ret_exception,
                                   struct error *error)
{
    Connect__ExecutePlanResponse *answer;
    TRY(ask(session, query, CONNECT__COMMAND__QUERY__COMMAND_EXCEPTION, &answer, error));
    const Connect__QueryResult *result =
        answer == NULL ? NULL : answer->streaming_query_command_result;
    if (result != NULL && result->kind_case == CONNECT__QUERY_RESULT__KIND_EXCEPTION &&
        result->exception->exception_message[0] != '\0') {
        *ret_exception = arena_printf(arena, "%s\n%s", result->exception->exception_message,
                                      result->exception->stack_trace);
    }
    connect__execute_plan_response__free_unpacked(answer, NULL);
    return STATUS_OK;
}

enum status spark_query_state(struct spark_session *session,
                              const struct spark_query *query,
                              struct arena *arena,
                              struct spark_query_state *ret_state,
                              struct error *error)
{
    arena_reset(&session->arena);
    Connect__ExecutePlanResponse *answer;
    TRY(ask(session, query, CONNECT__COMMAND__QUERY__COMMAND_STATUS, &answer, error));
    const Connect__QueryResult *result =
        answer == NULL ? NULL : answer->streaming_query_command_result;
    if (result == NULL || result->kind_case != CONNECT__QUERY_RESULT__KIND_STATUS) {
        connect__execute_plan_response__free_unpacked(answer, NULL);
        return unreadable(session, error);
    }
    const Connect__QueryResult__Status *status = result->status;
    *ret_state = (struct spark_query_state){
        .active = status->is_active,
        .idle = !status->is_data_available && !status->is_trigger_active,
    };
    connect__execute_plan_response__free_unpacked(answer, NULL);
    return ret_state->active ? STATUS_OK
                             : query_exception(session, query, arena, &ret_state->exception, error);
}

enum status spark_query_progress(struct spark_session *session,
                                 const struct spark_query *query,
                                 struct arena *arena,
                                 const char **ret_json,
                                 struct error *error)
{
    arena_reset(&session->arena);
    Connect__ExecutePlanResponse *answer;
    *ret_json = NULL;
    TRY(ask(session, query, CONNECT__COMMAND__QUERY__COMMAND_LAST_PROGRESS, &answer, error));
    const Connect__QueryResult *result =
        answer == NULL ? NULL : answer->streaming_query_command_result;
    if (result != NULL && result->kind_case == CONNECT__QUERY_RESULT__KIND_RECENT_PROGRESS &&
        result->recent_progress->n_recent_progress_json > 0) {
        *ret_json = arena_strdup(arena, result->recent_progress->recent_progress_json[0]);
    }
    connect__execute_plan_response__free_unpacked(answer, NULL);
    return STATUS_OK;
}

enum status spark_query_stop(struct spark_session *session,
                             const struct spark_query *query,
                             struct error *error)
{
    arena_reset(&session->arena);
    Connect__ExecutePlanResponse *answer;
    TRY(ask(session, query, CONNECT__COMMAND__QUERY__COMMAND_STOP, &answer, error));
    connect__execute_plan_response__free_unpacked(answer, NULL);
    return STATUS_OK;
}
