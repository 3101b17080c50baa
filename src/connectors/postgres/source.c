#include "base/logline.h"
#include "base/memory.h"
#include "connectors/postgres/pg_place.h"
#include "connectors/postgres/postgres_source.h"
#include "connectors/postgres/source_internal.h"
#include "io/clock.h"

/* A position that rose without a record is stored after so much of the server's log, or so long: it
 * lets the server forget what other tables and databases write. */
#define IDLE_BYTES ((uint64_t) 1 << 20)
#define IDLE_US    INT64_C(10000000)

static void source_close(struct source *source)
{
    source_run_end(source);
    page_deinit(&source->page);
    schema_builder_deinit(&source->schema);
    json_document_deinit(&source->document);
    pgoutput_relations_deinit(&source->relations);
    map_deinit(&source->shapes);
    arena_deinit(&source->run_arena);
    arena_deinit(&source->message_arena);
    arena_deinit(&source->staged_arena);
    mem_free(source->name);
    mem_free(source->shown);
    mem_free(source->url);
    mem_free(source->slot);
    mem_free(source->publication);
    mem_free(source->description);
    mem_free(source);
}

/* "leat_PIPELINE_SOURCE" of the signs that a slot may have. */
static char *own_name(const char *name, struct arena *arena)
{
    char *text = arena_printf(arena, "leat_%s", name);
    for (char *at = text; *at != '\0'; at++) {
        char c = (char) (*at >= 'A' && *at <= 'Z' ? *at | 32 : *at);
        *at = (char) ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '_');
    }
    return mem_printf("%.*s", PG_NAME_BYTES, text);
}

static enum status check_slot_name(const char *name, struct error *error)
{
    size_t size = strlen(name);
    if (size > 0 && size <= PG_NAME_BYTES &&
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == size) {
        return STATUS_OK;
    }
    (void) error_set(error, STATUS_CONFIG, "\"%s\" is no name of a replication slot", name);
    error_hint(error, "use at most 63 small letters, digits and _");
    return STATUS_CONFIG;
}

static enum status take_metadata(struct source *source, struct error *error)
{
    struct shape_context *context = &source->shape_context;

    const struct {
        const char *name;
        bool *flag;
    } fields[] = {{"table", &context->with_table},
                  {"lsn", &context->with_lsn},
                  {"committed_at", &context->with_committed_at}};

    for (size_t i = 0; i < source->settings->metadata.count; i++) {
        const char *name = source->settings->metadata.items[i];
        bool found = false;
        for (size_t j = 0; j < ARRAY_SIZE(fields); j++) {
            if (strcmp(name, fields[j].name) == 0) {
                *fields[j].flag = found = true;
            }
        }
        if (!found) {
            (void) error_set(error, STATUS_CONFIG, "\"%s\" is no metadata", name);
            error_hint(error, "there are table, lsn and committed_at");
            return STATUS_CONFIG;
        }
    }
    return STATUS_OK;
}

static enum status take_settings(struct source *source, struct arena *arena, struct error *error)
{
    const struct postgres_settings *settings = source->settings;
    struct pg_place place;
    TRY(pg_place_read(settings->url, arena, &place, error));
    source->url = mem_strdup(place.url);
    source->shown = mem_strdup(place.shown);
    source->slot =
        settings->slot != NULL ? mem_strdup(settings->slot) : own_name(source->name, arena);
    source->publication = settings->publication != NULL ? mem_strdup(settings->publication)
                                                        : own_name(source->name, arena);
    source->description = mem_printf("postgresql %s", place.shown);
    TRY(check_slot_name(source->slot, error));
    if (settings->tables.count == 0) {
        return error_set(error, STATUS_CONFIG, "`tables` is empty");
    }
    source->page.count_max = (size_t) settings->page_records;
    source->page.bytes_max = (size_t) settings->page_bytes;
    return take_metadata(source, error);
}

static enum status
source_open(const void *settings, const char *name, struct source **ret_source, struct error *error)
{
    struct source *source = mem_zalloc(sizeof(*source));
    struct arena arena CLEANUP(arena_deinit);
    arena_init(&arena, 0);
    source->settings = settings;
    source->name = mem_strdup(name);
    source->page.document = &source->document;
    json_document_init(&source->document);
    pgoutput_relations_init(&source->relations);
    map_init(&source->shapes);
    schema_builder_init(&source->schema);
    arena_init(&source->run_arena, 0);
    arena_init(&source->message_arena, 0);
    arena_init(&source->staged_arena, 0);
    enum status status = take_settings(source, &arena, error);
    if (status != STATUS_OK) {
        source_close(source);
        return status;
    }
    *ret_source = source;
    return STATUS_OK;
}

/* ---- pages -------------------------------------------------------------------------------------
 */

/* From the cursor that staging has; a run that stands there goes on. */
static enum status
go_on(struct source *source, const struct source_request *request, struct error *error)
{
    const char *cursor = request->cursor == NULL ? "" : request->cursor;
    if (source->handed == NULL || strcmp(source->handed, cursor) != 0) {
        return source_run_begin(source, request, error);
    }
    source->is_new = false;
    source->stored = source->handed_lsn;
    return source->streaming
               ? replication_confirm(source->replication, source->stored, false, error)
               : STATUS_OK;
}

static enum status start_stream(struct source *source, struct error *error)
{
    const struct replication_stream stream = {
        .slot = source->slot, .publication = source->publication, .lsn = source->place.lsn};
    if (!source->streaming) {
        TRY(replication_start(source->replication, &stream, error));
        source->streaming = true;
    }
    return STATUS_OK;
}

static enum status read_page(struct source *source,
                             const struct source_request *request,
                             bool *ret_end,
                             struct error *error)
{
    *ret_end = false;
    if (source->is_new) {
        return STATUS_OK; /* an empty page first: that there is a slot must be known */
    }
    if (source->place.todo_count > 0) {
        return source_read_tables(source, request, error);
    }
    if (source->place.sweep_count > 0) {
        return source_sweep(source, error);
    }
    TRY(start_stream(source, error));
    return source_read_stream(source, request, ret_end, error);
}

/* Hands out the cursor if there is something to store. */
static void
hand_out(struct source *source, bool always, struct arena *arena, struct source_page *page)
{
    int64_t now_us = clock_monotonic_us();
    uint64_t risen = source->place.lsn - source->handed_lsn;
    if (!always && (risen == 0 || (risen < IDLE_BYTES && now_us - source->handed_us < IDLE_US))) {
        return;
    }
    page->cursor = place_write(&source->place, arena);
    mem_free(source->handed);
    source->handed = mem_strdup(page->cursor);
    source->handed_lsn = source->place.lsn;
    source->handed_us = now_us;
}

static enum status source_fetch(struct source *source,
                                const struct source_request *request,
                                struct arena *arena,
                                struct source_page *ret_page,
                                int64_t *ret_retry_after_us,
                                struct error *error)
{
    *ret_retry_after_us = -1;
    *ret_page = (struct source_page){.document = &source->document, .place = "changes"};
    page_begin(&source->page, arena, request->staged);
    enum status status = go_on(source, request, error);
    if (status == STATUS_OK) {
        size_t todo = source->place.todo_count + source->place.sweep_count;
        ret_page->place = todo > 0 ? "rows" : "changes";
        status = read_page(source, request, &ret_page->end, error);
        bool always = source->page.count > 0 || source->is_new ||
                      todo != source->place.todo_count + source->place.sweep_count;
        if (status == STATUS_OK) {
            status = page_finish(&source->page, ret_page, error);
        }
        if (status == STATUS_OK) {
            hand_out(source, always, arena, ret_page);
            return STATUS_OK;
        }
    }
    source_run_end(source);
    return status;
}

/* ---- news --------------------------------------------------------------------------------------
 */

static bool has_news(const struct source *source, int64_t now_us)
{
    uint64_t risen = source->place.lsn - source->handed_lsn;
    return source->input_pending || source->in_transaction ||
           source->handed_lsn != source->stored || risen >= IDLE_BYTES ||
           (risen > 0 && now_us - source->handed_us >= IDLE_US);
}

static bool source_wait(struct source *source, int64_t timeout_us)
{
    int64_t until_us = clock_monotonic_us() + timeout_us;
    if (!source->streaming) {
        return true;
    }
    for (int64_t now_us = clock_monotonic_us(); now_us < until_us; now_us = clock_monotonic_us()) {
        struct error error = {0};
        if (has_news(source, now_us)) {
            return true;
        }
        enum status status = replication_receive(source->replication, until_us - now_us, NULL,
                                                 &source->input, &error);
        if (status != STATUS_OK) {
            logline_error(LOG_INFO, "postgres", &error);
            source_run_end(source); /* the next fetch connects again, or says why it cannot */
            return true;
        }
        source->input_pending = source->input.event == REPLICATION_MESSAGE;
        if (source->input.event == REPLICATION_KEEPALIVE) {
            source_take_keepalive(source);
        }
    }
    return has_news(source, clock_monotonic_us());
}

static const char *source_describe(const struct source *source)
{
    return source->description;
}

/* What could be wrong with a slot that is there, from the little that is known here. */
static enum status look_at_slot(struct source *source, struct arena *arena, struct error *error)
{
    struct catalog_slot slot;
    TRY(catalog_slot_find(source->catalog, source->slot, arena, &slot, error));
    if (slot.exists && strcmp(slot.plugin, "pgoutput") != 0) {
        return error_set(error, STATUS_CONFIG, "replication slot \"%s\" is of another kind",
                         source->slot);
    }
    if (slot.exists && (slot.restart_lsn == 0 || strcmp(slot.wal_status, "lost") == 0)) {
        (void) error_set(error, STATUS_CONFLICT, "replication slot \"%s\" is invalid",
                         source->slot);
        return source_lost(error);
    }
    return STATUS_OK;
}

static enum status source_check(struct source *source,
                                struct arena *arena,
                                const char **ret_found,
                                struct error *error)
{
    const struct setting_strings *patterns = &source->settings->tables;
    struct catalog_publication publication;
    struct catalog_table *tables;
    size_t count;
    source_run_end(source);
    TRY(catalog_open(source->url, source->shown, false, &source->catalog, error));
    TRY(catalog_check_server(source->catalog, error));
    TRY(catalog_publication_find(source->catalog, source->publication, &publication, error));
    TRY(catalog_tables(source->catalog, source->publication, publication.exists, patterns->items,
                       patterns->count, arena, &tables, &count, error));
    TRY(catalog_check_identities(tables, count, publication.exists && !publication.updates, error));
    TRY(look_at_slot(source, arena, error));
    *ret_found = arena_printf(arena, "%s, %zu table%s", catalog_describe(source->catalog, arena),
                              count, count == 1 ? "" : "s");
    return STATUS_OK;
}

static const char *source_schema(struct source *source)
{
    return source->catalog == NULL
               ? NULL
               : schema_builder_text(&source->schema, source->name, &source->shape_context);
}

const struct source_ops postgres_source_ops = {
    .name = "postgres",
    .settings = &postgres_source_settings,
    .open = source_open,
    .fetch = source_fetch,
    .wait = source_wait,
    .close = source_close,
    .describe = source_describe,
    .schema = source_schema,
    .check = source_check,
};
