#include "connectors/postgres/replication_wait.h"

#include "io/clock.h"

#include <poll.h>
#include <stddef.h>

#define SLICE_US 50000 /* between two looks at `cancelled` */

bool replication_wait(int fd, int64_t until_us, const atomic_bool *cancelled)
{
    for (;;) {
        if (cancelled != NULL && atomic_load(cancelled)) {
            return false;
        }
        int64_t left_us = until_us - clock_monotonic_us();
        if (left_us <= 0) {
            return true;
        }
        struct pollfd wanted = {.fd = fd, .events = POLLIN};
        int64_t wait_us = left_us < SLICE_US ? left_us : SLICE_US;
        if (poll(&wanted, 1, (int) ((wait_us + 999) / 1000)) != 0) {
            return true; /* readable, or broken: libpq will say so */
        }
    }
}
