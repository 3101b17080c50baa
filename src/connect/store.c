#include "connect/store.h"

void store_refuse(struct store_refusals *refusals,
                  size_t write,
                  int64_t row,
                  const struct error *error)
{
    if (refusals->count == refusals->capacity) {
        size_t old = refusals->capacity * sizeof(*refusals->rows);
        refusals->capacity = refusals->capacity == 0 ? 8 : 2 * refusals->capacity;
        refusals->rows = arena_grow(refusals->arena, refusals->rows, old,
                                    refusals->capacity * sizeof(*refusals->rows));
    }
    refusals->rows[refusals->count++] = (struct store_refused){
        .write = write,
        .row = row,
        .message = arena_strdup(refusals->arena, error->message),
    };
}
