#include "base/time_text.h"
#include "base/zone_internal.h"

/*
 * POSIX TZ, as TZif files end:
 *
 *     CET-1CEST,M3.5.0,M10.5.0/3
 *     │  │ │    │      └ DST ends: last Sunday of October, 03:00
 *     │  │ │    └ DST begins: month 3, week 5 (the last), day 0 (Sunday), 02:00 unless said
 *     │  │ └ name in DST; its offset is one hour ahead unless said
 *     └──┴ name and offset, positive west of Greenwich
 *
 * Names that are not letters stand in <>; a day may also be Jn (1 to 365, no 29 February) or n
 * (0 to 365).
 */

#define HOURS_MAX        167 /* RFC 9636, of the time of a change */
#define MINUTE_S         60
#define HOUR_S           3600
#define DAY_S            INT64_C(86400)
#define YEARS            (ZONE_CYCLE_YEARS + 4) /* a margin on either side */
#define FIRST_YEAR       1970                   /* of a zone that has no changes */
#define YEAR_MAX         4000
#define NAME_BYTES_LEAST 3

enum day_kind {
    DAY_NO_LEAP, /* Jn */
    DAY_ANY,     /* n */
    DAY_WEEKDAY, /* Mm.w.d */
};

struct moment {
    enum day_kind kind;
    int day, month, week, weekday;
    int32_t time_s;
};

struct reader {
    const char *at, *end;
    bool bad;
};

static bool take_if(struct reader *reader, char wanted)
{
    if (reader->at == reader->end || *reader->at != wanted) {
        return false;
    }
    reader->at++;
    return true;
}

static void expect(struct reader *reader, char wanted)
{
    reader->bad |= !take_if(reader, wanted);
}

static bool at_digit(const struct reader *reader)
{
    return reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9';
}

static int read_number(struct reader *reader, int least, int most)
{
    int value = 0;
    reader->bad |= !at_digit(reader);
    while (at_digit(reader) && value <= most) {
        value = value * 10 + (*reader->at++ - '0');
    }
    reader->bad |= value < least || value > most;
    return value;
}

static bool at_letter(const struct reader *reader)
{
    char letter = reader->at < reader->end ? *reader->at : '\0';
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
}

static struct slice read_name(struct reader *reader)
{
    const char *start = reader->at;
    size_t size;
    if (take_if(reader, '<')) {
        start = reader->at;
        while (reader->at < reader->end && *reader->at != '>') {
            reader->at++;
        }
        size = (size_t) (reader->at - start);
        expect(reader, '>');
    } else {
        while (at_letter(reader)) {
            reader->at++;
        }
        size = (size_t) (reader->at - start);
    }
    reader->bad |= size < NAME_BYTES_LEAST || size >= ZONE_ABBREVIATION_BYTES;
    return slice_of(start, size);
}

/* [+-]hh[:mm[:ss]] */
static int32_t read_time(struct reader *reader)
{
    bool minus = take_if(reader, '-');
    if (!minus) {
        (void) take_if(reader, '+');
    }
    int32_t time_s = read_number(reader, 0, HOURS_MAX) * HOUR_S;
    if (take_if(reader, ':')) {
        time_s += read_number(reader, 0, 59) * MINUTE_S;
        if (take_if(reader, ':')) {
            time_s += read_number(reader, 0, 59);
        }
    }
    return minus ? -time_s : time_s;
}

static struct moment read_moment(struct reader *reader)
{
    struct moment moment = {.time_s = 2 * HOUR_S};
    expect(reader, ',');
    if (take_if(reader, 'M')) {
        moment.kind = DAY_WEEKDAY;
        moment.month = read_number(reader, 1, 12);
        expect(reader, '.');
        moment.week = read_number(reader, 1, 5);
        expect(reader, '.');
        moment.weekday = read_number(reader, 0, 6);
    } else if (take_if(reader, 'J')) {
        moment.kind = DAY_NO_LEAP;
        moment.day = read_number(reader, 1, 365);
    } else {
        moment.kind = DAY_ANY;
        moment.day = read_number(reader, 0, 365);
    }
    if (take_if(reader, '/')) {
        moment.time_s = read_time(reader);
    }
    return moment;
}

/* Seconds since 1970 on the wall. */
static int64_t moment_in(const struct moment *moment, int64_t year)
{
    int64_t day = days_from_civil(year, 1, 1);
    switch (moment->kind) {
    case DAY_ANY:
        day += moment->day;
        break;
    case DAY_NO_LEAP: {
        bool leap = days_from_civil(year, 3, 1) - day == 60;
        day += moment->day - 1 + (leap && moment->day >= 60);
        break;
    }
    case DAY_WEEKDAY: {
        unsigned month = (unsigned) moment->month;
        int64_t first = days_from_civil(year, month, 1);
        int64_t after =
            month == 12 ? days_from_civil(year + 1, 1, 1) : days_from_civil(year, month + 1, 1);
        int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
        day = first + (moment->weekday - weekday + 7) % 7 + (int64_t) (moment->week - 1) * 7;
        day -= day >= after ? 7 : 0; /* week 5 is the last */
        break;
    }
    }
    return day * DAY_S + moment->time_s;
}

/* A change of the rule; at one and the same time the later one stands. */
static void add(struct zone *zone, int64_t after_s, int64_t at_s, uint16_t type)
{
    if (at_s <= after_s) {
        return;
    }
    if (zone->change_count > 0 && zone->changes[zone->change_count - 1].at_s == at_s) {
        zone->changes[zone->change_count - 1].type = type;
        return;
    }
    zone_add_change(zone, at_s, type);
}

static void write_out(struct zone *zone,
                      const struct moment *begin,
                      const struct moment *end,
                      uint16_t standard,
                      uint16_t dst)
{
    int64_t year = FIRST_YEAR;
    int64_t after_s = INT64_MIN;
    if (zone->change_count > 0) {
        unsigned month;
        unsigned day;
        after_s = zone->changes[zone->change_count - 1].at_s;
        civil_from_days(after_s / DAY_S, &year, &month, &day);
        year--;
    }
    for (int64_t last = year + YEARS; year <= last; year++) {
        int64_t begin_s = moment_in(begin, year) - zone->types[standard].offset_s;
        int64_t end_s = moment_in(end, year) - zone->types[dst].offset_s;
        if (begin_s < end_s) {
            add(zone, after_s, begin_s, dst);
            add(zone, after_s, end_s, standard);
        } else {
            add(zone, after_s, end_s, standard);
            add(zone, after_s, begin_s, dst);
        }
    }
    zone->repeats = true;
}

enum status zone_rule_extend(struct zone *zone, struct slice rule, struct error *error)
{
    if (rule.size == 0) {
        return STATUS_OK; /* the last type holds */
    }
    struct reader reader = {(const char *) rule.data, (const char *) rule.data + rule.size, false};
    struct slice name = read_name(&reader);
    int32_t offset_s = -read_time(&reader);
    struct slice dst_name = SLICE_EMPTY;
    int32_t dst_offset_s = offset_s + HOUR_S;
    struct moment begin = {0};
    struct moment end = {0};
    bool has_dst = !reader.bad && reader.at < reader.end;
    if (has_dst) {
        dst_name = read_name(&reader);
        if (reader.at < reader.end && *reader.at != ',') {
            dst_offset_s = -read_time(&reader);
        }
        begin = read_moment(&reader);
        end = read_moment(&reader);
    }
    if (reader.bad || reader.at != reader.end ||
        (zone->change_count > 0 &&
         zone->changes[zone->change_count - 1].at_s > days_from_civil(YEAR_MAX, 1, 1) * DAY_S)) {
        return error_set(error, STATUS_CONFIG, "ends with a rule that cannot be read: \"%.*s\"",
                         SLICE_FORMAT(rule));
    }
    uint16_t standard = zone_add_type(zone, offset_s, false, name);
    if (has_dst) {
        uint16_t dst = zone_add_type(zone, dst_offset_s, true, dst_name);
        write_out(zone, &begin, &end, standard, dst);
    }
    return STATUS_OK;
}
