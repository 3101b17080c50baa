/* What follows from a snapshot: the sum, and what is wrong. */

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

static size_t note(struct console_problem *target,
                   size_t count,
                   const struct console_fault *fault,
                   struct console_problem problem)
{
    if (fault->message == NULL) {
        return count;
    }
    target[count] = problem;
    target[count].fault = fault;
    return count + 1;
}

size_t console_problems(const struct console_snapshot *snapshot,
                        struct arena *arena,
                        struct console_problem **ret_problems)
{
    size_t max = 1 + snapshot->source_count * 2 + snapshot->flow_count;
    struct console_problem *problems = ARENA_ARRAY(arena, struct console_problem, max);
    size_t count = note(problems, 0, &snapshot->fault, (struct console_problem){.kind = "process"});
    for (size_t i = 0; i < snapshot->source_count; i++) {
        const struct console_source *source = &snapshot->sources[i];
        count = note(problems, count, &source->fault,
                     (struct console_problem){source->pipeline, "source", source->name, NULL});
        count = note(problems, count, &source->capture_fault,
                     (struct console_problem){source->pipeline, "capture", source->name, NULL});
    }
    for (size_t i = 0; i < snapshot->flow_count; i++) {
        const struct console_flow *flow = &snapshot->flows[i];
        count = note(problems, count, &flow->fault,
                     (struct console_problem){flow->pipeline, "flow", flow->topic, NULL});
    }
    *ret_problems = problems;
    return count;
}
