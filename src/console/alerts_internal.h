#pragma once

/* What alerts.c and alerts_json.c share. */

#include "console/alerts.h"

#include <pthread.h>
#include <stdatomic.h>

#define RULES_MAX     128
#define RECEIVERS_MAX 32 /* bits of machine.told */
#define MACHINES_MAX  1024
#define EVENTS_MAX    256
#define SILENCES_MAX  64
#define ERRANDS_MAX   64 /* of one look; the others wait for the next */
#define TARGET_BYTES  160
#define LOOKS         31
#define WINDOW_US     (300 * INT64_C(1000000))

enum alert_state {
    ALERT_FINE,
    ALERT_PENDING,
    ALERT_FIRING,
};

struct watched_rule {
    const struct alerts_settings *settings; /* of its file */
    const char *name;
    const struct alert_rule *rule;
    double limit;
};

struct receiver {
    const struct alerts_settings *settings;
    const char *name;
    const struct alert_receiver *receiver;
    int64_t tried_us; /* 0: never */
    char trouble[300];
};

/* Totals at a time. */
struct look {
    int64_t at_us, bad, all;
};

struct machine {
    const struct watched_rule *rule;
    char target[TARGET_BYTES];
    enum alert_state state;
    double value;
    bool bad;
    int64_t changed_us; /* `bad` is so since then */
    int64_t fired_us;
    int64_t again_us; /* not told before then */
    uint32_t told;    /* receivers that believe it fires */
    size_t look_count;
    struct look looks[LOOKS];
};

struct event {
    const struct watched_rule *rule;
    char target[TARGET_BYTES];
    bool firing;
    double value;
    int64_t at_us;
};

struct silence {
    int64_t id, until_us; /* 0: free */
    char rule[TARGET_BYTES], target[TARGET_BYTES], who[64], why[200];
};

struct alerts {
    pthread_mutex_t lock;
    alert_tell *tell;
    atomic_bool stopping;
    struct watched_rule rules[RULES_MAX];
    size_t rule_count;
    struct receiver receivers[RECEIVERS_MAX];
    size_t receiver_count;
    struct machine machines[MACHINES_MAX];
    size_t machine_count;
    struct event events[EVENTS_MAX]; /* a ring */
    size_t event_count;
    struct silence silences[SILENCES_MAX];
    int64_t silence_id;
};
