#include "base/settings.h"

#include "base/assert.h"
#include "base/time_text.h"

#include <inttypes.h>

/* Tables that a reference page or a schema needs, each once, in the order they are met. */
#define TABLES_MAX 128

struct tables {
    const struct settings_table *items[TABLES_MAX];
    size_t count;
};

static void collect(struct tables *tables, const struct settings_table *table)
{
    for (size_t i = 0; i < tables->count; i++) {
        if (tables->items[i] == table) {
            return;
        }
    }
    ASSERT(tables->count < TABLES_MAX);
    tables->items[tables->count++] = table;
    for (size_t i = 0; i < table->count; i++) {
        if (table->rows[i].section != NULL) {
            collect(tables, table->rows[i].section);
        }
    }
}

static void append_json_string(struct buffer *target, const char *text)
{
    buffer_append_json(target, slice_of_string(text));
}

/* ---- JSON schema -------------------------------------------------------------------------- */

/* "http source" -> "http-source". */
static void append_definition_name(struct buffer *target, const struct settings_table *table)
{
    for (const char *c = table->name; *c != '\0'; c++) {
        buffer_append_byte(target, *c == ' ' ? '-' : (uint8_t) *c);
    }
}

static void append_reference(struct buffer *target, const struct settings_table *table)
{
    buffer_append_string(target, "{\"$ref\":\"#/$defs/");
    append_definition_name(target, table);
    buffer_append_string(target, "\"}");
}

static void append_choices(struct buffer *target, const struct setting *row)
{
    buffer_append_string(target, "{\"enum\":[");
    for (size_t i = 0; row->choices[i] != NULL; i++) {
        buffer_append_string(target, i == 0 ? "" : ",");
        append_json_string(target, row->choices[i]);
    }
    buffer_append_string(target, "]}");
}

static void append_integer(struct buffer *target, const struct setting *row)
{
    bool any = row->min == 0 && row->max == 0;
    buffer_printf(target, "{\"type\":\"integer\",\"minimum\":%" PRId64, row->min);
    if (!any && row->max != INT64_MAX) {
        buffer_printf(target, ",\"maximum\":%" PRId64, row->max);
    }
    buffer_append_byte(target, '}');
}

static void append_section(struct buffer *target, const struct setting *row)
{
    append_reference(target, row->section);
    if ((row->flags & SETTING_SCALAR_OK) != 0) {
        buffer_append_string(target, ",{\"type\":[\"string\",\"number\",\"boolean\"]}");
    }
}

/* The forms that a value may take, as members of an "anyOf". Wherever a form is not text anyway,
 * text with a ${...} is allowed. */
static void append_forms(struct buffer *target, const struct setting *row)
{
    static const char scalar[] = "{\"type\":[\"string\",\"number\",\"boolean\"]}";
    static const char variable[] = ",{\"type\":\"string\",\"pattern\":\"[$][{]\"}";
    switch (row->type) {
    case SETTING_STRING:
        buffer_append_string(target, scalar);
        break;
    case SETTING_BOOL:
        buffer_printf(target, "{\"type\":\"boolean\"}%s", variable);
        break;
    case SETTING_INT:
        append_integer(target, row);
        buffer_append_string(target, variable);
        break;
    case SETTING_DOUBLE:
        buffer_printf(target, "{\"type\":\"number\"}%s", variable);
        break;
    case SETTING_DURATION:
    case SETTING_BYTES:
        buffer_append_string(target, "{\"type\":[\"string\",\"integer\"]}");
        break;
    case SETTING_CHOICE:
        append_choices(target, row);
        buffer_append_string(target, variable);
        break;
    case SETTING_RATE:
        buffer_append_string(target, "{\"type\":\"string\"}");
        break;
    case SETTING_STRINGS:
        buffer_printf(target, "%s,{\"type\":\"array\",\"items\":%s}", scalar, scalar);
        break;
    case SETTING_PAIRS:
        buffer_append_string(target, "{\"type\":\"object\",\"additionalProperties\":"
                                     "{\"type\":[\"string\",\"number\",\"boolean\",\"null\"]}}");
        break;
    case SETTING_SECTION:
        append_section(target, row);
        break;
    case SETTING_SECTIONS:
        buffer_append_string(
            target,
            "{\"type\":\"object\",\"additionalProperties\":{\"anyOf\":[{\"type\":\"null\"},");
        append_section(target, row);
        buffer_append_string(target, "]}}");
        break;
    case SETTING_NODE:
        buffer_append_string(target, "{}");
        break;
    }
}

static void append_default(struct buffer *target, const struct setting *row)
{
    bool literal =
        row->type == SETTING_BOOL || row->type == SETTING_INT || row->type == SETTING_DOUBLE;
    buffer_append_string(target, ",\"default\":");
    if (literal) {
        buffer_append_string(target, row->default_text);
    } else {
        append_json_string(target, row->default_text);
    }
}

static void append_property(struct buffer *target, const struct setting *row)
{
    append_json_string(target, row->name);
    buffer_append_string(target, ":{\"description\":");
    append_json_string(target, row->help == NULL ? "" : row->help);
    if (row->default_text != NULL && (row->flags & SETTING_SECRET) == 0) {
        append_default(target, row);
    }
    buffer_append_string(target, ",\"anyOf\":[");
    if ((row->flags & SETTING_REQUIRED) == 0) {
        buffer_append_string(target, "{\"type\":\"null\"},");
    }
    append_forms(target, row);
    buffer_append_string(target, "]}");
}

/* The members of a schema object, without its braces. */
static void append_object(struct buffer *target, const struct settings_table *table, bool is_root)
{
    buffer_append_string(target, "\"title\":");
    append_json_string(target, table->name);
    buffer_append_string(target, ",\"description\":");
    append_json_string(target, table->help == NULL ? "" : table->help);
    buffer_printf(target, ",\"type\":%s", is_root ? "\"object\"" : "[\"object\",\"null\"]");
    buffer_append_string(target, ",\"additionalProperties\":false,\"properties\":{");
    for (size_t i = 0; i < table->count; i++) {
        buffer_append_string(target, i == 0 ? "" : ",");
        append_property(target, &table->rows[i]);
    }
    buffer_append_string(target, "},\"required\":[");
    const char *comma = "";
    for (size_t i = 0; i < table->count; i++) {
        if ((table->rows[i].flags & SETTING_REQUIRED) != 0) {
            buffer_append_string(target, comma);
            append_json_string(target, table->rows[i].name);
            comma = ",";
        }
    }
    buffer_append_byte(target, ']');
}

void settings_json_schema(const struct settings_table *table, struct buffer *target)
{
    struct tables tables = {.count = 0};
    collect(&tables, table);
    buffer_append_string(target, "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",");
    append_object(target, table, true);
    buffer_append_string(target, ",\"$defs\":{");
    for (size_t i = 0; i < tables.count; i++) {
        buffer_append_string(target, i == 0 ? "\"" : ",\"");
        append_definition_name(target, tables.items[i]);
        buffer_append_string(target, "\":{");
        append_object(target, tables.items[i], false);
        buffer_append_byte(target, '}');
    }
    buffer_append_string(target, "}}");
}

/* ---- reference page ----------------------------------------------------------------------- */

static const char *const type_names[] = {
    [SETTING_STRING] = "text",
    [SETTING_BOOL] = "true or false",
    [SETTING_INT] = "whole number",
    [SETTING_DOUBLE] = "number",
    [SETTING_DURATION] = "duration, such as `10s`, `7 days`",
    [SETTING_BYTES] = "size, such as `64 KiB`, `1 GiB`",
    [SETTING_CHOICE] = NULL,
    [SETTING_RATE] = "rate, such as `20000 records / 5 min`",
    [SETTING_STRINGS] = "text or list of texts",
    [SETTING_PAIRS] = "map of texts",
    [SETTING_SECTION] = NULL,
    [SETTING_SECTIONS] = NULL,
    [SETTING_NODE] = "anything",
};

/* A cell of a table must stay on its line, and "|" would end it. */
static void append_cell(struct buffer *target, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '|') {
            buffer_append_byte(target, '\\');
        }
        buffer_append_byte(target, *c == '\n' ? ' ' : (uint8_t) *c);
    }
}

/* The anchor that readers of Markdown make from a heading. */
static void append_link(struct buffer *target, const struct settings_table *table)
{
    buffer_append_byte(target, '[');
    append_cell(target, table->name);
    buffer_append_string(target, "](#");
    append_definition_name(target, table);
    buffer_append_byte(target, ')');
}

static void append_range(struct buffer *target, const struct setting *row)
{
    if (row->min == 0 && row->max == 0) {
        return;
    }
    if (row->type == SETTING_DURATION) {
        char low[TIME_TEXT_BYTES];
        char high[TIME_TEXT_BYTES];
        (void) duration_format(row->min, low);
        (void) duration_format(row->max, high);
        if (row->max == INT64_MAX) {
            buffer_printf(target, ", from %s", low);
        } else {
            buffer_printf(target, ", %s to %s", low, high);
        }
    } else if (row->max == INT64_MAX) {
        buffer_printf(target, ", from %" PRId64, row->min);
    } else {
        buffer_printf(target, ", %" PRId64 " to %" PRId64, row->min, row->max);
    }
}

static void append_type(struct buffer *target, const struct setting *row)
{
    switch (row->type) {
    case SETTING_CHOICE:
        for (size_t i = 0; row->choices[i] != NULL; i++) {
            buffer_printf(target, "%s`%s`", i == 0 ? "" : ", ", row->choices[i]);
        }
        break;
    case SETTING_SECTION:
        append_link(target, row->section);
        if ((row->flags & SETTING_SCALAR_OK) != 0) {
            buffer_printf(target, ", or its `%s` alone", row->section->rows[0].name);
        }
        break;
    case SETTING_SECTIONS:
        buffer_append_string(target, "map from names to ");
        append_link(target, row->section);
        break;
    default:
        buffer_append_string(target, type_names[row->type]);
        break;
    }
    if (row->type == SETTING_INT || row->type == SETTING_DURATION || row->type == SETTING_BYTES) {
        append_range(target, row);
    }
}

static void append_row(struct buffer *target, const struct setting *row)
{
    buffer_printf(target, "| `%s` | ", row->name);
    append_type(target, row);
    buffer_append_string(target, " | ");
    if ((row->flags & SETTING_REQUIRED) != 0) {
        buffer_append_string(target, "required");
    } else if (row->default_text != NULL && row->default_text[0] != '\0') {
        buffer_append_byte(target, '`');
        append_cell(target, row->default_text);
        buffer_append_byte(target, '`');
    }
    buffer_append_string(target, " | ");
    append_cell(target, row->help == NULL ? "" : row->help);
    buffer_append_string(target, " |\n");
}

void settings_markdown(const struct settings_table *table, int heading_level, struct buffer *target)
{
    struct tables tables = {.count = 0};
    collect(&tables, table);
    for (size_t i = 0; i < tables.count; i++) {
        const struct settings_table *shown = tables.items[i];
        for (int level = 0; level < heading_level + (i > 0 ? 1 : 0); level++) {
            buffer_append_byte(target, '#');
        }
        buffer_printf(target, " %s\n\n", shown->name);
        if (shown->help != NULL) {
            buffer_printf(target, "%s\n\n", shown->help);
        }
        buffer_append_string(target,
                             "| setting | value | default | meaning |\n|---|---|---|---|\n");
        for (size_t j = 0; j < shown->count; j++) {
            append_row(target, &shown->rows[j]);
        }
        buffer_append_byte(target, '\n');
    }
}
