#pragma once

/*
 * A batch as bytes, for the outbox: the buffers of its columns one after the other, as they lie in
 * memory. Written and read by the same machine; the types are known to the reader.
 */

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "columnar/column.h"

void batch_write_bytes(const struct batch *batch, struct buffer *target);

/* Reads a batch of `type` from the front of *bytes. The columns are copies in the
 * arena. STATUS_CORRUPT if they do not fit the type. */
MUST_USE enum status batch_read_bytes(struct slice *bytes,
                                      const struct type *type,
                                      struct arena *arena,
                                      struct batch **ret_batch,
                                      struct error *error);
