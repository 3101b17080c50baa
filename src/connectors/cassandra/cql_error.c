#include "connectors/cassandra/cql_error.h"

static const struct kind {
    int32_t code;
    const char *name;
    enum status status;
    enum cql_remedy remedy;
    const char *hint;
} kinds[] = {
    {CQL_SERVER_ERROR, "the server failed", STATUS_UNAVAILABLE, CQL_REMEDY_ELSEWHERE, NULL},
    {CQL_PROTOCOL_ERROR, "protocol error", STATUS_PROTOCOL, CQL_REMEDY_NONE, NULL},
    {CQL_BAD_CREDENTIALS, "the user or the password is refused", STATUS_CONFIG, CQL_REMEDY_NONE,
     "check user and password of the storage URL, cassandra://USER:PASSWORD@HOST:PORT"},
    {CQL_UNAVAILABLE, "too few replicas are up", STATUS_UNAVAILABLE, CQL_REMEDY_ELSEWHERE,
     "leat goes on trying; see which nodes are down with `nodetool status`"},
    {CQL_OVERLOADED, "the node has too much to do", STATUS_AGAIN, CQL_REMEDY_SLOWER, NULL},
    {CQL_IS_BOOTSTRAPPING, "the node is still joining", STATUS_UNAVAILABLE, CQL_REMEDY_ELSEWHERE,
     NULL},
    {CQL_TRUNCATE_ERROR, "truncating failed", STATUS_AGAIN, CQL_REMEDY_AGAIN, NULL},
    {CQL_WRITE_TIMEOUT, "replicas did not confirm the write in time", STATUS_AGAIN,
     CQL_REMEDY_SLOWER, NULL},
    {CQL_READ_TIMEOUT, "replicas did not answer in time", STATUS_AGAIN, CQL_REMEDY_SLOWER, NULL},
    {CQL_READ_FAILURE, "replicas failed to read", STATUS_UNAVAILABLE, CQL_REMEDY_ELSEWHERE, NULL},
    {CQL_FUNCTION_FAILURE, "a function failed", STATUS_FAILED, CQL_REMEDY_NONE, NULL},
    {CQL_WRITE_FAILURE, "replicas failed to write", STATUS_UNAVAILABLE, CQL_REMEDY_ELSEWHERE,
     "the log of the nodes says why"},
    {CQL_CDC_WRITE_FAILURE, "there is no space for change capture", STATUS_AGAIN, CQL_REMEDY_AGAIN,
     NULL},
    {CQL_CAS_WRITE_UNKNOWN, "the outcome of the write is unknown", STATUS_AGAIN, CQL_REMEDY_AGAIN,
     NULL},
    {CQL_SYNTAX_ERROR, "the statement is no CQL", STATUS_INTERNAL, CQL_REMEDY_NONE, NULL},
    {CQL_UNAUTHORIZED, "not permitted", STATUS_CONFIG, CQL_REMEDY_NONE,
     "grant the user what it lacks, or name another in the storage URL"},
    {CQL_INVALID, "refused", STATUS_DATA, CQL_REMEDY_NONE, NULL},
    {CQL_CONFIG_ERROR, "refused", STATUS_CONFIG, CQL_REMEDY_NONE, NULL},
    {CQL_ALREADY_EXISTS, "exists already", STATUS_CONFLICT, CQL_REMEDY_NONE, NULL},
    {CQL_UNPREPARED, "the statement is not prepared", STATUS_AGAIN, CQL_REMEDY_PREPARE, NULL},
};

static const struct kind *kind_of(int32_t code)
{
    static const struct kind unknown = {0, "the server refuses with a code that leat does not know",
                                        STATUS_PROTOCOL, CQL_REMEDY_NONE, NULL};
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (kinds[i].code == code) {
            return &kinds[i];
        }
    }
    return &unknown;
}

/* The figures behind the text: what was asked for, and what was had. */
static void read_figures(struct cql_reader *reader, int32_t code, struct buffer *target)
{
    bool timeout = code == CQL_WRITE_TIMEOUT || code == CQL_READ_TIMEOUT;
    bool failure = code == CQL_WRITE_FAILURE || code == CQL_READ_FAILURE;
    if (!timeout && !failure && code != CQL_UNAVAILABLE) {
        return;
    }
    const char *consistency = cql_consistency_name(cql_read_short(reader));
    int32_t first = cql_read_int(reader);
    int32_t second = cql_read_int(reader);
    if (reader->failed) {
        return;
    }
    if (code == CQL_UNAVAILABLE) {
        buffer_printf(target, " (%s wants %d, alive %d)", consistency, first, second);
    } else {
        buffer_printf(target, " (%s wants %d, got %d)", consistency, second, first);
    }
}

void cql_error_read(struct slice body, struct cql_refusal *ret_refusal, struct error *error)
{
    struct cql_reader reader = cql_reader_of(body);
    int32_t code = cql_read_int(&reader);
    struct slice text = cql_read_string(&reader);
    *ret_refusal = (struct cql_refusal){.code = code};
    if (reader.failed) {
        (void) error_set(error, STATUS_PROTOCOL, "an error message of the server is cut short");
        return;
    }
    const struct kind *kind = kind_of(code);
    struct buffer figures CLEANUP(buffer_deinit) = BUFFER_INIT;
    read_figures(&reader, code, &figures);
    if (code == CQL_UNPREPARED) {
        ret_refusal->prepared_id = cql_read_short_bytes(&reader);
    }
    ret_refusal->remedy = kind->remedy;
    (void) error_set(error, kind->status, "%s%s: %.*s", kind->name, buffer_string(&figures),
                     (int) (text.size > 1000 ? 1000 : text.size), (const char *) text.data);
    error_code(error, code);
    if (kind->hint != NULL) {
        error_hint(error, "%s", kind->hint);
    }
    if (error != NULL) {
        error->retriable = kind->remedy != CQL_REMEDY_NONE;
    }
}

void cql_error_of_prepare(const struct cql_refusal *refusal, struct error *error)
{
    if (refusal->code != CQL_INVALID || error == NULL) {
        return;
    }
    error->status = STATUS_NOT_FOUND;
    error->retriable = true;
    error_hint(error, "leat waits until the table is as it was; or start leat again, which makes "
                      "what is missing");
}
