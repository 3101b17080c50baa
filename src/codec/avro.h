#pragma once

/*
 * Avro binary data: JSON records in, columns out, and columns in again.
 *
 * A decoder resolves a writer's schema to the columns a reader wants (Avro "Schema Resolution"), so
 * that one batch may hold records of several schema ids. Only wanted fields are built; others are
 * skipped at the cost of a scan.
 */

#include "codec/avro_schema.h"
#include "codec/json.h"
#include "columnar/builder.h"

/* ---- JSON to Avro: staging and `leat produce` ------------------------------------------------ */

/* How a JSON document departs from the schema. */
enum drift_kind {
    DRIFT_NONE,
    DRIFT_NEW_FIELD,     /* a member that the schema does not name            */
    DRIFT_TYPE_CHANGE,   /* a value that its field's type cannot hold         */
    DRIFT_MISSING_FIELD, /* no value, no default, not nullable                */
    DRIFT_NAMES,         /* a name no schema can hold, or two names for one field */
};

struct drift {
    enum drift_kind kind;
    char path[256]; /* dotted, "location.postcode" */
    uint32_t value; /* tape index of the value, UINT32_MAX if missing */
};

/* Appends the Avro form of the JSON value at `index`. Plain JSON, not Avro's JSON encoding: a union
 * takes the first branch that holds the value; string fields take numbers as the digits that came
 * only if the field carries "leat.mixed": true or is a union of string and number; nothing is
 * guessed from strings. Missing: the default, else null if nullable. On the first departure returns
 * STATUS_DATA with `ret_drift` and a message; new fields are reported only if `strict_fields`, and
 * are otherwise skipped. `target` is left as it was on failure. */
MUST_USE enum status avro_encode_json(const struct avro_schema *schema,
                                      const struct json_document *document,
                                      uint32_t index,
                                      bool strict_fields,
                                      struct buffer *target,
                                      struct drift *ret_drift,
                                      struct error *error);

/* A schema inferred from sample documents: every field seen is nullable with default null, numbers
 * are long or double, a field seen both as number and string is a string with "leat.mixed": true,
 * one seen in several other kinds is a union of them, one that was only null is "null" (evolve
 * gives it a type), names that Avro refuses get an alias. `name` may have a space: "my.space.User".
 */
MUST_USE enum status avro_schema_infer(const struct json_document *const *documents,
                                       const uint32_t *indices,
                                       size_t count,
                                       const char *name,
                                       struct arena *arena,
                                       const struct avro_schema **ret_schema,
                                       struct error *error);

/* The schema widened so that it holds the document too. Always: new fields, nullable with default
 * null, and types for fields that were only null so far. If `widen_types`: int -> long -> double, a
 * number or string to a mixed string, a required field to a nullable one, and one more branch for
 * anything else. *ret_schema is `schema` itself if nothing had to change; without `widen_types` the
 * document may then still depart from it. */
MUST_USE enum status avro_schema_evolve(const struct avro_schema *schema,
                                        const struct json_document *document,
                                        uint32_t index,
                                        bool widen_types,
                                        struct arena *arena,
                                        const struct avro_schema **ret_schema,
                                        struct error *error);

/* ---- Avro to columns ---------------------------------------------------------------------------
 */

struct avro_decoder;

/* A decoder from one writer schema into columns of `type` (a STRUCT: the fields wanted, nested
 * structs may be pruned as well; matched by name without case, then by alias). A wanted field that
 * the writer lacks gets the default of `reader` (may be NULL), else null. STATUS_CONFIG if types
 * cannot be resolved. Lives in the arena. */
MUST_USE enum status avro_decoder_new(const struct avro_schema *writer,
                                      const struct avro_schema *reader,
                                      const struct type *type,
                                      struct arena *arena,
                                      struct avro_decoder **ret_decoder,
                                      struct error *error);

/* Decodes one datum (without the 5-byte header) as one more row of `builders` (one a field of the
 * type). On STATUS_DATA the builders are as before. All bytes must be used. */
MUST_USE enum status avro_decode(const struct avro_decoder *decoder,
                                 struct slice datum,
                                 struct column_builder *builders,
                                 struct error *error);

/* Appends JSON text of one datum, for people: console, dead letters, `leat consume`. */
MUST_USE enum status avro_to_json(const struct avro_schema *schema,
                                  struct slice datum,
                                  struct buffer *target,
                                  struct error *error);

/* ---- Columns to Avro ---------------------------------------------------------------------------
 */

/* Appends one row of a batch as a datum of `schema`, which must come from avro_schema_from_type of
 * its type or resolve from it. */
MUST_USE enum status avro_encode_row(const struct avro_schema *schema,
                                     const struct batch *batch,
                                     int64_t row,
                                     struct buffer *target,
                                     struct error *error);

/* ---- JSON to columns: topics that carry JSON ----------------------------------------------------
 */

/* One JSON object as one more row, as Spark's from_json in FAILFAST mode has it for the wanted
 * fields (others are not looked at): names exactly; a missing field is null; where a string is
 * wanted, numbers keep their digits and anything else its JSON text; a timestamp may be a number of
 * seconds. A wrong type is STATUS_DATA, also digits that a DECIMAL would lose, and the builders are
 * as before. */
MUST_USE enum status json_decode(const struct json_document *document,
                                 uint32_t index,
                                 const struct type *type,
                                 struct column_builder *builders,
                                 struct error *error);

/* ---- Confluent wire format ----------------------------------------------------------------------
 */

#define WIRE_HEADER_BYTES 5 /* 0, then the schema id, big-endian */

static inline bool wire_header_read(struct slice value, int32_t *ret_id, struct slice *ret_datum)
{
    if (value.size < WIRE_HEADER_BYTES || value.data[0] != 0) {
        return false;
    }
    *ret_id = (int32_t) ((uint32_t) value.data[1] << 24 | (uint32_t) value.data[2] << 16 |
                         (uint32_t) value.data[3] << 8 | value.data[4]);
    *ret_datum = slice_of(value.data + WIRE_HEADER_BYTES, value.size - WIRE_HEADER_BYTES);
    return true;
}
