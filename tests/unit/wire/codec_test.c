/* What a hostile or careless peer may send, and what the tables do with it. */

#include "test.h"

#include "wire/header.h"
#include "wire/messages.h"

static enum status decode(const struct wire_message *message,
                          int16_t version,
                          const char *bytes,
                          size_t size,
                          size_t bytes_max,
                          void *target,
                          struct error *error)
{
    static struct arena arena;
    arena_deinit(&arena);
    arena_init(&arena, 0);
    struct wire_reader reader = {(const uint8_t *) bytes, (const uint8_t *) bytes + size};
    bool flexible = wire_is_flexible(message, version);
    enum status status =
        wire_decode(message->request, version, flexible, &reader, bytes_max, &arena, target, error);
    if (status == STATUS_OK) {
        assert_ptr_equal(reader.at, reader.end);
    }
    return status;
}

#define DECODE(message, version, literal, target, error)                                           \
    decode((message), (version), (literal), sizeof(literal) - 1, 1 << 20, (target), (error))

static void hostile_lengths_are_refused(void **state)
{
    (void) state;
    struct metadata_request request;
    struct error error = {0};
    assert_fails(DECODE(&metadata_message, 1, "\x7f\xff\xff\xff", &request, &error),
                 STATUS_PROTOCOL, error, "topics: 2147483647 elements do not fit");
    assert_fails(DECODE(&metadata_message, 1, "\xff\xff\xff\xfe", &request, &error),
                 STATUS_PROTOCOL, error, "topics: length -2 is impossible");
    assert_fails(DECODE(&metadata_message, 0, "\xff\xff\xff\xff", &request, &error),
                 STATUS_PROTOCOL, error, "topics: null is not allowed");
    assert_fails(DECODE(&metadata_message, 1, "\0\0\0\1\xff\xff", &request, &error),
                 STATUS_PROTOCOL, error, "topics: name: null is not allowed");
    assert_fails(DECODE(&metadata_message, 1, "\0\0\0\1\0\5abcd", &request, &error),
                 STATUS_PROTOCOL, error, "topics: name: the message is cut short");
    /* A varint of six bytes; tags that claim more than there is. */
    assert_fails(DECODE(&metadata_message, 9, "\xff\xff\xff\xff\xff\1", &request, &error),
                 STATUS_PROTOCOL, error, "topics");
    assert_fails(DECODE(&metadata_message, 9, "\1\0\0\0\1\0\x09xy", &request, &error),
                 STATUS_PROTOCOL, error, "tagged fields");
}

static void arrays_stay_inside_their_memory_limit(void **state)
{
    (void) state;
    struct error error = {0};
    struct metadata_request request;
    char bytes[4 + 2 * 1000] = "\0\0\x03\xe8";
    assert_ok(decode(&metadata_message, 1, bytes, sizeof(bytes), 1 << 20, &request, &error), error);
    assert_int_equal(request.topics_count, 1000);
    assert_fails(decode(&metadata_message, 1, bytes, sizeof(bytes), 10000, &request, &error),
                 STATUS_LIMIT, error, "topics: 1000 elements take more memory");
}

static void null_and_empty_differ(void **state)
{
    (void) state;
    struct error error = {0};
    struct metadata_request request;
    assert_ok(DECODE(&metadata_message, 1, "\xff\xff\xff\xff", &request, &error), error);
    assert_int_equal(request.topics_count, -1);
    assert_ok(DECODE(&metadata_message, 1, "\0\0\0\0", &request, &error), error);
    assert_int_equal(request.topics_count, 0);
    assert_true(request.allow_auto_topic_creation); /* what an old version means */

    struct produce_request produce;
    assert_ok(DECODE(&produce_message, 3, "\xff\xff\0\1\0\0\0\0\0\0\0\0", &produce, &error), error);
    assert_null(produce.transactional_id.data);
    assert_ok(DECODE(&produce_message, 3, "\0\0\0\1\0\0\0\0\0\0\0\0", &produce, &error), error);
    assert_non_null(produce.transactional_id.data);
    assert_int_equal(produce.transactional_id.size, 0);
}

static void a_string_too_long_for_the_old_encoding_is_an_error(void **state)
{
    (void) state;
    struct error error = {0};
    struct buffer text = BUFFER_INIT;
    memset(buffer_reserve(&text, 40000), 'x', 40000);
    text.size = 40000;
    struct find_coordinator_request request = {.key = buffer_slice(&text)};
    struct wire_output output;
    wire_output_init(&output, 0);
    assert_fails(wire_encode(&find_coordinator_request_type, 0, false, &request, &output, &error),
                 STATUS_LIMIT, error, "key: 40000 bytes or elements");
    assert_ok(wire_encode(&find_coordinator_request_type, 3, true, &request, &output, &error),
              error);
    wire_output_deinit(&output);
    buffer_deinit(&text);
}

static void large_records_go_by_reference(void **state)
{
    (void) state;
    struct error error = {0};
    struct fetch_response_partition partitions[2] = {
        {.index = 0, .records = SLICE("small"), .aborted_transactions_count = -1},
        {.index = 1, .records = SLICE("rather large"), .aborted_transactions_count = -1},
    };
    struct fetch_response_topic topic = {
        .name = SLICE("t"), .partitions = partitions, .partitions_count = 2};
    struct fetch_response response = {.topics = &topic, .topics_count = 1};
    struct wire_output whole;
    struct wire_output split;
    wire_output_init(&whole, 0);
    wire_output_init(&split, 10);
    assert_ok(wire_encode(&fetch_response_type, 11, false, &response, &whole, &error), error);
    assert_ok(wire_encode(&fetch_response_type, 11, false, &response, &split, &error), error);
    assert_int_equal(split.reference_count, 1);
    assert_int_equal(wire_output_size(&split), wire_output_size(&whole));
    assert_int_equal(split.references[0].at, split.bytes.size);
    assert_memory_equal(split.bytes.data, whole.bytes.data, split.bytes.size);
    assert_memory_equal(whole.bytes.data + split.bytes.size, "rather large", 12);
    wire_output_deinit(&whole);
    wire_output_deinit(&split);
}

static void request_headers(void **state)
{
    (void) state;
    struct error error = {0};
    struct request_header header;
    static const uint8_t bytes[] = "\0\x12\0\3\0\0\0\7\0\4test";
    struct wire_reader reader = {bytes, bytes + sizeof(bytes) - 1};
    assert_ok(request_header_decode(&reader, &header, &error), error);
    assert_int_equal(header.api_key, API_API_VERSIONS);
    assert_int_equal(header.api_version, 3);
    assert_int_equal(header.correlation_id, 7);
    assert_true(slice_equal_string(header.client_id, "test"));
    for (size_t size = 0; size < sizeof(bytes) - 1; size++) {
        reader = (struct wire_reader){bytes, bytes + size};
        assert_fails(request_header_decode(&reader, &header, &error), STATUS_PROTOCOL, error,
                     "header");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_lengths_are_refused),
        cmocka_unit_test(arrays_stay_inside_their_memory_limit),
        cmocka_unit_test(null_and_empty_differ),
        cmocka_unit_test(a_string_too_long_for_the_old_encoding_is_an_error),
        cmocka_unit_test(large_records_go_by_reference),
        cmocka_unit_test(request_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
