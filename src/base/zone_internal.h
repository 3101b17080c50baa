#pragma once

/*
 * The table behind a zone. Only for src/base/zone*.c.
 *
 * Where the zone has a rule for all later years, it is written out for somewhat more than 400
 * years: the Gregorian calendar repeats after 400 years, weekdays included, so that every later
 * time has the offset of one in the table.
 */

#include "base/slice.h"
#include "base/zone.h"

#include <stddef.h>

#define ZONE_ABBREVIATION_BYTES 16
#define ZONE_CYCLE_YEARS        400
#define ZONE_CYCLE_S            (INT64_C(146097) * 86400)

struct zone_type {
    int32_t offset_s;
    bool dst;
    char abbreviation[ZONE_ABBREVIATION_BYTES];
};

/* From `at_s` (s since 1970, UTC) on, types[type] holds. */
struct zone_change {
    int64_t at_s;
    uint16_t type;
};

struct zone {
    char *name;
    struct zone_type *types; /* [0]: before the first change */
    size_t type_count;
    struct zone_change *changes; /* ascending */
    size_t change_count;
    bool repeats; /* the last 400 years of the table go on for ever */
};

/* Fills types and changes from a TZif file. STATUS_CONFIG saying what is wrong with it. */
MUST_USE enum status zone_read(struct slice file, struct zone *zone, struct error *error);

/* zone_rule.c: appends what the rule of a TZif file ("CET-1CEST,M3.5.0,M10.5.0/3", POSIX TZ with
 * RFC 9636's hours) says of the time after the last change. STATUS_CONFIG if it is not one. */
MUST_USE enum status zone_rule_extend(struct zone *zone, struct slice rule, struct error *error);

uint16_t zone_add_type(struct zone *zone, int32_t offset_s, bool dst, struct slice abbreviation);
void zone_add_change(struct zone *zone, int64_t at_s, uint16_t type);
void zone_clear(struct zone *zone); /* frees types and changes */
