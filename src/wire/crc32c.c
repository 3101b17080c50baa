#include "wire/crc32c.h"

#include "base/attr.h"

#include <stdbool.h>
#include <string.h>

#define POLYNOMIAL 0x82f63b78u /* bits reversed */

/* Slicing by eight: tables[k][b] is the remainder of byte b followed by k zero bytes. */
static uint32_t tables[8][256];

/*
 * The instruction has a latency of three cycles and a throughput of one, so three lanes run side by
 * side and are joined afterwards. Joining needs "the remainder of crc followed by LANE_BYTES zero
 * bytes", which is linear in crc: four tables, one a byte of crc.
 */
#define LANE_BYTES ((size_t) 1024)
static uint32_t lane_shift[4][256];

static uint32_t (*update)(uint32_t crc, const uint8_t *data, size_t size);

static uint64_t load64(const uint8_t *data)
{
    uint64_t value;
    memcpy(&value, data, sizeof(value));
    return value;
}

static uint32_t update_bytes(uint32_t crc, const uint8_t *data, size_t size)
{
    while (size-- > 0) {
        crc = crc >> 8 ^ tables[0][(crc ^ *data++) & 0xff];
    }
    return crc;
}

static uint32_t update_tables(uint32_t crc, const uint8_t *data, size_t size)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (; size >= 8; data += 8, size -= 8) {
        uint64_t word = load64(data) ^ crc;
        crc = tables[7][word & 0xff] ^ tables[6][word >> 8 & 0xff] ^ tables[5][word >> 16 & 0xff] ^
              tables[4][word >> 24 & 0xff] ^ tables[3][word >> 32 & 0xff] ^
              tables[2][word >> 40 & 0xff] ^ tables[1][word >> 48 & 0xff] ^ tables[0][word >> 56];
    }
#endif
    return update_bytes(crc, data, size);
}

#if defined(__x86_64__)

static uint32_t shift_lane(uint32_t crc)
{
    return lane_shift[0][crc & 0xff] ^ lane_shift[1][crc >> 8 & 0xff] ^
           lane_shift[2][crc >> 16 & 0xff] ^ lane_shift[3][crc >> 24];
}

__attribute__((target("sse4.2"))) static uint32_t
update_sse42(uint32_t crc, const uint8_t *data, size_t size)
{
    uint64_t a = crc;
    for (; size >= 3 * LANE_BYTES; size -= 3 * LANE_BYTES) {
        uint64_t b = 0;
        uint64_t c = 0;
        for (size_t i = 0; i < LANE_BYTES; i += 8) {
            a = __builtin_ia32_crc32di(a, load64(data + i));
            b = __builtin_ia32_crc32di(b, load64(data + LANE_BYTES + i));
            c = __builtin_ia32_crc32di(c, load64(data + 2 * LANE_BYTES + i));
        }
        a = shift_lane(shift_lane((uint32_t) a) ^ (uint32_t) b) ^ c;
        data += 3 * LANE_BYTES;
    }
    for (; size >= 8; data += 8, size -= 8) {
        a = __builtin_ia32_crc32di(a, load64(data));
    }
    crc = (uint32_t) a;
    while (size-- > 0) {
        crc = __builtin_ia32_crc32qi(crc, *data++);
    }
    return crc;
}

#endif

static void fill_tables(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc & 1) != 0 ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
        }
        tables[0][byte] = crc;
    }
    for (int zeros = 1; zeros < 8; zeros++) {
        for (int byte = 0; byte < 256; byte++) {
            uint32_t crc = tables[zeros - 1][byte];
            tables[zeros][byte] = crc >> 8 ^ tables[0][crc & 0xff];
        }
    }
}

static void fill_lane_shift(void)
{
    static const uint8_t zeros[LANE_BYTES];
    uint32_t shifted_bit[32];
    for (int bit = 0; bit < 32; bit++) {
        shifted_bit[bit] = update_tables((uint32_t) 1 << bit, zeros, LANE_BYTES);
    }
    for (int place = 0; place < 4; place++) {
        for (int byte = 0; byte < 256; byte++) {
            uint32_t sum = 0;
            for (int bit = 0; bit < 8; bit++) {
                sum ^= (byte >> bit & 1) != 0 ? shifted_bit[8 * place + bit] : 0;
            }
            lane_shift[place][byte] = sum;
        }
    }
}

__attribute__((constructor)) static void crc32c_choose(void)
{
    fill_tables();
    fill_lane_shift();
    update = update_tables;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) {
        update = update_sse42;
    }
#endif
}

uint32_t crc32c(uint32_t crc, const void *data, size_t size)
{
    return ~update(~crc, data, size);
}

uint32_t crc32c_portable(uint32_t crc, const void *data, size_t size)
{
    return ~update_tables(~crc, data, size);
}
