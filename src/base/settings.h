#pragma once

/*
 * One settings mechanism. A settings table describes what may stand in a section of the pipeline
 * file; from its rows come the parser, the errors, the JSON schema for editors and the reference
 * page. A section is read into a plain C struct, field by field at the row's offset.
 */

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/node.h"

#include <stddef.h>
#include <stdint.h>

enum setting_type {
    SETTING_STRING,   /* const char *                                              */
    SETTING_BOOL,     /* bool                                                      */
    SETTING_INT,      /* int64_t, between min and max                              */
    SETTING_DOUBLE,   /* double                                                    */
    SETTING_DURATION, /* int64_t microseconds                                      */
    SETTING_BYTES,    /* int64_t bytes                                             */
    SETTING_CHOICE,   /* int, the index into `choices`                             */
    SETTING_RATE,     /* struct setting_rate: "20000 records / 5 min"              */
    SETTING_STRINGS,  /* struct setting_strings; one scalar is a list of one       */
    SETTING_PAIRS,    /* struct setting_pairs: a map of scalars, in order          */
    SETTING_SECTION,  /* void *: a struct read by `section`, NULL if absent        */
    SETTING_SECTIONS, /* struct setting_sections: a map from names to such structs */
    SETTING_NODE,     /* struct node *: read by whoever owns it                    */
};

struct setting_rate {
    int64_t count; /* 0: no limit */
    int64_t per_us;
};

struct setting_strings {
    const char **items;
    struct node **nodes; /* where each stands */
    size_t count;
};

struct setting_pair {
    const char *name;
    const char *value;
    struct node *node;
};

struct setting_pairs {
    struct setting_pair *items;
    size_t count;
};

struct settings_table;

struct setting_section {
    const char *name;
    void *value;
    struct node *node;
};

struct setting_sections {
    struct setting_section *items;
    size_t count;
};

enum setting_flags {
    SETTING_REQUIRED = 1, /* absent is an error                          */
    SETTING_SECRET = 2,   /* never printed                               */
    SETTING_SCALAR_OK = 4 /* SECTION: a scalar is read as its first row  */
};

struct setting {
    const char *name;
    enum setting_type type;
    size_t offset;            /* offsetof(struct ..., field) */
    const char *default_text; /* as one would write it; NULL: zero or absent */
    const char *help;         /* one or two sentences, for the reference page */
    unsigned flags;
    int64_t min, max;           /* INT, DURATION, BYTES; both 0: any not negative */
    const char *const *choices; /* CHOICE: NULL-terminated */
    const struct settings_table *section;
};

struct settings_table {
    const char *name; /* "http source" */
    const char *help;
    const struct setting *rows;
    size_t count;
    size_t struct_size;
};

/* Reads a map node into `ret_struct` (struct_size bytes, overwritten, defaults filled in). A key
 * that no row has is an error with the nearest name as hint. `node` NULL reads an empty map. If the
 * struct's first member is a `struct node *` named by no row, set it yourself. */
MUST_USE enum status settings_read(const struct settings_table *table,
                                   const struct node *node,
                                   struct arena *arena,
                                   void *ret_struct,
                                   struct error *error);

/* JSON Schema (2020-12) for the section, as one JSON object. */
void settings_json_schema(const struct settings_table *table, struct buffer *target);

/* A Markdown section with a table of the rows, then those of nested tables. */
void settings_markdown(const struct settings_table *table,
                       int heading_level,
                       struct buffer *target);

/* The candidate nearest to `word` (edit distance at most a third of its length), or NULL. */
const char *nearest_word(const char *word, const char *const *candidates, size_t count);
