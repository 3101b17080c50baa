#pragma once

/*
 * The sum that leat proves (DESIGN, "The sum"). Counts are of records and durable: each hop adds to
 * them in the transaction that moves its data.
 *
 *     fetched  = accepted + unchanged + dead at the source
 *     accepted = stored + filtered + late + dead            (when nothing is in flight)
 */

#include <stdint.h>

struct source_counts {
    int64_t fetched;
    int64_t accepted;
    int64_t unchanged;
    int64_t dead;
    int64_t requests;
};

/* How accepted records ended. */
struct fate_counts {
    int64_t stored;   /* all its outputs durable in every sink */
    int64_t filtered; /* no query wanted it                    */
    int64_t late;     /* behind the watermark                  */
    int64_t dead;     /* a query or a sink refused it          */
    int64_t foreign;  /* of the four above: records that did not come through staging */
};

static inline void fate_counts_add(struct fate_counts *counts, const struct fate_counts *more)
{
    counts->stored += more->stored;
    counts->filtered += more->filtered;
    counts->late += more->late;
    counts->dead += more->dead;
    counts->foreign += more->foreign;
}
