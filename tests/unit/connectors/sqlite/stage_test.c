/* The stage contract over SQLite, and what only a file can do: be full. */

#include "connectors/sqlite/sqlite_stage.h"

#include "base/memory.h"
#include "io/file.h"
#include "stage_contract.h"
#include "test.h"

#include <stdio.h>
#include <unistd.h>

static char directory[64];

static const char *make(void *context)
{
    (void) context;
    static char path[96];
    snprintf(directory, sizeof(directory), "/tmp/leat-stage-XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/staging.db", directory);
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
    struct stage_contract contract = {.ops = &sqlite_stage_ops, .make = make, .remove = take_away};
    return stage_contract(&contract);
}
