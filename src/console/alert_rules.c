#include "console/alert_rules.h"

#include "base/attr.h"
#include "base/time_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNS_WINDOW_US US_PER_HOUR

#define ROW(structure, field, setting, kind, ...)                                                  \
    {                                                                                              \
        .name = (setting), .type = (kind), .offset = offsetof(struct structure, field),            \
        __VA_ARGS__                                                                                \
    }
#define TABLE(rows_, name_, structure, help_)                                                      \
    {                                                                                              \
        .name = (name_), .help = (help_), .rows = (rows_), .count = ARRAY_SIZE(rows_),             \
        .struct_size = sizeof(struct structure)                                                    \
    }

/* In the order of enum alert_measure. */
static const char *const measures[] = {
    "lag",          "lag-time",    "freshness", "failures", "error-rate",
    "dead-letters", "failed-runs", "disk-free", NULL,
};
static const char *const forms[] = {"json", "slack", NULL};

/* clang-format off */
static const struct setting rule_rows[] = {
    ROW(alert_rule, when, "when", SETTING_CHOICE, .flags = SETTING_REQUIRED, .choices = measures,
        .help = "What is looked at: `lag` (records of a flow that wait), `lag-time` (age of the oldest), "
                "`freshness` (time since a source's newest page), `failures` (of a source in a row), "
                "`error-rate` (percent of records refused or dead in 5 minutes), `dead-letters` (how many of them), "
                "`failed-runs` (orders that failed in an hour), `disk-free` (percent)."),
    ROW(alert_rule, limit, "limit", SETTING_STRING, .flags = SETTING_REQUIRED,
        .help = "It is bad above this, `disk-free` below: a number, a time such as `5 min`, or `10%`."),
    ROW(alert_rule, for_us, "for", SETTING_DURATION, .default_text = "1 min",
        .help = "It has to be bad for so long before somebody is told."),
    ROW(alert_rule, resolve_us, "resolve", SETTING_DURATION, .default_text = "30s",
        .help = "And good for so long before it is over."),
    ROW(alert_rule, only, "only", SETTING_STRING,
        .help = "Only what begins with this: `users`, `users.random_users`. Absent: all."),
    ROW(alert_rule, to, "to", SETTING_STRINGS, .help = "Receivers. Absent: all of them."),
};
static const struct settings_table rule_table =
    TABLE(rule_rows, "alert rule", alert_rule, "What is watched.");

static const struct setting receiver_rows[] = {
    ROW(alert_receiver, webhook, "webhook", SETTING_STRING, .flags = SETTING_SECRET,
        .help = "URL that gets a POST with JSON."),
    ROW(alert_receiver, form, "form", SETTING_CHOICE, .default_text = "json", .choices = forms,
        .help = "Of the webhook: leat's own `json`, or what `slack` (and Mattermost) takes."),
    ROW(alert_receiver, mail, "mail", SETTING_STRING, .help = "Address that gets a mail."),
    ROW(alert_receiver, server, "server", SETTING_STRING,
        .help = "Of the mail: `smtp://host:587` (TLS if the server has it; wanted if there is a user) or `smtps://host`."),
    ROW(alert_receiver, from, "from", SETTING_STRING, .help = "Address that the mail comes from."),
    ROW(alert_receiver, user, "user", SETTING_STRING, .help = "At the mail server."),
    ROW(alert_receiver, password, "password", SETTING_STRING, .flags = SETTING_SECRET,
        .help = "Of that user: `${secret:NAME}`."),
};
static const struct settings_table receiver_table =
    TABLE(receiver_rows, "alert receiver", alert_receiver, "Who is told.");

static const struct setting alerts_rows[] = {
    ROW(alerts_settings, rules, "rules", SETTING_SECTIONS, .section = &rule_table,
        .help = "What is watched, by name."),
    ROW(alerts_settings, to, "to", SETTING_SECTIONS, .section = &receiver_table,
        .help = "Who is told, by name."),
};
const struct settings_table console_alerts_table =
    TABLE(alerts_rows, "alerts", alerts_settings, "Rules that tell somebody when a number stays bad.");

/* clang-format on */

const char *alert_measure_name(enum alert_measure measure)
{
    return measures[measure];
}

static bool is_time(enum alert_measure measure)
{
    return measure == ALERT_LAG_TIME || measure == ALERT_FRESHNESS;
}

static bool is_percent(enum alert_measure measure)
{
    return measure == ALERT_ERROR_RATE || measure == ALERT_DISK_FREE;
}

enum status alert_limit(const struct alert_rule *rule, double *ret_limit, struct error *error)
{
    char *end;
    if (is_time((enum alert_measure) rule->when)) {
        int64_t limit_us;
        TRY(duration_parse(slice_of_string(rule->limit), &limit_us, error));
        *ret_limit = (double) limit_us;
        return STATUS_OK;
    }
    *ret_limit = strtod(rule->limit, &end);
    bool fine = end != rule->limit && *ret_limit >= 0 && *ret_limit < 1e15;
    if (is_percent((enum alert_measure) rule->when)) {
        fine = fine && *ret_limit <= 100 && strcmp(end, "%") == 0;
    } else {
        fine = fine && *end == '\0';
    }
    if (!fine) {
        return error_set(error, STATUS_CONFIG, "limit: \"%s\" is no %s", rule->limit,
                         is_percent((enum alert_measure) rule->when) ? "share such as 10%"
                                                                     : "number");
    }
    return STATUS_OK;
}

bool alert_is_bad(const struct alert_rule *rule, double limit, double value)
{
    return rule->when == ALERT_DISK_FREE ? value < limit : value > limit;
}

void alert_value_format(enum alert_measure measure, double value, char *target, size_t size)
{
    if (is_time(measure)) {
        int64_t seconds = (int64_t) (value / (double) US_PER_SECOND);
        (void) snprintf(target, size, "%" PRId64 " s", seconds);
    } else {
        (void) snprintf(target, size, is_percent(measure) ? "%.1f%%" : "%.0f", value);
    }
}

static enum status check_receiver(const struct alert_receiver *receiver, struct error *error)
{
    if ((receiver->webhook != NULL) == (receiver->mail != NULL)) {
        return error_set(error, STATUS_CONFIG, "a receiver has either a webhook or a mail address");
    }
    if (receiver->webhook != NULL && strncmp(receiver->webhook, "http://", 7) != 0 &&
        strncmp(receiver->webhook, "https://", 8) != 0) {
        return error_set(error, STATUS_CONFIG, "webhook: this is no http or https URL");
    }
    if (receiver->mail == NULL) {
        return STATUS_OK;
    }
    if (receiver->server == NULL || receiver->from == NULL) {
        return error_set(error, STATUS_CONFIG, "a mail needs \"server\" and \"from\"");
    }
    if (strncmp(receiver->server, "smtp://", 7) != 0 &&
        strncmp(receiver->server, "smtps://", 8) != 0) {
        return error_set(error, STATUS_CONFIG, "server: \"%s\" is no smtp or smtps URL",
                         receiver->server);
    }
    if (strpbrk(receiver->mail, "\r\n<>") != NULL || strpbrk(receiver->from, "\r\n<>") != NULL) {
        return error_set(error, STATUS_CONFIG, "mail and from are plain addresses");
    }
    return STATUS_OK;
}

static bool has_receiver(const struct alerts_settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->to.count; i++) {
        if (strcmp(settings->to.items[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static enum status check_rule(const struct alerts_settings *settings,
                              const struct alert_rule *rule,
                              struct error *error)
{
    double limit;
    TRY(alert_limit(rule, &limit, error));
    for (size_t i = 0; i < rule->to.count; i++) {
        if (!has_receiver(settings, rule->to.items[i])) {
            return error_set(error, STATUS_CONFIG, "there is no receiver \"%s\"",
                             rule->to.items[i]);
        }
    }
    return STATUS_OK;
}

enum status alerts_check(const struct alerts_settings *settings, struct error *error)
{
    for (size_t i = 0; i < settings->to.count; i++) {
        if (check_receiver(settings->to.items[i].value, error) != STATUS_OK) {
            error_context(error, "alerts.to.%s", settings->to.items[i].name);
            return STATUS_CONFIG;
        }
    }
    for (size_t i = 0; i < settings->rules.count; i++) {
        if (check_rule(settings, settings->rules.items[i].value, error) != STATUS_OK) {
            error_context(error, "alerts.rules.%s", settings->rules.items[i].name);
            return error->status = STATUS_CONFIG;
        }
    }
    return STATUS_OK;
}

/* ---- samples -----------------------------------------------------------------------------------
 */

static size_t of_flows(enum alert_measure measure,
                       const struct console_snapshot *snapshot,
                       struct arena *arena,
                       struct alert_sample *samples)
{
    size_t count = 0;
    for (size_t i = 0; i < snapshot->flow_count; i++) {
        const struct console_flow *flow = &snapshot->flows[i];
        int64_t value = measure == ALERT_LAG ? flow->lag : flow->lag_us;
        if (value >= 0) {
            samples[count++] = (struct alert_sample){
                .target = arena_printf(arena, "%s.%s", flow->pipeline, flow->topic),
                .value = (double) value,
            };
        }
    }
    return count;
}

static size_t of_sources(enum alert_measure measure,
                         const struct console_snapshot *snapshot,
                         int64_t now_us,
                         struct arena *arena,
                         struct alert_sample *samples)
{
    size_t count = 0;
    for (size_t i = 0; i < snapshot->source_count; i++) {
        const struct console_source *source = &snapshot->sources[i];
        if (measure == ALERT_FRESHNESS && source->fetched_at_us == 0) {
            continue;
        }
        int64_t value =
            measure == ALERT_FAILURES ? source->failures : now_us - source->fetched_at_us;
        samples[count++] = (struct alert_sample){
            .target = arena_printf(arena, "%s.%s", source->pipeline, source->name),
            .value = (double) value,
        };
    }
    return count;
}

/* One of each pipeline: what its sources refused and its flows could not take, of what was fetched.
 */
static size_t of_pipelines(const struct console_snapshot *snapshot, struct alert_sample *samples)
{
    size_t count = 0;
    for (size_t i = 0; i < snapshot->source_count + snapshot->flow_count; i++) {
        bool source = i < snapshot->source_count;
        const struct console_flow *flow =
            source ? NULL : &snapshot->flows[i - snapshot->source_count];
        const char *pipeline = source ? snapshot->sources[i].pipeline : flow->pipeline;
        size_t at = 0;
        while (at < count && strcmp(samples[at].target, pipeline) != 0) {
            at++;
        }
        if (at == count) {
            samples[count++] = (struct alert_sample){.target = pipeline};
        }
        samples[at].bad += source ? snapshot->sources[i].dead : flow->dead;
        samples[at].all += source ? snapshot->sources[i].fetched : flow->foreign;
    }
    return count;
}

static size_t of_runs(const struct console_ingest *ingests,
                      size_t ingest_count,
                      int64_t now_us,
                      struct alert_sample *samples)
{
    double failed = 0;
    for (size_t i = 0; i < ingest_count; i++) {
        failed += ingests[i].state == CONSOLE_INGEST_FAILED &&
                  now_us - ingests[i].ended_us < RUNS_WINDOW_US;
    }
    samples[0] = (struct alert_sample){.target = "orders", .value = failed};
    return 1;
}

size_t alert_measure_take(enum alert_measure measure,
                          const struct console_snapshot *snapshot,
                          const struct console_ingest *ingests,
                          size_t ingest_count,
                          int64_t now_us,
                          struct arena *arena,
                          struct alert_sample **ret_samples)
{
    struct alert_sample *samples =
        ARENA_ARRAY(arena, struct alert_sample, snapshot->source_count + snapshot->flow_count + 1);
    *ret_samples = samples;
    switch (measure) {
    case ALERT_LAG:
    case ALERT_LAG_TIME:
        return of_flows(measure, snapshot, arena, samples);
    case ALERT_FRESHNESS:
    case ALERT_FAILURES:
        return of_sources(measure, snapshot, now_us, arena, samples);
    case ALERT_ERROR_RATE:
    case ALERT_DEAD_LETTERS:
        return of_pipelines(snapshot, samples);
    case ALERT_FAILED_RUNS:
        return of_runs(ingests, ingest_count, now_us, samples);
    case ALERT_DISK_FREE:
        break;
    }
    if (snapshot->disk_total <= 0) {
        return 0;
    }
    samples[0] = (struct alert_sample){
        .target = "disk",
        .value = 100.0 * (double) snapshot->disk_free / (double) snapshot->disk_total,
    };
    return 1;
}
