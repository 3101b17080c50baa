#pragma once

/*
 * The seam for time and randomness. Everything below `app/` asks here, so that tests can put a
 * simulated clock and a seed in their place. Safe from any thread.
 */

#include <stddef.h>
#include <stdint.h>

/* Wall clock, µs since 1970. May jump. */
int64_t clock_now_us(void);

/* Monotonic clock, µs since some start. For durations and deadlines. */
int64_t clock_monotonic_us(void);

/* Blocks this thread. Tests with a simulated clock advance it instead. */
void clock_sleep_us(int64_t duration_us);

/* From the system's generator; under a test seed from that. */
void random_bytes(void *target, size_t size);
uint64_t random_u64(void);

/* Tests only: freeze both clocks at `now_us` (then clock_advance moves them), or -1 to go back. */
void clock_simulate(int64_t now_us);
void clock_advance(int64_t duration_us);
void random_seed(uint64_t seed); /* 0 goes back to the system's */
