/* Values of results, which come in binary. */

#include "connectors/postgres/connection_internal.h"
#include "connectors/postgres/pg_text.h"

#include <stdlib.h>

int pg_rows(const struct pg *pg, size_t statement)
{
    return PQntuples(pg_result(pg, statement));
}

int64_t pg_affected(const struct pg *pg, size_t statement)
{
    return strtoll(PQcmdTuples((PGresult *) (uintptr_t) pg_result(pg, statement)), NULL, 10);
}

bool pg_null(const PGresult *result, int row, int column)
{
    return PQgetisnull(result, row, column) != 0;
}

int64_t pg_int(const PGresult *result, int row, int column)
{
    const uint8_t *bytes = (const uint8_t *) PQgetvalue(result, row, column);
    int size = PQgetlength(result, row, column);
    uint64_t value = size > 0 && (bytes[0] & 0x80) != 0 && size > 1 ? UINT64_MAX : 0;
    for (int i = 0; i < size; i++) {
        value = value << 8 | bytes[i];
    }
    return (int64_t) value;
}

struct slice pg_bytes(const PGresult *result, int row, int column)
{
    if (pg_null(result, row, column)) {
        return SLICE_EMPTY;
    }
    return slice_of(PQgetvalue(result, row, column), (size_t) PQgetlength(result, row, column));
}

const char *pg_string(const PGresult *result, int row, int column, struct arena *arena)
{
    struct slice text = pg_bytes(result, row, column);
    if (text.data == NULL) {
        return NULL;
    }
    if (pg_text_is_plain(text)) {
        return arena_string(arena, text);
    }
    struct buffer read CLEANUP(buffer_deinit) = BUFFER_INIT;
    pg_text_read(text, &read);
    return arena_string(arena, buffer_slice(&read));
}
