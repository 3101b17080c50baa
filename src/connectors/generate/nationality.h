#pragma once

/*
 * What users of a nationality are made of: names, places and forms of numbers. From the texts in
 * data/, which are of our own making; read once, at the first call.
 */

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NATIONALITY_COUNT 21

/* A list of texts, or of texts with their ASCII form. */
struct word_list {
    const struct slice *items;
    size_t count;
};

struct nationality {
    char code[3];
    struct slice country;
    struct word_list first[2]; /* 0 male, 1 female */
    struct word_list first_ascii[2];
    struct word_list last;
    struct word_list last_ascii;
    struct word_list titles[2];
    struct word_list cities;
    struct word_list states;
    struct word_list streets;

    /* Patterns: "#" a digit, "@" a letter, "[2-8]" or "[79]" one of these digits, "{dmy}" and
     * "{ym}" parts of the date of birth, "{s}" 1 or 2 for the sex; all else is itself. */
    struct slice phone;
    struct slice cell;
    struct slice id_name;
    struct slice id_pattern; /* size 0: the value is null */
    bool postcode_is_number;
    struct slice postcode_pattern;
    uint32_t postcode_min, postcode_max;
};

/* Of all nationalities. */
struct common_words {
    struct word_list adjectives;
    struct word_list animals;
    struct word_list passwords;
};

/* Sorted by code. */
const struct nationality *nationalities(void);
const struct common_words *common_words(void);

/* Index by code, letters of either case; -1 if there is none. */
int nationality_find(struct slice code);
