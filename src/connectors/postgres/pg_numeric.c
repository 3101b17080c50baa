#include "connectors/postgres/pg_numeric.h"

#define POSITIVE    0x0000
#define NEGATIVE    0x4000
#define BASE        10000
#define BASE_DIGITS 4
#define GROUPS_MAX  12 /* 39 digits, with gaps at both ends */

static int power_of_ten(int exponent)
{
    static const int powers[] = {1, 10, 100, 1000, 10000};
    return powers[exponent];
}

void pg_numeric_write(int128 unscaled, int scale, struct buffer *target)
{
    bool negative = unscaled < 0;
    uint128 left = negative ? 0 - (uint128) unscaled : (uint128) unscaled;
    uint16_t groups[GROUPS_MAX]; /* the last one first */
    int count = 0;
    /* The last group may have fewer than four digits of ours: zeros follow them. */
    int gap = scale % BASE_DIGITS == 0 ? 0 : BASE_DIGITS - scale % BASE_DIGITS;
    if (gap > 0) {
        int part = power_of_ten(BASE_DIGITS - gap);
        groups[count++] = (uint16_t) ((int) (left % (uint128) part) * power_of_ten(gap));
        left /= (uint128) part;
    }
    for (; left > 0; left /= BASE) {
        groups[count++] = (uint16_t) (left % BASE);
    }
    int weight = count - (scale + gap) / BASE_DIGITS - 1;
    int first = 0; /* zeros at either end are not written */
    while (first < count && groups[first] == 0) {
        first++;
    }
    while (count > first && groups[count - 1] == 0) {
        count--;
        weight--;
    }
    buffer_append_be16(target, (uint16_t) (count - first));
    buffer_append_be16(target, (uint16_t) (count == first ? 0 : weight));
    buffer_append_be16(target, negative ? NEGATIVE : POSITIVE);
    buffer_append_be16(target, (uint16_t) scale);
    for (int i = count - 1; i >= first; i--) {
        buffer_append_be16(target, groups[i]);
    }
}

static int be16(struct slice value, size_t index)
{
    const uint8_t *bytes = value.data + 2 * index;
    return bytes[0] << 8 | bytes[1];
}

enum status
pg_numeric_read(struct slice value, int scale, int128 *ret_unscaled, struct error *error)
{
    int count = value.size < 8 ? -1 : be16(value, 0);
    if (count < 0 || value.size != 8 + 2 * (size_t) count || count > GROUPS_MAX ||
        (be16(value, 2) != POSITIVE && be16(value, 2) != NEGATIVE)) {
        return error_set(error, STATUS_CORRUPT, "a numeric of %zu bytes is no decimal", value.size);
    }
    /* How many of our digits stand behind a group. */
    int behind = ((int16_t) be16(value, 1)) * BASE_DIGITS + scale;
    uint128 unscaled = 0;
    for (int i = 0; i < count; i++, behind -= BASE_DIGITS) {
        int group = be16(value, 4 + (size_t) i);
        if (behind >= 0) {
            unscaled = unscaled * BASE + (uint128) group;
        } else if (behind > -BASE_DIGITS && group % power_of_ten(-behind) == 0) {
            unscaled = unscaled * (uint128) power_of_ten(BASE_DIGITS + behind) +
                       (uint128) (group / power_of_ten(-behind));
        } else {
            return error_set(error, STATUS_CORRUPT, "a numeric has more than %d decimals", scale);
        }
    }
    for (behind += BASE_DIGITS; count > 0 && behind > 0; behind--) {
        unscaled *= 10;
    }
    *ret_unscaled = be16(value, 2) == NEGATIVE ? -(int128) unscaled : (int128) unscaled;
    return STATUS_OK;
}
