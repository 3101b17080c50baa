#pragma once

/*
 * Time zones as texts of SQL name them: offsets and regions, as java.time.ZoneId.of does with the
 * short names that Spark adds.
 */

#include "base/slice.h"
#include "base/zone.h"

#include <stdbool.h>

struct zone_text {
    const struct zone *zone; /* NULL: the offset */
    int64_t offset_us;       /* local = UTC + offset */
};

/* "Z", "+01:00", "+0100", "+1", "UTC", "GMT+2", "+01:00:30", "Europe/Berlin", "PST". False for
 * anything else. Regions are kept for the process, those that do not exist for the thread. */
bool zone_text_parse(struct slice text, struct zone_text *ret_zone);

int64_t zone_text_local(const struct zone_text *zone, int64_t utc_us);

/* The time when clocks there show `local_us`: the first of two, behind a gap. */
int64_t zone_text_utc(const struct zone_text *zone, int64_t local_us);
