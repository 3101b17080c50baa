#pragma once

/*
 * Pages of a source, one ahead: while a page is staged, a thread of the pager asks for the next one
 * already, where the source allows it (source_ops.reads_ahead). A page is asked for once and in
 * order, by one thread at a time. What was fetched ahead is no state: it is dropped on any failure,
 * and gone after a crash, and then asked for again from the stored cursor.
 *
 * Owned and called by one thread, the fetch worker.
 */

#include "connect/source.h"

struct pager;

/* What a call for a page came to. Memory of the page: the pager's, until the next call but one. */
struct pager_page {
    struct source_page page;
    int64_t retry_after_us; /* -1: the peer did not say */
};

/* `cancelled` ends calls that are under way, once it is set. */
struct pager *pager_new(const struct source_ops *ops, atomic_bool *cancelled);

/* Waits for what is under way. The source is not closed. NULL is fine. */
void pager_free(struct pager *pager);

/* The page behind `request->cursor`: the one fetched ahead, if it is that, else asked for now. The
 * error of a page fetched ahead is told here. */
MUST_USE enum status pager_fetch(struct pager *pager,
                                 struct source *source,
                                 const struct source_request *request,
                                 struct pager_page *ret_page,
                                 struct error *error);

/* Begins to fetch the page behind `request->cursor`, which is copied. Nothing if the source cannot
 * be read ahead, or no thread can be started. */
void pager_begin(struct pager *pager, struct source *source, const struct source_request *request);

/* Forgets what was fetched ahead, once its call has returned. */
void pager_drop(struct pager *pager);
