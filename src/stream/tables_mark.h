#pragma once

/*
 * Which tables a task fills, beside its progress: so that tables that are gone while the progress
 * stays are noticed. Without it they would be made anew, empty, and the sum would still count what
 * they held as stored.
 *
 *     progress of the task "PIPELINE.TOPIC/tables": a line a table, "+NAME", or "-NAME" for one
 *     that was found missing; it stays so until its history is computed anew
 */

#include "stream/task.h"

#define TABLES_MARK "/tables" /* behind the name of the task */

/* Before tables are made: which are not there? */
MUST_USE enum status tables_look(struct processor *task, struct error *error);

/* With the progress loaded: writes the mark, and warns of what is missing. */
MUST_USE enum status tables_mark(struct processor *task, bool rebuild, struct error *error);
