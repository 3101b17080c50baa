#include "registry/avro_rules.h"

#include "base/hash.h"
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Two records, judged once: schemas name each other, so that there are far more ways to a pair than
 * pairs. One that is still being judged counts as readable (recursion). */
struct pair {
    const char *reader, *writer; /* their names: one string a record, however often it is named */
    bool unreadable;
    struct avro_incompatibility first; /* if unreadable: told again wherever the pair comes again */
};

struct check {
    struct avro_incompatibility *faults;
    size_t count, max;
    struct avro_incompatibility last;

    struct pair *pairs; /* hash table of the pairs of records seen */
    size_t pair_slots;  /* a power of two, or 0 */
    size_t pair_count;
    char path[256];
};

static bool
can_read(struct check *check, const struct avro_schema *reader, const struct avro_schema *writer);

const char *avro_fault_name(enum avro_fault fault)
{
    static const char *const names[] = {
        "NAME_MISMATCH",        "FIXED_SIZE_MISMATCH",
        "MISSING_ENUM_SYMBOLS", "READER_FIELD_MISSING_DEFAULT_VALUE",
        "TYPE_MISMATCH",        "MISSING_UNION_BRANCH",
    };
    return names[fault];
}

static const char *kind_name(const struct avro_schema *schema)
{
    static const char *const names[] = {"NULL",   "BOOLEAN", "INT",    "LONG",   "FLOAT",
                                        "DOUBLE", "BYTES",   "STRING", "RECORD", "ENUM",
                                        "ARRAY",  "MAP",     "UNION",  "FIXED"};
    return names[schema->kind];
}

PRINTF(3, 4)

static bool fault(struct check *check, enum avro_fault what, const char *format, ...)
{
    struct avro_incompatibility *entry = &check->last;
    entry->fault = what;
    (void) snprintf(entry->path, sizeof(entry->path), "%s",
                    check->path[0] == '\0' ? "/" : check->path);
    va_list arguments;
    va_start(arguments, format);
    (void) vsnprintf(entry->details, sizeof(entry->details), format, arguments);
    va_end(arguments);
    if (check->count < check->max) {
        check->faults[check->count] = *entry;
    }
    check->count++;
    return false;
}

/* Goes down one step of the path; returns the length to cut it back to. */
static size_t go_down(struct check *check, const char *step)
{
    size_t length = strlen(check->path);
    (void) snprintf(check->path + length, sizeof(check->path) - length, "/%s", step);
    return length;
}

/* Goes down one step for the time of `can_read`. */
static bool can_read_at(struct check *check,
                        const char *step,
                        const struct avro_schema *reader,
                        const struct avro_schema *writer)
{
    size_t length = go_down(check, step);
    bool result = can_read(check, reader, writer);
    check->path[length] = '\0';
    return result;
}

static const char *unqualified(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot == NULL ? name : dot + 1;
}

static bool names_match(const struct avro_schema *reader, const struct avro_schema *writer)
{
    if (strcmp(unqualified(reader->name), unqualified(writer->name)) == 0) {
        return true;
    }
    for (uint32_t i = 0; i < reader->alias_count; i++) {
        if (strcmp(reader->aliases[i], writer->name) == 0) {
            return true;
        }
    }
    return false;
}

static bool names_can_read(struct check *check,
                           const struct avro_schema *reader,
                           const struct avro_schema *writer)
{
    if (names_match(reader, writer)) {
        return true;
    }
    size_t length = go_down(check, "name");
    (void) fault(check, AVRO_NAME_MISMATCH, "expected: %s", writer->name);
    check->path[length] = '\0';
    return false;
}

static const struct avro_field *find_by_name(const struct avro_schema *record, const char *name)
{
    for (uint32_t i = 0; i < record->field_count; i++) {
        if (strcmp(record->fields[i].name, name) == 0) {
            return &record->fields[i];
        }
    }
    return NULL;
}

static const struct avro_field *find_writer_field(const struct avro_schema *writer,
                                                  const struct avro_field *field)
{
    const struct avro_field *found = find_by_name(writer, field->name);
    for (uint32_t i = 0; found == NULL && i < field->alias_count; i++) {
        found = find_by_name(writer, field->aliases[i]);
    }
    return found;
}

static struct pair *pair_slot(const struct check *check, const char *reader, const char *writer)
{
    const uintptr_t both[] = {(uintptr_t) reader, (uintptr_t) writer};
    size_t at = hash64(slice_of(both, sizeof(both))) & (check->pair_slots - 1);
    while (check->pairs[at].reader != NULL &&
           (check->pairs[at].reader != reader || check->pairs[at].writer != writer)) {
        at = (at + 1) & (check->pair_slots - 1);
    }
    return &check->pairs[at];
}

/* Finds the pair, or adds it; slots move when pairs are added. */
static struct pair *
pair_of(struct check *check, const char *reader, const char *writer, bool *ret_known)
{
    if (check->pair_count * 2 >= check->pair_slots) {
        struct pair *old = check->pairs;
        size_t old_slots = check->pair_slots;
        check->pair_slots = old_slots == 0 ? 16 : old_slots * 2;
        check->pairs = mem_calloc(check->pair_slots, sizeof(*check->pairs));
        for (size_t i = 0; i < old_slots; i++) {
            if (old[i].reader != NULL) {
                *pair_slot(check, old[i].reader, old[i].writer) = old[i];
            }
        }
        mem_free(old);
    }
    struct pair *pair = pair_slot(check, reader, writer);
    *ret_known = pair->reader != NULL;
    if (!*ret_known) {
        *pair = (struct pair){.reader = reader, .writer = writer};
        check->pair_count++;
    }
    return pair;
}

static bool fields_can_read(struct check *check,
                            const struct avro_schema *reader,
                            const struct avro_schema *writer)
{
    bool fine = true;
    for (uint32_t i = 0; i < reader->field_count; i++) {
        const struct avro_field *field = &reader->fields[i];
        const struct avro_field *written = find_writer_field(writer, field);
        char step[64];
        if (written != NULL) {
            (void) snprintf(step, sizeof(step), "fields/%u/type", i);
            fine = can_read_at(check, step, field->schema, written->schema) && fine;
        } else if (field->default_value == NULL) {
            (void) snprintf(step, sizeof(step), "fields/%u", i);
            size_t length = go_down(check, step);
            fine = fault(check, AVRO_READER_FIELD_MISSING_DEFAULT_VALUE, "%s", field->name);
            check->path[length] = '\0';
        }
    }
    return fine;
}

static bool record_can_read(struct check *check,
                            const struct avro_schema *reader,
                            const struct avro_schema *writer)
{
    bool known;
    const struct pair *found = pair_of(check, reader->name, writer->name, &known);
    if (known) {
        return !found->unreadable || fault(check, found->first.fault, "%s", found->first.details);
    }
    size_t before = check->count;
    bool fine = names_can_read(check, reader, writer);
    fine = fields_can_read(check, reader, writer) && fine;
    if (!fine) {
        struct pair *pair = pair_slot(check, reader->name, writer->name);
        pair->unreadable = true;
        pair->first = before < check->max ? check->faults[before] : check->last;
    }
    return fine;
}

static bool has_symbol(const struct avro_schema *schema, const char *symbol)
{
    for (uint32_t i = 0; i < schema->symbol_count; i++) {
        if (strcmp(schema->symbols[i], symbol) == 0) {
            return true;
        }
    }
    return false;
}

static bool enum_can_read(struct check *check,
                          const struct avro_schema *reader,
                          const struct avro_schema *writer)
{
    bool fine = names_can_read(check, reader, writer);
    if (reader->enum_default != NULL && has_symbol(reader, reader->enum_default)) {
        return fine;
    }
    struct buffer missing CLEANUP(buffer_deinit) = BUFFER_INIT;
    for (uint32_t i = 0; i < writer->symbol_count; i++) {
        if (!has_symbol(reader, writer->symbols[i])) {
            buffer_printf(&missing, "%s%s", missing.size == 0 ? "" : ", ", writer->symbols[i]);
        }
    }
    if (missing.size > 0) {
        size_t length = go_down(check, "symbols");
        fine = fault(check, AVRO_MISSING_ENUM_SYMBOLS, "[%s]", buffer_string(&missing));
        check->path[length] = '\0';
    }
    return fine;
}

static bool fixed_can_read(struct check *check,
                           const struct avro_schema *reader,
                           const struct avro_schema *writer)
{
    bool fine = names_can_read(check, reader, writer);
    if (reader->fixed_size != writer->fixed_size) {
        size_t length = go_down(check, "size");
        fine = fault(check, AVRO_FIXED_SIZE_MISMATCH, "expected: %u, found: %u", writer->fixed_size,
                     reader->fixed_size);
        check->path[length] = '\0';
    }
    return fine;
}

static bool promotes(enum avro_kind writer, enum avro_kind reader)
{
    switch (writer) {
    case AVRO_INT:
        return reader == AVRO_LONG || reader == AVRO_FLOAT || reader == AVRO_DOUBLE;
    case AVRO_LONG:
        return reader == AVRO_FLOAT || reader == AVRO_DOUBLE;
    case AVRO_FLOAT:
        return reader == AVRO_DOUBLE;
    case AVRO_STRING:
        return reader == AVRO_BYTES;
    case AVRO_BYTES:
        return reader == AVRO_STRING;
    default:
        return false;
    }
}

/* Every branch that may have been written must be readable. */
static bool writer_union_readable(struct check *check,
                                  const struct avro_schema *reader,
                                  const struct avro_schema *writer)
{
    bool fine = true;
    for (uint32_t i = 0; i < writer->branch_count; i++) {
        const struct avro_schema *branch = writer->branches[i];
        if (reader->kind != AVRO_UNION) {
            fine = can_read(check, reader, branch) && fine;
            continue;
        }
        size_t before = check->count;
        if (!can_read(check, reader, branch)) {
            char step[16];
            (void) snprintf(step, sizeof(step), "%u", i);
            check->count = before;
            size_t length = go_down(check, step);
            fine = fault(check, AVRO_MISSING_UNION_BRANCH, "reader union lacking writer type: %s",
                         kind_name(branch));
            check->path[length] = '\0';
        }
    }
    return fine;
}

static bool reader_union_reads(struct check *check,
                               const struct avro_schema *reader,
                               const struct avro_schema *writer)
{
    size_t before = check->count;
    for (uint32_t i = 0; i < reader->branch_count; i++) {
        if (can_read(check, reader->branches[i], writer)) {
            check->count = before;
            return true;
        }
        check->count = before;
    }
    return fault(check, AVRO_MISSING_UNION_BRANCH, "reader union lacking writer type: %s",
                 kind_name(writer));
}

static bool
can_read(struct check *check, const struct avro_schema *reader, const struct avro_schema *writer)
{
    if (writer->kind == AVRO_UNION) {
        return writer_union_readable(check, reader, writer);
    }
    if (reader->kind == AVRO_UNION) {
        return reader_union_reads(check, reader, writer);
    }
    if (reader->kind != writer->kind) {
        return promotes(writer->kind, reader->kind) ||
               fault(check, AVRO_TYPE_MISMATCH,
                     "reader type: %s not compatible with writer type: %s", kind_name(reader),
                     kind_name(writer));
    }
    switch (reader->kind) {
    case AVRO_RECORD:
        return record_can_read(check, reader, writer);
    case AVRO_ENUM:
        return enum_can_read(check, reader, writer);
    case AVRO_FIXED:
        return fixed_can_read(check, reader, writer);
    case AVRO_ARRAY:
        return can_read_at(check, "items", reader->branches[0], writer->branches[0]);
    case AVRO_MAP:
        return can_read_at(check, "values", reader->branches[0], writer->branches[0]);
    default:
        return true;
    }
}

size_t avro_can_read(const struct avro_schema *reader,
                     const struct avro_schema *writer,
                     struct avro_incompatibility *ret_faults,
                     size_t max)
{
    struct check check = {.faults = ret_faults, .max = max};
    (void) can_read(&check, reader, writer);
    mem_free(check.pairs);
    return check.count;
}
