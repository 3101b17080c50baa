#pragma once

/*
 * The native protocol of Cassandra as data: envelopes ("frames" up to v4) and the notations inside
 * them. https://github.com/apache/cassandra/blob/trunk/doc/native_protocol_v5.spec
 *
 *     envelope: version 1 | flags 1 | stream 2 | opcode 1 | length 4 | body     all big-endian
 *
 * A reader never passes its end: once something was missing it has failed, gives zeros and empty
 * slices, and the caller asks once at the end (cql_reader_check).
 */

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define CQL_V4               4
#define CQL_V5               5
#define CQL_ANSWER           0x80 /* in the version byte of what a server sends */
#define CQL_HEADER_BYTES     9
#define CQL_BODY_BYTES_MAX   (256u << 20)
#define CQL_STREAM_OF_EVENTS (-1)

enum cql_opcode {
    CQL_ERROR = 0x00,
    CQL_STARTUP = 0x01,
    CQL_READY = 0x02,
    CQL_AUTHENTICATE = 0x03,
    CQL_OPTIONS = 0x05,
    CQL_SUPPORTED = 0x06,
    CQL_QUERY = 0x07,
    CQL_RESULT = 0x08,
    CQL_PREPARE = 0x09,
    CQL_EXECUTE = 0x0A,
    CQL_REGISTER = 0x0B,
    CQL_EVENT = 0x0C,
    CQL_BATCH = 0x0D,
    CQL_AUTH_CHALLENGE = 0x0E,
    CQL_AUTH_RESPONSE = 0x0F,
    CQL_AUTH_SUCCESS = 0x10,
};

enum cql_header_flag {
    CQL_FLAG_COMPRESSED = 0x01,
    CQL_FLAG_TRACING = 0x02,
    CQL_FLAG_PAYLOAD = 0x04,
    CQL_FLAG_WARNING = 0x08,
};

struct cql_header {
    uint8_t version; /* without CQL_ANSWER */
    bool answer;
    uint8_t flags;
    int16_t stream;
    uint8_t opcode;
    uint32_t length; /* of the body */
};

/* The first CQL_HEADER_BYTES of `bytes`. STATUS_PROTOCOL for a length that nothing needs. */
MUST_USE enum status
cql_header_read(const uint8_t *bytes, struct cql_header *ret_header, struct error *error);
void cql_header_write(const struct cql_header *header, uint8_t target[CQL_HEADER_BYTES]);

/* ---- reading ----------------------------------------------------------------------------------*/

struct cql_reader {
    const uint8_t *at;
    size_t left;
    bool failed;
};

static inline struct cql_reader cql_reader_of(struct slice bytes)
{
    return (struct cql_reader){bytes.data, bytes.size, false};
}

uint8_t cql_read_byte(struct cql_reader *reader);
uint16_t cql_read_short(struct cql_reader *reader);
int32_t cql_read_int(struct cql_reader *reader);
int64_t cql_read_long(struct cql_reader *reader);
struct slice cql_read_raw(struct cql_reader *reader, size_t size);
struct slice cql_read_string(struct cql_reader *reader);      /* [string] */
struct slice cql_read_short_bytes(struct cql_reader *reader); /* [short bytes] */

/* [bytes], [value]: false if it is null (any negative length). */
bool cql_read_bytes(struct cql_reader *reader, struct slice *ret_bytes);

/* How many things of at least `size_min` bytes may follow: a count that cannot be true fails the
 * reader and gives 0, so that nothing is allocated for it. */
uint32_t cql_read_count(struct cql_reader *reader, int64_t count, size_t size_min);

/* STATUS_PROTOCOL, naming `what`, if the reader has failed. */
MUST_USE enum status
cql_reader_check(const struct cql_reader *reader, const char *what, struct error *error);

/* ---- writing ----------------------------------------------------------------------------------*/

void cql_write_string(struct buffer *target, struct slice text);      /* at most 65535 bytes */
void cql_write_long_string(struct buffer *target, struct slice text); /* [long string], [bytes] */
void cql_write_null(struct buffer *target);                           /* [bytes] of -1 */

/* ---- consistency ------------------------------------------------------------------------------*/

enum cql_consistency {
    CQL_ANY = 0,
    CQL_ONE = 1,
    CQL_TWO = 2,
    CQL_THREE = 3,
    CQL_QUORUM = 4,
    CQL_ALL = 5,
    CQL_LOCAL_QUORUM = 6,
    CQL_EACH_QUORUM = 7,
    CQL_SERIAL = 8,
    CQL_LOCAL_SERIAL = 9,
    CQL_LOCAL_ONE = 10,
};

const char *cql_consistency_name(uint16_t consistency);             /* "?" if there is none */
bool cql_consistency_parse(struct slice name, uint16_t *ret_value); /* in any case */
