#include "base/settings.h"

#include "base/assert.h"
#include "base/node_internal.h"
#include "base/time_text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* One value that is read: where it stands, which row describes it, where it goes. */
struct value {
    const struct setting *row;
    struct node *node;
    void *target;
    struct arena *arena;
    struct error *error;
};

/* ---- errors ------------------------------------------------------------------------------- */

/* "FILE:LINE:COLUMN: "name": message". The line itself is shown unless it may hold a secret. */
static enum status
value_error(const struct value *value, const struct node *node, const char *format, ...)
    PRINTF(3, 4);

static enum status
value_error(const struct value *value, const struct node *node, const char *format, ...)
{
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    (void) vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    if ((value->row->flags & SETTING_SECRET) != 0) {
        return error_set(value->error, STATUS_CONFIG, "%s:%d:%d: \"%s\": %s",
                         node->document == NULL ? "" : node->document->name, node->line,
                         node->column, value->row->name, message);
    }
    return node_error(value->error, node, "\"%s\": %s", value->row->name, message);
}

/* The value as a message may show it: in quotes and cut short, or only "the value" for secrets. */
#define SHOWN_BYTES 80

static const char *shown(const struct value *value, const struct node *node, char *target)
{
    bool secret = node->secret || (value->row->flags & SETTING_SECRET) != 0;
    if (secret || node->type != NODE_SCALAR) {
        return "the value";
    }
    int length = node->size > 60 ? 60 : (int) node->size;
    (void) snprintf(target, SHOWN_BYTES, "\"%.*s%s\"", length, node->text,
                    node->size > 60 ? "..." : "");
    return target;
}

static enum status
wrong(const struct value *value, const struct node *node, const char *what, const char *hint)
{
    char text[SHOWN_BYTES];
    (void) value_error(value, node, "%s is not %s", shown(value, node, text), what);
    if (hint != NULL) {
        error_hint(value->error, "%s", hint);
    }
    return STATUS_CONFIG;
}

static enum status
wants_scalar(const struct value *value, const struct node *node, const char *what)
{
    if (node->type == NODE_SCALAR) {
        return STATUS_OK;
    }
    return value_error(value, node, "must be %s, not %s", what,
                       node->type == NODE_MAP    ? "a map"
                       : node->type == NODE_LIST ? "a list"
                                                 : "empty");
}

/* ---- scalars ------------------------------------------------------------------------------ */

static enum status read_string(const struct value *value)
{
    TRY(wants_scalar(value, value->node, "text"));
    *(const char **) value->target = value->node->text;
    return STATUS_OK;
}

static enum status unquoted(const struct value *value, const char *what)
{
    TRY(wants_scalar(value, value->node, what));
    if (value->node->quoted) {
        return wrong(value, value->node, what, "in quotes it is text; write it without");
    }
    return STATUS_OK;
}

static enum status read_bool(const struct value *value)
{
    static const char *const words[] = {"false", "False", "FALSE", "true", "True", "TRUE"};
    TRY(unquoted(value, "true or false"));
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (strcmp(value->node->text, words[i]) == 0) {
            *(bool *) value->target = i >= 3;
            return STATUS_OK;
        }
    }
    return wrong(value, value->node, "true or false", NULL);
}

static bool whole_number(const char *text, int64_t *ret_number)
{
    const char *digits = *text == '-' || *text == '+' ? text + 1 : text;
    if (*digits == '\0' || digits[strspn(digits, "0123456789")] != '\0') {
        return false;
    }
    errno = 0;
    *ret_number = strtoll(text, NULL, 10);
    return errno == 0;
}

/* A bound as the reader would write it. */
static const char *bound_text(const struct setting *row, int64_t bound, char *target)
{
    if (row->type == SETTING_DURATION) {
        (void) duration_format(bound, target);
    } else {
        (void) snprintf(target, TIME_TEXT_BYTES, "%" PRId64 "%s", bound,
                        row->type == SETTING_BYTES ? " bytes" : "");
    }
    return target;
}

static enum status store_in_range(const struct value *value, int64_t number)
{
    const struct setting *row = value->row;
    bool any = row->min == 0 && row->max == 0;
    int64_t max = any ? INT64_MAX : row->max;
    if (number < row->min || number > max) {
        char low[TIME_TEXT_BYTES];
        char high[TIME_TEXT_BYTES];
        char text[SHOWN_BYTES];
        (void) bound_text(row, row->min, low);
        (void) bound_text(row, max, high);
        if (max == INT64_MAX) {
            return value_error(value, value->node, "%s is below %s",
                               shown(value, value->node, text), low);
        }
        return value_error(value, value->node, "%s is not between %s and %s",
                           shown(value, value->node, text), low, high);
    }
    *(int64_t *) value->target = number;
    return STATUS_OK;
}

static enum status read_int(const struct value *value)
{
    int64_t number;
    TRY(unquoted(value, "a whole number"));
    if (!whole_number(value->node->text, &number)) {
        return wrong(value, value->node, "a whole number", NULL);
    }
    return store_in_range(value, number);
}

static enum status read_double(const struct value *value)
{
    TRY(unquoted(value, "a number"));
    const char *text = value->node->text;
    char *end;
    double number = strtod(text, &end);
    /* strtod also takes hexadecimal, infinity and NaN */
    if (end == text || *end != '\0' || strspn(text, "+-.0123456789eE") != strlen(text) ||
        !isfinite(number)) {
        return wrong(value, value->node, "a number", NULL);
    }
    *(double *) value->target = number;
    return STATUS_OK;
}

static enum status
read_amount(const struct value *value,
            const char *what,
            enum status (*parse)(struct slice text, int64_t *ret_amount, struct error *error))
{
    TRY(wants_scalar(value, value->node, what));
    struct error inner;
    int64_t amount;
    if (parse(slice_of(value->node->text, value->node->size), &amount, &inner) != STATUS_OK) {
        return wrong(value, value->node, what, inner.hint);
    }
    return store_in_range(value, amount);
}

static enum status read_duration(const struct value *value)
{
    return read_amount(value, "a duration", duration_parse);
}

static enum status read_bytes(const struct value *value)
{
    return read_amount(value, "a size in bytes", bytes_parse);
}

static enum status read_choice(const struct value *value)
{
    TRY(wants_scalar(value, value->node, "one word"));
    const char *const *choices = value->row->choices;
    char list[256];
    size_t used = 0;
    size_t count = 0;
    for (; choices[count] != NULL; count++) {
        if (strcmp(value->node->text, choices[count]) == 0) {
            *(int *) value->target = (int) count;
            return STATUS_OK;
        }
        if (used < sizeof(list)) {
            const char *comma = count == 0 ? "" : choices[count + 1] == NULL ? " or " : ", ";
            used +=
                (size_t) snprintf(list + used, sizeof(list) - used, "%s%s", comma, choices[count]);
        }
    }
    const char *near = nearest_word(value->node->text, choices, count);
    char text[SHOWN_BYTES];
    (void) value_error(value, value->node, "%s is not %s", shown(value, value->node, text), list);
    if (near != NULL) {
        error_hint(value->error, "did you mean \"%s\"?", near);
    }
    return STATUS_CONFIG;
}

static struct slice trim(struct slice text)
{
    while (text.size > 0 && isspace(text.data[0])) {
        text = slice_of(text.data + 1, text.size - 1);
    }
    while (text.size > 0 && isspace(text.data[text.size - 1])) {
        text.size--;
    }
    return text;
}

/* COUNT [records] / [NUMBER] UNIT */
static bool parse_rate(struct slice text, struct setting_rate *ret_rate)
{
    const uint8_t *slash = memchr(text.data, '/', text.size);
    if (slash == NULL) {
        return false;
    }
    size_t before = (size_t) (slash - text.data);
    struct slice left = trim(slice_of(text.data, before));
    struct slice right = trim(slice_of(slash + 1, text.size - before - 1));

    int64_t count = 0;
    size_t digits = 0;
    for (; digits < left.size && isdigit(left.data[digits]); digits++) {
        if (__builtin_mul_overflow(count, 10, &count) ||
            __builtin_add_overflow(count, left.data[digits] - '0', &count)) {
            return false;
        }
    }
    struct slice word = trim(slice_of(left.data + digits, left.size - digits));
    if (count == 0 || (word.size > 0 && !slice_equal_string(word, "records") &&
                       !slice_equal_string(word, "record"))) {
        return false;
    }
    char duration[64]; /* "s" means "1 s" */
    if (right.size == 0 || right.size > sizeof(duration) - 2) {
        return false;
    }
    bool bare = !isdigit(right.data[0]);
    duration[0] = '1';
    memcpy(duration + (bare ? 1 : 0), right.data, right.size);
    int64_t per_us;
    struct slice amount = slice_of(duration, right.size + (bare ? 1 : 0));
    if (duration_parse(amount, &per_us, NULL) != STATUS_OK || per_us == 0) {
        return false;
    }
    *ret_rate = (struct setting_rate){count, per_us};
    return true;
}

static enum status read_rate(const struct value *value)
{
    TRY(wants_scalar(value, value->node, "a rate"));
    if (strcmp(value->node->text, "none") == 0) {
        *(struct setting_rate *) value->target = (struct setting_rate){0, 0};
        return STATUS_OK;
    }
    if (!parse_rate(slice_of(value->node->text, value->node->size), value->target)) {
        return wrong(value, value->node, "a rate",
                     "write it as 20000 records / 5 min or 10 / s; none for no limit");
    }
    return STATUS_OK;
}

/* ---- lists, maps and sections ------------------------------------------------------------- */

static enum status read_strings(const struct value *value)
{
    struct node *node = value->node;
    bool list = node->type == NODE_LIST;
    size_t count = list ? node->count : 1;
    struct setting_strings strings = {
        .items = ARENA_ARRAY(value->arena, const char *, count),
        .nodes = ARENA_ARRAY(value->arena, struct node *, count),
        .count = count,
    };
    for (size_t i = 0; i < count; i++) {
        struct node *item = list ? node->items[i] : node;
        TRY(wants_scalar(value, item, "text or a list of texts"));
        strings.items[i] = item->text;
        strings.nodes[i] = item;
    }
    *(struct setting_strings *) value->target = strings;
    return STATUS_OK;
}

static enum status wants_map(const struct value *value)
{
    if (value->node->type != NODE_MAP && value->node->type != NODE_NULL) {
        return value_error(value, value->node, "must be a map (name: value)");
    }
    return STATUS_OK;
}

static enum status read_pairs(const struct value *value)
{
    TRY(wants_map(value));
    struct node *node = value->node;
    struct setting_pairs pairs = {ARENA_ARRAY(value->arena, struct setting_pair, node->count),
                                  node->count};
    for (size_t i = 0; i < node->count; i++) {
        struct node *item = node->items[i];
        if (item->type != NODE_NULL) { /* "name:" is an empty text */
            TRY(wants_scalar(value, item, "a map of plain values"));
        }
        pairs.items[i] =
            (struct setting_pair){item->key, item->type == NODE_NULL ? "" : item->text, item};
    }
    *(struct setting_pairs *) value->target = pairs;
    return STATUS_OK;
}

/* A scalar that stands for a section: the value of the section's first row. */
static struct node *wrap_scalar(const struct value *value)
{
    struct node *map = ARENA_NEW(value->arena, struct node);
    struct node *item = ARENA_NEW(value->arena, struct node);
    *map = *value->node;
    *item = *value->node;
    map->type = NODE_MAP;
    map->origin = NULL;
    map->items = ARENA_ARRAY(value->arena, struct node *, 1);
    map->items[0] = item;
    map->count = 1;
    item->key = value->row->section->rows[0].name;
    return map;
}

static enum status
read_struct(const struct value *value, const struct node *node, void **ret_struct)
{
    const struct settings_table *table = value->row->section;
    *ret_struct = arena_zalloc(value->arena, table->struct_size);
    return settings_read(table, node, value->arena, *ret_struct, value->error);
}

static enum status read_section(const struct value *value)
{
    const struct node *node = value->node;
    if (node->type == NODE_SCALAR && (value->row->flags & SETTING_SCALAR_OK) != 0) {
        node = wrap_scalar(value);
    }
    return read_struct(value, node, value->target);
}

static enum status read_sections(const struct value *value)
{
    TRY(wants_map(value));
    struct node *node = value->node;
    struct setting_sections sections = {
        ARENA_ARRAY(value->arena, struct setting_section, node->count), node->count};
    for (size_t i = 0; i < node->count; i++) {
        struct node *item = node->items[i];
        if (item->key[0] == '\0') {
            return value_error(value, item, "a name is empty");
        }
        sections.items[i].name = item->key;
        sections.items[i].node = item;
        struct value entry = *value;
        entry.node = item;
        entry.target = &sections.items[i].value;
        TRY(read_section(&entry));
    }
    *(struct setting_sections *) value->target = sections;
    return STATUS_OK;
}

static enum status read_node(const struct value *value)
{
    *(struct node **) value->target = value->node;
    return STATUS_OK;
}

/* ---- a section ---------------------------------------------------------------------------- */

static const struct {
    enum status (*read)(const struct value *value);
    bool is_scalar;
    bool takes_null; /* "name:" alone is a value, not the default */
} readers[] = {
    [SETTING_STRING] = {read_string, true, false},
    [SETTING_BOOL] = {read_bool, true, false},
    [SETTING_INT] = {read_int, true, false},
    [SETTING_DOUBLE] = {read_double, true, false},
    [SETTING_DURATION] = {read_duration, true, false},
    [SETTING_BYTES] = {read_bytes, true, false},
    [SETTING_CHOICE] = {read_choice, true, false},
    [SETTING_RATE] = {read_rate, true, false},
    [SETTING_STRINGS] = {read_strings, false, false},
    [SETTING_PAIRS] = {read_pairs, false, true},
    [SETTING_SECTION] = {read_section, false, true},
    [SETTING_SECTIONS] = {read_sections, false, true},
    [SETTING_NODE] = {read_node, false, true},
};

/* A default is read as if it stood in the file; one that cannot be is a fault of the table. */
static struct node *default_node(const struct setting *row, struct arena *arena)
{
    struct node *node;
    if (readers[row->type].is_scalar) {
        node = ARENA_NEW(arena, struct node);
        node->type = NODE_SCALAR;
        node->text = row->default_text;
        node->size = strlen(row->default_text);
        return node;
    }
    struct slice text = slice_of_string(row->default_text);
    enum status status = node_parse(text, row->name, arena, &node, NULL);
    ASSERT(status == STATUS_OK);
    return node;
}

static enum status read_row(const struct settings_table *table,
                            const struct setting *row,
                            const struct node *map,
                            struct arena *arena,
                            void *target,
                            struct error *error)
{
    struct node *node = node_get(map, row->name);
    struct value value = {row, node, (char *) target + row->offset, arena, error};
    if (node != NULL && (node->type != NODE_NULL || readers[row->type].takes_null)) {
        return readers[row->type].read(&value);
    }
    if ((row->flags & SETTING_REQUIRED) != 0) {
        if (map == NULL) {
            return error_set(error, STATUS_CONFIG, "%s: \"%s\" is missing", table->name, row->name);
        }
        const struct node *place = node != NULL ? node : map;
        (void) node_error(error, place, "%s: \"%s\" is missing", table->name, row->name);
        error_hint(error, "%s", row->help);
        return STATUS_CONFIG;
    }
    if (row->default_text != NULL) {
        value.node = default_node(row, arena);
        enum status status = readers[row->type].read(&value);
        ASSERT(status == STATUS_OK);
    }
    return STATUS_OK;
}

/* The settings that exist, for a hint. */
static void list_names(const struct settings_table *table, char *target, size_t size)
{
    size_t used = 0;
    target[0] = '\0';
    for (size_t i = 0; i < table->count && used < size; i++) {
        used += (size_t) snprintf(target + used, size - used, "%s%s", i == 0 ? "" : ", ",
                                  table->rows[i].name);
    }
}

static enum status
unknown_key(const struct settings_table *table, const struct node *item, struct error *error)
{
    const char *names[64];
    size_t count = 0;
    for (; count < table->count && count < ARRAY_SIZE(names); count++) {
        names[count] = table->rows[count].name;
    }
    (void) node_error_place(error, item->document, item->key_line, item->key_column,
                            "%s: there is no setting \"%s\"", table->name, item->key);
    const char *near = nearest_word(item->key, names, count);
    if (near != NULL) {
        error_hint(error, "did you mean \"%s\"?", near);
    } else {
        char list[400];
        list_names(table, list, sizeof(list));
        error_hint(error, "it knows %s", list);
    }
    return STATUS_CONFIG;
}

static enum status
check_keys(const struct settings_table *table, const struct node *map, struct error *error)
{
    for (size_t i = 0; map != NULL && i < map->count; i++) {
        size_t row = 0;
        while (row < table->count && strcmp(table->rows[row].name, map->items[i]->key) != 0) {
            row++;
        }
        if (row == table->count) {
            return unknown_key(table, map->items[i], error);
        }
    }
    return STATUS_OK;
}

enum status settings_read(const struct settings_table *table,
                          const struct node *node,
                          struct arena *arena,
                          void *ret_struct,
                          struct error *error)
{
    memset(ret_struct, 0, table->struct_size);
    if (node != NULL && node->type != NODE_MAP && node->type != NODE_NULL) {
        return node_error(error, node, "%s must be a map of settings (name: value)", table->name);
    }
    TRY(check_keys(table, node, error));
    for (size_t i = 0; i < table->count; i++) {
        TRY(read_row(table, &table->rows[i], node, arena, ret_struct, error));
    }
    return STATUS_OK;
}
