#pragma once

/* Random types and columns from a seed: what is true of all columns is tested on these. */

#include "columnar/builder.h"

struct random {
    uint64_t state;
};

static inline uint32_t random_below(struct random *random, uint32_t limit)
{
    random->state = random->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t) ((random->state >> 33) % limit);
}

static inline const struct type *
random_type(struct random *random, struct arena *arena, unsigned depth)
{
    static const enum type_id plain[] = {
        TYPE_NULL,      TYPE_BOOLEAN,  TYPE_TINYINT, TYPE_SMALLINT, TYPE_INT,
        TYPE_BIGINT,    TYPE_FLOAT,    TYPE_DOUBLE,  TYPE_STRING,   TYPE_BINARY,
        TYPE_TIMESTAMP, TYPE_INTERVAL, TYPE_DATE,
    };

    switch (random_below(random, depth == 0 ? 5 : 9)) {
    case 0:
        return type_decimal(arena, 20, 3);
    case 5:
        return type_array(arena, random_type(random, arena, depth - 1), true);
    case 6:
        return type_map(arena, type_plain(TYPE_STRING), random_type(random, arena, depth - 1),
                        true);
    case 7: {
        struct type_field fields[] = {
            {.name = "a", .type = random_type(random, arena, depth - 1), .nullable = true},
            {.name = "b", .type = random_type(random, arena, depth - 1), .nullable = true},
        };
        return type_struct(arena, fields, 2);
    }
    default:
        return type_plain(plain[random_below(random, ARRAY_SIZE(plain))]);
    }
}

static inline void random_append(struct random *random, struct column_builder *builder)
{
    static const char text[] = "abcdefghijklmnopqrstuvwxyz";
    uint32_t number = random_below(random, 4);
    if (number == 0 || builder->type->id == TYPE_NULL) {
        column_append_null(builder);
        return;
    }
    switch (builder->type->id) {
    case TYPE_BOOLEAN:
        column_append_bool(builder, random_below(random, 2) == 1);
        break;
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        column_append_double(builder, random_below(random, 1000) / 8.0 - 20);
        break;
    case TYPE_DECIMAL:
        column_append_decimal(builder, (int128) random_below(random, 100000) - 5000);
        break;
    case TYPE_STRING:
    case TYPE_BINARY:
        column_append_bytes(builder, slice_of(text, random_below(random, 20)));
        break;
    case TYPE_ARRAY:
    case TYPE_MAP:
        for (uint32_t i = random_below(random, 4); i > 0; i--) {
            for (uint32_t j = 0; j < builder->type->field_count; j++) {
                random_append(random, &builder->children[j]);
            }
        }
        column_append_list_end(builder);
        break;
    case TYPE_STRUCT:
        for (uint32_t i = 0; i < builder->type->field_count; i++) {
            random_append(random, &builder->children[i]);
        }
        column_append_struct_end(builder);
        break;
    default:
        column_append_int(builder, (int64_t) random_below(random, 120) - 60);
        break;
    }
}

static inline struct column *
random_column(struct random *random, struct arena *arena, const struct type *type, int64_t rows)
{
    struct column_builder builder;
    column_builder_init(&builder, arena, type, random_below(random, 3));
    for (int64_t i = 0; i < rows; i++) {
        random_append(random, &builder);
    }
    return column_builder_finish(&builder);
}

/* The value of a row as text: two rows are the same if these are. */
static inline const char *row_text(const struct column *column, int64_t row, struct arena *arena)
{
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    column_write_json(column, row, &text);
    return arena_string(arena, buffer_slice(&text));
}
