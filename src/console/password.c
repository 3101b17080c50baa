#include "console/password.h"

#include "base/attr.h"
#include "io/clock.h"

#include <argon2.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define PASSES       2
#define MEMORY_KIB   19456
#define LANES        1
#define SALT_BYTES   16
#define DIGEST_BYTES 32

/* Memory for one at a time, however many ask. */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static void write_hex(const uint8_t *bytes, size_t count, char *target)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        target[2 * i] = digits[bytes[i] >> 4];
        target[2 * i + 1] = digits[bytes[i] & 15];
    }
    target[2 * count] = '\0';
}

enum status
password_hash(const char *password, char ret_hash[PASSWORD_HASH_BYTES], struct error *error)
{
    uint8_t salt[SALT_BYTES];
    size_t size = strlen(password);
    if (size < PASSWORD_BYTES_MIN || size > PASSWORD_BYTES_MAX) {
        return error_set(error, STATUS_CONFIG, "a password has %d to %d bytes, this one has %zu",
                         PASSWORD_BYTES_MIN, PASSWORD_BYTES_MAX, size);
    }
    random_bytes(salt, sizeof(salt));
    int result = argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, password, size, salt,
                                       sizeof(salt), DIGEST_BYTES, ret_hash, PASSWORD_HASH_BYTES);
    if (result != ARGON2_OK) {
        return error_set(error, STATUS_INTERNAL, "could not hash the password: %s",
                         argon2_error_message(result));
    }
    return STATUS_OK;
}

bool password_matches(const char *hash, const char *password)
{
    /* Of a password that nobody has: its salt and digest are zeros. */
    static const char nobody[] = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
                                 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    size_t size = strlen(password);
    if (size > PASSWORD_BYTES_MAX) {
        return false;
    }
    (void) pthread_mutex_lock(&one_at_a_time);
    int result = argon2id_verify(hash == NULL ? nobody : hash, password, size);
    (void) pthread_mutex_unlock(&one_at_a_time);
    return hash != NULL && result == ARGON2_OK;
}

void secret_make(char ret_secret[SECRET_BYTES])
{
    uint8_t bytes[DIGEST_BYTES];
    random_bytes(bytes, sizeof(bytes));
    (void) snprintf(ret_secret, SECRET_BYTES, "leat_");
    write_hex(bytes, sizeof(bytes), ret_secret + strlen(ret_secret));
}

void secret_hash(const char *secret, char ret_hash[PASSWORD_HASH_BYTES])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    (void) EVP_Digest(secret, strlen(secret), digest, &size, EVP_sha256(), NULL);
    (void) snprintf(ret_hash, PASSWORD_HASH_BYTES, "sha256:");
    write_hex(digest, size, ret_hash + strlen(ret_hash));
}

bool secret_matches(const char *hash, const char *secret)
{
    char other[PASSWORD_HASH_BYTES];
    secret_hash(secret, other);
    size_t size = strlen(hash);
    return size == strlen(other) && CRYPTO_memcmp(hash, other, size) == 0;
}
