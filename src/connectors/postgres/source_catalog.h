#pragma once

/*
 * What a source asks PostgreSQL's catalogs, over an ordinary connection: what the server can do,
 * the tables and how their rows are told apart, the publication, the slot. Nothing here changes
 * anything but catalog_publication_make.
 */

#include "base/arena.h"
#include "base/error.h"
#include "connectors/postgres/source_value.h"

#include <libpq-fe.h>

struct catalog;

struct catalog_column {
    const char *name;
    struct value_type type;
    bool key; /* belongs to the replica identity, and so stands in a delete */
};

struct catalog_table {
    uint32_t oid;
    const char *schema, *name;
    const char *full; /* "schema.name", as settings and cursors write it */
    bool partitioned;
    char identity;                  /* 'd' primary key, 'i' an index, 'f' the whole row, 'n' none */
    struct catalog_column *columns; /* those that are published */
    size_t column_count;
    const char **order_types;
    bool *order_bytes;  /* records have them in base64 */
    const char **order; /* columns of the primary key or identity index, to read it in order */
    size_t order_count; /* 0: there is none */
    const char *filter; /* the publication's WHERE; NULL: all rows */
};

struct catalog_publication {
    bool exists;
    bool inserts, updates, deletes, truncates;
};

struct catalog_slot {
    bool exists;
    bool active;
    int32_t active_pid;
    const char *plugin, *database;
    const char *wal_status;  /* "reserved", "extended", "unreserved", "lost"; "" before 13 */
    uint64_t restart_lsn;    /* 0: none, the slot is of no more use */
    uint64_t confirmed_lsn;  /* 0: none */
    const char *why_invalid; /* "" if it is not, or before 17 */
};

/* A session with settings that make values independent of the server's; see catalog_connect. */
MUST_USE enum status catalog_open(const char *url,
                                  const char *shown,
                                  bool decimals, /* numeric(p,s) as such, not as text */
                                  struct catalog **ret_catalog,
                                  struct error *error);
void catalog_close(struct catalog *catalog); /* NULL is fine */

/* The connection that catalog_open makes, for others that read rows. */
MUST_USE enum status
catalog_connect(const char *url, const char *shown, PGconn **ret_connection, struct error *error);

/* A server that logical replication works on, with a role that may use it. */
MUST_USE enum status catalog_check_server(struct catalog *catalog, struct error *error);

/* What the server has, as one line for `leat doctor`. */
const char *catalog_describe(struct catalog *catalog, struct arena *arena);

/* The end of the log that is on disk. */
MUST_USE enum status
catalog_flushed(struct catalog *catalog, uint64_t *ret_lsn, struct error *error);

/* Tables whose names match one of `patterns` ("name", "schema.name", "schema.*"; a name alone is in
 * "public"), in the order of their names: those of the publication if there is one, else all. A
 * pattern that matches none is a STATUS_CONFIG. */
MUST_USE enum status catalog_tables(struct catalog *catalog,
                                    const char *publication,
                                    bool published,
                                    const char *const *patterns,
                                    size_t pattern_count,
                                    struct arena *arena,
                                    struct catalog_table **ret_tables,
                                    size_t *ret_count,
                                    struct error *error);

/* Does the publication hold the table, now? */
MUST_USE enum status catalog_is_published(struct catalog *catalog,
                                          const char *publication,
                                          uint32_t oid,
                                          bool *ret_published,
                                          struct error *error);

/* Does "schema.name" match one of the patterns? */
bool catalog_matches(const char *const *patterns,
                     size_t pattern_count,
                     const char *schema,
                     const char *name);

MUST_USE enum status catalog_publication_find(struct catalog *catalog,
                                              const char *name,
                                              struct catalog_publication *ret_publication,
                                              struct error *error);
/* STATUS_CONFIG for a table without replica identity, unless only its inserts are published. */
MUST_USE enum status catalog_check_identities(const struct catalog_table *tables,
                                              size_t count,
                                              bool inserts_only,
                                              struct error *error);
MUST_USE enum status catalog_publication_make(struct catalog *catalog,
                                              const char *name,
                                              const struct catalog_table *tables,
                                              size_t count,
                                              struct error *error);

MUST_USE enum status catalog_slot_find(struct catalog *catalog,
                                       const char *name,
                                       struct arena *arena,
                                       struct catalog_slot *ret_slot,
                                       struct error *error);
MUST_USE enum status
catalog_slot_drop(struct catalog *catalog, const char *name, struct error *error);

/* How values of a type become JSON. Types are asked for once; one that is gone is text. */
MUST_USE enum status catalog_type(struct catalog *catalog,
                                  uint32_t oid,
                                  int32_t modifier,
                                  struct value_type *ret_type,
                                  struct error *error);
