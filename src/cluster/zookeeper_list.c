#include "cluster/zookeeper_list.h"

#include "base/memory.h"
#include "cluster/candidates.h"
#include "cluster/keeper.h"

#define CONNECT_US 5000000

struct look {
    struct keeper keeper;
    char *directory;
};

/* A candidate that left meanwhile is passed over. */
static enum status tell_one(struct look *look,
                            const struct candidate *candidate,
                            bool holds,
                            enum status (*visit)(void *context,
                                                 const char *owner,
                                                 int64_t fence,
                                                 bool holds,
                                                 struct error *error),
                            void *context,
                            struct error *error)
{
    char owner[LOCK_OWNER_BYTES];
    int size = (int) sizeof(owner) - 1;
    struct Stat stat;
    CLEANUP(mem_free_pointer) char *path = mem_printf("%s/%s", look->directory, candidate->name);
    int code = zoo_get(look->keeper.handle, path, 0, owner, &size, &stat);
    if (code == ZNONODE) {
        return STATUS_OK;
    }
    if (code != ZOK) {
        return keeper_error(code, error, "read node \"%s\"", path);
    }
    owner[size < 0 ? 0 : size] = '\0';
    return visit(context, owner, stat.czxid, holds, error);
}

static enum status tell_all(struct look *look,
                            enum status (*visit)(void *context,
                                                 const char *owner,
                                                 int64_t fence,
                                                 bool holds,
                                                 struct error *error),
                            void *context,
                            struct error *error)
{
    struct String_vector names;
    int code = zoo_get_children(look->keeper.handle, look->directory, 0, &names);
    if (code == ZNONODE) {
        return STATUS_OK; /* nobody ever wanted it */
    }
    if (code != ZOK) {
        return keeper_error(code, error, "read node \"%s\"", look->directory);
    }
    struct candidate *row = mem_calloc((size_t) names.count + 1, sizeof(*row));
    size_t count = candidates_read((const char *const *) names.data, (size_t) names.count, row);
    (void) deallocate_String_vector(&names);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = tell_one(look, &row[i], i == 0, visit, context, error);
    }
    mem_free(row);
    return status;
}

enum status zookeeper_list(const char *url,
                           const char *name,
                           enum status (*visit)(void *context,
                                                const char *owner,
                                                int64_t fence,
                                                bool holds,
                                                struct error *error),
                           void *context,
                           struct error *error)
{
    struct zookeeper_address address;
    TRY(zookeeper_address_parse(url, &address, error));
    struct notify bell;
    struct look look = {.directory = mem_printf("%s/leat/%s", address.root, name)};
    notify_init(&bell);
    enum status status = keeper_open(&look.keeper, &address, &bell, error);
    if (status == STATUS_OK) {
        status = keeper_wait(&look.keeper, CONNECT_US, error);
    }
    if (status == STATUS_OK) {
        status = tell_all(&look, visit, context, error);
    }
    keeper_close(&look.keeper);
    notify_deinit(&bell);
    mem_free(look.directory);
    zookeeper_address_deinit(&address);
    return status;
}
