#include "base/budget.h"

#include "base/assert.h"

void budget_init(struct budget *budget, const char *name, size_t bytes_max)
{
    budget->name = name;
    budget->bytes_max = bytes_max;
    atomic_init(&budget->bytes_used, 0);
}

enum status budget_take(struct budget *budget, size_t bytes, struct error *error)
{
    size_t used = atomic_load_explicit(&budget->bytes_used, memory_order_relaxed);
    do {
        if (bytes > budget->bytes_max - used) {
            return error_set(error, STATUS_LIMIT,
                             "%s would need %zu bytes more than its limit of %zu", budget->name,
                             bytes - (budget->bytes_max - used), budget->bytes_max);
        }
    } while (!atomic_compare_exchange_weak(&budget->bytes_used, &used, used + bytes));
    return STATUS_OK;
}

void budget_give(struct budget *budget, size_t bytes)
{
    size_t before = atomic_fetch_sub(&budget->bytes_used, bytes);
    ASSERT(before >= bytes);
}
