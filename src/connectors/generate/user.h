#pragma once

/*
 * One fictional user: its values in the order of the randomuser.me object, made from a number and
 * nothing else but the clock (for ages).
 */

#include "base/error.h"
#include "connectors/generate/nationality.h"

#include <stdbool.h>
#include <stdint.h>

/* The fields that a request may include or exclude, in the order of the object. */
enum user_field {
    FIELD_GENDER,
    FIELD_NAME,
    FIELD_LOCATION,
    FIELD_EMAIL,
    FIELD_LOGIN,
    FIELD_DOB,
    FIELD_REGISTERED,
    FIELD_PHONE,
    FIELD_CELL,
    FIELD_ID,
    FIELD_PICTURE,
    FIELD_NAT,
    FIELD_COUNT,
};

#define ALL_FIELDS ((1U << FIELD_COUNT) - 1)

enum user_leaf {
    LEAF_GENDER,
    LEAF_TITLE,
    LEAF_FIRST,
    LEAF_LAST,
    LEAF_STREET_NUMBER,
    LEAF_STREET_NAME,
    LEAF_CITY,
    LEAF_STATE,
    LEAF_COUNTRY,
    LEAF_POSTCODE,
    LEAF_LATITUDE,
    LEAF_LONGITUDE,
    LEAF_OFFSET,
    LEAF_DESCRIPTION,
    LEAF_EMAIL,
    LEAF_UUID,
    LEAF_USERNAME,
    LEAF_PASSWORD,
    LEAF_SALT,
    LEAF_MD5,
    LEAF_SHA1,
    LEAF_SHA256,
    LEAF_DOB_DATE,
    LEAF_DOB_AGE,
    LEAF_REGISTERED_DATE,
    LEAF_REGISTERED_AGE,
    LEAF_PHONE,
    LEAF_CELL,
    LEAF_ID_NAME,
    LEAF_ID_VALUE,
    LEAF_LARGE,
    LEAF_MEDIUM,
    LEAF_THUMBNAIL,
    LEAF_NAT,
    LEAF_COUNT,
};

enum leaf_kind {
    LEAF_TEXT,
    LEAF_NUMBER,
    LEAF_NULL
};

#define USER_SCRATCH_BYTES 1536

struct user {
    struct slice values[LEAF_COUNT]; /* in scratch or in the tables; no JSON escapes are needed */
    uint8_t kinds[LEAF_COUNT];
    size_t used;
    char scratch[USER_SCRATCH_BYTES];
};

/* What a user is made with; for one thread. */
struct user_maker;

/* STATUS_UNAVAILABLE if OpenSSL lacks one of the three hashes. */
MUST_USE enum status user_maker_new(struct user_maker **ret_maker, struct error *error);
void user_maker_free(struct user_maker *maker);

/* The time that ages are counted to. */
void user_maker_set_now(struct user_maker *maker, int64_t now_us);

/* `fields`: values of others may be left out to save time; the rest does not depend on it.
 * `nationality_set` is a bit for each allowed one, `gender` 0 male, 1 female, -1 either. */
void user_make(struct user_maker *maker,
               uint64_t number,
               uint32_t nationality_set,
               int gender,
               unsigned fields,
               struct user *ret_user);
