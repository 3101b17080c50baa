#include "connectors/cassandra/cql_url.h"

#include "base/hex.h"

#include "connectors/cassandra/cql_wire.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define PORT_DEFAULT 9042
#define SCHEME       "cassandra://"

/* ---- settings ----------------------------------------------------------------------------------
 */

enum kind {
    KIND_TEXT,
    KIND_SWITCH,
    KIND_NUMBER,
    KIND_MS,
    KIND_CONSISTENCY,
    KIND_COMPRESSION,
    KIND_PROTOCOL,
};

static const struct setting {
    const char *name;
    enum kind kind;
    size_t at; /* in struct cql_settings */
    int64_t least, most;
} settings_table[] = {

#define AT(field) offsetof(struct cql_settings, field)
    {"replication", KIND_TEXT, AT(replication), 0, 0},
    {"dc", KIND_TEXT, AT(dc), 0, 0},
    {"consistency", KIND_CONSISTENCY, AT(consistency), 0, 0},
    {"tls", KIND_SWITCH, AT(tls), 0, 0},
    {"tls_ca", KIND_TEXT, AT(tls_ca), 0, 0},
    {"tls_cert", KIND_TEXT, AT(tls_cert), 0, 0},
    {"tls_key", KIND_TEXT, AT(tls_key), 0, 0},
    {"tls_name", KIND_TEXT, AT(tls_name), 0, 0},
    {"compression", KIND_COMPRESSION, AT(lz4), 0, 0},
    {"protocol", KIND_PROTOCOL, AT(protocol), 4, 5},
    {"connect_timeout_ms", KIND_MS, AT(connect_timeout_us), 1, 3600000},
    {"request_timeout_ms", KIND_MS, AT(request_timeout_us), 1, 3600000},
    {"in_flight", KIND_NUMBER, AT(in_flight), 1, 2048},
    {"batch_bytes", KIND_NUMBER, AT(batch_bytes), 1, 1 << 20},
    {"batch_partitions", KIND_NUMBER, AT(batch_partitions), 1, 1000},
    {"page_rows", KIND_NUMBER, AT(page_rows), 1, 100000},
#undef AT
};

static enum status
bad_value(const char *name, const char *value, const char *wanted, struct error *error)
{
    return error_set(error, STATUS_CONFIG, "storage URL: %s is \"%s\", not %s", name, value,
                     wanted);
}

static enum status set_number(const struct setting *setting,
                              const char *value,
                              int64_t *ret_number,
                              struct error *error)
{
    char *end;
    long long number = strtoll(value, &end, 10);
    if (*value < '0' || *value > '9' || *end != '\0' || number < setting->least ||
        number > setting->most) {
        char wanted[80];
        (void) snprintf(wanted, sizeof(wanted), "a number from %lld to %lld",
                        (long long) setting->least, (long long) setting->most);
        return bad_value(setting->name, value, wanted, error);
    }
    *ret_number = number;
    return STATUS_OK;
}

static enum status set_word(const struct setting *setting,
                            const char *value,
                            const char *yes,
                            const char *no,
                            bool *ret_value,
                            struct error *error)
{
    *ret_value = strcmp(value, yes) == 0;
    if (!*ret_value && strcmp(value, no) != 0) {
        char wanted[80];
        (void) snprintf(wanted, sizeof(wanted), "%s or %s", yes, no);
        return bad_value(setting->name, value, wanted, error);
    }
    return STATUS_OK;
}

static enum status set_one(struct cql_settings *settings,
                           const struct setting *setting,
                           const char *value,
                           struct error *error)
{
    void *at = (char *) settings + setting->at;
    int64_t number = 0;
    switch (setting->kind) {
    case KIND_TEXT:
        *(const char **) at = value;
        return STATUS_OK;
    case KIND_SWITCH:
        return set_word(setting, value, "on", "off", at, error);
    case KIND_COMPRESSION:
        return set_word(setting, value, "lz4", "none", at, error);
    case KIND_CONSISTENCY:
        return cql_consistency_parse(slice_of_string(value), at)
                   ? STATUS_OK
                   : bad_value(setting->name, value, "a consistency level", error);
    case KIND_PROTOCOL:
        TRY(set_number(setting, value, &number, error));
        *(uint8_t *) at = (uint8_t) number;
        return STATUS_OK;
    case KIND_MS:
        TRY(set_number(setting, value, &number, error));
        *(int64_t *) at = number * 1000;
        return STATUS_OK;
    case KIND_NUMBER:
        return set_number(setting, value, at, error);
    }
    return STATUS_OK;
}

static enum status
set_named(struct cql_settings *settings, const char *name, const char *value, struct error *error)
{
    for (size_t i = 0; i < ARRAY_SIZE(settings_table); i++) {
        if (strcmp(settings_table[i].name, name) == 0) {
            return set_one(settings, &settings_table[i], value, error);
        }
    }
    struct buffer known CLEANUP(buffer_deinit) = BUFFER_INIT;
    for (size_t i = 0; i < ARRAY_SIZE(settings_table); i++) {
        buffer_printf(&known, "%s%s", i == 0 ? "" : ", ", settings_table[i].name);
    }
    (void) error_set(error, STATUS_CONFIG, "storage URL: there is no setting \"%s\"", name);
    error_hint(error, "there are %s", buffer_string(&known));
    return STATUS_CONFIG;
}

/* ---- the text ----------------------------------------------------------------------------------
 */

static char *decode(struct arena *arena, const char *from, const char *end)
{
    char *text = arena_alloc(arena, (size_t) (end - from) + 1);
    size_t length = 0;
    for (const char *c = from; c < end; c++) {
        int high = *c == '%' && end - c > 2 ? hex_digit_value((uint8_t) c[1]) : -1;
        int low = high < 0 ? -1 : hex_digit_value((uint8_t) c[2]);
        if (low >= 0 && (high | low) != 0) {
            text[length++] = (char) (high << 4 | low);
            c += 2;
        } else {
            text[length++] = *c;
        }
    }
    text[length] = '\0';
    return text;
}

static const char *find(const char *from, const char *end, char c)
{
    const char *at = memchr(from, c, (size_t) (end - from));
    return at == NULL ? end : at;
}

static void
take_user(struct cql_settings *settings, struct arena *arena, const char **at, const char *end)
{
    const char *mark = NULL; /* the last one: a password may hold others */
    for (const char *c = *at; c < end; c++) {
        mark = *c == '@' ? c : mark;
    }
    if (mark != NULL) {
        const char *colon = find(*at, mark, ':');
        settings->user = decode(arena, *at, colon);
        settings->password = decode(arena, colon < mark ? colon + 1 : mark, mark);
        *at = mark + 1;
    }
}

static enum status take_contacts(struct cql_settings *settings,
                                 struct arena *arena,
                                 const char *at,
                                 const char *end,
                                 struct error *error)
{
    size_t count = 1;
    for (const char *c = at; c < end; c++) {
        count += *c == ',';
    }
    struct net_address *contacts = ARENA_ARRAY(arena, struct net_address, count);
    for (size_t i = 0; i < count; i++) {
        const char *stop = find(at, end, ',');
        const char *text = decode(arena, at, stop);
        const char *colon = strrchr(text, ':');
        const char *bracket = strrchr(text, ']');
        if (colon == NULL || (bracket != NULL && colon < bracket)) {
            text = arena_printf(arena, "%s:%d", text, PORT_DEFAULT);
        }
        if (net_address_parse(text, &contacts[i], error) != STATUS_OK) {
            error_context(error, "storage URL");
            if (error != NULL) {
                error->status = STATUS_CONFIG;
            }
            return STATUS_CONFIG;
        }
        at = stop < end ? stop + 1 : end;
    }
    settings->contacts = contacts;
    settings->contact_count = count;
    return STATUS_OK;
}

static enum status take_settings(struct cql_settings *settings,
                                 struct arena *arena,
                                 const char *at,
                                 const char *end,
                                 struct error *error)
{
    while (at < end) {
        const char *stop = find(at, end, '&');
        const char *equals = find(at, stop, '=');
        const char *name = decode(arena, at, equals);
        TRY(set_named(settings, name, equals < stop ? decode(arena, equals + 1, stop) : "", error));
        at = stop < end ? stop + 1 : end;
    }
    return STATUS_OK;
}

enum status cql_url_parse(const char *url,
                          struct arena *arena,
                          struct cql_settings *ret_settings,
                          struct error *error)
{
    *ret_settings = (struct cql_settings){
        .keyspace = "leat",
        .consistency = CQL_LOCAL_QUORUM,
        .lz4 = false,
        .protocol = CQL_V5,
        .connect_timeout_us = 5000000,
        .request_timeout_us = 12000000,
        .in_flight = 128,
        .batch_bytes = 5 * 1024 - 100, /* servers warn above 5 KiB and above 10 partitions */
        .batch_partitions = 10,
        .page_rows = 5000,
    };
    if (strncmp(url, SCHEME, strlen(SCHEME)) != 0) {
        return error_set(error, STATUS_CONFIG, "the storage URL is no cassandra://HOST:PORT");
    }
    const char *at = url + strlen(SCHEME);
    const char *end = at + strlen(at);
    const char *query = find(at, end, '?');
    const char *slash = find(at, query, '/');
    take_user(ret_settings, arena, &at, slash);
    TRY(take_contacts(ret_settings, arena, at, slash, error));
    if (slash < query && slash + 1 < query) {
        ret_settings->keyspace = decode(arena, slash + 1, query);
    }
    return query == end ? STATUS_OK : take_settings(ret_settings, arena, query + 1, end, error);
}
