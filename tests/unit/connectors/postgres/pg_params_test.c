/* Parameters in binary, against what PostgreSQL 15 sends: array_send, timestamptz_send. */

#include "connectors/postgres/pg_params.h"

#include "test.h"

#include <stdio.h>

static const char *hex_of(const struct pg_params *params, size_t index)
{
    static char hex[512];
    const struct pg_param *param = &params->items[index];
    for (size_t i = 0; i < param->size; i++) {
        snprintf(hex + 2 * i, 3, "%02x", params->bytes.data[param->offset + i]);
    }
    hex[2 * param->size] = '\0';
    return hex;
}

static void arrays(void **state)
{
    (void) state;
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    pg_array_begin(&params, PG_TEXT);
    pg_array_text(&params, SLICE("a"));
    pg_array_null(&params);
    pg_array_text(&params, SLICE_EMPTY);
    pg_array_end(&params);
    pg_array_begin(&params, PG_INT8);
    pg_array_end(&params);
    pg_array_begin(&params, PG_INT8);
    pg_array_int8(&params, 1);
    pg_array_int8(&params, -1);
    pg_array_end(&params);
    assert_int_equal(params.items[0].oid, 1009); /* text[], int8[]: pg_type.dat */
    assert_int_equal(params.items[1].oid, 1016);
    assert_string_equal(hex_of(&params, 0), "00000001000000010000001900000003000000010000000161"
                                            "ffffffff00000000");
    assert_string_equal(hex_of(&params, 1), "000000000000000000000014");
    assert_string_equal(hex_of(&params, 2), "000000010000000000000014000000020000000100000008"
                                            "000000000000000100000008ffffffffffffffff");
}

static void single_values(void **state)
{
    (void) state;
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    pg_param_time(&params, 1); /* 1970-01-01 00:00:00.000001Z */
    pg_param_string(&params, NULL);
    pg_param_bytes(&params, SLICE_EMPTY);
    pg_param_text(&params, SLICE_EMPTY);
    pg_param_int4(&params, -2);
    assert_string_equal(hex_of(&params, 0), "fffca2fec4c82001");
    assert_true(params.items[1].null);
    assert_true(params.items[2].null);
    assert_false(params.items[3].null);
    assert_string_equal(hex_of(&params, 4), "fffffffe");
    pg_params_clear(&params);
    assert_int_equal(params.count, 0);
}

static void times(void **state)
{
    (void) state;
    const int64_t kept[] = {0, 1, -1, INT64_C(1767225600123456), INT64_C(-62135596800000000)};
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
        assert_true(pg_time_read(pg_time_of(kept[i])) == kept[i]);
    }
    assert_true(pg_time_of(INT64_MIN) == INT64_MIN); /* -infinity */
    assert_true(pg_time_read(INT64_MIN) == INT64_MIN);
    assert_true(pg_time_read(INT64_MAX) == INT64_MAX); /* infinity */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays),
        cmocka_unit_test(single_values),
        cmocka_unit_test(times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
