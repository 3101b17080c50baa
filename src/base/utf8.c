#include "base/utf8.h"

#include <string.h>

static bool continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

size_t utf8_decode(const uint8_t *data, size_t size, uint32_t *ret_code_point)
{
    uint8_t lead = data[0];
    if (lead < 0x80) {
        *ret_code_point = lead;
        return 1;
    }
    size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || size < length) {
        return 0;
    }
    uint32_t code_point = lead & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (!continuation(data[i])) {
            return 0;
        }
        code_point = (code_point << 6) | (data[i] & 0x3fu);
    }
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code_point < smallest[length] || code_point > 0x10ffff ||
        (code_point >= 0xd800 && code_point <= 0xdfff)) {
        return 0;
    }
    *ret_code_point = code_point;
    return length;
}

size_t utf8_encode(uint32_t code_point, uint8_t target[4])
{
    if (code_point < 0x80) {
        target[0] = (uint8_t) code_point;
        return 1;
    }
    if (code_point < 0x800) {
        target[0] = (uint8_t) (0xc0 | (code_point >> 6));
        target[1] = (uint8_t) (0x80 | (code_point & 0x3f));
        return 2;
    }
    if (code_point < 0x10000) {
        target[0] = (uint8_t) (0xe0 | (code_point >> 12));
        target[1] = (uint8_t) (0x80 | ((code_point >> 6) & 0x3f));
        target[2] = (uint8_t) (0x80 | (code_point & 0x3f));
        return 3;
    }
    target[0] = (uint8_t) (0xf0 | (code_point >> 18));
    target[1] = (uint8_t) (0x80 | ((code_point >> 12) & 0x3f));
    target[2] = (uint8_t) (0x80 | ((code_point >> 6) & 0x3f));
    target[3] = (uint8_t) (0x80 | (code_point & 0x3f));
    return 4;
}

static size_t ascii_run(const uint8_t *data, size_t size)
{
    size_t i = 0;
    for (; i + 8 <= size; i += 8) {
        uint64_t word;
        memcpy(&word, data + i, 8);
        if ((word & 0x8080808080808080u) != 0) {
            break;
        }
    }
    while (i < size && data[i] < 0x80) {
        i++;
    }
    return i;
}

bool utf8_valid(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size;) {
        i += ascii_run(data + i, size - i);
        if (i == size) {
            break;
        }
        uint32_t code_point;
        size_t length = utf8_decode(data + i, size - i, &code_point);
        if (length == 0) {
            return false;
        }
        i += length;
    }
    return true;
}

size_t utf8_length(const uint8_t *data, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < size; count++) {
        uint32_t code_point;
        size_t length = utf8_decode(data + i, size - i, &code_point);
        i += length == 0 ? 1 : length;
    }
    return count;
}
