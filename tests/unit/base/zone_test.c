#include "base/zone.h"

#include "base/memory.h"
#include "base/time_text.h"
#include "base/zone_internal.h"
#include "test.h"

#include <inttypes.h>
#include <stdio.h>

#define LINE_BYTES 256

static char *golden(const char *name)
{
    return mem_printf("%s/tests/golden/zone/%s", getenv("LEAT_SOURCE_ROOT"), name);
}

static int64_t next_number(char **rest)
{
    return strtoll(strsep(rest, "|"), NULL, 10);
}

static void check_utc(const struct zone *zone, const char *name, char *rest)
{
    int64_t at_s = next_number(&rest);
    struct zone_period period;
    zone_period_at(zone, at_s * US_PER_SECOND + 999999, &period);
    int64_t offset_s = next_number(&rest);
    bool dst = next_number(&rest) != 0;
    if (period.offset_s != offset_s || period.dst != dst ||
        strcmp(period.abbreviation, rest) != 0) {
        fail_msg("%s at %" PRId64 ": %d %d %s; Python: %" PRId64 " %d %s", name, at_s,
                 period.offset_s, period.dst, period.abbreviation, offset_s, dst, rest);
    }
    assert_true(period.from_us <= at_s * US_PER_SECOND);
    assert_true(period.until_us > at_s * US_PER_SECOND);
    assert_true(zone_local(zone, at_s * US_PER_SECOND + 7) ==
                (at_s + offset_s) * US_PER_SECOND + 7);
}

static void check_local(const struct zone *zone, const char *name, char *rest)
{
    int64_t local_s = next_number(&rest);
    int64_t wanted[2] = {next_number(&rest) * US_PER_SECOND, 0};
    wanted[1] = next_number(&rest) * US_PER_SECOND;
    int64_t found[2];
    enum zone_fit fit = zone_utc_of(zone, local_s * US_PER_SECOND, found);
    if (found[0] != wanted[0] || found[1] != wanted[1]) {
        fail_msg("%s, local %" PRId64 ": %" PRId64 " %" PRId64, name, local_s, found[0], found[1]);
    }
    bool shown = zone_local(zone, found[0]) == local_s * US_PER_SECOND;
    assert_int_equal(shown, fit != ZONE_NEVER);
    assert_int_equal(found[0] == found[1], fit == ZONE_ONCE);
}

static void agrees_with_python(void **state)
{
    (void) state;
    char *folder = golden("zoneinfo");
    (void) setenv("TZDIR", folder, 1);
    char *path = golden("cases.txt");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char line[LINE_BYTES];
    int cases = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *rest = line;
        const char *name = strsep(&rest, "|");
        const struct zone *zone;
        struct error error;
        assert_ok(zone_find(name, &zone, &error), error);
        assert_string_equal(zone_name(zone), name);
        bool utc = strsep(&rest, "|")[0] == 'u';
        (utc ? check_utc : check_local)(zone, name, rest);
        cases++;
    }
    (void) fclose(file);
    assert_true(cases > 2000);
    mem_free(path);
    mem_free(folder);
    (void) unsetenv("TZDIR");
}

static void knows_the_systems_zones(void **state)
{
    (void) state;
    const struct zone *zone;
    const struct zone *again;
    struct error error;
    assert_ok(zone_find("Asia/Singapore", &zone, &error), error);
    assert_ok(zone_find("Asia/Singapore", &again, &error), error);
    assert_ptr_equal(zone, again);
    assert_true(zone_local(zone, 0) == 7 * US_PER_HOUR + 30 * US_PER_MINUTE); /* until 1982 */
    assert_ok(zone_find("UTC", &zone, &error), error);
    assert_ptr_equal(zone, zone_utc());
    assert_true(zone_local(zone, INT64_MAX) == INT64_MAX);
}

static void knows_offsets(void **state)
{
    (void) state;
    const struct zone *zone;
    struct error error;
    assert_ok(zone_find("-03:30", &zone, &error), error);
    assert_true(zone_local(zone, 0) == -(3 * US_PER_HOUR + 30 * US_PER_MINUTE));
    assert_true(zone_local(zone, INT64_MIN) == INT64_MIN);
    int64_t utc_us[2];
    assert_int_equal(zone_utc_of(zone, 0, utc_us), ZONE_ONCE);
    assert_true(utc_us[0] == 3 * US_PER_HOUR + 30 * US_PER_MINUTE);
    assert_fails(zone_find("+18:01", &zone, &error), STATUS_CONFIG, error, "no time zone");
    assert_fails(zone_find("+01:60", &zone, &error), STATUS_CONFIG, error, "no time zone");
}

static void refuses_what_is_no_name(void **state)
{
    (void) state;
    static const char *const names[] = {
        "",
        "/etc/localtime",
        "../../../etc/passwd",
        "Europe/../Europe/Berlin",
        "Europe//Berlin",
        "Europe/",
        "Europe",
        "localtime",
        "posixrules",
        "Europe/Berlni",
        "europe/berlin",
        "tzdata.zi",
        "zone1970.tab",
        "Europe/Berlin\n",
        "Americaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/New_York",
    };
    const struct zone *zone;
    struct error error;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        assert_fails(zone_find(names[i], &zone, &error), STATUS_CONFIG, error, "no time zone");
        assert_null(zone);
    }
    (void) setenv("TZDIR", "/nowhere/zoneinfo", 1);
    assert_fails(zone_find("Asia/Dubai", &zone, &error), STATUS_UNAVAILABLE, error, "/nowhere");
    assert_non_null(strstr(error.hint, "tzdata"));
    (void) unsetenv("TZDIR");
}

/* Every file cut short, and every byte of one changed: a status, never a fault. */
static void survives_damaged_files(void **state)
{
    (void) state;
    char *path = golden("zoneinfo/Europe/Dublin");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    static uint8_t bytes[1 << 16];
    size_t size = fread(bytes, 1, sizeof(bytes), file);
    (void) fclose(file);
    mem_free(path);
    struct error error;
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *copy = mem_alloc(cut + 1); /* of its exact size, for the address sanitizer */
        memcpy(copy, bytes, cut);
        struct zone zone = {0};
        assert_fails(zone_read(slice_of(copy, cut), &zone, &error), STATUS_CONFIG, error, "TZif");
        zone_clear(&zone);
        mem_free(copy);
    }
    for (size_t i = 0; i < size; i++) {
        uint8_t was = bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] = (uint8_t) (was ^ 1 << bit);
            struct zone zone = {0};
            if (zone_read(slice_of(bytes, size), &zone, &error) == STATUS_OK) {
                (void) zone_local(&zone, INT64_C(1800000000000000));
                (void) zone_local(&zone, INT64_C(99000000000000000));
            }
            zone_clear(&zone);
        }
        bytes[i] = was;
    }
}

static void refuses_wrong_rules(void **state)
{
    (void) state;
    static const char *const rules[] = {
        "CE-1",
        "CET",
        "CET-1CEST",
        "CET-1CEST,M3.5.0",
        "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,M3.5.0,M10.5.0/168",
        "CET-1CEST,J0,J365",
        "CET-1CEST,M3.5.0,M10.5.0,",
        "<CET-1",
        "CET-1 ",
    };
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
        struct zone zone = {0};
        struct error error;
        (void) zone_add_type(&zone, 0, false, SLICE("LMT"));
        assert_fails(zone_rule_extend(&zone, slice_of_string(rules[i]), &error), STATUS_CONFIG,
                     error, rules[i]);
        zone_clear(&zone);
    }
}

/* RFC 9636's example of a zone that always has DST; and days of the year. */
static void reads_rare_rules(void **state)
{
    (void) state;
    struct zone zone = {0};
    struct error error;
    struct zone_period period;
    (void) zone_add_type(&zone, 0, false, SLICE("LMT"));
    assert_ok(zone_rule_extend(&zone, SLICE("XXX3EDT4,0/0,J365/23"), &error), error);
    zone_period_at(&zone, INT64_C(4102444800000000), &period); /* 2100-01-01 */
    assert_int_equal(period.offset_s, -4 * 3600);
    assert_true(period.dst);
    zone_clear(&zone);

    (void) zone_add_type(&zone, 0, false, SLICE("LMT"));
    assert_ok(zone_rule_extend(&zone, SLICE("AAA0BBB-2,J60/0,59/0"), &error), error);
    zone_period_at(&zone, (days_from_civil(2024, 3, 1) * US_PER_DAY) - 1, &period);
    assert_string_equal(period.abbreviation, "AAA"); /* J60 is 1 March, 59 the 29 February */
    zone_period_at(&zone, days_from_civil(2024, 3, 1) * US_PER_DAY, &period);
    assert_string_equal(period.abbreviation, "BBB");
    assert_true(period.until_us == days_from_civil(2025, 3, 1) * US_PER_DAY - 2 * US_PER_HOUR);
    zone_clear(&zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_python),     cmocka_unit_test(knows_the_systems_zones),
        cmocka_unit_test(knows_offsets),          cmocka_unit_test(refuses_what_is_no_name),
        cmocka_unit_test(survives_damaged_files), cmocka_unit_test(refuses_wrong_rules),
        cmocka_unit_test(reads_rare_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
