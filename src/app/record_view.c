#include "app/record_view.h"

#include "base/map.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "codec/avro.h"
#include "codec/json.h"
#include "columnar/json_write.h"

#include <inttypes.h>
#include <stdio.h>

/* A schema by id; `schema` NULL: asked for in vain. */
struct known {
    const struct avro_schema *schema;
};

struct record_view {
    struct workspace *workspace;
    struct arena arena; /* of the schemas */
    struct map known;   /* id as text -> struct known */
    struct json_document document;
    char failure[ERROR_MESSAGE_BYTES];
};

struct record_view *record_view_new(struct workspace *workspace)
{
    struct record_view *view = mem_zalloc(sizeof(*view));
    view->workspace = workspace;
    arena_init(&view->arena, 0);
    map_init(&view->known);
    json_document_init(&view->document);
    return view;
}

void record_view_free(struct record_view *view)
{
    if (view == NULL) {
        return;
    }
    size_t at = 0;
    for (struct map_entry *entry; (entry = map_next(&view->known, &at)) != NULL;) {
        const struct known *known = entry->value;
        if (known->schema != NULL) {
            avro_schema_release(known->schema);
        }
    }
    map_deinit(&view->known);
    json_document_deinit(&view->document);
    arena_deinit(&view->arena);
    mem_free(view);
}

const char *record_view_failure(const struct record_view *view)
{
    return view->failure;
}

static void note(struct record_view *view, const struct error *error)
{
    if (view->failure[0] == '\0') {
        (void) snprintf(view->failure, sizeof(view->failure), "%s", error->message);
    }
}

static enum status load_schema(struct record_view *view,
                               int32_t id,
                               const struct avro_schema **ret_schema,
                               struct error *error)
{
    struct workspace *workspace = view->workspace;
    const char *text;
    TRY(workspace_schemas(workspace, error));
    TRY(workspace->schemas_ops->by_id(workspace->schemas, id, &view->arena, &text, error));
    return avro_schema_parse(slice_of_string(text), &view->arena, ret_schema, error);
}

static const struct avro_schema *schema_of(struct record_view *view, int32_t id)
{
    char key[16];
    (void) snprintf(key, sizeof(key), "%" PRId32, id);
    struct known *known = map_get_string(&view->known, key);
    if (known == NULL) {
        struct error error;
        known = ARENA_NEW(&view->arena, struct known);
        if (load_schema(view, id, &known->schema, &error) != STATUS_OK) {
            known->schema = NULL;
            error_context(&error, "schema %" PRId32, id);
            note(view, &error);
        }
        map_put_string(&view->known, key, known);
    }
    return known->schema;
}

static bool append_avro(struct record_view *view, struct slice bytes, struct buffer *target)
{
    int32_t id;
    struct slice datum;
    struct error error;
    size_t before = target->size;
    if (!wire_header_read(bytes, &id, &datum)) {
        return false;
    }
    const struct avro_schema *schema = schema_of(view, id);
    if (schema == NULL) {
        return false;
    }
    if (avro_to_json(schema, datum, target, &error) != STATUS_OK) {
        target->size = before;
        error_context(&error, "schema %" PRId32, id);
        note(view, &error);
        return false;
    }
    return true;
}

/* Line ends can only stand between the tokens of valid JSON. */
static void append_one_line(struct slice json, struct buffer *target)
{
    uint8_t *to = buffer_reserve(target, json.size);
    for (size_t i = 0; i < json.size; i++) {
        to[i] = json.data[i] == '\n' || json.data[i] == '\r' ? ' ' : json.data[i];
    }
    target->size += json.size;
}

enum view_form
record_view_append(struct record_view *view, struct slice bytes, bool plain, struct buffer *target)
{
    if (bytes.data == NULL) {
        return VIEW_NULL;
    }
    if (append_avro(view, bytes, target)) {
        return VIEW_JSON;
    }
    if (!plain && json_parse(&view->document, bytes, 0, NULL) == STATUS_OK) {
        append_one_line(json_raw(&view->document, 0), target);
        return VIEW_JSON;
    }
    if (utf8_valid(bytes.data, bytes.size)) {
        buffer_append_json(target, bytes);
        return VIEW_TEXT;
    }
    json_write_base64(bytes, target);
    return VIEW_BASE64;
}
