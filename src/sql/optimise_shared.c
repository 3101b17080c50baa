/*
 * Equal deterministic expressions of one plan node become one pointer, so that evaluation can keep
 * the value of `upper(name)` for its second use.
 */

#include "sql/optimise.h"

struct sharing {
    struct arena *arena;
    const struct expression **slots; /* open addressing; a power of two */
    uint32_t slot_count, count;
};

/* Children are shared already: their addresses stand for them. */
static uint64_t shallow_hash(const struct expression *expression)
{
    if (expression->argument_count == 0 && expression->body == NULL) {
        return expression_hash(expression);
    }
    uint64_t hash = ((uint64_t) expression->kind << 32 | expression->index) ^
                    (uint64_t) (uintptr_t) expression->function;
    for (uint32_t i = 0; i < expression->argument_count; i++) {
        hash =
            (hash ^ (uint64_t) (uintptr_t) expression->arguments[i]) * UINT64_C(0x9E3779B97F4A7C15);
    }
    hash ^= (uint64_t) (uintptr_t) expression->body;
    return hash ^ hash >> 29;
}

static const struct expression **find_slot(const struct sharing *sharing,
                                           const struct expression *expression)
{
    uint32_t mask = sharing->slot_count - 1;
    uint32_t at = (uint32_t) shallow_hash(expression) & mask;
    while (sharing->slots[at] != NULL && !expression_equal(sharing->slots[at], expression)) {
        at = (at + 1) & mask;
    }
    return &sharing->slots[at];
}

static void grow(struct sharing *sharing)
{
    struct sharing larger = *sharing;
    larger.slot_count = sharing->slot_count == 0 ? 64 : sharing->slot_count * 2;
    larger.slots = ARENA_ARRAY(sharing->arena, const struct expression *, larger.slot_count);
    for (uint32_t i = 0; i < sharing->slot_count; i++) {
        if (sharing->slots[i] != NULL) {
            *find_slot(&larger, sharing->slots[i]) = sharing->slots[i];
        }
    }
    *sharing = larger;
}

static const struct expression *share(void *context, const struct expression *expression)
{
    struct sharing *sharing = context;
    const void *state = expression->function_state;
    const struct expression *mapped =
        expression_map_children(sharing->arena, expression, share, context);
    if (mapped != expression &&
        state != NULL) { /* equal arguments: what was prepared still holds */
        struct expression *copy = ARENA_NEW(sharing->arena, struct expression);
        *copy = *mapped;
        copy->function_state = state;
        mapped = copy;
    }
    if (!expression_is_deterministic(mapped)) {
        return mapped;
    }
    if (sharing->count * 2 >= sharing->slot_count) {
        grow(sharing);
    }
    const struct expression **slot = find_slot(sharing, mapped);
    if (*slot == NULL) {
        *slot = mapped;
        sharing->count++;
    }
    return *slot;
}

const struct plan *optimise_shared(const struct plan *plan, struct arena *arena)
{
    const struct plan **inputs = ARENA_ARRAY(arena, const struct plan *, plan->input_count);
    for (uint32_t i = 0; i < plan->input_count; i++) {
        inputs[i] = optimise_shared(plan->inputs[i], arena);
    }
    struct sharing sharing = {.arena = arena};
    return plan_map(arena, plan, inputs, share, &sharing);
}
