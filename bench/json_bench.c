/*
 * Speed of codec/ on recorded users: JSON to tape, JSON to Avro, Avro to columns, JSON to columns.
 *
 *     build/bench/json_bench examples/users/user.avsc FILE...
 *
 * Each file is a reply of the API; its users are taken out of "results". Prints a table, or JSON
 * with --json.
 */

#include "codec/avro.h"
#include "io/clock.h"
#include "io/file.h"

#include <stdio.h>
#include <stdlib.h>

#define ROUNDS    7
#define ROUND_US  200000
#define ROWS_MAX  4096
#define TEXTS_MAX 4096

static const char wanted[] =
    "struct<login:struct<uuid:string,username:string>,name:struct<first:string,last:string>,"
    "gender:string,location:struct<street:struct<number:bigint,name:string>,city:string,"
    "country:string,postcode:string>,email:string,dob:struct<date:string>>"; /* 12 values */

static struct {
    struct buffer files[64];
    size_t file_count;
    size_t file_bytes;
    struct slice texts[TEXTS_MAX]; /* users, without white space around tokens */
    struct slice datums[TEXTS_MAX];
    size_t count;
    size_t text_bytes;
    size_t datum_bytes;
    struct arena arena;
    struct json_document document;
    const struct avro_schema *schema;
    const struct type *type;
    struct avro_decoder *decoder;
    struct buffer scratch;
} bench;

static void check(enum status status, const struct error *error)
{
    if (status != STATUS_OK) {
        (void) fprintf(stderr, "%s\n", error->message);
        exit(1);
    }
}

/* ---- What is measured ------------------------------------------------------------------------ */

static void run_parse_files(void)
{
    struct error error;
    for (size_t i = 0; i < bench.file_count; i++) {
        check(json_parse(&bench.document, buffer_slice(&bench.files[i]), 0, &error), &error);
    }
}

static void run_parse(void)
{
    struct error error;
    for (size_t i = 0; i < bench.count; i++) {
        check(json_parse(&bench.document, bench.texts[i], 0, &error), &error);
    }
}

static void run_encode(void)
{
    struct error error;
    for (size_t i = 0; i < bench.count; i++) {
        check(json_parse(&bench.document, bench.texts[i], 0, &error), &error);
        buffer_clear(&bench.scratch);
        check(
            avro_encode_json(bench.schema, &bench.document, 0, true, &bench.scratch, NULL, &error),
            &error);
    }
}

static void run_canonical(void)
{
    struct error error;
    static const char *const skip[] = {"dob.age", "registered.age"};
    for (size_t i = 0; i < bench.count; i++) {
        check(json_parse(&bench.document, bench.texts[i], 0, &error), &error);
        buffer_clear(&bench.scratch);
        json_canonical(&bench.document, 0, skip, 2, &bench.scratch);
    }
}

static void start_builders(struct arena *arena, struct column_builder *builders)
{
    for (uint32_t i = 0; i < bench.type->field_count; i++) {
        column_builder_init(&builders[i], arena, bench.type->fields[i].type, ROWS_MAX);
    }
}

static void run_decode(void)
{
    struct error error;
    struct column_builder builders[16];
    struct arena arena;
    arena_init(&arena, (size_t) 1 << 20);
    start_builders(&arena, builders);
    for (size_t i = 0; i < bench.count; i++) {
        check(avro_decode(bench.decoder, bench.datums[i], builders, &error), &error);
    }
    arena_deinit(&arena);
}

static void run_json_decode(void)
{
    struct error error;
    struct column_builder builders[16];
    struct arena arena;
    arena_init(&arena, (size_t) 1 << 20);
    start_builders(&arena, builders);
    for (size_t i = 0; i < bench.count; i++) {
        check(json_parse(&bench.document, bench.texts[i], 0, &error), &error);
        check(json_decode(&bench.document, 0, bench.type, builders, &error), &error);
    }
    arena_deinit(&arena);
}

/* ---- Set-up ---------------------------------------------------------------------------------- */

/* A user without the white space of the recorded file, members in their order. */
static void append_compact(uint32_t index, struct buffer *target)
{
    const struct json_value *value = json_at(&bench.document, index);
    if (value->kind < JSON_KIND_ARRAY) {
        buffer_append_slice(target, json_raw(&bench.document, index));
        return;
    }
    bool object = value->kind == JSON_KIND_OBJECT;
    uint32_t at = index + 1;
    buffer_append_byte(target, object ? '{' : '[');
    for (uint32_t i = 0; i < value->count; i++) {
        buffer_append_string(target, i == 0 ? "" : ",");
        if (object) {
            buffer_append_slice(target, json_raw(&bench.document, at));
            buffer_append_byte(target, ':');
            at++;
        }
        append_compact(at, target);
        at = json_at(&bench.document, at)->next;
    }
    buffer_append_byte(target, object ? '}' : ']');
}

static void load_users(const char *path)
{
    struct error error;
    struct buffer *file = &bench.files[bench.file_count++];
    check(file_load(path, (size_t) 1 << 30, file, &error), &error);
    bench.file_bytes += file->size;
    check(json_parse(&bench.document, buffer_slice(file), 0, &error), &error);
    uint32_t list = json_path(&bench.document, 0, "results");
    uint32_t at = list + 1;
    for (uint32_t i = 0; i < json_at(&bench.document, list)->count; i++) {
        buffer_clear(&bench.scratch);
        append_compact(at, &bench.scratch);
        at = json_at(&bench.document, at)->next;
        if (bench.count < TEXTS_MAX) {
            bench.texts[bench.count++] = arena_copy(&bench.arena, buffer_slice(&bench.scratch));
            bench.text_bytes += bench.scratch.size;
        }
    }
}

static void prepare(const char *schema_path)
{
    struct error error;
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    check(file_load(schema_path, (size_t) 1 << 20, &text, &error), &error);
    check(avro_schema_parse(buffer_slice(&text), &bench.arena, &bench.schema, &error), &error);
    check(type_parse(SLICE(wanted), &bench.arena, &bench.type, &error), &error);
    check(avro_decoder_new(bench.schema, bench.schema, bench.type, &bench.arena, &bench.decoder,
                           &error),
          &error);
    for (size_t i = 0; i < bench.count; i++) {
        check(json_parse(&bench.document, bench.texts[i], 0, &error), &error);
        buffer_clear(&bench.scratch);
        check(
            avro_encode_json(bench.schema, &bench.document, 0, true, &bench.scratch, NULL, &error),
            &error);
        bench.datums[i] = arena_copy(&bench.arena, buffer_slice(&bench.scratch));
        bench.datum_bytes += bench.scratch.size;
    }
}

/* Seconds of one run, the best of some rounds. */
static double best(void (*run)(void))
{
    double result = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = clock_monotonic_us();
        int64_t now = start;
        int runs = 0;
        for (; now - start < ROUND_US; runs++) {
            run();
            now = clock_monotonic_us();
        }
        double seconds = (double) (now - start) / 1e6 / runs;
        result = seconds < result ? seconds : result;
    }
    return result;
}

static void report(bool json, const char *name, void (*run)(void), size_t bytes, size_t records)
{
    double seconds = best(run);
    double megabytes = (double) bytes / 1e6 / seconds;
    double rate = (double) records / seconds;
    (void) printf(json ? "{\"bench\":\"%s\",\"mb_per_s\":%.0f,\"records_per_s\":%.0f}\n"
                       : "%-40s %8.0f MB/s %12.0f records/s\n",
                  name, megabytes, rate);
}

int main(int argc, char **argv)
{
    bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
    argv += json;
    argc -= json;
    if (argc < 3 || argc > 60) {
        (void) fprintf(stderr, "usage: json_bench [--json] SCHEMA FILE...\n");
        return 64;
    }
    arena_init(&bench.arena, 0);
    json_document_init(&bench.document);
    for (int i = 2; i < argc; i++) {
        load_users(argv[i]);
    }
    prepare(argv[1]);
    if (!json) {
        (void) printf("%zu users, %zu bytes of JSON each, %zu of Avro\n", bench.count,
                      bench.text_bytes / bench.count, bench.datum_bytes / bench.count);
    }
    report(json, "JSON to tape, files as recorded", run_parse_files, bench.file_bytes, bench.count);
    report(json, "JSON to tape, compact", run_parse, bench.text_bytes, bench.count);
    report(json, "JSON to tape to Avro", run_encode, bench.text_bytes, bench.count);
    report(json, "JSON to tape to canonical form", run_canonical, bench.text_bytes, bench.count);
    report(json, "JSON to tape to 12 columns", run_json_decode, bench.text_bytes, bench.count);
    report(json, "Avro to 12 columns", run_decode, bench.datum_bytes, bench.count);
    return 0;
}
