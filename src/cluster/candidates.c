#include "cluster/candidates.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SESSION_DIGITS 16

void candidate_prefix(int64_t session, char target[CANDIDATE_NAME_BYTES])
{
    (void) snprintf(target, CANDIDATE_NAME_BYTES, "n_%016" PRIx64 "-", (uint64_t) session);
}

static int read_one(const char *name, struct candidate *candidate)
{
    if (strncmp(name, "n_", 2) != 0 || strlen(name) >= CANDIDATE_NAME_BYTES) {
        return 0;
    }
    const char *digits = name + 2;
    for (size_t i = 0; i < SESSION_DIGITS; i++) {
        if (!isxdigit((unsigned char) digits[i])) {
            return 0;
        }
    }
    const char *sequence = digits + SESSION_DIGITS + 1;
    if (sequence[-1] != '-') {
        return 0;
    }
    /* ZooKeeper's number is a signed 32-bit one, and negative after 2^31. */
    const char *c = *sequence == '-' ? sequence + 1 : sequence;
    if (*c == '\0' || strspn(c, "0123456789") != strlen(c)) {
        return 0;
    }
    candidate->session = (int64_t) strtoull(digits, NULL, 16);
    candidate->sequence = strtoll(sequence, NULL, 10);
    (void) snprintf(candidate->name, sizeof(candidate->name), "%s", name);
    return 1;
}

static int by_sequence(const void *left, const void *right)
{
    const struct candidate *a = left;
    const struct candidate *b = right;
    return (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

size_t candidates_read(const char *const *names, size_t count, struct candidate *target)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        found += (size_t) read_one(names[i], &target[found]);
    }
    qsort(target, found, sizeof(*target), by_sequence);
    return found;
}

size_t candidates_find(const struct candidate *candidates, size_t count, int64_t session)
{
    size_t i = 0;
    while (i < count && candidates[i].session != session) {
        i++;
    }
    return i;
}
