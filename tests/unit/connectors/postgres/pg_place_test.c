#include "connectors/postgres/pg_place.h"

#include "test.h"

#include <stdio.h>

struct fixture {
    struct arena arena;
    struct error error;
};

static struct pg_place read_place(struct fixture *f, const char *url)
{
    struct pg_place place;
    assert_ok(pg_place_read(url, &f->arena, &place, &f->error), f->error);
    return place;
}

static void urls(void **state)
{
    struct fixture f;
    (void) state;
    arena_init(&f.arena, 0);
    struct pg_place place = read_place(&f, "postgresql://me:secret@host:5433/db");
    assert_string_equal(place.url, "postgresql://me:secret@host:5433/db");
    assert_string_equal(place.shown, "me@host:5433/db");
    assert_string_equal(place.schema, "leat");

    place = read_place(
        &f, "postgres://host/db?schema=one&sslmode=disable&state=users.topic&connect_timeout=3");
    assert_string_equal(place.url, "postgres://host/db?sslmode=disable&connect_timeout=3");
    assert_string_equal(place.shown, "host/db");
    assert_string_equal(place.schema, "one.users.topic");

    place = read_place(&f, "postgresql:///db?schema=a%22b%c3%a4%2");
    assert_string_equal(place.url, "postgresql:///db");
    assert_string_equal(place.schema, "a\"b\xc3\xa4%2");

    assert_fails(pg_place_read("postgresql://h/d?nonsense=1", &f.arena, &place, &f.error),
                 STATUS_CONFIG, f.error, "nonsense");
    assert_fails(pg_place_read("postgresql://h/d?schema=pg_catalog", &f.arena, &place, &f.error),
                 STATUS_CONFIG, f.error, "PostgreSQL's own");
    arena_deinit(&f.arena);
}

static void names(void **state)
{
    struct fixture f;
    const char *schema;
    const char *table;
    (void) state;
    arena_init(&f.arena, 0);
    char name[100];
    snprintf(name, sizeof(name), "%063d", 1);
    assert_string_equal(pg_name_fit(name, &f.arena), name);
    snprintf(name, sizeof(name), "%045d\xc3\xa4%020d", 1, 1); /* the cut falls into a character */
    const char *one = pg_name_fit(name, &f.arena);
    assert_true(strlen(one) <= PG_NAME_BYTES);
    assert_int_equal(strncmp(one, name, 45), 0);
    assert_int_equal(one[45], '~');
    name[strlen(name) - 1] = '2';
    assert_string_not_equal(pg_name_fit(name, &f.arena), one);

    struct buffer quoted CLEANUP(buffer_deinit) = BUFFER_INIT;
    pg_append_name(&quoted, "a\"; DROP");
    assert_string_equal(buffer_string(&quoted), "\"a\"\"; DROP\"");

    assert_ok(pg_table_split("space.a.b", &f.arena, &schema, &table, &f.error), f.error);
    assert_string_equal(schema, "space");
    assert_string_equal(table, "a.b");
    assert_ok(pg_table_split("plain", &f.arena, &schema, &table, &f.error), f.error);
    assert_null(schema);
    assert_string_equal(table, "plain");
    assert_fails(pg_table_split(".x", &f.arena, &schema, &table, &f.error), STATUS_CONFIG, f.error,
                 "empty");
    assert_fails(pg_table_split("x.", &f.arena, &schema, &table, &f.error), STATUS_CONFIG, f.error,
                 "empty");
    arena_deinit(&f.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
