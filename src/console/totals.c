/* What follows from a snapshot: the sum. */

#include "console/snapshot.h"

void console_totals_of(const struct console_snapshot *snapshot, struct console_totals *ret_totals)
{
    struct console_totals totals = {0};
    for (size_t i = 0; i < snapshot->source_count; i++) {
        const struct console_source *source = &snapshot->sources[i];
        totals.fetched += source->fetched;
        totals.accepted += source->accepted;
        totals.unchanged += source->unchanged;
        totals.refused += source->dead;
        totals.staged += source->lag;
    }
    for (size_t i = 0; i < snapshot->flow_count; i++) {
        const struct console_flow *flow = &snapshot->flows[i];
        if (flow->derived) {
            continue;
        }
        totals.stored += flow->stored;
        totals.filtered += flow->filtered;
        totals.late += flow->late;
        totals.dead += flow->dead;
        totals.foreign += flow->foreign;
    }
    totals.accepted += totals.foreign;
    /* The parts are read one after the other while records move: for a moment more may have ended
     * than was accepted when that was read. */
    int64_t ended = totals.stored + totals.filtered + totals.late + totals.dead;
    totals.in_flight = totals.accepted > ended ? totals.accepted - ended : 0;
    *ret_totals = totals;
}
