#include "test.h"

#include "http/address.h"
#include "http/client.h"
#include "raw.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <zlib.h>

static struct http_client *client_new(const struct http_client_config *config)
{
    struct http_client *client = NULL;
    struct error error = {0};
    assert_ok(http_client_new(config, &client, &error), error);
    return client;
}

/* One request to a raw server with a fixed answer. */
struct answered {
    struct raw_server server;
    struct http_client *client;
    struct http_reply reply;
    struct http_request request;
    struct error error;
    enum status status;
    char url[128];
};

static void answered_begin(struct answered *answered, struct slice answer)
{
    memset(answered, 0, sizeof(*answered));
    answered->server.answer = answer;
    answered->request.timeouts = HTTP_TIMEOUTS_DEFAULT;
    http_reply_init(&answered->reply);
    raw_server_start(&answered->server);
    (void) snprintf(answered->url, sizeof(answered->url),
                    "http://user:hidden@127.0.0.1:%u/path?token=hidden", answered->server.port);
    answered->request.url = answered->url;
    answered->client = client_new(&(struct http_client_config){0});
}

static void answered_ask(struct answered *answered)
{
    answered->status =
        http_request(answered->client, &answered->request, &answered->reply, &answered->error);
}

static void answered_end(struct answered *answered)
{
    http_client_free(answered->client);
    http_reply_deinit(&answered->reply);
    raw_server_stop(&answered->server);
}

static void expect_failure(struct answered *answered, enum http_failure failure, enum status status)
{
    answered_ask(answered);
    assert_string_equal(http_failure_name(answered->reply.failure), http_failure_name(failure));
    assert_int_equal(answered->status, status);
    assert_null(strstr(answered->error.message, "hidden"));
    assert_non_null(strstr(answered->error.message, "/path\""));
}

#define ANSWER(text) SLICE(text)

static void reads_headers(void **state)
{
    (void) state;
    struct answered a;
    answered_begin(&a, ANSWER("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                              "HTTP/1.1 429 Slow down\r\nETag: \"v1\"\r\nRetry-After: 120\r\n"
                              "X-A:  one \r\nx-a: two\r\nContent-Length: 4\r\n\r\nbody"));
    answered_ask(&a);
    assert_int_equal(a.status, STATUS_OK);
    assert_int_equal(a.reply.status, 429);
    assert_string_equal(buffer_string(&a.reply.body), "body");
    assert_string_equal(a.reply.etag, "\"v1\"");
    assert_string_equal(http_reply_value(&a.reply, "x-a"), "one, two");
    assert_null(http_reply_value(&a.reply, "link"));
    assert_true(a.reply.retry_after_us == 120 * INT64_C(1000000));
    assert_int_equal(a.reply.wire_bytes, 4);
    answered_end(&a);
}

static void parses_retry_after(void **state)
{
    (void) state;
    const int64_t second = 1000000;
    const int64_t now = INT64_C(784111770) * second; /* RFC 9110: 06 Nov 1994 08:49:37 is ...777 */

    static const struct {
        const char *text;
        int64_t seconds;
    } rows[] = {
        {"0", 0},
        {" 30 ", 30},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 7},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 7},
        {"Sun Nov  6 08:49:37 1994", 7},
        {"Sun, 06 Nov 1994 08:00:00 GMT", 0},
        {"99999999999999999999999", 1000000000},
        {"Fri, 31 Dec 9999 23:59:59 GMT", 1000000000},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_true(http_retry_after_parse(rows[i].text, now) == rows[i].seconds * second);
    }
    static const char *const bad[] = {"",          "-1", "soon", "12abc", "1e9", "Sun: whenever",
                                      "1994-11-06"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_true(http_retry_after_parse(bad[i], now) == -1);
    }
}

static void tells_truncation(void **state)
{
    (void) state;
    struct answered a;
    answered_begin(&a, ANSWER("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"results\":["));
    expect_failure(&a, HTTP_TRUNCATED, STATUS_PROTOCOL);
    assert_true(a.error.retriable);
    answered_end(&a);
    answered_begin(&a, ANSWER("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"));
    expect_failure(&a, HTTP_TRUNCATED, STATUS_PROTOCOL);
    answered_end(&a);
    answered_begin(&a, ANSWER("HTTP/1.1 200 OK\r\nContent-Le"));
    a.server.reset = true;
    answered_ask(&a);
    assert_int_not_equal(a.status, STATUS_OK);
    answered_end(&a);
}

static void tells_what_is_no_reply(void **state)
{
    (void) state;
    struct answered a;
    answered_begin(&a, ANSWER(""));
    expect_failure(&a, HTTP_CLOSED, STATUS_UNAVAILABLE);
    answered_end(&a);
    answered_begin(&a, ANSWER("SSH-2.0-OpenSSH\r\n"));
    expect_failure(&a, HTTP_PROTOCOL, STATUS_PROTOCOL);
    answered_end(&a);
    answered_begin(
        &a,
        ANSWER("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 7\r\n\r\nno gzip"));
    expect_failure(&a, HTTP_PROTOCOL, STATUS_PROTOCOL);
    answered_end(&a);
    answered_begin(&a, ANSWER("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"));
    expect_failure(&a, HTTP_PROTOCOL, STATUS_PROTOCOL);
    answered_end(&a);
}

static void tells_the_timeouts_apart(void **state)
{
    (void) state;
    struct answered a;
    answered_begin(&a, ANSWER(""));
    a.server.silent = true;
    a.request.timeouts.first_byte_us = 30000;
    expect_failure(&a, HTTP_TIMEOUT_FIRST_BYTE, STATUS_UNAVAILABLE);
    answered_end(&a);
    answered_begin(&a, ANSWER("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"));
    a.server.silent = true;
    a.request.timeouts.idle_us = 30000;
    expect_failure(&a, HTTP_TIMEOUT_IDLE, STATUS_UNAVAILABLE);
    a.request.timeouts.total_us = 30000;
    a.request.timeouts.idle_us = 0;
    expect_failure(&a, HTTP_TIMEOUT_TOTAL, STATUS_UNAVAILABLE);
    atomic_bool cancel = true;
    a.request.cancel = &cancel;
    a.request.timeouts = HTTP_TIMEOUTS_DEFAULT;
    expect_failure(&a, HTTP_CANCELLED, STATUS_CANCELLED);
    answered_end(&a);
}

/* A listening socket whose backlog is full answers no SYN: the connection hangs. */
static void tells_a_connect_timeout(void **state)
{
    (void) state;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listening, (struct sockaddr *) &address, size), 0);
    assert_int_equal(listen(listening, 0), 0);
    (void) getsockname(listening, (struct sockaddr *) &address, &size);
    int first = raw_connect(ntohs(address.sin_port));
    struct http_client *client = client_new(&(struct http_client_config){0});
    struct http_reply reply;
    struct error error = {0};
    char url[64];
    http_reply_init(&reply);
    (void) snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ntohs(address.sin_port));
    struct http_request request = {.url = url, .timeouts = {.connect_us = 50000}};
    assert_fails(http_request(client, &request, &reply, &error), STATUS_UNAVAILABLE, error,
                 "no connection in time");
    assert_int_equal(reply.failure, HTTP_TIMEOUT_CONNECT);
    (void) close(first);
    (void) close(listening);
    assert_fails(http_request(client, &request, &reply, &error), STATUS_UNAVAILABLE, error,
                 "could not connect");
    assert_int_equal(reply.failure, HTTP_NOT_CONNECTED);
    assert_true(error.retriable);
    http_reply_deinit(&reply);
    http_client_free(client);
}

static void refuses_bad_requests(void **state)
{
    (void) state;
    struct http_client *client = client_new(&(struct http_client_config){0});
    struct http_reply reply;
    struct error error = {0};
    http_reply_init(&reply);
    static const char *const urls[] = {
        "",           "file:///etc/passwd", "ftp://host/",       "http://",
        "gopher://x", "http://a b/",        "http://host:99999/"};
    for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
        const struct http_request request = {.url = urls[i]};
        assert_int_equal(http_request(client, &request, &reply, &error), STATUS_CONFIG);
        assert_int_equal(reply.failure, HTTP_BAD_REQUEST);
        assert_false(error.retriable);
    }
    const struct http_request_header header = {"X-Key", "hidden\r\nHost: other", true};
    const struct http_request request = {
        .url = "http://127.0.0.1:1/", .headers = &header, .header_count = 1};
    assert_fails(http_request(client, &request, &reply, &error), STATUS_CONFIG, error, "\"X-Key\"");
    assert_null(strstr(error.message, "hidden"));
    const struct http_request nowhere = {.url = "http://host.invalid/",
                                         .timeouts = {.total_us = 20000000}};
    assert_int_equal(http_request(client, &nowhere, &reply, &error), STATUS_UNAVAILABLE);
    assert_int_equal(reply.failure, HTTP_NOT_RESOLVED);
    http_reply_deinit(&reply);
    http_client_free(client);
}

/* `size` zero bytes as a gzip reply. */
static struct buffer gzip_reply(size_t size, size_t cut)
{
    struct buffer packed = BUFFER_INIT;
    uint8_t *zeros = calloc(1, size);
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = zeros;
    z.avail_in = (uInt) size;
    z.next_out = buffer_reserve(&packed, size + 1000);
    z.avail_out = (uInt) size + 1000;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    packed.size = z.total_out - cut;
    (void) deflateEnd(&z);
    free(zeros);
    struct buffer answer = BUFFER_INIT;
    buffer_printf(&answer,
                  "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
                  packed.size);
    buffer_append_slice(&answer, buffer_slice(&packed));
    buffer_deinit(&packed);
    return answer;
}

static void bounds_bodies(void **state)
{
    (void) state;
    struct answered a;
    struct buffer bomb = gzip_reply(10000000, 0);
    answered_begin(&a, buffer_slice(&bomb));
    answered_ask(&a);
    assert_int_equal(a.status, STATUS_OK);
    assert_int_equal(a.reply.body.size, 10000000);
    assert_true(a.reply.wire_bytes < 20000);
    a.request.inflated_bytes_max = 9999999;
    expect_failure(&a, HTTP_TOO_LARGE, STATUS_LIMIT);
    answered_end(&a);
    answered_begin(&a, ANSWER("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world"));
    a.request.body_bytes_max = 10;
    expect_failure(&a, HTTP_TOO_LARGE, STATUS_LIMIT);
    answered_end(&a);
    buffer_deinit(&bomb);
    struct buffer headers = BUFFER_INIT;
    buffer_append_string(&headers, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 10000; i++) {
        buffer_printf(&headers, "X-%d: %0100d\r\n", i, i);
    }
    answered_begin(&a, buffer_slice(&headers));
    expect_failure(&a, HTTP_TOO_LARGE, STATUS_LIMIT);
    answered_end(&a);
    buffer_deinit(&headers);
}

static void tells_truncated_gzip(void **state)
{
    (void) state;
    struct answered a;
    struct buffer cut = gzip_reply(100000, 20);
    answered_begin(&a, buffer_slice(&cut));
    answered_ask(&a);
    assert_int_not_equal(a.status, STATUS_OK);
    answered_end(&a);
    buffer_deinit(&cut);
}

static void knows_special_addresses(void **state)
{
    (void) state;

    /* the tables of RFC 6890, and IPv4 addresses inside IPv6 ones */
    static const struct {
        const char *text;
        bool special;
    } rows[] = {
        {"127.0.0.1", true},
        {"10.1.2.3", true},
        {"172.16.0.1", true},
        {"172.32.0.1", false},
        {"192.168.1.1", true},
        {"169.254.169.254", true},
        {"100.64.0.1", true},
        {"100.128.0.1", false},
        {"0.0.0.0", true},
        {"255.255.255.255", true},
        {"224.0.0.1", true},
        {"198.19.0.1", true},
        {"8.8.8.8", false},
        {"1.1.1.1", false},
        {"::1", true},
        {"::", true},
        {"fe80::1", true},
        {"fd00::1", true},
        {"::ffff:127.0.0.1", true},
        {"::ffff:8.8.8.8", false},
        {"64:ff9b::a9fe:a9fe", true},
        {"2606:4700::1111", false},
        {"2001:db8::1", true},
        {"2002:7f00:1::", true},
        {"ff02::1", true},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct sockaddr_in v4 = {.sin_family = AF_INET};
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
        bool is_v4 = inet_pton(AF_INET, rows[i].text, &v4.sin_addr) == 1;
        assert_true(is_v4 || inet_pton(AF_INET6, rows[i].text, &v6.sin6_addr) == 1);
        bool special = is_v4 ? address_is_special((struct sockaddr *) &v4)
                             : address_is_special((struct sockaddr *) &v6);
        if (special != rows[i].special) {
            fail_msg("%s", rows[i].text);
        }
    }
}

static void refuses_private_addresses(void **state)
{
    (void) state;
    struct answered a;
    answered_begin(&a, ANSWER("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    http_client_free(a.client);
    a.client = client_new(&(struct http_client_config){.refuse_private = true});
    expect_failure(&a, HTTP_ADDRESS_REFUSED, STATUS_CONFIG);
    http_client_free(a.client);
    const char *const allowed[] = {"127.0.0.1"};
    a.client = client_new(&(struct http_client_config){
        .refuse_private = true, .allow_hosts = allowed, .allow_host_count = 1});
    answered_ask(&a);
    assert_int_equal(a.status, STATUS_OK);
    /* the metadata service by a redirect: the address is checked again */
    raw_server_stop(&a.server);
    a.server.answer = ANSWER("HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest\r\n"
                             "Content-Length: 0\r\n\r\n");
    raw_server_start(&a.server);
    (void) snprintf(a.url, sizeof(a.url), "http://127.0.0.1:%u/path", a.server.port);
    a.request.redirects_max = 5;
    answered_ask(&a);
    assert_int_equal(a.reply.failure, HTTP_ADDRESS_REFUSED);
    assert_non_null(strstr(a.error.message, "169.254.169.254"));
    answered_end(&a);
    struct error error = {0};
    struct http_client *none = NULL;
    const struct http_client_config both = {.refuse_private = true, .proxy = "http://proxy:1"};
    assert_fails(http_client_new(&both, &none, &error), STATUS_CONFIG, error, "proxy");
}

static void *answered_run(void *context)
{
    answered_ask(context);
    return NULL;
}

/* Serves the redirect and then keeps what the second server was asked. */
static void drops_secrets_on_another_host(void **state)
{
    (void) state;
    struct raw_server second = {.answer = ANSWER("")};
    raw_server_start(&second);
    struct buffer redirect = BUFFER_INIT;
    buffer_printf(&redirect,
                  "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%u/next\r\n"
                  "Content-Length: 0\r\n\r\n",
                  second.port);
    raw_server_stop(&second);
    struct answered a;
    answered_begin(&a, buffer_slice(&redirect));
    const struct http_request_header headers[] = {
        {"X-Key", "hidden", true}, {"Authorization", "hidden", false}, {"X-Open", "shown", false}};
    a.request.headers = headers;
    a.request.header_count = ARRAY_SIZE(headers);
    a.request.body = SLICE("body");
    answered_ask(&a);
    assert_int_equal(a.reply.status, 302); /* redirects_max 0: a reply like others */

    /* the second server is a socket of ours, so that its request can be read */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(second.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    const int yes = 1;
    (void) setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    assert_int_equal(bind(listening, (struct sockaddr *) &address, sizeof(address)), 0);
    assert_int_equal(listen(listening, 1), 0);
    a.request.redirects_max = 1;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, answered_run, &a), 0);
    int fd = accept(listening, NULL, NULL);
    struct buffer request = BUFFER_INIT;
    raw_receive(fd, &request, "\r\n\r\n");
    static const char fine[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    raw_send(fd, fine, strlen(fine));
    (void) pthread_join(thread, NULL);
    assert_int_equal(a.status, STATUS_OK);
    assert_string_equal(buffer_string(&a.reply.body), "ok");
    assert_non_null(strstr(buffer_string(&request), "GET /next HTTP/1.1\r\n"));
    assert_non_null(strstr(buffer_string(&request), "X-Open: shown"));
    assert_null(strstr(buffer_string(&request), "hidden"));
    assert_null(strstr(buffer_string(&request), "Authorization"));
    (void) close(fd);
    (void) close(listening);
    answered_end(&a);
    buffer_deinit(&request);
    buffer_deinit(&redirect);
}

static void stops_redirect_loops(void **state)
{
    (void) state;
    struct answered a;
    answered_begin(&a,
                   ANSWER("HTTP/1.1 301 Moved\r\nLocation: /path\r\nContent-Length: 0\r\n\r\n"));
    a.request.redirects_max = 3;
    expect_failure(&a, HTTP_REDIRECT_REFUSED, STATUS_PROTOCOL);
    assert_int_equal(a.server.requests, 4);
    answered_end(&a);
    answered_begin(
        &a,
        ANSWER("HTTP/1.1 301 Moved\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"));
    a.request.redirects_max = 3;
    answered_ask(&a);
    assert_int_equal(a.reply.failure, HTTP_REDIRECT_REFUSED);
    answered_end(&a);
}

/* --- TLS: a server with a certificate of its own making --- */

struct tls_server {
    int listening;
    uint16_t port;
    SSL_CTX *context;
    pthread_t thread;
};

static void *tls_run(void *context)
{
    struct tls_server *server = context;
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    for (;;) {
        int fd = accept(server->listening, NULL, NULL);
        if (fd < 0) {
            return NULL;
        }
        SSL *ssl = SSL_new(server->context);
        char request[4096];
        (void) SSL_set_fd(ssl, fd);
        if (SSL_accept(ssl) == 1 && SSL_read(ssl, request, sizeof(request)) > 0) {
            (void) SSL_write(ssl, answer, (int) strlen(answer));
            (void) SSL_shutdown(ssl);
        }
        SSL_free(ssl);
        (void) close(fd);
    }
}

/* A self-signed certificate for 127.0.0.1; also written to `path`. */
static void make_certificate(SSL_CTX *context, const char *path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    (void) X509_set_version(certificate, 2);
    (void) ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    (void) X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    (void) X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    (void) X509_set_pubkey(certificate, key);
    X509_NAME *name = X509_get_subject_name(certificate);
    (void) X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *) "leat test",
                                      -1, -1, 0);
    (void) X509_set_issuer_name(certificate, name);
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
    (void) X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    assert_int_equal(SSL_CTX_use_certificate(context, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void) PEM_write_X509(file, certificate);
    (void) fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void verifies_certificates(void **state)
{
    (void) state;
    char path[] = "/tmp/leat-http-test-XXXXXX";
    (void) close(mkstemp(path));
    struct raw_server socket_only = {.answer = ANSWER("")};
    raw_server_start(&socket_only);
    raw_server_stop(&socket_only);
    struct tls_server server = {.port = socket_only.port,
                                .context = SSL_CTX_new(TLS_server_method())};
    make_certificate(server.context, path);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(server.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int yes = 1;
    server.listening = socket(AF_INET, SOCK_STREAM, 0);
    (void) setsockopt(server.listening, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    assert_int_equal(bind(server.listening, (struct sockaddr *) &address, sizeof(address)), 0);
    assert_int_equal(listen(server.listening, 4), 0);
    assert_int_equal(pthread_create(&server.thread, NULL, tls_run, &server), 0);

    const struct http_client_config configs[] = {{0}, {.ca_file = path}, {.insecure = true}};
    for (size_t i = 0; i < ARRAY_SIZE(configs); i++) {
        struct http_client *client = client_new(&configs[i]);
        struct http_reply reply;
        struct error error = {0};
        char url[64];
        http_reply_init(&reply);
        (void) snprintf(url, sizeof(url), "https://127.0.0.1:%u/", server.port);
        const struct http_request request = {.url = url, .timeouts = HTTP_TIMEOUTS_DEFAULT};
        enum status status = http_request(client, &request, &reply, &error);
        assert_int_equal(reply.failure, i == 0 ? HTTP_TLS : HTTP_OK);
        assert_int_equal(status, i == 0 ? STATUS_UNAVAILABLE : STATUS_OK);
        assert_false(error.retriable);
        http_reply_deinit(&reply);
        http_client_free(client);
    }
    (void) shutdown(server.listening, SHUT_RDWR);
    (void) pthread_join(server.thread, NULL);
    (void) close(server.listening);
    SSL_CTX_free(server.context);
    (void) unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_headers),
        cmocka_unit_test(parses_retry_after),
        cmocka_unit_test(tells_truncation),
        cmocka_unit_test(tells_what_is_no_reply),
        cmocka_unit_test(tells_the_timeouts_apart),
        cmocka_unit_test(tells_a_connect_timeout),
        cmocka_unit_test(refuses_bad_requests),
        cmocka_unit_test(bounds_bodies),
        cmocka_unit_test(tells_truncated_gzip),
        cmocka_unit_test(knows_special_addresses),
        cmocka_unit_test(refuses_private_addresses),
        cmocka_unit_test(drops_secrets_on_another_host),
        cmocka_unit_test(stops_redirect_loops),
        cmocka_unit_test(verifies_certificates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
