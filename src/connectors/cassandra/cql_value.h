#pragma once

/*
 * Values between columns and CQL's binary forms, without loss or with a reason:
 *
 *     boolean 1 byte; tinyint, smallint, int, bigint, float, double big-endian; text UTF-8
 *     varint: two's complement, shortest; decimal: scale (int), varint
 *     timestamp: ms since 1970 (rounded down from µs); date: days, 2^31 is 1970-01-01
 *     time: ns of the day; duration: months, days, ns as zig-zag vints
 *     list, set: count, [bytes]...; map: count, ([bytes] [bytes])...; tuple, UDT: [bytes]...
 *     vector: the elements one after the other, with a vint length where they vary
 *
 * In a list, set, map or vector there is no null: of a type that may be empty (numbers, booleans,
 * timestamps, uuids, inet) the empty value stands for it, which drivers show as null; others fail.
 */

#include "columnar/builder.h"
#include "connectors/cassandra/cql_type.h"

/* Appends the value's [bytes], -1 for null. STATUS_DATA if the type cannot hold it. */
MUST_USE enum status cql_value_write(const struct column *column,
                                     int64_t row,
                                     const struct cql_type *type,
                                     struct buffer *target,
                                     struct error *error);

/* Appends a value to a builder of a type that cql_type_as_column gave, or that it was written from.
 * `bytes` is the value without its length; `uuid_text`: uuids of a column with a uuid semantic
 * become text, as those inside collections always do. */
MUST_USE enum status cql_value_read(struct slice bytes,
                                    const struct cql_type *type,
                                    struct column_builder *builder,
                                    struct error *error);

/* ---- texts (cql_text.c) -----------------------------------------------------------------------*/

#define CQL_TEXT_BYTES 80

/* Each writes at most CQL_TEXT_BYTES - 1 and a NUL, and returns the length. */
size_t cql_uuid_text(const uint8_t bytes[16], char *target);
size_t cql_inet_text(struct slice bytes, char *target);  /* 0 if it has neither 4 nor 16 bytes */
size_t cql_time_text(int64_t nanoseconds, char *target); /* "13:30:54.234000000", no needless 0 */

struct cql_duration {
    int32_t months;
    int32_t days;
    int64_t nanoseconds; /* all of one sign */
};

size_t cql_duration_text(const struct cql_duration *duration, char *target); /* "1y2mo3d4h" */

bool cql_uuid_parse(struct slice text, uint8_t ret_bytes[16]);
size_t cql_inet_parse(struct slice text, uint8_t ret_bytes[16]); /* 4, 16, or 0 if it is none */
bool cql_time_parse(struct slice text, int64_t *ret_nanoseconds);
bool cql_duration_parse(struct slice text, struct cql_duration *ret_duration);

/* Integers of 1 to 9 bytes: the number of leading one bits says how many follow. */
void cql_vint_write(struct buffer *target, uint64_t value);
uint64_t cql_vint_read(struct cql_reader *reader);
