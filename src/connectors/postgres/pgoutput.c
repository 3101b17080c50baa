#include "connectors/postgres/pgoutput.h"

#include <inttypes.h>
#include <stdio.h>

#define EPOCH_2000_US (INT64_C(946684800) * 1000000)

/* Bytes that are read from the front. `failed` sticks: one check at the end is enough. */
struct reader {
    struct slice left;
    struct arena *arena;
    bool failed;
};

static struct slice take(struct reader *reader, size_t size)
{
    if (reader->failed || size > reader->left.size) {
        reader->failed = true;
        return SLICE_EMPTY;
    }
    struct slice taken = slice_of(reader->left.data, size);
    reader->left.data += size;
    reader->left.size -= size;
    return taken;
}

static uint64_t take_number(struct reader *reader, size_t size)
{
    struct slice bytes = take(reader, size);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        value = value << 8 | bytes.data[i];
    }
    return value;
}

static uint8_t take8(struct reader *reader)
{
    return (uint8_t) take_number(reader, 1);
}

static uint16_t take16(struct reader *reader)
{
    return (uint16_t) take_number(reader, 2);
}

static uint32_t take32(struct reader *reader)
{
    return (uint32_t) take_number(reader, 4);
}

static uint64_t take64(struct reader *reader)
{
    return take_number(reader, 8);
}

/* Microseconds since 2000 on the wire. */
static int64_t take_time(struct reader *reader)
{
    return (int64_t) (take64(reader) + (uint64_t) EPOCH_2000_US);
}

/* Borrowed: the terminating NUL is on the wire. */
static const char *take_text(struct reader *reader)
{
    const uint8_t *end =
        reader->left.size == 0 ? NULL : memchr(reader->left.data, 0, reader->left.size);
    if (reader->failed || end == NULL) {
        reader->failed = true;
        return "";
    }
    return (const char *) take(reader, (size_t) (end - reader->left.data) + 1).data;
}

static const char *take_schema(struct reader *reader)
{
    const char *schema = take_text(reader);
    return schema[0] == '\0' ? "pg_catalog" : schema;
}

/* ---- the messages ------------------------------------------------------------------------------
 */

static struct pgoutput_tuple take_tuple(struct reader *reader)
{
    struct pgoutput_tuple tuple = {.count = take16(reader)};
    /* Each column takes a byte at least: no more memory than the message is worth. */
    if (tuple.count > reader->left.size) {
        reader->failed = true;
        return tuple;
    }
    tuple.cells = ARENA_ARRAY(reader->arena, struct pgoutput_cell, tuple.count);
    for (uint16_t i = 0; i < tuple.count; i++) {
        uint8_t kind = take8(reader);
        tuple.cells[i].kind = kind;
        switch (kind) {
        case PGOUTPUT_NULL:
        case PGOUTPUT_UNCHANGED:
            break;
        case PGOUTPUT_TEXT:
        case PGOUTPUT_BINARY:
            tuple.cells[i].bytes = take(reader, take32(reader));
            break;
        default:
            reader->failed = true;
            break;
        }
    }
    return tuple;
}

static void read_relation(struct reader *reader, struct pgoutput_relation *relation)
{
    relation->oid = take32(reader);
    relation->schema = take_schema(reader);
    relation->name = take_text(reader);
    relation->identity = (char) take8(reader);
    relation->column_count = take16(reader);
    if (relation->identity == '\0' || strchr("dnfi", relation->identity) == NULL ||
        relation->column_count > reader->left.size / 10) {
        reader->failed = true;
        return;
    }
    relation->columns = ARENA_ARRAY(reader->arena, struct pgoutput_column, relation->column_count);
    for (uint16_t i = 0; i < relation->column_count; i++) {
        struct pgoutput_column *column = &relation->columns[i];
        column->identity = take8(reader) & 1;
        column->name = take_text(reader);
        column->type_oid = take32(reader);
        column->typmod = (int32_t) take32(reader);
    }
}

/* Tuples stand behind a letter each: 'K' or 'O' for the old one, 'N' for the new one. */
static void read_change(struct reader *reader, struct pgoutput_message *message)
{
    message->change.relation_oid = take32(reader);
    uint8_t letter = take8(reader);
    if (message->kind != PGOUTPUT_INSERT && (letter == 'K' || letter == 'O')) {
        *(letter == 'K' ? &message->change.key : &message->change.old) = take_tuple(reader);
        if (message->kind == PGOUTPUT_DELETE) {
            return;
        }
        letter = take8(reader);
    }
    if (letter != 'N' || message->kind == PGOUTPUT_DELETE) {
        reader->failed = true;
        return;
    }
    message->change.row = take_tuple(reader);
}

static void read_truncate(struct reader *reader, struct pgoutput_message *message)
{
    uint32_t count = take32(reader);
    uint8_t flags = take8(reader);
    if (count > reader->left.size / 4) {
        reader->failed = true;
        return;
    }
    uint32_t *oids = ARENA_ARRAY(reader->arena, uint32_t, count);
    for (uint32_t i = 0; i < count; i++) {
        oids[i] = take32(reader);
    }
    message->truncate.count = count;
    message->truncate.relation_oids = oids;
    message->truncate.cascade = flags & 1;
    message->truncate.restart_identity = flags & 2;
}

static void read_logical_message(struct reader *reader, struct pgoutput_message *message)
{
    message->message.transactional = take8(reader) & 1;
    message->message.lsn = take64(reader);
    message->message.prefix = take_text(reader);
    message->message.content = take(reader, take32(reader));
}

/* Transactions: which parts each message has, in the order of the wire. */
static void read_transaction(struct reader *reader, struct pgoutput_message *message)
{
    switch (message->kind) {
    case PGOUTPUT_BEGIN:
        message->transaction.commit_lsn = take64(reader);
        message->transaction.time_us = take_time(reader);
        message->xid = take32(reader);
        return;
    case PGOUTPUT_STREAM_START:
        message->xid = take32(reader);
        message->transaction.first = take8(reader) == 1;
        return;
    case PGOUTPUT_STREAM_STOP:
        return;
    case PGOUTPUT_STREAM_ABORT:
        message->xid = take32(reader);
        message->transaction.sub_xid = take32(reader);
        return;
    case PGOUTPUT_STREAM_COMMIT:
        message->xid = take32(reader);
        (void) take8(reader); /* flags, none defined */
        break;
    case PGOUTPUT_BEGIN_PREPARE:
        break;
    default:
        (void) take8(reader);
        break;
    }
    message->transaction.commit_lsn = take64(reader);
    message->transaction.end_lsn = take64(reader);
    message->transaction.time_us = take_time(reader);
    if (message->kind == PGOUTPUT_COMMIT || message->kind == PGOUTPUT_STREAM_COMMIT) {
        return;
    }
    if (message->kind == PGOUTPUT_ROLLBACK_PREPARED) {
        message->transaction.time_us = take_time(reader); /* of the rollback, not the prepare */
    }
    message->xid = take32(reader);
    message->transaction.gid = take_text(reader);
}

static void read_body(struct reader *reader, struct pgoutput_message *message)
{
    switch (message->kind) {
    case PGOUTPUT_ORIGIN:
        message->origin.lsn = take64(reader);
        message->origin.name = take_text(reader);
        break;
    case PGOUTPUT_RELATION:
        read_relation(reader, &message->relation);
        break;
    case PGOUTPUT_TYPE:
        message->type.oid = take32(reader);
        message->type.schema = take_schema(reader);
        message->type.name = take_text(reader);
        break;
    case PGOUTPUT_INSERT:
    case PGOUTPUT_UPDATE:
    case PGOUTPUT_DELETE:
        read_change(reader, message);
        break;
    case PGOUTPUT_TRUNCATE:
        read_truncate(reader, message);
        break;
    case PGOUTPUT_MESSAGE:
        read_logical_message(reader, message);
        break;
    default:
        read_transaction(reader, message);
        break;
    }
}

static const struct {
    enum pgoutput_kind kind;
    const char *name;
    bool has_xid; /* within a streamed transaction */
} kinds[] = {
    {PGOUTPUT_BEGIN, "begin", false},
    {PGOUTPUT_COMMIT, "commit", false},
    {PGOUTPUT_ORIGIN, "origin", false},
    {PGOUTPUT_RELATION, "relation", true},
    {PGOUTPUT_TYPE, "type", true},
    {PGOUTPUT_INSERT, "insert", true},
    {PGOUTPUT_UPDATE, "update", true},
    {PGOUTPUT_DELETE, "delete", true},
    {PGOUTPUT_TRUNCATE, "truncate", true},
    {PGOUTPUT_MESSAGE, "message", true},
    {PGOUTPUT_STREAM_START, "stream start", false},
    {PGOUTPUT_STREAM_STOP, "stream stop", false},
    {PGOUTPUT_STREAM_COMMIT, "stream commit", false},
    {PGOUTPUT_STREAM_ABORT, "stream abort", false},
    {PGOUTPUT_BEGIN_PREPARE, "begin prepare", false},
    {PGOUTPUT_PREPARE, "prepare", false},
    {PGOUTPUT_COMMIT_PREPARED, "commit prepared", false},
    {PGOUTPUT_ROLLBACK_PREPARED, "rollback prepared", false},
    {PGOUTPUT_STREAM_PREPARE, "stream prepare", false},
};

const char *pgoutput_kind_name(enum pgoutput_kind kind)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (kinds[i].kind == kind) {
            return kinds[i].name;
        }
    }
    return "unknown";
}

enum status pgoutput_decode(struct slice bytes,
                            bool streamed,
                            struct arena *arena,
                            struct pgoutput_message *ret_message,
                            struct error *error)
{
    struct reader reader = {.left = bytes, .arena = arena};
    *ret_message = (struct pgoutput_message){0};
    uint8_t letter = take8(&reader);
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (kinds[i].kind != letter) {
            continue;
        }
        ret_message->kind = kinds[i].kind;
        if (streamed && kinds[i].has_xid) {
            ret_message->xid = take32(&reader);
        }
        read_body(&reader, ret_message);
        if (reader.failed || reader.left.size != 0) {
            return error_set(error, STATUS_PROTOCOL,
                             "PostgreSQL sent a message \"%s\" of %zu bytes that is not whole",
                             kinds[i].name, bytes.size);
        }
        return STATUS_OK;
    }
    return error_set(error, STATUS_PROTOCOL, "PostgreSQL sent a message of the unknown kind 0x%02x",
                     letter);
}

/* ---- positions in the log ----------------------------------------------------------------------
 */

const char *lsn_format(uint64_t lsn, char *target)
{
    snprintf(target, LSN_TEXT_BYTES, "%" PRIX32 "/%" PRIX32, (uint32_t) (lsn >> 32),
             (uint32_t) lsn);
    return target;
}

bool lsn_parse(const char *text, uint64_t *ret_lsn)
{
    uint64_t parts[2] = {0, 0};
    for (size_t part = 0; part < 2; part++) {
        size_t digits = strspn(text, "0123456789abcdefABCDEF");
        if (digits < 1 || digits > 8) {
            return false;
        }
        for (size_t i = 0; i < digits; i++) {
            unsigned char c = (unsigned char) text[i];
            parts[part] = parts[part] << 4 | (uint64_t) (c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
        }
        text += digits;
        if (*text != (part == 0 ? '/' : '\0')) {
            return false;
        }
        text += part == 0;
    }
    *ret_lsn = parts[0] << 32 | parts[1];
    return true;
}
