#pragma once

/*
 * The names under an election's node: one ephemeral, sequential node a candidate,
 *
 *     n_<session id, 16 hexadecimal digits>-<sequence, 10 digits>
 *
 * The lowest sequence leads. The session id makes a candidate find its own node again when the
 * answer to its creation was lost.
 */

#include <stddef.h>
#include <stdint.h>

#define CANDIDATE_NAME_BYTES 48

struct candidate {
    char name[CANDIDATE_NAME_BYTES];
    int64_t session;
    int64_t sequence;
};

/* "n_<session>-": what a candidate asks ZooKeeper to number. */
void candidate_prefix(int64_t session, char target[CANDIDATE_NAME_BYTES]);

/* Reads names as candidates, in order of their sequence, into `target` with room for `count`;
 * returns how many they are. Other names are left out. */
size_t candidates_read(const char *const *names, size_t count, struct candidate *target);

/* The place of this session's first candidate; `count` if it has none. */
size_t candidates_find(const struct candidate *candidates, size_t count, int64_t session);
