#pragma once

/* Intrusive doubly linked lists: a `struct list` in the owner is the head, one in each element the
 * link. Removing does not need the head. Nothing is allocated. */

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *previous;
    struct list *next;
};

#define CONTAINER_OF(pointer, type, member)                                                        \
    ((type *) (void *) ((char *) (pointer) -offsetof(type, member)))

static inline void list_init(struct list *list)
{
    list->previous = list;
    list->next = list;
}

static inline bool list_empty(const struct list *list)
{
    return list->next == list;
}

static inline void list_append(struct list *list, struct list *link)
{
    link->previous = list->previous;
    link->next = list;
    list->previous->next = link;
    list->previous = link;
}

/* Afterwards the link is empty, so removing it again does nothing. */
static inline void list_remove(struct list *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    list_init(link);
}

/* The first element's link, taken off; NULL if empty. */
static inline struct list *list_pop(struct list *list)
{
    struct list *first = list->next;
    if (first == list) {
        return NULL;
    }
    list_remove(first);
    return first;
}

/* Walks; the current link may be removed meanwhile, others may not. */
#define list_each(head, link)                                                                      \
    for (struct list *link = (head)->next, *link##_next_ = link->next; link != (head);             \
         link = link##_next_, link##_next_ = link->next)
