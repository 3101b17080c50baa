/*
 * Runs tests/sql/functions/<family>.cases: expressions with what Spark 3.5 gives for them (written
 * by expect.py there). Each is evaluated over the table that expect.py has, as a column of text.
 */

#include "base/buffer.h"
#include "columnar/builder.h"
#include "sql/eval.h"
#include "sql/query.h"
#include "test.h"

#include <dirent.h>
#include <stdio.h>

static struct arena table_arena;
static const struct batch *table;

/* The rows of expect.py, as SQL: literals only, evaluated row by row. */
static const char *const cells[5][10] = {
    {"0", "1", "10000000000", "1.5D", "'Hello'", "DATE'2024-02-29'",
     "TIMESTAMP'2024-02-29 13:14:15.678'", "array(3, 1, 2)", "map('a', 1, 'b', 2)", "true"},
    {"1", "-7", "0", "-0.25D", "'\xc3\xa4\xc3\xb6\xc3\xbc \xc3\x9f \xf0\x9f\x98\x80'",
     "DATE'1969-12-31'", "TIMESTAMP'1969-12-31 23:59:59.999999'", "array()", "map()", "false"},
    {"2", "0", "-3", "double('NaN')", "''", "DATE'2000-01-01'", "TIMESTAMP'2000-01-01 00:00:00'",
     "array(5, NULL, 5)", "map('x', CAST(NULL AS INT))", "true"},
    {"3", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL"},
    {"4", "2147483647", "9223372036854775807", "1e300D", "'  a,b,,c  '", "DATE'9999-12-31'",
     "TIMESTAMP'9999-12-31 23:59:59'", "array(1, 2, 3, 4)", "map('k', 9)", "false"},
};
static const char *const table_type =
    "struct<id:int,i:int,l:bigint,d:double,s:string,dt:date,ts:timestamp,arr:array<int>,"
    "m:map<string,int>,b:boolean>";

/* 2026-01-01T00:00:00Z */
#define NOW_US INT64_C(1767225600000000)

static const struct expression *
compile(const char *text, const struct type *type, struct arena *arena, struct error *error)
{
    const struct expression *expression;
    size_t offset;
    return sql_compile_expression(text, type, arena, &expression, &offset, error) == STATUS_OK
               ? expression
               : NULL;
}

static int make_table(void **state)
{
    (void) state;
    struct error error;
    arena_init(&table_arena, 0);
    const struct type *type;
    assert_ok(type_parse(slice_of_string(table_type), &table_arena, &type, &error), error);
    const struct type *none = type_struct(&table_arena, NULL, 0);
    const struct column **columns = ARENA_ARRAY(&table_arena, const struct column *, 10);
    for (uint32_t c = 0; c < 10; c++) {
        struct column_builder builder;
        column_builder_init(&builder, &table_arena, type->fields[c].type, 5);
        for (int r = 0; r < 5; r++) {
            char text[256];
            struct buffer name = BUFFER_INIT;
            type_write(type->fields[c].type, &name);
            snprintf(text, sizeof text, "CAST(%s AS %s)", cells[r][c], buffer_string(&name));
            buffer_deinit(&name);
            const struct expression *cell = compile(text, none, &table_arena, &error);
            if (cell == NULL) {
                fail_msg("%s: %s", text, error.message);
            }
            struct batch one = {.length = 1, .type = none};
            struct eval eval;
            eval_init(&eval, &table_arena, &one, NOW_US);
            column_append_value(&builder, eval_expression(&eval, cell), 0);
        }
        columns[c] = column_builder_finish(&builder);
    }
    struct batch *batch = ARENA_NEW(&table_arena, struct batch);
    *batch = (struct batch){.length = 5, .type = type, .columns = columns};
    table = batch;
    return 0;
}

static int free_table(void **state)
{
    (void) state;
    arena_deinit(&table_arena);
    return 0;
}

static void append_escaped(struct buffer *target, struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        switch (text.data[i]) {
        case '\\':
            buffer_append_string(target, "\\\\");
            break;
        case '\n':
            buffer_append_string(target, "\\n");
            break;
        case '\t':
            buffer_append_string(target, "\\t");
            break;
        case '|':
            buffer_append_string(target, "\\p");
            break;
        default:
            buffer_append_byte(target, text.data[i]);
            break;
        }
    }
}

static void
write_rows(const struct expression *text, int64_t rows, struct arena *arena, struct buffer *target)
{
    struct eval eval;
    eval_init(&eval, arena, table, NOW_US);
    const struct column *column = eval_expression(&eval, text);
    assert_int_equal(column->length, table->length);
    for (int64_t r = 0; r < rows; r++) {
        buffer_append_string(target, " | ");
        if (eval_failed(&eval, r)) {
            buffer_append_byte(target, '!');
        } else if (column_is_null(column, r)) {
            buffer_append_string(target, "null");
        } else {
            buffer_append_byte(target, '\'');
            append_escaped(target, column_bytes(column, r));
            buffer_append_byte(target, '\'');
        }
    }
}

/* What we give for an expression, in the form of the file. */
static void evaluate(const char *text, int64_t rows, struct buffer *target)
{
    struct arena arena;
    struct error error;
    arena_init(&arena, 0);
    const struct expression *plain = compile(text, table->type, &arena, &error);
    if (plain == NULL) {
        buffer_printf(target, "refused");
        if (getenv("LEAT_TEST_VERBOSE") != NULL) {
            fprintf(stderr, "%s: %s\n", text, error.message);
        }
        arena_deinit(&arena);
        return;
    }
    type_write(plain->type, target);
    char *wrapped = arena_printf(&arena, "CAST(%s AS STRING)", text);
    const struct expression *as_text = compile(wrapped, table->type, &arena, &error);
    if (as_text == NULL) {
        fail_msg("%s: %s", wrapped, error.message);
    }
    write_rows(as_text, rows, &arena, target);
    arena_deinit(&arena);
}

static int run_line(const char *path, int number, char *line)
{
    char *arrow = strstr(line, "  =>  ");
    if (arrow == NULL) {
        fprintf(stderr, "%s:%d: no \"  =>  \"\n", path, number);
        return 1;
    }
    *arrow = '\0';
    const char *wanted = arrow + 6;
    int64_t rows = 0;
    for (const char *at = wanted; (at = strstr(at, " | ")) != NULL; at++) {
        rows++;
    }
    struct buffer got = BUFFER_INIT;
    evaluate(line, rows, &got);
    bool same = strcmp(buffer_string(&got), wanted) == 0;
    if (!same) {
        fprintf(stderr, "%s:%d: %s\n    wanted %s\n    got    %s\n", path, number, line, wanted,
                buffer_string(&got));
    }
    buffer_deinit(&got);
    return !same;
}

static int run_file(const char *path, int *ret_cases)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *line = NULL;
    size_t capacity = 0;
    int failures = 0;
    for (int number = 1; getline(&line, &capacity, file) > 0; number++) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] != '\0' && line[0] != '#') {
            ++*ret_cases;
            failures += run_line(path, number, line);
        }
    }
    free(line);
    fclose(file);
    return failures;
}

static void test_cases(void **state)
{
    (void) state;
    const char *root = getenv("LEAT_SOURCE_ROOT");
    char folder[512];
    snprintf(folder, sizeof folder, "%s/tests/sql/functions", root == NULL ? "." : root);
    DIR *directory = opendir(folder);
    assert_non_null(directory);
    int failures = 0;
    int cases = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        size_t size = strlen(entry->d_name);
        if (size > 6 && strcmp(entry->d_name + size - 6, ".cases") == 0) {
            char path[1024];
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
            failures += run_file(path, &cases);
        }
    }
    closedir(directory);
    if (failures > 0) {
        fail_msg("%d of %d cases differ from Spark", failures, cases);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cases, make_table, free_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
