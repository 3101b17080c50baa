#pragma once

/*
 * Who changed what: a JSON line for each change that was asked for through the console, and for
 * each login, in a file that is only appended to.
 *
 *     {"at":"2026-01-01T12:00:00.000000Z","who":"alice","role":"admin","peer":"127.0.0.1",
 *      "method":"POST","path":"/api/v1/topics","status":200,"body":"{\"name\":\"a\"}"}
 *
 * A line is on disk before the change's reply is sent. At 64 MiB the file is renamed to "FILE.1",
 * which takes the place of the one before. Safe from any thread.
 */

#include "base/buffer.h"
#include "base/error.h"

struct audit_trail;

struct audit_entry {
    const char *who;  /* NULL: there is no login */
    const char *role; /* NULL with it */
    const char *peer, *method, *path;
    int status;
    struct slice body; /* what was asked for; the first bytes are kept; empty: not kept */
};

/* `path` NULL: nothing is kept. The file is made by the first entry. */
struct audit_trail *audit_trail_new(const char *path);
void audit_trail_free(struct audit_trail *trail);

/* A failure to write is logged; the change has been made. */
void audit_trail_add(struct audit_trail *trail, const struct audit_entry *entry);

/* A JSON array of the newest ones, the newest first. */
MUST_USE enum status audit_trail_read(struct audit_trail *trail,
                                      int64_t limit,
                                      struct buffer *target,
                                      struct error *error);
