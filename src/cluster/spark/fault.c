#include "cluster/spark/fault.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* "line 3 pos 14" of the analyser, "line 3, pos 14" of the parser. */
static const char *find_place(const char *text, int *ret_line, int *ret_column)
{
    for (const char *at = text; (at = strstr(at, "line ")) != NULL; at += 5) {
        char *end;
        long line = strtol(at + 5, &end, 10);
        const char *rest = *end == ',' ? end + 1 : end;
        if (end == at + 5 || line < 1 || line > 1000000 || strncmp(rest, " pos ", 5) != 0) {
            continue;
        }
        long column = strtol(rest + 5, &end, 10);
        if (end != rest + 5 && column >= 0 && column <= 10000000) {
            *ret_line = (int) line;
            *ret_column = (int) column;
            return at;
        }
    }
    return NULL;
}

struct spark_fault spark_fault_read(const char *text, struct arena *arena)
{
    struct spark_fault fault = {.message = ""};
    while (isspace((unsigned char) *text)) {
        text++;
    }
    const char *place = find_place(text, &fault.line, &fault.column);
    size_t size = strcspn(text, "\n");
    if (place != NULL && (size_t) (place - text) < size) {
        size = (size_t) (place - text);
    }
    while (size > 0 && strchr(" ;(.\r\t", text[size - 1]) != NULL) {
        size--;
    }
    fault.message = arena_string(arena, slice_of(text, size));
    return fault;
}

size_t spark_fault_offset(const struct spark_fault *fault, const char *sql)
{
    const char *at = sql;
    for (int line = 1; line < fault->line; line++) {
        const char *end = strchr(at, '\n');
        if (end == NULL) {
            return strlen(sql);
        }
        at = end + 1;
    }
    for (int column = 0; column < fault->column && *at != '\0' && *at != '\n';) {
        unsigned char first = (unsigned char) *at;
        size_t bytes = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        column += bytes == 4 ? 2 : 1;
        for (size_t i = 0; i < bytes && *at != '\0'; i++) {
            at++;
        }
    }
    return (size_t) (at - sql);
}

int32_t spark_fault_schema_id(const char *text)
{
    const char *found = strstr(text, SPARK_UNKNOWN_ID);
    if (found == NULL) {
        return -1;
    }
    const char *digits = found + strlen(SPARK_UNKNOWN_ID);
    char *end;
    long id = strtol(digits, &end, 10);
    return end == digits || id < 0 || id > INT32_MAX ? -1 : (int32_t) id;
}
