/* The text forms of uuids, addresses, times and durations, as CQL writes its constants. */

#include "connectors/cassandra/cql_value.h"

#include "base/hex.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

#define NS_PER_S   INT64_C(1000000000)
#define NS_PER_MIN (60 * NS_PER_S)
#define NS_PER_H   (60 * NS_PER_MIN)
#define NS_PER_DAY (24 * NS_PER_H)

/* ---- vints -------------------------------------------------------------------------------------
 */

void cql_vint_write(struct buffer *target, uint64_t value)
{
    int extra = 0; /* bytes behind the first, which then has 7 - extra bits of the value */
    while (extra < 8 && value >> (7 * (extra + 1)) != 0) {
        extra++;
    }
    if (extra == 8) {
        buffer_append_byte(target, 0xFF);
    } else {
        uint8_t mark = (uint8_t) (0xFF00u >> extra);
        buffer_append_byte(target, (uint8_t) (mark | (value >> (8 * extra))));
    }
    for (int i = extra - 1; i >= 0; i--) {
        buffer_append_byte(target, (uint8_t) (value >> (8 * i)));
    }
}

uint64_t cql_vint_read(struct cql_reader *reader)
{
    uint8_t first = cql_read_byte(reader);
    int extra = 0;
    while (extra < 8 && (first & (0x80u >> extra)) != 0) {
        extra++;
    }
    struct slice rest = cql_read_raw(reader, (size_t) extra);
    uint64_t value = extra >= 7 ? 0 : first & (0x7Fu >> extra);
    for (size_t i = 0; i < rest.size; i++) {
        value = value << 8 | rest.data[i];
    }
    return reader->failed ? 0 : value;
}

/* ---- uuid and inet -----------------------------------------------------------------------------
 */

size_t cql_uuid_text(const uint8_t bytes[16], char *target)
{
    static const char digits[] = "0123456789abcdef";
    size_t at = 0;
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            target[at++] = '-';
        }
        target[at++] = digits[bytes[i] >> 4];
        target[at++] = digits[bytes[i] & 15];
    }
    target[at] = '\0';
    return at;
}

bool cql_uuid_parse(struct slice text, uint8_t ret_bytes[16])
{
    size_t at = 0;
    if (text.size != 36) {
        return false;
    }
    for (size_t i = 0; i < 16; i++) {
        if (at == 8 || at == 13 || at == 18 || at == 23) {
            if (text.data[at++] != '-') {
                return false;
            }
        }
        int high = hex_digit_value(text.data[at]);
        int low = hex_digit_value(text.data[at + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        ret_bytes[i] = (uint8_t) (high << 4 | low);
        at += 2;
    }
    return true;
}

size_t cql_inet_text(struct slice bytes, char *target)
{
    int family = bytes.size == 4 ? AF_INET : AF_INET6;
    if ((bytes.size != 4 && bytes.size != 16) ||
        inet_ntop(family, bytes.data, target, CQL_TEXT_BYTES) == NULL) {
        return 0;
    }
    return strlen(target);
}

size_t cql_inet_parse(struct slice text, uint8_t ret_bytes[16])
{
    char copy[CQL_TEXT_BYTES];
    if (text.size >= sizeof(copy) || memchr(text.data, 0, text.size) != NULL) {
        return 0;
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    return inet_pton(AF_INET, copy, ret_bytes) == 1    ? 4
           : inet_pton(AF_INET6, copy, ret_bytes) == 1 ? 16
                                                       : 0;
}

/* ---- time --------------------------------------------------------------------------------------
 */

size_t cql_time_text(int64_t nanoseconds, char *target)
{
    int64_t seconds = nanoseconds / NS_PER_S;
    int length = snprintf(target, CQL_TEXT_BYTES, "%02d:%02d:%02d", (int) (seconds / 3600),
                          (int) (seconds / 60 % 60), (int) (seconds % 60));
    int fraction = (int) (nanoseconds % NS_PER_S);
    if (fraction != 0) {
        length += snprintf(target + length, CQL_TEXT_BYTES - (size_t) length, ".%09d", fraction);
        while (target[length - 1] == '0') {
            target[--length] = '\0';
        }
    }
    return (size_t) length;
}

static bool two_digits(struct slice text, size_t at, int most, int64_t *ret_number)
{
    if (at + 2 > text.size || text.data[at] < '0' || text.data[at] > '9' ||
        text.data[at + 1] < '0' || text.data[at + 1] > '9') {
        return false;
    }
    *ret_number = (text.data[at] - '0') * 10 + (text.data[at + 1] - '0');
    return *ret_number <= most;
}

bool cql_time_parse(struct slice text, int64_t *ret_nanoseconds)
{
    int64_t hours;
    int64_t minutes;
    int64_t seconds;
    if (text.size < 8 || text.data[2] != ':' || text.data[5] != ':' ||
        !two_digits(text, 0, 23, &hours) || !two_digits(text, 3, 59, &minutes) ||
        !two_digits(text, 6, 59, &seconds)) {
        return false;
    }
    int64_t fraction = 0;
    if (text.size > 8) {
        if (text.data[8] != '.' || text.size == 9 || text.size > 18) {
            return false;
        }
        for (size_t i = 9; i < 18; i++) {
            uint8_t c = i < text.size ? text.data[i] : '0';
            if (c < '0' || c > '9') {
                return false;
            }
            fraction = fraction * 10 + (c - '0');
        }
    }
    *ret_nanoseconds = ((hours * 60 + minutes) * 60 + seconds) * NS_PER_S + fraction;
    return true;
}

/* ---- duration ----------------------------------------------------------------------------------
 */

static const struct unit {
    const char *name;
    int part; /* 0 months, 1 days, 2 nanoseconds */
    uint64_t size;
} units[] = {
    {"y", 0, 12},       {"mo", 0, 1},       {"w", 1, 7},          {"d", 1, 1},
    {"h", 2, NS_PER_H}, {"ms", 2, 1000000}, {"m", 2, NS_PER_MIN}, {"s", 2, NS_PER_S},
    {"us", 2, 1000},    {"ns", 2, 1},
};

static size_t
append_unit(char *target, size_t length, uint64_t *rest, uint64_t size, const char *name)
{
    uint64_t count = *rest / size;
    *rest %= size;
    if (count == 0) {
        return length;
    }
    return length + (size_t) snprintf(target + length, CQL_TEXT_BYTES - length, "%" PRIu64 "%s",
                                      count, name);
}

size_t cql_duration_text(const struct cql_duration *duration, char *target)
{
    bool negative = duration->months < 0 || duration->days < 0 || duration->nanoseconds < 0;
    uint64_t sign = negative ? UINT64_MAX : 1;
    uint64_t months = (uint64_t) (int64_t) duration->months * sign;
    uint64_t days = (uint64_t) (int64_t) duration->days * sign;
    uint64_t rest = (uint64_t) duration->nanoseconds * sign;
    size_t length = 0;
    if (months == 0 && days == 0 && rest == 0) {
        memcpy(target, "0s", 3);
        return 2;
    }
    target[length] = '-';
    length += negative;
    length = append_unit(target, length, &months, 12, "y");
    length = append_unit(target, length, &months, 1, "mo");
    length = append_unit(target, length, &days, 1, "d");
    length = append_unit(target, length, &rest, NS_PER_H, "h");
    length = append_unit(target, length, &rest, NS_PER_MIN, "m");
    length = append_unit(target, length, &rest, NS_PER_S, "s");
    length = append_unit(target, length, &rest, 1000000, "ms");
    length = append_unit(target, length, &rest, 1000, "us");
    return append_unit(target, length, &rest, 1, "ns");
}

/* "12mo": the number and the unit; moves on. */
static bool take_part(struct slice *text, uint64_t parts[3])
{
    uint64_t number = 0;
    size_t at = 0;
    for (; at < text->size && text->data[at] >= '0' && text->data[at] <= '9'; at++) {
        if (number > (uint64_t) INT64_MAX / 10) {
            return false;
        }
        number = number * 10 + (uint64_t) (text->data[at] - '0');
    }
    size_t digits = at;
    while (at < text->size && (text->data[at] < '0' || text->data[at] > '9')) {
        at++;
    }
    struct slice name = slice_of(text->data + digits, at - digits);
    *text = slice_of(text->data + at, text->size - at);
    for (size_t i = 0; digits > 0 && i < ARRAY_SIZE(units); i++) {
        if (slice_equal_string(name, units[i].name)) {
            uint64_t *part = &parts[units[i].part];
            return !__builtin_mul_overflow(number, units[i].size, &number) &&
                   !__builtin_add_overflow(*part, number, part);
        }
    }
    return false;
}

bool cql_duration_parse(struct slice text, struct cql_duration *ret_duration)
{
    uint64_t parts[3] = {0};
    bool negative = text.size > 0 && text.data[0] == '-';
    struct slice rest = negative ? slice_of(text.data + 1, text.size - 1) : text;
    if (rest.size == 0) {
        return false;
    }
    while (rest.size > 0) {
        if (!take_part(&rest, parts)) {
            return false;
        }
    }
    if (parts[0] > INT32_MAX || parts[1] > INT32_MAX || parts[2] > INT64_MAX) {
        return false;
    }
    int sign = negative ? -1 : 1;
    *ret_duration = (struct cql_duration){
        .months = sign * (int32_t) parts[0],
        .days = sign * (int32_t) parts[1],
        .nanoseconds = sign * (int64_t) parts[2],
    };
    return true;
}
