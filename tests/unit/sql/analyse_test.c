#include "plans.h"

/* Compares the plan, a line each. */
static void plan_is(struct plans *plans, const char *text, const char *wanted)
{
    assert_string_equal(plans_text(plans, text), wanted);
}

static void the_users_queries(void **state)
{
    struct plans *plans = *state;
    plan_is(plans,
            "SELECT login.uuid AS id, name.first AS first_name, gender,\n"
            "  concat(location.street.number, ' ', location.street.name, ', ', location.city) AS "
            "address,\n"
            "  dob.date AS dob\n"
            "FROM users_created",
            "project login.uuid as id, name.first as first_name, gender,"
            " concat(cast(location.street.number as string), ' ', location.street.name, ', ', "
            "location.city) as address,"
            " dob.date as dob\n"
            "  scan users_created struct<gender:string,name:struct<first:string>,"
            "location:struct<street:struct<number:bigint,name:string>,city:string>,login:struct<"
            "uuid:string>,dob:struct<date:string>>\n");
    plans->options.watermark_column = "_accepted_at";
    plan_is(
        plans,
        "SELECT window.start AS minute, location.country AS country, count(*) AS changes\n"
        "FROM users_created GROUP BY window(_accepted_at, '1 minute'), location.country",
        "project window.start as minute, country, count as changes\n"
        "  aggregate by [window, location.country] window(_accepted_at, 60000000 us, 60000000 us, "
        "0 us)"
        " event time in key 1 compute count(1)\n"
        "    scan users_created struct<location:struct<country:string>,_accepted_at:timestamp>\n");
}

static void names(void **state)
{
    struct plans *plans = *state;
    plans->options.batch = true;
    plan_is(plans,
            "SELECT people.ID, `Name` AS n, spark_streams.people.born FROM spark_streams.people",
            "project id as ID, name as n, born\n  scan spark_streams.people "
            "struct<id:int,name:string,born:date>\n");
    plan_is(plans, "SELECT x.props.a, props['b'] b, tags[0] FROM Spark_Streams.People x",
            "project props['a'] as a, props['b'] as b, tags[0] as tags[0]\n"
            "  scan spark_streams.people struct<tags:array<string>,props:map<string,int>>\n");
    plans_refused(plans, "SELECT nmae FROM spark_streams.people", "nmae",
                  "there is no column \"nmae\"");
    assert_string_equal(plans->error.hint, "did you mean \"name\"?");
    plans_refused(plans, "SELECT name.frist FROM users_created", "frist", "no field \"frist\"");
    plans_refused(plans, "SELECT upr(gender) FROM users_created", "upr", "no function \"upr\"");
    plans_refused(plans, "SELECT 1 FROM user_created", "user_created", "no stream, topic or table");
    plans_refused(plans, "SELECT id FROM spark_streams.people a, spark_streams.people b", "id",
                  "more than one relation");
}

static void syntax(void **state)
{
    struct plans *plans = *state;
    plans_refused(plans, "SELECT gender, FROM users_created", "FROM",
                  "expected an expression, found \"FROM\"");
    plans_refused(plans, "SELECT gender users_created WHERE", NULL, "the query ends here");
    plans_refused(plans, "SELECT (gender FROM users_created", "FROM", "expected \")\"");
    plans_refused(plans, "SELECT 'abc", "'abc", "not closed");
    plans_refused(plans, "SELECT", NULL, "the query ends here");
    plans_refused(plans, "SELECT gender FROM users_created WHERE email LIKE", NULL,
                  "expected an expression");
    plans_refused(plans, "SELECT CAST(gender AS STRIN) FROM users_created", "STRIN)", "");
    plans_refused(plans, "SELECT a FROM (SELECT 1 AS a) UNION ALL SELECT 1, 2", "SELECT 1, 2",
                  "has 2 columns");
    plans_refused(plans, "SELECT sum(x) OVER (PARTITION BY y) FROM clicks", "OVER",
                  "window functions");
    plans_refused(plans, "SELECT 'it''s'", "'s'", "mean different things");
}

static void groups(void **state)
{
    struct plans *plans = *state;
    plans_refused(plans, "SELECT user, page, count(*) FROM clicks GROUP BY user", "page",
                  "neither grouped by nor inside an aggregate");
    plans_refused(plans, "SELECT user FROM clicks WHERE count(*) > 1", "count",
                  "cannot stand in WHERE");
    plans_refused(plans, "SELECT sum(max(ms)) FROM clicks", "max", "inside another aggregate");
    plans_refused(plans, "SELECT count(DISTINCT user) FROM clicks", "count", "DISTINCT");
    plans_refused(plans, "SELECT user FROM clicks ORDER BY user", "ORDER",
                  "cannot be applied to a stream");
    plans_refused(plans, "SELECT user FROM clicks LIMIT 3", "3", "cannot be applied to a stream");
    plan_is(plans,
            "SELECT upper(user) AS u, count(*) AS n, sum(ms) + 1 AS s FROM clicks GROUP BY u "
            "HAVING n > 2 AND upper(user) = 'A'",
            "project upper(user) as u, count as n, (sum + 1) as s\n"
            "  filter (count > 2)\n"
            "    aggregate by [upper(user)] compute count(1), sum(ms)\n"
            "      filter (upper(user) = 'A')\n"
            "        scan clicks struct<user:string,ms:int>\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_users_queries, plans_setup, plans_teardown),
        cmocka_unit_test_setup_teardown(names, plans_setup, plans_teardown),
        cmocka_unit_test_setup_teardown(syntax, plans_setup, plans_teardown),
        cmocka_unit_test_setup_teardown(groups, plans_setup, plans_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
