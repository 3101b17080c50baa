/* Digests, and Spark's hash() (Murmur3, 32 bits) and xxhash64(), seed 42, over any types. */

#include "sql/decimal.h"
#include "sql/function_internal.h"
#include "sql/kernels.h"

#include <openssl/evp.h>
#include <xxhash.h>
#include <zlib.h>

/* ---- digests ---- */

enum digest {
    DIGEST_MD5,
    DIGEST_SHA1,
    DIGEST_SHA2
};

static const EVP_MD *digest_of(int variant, int64_t bits)
{
    if (variant == DIGEST_MD5) {
        return EVP_md5();
    }
    if (variant == DIGEST_SHA1) {
        return EVP_sha1();
    }
    switch (bits) {
    case 0:
    case 256:
        return EVP_sha256();
    case 224:
        return EVP_sha224();
    case 384:
        return EVP_sha384();
    case 512:
        return EVP_sha512();
    default:
        return NULL;
    }
}

static const struct column *call_digest(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, arguments, call->argument_count,
              (size_t) eval->batch->length * 64);
    struct arg x = arg_of(arguments[0], text.base.rows);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    for (int64_t i = 0; i < text.base.rows; i++) {
        if (text_skip_null(&text, i)) {
            continue;
        }
        int64_t bits =
            call->argument_count == 2 ? arg_int(arg_of(arguments[1], text.base.rows), i) : 0;
        const EVP_MD *kind = digest_of(call->function->variant, bits);
        struct slice bytes = arg_bytes(x, i);
        uint8_t digest[EVP_MAX_MD_SIZE];
        unsigned size = 0;
        if (kind == NULL || EVP_DigestInit_ex(context, kind, NULL) != 1 ||
            EVP_DigestUpdate(context, bytes.data, bytes.size) != 1 ||
            EVP_DigestFinal_ex(context, digest, &size) != 1) {
            text_end_null(&text, i);
            continue;
        }
        uint8_t *target = text_reserve(&text, 2 * EVP_MAX_MD_SIZE);
        for (unsigned n = 0; n < size; n++) {
            *target++ = (uint8_t) "0123456789abcdef"[digest[n] >> 4];
            *target++ = (uint8_t) "0123456789abcdef"[digest[n] & 15];
        }
        text.size += 2 * (size_t) size;
        text_end(&text, i);
    }
    EVP_MD_CTX_free(context);
    return text_finish(&text);
}

static const struct column *call_crc32(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, 1);
    struct arg x = arg_of(arguments[0], output.rows);
    for (int64_t i = 0; i < output.rows; i++) {
        if (!output_is_null(&output, i)) {
            struct slice bytes = arg_bytes(x, i);
            output_int(&output, i,
                       (int64_t) crc32(crc32(0, NULL, 0), bytes.data, (uInt) bytes.size));
        }
    }
    return output_finish(&output);
}

/* ---- Murmur3 as Spark has it: bytes behind the last whole word are mixed in one by one ---- */

static uint32_t rotate(uint32_t x, int by)
{
    return x << by | x >> (32 - by);
}

static uint32_t murmur_mix(uint32_t hash, uint32_t word)
{
    word = rotate(word * 0xcc9e2d51u, 15) * 0x1b873593u;
    return rotate(hash ^ word, 13) * 5 + 0xe6546b64u;
}

static uint32_t murmur_end(uint32_t hash, size_t size)
{
    hash ^= (uint32_t) size;
    hash = (hash ^ hash >> 16) * 0x85ebca6bu;
    hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
    return hash ^ hash >> 16;
}

static uint32_t murmur_bytes(const uint8_t *data, size_t size, uint32_t seed)
{
    uint32_t hash = seed;
    size_t at = 0;
    for (; at + 4 <= size; at += 4) {
        uint32_t word;
        memcpy(&word, data + at, 4);
        hash = murmur_mix(hash, word);
    }
    for (; at < size; at++) {
        hash = murmur_mix(hash, (uint32_t) (int32_t) (int8_t) data[at]);
    }
    return murmur_end(hash, size);
}

/* ---- values ---- */

static uint64_t hash_bytes(bool xx, const void *data, size_t size, uint64_t seed)
{
    return xx ? XXH64(data, size, seed) : murmur_bytes(data, size, (uint32_t) seed);
}

static uint64_t hash_int(bool xx, int32_t value, uint64_t seed)
{
    return hash_bytes(xx, &value, sizeof value, seed);
}

static uint64_t hash_long(bool xx, int64_t value, uint64_t seed)
{
    return hash_bytes(xx, &value, sizeof value, seed);
}

/* BigInteger.toByteArray: big-endian two's complement in as few bytes as do. */
static uint64_t hash_large_decimal(bool xx, int128 value, uint64_t seed)
{
    uint8_t bytes[16];
    for (int i = 0; i < 16; i++) {
        bytes[i] = (uint8_t) (value >> (8 * (15 - i)));
    }
    size_t start = 0;
    while (start < 15 && ((bytes[start] == 0 && bytes[start + 1] < 0x80) ||
                          (bytes[start] == 0xff && bytes[start + 1] >= 0x80))) {
        start++;
    }
    return hash_bytes(xx, bytes + start, 16 - start, seed);
}

static uint64_t hash_value(bool xx, const struct column *column, int64_t row, uint64_t seed);

static uint64_t hash_nested(bool xx, const struct column *column, int64_t row, uint64_t seed)
{
    uint32_t count = column->type->field_count;
    if (column->type->id == TYPE_STRUCT) {
        for (uint32_t i = 0; i < count; i++) {
            seed = hash_value(xx, column->children[i], row, seed);
        }
        return seed;
    }
    for (int32_t e = column->offsets[row]; e < column->offsets[row + 1]; e++) {
        for (uint32_t i = 0; i < count; i++) {
            seed = hash_value(xx, column->children[i], e, seed);
        }
    }
    return seed;
}

static uint64_t hash_value(bool xx, const struct column *column, int64_t row, uint64_t seed)
{
    if (column->type->id == TYPE_NULL || column_is_null(column, row)) {
        return seed;
    }
    switch (column->type->id) {
    case TYPE_BOOLEAN:
        return hash_int(xx, column_bool(column, row), seed);
    case TYPE_BIGINT:
    case TYPE_TIMESTAMP:
    case TYPE_INTERVAL:
        return hash_long(xx, column_int(column, row), seed);
    case TYPE_FLOAT: {
        float value = ((const float *) column->values)[row];
        int32_t bits = 0;
        value = value == 0 ? 0 : value;
        memcpy(&bits, &value, sizeof bits);
        return hash_int(xx, value != value ? 0x7fc00000 : bits, seed);
    }
    case TYPE_DOUBLE: {
        double value = ((const double *) column->values)[row];
        int64_t bits = 0;
        value = value == 0 ? 0 : value;
        memcpy(&bits, &value, sizeof bits);
        return hash_long(xx, value != value ? 0x7ff8000000000000 : bits, seed);
    }
    case TYPE_DECIMAL: {
        int128 value = ((const int128 *) column->values)[row];
        return column->type->precision <= 18 ? hash_long(xx, (int64_t) value, seed)
                                             : hash_large_decimal(xx, value, seed);
    }
    case TYPE_STRING:
    case TYPE_BINARY: {
        struct slice bytes = column_bytes(column, row);
        return hash_bytes(xx, bytes.data, bytes.size, seed);
    }
    case TYPE_ARRAY:
    case TYPE_MAP:
    case TYPE_STRUCT:
        return hash_nested(xx, column, row, seed);
    default:
        return hash_int(xx, (int32_t) column_int(column, row), seed);
    }
}

enum {
    HASH_MURMUR,
    HASH_XX
};

static bool has_map(const struct type *type)
{
    for (uint32_t i = 0; i < type->field_count; i++) {
        if (has_map(type->fields[i].type)) {
            return true;
        }
    }
    return type->id == TYPE_MAP;
}

static enum status resolve_hash(RESOLVE_PARAMETERS)
{
    for (uint32_t i = 0; i < count; i++) {
        if (has_map(types[i])) {
            return function_type_error(function, i, types[i], "a type without maps", error);
        }
    }
    *ret_type = type_plain(function->variant == HASH_XX ? TYPE_BIGINT : TYPE_INT);
    return STATUS_OK;
}

static const struct column *call_hash(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, NULL, 0);
    bool xx = call->function->variant == HASH_XX;
    for (int64_t i = 0; i < output.rows; i++) {
        uint64_t hash = 42;
        for (uint32_t a = 0; a < call->argument_count; a++) {
            struct arg x = arg_of(arguments[a], output.rows);
            hash = hash_value(xx, x.column, arg_row(x, i), hash);
        }
        output_int(&output, i, xx ? (int64_t) hash : (int32_t) hash);
    }
    return output_finish(&output);
}

static const struct sql_function rows[] = {
    SCALAR_VARIANT("md5",
                   DIGEST_MD5,
                   1,
                   1,
                   "binary -> string",
                   call_digest,
                   "md5(bytes)",
                   "MD5 in hexadecimal."),
    SCALAR_VARIANT("sha",
                   DIGEST_SHA1,
                   1,
                   1,
                   "binary -> string",
                   call_digest,
                   "sha(bytes)",
                   "SHA-1 in hexadecimal."),
    SCALAR_VARIANT("sha1",
                   DIGEST_SHA1,
                   1,
                   1,
                   "binary -> string",
                   call_digest,
                   "sha1(bytes)",
                   "SHA-1 in hexadecimal."),
    SCALAR_VARIANT("sha2",
                   DIGEST_SHA2,
                   2,
                   2,
                   "binary, int -> string",
                   call_digest,
                   "sha2(bytes, bits)",
                   "SHA-2 of 224, 256 (or 0), 384 or 512 bits in hexadecimal, else null."),
    SCALAR("crc32", 1, 1, "binary -> bigint", call_crc32, "crc32(bytes)", "CRC-32."),
    SCALAR_RESOLVED("hash",
                    HASH_MURMUR,
                    1,
                    ARGUMENTS_ANY,
                    resolve_hash,
                    call_hash,
                    "hash(a, ...)",
                    "A 32-bit hash, the same as Spark's."),
    SCALAR_RESOLVED("xxhash64",
                    HASH_XX,
                    1,
                    ARGUMENTS_ANY,
                    resolve_hash,
                    call_hash,
                    "xxhash64(a, ...)",
                    "A 64-bit hash, the same as Spark's."),
};

FUNCTION_FAMILY(functions_hash, rows);
