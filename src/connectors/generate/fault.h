#pragma once

/*
 * Which requests go wrong, and how: a plan made from a text such as "503:3,429,slow:2s:2,html@0.1".
 * Entries with a count take the first requests, in the order of the list; then those with a
 * probability are drawn for each request, from a seed. Not safe for several threads.
 */

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum fault_kind {
    FAULT_NONE,
    FAULT_503,        /* with a page of HTML                                        */
    FAULT_429,        /* with the service's words and Retry-After: 1                */
    FAULT_EMPTY,      /* no users, while info says there are                        */
    FAULT_HTML,       /* status 200 with a page of HTML                             */
    FAULT_TRUNCATED,  /* JSON cut in the middle of a user; Content-Length fits      */
    FAULT_CUT,        /* the connection ends before Content-Length is reached       */
    FAULT_ERROR,      /* status 200 with {"error": ...}                             */
    FAULT_SLOW,       /* waits before it answers rightly                            */
    FAULT_RESET,      /* a TCP reset in place of a reply                            */
    FAULT_BAD_RECORD, /* one user has a value of another type where it matters      */
    FAULT_KIND_COUNT,
};

#define FAULTS_MAX 32

struct fault_row {
    enum fault_kind kind;
    uint64_t left;      /* requests still to take */
    double probability; /* 0: by count */
    int64_t delay_us;   /* FAULT_SLOW */
};

struct fault_plan {
    struct fault_row rows[FAULTS_MAX];
    size_t count;
    uint64_t state; /* of the draws */
};

/* "KIND[:COUNT][@PROBABILITY]" in a comma list; slow is "slow:DURATION[:COUNT][@PROBABILITY]". With
 * neither count nor probability it is once. NULL or "" plans nothing. STATUS_USAGE otherwise. */
MUST_USE enum status
fault_plan_read(struct fault_plan *plan, const char *text, uint64_t seed, struct error *error);

/* What happens to the next request; its row, or NULL for nothing. */
const struct fault_row *fault_plan_next(struct fault_plan *plan);

const char *fault_name(enum fault_kind kind);
