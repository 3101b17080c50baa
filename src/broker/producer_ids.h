#pragma once

/* Ids for idempotent producers. They are reserved in blocks, so that the journal has one entry for
 * many; after a crash the rest of a block is never handed out. */

#include "broker/state.h"

struct producer_ids;

struct producer_ids *producer_ids_new(void);
void producer_ids_free(struct producer_ids *ids);
void producer_ids_use_state(struct producer_ids *ids, struct state *state);

void producer_ids_replay(struct producer_ids *ids, const struct producer_ids_record *record);
MUST_USE enum status
producer_ids_snapshot(struct producer_ids *ids, struct journal_writer *writer, struct error *error);

/* `done` gets a fresh id, or -1 if the journal could not be written; possibly at once. */
void producer_ids_next(struct producer_ids *ids,
                       void (*done)(void *context, int64_t id),
                       void *context);
