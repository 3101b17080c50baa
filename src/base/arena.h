#pragma once

/*
 * An arena is memory with one lifetime: a statement, a plan, a batch, a request, a connection.
 * Allocation moves a pointer; everything is released in one call. Not safe for several threads.
 */

#include "base/attr.h"
#include "base/slice.h"

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t block_bytes;
    size_t bytes_used; /* handed out since init or reset */
};

/* `block_bytes` 0 takes 64 KiB. No memory is taken before the first allocation. */
void arena_init(struct arena *arena, size_t block_bytes);
void arena_deinit(struct arena *arena);

/* Forgets everything handed out, keeps the largest block for reuse. */
void arena_reset(struct arena *arena);

/* 16-byte aligned, never NULL (a size of 0 gives a valid pointer). alloc: contents undefined. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_zalloc(struct arena *arena, size_t size);
void *arena_calloc(struct arena *arena, size_t count, size_t size);

/* Grows in place if `memory` was the last allocation, else copies. `memory` may be NULL. */
void *arena_grow(struct arena *arena, void *memory, size_t size, size_t new_size);

/* Copies, terminated with a NUL that does not count. */
char *arena_strdup(struct arena *arena, const char *text);
char *arena_string(struct arena *arena, struct slice text);
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF(2, 3);
struct slice arena_copy(struct arena *arena, struct slice bytes);

#define ARENA_NEW(arena, type)          ((type *) arena_zalloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *) arena_calloc((arena), (count), sizeof(type)))
