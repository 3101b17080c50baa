#include "io/clock.h"

#include "base/assert.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/random.h>
#include <time.h>

/* -1: the real clock. */
static _Atomic int64_t simulated_us = -1;

/* State of the seeded generator; 0: the system's. */
static _Atomic uint64_t seeded;

static int64_t read_clock(clockid_t clock)
{
    int64_t simulated = atomic_load_explicit(&simulated_us, memory_order_relaxed);
    if (simulated >= 0) {
        return simulated;
    }
    struct timespec now;
    int failed = clock_gettime(clock, &now);
    ASSERT(failed == 0);
    return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_now_us(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t clock_monotonic_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void clock_sleep_us(int64_t duration_us)
{
    if (duration_us <= 0) {
        return;
    }
    if (atomic_load(&simulated_us) >= 0) {
        clock_advance(duration_us);
        return;
    }
    struct timespec left = {duration_us / 1000000, (duration_us % 1000000) * 1000};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {
    }
}

void clock_simulate(int64_t now_us)
{
    atomic_store(&simulated_us, now_us < 0 ? -1 : now_us);
}

void clock_advance(int64_t duration_us)
{
    ASSERT(duration_us >= 0 && atomic_load(&simulated_us) >= 0);
    (void) atomic_fetch_add(&simulated_us, duration_us);
}

/* splitmix64 (Steele, Lea, Flood 2014): every thread draws the next state of one sequence. */
static uint64_t seeded_next(void)
{
    uint64_t z = atomic_fetch_add(&seeded, UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void system_bytes(uint8_t *target, size_t size)
{
    while (size > 0) {
        ssize_t got = getrandom(target, size, 0);
        if (got < 0) {
            ASSERT(errno == EINTR);
            continue;
        }
        target += got;
        size -= (size_t) got;
    }
}

void random_bytes(void *target, size_t size)
{
    uint8_t *bytes = target;
    if (atomic_load_explicit(&seeded, memory_order_relaxed) == 0) {
        system_bytes(bytes, size);
        return;
    }
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = seeded_next();
        for (size_t j = i; j < size && j < i + 8; j++, word >>= 8) {
            bytes[j] = (uint8_t) word;
        }
    }
}

uint64_t random_u64(void)
{
    uint64_t value;
    random_bytes(&value, sizeof(value));
    return value;
}

void random_seed(uint64_t seed)
{
    atomic_store(&seeded, seed);
}
