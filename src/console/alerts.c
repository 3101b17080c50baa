#include "console/alerts.h"

#include "base/attr.h"
#include "base/logline.h"
#include "base/memory.h"
#include "base/time_text.h"
#include "console/alerts_internal.h"
#include "http/url.h"

#include <stdio.h>
#include <string.h>

#define AGAIN_US (30 * US_PER_SECOND)

/* ---- the machines ------------------------------------------------------------------------------
 */

static struct machine *
machine_of(struct alerts *alerts, const struct watched_rule *rule, const char *target)
{
    for (size_t i = 0; i < alerts->machine_count; i++) {
        struct machine *machine = &alerts->machines[i];
        if (machine->rule == rule && strcmp(machine->target, target) == 0) {
            return machine;
        }
    }
    if (alerts->machine_count == MACHINES_MAX) {
        return NULL;
    }
    struct machine *machine = &alerts->machines[alerts->machine_count++];
    *machine = (struct machine){.rule = rule};
    (void) snprintf(machine->target, sizeof(machine->target), "%s", target);
    return machine;
}

/* The change of totals over the window; before there are two looks, none. */
static double windowed(struct machine *machine,
                       enum alert_measure measure,
                       const struct alert_sample *sample,
                       int64_t now_us)
{
    struct look *newest = &machine->looks[machine->look_count % LOOKS];
    const size_t kept = machine->look_count < LOOKS ? machine->look_count : LOOKS;
    const struct look *last = &machine->looks[(machine->look_count + LOOKS - 1) % LOOKS];
    if (kept == 0 || now_us - last->at_us >= WINDOW_US / (LOOKS - 1)) {
        *newest = (struct look){now_us, sample->bad, sample->all};
        machine->look_count++;
    }
    const struct look *oldest = NULL;
    for (size_t i = 0; i < LOOKS; i++) {
        const struct look *look = &machine->looks[i];
        if (look->at_us != 0 && now_us - look->at_us <= WINDOW_US &&
            (oldest == NULL || look->at_us < oldest->at_us)) {
            oldest = look;
        }
    }
    if (oldest == NULL) {
        return 0;
    }
    double bad = (double) (sample->bad - oldest->bad);
    double all = (double) (sample->all - oldest->all);
    if (measure == ALERT_DEAD_LETTERS) {
        return bad;
    }
    return bad <= 0 ? 0 : all < bad ? 100 : 100 * bad / all;
}

static void remember(struct alerts *alerts, const struct machine *machine, bool firing, int64_t at)
{
    struct event *event = &alerts->events[alerts->event_count++ % EVENTS_MAX];
    *event = (struct event){
        .rule = machine->rule, .firing = firing, .value = machine->value, .at_us = at};
    (void) snprintf(event->target, sizeof(event->target), "%s", machine->target);
}

static void move(struct alerts *alerts, struct machine *machine, bool bad, int64_t now_us)
{
    const struct alert_rule *rule = machine->rule->rule;
    if (bad != machine->bad || machine->changed_us == 0) {
        machine->bad = bad;
        machine->changed_us = now_us;
    }
    int64_t for_us = now_us - machine->changed_us;
    if (machine->state == ALERT_FINE && bad) {
        machine->state = ALERT_PENDING;
    } else if (machine->state == ALERT_PENDING && !bad) {
        machine->state = ALERT_FINE;
    }
    if (machine->state == ALERT_PENDING && for_us >= rule->for_us) {
        machine->state = ALERT_FIRING;
        machine->fired_us = now_us;
        machine->again_us = 0;
        remember(alerts, machine, true, now_us);
    } else if (machine->state == ALERT_FIRING && !bad && for_us >= rule->resolve_us) {
        machine->state = ALERT_FINE;
        machine->again_us = 0;
        remember(alerts, machine, false, now_us);
    }
}

static void look_at(struct alerts *alerts,
                    const struct watched_rule *watched,
                    const struct alert_sample *sample,
                    int64_t now_us)
{
    const char *only = watched->rule->only;
    if (only != NULL && strncmp(sample->target, only, strlen(only)) != 0) {
        return;
    }
    struct machine *machine = machine_of(alerts, watched, sample->target);
    if (machine == NULL) {
        return;
    }
    enum alert_measure measure = (enum alert_measure) watched->rule->when;
    bool over_time = measure == ALERT_ERROR_RATE || measure == ALERT_DEAD_LETTERS;
    machine->value = over_time ? windowed(machine, measure, sample, now_us) : sample->value;
    move(alerts, machine, alert_is_bad(watched->rule, watched->limit, machine->value), now_us);
}

/* ---- telling -----------------------------------------------------------------------------------
 */

static bool is_silent(struct alerts *alerts, const struct machine *machine, int64_t now_us)
{
    for (size_t i = 0; i < SILENCES_MAX; i++) {
        const struct silence *silence = &alerts->silences[i];
        if (silence->until_us > now_us &&
            (silence->rule[0] == '\0' || strcmp(silence->rule, machine->rule->name) == 0) &&
            strncmp(silence->target, machine->target, strlen(silence->target)) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_for(const struct watched_rule *watched, const char *receiver)
{
    const struct setting_strings *to = &watched->rule->to;
    for (size_t i = 0; i < to->count; i++) {
        if (strcmp(to->items[i], receiver) == 0) {
            return true;
        }
    }
    return to->count == 0;
}

/* What was said to be told, out of the lock. */
struct errand {
    struct receiver *receiver;
    size_t machine;
    bool firing;
    char target[TARGET_BYTES];
    double value;
};

static size_t
collect(struct alerts *alerts, int64_t now_us, struct errand *errands, size_t errands_max)
{
    size_t count = 0;
    for (size_t m = 0; m < alerts->machine_count; m++) {
        struct machine *machine = &alerts->machines[m];
        const bool firing = machine->state == ALERT_FIRING;
        if (machine->again_us > now_us || is_silent(alerts, machine, now_us)) {
            continue;
        }
        for (size_t r = 0; r < alerts->receiver_count && count < errands_max; r++) {
            struct receiver *receiver = &alerts->receivers[r];
            const bool told = (machine->told >> r & 1) != 0;
            if (told != firing && receiver->settings == machine->rule->settings &&
                is_for(machine->rule, receiver->name)) {
                struct errand *errand = &errands[count++];
                *errand = (struct errand){
                    .receiver = receiver, .machine = m, .firing = firing, .value = machine->value};
                (void) snprintf(errand->target, sizeof(errand->target), "%s", machine->target);
            }
        }
    }
    return count;
}

static void note_receiver(struct receiver *receiver, const struct error *error, int64_t now_us)
{
    receiver->tried_us = now_us;
    (void) snprintf(receiver->trouble, sizeof(receiver->trouble), "%s",
                    error == NULL ? "" : error->message);
}

static void run_errand(struct alerts *alerts, const struct errand *errand, int64_t now_us)
{
    char value[48];
    struct error error = {0};
    const struct watched_rule *watched = alerts->machines[errand->machine].rule;
    enum alert_measure measure = (enum alert_measure) watched->rule->when;
    alert_value_format(measure, errand->value, value, sizeof(value));
    const struct alert_news news = {
        .rule = watched->name,
        .measure = alert_measure_name(measure),
        .target = errand->target,
        .value = value,
        .limit = watched->rule->limit,
        .firing = errand->firing,
        .at_us = now_us,
    };
    enum status status = alerts->tell(errand->receiver->receiver, &news, &error);
    if (status != STATUS_OK) {
        error_context(&error, "alert receiver \"%s\"", errand->receiver->name);
        logline_error(LOG_WARN, "alerts", &error);
    }
    (void) pthread_mutex_lock(&alerts->lock);
    struct machine *machine = &alerts->machines[errand->machine];
    uint32_t bit = UINT32_C(1) << (errand->receiver - alerts->receivers);
    note_receiver(errand->receiver, status == STATUS_OK ? NULL : &error, now_us);
    if (status != STATUS_OK) {
        machine->again_us = now_us + AGAIN_US;
    } else {
        machine->told = errand->firing ? machine->told | bit : machine->told & ~bit;
    }
    (void) pthread_mutex_unlock(&alerts->lock);
}

void alerts_look(struct alerts *alerts,
                 const struct console_snapshot *snapshot,
                 const struct console_ingest *ingests,
                 size_t ingest_count,
                 int64_t now_us)
{
    struct arena arena;
    arena_init(&arena, 0);
    (void) pthread_mutex_lock(&alerts->lock);
    for (size_t r = 0; r < alerts->rule_count; r++) {
        const struct watched_rule *watched = &alerts->rules[r];
        struct alert_sample *samples;
        size_t count = alert_measure_take((enum alert_measure) watched->rule->when, snapshot,
                                          ingests, ingest_count, now_us, &arena, &samples);
        for (size_t i = 0; i < count; i++) {
            look_at(alerts, watched, &samples[i], now_us);
        }
    }
    struct errand *errands = ARENA_ARRAY(&arena, struct errand, ERRANDS_MAX);
    size_t count = collect(alerts, now_us, errands, ERRANDS_MAX);
    (void) pthread_mutex_unlock(&alerts->lock);
    for (size_t i = 0; i < count && !atomic_load(&alerts->stopping); i++) {
        run_errand(alerts, &errands[i], now_us);
    }
    arena_deinit(&arena);
}

/* ---- what people do ----------------------------------------------------------------------------
 */

enum status
alerts_test(struct alerts *alerts, const char *receiver, int64_t now_us, struct error *error)
{
    const struct alert_news news = {
        .rule = "test",
        .measure = "test",
        .target = "test",
        .value = "1",
        .limit = "0",
        .firing = true,
        .test = true,
        .at_us = now_us,
    };
    for (size_t i = 0; i < alerts->receiver_count; i++) {
        struct receiver *at = &alerts->receivers[i];
        if (strcmp(at->name, receiver) == 0) {
            enum status status = alerts->tell(at->receiver, &news, error);
            (void) pthread_mutex_lock(&alerts->lock);
            note_receiver(at, status == STATUS_OK ? NULL : error, now_us);
            (void) pthread_mutex_unlock(&alerts->lock);
            return status;
        }
    }
    return error_set(error, STATUS_NOT_FOUND, "there is no receiver \"%s\"", receiver);
}

enum status alerts_silence(struct alerts *alerts,
                           const char *rule,
                           const char *target,
                           const char *who,
                           const char *why,
                           int64_t until_us,
                           int64_t *ret_id,
                           struct error *error)
{
    bool known = rule == NULL;
    for (size_t i = 0; i < alerts->rule_count && !known; i++) {
        known = strcmp(alerts->rules[i].name, rule) == 0;
    }
    if (!known) {
        return error_set(error, STATUS_NOT_FOUND, "there is no rule \"%s\"", rule);
    }
    (void) pthread_mutex_lock(&alerts->lock);
    struct silence *place = &alerts->silences[0];
    for (size_t i = 0; i < SILENCES_MAX; i++) {
        if (alerts->silences[i].until_us < place->until_us) {
            place = &alerts->silences[i]; /* one that is over, or the next to be */
        }
    }
    *place = (struct silence){.id = ++alerts->silence_id, .until_us = until_us};
    (void) snprintf(place->rule, sizeof(place->rule), "%s", rule == NULL ? "" : rule);
    (void) snprintf(place->target, sizeof(place->target), "%s", target == NULL ? "" : target);
    (void) snprintf(place->who, sizeof(place->who), "%s", who);
    (void) snprintf(place->why, sizeof(place->why), "%s", why == NULL ? "" : why);
    *ret_id = place->id;
    (void) pthread_mutex_unlock(&alerts->lock);
    return STATUS_OK;
}

enum status alerts_unsilence(struct alerts *alerts, int64_t id, struct error *error)
{
    bool found = false;
    (void) pthread_mutex_lock(&alerts->lock);
    for (size_t i = 0; i < SILENCES_MAX; i++) {
        if (alerts->silences[i].id == id && id != 0) {
            alerts->silences[i] = (struct silence){0};
            found = true;
        }
    }
    (void) pthread_mutex_unlock(&alerts->lock);
    return found ? STATUS_OK : error_set(error, STATUS_NOT_FOUND, "there is no such silence");
}

/* ---- start and stop ----------------------------------------------------------------------------
 */

static void take_settings(struct alerts *alerts, const struct alerts_settings *settings)
{
    struct error error;
    for (size_t i = 0; i < settings->to.count && alerts->receiver_count < RECEIVERS_MAX; i++) {
        const struct setting_section *section = &settings->to.items[i];
        alerts->receivers[alerts->receiver_count++] = (struct receiver){
            .settings = settings, .name = section->name, .receiver = section->value};
    }
    for (size_t i = 0; i < settings->rules.count && alerts->rule_count < RULES_MAX; i++) {
        const struct setting_section *section = &settings->rules.items[i];
        struct watched_rule *watched = &alerts->rules[alerts->rule_count];
        *watched = (struct watched_rule){
            .settings = settings, .name = section->name, .rule = section->value};
        if (alert_limit(watched->rule, &watched->limit, &error) == STATUS_OK) {
            alerts->rule_count++;
        }
    }
}

struct alerts *
alerts_new(const struct alerts_settings *const *settings, size_t count, alert_tell *tell)
{
    struct alerts *alerts = mem_zalloc(sizeof(*alerts));
    (void) pthread_mutex_init(&alerts->lock, NULL);
    alerts->tell = tell;
    for (size_t i = 0; i < count; i++) {
        take_settings(alerts, settings[i]);
    }
    return alerts;
}

void alerts_free(struct alerts *alerts)
{
    if (alerts != NULL) {
        (void) pthread_mutex_destroy(&alerts->lock);
        mem_free(alerts);
    }
}

void alerts_stop(struct alerts *alerts)
{
    atomic_store(&alerts->stopping, true);
}

bool alerts_wanted(const struct alerts *alerts)
{
    return alerts->rule_count > 0;
}
