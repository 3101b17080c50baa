/* Schema text to model. */

#include "codec/avro_schema.h"

#include "base/map.h"
#include "base/memory.h"
#include "codec/avro_value.h"

/* Deeper schemas than this are refused: the parser and most readers recurse. */
#define DEPTH_MAX 256

struct schema_parser {
    struct arena *arena;
    struct error *error;
    struct map names;     /* full name -> struct avro_schema */
    struct buffer path;   /* of the value being read: "fields[2].type" */
    struct buffer fields; /* struct avro_field * with defaults, checked at the end */
    unsigned depth;
};

static enum status parser_fail(struct schema_parser *parser, const char *format, ...) PRINTF(2, 3);

static enum status parser_fail(struct schema_parser *parser, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    enum status status = error_set_va(parser->error, STATUS_DATA, format, arguments);
    va_end(arguments);
    if (parser->path.size > 0) {
        error_context(parser->error, "%s", buffer_string(&parser->path));
    }
    error_context(parser->error, "not an Avro schema");
    return status;
}

/* Adds a step to the path; returns what to set its size back to. */
static size_t enter(struct schema_parser *parser, const char *step, int index)
{
    size_t before = parser->path.size;
    if (step != NULL) {
        buffer_printf(&parser->path, "%s%s", before == 0 ? "" : ".", step);
    }
    if (index >= 0) {
        buffer_printf(&parser->path, "[%d]", index);
    }
    return before;
}

static void leave(struct schema_parser *parser, size_t before)
{
    parser->path.size = before;
}

static enum status parse_schema(struct schema_parser *parser,
                                const json_t *json,
                                const char *space,
                                const struct avro_schema **ret_schema);

static struct avro_schema *schema_new(struct schema_parser *parser, enum avro_kind kind)
{
    struct avro_schema *schema = ARENA_NEW(parser->arena, struct avro_schema);
    schema->kind = kind;
    return schema;
}

/* ---- Names ----------------------------------------------------------------------------------- */

static bool full_name_valid(const char *name)
{
    for (;;) {
        size_t size = strcspn(name, ".");
        if (!avro_name_valid(slice_of(name, size))) {
            return false;
        }
        if (name[size] == '\0') {
            return true;
        }
        name += size + 1;
    }
}

/* The space of a full name, "" if it has none. */
static const char *space_of(struct schema_parser *parser, const char *full_name)
{
    const char *dot = strrchr(full_name, '.');
    return dot == NULL
               ? ""
               : arena_string(parser->arena, slice_of(full_name, (size_t) (dot - full_name)));
}

static const char *full_name(struct schema_parser *parser, const char *name, const char *space)
{
    if (strchr(name, '.') != NULL || *space == '\0') {
        return arena_strdup(parser->arena, name);
    }
    return arena_printf(parser->arena, "%s.%s", space, name);
}

/* The text of an attribute; *ret_text stays as it is if there is none. */
static enum status text_attribute(struct schema_parser *parser,
                                  const json_t *json,
                                  const char *key,
                                  const char **ret_text)
{
    const json_t *value = json_object_get(json, key);
    if (value == NULL || (json_is_null(value) && strcmp(key, "name") != 0)) {
        return STATUS_OK;
    }
    if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value)) {
        return parser_fail(parser, "\"%s\" must be a string", key);
    }
    *ret_text = json_string_value(value);
    return STATUS_OK;
}

static enum status parse_aliases(struct schema_parser *parser,
                                 const json_t *json,
                                 const char *space,
                                 const char *const **ret_aliases,
                                 uint32_t *ret_count)
{
    const json_t *list = json_object_get(json, "aliases");
    if (list == NULL) {
        return STATUS_OK;
    }
    if (!json_is_array(list)) {
        return parser_fail(parser, "\"aliases\" must be a list of names");
    }
    size_t count = json_array_size(list);
    const char **aliases = ARENA_ARRAY(parser->arena, const char *, count);
    for (size_t i = 0; i < count; i++) {
        const char *alias = json_string_value(json_array_get(list, i));
        if (alias == NULL) {
            return parser_fail(parser, "\"aliases\" must be a list of names");
        }
        aliases[i] =
            space == NULL ? arena_strdup(parser->arena, alias) : full_name(parser, alias, space);
    }
    *ret_aliases = aliases;
    *ret_count = (uint32_t) count;
    return STATUS_OK;
}

/* Reads name, namespace, aliases and doc, and makes the name known. */
static enum status parse_name(struct schema_parser *parser,
                              const json_t *json,
                              const char *space,
                              struct avro_schema *schema)
{
    const char *name = NULL;
    TRY(text_attribute(parser, json, "name", &name));
    TRY(text_attribute(parser, json, "namespace", &space));
    TRY(text_attribute(parser, json, "doc", &schema->doc));
    if (name == NULL) {
        return parser_fail(parser, "a %s needs a \"name\"", avro_kind_name(schema->kind));
    }
    schema->name = full_name(parser, name, space);
    if (!full_name_valid(schema->name)) {
        return parser_fail(parser, "\"%s\" is not a name", schema->name);
    }
    int kind = avro_kind_by_name(schema->name);
    if (kind >= 0 && kind <= AVRO_STRING) {
        return parser_fail(parser, "\"%s\" is the name of a built-in type", schema->name);
    }
    if (map_put_string(&parser->names, schema->name, schema) != NULL) {
        return parser_fail(parser, "\"%s\" is defined twice", schema->name);
    }
    return parse_aliases(parser, json, space_of(parser, schema->name), &schema->aliases,
                         &schema->alias_count);
}

/* ---- Kinds ----------------------------------------------------------------------------------- */

static bool holds_string(const struct avro_schema *schema)
{
    for (uint32_t i = 0; schema->kind == AVRO_UNION && i < schema->branch_count; i++) {
        if (schema->branches[i]->kind == AVRO_STRING) {
            return true;
        }
    }
    return schema->kind == AVRO_STRING;
}

static enum status parse_field(struct schema_parser *parser,
                               const json_t *json,
                               const char *space,
                               struct avro_field *field)
{
    if (!json_is_object(json)) {
        return parser_fail(parser, "a field must be an object");
    }
    TRY(text_attribute(parser, json, "name", &field->name));
    TRY(text_attribute(parser, json, "doc", &field->doc));
    if (field->name == NULL) {
        return parser_fail(parser, "a field needs a \"name\"");
    }
    if (!avro_name_valid(slice_of_string(field->name))) {
        return parser_fail(parser, "\"%s\" is not a name", field->name);
    }
    field->name_size = (uint32_t) strlen(field->name);
    field->source = json;
    TRY(parse_aliases(parser, json, NULL, &field->aliases, &field->alias_count));
    const json_t *type = json_object_get(json, "type");
    if (type == NULL) {
        return parser_fail(parser, "the field \"%s\" has no \"type\"", field->name);
    }
    size_t before = enter(parser, "type", -1);
    const struct avro_schema *schema;
    TRY(parse_schema(parser, type, space, &schema));
    leave(parser, before);
    field->mixed = json_is_true(json_object_get(json, "leat.mixed"));
    if (field->mixed) {
        if (!holds_string(schema)) {
            return parser_fail(parser, "\"leat.mixed\" is for fields that can hold a string");
        }
        struct avro_schema *copy = schema_new(parser, schema->kind);
        *copy = *schema;
        copy->mixed = true;
        schema = copy;
    }
    field->schema = schema;
    field->default_value = json_object_get(json, "default");
    return STATUS_OK;
}

static enum status
parse_record(struct schema_parser *parser, const json_t *json, struct avro_schema *schema)
{
    const json_t *list = json_object_get(json, "fields");
    if (!json_is_array(list)) {
        return parser_fail(parser, "a record needs a list of \"fields\"");
    }
    const char *space = space_of(parser, schema->name);
    size_t count = json_array_size(list);
    struct avro_field *fields = ARENA_ARRAY(parser->arena, struct avro_field, count);
    schema->fields = fields;
    struct map names;
    map_init(&names);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        size_t before = enter(parser, "fields", (int) i);
        status = parse_field(parser, json_array_get(list, i), space, &fields[i]);
        if (status == STATUS_OK && map_put_string(&names, fields[i].name, &fields[i]) != NULL) {
            status = parser_fail(parser, "the field \"%s\" stands twice", fields[i].name);
        }
        if (status == STATUS_OK && fields[i].default_value != NULL) {
            struct avro_field *field = &fields[i];
            buffer_append(&parser->fields, &field, sizeof(field));
        }
        leave(parser, before);
    }
    map_deinit(&names);
    schema->field_count = (uint32_t) count;
    return status;
}

static enum status
parse_enum(struct schema_parser *parser, const json_t *json, struct avro_schema *schema)
{
    const json_t *list = json_object_get(json, "symbols");
    if (!json_is_array(list)) {
        return parser_fail(parser, "an enum needs a list of \"symbols\"");
    }
    size_t count = json_array_size(list);
    const char **symbols = ARENA_ARRAY(parser->arena, const char *, count);
    TRY(text_attribute(parser, json, "default", &schema->enum_default));
    bool default_found = schema->enum_default == NULL;
    for (size_t i = 0; i < count; i++) {
        symbols[i] = json_string_value(json_array_get(list, i));
        if (symbols[i] == NULL || !avro_name_valid(slice_of_string(symbols[i]))) {
            return parser_fail(parser, "symbol %zu is not a name", i);
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(symbols[i], symbols[j]) == 0) {
                return parser_fail(parser, "the symbol \"%s\" stands twice", symbols[i]);
            }
        }
        default_found = default_found || strcmp(symbols[i], schema->enum_default) == 0;
    }
    if (!default_found) {
        return parser_fail(parser, "the default \"%s\" is not a symbol", schema->enum_default);
    }
    schema->symbols = symbols;
    schema->symbol_count = (uint32_t) count;
    return STATUS_OK;
}

static enum status
parse_fixed(struct schema_parser *parser, const json_t *json, struct avro_schema *schema)
{
    const json_t *size = json_object_get(json, "size");
    if (!json_is_integer(size) || json_integer_value(size) < 0 ||
        json_integer_value(size) > INT32_MAX) {
        return parser_fail(parser, "a fixed needs a \"size\" in bytes");
    }
    schema->fixed_size = (uint32_t) json_integer_value(size);
    return STATUS_OK;
}

/* Array and map: one schema below. */
static enum status parse_nested(struct schema_parser *parser,
                                const json_t *json,
                                const char *space,
                                struct avro_schema *schema)
{
    const char *key = schema->kind == AVRO_ARRAY ? "items" : "values";
    const json_t *below = json_object_get(json, key);
    if (below == NULL) {
        return parser_fail(parser, "%s needs \"%s\"", avro_kind_name(schema->kind), key);
    }
    const struct avro_schema **branches = ARENA_ARRAY(parser->arena, const struct avro_schema *, 1);
    size_t before = enter(parser, key, -1);
    TRY(parse_schema(parser, below, space, branches));
    leave(parser, before);
    schema->branches = branches;
    schema->branch_count = 1;
    return STATUS_OK;
}

static bool same_branch(const struct avro_schema *a, const struct avro_schema *b)
{
    return a->kind == b->kind && (a->name == NULL || strcmp(a->name, b->name) == 0);
}

static enum status parse_union(struct schema_parser *parser,
                               const json_t *json,
                               const char *space,
                               const struct avro_schema **ret_schema)
{
    struct avro_schema *schema = schema_new(parser, AVRO_UNION);
    size_t count = json_array_size(json);
    if (count == 0) {
        return parser_fail(parser, "a union needs a branch");
    }
    const struct avro_schema **branches =
        ARENA_ARRAY(parser->arena, const struct avro_schema *, count);
    for (size_t i = 0; i < count; i++) {
        size_t before = enter(parser, NULL, (int) i);
        TRY(parse_schema(parser, json_array_get(json, i), space, &branches[i]));
        if (branches[i]->kind == AVRO_UNION) {
            return parser_fail(parser, "a union cannot hold a union");
        }
        for (size_t j = 0; j < i; j++) {
            if (same_branch(branches[i], branches[j])) {
                return parser_fail(parser, "\"%s\" stands twice in the union",
                                   branches[i]->name == NULL ? avro_kind_name(branches[i]->kind)
                                                             : branches[i]->name);
            }
        }
        leave(parser, before);
    }
    schema->branches = branches;
    schema->branch_count = (uint32_t) count;
    *ret_schema = schema;
    return STATUS_OK;
}

/* A built-in type, or one that was named before. */
static enum status parse_reference(struct schema_parser *parser,
                                   const char *name,
                                   const char *space,
                                   const struct avro_schema **ret_schema)
{
    int kind = avro_kind_by_name(name);
    if (kind >= 0 && kind <= AVRO_STRING) {
        *ret_schema = schema_new(parser, (enum avro_kind) kind);
        return STATUS_OK;
    }
    *ret_schema = map_get_string(&parser->names, full_name(parser, name, space));
    if (*ret_schema == NULL) {
        *ret_schema = map_get_string(&parser->names, name);
    }
    return *ret_schema != NULL ? STATUS_OK : parser_fail(parser, "unknown type \"%s\"", name);
}

static enum status parse_object(struct schema_parser *parser,
                                const json_t *json,
                                const char *space,
                                const struct avro_schema **ret_schema)
{
    const json_t *type = json_object_get(json, "type");
    if (type == NULL) {
        return parser_fail(parser, "a schema needs a \"type\"");
    }
    int kind = json_is_string(type) ? avro_kind_by_name(json_string_value(type)) : -1;
    if (kind < 0) { /* {"type": {...}}, {"type": [...]} or {"type": "some.Name"} */
        size_t before = enter(parser, "type", -1);
        TRY(parse_schema(parser, type, space, ret_schema));
        leave(parser, before);
        return STATUS_OK;
    }
    struct avro_schema *schema = schema_new(parser, (enum avro_kind) kind);
    schema->source = json;
    *ret_schema = schema;
    if (kind == AVRO_RECORD || kind == AVRO_ENUM || kind == AVRO_FIXED) {
        TRY(parse_name(parser, json, space, schema));
    }
    if (kind == AVRO_RECORD) {
        TRY(parse_record(parser, json, schema));
    } else if (kind == AVRO_ENUM) {
        TRY(parse_enum(parser, json, schema));
    } else if (kind == AVRO_FIXED) {
        TRY(parse_fixed(parser, json, schema));
    } else if (kind == AVRO_ARRAY || kind == AVRO_MAP) {
        TRY(parse_nested(parser, json, space, schema));
    }
    schema->mixed = kind == AVRO_STRING && json_is_true(json_object_get(json, "leat.mixed"));
    avro_parse_logical(json, schema);
    return STATUS_OK;
}

static enum status parse_schema(struct schema_parser *parser,
                                const json_t *json,
                                const char *space,
                                const struct avro_schema **ret_schema)
{
    if (parser->depth == DEPTH_MAX) {
        return parser_fail(parser, "nested too deeply");
    }
    parser->depth++;
    if (json_is_string(json)) {
        TRY(parse_reference(parser, json_string_value(json), space, ret_schema));
    } else if (json_is_array(json)) {
        TRY(parse_union(parser, json, space, ret_schema));
    } else if (json_is_object(json)) {
        TRY(parse_object(parser, json, space, ret_schema));
    } else {
        return parser_fail(parser, "a schema must be a name, an object or a list");
    }
    parser->depth--;
    return STATUS_OK;
}

/* Defaults are checked when all names are known, as a default may hold a record that is being
 * defined. */
static enum status check_defaults(struct schema_parser *parser)
{
    CLEANUP(buffer_deinit) struct buffer datum = BUFFER_INIT;
    for (size_t at = 0; at < parser->fields.size; at += sizeof(struct avro_field *)) {
        const struct avro_field *field;
        memcpy(&field, parser->fields.data + at, sizeof(field));
        buffer_clear(&datum);
        if (!avro_encode_default(field->schema, field->default_value, &datum)) {
            return parser_fail(parser, "the default of the field \"%s\" does not fit its type",
                               field->name);
        }
    }
    return STATUS_OK;
}

/* ---- Entry ----------------------------------------------------------------------------------- */

enum status avro_schema_from_json_take(json_t *json,
                                       struct arena *arena,
                                       const struct avro_schema **ret_schema,
                                       struct error *error)
{
    struct schema_parser parser = {.arena = arena, .error = error};
    map_init(&parser.names);
    const struct avro_schema *schema = NULL;
    enum status status = parse_schema(&parser, json, "", &schema);
    if (status == STATUS_OK) {
        status = check_defaults(&parser);
    }
    map_deinit(&parser.names);
    buffer_deinit(&parser.path);
    buffer_deinit(&parser.fields);
    if (status != STATUS_OK) {
        json_decref(json);
        return status;
    }
    struct avro_schema *root = ARENA_NEW(arena, struct avro_schema);
    *root = *schema;
    root->document = json;
    *ret_schema = root;
    return STATUS_OK;
}

enum status avro_schema_parse(struct slice text,
                              struct arena *arena,
                              const struct avro_schema **ret_schema,
                              struct error *error)
{
    json_error_t fault;
    json_t *json =
        json_loadb((const char *) text.data, text.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &fault);
    if (json == NULL) {
        return error_set(error, STATUS_DATA,
                         "not an Avro schema: not JSON: %s at line %d, column %d", fault.text,
                         fault.line, fault.column);
    }
    return avro_schema_from_json_take(json, arena, ret_schema, error);
}
