/* Runs a decoder's program over one datum. */

#include "base/assert.h"
#include "base/utf8.h"
#include "codec/avro_program.h"
#include "columnar/json_write.h"

#include <stdio.h>

struct run {
    const struct avro_decoder *decoder;
    struct column_builder *builders;
    struct avro_reader reader;
};

static inline struct column_builder *target_of(const struct run *run, const struct step *step)
{
    const uint32_t *path = run->decoder->paths + step->path;
    struct column_builder *builder = &run->builders[path[0]];
    for (uint8_t i = 1; i < step->path_size; i++) {
        builder = &builder->children[path[i]];
    }
    return builder;
}

/* ---- Single values --------------------------------------------------------------------------- */

static bool read_long(struct run *run, const struct step *step)
{
    int64_t value;
    if (!avro_read_long(&run->reader, &value)) {
        return false;
    }
    if (step->scale != 1 && __builtin_mul_overflow(value, step->scale, &value)) {
        return avro_fail(&run->reader, "a timestamp out of range");
    }
    column_append_int(target_of(run, step), value);
    return true;
}

static bool read_int(struct run *run, const struct step *step)
{
    int64_t value;
    if (!avro_read_int(&run->reader, &value)) {
        return false;
    }
    column_append_int(target_of(run, step), value);
    return true;
}

static bool read_boolean(struct run *run, const struct step *step)
{
    struct slice byte;
    if (!avro_read_raw(&run->reader, 1, &byte)) {
        return false;
    }
    if (byte.data[0] > 1) {
        return avro_fail(&run->reader, "a boolean that is neither 0 nor 1");
    }
    column_append_bool(target_of(run, step), byte.data[0] == 1);
    return true;
}

static bool read_floating(struct run *run, double *ret_value, bool single)
{
    struct slice bytes;
    if (!avro_read_raw(&run->reader, single ? 4 : 8, &bytes)) {
        return false;
    }
    if (single) {
        float value;
        memcpy(&value, bytes.data, 4);
        *ret_value = (double) value;
    } else {
        memcpy(ret_value, bytes.data, 8);
    }
    return true;
}

static inline bool read_string(struct run *run, const struct step *step)
{
    struct slice text;
    if (!avro_read_bytes(&run->reader, &text)) {
        return false;
    }
    if (!utf8_valid(text.data, text.size)) {
        return avro_fail(&run->reader, "a string that is not UTF-8");
    }
    column_append_bytes(target_of(run, step), text);
    return true;
}

static bool read_decimal(struct run *run, const struct step *step)
{
    struct slice bytes;
    bool read = step->code == STEP_DECIMAL_FIXED ? avro_read_raw(&run->reader, step->size, &bytes)
                                                 : avro_read_bytes(&run->reader, &bytes);
    if (!read) {
        return false;
    }
    struct column_builder *target = target_of(run, step);
    int128 limit = 1;
    for (uint8_t i = 0; i < target->type->precision; i++) {
        limit *= 10;
    }
    int128 value;
    bool fits = avro_read_decimal(bytes, &value);
    for (uint32_t i = 0; fits && i < step->count; i++) {
        fits = !__builtin_mul_overflow(value, (int128) 10, &value);
    }
    if (!fits || value >= limit || value <= -limit) {
        return avro_fail(&run->reader, "a decimal with too many digits");
    }
    column_append_decimal(target, value);
    return true;
}

static bool read_enum(struct run *run, const struct step *step)
{
    int64_t symbol;
    if (!avro_read_long(&run->reader, &symbol)) {
        return false;
    }
    if (symbol < 0 || symbol >= step->count) {
        return avro_fail(&run->reader, "an enum symbol that does not exist");
    }
    if (step->texts[symbol].data == NULL) {
        return avro_fail(&run->reader, "an enum symbol that the reader does not have");
    }
    column_append_bytes(target_of(run, step), step->texts[symbol]);
    return true;
}

static bool read_number_as_text(struct run *run, const struct step *step)
{
    char text[40];
    int64_t integer;
    double number;
    size_t size;
    if (step->code == STEP_INT_TO_TEXT) {
        if (!avro_read_long(&run->reader, &integer)) {
            return false;
        }
        size = (size_t) snprintf(text, sizeof(text), "%lld", (long long) integer);
    } else {
        bool single = step->code == STEP_FLOAT_TO_TEXT;
        if (!read_floating(run, &number, single)) {
            return false;
        }
        size = double_shortest(number, single, text);
    }
    column_append_bytes(target_of(run, step), slice_of(text, size));
    return true;
}

static bool read_scalar(struct run *run, const struct step *step)
{
    struct slice bytes;
    double number;
    int64_t integer;
    switch (step->code) {
    case STEP_BOOLEAN:
        return read_boolean(run, step);
    case STEP_INT_TO_DOUBLE:
        if (!avro_read_long(&run->reader, &integer)) {
            return false;
        }
        column_append_double(target_of(run, step), (double) integer);
        return true;
    case STEP_FLOAT:
    case STEP_DOUBLE:
        if (!read_floating(run, &number, step->code == STEP_FLOAT)) {
            return false;
        }
        column_append_double(target_of(run, step), number);
        return true;
    case STEP_BYTES:
        if (!avro_read_bytes(&run->reader, &bytes)) {
            return false;
        }
        column_append_bytes(target_of(run, step), bytes);
        return true;
    case STEP_FIXED:
        if (!avro_read_raw(&run->reader, step->count, &bytes)) {
            return false;
        }
        column_append_bytes(target_of(run, step), bytes);
        return true;
    case STEP_DECIMAL:
    case STEP_DECIMAL_FIXED:
        return read_decimal(run, step);
    case STEP_ENUM:
        return read_enum(run, step);
    default:
        return read_number_as_text(run, step);
    }
}

/* ---- Skips ----------------------------------------------------------------------------------- */

static bool skip_varints(struct avro_reader *reader, uint32_t count)
{
    int64_t ignored;
    for (; count > 0; count--) {
        if (!avro_read_long(reader, &ignored)) {
            return false;
        }
    }
    return true;
}

static inline bool skip_strings(struct avro_reader *reader, uint32_t count)
{
    struct slice ignored;
    for (; count > 0; count--) {
        if (!avro_read_bytes(reader, &ignored)) {
            return false;
        }
    }
    return true;
}

static bool skip(struct run *run, const struct step *step)
{
    struct slice ignored;
    switch (step->code) {
    case STEP_SKIP_VARINT:
        return skip_varints(&run->reader, step->count);
    case STEP_SKIP_FIXED:
        return avro_read_raw(&run->reader, step->count, &ignored);
    default:
        return avro_skip(&run->reader, step->schema, 0);
    }
}

/* ---- Control --------------------------------------------------------------------------------- */

static bool run_steps(struct run *run, uint32_t from, uint32_t to);

/* Items are the steps between this one and its jump. */
static bool read_list(struct run *run, uint32_t at)
{
    const struct step *step = &run->decoder->steps[at];
    struct column_builder *target = target_of(run, step);
    for (;;) {
        int64_t count;
        int64_t bytes;
        struct slice key;
        if (!avro_read_block(&run->reader, &count, &bytes)) {
            return false;
        }
        if (count == 0) {
            column_append_list_end(target);
            return true;
        }
        for (; count > 0; count--) {
            const uint8_t *item = run->reader.at;
            if (step->code == STEP_MAP) {
                if (!avro_read_bytes(&run->reader, &key)) {
                    return false;
                }
                if (!utf8_valid(key.data, key.size)) {
                    return avro_fail(&run->reader, "a key that is not UTF-8");
                }
                column_append_bytes(&target->children[0], key);
            }
            if (!run_steps(run, at + 1, step->jump) || !avro_count_empty(&run->reader, item)) {
                return false;
            }
        }
    }
}

/* Is the other branch of a union with null there? */
static inline bool read_optional(struct run *run, const struct step *step, bool *ret_there)
{
    int64_t branch;
    if (!avro_read_long(&run->reader, &branch)) {
        return false;
    }
    if ((uint64_t) branch > 1) {
        return avro_fail(&run->reader, "a union branch that does not exist");
    }
    *ret_there = branch != step->count;
    return true;
}

static bool run_default(struct run *run, uint32_t at)
{
    const struct step *step = &run->decoder->steps[at];
    struct avro_reader outer = run->reader;
    run->reader =
        (struct avro_reader){.at = step->bytes.data, .end = step->bytes.data + step->bytes.size};
    bool done = run_steps(run, at + 1, step->jump);
    ASSERT(!done || run->reader.at == run->reader.end);
    outer.fault = run->reader.fault;
    run->reader = outer;
    return done;
}

static bool read_union(struct run *run, const struct step *step, uint32_t *ret_next)
{
    int64_t branch;
    if (!avro_read_long(&run->reader, &branch)) {
        return false;
    }
    if (branch < 0 || branch >= step->count) {
        return avro_fail(&run->reader, "a union branch that does not exist");
    }
    *ret_next = step->jumps[branch];
    return true;
}

/* Steps that decide where to go on. */
static bool run_control(struct run *run, uint32_t *at)
{
    const struct step *step = &run->decoder->steps[*at];
    switch (step->code) {
    case STEP_JUMP:
        *at = step->jump;
        return true;
    case STEP_UNION:
        return read_union(run, step, at);
    case STEP_DEFAULT: {
        uint32_t here = *at;
        *at = step->jump;
        return run_default(run, here);
    }
    case STEP_ARRAY:
    case STEP_MAP: {
        uint32_t here = *at;
        *at = step->jump;
        return read_list(run, here);
    }
    default:
        return avro_fail(&run->reader, step->text);
    }
}

static bool run_steps(struct run *run, uint32_t from, uint32_t to)
{
    uint32_t at = from;
    while (at < to) {
        const struct step *step = &run->decoder->steps[at];
        bool there;
        bool good = true;
        switch (step->code) {
        case STEP_STRING:
            good = read_string(run, step);
            break;
        case STEP_SKIP_STRING:
            good = skip_strings(&run->reader, step->count);
            break;
        case STEP_SKIP_OPTIONAL:
        case STEP_OPTIONAL:
            good = read_optional(run, step, &there);
            if (good && !there) {
                if (step->code == STEP_OPTIONAL) {
                    column_append_null(target_of(run, step));
                }
                at = step->jump;
                continue;
            }
            break;
        case STEP_INT:
            good = read_int(run, step);
            break;
        case STEP_LONG:
            good = read_long(run, step);
            break;
        case STEP_STRUCT_END:
            column_append_struct_end(target_of(run, step));
            break;
        case STEP_NULL:
            column_append_null(target_of(run, step));
            break;
        case STEP_SKIP_VARINT:
        case STEP_SKIP_FIXED:
        case STEP_SKIP_TREE:
            good = skip(run, step);
            break;
        case STEP_FAIL:
        case STEP_JUMP:
        case STEP_UNION:
        case STEP_DEFAULT:
        case STEP_ARRAY:
        case STEP_MAP:
            if (!run_control(run, &at)) {
                return false;
            }
            continue;
        default:
            good = read_scalar(run, step);
            break;
        }
        if (__builtin_expect(!good, 0)) {
            return false;
        }
        at++;
    }
    return true;
}

enum status avro_decode(const struct avro_decoder *decoder,
                        struct slice datum,
                        struct column_builder *builders,
                        struct error *error)
{
    int64_t length = decoder->field_count == 0 ? 0 : builders[0].length;
    struct run run = {
        .decoder = decoder,
        .builders = builders,
        .reader = {.at = datum.data, .end = datum.data + datum.size},
    };
    if (datum.size == 0) {
        run.reader.at = run.reader.end = (const uint8_t *) "";
    }
    const uint8_t *start = run.reader.at;
    bool done = run_steps(&run, 0, decoder->step_count);
    if (done && run.reader.at != run.reader.end) {
        done = avro_fail(&run.reader, "bytes behind the record");
    }
    if (done) {
        return STATUS_OK;
    }
    for (uint32_t i = 0; i < decoder->field_count; i++) {
        column_builder_truncate(&builders[i], length);
    }
    return error_set(error, STATUS_DATA, "not Avro data of \"%s\": %s at byte %zu of %zu",
                     decoder->name, run.reader.fault, (size_t) (run.reader.at - start), datum.size);
}
