#pragma once

/*
 * Segments of protocol v5, which carry envelopes with checksums ("Framing" in native_protocol_v5):
 *
 *     plain:  17 bit length, 1 bit self-contained, 6 bit 0           | CRC24 of the 3 bytes
 *     LZ4:    17 bit compressed length, 17 bit plain length, 1 bit
 *             self-contained, 5 bit 0                                | CRC24 of the 5 bytes
 *     payload | CRC32 of the payload                                   all little-endian
 *
 * A self-contained segment holds whole envelopes; an envelope that does not fit goes over several
 * segments that are not. A payload that LZ4 does not shrink goes plain with a plain length of 0.
 */

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define CQL_SEGMENT_BYTES_MAX 131071

uint32_t cql_crc24(const uint8_t *bytes, size_t size);
uint32_t cql_crc32(struct slice bytes);

/* Appends `payload` (whole envelopes) as one segment, or one envelope that is larger as several. */
void cql_segment_write(struct slice payload, bool lz4, struct buffer *target);

/* Takes one segment from the front of `bytes` and appends its payload to `target`.
 * *ret_used 0: it is not all there yet. STATUS_CORRUPT if a checksum fails. */
MUST_USE enum status cql_segment_read(
    struct slice bytes, bool lz4, struct buffer *target, size_t *ret_used, struct error *error);

/* Bodies of v4: 4 bytes plain length, big-endian, and an LZ4 block. */
void cql_lz4_body_write(struct slice body, struct buffer *target);
MUST_USE enum status
cql_lz4_body_read(struct slice body, struct buffer *target, struct error *error);
