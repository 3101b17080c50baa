/*
 * JSON records to Avro data.
 *
 * Members usually come in the order of the schema's fields: the encoder expects the next field's
 * name at the next member and searches only if it is not there.
 */

#include "codec/avro_encoder.h"

static enum status encode_value(struct encoder *encoder,
                                const struct avro_schema *schema,
                                uint32_t index,
                                bool mixed,
                                const struct json_place *place);
/* ---- Departures ------------------------------------------------------------------------------ */

static enum status depart(struct encoder *encoder,
                          enum drift_kind kind,
                          uint32_t value,
                          const struct json_place *place,
                          const char *format,
                          ...) PRINTF(5, 6);

static enum status depart(struct encoder *encoder,
                          enum drift_kind kind,
                          uint32_t value,
                          const struct json_place *place,
                          const char *format,
                          ...)
{
    if (encoder->quiet) {
        return STATUS_DATA;
    }
    encoder->drift->kind = kind;
    encoder->drift->value = value;
    json_place_write(place, encoder->drift->path, sizeof(encoder->drift->path));
    va_list arguments;
    va_start(arguments, format);
    (void) error_set_va(encoder->error, STATUS_DATA, format, arguments);
    va_end(arguments);
    if (place != NULL) {
        error_context(encoder->error, "field \"%s\"", encoder->drift->path);
    }
    return STATUS_DATA;
}

static const char *kind_text(const struct avro_schema *schema)
{
    const char *logical = avro_logical_name(schema->logical);
    return schema->name != NULL ? schema->name
           : logical != NULL    ? logical
                                : avro_kind_name(schema->kind);
}

static enum status type_change(struct encoder *encoder,
                               const struct avro_schema *schema,
                               uint32_t index,
                               const struct json_place *place)
{
    if (encoder->quiet) {
        return STATUS_DATA;
    }
    struct slice raw = json_raw(encoder->document, index);
    bool cut = raw.size > 60;
    return depart(encoder, DRIFT_TYPE_CHANGE, index, place, "%.*s%s is not of type %s",
                  cut ? 60 : (int) raw.size, (const char *) raw.data, cut ? "..." : "",
                  kind_text(schema));
}

/* ---- Records --------------------------------------------------------------------------------- */

/* Members of one object while its fields are encoded. */
struct members {
    uint32_t first;   /* tape index of the first name */
    uint32_t end;     /* behind the last value */
    uint32_t next;    /* where the next field is expected */
    uint32_t matched; /* members that a field took */
    bool last_wins;   /* a name stands twice: search all */
};

static inline bool
name_is(const struct json_document *document, uint32_t index, const char *name, uint32_t size)
{
    const struct json_value *value = json_at(document, index);
    if (__builtin_expect((value->flags & JSON_ESCAPED) != 0, 0)) {
        return json_text_is(document, index, slice_of(name, size));
    }
    return value->size == size && memcmp(document->text.data + value->start, name, size) == 0;
}

static uint32_t search(const struct json_document *document,
                       struct members *members,
                       const char *name,
                       uint32_t size)
{
    uint32_t found = UINT32_MAX;
    for (uint32_t at = members->first; at < members->end; at = json_at(document, at + 1)->next) {
        if (name_is(document, at, name, size)) {
            found = at;
            if (!members->last_wins) {
                break;
            }
        }
    }
    return found;
}

/* Tape index of the field's value, or UINT32_MAX. */
static inline uint32_t find_value(const struct json_document *document,
                                  struct members *members,
                                  const struct avro_field *field)
{
    uint32_t at = members->next;
    if (at >= members->end || members->last_wins ||
        !name_is(document, at, field->name, field->name_size)) {
        at = search(document, members, field->name, field->name_size);
        for (uint32_t i = 0; i < field->alias_count && at == UINT32_MAX; i++) {
            at = search(document, members, field->aliases[i], (uint32_t) strlen(field->aliases[i]));
        }
        if (at == UINT32_MAX) {
            return at;
        }
    }
    members->matched++;
    members->next = json_at(document, at + 1)->next;
    return at + 1;
}

static enum status encode_missing(struct encoder *encoder,
                                  const struct avro_field *field,
                                  const struct json_place *place)
{
    const struct avro_schema *schema = field->schema;
    if (field->default_value != NULL && !json_is_null(field->default_value)) {
        bool fits = avro_encode_default(schema, field->default_value, encoder->target);
        return fits ? STATUS_OK
                    : depart(encoder, DRIFT_MISSING_FIELD, UINT32_MAX, place,
                             "its default is wrong");
    }
    if (schema->kind == AVRO_NULL) {
        return STATUS_OK;
    }
    for (uint32_t i = 0; schema->kind == AVRO_UNION && i < schema->branch_count; i++) {
        if (schema->branches[i]->kind == AVRO_NULL) {
            buffer_append_zigzag(encoder->target, i);
            return STATUS_OK;
        }
    }
    return depart(encoder, DRIFT_MISSING_FIELD, UINT32_MAX, place,
                  "it is missing, and the schema has no default for it");
}

static enum status encode_fields(struct encoder *encoder,
                                 const struct avro_schema *schema,
                                 struct members *members,
                                 const struct json_place *above)
{
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const struct avro_field *field = &schema->fields[i];
        struct json_place place = {.above = above,
                                   .name = {(const uint8_t *) field->name, field->name_size}};
        uint32_t value = find_value(encoder->document, members, field);
        if (value == UINT32_MAX) {
            TRY(encode_missing(encoder, field, &place));
        } else {
            TRY(encode_value(encoder, field->schema, value, field->mixed, &place));
        }
    }
    return STATUS_OK;
}

static bool field_known(const struct encoder *encoder,
                        const struct avro_schema *schema,
                        uint32_t name,
                        uint32_t *hint)
{
    for (uint32_t i = 0; i < schema->field_count; i++) {
        uint32_t at = (*hint + i) % schema->field_count;
        const struct avro_field *field = &schema->fields[at];
        bool found = name_is(encoder->document, name, field->name, field->name_size);
        for (uint32_t j = 0; j < field->alias_count && !found; j++) {
            found = name_is(encoder->document, name, field->aliases[j],
                            (uint32_t) strlen(field->aliases[j]));
        }
        if (found) {
            *hint = at + 1;
            return true;
        }
    }
    return false;
}

/* Some members were not taken: are they new, or do names stand twice? */
static enum status check_others(struct encoder *encoder,
                                const struct avro_schema *schema,
                                const struct members *members,
                                const struct json_place *above,
                                bool *ret_twice)
{
    uint32_t known = 0;
    uint32_t hint = 0;
    for (uint32_t at = members->first; at < members->end;
         at = json_at(encoder->document, at + 1)->next) {
        if (field_known(encoder, schema, at, &hint)) {
            known++;
        } else if (encoder->strict) {
            struct json_place place = {.above = above,
                                       .name = json_text(encoder->document, at, &encoder->arena)};
            if (memchr(place.name.data, 0, place.name.size) != NULL) {
                return depart(encoder, DRIFT_NAMES, at + 1, above,
                              "the name of a field has a NUL character");
            }
            return depart(encoder, DRIFT_NEW_FIELD, at + 1, &place,
                          "the schema does not have this field");
        }
    }
    *ret_twice = known > members->matched;
    return STATUS_OK;
}

/* "a b" and "a_b" can be one field, where Avro refuses the first: which value would count? */
static enum status check_names(struct encoder *encoder,
                               const struct avro_schema *schema,
                               struct members *members,
                               const struct json_place *above)
{
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const struct avro_field *field = &schema->fields[i];
        const char *taken = NULL;
        for (uint32_t j = 0; field->alias_count > 0 && j <= field->alias_count; j++) {
            const char *name = j == 0 ? field->name : field->aliases[j - 1];
            uint32_t at = search(encoder->document, members, name, (uint32_t) strlen(name));
            if (at == UINT32_MAX || (taken != NULL && strcmp(taken, name) == 0)) {
                continue;
            }
            if (taken != NULL) {
                struct json_place place = {.above = above, .name = slice_of_string(name)};
                return depart(encoder, DRIFT_NAMES, at + 1, &place,
                              "it and \"%s\" are one field of the schema", taken);
            }
            taken = name;
        }
    }
    return STATUS_OK;
}

static enum status encode_record(struct encoder *encoder,
                                 const struct avro_schema *schema,
                                 uint32_t index,
                                 const struct json_place *place)
{
    const struct json_value *object = json_at(encoder->document, index);
    if (object->kind != JSON_KIND_OBJECT) {
        return type_change(encoder, schema, index, place);
    }
    size_t before = encoder->target->size;
    struct members members = {.first = index + 1, .end = object->next, .next = index + 1};
    TRY(encode_fields(encoder, schema, &members, place));
    if (__builtin_expect(members.matched == object->count, 1)) {
        return STATUS_OK;
    }
    bool twice = false;
    TRY(check_others(encoder, schema, &members, place, &twice));
    if (twice) {
        TRY(check_names(encoder, schema, &members, place));
        encoder->target->size = before;
        members.last_wins = true;
        return encode_fields(encoder, schema, &members, place);
    }
    return STATUS_OK;
}

/* ---- Arrays, maps, unions -------------------------------------------------------------------- */

static enum status encode_array(struct encoder *encoder,
                                const struct avro_schema *schema,
                                uint32_t index,
                                const struct json_place *above)
{
    const struct json_value *array = json_at(encoder->document, index);
    if (array->kind != JSON_KIND_ARRAY) {
        return type_change(encoder, schema, index, above);
    }
    uint32_t count = array->count;
    if (count > 0) {
        buffer_append_zigzag(encoder->target, count);
    }
    uint32_t at = index + 1;
    for (uint32_t i = 0; i < count; i++) {
        struct json_place place = {.above = above, .index = i};
        TRY(encode_value(encoder, schema->branches[0], at, false, &place));
        at = json_at(encoder->document, at)->next;
    }
    buffer_append_byte(encoder->target, 0);
    return STATUS_OK;
}

static enum status encode_map(struct encoder *encoder,
                              const struct avro_schema *schema,
                              uint32_t index,
                              const struct json_place *above)
{
    const struct json_value *object = json_at(encoder->document, index);
    if (object->kind != JSON_KIND_OBJECT) {
        return type_change(encoder, schema, index, above);
    }
    uint32_t count = object->count;
    if (count > 0) {
        buffer_append_zigzag(encoder->target, count);
    }
    uint32_t at = index + 1;
    for (uint32_t i = 0; i < count; i++) {
        struct slice key = json_text(encoder->document, at, &encoder->arena);
        struct json_place place = {.above = above, .name = key};
        encoder_bytes(encoder->target, key);
        TRY(encode_value(encoder, schema->branches[0], at + 1, false, &place));
        at = json_at(encoder->document, at + 1)->next;
    }
    buffer_append_byte(encoder->target, 0);
    return STATUS_OK;
}

/* Tries one branch; what it wrote is undone if it does not fit. */
static bool try_branch(struct encoder *encoder,
                       const struct avro_schema *schema,
                       uint32_t branch,
                       uint32_t index,
                       bool mixed)
{
    size_t before = encoder->target->size;
    bool quiet = encoder->quiet;
    buffer_append_zigzag(encoder->target, branch);
    encoder->quiet = true;
    enum status status = encode_value(encoder, schema->branches[branch], index, mixed, NULL);
    encoder->quiet = quiet;
    if (status != STATUS_OK) {
        encoder->target->size = before;
    }
    return status == STATUS_OK;
}

/* With "leat.mixed" the string takes numbers with their digits; otherwise a number goes where its
 * value fits, and into the string only if it fits nowhere else. */
static enum status encode_union_of_many(struct encoder *encoder,
                                        const struct avro_schema *schema,
                                        uint32_t index,
                                        bool mixed,
                                        const struct json_place *place)
{
    bool number_branch = false;
    bool string_branch = false;
    for (uint32_t i = 0; i < schema->branch_count; i++) {
        enum avro_kind kind = schema->branches[i]->kind;
        number_branch = number_branch || (kind >= AVRO_INT && kind <= AVRO_DOUBLE);
        string_branch = string_branch || kind == AVRO_STRING;
    }
    for (uint32_t i = 0; mixed && i < schema->branch_count; i++) {
        if (schema->branches[i]->kind == AVRO_STRING &&
            try_branch(encoder, schema, i, index, true)) {
            return STATUS_OK;
        }
    }
    for (uint32_t i = 0; i < schema->branch_count; i++) {
        if (try_branch(encoder, schema, i, index, false)) {
            return STATUS_OK;
        }
    }
    for (uint32_t i = 0; string_branch && number_branch && i < schema->branch_count; i++) {
        if (schema->branches[i]->kind == AVRO_STRING &&
            try_branch(encoder, schema, i, index, true)) {
            return STATUS_OK;
        }
    }
    return type_change(encoder, schema, index, place);
}

static enum status encode_union(struct encoder *encoder,
                                const struct avro_schema *schema,
                                uint32_t index,
                                bool mixed,
                                const struct json_place *place)
{
    bool null = json_at(encoder->document, index)->kind == JSON_KIND_NULL;
    if (schema->branch_count == 2) { /* ["null", T] or [T, "null"] */
        for (uint32_t i = 0; i < 2; i++) {
            if (schema->branches[i]->kind == AVRO_NULL) {
                uint32_t branch = null ? i : 1 - i;
                buffer_append_byte(encoder->target, (uint8_t) (branch << 1));
                return null ? STATUS_OK
                            : encode_value(encoder, schema->branches[branch], index, mixed, place);
            }
        }
    }
    if (schema->branch_count == 1) {
        buffer_append_byte(encoder->target, 0);
        return encode_value(encoder, schema->branches[0], index, mixed, place);
    }
    return encode_union_of_many(encoder, schema, index, mixed, place);
}

static enum status encode_value(struct encoder *encoder,
                                const struct avro_schema *schema,
                                uint32_t index,
                                bool mixed,
                                const struct json_place *place)
{
    switch (schema->kind) {
    case AVRO_RECORD:
        return encode_record(encoder, schema, index, place);
    case AVRO_ARRAY:
        return encode_array(encoder, schema, index, place);
    case AVRO_MAP:
        return encode_map(encoder, schema, index, place);
    case AVRO_UNION:
        return encode_union(encoder, schema, index, mixed, place);
    default:
        return encoder_scalar(encoder, schema, index, mixed)
                   ? STATUS_OK
                   : type_change(encoder, schema, index, place);
    }
}

enum status avro_encode_json(const struct avro_schema *schema,
                             const struct json_document *document,
                             uint32_t index,
                             bool strict_fields,
                             struct buffer *target,
                             struct drift *ret_drift,
                             struct error *error)
{
    struct drift ignored;
    struct encoder encoder = {
        .document = document,
        .target = target,
        .drift = ret_drift == NULL ? &ignored : ret_drift,
        .error = error,
        .strict = strict_fields,
    };
    encoder.drift->kind = DRIFT_NONE;
    encoder.drift->path[0] = '\0';
    encoder.drift->value = UINT32_MAX;
    arena_init(&encoder.arena, 4096);
    size_t before = target->size;
    enum status status = encode_value(&encoder, schema, index, false, NULL);
    if (status != STATUS_OK) {
        target->size = before;
    }
    arena_deinit(&encoder.arena);
    return status;
}
