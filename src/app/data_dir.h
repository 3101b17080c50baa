#pragma once

/*
 * The data directory: everything that leat stores.
 *
 *     FORMAT        version of the layout, refused if newer
 *     engines.json  the engines that the last profile named, if not all are embedded
 *     lock          held by the one `up` or `run`
 *     leat.json     {"pid", "kafka", "http", "registry"} while one runs; "http_pin" if it has TLS
 *     token         while one runs whose console has a login: what commands beside it send
 *     audit.jsonl   who changed what through the console
 *     staging.db    staging          tables.db   tables
 *     log/          topics           state/      state of streams
 *     registry/     schemas
 */

#include "base/error.h"
#include "io/lock.h"

#include <stdbool.h>

struct data_dir {
    char path[1024];
    struct file_lock lock;
};

/* The addresses of a running leat, as leat.json has them; empty strings where there is none. */
struct data_dir_addresses {
    int64_t pid; /* 0: nothing runs */
    char kafka[280];
    char http[280];
    char registry[280];
    char http_pin[64]; /* of the console's TLS (tls_files.h); "": plain HTTP */
};

/* `path` NULL: LEAT_DATA, else "./.leat". */
const char *data_dir_path(const char *path);

/* Makes what is missing, checks FORMAT, takes the lock. STATUS_AGAIN naming the pid that has it. */
MUST_USE enum status
data_dir_open(const char *path, struct data_dir *ret_directory, struct error *error);
void data_dir_close(struct data_dir *directory); /* removes leat.json, releases the lock */

MUST_USE enum status data_dir_publish(const struct data_dir *directory,
                                      const struct data_dir_addresses *addresses,
                                      struct error *error);

/* Who runs on this directory; pid 0 if nobody does. For commands that use a running leat. */
MUST_USE enum status
data_dir_running(const char *path, struct data_dir_addresses *ret_addresses, struct error *error);

/* The token for the console of the leat that runs there, "" if it needs none or it is not ours to
 * read. `target` has room for DATA_DIR_TOKEN_BYTES. */
#define DATA_DIR_TOKEN_BYTES 80
void data_dir_token(const char *path, char *target);

/* "PATH/name" in a static per-thread buffer's stead: written to `target`. */
const char *data_dir_file(const char *path, const char *name, char target[1200]);
