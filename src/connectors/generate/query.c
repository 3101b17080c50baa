/* The parameters of a request, read as leniently as the service reads them. */

#include "connectors/generate/randomuser.h"
#include "io/clock.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ALL_NATIONALITIES ((1U << NATIONALITY_COUNT) - 1)
#define CALLBACK_SIZE_MAX 64

static const char *const field_names[FIELD_COUNT] = {
    [FIELD_GENDER] = "gender",
    [FIELD_NAME] = "name",
    [FIELD_LOCATION] = "location",
    [FIELD_EMAIL] = "email",
    [FIELD_LOGIN] = "login",
    [FIELD_DOB] = "dob",
    [FIELD_REGISTERED] = "registered",
    [FIELD_PHONE] = "phone",
    [FIELD_CELL] = "cell",
    [FIELD_ID] = "id",
    [FIELD_PICTURE] = "picture",
    [FIELD_NAT] = "nat",
};

struct pairs {
    const struct http_pair *items;
    size_t count;
};

/* The last value under either name, NULL if there is none. */
static const char *value_of(struct pairs pairs, const char *name, const char *alias)
{
    for (size_t i = pairs.count; i > 0; i--) {
        const struct http_pair *pair = &pairs.items[i - 1];
        if (strcmp(pair->name, name) == 0 || strcmp(pair->name, alias) == 0) {
            return pair->value;
        }
    }
    return NULL;
}

/* A whole number from 1 to `max`, else 1. */
static unsigned read_number(const char *text, unsigned max)
{
    if (text == NULL || text[0] == '\0' || text[strspn(text, "0123456789")] != '\0' ||
        strlen(text) > 9) {
        return 1;
    }
    unsigned long value = strtoul(text, NULL, 10);
    return value < 1 || value > max ? 1 : (unsigned) value;
}

/* The next part of a comma list; empty ones are passed over. */
static bool next_part(const char **list, struct slice *ret_part)
{
    *list += strspn(*list, ",");
    size_t size = strcspn(*list, ",");
    *ret_part = slice_of(*list, size);
    *list += size;
    return size > 0;
}

/* The fields of a comma list; parts are trimmed, unknown ones ignored. */
static unsigned read_fields(const char *list)
{
    unsigned fields = 0;
    struct slice part;
    while (next_part(&list, &part)) {
        while (part.size > 0 && isspace(part.data[0])) {
            part = slice_of(part.data + 1, part.size - 1);
        }
        while (part.size > 0 && isspace(part.data[part.size - 1])) {
            part.size--;
        }
        for (unsigned i = 0; i < FIELD_COUNT; i++) {
            if (strlen(field_names[i]) == part.size &&
                strncasecmp(field_names[i], (const char *) part.data, part.size) == 0) {
                fields |= 1U << i;
            }
        }
    }
    return fields;
}

/* One bad entry voids the list; entries are not trimmed. */
static uint32_t read_nationalities(const char *list)
{
    uint32_t set = 0;
    struct slice part;
    while (list != NULL && next_part(&list, &part)) {
        int found = nationality_find(part);
        if (found < 0) {
            return ALL_NATIONALITIES;
        }
        set |= 1U << found;
    }
    return set == 0 ? ALL_NATIONALITIES : set;
}

/* A seed of 16 + 2 characters names a nationality in its last two, which are hexadecimal. */
static void read_seed(const char *text, struct randomuser_query *query)
{
    if (text == NULL || text[0] == '\0') {
        static const char digits[] = "0123456789abcdef";
        uint64_t random = random_u64();
        for (int i = 0; i < 16; i++) {
            query->seed[i] = digits[random >> (4 * i) & 15];
        }
        query->seed[16] = '\0';
        return;
    }
    query->gender = -1;
    size_t size = strnlen(text, RANDOMUSER_SEED_BYTES);
    memcpy(query->seed, text, size);
    query->seed[size] = '\0';
    if (size == 18 && isxdigit((unsigned char) text[16]) && isxdigit((unsigned char) text[17])) {
        unsigned long index = strtoul(text + 16, NULL, 16);
        if (index < NATIONALITY_COUNT) {
            query->nationality_set = 1U << index;
        }
    }
}

static enum status
read_format(const char *text, struct randomuser_query *query, struct error *error)
{
    static const struct {
        const char *name;
        enum randomuser_format format;
    } rows[] = {{"pretty", FORMAT_PRETTY}, {"prettyjson", FORMAT_PRETTY}, {"csv", FORMAT_CSV}};

    query->format = FORMAT_JSON;
    if (text == NULL) {
        return STATUS_OK;
    }
    if (strcasecmp(text, "yaml") == 0 || strcasecmp(text, "xml") == 0) {
        enum status status =
            error_set(error, STATUS_USAGE, "the format %s is not offered by this stand-in", text);
        error_hint(error, "it offers json, pretty and csv");
        return status;
    }
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (strcasecmp(rows[i].name, text) == 0) {
            query->format = rows[i].format;
        }
    }
    return STATUS_OK;
}

/* A function's name; anything else would let a link run code of its own in a page. */
static bool is_callback(const char *text)
{
    size_t size = text == NULL ? 0 : strlen(text);
    for (size_t i = 0; i < size; i++) {
        if (!isalnum((unsigned char) text[i]) && strchr("_$.", text[i]) == NULL) {
            return false;
        }
    }
    return size > 0 && size <= CALLBACK_SIZE_MAX;
}

enum status randomuser_query_read(const struct http_pair *pairs,
                                  size_t count,
                                  const char *version,
                                  struct randomuser_query *ret_query,
                                  struct error *error)
{
    const struct pairs all = {pairs, count};
    *ret_query = (struct randomuser_query){.version = version, .gender = -1};
    TRY(read_format(value_of(all, "format", "fmt"), ret_query, error));
    ret_query->results = read_number(value_of(all, "results", "results"), RANDOMUSER_RESULTS_MAX);
    ret_query->page = read_number(value_of(all, "page", "page"), RANDOMUSER_PAGE_MAX);
    ret_query->nationality_set = read_nationalities(value_of(all, "nat", "nationality"));
    const char *gender = value_of(all, "gender", "gender");
    if (gender != NULL) {
        ret_query->gender = strcmp(gender, "male") == 0     ? 0
                            : strcmp(gender, "female") == 0 ? 1
                                                            : -1;
    }
    read_seed(value_of(all, "seed", "seed"), ret_query);
    const char *included = value_of(all, "inc", "inc");
    const char *excluded = value_of(all, "exc", "exc");
    ret_query->fields =
        included == NULL || included[0] == '\0' ? ALL_FIELDS : read_fields(included);
    ret_query->fields &= excluded == NULL ? ALL_FIELDS : ~read_fields(excluded);
    ret_query->without_info = value_of(all, "noinfo", "noinfo") != NULL;
    const char *callback = value_of(all, "callback", "callback");
    ret_query->callback = is_callback(callback) ? callback : NULL;
    return STATUS_OK;
}
