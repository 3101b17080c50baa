#pragma once

/* What the `dag` commands share: the run store of a data directory, DAGs of a file, and driving
 * runs to their end, whoever schedules. No broker is started. */

#include "app/dags.h"
#include "cli/command.h"
#include "orchestrate/run_store.h"

struct dag_options {
    const char *data, *file, *profile, *secrets;
    struct option_strings params;
    const char *from, *to, *key, *state, *task;
    int64_t parallel, limit, number;
    bool json, csv, no_wait, dry_run, rerun, follow, quiet;
};

extern const struct dag_options dag_defaults;

#define DAG_DATA_OPTION                                                                            \
    OPTION(dag_options, data, "--data", 0, OPTION_STRING, "DIR", COMMAND_DATA_HELP)
#define DAG_JSON_OPTION                                                                            \
    OPTION(dag_options, json, "--json", 0, OPTION_FLAG, NULL, "JSON in place of text")
#define DAG_FILE_OPTIONS                                                                           \
    OPTION(dag_options, file, "--file", 'f', OPTION_STRING, "FILE",                                \
           "the pipeline file [that of the last scheduler]"),                                      \
        OPTION(dag_options, profile, "--profile", 0, OPTION_STRING, "NAME",                        \
               "engines from the file's profile"),                                                 \
        OPTION(dag_options, secrets, "--secrets", 0, OPTION_STRING, "DIR",                         \
               "folder with a file for each ${secret:NAME}")

struct dag_session {
    struct arena arena;
    struct error error;
    enum status status;
    const struct dag_options *options;
    const char *data;
    struct run_store *store; /* NULL: nothing ran here yet (only if read-only) */
    struct dag_set set;      /* after dag_session_load */
};

/* `change`: makes the store if there is none. */
void dag_session_open(struct dag_session *session, const struct dag_options *options, bool change);

/* Closes; prints the error if there is one; returns the exit code. */
int dag_session_end(struct dag_session *session);

/* The record of the DAG; if the store has none and there is a file, that of the file (which is then
 * loaded and, with a store, written down). */
MUST_USE enum status
dag_session_find(struct dag_session *session, const char *name, struct dag_record *ret_record);

/* The DAG itself, from --file or the file that the store knows. */
MUST_USE enum status dag_session_load(struct dag_session *session,
                                      const struct dag_record *record, /* NULL: --file */
                                      struct error *error);
const struct dag *dag_session_dag(const struct dag_session *session, const char *name);

/* Has runs done to their end: by the scheduler of a running leat, or by this process if there is
 * none. Tells of tasks on stderr, and prints how the runs ended. */
MUST_USE enum status dag_session_drive(struct dag_session *session,
                                       const int64_t *ids,
                                       size_t count,
                                       struct error *error);

/* --param NAME=VALUE as a JSON object, checked. NULL if there are none. */
MUST_USE enum status dag_session_params(struct dag_session *session,
                                        const struct dag *dag,
                                        const char **ret_json,
                                        struct error *error);
