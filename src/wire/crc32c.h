#pragma once

/* CRC-32C (Castagnoli; RFC 3720, appendix B.4), as record batches and our own files use it. */

#include <stddef.h>
#include <stdint.h>

/* Continues `crc` (0 at the start) over more bytes. Uses the SSE 4.2 instruction when the machine
 * has it. */
uint32_t crc32c(uint32_t crc, const void *data, size_t size);

/* The same by tables. For other machines, and as the judge of the fast one in tests. */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t size);
