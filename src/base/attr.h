#pragma once

/* Compiler attributes under readable names. gcc 12 refuses [[...]] in gnu17 with -Wpedantic. */

#define MUST_USE           __attribute__((warn_unused_result))
#define PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define CLEANUP(function)  __attribute__((cleanup(function)))
#define UNUSED             __attribute__((unused))
#define NORETURN           __attribute__((noreturn))

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
