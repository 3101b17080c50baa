#include "connectors/sqlite/turn.h"

#include "base/memory.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct turn {
    struct turn *next;
    char *path;
    int users; /* guarded by turns_mutex, as the two above */

    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint64_t tickets; /* given out so far */
    uint64_t served;  /* the ticket whose turn it is */
};

static pthread_mutex_t turns_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct turn *turns;

struct turn *turn_get(const char *path)
{
    /* The same file by another name would only lose the order, so a name that cannot be resolved
     * stands for itself. */
    char *resolved = realpath(path, NULL);
    pthread_mutex_lock(&turns_mutex);
    struct turn *turn = turns;
    while (turn != NULL && strcmp(turn->path, resolved == NULL ? path : resolved) != 0) {
        turn = turn->next;
    }
    if (turn == NULL) {
        turn = mem_zalloc(sizeof(*turn));
        turn->path = mem_strdup(resolved == NULL ? path : resolved);
        pthread_mutex_init(&turn->mutex, NULL);
        pthread_cond_init(&turn->changed, NULL);
        turn->next = turns;
        turns = turn;
    }
    turn->users++;
    pthread_mutex_unlock(&turns_mutex);
    free(resolved);
    return turn;
}

void turn_put(struct turn *turn)
{
    if (turn == NULL) {
        return;
    }
    pthread_mutex_lock(&turns_mutex);
    if (--turn->users == 0) {
        struct turn **at = &turns;
        while (*at != turn) {
            at = &(*at)->next;
        }
        *at = turn->next;
        pthread_cond_destroy(&turn->changed);
        pthread_mutex_destroy(&turn->mutex);
        mem_free(turn->path);
        mem_free(turn);
    }
    pthread_mutex_unlock(&turns_mutex);
}

void turn_take(struct turn *turn)
{
    pthread_mutex_lock(&turn->mutex);
    uint64_t ticket = turn->tickets++;
    while (turn->served != ticket) {
        pthread_cond_wait(&turn->changed, &turn->mutex);
    }
    pthread_mutex_unlock(&turn->mutex);
}

void turn_give(struct turn *turn)
{
    pthread_mutex_lock(&turn->mutex);
    turn->served++;
    pthread_cond_broadcast(&turn->changed);
    pthread_mutex_unlock(&turn->mutex);
}

enum status write_begin(struct db *db, struct turn *turn, struct error *error)
{
    turn_take(turn);
    enum status status = db_begin(db, error);
    if (status != STATUS_OK) {
        turn_give(turn);
    }
    return status;
}

enum status write_commit(struct db *db, struct turn *turn, struct error *error)
{
    enum status status = db_commit(db, error);
    if (status == STATUS_OK) {
        turn_give(turn);
    }
    return status;
}

void write_rollback(struct db *db, struct turn *turn)
{
    db_rollback(db);
    turn_give(turn);
}
