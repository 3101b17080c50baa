/* The text of a reply: JSON, the same indented, or CSV. */

#include "connectors/generate/randomuser.h"

#include <string.h>

/* How a leaf stands in the object: what goes before its value and after it, and its column. */
struct leaf_row {
    enum user_field field;
    const char *before;
    const char *after;
    const char *column;
};

static const struct leaf_row rows[LEAF_COUNT] = {
    [LEAF_GENDER] = {FIELD_GENDER, "\"gender\":", "", "gender"},
    [LEAF_TITLE] = {FIELD_NAME, "\"name\":{\"title\":", "", "name.title"},
    [LEAF_FIRST] = {FIELD_NAME, ",\"first\":", "", "name.first"},
    [LEAF_LAST] = {FIELD_NAME, ",\"last\":", "}", "name.last"},
    [LEAF_STREET_NUMBER] = {FIELD_LOCATION, "\"location\":{\"street\":{\"number\":", "",
                            "location.street.number"},
    [LEAF_STREET_NAME] = {FIELD_LOCATION, ",\"name\":", "}", "location.street.name"},
    [LEAF_CITY] = {FIELD_LOCATION, ",\"city\":", "", "location.city"},
    [LEAF_STATE] = {FIELD_LOCATION, ",\"state\":", "", "location.state"},
    [LEAF_COUNTRY] = {FIELD_LOCATION, ",\"country\":", "", "location.country"},
    [LEAF_POSTCODE] = {FIELD_LOCATION, ",\"postcode\":", "", "location.postcode"},
    [LEAF_LATITUDE] = {FIELD_LOCATION, ",\"coordinates\":{\"latitude\":", "",
                       "location.coordinates.latitude"},
    [LEAF_LONGITUDE] = {FIELD_LOCATION, ",\"longitude\":", "}", "location.coordinates.longitude"},
    [LEAF_OFFSET] = {FIELD_LOCATION, ",\"timezone\":{\"offset\":", "", "location.timezone.offset"},
    [LEAF_DESCRIPTION] = {FIELD_LOCATION, ",\"description\":", "}}",
                          "location.timezone.description"},
    [LEAF_EMAIL] = {FIELD_EMAIL, "\"email\":", "", "email"},
    [LEAF_UUID] = {FIELD_LOGIN, "\"login\":{\"uuid\":", "", "login.uuid"},
    [LEAF_USERNAME] = {FIELD_LOGIN, ",\"username\":", "", "login.username"},
    [LEAF_PASSWORD] = {FIELD_LOGIN, ",\"password\":", "", "login.password"},
    [LEAF_SALT] = {FIELD_LOGIN, ",\"salt\":", "", "login.salt"},
    [LEAF_MD5] = {FIELD_LOGIN, ",\"md5\":", "", "login.md5"},
    [LEAF_SHA1] = {FIELD_LOGIN, ",\"sha1\":", "", "login.sha1"},
    [LEAF_SHA256] = {FIELD_LOGIN, ",\"sha256\":", "}", "login.sha256"},
    [LEAF_DOB_DATE] = {FIELD_DOB, "\"dob\":{\"date\":", "", "dob.date"},
    [LEAF_DOB_AGE] = {FIELD_DOB, ",\"age\":", "}", "dob.age"},
    [LEAF_REGISTERED_DATE] = {FIELD_REGISTERED, "\"registered\":{\"date\":", "", "registered.date"},
    [LEAF_REGISTERED_AGE] = {FIELD_REGISTERED, ",\"age\":", "}", "registered.age"},
    [LEAF_PHONE] = {FIELD_PHONE, "\"phone\":", "", "phone"},
    [LEAF_CELL] = {FIELD_CELL, "\"cell\":", "", "cell"},
    [LEAF_ID_NAME] = {FIELD_ID, "\"id\":{\"name\":", "", "id.name"},
    [LEAF_ID_VALUE] = {FIELD_ID, ",\"value\":", "}", "id.value"},
    [LEAF_LARGE] = {FIELD_PICTURE, "\"picture\":{\"large\":", "", "picture.large"},
    [LEAF_MEDIUM] = {FIELD_PICTURE, ",\"medium\":", "", "picture.medium"},
    [LEAF_THUMBNAIL] = {FIELD_PICTURE, ",\"thumbnail\":", "}", "picture.thumbnail"},
    [LEAF_NAT] = {FIELD_NAT, "\"nat\":", "", "nat"},
};

#define JSON_USER_BYTES_MAX 4096 /* of one user; a first guess of the whole saves copying */
#define JSON_USER_BYTES     1200

static void write_json_user(const struct user *user, unsigned fields, struct buffer *target)
{
    uint8_t *begin = buffer_reserve(target, JSON_USER_BYTES_MAX);
    uint8_t *at = begin;
    *at++ = '{';
    int last_field = -1;
    for (unsigned i = 0; i < LEAF_COUNT; i++) {
        const struct leaf_row *row = &rows[i];
        if ((fields & 1U << row->field) == 0) {
            continue;
        }
        if (last_field >= 0 && last_field != (int) row->field) {
            *at++ = ',';
        }
        last_field = (int) row->field;
        at = (uint8_t *) stpcpy((char *) at, row->before);
        struct slice value = user->kinds[i] == LEAF_NULL ? SLICE("null") : user->values[i];
        bool quoted = user->kinds[i] == LEAF_TEXT;
        *at = '"';
        at += quoted;
        if (value.size > 0) {
            memcpy(at, value.data, value.size);
        }
        at += value.size;
        *at = '"';
        at += quoted;
        at = (uint8_t *) stpcpy((char *) at, row->after);
    }
    *at++ = '}';
    target->size += (size_t) (at - begin);
}

static void
write_info(const struct randomuser_query *query, unsigned results, struct buffer *target)
{
    buffer_append_string(target, "\"info\":{\"seed\":");
    buffer_append_json(target, slice_of_string(query->seed));
    buffer_printf(target, ",\"results\":%u,\"page\":%u,\"version\":\"%s\"}", results, query->page,
                  query->version);
}

/* FNV-1a over seed and page; the page counts only beyond the first, as with the service. */
static uint64_t number_of_seed(const struct randomuser_query *query)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *at = query->seed; *at != '\0'; at++) {
        hash = (hash ^ (uint8_t) *at) * UINT64_C(0x100000001b3);
    }
    hash ^= (uint64_t) (query->page - 1) << 32;
    hash = (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return hash ^ hash >> 32;
}

static void make(const struct randomuser_query *query,
                 struct user_maker *maker,
                 unsigned index,
                 struct user *user)
{
    uint64_t number = number_of_seed(query) + index * UINT64_C(0xa0761d6478bd642f);
    user_make(maker, number, query->nationality_set, query->gender, query->fields, user);
}

static void
write_json(const struct randomuser_query *query, struct user_maker *maker, struct buffer *target)
{
    struct user user;
    (void) buffer_reserve(target, (size_t) query->results * JSON_USER_BYTES);
    buffer_append_string(target, "{\"results\":[");
    for (unsigned i = 0; i < query->results; i++) {
        if (i > 0) {
            buffer_append_byte(target, ',');
        }
        make(query, maker, i, &user);
        write_json_user(&user, query->fields, target);
    }
    buffer_append_byte(target, ']');
    if (!query->without_info) {
        buffer_append_byte(target, ',');
        write_info(query, query->results, target);
    }
    buffer_append_byte(target, '}');
}

static void write_csv_value(struct buffer *target, struct slice value)
{
    bool plain = true;
    for (size_t i = 0; i < value.size; i++) {
        uint8_t byte = value.data[i];
        plain = plain && byte != ',' && byte != '"' && byte != '\n' && byte != '\r';
    }
    if (plain) {
        buffer_append_slice(target, value);
        return;
    }
    buffer_append_byte(target, '"');
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] == '"') {
            buffer_append_byte(target, '"');
        }
        buffer_append_byte(target, value.data[i]);
    }
    buffer_append_byte(target, '"');
}

static void
write_csv(const struct randomuser_query *query, struct user_maker *maker, struct buffer *target)
{
    struct user user;
    for (unsigned line = 0; line <= query->results; line++) {
        if (line > 0) {
            make(query, maker, line - 1, &user);
        }
        bool first = true;
        for (unsigned i = 0; i < LEAF_COUNT; i++) {
            if ((query->fields & 1U << rows[i].field) == 0) {
                continue;
            }
            if (!first) {
                buffer_append_byte(target, ',');
            }
            first = false;
            if (line == 0) {
                buffer_append_string(target, rows[i].column);
            } else if (user.kinds[i] != LEAF_NULL) {
                write_csv_value(target, user.values[i]);
            }
        }
        buffer_append_byte(target, '\n');
    }
}

static void indent(struct buffer *target, int depth)
{
    buffer_append_byte(target, '\n');
    for (int i = 0; i < depth; i++) {
        buffer_append_string(target, "  ");
    }
}

/* Writes compact JSON indented by two blanks, as JavaScript's JSON.stringify(x, null, 2) does. */
static void write_pretty(struct slice json, struct buffer *target)
{
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < json.size; i++) {
        uint8_t byte = json.data[i];
        bool opens = !in_string && (byte == '{' || byte == '[');
        bool closes = !in_string && (byte == '}' || byte == ']');
        bool empty = opens && i + 1 < json.size && json.data[i + 1] == byte + 2;
        if (closes) {
            indent(target, --depth);
        }
        buffer_append_byte(target, byte);
        if (in_string && byte == '\\' && i + 1 < json.size) {
            buffer_append_byte(target, json.data[++i]);
        } else if (byte == '"') {
            in_string = !in_string;
        } else if (empty) {
            buffer_append_byte(target, json.data[++i]);
        } else if (opens) {
            indent(target, ++depth);
        } else if (!in_string && byte == ',') {
            indent(target, depth);
        } else if (!in_string && byte == ':') {
            buffer_append_byte(target, ' ');
        }
    }
}

/* Puts the JSON of a reply into the form that was asked for. */
static void
finish_json(const struct randomuser_query *query, struct slice json, struct buffer *target)
{
    if (query->callback != NULL) {
        buffer_append_string(target, query->callback);
        buffer_append_byte(target, '(');
    }
    if (query->format == FORMAT_PRETTY) {
        write_pretty(json, target);
    } else {
        buffer_append_slice(target, json);
    }
    if (query->callback != NULL) {
        buffer_append_string(target, ");");
    }
}

void randomuser_write(const struct randomuser_query *query,
                      struct user_maker *maker,
                      int64_t now_us,
                      struct buffer *target)
{
    user_maker_set_now(maker, now_us);
    if (query->format == FORMAT_CSV) {
        write_csv(query, maker, target);
    } else if (query->format == FORMAT_JSON && query->callback == NULL) {
        write_json(query, maker, target);
    } else {
        CLEANUP(buffer_deinit) struct buffer json = BUFFER_INIT;
        write_json(query, maker, &json);
        finish_json(query, buffer_slice(&json), target);
    }
}

void randomuser_write_empty(const struct randomuser_query *query,
                            unsigned claimed_results,
                            struct buffer *target)
{
    CLEANUP(buffer_deinit) struct buffer json = BUFFER_INIT;
    buffer_append_string(&json, "{\"results\":[],");
    write_info(query, claimed_results, &json);
    buffer_append_byte(&json, '}');
    finish_json(query, buffer_slice(&json), target);
}

const char *randomuser_content_type(const struct randomuser_query *query)
{
    return query->format == FORMAT_CSV ? "text/csv; charset=utf-8"
                                       : "application/json; charset=utf-8";
}
