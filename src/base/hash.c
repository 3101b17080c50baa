#include "base/hash.h"

#include <xxhash.h>

uint64_t hash64(struct slice bytes)
{
    return XXH3_64bits(bytes.data, bytes.size);
}

void hash128(struct slice bytes, uint8_t ret_hash[16])
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data, bytes.size));
    memcpy(ret_hash, canonical.digest, 16);
}
