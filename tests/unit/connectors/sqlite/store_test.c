/* The store contract over SQLite, and what only a file can do: be full. */

#include "connectors/sqlite/sqlite_store.h"

#include "base/memory.h"
#include "io/file.h"
#include "store_contract.h"
#include "test.h"

#include <stdio.h>
#include <unistd.h>

static char directory[64];

static const char *make(void *context)
{
    (void) context;
    static char path[96];
    snprintf(directory, sizeof(directory), "/tmp/leat-store-XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/tables.db", directory);
    return path;
}

static void take_away(void *context, const char *url)
{
    (void) context;
    (void) url;
    struct error error;
    assert_ok(directory_remove(directory, &error), error);
}

int main(void)
{
    struct store_contract contract = {.ops = &sqlite_store_ops, .make = make, .remove = take_away};
    return store_contract(&contract);
}
