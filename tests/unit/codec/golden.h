#pragma once

/* Golden files are lines of words; byte strings stand in hex ("-" if empty). */

#include "base/buffer.h"

#include "test.h"

#include <stdio.h>

static inline struct buffer golden_load(const char *name)
{
    const char *root = getenv("LEAT_SOURCE_ROOT");
    char path[4096];
    (void) snprintf(path, sizeof(path), "%s/tests/golden/%s", root == NULL ? "." : root, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail_msg("cannot open %s", path);
    }
    struct buffer text = BUFFER_INIT;
    for (size_t got = 1; got > 0; text.size += got) {
        got = fread(buffer_reserve(&text, 65536), 1, 65536, file);
    }
    (void) fclose(file);
    return text;
}

/* Takes the next line off `text`, without its end; false at the end. */
static inline bool golden_line(struct slice *text, struct slice *ret_line)
{
    if (text->size == 0) {
        return false;
    }
    const uint8_t *end = memchr(text->data, '\n', text->size);
    size_t size = end == NULL ? text->size : (size_t) (end - text->data);
    *ret_line = slice_of(text->data, size);
    size += end != NULL;
    *text = slice_of(text->data + size, text->size - size);
    return true;
}

/* Takes the next word off a line; empty at the end. */
static inline struct slice golden_word(struct slice *line)
{
    const uint8_t *end = line->size == 0 ? NULL : memchr(line->data, ' ', line->size);
    struct slice word =
        slice_of(line->data, end == NULL ? line->size : (size_t) (end - line->data));
    size_t size = word.size + (end != NULL);
    *line = slice_of(line->data + size, line->size - size);
    return word;
}

static inline struct buffer golden_hex(struct slice word)
{
    struct buffer bytes = BUFFER_INIT;
    for (size_t i = 0; i + 2 <= word.size; i += 2) {
        char digits[3] = {(char) word.data[i], (char) word.data[i + 1], '\0'};
        buffer_append_byte(&bytes, (uint8_t) strtoul(digits, NULL, 16));
    }
    return bytes;
}
