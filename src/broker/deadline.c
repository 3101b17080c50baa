#include "broker/deadline.h"

#include "base/memory.h"

void deadlines_init(struct deadlines *deadlines)
{
    *deadlines = (struct deadlines){0};
}

void deadlines_deinit(struct deadlines *deadlines)
{
    for (size_t i = 0; i < deadlines->count; i++) {
        deadlines->heap[i]->position = 0;
    }
    mem_free(deadlines->heap);
    deadlines_init(deadlines);
}

static void place(struct deadlines *deadlines, struct deadline *deadline, size_t position)
{
    deadlines->heap[position - 1] = deadline;
    deadline->position = position;
}

static void sift_up(struct deadlines *deadlines, struct deadline *deadline, size_t position)
{
    while (position > 1) {
        struct deadline *parent = deadlines->heap[position / 2 - 1];
        if (parent->at_us <= deadline->at_us) {
            break;
        }
        place(deadlines, parent, position);
        position /= 2;
    }
    place(deadlines, deadline, position);
}

static void sift_down(struct deadlines *deadlines, struct deadline *deadline, size_t position)
{
    for (;;) {
        size_t child = position * 2;
        if (child > deadlines->count) {
            break;
        }
        if (child < deadlines->count &&
            deadlines->heap[child]->at_us < deadlines->heap[child - 1]->at_us) {
            child++;
        }
        if (deadline->at_us <= deadlines->heap[child - 1]->at_us) {
            break;
        }
        place(deadlines, deadlines->heap[child - 1], position);
        position = child;
    }
    place(deadlines, deadline, position);
}

void deadline_set(struct deadlines *deadlines, struct deadline *deadline, int64_t at_us)
{
    if (deadline->position == 0) {
        if (deadlines->count == deadlines->capacity) {
            deadlines->capacity = deadlines->capacity * 2 + 16;
            deadlines->heap =
                mem_realloc(deadlines->heap, deadlines->capacity * sizeof(*deadlines->heap));
        }
        deadline->at_us = at_us;
        sift_up(deadlines, deadline, ++deadlines->count);
        return;
    }
    int64_t before = deadline->at_us;
    deadline->at_us = at_us;
    if (at_us < before) {
        sift_up(deadlines, deadline, deadline->position);
    } else {
        sift_down(deadlines, deadline, deadline->position);
    }
}

void deadline_clear(struct deadlines *deadlines, struct deadline *deadline)
{
    size_t position = deadline->position;
    if (position == 0) {
        return;
    }
    deadline->position = 0;
    struct deadline *last = deadlines->heap[--deadlines->count];
    if (last == deadline) {
        return;
    }
    if (last->at_us < deadline->at_us) {
        sift_up(deadlines, last, position);
    } else {
        sift_down(deadlines, last, position);
    }
}

int64_t deadlines_next(const struct deadlines *deadlines)
{
    return deadlines->count == 0 ? INT64_MAX : deadlines->heap[0]->at_us;
}

void deadlines_run(struct deadlines *deadlines, int64_t now_us)
{
    while (deadlines->count > 0 && deadlines->heap[0]->at_us <= now_us) {
        struct deadline *due = deadlines->heap[0];
        deadline_clear(deadlines, due);
        due->expire(due);
    }
}
