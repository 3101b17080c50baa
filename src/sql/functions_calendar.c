/* Calendar arithmetic; dates and times from numbers and parts, and back. */

#include "sql/datetime.h"
#include "sql/function_internal.h"
#include "sql/kernels.h"

#include <math.h>
#include <strings.h>

/* ---- calendar ---- */

enum calendar {
    CALENDAR_ADD_DAYS,
    CALENDAR_SUBTRACT_DAYS,
    CALENDAR_DIFFERENCE,
    CALENDAR_ADD_MONTHS,
    CALENDAR_LAST_DAY,
};

static const struct column *call_calendar(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, call->argument_count);
    struct arg x = arg_of(arguments[0], output.rows);
    struct arg y = arg_of(arguments[call->argument_count - 1], output.rows);
    for (int64_t i = 0; i < output.rows; i++) {
        if (output_is_null(&output, i)) {
            continue;
        }
        int64_t a = arg_int(x, i);
        int64_t b = arg_int(y, i);
        struct datetime d;
        switch (call->function->variant) {
        case CALENDAR_ADD_DAYS:
            output_int(&output, i, a + b);
            break;
        case CALENDAR_SUBTRACT_DAYS:
        case CALENDAR_DIFFERENCE:
            output_int(&output, i, a - b);
            break;
        case CALENDAR_ADD_MONTHS:
            output_int(&output, i, days_add_months(a, b));
            break;
        default:
            datetime_from_date(a, &d);
            output_int(&output, i, a - d.day + month_days(d.year, d.month));
            break;
        }
    }
    return output_finish(&output);
}

/* Whole months where both are the same day of the month, or both the last; else with 31-day
 * months, rounded to 8 digits. */
static double months_between(int64_t a_us, int64_t b_us, bool rounded)
{
    struct datetime a;
    struct datetime b;
    datetime_from_timestamp(a_us, &a);
    datetime_from_timestamp(b_us, &b);
    double months = (double) ((a.year * 12 + a.month) - (b.year * 12 + b.month));
    bool last = a.day == month_days(a.year, a.month) && b.day == month_days(b.year, b.month);
    if (a.day == b.day || last) {
        return months;
    }
    int64_t seconds_a = floor_modulo(a_us, US_PER_DAY) / US_PER_SECOND;
    int64_t seconds_b = floor_modulo(b_us, US_PER_DAY) / US_PER_SECOND;
    int64_t seconds = ((int64_t) a.day - (int64_t) b.day) * 86400 + seconds_a - seconds_b;
    double result = months + (double) seconds / (31.0 * 86400);
    return rounded ? round(result * 1e8) / 1e8 : result;
}

static const struct column *call_months_between(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, call->argument_count);
    for (int64_t i = 0; i < output.rows; i++) {
        if (!output_is_null(&output, i)) {
            bool rounded =
                call->argument_count < 3 || arg_bool(arg_of(arguments[2], output.rows), i);
            ((double *) output.values)[i] =
                months_between(arg_int(arg_of(arguments[0], output.rows), i),
                               arg_int(arg_of(arguments[1], output.rows), i), rounded);
        }
    }
    return output_finish(&output);
}

/* "Mo", "Mon", "Monday" in any case: 0 to 6, or -1. */
static int weekday_named(struct slice name)
{
    static const char *const names[] = {"monday", "tuesday",  "wednesday", "thursday",
                                        "friday", "saturday", "sunday"};
    for (int i = 0; i < 7; i++) {
        size_t size = strlen(names[i]);
        if ((name.size == 2 || name.size == 3 || name.size == size) &&
            strncasecmp(names[i], (const char *) name.data, name.size) == 0) {
            return i;
        }
    }
    return -1;
}

static const struct column *call_next_day(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, 2);
    for (int64_t i = 0; i < output.rows; i++) {
        if (output_is_null(&output, i)) {
            continue;
        }
        struct slice name = arg_bytes(arg_of(arguments[1], output.rows), i);
        int wanted = weekday_named(name);
        int64_t days = arg_int(arg_of(arguments[0], output.rows), i);
        if (wanted < 0) {
            output_fail(&output, i, "'%.*s' is no day of the week", SLICE_FORMAT(name));
        } else {
            int64_t ahead = (wanted - (int64_t) weekday_of(days) + 7) % 7;
            output_int(&output, i, days + (ahead == 0 ? 7 : ahead));
        }
    }
    return output_finish(&output);
}

/* ---- numbers to times and back ---- */

static const struct column *call_scaled(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, 1);
    struct arg x = arg_of(arguments[0], output.rows);
    int64_t unit = call->function->variant;
    for (int64_t i = 0; i < output.rows; i++) {
        int64_t value;
        if (output_is_null(&output, i)) {
            continue;
        }
        if (__builtin_mul_overflow(arg_int(x, i), unit, &value)) {
            output_fail(&output, i, "%s overflows", call->function->name);
        } else {
            output_int(&output, i, value);
        }
    }
    return output_finish(&output);
}

static const struct column *call_unscaled(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, 1);
    struct arg x = arg_of(arguments[0], output.rows);
    for (int64_t i = 0; i < output.rows; i++) {
        if (!output_is_null(&output, i)) {
            output_int(&output, i, floor_divide(arg_int(x, i), call->function->variant));
        }
    }
    return output_finish(&output);
}

static enum status resolve_timestamp_seconds(RESOLVE_PARAMETERS)
{
    if (types[0]->id == TYPE_STRING || types[0]->id == TYPE_NULL) {
        types[0] = type_plain(TYPE_DOUBLE);
    }
    if (!type_is_numeric(types[0])) {
        return function_type_error(function, 0, types[0], "a number", error);
    }
    *ret_type = type_plain(TYPE_TIMESTAMP);
    return STATUS_OK;
}

/* The same as CAST(number AS TIMESTAMP). */
static const struct column *call_timestamp_seconds(CALL_PARAMETERS)
{
    return cast_column(eval, arguments[0], call->type, false, call->offset);
}

static bool
make_days(const struct column *const *arguments, int64_t rows, int64_t row, int64_t *ret)
{
    struct datetime d = {.year = arg_int(arg_of(arguments[0], rows), row)};
    int64_t month = arg_int(arg_of(arguments[1], rows), row);
    int64_t day = arg_int(arg_of(arguments[2], rows), row);
    if (month < 1 || month > 12 || day < 1 || day > 31) {
        return false;
    }
    d.month = (unsigned) month;
    d.day = (unsigned) day;
    *ret = datetime_valid(&d) ? datetime_days(&d) : 0;
    return datetime_valid(&d);
}

static const struct column *call_make_date(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, 3);
    for (int64_t i = 0; i < output.rows; i++) {
        int64_t days;
        if (output_is_null(&output, i)) {
            continue;
        }
        if (make_days(arguments, output.rows, i, &days)) {
            output_int(&output, i, days);
        } else {
            output_fail(&output, i, "there is no such date");
        }
    }
    return output_finish(&output);
}

static const struct column *call_make_timestamp(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, call->argument_count);
    int64_t rows = output.rows;
    for (int64_t i = 0; i < rows; i++) {
        if (output_is_null(&output, i)) {
            continue;
        }
        int64_t days;
        struct zone_text zone = {0};
        int64_t hour = arg_int(arg_of(arguments[3], rows), i);
        int64_t minute = arg_int(arg_of(arguments[4], rows), i);
        int64_t second_us = (int64_t) ARG_VALUE(arg_of(arguments[5], rows), int128, i);
        if (call->argument_count == 7 &&
            !zone_text_parse(arg_bytes(arg_of(arguments[6], rows), i), &zone)) {
            output_fail(&output, i, "the time zone is not known");
        } else if (!make_days(arguments, rows, i, &days) || hour < 0 || hour > 23 || minute < 0 ||
                   minute > 59 || second_us < 0 || second_us > US_PER_MINUTE) {
            output_fail(&output, i, "there is no such time");
        } else {
            int64_t local_us =
                days * US_PER_DAY + hour * US_PER_HOUR + minute * US_PER_MINUTE + second_us;
            output_int(&output, i, zone_text_utc(&zone, local_us));
        }
    }
    return output_finish(&output);
}

enum zone_way {
    ZONE_FROM_UTC,
    ZONE_TO_UTC,
};

/* A time in UTC as clocks of a zone show it, and back. */
static const struct column *call_zone(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, 2);
    struct arg time = arg_of(arguments[0], output.rows);
    struct arg name = arg_of(arguments[1], output.rows);
    bool from_utc = call->function->variant == ZONE_FROM_UTC;
    struct slice known = SLICE_EMPTY;
    struct zone_text zone = {0};
    for (int64_t i = 0; i < output.rows; i++) {
        if (output_is_null(&output, i)) {
            continue;
        }
        struct slice text = arg_bytes(name, i);
        if (known.data == NULL || !slice_equal(text, known)) {
            known = text;
            if (!zone_text_parse(text, &zone)) {
                known = SLICE_EMPTY;
                output_fail(&output, i, "there is no time zone '%.*s'",
                            text.size > 60 ? 60 : (int) text.size, (const char *) text.data);
                continue;
            }
        }
        int64_t at_us = ARG_VALUE(time, int64_t, i);
        output_int(&output, i,
                   from_utc ? zone_text_local(&zone, at_us) : zone_text_utc(&zone, at_us));
    }
    return output_finish(&output);
}

#define CALENDAR(name, op, min, signature, usage, help)                                            \
    SCALAR_VARIANT(name, op, min, min, signature, call_calendar, usage, help)
#define SCALED(name, unit, signature, call_, help)                                                 \
    SCALAR_VARIANT(name, unit, 1, 1, signature, call_, name "(value)", help)

static const struct sql_function rows[] = {
    SCALAR_VARIANT("from_utc_timestamp",
                   ZONE_FROM_UTC,
                   2,
                   2,
                   "timestamp, string -> timestamp",
                   call_zone,
                   "from_utc_timestamp(timestamp, zone)",
                   "What clocks of the zone show at a time in UTC."),
    SCALAR_VARIANT("to_utc_timestamp",
                   ZONE_TO_UTC,
                   2,
                   2,
                   "timestamp, string -> timestamp",
                   call_zone,
                   "to_utc_timestamp(timestamp, zone)",
                   "The time in UTC when clocks of the zone show this."),
    CALENDAR("date_add",
             CALENDAR_ADD_DAYS,
             2,
             "date, int -> date",
             "date_add(date, days)",
             "Days later."),
    CALENDAR(
        "dateadd", CALENDAR_ADD_DAYS, 2, "date, int -> date", "dateadd(date, days)", "Days later."),
    CALENDAR("date_sub",
             CALENDAR_SUBTRACT_DAYS,
             2,
             "date, int -> date",
             "date_sub(date, days)",
             "Days earlier."),
    CALENDAR("datediff",
             CALENDAR_DIFFERENCE,
             2,
             "date, date -> int",
             "datediff(end, start)",
             "Days from start to end."),
    CALENDAR("date_diff",
             CALENDAR_DIFFERENCE,
             2,
             "date, date -> int",
             "date_diff(end, start)",
             "Days from start to end."),
    CALENDAR("add_months",
             CALENDAR_ADD_MONTHS,
             2,
             "date, int -> date",
             "add_months(date, months)",
             "Months later, at most the last day of the month."),
    CALENDAR("last_day",
             CALENDAR_LAST_DAY,
             1,
             "date -> date",
             "last_day(date)",
             "The last day of the month."),
    SCALAR("months_between",
           2,
           3,
           "timestamp, timestamp, boolean -> double",
           call_months_between,
           "months_between(a, b[, rounded])",
           "Months from b to a, with 31 days for parts of a month."),
    SCALAR("next_day",
           2,
           2,
           "date, string -> date",
           call_next_day,
           "next_day(date, weekday)",
           "The first such day of the week after the date."),
    SCALAR_RESOLVED("timestamp_seconds",
                    0,
                    1,
                    1,
                    resolve_timestamp_seconds,
                    call_timestamp_seconds,
                    "timestamp_seconds(seconds)",
                    "The time so many seconds after 1970-01-01 UTC."),
    SCALED("timestamp_millis",
           US_PER_MS,
           "integral -> timestamp",
           call_scaled,
           "The time so many milliseconds after 1970-01-01 UTC."),
    SCALED("timestamp_micros",
           1,
           "integral -> timestamp",
           call_scaled,
           "The time so many microseconds after 1970-01-01 UTC."),
    SCALED("date_from_unix_date",
           1,
           "int -> date",
           call_scaled,
           "The date so many days after 1970-01-01."),
    SCALED("unix_seconds",
           US_PER_SECOND,
           "timestamp -> bigint",
           call_unscaled,
           "Seconds since 1970-01-01 UTC."),
    SCALED("unix_millis",
           US_PER_MS,
           "timestamp -> bigint",
           call_unscaled,
           "Milliseconds since 1970-01-01 UTC."),
    SCALED("unix_micros",
           1,
           "timestamp -> bigint",
           call_unscaled,
           "Microseconds since 1970-01-01 UTC."),
    SCALED("unix_date", 1, "date -> int", call_unscaled, "Days since 1970-01-01."),
    SCALAR("make_date",
           3,
           3,
           "int, int, int -> date",
           call_make_date,
           "make_date(year, month, day)",
           "A date of its parts."),
    SCALAR("make_timestamp",
           6,
           7,
           "int, int, int, int, int, decimal(16,6), string -> timestamp",
           call_make_timestamp,
           "make_timestamp(year, month, day, hour, minute, second[, zone])",
           "A time of its parts."),
};

FUNCTION_FAMILY(functions_calendar, rows);
