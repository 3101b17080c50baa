#pragma once

/* The operations that a client is told it may do: all, as there are no access rules. Bits are
 * Kafka's operation codes: read 3, write 4, create 5, delete 6, alter 7, describe 8, cluster action
 * 9, describe configs 10, alter configs 11, idempotent write 12. */

#include <stdint.h>

#define AUTHORIZED_NOT_ASKED INT32_MIN
#define AUTHORIZED_TOPIC     (1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 10 | 1 << 11)
#define AUTHORIZED_CLUSTER   (1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12)
#define AUTHORIZED_GROUP     (1 << 3 | 1 << 6 | 1 << 8)
