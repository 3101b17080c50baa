#pragma once

/*
 * Dead letters of all stores of a data directory as one list, whether leat runs on it or not. A
 * letter is named by its store and its number there:
 *
 *     staging:3    tables:17    state/users.users_created:4
 */

#include "app/workspace.h"
#include "connect/dead_letter.h"

struct dead_selection {
    const char *store; /* NULL: all */
    int64_t id;        /* 0: all */
    const char *name;  /* of the source, stream or sink; NULL: all */
    const char *reason;
    int64_t limit; /* of each store; 0: 100 */
};

/* "staging:3" into its parts; the store lives in the arena. STATUS_USAGE if it is no such name. */
MUST_USE enum status dead_name_parse(const char *text,
                                     struct arena *arena,
                                     struct dead_selection *ret_selection,
                                     struct error *error);

/* Visits them, store by store. `store` as in a name. */
MUST_USE enum status dead_list(struct workspace *workspace,
                               const struct dead_selection *selection,
                               enum status (*visit)(void *context,
                                                    const char *store,
                                                    const struct dead_letter *letter,
                                                    struct error *error),
                               void *context,
                               struct error *error);
