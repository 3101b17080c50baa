#pragma once

/*
 * Who asks: sessions of people who gave a password, and tokens of programs. The users file is read
 * again when it changes, so somebody who is taken out of it, or gets another password or role, is
 * so at the next request.
 *
 * A session is a random number in a cookie; it ends after 12 hours, after 2 hours without a
 * request, at a restart, and when its user changes. Wrong passwords make the same name at the same
 * address wait, 1 s after five of them and then twice as long each time, to a minute; an address
 * with twenty of them waits whatever the name.
 *
 * All functions are safe from any thread.
 */

#include "console/password.h"
#include "console/users.h"

struct login;

struct console_identity {
    char name[USER_NAME_BYTES];
    enum console_role role;
    bool token;
};

/* `local_token`: an admin's, for commands beside this leat; NULL: none. STATUS_CONFIG if the file
 * is not there, is wrong, or has no entry. */
MUST_USE enum status login_new(const char *users_file,
                               const char *local_token,
                               struct login **ret_login,
                               struct error *error);
void login_free(struct login *login); /* NULL is fine */

/* False if `secret` is no token that holds now. */
bool login_by_token(struct login *login, const char *secret, struct console_identity *ret_who);

/* False if there is no such session any more. */
bool login_by_session(struct login *login, const char *session, struct console_identity *ret_who);

enum login_result {
    LOGIN_OK,
    LOGIN_WRONG,    /* name or password */
    LOGIN_TOO_MANY, /* wait */
};

/* Checks a password and makes a session. With LOGIN_TOO_MANY *ret_wait_us is how long. */
enum login_result login_with_password(struct login *login,
                                      const char *peer,
                                      const char *name,
                                      const char *password,
                                      char ret_session[SECRET_BYTES],
                                      struct console_identity *ret_who,
                                      int64_t *ret_wait_us);

void login_end(struct login *login, const char *session);
