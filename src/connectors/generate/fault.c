#include "connectors/generate/fault.h"

#include "base/slice.h"
#include "base/time_text.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[FAULT_KIND_COUNT] = {
    [FAULT_NONE] = "none",
    [FAULT_503] = "503",
    [FAULT_429] = "429",
    [FAULT_EMPTY] = "empty",
    [FAULT_HTML] = "html",
    [FAULT_TRUNCATED] = "truncated",
    [FAULT_CUT] = "cut",
    [FAULT_ERROR] = "error",
    [FAULT_SLOW] = "slow",
    [FAULT_RESET] = "reset",
    [FAULT_BAD_RECORD] = "badrecord",
};

const char *fault_name(enum fault_kind kind)
{
    return kind < FAULT_KIND_COUNT ? names[kind] : "unknown";
}

static enum status wrong(struct error *error, struct slice entry, const char *reason)
{
    enum status status =
        error_set(error, STATUS_USAGE, "fault \"%.*s\": %s", SLICE_FORMAT(entry), reason);
    error_hint(error,
               "an entry is KIND, KIND:COUNT or KIND@PROBABILITY; kinds are 503, 429, empty, html, "
               "truncated, cut, error, slow:DURATION, reset and badrecord");
    return status;
}

/* The part up to the next `stop`; moves *text behind it. */
static struct slice take_until(struct slice *text, char stop)
{
    const uint8_t *at = text->size == 0 ? NULL : memchr(text->data, stop, text->size);
    size_t size = at == NULL ? text->size : (size_t) (at - text->data);
    struct slice part = slice_of(text->data, size);
    size += at != NULL;
    *text = slice_of(text->data + size, text->size - size);
    return part;
}

static bool read_count(struct slice text, uint64_t *ret_count)
{
    *ret_count = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        *ret_count = *ret_count * 10 + (uint64_t) (text.data[i] - '0');
    }
    return text.size > 0 && text.size <= 9;
}

static bool read_probability(struct slice text, double *ret_probability)
{
    char copy[16];
    char *end = NULL;
    if (text.size == 0 || text.size >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    *ret_probability = strtod(copy, &end);
    return *end == '\0' && *ret_probability > 0 && *ret_probability <= 1;
}

static enum status read_entry(struct slice entry, struct fault_row *row, struct error *error)
{
    struct slice probability = entry;
    struct slice rest = take_until(&probability, '@');
    bool has_probability = rest.size < entry.size;
    struct slice name = take_until(&rest, ':');
    *row = (struct fault_row){.kind = FAULT_NONE, .left = has_probability ? 0 : 1};
    for (int kind = 1; kind < FAULT_KIND_COUNT; kind++) {
        if (slice_equal_string(name, names[kind])) {
            row->kind = (enum fault_kind) kind;
        }
    }
    if (row->kind == FAULT_NONE) {
        return wrong(error, entry, "its kind is unknown");
    }
    if (row->kind == FAULT_SLOW) {
        struct slice delay = take_until(&rest, ':');
        if (duration_parse(delay, &row->delay_us, NULL) != STATUS_OK) {
            return wrong(error, entry, "it needs a duration, as in slow:2s");
        }
    }
    if (rest.size > 0 && (has_probability || !read_count(rest, &row->left))) {
        return wrong(error, entry, "its count is not a number");
    }
    if (has_probability && !read_probability(probability, &row->probability)) {
        return wrong(error, entry, "its probability is not above 0 and at most 1");
    }
    return STATUS_OK;
}

enum status
fault_plan_read(struct fault_plan *plan, const char *text, uint64_t seed, struct error *error)
{
    *plan = (struct fault_plan){.state = seed};
    struct slice rest = slice_of_string(text);
    while (rest.size > 0) {
        struct slice entry = take_until(&rest, ',');
        if (plan->count == FAULTS_MAX) {
            return wrong(error, entry, "there are too many entries");
        }
        TRY(read_entry(entry, &plan->rows[plan->count], error));
        plan->count++;
    }
    return STATUS_OK;
}

/* From 0 to below 1 (splitmix64). */
static double draw(struct fault_plan *plan)
{
    uint64_t z = plan->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (double) ((z ^ z >> 31) >> 11) * 0x1p-53;
}

const struct fault_row *fault_plan_next(struct fault_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->rows[i].left > 0) {
            plan->rows[i].left--;
            return &plan->rows[i];
        }
    }
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->rows[i].probability > 0 && draw(plan) < plan->rows[i].probability) {
            return &plan->rows[i];
        }
    }
    return NULL;
}
