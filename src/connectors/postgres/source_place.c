/* The cursor of the source. */

#include "connectors/postgres/source_internal.h"

#include <inttypes.h>

struct place_reader {
    const struct json_document *document;
    struct arena *arena;
    bool failed;
};

static uint32_t member(struct place_reader *reader, const char *name)
{
    return json_member(reader->document, 0, slice_of_string(name));
}

static const char *text_at(struct place_reader *reader, uint32_t value)
{
    if (value == UINT32_MAX || json_at(reader->document, value)->kind != JSON_KIND_STRING) {
        reader->failed = true;
        return "";
    }
    return arena_string(reader->arena, json_text(reader->document, value, reader->arena));
}

static uint64_t lsn_at(struct place_reader *reader, uint32_t value)
{
    uint64_t lsn = 0;
    if (!lsn_parse(text_at(reader, value), &lsn)) {
        reader->failed = true;
    }
    return lsn;
}

static int64_t number_at(struct place_reader *reader, uint32_t value)
{
    int64_t number = 0;
    if (value == UINT32_MAX || !json_int64(reader->document, value, &number) || number < 0) {
        reader->failed = true;
    }
    return number;
}

/* A list of texts; absent: none. */
static const char **texts_at(struct place_reader *reader, const char *name, size_t *ret_count)
{
    uint32_t list = member(reader, name);
    *ret_count = 0;
    if (list == UINT32_MAX) {
        return NULL;
    }
    if (json_at(reader->document, list)->kind != JSON_KIND_ARRAY) {
        reader->failed = true;
        return NULL;
    }
    uint32_t count = json_at(reader->document, list)->count;
    const char **texts = ARENA_ARRAY(reader->arena, const char *, count);
    uint32_t at = list + 1;
    for (uint32_t i = 0; i < count; i++) {
        texts[i] = text_at(reader, at);
        at = json_at(reader->document, at)->next;
    }
    *ret_count = count;
    return texts;
}

static void read_tables(struct place_reader *reader, struct place *place)
{
    uint32_t map = member(reader, "tables");
    if (map == UINT32_MAX || json_at(reader->document, map)->kind != JSON_KIND_OBJECT) {
        reader->failed = true;
        return;
    }
    place->table_count = json_at(reader->document, map)->count;
    place->tables = ARENA_ARRAY(reader->arena, struct place_table, place->table_count);
    uint32_t at = map + 1;
    for (size_t i = 0; i < place->table_count; i++) {
        place->tables[i].full = text_at(reader, at);
        at = json_at(reader->document, at)->next;
        place->tables[i].oid = (uint32_t) number_at(reader, at);
        at = json_at(reader->document, at)->next;
    }
}

enum status
place_read(const char *cursor, struct arena *arena, struct place *ret_place, struct error *error)
{
    struct json_document document;
    struct place_reader reader = {.document = &document, .arena = arena};
    struct place *place = ret_place;
    *place = (struct place){0};
    json_document_init(&document);
    reader.failed = json_parse(&document, slice_of_string(cursor), 8, NULL) != STATUS_OK ||
                    json_at(&document, 0)->kind != JSON_KIND_OBJECT;
    if (!reader.failed) {
        place->slot = text_at(&reader, member(&reader, "slot"));
        place->system = text_at(&reader, member(&reader, "system"));
        place->timeline = (int32_t) number_at(&reader, member(&reader, "timeline"));
        place->lsn = lsn_at(&reader, member(&reader, "lsn"));
        if (member(&reader, "commit") != UINT32_MAX) {
            place->commit = lsn_at(&reader, member(&reader, "commit"));
            place->seq = (uint64_t) number_at(&reader, member(&reader, "seq"));
        }
        read_tables(&reader, place);
        place->todo = texts_at(&reader, "todo", &place->todo_count);
        place->after = texts_at(&reader, "after", &place->after_count);
        place->sweep = texts_at(&reader, "sweep", &place->sweep_count);
    }
    json_document_deinit(&document);
    if (reader.failed) {
        return error_set(error, STATUS_CORRUPT,
                         "the stored cursor \"%.100s\" is none of this source", cursor);
    }
    return STATUS_OK;
}

static void
write_texts(struct buffer *json, const char *name, const char *const *texts, size_t count)
{
    if (count == 0) {
        return;
    }
    buffer_printf(json, ",\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        buffer_append_string(json, i == 0 ? "" : ",");
        buffer_append_json(json, slice_of_string(texts[i]));
    }
    buffer_append_byte(json, ']');
}

const char *place_write(const struct place *place, struct arena *arena)
{
    struct buffer json CLEANUP(buffer_deinit) = BUFFER_INIT;
    char lsn[LSN_TEXT_BYTES];
    buffer_append_string(&json, "{\"slot\":");
    buffer_append_json(&json, slice_of_string(place->slot));
    buffer_append_string(&json, ",\"system\":");
    buffer_append_json(&json, slice_of_string(place->system));
    buffer_printf(&json, ",\"timeline\":%" PRId32 ",\"lsn\":\"%s\",\"tables\":{", place->timeline,
                  lsn_format(place->lsn, lsn));
    for (size_t i = 0; i < place->table_count; i++) {
        buffer_append_string(&json, i == 0 ? "" : ",");
        buffer_append_json(&json, slice_of_string(place->tables[i].full));
        buffer_printf(&json, ":%" PRIu32, place->tables[i].oid);
    }
    buffer_append_byte(&json, '}');
    if (place->commit != 0) {
        buffer_printf(&json, ",\"commit\":\"%s\",\"seq\":%" PRIu64, lsn_format(place->commit, lsn),
                      place->seq);
    }
    write_texts(&json, "todo", place->todo, place->todo_count);
    write_texts(&json, "after", place->after, place->after_count);
    write_texts(&json, "sweep", place->sweep, place->sweep_count);
    buffer_append_byte(&json, '}');
    return arena_strdup(arena, buffer_string(&json));
}

const struct place_table *place_table(const struct place *place, const char *full)
{
    for (size_t i = 0; i < place->table_count; i++) {
        if (strcmp(place->tables[i].full, full) == 0) {
            return &place->tables[i];
        }
    }
    return NULL;
}
