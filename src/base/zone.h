#pragma once

/*
 * Time zones, from the system's tzdata: TZif files of version 2 and later with their rule for the
 * years after the last entry (RFC 9636), in $TZDIR or /usr/share/zoneinfo.
 *
 *     const struct zone *zone;
 *     TRY(zone_find("Europe/Berlin", &zone, error));
 *     zone_local(zone, 1774746000000000);            UTC 01:00 -> local 03:00 (29 March 2026)
 *
 * A zone is read once, never changes and lives as long as the process; every function may be called
 * by any thread. Times are microseconds since 1970 in UTC; a local time is the same count of the
 * clock on the wall, as if that were UTC.
 */

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct zone;

/*
 * "UTC" (needs no tzdata), a name such as "Europe/Berlin" or "Etc/GMT+5", or an offset "+05:30" of
 * at most 18 hours. STATUS_CONFIG if there is no such zone, its file cannot be read, or its name
 * is not one ("../x", "localtime"); STATUS_UNAVAILABLE if the system has no tzdata.
 */
MUST_USE enum status zone_find(const char *name, const struct zone **ret_zone, struct error *error);

const struct zone *zone_utc(void);
const char *zone_name(const struct zone *zone); /* as it was asked for */

/* A span of time with one offset. */
struct zone_period {
    int64_t from_us;          /* the first µs in it; INT64_MIN: since ever */
    int64_t until_us;         /* the first µs after it; INT64_MAX: for ever */
    int32_t offset_s;         /* local = UTC + offset */
    bool dst;                 /* daylight-saving time, as tzdata calls it */
    const char *abbreviation; /* "CEST", as long as the process */
};

/* The period that `utc_us` is in. Many times near each other: keep the period, ask again outside.
 */
void zone_period_at(const struct zone *zone, int64_t utc_us, struct zone_period *ret_period);

/* What the clock on the wall shows. */
int64_t zone_local(const struct zone *zone, int64_t utc_us);

enum zone_fit {
    ZONE_ONCE,  /* an ordinary time */
    ZONE_NEVER, /* the clock was put forward over it (gap) */
    ZONE_TWICE, /* the clock was put back to before it (fold) */
};

/*
 * When the clock on the wall shows `local_us`, as PEP 495 has it: ret_utc_us[fold].
 *
 *     ZONE_ONCE    both are the same
 *     ZONE_TWICE   [0] the first time, [1] the second
 *     ZONE_NEVER   [0] by the offset before the gap, thus behind it: 02:30 is 03:30;
 *                  [1] by the offset after the gap, thus before it: 02:30 is 01:30
 */
enum zone_fit zone_utc_of(const struct zone *zone, int64_t local_us, int64_t ret_utc_us[2]);
