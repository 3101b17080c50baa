#include "http/address.h"

#include "base/attr.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct range4 {
    uint32_t base;
    unsigned bits;
};

static const struct range4 ranges4[] = {
    {0x00000000, 8},  /* 0.0.0.0/8        this network        */
    {0x0a000000, 8},  /* 10.0.0.0/8       private             */
    {0x64400000, 10}, /* 100.64.0.0/10    shared by carriers  */
    {0x7f000000, 8},  /* 127.0.0.0/8      loopback            */
    {0xa9fe0000, 16}, /* 169.254.0.0/16   link-local, cloud metadata */
    {0xac100000, 12}, /* 172.16.0.0/12    private             */
    {0xc0000000, 24}, /* 192.0.0.0/24     protocol assignments */
    {0xc0000200, 24}, /* 192.0.2.0/24     documentation       */
    {0xc0586300, 24}, /* 192.88.99.0/24   6to4 relays         */
    {0xc0a80000, 16}, /* 192.168.0.0/16   private             */
    {0xc6120000, 15}, /* 198.18.0.0/15    benchmarks          */
    {0xc6336400, 24}, /* 198.51.100.0/24  documentation       */
    {0xcb007100, 24}, /* 203.0.113.0/24   documentation       */
    {0xe0000000, 3},  /* 224.0.0.0/3      multicast, reserved, broadcast */
};

struct range6 {
    uint8_t base[16];
    unsigned bits;
};

static const struct range6 ranges6[] = {
    {{0x01, 0x00}, 64},             /* 100::/64       discard       */
    {{0x20, 0x01, 0x00, 0x00}, 23}, /* 2001::/23      protocol assignments, Teredo */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* 2001:db8::/32  documentation */
    {{0xfc, 0x00}, 7},              /* fc00::/7       unique local  */
    {{0xfe, 0x80}, 10},             /* fe80::/10      link-local    */
    {{0xfe, 0xc0}, 10},             /* fec0::/10      site-local    */
    {{0xff, 0x00}, 8},              /* ff00::/8       multicast     */
};

/* IPv6 prefixes that are followed by an IPv4 address. */
static const struct range6 wrappers[] = {
    {{0}, 96}, /* ::/96 compatible; :: and ::1 fall in 0.0.0.0/8 */
    {{[10] = 0xff, [11] = 0xff}, 96},
    {{0x00, 0x64, 0xff, 0x9b}, 96},
    {{0x20, 0x02}, 16},
};

static bool is_special4(uint32_t address)
{
    for (size_t i = 0; i < ARRAY_SIZE(ranges4); i++) {
        if ((address ^ ranges4[i].base) >> (32 - ranges4[i].bits) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_within(const uint8_t address[16], const struct range6 *range)
{
    unsigned bytes = range->bits / 8;
    unsigned bits = range->bits % 8;
    if (memcmp(address, range->base, bytes) != 0) {
        return false;
    }
    return bits == 0 || (address[bytes] ^ range->base[bytes]) >> (8 - bits) == 0;
}

static bool is_special6(const uint8_t address[16])
{
    for (size_t i = 0; i < ARRAY_SIZE(ranges6); i++) {
        if (is_within(address, &ranges6[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(wrappers); i++) {
        if (is_within(address, &wrappers[i])) {
            const uint8_t *inner = address + wrappers[i].bits / 8;
            return is_special4((uint32_t) inner[0] << 24 | (uint32_t) inner[1] << 16 |
                               (uint32_t) inner[2] << 8 | inner[3]);
        }
    }
    return false;
}

bool address_is_special(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof(v4));
        return is_special4(ntohl(v4.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof(v6));
        return is_special6(v6.sin6_addr.s6_addr);
    }
    return true;
}
