#pragma once

/*
 * The broker's durable state: topics, groups, committed offsets, producer ids. Changes are entries
 * of a journal (log/journal.h), described in state.msg. A change is written first, takes effect
 * when it is on disk, and only then is answered; so nobody ever sees what a crash could take back.
 *
 * Loop thread only; callbacks run on the loop.
 */

#include "broker/loop.h"
#include "broker/state_records.h"

struct flusher;
struct state;
struct journal_writer;

/* What the owner of the state does for the journal. */
struct state_owner {
    /* An entry from an earlier run, oldest first. `body` and all in it are borrowed. */
    enum status (*replay)(void *context,
                          const struct wire_message *kind,
                          const void *body,
                          struct error *error);
    /* Writes everything that there is, with state_write, to replace a grown journal. */
    enum status (*snapshot)(void *context, struct journal_writer *writer, struct error *error);
    void *context;
};

MUST_USE enum status state_open(const char *path,
                                struct flusher *flusher,
                                struct loop *loop,
                                const struct state_owner *owner,
                                struct state **ret_state,
                                struct error *error);

/* Syncs and closes; callbacks of what was waiting are then in the loop's mailbox. */
MUST_USE enum status state_close(struct state *state, struct error *error);

/* After the mailbox has been emptied. */
void state_free(struct state *state);

typedef void (*state_done)(void *context, enum status status, const struct error *error);

/* Appends an entry; `body` is encoded before this returns. `done` (may be NULL) is called later,
 * from the loop, never from within, and in the order of appending. */
void state_append(struct state *state,
                  const struct wire_message *kind,
                  const void *body,
                  state_done done,
                  void *context);

/* For the snapshot. */
MUST_USE enum status state_write(struct journal_writer *writer,
                                 const struct wire_message *kind,
                                 const void *body,
                                 struct error *error);
