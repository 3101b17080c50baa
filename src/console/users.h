#pragma once

/*
 * The users file: who may use the console, one a line of five words.
 *
 *     # kind  name   role      until                        hash
 *     user    alice  admin     -                            $argon2id$v=19$m=19456,t=2,p=1$...
 *     token   ci     operator  2027-01-01T00:00:00.000000Z  sha256:...
 *
 * `leat user` and `leat token` write it; it holds no secret, only what secrets are checked with.
 * Names of users and of tokens are one set.
 */

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

#include <stdint.h>

/* Each may do what those before it may. */
enum console_role {
    CONSOLE_ANYONE,   /* who has not logged in */
    CONSOLE_VIEWER,   /* looks */
    CONSOLE_OPERATOR, /* keeps things going: retries, orders, resets, records, alerts */
    CONSOLE_ADMIN,    /* changes what there is: topics, schemas; reads the audit log */
};

/* "anyone", "viewer", "operator", "admin" */
const char *console_role_name(enum console_role role);

/* Of a user: not "anyone". STATUS_CONFIG naming the roles. */
MUST_USE enum status
console_role_parse(const char *text, enum console_role *ret_role, struct error *error);

#define USER_NAME_BYTES 64

struct users_entry {
    const char *name;
    const char *hash;
    enum console_role role;
    bool token;
    int64_t until_us; /* 0: for ever */
};

struct users {
    struct arena arena;
    struct users_entry *entries;
    size_t count;
};

/* Letters, digits, and ".", "_", "-", "@": 1 to 63 of them. */
bool users_name_is_fine(const char *name);

/* STATUS_CONFIG with the line's number. On failure there is nothing to free. */
MUST_USE enum status
users_parse(struct slice text, const char *path, struct users *ret_users, struct error *error);
MUST_USE enum status users_load(const char *path, struct users *ret_users, struct error *error);
void users_free(struct users *users);

/* NULL if there is none of that name. */
const struct users_entry *users_find(const struct users *users, const char *name);

/* Writes the file anew, readable by its owner only, with the entry of that name replaced, or gone
 * if `entry` is NULL (STATUS_NOT_FOUND if there was none). Comments stay. A file that is not there
 * is made. */
MUST_USE enum status users_change(const char *path,
                                  const char *name,
                                  const struct users_entry *entry,
                                  struct error *error);
