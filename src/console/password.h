#pragma once

/*
 * What the users file keeps instead of secrets: argon2id (RFC 9106) of a password, which a person
 * chose and so somebody may guess; SHA-256 of a token, which has 256 random bits and so nobody can.
 */

#include "base/error.h"

#include <stdbool.h>

#define PASSWORD_BYTES_MIN  8
#define PASSWORD_BYTES_MAX  1024
#define PASSWORD_HASH_BYTES 160
#define SECRET_BYTES        72 /* "leat_" and 64 hexadecimal digits */

/* "$argon2id$v=19$m=19456,t=2,p=1$...": OWASP's parameters, 20 MB and some 30 ms. STATUS_CONFIG if
 * the password is too short or too long. */
MUST_USE enum status
password_hash(const char *password, char ret_hash[PASSWORD_HASH_BYTES], struct error *error);

/* Whether it is the password of `hash`. With `hash` NULL it takes as long and is false, so that the
 * time does not tell which names exist. Passwords are looked at one after the other. */
bool password_matches(const char *hash, const char *password);

/* A new token, or the id of a session. */
void secret_make(char ret_secret[SECRET_BYTES]);

/* "sha256:" and 64 hexadecimal digits. */
void secret_hash(const char *secret, char ret_hash[PASSWORD_HASH_BYTES]);

/* Compares in constant time. */
bool secret_matches(const char *hash, const char *secret);
