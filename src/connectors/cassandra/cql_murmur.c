#include "connectors/cassandra/cql_murmur.h"

#define C1 0x87c37b91114253d5ULL
#define C2 0x4cf5ad432745937fULL

static uint64_t rotate(uint64_t value, int by)
{
    return value << by | value >> (64 - by);
}

static uint64_t finish(uint64_t k)
{
    k ^= k >> 33;
    k *= 0xff51afd7ed558ccdULL;
    k ^= k >> 33;
    k *= 0xc4ceb9fe1a85ec53ULL;
    return k ^ k >> 33;
}

static uint64_t mix1(uint64_t k)
{
    return rotate(k * C1, 31) * C2;
}

static uint64_t mix2(uint64_t k)
{
    return rotate(k * C2, 33) * C1;
}

static uint64_t load(const uint8_t *bytes)
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--) {
        value = value << 8 | bytes[i];
    }
    return value;
}

/* Up to 8 bytes; each keeps its sign, so that a high bit spills over the bytes above it. */
static uint64_t load_tail(const uint8_t *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        value ^= (uint64_t) (int64_t) (int8_t) bytes[i] << (8 * i);
    }
    return value;
}

int64_t cql_murmur_token(struct slice key)
{
    uint64_t h1 = 0;
    uint64_t h2 = 0;
    size_t blocks = key.size / 16;
    for (size_t i = 0; i < blocks; i++) {
        h1 ^= mix1(load(key.data + 16 * i));
        h1 = (rotate(h1, 27) + h2) * 5 + 0x52dce729;
        h2 ^= mix2(load(key.data + 16 * i + 8));
        h2 = (rotate(h2, 31) + h1) * 5 + 0x38495ab5;
    }
    size_t rest = key.size % 16;
    if (rest > 8) {
        h2 ^= mix2(load_tail(key.data + 16 * blocks + 8, rest - 8));
    }
    if (rest > 0) {
        h1 ^= mix1(load_tail(key.data + 16 * blocks, rest < 8 ? rest : 8));
    }
    h1 ^= key.size;
    h2 ^= key.size;
    h1 += h2;
    h2 += h1;
    h1 = finish(h1) + finish(h2);
    int64_t token = (int64_t) h1;
    return token == INT64_MIN ? INT64_MAX : token; /* the least token is none */
}
