#pragma once

/*
 * Compatibility of Avro schemas: can a reader's schema read what was written with a writer's? The
 * rules are Avro's schema resolution (specification 1.11, "Schema Resolution") as Confluent's
 * registry applies them: names are compared without their namespace, and aliases of the reader
 * count.
 */

#include "base/buffer.h"
#include "codec/avro_schema.h"

#include <stdbool.h>

enum avro_fault {
    AVRO_NAME_MISMATCH,
    AVRO_FIXED_SIZE_MISMATCH,
    AVRO_MISSING_ENUM_SYMBOLS,
    AVRO_READER_FIELD_MISSING_DEFAULT_VALUE,
    AVRO_TYPE_MISMATCH,
    AVRO_MISSING_UNION_BRANCH,
};

/* "NAME_MISMATCH", ... as clients know them. */
const char *avro_fault_name(enum avro_fault fault);

struct avro_incompatibility {
    enum avro_fault fault;
    char path[256];    /* JSON pointer into the reader's schema: "/fields/2/type" */
    char details[256]; /* what the reader wants and the writer has */
};

/* Fills up to `max` incompatibilities; returns how many there are (0: the reader can read). */
size_t avro_can_read(const struct avro_schema *reader,
                     const struct avro_schema *writer,
                     struct avro_incompatibility *ret_faults,
                     size_t max);
