#include "base/node_internal.h"

#define PATH_PARTS_MAX 32

struct node *node_get(const struct node *map, const char *key)
{
    if (map == NULL || map->type != NODE_MAP) {
        return NULL;
    }
    for (size_t i = 0; i < map->count; i++) {
        if (strcmp(map->items[i]->key, key) == 0) {
            return map->items[i];
        }
    }
    return NULL;
}

/* Walks "a.b.c" as far as it exists. Returns the last node reached, and in `ret_rest` what of the
 * path is left (NULL: nothing). A key may itself hold dots: the longest key that fits is taken. */
static struct node *walk(struct node *root, const char *path, const char **ret_rest)
{
    struct node *node = root;
    while (path != NULL && node->type == NODE_MAP) {
        struct node *next = NULL;
        size_t longest = 0;
        for (size_t i = 0; i < node->count; i++) {
            size_t length = strlen(node->items[i]->key);
            bool fits = strncmp(path, node->items[i]->key, length) == 0 &&
                        (path[length] == '.' || path[length] == '\0');
            if (fits && (next == NULL || length > longest)) {
                next = node->items[i];
                longest = length;
            }
        }
        if (next == NULL) {
            break;
        }
        node = next;
        path = path[longest] == '.' ? path + longest + 1 : NULL;
    }
    *ret_rest = path;
    return node;
}

struct node *node_get_path(const struct node *map, const char *path)
{
    if (map == NULL) {
        return NULL;
    }
    const char *rest;
    struct node *node = walk((struct node *) (uintptr_t) map, path, &rest);
    return rest == NULL ? node : NULL;
}

/* Becomes the value of `target`, which keeps its key and its place in the parent. */
static void replace(struct node *target, const struct node *value)
{
    struct node old = *target;
    *target = *value;
    target->key = old.key;
    target->key_line = old.key_line;
    target->key_column = old.key_column;
}

static struct node *
add_entry(struct node *map, struct slice key, const struct node *place, struct arena *arena)
{
    struct node *entry = ARENA_NEW(arena, struct node);
    entry->type = NODE_MAP;
    entry->key = arena_string(arena, key);
    entry->document = place->document;
    entry->line = entry->key_line = entry->text_line = place->line;
    entry->column = entry->key_column = entry->text_column = place->column;
    struct node **items = ARENA_ARRAY(arena, struct node *, map->count + 1);
    if (map->count > 0) {
        memcpy(items, map->items, map->count * sizeof(struct node *));
    }
    items[map->count++] = entry;
    map->items = items;
    return entry;
}

/* Every part between the dots must hold something; the tree stays shallow. */
static bool path_is_good(const char *path)
{
    size_t length = strlen(path);
    size_t dots = 0;
    for (const char *dot = strchr(path, '.'); dot != NULL; dot = strchr(dot + 1, '.')) {
        dots++;
    }
    return length > 0 && dots < PATH_PARTS_MAX && path[0] != '.' && path[length - 1] != '.' &&
           strstr(path, "..") == NULL;
}

enum status node_put_path(struct node *root,
                          const char *path,
                          struct node *value,
                          struct arena *arena,
                          struct error *error)
{
    if (!path_is_good(path)) {
        return error_set(error, STATUS_CONFIG, "\"%s\" is not a setting's path such as \"a.b.c\"",
                         path);
    }
    const char *rest;
    struct node *node = walk(root, path, &rest);
    if (rest != NULL && node->type == NODE_NULL) {
        node->type = NODE_MAP; /* "sources:" with nothing below it yet */
    }
    if (rest != NULL && node->type != NODE_MAP) {
        const char *what = node->key == NULL ? "the document" : node->key;
        return node_error(error, value, "cannot set \"%s\": %s is not a map", path, what);
    }
    while (rest != NULL) {
        const char *dot = strchr(rest, '.');
        size_t length = dot == NULL ? strlen(rest) : (size_t) (dot - rest);
        node = add_entry(node, slice_of(rest, length), value, arena);
        rest = dot == NULL ? NULL : dot + 1;
    }
    replace(node, value);
    return STATUS_OK;
}

enum status node_set_path(struct node *root,
                          const char *path,
                          const char *value,
                          struct arena *arena,
                          struct error *error)
{
    struct node *node;
    if (value[0] == '@') { /* YAML reserves it; here it begins a schedule: "@every 1m" */
        node = node_of_text(slice_of_string(value), "<command line>", arena);
    } else {
        TRY(node_parse(slice_of_string(value), "<command line>", arena, &node, error));
    }
    return node_put_path(root, path, node, arena, error);
}

struct node *node_of_text(struct slice text, const char *document_name, struct arena *arena)
{
    struct document *document = ARENA_NEW(arena, struct document);
    document->name = arena_strdup(arena, document_name);
    document->text = arena_copy(arena, text);
    struct node_origin *origin = ARENA_NEW(arena, struct node_origin);
    *origin =
        (struct node_origin){.style = STYLE_LITERAL, .end = text.size, .parsed = document->text};
    struct node *node = ARENA_NEW(arena, struct node);
    *node = (struct node){
        .type = NODE_SCALAR,
        .quoted = true,
        .text = (const char *) document->text.data,
        .size = text.size,
        .document = document,
        .origin = origin,
        .line = 1,
        .column = 1,
        .text_line = 1,
        .text_column = 1,
    };
    return node;
}
