#include "base/arena.h"

#include "base/assert.h"
#include "base/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#define ALIGNMENT           16
#define BLOCK_BYTES_DEFAULT ((size_t) 64 * 1024)

struct arena_block {
    struct arena_block *next;
    size_t size; /* of data */
    size_t used;
    uint8_t data[] __attribute__((aligned(ALIGNMENT)));
};

static size_t round_up(size_t size)
{
    ASSERT(size <= SIZE_MAX / 2);
    return (size + ALIGNMENT - 1) & ~(size_t) (ALIGNMENT - 1);
}

void arena_init(struct arena *arena, size_t block_bytes)
{
    *arena = (struct arena){.block_bytes = block_bytes == 0 ? BLOCK_BYTES_DEFAULT : block_bytes};
}

void arena_deinit(struct arena *arena)
{
    for (struct arena_block *block = arena->blocks; block != NULL;) {
        struct arena_block *next = block->next;
        mem_free(block);
        block = next;
    }
    arena->blocks = NULL;
    arena->bytes_used = 0;
}

void arena_reset(struct arena *arena)
{
    struct arena_block *largest = NULL;
    for (struct arena_block *block = arena->blocks; block != NULL; block = block->next) {
        if (largest == NULL || block->size > largest->size) {
            largest = block;
        }
    }
    for (struct arena_block *block = arena->blocks; block != NULL;) {
        struct arena_block *next = block->next;
        if (block != largest) {
            mem_free(block);
        }
        block = next;
    }
    arena->blocks = largest;
    arena->bytes_used = 0;
    if (largest != NULL) {
        largest->next = NULL;
        largest->used = 0;
    }
}

static struct arena_block *block_add(struct arena *arena, size_t size)
{
    size_t wanted = arena->block_bytes;
    if (arena->blocks != NULL && arena->blocks->size > wanted) {
        wanted = arena->blocks->size; /* grow gently: big lifetimes get big blocks */
    }
    if (wanted < size) {
        wanted = size;
    }
    struct arena_block *block = mem_alloc(sizeof(*block) + wanted);
    block->size = wanted;
    block->used = 0;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size = round_up(size == 0 ? 1 : size);
    struct arena_block *block = arena->blocks;
    if (block == NULL || block->size - block->used < size) {
        block = block_add(arena, size);
    }
    void *memory = block->data + block->used;
    block->used += size;
    arena->bytes_used += size;
    return memory;
}

void *arena_zalloc(struct arena *arena, size_t size)
{
    return memset(arena_alloc(arena, size), 0, size);
}

void *arena_calloc(struct arena *arena, size_t count, size_t size)
{
    ASSERT(size == 0 || count <= SIZE_MAX / size);
    return arena_zalloc(arena, count * size);
}

void *arena_grow(struct arena *arena, void *memory, size_t size, size_t new_size)
{
    ASSERT(new_size >= size);
    struct arena_block *block = arena->blocks;
    if (memory != NULL && block != NULL) {
        size_t old = round_up(size == 0 ? 1 : size);
        size_t more = round_up(new_size == 0 ? 1 : new_size) - old;
        if ((uint8_t *) memory + old == block->data + block->used &&
            block->size - block->used >= more) {
            block->used += more;
            arena->bytes_used += more;
            return memory;
        }
    }
    void *copy = arena_alloc(arena, new_size);
    if (size > 0) {
        memcpy(copy, memory, size);
    }
    return copy;
}

char *arena_string(struct arena *arena, struct slice text)
{
    char *copy = arena_alloc(arena, text.size + 1);
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    copy[text.size] = '\0';
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return text == NULL ? NULL : arena_string(arena, slice_of_string(text));
}

struct slice arena_copy(struct arena *arena, struct slice bytes)
{
    return slice_of(arena_string(arena, bytes), bytes.size);
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_list again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    ASSERT(length >= 0);
    char *text = arena_alloc(arena, (size_t) length + 1);
    (void) vsnprintf(text, (size_t) length + 1, format, again);
    va_end(again);
    va_end(arguments);
    return text;
}
