#pragma once

/*
 * Heap memory for small things: running out ends the process, as nothing sensible can follow.
 * Whatever a peer or a user can make large goes through a budget instead (base/budget.h).
 */

#include "base/attr.h"

#include "base/slice.h"

#include <stddef.h>

void *mem_alloc(size_t size);                 /* never NULL; contents undefined */
void *mem_zalloc(size_t size);                /* never NULL; zeroed             */
void *mem_calloc(size_t count, size_t size);  /* never NULL; checks overflow    */
void *mem_realloc(void *memory, size_t size); /* never NULL                     */
char *mem_strdup(const char *text);           /* NULL stays NULL                */
char *mem_string(struct slice text);          /* a terminated copy */
char *mem_printf(const char *format, ...) PRINTF(1, 2);
void mem_free(void *memory);

/* For `CLEANUP(mem_free_pointer) char *text = ...`. */
void mem_free_pointer(void *pointer_to_pointer);
