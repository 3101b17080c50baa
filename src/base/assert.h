#pragma once

/*
 * ASSERT is for what cannot happen unless leat itself is wrong; it stays on in release builds and
 * ends the process with a stack trace. Never use it on input.
 */

#include "base/attr.h"

#define ASSERT(condition)                                                                          \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0)) {                                                   \
            assert_failed(__FILE__, __LINE__, #condition);                                         \
        }                                                                                          \
    } while (0)

NORETURN void assert_failed(const char *file, int line, const char *condition);
