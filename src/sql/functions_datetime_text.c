/* Dates and times from and to text, by patterns. */

#include "sql/datetime.h"
#include "sql/datetime_format.h"
#include "sql/function_internal.h"
#include "sql/kernels.h"

static const struct expression *pattern_argument(const struct expression *call)
{
    return call->argument_count < 2 ? NULL : call->arguments[call->argument_count - 1];
}

/* A literal pattern is compiled once; a wrong one is an error of the query. */
static enum status prepare_pattern(const struct expression *call,
                                   struct arena *arena,
                                   const void **ret_state,
                                   struct error *error)
{
    struct slice text;
    const struct datetime_pattern *pattern = NULL;
    if (pattern_argument(call) != NULL && literal_string(pattern_argument(call), &text)) {
        TRY(datetime_pattern_compile(text, arena, &pattern, error));
    }
    *ret_state = pattern;
    return STATUS_OK;
}

/* The pattern of each row: prepared, or compiled when the text changes. */
struct row_pattern {
    struct output *output;
    struct arg arg;
    const struct datetime_pattern *pattern;
    struct slice text;
    bool fixed;
};

static void row_pattern_init(struct row_pattern *rows, struct output *output, struct arg arg)
{
    const struct datetime_pattern *prepared = output->call->function_state;
    *rows = (struct row_pattern){
        .output = output, .arg = arg, .pattern = prepared, .fixed = prepared != NULL};
}

/* NULL, and the row failed, if the pattern is wrong. */
static const struct datetime_pattern *row_pattern_at(struct row_pattern *rows, int64_t row)
{
    if (rows->fixed) {
        return rows->pattern;
    }
    struct slice text = arg_bytes(rows->arg, row);
    if (rows->pattern == NULL || !slice_equal(text, rows->text)) {
        struct error error;
        rows->text = text;
        if (datetime_pattern_compile(text, rows->output->eval->arena, &rows->pattern, &error) !=
            STATUS_OK) {
            rows->pattern = NULL;
            output_fail(rows->output, row, "%s", error.message);
        }
    }
    return rows->pattern;
}

/* ---- text to time ---- */

enum {
    PARSE_FAIL,
    PARSE_TRY
};

static enum status resolve_parse(RESOLVE_PARAMETERS)
{
    *ret_type = type_plain(strstr(function->name, "date") != NULL ? TYPE_DATE : TYPE_TIMESTAMP);
    if (types[0]->id != TYPE_DATE && types[0]->id != TYPE_TIMESTAMP &&
        !(count == 1 && type_is_numeric(types[0]) && ret_type[0]->id == TYPE_TIMESTAMP)) {
        TRY(function_want(function, types, 0, type_plain(TYPE_STRING), error));
    }
    return count == 1 ? STATUS_OK
                      : function_want(function, types, 1, type_plain(TYPE_STRING), error);
}

static void parse_rows(struct output *output, struct arg text, struct arg format)
{
    struct row_pattern patterns;
    row_pattern_init(&patterns, output, format);
    bool date = output->call->type->id == TYPE_DATE;
    for (int64_t i = 0; i < output->rows; i++) {
        const struct datetime_pattern *pattern;
        int64_t time_us;
        if (output_is_null(output, i) || (pattern = row_pattern_at(&patterns, i)) == NULL) {
            continue;
        }
        struct slice value = arg_bytes(text, i);
        if (datetime_pattern_read(pattern, value, &time_us)) {
            bool seconds = output->call->type->id == TYPE_BIGINT;
            output_int(output, i,
                       date      ? floor_divide(time_us, US_PER_DAY)
                       : seconds ? floor_divide(time_us, US_PER_SECOND)
                                 : time_us);
        } else if (output->call->function->variant == PARSE_TRY) {
            output_null(output, i);
        } else {
            output_fail(output, i, "'%.100s' does not match the pattern",
                        arena_string(output->eval->arena, value));
        }
    }
}

static const struct column *call_parse(CALL_PARAMETERS)
{
    if (call->argument_count == 1 || arguments[0]->type->id != TYPE_STRING) {
        const struct column *value =
            arguments[0]->length == eval->batch->length
                ? arguments[0]
                : column_repeat(eval->arena, arguments[0], 0, eval->batch->length);
        return cast_column(eval, value, call->type, call->function->variant == PARSE_TRY,
                           call->offset);
    }
    struct output output;
    output_init(&output, eval, call, arguments, 2);
    parse_rows(&output, arg_of(arguments[0], output.rows), arg_of(arguments[1], output.rows));
    return output_finish(&output);
}

/* ---- seconds ---- */

static enum status resolve_unix_timestamp(RESOLVE_PARAMETERS)
{
    *ret_type = type_plain(TYPE_BIGINT);
    if (count > 0 && types[0]->id != TYPE_DATE && types[0]->id != TYPE_TIMESTAMP) {
        TRY(function_want(function, types, 0, type_plain(TYPE_STRING), error));
    }
    return count < 2 ? STATUS_OK
                     : function_want(function, types, 1, type_plain(TYPE_STRING), error);
}

static const struct datetime_pattern *default_pattern(struct arena *arena)
{
    const struct datetime_pattern *pattern = NULL;
    struct error error;
    return datetime_pattern_compile(SLICE("yyyy-MM-dd HH:mm:ss"), arena, &pattern, &error) ==
                   STATUS_OK
               ? pattern
               : NULL;
}

static const struct column *call_unix_timestamp(CALL_PARAMETERS)
{
    struct expression shadow = *call;
    if (call->argument_count < 2) {
        shadow.function_state = default_pattern(eval->arena);
    }
    struct output output;
    output_init(&output, eval, &shadow, arguments, call->argument_count);
    if (call->argument_count == 0) {
        for (int64_t i = 0; i < output.rows; i++) {
            output_int(&output, i, floor_divide(eval->now_us, US_PER_SECOND));
        }
        return output_finish(&output);
    }
    struct arg x = arg_of(arguments[0], output.rows);
    enum type_id id = arguments[0]->type->id;
    if (id == TYPE_STRING) {
        parse_rows(&output, x, arg_of(arguments[call->argument_count - 1], output.rows));
        return output_finish(&output);
    }
    for (int64_t i = 0; i < output.rows; i++) {
        if (!output_is_null(&output, i)) {
            int64_t value = arg_int(x, i);
            output_int(&output, i,
                       id == TYPE_DATE ? value * 86400 : value / US_PER_SECOND); /* cut, as Spark */
        }
    }
    return output_finish(&output);
}

/* ---- time to text ---- */

/* date_format(timestamp, pattern) and from_unixtime(seconds[, pattern]). */
static const struct column *call_format(CALL_PARAMETERS)
{
    struct expression shadow = *call;
    if (call->argument_count < 2) {
        shadow.function_state = default_pattern(eval->arena);
    }
    struct text_output text;
    text_init(&text, eval, &shadow, arguments, call->argument_count, 0);
    struct arg x = arg_of(arguments[0], text.base.rows);
    struct row_pattern patterns;
    row_pattern_init(&patterns, &text.base,
                     arg_of(arguments[call->argument_count - 1], text.base.rows));
    int64_t unit = arguments[0]->type->id == TYPE_BIGINT ? US_PER_SECOND : 1;
    struct buffer scratch = BUFFER_INIT;
    for (int64_t i = 0; i < text.base.rows; i++) {
        const struct datetime_pattern *pattern;
        if (text_skip_null(&text, i)) {
            continue;
        }
        if ((pattern = row_pattern_at(&patterns, i)) == NULL) {
            text_end_null(&text, i);
            continue;
        }
        int64_t time_us;
        if (__builtin_mul_overflow(arg_int(x, i), unit, &time_us)) {
            output_fail(&text.base, i, "%s overflows", call->function->name);
            text_end_null(&text, i);
            continue;
        }
        struct datetime datetime;
        datetime_from_timestamp(time_us, &datetime);
        buffer_clear(&scratch);
        datetime_pattern_write(pattern, &datetime, &scratch);
        text_end_slice(&text, i, buffer_slice(&scratch));
    }
    buffer_deinit(&scratch);
    return text_finish(&text);
}

#define PARSE(name_, variant_, help_)                                                              \
    {                                                                                              \
        .name = (name_), .arguments_min = 1, .arguments_max = 2, .deterministic = true,            \
        .variant = (variant_), .resolve = resolve_parse, .usage = name_ "(text[, pattern])",       \
        .help = (help_), .prepare = prepare_pattern, .call = call_parse                            \
    }
#define FORMAT(name_, min_, signature_, usage_, help_)                                             \
    {                                                                                              \
        .name = (name_), .arguments_min = (min_), .arguments_max = 2, .deterministic = true,       \
        .signature = (signature_), .usage = (usage_), .help = (help_), .prepare = prepare_pattern, \
        .call = call_format                                                                        \
    }
#define UNIX_TIMESTAMP(name_)                                                                      \
    {                                                                                              \
        .name = (name_), .arguments_max = 2, .resolve = resolve_unix_timestamp,                    \
        .usage = name_ "([time or text[, pattern]])", .prepare = prepare_pattern,                  \
        .help = "Seconds since 1970-01-01 UTC; of now without arguments.",                         \
        .call = call_unix_timestamp                                                                \
    }

static const struct sql_function rows[] = {
    PARSE("to_timestamp", PARSE_FAIL, "A time from text; what does not match fails the row."),
    PARSE("to_timestamp_ltz", PARSE_FAIL, "A time from text; what does not match fails the row."),
    PARSE("try_to_timestamp", PARSE_TRY, "A time from text; null where it does not match."),
    PARSE("to_date", PARSE_FAIL, "A date from text; what does not match fails the row."),
    PARSE("try_to_date", PARSE_TRY, "A date from text; null where it does not match."),
    FORMAT("date_format",
           2,
           "timestamp, string -> string",
           "date_format(time, pattern)",
           "A time as text, by a pattern such as 'yyyy-MM-dd HH:mm'."),
    FORMAT("from_unixtime",
           1,
           "bigint, string -> string",
           "from_unixtime(seconds[, pattern])",
           "Seconds since 1970-01-01 UTC as text."),
    UNIX_TIMESTAMP("unix_timestamp"),
    UNIX_TIMESTAMP("to_unix_timestamp"),
};

FUNCTION_FAMILY(functions_datetime_text, rows);
