#pragma once

/*
 * Text in PostgreSQL cannot hold NUL, nor bytes that are not UTF-8. Both may come from a record.
 * They are written so that they can be read back, with U+2400 as sign:
 *
 *     NUL             U+2400 "0"
 *     a byte XX       U+2400 "xXX"      where it is no UTF-8
 *     U+2400          U+2400 U+2400
 *
 * so different texts stay different, and text without any of them stays as it is.
 */

#include "base/buffer.h"

/* Does it look the same in PostgreSQL? */
bool pg_text_is_plain(struct slice text);

void pg_text_write(struct slice text, struct buffer *target);

/* Text as pg_text_write wrote it. */
void pg_text_read(struct slice text, struct buffer *target);

/* The same for NUL in JSON text, where it is written \u0000, which jsonb refuses. `text` is JSON of
 * valid UTF-8. */
void pg_json_write(struct slice text, struct buffer *target);
void pg_json_read(struct slice text, struct buffer *target);

/* A key for an index, which takes at most some 2,700 bytes: a longer one is cut and keeps a hash.
 * For finding, not for reading back. */
void pg_index_text_write(struct slice text, struct buffer *target);
void pg_index_bytes_write(struct slice bytes, struct buffer *target);
