/* Fields of dates and times, truncation, now. Calendar arithmetic is in functions_calendar.c, text
 * forms are in functions_datetime_text.c. The session's zone is UTC. */

#include "sql/datetime.h"
#include "sql/function_internal.h"
#include "sql/kernels.h"

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
#define NOW(name_, type_, help_)                                                                   \
    {                                                                                              \
        .name = (name_), .signature = "-> " type_, .usage = name_ "()", .help = (help_),           \
        .call = call_now                                                                           \
    }
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
