#include "sql/interval_text.h"

#include "base/time_text.h"

#include <stdio.h>
#include <strings.h>

size_t interval_format(int64_t interval_us, char *target)
{
    uint64_t rest = interval_us < 0 ? -(uint64_t) interval_us : (uint64_t) interval_us;
    unsigned micros = (unsigned) (rest % US_PER_SECOND);
    uint64_t seconds = rest / US_PER_SECOND;
    int size = sprintf(target, "INTERVAL '%s%llu %02u:%02u:%02u", interval_us < 0 ? "-" : "",
                       (unsigned long long) (seconds / 86400), (unsigned) (seconds / 3600 % 24),
                       (unsigned) (seconds / 60 % 60), (unsigned) (seconds % 60));
    if (micros > 0) {
        size += sprintf(target + size, ".%06u", micros);
        while (target[size - 1] == '0') {
            size--;
        }
    }
    size += sprintf(target + size, "' DAY TO SECOND");
    return (size_t) size;
}

size_t interval_format_months(int64_t months, char *target)
{
    int64_t rest = months < 0 ? -months : months;
    return (size_t) sprintf(target, "INTERVAL '%s%lld-%lld' YEAR TO MONTH", months < 0 ? "-" : "",
                            (long long) (rest / 12), (long long) (rest % 12));
}

/* The text between the quotes of INTERVAL [-]'...' <fields>; the text itself if it is no literal.
 */
static struct slice literal_body(struct slice text, bool *ret_negative)
{
    static const char word[] = "INTERVAL";
    *ret_negative = false;
    if (text.size < sizeof word || strncasecmp((const char *) text.data, word, 8) != 0) {
        return text;
    }
    const uint8_t *open = memchr(text.data, '\'', text.size);
    if (open == NULL) {
        return text;
    }
    *ret_negative = memchr(text.data, '-', (size_t) (open - text.data)) != NULL;
    size_t left = text.size - (size_t) (open + 1 - text.data);
    const uint8_t *close = memchr(open + 1, '\'', left);
    return close == NULL ? text : slice_of(open + 1, (size_t) (close - open - 1));
}

static bool read_sign(struct slice *text)
{
    bool negative = text->size > 0 && text->data[0] == '-';
    if (negative || (text->size > 0 && text->data[0] == '+')) {
        text->data++;
        text->size--;
    }
    return negative;
}

bool interval_parse(struct slice text, int64_t *ret_us)
{
    bool negative;
    text = literal_body(text, &negative);
    negative = read_sign(&text) != negative;
    char copy[64];
    if (text.size >= sizeof copy) {
        return false;
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    long long days;
    unsigned hours;
    unsigned minutes;
    unsigned seconds;
    int used = 0;
    if (sscanf(copy, "%9lld %2u:%2u:%2u%n", &days, &hours, &minutes, &seconds, &used) != 4 ||
        hours > 23 || minutes > 59 || seconds > 59 || days < 0) {
        return false;
    }
    int64_t micros = 0;
    if (copy[used] == '.') {
        int64_t unit = 100000;
        for (used++; copy[used] >= '0' && copy[used] <= '9'; used++, unit /= 10) {
            micros += (copy[used] - '0') * unit;
        }
    }
    *ret_us = days * US_PER_DAY + hours * US_PER_HOUR + minutes * US_PER_MINUTE +
              seconds * US_PER_SECOND + micros;
    *ret_us = negative ? -*ret_us : *ret_us;
    return copy[used] == '\0';
}

bool interval_parse_months(struct slice text, int64_t *ret_months)
{
    bool negative;
    text = literal_body(text, &negative);
    negative = read_sign(&text) != negative;
    char copy[32];
    if (text.size >= sizeof copy) {
        return false;
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    unsigned years;
    unsigned months;
    int used = 0;
    if (sscanf(copy, "%9u-%2u%n", &years, &months, &used) != 2 || months > 11) {
        return false;
    }
    *ret_months = (int64_t) years * 12 + months;
    *ret_months = negative ? -*ret_months : *ret_months;
    return copy[used] == '\0';
}
