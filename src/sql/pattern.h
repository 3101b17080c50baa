#pragma once

/* Regular expressions (pcre2, close to Java's syntax) and LIKE patterns, compiled once. */

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

#include <stdbool.h>

struct pattern;

/* The compiled code lives until the process ends or the owner frees it; see pattern_cache. */
MUST_USE enum status pattern_compile(struct slice text, struct pattern **ret, struct error *error);
void pattern_free(struct pattern *pattern);

/* Byte ranges of one match; [2n] and [2n+1] are start and end of group n, SIZE_MAX if unset. */
struct pattern_match {
    size_t *offsets;
    unsigned group_count;
    void *data;
};

void pattern_match_init(struct pattern_match *match, const struct pattern *pattern);
void pattern_match_deinit(struct pattern_match *match);

/* The first match at or after `start`. A subject that needs too much work does not match and sets
 * `ret_too_hard`. */
bool pattern_find(const struct pattern *pattern,
                  struct slice subject,
                  size_t start,
                  struct pattern_match *match,
                  bool *ret_too_hard);

unsigned pattern_groups(const struct pattern *pattern);

/* Number of a named group, or -1. */
int pattern_group_number(const struct pattern *pattern, struct slice name);

/* SQL LIKE with % and _ over code points; `escape` is a byte, 0: none. False, with a message, if
 * the escape stands before anything but %, _ or itself. */
MUST_USE enum status like_check(struct slice pattern, char escape, struct error *error);
bool like_match(struct slice text, struct slice pattern, char escape, bool fold_case);
