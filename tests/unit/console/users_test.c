#include "test.h"

#include "console/users.h"

#include "base/buffer.h"
#include "io/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HASH  "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"
#define ALICE "user alice admin - " HASH "\n"

static enum status parse(const char *text, struct users *ret_users, struct error *error)
{
    return users_parse(slice_of_string(text), "users.txt", ret_users, error);
}

static void a_file_is_five_words_a_line(void **state)
{
    struct users users;
    struct error error = {0};
    (void) state;
    assert_ok(parse("# comment\n\n" ALICE "token ci\toperator 2027-01-01T00:00:00Z sha256:ab\r\n",
                    &users, &error),
              error);
    assert_int_equal(users.count, 2);
    const struct users_entry *ci = users_find(&users, "ci");
    assert_true(ci->token);
    assert_int_equal(ci->role, CONSOLE_OPERATOR);
    assert_true(ci->until_us == INT64_C(1798761600000000));
    assert_int_equal(users_find(&users, "alice")->role, CONSOLE_ADMIN);
    assert_null(users_find(&users, "bob"));
    users_free(&users);
}

static void mistakes_are_told_with_their_line(void **state)
{
    static const struct {
        const char *text, *told;
    } rows[] = {
        {"\nuser alice admin -\n", "users.txt:2: 4 words"},
        {"user alice admin - " HASH " more\n", "6 words"},
        {"person alice admin - " HASH "\n", "neither user nor token"},
        {"user a/b admin - " HASH "\n", "is no name"},
        {"user alice king - " HASH "\n", "no role \"king\""},
        {"user alice anyone - " HASH "\n", "no role \"anyone\""},
        {"user alice admin soon " HASH "\n", "soon"},
        {"user alice admin - secret\n", "begins with $argon2id$"},
        {"token alice admin - " HASH "\n", "begins with sha256:"},
        {ALICE ALICE, "users.txt:2: \"alice\" is there twice"},
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct users users;
        struct error error = {0};
        assert_int_equal(parse(rows[i].text, &users, &error), STATUS_CONFIG);
        if (strstr(error.message, rows[i].told) == NULL) {
            fail_msg("%s: \"%s\"", rows[i].told, error.message);
        }
    }
}

static void a_change_leaves_the_other_lines(void **state)
{
    char folder[] = "/tmp/leat-users-XXXXXX";
    char path[64];
    struct error error = {0};
    struct users users;
    struct users_entry bob = {.name = "bob", .role = CONSOLE_VIEWER, .hash = HASH};
    (void) state;
    assert_non_null(mkdtemp(folder));
    (void) snprintf(path, sizeof(path), "%s/users.txt", folder);
    assert_int_equal(users_change(path, "bob", NULL, &error), STATUS_NOT_FOUND);
    assert_ok(users_change(path, "bob", &bob, &error), error);
    struct users_entry alice = {.name = "alice", .role = CONSOLE_VIEWER, .hash = HASH};
    assert_ok(users_change(path, "alice", &alice, &error), error);
    bob.role = CONSOLE_OPERATOR;
    bob.until_us = 1000000;
    assert_ok(users_change(path, "bob", &bob, &error), error);
    assert_ok(users_load(path, &users, &error), error);
    assert_int_equal(users.count, 2);
    assert_int_equal(users_find(&users, "bob")->role, CONSOLE_OPERATOR);
    assert_true(users_find(&users, "bob")->until_us == 1000000);
    users_free(&users);
    assert_ok(users_change(path, "bob", NULL, &error), error);
    struct buffer text = BUFFER_INIT;
    assert_ok(file_load(path, 10000, &text, &error), error);
    assert_string_equal(buffer_string(&text), "# leat's users: kind, name, role, until, hash\n"
                                              "user alice viewer - " HASH "\n");
    buffer_deinit(&text);
    assert_ok(directory_remove(folder, &error), error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_five_words_a_line),
        cmocka_unit_test(mistakes_are_told_with_their_line),
        cmocka_unit_test(a_change_leaves_the_other_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
