#pragma once

/* What a server refuses, and what is to be done about it. */

#include "base/error.h"
#include "connectors/cassandra/cql_wire.h"

enum cql_error_code {
    CQL_SERVER_ERROR = 0x0000,
    CQL_PROTOCOL_ERROR = 0x000A,
    CQL_BAD_CREDENTIALS = 0x0100,
    CQL_UNAVAILABLE = 0x1000,
    CQL_OVERLOADED = 0x1001,
    CQL_IS_BOOTSTRAPPING = 0x1002,
    CQL_TRUNCATE_ERROR = 0x1003,
    CQL_WRITE_TIMEOUT = 0x1100,
    CQL_READ_TIMEOUT = 0x1200,
    CQL_READ_FAILURE = 0x1300,
    CQL_FUNCTION_FAILURE = 0x1400,
    CQL_WRITE_FAILURE = 0x1500,
    CQL_CDC_WRITE_FAILURE = 0x1600,
    CQL_CAS_WRITE_UNKNOWN = 0x1700,
    CQL_SYNTAX_ERROR = 0x2000,
    CQL_UNAUTHORIZED = 0x2100,
    CQL_INVALID = 0x2200,
    CQL_CONFIG_ERROR = 0x2300,
    CQL_ALREADY_EXISTS = 0x2400,
    CQL_UNPREPARED = 0x2500,
};

enum cql_remedy {
    CQL_REMEDY_NONE,      /* the request itself is refused: it would be again            */
    CQL_REMEDY_AGAIN,     /* the same host may do it a moment later                      */
    CQL_REMEDY_ELSEWHERE, /* another host may do it at once                            */
    CQL_REMEDY_SLOWER,    /* the host has too much to do: fewer requests at a time       */
    CQL_REMEDY_PREPARE,   /* the host does not know the statement any more               */
};

struct cql_refusal {
    int32_t code;
    enum cql_remedy remedy;
    struct slice prepared_id; /* of UNPREPARED; lies in the body */
};

/* A refusal of PREPARE: a table or a column that it names is not there (any more, or yet). May
 * pass: STATUS_NOT_FOUND, retriable. Other failures stay as they are. */
void cql_error_of_prepare(const struct cql_refusal *refusal, struct error *error);

/* Reads the body of an ERROR. The error's text has the server's, the figures that come with it and,
 * where there is one, a hint. */
void cql_error_read(struct slice body, struct cql_refusal *ret_refusal, struct error *error);
