/* Alerts as JSON. */

#include "base/attr.h"
#include "console/alerts_internal.h"
#include "console/json_writer.h"

static const char *const states[] = {"fine", "pending", "firing"};

static void write_rules(const struct alerts *alerts, struct json_writer *json)
{
    json_writer_open(json, "rules", '[');
    for (size_t i = 0; i < alerts->rule_count; i++) {
        const struct watched_rule *watched = &alerts->rules[i];
        json_writer_open(json, NULL, '{');
        json_writer_text(json, "name", watched->name);
        json_writer_text(json, "when",
                         alert_measure_name((enum alert_measure) watched->rule->when));
        json_writer_text(json, "limit", watched->rule->limit);
        json_writer_text(json, "only", watched->rule->only);
        json_writer_int(json, "for_us", watched->rule->for_us);
        json_writer_int(json, "resolve_us", watched->rule->resolve_us);
        json_writer_open(json, "to", '[');
        for (size_t t = 0; t < watched->rule->to.count; t++) {
            json_writer_text(json, NULL, watched->rule->to.items[t]);
        }
        json_writer_close(json, ']');
        json_writer_close(json, '}');
    }
    json_writer_close(json, ']');
}

static void write_value(struct json_writer *json, const struct watched_rule *watched, double value)
{
    char text[48];
    alert_value_format((enum alert_measure) watched->rule->when, value, text, sizeof(text));
    json_writer_text(json, "value", text);
    json_writer_text(json, "limit", watched->rule->limit);
}

static void write_machines(const struct alerts *alerts, struct json_writer *json)
{
    json_writer_open(json, "alerts", '[');
    for (size_t i = 0; i < alerts->machine_count; i++) {
        const struct machine *machine = &alerts->machines[i];
        json_writer_open(json, NULL, '{');
        json_writer_text(json, "rule", machine->rule->name);
        json_writer_text(json, "target", machine->target);
        json_writer_text(json, "state", states[machine->state]);
        write_value(json, machine->rule, machine->value);
        json_writer_int(json, "since_us", machine->changed_us);
        if (machine->state == ALERT_FIRING) {
            json_writer_int(json, "fired_us", machine->fired_us);
        }
        json_writer_close(json, '}');
    }
    json_writer_close(json, ']');
}

/* The newest first. */
static void write_history(const struct alerts *alerts, struct json_writer *json)
{
    json_writer_open(json, "history", '[');
    for (size_t i = 0; i < alerts->event_count && i < EVENTS_MAX; i++) {
        const struct event *event = &alerts->events[(alerts->event_count - 1 - i) % EVENTS_MAX];
        json_writer_open(json, NULL, '{');
        json_writer_int(json, "at_us", event->at_us);
        json_writer_text(json, "rule", event->rule->name);
        json_writer_text(json, "target", event->target);
        json_writer_text(json, "event", event->firing ? "firing" : "resolved");
        write_value(json, event->rule, event->value);
        json_writer_close(json, '}');
    }
    json_writer_close(json, ']');
}

static void write_silences(const struct alerts *alerts, int64_t now_us, struct json_writer *json)
{
    json_writer_open(json, "silences", '[');
    for (size_t i = 0; i < SILENCES_MAX; i++) {
        const struct silence *silence = &alerts->silences[i];
        if (silence->until_us <= now_us) {
            continue;
        }
        json_writer_open(json, NULL, '{');
        json_writer_int(json, "id", silence->id);
        json_writer_text(json, "rule", silence->rule[0] == '\0' ? NULL : silence->rule);
        json_writer_text(json, "target", silence->target[0] == '\0' ? NULL : silence->target);
        json_writer_text(json, "who", silence->who[0] == '\0' ? NULL : silence->who);
        json_writer_text(json, "why", silence->why);
        json_writer_int(json, "until_us", silence->until_us);
        json_writer_close(json, '}');
    }
    json_writer_close(json, ']');
}

/* A webhook's URL is a secret: who has it can write there. */
static void write_receivers(const struct alerts *alerts, struct json_writer *json)
{
    json_writer_open(json, "receivers", '[');
    for (size_t i = 0; i < alerts->receiver_count; i++) {
        const struct receiver *receiver = &alerts->receivers[i];
        json_writer_open(json, NULL, '{');
        json_writer_text(json, "name", receiver->name);
        json_writer_text(json, "kind",
                         receiver->receiver->mail != NULL ? "mail"
                         : receiver->receiver->form == 1  ? "slack"
                                                          : "webhook");
        json_writer_text(json, "mail", receiver->receiver->mail);
        json_writer_int(json, "tried_us", receiver->tried_us);
        json_writer_text(json, "trouble", receiver->trouble[0] == '\0' ? NULL : receiver->trouble);
        json_writer_close(json, '}');
    }
    json_writer_close(json, ']');
}

void alerts_write(struct alerts *alerts, int64_t now_us, struct buffer *target)
{
    struct json_writer json = {.target = target};
    (void) pthread_mutex_lock(&alerts->lock);
    json_writer_open(&json, NULL, '{');
    write_rules(alerts, &json);
    write_machines(alerts, &json);
    write_history(alerts, &json);
    write_silences(alerts, now_us, &json);
    write_receivers(alerts, &json);
    json_writer_close(&json, '}');
    (void) pthread_mutex_unlock(&alerts->lock);
}
