/* Every message version against bytes that another implementation made: tests/golden/wire/. */

#include "test.h"

#include "base/buffer.h"
#include "io/file.h"
#include "wire/messages.h"

#include <inttypes.h>
#include <stdio.h>

struct golden {
    char name[64];
    char side[16];
    int version;
    char variant[8];
    struct buffer bytes;
    const char *values;
};

static void parse_hex(const char *text, size_t size, struct buffer *target)
{
    for (size_t i = 0; i + 1 < size; i += 2) {
        unsigned byte;
        assert_int_equal(sscanf(text + i, "%2x", &byte), 1);
        buffer_append_byte(target, (uint8_t) byte);
    }
}

static void dump_hex(struct buffer *target, char letter, const uint8_t *data, size_t size)
{
    buffer_append_byte(target, (uint8_t) letter);
    for (size_t i = 0; i < size; i++) {
        buffer_printf(target, "%02x", data[i]);
    }
}

static void dump_struct(struct buffer *target,
                        const struct wire_type *type,
                        int version,
                        const uint8_t *source);

static void dump_value(struct buffer *target, int kind, const uint8_t *source)
{
    const struct slice *text = (const struct slice *) source;
    switch (kind) {
    case WIRE_BOOL:
    case WIRE_INT8:
        buffer_printf(target, "%d", *(const int8_t *) source);
        return;
    case WIRE_INT16:
        buffer_printf(target, "%d", *(const int16_t *) source);
        return;
    case WIRE_INT32:
        buffer_printf(target, "%d", *(const int32_t *) source);
        return;
    case WIRE_INT64:
        buffer_printf(target, "%" PRId64, *(const int64_t *) source);
        return;
    case WIRE_UUID:
        dump_hex(target, 'u', source, 16);
        return;
    default:
        if (text->data == NULL) {
            buffer_append_string(target, "~");
        } else if (kind == WIRE_STRING) {
            buffer_printf(target, "'%.*s'", SLICE_FORMAT(*text));
        } else {
            dump_hex(target, 'x', text->data, text->size);
        }
    }
}

static size_t element_bytes(const struct wire_field *field)
{
    static const size_t sizes[] = {[WIRE_BOOL] = 1,
                                   [WIRE_INT8] = 1,
                                   [WIRE_INT16] = 2,
                                   [WIRE_INT32] = 4,
                                   [WIRE_INT64] = 8,
                                   [WIRE_UUID] = 16,
                                   [WIRE_STRING] = sizeof(struct slice),
                                   [WIRE_BYTES] = sizeof(struct slice)};
    return field->element == WIRE_STRUCT ? field->type->size : sizes[field->element];
}

static void dump_array(struct buffer *target,
                       const struct wire_field *field,
                       int version,
                       const uint8_t *source)
{
    int32_t count = *(const int32_t *) (source + field->count_offset);
    const uint8_t *items = *(const uint8_t *const *) (source + field->offset);
    if (count < 0) {
        buffer_append_string(target, " ~");
        return;
    }
    buffer_printf(target, " [%d", count);
    for (int32_t i = 0; i < count; i++, items += element_bytes(field)) {
        if (field->element == WIRE_STRUCT) {
            dump_struct(target, field->type, version, items);
        } else {
            buffer_append_byte(target, ' ');
            dump_value(target, field->element, items);
        }
    }
}

static void
dump_struct(struct buffer *target, const struct wire_type *type, int version, const uint8_t *source)
{
    for (int i = 0; i < type->field_count; i++) {
        const struct wire_field *field = &type->fields[i];
        if (version < field->first || version > field->last) {
            continue;
        }
        if (field->kind == WIRE_ARRAY) {
            dump_array(target, field, version, source);
        } else {
            buffer_append_byte(target, ' ');
            dump_value(target, field->kind, source + field->offset);
        }
    }
}

static const struct wire_message *find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(messages_all); i++) {
        if (strcmp(messages_all[i]->name, name) == 0) {
            return messages_all[i];
        }
    }
    fail_msg("no message \"%s\"", name);
    return NULL;
}

static void check_decode(const struct golden *golden,
                         const struct wire_type *type,
                         bool flexible,
                         struct arena *arena,
                         void *target)
{
    struct error error = {0};
    struct wire_reader reader = {golden->bytes.data, golden->bytes.data + golden->bytes.size};
    int16_t version = (int16_t) golden->version;
    assert_ok(wire_decode(type, version, flexible, &reader, 1 << 20, arena, target, &error), error);
    assert_ptr_equal(reader.at, reader.end);

    struct buffer dump = BUFFER_INIT;
    dump_struct(&dump, type, golden->version, target);
    assert_string_equal(buffer_string(&dump), golden->values);
    buffer_deinit(&dump);
}

static void check_encode(const struct golden *golden,
                         const struct wire_type *type,
                         bool flexible,
                         const void *source)
{
    struct error error = {0};
    struct wire_output output;
    wire_output_init(&output, 0);
    int16_t version = (int16_t) golden->version;
    assert_ok(wire_encode(type, version, flexible, source, &output, &error), error);
    assert_int_equal(output.bytes.size, golden->bytes.size);
    assert_memory_equal(output.bytes.data, golden->bytes.data, golden->bytes.size);
    wire_output_deinit(&output);
}

/* Whatever is missing at the end is an error, never a crash or a read past the end. */
static void
check_cuts(const struct golden *golden, const struct wire_type *type, bool flexible, void *target)
{
    for (size_t size = 0; size < golden->bytes.size; size++) {
        struct arena arena;
        arena_init(&arena, 0);
        uint8_t *copy = malloc(size + 1); /* exactly sized, for the address sanitizer */
        memcpy(copy, golden->bytes.data, size);
        struct wire_reader reader = {copy, copy + size};
        int16_t version = (int16_t) golden->version;
        assert_int_not_equal(
            wire_decode(type, version, flexible, &reader, 1 << 20, &arena, target, NULL),
            STATUS_OK);
        free(copy);
        arena_deinit(&arena);
    }
}

static void check_line(char *line)
{
    struct golden golden = {0};
    int used = 0;
    assert_int_equal(sscanf(line, "%63s %15s %d %7s %n", golden.name, golden.side, &golden.version,
                            golden.variant, &used),
                     4);
    size_t hex_size = strcspn(line + used, " ");
    parse_hex(line + used, hex_size, &golden.bytes);
    golden.values = line + used + hex_size;

    const struct wire_message *message = find(golden.name);
    bool request = strcmp(golden.side, "request") == 0;
    const struct wire_type *type = request ? message->request : message->response;
    bool flexible = wire_is_flexible(message, (int16_t) golden.version);
    struct arena arena;
    arena_init(&arena, 0);
    void *target = arena_zalloc(&arena, type->size);
    check_decode(&golden, type, flexible, &arena, target);
    if (strcmp(golden.variant, "tags") != 0) {
        check_encode(&golden, type, flexible, target);
    }
    check_cuts(&golden, type, flexible, arena_alloc(&arena, type->size));
    arena_deinit(&arena);
    buffer_deinit(&golden.bytes);
}

static void each_message_reads_and_writes_as_kafka_python_does(void **state)
{
    (void) state;
    char path[1024];
    const char *root = getenv("LEAT_SOURCE_ROOT");
    assert_non_null(root);
    (void) snprintf(path, sizeof(path), "%s/tests/golden/wire/messages.txt", root);
    struct error error = {0};
    struct buffer text = BUFFER_INIT;
    assert_ok(file_load(path, 16 << 20, &text, &error), error);
    (void) buffer_string(&text);
    int lines = 0;
    char *rest = NULL;
    for (char *line = strtok_r((char *) text.data, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        check_line(line);
        lines++;
    }
    assert_true(lines > 800);
    buffer_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_message_reads_and_writes_as_kafka_python_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
