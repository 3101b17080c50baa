#include "test.h"

#include "cluster/spark/grpc.h"

#include <string.h>

static void messages_of_a_body(void **state)
{
    (void) state;
    struct error error = {0};
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    const struct slice *messages;
    size_t count;
    assert_ok(grpc_messages(SLICE("\0\0\0\0\003abc\0\0\0\0\0\0\0\0\0\001z"), &arena, &messages,
                            &count, &error),
              error);
    assert_int_equal(count, 3);
    assert_true(slice_equal_string(messages[0], "abc"));
    assert_int_equal(messages[1].size, 0);
    assert_true(slice_equal_string(messages[2], "z"));
    assert_ok(grpc_messages(SLICE_EMPTY, &arena, &messages, &count, &error), error);
    assert_int_equal(count, 0);
}

static void bodies_that_are_cut(void **state)
{
    (void) state;
    static const struct slice whole = {(const uint8_t *) "\0\0\0\0\003abc", 8};
    for (size_t size = 1; size < whole.size; size++) {
        struct error error = {0};
        struct arena arena CLEANUP(arena_deinit);
        arena_init(&arena, 0);
        const struct slice *messages;
        size_t count;
        assert_int_equal(
            grpc_messages(slice_of(whole.data, size), &arena, &messages, &count, &error),
            STATUS_PROTOCOL);
    }
    struct error error = {0};
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    const struct slice *messages;
    size_t count;
    assert_int_equal(grpc_messages(SLICE("\001\0\0\0\001a"), &arena, &messages, &count, &error),
                     STATUS_PROTOCOL);
    assert_int_equal(grpc_messages(SLICE("\0\377\377\377\377a"), &arena, &messages, &count, &error),
                     STATUS_PROTOCOL);
}

static void texts_of_a_status(void **state)
{
    (void) state;
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    assert_string_equal(grpc_message_text("a%20b%C3%A9%0Ac", &arena), "a b\303\251\nc");
    assert_string_equal(grpc_message_text("100%", &arena), "100%");
    assert_string_equal(grpc_message_text("%2", &arena), "%2");
    assert_string_equal(grpc_message_text("%zz%00", &arena), "%zz%00");
}

/* Vectors of RFC 4648, with and without padding. */
static void bytes_of_a_header(void **state)
{
    (void) state;
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    static const char *const vectors[][2] = {
        {"Zg==", "f"},        {"Zg", "f"},          {"Zm8=", "fo"},         {"Zm9v", "foo"},
        {"Zm9vYg==", "foob"}, {"Zm9vYmE", "fooba"}, {"Zm9vYmFy", "foobar"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
        assert_true(slice_equal_string(grpc_binary(vectors[i][0], &arena), vectors[i][1]));
    }
    assert_null(grpc_binary("Zm 9", &arena).data);
    assert_int_equal(grpc_binary("", &arena).size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_a_body),
        cmocka_unit_test(bodies_that_are_cut),
        cmocka_unit_test(texts_of_a_status),
        cmocka_unit_test(bytes_of_a_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
