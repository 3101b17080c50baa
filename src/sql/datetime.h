#pragma once

/*
 * Dates and timestamps as Spark's casts read and write them (UTC session), and their fields.
 * Timestamps are µs, dates days since 1970-01-01, proleptic Gregorian.
 */

#include "base/slice.h"
#include "base/time_text.h"
#include "sql/zone_text.h"

#include <stdbool.h>

#define DATETIME_TEXT_BYTES 48

struct datetime {
    int64_t year;
    unsigned month, day; /* from 1 */
    unsigned hour, minute, second, micros;
    int64_t days;          /* since 1970-01-01 */
    struct zone_text zone; /* that was read: what the text says is a local time there */
};

static inline int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}

static inline int64_t floor_modulo(int64_t a, int64_t b)
{
    return a - floor_divide(a, b) * b;
}

void datetime_from_timestamp(int64_t time_us, struct datetime *ret_datetime);
void datetime_from_date(int64_t days, struct datetime *ret_datetime);

unsigned month_days(int64_t year, unsigned month);

/* False if a field is out of range; dates of years 0 to 9999 and beyond are fine up to 6 digits. */
bool datetime_valid(const struct datetime *datetime);
int64_t datetime_days(const struct datetime *datetime);
bool datetime_timestamp(const struct datetime *datetime, int64_t *ret_us);

/* 0 is Monday. */
unsigned weekday_of(int64_t days);

/* ISO 8601 week and the year that it belongs to. */
unsigned iso_week_of(int64_t days, int64_t *ret_year);
unsigned day_of_year(const struct datetime *datetime);

/* Adds months and keeps the day, or takes the last of the month. */
int64_t days_add_months(int64_t days, int64_t months);

/* "yyyy-[m]m-[d]d" and its prefixes, with anything behind a blank or T; white space is cut. */
bool datetime_parse_date(struct slice text, int64_t *ret_days);

/* A date, then blank or T, then "[h]h:[m]m:[s]s.[fraction]" and a zone (sql/zone_text.h). */
bool datetime_parse_timestamp(struct slice text, int64_t *ret_us);

size_t datetime_format_date(int64_t days, char target[DATETIME_TEXT_BYTES]);
/* "2026-01-02 03:04:05.6": the fraction without zeros at its end. */
size_t datetime_format_timestamp(int64_t time_us, char target[DATETIME_TEXT_BYTES]);
