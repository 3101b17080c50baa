#pragma once

/* `alerts:` of a pipeline file: what is watched, and who is told. And what a rule measures of a
 * snapshot. */

#include "base/settings.h"
#include "console/console.h"

enum alert_measure {
    ALERT_LAG,          /* records of a flow that wait */
    ALERT_LAG_TIME,     /* age of the oldest of them */
    ALERT_FRESHNESS,    /* since the newest page of a source */
    ALERT_FAILURES,     /* of a source in a row */
    ALERT_ERROR_RATE,   /* percent of a pipeline's records that were refused or died, 5 minutes */
    ALERT_DEAD_LETTERS, /* so many of those, 5 minutes */
    ALERT_FAILED_RUNS,  /* orders that failed, an hour */
    ALERT_DISK_FREE,    /* percent */
};

struct alert_rule {
    int when;          /* enum alert_measure */
    const char *limit; /* "10000", "5 min" or "10%" */
    int64_t for_us, resolve_us;
    const char *only; /* target begins with it; NULL: all */
    struct setting_strings to;
};

struct alert_receiver {
    const char *webhook; /* URL */
    int form;            /* 0 leat's JSON, 1 Slack's */
    const char *mail;    /* address; then `server` and `from` */
    const char *server, *from, *user, *password;
};

struct alerts_settings {
    struct setting_sections rules; /* struct alert_rule */
    struct setting_sections to;    /* struct alert_receiver */
};

extern const struct settings_table console_alerts_table;

/* Limits that can be read, receivers that there are, one way for each receiver. */
MUST_USE enum status alerts_check(const struct alerts_settings *settings, struct error *error);

/* "lag", "lag-time", ... */
const char *alert_measure_name(enum alert_measure measure);

/* The limit as a number: records, µs or percent. */
MUST_USE enum status
alert_limit(const struct alert_rule *rule, double *ret_limit, struct error *error);

/* Above the limit, but for disk-free: below. */
bool alert_is_bad(const struct alert_rule *rule, double limit, double value);

/* A number as its measure writes it: "12000 records", "5 min", "93%". */
void alert_value_format(enum alert_measure measure, double value, char *target, size_t size);

/* One thing that a rule looks at. */
struct alert_sample {
    const char *target; /* "users.random_users", "disk" */
    double value;
    int64_t bad, all; /* error-rate and dead-letters: totals, of which the change counts */
};

/* The samples of a measure; those whose value is not known are left out. */
size_t alert_measure_take(enum alert_measure measure,
                          const struct console_snapshot *snapshot,
                          const struct console_ingest *ingests,
                          size_t ingest_count,
                          int64_t now_us,
                          struct arena *arena,
                          struct alert_sample **ret_samples);
