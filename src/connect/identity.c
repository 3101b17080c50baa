#include "connect/identity.h"

#include <inttypes.h>

void identity_write(const struct identity *identity, struct buffer *target)
{
    buffer_append_slice(target, identity->source);
    buffer_printf(target, "/%" PRId64 "/%" PRId64 "/%" PRId32 "/%" PRId64, identity->epoch,
                  identity->position, identity->seq, identity->accepted_us);
}

/* Takes "/<digits>" off the end of the text. */
static bool take_number(struct slice *text, int64_t *ret_value)
{
    size_t i = text->size;
    while (i > 0 && text->data[i - 1] >= '0' && text->data[i - 1] <= '9') {
        i--;
    }
    size_t digits = text->size - i;
    if (digits == 0 || digits > 18 || i == 0 || text->data[i - 1] != '/') {
        return false;
    }
    int64_t value = 0;
    for (size_t at = i; at < text->size; at++) {
        value = value * 10 + (text->data[at] - '0');
    }
    *ret_value = value;
    text->size = i - 1;
    return true;
}

bool identity_read(struct slice text, struct identity *ret_identity)
{
    struct identity identity = {0};
    int64_t seq;
    if (!take_number(&text, &identity.accepted_us) || !take_number(&text, &seq) ||
        !take_number(&text, &identity.position) || !take_number(&text, &identity.epoch) ||
        text.size == 0 || seq > INT32_MAX) {
        return false;
    }
    identity.seq = (int32_t) seq;
    identity.source = text;
    *ret_identity = identity;
    return true;
}

int identity_compare(const struct identity *a, const struct identity *b)
{
    if (a->epoch != b->epoch) {
        return a->epoch < b->epoch ? -1 : 1;
    }
    if (a->position != b->position) {
        return a->position < b->position ? -1 : 1;
    }
    return (a->seq > b->seq) - (a->seq < b->seq);
}
