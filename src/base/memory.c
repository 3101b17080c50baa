#include "base/memory.h"

#include "base/assert.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_die(void *memory, size_t size)
{
    if (memory == NULL && size > 0) {
        (void) fprintf(stderr, "leat: out of memory asking for %zu bytes\n", size);
        abort();
    }
    return memory;
}

void *mem_alloc(size_t size)
{
    return or_die(malloc(size), size);
}

void *mem_zalloc(size_t size)
{
    return or_die(calloc(1, size), size);
}

void *mem_calloc(size_t count, size_t size)
{
    ASSERT(size == 0 || count <= SIZE_MAX / size);
    return or_die(calloc(count, size), count * size);
}

void *mem_realloc(void *memory, size_t size)
{
    return or_die(realloc(memory, size), size);
}

char *mem_strdup(const char *text)
{
    return text == NULL ? NULL : or_die(strdup(text), 1);
}

char *mem_string(struct slice text)
{
    char *copy = mem_alloc(text.size + 1);
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    copy[text.size] = '\0';
    return copy;
}

char *mem_printf(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    ASSERT(length >= 0);
    return text;
}

void mem_free(void *memory)
{
    free(memory);
}

void mem_free_pointer(void *pointer_to_pointer)
{
    void *memory;
    memcpy(&memory, pointer_to_pointer, sizeof(memory));
    free(memory);
}
