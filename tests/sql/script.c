#include "script.h"

#include "base/buffer.h"

#include <errno.h>
#include <stdio.h>

static const char *const words[] = {"create", "feed",   "view",  "query", "stream",
                                    "check",  "expect", "error", "plan",  "spark"};

static enum status read_whole(const char *path, struct buffer *target, struct error *error)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return error_set_errno(error, errno, "could not open \"%s\"", path);
    }
    size_t got = 0;
    do {
        got = fread(buffer_reserve(target, 65536), 1, 65536, file);
        target->size += got;
    } while (got > 0);
    (void) fclose(file);
    return STATUS_OK;
}

static const char *word_of(struct slice line, struct slice *ret_rest)
{
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        size_t length = strlen(words[i]);
        if (line.size >= length && memcmp(line.data, words[i], length) == 0 &&
            (line.size == length || line.data[length] == ' ')) {
            *ret_rest = line.size == length
                            ? SLICE_EMPTY
                            : slice_of(line.data + length + 1, line.size - length - 1);
            return words[i];
        }
    }
    return NULL;
}

enum status script_read(const char *path,
                        struct arena *arena,
                        struct block **ret_blocks,
                        size_t *ret_count,
                        struct error *error)
{
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    TRY(read_whole(path, &text, error));
    struct slice rest = arena_copy(arena, buffer_slice(&text));
    struct block *blocks = NULL;
    size_t count = 0, capacity = 0;
    for (int line_number = 1; rest.size > 0; line_number++) {
        const uint8_t *end = memchr(rest.data, '\n', rest.size);
        size_t size = end == NULL ? rest.size : (size_t) (end - rest.data);
        struct slice line = slice_of(rest.data, size), tail = SLICE_EMPTY;
        size_t step = end == NULL ? size : size + 1;
        rest = slice_of(rest.data + step, rest.size - step);
        const char *word = word_of(line, &tail);
        bool comment = line.size > 0 && line.data[0] == '#';
        if (word == NULL && !comment && line.size > 0) {
            if (count == 0) {
                return error_set(error, STATUS_CONFIG,
                                 "%s:%d: no word of the format begins this file", path,
                                 line_number);
            }
            struct block *last = &blocks[count - 1];
            const uint8_t *begin = last->body.size == 0 ? line.data : last->body.data;
            last->body = slice_of(begin, (size_t) (line.data + line.size - begin));
            continue;
        }
        if (word == NULL) {
            continue;
        }
        if (count == capacity) {
            blocks = arena_grow(arena, blocks, capacity * sizeof(*blocks),
                                (capacity + 64) * sizeof(*blocks));
            capacity += 64;
        }
        blocks[count++] = (struct block){word, arena_string(arena, tail), SLICE_EMPTY, line_number};
    }
    *ret_blocks = blocks;
    *ret_count = count;
    return STATUS_OK;
}
