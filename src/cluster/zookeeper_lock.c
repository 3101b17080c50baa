#include "cluster/zookeeper_lock.h"

#include "base/memory.h"
#include "cluster/candidates.h"
#include "cluster/keeper.h"
#include "cluster/zookeeper_list.h"
#include "io/clock.h"
#include "io/thread.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define CONNECT_WAIT_US 500000
#define AGAIN_US        200000 /* after a failure */

struct lock {
    struct zookeeper_address address;
    char *directory; /* ROOT/leat/NAME: the candidates' parent */
    void (*changed)(void *context);
    void *context;
    struct notify bell;
    struct thread *thread;

    pthread_mutex_t mutex;
    char owner[LOCK_OWNER_BYTES]; /* guarded by mutex, as all up to status */
    bool owner_changed;
    struct lock_status status;

    /* The tenure that held() judges: it is ours until lease_until_us, unless renewed. */
    atomic_llong fence; /* 0: none */
    atomic_llong lease_until_us;

    /* The worker's own from here. */
    struct keeper keeper;
};

/* ---- state -------------------------------------------------------------------------------------
 */

static void publish(struct lock *lock, const struct lock_status *status)
{
    pthread_mutex_lock(&lock->mutex);
    bool changed = lock->status.state != status->state || lock->status.fence != status->fence ||
                   lock->status.ahead != status->ahead ||
                   strcmp(lock->status.holder, status->holder) != 0 ||
                   lock->status.error.status != status->error.status;
    lock->status = *status;
    pthread_mutex_unlock(&lock->mutex);
    if (changed) {
        lock->changed(lock->context);
    }
}

static void lose(struct lock *lock)
{
    atomic_store(&lock->fence, 0);
}

static bool tenure_holds(struct lock *lock, int64_t fence)
{
    return fence != 0 && atomic_load(&lock->fence) == fence &&
           clock_monotonic_us() < atomic_load(&lock->lease_until_us);
}

/* A connection that is lost ends no tenure: within the lease it is still ours. */
static void publish_trouble(struct lock *lock, const struct error *error)
{
    struct lock_status status = {.state = LOCK_CONNECTING, .error = *error};
    int64_t fence = atomic_load(&lock->fence);
    if (tenure_holds(lock, fence)) {
        status.state = LOCK_HELD;
        status.fence = fence;
    }
    publish(lock, &status);
}

/* ---- the election ------------------------------------------------------------------------------
 */

struct candidates {
    struct candidate *items;
    size_t count;
    size_t mine; /* count: not among them */
};

static enum status
read_candidates(struct lock *lock, struct candidates *ret_candidates, struct error *error)
{
    struct String_vector names;
    int code = zoo_get_children(lock->keeper.handle, lock->directory, 0, &names);
    if (code != ZOK) {
        return keeper_error(code, error, "read node \"%s\"", lock->directory);
    }
    struct candidates found = {
        .items = mem_calloc((size_t) names.count + 1, sizeof(struct candidate)),
    };
    found.count =
        candidates_read((const char *const *) names.data, (size_t) names.count, found.items);
    found.mine = candidates_find(found.items, found.count, keeper_id(&lock->keeper));
    (void) deallocate_String_vector(&names);
    *ret_candidates = found;
    return STATUS_OK;
}

static void take_owner(struct lock *lock, char owner[LOCK_OWNER_BYTES], bool *ret_changed)
{
    pthread_mutex_lock(&lock->mutex);
    memcpy(owner, lock->owner, LOCK_OWNER_BYTES);
    *ret_changed = lock->owner_changed;
    lock->owner_changed = false;
    pthread_mutex_unlock(&lock->mutex);
}

/* Becomes a candidate. If the answer is lost, the next look finds the node by its session id. */
static enum status enter(struct lock *lock, struct error *error)
{
    char prefix[CANDIDATE_NAME_BYTES];
    char owner[LOCK_OWNER_BYTES];
    bool changed;
    take_owner(lock, owner, &changed);
    candidate_prefix(keeper_id(&lock->keeper), prefix);
    CLEANUP(mem_free_pointer) char *path = mem_printf("%s/%s", lock->directory, prefix);
    int code = zoo_create(lock->keeper.handle, path, owner, (int) strlen(owner), lock->keeper.acl,
                          ZOO_EPHEMERAL_SEQUENTIAL, NULL, 0);
    return code == ZOK
               ? STATUS_OK
               : keeper_error(code, error, "become a candidate below \"%s\"", lock->directory);
}

/* Writes our node. That the write went through proves the session to a majority of the ensemble; a
 * read could be answered by a server that is cut off from it. */
static enum status
write_mine(struct lock *lock, const struct candidate *mine, int64_t *ret_fence, struct error *error)
{
    char owner[LOCK_OWNER_BYTES];
    bool changed;
    struct Stat stat;
    take_owner(lock, owner, &changed);
    CLEANUP(mem_free_pointer) char *path = mem_printf("%s/%s", lock->directory, mine->name);
    int code = zoo_set2(lock->keeper.handle, path, owner, (int) strlen(owner), -1, &stat);
    if (code != ZOK) {
        pthread_mutex_lock(&lock->mutex);
        lock->owner_changed = true;
        pthread_mutex_unlock(&lock->mutex);
        return keeper_error(code, error, "write node \"%s\"", path);
    }
    *ret_fence = stat.czxid;
    return STATUS_OK;
}

/* First in the row. The fence number is the transaction id that made our node: those who come later
 * have a later node, and a higher one. */
static enum status lead(struct lock *lock, const struct candidate *mine, struct error *error)
{
    int64_t begin_us = clock_monotonic_us();
    int64_t fence;
    TRY(write_mine(lock, mine, &fence, error));
    /* The server counts from when it got the request, which is later than `begin_us`; a third of
     * the time is the margin for clocks that run apart and for a write that is under way. */
    atomic_store(&lock->lease_until_us, begin_us + keeper_timeout_us(&lock->keeper) / 3 * 2);
    atomic_store(&lock->fence, fence);
    const struct lock_status status = {.state = LOCK_HELD, .fence = fence};
    publish(lock, &status);
    return STATUS_OK;
}

static enum status
stand_by(struct lock *lock, const struct candidates *row, bool *ret_again, struct error *error)
{
    struct Stat stat;
    struct lock_status status = {.state = LOCK_WAITING, .ahead = (int32_t) row->mine};
    zhandle_t *handle = lock->keeper.handle;
    lose(lock);
    char owner[LOCK_OWNER_BYTES];
    bool changed;
    pthread_mutex_lock(&lock->mutex);
    changed = lock->owner_changed;
    pthread_mutex_unlock(&lock->mutex);
    if (changed) {
        int64_t fence;
        TRY(write_mine(lock, &row->items[row->mine], &fence, error));
    }
    /* Only the one in front is watched, so that not all are woken when the holder goes. */
    CLEANUP(mem_free_pointer)
    char *front = mem_printf("%s/%s", lock->directory, row->items[row->mine - 1].name);
    int code = zoo_wexists(handle, front, keeper_watch, &lock->bell, &stat);
    if (code == ZNONODE) {
        *ret_again = true;
        return STATUS_OK;
    }
    if (code != ZOK) {
        return keeper_error(code, error, "watch node \"%s\"", front);
    }
    CLEANUP(mem_free_pointer)
    char *first = mem_printf("%s/%s", lock->directory, row->items[0].name);
    int size = (int) sizeof(owner) - 1;
    if (zoo_get(handle, first, 0, owner, &size, NULL) == ZOK && size >= 0) {
        memcpy(status.holder, owner, (size_t) size);
        status.holder[size] = '\0';
    }
    publish(lock, &status);
    return STATUS_OK;
}

/* One look at the election, which it takes part in. */
static enum status look(struct lock *lock, bool *ret_again, struct error *error)
{
    struct candidates row = {0};
    enum status status = read_candidates(lock, &row, error);
    if (status == STATUS_NOT_FOUND) { /* the first ever, or someone removed it */
        TRY(keeper_make_path(&lock->keeper, lock->directory, error));
        status = read_candidates(lock, &row, error);
    }
    TRY(status);
    if (row.mine == row.count) {
        lose(lock);
        status = enter(lock, error);
        *ret_again = status == STATUS_OK;
    } else if (row.mine == 0) {
        status = lead(lock, &row.items[0], error);
    } else {
        status = stand_by(lock, &row, ret_again, error);
    }
    mem_free(row.items);
    return status;
}

/* ---- the worker --------------------------------------------------------------------------------
 */

static enum status connected(struct lock *lock, struct error *error)
{
    if (keeper_is_dead(&lock->keeper)) {
        lose(lock);
        keeper_close(&lock->keeper);
    }
    if (lock->keeper.handle == NULL) {
        TRY(keeper_open(&lock->keeper, &lock->address, &lock->bell, error));
    }
    if (keeper_is_connected(&lock->keeper)) {
        return STATUS_OK;
    }
    return keeper_wait(&lock->keeper, CONNECT_WAIT_US, error);
}

static void work(struct thread *self, void *context)
{
    struct lock *lock = context;
    while (!thread_stopping(self)) {
        uint64_t seen = notify_seen(&lock->bell);
        struct error error = {0};
        bool again = false;
        enum status status = connected(lock, &error);
        if (status == STATUS_OK) {
            status = look(lock, &again, &error);
        }
        int64_t wait_us = AGAIN_US;
        if (status == STATUS_OK) {
            wait_us = keeper_timeout_us(&lock->keeper) / 6;
        } else {
            error_context(&error, "coordination");
            publish_trouble(lock, &error);
        }
        if (!again) {
            (void) notify_wait(&lock->bell, seen, wait_us);
        }
    }
    lose(lock);
    keeper_close(&lock->keeper);
}

/* ---- the lock's functions ----------------------------------------------------------------------
 */

static void set_owner(struct lock *lock, const char *owner)
{
    (void) snprintf(lock->owner, sizeof(lock->owner), "%s", owner);
}

static void zookeeper_close_lock(struct lock *lock)
{
    if (lock == NULL) {
        return;
    }
    if (lock->thread != NULL) {
        thread_stop(lock->thread);
        notify_ring(&lock->bell);
        (void) !thread_join(lock->thread, -1, NULL); /* waits for ever, so it cannot fail */
    }
    pthread_mutex_destroy(&lock->mutex);
    notify_deinit(&lock->bell);
    zookeeper_address_deinit(&lock->address);
    mem_free(lock->directory);
    mem_free(lock);
}

static enum status zookeeper_open(const char *url,
                                  const char *name,
                                  const char *owner,
                                  void (*changed)(void *context),
                                  void *context,
                                  struct lock **ret_lock,
                                  struct error *error)
{
    struct zookeeper_address address;
    TRY(zookeeper_address_parse(url, &address, error));
    struct lock *lock = mem_zalloc(sizeof(*lock));
    lock->address = address;
    lock->directory = mem_printf("%s/leat/%s", address.root, name);
    lock->changed = changed;
    lock->context = context;
    pthread_mutex_init(&lock->mutex, NULL);
    notify_init(&lock->bell);
    set_owner(lock, owner);
    enum status status = thread_start("zookeeper", work, lock, &lock->thread, error);
    if (status != STATUS_OK) {
        zookeeper_close_lock(lock);
        return status;
    }
    *ret_lock = lock;
    return STATUS_OK;
}

static void zookeeper_status(struct lock *lock, struct lock_status *ret_status)
{
    pthread_mutex_lock(&lock->mutex);
    *ret_status = lock->status;
    pthread_mutex_unlock(&lock->mutex);
    if (ret_status->state == LOCK_HELD && !tenure_holds(lock, ret_status->fence)) {
        ret_status->state = LOCK_CONNECTING;
        ret_status->fence = 0;
    }
}

static bool zookeeper_held(struct lock *lock, int64_t fence)
{
    return tenure_holds(lock, fence);
}

static void zookeeper_describe(struct lock *lock, const char *owner)
{
    pthread_mutex_lock(&lock->mutex);
    set_owner(lock, owner);
    lock->owner_changed = true;
    pthread_mutex_unlock(&lock->mutex);
    notify_ring(&lock->bell);
}

const struct lock_ops zookeeper_lock_ops = {
    .name = "zookeeper",
    .open = zookeeper_open,
    .status = zookeeper_status,
    .held = zookeeper_held,
    .describe = zookeeper_describe,
    .close = zookeeper_close_lock,
    .list = zookeeper_list,
};
