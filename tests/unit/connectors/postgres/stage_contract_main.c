/* The stage contract over a real PostgreSQL. */

#include "connectors/postgres/postgres_stage.h"

#include "fresh_database.h"
#include "stage_contract.h"

int main(void)
{
    const struct stage_contract contract = {
        .ops = &postgres_stage_ops,
        .make = fresh_database_make,
        .remove = fresh_database_remove,
    };
    return stage_contract(&contract);
}
