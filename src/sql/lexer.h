#pragma once

/*
 * SQL text into tokens, as Spark cuts it: words and names in backquotes, strings in single or
 * double quotes with backslash escapes (r'...' without), numbers with type suffixes, `--` and
 * nested bracketed comments.
 */

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SQL_TEXT_BYTES_MAX ((size_t) 1 << 20)

enum token_kind {
    TOKEN_END,
    TOKEN_WORD,   /* a keyword or a name                                        */
    TOKEN_QUOTED, /* `name`: never a keyword; `value` without quotes            */
    TOKEN_STRING, /* `value` unescaped                                          */
    TOKEN_BINARY, /* X'0AFF': `value` holds the bytes                           */
    TOKEN_NUMBER, /* digits, fraction, exponent; `value` without the suffix     */
    TOKEN_SYMBOL, /* operators and punctuation                                  */
};

enum number_suffix {
    SUFFIX_NONE,
    SUFFIX_TINYINT,  /* Y  */
    SUFFIX_SMALLINT, /* S  */
    SUFFIX_BIGINT,   /* L  */
    SUFFIX_FLOAT,    /* F  */
    SUFFIX_DOUBLE,   /* D  */
    SUFFIX_DECIMAL,  /* BD */
};

struct token {
    uint8_t kind;
    uint8_t suffix;     /* NUMBER */
    uint32_t offset;    /* in the text */
    uint32_t size;      /* of the raw token */
    struct slice value; /* see the kinds; for others the raw token */
};

/* All tokens, the last one TOKEN_END at the end of the text. On failure *ret_offset is where. */
MUST_USE enum status sql_lex(struct slice text,
                             struct arena *arena,
                             struct token **ret_tokens,
                             size_t *ret_count,
                             size_t *ret_offset,
                             struct error *error);
