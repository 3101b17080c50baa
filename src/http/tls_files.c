#include "http/tls_files.h"

#include "io/file.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#define PEM_BYTES_MAX ((size_t) 1 << 20)

/* A key with a password has nobody to ask for it. */
static int no_password(char *target, int size, int writing, void *context)
{
    (void) target;
    (void) size;
    (void) writing;
    (void) context;
    return -1;
}

static void write_pin(X509 *certificate, char pin[TLS_PIN_BYTES])
{
    uint8_t *der = NULL;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    int bytes = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (bytes > 0 && EVP_Digest(der, (size_t) bytes, digest, &size, EVP_sha256(), NULL) == 1) {
        (void) snprintf(pin, TLS_PIN_BYTES, "sha256//");
        (void) EVP_EncodeBlock((unsigned char *) pin + strlen(pin), digest, (int) size);
    }
    OPENSSL_free(der);
}

static enum status check(X509 *certificate, EVP_PKEY *key, const char *path, struct error *error)
{
    if (certificate == NULL) {
        return error_set(error, STATUS_CONFIG, "\"%s\" holds no certificate in PEM", path);
    }
    if (key == NULL) {
        return error_set(error, STATUS_CONFIG,
                         "the key of \"%s\" is no private key in PEM, or has a password", path);
    }
    if (X509_check_private_key(certificate, key) != 1) {
        return error_set(error, STATUS_CONFIG, "the key is not that of the certificate \"%s\"",
                         path);
    }
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) {
        return error_set(error, STATUS_CONFIG, "the certificate \"%s\" has expired", path);
    }
    return STATUS_OK;
}

enum status tls_files_load(const char *certificate,
                           const char *key,
                           struct tls_files *ret_files,
                           struct error *error)
{
    struct tls_files files = {0};
    enum status status = file_load(certificate, PEM_BYTES_MAX, &files.certificate, error);
    if (status == STATUS_OK) {
        status = file_load(key, PEM_BYTES_MAX, &files.key, error);
    }
    if (status != STATUS_OK) {
        tls_files_free(&files);
        error_context(error, "tls");
        return error->status = STATUS_CONFIG;
    }
    BIO *certificate_text = BIO_new_mem_buf(buffer_string(&files.certificate), -1);
    BIO *key_text = BIO_new_mem_buf(buffer_string(&files.key), -1);
    X509 *x509 = PEM_read_bio_X509(certificate_text, NULL, no_password, NULL);
    EVP_PKEY *private_key = PEM_read_bio_PrivateKey(key_text, NULL, no_password, NULL);
    status = check(x509, private_key, certificate, error);
    if (status == STATUS_OK) {
        write_pin(x509, files.pin);
    }
    ERR_clear_error();
    EVP_PKEY_free(private_key);
    X509_free(x509);
    (void) BIO_free(key_text);
    (void) BIO_free(certificate_text);
    if (status != STATUS_OK) {
        tls_files_free(&files);
        return status;
    }
    *ret_files = files;
    return STATUS_OK;
}

void tls_files_free(struct tls_files *files)
{
    if (files->key.data != NULL) {
        OPENSSL_cleanse(files->key.data, files->key.size);
    }
    buffer_deinit(&files->key);
    buffer_deinit(&files->certificate);
}
