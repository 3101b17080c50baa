/* Single steps of a decoder's program: skips and scalars. */

#include "codec/avro_compile.h"

/* Records are skipped field by field in line, up to so many in a program; others as trees. */
#define RECORDS_IN_LINE_MAX 4096

struct record_stack {
    const struct record_stack *above;
    const struct avro_schema *record;
};

/* ---- Steps ----------------------------------------------------------------------------------- */

struct step *program_emit(struct compiler *compiler, enum step_code code)
{
    if (compiler->count == compiler->capacity) {
        uint32_t capacity = compiler->capacity == 0 ? 64 : compiler->capacity * 2;
        compiler->steps =
            arena_grow(compiler->arena, compiler->steps, compiler->count * sizeof(struct step),
                       capacity * sizeof(struct step));
        compiler->capacity = capacity;
    }
    struct step *step = &compiler->steps[compiler->count++];
    *step = (struct step){.code = (uint8_t) code};
    return step;
}

struct step *
program_emit_at(struct compiler *compiler, enum step_code code, const struct path *path)
{
    if (compiler->path_count + path->size > compiler->path_capacity) {
        uint32_t capacity = compiler->path_capacity * 2 + PATH_MAX_STEPS;
        compiler->paths =
            arena_grow(compiler->arena, compiler->paths, compiler->path_count * sizeof(uint32_t),
                       capacity * sizeof(uint32_t));
        compiler->path_capacity = capacity;
    }
    struct step *step = program_emit(compiler, code);
    step->path = compiler->path_count;
    step->path_size = path->size;
    memcpy(compiler->paths + compiler->path_count, path->at, path->size * sizeof(uint32_t));
    compiler->path_count += path->size;
    return step;
}

void program_land(struct compiler *compiler, uint32_t step)
{
    compiler->steps[step].jump = compiler->count;
    compiler->target = compiler->count;
}

/* ---- Skipping -------------------------------------------------------------------------------- */

static void emit_skip(struct compiler *compiler, enum step_code code, uint32_t count)
{
    if (compiler->count > compiler->target && compiler->steps[compiler->count - 1].code == code) {
        compiler->steps[compiler->count - 1].count += count;
    } else {
        program_emit(compiler, code)->count = count;
    }
}

static bool in_stack(const struct record_stack *stack, const struct avro_schema *record)
{
    for (; stack != NULL; stack = stack->above) {
        if (strcmp(stack->record->name, record->name) == 0) {
            return true;
        }
    }
    return false;
}

static void compile_skip(struct compiler *compiler,
                         const struct avro_schema *schema,
                         const struct record_stack *stack);

static void skip_union(struct compiler *compiler,
                       const struct avro_schema *schema,
                       const struct record_stack *stack)
{
    for (uint32_t i = 0; schema->branch_count == 2 && i < 2; i++) {
        if (schema->branches[i]->kind == AVRO_NULL) {
            uint32_t step = compiler->count;
            program_emit(compiler, STEP_SKIP_OPTIONAL)->count = i;
            compiler->target = compiler->count;
            compile_skip(compiler, schema->branches[1 - i], stack);
            program_land(compiler, step);
            return;
        }
    }
    program_emit(compiler, STEP_SKIP_TREE)->schema = schema;
}

static void compile_skip(struct compiler *compiler,
                         const struct avro_schema *schema,
                         const struct record_stack *stack)
{
    switch (schema->kind) {
    case AVRO_NULL:
        break;
    case AVRO_BOOLEAN:
        emit_skip(compiler, STEP_SKIP_FIXED, 1);
        break;
    case AVRO_FLOAT:
        emit_skip(compiler, STEP_SKIP_FIXED, 4);
        break;
    case AVRO_DOUBLE:
        emit_skip(compiler, STEP_SKIP_FIXED, 8);
        break;
    case AVRO_INT:
    case AVRO_LONG:
    case AVRO_ENUM:
        emit_skip(compiler, STEP_SKIP_VARINT, 1);
        break;
    case AVRO_BYTES:
    case AVRO_STRING:
        emit_skip(compiler, STEP_SKIP_STRING, 1);
        break;
    case AVRO_FIXED:
        program_emit(compiler, STEP_SKIP_FIXED)->count = schema->fixed_size;
        break;
    case AVRO_UNION:
        skip_union(compiler, schema, stack);
        break;
    case AVRO_RECORD:
        if (!in_stack(stack, schema) && compiler->records_in_line < RECORDS_IN_LINE_MAX) {
            compiler->records_in_line++;
            struct record_stack here = {.above = stack, .record = schema};
            for (uint32_t i = 0; i < schema->field_count; i++) {
                compile_skip(compiler, schema->fields[i].schema, &here);
            }
            break;
        }
        program_emit(compiler, STEP_SKIP_TREE)->schema = schema;
        break;
    default:
        program_emit(compiler, STEP_SKIP_TREE)->schema = schema;
        break;
    }
}

void program_skip(struct compiler *compiler, const struct avro_schema *schema)
{
    compile_skip(compiler, schema, NULL);
}

/* ---- Scalars --------------------------------------------------------------------------------- */

enum status program_unresolved(struct compiler *compiler,
                               const struct avro_schema *writer,
                               const struct type *type)
{
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    type_write(type, &text);
    const char *logical = avro_logical_name(writer->logical);
    return error_set(compiler->error, STATUS_CONFIG, "Avro %s%s%s%s cannot be read as %s",
                     avro_kind_name(writer->kind), logical == NULL ? "" : " (",
                     logical == NULL ? "" : logical, logical == NULL ? "" : ")",
                     buffer_string(&text));
}

/* µs in the unit of a timestamp; 0 for anything else. */
static int64_t timestamp_scale(const struct avro_schema *schema)
{
    switch (schema == NULL ? AVRO_LOGICAL_NONE : schema->logical) {
    case AVRO_TIMESTAMP_MILLIS:
    case AVRO_LOCAL_TIMESTAMP_MILLIS:
        return 1000;
    case AVRO_TIMESTAMP_MICROS:
    case AVRO_LOCAL_TIMESTAMP_MICROS:
        return 1;
    default:
        return 0;
    }
}

static enum status compile_integer(struct compiler *compiler,
                                   const struct avro_schema *writer,
                                   const struct wanted *wanted,
                                   const struct path *path)
{
    enum type_id id = wanted->type->id;
    int64_t scale = timestamp_scale(writer);
    scale = scale == 0 ? timestamp_scale(wanted->reader) : scale;
    if (writer->kind == AVRO_INT &&
        (id == TYPE_INT || id == TYPE_BIGINT || id == TYPE_DATE || id == TYPE_INTERVAL_MONTHS)) {
        (void) program_emit_at(compiler, STEP_INT, path);
    } else if (writer->kind == AVRO_LONG && (id == TYPE_BIGINT || id == TYPE_INTERVAL)) {
        program_emit_at(compiler, STEP_LONG, path)->scale = 1;
    } else if (id == TYPE_TIMESTAMP && scale != 0) {
        program_emit_at(compiler, STEP_LONG, path)->scale = scale;
    } else if (id == TYPE_FLOAT || id == TYPE_DOUBLE) {
        (void) program_emit_at(compiler, STEP_INT_TO_DOUBLE, path);
    } else if (id == TYPE_STRING && wanted->mixed) {
        (void) program_emit_at(compiler, STEP_INT_TO_TEXT, path);
    } else {
        return program_unresolved(compiler, writer, wanted->type);
    }
    return STATUS_OK;
}

static enum status compile_floating(struct compiler *compiler,
                                    const struct avro_schema *writer,
                                    const struct wanted *wanted,
                                    const struct path *path)
{
    bool single = writer->kind == AVRO_FLOAT;
    if (wanted->type->id == TYPE_DOUBLE || (single && wanted->type->id == TYPE_FLOAT)) {
        (void) program_emit_at(compiler, single ? STEP_FLOAT : STEP_DOUBLE, path);
    } else if (wanted->type->id == TYPE_STRING && wanted->mixed) {
        (void) program_emit_at(compiler, single ? STEP_FLOAT_TO_TEXT : STEP_DOUBLE_TO_TEXT, path);
    } else {
        return program_unresolved(compiler, writer, wanted->type);
    }
    return STATUS_OK;
}

static enum status compile_bytes(struct compiler *compiler,
                                 const struct avro_schema *writer,
                                 const struct wanted *wanted,
                                 const struct path *path)
{
    enum type_id id = wanted->type->id;
    const struct avro_schema *decimal = writer;
    if (decimal->logical != AVRO_DECIMAL && wanted->reader != NULL) {
        decimal = wanted->reader;
    }
    if (id == TYPE_DECIMAL && decimal->logical == AVRO_DECIMAL && writer->kind != AVRO_STRING &&
        decimal->scale <= wanted->type->scale) {
        bool fixed = writer->kind == AVRO_FIXED;
        struct step *step =
            program_emit_at(compiler, fixed ? STEP_DECIMAL_FIXED : STEP_DECIMAL, path);
        step->count = (uint32_t) (wanted->type->scale - decimal->scale);
        step->size = writer->fixed_size;
    } else if (id == TYPE_BINARY && writer->kind == AVRO_FIXED) {
        program_emit_at(compiler, STEP_FIXED, path)->count = writer->fixed_size;
    } else if (id == TYPE_BINARY) {
        (void) program_emit_at(compiler, STEP_BYTES, path);
    } else if (id == TYPE_STRING && writer->kind != AVRO_FIXED) {
        (void) program_emit_at(compiler, STEP_STRING, path);
    } else {
        return program_unresolved(compiler, writer, wanted->type);
    }
    return STATUS_OK;
}

static enum status compile_enum(struct compiler *compiler,
                                const struct avro_schema *writer,
                                const struct wanted *wanted,
                                const struct path *path)
{
    if (wanted->type->id != TYPE_STRING) {
        return program_unresolved(compiler, writer, wanted->type);
    }
    const struct avro_schema *reader = wanted->reader;
    struct slice *texts = ARENA_ARRAY(compiler->arena, struct slice, writer->symbol_count);
    for (uint32_t i = 0; i < writer->symbol_count; i++) {
        texts[i] = slice_of_string(writer->symbols[i]);
        if (reader == NULL || reader->kind != AVRO_ENUM) {
            continue;
        }
        bool found = false;
        for (uint32_t j = 0; j < reader->symbol_count && !found; j++) {
            found = strcmp(reader->symbols[j], writer->symbols[i]) == 0;
        }
        if (!found) {
            texts[i] = slice_of_string(reader->enum_default);
        }
    }
    struct step *step = program_emit_at(compiler, STEP_ENUM, path);
    step->count = writer->symbol_count;
    step->texts = texts;
    return STATUS_OK;
}

enum status program_scalar(struct compiler *compiler,
                           const struct avro_schema *writer,
                           const struct wanted *wanted,
                           const struct path *path)
{
    switch (writer->kind) {
    case AVRO_NULL:
        (void) program_emit_at(compiler, STEP_NULL, path);
        return STATUS_OK;
    case AVRO_BOOLEAN:
        if (wanted->type->id != TYPE_BOOLEAN) {
            return program_unresolved(compiler, writer, wanted->type);
        }
        (void) program_emit_at(compiler, STEP_BOOLEAN, path);
        return STATUS_OK;
    case AVRO_INT:
    case AVRO_LONG:
        return compile_integer(compiler, writer, wanted, path);
    case AVRO_FLOAT:
    case AVRO_DOUBLE:
        return compile_floating(compiler, writer, wanted, path);
    case AVRO_ENUM:
        return compile_enum(compiler, writer, wanted, path);
    default: /* bytes, string, fixed */
        return compile_bytes(compiler, writer, wanted, path);
    }
}
