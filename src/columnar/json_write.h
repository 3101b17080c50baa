#pragma once

/* Single values as JSON text, as column_write_json has them: for codecs that write values that are
 * in no column. */

#include "base/buffer.h"
#include "columnar/type.h"

/* The shortest text that reads back as the same number; "NaN", "Infinity" and "-Infinity" for
 * others. Returns its length; `target` has room for DOUBLE_TEXT_BYTES. */
#define DOUBLE_TEXT_BYTES 40
size_t double_shortest(double value, bool single, char *target);

/* That text, always with a point or an exponent; names of what is no number in quotes. */
void json_write_double(double value, bool single, struct buffer *target);

void json_write_decimal(int128 unscaled, uint8_t scale, struct buffer *target);
void json_write_base64(struct slice bytes, struct buffer *target);
void json_write_date(int64_t days, struct buffer *target);
void json_write_timestamp(int64_t time_us, struct buffer *target);
