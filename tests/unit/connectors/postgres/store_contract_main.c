/* The store contract over a real PostgreSQL. */

#include "connectors/postgres/postgres_store.h"

#include "fresh_database.h"
#include "store_contract.h"

int main(void)
{
    const struct store_contract contract = {
        .ops = &postgres_store_ops,
        .make = fresh_database_make,
        .remove = fresh_database_remove,
    };
    return store_contract(&contract);
}
