/* What SQL test files cannot say: budgets and the places of failed rows. */

#include "plans.h"

#include "sql/batch_run.h"

static enum status count_rows(void *context, const struct batch *batch, struct error *error)
{
    (void) error;
    *(int64_t *) context += batch->length;
    return STATUS_OK;
}

static enum status refuse_rows(void *context, const struct batch *batch, struct error *error)
{
    (void) context;
    (void) batch;
    return error_set(error, STATUS_CANCELLED, "reader has gone");
}

static enum status
run(struct plans *plans, const char *text, struct budget *budget, batch_sink *sink, int64_t *rows)
{
    plans->options.batch = true;
    const struct query *query = plans_compile(plans, text);
    struct batch_options options = {.budget = budget};
    *rows = 0;
    return batch_run(query->plan, &options, sink, rows, &plans->offset, &plans->error);
}

static const char many[] = "SELECT a.x, b.x AS y FROM (SELECT explode(sequence(1, 300)) AS x) a"
                           " CROSS JOIN (SELECT explode(sequence(1, 300)) AS x) b";

static void a_budget_is_kept_and_given_back(void **state)
{
    struct plans *plans = *state;
    struct budget budget;
    int64_t rows = 0;
    static const char *const shapes[] = {
        "SELECT x, y FROM (%s) ORDER BY y, x",
        "SELECT DISTINCT x, y FROM (%s)",
        "SELECT x, y, count(*) FROM (%s) GROUP BY x, y",
        "SELECT count(DISTINCT x * 1000 + y) FROM (%s)",
    };
    for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
        struct buffer text = BUFFER_INIT;
        const char *at = strstr(shapes[i], "%s");
        buffer_append(&text, shapes[i], (size_t) (at - shapes[i]));
        buffer_append_string(&text, many);
        buffer_append_string(&text, at + 2);
        budget_init(&budget, "query", (size_t) 64 << 20);
        assert_ok(run(plans, buffer_string(&text), &budget, count_rows, &rows), plans->error);
        assert_int_equal(rows, i == 3 ? 1 : 90000);
        assert_int_equal(atomic_load(&budget.bytes_used), 0);
        budget_init(&budget, "query", (size_t) 256 << 10);
        assert_fails(run(plans, buffer_string(&text), &budget, count_rows, &rows), STATUS_LIMIT,
                     plans->error, "query");
        assert_int_equal(atomic_load(&budget.bytes_used), 0);
        buffer_deinit(&text);
    }
}

static void a_row_that_fails_ends_the_query_at_its_place(void **state)
{
    struct plans *plans = *state;
    int64_t rows = 0;
    static const char text[] =
        "SELECT x, CAST(y AS INT) AS z FROM VALUES (1, '1'), (2, 'two') AS t(x, y)";
    assert_fails(run(plans, text, NULL, count_rows, &rows), STATUS_DATA, plans->error, "two");
    assert_int_equal(plans->offset, strstr(text, "CAST") - text);
}

static void the_sink_can_stop(void **state)
{
    struct plans *plans = *state;
    int64_t rows = 0;
    assert_fails(run(plans, many, NULL, refuse_rows, &rows), STATUS_CANCELLED, plans->error,
                 "gone");
}

static void a_limit_ends_an_endless_join(void **state)
{
    struct plans *plans = *state;
    int64_t rows = 0;
    assert_ok(run(plans,
                  "SELECT a.x FROM (SELECT explode(sequence(1, 3000)) AS x) a CROSS JOIN (SELECT "
                  "explode(sequence(1, 3000)) AS x) b LIMIT 5",
                  NULL, count_rows, &rows),
              plans->error);
    assert_int_equal(rows, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_budget_is_kept_and_given_back, plans_setup,
                                        plans_teardown),
        cmocka_unit_test_setup_teardown(a_row_that_fails_ends_the_query_at_its_place, plans_setup,
                                        plans_teardown),
        cmocka_unit_test_setup_teardown(the_sink_can_stop, plans_setup, plans_teardown),
        cmocka_unit_test_setup_teardown(a_limit_ends_an_endless_join, plans_setup, plans_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
