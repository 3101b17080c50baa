/*
 * Rows into a table: each with its version as timestamp, in unlogged batches for one node (the
 * first replica of each row) of bounded size, as many under way as the nodes take. Whatever may
 * pass is tried again below, in the session; a batch that is refused is tried row by row, to find
 * the row.
 */

#include "base/assert.h"
#include "base/memory.h"
#include "connectors/cassandra/cql_error.h"
#include "connectors/cassandra/cql_murmur.h"
#include "connectors/cassandra/store_internal.h"
#include "io/clock.h"

#define BATCH_ROWS_MAX 1000
#define UNLOGGED       1
#define BY_ID          1 /* a statement of a batch that is prepared */

/* One row within a batch's body: its values as EXECUTE has them. */
struct entry {
    int64_t row;
    size_t values, end;
    uint16_t value_count;
    bool remove;
};

struct batch_out {
    struct cql_request request;
    struct writer *writer;
    struct batch_out *next; /* in the list of free ones */
    uint16_t count;
    struct entry *entries;
    size_t entry_capacity;
    int64_t tokens[16]; /* of its partitions */
    size_t token_count;
};

/* How rows of one kind are written. */
struct form {
    const struct cql_statement *statement;
    const uint32_t *columns; /* of the batch, in the order of bound values; the version elsewhere */
    uint32_t column_count;
    uint32_t version_at; /* the index among bound values that takes it */
};

struct writer {
    struct store *store;
    struct cql_session *session;
    const struct store_write *write;
    struct arena arena;
    struct form upsert, remove;
    struct cql_replication replication;
    const struct cql_type **key_types;
    struct batch_out **open; /* a host: the batch that is being filled */
    size_t open_count;
    struct batch_out *free;
    size_t under_way;
    struct buffer key;              /* scratch */
    struct buffer values;           /* scratch */
    struct error failure;           /* the first */
    struct store_refusals *refused; /* NULL: a refused row is a failure */
    size_t write_index;
};

/* ---- statements --------------------------------------------------------------------------------
 */

/* What a statement is about may come back: it is waited for. */
static enum status prepare_text(struct writer *writer,
                                struct buffer *cql,
                                const struct cql_statement **ret_statement,
                                struct error *error)
{
    struct error failure = {0};
    enum status status =
        cql_session_prepare(writer->session, buffer_string(cql), ret_statement, &failure);
    if (status == STATUS_OK) {
        return STATUS_OK;
    }
    const struct cql_refusal refusal = {.code = failure.code};
    cql_error_of_prepare(&refusal, &failure);
    if (error != NULL) {
        *error = failure;
    }
    return failure.status;
}

static enum status check_bound(const struct form *form,
                               const struct store_table *table,
                               uint32_t count,
                               struct error *error)
{
    const struct cql_metadata *bound = &form->statement->prepared.bound;
    if (bound->column_count != count || bound->columns == NULL) {
        return error_set(error, STATUS_PROTOCOL, "a statement of %u values takes %u", count,
                         bound->column_count);
    }
    for (uint32_t i = 0; i < form->column_count; i++) {
        uint32_t at = form->version_at == 0 ? i + 1 : i;
        const struct store_column *column = &table->columns[form->columns[i]];
        if (!cql_type_takes(bound->columns[at].type, column->type)) {
            return error_set(error, STATUS_CONFLICT, "column \"%s\" has changed its type",
                             column->name);
        }
    }
    return STATUS_OK;
}

static enum status
prepare_upsert(struct writer *writer, const struct cass_name *name, struct error *error)
{
    const struct store_table *table = writer->write->table;
    struct buffer cql CLEANUP(buffer_deinit) = BUFFER_INIT;
    uint32_t *columns = ARENA_ARRAY(&writer->arena, uint32_t, table->column_count);
    buffer_printf(&cql, "INSERT INTO %s (", name->quoted);
    for (uint32_t i = 0; i < table->column_count; i++) {
        columns[i] = i;
        buffer_append_string(&cql, i == 0 ? "" : ", ");
        cass_append_name(&cql, table->columns[i].name);
    }
    buffer_append_string(&cql, ") VALUES (");
    for (uint32_t i = 0; i < table->column_count; i++) {
        buffer_append_string(&cql, i == 0 ? "?" : ", ?");
    }
    buffer_append_string(&cql, ") USING TIMESTAMP ?");
    writer->upsert = (struct form){
        .columns = columns, .column_count = table->column_count, .version_at = table->column_count};
    TRY(prepare_text(writer, &cql, &writer->upsert.statement, error));
    return check_bound(&writer->upsert, table, table->column_count + 1, error);
}

static enum status
prepare_remove(struct writer *writer, const struct cass_name *name, struct error *error)
{
    const struct store_table *table = writer->write->table;
    struct buffer cql CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_printf(&cql, "DELETE FROM %s USING TIMESTAMP ? WHERE ", name->quoted);
    for (uint32_t i = 0; i < table->key_count; i++) {
        buffer_append_string(&cql, i == 0 ? "" : " AND ");
        cass_append_name(&cql, table->columns[table->key[i]].name);
        buffer_append_string(&cql, " = ?");
    }
    writer->remove =
        (struct form){.columns = table->key, .column_count = table->key_count, .version_at = 0};
    TRY(prepare_text(writer, &cql, &writer->remove.statement, error));
    return check_bound(&writer->remove, table, table->key_count + 1, error);
}

static bool removes_any(const struct store_write *write)
{
    return write->ops != NULL &&
           memchr(write->ops, STORE_DELETE, (size_t) write->batch->length) != NULL;
}

static enum status prepare(struct writer *writer, struct error *error)
{
    const struct store_table *table = writer->write->table;
    struct cass_name name;
    TRY(cass_name_of(writer->store, table->name, &writer->arena, &name, error));
    enum status status =
        cql_session_replication(writer->session, name.keyspace, &writer->replication, error);
    if (status == STATUS_NOT_FOUND && error != NULL) { /* it too may come back */
        error->retriable = true;
        error_hint(error, "start leat again, which makes what is missing");
    }
    TRY(status);
    TRY(prepare_upsert(writer, &name, error));
    if (removes_any(writer->write)) {
        TRY(prepare_remove(writer, &name, error));
    }
    writer->key_types = ARENA_ARRAY(&writer->arena, const struct cql_type *, table->key_count);
    for (uint32_t i = 0; i < table->key_count; i++) {
        writer->key_types[i] = writer->upsert.statement->prepared.bound.columns[table->key[i]].type;
    }
    return STATUS_OK;
}

/* ---- which row ---------------------------------------------------------------------------------
 */

/* Puts the row's key in front: `table "t": row {"id":"x"}: ...`. */
static void name_row(const struct writer *writer, int64_t row, struct error *error)
{
    const struct store_table *table = writer->write->table;
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    for (uint32_t i = 0; i < table->key_count; i++) {
        buffer_append_string(&text, i == 0 ? "{" : ",");
        buffer_append_json(&text, slice_of_string(table->columns[table->key[i]].name));
        buffer_append_byte(&text, ':');
        column_write_json(writer->write->batch->columns[table->key[i]], row, &text);
    }
    error_context(error, "table \"%s\": row %.300s}", table->name, buffer_string(&text));
}

static void note_failure(struct writer *writer, const struct error *failure)
{
    if (writer->failure.status == STATUS_OK) {
        writer->failure = *failure;
    }
}

/* The row is refused for what it holds, or all has failed. */
static void note_row(struct writer *writer, int64_t row, struct error *failure)
{
    if (!failure->retriable) {
        name_row(writer, row, failure);
    }
    if (failure->status == STATUS_DATA && writer->refused != NULL) {
        store_refuse(writer->refused, writer->write_index, row, failure);
    } else {
        note_failure(writer, failure);
    }
}

/* ---- batches -----------------------------------------------------------------------------------
 */

static void
on_done(struct cql_request *request, const struct cql_answer *answer, const struct error *failure);

static struct batch_out *batch_new(struct writer *writer)
{
    struct batch_out *batch = writer->free;
    if (batch == NULL) {
        batch = mem_zalloc(sizeof(*batch));
        buffer_init(&batch->request.body);
        batch->writer = writer;
    } else {
        writer->free = batch->next;
    }
    struct buffer body = batch->request.body;
    buffer_clear(&body);
    batch->request = (struct cql_request){.body = body, .done = on_done, .context = batch};
    batch->count = 0;
    batch->token_count = 0;
    return batch;
}

static void batch_release(struct batch_out *batch)
{
    batch->next = batch->writer->free;
    batch->writer->free = batch;
}

static void batch_free(struct batch_out *batch)
{
    if (batch != NULL) {
        buffer_deinit(&batch->request.body);
        mem_free(batch->entries);
        mem_free(batch);
    }
}

static const struct form *form_of(const struct writer *writer, bool remove)
{
    return remove ? &writer->remove : &writer->upsert;
}

/* The body of a lone row: EXECUTE is cheaper than a batch of one. */
static void write_execute(const struct writer *writer,
                          const struct form *form,
                          struct slice values,
                          uint16_t value_count,
                          struct buffer *body)
{
    const struct cql_prepared *prepared = &form->statement->prepared;
    cql_write_string(body, prepared->id);
    if (cql_session_version(writer->session) >= CQL_V5) {
        cql_write_string(body, prepared->result_id);
    }
    cql_write_params(writer->session, value_count, false, false, body);
    buffer_append_slice(body, values);
}

static void submit(struct batch_out *batch)
{
    struct writer *writer = batch->writer;
    writer->under_way++;
    cql_session_submit(writer->session, &batch->request);
}

static void send_alone(struct batch_out *batch, const struct entry *from, struct slice values)
{
    struct writer *writer = batch->writer;
    const struct form *form = form_of(writer, from->remove);
    struct buffer body = BUFFER_INIT;
    write_execute(writer, form, values, from->value_count, &body);
    buffer_deinit(&batch->request.body);
    batch->request.body = body;
    batch->request.opcode = CQL_EXECUTE;
    batch->request.statements[0] = form->statement;
    batch->request.statements[1] = NULL;
    submit(batch);
}

static void batch_send(struct batch_out *batch)
{
    struct writer *writer = batch->writer;
    struct buffer *body = &batch->request.body;
    if (batch->count == 1) {
        const struct entry entry = batch->entries[0];
        send_alone(batch, &entry, slice_of(body->data + entry.values, entry.end - entry.values));
        return;
    }
    body->data[1] = (uint8_t) (batch->count >> 8);
    body->data[2] = (uint8_t) batch->count;
    cql_write_batch_end(writer->session, body);
    batch->request.opcode = CQL_BATCH;
    batch->request.statements[0] = writer->upsert.statement;
    batch->request.statements[1] = writer->remove.statement;
    submit(batch);
}

static void batch_add(
    struct batch_out *batch, int64_t row, bool remove, struct slice values, uint16_t value_count)
{
    struct writer *writer = batch->writer;
    struct buffer *body = &batch->request.body;
    if (batch->count == 0) {
        buffer_append_byte(body, UNLOGGED);
        buffer_append_be16(body, 0); /* how many: when it goes */
    }
    buffer_append_byte(body, BY_ID);
    cql_write_string(body, form_of(writer, remove)->statement->prepared.id);
    buffer_append_be16(body, value_count);
    size_t start = body->size;
    buffer_append_slice(body, values);
    if (batch->count == batch->entry_capacity) {
        batch->entry_capacity = batch->entry_capacity == 0 ? 16 : 2 * batch->entry_capacity;
        batch->entries =
            mem_realloc(batch->entries, batch->entry_capacity * sizeof(*batch->entries));
    }
    batch->entries[batch->count++] = (struct entry){row, start, body->size, value_count, remove};
}

/* Each row of a refused batch alone. */
static void split(struct batch_out *batch)
{
    struct writer *writer = batch->writer;
    for (uint16_t i = 0; i < batch->count; i++) {
        struct batch_out *lone = batch_new(writer);
        const struct entry *entry = &batch->entries[i];
        struct slice values =
            slice_of(batch->request.body.data + entry->values, entry->end - entry->values);
        memcpy(lone->request.hosts, batch->request.hosts, sizeof(lone->request.hosts));
        lone->request.host_count = batch->request.host_count;
        batch_add(lone, entry->row, entry->remove, values, entry->value_count);
        batch_send(lone);
    }
}

static void
on_done(struct cql_request *request, const struct cql_answer *answer, const struct error *failure)
{
    struct batch_out *batch = request->context;
    struct writer *writer = batch->writer;
    (void) answer;
    writer->under_way--;
    if (failure != NULL && !failure->retriable && batch->count > 1) {
        split(batch);
    } else if (failure != NULL) {
        struct error named = *failure;
        note_row(writer, batch->entries[0].row, &named);
    }
    batch_release(batch);
}

/* ---- rows --------------------------------------------------------------------------------------
 */

/* The partition key as it is hashed: one value as it is, several as (length 2, value, 0) each. */
static enum status
encode_partition(struct writer *writer, int64_t row, int64_t *ret_token, struct error *error)
{
    const struct store_write *write = writer->write;
    struct buffer *key = &writer->key;
    uint32_t count = write->table->partition_count;
    buffer_clear(key);
    for (uint32_t i = 0; i < count; i++) {
        size_t start = key->size;
        TRY(cql_value_write(write->batch->columns[write->table->key[i]], row, writer->key_types[i],
                            key, error));
        if (count > 1) { /* 4 bytes of length become 2 */
            memmove(key->data + start, key->data + start + 2, key->size - start - 2);
            key->size -= 2;
            buffer_append_byte(key, 0);
        }
    }
    struct slice bytes = count == 1 ? slice_of(key->data + 4, key->size - 4) : buffer_slice(key);
    *ret_token = cql_murmur_token(bytes);
    return STATUS_OK;
}

/* Two keys that differ in microseconds would be one row of Cassandra's. */
static enum status check_key(const struct writer *writer, int64_t row, struct error *error)
{
    const struct store_table *table = writer->write->table;
    for (uint32_t i = 0; i < table->key_count; i++) {
        const struct column *column = writer->write->batch->columns[table->key[i]];
        const char *name = table->columns[table->key[i]].name;
        if (column_is_null(column, row)) {
            return error_set(error, STATUS_DATA, "key column \"%s\" is null", name);
        }
        if (column->type->id == TYPE_TIMESTAMP && column_int(column, row) % 1000 != 0) {
            (void) error_set(
                error, STATUS_DATA,
                "key column \"%s\" is finer than the milliseconds that Cassandra keeps", name);
            error_hint(error, "cut it in the query: date_trunc('MILLISECOND', %s)", name);
            return STATUS_DATA;
        }
    }
    return STATUS_OK;
}

static enum status
encode_values(struct writer *writer, const struct form *form, int64_t row, struct error *error)
{
    const struct store_write *write = writer->write;
    const struct cql_column *bound = form->statement->prepared.bound.columns;
    struct buffer *values = &writer->values;
    uint32_t count = form->column_count + 1;
    buffer_clear(values);
    for (uint32_t i = 0, next = 0; i < count; i++) {
        if (i == form->version_at) {
            buffer_append_be32(values, 8);
            buffer_append_be64(values, (uint64_t) write->versions[row]);
            continue;
        }
        uint32_t column = form->columns[next++];
        enum status status =
            cql_value_write(write->batch->columns[column], row, bound[i].type, values, error);
        if (status != STATUS_OK) {
            error_context(error, "column \"%s\"", write->table->columns[column].name);
            return status;
        }
    }
    return STATUS_OK;
}

static bool has_room(const struct batch_out *batch, int64_t token, size_t bytes)
{
    const struct cql_settings *settings = cql_session_settings(batch->writer->session);
    if (batch->count == 0) {
        return true;
    }
    if (batch->count == BATCH_ROWS_MAX ||
        (int64_t) (batch->request.body.size + bytes) > settings->batch_bytes) {
        return false;
    }
    for (size_t i = 0; i < batch->token_count; i++) {
        if (batch->tokens[i] == token) {
            return true;
        }
    }
    return (int64_t) batch->token_count < settings->batch_partitions &&
           batch->token_count < ARRAY_SIZE(batch->tokens);
}

/* The batch of the row's node, with room for it. */
static struct batch_out *batch_for(struct writer *writer, int64_t token)
{
    uint16_t hosts[CQL_REPLICAS_MAX];
    size_t host_count = cql_session_replicas(writer->session, &writer->replication, token, hosts);
    size_t slot = host_count == 0 ? 0 : (size_t) hosts[0] + 1;
    if (slot >= writer->open_count) {
        size_t count = slot + 16;
        writer->open = mem_realloc(writer->open, count * sizeof(*writer->open));
        memset(writer->open + writer->open_count, 0,
               (count - writer->open_count) * sizeof(*writer->open));
        writer->open_count = count;
    }
    struct batch_out *batch = writer->open[slot];
    if (batch != NULL && !has_room(batch, token, writer->values.size + 32)) {
        batch_send(batch);
        batch = NULL;
    }
    if (batch == NULL) {
        batch = batch_new(writer);
        batch->request.host_count = host_count;
        memcpy(batch->request.hosts, hosts, host_count * sizeof(hosts[0]));
        writer->open[slot] = batch;
    }
    bool known = false;
    for (size_t i = 0; i < batch->token_count; i++) {
        known = known || batch->tokens[i] == token;
    }
    if (!known && batch->token_count < ARRAY_SIZE(batch->tokens)) {
        batch->tokens[batch->token_count++] = token;
    }
    return batch;
}

static enum status add_row(struct writer *writer, int64_t row, struct error *error)
{
    const struct store_write *write = writer->write;
    bool remove = write->ops != NULL && write->ops[row] == STORE_DELETE;
    const struct form *form = form_of(writer, remove);
    int64_t token;
    TRY(check_key(writer, row, error));
    TRY(encode_partition(writer, row, &token, error));
    TRY(encode_values(writer, form, row, error));
    batch_add(batch_for(writer, token), row, remove, buffer_slice(&writer->values),
              (uint16_t) (form->column_count + 1));
    return STATUS_OK;
}

/* Lets the cluster work: while requests wait for room, until there is, else without waiting. */
static void give_way(struct writer *writer)
{
    while (cql_session_waiting(writer->session) > 0 && writer->failure.status == STATUS_OK) {
        cql_session_pump(writer->session, -1);
    }
}

static void add_rows(struct writer *writer)
{
    struct error error;
    for (int64_t row = 0; row < writer->write->batch->length; row++) {
        if (add_row(writer, row, &error) != STATUS_OK) {
            note_row(writer, row, &error);
        }
        if (row % 64 == 63) {
            cql_session_pump(writer->session, 0);
        }
        give_way(writer);
        if (writer->failure.status != STATUS_OK) {
            return;
        }
    }
}

static void finish(struct writer *writer)
{
    for (size_t i = 0; i < writer->open_count; i++) {
        if (writer->open[i] != NULL && writer->failure.status == STATUS_OK) {
            batch_send(writer->open[i]);
        } else if (writer->open[i] != NULL) {
            batch_release(writer->open[i]);
        }
    }
    while (writer->under_way > 0) {
        cql_session_pump(writer->session, -1);
    }
    for (struct batch_out *next; writer->free != NULL; writer->free = next) {
        next = writer->free->next;
        batch_free(writer->free);
    }
}

enum status cass_write_rows(struct store *store,
                            const struct store_commit *commit,
                            size_t index,
                            struct error *error)
{
    const struct store_write *write = &commit->writes[index];
    struct writer writer = {.store = store,
                            .session = store->session,
                            .write = write,
                            .refused = commit->refused,
                            .write_index = index};
    arena_init(&writer.arena, 0);
    enum status status = prepare(&writer, error);
    if (status != STATUS_OK) {
        error_context(error, "table \"%s\"", write->table->name);
    } else {
        add_rows(&writer);
        finish(&writer);
        status = writer.failure.status;
        if (status != STATUS_OK && error != NULL) {
            *error = writer.failure;
        }
    }
    if (status == STATUS_NOT_FOUND) { /* whatever comes back is looked at anew */
        cql_session_forget(writer.session);
    }
    mem_free(writer.open);
    buffer_deinit(&writer.key);
    buffer_deinit(&writer.values);
    arena_deinit(&writer.arena);
    return status;
}
