#pragma once

/*
 * Patterns of Java's DateTimeFormatter as Spark accepts them (sql-ref-datetime-pattern): compiled
 * once, then used to write and to read. Letters: G y M L Q q d D E F a h H k K m s S V z O X x Z,
 * quoted text, optional parts in []. English names; the session's zone is UTC.
 */

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "sql/datetime.h"

struct datetime_pattern;

MUST_USE enum status datetime_pattern_compile(struct slice text,
                                              struct arena *arena,
                                              const struct datetime_pattern **ret_pattern,
                                              struct error *error);

void datetime_pattern_write(const struct datetime_pattern *pattern,
                            const struct datetime *datetime,
                            struct buffer *target);

/* The whole text must match. What the pattern does not name is 1970-01-01T00:00. */
bool datetime_pattern_read(const struct datetime_pattern *pattern,
                           struct slice text,
                           int64_t *ret_us);
