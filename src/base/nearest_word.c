#include "base/settings.h"

#include <ctype.h>
#include <string.h>

#define WORD_BYTES_MAX 64

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/*
 * How many letters must be put in, left out, exchanged or swapped with their neighbour to get from
 * one word to the other (optimal string alignment). Upper and lower case are the same letter.
 */
static size_t edit_distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t rows[3][WORD_BYTES_MAX + 1];
    size_t *before = rows[0]; /* of the letter before the last */
    size_t *last = rows[1];
    size_t *row = rows[2];
    for (size_t j = 0; j <= b_size; j++) {
        last[j] = j;
        before[j] = j;
    }
    for (size_t i = 1; i <= a_size; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            int x = tolower((unsigned char) a[i - 1]);
            int y = tolower((unsigned char) b[j - 1]);
            row[j] = smaller(last[j - 1] + (x != y), smaller(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && x == tolower((unsigned char) b[j - 2]) &&
                y == tolower((unsigned char) a[i - 2])) {
                row[j] = smaller(row[j], before[j - 2] + 1);
            }
        }
        size_t *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return last[b_size];
}

const char *nearest_word(const char *word, const char *const *candidates, size_t count)
{
    size_t size = strlen(word);
    if (size == 0 || size > WORD_BYTES_MAX) {
        return NULL;
    }
    const char *nearest = NULL;
    size_t best = size / 3 + 1;
    for (size_t i = 0; i < count; i++) {
        size_t candidate_size = strlen(candidates[i]);
        if (candidate_size > WORD_BYTES_MAX) {
            continue;
        }
        size_t distance = edit_distance(word, size, candidates[i], candidate_size);
        if (distance < best) {
            best = distance;
            nearest = candidates[i];
        }
    }
    return nearest;
}
