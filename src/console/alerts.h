#pragma once

/*
 * Alerts: a state machine for each rule and each thing that it looks at.
 *
 *            bad                 bad for so long              good for so long
 *     fine ───────► pending ─────────────────────► firing ─────────────────────► fine
 *      ▲               │
 *      └───────────────┘ good
 *
 * Receivers are told of firing and of its end, each until it has taken it, so a receiver that was
 * away hears of what fires now. A silence holds back what would be told, not the state. All of it
 * is in memory: after a restart what is still bad is told again.
 *
 * alerts_look is called by one thread; the others are safe from any.
 */

#include "base/buffer.h"
#include "console/alert_rules.h"

struct alerts;

/* What a receiver is told. */
struct alert_news {
    const char *rule, *measure, *target;
    const char *value, *limit;
    bool firing; /* else it is over */
    bool test;   /* only to see whether it arrives */
    int64_t at_us;
};

/* A failure is tried again at a later look. */
typedef enum status alert_tell(const struct alert_receiver *receiver,
                               const struct alert_news *news,
                               struct error *error);

/* The settings stay in place until alerts_free. */
struct alerts *
alerts_new(const struct alerts_settings *const *settings, size_t count, alert_tell *tell);
void alerts_free(struct alerts *alerts); /* NULL is fine */

/* A look that goes on tells nobody more. */
void alerts_stop(struct alerts *alerts);

/* True if there is a rule. */
bool alerts_wanted(const struct alerts *alerts);

/* Takes in how things are, moves the machines, tells receivers. May block for as long as they do.
 */
void alerts_look(struct alerts *alerts,
                 const struct console_snapshot *snapshot,
                 const struct console_ingest *ingests,
                 size_t ingest_count,
                 int64_t now_us);

/* {"rules", "alerts", "history", "silences", "receivers"} */
void alerts_write(struct alerts *alerts, int64_t now_us, struct buffer *target);

/* Sends a test. STATUS_NOT_FOUND, or why it did not arrive. */
MUST_USE enum status
alerts_test(struct alerts *alerts, const char *receiver, int64_t now_us, struct error *error);

/* Holds back what a rule (NULL: each) says of targets that begin with `target` (NULL: all). */
MUST_USE enum status alerts_silence(struct alerts *alerts,
                                    const char *rule,
                                    const char *target,
                                    const char *who,
                                    const char *why,
                                    int64_t until_us,
                                    int64_t *ret_id,
                                    struct error *error);
MUST_USE enum status alerts_unsilence(struct alerts *alerts, int64_t id, struct error *error);
