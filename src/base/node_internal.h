#pragma once

/* What the files of node_*.c share: how a scalar's text came out of the document. */

#include "base/node.h"

enum node_style {
    STYLE_PLAIN,
    STYLE_SINGLE_QUOTED,
    STYLE_DOUBLE_QUOTED,
    STYLE_LITERAL, /* | */
    STYLE_FOLDED,  /* > */
};

/* One ${...} that was replaced. */
struct node_edit {
    size_t at;          /* in the expanded text */
    size_t size;        /* there                */
    size_t parsed_at;   /* in the parsed text   */
    size_t parsed_size; /* there                */
};

struct node_origin {
    enum node_style style;
    size_t start, end;   /* bytes of the document: without quotes, with a block's indentation */
    size_t indent;       /* of a block, in bytes */
    struct slice parsed; /* the text before node_expand */
    struct node_edit *edits;
    size_t edit_count;
};

/* Line and column, from 1, of a byte of the document. */
void node_place(const struct document *document, size_t offset, int *ret_line, int *ret_column);

/* The byte of the document where byte `offset` of the node's text comes from. */
size_t node_source_offset(const struct node *node, size_t offset);

/* As node_error, for a place that no node stands at. */
enum status node_error_place(struct error *error,
                             const struct document *document,
                             int line,
                             int column,
                             const char *format,
                             ...) PRINTF(5, 6);
