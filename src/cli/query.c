/* `leat query`: SQL over the tables and topics of a data directory. */

#include "app/query_catalog.h"
#include "base/budget.h"
#include "base/node.h"
#include "cli/command.h"
#include "cli/rows.h"
#include "io/clock.h"
#include "io/file.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define QUERY_BYTES_MAX ((size_t) 1 << 30)
#define TEXT_BYTES_MAX  ((size_t) 1 << 20)

struct query_options {
    const char *data, *file;
    int64_t limit;
    bool json, csv, explain;
};

static const struct query_options defaults = {.limit = -1};

static const struct option options[] = {
    OPTION(query_options, data, "--data", 0, OPTION_STRING, "DIR", COMMAND_DATA_HELP),
    OPTION(query_options, file, "--file", 'f', OPTION_STRING, "FILE", "read the query from a file"),
    OPTION(query_options, limit, "--limit", 'n', OPTION_INT, "N", "print at most N rows"),
    OPTION(query_options, json, "--json", 0, OPTION_FLAG, NULL, "one JSON object a row"),
    OPTION(query_options, csv, "--csv", 0, OPTION_FLAG, NULL, "CSV with a header"),
    OPTION(query_options, explain, "--explain", 0, OPTION_FLAG, NULL, "print the plan instead"),
};

/* ---- printing ----------------------------------------------------------------------------------
 */

struct printer {
    struct rows rows;
    int64_t limit;
    struct buffer cell;
};

static void print_value(struct printer *printer, const struct column *column, int64_t row)
{
    if (column_is_null(column, row)) {
        rows_null(&printer->rows);
    } else if (column->type->id == TYPE_STRING) {
        rows_text(&printer->rows, column_bytes(column, row));
    } else {
        buffer_clear(&printer->cell);
        column_write_json(column, row, &printer->cell);
        rows_value(&printer->rows, buffer_slice(&printer->cell));
    }
}

static enum status print_batch(void *context, const struct batch *batch, struct error *error)
{
    struct printer *printer = context;
    for (int64_t row = 0; row < batch->length; row++) {
        if (printer->limit >= 0 && printer->rows.count >= printer->limit) {
            return error_set(error, STATUS_CANCELLED, "enough rows");
        }
        for (uint32_t i = 0; i < batch->type->field_count; i++) {
            print_value(printer, batch->columns[i], row);
        }
        rows_end(&printer->rows);
    }
    return STATUS_OK;
}

static void tell_skipped(const struct query_skipped *skipped)
{
    if (skipped->undecodable > 0) {
        (void) fprintf(stderr, "leat: left out %" PRId64 " records that cannot be decoded; %s\n",
                       skipped->undecodable, skipped->first);
    }
    if (skipped->deletes > 0) {
        (void) fprintf(stderr, "leat: left out %" PRId64 " deletes (records without a value)\n",
                       skipped->deletes);
    }
}

/* ---- running -----------------------------------------------------------------------------------
 */

/* Puts the place in the text, the line and a caret in front of an error. */
static void show_place(const char *text, size_t offset, struct arena *arena, struct error *error)
{
    struct error plain = *error;
    struct node *node = node_of_text(slice_of_string(text), "query", arena);
    (void) node_error_at(error, node, offset, "%s", plain.message);
    error->status = plain.status;
    error_hint(error, "%s", plain.hint);
}

static enum status run_plan(const struct query_options *query,
                            struct query_catalog *catalog,
                            const struct query *compiled,
                            struct arena *arena,
                            struct error *error)
{
    const struct type *type = compiled->plan->type;
    const char **names = ARENA_ARRAY(arena, const char *, type->field_count + 1);
    for (uint32_t i = 0; i < type->field_count; i++) {
        names[i] = type->fields[i].name;
    }
    struct budget budget;
    budget_init(&budget, "query", QUERY_BYTES_MAX);
    struct printer printer = {.limit = query->limit};
    rows_init(&printer.rows, rows_form_of(query->json, query->csv), names, type->field_count);
    const struct batch_options run = {query_catalog_source(catalog), &budget, clock_now_us()};
    size_t offset = 0;
    enum status status = batch_run(compiled->plan, &run, print_batch, &printer, &offset, error);
    rows_finish(&printer.rows);
    buffer_deinit(&printer.cell);
    if (status == STATUS_CANCELLED && query->limit >= 0) {
        return STATUS_OK;
    }
    if (status == STATUS_DATA) { /* one row cannot be computed, as in Spark */
        show_place(compiled->text, offset, arena, error);
        error->status = STATUS_FAILED;
        return STATUS_FAILED;
    }
    return status;
}

static enum status run_text(const struct query_options *query,
                            const char *text,
                            struct query_catalog *catalog,
                            struct arena *arena,
                            struct error *error)
{
    const struct sql_catalog names = query_catalog_names(catalog);
    const struct sql_options sql = {.batch = true};
    struct query *compiled;
    size_t offset = 0;
    enum status status = sql_compile(text, &names, &sql, arena, &compiled, &offset, error);
    if (status != STATUS_OK && query_catalog_failure(catalog) != NULL) {
        *error = *query_catalog_failure(catalog);
        return error->status;
    }
    if (status != STATUS_OK) {
        show_place(text, offset, arena, error);
        return status;
    }
    if (query->explain) {
        struct buffer plan CLEANUP(buffer_deinit) = BUFFER_INIT;
        plan_write(compiled->plan, &plan);
        (void) fputs(buffer_string(&plan), stdout);
        return STATUS_OK;
    }
    status = run_plan(query, catalog, compiled, arena, error);
    tell_skipped(query_catalog_skipped(catalog));
    return status;
}

/* Without a query: what there is to ask. */
static enum status list(const struct query_options *query,
                        struct query_catalog *catalog,
                        struct arena *arena,
                        struct error *error)
{
    static const char *const names[] = {"name", "kind", "columns"};
    const struct query_relation *relations;
    size_t count;
    TRY(query_catalog_list(catalog, arena, &relations, &count, error));
    struct rows rows;
    rows_init(&rows, rows_form_of(query->json, query->csv), names, ARRAY_SIZE(names));
    for (size_t i = 0; i < count; i++) {
        struct buffer columns CLEANUP(buffer_deinit) = BUFFER_INIT;
        for (uint32_t c = 0; c < relations[i].type->field_count; c++) {
            buffer_printf(&columns, "%s%s", c == 0 ? "" : ", ", relations[i].type->fields[c].name);
        }
        rows_string(&rows, relations[i].name);
        rows_string(&rows, relations[i].kind);
        rows_text(&rows, buffer_slice(&columns));
        rows_end(&rows);
    }
    rows_finish(&rows);
    return STATUS_OK;
}

static enum status read_text(const struct query_options *query,
                             char **arguments,
                             int count,
                             struct buffer *ret_text,
                             struct error *error)
{
    if (query->file != NULL) {
        if (count > 0) {
            return error_set(error, STATUS_USAGE, "give a query or --file, not both");
        }
        return file_load(query->file, TEXT_BYTES_MAX, ret_text, error);
    }
    if (count > 0 && strcmp(arguments[0], "-") == 0) {
        return command_read_stdin(TEXT_BYTES_MAX, ret_text, error);
    }
    buffer_append_string(ret_text, count > 0 ? arguments[0] : "");
    return STATUS_OK;
}

static int query_main(void *opaque, char **arguments, int count)
{
    const struct query_options *query = opaque;
    struct error error = {0};
    struct workspace workspace;
    struct query_catalog *catalog = NULL;
    struct arena arena;
    struct buffer text = BUFFER_INIT;
    arena_init(&arena, 0);
    enum status status = read_text(query, arguments, count, &text, &error);
    if (status == STATUS_OK) {
        status = workspace_open(query->data, &workspace, &error);
        status = status == STATUS_OK ? query_catalog_new(&workspace, &catalog, &error) : status;
        if (status == STATUS_OK && text.size == 0) {
            status = list(query, catalog, &arena, &error);
        } else if (status == STATUS_OK) {
            status = run_text(query, buffer_string(&text), catalog, &arena, &error);
        }
        query_catalog_free(catalog);
        workspace_close(&workspace);
    }
    buffer_deinit(&text);
    arena_deinit(&arena);
    return status == STATUS_OK ? 0 : command_fail(&error);
}

const struct command command_query = {
    .name = "query",
    .summary = "SQL over tables and topics",
    .usage = "[SQL]",
    .help = "Runs one query over the tables and topics of a data directory, whether leat runs on\n"
            "it or not, and prints its rows. A topic has the columns of its newest schema, and\n"
            "_key, _accepted_at, _partition and _offset. Without a query it lists what there is;\n"
            "\"-\" reads the query from standard input.\n\n"
            "examples:\n"
            "  leat query\n"
            "  leat query \"SELECT * FROM spark_streams.created_users LIMIT 5\"\n"
            "  leat query --json \"SELECT location.country, count(*) AS n FROM users_created\n"
            "                     GROUP BY ALL ORDER BY n DESC\"\n"
            "  leat query --csv --file report.sql > report.csv\n\n"
            "exit codes: 0 done, 1 a row cannot be computed, 64 usage, 69 leat does not answer,\n"
            "78 the SQL is wrong",
    .options = options,
    .option_count = ARRAY_SIZE(options),
    .options_bytes = sizeof(struct query_options),
    .defaults = &defaults,
    .arguments_max = 1,
    .run = query_main,
};
