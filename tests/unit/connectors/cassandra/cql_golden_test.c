/* Values, tokens and segments as the Python driver makes them: tests/golden/cassandra/make.py. */

#include "base/buffer.h"
#include "connectors/cassandra/cql_murmur.h"
#include "connectors/cassandra/cql_segment.h"
#include "connectors/cassandra/cql_value.h"
#include "io/file.h"
#include "test.h"

#include <stdio.h>

static struct buffer golden;

static int load(void **state)
{
    (void) state;
    struct error error;
    char path[1024];
    snprintf(path, sizeof(path), "%s/tests/golden/cassandra/golden.txt",
             getenv("LEAT_SOURCE_ROOT"));
    buffer_init(&golden);
    assert_ok(file_load(path, 1 << 20, &golden, &error), error);
    return 0;
}

static int unload(void **state)
{
    (void) state;
    buffer_deinit(&golden);
    return 0;
}

/* The words behind `kind`, of each such line; returns how many lines there were. */
static size_t each(const char *kind, size_t words, void (*check)(char **words))
{
    size_t count = 0;
    char *copy = strdup(buffer_string(&golden));
    char *lines = NULL;
    for (char *line = strtok_r(copy, "\n", &lines); line != NULL;
         line = strtok_r(NULL, "\n", &lines)) {
        char *word[3];
        size_t length = strlen(kind);
        if (strncmp(line, kind, length) != 0 || line[length] != ' ') {
            continue;
        }
        word[0] = line + length + 1;
        for (size_t i = 1; i < words; i++) {
            word[i] = strchr(word[i - 1], ' ');
            assert_non_null(word[i]);
            *word[i]++ = '\0';
        }
        check(word);
        count++;
    }
    free(copy);
    return count;
}

static struct buffer unhex(const char *text)
{
    struct buffer bytes = BUFFER_INIT;
    for (; text[0] != '-' && text[0] != '\0'; text += 2) {
        unsigned value;
        assert_int_equal(sscanf(text, "%2x", &value), 1);
        buffer_append_byte(&bytes, (uint8_t) value);
    }
    return bytes;
}

static void check_value(char **words)
{
    struct error error;
    struct arena arena CLEANUP(arena_deinit);
    struct buffer bytes CLEANUP(buffer_deinit) = unhex(words[2]);
    struct buffer json CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct buffer again CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct column_builder builder;
    arena_init(&arena, 0);
    const struct cql_type *type = cql_type_of_class(slice_of_string(words[0]), &arena);
    assert_int_not_equal(type->id, CQL_TYPE_CUSTOM);
    struct store_column column = cql_type_as_column("c", type, &arena);
    assert_true(cql_type_takes(type, column.type));
    column_builder_init(&builder, &arena, column.type, 1);
    assert_ok(cql_value_read(buffer_slice(&bytes), type, &builder, &error), error);
    const struct column *read = column_builder_finish(&builder);
    column_write_json(read, 0, &json);
    assert_string_equal(buffer_string(&json), words[1]);
    assert_ok(cql_value_write(read, 0, type, &again, &error), error);
    assert_int_equal(again.size, bytes.size + 4);
    assert_memory_equal(again.data + 4, bytes.data, bytes.size);
}

/* Values in JSON have no spaces, so that words are words. */
static void values(void **state)
{
    (void) state;
    assert_int_equal(each("value", 3, check_value), 34);
}

static void check_token(char **words)
{
    struct buffer key CLEANUP(buffer_deinit) = unhex(words[0]);
    assert_true(cql_murmur_token(buffer_slice(&key)) == strtoll(words[1], NULL, 10));
}

static void tokens(void **state)
{
    (void) state;
    assert_int_equal(each("token", 2, check_token), 7);
}

static void check_segment(char **words)
{
    struct error error;
    bool lz4 = strcmp(words[0], "lz4") == 0;
    struct buffer payload CLEANUP(buffer_deinit) = unhex(words[1]);
    struct buffer bytes CLEANUP(buffer_deinit) = unhex(words[2]);
    struct buffer found CLEANUP(buffer_deinit) = BUFFER_INIT;
    size_t used;
    for (size_t size = 0; size < bytes.size; size++) { /* cut short anywhere: more is wanted */
        assert_ok(cql_segment_read(slice_of(bytes.data, size), lz4, &found, &used, &error), error);
        assert_int_equal(used, 0);
    }
    assert_ok(cql_segment_read(buffer_slice(&bytes), lz4, &found, &used, &error), error);
    assert_int_equal(used, bytes.size);
    assert_true(slice_equal(buffer_slice(&found), buffer_slice(&payload)));
    for (size_t i = 0; i < bytes.size; i++) { /* each flipped bit is seen */
        bytes.data[i] ^= 0x10;
        assert_int_equal(cql_segment_read(buffer_slice(&bytes), lz4, &found, &used, &error),
                         STATUS_CORRUPT);
        bytes.data[i] ^= 0x10;
    }
    struct buffer written CLEANUP(buffer_deinit) = BUFFER_INIT;
    cql_segment_write(buffer_slice(&payload), lz4, &written);
    if (!lz4) {
        assert_true(slice_equal(buffer_slice(&written), buffer_slice(&bytes)));
    }
    buffer_clear(&found);
    assert_ok(cql_segment_read(buffer_slice(&written), lz4, &found, &used, &error), error);
    assert_true(slice_equal(buffer_slice(&found), buffer_slice(&payload)));
}

static void segments(void **state)
{
    (void) state;
    assert_int_equal(each("segment", 3, check_segment), 4);
}

/* An envelope larger than a segment goes over several, and comes together again. */
static void large_envelope(void **state)
{
    (void) state;
    struct error error;
    for (int lz4 = 0; lz4 < 2; lz4++) {
        struct buffer payload CLEANUP(buffer_deinit) = BUFFER_INIT;
        struct buffer wire CLEANUP(buffer_deinit) = BUFFER_INIT;
        struct buffer found CLEANUP(buffer_deinit) = BUFFER_INIT;
        for (uint32_t i = 0; i < 100000; i++) {
            buffer_append_be32(&payload, i * 2654435761u);
        }
        cql_segment_write(buffer_slice(&payload), lz4 != 0, &wire);
        size_t at = 0;
        size_t count = 0;
        for (size_t used; at < wire.size; at += used, count++) {
            struct slice rest = slice_of(wire.data + at, wire.size - at);
            assert_ok(cql_segment_read(rest, lz4 != 0, &found, &used, &error), error);
            assert_true(used > 0);
        }
        assert_int_equal(count, 4);
        assert_true(slice_equal(buffer_slice(&found), buffer_slice(&payload)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(tokens),
        cmocka_unit_test(segments),
        cmocka_unit_test(large_envelope),
    };
    return cmocka_run_group_tests_name("cql_golden", tests, load, unload);
}
