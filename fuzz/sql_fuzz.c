/*
 * SQL text from anybody: compiled as a batch query and for a stream, printed, judged for Spark, and
 * run over two rows. Nothing may crash, and errors must point into the text.
 */

#include "fuzz.h"
#include "sql/batch_run.h"

#include "base/assert.h"

#include <stdlib.h>

struct catalog {
    struct arena arena;
    struct sql_relation relations[2];
};

static const struct sql_relation *find(void *context, const char *name)
{
    struct catalog *catalog = context;
    for (size_t i = 0; i < ARRAY_SIZE(catalog->relations); i++) {
        if (strcmp(catalog->relations[i].name, name) == 0) {
            return &catalog->relations[i];
        }
    }
    return NULL;
}

static size_t names(void *context, const char **list, size_t max)
{
    struct catalog *catalog = context;
    size_t count = 0;
    for (; count < ARRAY_SIZE(catalog->relations) && count < max; count++) {
        list[count] = catalog->relations[count].name;
    }
    return count;
}

struct reader {
    const struct plan *scan;
    bool done;
};

static enum status
source_open(void *context, const struct plan *scan, void **ret_reader, struct error *error)
{
    (void) context;
    (void) error;
    struct reader *reader = calloc(1, sizeof(*reader));
    ASSERT(reader != NULL);
    reader->scan = scan;
    *ret_reader = reader;
    return STATUS_OK;
}

/* Two rows of nulls: every kernel meets them. */
static enum status
source_next(void *context, struct arena *arena, const struct batch **ret_batch, struct error *error)
{
    struct reader *reader = context;
    (void) error;
    *ret_batch = NULL;
    if (!reader->done) {
        const struct type *type = reader->scan->type;
        const struct column **columns =
            ARENA_ARRAY(arena, const struct column *, type->field_count);
        for (uint32_t i = 0; i < type->field_count; i++) {
            columns[i] = column_nulls(arena, type->fields[i].type, 2);
        }
        struct batch *batch = ARENA_NEW(arena, struct batch);
        *batch = (struct batch){.length = 2, .type = type, .columns = columns};
        *ret_batch = batch;
    }
    reader->done = true;
    return STATUS_OK;
}

static enum status sink(void *context, const struct batch *batch, struct error *error)
{
    (void) error;
    for (int64_t i = 0; i < batch->length && i < 16; i++) {
        buffer_clear(context);
        batch_write_json(batch, i, context);
    }
    return STATUS_OK;
}

static void run(const struct query *query)
{
    struct budget budget;
    budget_init(&budget, "query", (size_t) 64 << 20);
    struct batch_options options = {.source = {source_open, source_next, free, NULL},
                                    .budget = &budget};
    struct buffer row = BUFFER_INIT;
    struct error error;
    size_t offset = 0;
    enum status status = batch_run(query->plan, &options, sink, &row, &offset, &error);
    ASSERT(status != STATUS_INTERNAL);
    ASSERT(offset <= strlen(query->text));
    ASSERT(atomic_load(&budget.bytes_used) == 0);
    buffer_deinit(&row);
}

static void
compile(const char *text, const struct sql_catalog *catalog, const struct sql_options *options)
{
    struct arena arena;
    struct query *query = NULL;
    struct error error;
    size_t offset = 0;
    arena_init(&arena, 0);
    error_clear(&error);
    if (sql_compile(text, catalog, options, &arena, &query, &offset, &error) == STATUS_OK) {
        struct buffer plan = BUFFER_INIT;
        plan_write(query->plan, &plan);
        buffer_deinit(&plan);
        (void) sql_spark_refusal(query, &arena, &offset);
        if (options->batch) {
            run(query);
        }
    } else {
        ASSERT(error.message[0] != '\0');
    }
    ASSERT(offset <= strlen(text));
    arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {
        "struct<a:int,b:string,c:double,d:date,e:timestamp,f:decimal(10,2),g:array<int>,h:map<"
        "string,int>,i:struct<x:int,y:struct<z:string>>,j:boolean,k:array<struct<q:int>>>",
        "struct<a:bigint,user:string,ts:timestamp>",
    };
    struct catalog catalog = {.relations = {{.name = "t"}, {.name = "clicks", .streaming = true}}};
    struct sql_catalog functions = {find, names, &catalog};
    struct error error;
    if (size > 8192) {
        return 0; /* longer texts only repeat; limits have tests of their own */
    }
    arena_init(&catalog.arena, 0);
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        ASSERT(type_parse(slice_of_string(types[i]), &catalog.arena, &catalog.relations[i].type,
                          &error) == STATUS_OK);
    }
    const char *text = arena_string(&catalog.arena, slice_of(data, size));
    compile(text, &functions, &(struct sql_options){.batch = true});
    compile(text, &functions,
            &(struct sql_options){.watermark_column = "ts", .watermark_delay_us = 10});
    arena_deinit(&catalog.arena);
    return 0;
}
