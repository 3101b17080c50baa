#include "ingest/schema_gate.h"

#include "base/logline.h"
#include "base/memory.h"

/* A source that names its fields anew in each record must not grow a schema without end. */
#define SCHEMA_TEXT_MAX ((size_t) 512 * 1024)

void schema_gate_init(struct schema_gate *gate, const struct schema_policy *policy)
{
    *gate = (struct schema_gate){.policy = *policy};
    arena_init(&gate->arena, 0);
}

void schema_gate_deinit(struct schema_gate *gate)
{
    for (size_t i = 0; i < gate->made_count; i++) {
        avro_schema_release(gate->made[i]);
    }
    mem_free(gate->made);
    arena_deinit(&gate->arena);
}

static void keep(struct schema_gate *gate, const struct avro_schema *schema)
{
    gate->made = mem_realloc(gate->made, (gate->made_count + 1) * sizeof(gate->made[0]));
    gate->made[gate->made_count++] = schema;
}

static enum status parse(struct schema_gate *gate,
                         const char *text,
                         const struct avro_schema **ret_schema,
                         struct error *error)
{
    TRY(avro_schema_parse(slice_of_string(text), &gate->arena, ret_schema, error));
    keep(gate, *ret_schema);
    return STATUS_OK;
}

static bool kind_promotes(enum avro_kind from, enum avro_kind to)
{
    bool number =
        from == AVRO_INT || from == AVRO_LONG || from == AVRO_FLOAT || from == AVRO_DOUBLE;
    return number && (to == AVRO_STRING || (to > from && to <= AVRO_DOUBLE));
}

/* Does `wide` hold all that `narrow` names? Then it has grown from it. */
static bool covers(const struct avro_schema *wide, const struct avro_schema *narrow, bool widened)
{
    if (wide->kind == AVRO_UNION || narrow->kind == AVRO_UNION) {
        uint32_t narrow_count = narrow->kind == AVRO_UNION ? narrow->branch_count : 1;
        uint32_t wide_count = wide->kind == AVRO_UNION ? wide->branch_count : 1;
        for (uint32_t i = 0; i < narrow_count; i++) {
            const struct avro_schema *branch =
                narrow->kind == AVRO_UNION ? narrow->branches[i] : narrow;
            bool found = false;
            for (uint32_t j = 0; j < wide_count && !found; j++) {
                found =
                    covers(wide->kind == AVRO_UNION ? wide->branches[j] : wide, branch, widened);
            }
            if (!found) {
                return false;
            }
        }
        return true;
    }
    if (wide->kind != narrow->kind) {
        return widened && kind_promotes(narrow->kind, wide->kind);
    }
    if (wide->logical != narrow->logical) {
        return false;
    }
    if (wide->kind == AVRO_ARRAY || wide->kind == AVRO_MAP) {
        return covers(wide->branches[0], narrow->branches[0], widened);
    }
    for (uint32_t i = 0; wide->kind == AVRO_RECORD && i < narrow->field_count; i++) {
        const struct avro_field *found = NULL;
        for (uint32_t j = 0; j < wide->field_count && found == NULL; j++) {
            if (strcmp(wide->fields[j].name, narrow->fields[i].name) == 0) {
                found = &wide->fields[j];
            }
        }
        if (found == NULL || !covers(found->schema, narrow->fields[i].schema, widened)) {
            return false;
        }
    }
    return true;
}

/* Registers `schema` and makes it the current one. */
static enum status
adopt(struct schema_gate *gate, const struct avro_schema *schema, struct error *error)
{
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    avro_schema_write(schema, &text);
    if (text.size > SCHEMA_TEXT_MAX) {
        error_set(error, STATUS_CONFLICT, "the schema would grow beyond %zu KiB",
                  SCHEMA_TEXT_MAX / 1024);
        error_hint(error, "a source whose field names are data wants them as a map: declare the "
                          "schema");
        return STATUS_CONFLICT;
    }
    int32_t id;
    TRY(gate->policy.ops->register_schema(gate->policy.schemas, gate->policy.subject,
                                          buffer_string(&text), &id, error));
    gate->current = schema;
    gate->id = id;
    return STATUS_OK;
}

/* The schema that staging last used, or NULL if the registry has lost it. */
static enum status load_stored(struct schema_gate *gate,
                               int32_t stored_id,
                               const struct avro_schema **ret_schema,
                               struct error *error)
{
    *ret_schema = NULL;
    if (stored_id == 0) {
        return STATUS_OK;
    }
    const char *text;
    enum status status =
        gate->policy.ops->by_id(gate->policy.schemas, stored_id, &gate->arena, &text, error);
    if (status == STATUS_NOT_FOUND) {
        logline(LOG_WARN, "ingest", "the registry does not know the schema used last",
                LOG_STRING("subject", gate->policy.subject), LOG_INT("id", stored_id));
        return STATUS_OK;
    }
    TRY(status);
    return parse(gate, text, ret_schema, error);
}

enum status schema_gate_open(struct schema_gate *gate, int32_t stored_id, struct error *error)
{
    const struct avro_schema *stored;
    TRY(load_stored(gate, stored_id, &stored, error));
    if (gate->policy.declared == NULL) {
        gate->current = stored;
        gate->id = stored == NULL ? 0 : stored_id;
        return STATUS_OK;
    }
    const struct avro_schema *declared;
    enum status status = parse(gate, gate->policy.declared, &declared, error);
    if (status == STATUS_DATA) {
        error_context(error, "declared schema");
        if (error != NULL) {
            error->status = STATUS_CONFIG;
        }
        return STATUS_CONFIG;
    }
    TRY(status);
    bool widens = gate->policy.on_type_change == TYPE_CHANGE_WIDEN;
    if (stored != NULL && covers(stored, declared, widens)) {
        gate->current = stored;
        gate->id = stored_id;
        return STATUS_OK;
    }
    status = adopt(gate, declared, error);
    if (status == STATUS_CONFLICT) {
        error_context(error, "the declared schema does not fit subject \"%s\"",
                      gate->policy.subject);
        error_hint(error, "make new fields optional with a default, or choose another topic");
        if (error != NULL) {
            error->status = STATUS_CONFIG;
        }
        return STATUS_CONFIG;
    }
    return status;
}

/* Grows `schema` by each document in turn. One that it cannot hold by the policy adds nothing. */
static const struct avro_schema *grow(struct schema_gate *gate,
                                      const struct avro_schema *schema,
                                      const struct json_document *document,
                                      const uint32_t *values,
                                      size_t count)
{
    bool widen = gate->policy.on_type_change == TYPE_CHANGE_WIDEN;
    for (size_t i = 0; i < count; i++) {
        const struct avro_schema *grown = NULL;
        if (values[i] != UINT32_MAX &&
            avro_schema_evolve(schema, document, values[i], widen, &gate->arena, &grown, NULL) ==
                STATUS_OK &&
            grown != schema) {
            keep(gate, grown);
            schema = grown;
        }
    }
    return schema;
}

enum status schema_gate_page(struct schema_gate *gate,
                             const struct json_document *document,
                             const uint32_t *values,
                             size_t count,
                             struct error *error)
{
    gate->refused = false;
    if (gate->current != NULL || count == 0) {
        return STATUS_OK;
    }
    /* What the topic carries already goes on, even if staging was made anew. */
    struct schema_version latest;
    enum status status = gate->policy.ops->latest(gate->policy.schemas, gate->policy.subject,
                                                  &gate->arena, &latest, error);
    const struct avro_schema *schema;
    if (status == STATUS_OK) {
        TRY(parse(gate, latest.text, &schema, error));
        schema = grow(gate, schema, document, values, count);
        return adopt(gate, schema, error);
    }
    if (status != STATUS_NOT_FOUND) {
        return status;
    }
    const struct json_document **documents =
        arena_alloc(&gate->arena, count * sizeof(documents[0]));
    for (size_t i = 0; i < count; i++) {
        documents[i] = document;
    }
    TRY(avro_schema_infer(documents, values, count, gate->policy.record_name, &gate->arena, &schema,
                          error));
    keep(gate, schema);
    return adopt(gate, schema, error);
}

static enum status encode(struct schema_gate *gate,
                          const struct json_document *document,
                          uint32_t value,
                          struct buffer *target,
                          struct drift *ret_drift,
                          struct error *error)
{
    size_t size = target->size;
    buffer_append_byte(target, 0);
    buffer_append_be32(target, (uint32_t) gate->id);
    bool strict = gate->policy.on_new_field != NEW_FIELD_IGNORE;
    *ret_drift = (struct drift){0};
    enum status status =
        avro_encode_json(gate->current, document, value, strict, target, ret_drift, error);
    if (status != STATUS_OK) {
        target->size = size;
    }
    return status;
}

static enum status stopped(const struct drift *drift, struct error *error)
{
    error_set(error, STATUS_FAILED, "stopped by the schema policy: %s \"%s\"",
              drift->kind == DRIFT_NEW_FIELD ? "new field" : "another type in field", drift->path);
    error_hint(error, "declare the field, or set on_new_field or on_type_change to what to do");
    return STATUS_FAILED;
}

enum status schema_gate_encode(struct schema_gate *gate,
                               const struct json_document *document,
                               const uint32_t *values,
                               size_t count,
                               struct buffer *target,
                               const char **ret_reason,
                               struct error *error)
{
    struct drift drift;
    enum status status = encode(gate, document, values[0], target, &drift, error);
    if (status != STATUS_DATA) {
        return status;
    }
    bool new_field = drift.kind == DRIFT_NEW_FIELD;
    bool type_change = drift.kind == DRIFT_TYPE_CHANGE;
    *ret_reason = new_field                           ? "new-field"
                  : type_change                       ? "type-change"
                  : drift.kind == DRIFT_MISSING_FIELD ? "missing-field"
                                                      : "malformed";
    if ((new_field && gate->policy.on_new_field == NEW_FIELD_STOP) ||
        (type_change && gate->policy.on_type_change == TYPE_CHANGE_STOP)) {
        return stopped(&drift, error);
    }
    bool may_grow = (new_field && gate->policy.on_new_field == NEW_FIELD_ADD) ||
                    (type_change && gate->policy.on_type_change == TYPE_CHANGE_WIDEN);
    if (!may_grow) {
        return STATUS_DATA;
    }
    if (gate->refused) {
        if (error != NULL) {
            *error = gate->refusal;
            error->status = STATUS_DATA;
        }
        return STATUS_DATA;
    }
    const struct avro_schema *grown = grow(gate, gate->current, document, values, count);
    if (grown == gate->current) {
        return STATUS_DATA;
    }
    struct error reason = {0};
    status = adopt(gate, grown, &reason);
    if (status == STATUS_CONFLICT) {
        gate->refused = true;
        error_context(&reason, "field \"%s\": the schema cannot grow", drift.path);
        gate->refusal = reason;
        reason.status = STATUS_DATA;
        status = STATUS_DATA;
    }
    if (status != STATUS_OK) {
        if (error != NULL) {
            *error = reason;
        }
        return status;
    }
    logline(LOG_INFO, "ingest", "the schema grew", LOG_STRING("subject", gate->policy.subject),
            LOG_STRING("field", drift.path), LOG_INT("id", gate->id));
    /* A record that still departs (widening forbidden, say) is refused for what is left. */
    status = encode(gate, document, values[0], target, &drift, error);
    *ret_reason = drift.kind == DRIFT_TYPE_CHANGE ? "type-change" : *ret_reason;
    return status;
}
