#include "test.h"

#include "console/login.h"

#include "base/buffer.h"
#include "console/audit_trail.h"
#include "io/clock.h"
#include "io/file.h"

#include <argon2.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define MINUTE_US INT64_C(60000000)

struct fixture {
    char folder[32];
    char users[64];
    char token[SECRET_BYTES];
    struct login *login;
};

static void write_users(const struct fixture *fixture, const char *password, enum console_role role)
{
    struct error error = {0};
    char hash[PASSWORD_HASH_BYTES];
    assert_ok(password_hash(password, hash, &error), error);
    const struct users_entry alice = {.name = "alice", .role = role, .hash = hash};
    assert_ok(users_change(fixture->users, "alice", &alice, &error), error);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct error error = {0};
    char hash[PASSWORD_HASH_BYTES];
    (void) snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/leat-login-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    (void) snprintf(fixture->users, sizeof(fixture->users), "%s/users", fixture->folder);
    clock_simulate(1000 * MINUTE_US);
    secret_make(fixture->token);
    secret_hash(fixture->token, hash);
    const struct users_entry token = {.name = "ci",
                                      .role = CONSOLE_OPERATOR,
                                      .hash = hash,
                                      .token = true,
                                      .until_us = clock_now_us() + 60 * MINUTE_US};
    assert_ok(users_change(fixture->users, "ci", &token, &error), error);
    write_users(fixture, "correct horse", CONSOLE_ADMIN);
    assert_ok(login_new(fixture->users, "leat_local", &fixture->login, &error), error);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    login_free(fixture->login);
    assert_ok(directory_remove(fixture->folder, &error), error);
    clock_simulate(-1);
    free(fixture);
    return 0;
}

static enum login_result try_from(const struct fixture *fixture,
                                  const char *peer,
                                  const char *name,
                                  const char *password,
                                  char *session)
{
    struct console_identity who;
    char own[SECRET_BYTES];
    int64_t wait_us;
    return login_with_password(fixture->login, peer, name, password,
                               session == NULL ? own : session, &who, &wait_us);
}

static void argon2id_as_its_own_library_reads_it(void **state)
{
    struct error error = {0};
    char hash[PASSWORD_HASH_BYTES];
    (void) state;
    assert_ok(password_hash("correct horse", hash, &error), error);
    assert_int_equal(strncmp(hash, "$argon2id$v=19$m=19456,t=2,p=1$", 31), 0);
    assert_int_equal(argon2_verify(hash, "correct horse", 13, Argon2_id), ARGON2_OK);
    assert_true(password_matches(hash, "correct horse"));
    assert_false(password_matches(hash, "correct horsf"));
    assert_false(password_matches(NULL, "correct horse"));
    assert_int_equal(password_hash("short", hash, &error), STATUS_CONFIG);
    /* FIPS 180-2, B.1 */
    secret_hash("abc", hash);
    assert_string_equal(hash,
                        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void a_session_ends_by_time_by_logout_and_with_its_user(void **state)
{
    const struct fixture *fixture = *state;
    char session[SECRET_BYTES];
    struct console_identity who;
    assert_int_equal(try_from(fixture, "p", "alice", "correct horse", session), LOGIN_OK);
    assert_true(login_by_session(fixture->login, session, &who));
    assert_string_equal(who.name, "alice");
    assert_int_equal(who.role, CONSOLE_ADMIN);
    assert_false(login_by_session(fixture->login, "leat_0", &who));
    assert_false(login_by_token(fixture->login, session, &who));
    clock_advance(119 * MINUTE_US);
    assert_true(login_by_session(fixture->login, session, &who));
    clock_advance(121 * MINUTE_US);
    assert_false(login_by_session(fixture->login, session, &who));

    assert_int_equal(try_from(fixture, "p", "alice", "correct horse", session), LOGIN_OK);
    for (int i = 0; i < 11; i++) {
        clock_advance(60 * MINUTE_US);
        assert_true(login_by_session(fixture->login, session, &who));
    }
    clock_advance(60 * MINUTE_US);
    assert_false(login_by_session(fixture->login, session, &who));

    assert_int_equal(try_from(fixture, "p", "alice", "correct horse", session), LOGIN_OK);
    login_end(fixture->login, session);
    assert_false(login_by_session(fixture->login, session, &who));

    assert_int_equal(try_from(fixture, "p", "alice", "correct horse", session), LOGIN_OK);
    write_users(fixture, "another horse", CONSOLE_VIEWER);
    assert_false(login_by_session(fixture->login, session, &who));
    assert_int_equal(try_from(fixture, "p", "alice", "another horse", session), LOGIN_OK);
    assert_true(login_by_session(fixture->login, session, &who));
    assert_int_equal(who.role, CONSOLE_VIEWER);
}

static void tokens_end_and_are_no_passwords(void **state)
{
    const struct fixture *fixture = *state;
    struct console_identity who;
    assert_true(login_by_token(fixture->login, fixture->token, &who));
    assert_int_equal(who.role, CONSOLE_OPERATOR);
    assert_true(login_by_token(fixture->login, "leat_local", &who));
    assert_int_equal(who.role, CONSOLE_ADMIN);
    assert_false(login_by_token(fixture->login, "", &who));
    assert_int_equal(try_from(fixture, "p", "ci", fixture->token, NULL), LOGIN_WRONG);
    clock_advance(61 * MINUTE_US);
    assert_false(login_by_token(fixture->login, fixture->token, &who));
}

static void wrong_passwords_make_wait(void **state)
{
    const struct fixture *fixture = *state;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(try_from(fixture, "p", "alice", "wrong horse", NULL), LOGIN_WRONG);
    }
    assert_int_equal(try_from(fixture, "p", "alice", "correct horse", NULL), LOGIN_TOO_MANY);
    assert_int_equal(try_from(fixture, "q", "alice", "correct horse", NULL), LOGIN_OK);
    clock_advance(1000000);
    assert_int_equal(try_from(fixture, "p", "alice", "wrong horse", NULL), LOGIN_WRONG);
    clock_advance(1000000); /* the second time it is 2 s */
    assert_int_equal(try_from(fixture, "p", "alice", "correct horse", NULL), LOGIN_TOO_MANY);
    clock_advance(1000000);
    assert_int_equal(try_from(fixture, "p", "alice", "correct horse", NULL), LOGIN_OK);
    assert_int_equal(try_from(fixture, "p", "alice", "wrong horse", NULL), LOGIN_WRONG);
}

static void an_address_that_guesses_names_waits_too(void **state)
{
    const struct fixture *fixture = *state;
    char name[16];
    for (int i = 0; i < 20; i++) {
        (void) snprintf(name, sizeof(name), "name%d", i);
        assert_int_equal(try_from(fixture, "r", name, "wrong horse", NULL), LOGIN_WRONG);
    }
    assert_int_equal(try_from(fixture, "r", "alice", "correct horse", NULL), LOGIN_TOO_MANY);
    assert_int_equal(try_from(fixture, "s", "alice", "correct horse", NULL), LOGIN_OK);
}

static void a_broken_file_leaves_those_who_were_there(void **state)
{
    const struct fixture *fixture = *state;
    struct error error = {0};
    struct console_identity who;
    assert_ok(file_replace(fixture->users, SLICE("rubbish\n"), &error), error);
    assert_true(login_by_token(fixture->login, fixture->token, &who));
    struct login *other;
    assert_int_equal(login_new(fixture->users, NULL, &other, &error), STATUS_CONFIG);
    assert_ok(file_replace(fixture->users, SLICE("# nobody\n"), &error), error);
    assert_int_equal(login_new(fixture->users, NULL, &other, &error), STATUS_CONFIG);
}

static void the_audit_log_outlives_a_torn_line(void **state)
{
    const struct fixture *fixture = *state;
    char path[80];
    struct error error = {0};
    struct buffer text = BUFFER_INIT;
    (void) snprintf(path, sizeof(path), "%s/audit", fixture->folder);
    assert_ok(file_replace(path, SLICE("{\"at\":\"x\"}\n{\"at\":\"torn"), &error), error);
    struct audit_trail *trail = audit_trail_new(path);
    struct audit_entry entry = {.who = "a\"\xff",
                                .role = "admin",
                                .peer = "p",
                                .method = "POST",
                                .path = "/x",
                                .status = 200,
                                .body = SLICE("{\"a\":1}")};
    audit_trail_add(trail, &entry);
    entry.who = NULL;
    audit_trail_add(trail, &entry);
    assert_ok(audit_trail_read(trail, 10, &text, &error), error);
    json_t *all = json_loads(buffer_string(&text), 0, NULL);
    assert_int_equal(json_array_size(all), 3);
    assert_true(json_is_null(json_object_get(json_array_get(all, 0), "who")));
    const json_t *second = json_array_get(all, 1);
    assert_string_equal(json_string_value(json_object_get(second, "who")), "a\"\xef\xbf\xbd");
    assert_string_equal(json_string_value(json_object_get(second, "body")), "{\"a\":1}");
    json_decref(all);
    buffer_clear(&text);
    assert_ok(audit_trail_read(trail, 1, &text, &error), error);
    all = json_loads(buffer_string(&text), 0, NULL);
    assert_int_equal(json_array_size(all), 1);
    json_decref(all);
    audit_trail_free(trail);
    buffer_deinit(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(argon2id_as_its_own_library_reads_it),
        TEST(a_session_ends_by_time_by_logout_and_with_its_user),
        TEST(tokens_end_and_are_no_passwords),
        TEST(wrong_passwords_make_wait),
        TEST(an_address_that_guesses_names_waits_too),
        TEST(a_broken_file_leaves_those_who_were_there),
        TEST(the_audit_log_outlives_a_torn_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
