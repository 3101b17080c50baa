#pragma once

/*
 * The data directory as commands see it: through the addresses of a running leat, or, when nothing
 * runs, through the files themselves, read-only. Either way topics are a struct log_ops and schemas
 * a struct schemas_ops, so a command is written once.
 *
 * For one thread.
 */

#include "app/data_dir.h"
#include "app/roles.h"
#include "base/arena.h"
#include "base/error.h"
#include "connect/log_client.h"
#include "connect/schemas.h"
#include "connect/stage.h"
#include "connect/store.h"

#include <stdbool.h>

struct workspace {
    struct arena arena;
    const char *path;
    struct data_dir_addresses running;  /* pid 0: nothing runs; kafka "": topics are the files */
    bool elsewhere;                     /* the log is not this directory's */
    const char *const *client_settings; /* of librdkafka, for a log of a profile; NULL: none */
    const struct log_ops *log_ops;      /* after workspace_log */
    struct log_client *log;
    const struct schemas_ops *schemas_ops; /* after workspace_schemas */
    struct schemas *schemas;
    struct roles roles; /* of the profile that the directory was last run with */
};

/* `data` NULL: the default directory. STATUS_NOT_FOUND if it is no data directory. */
MUST_USE enum status
workspace_open(const char *data, struct workspace *ret_workspace, struct error *error);

/* What a command names on its line; NULL: nothing. */
struct workspace_place {
    const char *data;
    const char *kafka;    /* HOST:PORT[,...] of another log than the directory's */
    const char *registry; /* URL or HOST:PORT of another registry */
    const char *pipeline; /* a file, and the name of a profile in it */
    const char *profile;
    const char *secrets; /* folder of ${secret:NAME} in that file */
};

/* The same with another log, or registry. With one of them `data` need not exist. Another log has
 * no schemas but those of the registry that is named with it. A profile brings both, with what
 * clients need to connect (`log_settings`). STATUS_CONFIG if the profile has no log,
 * STATUS_USAGE for words that contradict each other. */
MUST_USE enum status workspace_open_at(const struct workspace_place *place,
                                       struct workspace *ret_workspace,
                                       struct error *error);
void workspace_close(struct workspace *workspace); /* fine if opening failed */

/* STATUS_UNAVAILABLE naming the command if nothing runs: for what only a running leat can do. */
MUST_USE enum status
workspace_need_running(const struct workspace *workspace, const char *what, struct error *error);

/* Connects once; later calls are free. */
MUST_USE enum status workspace_log(struct workspace *workspace, struct error *error);
MUST_USE enum status workspace_schemas(struct workspace *workspace, struct error *error);

/* Names of topics, sorted; those that begin with "__" are the broker's own and left out. */
MUST_USE enum status workspace_topics(struct workspace *workspace,
                                      struct arena *arena,
                                      const char ***ret_names,
                                      size_t *ret_count,
                                      struct error *error);

/* A store with progress and dead letters: "tables", or "state/PIPELINE.TOPIC" of a task. */
struct store_place {
    const char *name;
    const struct store_ops *ops;
    const char *url;
};

/* The tables, then what tasks keep. */
MUST_USE enum status workspace_stores(struct workspace *workspace,
                                      struct arena *arena,
                                      struct store_place **ret_places,
                                      size_t *ret_count,
                                      struct error *error);

/* Opens it read-only. *ret_store is NULL if it does not exist yet. */
MUST_USE enum status
store_place_open(const struct store_place *place, struct store **ret_store, struct error *error);

/* The same for the tables. */
MUST_USE enum status
workspace_tables(struct workspace *workspace, struct store **ret_store, struct error *error);

/* Opens staging; *ret_stage is NULL if it does not exist yet. */
MUST_USE enum status
workspace_stage(struct workspace *workspace, struct stage **ret_stage, struct error *error);
