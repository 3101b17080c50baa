/* The beginning of a run: is what staging has still where the server goes on? */

#include "base/logline.h"
#include "base/memory.h"
#include "connectors/postgres/source_internal.h"
#include "io/clock.h"

#include <inttypes.h>

void source_run_end(struct source *source)
{
    snapshot_close(source->snapshot);
    replication_close(source->replication);
    catalog_close(source->catalog);
    source->snapshot = NULL;
    source->replication = NULL;
    source->catalog = NULL;
    source->streaming = false;
    source->reading = false;
    source->tables = NULL;
    source->table_count = 0;
    source_stream_clear(source);
    mem_free(source->handed);
    source->handed = NULL;
}

enum status source_lost(struct error *error)
{
    error_hint(error, "changes in between cannot be had any more: with `snapshot: when_lost` the "
                      "source reads the tables again and removes rows that are gone");
    if (error != NULL) {
        error->retriable = false;
    }
    return STATUS_CONFLICT;
}

/* ---- tables ------------------------------------------------------------------------------------
 */

/* A delete carries the columns of the replica identity and no others: the key must be among them.
 */
static enum status check_key(const struct source *source,
                             const struct catalog_table *table,
                             const struct source_staged *staged,
                             struct error *error)
{
    struct buffer json CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct arena arena CLEANUP(arena_deinit);
    struct slice key;
    bool any = false;
    arena_init(&arena, 0);
    buffer_append_byte(&json, '{');
    for (size_t i = 0; i < table->column_count; i++) {
        if (table->columns[i].key) {
            buffer_append_string(&json, any ? "," : "");
            buffer_append_json(&json, slice_of_string(table->columns[i].name));
            buffer_append_string(&json, ":\"x\"");
            any = true;
        }
    }
    if (!any || staged == NULL) {
        return STATUS_OK;
    }
    buffer_append_string(&json, source->shape_context.with_table ? ",\"_table\":\"x\"}" : "}");
    enum status status = staged->key(staged->context, buffer_slice(&json), &arena, &key, error);
    if (status != STATUS_DATA) {
        return status;
    }
    error_context(error, "the key of the source is not in the replica identity of table \"%s\"",
                  table->full);
    error_hint(error, "name its primary key in `key`, or ALTER TABLE %s REPLICA IDENTITY FULL",
               table->full);
    if (error != NULL) {
        error->status = STATUS_CONFIG;
    }
    return STATUS_CONFIG;
}

static enum status
find_tables(struct source *source, const struct source_request *request, struct error *error)
{
    const struct setting_strings *patterns = &source->settings->tables;
    struct catalog_publication publication;
    TRY(catalog_publication_find(source->catalog, source->publication, &publication, error));
    if (!publication.exists && request->cursor != NULL &&
        source->settings->snapshot != SNAPSHOT_WHEN_LOST) {
        (void) error_set(error, STATUS_CONFLICT,
                         "publication-missing: publication \"%s\" is gone, and PostgreSQL cannot "
                         "decode what was written without it",
                         source->publication);
        return source_lost(error);
    }
    source->lost = !publication.exists && request->cursor != NULL;
    TRY(catalog_tables(source->catalog, source->publication, publication.exists, patterns->items,
                       patterns->count, &source->run_arena, &source->tables, &source->table_count,
                       error));
    if (!publication.exists) {
        TRY(catalog_publication_make(source->catalog, source->publication, source->tables,
                                     source->table_count, error));
        TRY(catalog_tables(source->catalog, source->publication, true, patterns->items,
                           patterns->count, &source->run_arena, &source->tables,
                           &source->table_count, error));
    } else if (request->cursor == NULL && !(publication.inserts && publication.updates &&
                                            publication.deletes && publication.truncates)) {
        logline(LOG_WARN, "postgres", "the publication leaves out some kinds of changes",
                LOG_STRING("publication", source->publication));
    }
    source->shape_context.with_table = source->shape_context.with_table || source->table_count > 1;
    schema_builder_clear(&source->schema);
    for (size_t i = 0; i < source->table_count; i++) {
        const struct catalog_table *table = &source->tables[i];
        TRY(check_key(source, table, request->staged, error));
        for (size_t j = 0; j < table->column_count; j++) {
            TRY(schema_builder_add(&source->schema, table->full, table->columns[j].name,
                                   &table->columns[j].type, error));
        }
    }
    return STATUS_OK;
}

/* ---- the slot ----------------------------------------------------------------------------------
 */

static enum status
check_slot_kind(const struct source *source, const struct catalog_slot *slot, struct error *error)
{
    if (strcmp(slot->plugin, "pgoutput") == 0) {
        return STATUS_OK;
    }
    (void) error_set(error, STATUS_CONFIG, "slot-foreign: replication slot \"%s\" is one of \"%s\"",
                     source->slot, slot->plugin[0] == '\0' ? "physical replication" : slot->plugin);
    error_hint(error, "name another one in `slot`");
    return STATUS_CONFIG;
}

/* Does the slot still have what comes after `place`? */
static enum status
check_slot(const struct source *source, const struct catalog_slot *slot, struct error *error)
{
    char at[LSN_TEXT_BYTES];
    char other[LSN_TEXT_BYTES];
    const struct place *place = &source->place;
    if (!slot->exists) {
        (void) error_set(error, STATUS_CONFLICT,
                         "slot-missing: replication slot \"%s\" is gone, and with it the changes "
                         "since %s",
                         source->slot, lsn_format(place->lsn, at));
        return source_lost(error);
    }
    TRY(check_slot_kind(source, slot, error));
    if (slot->restart_lsn == 0 || strcmp(slot->wal_status, "lost") == 0) {
        (void) error_set(error, STATUS_CONFLICT,
                         "slot-invalidated: replication slot \"%s\" is invalid%s%s: the server "
                         "removed the log since %s (max_slot_wal_keep_size)",
                         source->slot, slot->why_invalid[0] == '\0' ? "" : ", ", slot->why_invalid,
                         lsn_format(place->lsn, at));
        return source_lost(error);
    }
    if (slot->confirmed_lsn > place->lsn) {
        (void) error_set(error, STATUS_CONFLICT,
                         "slot-moved: replication slot \"%s\" was moved to %s by another reader, "
                         "and staging is at %s",
                         source->slot, lsn_format(slot->confirmed_lsn, other),
                         lsn_format(place->lsn, at));
        return source_lost(error);
    }
    return STATUS_OK;
}

/* Is it the server, and the history, that staging has followed? */
static enum status
check_system(struct source *source, const struct replication_system *system, struct error *error)
{
    const struct place *place = &source->place;
    char at[LSN_TEXT_BYTES];
    char left[LSN_TEXT_BYTES];
    if (strcmp(system->id, place->system) != 0) {
        (void) error_set(error, STATUS_CONFLICT,
                         "other-server: this is the PostgreSQL cluster %s, and staging follows %s",
                         system->id, place->system);
        return source_lost(error);
    }
    if (system->timeline != place->timeline) {
        uint64_t switched = 0;
        enum status status = replication_timeline_switch(source->replication, system->timeline,
                                                         place->timeline, &switched, error);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND && status != STATUS_IO) {
            return status;
        }
        if (status != STATUS_OK || switched < place->lsn) {
            (void) error_set(error, STATUS_CONFLICT,
                             "timeline-left: the server is on timeline %" PRId32
                             ", which left timeline %" PRId32 " at %s; staging is at %s",
                             system->timeline, place->timeline, lsn_format(switched, left),
                             lsn_format(place->lsn, at));
            return source_lost(error);
        }
        source->place.timeline = system->timeline;
    }
    if (system->lsn < place->lsn) {
        (void) error_set(error, STATUS_CONFLICT,
                         "server-behind: the server is at %s, before %s where staging is: it was "
                         "restored from an older state",
                         lsn_format(system->lsn, left), lsn_format(place->lsn, at));
        return source_lost(error);
    }
    return STATUS_OK;
}

/* ---- where to begin ----------------------------------------------------------------------------
 */

static void add_text(struct arena *arena, const char ***texts, size_t *count, const char *text)
{
    const char **longer = ARENA_ARRAY(arena, const char *, *count + 1);
    for (size_t i = 0; i < *count; i++) {
        longer[i] = (*texts)[i];
    }
    longer[(*count)++] = text;
    *texts = longer;
}

/* Tables that staging does not know, or knew as another one of that name, are read; a source that
 * begins reads all. */
static void plan_tables(struct source *source)
{
    struct place *place = &source->place;
    struct arena *arena = &source->run_arena;
    struct place_table *tables = ARENA_ARRAY(arena, struct place_table, source->table_count);
    bool reads = source->settings->snapshot != SNAPSHOT_NEVER;
    for (size_t i = 0; i < source->table_count; i++) {
        const struct catalog_table *table = &source->tables[i];
        const struct place_table *known = place_table(place, table->full);
        tables[i] = (struct place_table){.full = table->full, .oid = table->oid};
        if (known != NULL && known->oid == table->oid) {
            continue;
        }
        if (reads) {
            add_text(arena, &place->todo, &place->todo_count, table->full);
        }
        if (known != NULL) {
            add_text(arena, &place->sweep, &place->sweep_count, table->full);
        }
    }
    place->tables = tables;
    place->table_count = source->table_count;
}

static enum status begin_new(struct source *source,
                             const atomic_bool *cancelled,
                             const struct replication_system *system,
                             struct error *error)
{
    struct catalog_slot slot;
    struct place *place = &source->place;
    const char *exported = NULL;
    *place =
        (struct place){.slot = source->slot, .system = system->id, .timeline = system->timeline};
    TRY(catalog_slot_find(source->catalog, source->slot, &source->run_arena, &slot, error));
    if (slot.exists) {
        /* Made in advance, or by a run that was killed before it stored anything. */
        place->lsn = slot.confirmed_lsn;
        TRY(check_slot(source, &slot, error));
    } else {
        TRY(replication_slot_create(source->replication, source->slot, false, cancelled,
                                    &source->run_arena, &place->lsn, &exported, error));
    }
    plan_tables(source);
    if (exported != NULL && place->todo_count > 0) {
        TRY(snapshot_open(source->url, source->shown, exported, &source->snapshot, error));
    }
    source->is_new = true;
    return STATUS_OK;
}

/* With `snapshot: when_lost`: a slot of its own again, all rows again, and rows that staging has
 * and the tables have not are removed. */
static enum status begin_anew(struct source *source,
                              const struct replication_system *system,
                              const atomic_bool *cancelled,
                              const struct error *reason,
                              struct error *error)
{
    struct catalog_slot slot;
    logline_error(LOG_WARN, "postgres", reason);
    TRY(catalog_slot_find(source->catalog, source->slot, &source->run_arena, &slot, error));
    if (slot.exists) {
        TRY(check_slot_kind(source, &slot, error));
        TRY(catalog_slot_drop(source->catalog, source->slot, error));
    }
    TRY(begin_new(source, cancelled, system, error));
    for (size_t i = 0; i < source->table_count; i++) {
        add_text(&source->run_arena, &source->place.sweep, &source->place.sweep_count,
                 source->tables[i].full);
    }
    return STATUS_OK;
}

static enum status begin_again(struct source *source,
                               const char *cursor,
                               const struct replication_system *system,
                               struct error *error)
{
    struct catalog_slot slot;
    struct place *place = &source->place;
    TRY(place_read(cursor, &source->run_arena, place, error));
    if (strcmp(place->slot, source->slot) != 0) {
        (void) error_set(error, STATUS_CONFIG,
                         "staging follows replication slot \"%s\", and not \"%s\"", place->slot,
                         source->slot);
        error_hint(error, "a source keeps its slot: write slot: %s", place->slot);
        return STATUS_CONFIG;
    }
    TRY(check_system(source, system, error));
    TRY(catalog_slot_find(source->catalog, source->slot, &source->run_arena, &slot, error));
    TRY(check_slot(source, &slot, error));
    plan_tables(source);
    return STATUS_OK;
}

/* A snapshot that shows at least what the stream will not bring: one that a slot of its own exports
 * has waited for all transactions that were under way. */
static enum status
open_later_snapshot(struct source *source, const atomic_bool *cancelled, struct error *error)
{
    struct replication *helper;
    uint64_t lsn;
    const char *exported;
    const char *name = arena_printf(&source->run_arena, "leat_%016" PRIx64, random_u64());
    TRY(replication_open(source->url, source->shown, &helper, error));
    enum status status = replication_slot_create(helper, name, true, cancelled, &source->run_arena,
                                                 &lsn, &exported, error);
    if (status == STATUS_OK) {
        status = snapshot_open(source->url, source->shown, exported, &source->snapshot, error);
    }
    replication_close(helper);
    return status;
}

static enum status begin_at(struct source *source,
                            const struct source_request *request,
                            const struct replication_system *system,
                            struct error *error)
{
    struct error reason = {0};
    enum status status;
    if (request->cursor == NULL) {
        return begin_new(source, request->cancelled, system, error);
    }
    if (source->lost) {
        status = error_set(&reason, STATUS_CONFLICT,
                           "publication-missing: publication \"%s\" was gone", source->publication);
    } else {
        status = begin_again(source, request->cursor, system, &reason);
    }
    if (status == STATUS_CONFLICT && source->settings->snapshot == SNAPSHOT_WHEN_LOST) {
        return begin_anew(source, system, request->cancelled, &reason, error);
    }
    if (status != STATUS_OK && error != NULL) {
        *error = reason;
    }
    return status;
}

enum status
source_run_begin(struct source *source, const struct source_request *request, struct error *error)
{
    struct replication_system system;
    source_run_end(source);
    if (request->from_us != 0 || request->to_us != 0) {
        return error_set(error, STATUS_CONFIG,
                         "a table has no intervals: its changes come in the order of commits");
    }
    arena_reset(&source->run_arena);
    source->is_new = false;
    TRY(catalog_open(source->url, source->shown, source->settings->numeric == 1, &source->catalog,
                     error));
    TRY(catalog_check_server(source->catalog, error));
    TRY(find_tables(source, request, error));
    TRY(replication_open(source->url, source->shown, &source->replication, error));
    TRY(replication_identify(source->replication, &source->run_arena, &system, error));
    TRY(begin_at(source, request, &system, error));
    if (source->place.todo_count + source->place.sweep_count > 0 && source->snapshot == NULL) {
        TRY(open_later_snapshot(source, request->cancelled, error));
    }
    source->handed = mem_strdup(request->cursor == NULL ? "" : request->cursor);
    source->handed_lsn = source->stored = source->place.lsn;
    source->handed_us = clock_monotonic_us();
    return STATUS_OK;
}
