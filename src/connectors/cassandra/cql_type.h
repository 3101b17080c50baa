#pragma once

/*
 * The types of CQL: read from a server's metadata, written as CQL, and what column type each is for
 * leat. Types live in an arena.
 */

#include "base/arena.h"
#include "columnar/type.h"
#include "connect/store.h"
#include "connectors/cassandra/cql_wire.h"

enum cql_type_id {
    CQL_TYPE_CUSTOM = 0x00, /* a Java class that we do not know */
    CQL_TYPE_ASCII = 0x01,
    CQL_TYPE_BIGINT = 0x02,
    CQL_TYPE_BLOB = 0x03,
    CQL_TYPE_BOOLEAN = 0x04,
    CQL_TYPE_COUNTER = 0x05,
    CQL_TYPE_DECIMAL = 0x06,
    CQL_TYPE_DOUBLE = 0x07,
    CQL_TYPE_FLOAT = 0x08,
    CQL_TYPE_INT = 0x09,
    CQL_TYPE_TIMESTAMP = 0x0B,
    CQL_TYPE_UUID = 0x0C,
    CQL_TYPE_TEXT = 0x0D,
    CQL_TYPE_VARINT = 0x0E,
    CQL_TYPE_TIMEUUID = 0x0F,
    CQL_TYPE_INET = 0x10,
    CQL_TYPE_DATE = 0x11,
    CQL_TYPE_TIME = 0x12,
    CQL_TYPE_SMALLINT = 0x13,
    CQL_TYPE_TINYINT = 0x14,
    CQL_TYPE_DURATION = 0x15,
    CQL_TYPE_LIST = 0x20,
    CQL_TYPE_MAP = 0x21,
    CQL_TYPE_SET = 0x22,
    CQL_TYPE_UDT = 0x30,
    CQL_TYPE_TUPLE = 0x31,
    CQL_TYPE_VECTOR = 0x100, /* comes as a class with parameters; the number is ours */
};

struct cql_type {
    enum cql_type_id id;
    const struct cql_type *const *children; /* LIST, SET, VECTOR: 1; MAP: 2; UDT, TUPLE: fields */
    uint32_t child_count;
    uint32_t dimension;       /* VECTOR */
    const char *const *names; /* UDT: of the fields */
    const char *name;         /* CUSTOM: the class; UDT: "keyspace.type" */
};

/* A type without parameters. */
const struct cql_type *cql_type_plain(enum cql_type_id id);

/* Reads an [option]. A failed reader gives a type all the same; the caller checks the reader. */
const struct cql_type *cql_type_read(struct cql_reader *reader, struct arena *arena);

/* Reads a class name, "org.apache.cassandra.db.marshal.VectorType(...)"; CUSTOM if unknown. */
const struct cql_type *cql_type_of_class(struct slice name, struct arena *arena);

/* As CQL has it in CREATE TABLE, collections and tuples frozen: "frozen<list<int>>". */
void cql_type_write(const struct cql_type *type, struct buffer *target);
const char *cql_type_text(const struct cql_type *type, struct arena *arena);

/* What a column of leat becomes in a new table. */
const struct cql_type *cql_type_of_column(const struct store_column *column, struct arena *arena);

/* What leat reads a type as. */
struct store_column
cql_type_as_column(const char *name, const struct cql_type *type, struct arena *arena);

/* Whether every value of the column may stand in the type without being changed, single values that
 * do not fit (a number out of range, text that is no address) aside. */
bool cql_type_takes(const struct cql_type *type, const struct type *column);

/* Bytes of one element of a vector; 0 if they vary. */
uint32_t cql_type_width(const struct cql_type *type);
