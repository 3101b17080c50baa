#pragma once

/* Text in the scripts of the nationalities' data as ASCII: for e-mail addresses. */

#include "base/buffer.h"
#include "base/slice.h"

/* Appends `text` (UTF-8) in lower-case ASCII. Blanks and what has no ASCII form are left out. */
void transliterate(struct buffer *target, struct slice text);
