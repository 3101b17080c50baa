#include "connectors/postgres/pg_place.h"

#include "base/hash.h"
#include "base/hex.h"

#include <libpq-fe.h>

#define HASH_CHARS 17 /* "~" and 16 hexadecimal digits */

static const char default_schema[] = "leat";

/* A value of a URL's query, %XX decoded. */
static const char *decoded(const char *value, size_t size, struct arena *arena)
{
    char *text = arena_alloc(arena, size + 1);
    size_t length = 0;
    for (size_t i = 0; i < size; i++) {
        int high = value[i] == '%' && i + 2 < size ? hex_digit_value((uint8_t) value[i + 1]) : -1;
        int low = high < 0 ? -1 : hex_digit_value((uint8_t) value[i + 2]);
        if (low >= 0) {
            text[length++] = (char) (high << 4 | low);
            i += 2;
        } else {
            text[length++] = value[i];
        }
    }
    text[length] = '\0';
    return text;
}

/* Our own parameters; the others go to `rest` as they are. */
static void take_parameters(const char *query,
                            struct arena *arena,
                            struct buffer *rest,
                            const char **schema,
                            const char **state)
{
    const char *before = "?";
    while (*query != '\0') {
        size_t size = strcspn(query, "&");
        if (size > 7 && strncmp(query, "schema=", 7) == 0) {
            *schema = decoded(query + 7, size - 7, arena);
        } else if (size > 6 && strncmp(query, "state=", 6) == 0) {
            *state = decoded(query + 6, size - 6, arena);
        } else if (size > 0) {
            buffer_append_string(rest, before);
            buffer_append(rest, query, size);
            before = "&";
        }
        query += size;
        query += *query == '&';
    }
}

static const char *option_value(const PQconninfoOption *options, const char *name)
{
    for (const PQconninfoOption *at = options; at->keyword != NULL; at++) {
        if (strcmp(at->keyword, name) == 0) {
            return at->val == NULL ? "" : at->val;
        }
    }
    return "";
}

/* Who, where and which database, without the password. */
static enum status describe(struct pg_place *place, struct arena *arena, struct error *error)
{
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(place->url, &message);
    if (options == NULL) {
        (void) error_set(error, STATUS_CONFIG, "cannot read the PostgreSQL URL: %.*s",
                         message == NULL ? 0 : (int) strcspn(message, "\n"),
                         message == NULL ? "" : message);
        error_hint(error, "such as postgresql://USER:PASSWORD@HOST:5432/DATABASE");
        PQfreemem(message);
        return STATUS_CONFIG;
    }
    const char *user = option_value(options, "user");
    const char *host = option_value(options, "host");
    const char *port = option_value(options, "port");
    const char *database = option_value(options, "dbname");
    place->shown = arena_printf(arena, "%s%s%s%s%s/%s", user, user[0] == '\0' ? "" : "@",
                                host[0] == '\0' ? "localhost" : host, port[0] == '\0' ? "" : ":",
                                port, database[0] == '\0' ? user : database);
    PQconninfoFree(options);
    return STATUS_OK;
}

enum status
pg_place_read(const char *url, struct arena *arena, struct pg_place *ret_place, struct error *error)
{
    const char *schema = default_schema;
    const char *state = NULL;
    const char *query = strchr(url, '?');
    *ret_place = (struct pg_place){.url = url};
    if (query != NULL) {
        struct buffer rest CLEANUP(buffer_deinit) = BUFFER_INIT;
        buffer_append(&rest, url, (size_t) (query - url));
        take_parameters(query + 1, arena, &rest, &schema, &state);
        ret_place->url = arena_strdup(arena, buffer_string(&rest));
    }
    if (strncmp(schema, "pg_", 3) == 0) {
        return error_set(error, STATUS_CONFIG,
                         "schema \"%s\": names that begin with pg_ are PostgreSQL's own", schema);
    }
    ret_place->schema =
        pg_name_fit(state == NULL ? schema : arena_printf(arena, "%s.%s", schema, state), arena);
    return describe(ret_place, arena, error);
}

const char *pg_name_fit(const char *name, struct arena *arena)
{
    size_t size = strlen(name);
    if (size <= PG_NAME_BYTES) {
        return arena_strdup(arena, name);
    }
    size_t kept = PG_NAME_BYTES - HASH_CHARS;
    while (kept > 0 && ((uint8_t) name[kept] & 0xc0) == 0x80) {
        kept--;
    }
    return arena_printf(arena, "%.*s~%016llx", (int) kept, name,
                        (unsigned long long) hash64(slice_of_string(name)));
}

void pg_append_name(struct buffer *target, const char *name)
{
    buffer_append_byte(target, '"');
    for (const char *at = name; *at != '\0'; at++) {
        if (*at == '"') {
            buffer_append_byte(target, '"');
        }
        buffer_append_byte(target, (uint8_t) *at);
    }
    buffer_append_byte(target, '"');
}

enum status pg_table_split(const char *name,
                           struct arena *arena,
                           const char **ret_schema,
                           const char **ret_table,
                           struct error *error)
{
    const char *dot = strchr(name, '.');
    *ret_schema = dot == NULL ? NULL : arena_string(arena, slice_of(name, (size_t) (dot - name)));
    *ret_table = arena_strdup(arena, dot == NULL ? name : dot + 1);
    if ((*ret_table)[0] == '\0' || (dot != NULL && dot == name)) {
        return error_set(error, STATUS_CONFIG, "table \"%s\": a part of the name is empty", name);
    }
    if (strlen(*ret_table) > PG_NAME_BYTES ||
        (dot != NULL && strlen(*ret_schema) > PG_NAME_BYTES)) {
        return error_set(error, STATUS_CONFIG,
                         "table \"%s\": names in PostgreSQL have at most %d bytes", name,
                         PG_NAME_BYTES);
    }
    return STATUS_OK;
}
