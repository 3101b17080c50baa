#include "cluster/keeper.h"

#include "base/logline.h"
#include "base/memory.h"
#include "io/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* The client writes to stderr by itself otherwise; a lost connection is told by who needs it. */
static void on_log(const char *text)
{
    logline(LOG_DEBUG, "zookeeper", text);
}

void keeper_watch(zhandle_t *handle, int type, int state, const char *path, void *bell)
{
    (void) handle;
    (void) type;
    (void) state;
    (void) path;
    notify_ring(bell);
}

static void on_event(zhandle_t *handle, int type, int state, const char *path, void *context)
{
    struct keeper *keeper = context;
    keeper_watch(handle, type, state, path, keeper->bell);
}

/* A refusal shows as the state of the session, which who waits for it looks at. */
static void on_auth(int code, const void *context)
{
    (void) code;
    (void) context;
}

enum status keeper_open(struct keeper *keeper,
                        const struct zookeeper_address *address,
                        struct notify *bell,
                        struct error *error)
{
    zoo_set_debug_level(ZOO_LOG_LEVEL_WARN);
    *keeper = (struct keeper){
        .address = address,
        .bell = bell,
        .acl = address->credentials == NULL ? &ZOO_OPEN_ACL_UNSAFE : &ZOO_CREATOR_ALL_ACL,
    };
    keeper->handle = zookeeper_init2(address->hosts, on_event, (int) (address->session_us / 1000),
                                     NULL, keeper, ZOO_NO_LOG_CLIENTENV, on_log);
    if (keeper->handle == NULL) {
        int number = errno;
        error_set(error, STATUS_UNAVAILABLE, "could not look up ZooKeeper at \"%s\": %s",
                  address->hosts, strerror(number));
        error_hint(error, "look at the host names of `coordination`");
        return STATUS_UNAVAILABLE;
    }
    if (address->credentials != NULL) {
        int code = zoo_add_auth(keeper->handle, "digest", address->credentials,
                                (int) strlen(address->credentials), on_auth, NULL);
        if (code != ZOK) {
            keeper_close(keeper);
            return keeper_error(code, error, "log in to ZooKeeper at \"%s\"", address->hosts);
        }
    }
    return STATUS_OK;
}

void keeper_close(struct keeper *keeper)
{
    if (keeper->handle != NULL) {
        (void) zookeeper_close(keeper->handle);
        keeper->handle = NULL;
    }
}

bool keeper_is_connected(const struct keeper *keeper)
{
    return keeper->handle != NULL && zoo_state(keeper->handle) == ZOO_CONNECTED_STATE;
}

bool keeper_is_dead(const struct keeper *keeper)
{
    return keeper->handle != NULL && is_unrecoverable(keeper->handle) == ZINVALIDSTATE;
}

int64_t keeper_id(const struct keeper *keeper)
{
    return zoo_client_id(keeper->handle)->client_id;
}

int64_t keeper_timeout_us(const struct keeper *keeper)
{
    return (int64_t) zoo_recv_timeout(keeper->handle) * 1000;
}

enum status keeper_wait(struct keeper *keeper, int64_t timeout_us, struct error *error)
{
    int64_t until = clock_monotonic_us() + timeout_us;
    for (;;) {
        uint64_t seen = notify_seen(keeper->bell);
        int64_t left_us = until - clock_monotonic_us();
        if (keeper_is_connected(keeper)) {
            return STATUS_OK;
        }
        if (keeper_is_dead(keeper) || left_us <= 0) {
            break;
        }
        (void) notify_wait(keeper->bell, seen, left_us);
    }
    error_set(error, STATUS_UNAVAILABLE, "no ZooKeeper answers at \"%s\"", keeper->address->hosts);
    error_hint(error, "is the ensemble up, with a majority of its servers?");
    return STATUS_UNAVAILABLE;
}

enum status keeper_error(int code, struct error *error, const char *format, ...)
{
    static const struct {
        int code;
        enum status status;
        bool retriable;
        const char *hint;
    } kinds[] = {
        {ZNOAUTH, STATUS_CONFIG, false,
         "the nodes belong to another user: look at USER:PASSWORD of `coordination`"},
        {ZAUTHFAILED, STATUS_CONFIG, false, "look at USER:PASSWORD of `coordination`"},
        {ZINVALIDACL, STATUS_CONFIG, false, "look at USER:PASSWORD of `coordination`"},
        {ZNONODE, STATUS_NOT_FOUND, true, NULL},
        {ZCONNECTIONLOSS, STATUS_UNAVAILABLE, true, NULL},
        {ZOPERATIONTIMEOUT, STATUS_UNAVAILABLE, true, NULL},
        {ZSESSIONEXPIRED, STATUS_UNAVAILABLE, true, NULL},
        {ZCLOSING, STATUS_UNAVAILABLE, true, NULL},
        {ZINVALIDSTATE, STATUS_UNAVAILABLE, true, NULL},
    };

    char what[512];
    va_list arguments;
    va_start(arguments, format);
    (void) vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    enum status status = STATUS_PROTOCOL;
    bool retriable = true;
    const char *hint = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (kinds[i].code == code) {
            status = kinds[i].status;
            retriable = kinds[i].retriable;
            hint = kinds[i].hint;
        }
    }
    error_set(error, status, "could not %s: %s", what, zerror(code));
    if (hint != NULL) {
        error_hint(error, "%s", hint);
    }
    error_code(error, code);
    if (error != NULL) {
        error->retriable = retriable;
    }
    return status;
}

enum status keeper_make_path(struct keeper *keeper, const char *path, struct error *error)
{
    struct Stat stat;
    if (zoo_exists(keeper->handle, path, 0, &stat) == ZOK) {
        return STATUS_OK;
    }
    CLEANUP(mem_free_pointer) char *part = mem_strdup(path);
    for (char *end = strchr(part + 1, '/');; end = strchr(end + 1, '/')) {
        if (end != NULL) {
            *end = '\0';
        }
        int code = zoo_exists(keeper->handle, part, 0, &stat);
        if (code == ZNONODE) {
            code = zoo_create(keeper->handle, part, NULL, -1, keeper->acl, 0, NULL, 0);
        }
        if (code != ZOK && code != ZNODEEXISTS) {
            return keeper_error(code, error, "make node \"%s\"", part);
        }
        if (end == NULL) {
            return STATUS_OK;
        }
        *end = '/';
    }
}
