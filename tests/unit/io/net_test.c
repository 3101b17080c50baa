#include "io/net.h"

#include "io/file.h"

#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static struct error error;

static void parses_addresses(void **state)
{
    (void) state;

    static const struct {
        const char *text;
        const char *host;
        unsigned port;
    } good[] = {
        {"127.0.0.1:9092", "127.0.0.1", 9092},
        {"localhost:0", "localhost", 0},
        {"my-host.example.com:65535", "my-host.example.com", 65535},
        {"[::1]:80", "::1", 80},
        {"[::]:80", "::", 80},
    };

    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        struct net_address address;
        char text[NET_ADDRESS_BYTES];
        assert_ok(net_address_parse(good[i].text, &address, &error), error);
        assert_string_equal(address.host, good[i].host);
        assert_int_equal(address.port, good[i].port);
        assert_string_equal(net_address_format(&address, text), good[i].text);
    }
    static const char *const bad[] = {
        "",         ":",          ":80",       "9092",         "host",          "host:",
        "host:x",   "host:65536", "host:-1",   "host:+1",      "host: 1",       "host:123456",
        "::1:80",   "[::1]",      "[::1]80",   "[::1",         "[]:80",         "[host]:80",
        "[::g]:80", "ho st:80",   "host/x:80", "user@host:80", "h\xc3\xb6st:80"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct net_address address;
        assert_fails(net_address_parse(bad[i], &address, &error), STATUS_USAGE, error,
                     "is not an address");
    }
    char long_host[400];
    memset(long_host, 'a', sizeof(long_host));
    (void) strcpy(long_host + 300, ":80");
    struct net_address address;
    assert_fails(net_address_parse(long_host, &address, &error), STATUS_USAGE, error, "too long");
}

static void knows_loopback(void **state)
{
    (void) state;
    static const char *const loopback[] = {"127.0.0.1", "127.255.0.9", "::1",
                                           "localhost", "LocalHost",   "::ffff:127.0.0.1"};
    static const char *const other[] = {"0.0.0.0",
                                        "::",
                                        "128.0.0.1",
                                        "10.0.0.1",
                                        "127.0.0.1.example.com",
                                        "localhost.example.com",
                                        "",
                                        "::ffff:10.0.0.1",
                                        "127.1"};
    for (size_t i = 0; i < ARRAY_SIZE(loopback); i++) {
        assert_true(net_is_loopback(loopback[i]));
    }
    for (size_t i = 0; i < ARRAY_SIZE(other); i++) {
        assert_false(net_is_loopback(other[i]));
    }
}

static void listens_and_names_the_holder(void **state)
{
    (void) state;
    struct net_address any = {.host = "127.0.0.1", .port = 0};
    struct net_address bound;
    int fd;
    assert_ok(net_listen(&any, &fd, &bound, &error), error);
    assert_int_not_equal(bound.port, 0);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);

    struct net_holder holder;
    assert_true(net_port_holder(bound.port, &holder));
    assert_int_equal(holder.pid, getpid());
    int second;
    char wanted[128];
    (void) snprintf(wanted, sizeof(wanted),
                    "cannot listen on 127.0.0.1:%u: port %u is taken by pid %d (%s)", bound.port,
                    bound.port, (int) getpid(), holder.name);
    assert_fails(net_listen(&bound, &second, NULL, &error), STATUS_UNAVAILABLE, error, wanted);
    file_close(fd);
    assert_false(net_port_holder(bound.port, &holder));
    assert_ok(net_listen(&bound, &fd, NULL, &error), error);
    file_close(fd);
}

static void explains_what_cannot_be_listened_on(void **state)
{
    (void) state;
    struct net_address foreign = {.host = "192.0.2.1", .port = 0}; /* RFC 5737: nobody's */
    int fd;
    assert_fails(net_listen(&foreign, &fd, NULL, &error), STATUS_UNAVAILABLE, error,
                 "the address is not one of this machine");
    struct net_address nowhere = {.host = "no_such_host.invalid", .port = 0};
    assert_fails(net_listen(&nowhere, &fd, NULL, &error), STATUS_UNAVAILABLE, error,
                 "could not resolve");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_addresses),
        cmocka_unit_test(knows_loopback),
        cmocka_unit_test(listens_and_names_the_holder),
        cmocka_unit_test(explains_what_cannot_be_listened_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
