#include "sql/datetime_format.h"

#include <stdio.h>
#include <strings.h>

/* letter: a field; 0: literal text; '[' and ']': an optional part, `jump` is the token behind it.
 */
struct pattern_token {
    char letter;
    uint8_t count;
    uint16_t jump;
    struct slice text;
};

#define TOKENS_MAX 128

struct datetime_pattern {
    uint32_t count;
    struct pattern_token tokens[TOKENS_MAX];
};

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
static const char *const weekdays[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                       "Friday", "Saturday", "Sunday"};
static const char *const quarters[] = {"1st quarter", "2nd quarter", "3rd quarter", "4th quarter"};

/* ---- compiling ---- */

/* Longest run of each letter; 0: the letter is not known. */
static unsigned letter_max(char letter)
{
    switch (letter) {
    case 'y':
        return 6;
    case 'S':
        return 9;
    case 'M':
    case 'L':
    case 'Q':
    case 'q':
    case 'E':
    case 'G':
    case 'z':
    case 'O':
        return 4;
    case 'X':
    case 'x':
    case 'Z':
        return 5;
    case 'D':
        return 3;
    case 'd':
    case 'h':
    case 'H':
    case 'k':
    case 'K':
    case 'm':
    case 's':
    case 'V':
        return 2;
    case 'a':
    case 'F':
        return 1;
    default:
        return 0;
    }
}

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static enum status pattern_error(struct slice text, const char *what, struct error *error)
{
    return error_set(error, STATUS_CONFIG, "the date pattern '%.*s' %s", SLICE_FORMAT(text), what);
}

static struct pattern_token *add_token(struct datetime_pattern *pattern, char letter)
{
    struct pattern_token *token = &pattern->tokens[pattern->count++];
    *token = (struct pattern_token){.letter = letter, .count = 1};
    return token;
}

/* A quoted run; '' is a quote. Returns the bytes used, 0 if it does not end. */
static size_t add_quoted(struct datetime_pattern *pattern, struct slice rest, struct arena *arena)
{
    struct pattern_token *token = add_token(pattern, 0);
    if (rest.size > 1 && rest.data[1] == '\'') {
        token->text = SLICE("'");
        return 2;
    }
    char *text = arena_alloc(arena, rest.size);
    size_t size = 0;
    for (size_t i = 1; i < rest.size; i++) {
        if (rest.data[i] != '\'') {
            text[size++] = (char) rest.data[i];
        } else if (i + 1 < rest.size && rest.data[i + 1] == '\'') {
            text[size++] = (char) rest.data[i++];
        } else {
            token->text = slice_of(text, size);
            return i + 1;
        }
    }
    return 0;
}

static enum status close_optional(struct datetime_pattern *pattern,
                                  uint16_t *open,
                                  uint32_t *depth,
                                  struct slice text,
                                  struct error *error)
{
    if (*depth == 0) {
        return pattern_error(text, "has a ] without [", error);
    }
    add_token(pattern, ']');
    pattern->tokens[open[--*depth]].jump = (uint16_t) pattern->count;
    return STATUS_OK;
}

enum status datetime_pattern_compile(struct slice text,
                                     struct arena *arena,
                                     const struct datetime_pattern **ret_pattern,
                                     struct error *error)
{
    struct datetime_pattern *pattern = ARENA_NEW(arena, struct datetime_pattern);
    uint16_t open[TOKENS_MAX];
    uint32_t depth = 0;
    text = arena_copy(arena, text);
    for (size_t at = 0; at < text.size;) {
        uint8_t c = text.data[at];
        if (pattern->count == TOKENS_MAX) {
            return pattern_error(text, "is too long", error);
        }
        if (c == '\'') {
            size_t used = add_quoted(pattern, slice_of(text.data + at, text.size - at), arena);
            if (used == 0) {
                return pattern_error(text, "has a quote that does not end", error);
            }
            at += used;
        } else if (c == '[') {
            open[depth++] = (uint16_t) pattern->count;
            add_token(pattern, '[');
            at++;
        } else if (c == ']') {
            TRY(close_optional(pattern, open, &depth, text, error));
            at++;
        } else if (is_letter(c)) {
            size_t run = 1;
            while (at + run < text.size && text.data[at + run] == c) {
                run++;
            }
            if (run > letter_max((char) c)) {
                error_set(error, STATUS_CONFIG,
                          "the date pattern '%.*s' has '%.*s', which is not supported",
                          SLICE_FORMAT(text), (int) run, (const char *) text.data + at);
                error_hint(error, "quote text: 'T'; Spark refuses the letters Y W w u e c as well");
                return STATUS_CONFIG;
            }
            add_token(pattern, (char) c)->count = (uint8_t) run;
            at += run;
        } else if (c == '{' || c == '}' || c == '#') {
            return pattern_error(text, "has one of { } #, which are reserved", error);
        } else {
            add_token(pattern, 0)->text = slice_of(text.data + at, 1);
            at++;
        }
    }
    if (depth > 0) {
        return pattern_error(text, "has a [ without ]", error);
    }
    *ret_pattern = pattern;
    return STATUS_OK;
}

/* ---- writing ---- */

/* `value` is not negative. */
static void write_number(struct buffer *target, int64_t value, int width)
{
    char digits[24];
    int count = 0;
    do {
        digits[count++] = (char) ('0' + value % 10);
        value /= 10;
    } while (value > 0 || count < width);
    while (count > 0) {
        buffer_append_byte(target, (uint8_t) digits[--count]);
    }
}

static void write_year(struct buffer *target, int64_t year, unsigned count)
{
    if (count == 2) {
        write_number(target, floor_modulo(year, 100), 2);
        return;
    }
    if (year < 0) {
        buffer_append_byte(target, '-');
        year = -year;
    } else if (count >= 4 && year >= 10000) {
        buffer_append_byte(target, '+');
    }
    write_number(target, year, (int) count);
}

static void write_name(struct buffer *target, const char *name, bool whole)
{
    buffer_append(target, name, whole ? strlen(name) : 3);
}

static void write_fraction(struct buffer *target, unsigned micros, unsigned count)
{
    char digits[16];
    snprintf(digits, sizeof digits, "%06u000", micros);
    buffer_append(target, digits, count);
}

static void write_zone(struct buffer *target, char letter, unsigned count)
{
    static const char *const offsets[] = {"", "+00", "+0000", "+00:00", "+0000", "+00:00"};
    switch (letter) {
    case 'X':
        buffer_append_byte(target, 'Z');
        break;
    case 'x':
        buffer_append_string(target, offsets[count]);
        break;
    case 'Z':
        buffer_append_string(target, count == 5 ? "Z" : count == 4 ? "GMT" : "+0000");
        break;
    case 'O':
        buffer_append_string(target, "GMT");
        break;
    case 'z':
        buffer_append_string(target, count == 4 ? "Coordinated Universal Time" : "UTC");
        break;
    default:
        buffer_append_string(target, "UTC");
        break;
    }
}

/* Fields of the time of day, and the zone. */
static void
write_time_token(const struct pattern_token *token, const struct datetime *d, struct buffer *target)
{
    unsigned count = token->count;
    switch (token->letter) {
    case 'a':
        buffer_append_string(target, d->hour < 12 ? "AM" : "PM");
        break;
    case 'h':
        write_number(target, (d->hour + 11) % 12 + 1, (int) count);
        break;
    case 'K':
        write_number(target, d->hour % 12, (int) count);
        break;
    case 'H':
        write_number(target, d->hour, (int) count);
        break;
    case 'k':
        write_number(target, d->hour == 0 ? 24 : d->hour, (int) count);
        break;
    case 'm':
        write_number(target, d->minute, (int) count);
        break;
    case 's':
        write_number(target, d->second, (int) count);
        break;
    case 'S':
        write_fraction(target, d->micros, count);
        break;
    default:
        write_zone(target, token->letter, count);
        break;
    }
}

static void
write_token(const struct pattern_token *token, const struct datetime *d, struct buffer *target)
{
    unsigned count = token->count;
    unsigned quarter = (d->month - 1) / 3;
    switch (token->letter) {
    case 0:
        buffer_append_slice(target, token->text);
        break;
    case 'G':
        buffer_append_string(target, count == 4 ? (d->year > 0 ? "Anno Domini" : "Before Christ")
                                                : (d->year > 0 ? "AD" : "BC"));
        break;
    case 'y':
        write_year(target, d->year > 0 ? d->year : 1 - d->year, count);
        break;
    case 'M':
    case 'L':
        if (count > 2) {
            write_name(target, months[d->month - 1], count == 4);
        } else {
            write_number(target, d->month, (int) count);
        }
        break;
    case 'Q':
    case 'q':
        if (count == 4) {
            buffer_append_string(target, quarters[quarter]);
        } else {
            buffer_append_string(target, count == 3 ? "Q" : "");
            write_number(target, quarter + 1, count == 2 ? 2 : 1);
        }
        break;
    case 'd':
        write_number(target, d->day, (int) count);
        break;
    case 'D':
        write_number(target, day_of_year(d), (int) count);
        break;
    case 'E':
        write_name(target, weekdays[weekday_of(d->days)], count == 4);
        break;
    case 'F':
        write_number(target, (d->day - 1) % 7 + 1, 1);
        break;
    case '[':
    case ']':
        break;
    default:
        write_time_token(token, d, target);
        break;
    }
}

void datetime_pattern_write(const struct datetime_pattern *pattern,
                            const struct datetime *datetime,
                            struct buffer *target)
{
    for (uint32_t i = 0; i < pattern->count; i++) {
        write_token(&pattern->tokens[i], datetime, target);
    }
}

/* ---- reading ---- */

struct reading {
    struct datetime datetime;
    unsigned day_of_year;
    int half;         /* 0 AM, 1 PM, -1 not read */
    int hour_of_half; /* 0..11, -1 not read */
    bool before_christ;
};

static bool read_number(struct slice *text, unsigned least, unsigned most, int64_t *ret_value)
{
    unsigned count = 0;
    int64_t value = 0;
    while (count < most && count < text->size && text->data[count] >= '0' &&
           text->data[count] <= '9') {
        value = value * 10 + (text->data[count++] - '0');
    }
    *text = slice_of(text->data + count, text->size - count);
    *ret_value = value;
    return count >= least;
}

static bool read_text(struct slice *text, const char *wanted, size_t size)
{
    if (text->size < size || strncasecmp((const char *) text->data, wanted, size) != 0) {
        return false;
    }
    *text = slice_of(text->data + size, text->size - size);
    return true;
}

/* Index of the name at the start of the text, or -1. */
static int read_name(struct slice *text, const char *const *names, int count, bool whole)
{
    for (int i = 0; i < count; i++) {
        if (read_text(text, names[i], whole ? strlen(names[i]) : 3)) {
            return i;
        }
    }
    return -1;
}

static bool read_year(struct slice *text, unsigned count, bool adjacent, int64_t *ret_year)
{
    bool sign = false;
    bool negative = false;
    if (count != 2 && text->size > 0 && (text->data[0] == '+' || text->data[0] == '-')) {
        sign = true;
        negative = text->data[0] == '-';
        *text = slice_of(text->data + 1, text->size - 1);
    }
    unsigned most = count == 2 || count >= 4 ? count : 6;
    if ((count >= 4 && sign && !adjacent) || (count < 4 && count != 2 && !adjacent)) {
        most = 6;
    }
    if (!read_number(text, count, most, ret_year)) {
        return false;
    }
    if (count == 2) {
        *ret_year += 2000;
    }
    *ret_year = negative ? -*ret_year : *ret_year;
    return true;
}

static bool read_fraction(struct slice *text, unsigned count, unsigned *ret_micros)
{
    unsigned micros = 0;
    unsigned unit = 100000;
    unsigned digits = 0;
    while (digits < count && digits < text->size && text->data[digits] >= '0' &&
           text->data[digits] <= '9') {
        micros += (unsigned) (text->data[digits++] - '0') * unit;
        unit /= 10;
    }
    *text = slice_of(text->data + digits, text->size - digits);
    *ret_micros = micros;
    return digits > 0;
}

/* The longest prefix that is a zone. */
static bool read_zone(struct slice *text, char letter, struct zone_text *ret_zone)
{
    size_t size = 0;
    while (size < text->size &&
           (is_letter(text->data[size]) || text->data[size] == '/' || text->data[size] == '_' ||
            text->data[size] == ':' || text->data[size] == '+' || text->data[size] == '-' ||
            (text->data[size] >= '0' && text->data[size] <= '9'))) {
        size++;
    }
    struct slice zone = slice_of(text->data, size);
    bool offset = letter == 'x' || letter == 'X' || letter == 'Z';
    if (size == 0 || (offset && zone.data[0] != '+' && zone.data[0] != '-' &&
                      !(letter != 'x' && size == 1 && zone.data[0] == 'Z'))) {
        return false;
    }
    if (!zone_text_parse(zone, ret_zone)) {
        return false;
    }
    *text = slice_of(text->data + size, text->size - size);
    return true;
}

static bool is_numeric_token(const struct pattern_token *token)
{
    return (token->letter != 0 && strchr("yDdhHkKmsS", token->letter) != NULL) ||
           (token->letter == 'M' && token->count <= 2);
}

static bool read_hour(struct reading *reading, char letter, int64_t value)
{
    switch (letter) {
    case 'H':
        reading->datetime.hour = (unsigned) value;
        return value <= 23;
    case 'k':
        reading->datetime.hour = (unsigned) value % 24;
        return value >= 1 && value <= 24;
    case 'h':
        reading->hour_of_half = (int) value % 12;
        return value >= 1 && value <= 12;
    default:
        reading->hour_of_half = (int) value;
        return value <= 11;
    }
}

static bool read_field(struct slice *text,
                       const struct pattern_token *token,
                       bool adjacent,
                       struct reading *reading)
{
    struct datetime *d = &reading->datetime;
    unsigned count = token->count;
    unsigned most = count >= 2 ? count : adjacent ? 1 : 2;
    int64_t value = 0;
    int index;
    switch (token->letter) {
    case 'G':
        reading->before_christ = read_text(text, "BC", 2);
        return reading->before_christ || read_text(text, "AD", 2);
    case 'y':
        return read_year(text, count, adjacent, &d->year);
    case 'M':
    case 'L':
        if (count > 2) {
            index = read_name(text, months, 12, count == 4);
            d->month = (unsigned) index + 1;
            return index >= 0;
        }
        if (!read_number(text, count, most, &value)) {
            return false;
        }
        d->month = (unsigned) value;
        return true;
    case 'd':
    case 'm':
    case 's':
        if (!read_number(text, count, most, &value)) {
            return false;
        }
        *(token->letter == 'd'   ? &d->day
          : token->letter == 'm' ? &d->minute
                                 : &d->second) = (unsigned) value;
        return true;
    case 'D':
        if (!read_number(text, count, 3, &value)) {
            return false;
        }
        reading->day_of_year = (unsigned) value;
        return value >= 1;
    case 'E':
        return read_name(text, weekdays, 7, count == 4) >= 0;
    case 'a':
        reading->half = read_text(text, "PM", 2);
        return reading->half == 1 || read_text(text, "AM", 2);
    case 'h':
    case 'H':
    case 'k':
    case 'K':
        return read_number(text, count, most, &value) && read_hour(reading, token->letter, value);
    case 'S':
        return read_fraction(text, count, &d->micros);
    case 'Q':
    case 'q':
    case 'F':
        return false;
    default:
        return read_zone(text, token->letter, &d->zone);
    }
}

/* Reads tokens first..last-1; an optional part that does not match is put back. */
static bool read_tokens(const struct datetime_pattern *pattern,
                        uint32_t first,
                        uint32_t last,
                        struct slice *text,
                        struct reading *reading)
{
    for (uint32_t i = first; i < last; i++) {
        const struct pattern_token *token = &pattern->tokens[i];
        if (token->letter == '[') {
            struct slice saved_text = *text;
            struct reading saved = *reading;
            if (!read_tokens(pattern, i + 1, token->jump - 1u, text, reading)) {
                *text = saved_text;
                *reading = saved;
            }
            i = token->jump - 1u;
        } else if (token->letter == 0) {
            if (!read_text(text, (const char *) token->text.data, token->text.size)) {
                return false;
            }
        } else {
            bool adjacent = i + 1 < last && is_numeric_token(&pattern->tokens[i + 1]);
            if (!read_field(text, token, adjacent, reading)) {
                return false;
            }
        }
    }
    return true;
}

bool datetime_pattern_read(const struct datetime_pattern *pattern,
                           struct slice text,
                           int64_t *ret_us)
{
    struct reading reading = {
        .datetime = {.year = 1970, .month = 1, .day = 1}, .half = -1, .hour_of_half = -1};
    if (!read_tokens(pattern, 0, pattern->count, &text, &reading) || text.size > 0) {
        return false;
    }
    struct datetime *d = &reading.datetime;
    if (reading.hour_of_half >= 0) {
        d->hour = (unsigned) reading.hour_of_half + (reading.half == 1 ? 12 : 0);
    }
    if (reading.before_christ) {
        d->year = 1 - d->year;
    }
    if (reading.day_of_year > 0) {
        struct datetime resolved;
        datetime_from_date(days_from_civil(d->year, 1, 1) + reading.day_of_year - 1, &resolved);
        if (resolved.year != d->year) {
            return false;
        }
        d->month = resolved.month;
        d->day = resolved.day;
    }
    return datetime_valid(d) && datetime_timestamp(d, ret_us);
}
