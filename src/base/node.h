#pragma once

/*
 * A configuration document as a tree that remembers where each piece stands, so that every error
 * can show file, line, column, the line itself and a caret. Made from YAML (1.2; JSON is a subset).
 */

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum node_type {
    NODE_NULL,
    NODE_SCALAR,
    NODE_LIST,
    NODE_MAP
};

struct node_origin;

struct document {
    const char *name;  /* file name as the user gave it, or "<command line>" */
    struct slice text; /* whole text, for showing lines */
};

struct node {
    enum node_type type;
    bool quoted;      /* a scalar in quotes or a block: never a number, bool or null */
    const char *text; /* NODE_SCALAR: its value, NUL-terminated; length in `size` */
    size_t size;
    const char *key;     /* of this entry if the parent is a map */
    struct node **items; /* NODE_LIST and NODE_MAP, in the order of the file */
    size_t count;
    const struct document *document;
    int line;     /* of the value, from 1 */
    int column;   /* from 1, in code points */
    int key_line; /* of the key, 0 if none */
    int key_column;
    int text_line; /* of the first line of a block scalar's text; equals `line` for others */
    int text_column;
    bool secret;                /* holds a secret since node_expand: never print its text */
    struct node_origin *origin; /* of a scalar: how its text stands in the document; private */
};

/* Parses YAML text. Duplicate keys, tags, keys that are no scalars, a second document, anchors that
 * recur, more than 64 levels, 16 MiB, 1000 blank lines in a row or NODES_MAX values (aliases are
 * copies and count as such) are refused. Empty text is a NODE_NULL. `${NAME}` and
 * `${NAME:-default}` are left as they are (see node_expand). The nodes live as long as the arena.
 */
#define NODES_MAX 262144
MUST_USE enum status node_parse(struct slice text,
                                const char *document_name,
                                struct arena *arena,
                                struct node **ret_node,
                                struct error *error);

MUST_USE enum status
node_load(const char *path, struct arena *arena, struct node **ret_node, struct error *error);

/* A whole text as one scalar, for errors that point into a file that is no YAML, such as SQL. */
struct node *node_of_text(struct slice text, const char *document_name, struct arena *arena);

/* Looks a key up; NULL if absent or `map` is not a map. */
struct node *node_get(const struct node *map, const char *key);

/* "a.b.c" from the root; NULL if absent. */
struct node *node_get_path(const struct node *map, const char *path);

/* Sets "a.b.c" to the YAML text `value`, making maps on the way: `--set`. */
MUST_USE enum status node_set_path(struct node *root,
                                   const char *path,
                                   const char *value,
                                   struct arena *arena,
                                   struct error *error);

/* Sets "a.b.c" to `value`, which keeps its place for errors and from then on belongs to this tree:
 * the settings of a profile. */
MUST_USE enum status node_put_path(struct node *root,
                                   const char *path,
                                   struct node *value,
                                   struct arena *arena,
                                   struct error *error);

/* Replaces ${NAME} and ${NAME:-default} from the environment and ${secret:NAME} from a file
 * (`NAME` under `secrets_dir`) or the environment variable LEAT_SECRET_<NAME upper case>, in every
 * scalar below `node`. Unset without default is an error. "$${" stands for "${". Templates of other
 * stages, `${interval.start}` and the like (a dot in the name), stay. A default runs to the next
 * "}" and also stands in for an empty variable. A scalar that is nothing but one ${...} counts as
 * not quoted afterwards: within {...} YAML forces the quotes, and `{pages: "${PAGES}"}` is a
 * number. */
MUST_USE enum status
node_expand(struct node *node, const char *secrets_dir, struct arena *arena, struct error *error);

/* The same for those who only look at a file: a secret, and a variable without value and default,
 * stay as they are. */
MUST_USE enum status node_expand_known(struct node *node, struct arena *arena, struct error *error);

/* Fills `error` with "FILE:LINE:COLUMN: message", the line and a caret below. */
enum status node_error(struct error *error, const struct node *node, const char *format, ...)
    PRINTF(3, 4);

/* The same for a place inside a block of text in a node, such as SQL: `offset` bytes into it. The
 * place is the real one in the file, through indentation, folding, escapes and ${...}. */
enum status
node_error_at(struct error *error, const struct node *node, size_t offset, const char *format, ...)
    PRINTF(4, 5);
