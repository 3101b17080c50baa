#include "connectors/cassandra/cql_tls.h"

#include "base/assert.h"
#include "base/memory.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct cql_tls {
    SSL_CTX *context;
    const char *name; /* NULL: the host's */
};

struct cql_tls_channel {
    SSL *ssl;
    BIO *in;  /* owned by ssl */
    BIO *out; /* owned by ssl */
    bool ready;
};

static enum status
failed(enum status status, const char *what, const char *file, struct error *error)
{
    char reason[256] = "unknown";
    unsigned long code = ERR_get_error();
    if (code != 0) {
        ERR_error_string_n(code, reason, sizeof(reason));
    }
    ERR_clear_error();
    return error_set(error, status, "tls: %s%s%s: %s", what, file == NULL ? "" : " ",
                     file == NULL ? "" : file, reason);
}

/* ---- certificates ------------------------------------------------------------------------------
 */

static enum status
load_files(struct cql_tls *tls, const struct cql_settings *settings, struct error *error)
{
    SSL_CTX *context = tls->context;
    const char *ca = settings->tls_ca;
    const char *cert = settings->tls_cert;
    const char *key = settings->tls_key != NULL ? settings->tls_key : cert;
    if (ca == NULL ? SSL_CTX_set_default_verify_paths(context) != 1
                   : SSL_CTX_load_verify_locations(context, ca, NULL) != 1) {
        return failed(STATUS_CONFIG, "cannot read certificates of authorities", ca, error);
    }
    if (cert != NULL && SSL_CTX_use_certificate_chain_file(context, cert) != 1) {
        return failed(STATUS_CONFIG, "cannot use the certificate", cert, error);
    }
    if (cert != NULL && SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
        return failed(STATUS_CONFIG, "cannot use the key", key, error);
    }
    return STATUS_OK;
}

enum status
cql_tls_new(const struct cql_settings *settings, struct cql_tls **ret_tls, struct error *error)
{
    struct cql_tls *tls = mem_zalloc(sizeof(*tls));
    tls->name = settings->tls_name;
    tls->context = SSL_CTX_new(TLS_client_method());
    ASSERT(tls->context != NULL);
    SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION);
    SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
    enum status status = load_files(tls, settings, error);
    if (status != STATUS_OK) {
        cql_tls_free(tls);
        return status;
    }
    *ret_tls = tls;
    return STATUS_OK;
}

void cql_tls_free(struct cql_tls *tls)
{
    if (tls != NULL) {
        SSL_CTX_free(tls->context);
        mem_free(tls);
    }
}

/* ---- a channel ---------------------------------------------------------------------------------
 */

static bool is_address(const char *host)
{
    uint8_t bytes[16];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

enum status cql_tls_open(struct cql_tls *tls,
                         const char *host,
                         struct cql_tls_channel **ret_channel,
                         struct error *error)
{
    const char *name = tls->name != NULL ? tls->name : host;
    struct cql_tls_channel *channel = mem_zalloc(sizeof(*channel));
    channel->ssl = SSL_new(tls->context);
    channel->in = BIO_new(BIO_s_mem());
    channel->out = BIO_new(BIO_s_mem());
    ASSERT(channel->ssl != NULL && channel->in != NULL && channel->out != NULL);
    SSL_set_bio(channel->ssl, channel->in, channel->out);
    SSL_set_connect_state(channel->ssl);
    X509_VERIFY_PARAM *wanted = SSL_get0_param(channel->ssl);
    /* What SSL_set_tlsext_host_name stands for; the macro casts the name's const away. */
    void *shown = (void *) (uintptr_t) name;
    int good = is_address(name) ? X509_VERIFY_PARAM_set1_ip_asc(wanted, name)
                                : X509_VERIFY_PARAM_set1_host(wanted, name, 0) &&
                                      SSL_ctrl(channel->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME,
                                               TLSEXT_NAMETYPE_host_name, shown) == 1;
    if (good != 1) {
        cql_tls_close(channel);
        return failed(STATUS_CONFIG, "no certificate can be for", name, error);
    }
    *ret_channel = channel;
    return STATUS_OK;
}

void cql_tls_close(struct cql_tls_channel *channel)
{
    if (channel != NULL) {
        SSL_free(channel->ssl);
        mem_free(channel);
    }
}

bool cql_tls_ready(const struct cql_tls_channel *channel)
{
    return channel->ready;
}

static void take_output(struct cql_tls_channel *channel, struct buffer *wire)
{
    size_t size = BIO_ctrl_pending(channel->out);
    if (size > 0) {
        int got = BIO_read(channel->out, buffer_reserve(wire, size), (int) size);
        wire->size += got > 0 ? (size_t) got : 0;
    }
}

static enum status judge_handshake(struct cql_tls_channel *channel, int result, struct error *error)
{
    if (result == 1) {
        channel->ready = true;
        return STATUS_OK;
    }
    if (SSL_get_error(channel->ssl, result) == SSL_ERROR_WANT_READ) {
        return STATUS_OK;
    }
    long verdict = SSL_get_verify_result(channel->ssl);
    if (verdict != X509_V_OK) {
        ERR_clear_error();
        (void) error_set(error, STATUS_CONFIG, "tls: the server's certificate is refused: %s",
                         X509_verify_cert_error_string(verdict));
        error_hint(error, "name the authority's file with tls_ca=, or with tls_name= the name that "
                          "the certificate is for");
        return STATUS_CONFIG;
    }
    return failed(STATUS_PROTOCOL, "no handshake; does the server expect TLS?", NULL, error);
}

enum status cql_tls_receive(struct cql_tls_channel *channel,
                            struct slice bytes,
                            struct buffer *plain,
                            struct buffer *wire,
                            struct error *error)
{
    if (bytes.size > 0) {
        ASSERT(BIO_write(channel->in, bytes.data, (int) bytes.size) == (int) bytes.size);
    }
    if (!channel->ready) {
        enum status status = judge_handshake(channel, SSL_do_handshake(channel->ssl), error);
        take_output(channel, wire);
        TRY(status);
    }
    while (channel->ready) {
        int got = SSL_read(channel->ssl, buffer_reserve(plain, 16384), 16384);
        if (got <= 0) {
            int reason = SSL_get_error(channel->ssl, got);
            take_output(channel, wire); /* answers to key updates */
            if (reason == SSL_ERROR_WANT_READ) {
                return STATUS_OK;
            }
            return reason == SSL_ERROR_ZERO_RETURN
                       ? error_set(error, STATUS_UNAVAILABLE,
                                   "tls: the server ended the connection")
                       : failed(STATUS_UNAVAILABLE, "the connection broke", NULL, error);
        }
        plain->size += (size_t) got;
    }
    return STATUS_OK;
}

enum status cql_tls_send(struct cql_tls_channel *channel,
                         struct slice plain,
                         struct buffer *wire,
                         struct error *error)
{
    while (plain.size > 0) {
        int size = plain.size < (1u << 20) ? (int) plain.size : 1 << 20;
        int sent = SSL_write(channel->ssl, plain.data, size);
        if (sent <= 0) {
            return failed(STATUS_UNAVAILABLE, "the connection broke", NULL, error);
        }
        plain = slice_of(plain.data + sent, plain.size - (size_t) sent);
        take_output(channel, wire);
    }
    return STATUS_OK;
}
