#pragma once

/* A server's certificate and key, as files: read and checked before anything listens, so that a
 * mistake has a name. */

#include "base/buffer.h"
#include "base/error.h"

#define TLS_PIN_BYTES 64

struct tls_files {
    struct buffer certificate, key; /* PEM, terminated */
    char pin[TLS_PIN_BYTES];        /* "sha256//BASE64" of the public key, as libcurl takes it */
};

/* STATUS_CONFIG: a file is not there or no PEM, the certificate is not valid now, or the key is not
 * its key. On failure there is nothing to free. */
MUST_USE enum status tls_files_load(const char *certificate,
                                    const char *key,
                                    struct tls_files *ret_files,
                                    struct error *error);

/* Overwrites the key. Fine on zeros. */
void tls_files_free(struct tls_files *files);
