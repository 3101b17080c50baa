/* From a writer's schema and the columns wanted to a decoder's program. */

#include "codec/avro_compile.h"

#include "base/assert.h"

#include <stdio.h>
#include <strings.h>

static enum status compile_value(struct compiler *compiler,
                                 const struct avro_schema *writer,
                                 struct wanted wanted,
                                 const struct path *path);

static struct path below(const struct path *path, uint32_t child)
{
    struct path result = *path;
    ASSERT(result.size < PATH_MAX_STEPS); /* checked on entry: types are not as deep */
    result.at[result.size++] = child;
    return result;
}

/* ---- Records --------------------------------------------------------------------------------- */

static int field_without_case(const struct avro_schema *record, const char *name)
{
    int exact = avro_field_index(record, slice_of_string(name));
    for (uint32_t i = 0; exact < 0 && i < record->field_count; i++) {
        if (strcasecmp(record->fields[i].name, name) == 0) {
            return (int) i;
        }
    }
    return exact;
}

/* The writer's field for a wanted one: its name, the reader's aliases of it, the writer's own. */
static int writer_field(const struct avro_schema *writer,
                        const struct avro_field *reader_field,
                        const char *name)
{
    int found = field_without_case(writer, name);
    for (uint32_t i = 0; found < 0 && reader_field != NULL && i < reader_field->alias_count; i++) {
        found = field_without_case(writer, reader_field->aliases[i]);
    }
    for (uint32_t i = 0; found < 0 && i < writer->field_count; i++) {
        for (uint32_t j = 0; j < writer->fields[i].alias_count; j++) {
            if (strcasecmp(writer->fields[i].aliases[j], name) == 0) {
                return (int) i;
            }
        }
    }
    return found;
}

/* The reader's field for a column: its name or one of its aliases. */
static const struct avro_field *reader_field(const struct avro_schema *reader, const char *name)
{
    if (reader == NULL || reader->kind != AVRO_RECORD) {
        return NULL;
    }
    int found = writer_field(reader, NULL, name);
    return found < 0 ? NULL : &reader->fields[found];
}

static enum status compile_missing(struct compiler *compiler,
                                   const struct avro_field *field,
                                   const struct type *type,
                                   const struct path *path)
{
    if (field == NULL || field->default_value == NULL) {
        (void) program_emit_at(compiler, STEP_NULL, path);
        return STATUS_OK;
    }
    CLEANUP(buffer_deinit) struct buffer datum = BUFFER_INIT;
    if (!avro_encode_default(field->schema, field->default_value, &datum)) {
        return error_set(compiler->error, STATUS_CONFIG, "its default does not fit its type");
    }
    uint32_t step = compiler->count;
    program_emit(compiler, STEP_DEFAULT)->bytes = arena_copy(compiler->arena, buffer_slice(&datum));
    compiler->target = compiler->count;
    struct wanted wanted = {.reader = field->schema, .type = type, .mixed = field->mixed};
    TRY(compile_value(compiler, field->schema, wanted, path));
    program_land(compiler, step);
    return STATUS_OK;
}

/* `path` NULL: the record itself, whose fields are the builders. */
static enum status compile_fields(struct compiler *compiler,
                                  const struct avro_schema *writer,
                                  const struct avro_schema *reader,
                                  const struct type *type,
                                  const struct path *path)
{
    static const struct path root = {.size = 0};
    uint32_t count = type->field_count;
    const struct avro_field **readers =
        ARENA_ARRAY(compiler->arena, const struct avro_field *, count);
    int *column_of = ARENA_ARRAY(compiler->arena, int, writer->field_count);
    bool *found = ARENA_ARRAY(compiler->arena, bool, count);
    memset(column_of, 0xff, writer->field_count * sizeof(*column_of)); /* -1 */
    for (uint32_t i = 0; i < count; i++) {
        readers[i] = reader_field(reader, type->fields[i].name);
        int at = writer_field(writer, readers[i], type->fields[i].name);
        if (at >= 0 && column_of[at] < 0) {
            column_of[at] = (int) i;
            found[i] = true;
        }
    }
    for (uint32_t i = 0; i < writer->field_count; i++) {
        int column = column_of[i];
        const struct avro_field *field = &writer->fields[i];
        if (column < 0) {
            program_skip(compiler, field->schema);
            continue;
        }
        struct path here = below(path == NULL ? &root : path, (uint32_t) column);
        struct wanted wanted = {
            .reader = readers[column] == NULL ? NULL : readers[column]->schema,
            .type = type->fields[column].type,
            .mixed = field->mixed || (readers[column] != NULL && readers[column]->mixed),
        };
        enum status status = compile_value(compiler, field->schema, wanted, &here);
        if (status != STATUS_OK) {
            error_context(compiler->error, "field \"%s\"", type->fields[column].name);
            return status;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        struct path here = below(path == NULL ? &root : path, i);
        if (!found[i]) {
            TRY(compile_missing(compiler, readers[i], type->fields[i].type, &here));
        }
    }
    if (path != NULL) {
        (void) program_emit_at(compiler, STEP_STRUCT_END, path);
    }
    return STATUS_OK;
}

static enum status compile_list(struct compiler *compiler,
                                const struct avro_schema *writer,
                                const struct wanted *wanted,
                                const struct path *path)
{
    bool map = writer->kind == AVRO_MAP;
    const struct type *type = wanted->type;
    if (type->id != (map ? TYPE_MAP : TYPE_ARRAY) ||
        (map && type->fields[0].type->id != TYPE_STRING)) {
        return program_unresolved(compiler, writer, type);
    }
    uint32_t step = compiler->count;
    (void) program_emit_at(compiler, map ? STEP_MAP : STEP_ARRAY, path);
    compiler->target = compiler->count;
    const struct avro_schema *reader = wanted->reader;
    bool same = reader != NULL && reader->kind == writer->kind;
    struct path item = below(path, map ? 1 : 0);
    struct wanted inner = {.reader = same ? reader->branches[0] : NULL,
                           .type = type->fields[map ? 1 : 0].type};
    TRY(compile_value(compiler, writer->branches[0], inner, &item));
    program_land(compiler, step);
    return STATUS_OK;
}

/* ---- Unions ---------------------------------------------------------------------------------- */

/* Is this what avro_schema_type makes of a union of several: STRUCT<member0, member1, ...>? */
static bool is_member_struct(const struct type *type)
{
    return type->id == TYPE_STRUCT && type->field_count > 0 &&
           strncasecmp(type->fields[0].name, "member", 6) == 0 && type->fields[0].name[6] >= '0' &&
           type->fields[0].name[6] <= '9';
}

static bool same_kind(const struct avro_schema *a, const struct avro_schema *b)
{
    return a->kind == b->kind && (a->name == NULL || strcmp(a->name, b->name) == 0);
}

/* The column for a branch: by its place among the reader's branches (or `place` without one). */
static int
member_column(const struct wanted *wanted, const struct avro_schema *branch, uint32_t place)
{
    const struct avro_schema *reader = wanted->reader;
    if (reader != NULL && reader->kind == AVRO_UNION) {
        uint32_t member = 0;
        bool found = false;
        for (uint32_t i = 0; i < reader->branch_count && !found; i++) {
            found = same_kind(reader->branches[i], branch);
            member += !found && reader->branches[i]->kind != AVRO_NULL;
        }
        if (!found) {
            return -1;
        }
        place = member;
    }
    char name[24];
    (void) snprintf(name, sizeof(name), "member%u", place);
    return type_field_index(wanted->type, name);
}

static enum status compile_member(struct compiler *compiler,
                                  const struct avro_schema *branch,
                                  uint32_t place,
                                  const struct wanted *wanted,
                                  const struct path *path)
{
    int column = member_column(wanted, branch, place);
    for (uint32_t i = 0; i < wanted->type->field_count; i++) {
        struct path here = below(path, i);
        if ((int) i == column) {
            struct wanted inner = {.type = wanted->type->fields[i].type};
            TRY(compile_value(compiler, branch, inner, &here));
        } else {
            (void) program_emit_at(compiler, STEP_NULL, &here);
        }
    }
    if (column < 0) {
        program_skip(compiler, branch);
    }
    (void) program_emit_at(compiler, STEP_STRUCT_END, path);
    return STATUS_OK;
}

static enum status compile_branch(struct compiler *compiler,
                                  const struct avro_schema *branch,
                                  uint32_t place,
                                  const struct wanted *wanted,
                                  const struct path *path)
{
    if (branch->kind == AVRO_NULL) {
        (void) program_emit_at(compiler, STEP_NULL, path);
        return STATUS_OK;
    }
    if (is_member_struct(wanted->type)) {
        return compile_member(compiler, branch, place, wanted, path);
    }
    return compile_value(compiler, branch, *wanted, path);
}

/* A branch that cannot be read as what is wanted fails the record that has it. */
static enum status compile_branches(struct compiler *compiler,
                                    const struct avro_schema *writer,
                                    const struct wanted *wanted,
                                    const struct path *path)
{
    uint32_t *jumps = ARENA_ARRAY(compiler->arena, uint32_t, writer->branch_count);
    uint32_t *ends = ARENA_ARRAY(compiler->arena, uint32_t, writer->branch_count);
    uint32_t step = compiler->count;
    struct step *choice = program_emit(compiler, STEP_UNION);
    choice->count = writer->branch_count;
    choice->jumps = jumps;
    uint32_t place = 0;
    uint32_t good = 0;
    for (uint32_t i = 0; i < writer->branch_count; i++) {
        const struct avro_schema *branch = writer->branches[i];
        jumps[i] = compiler->target = compiler->count;
        if (compile_branch(compiler, branch, place, wanted, path) != STATUS_OK) {
            compiler->count = jumps[i];
            program_emit(compiler, STEP_FAIL)->text = "a union branch that the reader cannot hold";
        } else {
            good += branch->kind != AVRO_NULL;
        }
        place += branch->kind != AVRO_NULL;
        ends[i] = compiler->count;
        (void) program_emit(compiler, STEP_JUMP);
    }
    for (uint32_t i = 0; i < writer->branch_count; i++) {
        program_land(compiler, ends[i]);
    }
    if (good == 0 && place > 0) {
        compiler->count = step;
        return program_unresolved(compiler, writer, wanted->type);
    }
    if (compiler->error != NULL) {
        error_clear(compiler->error);
    }
    return STATUS_OK;
}

static enum status compile_union(struct compiler *compiler,
                                 const struct avro_schema *writer,
                                 const struct wanted *wanted,
                                 const struct path *path)
{
    if (writer->branch_count != 2 || is_member_struct(wanted->type)) {
        return compile_branches(compiler, writer, wanted, path);
    }
    for (uint32_t i = 0; i < 2; i++) {
        if (writer->branches[i]->kind == AVRO_NULL) {
            uint32_t step = compiler->count;
            program_emit_at(compiler, STEP_OPTIONAL, path)->count = i;
            compiler->target = compiler->count;
            TRY(compile_value(compiler, writer->branches[1 - i], *wanted, path));
            program_land(compiler, step);
            return STATUS_OK;
        }
    }
    return compile_branches(compiler, writer, wanted, path);
}

/* ---- Values ---------------------------------------------------------------------------------- */

static enum status compile_plain(struct compiler *compiler,
                                 const struct avro_schema *writer,
                                 const struct wanted *wanted,
                                 const struct path *path)
{
    switch (writer->kind) {
    case AVRO_ARRAY:
    case AVRO_MAP:
        return compile_list(compiler, writer, wanted, path);
    case AVRO_RECORD:
        if (wanted->type->id != TYPE_STRUCT) {
            return program_unresolved(compiler, writer, wanted->type);
        }
        return compile_fields(compiler, writer, wanted->reader, wanted->type, path);
    default:
        return program_scalar(compiler, writer, wanted, path);
    }
}

static enum status compile_value(struct compiler *compiler,
                                 const struct avro_schema *writer,
                                 struct wanted wanted,
                                 const struct path *path)
{
    wanted.mixed = wanted.mixed || writer->mixed || wanted.reader == NULL || wanted.reader->mixed;
    if (wanted.type->id == TYPE_NULL) {
        program_skip(compiler, writer);
        (void) program_emit_at(compiler, STEP_NULL, path);
        return STATUS_OK;
    }
    if (writer->kind == AVRO_UNION) {
        return compile_union(compiler, writer, &wanted, path);
    }
    bool union_wanted = wanted.reader != NULL && wanted.reader->kind == AVRO_UNION;
    if (union_wanted && is_member_struct(wanted.type)) {
        return compile_member(compiler, writer, 0, &wanted, path);
    }
    if (union_wanted) { /* the branch that this is */
        const struct avro_schema *reader = wanted.reader;
        wanted.reader = avro_schema_plain(reader, NULL);
        for (uint32_t i = 0; i < reader->branch_count && wanted.reader == NULL; i++) {
            wanted.reader = same_kind(reader->branches[i], writer) ? reader->branches[i] : NULL;
        }
    }
    return compile_plain(compiler, writer, &wanted, path);
}

static unsigned type_depth(const struct type *type)
{
    unsigned deepest = 0;
    for (uint32_t i = 0; i < type->field_count; i++) {
        unsigned depth = type_depth(type->fields[i].type);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + 1;
}

enum status avro_decoder_new(const struct avro_schema *writer,
                             const struct avro_schema *reader,
                             const struct type *type,
                             struct arena *arena,
                             struct avro_decoder **ret_decoder,
                             struct error *error)
{
    struct compiler compiler = {.arena = arena, .error = error};
    if (writer->kind != AVRO_RECORD) {
        return error_set(error, STATUS_CONFIG,
                         "the schema is a %s; a topic's records need a record",
                         avro_kind_name(writer->kind));
    }
    ASSERT(type->id == TYPE_STRUCT);
    if (type_depth(type) >= PATH_MAX_STEPS) {
        return error_set(error, STATUS_CONFIG, "the columns are nested too deeply");
    }
    enum status status = compile_fields(&compiler, writer, reader, type, NULL);
    if (status != STATUS_OK) {
        error_context(error, "schema \"%s\"", writer->name);
        return status;
    }
    struct avro_decoder *decoder = ARENA_NEW(arena, struct avro_decoder);
    *decoder = (struct avro_decoder){
        .steps = compiler.steps,
        .paths = compiler.paths,
        .step_count = compiler.count,
        .field_count = type->field_count,
        .name = writer->name,
    };
    *ret_decoder = decoder;
    return STATUS_OK;
}
