/* Fields of dates and times, truncation, calendar arithmetic, making and taking apart. Text forms
 * are in functions_datetime_text.c. The session's zone is UTC. */

#include "sql/datetime.h"
#include "sql/decimal.h"
#include "sql/function_internal.h"
#include "sql/kernels.h"

#include <math.h>
#include <strings.h>

/* ---- fields ---- */

enum field {
    FIELD_YEAR,
    FIELD_QUARTER,
    FIELD_MONTH,
    FIELD_WEEK,
    FIELD_DAY,
    FIELD_DAY_OF_WEEK,
    FIELD_DAY_OF_WEEK_ISO,
    FIELD_WEEKDAY,
    FIELD_DAY_OF_YEAR,
    FIELD_YEAR_OF_WEEK,
    FIELD_HOUR,
    FIELD_MINUTE,
    FIELD_SECOND,
    FIELD_SECOND_FRACTION,
    FIELD_NONE,
};

static int64_t field_of_date(enum field field, int64_t days)
{
    struct datetime d;
    int64_t year;
    unsigned week;
    datetime_from_date(days, &d);
    switch (field) {
    case FIELD_YEAR:
        return d.year;
    case FIELD_QUARTER:
        return (d.month - 1) / 3 + 1;
    case FIELD_MONTH:
        return d.month;
    case FIELD_DAY:
        return d.day;
    case FIELD_DAY_OF_WEEK:
        return (weekday_of(days) + 1) % 7 + 1;
    case FIELD_DAY_OF_WEEK_ISO:
        return weekday_of(days) + 1;
    case FIELD_WEEKDAY:
        return weekday_of(days);
    case FIELD_DAY_OF_YEAR:
        return day_of_year(&d);
    default:
        week = iso_week_of(days, &year);
        return field == FIELD_WEEK ? week : year;
    }
}

static int64_t field_of_time(enum field field, int64_t time_us)
{
    int64_t rest = floor_modulo(time_us, US_PER_DAY);
    switch (field) {
    case FIELD_HOUR:
        return rest / US_PER_HOUR;
    case FIELD_MINUTE:
        return rest / US_PER_MINUTE % 60;
    case FIELD_SECOND:
        return rest / US_PER_SECOND % 60;
    case FIELD_SECOND_FRACTION:
        return rest % US_PER_MINUTE;
    default:
        return field_of_date(field, floor_divide(time_us, US_PER_DAY));
    }
}

static int64_t field_of_interval(enum field field, const struct type *type, int64_t value)
{
    if (type->id == TYPE_INTERVAL_MONTHS) {
        return field == FIELD_YEAR ? value / 12 : value % 12;
    }
    switch (field) {
    case FIELD_DAY:
        return value / US_PER_DAY;
    case FIELD_HOUR:
        return value / US_PER_HOUR % 24;
    case FIELD_MINUTE:
        return value / US_PER_MINUTE % 60;
    default:
        return value % US_PER_MINUTE;
    }
}

static void fields_into(struct output *output, struct arg x, enum field field)
{
    const struct type *type = x.column->type;
    for (int64_t i = 0; i < output->rows; i++) {
        if (output_is_null(output, i)) {
            continue;
        }
        int64_t value = arg_int(x, i);
        int64_t part = type->id == TYPE_DATE        ? field_of_date(field, value)
                       : type->id == TYPE_TIMESTAMP ? field_of_time(field, value)
                                                    : field_of_interval(field, type, value);
        if (output->call->type->id == TYPE_DECIMAL) {
            ((int128 *) output->values)[i] = part;
        } else {
            output_int(output, i, part);
        }
    }
}

static enum status resolve_date_field(RESOLVE_PARAMETERS)
{
    bool time = function->variant >= FIELD_HOUR;
    if (types[0]->id != TYPE_DATE && types[0]->id != TYPE_TIMESTAMP) {
        TRY(function_want(function, types, 0, type_plain(time ? TYPE_TIMESTAMP : TYPE_DATE),
                          error));
    } else if (time) {
        types[0] = type_plain(TYPE_TIMESTAMP);
    }
    *ret_type = type_plain(TYPE_INT);
    return STATUS_OK;
}

static const struct column *call_field(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, 1);
    fields_into(&output, arg_of(arguments[0], output.rows), (enum field) call->function->variant);
    return output_finish(&output);
}

static const struct {
    const char *name;
    enum field field;
} field_names[] = {
    {"year", FIELD_YEAR},
    {"y", FIELD_YEAR},
    {"years", FIELD_YEAR},
    {"yr", FIELD_YEAR},
    {"yrs", FIELD_YEAR},
    {"yearofweek", FIELD_YEAR_OF_WEEK},
    {"quarter", FIELD_QUARTER},
    {"qtr", FIELD_QUARTER},
    {"month", FIELD_MONTH},
    {"mon", FIELD_MONTH},
    {"mons", FIELD_MONTH},
    {"months", FIELD_MONTH},
    {"week", FIELD_WEEK},
    {"w", FIELD_WEEK},
    {"weeks", FIELD_WEEK},
    {"day", FIELD_DAY},
    {"d", FIELD_DAY},
    {"days", FIELD_DAY},
    {"dayofweek", FIELD_DAY_OF_WEEK},
    {"dow", FIELD_DAY_OF_WEEK},
    {"dayofweek_iso", FIELD_DAY_OF_WEEK_ISO},
    {"dow_iso", FIELD_DAY_OF_WEEK_ISO},
    {"doy", FIELD_DAY_OF_YEAR},
    {"hour", FIELD_HOUR},
    {"h", FIELD_HOUR},
    {"hours", FIELD_HOUR},
    {"hr", FIELD_HOUR},
    {"hrs", FIELD_HOUR},
    {"minute", FIELD_MINUTE},
    {"m", FIELD_MINUTE},
    {"min", FIELD_MINUTE},
    {"mins", FIELD_MINUTE},
    {"minutes", FIELD_MINUTE},
    {"second", FIELD_SECOND_FRACTION},
    {"s", FIELD_SECOND_FRACTION},
    {"sec", FIELD_SECOND_FRACTION},
    {"seconds", FIELD_SECOND_FRACTION},
    {"secs", FIELD_SECOND_FRACTION},
};

static enum field field_named(struct slice name)
{
    for (size_t i = 0; i < ARRAY_SIZE(field_names); i++) {
        if (strlen(field_names[i].name) == name.size &&
            strncasecmp(field_names[i].name, (const char *) name.data, name.size) == 0) {
            return field_names[i].field;
        }
    }
    return FIELD_NONE;
}

static enum status resolve_date_part(RESOLVE_PARAMETERS)
{
    struct slice name;
    if (!literal_string(arguments[0], &name)) {
        return function_type_error(function, 0, types[0], "a literal field name", error);
    }
    enum field field = field_named(name);
    if (field == FIELD_NONE) {
        return error_set(error, STATUS_CONFIG, "there is no date field '%.*s'", SLICE_FORMAT(name));
    }
    enum type_id id = types[1]->id;
    if (id != TYPE_DATE && id != TYPE_INTERVAL && id != TYPE_INTERVAL_MONTHS) {
        TRY(function_want(function, types, 1, type_plain(TYPE_TIMESTAMP), error));
    } else if (id == TYPE_DATE && field >= FIELD_HOUR) {
        types[1] = type_plain(TYPE_TIMESTAMP);
    }
    bool months = field == FIELD_YEAR || field == FIELD_MONTH;
    bool times = field == FIELD_DAY || field >= FIELD_HOUR;
    if ((id == TYPE_INTERVAL && !times) || (id == TYPE_INTERVAL_MONTHS && !months)) {
        return function_type_error(function, 1, types[1], "a type that has this field", error);
    }
    bool small = (id == TYPE_INTERVAL && field != FIELD_DAY) ||
                 (id == TYPE_INTERVAL_MONTHS && field == FIELD_MONTH);
    *ret_type = field == FIELD_SECOND_FRACTION ? type_decimal(arena, 8, 6)
                                               : type_plain(small ? TYPE_TINYINT : TYPE_INT);
    return STATUS_OK;
}

static const struct column *call_date_part(CALL_PARAMETERS)
{
    struct slice name = SLICE_EMPTY;
    literal_string(call->arguments[0], &name);
    struct output output;
    output_init(&output, eval, call, arguments + 1, 1);
    fields_into(&output, arg_of(arguments[1], output.rows), field_named(name));
    return output_finish(&output);
}

/* ---- truncation ---- */

enum unit {
    UNIT_MICROSECOND,
    UNIT_MILLISECOND,
    UNIT_SECOND,
    UNIT_MINUTE,
    UNIT_HOUR,
    UNIT_DAY,
    UNIT_WEEK,
    UNIT_MONTH,
    UNIT_QUARTER,
    UNIT_YEAR,
    UNIT_NONE,
};

static const struct {
    const char *name;
    enum unit unit;
} unit_names[] = {
    {"microsecond", UNIT_MICROSECOND},
    {"millisecond", UNIT_MILLISECOND},
    {"second", UNIT_SECOND},
    {"minute", UNIT_MINUTE},
    {"hour", UNIT_HOUR},
    {"day", UNIT_DAY},
    {"dd", UNIT_DAY},
    {"week", UNIT_WEEK},
    {"month", UNIT_MONTH},
    {"mm", UNIT_MONTH},
    {"mon", UNIT_MONTH},
    {"quarter", UNIT_QUARTER},
    {"year", UNIT_YEAR},
    {"yyyy", UNIT_YEAR},
    {"yy", UNIT_YEAR},
};

static enum unit unit_named(struct slice name)
{
    for (size_t i = 0; i < ARRAY_SIZE(unit_names); i++) {
        if (strlen(unit_names[i].name) == name.size &&
            strncasecmp(unit_names[i].name, (const char *) name.data, name.size) == 0) {
            return unit_names[i].unit;
        }
    }
    return UNIT_NONE;
}

static const int64_t unit_us[] = {1,           US_PER_MS,  US_PER_SECOND, US_PER_MINUTE,
                                  US_PER_HOUR, US_PER_DAY, 7 * US_PER_DAY};

static int64_t truncate_days(int64_t days, enum unit unit)
{
    struct datetime d;
    datetime_from_date(days, &d);
    switch (unit) {
    case UNIT_WEEK:
        return days - weekday_of(days);
    case UNIT_MONTH:
        return days - (d.day - 1);
    case UNIT_QUARTER:
        return days_from_civil(d.year, (d.month - 1) / 3 * 3 + 1, 1);
    default:
        return days_from_civil(d.year, 1, 1);
    }
}

/* trunc(date, unit) and date_trunc(unit, timestamp); an unknown unit gives null. */
static const struct column *call_trunc(CALL_PARAMETERS)
{
    bool date = call->type->id == TYPE_DATE;
    struct output output;
    output_init(&output, eval, call, arguments, 2);
    struct arg value = arg_of(arguments[date ? 0 : 1], output.rows);
    struct arg name = arg_of(arguments[date ? 1 : 0], output.rows);
    enum unit unit = UNIT_NONE;
    for (int64_t i = 0; i < output.rows; i++) {
        if (output_is_null(&output, i)) {
            continue;
        }
        if (i == 0 || name.mask != 0 || unit == UNIT_NONE) {
            unit = unit_named(arg_bytes(name, i));
        }
        int64_t x = arg_int(value, i);
        if (unit == UNIT_NONE || (date && unit < UNIT_WEEK)) {
            output_null(&output, i);
        } else if (date) {
            output_int(&output, i, truncate_days(x, unit));
        } else if (unit < UNIT_WEEK) {
            output_int(&output, i, x - floor_modulo(x, unit_us[unit]));
        } else {
            output_int(&output, i, truncate_days(floor_divide(x, US_PER_DAY), unit) * US_PER_DAY);
        }
    }
    return output_finish(&output);
}

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
        int64_t offset_us = 0;
        int64_t hour = arg_int(arg_of(arguments[3], rows), i);
        int64_t minute = arg_int(arg_of(arguments[4], rows), i);
        int64_t second_us = (int64_t) ARG_VALUE(arg_of(arguments[5], rows), int128, i);
        if (call->argument_count == 7 &&
            !datetime_parse_zone(arg_bytes(arg_of(arguments[6], rows), i), &offset_us)) {
            output_fail(&output, i, "the time zone is not known");
        } else if (!make_days(arguments, rows, i, &days) || hour < 0 || hour > 23 || minute < 0 ||
                   minute > 59 || second_us < 0 || second_us > US_PER_MINUTE) {
            output_fail(&output, i, "there is no such time");
        } else {
            output_int(&output, i,
                       days * US_PER_DAY + hour * US_PER_HOUR + minute * US_PER_MINUTE + second_us -
                           offset_us);
        }
    }
    return output_finish(&output);
}

/* ---- now ---- */

static const struct column *call_now(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, NULL, 0);
    for (int64_t i = 0; i < output.rows; i++) {
        output_int(&output, i,
                   call->type->id == TYPE_DATE ? floor_divide(eval->now_us, US_PER_DAY)
                                               : eval->now_us);
    }
    return output_finish(&output);
}

static const struct column *call_timezone(CALL_PARAMETERS)
{
    struct text_output text;
    text_init(&text, eval, call, NULL, 0, 0);
    for (int64_t i = 0; i < text.base.rows; i++) {
        text_end_slice(&text, i, SLICE("UTC"));
    }
    return text_finish(&text);
}

/* The last microsecond of a window: STRUCT<start, end>. */
static enum status resolve_window_time(RESOLVE_PARAMETERS)
{
    if (types[0]->id != TYPE_STRUCT || types[0]->field_count != 2 ||
        types[0]->fields[1].type->id != TYPE_TIMESTAMP) {
        return function_type_error(function, 0, types[0], "a window", error);
    }
    *ret_type = type_plain(TYPE_TIMESTAMP);
    return STATUS_OK;
}

static const struct column *call_window_time(CALL_PARAMETERS)
{
    struct output output;
    output_init(&output, eval, call, arguments, 1);
    struct arg window = arg_of(arguments[0], output.rows);
    const struct column *end = arguments[0]->children[1];
    for (int64_t i = 0; i < output.rows; i++) {
        if (!output_is_null(&output, i)) {
            output_int(&output, i, column_int(end, arg_row(window, i)) - 1);
        }
    }
    return output_finish(&output);
}

#define FIELD(name, field, help)                                                                   \
    SCALAR_RESOLVED(name, field, 1, 1, resolve_date_field, call_field, name "(time)", help)
#define CALENDAR(name, op, min, signature, usage, help)                                            \
    SCALAR_VARIANT(name, op, min, min, signature, call_calendar, usage, help)
#define NOW(name_, type_, help_)                                                                   \
    {                                                                                              \
        .name = (name_), .signature = "-> " type_, .usage = name_ "()", .help = (help_),           \
        .call = call_now                                                                           \
    }
#define SCALED(name, unit, signature, call_, help)                                                 \
    SCALAR_VARIANT(name, unit, 1, 1, signature, call_, name "(value)", help)
#define DATE_PART(name)                                                                            \
    SCALAR_RESOLVED(name, 0, 2, 2, resolve_date_part, call_date_part, name "(field, time)",        \
                    "A field: year, quarter, month, week, day, dow, doy, hour, minute, second.")

static const struct sql_function rows[] = {
    FIELD("year", FIELD_YEAR, "Year."),
    FIELD("quarter", FIELD_QUARTER, "Quarter, 1 to 4."),
    FIELD("month", FIELD_MONTH, "Month, 1 to 12."),
    FIELD("day", FIELD_DAY, "Day of the month."),
    FIELD("dayofmonth", FIELD_DAY, "Day of the month."),
    FIELD("dayofweek", FIELD_DAY_OF_WEEK, "Day of the week, 1 (Sunday) to 7."),
    FIELD("weekday", FIELD_WEEKDAY, "Day of the week, 0 (Monday) to 6."),
    FIELD("dayofyear", FIELD_DAY_OF_YEAR, "Day of the year."),
    FIELD("weekofyear", FIELD_WEEK, "ISO 8601 week."),
    FIELD("hour", FIELD_HOUR, "Hour, 0 to 23."),
    FIELD("minute", FIELD_MINUTE, "Minute."),
    FIELD("second", FIELD_SECOND, "Second, without its fraction."),
    DATE_PART("date_part"),
    DATE_PART("datepart"),
    DATE_PART("extract"),
    SCALAR("date_trunc",
           2,
           2,
           "string, timestamp -> timestamp",
           call_trunc,
           "date_trunc(unit, timestamp)",
           "The start of the unit: year, quarter, month, week, day, hour, minute, second, "
           "millisecond."),
    SCALAR("trunc",
           2,
           2,
           "date, string -> date",
           call_trunc,
           "trunc(date, unit)",
           "The first day of the unit: year, quarter, month, week."),
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
    NOW("current_timestamp", "timestamp", "The time at which the batch began."),
    NOW("now", "timestamp", "The time at which the batch began."),
    NOW("localtimestamp", "timestamp", "The time at which the batch began."),
    NOW("current_date", "date", "The date at which the batch began, in UTC."),
    NOW("curdate", "date", "The date at which the batch began, in UTC."),
    SCALAR("current_timezone",
           0,
           0,
           "-> string",
           call_timezone,
           "current_timezone()",
           "The session's zone: always UTC."),
    SCALAR_RESOLVED("window_time",
                    0,
                    1,
                    1,
                    resolve_window_time,
                    call_window_time,
                    "window_time(window)",
                    "The last microsecond of a window: its event time."),
};

FUNCTION_FAMILY(functions_datetime, rows);
