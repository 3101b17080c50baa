#pragma once

/*
 * Avro schemas (Apache Avro 1.11 specification) as a model: parse, print, resolve, compare, and the
 * way to column types and back. Immutable after parsing, in the arena given.
 */

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "columnar/type.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum avro_kind {
    AVRO_NULL,
    AVRO_BOOLEAN,
    AVRO_INT,
    AVRO_LONG,
    AVRO_FLOAT,
    AVRO_DOUBLE,
    AVRO_BYTES,
    AVRO_STRING,
    AVRO_RECORD,
    AVRO_ENUM,
    AVRO_ARRAY,
    AVRO_MAP,
    AVRO_UNION,
    AVRO_FIXED,
};

enum avro_logical {
    AVRO_LOGICAL_NONE,
    AVRO_DECIMAL,
    AVRO_UUID,
    AVRO_DATE,
    AVRO_TIME_MILLIS,
    AVRO_TIME_MICROS,
    AVRO_TIMESTAMP_MILLIS,
    AVRO_TIMESTAMP_MICROS,
    AVRO_LOCAL_TIMESTAMP_MILLIS,
    AVRO_LOCAL_TIMESTAMP_MICROS,
    AVRO_DURATION,
};

struct avro_schema;

struct avro_field {
    const char *name;
    const struct avro_schema *schema;
    const char *const *aliases;
    uint32_t alias_count;
    const json_t *default_value; /* NULL: none. Owned by the root schema. */
    const char *doc;
    const json_t *source; /* as it was read, with attributes that the model does not know */
    uint32_t name_size;
    bool mixed; /* "leat.mixed": true: a JSON field that is a string or a number; see below */
};

struct avro_schema {
    enum avro_kind kind;
    enum avro_logical logical;
    uint8_t precision, scale;
    const char *name; /* named kinds: full name, "space.name" */
    const char *const *aliases;
    uint32_t alias_count;
    const struct avro_field *fields; /* RECORD */
    uint32_t field_count;
    const char *const *symbols; /* ENUM */
    uint32_t symbol_count;
    const char *enum_default;
    const struct avro_schema *const *branches; /* UNION; ARRAY: [items]; MAP: [values] */
    uint32_t branch_count;
    uint32_t fixed_size;
    const char *doc;
    bool mixed;           /* STRING or UNION of a mixed field, or with the attribute itself */
    const json_t *source; /* its JSON object, NULL if it was only a name or an array */
    json_t *document;     /* the root: owns every json_t above */
};

/*
 * Mixed fields. JSON APIs send the same field now as a number, now as a string. Such a field is
 *
 *     {"name": "postcode", "type": ["null", "string"], "default": null, "leat.mixed": true}
 *
 * and holds the digits as they came. The attribute may also stand in a string schema itself
 * ({"type": "string", "leat.mixed": true}), for elements of arrays and maps. A mixed union of
 * string and numbers is read as a plain string too.
 */

/* Parses schema text. STATUS_DATA with the JSON path of the fault ("fields[2].type: ..."). Names
 * are checked, defaults must fit, recursion is allowed. The arena must outlive the schema. */
MUST_USE enum status avro_schema_parse(struct slice text,
                                       struct arena *arena,
                                       const struct avro_schema **ret_schema,
                                       struct error *error);

/* The same from a JSON value, which it takes over, also on failure. */
MUST_USE enum status avro_schema_from_json_take(json_t *json,
                                                struct arena *arena,
                                                const struct avro_schema **ret_schema,
                                                struct error *error);

/* Releases what the arena cannot (default values). Call before the arena goes. */
void avro_schema_release(const struct avro_schema *schema);

/* The branch of a union that is not null, if there is just one; else NULL. Other schemas are their
 * own. `ret_nullable` (may be NULL): there is a null branch. */
const struct avro_schema *avro_schema_plain(const struct avro_schema *schema, bool *ret_nullable);

/* Index of a record's field by name, exactly; -1 if none. */
int avro_field_index(const struct avro_schema *record, struct slice name);

/* The word of the specification: "record", "long". */
const char *avro_kind_name(enum avro_kind kind);

/* The schema as JSON text: everything kept, no white space, canonical order of attributes. */
void avro_schema_write(const struct avro_schema *schema, struct buffer *target);

/* Parsing Canonical Form, and its CRC-64-AVRO fingerprint (specification, "Schema Fingerprints").
 */
void avro_schema_canonical(const struct avro_schema *schema, struct buffer *target);
uint64_t avro_fingerprint(struct slice canonical);

/* The column type a reader gets: union with null -> nullable; other unions -> struct member0,
 * member1, ... as Spark; enum, uuid -> STRING; a record that holds itself -> STATUS_CONFIG. A union
 * of [string, number...] that came from a mixed JSON field is a plain string here: see `mixed`. */
MUST_USE enum status avro_schema_type(const struct avro_schema *schema,
                                      struct arena *arena,
                                      const struct type **ret_type,
                                      bool *ret_nullable,
                                      struct error *error);

/* A schema for a column type (topics written by streams). `name` is the record's full name. */
MUST_USE enum status avro_schema_from_type(const struct type *type,
                                           const char *name,
                                           struct arena *arena,
                                           const struct avro_schema **ret_schema,
                                           struct error *error);
