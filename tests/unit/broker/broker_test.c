/* The server over a real socket: framing, versions, and peers that do not keep to the protocol. */

#include "test.h"

#include "base/buffer.h"
#include "broker/broker.h"
#include "io/file.h"
#include "wire/header.h"
#include "wire/messages.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

struct fixture {
    char directory[64];
    struct broker *broker;
    int port;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    strcpy(fixture->directory, "/tmp/leat-broker-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    struct broker_config config;
    broker_config_init(&config);
    config.directory = fixture->directory;
    config.flush_policy = FLUSH_NEVER;
    config.request_bytes_max = 1 << 20;
    struct error error = {0};
    assert_ok(broker_open(&config, &fixture->broker, &error), error);
    fixture->port = atoi(strrchr(broker_address(fixture->broker), ':') + 1);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    assert_ok(broker_stop(fixture->broker, 5000000, &error), error);
    broker_free(fixture->broker);
    assert_ok(directory_remove(fixture->directory, &error), error);
    free(fixture);
    return 0;
}

static int open_socket(const struct fixture *fixture)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    struct timeval wait = {.tv_sec = 20};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t) fixture->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *) &address, sizeof(address)), 0);
    return fd;
}

static void send_bytes(int fd, const void *bytes, size_t size)
{
    assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), (ssize_t) size);
}

/* A frame: length, header version 1 (client id "t"), body. */
static void put_frame(
    struct buffer *target, int16_t key, int16_t version, int32_t id, const void *body, size_t size)
{
    buffer_append_be32(target, (uint32_t) (11 + size));
    buffer_append_be16(target, (uint16_t) key);
    buffer_append_be16(target, (uint16_t) version);
    buffer_append_be32(target, (uint32_t) id);
    buffer_append_be16(target, 1);
    buffer_append_byte(target, 't');
    buffer_append(target, body, size);
}

static void
send_frame(int fd, int16_t key, int16_t version, int32_t id, const void *body, size_t size)
{
    struct buffer frame = BUFFER_INIT;
    put_frame(&frame, key, version, id, body, size);
    send_bytes(fd, frame.data, frame.size);
    buffer_deinit(&frame);
}

static void read_bytes(int fd, uint8_t *target, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = recv(fd, target + done, size - done, 0);
        assert_true(got > 0);
        done += (size_t) got;
    }
}

/* Reads an answer without its correlation id, which must be `id`. */
static struct slice read_answer(int fd, int32_t id, struct buffer *room)
{
    uint8_t prefix[4];
    read_bytes(fd, prefix, 4);
    size_t size =
        (size_t) prefix[0] << 24 | (size_t) prefix[1] << 16 | (size_t) prefix[2] << 8 | prefix[3];
    buffer_clear(room);
    read_bytes(fd, buffer_reserve(room, size), size);
    room->size = size;
    struct wire_reader reader = {room->data, room->data + size};
    int64_t correlation;
    assert_true(wire_read_int(&reader, 4, &correlation));
    assert_int_equal(correlation, id);
    return slice_of(reader.at, (size_t) (reader.end - reader.at));
}

static void assert_closed(int fd)
{
    uint8_t byte;
    assert_true(recv(fd, &byte, 1, 0) <= 0);
    close(fd);
}

static void an_unknown_version_of_api_versions_is_answered_in_version_0(void **state)
{
    int fd = open_socket(*state);
    send_frame(fd, API_API_VERSIONS, 99, 5, "whatever", 8);
    struct buffer room = BUFFER_INIT;
    struct slice answer = read_answer(fd, 5, &room);
    struct arena arena;
    arena_init(&arena, 0);
    struct api_versions_response response;
    struct wire_reader reader = {answer.data, answer.data + answer.size};
    struct error error = {0};
    assert_ok(wire_decode(&api_versions_response_type, 0, false, &reader, 1 << 20, &arena,
                          &response, &error),
              error);
    assert_ptr_equal(reader.at, reader.end);
    assert_int_equal(response.error_code, 35);
    bool told = false;
    for (int32_t i = 0; i < response.api_keys_count; i++) {
        told |= response.api_keys[i].api_key == 18 && response.api_keys[i].max_version == 4;
    }
    assert_true(told);
    /* The client goes on with a version it was told, over the same connection. */
    static const uint8_t v3[] = "\0\x05leat\x04"
                                "1.0\0";
    send_frame(fd, API_API_VERSIONS, 3, 6, v3, sizeof(v3) - 1);
    answer = read_answer(fd, 6, &room);
    assert_int_equal(answer.data[0] << 8 | answer.data[1], 0);
    arena_deinit(&arena);
    buffer_deinit(&room);
    close(fd);
}

static void strange_software_names_are_refused(void **state)
{
    int fd = open_socket(*state);
    static const uint8_t body[] = "\0\x06 leat\x04"
                                  "1.0\0";
    send_frame(fd, API_API_VERSIONS, 3, 1, body, sizeof(body) - 1);
    struct buffer room = BUFFER_INIT;
    struct slice answer = read_answer(fd, 1, &room);
    assert_int_equal(answer.data[0] << 8 | answer.data[1], 42);
    buffer_deinit(&room);
    close(fd);
}

static void what_is_not_served_closes_the_connection(void **state)
{
    static const struct {
        int16_t key;
        int16_t version;
        const char *body;
        size_t size;
    } cases[] = {
        {4242, 0, "", 0},                             /* no such request       */
        {API_PRODUCE, 2, "\0\1\0\0\0\0\0\0\0\0", 10}, /* advertised, not read  */
        {API_FETCH, 99, "", 0},                       /* a version of tomorrow */
        {API_METADATA, 1, "\x7f\xff\xff\xff", 4},     /* two billion topics    */
        {API_METADATA, 1, "\0\0", 2},                 /* cut short             */
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int fd = open_socket(*state);
        send_frame(fd, cases[i].key, cases[i].version, 1, cases[i].body, cases[i].size);
        assert_closed(fd);
    }
}

static void impossible_frames_close_the_connection(void **state)
{
    static const char *const prefixes[] = {"\x7f\xff\xff\xff", "\xff\xff\xff\xff",
                                           "GET / HTTP/1.1"};
    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        int fd = open_socket(*state);
        send_bytes(fd, prefixes[i], 4);
        assert_closed(fd);
    }
    int fd = open_socket(*state);
    send_bytes(fd, "\0\0\0\3abc", 7); /* too short for a header */
    assert_closed(fd);
}

static void a_frame_may_come_byte_by_byte(void **state)
{
    int fd = open_socket(*state);
    struct buffer frame = BUFFER_INIT;
    put_frame(&frame, API_METADATA, 1, 9, "\0\0\0\0", 4);
    for (size_t i = 0; i < frame.size; i++) {
        send_bytes(fd, frame.data + i, 1);
    }
    struct buffer room = BUFFER_INIT;
    (void) read_answer(fd, 9, &room);
    buffer_deinit(&frame);
    buffer_deinit(&room);
    close(fd);
}

/* Some of these wait for the disk, some do not; the answers come in order all the same. */
static void pipelined_requests_are_answered_in_order(void **state)
{
    int fd = open_socket(*state);
    struct buffer frames = BUFFER_INIT;
    for (int32_t i = 0; i < 200; i++) {
        char body[32];
        int size =
            snprintf(body, sizeof(body), "%c%c%c%c%c%ctopic%c", 0, 0, 0, 1, 0, 6, 'a' + i % 20);
        put_frame(&frames, API_METADATA, 1, 2 * i, body, (size_t) size);
        put_frame(&frames, API_API_VERSIONS, 0, 2 * i + 1, "", 0);
    }
    send_bytes(fd, frames.data, frames.size);
    struct buffer room = BUFFER_INIT;
    for (int32_t i = 0; i < 400; i++) {
        (void) read_answer(fd, i, &room);
    }
    buffer_deinit(&frames);
    buffer_deinit(&room);
    close(fd);
}

static void count_topic(void *context, const struct broker_topic_info *info)
{
    *(int *) context += info->partition_count;
}

static void status_pages_see_topics(void **state)
{
    struct fixture *fixture = *state;
    int fd = open_socket(fixture);
    send_frame(fd, API_METADATA, 1, 1, "\0\0\0\2\0\3one\0\3two", 14);
    struct buffer room = BUFFER_INIT;
    (void) read_answer(fd, 1, &room);
    int partitions = 0;
    broker_topics_visit(fixture->broker, count_topic, &partitions);
    assert_int_equal(partitions, 2);
    buffer_deinit(&room);
    close(fd);
}

static void a_taken_address_is_said(void **state)
{
    const struct fixture *fixture = *state;
    struct broker_config config;
    broker_config_init(&config);
    char directory[] = "/tmp/leat-broker-XXXXXX";
    assert_non_null(mkdtemp(directory));
    config.directory = directory;
    config.port = fixture->port;
    struct broker *broker = NULL;
    struct error error = {0};
    assert_fails(broker_open(&config, &broker, &error), STATUS_UNAVAILABLE, error,
                 "could not listen");
    assert_ok(directory_remove(directory, &error), error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_unknown_version_of_api_versions_is_answered_in_version_0,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(strange_software_names_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_served_closes_the_connection, setup, teardown),
        cmocka_unit_test_setup_teardown(impossible_frames_close_the_connection, setup, teardown),
        cmocka_unit_test_setup_teardown(a_frame_may_come_byte_by_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(pipelined_requests_are_answered_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(status_pages_see_topics, setup, teardown),
        cmocka_unit_test_setup_teardown(a_taken_address_is_said, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
