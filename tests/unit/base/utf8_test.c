#include "base/utf8.h"

#include "test.h"

#include <stdio.h>

/* Python decides what is valid: every pair of interesting bytes, and random mixtures. */
static const char script[] =
    "python3 -c \""
    "import random\n"
    "random.seed(3)\n"
    "edge = [0, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, "
    "0xe1, "
    "0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff]\n"
    "cases = [bytes([a, b, c]) for a in edge for b in edge for c in edge]\n"
    "cases += [bytes([a, b, 0x80, c]) for a in edge for b in edge for c in edge]\n"
    "def mix():\n"
    "    t = ''.join(chr(random.choice([random.randint(32, 126), random.randint(0xa0, 0xd7ff), "
    "random.randint(0xe000, 0x10ffff)])) for _ in range(random.randint(0, 20))).encode()\n"
    "    t = bytearray(t)\n"
    "    if t and random.random() < 0.5: t[random.randrange(len(t))] = random.randint(0, 255)\n"
    "    return bytes(t)\n"
    "cases += [mix() for _ in range(5000)]\n"
    "for c in cases:\n"
    "    try: n = len(c.decode('utf-8'))\n"
    "    except UnicodeDecodeError: n = -1\n"
    "    print('x' + c.hex(), n)\n"
    "\"";

static void agrees_with_python(void **state)
{
    (void) state;
    FILE *pipe = popen(script, "r");
    assert_non_null(pipe);
    char line[512];
    size_t lines = 0;
    while (fgets(line, sizeof(line), pipe) != NULL) {
        if (line[1] == ' ') {
            continue; /* no bytes at all */
        }
        char hex[400];
        int length;
        assert_int_equal(sscanf(line, "x%399s %d", hex, &length), 2);
        size_t size = strlen(hex) / 2;
        uint8_t *bytes = malloc(size); /* exactly, so that reading past the end is noticed */
        for (size_t i = 0; i < size; i++) {
            unsigned byte;
            assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
            bytes[i] = (uint8_t) byte;
        }
        if (utf8_valid(bytes, size) != (length >= 0)) {
            fail_msg("%s: not as Python says (%d)", hex, length);
        }
        if (length >= 0) {
            assert_int_equal(utf8_length(bytes, size), length);
        }
        free(bytes);
        lines++;
    }
    assert_int_equal(pclose(pipe), 0);
    assert_true(lines > 35000);
}

static void goes_there_and_back(void **state)
{
    (void) state;
    for (uint32_t code_point = 0; code_point <= 0x10ffff; code_point++) {
        if (code_point == 0xd800) {
            code_point = 0xe000;
        }
        uint8_t bytes[4];
        uint32_t back;
        size_t size = utf8_encode(code_point, bytes);
        assert_int_equal(utf8_decode(bytes, size, &back), size);
        assert_int_equal(back, code_point);
        if (size > 1) {
            assert_int_equal(utf8_decode(bytes, size - 1, &back), 0);
        }
    }
}

static void counts_invalid_bytes_one_by_one(void **state)
{
    (void) state;
    assert_int_equal(utf8_length((const uint8_t *) "a\xff\xc3\xa9\xe2\x82", 6), 5);
    assert_int_equal(utf8_length(NULL, 0), 0);
    assert_true(utf8_valid(NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_python),
        cmocka_unit_test(goes_there_and_back),
        cmocka_unit_test(counts_invalid_bytes_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
