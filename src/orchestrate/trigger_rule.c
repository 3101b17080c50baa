#include "orchestrate/trigger_rule.h"

const char *const trigger_rule_names[] = {"all_success",
                                          "all_failed",
                                          "all_done",
                                          "all_done_min_one_success",
                                          "all_skipped",
                                          "one_success",
                                          "one_failed",
                                          "one_done",
                                          "none_failed",
                                          "none_failed_min_one_success",
                                          "none_skipped",
                                          "always",
                                          NULL};

/* What can be said before the rule is met: that it never will be. TRIGGER_WAIT: not yet known. */
static enum trigger_answer
never(enum trigger_rule rule, const struct trigger_counts *counts, bool all_done)
{
    size_t bad = counts->failed + counts->upstream_failed;
    switch (rule) {
    case RULE_ALL_SUCCESS:
        return bad > 0               ? TRIGGER_UPSTREAM_FAILED
               : counts->skipped > 0 ? TRIGGER_SKIP
                                     : TRIGGER_WAIT;
    case RULE_ALL_FAILED:
        return counts->success > 0 || counts->skipped > 0 ? TRIGGER_SKIP : TRIGGER_WAIT;
    case RULE_ONE_SUCCESS:
        if (!all_done || counts->success > 0) {
            return TRIGGER_WAIT;
        }
        return counts->skipped == counts->total ? TRIGGER_SKIP : TRIGGER_UPSTREAM_FAILED;
    case RULE_ONE_FAILED:
        return all_done && bad == 0 ? TRIGGER_SKIP : TRIGGER_WAIT;
    case RULE_ONE_DONE:
        return all_done && counts->failed + counts->success == 0 ? TRIGGER_SKIP : TRIGGER_WAIT;
    case RULE_NONE_FAILED:
        return bad > 0 ? TRIGGER_UPSTREAM_FAILED : TRIGGER_WAIT;
    case RULE_NONE_FAILED_MIN_ONE_SUCCESS:
        return bad > 0                            ? TRIGGER_UPSTREAM_FAILED
               : counts->skipped == counts->total ? TRIGGER_SKIP
                                                  : TRIGGER_WAIT;
    case RULE_NONE_SKIPPED:
        return counts->skipped > 0 ? TRIGGER_SKIP : TRIGGER_WAIT;
    case RULE_ALL_SKIPPED:
        return counts->success > 0 || bad > 0 ? TRIGGER_SKIP : TRIGGER_WAIT;
    case RULE_ALL_DONE_MIN_ONE_SUCCESS: /* one that was skipped was not done */
        return counts->skipped > 0                ? TRIGGER_SKIP
               : all_done && counts->success == 0 ? TRIGGER_UPSTREAM_FAILED
                                                  : TRIGGER_WAIT;
    case RULE_ALL_DONE:
    case RULE_ALWAYS:
        break;
    }
    return TRIGGER_WAIT;
}

static bool is_met(enum trigger_rule rule, const struct trigger_counts *counts, bool all_done)
{
    size_t bad = counts->failed + counts->upstream_failed;
    switch (rule) {
    case RULE_ALL_SUCCESS:
        return counts->success == counts->total;
    case RULE_ALL_FAILED:
        return bad == counts->total;
    case RULE_ALL_DONE:
        return all_done;
    case RULE_ALL_DONE_MIN_ONE_SUCCESS:
        return all_done && counts->success > 0;
    case RULE_ALL_SKIPPED:
        return counts->skipped == counts->total;
    case RULE_ONE_SUCCESS:
        return counts->success > 0;
    case RULE_ONE_FAILED:
        return bad > 0;
    case RULE_ONE_DONE:
        return counts->success + counts->failed > 0;
    case RULE_NONE_FAILED:
    case RULE_NONE_FAILED_MIN_ONE_SUCCESS:
        return counts->success + counts->skipped == counts->total;
    case RULE_NONE_SKIPPED:
        return all_done && counts->skipped == 0;
    case RULE_ALWAYS:
        return true;
    }
    return false;
}

enum trigger_answer trigger_rule_answer(enum trigger_rule rule, const struct trigger_counts *counts)
{
    if (counts->total == 0) {
        return TRIGGER_RUN;
    }
    bool all_done = counts->success + counts->failed + counts->skipped + counts->upstream_failed >=
                    counts->total;
    enum trigger_answer answer = never(rule, counts, all_done);
    if (answer != TRIGGER_WAIT) {
        return answer;
    }
    return is_met(rule, counts, all_done) ? TRIGGER_RUN : TRIGGER_WAIT;
}
