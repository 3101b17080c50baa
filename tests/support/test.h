#pragma once

/* What every unit test includes: cmocka, and a check for `struct error` that shows the message. */

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The call must succeed; otherwise the test fails with the error's text. */
#define assert_ok(call, error)                                                                     \
    do {                                                                                           \
        enum status assert_ok_status_ = (call);                                                    \
        if (assert_ok_status_ != STATUS_OK) {                                                      \
            fail_msg("%s: %s: %s", #call, status_name(assert_ok_status_), (error).message);        \
        }                                                                                          \
    } while (0)

/* The call must fail with this status and a message that holds `part`. */
#define assert_fails(call, wanted, error, part)                                                    \
    do {                                                                                           \
        enum status assert_fails_status_ = (call);                                                 \
        if (assert_fails_status_ != (wanted)) {                                                    \
            fail_msg("%s: %s, not %s", #call, status_name(assert_fails_status_), #wanted);         \
        }                                                                                          \
        if (strstr((error).message, (part)) == NULL) {                                             \
            fail_msg("%s: message \"%s\" lacks \"%s\"", #call, (error).message, (part));           \
        }                                                                                          \
    } while (0)
