#pragma once

/*
 * The messages of PostgreSQL's logical decoding plugin "pgoutput", protocol versions 1 to 3, as
 * data: one message of the server in, one struct out, every length checked. Sources: "Logical
 * Replication Message Formats" and "Logical Streaming Replication Protocol" of PostgreSQL's manual.
 *
 * A decoded message borrows the bytes it was read from; lists are in the arena.
 */

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"

#include <stdbool.h>
#include <stdint.h>

enum pgoutput_kind {
    PGOUTPUT_BEGIN = 'B',
    PGOUTPUT_COMMIT = 'C',
    PGOUTPUT_ORIGIN = 'O',
    PGOUTPUT_RELATION = 'R',
    PGOUTPUT_TYPE = 'Y',
    PGOUTPUT_INSERT = 'I',
    PGOUTPUT_UPDATE = 'U',
    PGOUTPUT_DELETE = 'D',
    PGOUTPUT_TRUNCATE = 'T',
    PGOUTPUT_MESSAGE = 'M', /* pg_logical_emit_message */
    /* Version 2: pieces of transactions that are not committed yet. */
    PGOUTPUT_STREAM_START = 'S',
    PGOUTPUT_STREAM_STOP = 'E',
    PGOUTPUT_STREAM_COMMIT = 'c',
    PGOUTPUT_STREAM_ABORT = 'A',
    /* Version 3: two-phase commit. */
    PGOUTPUT_BEGIN_PREPARE = 'b',
    PGOUTPUT_PREPARE = 'P',
    PGOUTPUT_COMMIT_PREPARED = 'K',
    PGOUTPUT_ROLLBACK_PREPARED = 'r',
    PGOUTPUT_STREAM_PREPARE = 'p',
};

/* "begin", "commit", ... for messages to people; "unknown" for what is none. */
const char *pgoutput_kind_name(enum pgoutput_kind kind);

struct pgoutput_cell {
    enum {
        PGOUTPUT_NULL = 'n',
        PGOUTPUT_UNCHANGED = 'u', /* stored out of line and not touched: the value is not sent */
        PGOUTPUT_TEXT = 't',
        PGOUTPUT_BINARY = 'b',
    } kind;
    struct slice bytes; /* of TEXT and BINARY */
};

struct pgoutput_tuple {
    struct pgoutput_cell *cells; /* NULL: the message has no such tuple */
    uint16_t count;
};

struct pgoutput_column {
    bool identity; /* belongs to the replica identity */
    const char *name;
    uint32_t type_oid;
    int32_t typmod;
};

struct pgoutput_relation {
    uint32_t oid;
    const char *schema; /* never empty: "" of the wire is "pg_catalog" */
    const char *name;
    char identity; /* 'd' default, 'n' nothing, 'f' full, 'i' index */
    uint16_t column_count;
    struct pgoutput_column *columns;
};

struct pgoutput_message {
    enum pgoutput_kind kind;
    uint32_t xid; /* of transactions, and of everything within a streamed one; else 0 */

    union {
        /* BEGIN, COMMIT and all that begins, commits, prepares or rolls back. */
        struct {
            uint64_t commit_lsn; /* where the commit (or prepare) record begins */
            uint64_t end_lsn;    /* behind it; 0 in BEGIN */
            int64_t time_us;     /* since 1970 */
            const char *gid;     /* of a prepared transaction */
            bool first;          /* STREAM_START: the first piece */
            uint32_t sub_xid;    /* STREAM_ABORT */
        } transaction;

        struct {
            uint64_t lsn;
            const char *name;
        } origin;

        struct pgoutput_relation relation;

        struct {
            uint32_t oid;
            const char *schema;
            const char *name;
        } type;

        /* INSERT, UPDATE, DELETE. */
        struct {
            uint32_t relation_oid;
            struct pgoutput_tuple key; /* only the identity's columns are set, others are NULL */
            struct pgoutput_tuple old; /* the whole row before: replica identity FULL */
            struct pgoutput_tuple row; /* after the change */
        } change;

        struct {
            uint32_t count;
            const uint32_t *relation_oids;
            bool cascade, restart_identity;
        } truncate;

        struct {
            bool transactional;
            uint64_t lsn;
            const char *prefix;
            struct slice content;
        } message;
    };
};

/* Reads one message, which must fill `bytes` exactly. `streamed`: it stands between STREAM_START
 * and STREAM_STOP, where messages carry a transaction id. STATUS_PROTOCOL if it is none. */
MUST_USE enum status pgoutput_decode(struct slice bytes,
                                     bool streamed,
                                     struct arena *arena,
                                     struct pgoutput_message *ret_message,
                                     struct error *error);

/*
 * The relations that a stream has described so far: the server sends a description before the
 * first change of a relation and after each change of its columns.
 */
struct pgoutput_relations {
    struct map by_oid; /* struct known_relation */
};

void pgoutput_relations_init(struct pgoutput_relations *relations);
void pgoutput_relations_deinit(struct pgoutput_relations *relations);
void pgoutput_relations_clear(struct pgoutput_relations *relations);

/* Keeps a copy, in place of an earlier one of the same relation. The copy lives until the next put
 * of that relation. */
const struct pgoutput_relation *pgoutput_relations_put(struct pgoutput_relations *relations,
                                                       const struct pgoutput_relation *relation);

/* NULL if the stream has not described it. */
const struct pgoutput_relation *pgoutput_relations_get(const struct pgoutput_relations *relations,
                                                       uint32_t oid);

/* "0/16B3748", as PostgreSQL writes positions in its log; `target` has room for LSN_TEXT_BYTES. */
#define LSN_TEXT_BYTES 24
const char *lsn_format(uint64_t lsn, char *target);
/* False if the text is none. */
bool lsn_parse(const char *text, uint64_t *ret_lsn);
