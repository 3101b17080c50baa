#pragma once

/*
 * The flat program that an Avro decoder is compiled into, shared by its compiler (avro_compile.c)
 * and its interpreter (avro_decode.c). One step reads, or steps over, one or more values of the
 * writer's data in their order; steps that read append to the builder at the end of a path of
 * child indices.
 *
 *     writer: {a: string, b: [null, {c: long, d: string}], e: string, f: string}     wanted: b.c, f
 *
 *     0  SKIP_STRING     a
 *     1  OPTIONAL        b: null -> append null, go to 5
 *     2  READ_LONG       b.c
 *     3  SKIP_STRING     b.d
 *     4  STRUCT_END      b
 *     5  SKIP_STRING     e
 *     6  READ_STRING     f
 */

#include "codec/avro.h"
#include "codec/avro_value.h"

enum step_code {
    STEP_JUMP,          /* to `jump` */
    STEP_FAIL,          /* this branch cannot be read as what is wanted: `text` */
    STEP_SKIP_VARINT,   /* `count` of them */
    STEP_SKIP_FIXED,    /* `count` bytes */
    STEP_SKIP_STRING,   /* `count` of them */
    STEP_SKIP_OPTIONAL, /* union with null at branch `count`: the other branch follows up to `jump`
                         */
    STEP_SKIP_TREE,     /* a value of `schema` */
    STEP_OPTIONAL,      /* as SKIP_OPTIONAL; null appends a null */
    STEP_UNION,         /* branch i goes to jumps[i] */
    STEP_NULL,          /* appends a null, reads nothing */
    STEP_DEFAULT,       /* runs the steps up to `jump` on the stored datum `bytes` */
    STEP_STRUCT_END,    /* closes a row of a struct */
    STEP_ARRAY,         /* items are the steps up to `jump` */
    STEP_MAP,           /* values are the steps up to `jump` */
    STEP_BOOLEAN,
    STEP_INT,           /* an int into an integral or date column */
    STEP_LONG,          /* a long into BIGINT, TIMESTAMP: times `scale` */
    STEP_INT_TO_DOUBLE, /* an int or long into FLOAT or DOUBLE */
    STEP_FLOAT,
    STEP_DOUBLE,
    STEP_STRING, /* valid UTF-8 */
    STEP_BYTES,
    STEP_FIXED,         /* `count` bytes */
    STEP_DECIMAL,       /* bytes; times 10^`count` */
    STEP_DECIMAL_FIXED, /* `size` bytes; times 10^`count` */
    STEP_ENUM,          /* symbol i is texts[i]; NULL data: refused */
    STEP_INT_TO_TEXT,   /* mixed fields */
    STEP_FLOAT_TO_TEXT,
    STEP_DOUBLE_TO_TEXT,
};

struct step {
    uint8_t code;
    uint8_t path_size;
    uint32_t path; /* index into decoder->paths */
    uint32_t count;
    uint32_t jump;
    uint32_t size;

    union {
        int64_t scale;
        const struct avro_schema *schema;
        const uint32_t *jumps;
        const struct slice *texts;
        const char *text;
        struct slice bytes;
    };
};

struct avro_decoder {
    const struct step *steps;
    const uint32_t *paths;
    uint32_t step_count;
    uint32_t field_count; /* builders */
    const char *name;     /* of the writer's record, for messages */
};
