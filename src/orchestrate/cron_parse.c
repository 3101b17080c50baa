#include "base/time_text.h"
#include "orchestrate/cron.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FIELDS       5
#define LAST         UINT64_C(1) /* bit 0 of days and of weeks of the month */
#define BLANKS       " \t"
#define NTH_MAX      5
#define NUMBER_MAX   1000
#define WEEKDAYS_ALL 0x7fu
#define SUNDAY_TOO   7 /* 0 and 7 */

enum {
    MINUTE,
    HOUR,
    DAY,
    MONTH,
    WEEKDAY
};

struct field {
    const char *name;
    int min, max;
    const char *const *words; /* names of values, from `min` on; NULL: none */
    int word_count;
};

static const char *const month_words[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                          "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const weekday_words[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

static const struct field fields[FIELDS] = {
    {"minute", 0, 59, NULL, 0},
    {"hour", 0, 23, NULL, 0},
    {"day of month", 1, 31, NULL, 0},
    {"month", 1, 12, month_words, 12},
    {"day of week", 0, 6, weekday_words, 7},
};

static const struct {
    const char *name, *meaning;
} presets[] = {
    {"@hourly", "0 * * * *"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
    {"@weekly", "0 0 * * 0"}, {"@monthly", "0 0 1 * *"},  {"@quarterly", "0 0 1 */3 *"},
    {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"},
};

/* What is read, and where. */
struct reader {
    const char *text; /* the whole */
    const char *at;
    const char *end; /* of this field */
    const struct field *field;
    struct cron *cron;
    const char *bad; /* where it is wrong */
    const char *why; /* NULL: it is no value of the field */
};

static bool refuse(struct reader *reader, const char *at, const char *why)
{
    reader->bad = at;
    reader->why = why;
    return false;
}

static char peek(const struct reader *reader)
{
    return reader->at < reader->end ? *reader->at : '\0';
}

static bool take_if(struct reader *reader, char wanted)
{
    if (peek(reader) != wanted) {
        return false;
    }
    reader->at++;
    return true;
}

static bool read_number(struct reader *reader, int *ret_value)
{
    const char *start = reader->at;
    int value = 0;
    while (isdigit((unsigned char) peek(reader)) && value < NUMBER_MAX) {
        value = value * 10 + (*reader->at++ - '0');
    }
    *ret_value = value;
    return reader->at > start;
}

/* A number or a name. */
static bool read_value(struct reader *reader, int *ret_value)
{
    const struct field *field = reader->field;
    const char *start = reader->at;
    if (read_number(reader, ret_value)) {
        int max = field == &fields[WEEKDAY] ? SUNDAY_TOO : field->max;
        return (*ret_value >= field->min && *ret_value <= max) || refuse(reader, start, NULL);
    }
    for (int i = 0; i < field->word_count; i++) {
        size_t length = strlen(field->words[i]);
        if ((size_t) (reader->end - start) >= length &&
            strncasecmp(start, field->words[i], length) == 0) {
            reader->at = start + length;
            *ret_value = field->min + i;
            return true;
        }
    }
    return refuse(reader, start, NULL);
}

static bool read_step(struct reader *reader, int *ret_step)
{
    *ret_step = 1;
    if (!take_if(reader, '/')) {
        return true;
    }
    const char *start = reader->at;
    if (!read_number(reader, ret_step) || *ret_step < 1) {
        return refuse(reader, start, "a step is a number from 1 on");
    }
    return *ret_step <= reader->field->max ||
           refuse(reader, start, "the step is larger than the field");
}

/* A range that goes round (FRI-MON), counted as croniter does. */
static void add_round(const struct field *field, int first, int last, int step, uint64_t *bits)
{
    int at = first;
    for (; at <= field->max; at += step) {
        *bits |= UINT64_C(1) << at;
    }
    int reached = at - step;
    int left = field->max - reached;
    bool over = reached - field->min + step > field->max - field->min + 1;
    int skip = over && left < step ? step - left : 0;
    for (at = field->min + skip; at <= last; at += step) {
        *bits |= UINT64_C(1) << at;
    }
}

static bool
add_range(struct reader *reader, const char *start, int first, int last, int step, uint64_t *bits)
{
    const struct field *field = reader->field;
    if (field == &fields[WEEKDAY] && first == 0 && last == SUNDAY_TOO) {
        last = field->max;
    } else if (field == &fields[WEEKDAY]) {
        first %= SUNDAY_TOO;
        last %= SUNDAY_TOO;
    }
    if (first == last) {
        return refuse(reader, start, "both ends are the same: write the value alone");
    }
    if (first > last) {
        add_round(field, first, last, step, bits);
        return true;
    }
    for (int at = first; at <= last; at += step) {
        *bits |= UINT64_C(1) << at;
    }
    return true;
}

/* "MON#2" */
static bool read_nth(struct reader *reader, int weekday)
{
    const char *start = reader->at;
    int nth;
    if (!read_number(reader, &nth) || nth < 1 || nth > NTH_MAX) {
        return refuse(reader, start, "behind # stands which of the month, 1 to 5");
    }
    reader->cron->nth[weekday % SUNDAY_TOO] |= (uint8_t) (1u << nth);
    return true;
}

/* "L" of a day, "L5" of a weekday. */
static bool read_last(struct reader *reader, uint64_t *bits)
{
    reader->at++;
    if (reader->field == &fields[DAY]) {
        *bits |= LAST;
        return true;
    }
    const char *start = reader->at;
    int weekday;
    if (!read_number(reader, &weekday) || weekday > SUNDAY_TOO) {
        return refuse(reader, start, "behind L stands the day, 0 to 7: L5 is the last Friday");
    }
    reader->cron->nth[weekday % SUNDAY_TOO] |= LAST;
    return true;
}

/* One element of a list; adds to *bits. */
static bool read_element(struct reader *reader, uint64_t *bits)
{
    const struct field *field = reader->field;
    const char *start = reader->at;
    bool days = field == &fields[DAY] || field == &fields[WEEKDAY];
    if (days && (peek(reader) == 'L' || peek(reader) == 'l')) {
        return read_last(reader, bits);
    }
    int first = field->min;
    int last = field->max;
    bool range = true;
    if (take_if(reader, '*')) {
        if (peek(reader) != '/') {
            return refuse(reader, start, "* stands alone, or with a step");
        }
    } else {
        if (!read_value(reader, &first)) {
            return false;
        }
        if (field == &fields[WEEKDAY] && take_if(reader, '#')) {
            return read_nth(reader, first);
        }
        range = peek(reader) == '-' || peek(reader) == '/';
        if (take_if(reader, '-') && !read_value(reader, &last)) {
            return false;
        }
    }
    if (!range) {
        *bits |= UINT64_C(1) << first;
        return true;
    }
    int step;
    return read_step(reader, &step) && add_range(reader, start, first, last, step, bits);
}

/* Every value of a field. */
static uint64_t all_of(const struct field *field)
{
    uint64_t bits = 0;
    for (int i = field->min; i <= field->max; i++) {
        bits |= UINT64_C(1) << i;
    }
    return bits;
}

static bool is_star(const struct reader *reader)
{
    bool days = reader->field == &fields[DAY] || reader->field == &fields[WEEKDAY];
    return reader->end - reader->at == 1 && (*reader->at == '*' || (days && *reader->at == '?'));
}

static bool read_field(struct reader *reader, uint64_t *ret_bits)
{
    uint64_t bits = 0;
    if (is_star(reader)) {
        *ret_bits = all_of(reader->field);
        return true;
    }
    do {
        if (!read_element(reader, &bits)) {
            return false;
        }
    } while (take_if(reader, ','));
    *ret_bits = bits;
    return reader->at == reader->end || refuse(reader, reader->at, NULL);
}

/* ---- what the fields mean together -------------------------------------------------------------
 */

/*
 * Whether a field of days does not restrict: "*", or, as croniter has it, all of its values beside
 * a field that has a * in it.
 */
static bool unrestricted(struct slice field, bool all, struct slice other)
{
    bool star = field.size == 1 && (field.data[0] == '*' || field.data[0] == '?');
    return star || (all && memchr(other.data, '*', other.size) != NULL);
}

/* 30 February, 31 April: whether any day of a month exists. */
static bool has_a_day(const struct cron *cron)
{
    static const int lengths[] = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (int month = 1; month <= 12; month++) {
        uint32_t days = (UINT32_C(2) << lengths[month]) - 1; /* and the last */
        if ((cron->months >> month & 1) != 0 && (cron->days & days) != 0) {
            return true;
        }
    }
    return false;
}

static bool combine(struct reader *reader, const uint64_t *bits, const struct slice *words)
{
    struct cron *cron = reader->cron;
    const char *day = (const char *) words[DAY].data;
    const char *weekday = (const char *) words[WEEKDAY].data;
    cron->minutes = bits[MINUTE];
    cron->hours = (uint32_t) bits[HOUR];
    cron->days = (uint32_t) bits[DAY];
    cron->months = (uint32_t) bits[MONTH];
    cron->weekdays = (uint32_t) (bits[WEEKDAY] | bits[WEEKDAY] >> SUNDAY_TOO) & WEEKDAYS_ALL;
    cron->every_hour = bits[HOUR] == all_of(&fields[HOUR]);
    for (size_t i = 0; i < ARRAY_SIZE(cron->nth); i++) {
        cron->by_nth |= cron->nth[i] != 0;
    }
    cron->any_day = unrestricted(words[DAY], bits[DAY] == all_of(&fields[DAY]), words[WEEKDAY]);
    cron->any_weekday =
        !cron->by_nth && unrestricted(words[WEEKDAY], cron->weekdays == WEEKDAYS_ALL, words[DAY]);
    if (cron->by_nth && cron->weekdays != 0) {
        return refuse(reader, weekday, "days of the week are all written with # or L, or none");
    }
    if (cron->by_nth && !cron->any_day) {
        return refuse(reader, day, "beside a day of the week with # or L, this must be *");
    }
    if (cron->any_weekday && !has_a_day(cron)) {
        return refuse(reader, day, "there is no such day in any of these months");
    }
    return true;
}

static enum status
say_what_is_wrong(const struct reader *reader, size_t *ret_at, struct error *error)
{
    const struct field *field = reader->field;
    size_t size = strcspn(reader->bad, BLANKS);
    if (ret_at != NULL) {
        *ret_at = (size_t) (reader->bad - reader->text);
    }
    if (reader->why != NULL) {
        return error_set(error, STATUS_CONFIG, "\"%s\": %s: %s", reader->text, field->name,
                         reader->why);
    }
    const char *start = reader->bad;
    while (start > reader->text && strchr(BLANKS, start[-1]) == NULL) {
        start--;
    }
    size += (size_t) (reader->bad - start);
    return error_set(error, STATUS_CONFIG, "\"%.*s\" is no %s (%d to %d)", (int) size, start,
                     field->name, field->min, field == &fields[WEEKDAY] ? SUNDAY_TOO : field->max);
}

static void hint_at_schedules(struct error *error)
{
    error_hint(error, "write \"@every 10s\", \"@once\", \"@daily\", or cron with five fields: "
                      "minute, hour, day of month, month, day of week");
}

/* The words of `text`. */
static enum status
split(const char *text, struct slice *ret_words, size_t *ret_at, struct error *error)
{
    const char *at = text + strspn(text, BLANKS);
    for (size_t i = 0; i < FIELDS; i++) {
        size_t size = strcspn(at, BLANKS);
        if (size == 0) {
            (void) error_set(error, STATUS_CONFIG, "\"%s\" is no schedule", text);
            hint_at_schedules(error);
            return STATUS_CONFIG;
        }
        ret_words[i] = slice_of(at, size);
        at += size + strspn(at + size, BLANKS);
    }
    if (*at != '\0') {
        if (ret_at != NULL) {
            *ret_at = (size_t) (at - text);
        }
        (void) error_set(error, STATUS_CONFIG, "\"%s\" has more than five fields", text);
        hint_at_schedules(error);
        return STATUS_CONFIG;
    }
    return STATUS_OK;
}

enum status cron_parse(const char *text,
                       const struct zone *zone,
                       struct cron *ret_cron,
                       size_t *ret_at,
                       struct error *error)
{
    for (size_t i = 0; i < ARRAY_SIZE(presets); i++) {
        text = strcasecmp(text, presets[i].name) == 0 ? presets[i].meaning : text;
    }
    if (ret_at != NULL) {
        *ret_at = 0;
    }
    struct slice words[FIELDS];
    TRY(split(text, words, ret_at, error));
    struct cron cron = {.zone = zone};
    struct reader reader = {.text = text, .cron = &cron};
    uint64_t bits[FIELDS];
    for (size_t i = 0; i < FIELDS; i++) {
        reader.field = &fields[i];
        reader.at = (const char *) words[i].data;
        reader.end = reader.at + words[i].size;
        if (!read_field(&reader, &bits[i])) {
            return say_what_is_wrong(&reader, ret_at, error);
        }
    }
    reader.field = &fields[DAY];
    if (!combine(&reader, bits, words)) {
        return say_what_is_wrong(&reader, ret_at, error);
    }
    *ret_cron = cron;
    return STATUS_OK;
}
