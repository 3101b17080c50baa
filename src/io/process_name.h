#pragma once

/* The name of a running process, for messages about who is in the way. */

#include <stdbool.h>
#include <stdint.h>

#define PROCESS_NAME_BYTES 32

/* False if there is no such process (any more). */
bool process_name(int64_t pid, char target[PROCESS_NAME_BYTES]);
