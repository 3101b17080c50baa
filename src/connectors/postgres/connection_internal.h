#pragma once

/* What the files of the connection share. */

#include "base/map.h"
#include "connectors/postgres/connection.h"

struct pg_prepared {
    char name[24];
    bool ready;
};

struct pg {
    struct arena arena;
    struct pg_place place;
    const char *what;
    PGconn *connection; /* NULL: not connected */
    int socket;         /* of it, as libpq forgets it when it is lost; -1: none */

    struct map prepared;          /* SQL -> struct pg_prepared */
    struct pg_prepared **pending; /* whose answers are to come; NULL: an ordinary statement's */
    size_t pending_count, pending_capacity;
    PGresult **results; /* of the last round, one a statement */
    size_t result_count, result_capacity;
    size_t statement_count; /* of this round */
    bool waited;            /* the round is over */
    bool send_failed;
    bool session_ended;

    bool in_transaction;
    enum pg_access access; /* of the transaction */
    char id[33];           /* of this handle, in leat_handles */
    int64_t number;        /* of its newest writing transaction */
    bool in_doubt;         /* that one's outcome is open */
    bool was_committed;    /* what came out */
    struct fence fence;    /* number 0: none */
    size_t fence_result;   /* statement that tells the newest number; SIZE_MAX: none */
    bool round_is_fenced;  /* fence_result is of this round */
};

/* A number for PostgreSQL's advisory locks, which have no names: of this schema, kind and id. */
int64_t pg_lock_number(const struct pg *pg, const char *kind, int64_t id);

MUST_USE enum status pg_connect(struct pg *pg, struct error *error); /* if it is not */
void pg_disconnect(struct pg *pg);
void pg_forget_results(struct pg *pg);

/* After a round: no newer holder has claimed the schema. */
MUST_USE enum status pg_fence_check(struct pg *pg, struct error *error);
