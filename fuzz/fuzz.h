#pragma once

/* What every fuzz target defines; libFuzzer or replay_main.c calls it. */

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
