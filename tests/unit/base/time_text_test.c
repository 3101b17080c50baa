#include "base/time_text.h"

#include "test.h"

#include <inttypes.h>
#include <stdio.h>

static struct error error;

/* Python's datetime is the oracle: random times of the years 1 to 9999, and text in several forms.
 */
static const char script[] =
    "python3 -c \""
    "import random, datetime as d\n"
    "random.seed(7)\n"
    "e = d.datetime(1970, 1, 1, tzinfo=d.timezone.utc)\n"
    "us = lambda t: (t - e) // d.timedelta(microseconds=1)\n"
    "for i in range(4000):\n"
    "    t = d.datetime(random.choice([1, 4, 100, 400, 1582, 1600, 1900, 1969, 1970, 1999, 2000, "
    "2024, 2026, 2100, 9999, random.randint(1, 9999)]), random.randint(1, 12), "
    "random.choice([1, 28, random.randint(1, 28)]), random.randint(0, 23), random.randint(0, 59), "
    "random.randint(0, 59), random.choice([0, 1, 999999, random.randint(0, 999999)]), "
    "tzinfo=d.timezone.utc)\n"
    "    z = d.timezone(d.timedelta(minutes=random.randint(-840, 840)))\n"
    "    s = t.replace(tzinfo=z)\n"
    "    f = t.strftime('%H:%M:%S.%f')\n"
    "    print(us(t), t.date().isoformat() + 'T' + f + 'Z', us(s), s.isoformat('T'), sep='|')\n"
    "\"";

static void agrees_with_python(void **state)
{
    (void) state;
    FILE *pipe = popen(script, "r");
    assert_non_null(pipe);
    char line[256];
    int lines = 0;
    while (fgets(line, sizeof(line), pipe) != NULL) {
        int64_t utc_us;
        int64_t zone_us;
        char utc[64];
        char zone[64];
        assert_int_equal(
            sscanf(line, "%" SCNd64 "|%63[^|]|%" SCNd64 "|%63[^\n]", &utc_us, utc, &zone_us, zone),
            4);
        char text[TIME_TEXT_BYTES];
        assert_int_equal(time_format(utc_us, text), strlen(utc));
        assert_string_equal(text, utc);
        int64_t parsed;
        assert_ok(time_parse(slice_of_string(utc), &parsed, &error), error);
        assert_true(parsed == utc_us);
        assert_ok(time_parse(slice_of_string(zone), &parsed, &error), error);
        if (parsed != zone_us) {
            fail_msg("%s: %" PRId64 ", not %" PRId64, zone, parsed, zone_us);
        }
        lines++;
    }
    assert_int_equal(pclose(pipe), 0);
    assert_int_equal(lines, 4000);
}

static void goes_there_and_back_on_every_day(void **state)
{
    (void) state;
    int64_t last_year = 0;
    unsigned last_month = 0;
    unsigned last_day = 0;
    for (int64_t days = -800000; days <= 800000; days++) {
        int64_t year;
        unsigned month;
        unsigned day;
        civil_from_days(days, &year, &month, &day);
        assert_int_equal(days_from_civil(year, month, day), days);
        bool next_day = day == last_day + 1 && month == last_month && year == last_year;
        bool next_month = day == 1 && (month == last_month + 1 || (month == 1 && last_month == 12));
        assert_true(last_day == 0 || next_day || next_month);
        last_year = year;
        last_month = month;
        last_day = day;
    }
}

static void reads_the_forms_of_iso_8601(void **state)
{
    (void) state;

    static const struct {
        const char *text;
        int64_t us;
    } cases[] = {
        {"1970-01-01", 0},
        {"1970-01-01T00:00Z", 0},
        {"1970-01-01 00:00:01", 1000000},
        {"1970-01-01t00:00:00.5z", 500000},
        {"1970-01-01T00:00:00.1234569Z", 123456}, /* cut, not rounded */
        {"1970-01-01T02:00:00+02:00", 0},
        {"1970-01-01T02:00:00+0200", 0},
        {"1970-01-01T02:00:00+02", 0},
        {"1969-12-31T22:30:00-01:30", 0},
        {"1969-12-31T23:59:59.999999Z", -1},
        {"0000-01-01", INT64_C(-62167219200000000)},
        {"+10000-01-01", INT64_C(253402300800000000)},
        {"-0001-12-31", INT64_C(-62167305600000000)},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int64_t us;
        assert_ok(time_parse(slice_of_string(cases[i].text), &us, &error), error);
        assert_true(us == cases[i].us);
    }
    /* The far ends come back as they went. */
    static const int64_t ends[] = {INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        char text[TIME_TEXT_BYTES];
        int64_t us;
        size_t length = time_format(ends[i], text);
        assert_true(length < TIME_TEXT_BYTES);
        enum status status = time_parse(slice_of(text, length), &us, &error);
        assert_true(status == STATUS_OK ? us == ends[i] : status == STATUS_DATA);
    }
}

static void refuses_other_times(void **state)
{
    (void) state;
    static const char *const bad[] = {"",
                                      "x",
                                      "1970",
                                      "1970-01",
                                      "1970-1-1",
                                      "1970-13-01",
                                      "1970-00-01",
                                      "1970-02-29",
                                      "1900-02-29",
                                      "1970-04-31",
                                      "1970-01-00",
                                      "1970-01-01T",
                                      "1970-01-01T00",
                                      "1970-01-01T24:00:00",
                                      "1970-01-01T00:60:00",
                                      "1970-01-01T00:00:60",
                                      "1970-01-01T00:00:00.",
                                      "1970-01-01T00:00:00Zx",
                                      "1970-01-01T00:00:00+",
                                      "1970-01-01T00:00:00+2",
                                      "1970-01-01T00:00:00+24:00",
                                      "1970-01-01T00:00:00+02:60",
                                      "1970-01-01 00:00:00 UTC",
                                      " 1970-01-01",
                                      "1970-01-01 ",
                                      "1970/01/01",
                                      "19700101",
                                      "\xff\xff\xff\xff-01-01",
                                      "+999999-01-01",
                                      "-999999-01-01"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        int64_t us;
        assert_fails(time_parse(slice_of_string(bad[i]), &us, &error), STATUS_DATA, error, "\"");
    }
    int64_t us;
    assert_fails(time_parse(SLICE_EMPTY, &us, NULL), STATUS_DATA, error, "");
    assert_fails(time_parse(SLICE("1970-01-01\0"), &us, &error), STATUS_DATA, error,
                 "is not a time");
}

static void reads_durations(void **state)
{
    (void) state;

    static const struct {
        const char *text;
        int64_t us;
        const char *shortest;
    } good[] = {
        {"250ms", 250000, "250ms"},
        {"10s", 10000000, "10s"},
        {"10 seconds", 10000000, "10s"},
        {"90s", 90000000, "90s"},
        {"5 min", 300000000, "5m"},
        {"7 days", INT64_C(604800000000), "7d"},
        {"1h30m", INT64_C(5400000000), "90m"},
        {"1 h 30 m", INT64_C(5400000000), "90m"},
        {"2 weeks", INT64_C(1209600000000), "14d"},
        {"1.5s", 1500000, "1500ms"},
        {"0.25 h", 900000000, "15m"},
        {"17us", 17, "17us"},
        {"17 \xc2\xb5s", 17, "17us"},
        {"0", 0, "0s"},
        {"0s", 0, "0s"},
        {"  3m ", 180000000, "3m"},
        {"9223372036854775807us", INT64_MAX, "9223372036854775807us"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        int64_t us;
        char text[TIME_TEXT_BYTES];
        assert_ok(duration_parse(slice_of_string(good[i].text), &us, &error), error);
        assert_true(us == good[i].us);
        (void) duration_format(us, text);
        assert_string_equal(text, good[i].shortest);
    }
    static const char *const bad[] = {
        "",           " ",    "10",         "s",          "-5s",   "+5s",
        "10 x",       "10S",  "1M",         "1 month",    "30m1h", "1h1h",
        "1,5s",       ".5s",  "1.s",        "0.0000001s", "0.5us", "9223372036854775808us",
        "106751992d", "1e3s", "5min extra", "1h 30"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        int64_t us;
        assert_fails(duration_parse(slice_of_string(bad[i]), &us, &error), STATUS_CONFIG, error,
                     "is not a duration");
        assert_non_null(strstr(error.hint, "5 min"));
    }
    char text[TIME_TEXT_BYTES];
    (void) duration_format(INT64_MIN, text);
    assert_string_equal(text, "-9223372036854775808us");
}

static void reads_sizes(void **state)
{
    (void) state;

    static const struct {
        const char *text;
        int64_t bytes;
    } good[] = {
        {"0", 0},
        {"1048576", 1048576},
        {"64 KiB", 65536},
        {"1GiB", 1073741824},
        {"10 MB", 10000000},
        {"1.5 KiB", 1536},
        {"2 kB", 2000},
        {"3 bytes", 3},
        {" 7 ", 7},
        {"1 TiB", INT64_C(1099511627776)},
        {"9223372036854775807", INT64_MAX},
    };

    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        int64_t bytes;
        assert_ok(bytes_parse(slice_of_string(good[i].text), &bytes, &error), error);
        assert_true(bytes == good[i].bytes);
    }
    static const char *const bad[] = {"",
                                      "MB",
                                      "-1",
                                      "1.5",
                                      "0.3 KiB",
                                      "10 mb",
                                      "1 K",
                                      "1 G",
                                      "1 MiB 2",
                                      "1MiB2KiB",
                                      "9223372036854775808",
                                      "9000000 TiB",
                                      "0x10",
                                      "1_000"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        int64_t bytes;
        assert_fails(bytes_parse(slice_of_string(bad[i]), &bytes, &error), STATUS_CONFIG, error,
                     "is not a size in bytes");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_python),
        cmocka_unit_test(goes_there_and_back_on_every_day),
        cmocka_unit_test(reads_the_forms_of_iso_8601),
        cmocka_unit_test(refuses_other_times),
        cmocka_unit_test(reads_durations),
        cmocka_unit_test(reads_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
