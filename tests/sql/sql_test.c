/*
 * Runs SQL test files (README.md tells the format): `sql_test FILE|FOLDER...`. Each query through
 * parser, analyser, optimiser and batch execution. Ends with 1 if anything differs.
 */

#include "base/assert.h"
#include "rows.h"
#include "script.h"
#include "sql/batch_run.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

#define RELATIONS_MAX 64
#define NOW_US        INT64_C(1767225600000000) /* 2026-01-01T00:00:00Z */

struct relation {
    struct sql_relation sql;
    struct batch *batches[32];
    size_t batch_count;
};

struct session {
    const char *path;
    struct arena arena;
    struct relation relations[RELATIONS_MAX];
    size_t relation_count;
    struct sql_catalog catalog;
    struct error error;
    /* the last query */
    bool ordered;
    const char *text;
    const struct query *query;
    enum status status;
    size_t offset;
    const char **rows; /* canonical JSON */
    size_t row_count, row_capacity;
    const struct block *pending; /* a query whose expectation has not come yet */
    unsigned passed, failed;
};

static void fail(struct session *session, const struct block *block, const char *format, ...)
    PRINTF(3, 4);

static void fail(struct session *session, const struct block *block, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void) fprintf(stderr, "%s:%d: ", session->path, block->line);
    (void) vfprintf(stderr, format, arguments);
    (void) fputc('\n', stderr);
    va_end(arguments);
    session->failed++;
}

/* -- catalog and source ---------------------------------------------------------------------- */

static const struct sql_relation *find_relation(void *context, const char *name)
{
    struct session *session = context;
    for (size_t i = 0; i < session->relation_count; i++) {
        if (strcmp(session->relations[i].sql.name, name) == 0) {
            return &session->relations[i].sql;
        }
    }
    return NULL;
}

static size_t relation_names(void *context, const char **names, size_t max)
{
    struct session *session = context;
    for (size_t i = 0; i < session->relation_count && i < max; i++) {
        names[i] = session->relations[i].sql.name;
    }
    return session->relation_count < max ? session->relation_count : max;
}

struct reader {
    const struct relation *relation;
    const struct plan *scan;
    size_t next;
};

static enum status
source_open(void *context, const struct plan *scan, void **ret_reader, struct error *error)
{
    (void) context;
    (void) error;
    struct reader *reader = calloc(1, sizeof(*reader));
    ASSERT(reader != NULL);
    reader->relation =
        (const struct relation *) (const void *) scan->relation; /* its first member */
    reader->scan = scan;
    *ret_reader = reader;
    return STATUS_OK;
}

/* A column of the wanted type: structs lose the fields that the query does not use. */
static const struct column *
narrow(struct arena *arena, const struct column *column, const struct type *type)
{
    if (type->id != TYPE_STRUCT) {
        return column;
    }
    const struct column **children = ARENA_ARRAY(arena, const struct column *, type->field_count);
    for (uint32_t i = 0; i < type->field_count; i++) {
        int at = type_field_index(column->type, type->fields[i].name);
        ASSERT(at >= 0);
        children[i] = narrow(arena, column->children[at], type->fields[i].type);
    }
    struct column *copy = ARENA_NEW(arena, struct column);
    *copy = *column;
    copy->type = type;
    copy->children = children;
    return copy;
}

static enum status
source_next(void *context, struct arena *arena, const struct batch **ret_batch, struct error *error)
{
    struct reader *reader = context;
    (void) error;
    if (reader->next == reader->relation->batch_count) {
        *ret_batch = NULL;
        return STATUS_OK;
    }
    const struct batch *all = reader->relation->batches[reader->next++];
    const struct type *type = reader->scan->type;
    const struct column **columns = ARENA_ARRAY(arena, const struct column *, type->field_count);
    for (uint32_t i = 0; i < type->field_count; i++) {
        const struct column *column = batch_column(all, type->fields[i].name);
        columns[i] = column == NULL ? column_nulls(arena, type->fields[i].type, all->length)
                                    : narrow(arena, column, type->fields[i].type);
    }
    struct batch *batch = ARENA_NEW(arena, struct batch);
    *batch = (struct batch){.length = all->length, .type = type, .columns = columns};
    *ret_batch = batch;
    return STATUS_OK;
}

/* -- the words ------------------------------------------------------------------------------- */

static struct relation *add_relation(struct session *session, const char *name)
{
    for (size_t i = 0; i < session->relation_count; i++) {
        if (strcmp(session->relations[i].sql.name, name) == 0) {
            session->relations[i] = (struct relation){.sql.name = name};
            return &session->relations[i];
        }
    }
    ASSERT(session->relation_count < RELATIONS_MAX);
    struct relation *relation = &session->relations[session->relation_count++];
    *relation = (struct relation){.sql.name = name};
    return relation;
}

/* create [stream] name (a INT, b STRING) */
static void word_create(struct session *session, const struct block *block)
{
    const char *rest = block->rest;
    bool stream = strncmp(rest, "stream ", 7) == 0;
    rest += stream ? 7 : 0;
    const char *open = strchr(rest, '(');
    const char *close = strrchr(rest, ')');
    if (open == NULL || close == NULL) {
        fail(session, block, "create: expected name (columns)");
        return;
    }
    size_t length = (size_t) (open - rest);
    while (length > 0 && rest[length - 1] == ' ') {
        length--;
    }
    struct relation *relation =
        add_relation(session, arena_string(&session->arena, slice_of(rest, length)));
    const char *type =
        arena_printf(&session->arena, "struct<%.*s>", (int) (close - open - 1), open + 1);
    relation->sql.streaming = stream;
    if (type_parse(slice_of_string(type), &session->arena, &relation->sql.type, &session->error) !=
        STATUS_OK) {
        fail(session, block, "create: %s", session->error.message);
        relation->sql.type = type_struct(&session->arena, NULL, 0);
    }
}

static void word_feed(struct session *session, const struct block *block)
{
    for (size_t i = 0; i < session->relation_count; i++) {
        struct relation *relation = &session->relations[i];
        if (strcmp(relation->sql.name, block->rest) != 0) {
            continue;
        }
        struct batch *batch = NULL;
        ASSERT(relation->batch_count < ARRAY_SIZE(relation->batches));
        if (rows_read(block->body, relation->sql.type, &session->arena, &batch, &session->error) !=
            STATUS_OK) {
            fail(session, block, "feed: %s", session->error.message);
            return;
        }
        relation->batches[relation->batch_count++] = batch;
        return;
    }
    fail(session, block, "feed: no relation \"%s\"", block->rest);
}

static void add_row(struct session *session, struct slice json)
{
    struct buffer canonical CLEANUP(buffer_deinit) = BUFFER_INIT;
    if (session->row_count == session->row_capacity) {
        size_t old = session->row_capacity, capacity = old == 0 ? 64 : old * 2;
        session->rows = arena_grow(&session->arena, session->rows, old * sizeof(char *),
                                   capacity * sizeof(char *));
        session->row_capacity = capacity;
    }
    if (rows_canonical(json, &canonical, &session->error) != STATUS_OK) {
        buffer_append_slice(&canonical, json);
    }
    session->rows[session->row_count++] = arena_string(&session->arena, buffer_slice(&canonical));
}

static enum status take_rows(void *context, const struct batch *batch, struct error *error)
{
    (void) error;
    struct buffer row CLEANUP(buffer_deinit) = BUFFER_INIT;
    for (int64_t i = 0; i < batch->length; i++) {
        buffer_clear(&row);
        batch_write_json(batch, i, &row);
        add_row(context, buffer_slice(&row));
    }
    return STATUS_OK;
}

static void run(struct session *session, const char *text, const struct sql_options *options)
{
    struct query *query = NULL;
    session->text = text;
    session->query = NULL;
    session->row_count = 0;
    session->offset = 0;
    error_clear(&session->error);
    session->status = sql_compile(text, &session->catalog, options, &session->arena, &query,
                                  &session->offset, &session->error);
    if (session->status != STATUS_OK) {
        return;
    }
    session->query = query;
    struct budget budget;
    budget_init(&budget, "query", (size_t) 256 << 20);
    struct batch_options batch_options = {
        .source = {source_open, source_next, free, session}, .budget = &budget, .now_us = NOW_US};
    if (options->batch) {
        session->status = batch_run(query->plan, &batch_options, take_rows, session,
                                    &session->offset, &session->error);
        if (atomic_load(&budget.bytes_used) != 0) {
            session->status =
                error_set(&session->error, STATUS_INTERNAL, "budget is not given back");
        }
    }
}

static const char *body_text(struct session *session, const struct block *block)
{
    return arena_string(&session->arena, block->body);
}

static void settle(struct session *session)
{
    if (session->pending != NULL) {
        fail(session, session->pending, "no expect or error follows this query");
        session->pending = NULL;
    }
}

static void word_query(struct session *session, const struct block *block)
{
    struct sql_options options = {.batch = true};
    session->ordered = strcmp(block->rest, "ordered") == 0;
    run(session, body_text(session, block), &options);
    session->pending = block;
}

/* stream [append|update|complete] [watermark column seconds]: compiled for a stream, not run */
static void word_stream(struct session *session, const struct block *block)
{
    struct sql_options options = {0};
    char *words = arena_strdup(&session->arena, block->rest);
    char *position = NULL;
    for (char *word = strtok_r(words, " ", &position); word != NULL;
         word = strtok_r(NULL, " ", &position)) {
        if (strcmp(word, "watermark") == 0) {
            options.watermark_column = strtok_r(NULL, " ", &position);
        } else if (strcmp(word, "append") == 0) {
            options.mode = OUTPUT_APPEND;
        } else if (strcmp(word, "update") == 0) {
            options.mode = OUTPUT_UPDATE;
        } else if (strcmp(word, "complete") == 0) {
            options.mode = OUTPUT_COMPLETE;
        } else {
            fail(session, block, "stream: unknown word \"%s\"", word);
        }
    }
    run(session, body_text(session, block), &options);
    session->pending = block;
}

static void word_view(struct session *session, const struct block *block)
{
    struct query *query = NULL;
    struct sql_options options = {.batch = true};
    if (sql_compile(body_text(session, block), &session->catalog, &options, &session->arena, &query,
                    &session->offset, &session->error) != STATUS_OK) {
        fail(session, block, "view: %s", session->error.message);
        return;
    }
    struct relation *relation = add_relation(session, arena_strdup(&session->arena, block->rest));
    relation->sql.view = query->plan;
    relation->sql.type = query->plan->type;
}

static int compare_text(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;
    return strcmp(*x, *y);
}

static void show_rows(const char *title, const char *const *rows, size_t count)
{
    (void) fprintf(stderr, "  %s:\n", title);
    for (size_t i = 0; i < count && i < 30; i++) {
        (void) fprintf(stderr, "    %s\n", rows[i]);
    }
}

static void show_error(const struct session *session)
{
    (void) fprintf(stderr, "  %s%s%s (at byte %zu: \"%.20s\")\n", session->error.message,
                   session->error.hint[0] == '\0' ? "" : "; hint: ", session->error.hint,
                   session->offset,
                   session->offset <= strlen(session->text) ? session->text + session->offset : "");
}

static void word_expect(struct session *session, const struct block *block)
{
    if (session->pending == NULL) {
        fail(session, block, "expect without a query");
        return;
    }
    session->pending = NULL;
    if (session->status != STATUS_OK) {
        fail(session, block, "query failed");
        show_error(session);
        return;
    }
    const char **rows = session->rows;
    size_t count = session->row_count;
    session->rows = NULL;
    session->row_count = session->row_capacity = 0;
    struct slice rest = block->body;
    while (rest.size > 0) {
        const uint8_t *end = memchr(rest.data, '\n', rest.size);
        size_t size = end == NULL ? rest.size : (size_t) (end - rest.data);
        if (size > 0) {
            add_row(session, slice_of(rest.data, size));
        }
        rest = slice_of(rest.data + size + (end != NULL), rest.size - size - (end != NULL));
    }
    if (!session->ordered && count > 0 && session->row_count > 0) { /* qsort takes no NULL */
        qsort(rows, count, sizeof(*rows), compare_text);
        qsort(session->rows, session->row_count, sizeof(*rows), compare_text);
    }
    bool same = count == session->row_count;
    for (size_t i = 0; same && i < count; i++) {
        same = strcmp(rows[i], session->rows[i]) == 0;
    }
    if (!same) {
        fail(session, block, "rows differ");
        show_rows("expected", session->rows, session->row_count);
        show_rows("got", rows, count);
        return;
    }
    session->passed++;
}

/* error "place in the text" part of the message */
static void word_error(struct session *session, const struct block *block)
{
    const char *rest = block->rest;
    const char *place = NULL;
    if (session->pending == NULL) {
        fail(session, block, "error without a query");
        return;
    }
    session->pending = NULL;
    if (session->status == STATUS_OK) {
        fail(session, block, "query did not fail");
        show_rows("got", session->rows, session->row_count);
        return;
    }
    const char *close = rest[0] == '"' ? strchr(rest + 1, '"') : NULL;
    if (close != NULL) {
        const char *wanted =
            arena_string(&session->arena, slice_of(rest + 1, (size_t) (close - rest - 1)));
        place = strstr(session->text, wanted);
        rest = close + 1;
        while (*rest == ' ') {
            rest++;
        }
    }
    if (strstr(session->error.message, rest) == NULL ||
        (close != NULL && (place == NULL || session->offset != (size_t) (place - session->text)))) {
        fail(session, block, "another error: %s", block->rest);
        show_error(session);
        return;
    }
    session->passed++;
}

static void word_plan(struct session *session, const struct block *block)
{
    if (session->query == NULL) {
        fail(session, block, "query failed");
        show_error(session);
        return;
    }
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    plan_write(session->query->plan, &text);
    session->pending = NULL;
    struct slice wanted = block->body;
    if (text.size == 0 || !slice_equal(slice_of(text.data, text.size - 1), wanted)) {
        fail(session, block, "plans differ; got\n%s", buffer_string(&text));
        return;
    }
    session->passed++;
}

/* spark: it would run; spark part of the reason: it would not */
static void word_spark(struct session *session, const struct block *block)
{
    if (session->query == NULL) {
        fail(session, block, "query failed");
        show_error(session);
        return;
    }
    size_t offset = 0;
    const char *reason = sql_spark_refusal(session->query, &session->arena, &offset);
    session->pending = NULL;
    bool wanted = block->rest[0] != '\0';
    if (wanted != (reason != NULL) || (wanted && strstr(reason, block->rest) == NULL)) {
        fail(session, block, "spark: %s", reason == NULL ? "runs" : reason);
        return;
    }
    session->passed++;
}

/* expression => JSON, or expression => error part of the message; one a line */
static void check_line(struct session *session, const struct block *block, struct slice line)
{
    const uint8_t *arrow = memmem(line.data, line.size, " => ", 4);
    if (arrow == NULL) {
        fail(session, block, "check: no => in %.*s", SLICE_FORMAT(line));
        return;
    }
    struct sql_options options = {.batch = true};
    int length = (int) (arrow - line.data);
    struct slice wanted = slice_of(arrow + 4, (size_t) (line.data + line.size - arrow - 4));
    run(session,
        arena_printf(&session->arena, "SELECT %.*s AS v", length, (const char *) line.data),
        &options);
    const char *got = session->status != STATUS_OK ? session->error.message : session->rows[0];
    if (wanted.size >= 5 && memcmp(wanted.data, "error", 5) == 0) {
        const char *part =
            arena_string(&session->arena, slice_of(wanted.data + 5, wanted.size - 5));
        part += *part == ' ' ? 1 : 0;
        if (session->status == STATUS_OK || strstr(got, part) == NULL) {
            fail(session, block, "%.*s\n  expected error: %s\n  got: %s", length,
                 (const char *) line.data, part, got);
            return;
        }
        session->passed++;
        return;
    }
    struct buffer row CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct buffer canonical CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_printf(&row, "{\"v\":%.*s}", SLICE_FORMAT(wanted));
    struct error ignored;
    bool json = rows_canonical(buffer_slice(&row), &canonical, &ignored) == STATUS_OK;
    if (!json || session->status != STATUS_OK || strcmp(got, buffer_string(&canonical)) != 0) {
        fail(session, block, "%.*s\n  expected: %.*s\n  got: %s", length, (const char *) line.data,
             SLICE_FORMAT(wanted), got);
        return;
    }
    session->passed++;
}

static void word_check(struct session *session, const struct block *block)
{
    struct slice rest = block->body;
    while (rest.size > 0) {
        const uint8_t *end = memchr(rest.data, '\n', rest.size);
        size_t size = end == NULL ? rest.size : (size_t) (end - rest.data);
        if (size > 0 && rest.data[0] != '#') {
            check_line(session, block, slice_of(rest.data, size));
        }
        rest = slice_of(rest.data + size + (end != NULL), rest.size - size - (end != NULL));
    }
}

static void run_block(struct session *session, const struct block *block)
{
    static const struct {
        const char *word;
        void (*run)(struct session *session, const struct block *block);
        bool answers; /* belongs to the query before it */
    } words[] = {
        {"create", word_create, false}, {"feed", word_feed, false},
        {"view", word_view, false},     {"query", word_query, false},
        {"stream", word_stream, false}, {"check", word_check, false},
        {"expect", word_expect, true},  {"error", word_error, true},
        {"plan", word_plan, true},      {"spark", word_spark, true},
    };

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (strcmp(words[i].word, block->word) == 0) {
            if (!words[i].answers) {
                settle(session);
            }
            words[i].run(session, block);
            return;
        }
    }
    fail(session, block, "\"%s\" is for streams, which this program does not run", block->word);
}

static bool run_file(const char *path)
{
    struct session *session = calloc(1, sizeof(*session));
    ASSERT(session != NULL);
    struct block *blocks = NULL;
    size_t count = 0;
    session->path = path;
    session->catalog = (struct sql_catalog){find_relation, relation_names, session};
    arena_init(&session->arena, 0);
    if (script_read(path, &session->arena, &blocks, &count, &session->error) != STATUS_OK) {
        (void) fprintf(stderr, "%s\n", session->error.message);
        session->failed++;
    }
    for (size_t i = 0; i < count; i++) {
        run_block(session, &blocks[i]);
    }
    settle(session);
    (void) printf("%s: %u passed, %u failed\n", path, session->passed, session->failed);
    bool ok = session->failed == 0;
    arena_deinit(&session->arena);
    free(session);
    return ok;
}

static bool run_path(const char *path)
{
    struct stat info;
    struct dirent **names = NULL;
    if (stat(path, &info) != 0) {
        perror(path);
        return false;
    }
    if (!S_ISDIR(info.st_mode)) {
        return run_file(path);
    }
    bool ok = true;
    int count = scandir(path, &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        const char *dot = strrchr(names[i]->d_name, '.');
        char inner[4096];
        (void) snprintf(inner, sizeof(inner), "%s/%s", path, names[i]->d_name);
        if (names[i]->d_type == DT_DIR && names[i]->d_name[0] != '.') {
            ok &= run_path(inner);
        } else if (dot != NULL && strcmp(dot, ".test") == 0) {
            ok &= run_file(inner);
        }
        free(names[i]);
    }
    free(names);
    return ok;
}

int main(int argc, char **argv)
{
    bool ok = argc > 1;
    for (int i = 1; i < argc; i++) {
        ok &= run_path(argv[i]);
    }
    return ok ? 0 : 1;
}
