/* The store contract over a real PostgreSQL. */

#include "connectors/postgres/postgres_store.h"

#include "fresh_database.h"
#include "store_contract.h"

static void guard(void *context, const char *url)
{
    (void) context;
    fresh_database_run(url, "ALTER TABLE space.pairs ADD CHECK (content <> 'r\xc3\xb6"
                            "d')");
}

int main(void)
{
    const struct store_contract contract = {
        .ops = &postgres_store_ops,
        .make = fresh_database_make,
        .remove = fresh_database_remove,
        .guard = guard,
    };
    return store_contract(&contract);
}
