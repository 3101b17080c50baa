#include "console/verdict.h"

#include <string.h>

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {
        [VERDICT_OK] = "OK",       [VERDICT_WARN] = "WARN", [VERDICT_REWIND] = "REWIND",
        [VERDICT_STALL] = "STALL", [VERDICT_STOP] = "STOP",
    };
    return names[verdict];
}

void verdict_observe(struct verdict_window *window, int64_t committed, int64_t lag)
{
    if (window->count == VERDICT_WINDOW) {
        memmove(window->looks, window->looks + 1, sizeof(window->looks) - sizeof(window->looks[0]));
        window->count--;
    }
    window->looks[window->count++] = (struct verdict_look){committed, lag};
}

enum verdict verdict_of(const struct verdict_window *window, bool has_members)
{
    bool moved = false;
    bool went_back = false;
    bool fell = false;
    if (window->count < VERDICT_WINDOW) {
        return VERDICT_OK;
    }
    for (size_t i = 0; i < window->count; i++) {
        const struct verdict_look *look = &window->looks[i];
        if (look->lag <= 0 || look->committed < 0) {
            return VERDICT_OK;
        }
        if (i > 0) {
            const struct verdict_look *before = look - 1;
            moved = moved || look->committed != before->committed;
            went_back = went_back || look->committed < before->committed;
            fell = fell || look->lag < before->lag;
        }
    }
    if (went_back) {
        return VERDICT_REWIND;
    }
    if (!moved) {
        return has_members ? VERDICT_STALL : VERDICT_STOP;
    }
    return fell ? VERDICT_OK : VERDICT_WARN;
}
