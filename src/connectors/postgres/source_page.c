/* A page under way: JSON records one behind the other in one text. */

#include "base/memory.h"
#include "connectors/postgres/source_internal.h"

void page_begin(struct page_builder *page, struct arena *arena, const struct source_staged *staged)
{
    buffer_clear(&page->text);
    buffer_append_byte(&page->text, '[');
    page->count = 0;
    page->arena = arena;
    page->staged = staged;
    if (page->newest_made) {
        map_deinit(&page->newest);
        page->newest_made = false;
    }
}

void page_deinit(struct page_builder *page)
{
    buffer_deinit(&page->text);
    mem_free(page->records);
    if (page->newest_made) {
        map_deinit(&page->newest);
    }
}

bool page_is_full(const struct page_builder *page)
{
    return page->count >= page->count_max || page->text.size >= page->bytes_max;
}

void page_record_begin(struct page_builder *page)
{
    if (page->count == page->capacity) {
        page->capacity = page->capacity == 0 ? 256 : 2 * page->capacity;
        page->records = mem_realloc(page->records, page->capacity * sizeof(*page->records));
    }
    if (page->count > 0) {
        buffer_append_byte(&page->text, ',');
    }
    page->records[page->count] = (struct page_record){.start = page->text.size};
}

static struct slice record_json(const struct page_builder *page, const struct page_record *record)
{
    return slice_of(page->text.data + record->start, record->end - record->start);
}

static void remember_newest(struct page_builder *page, size_t index)
{
    struct slice key;
    if (page->records[index].fault == NULL &&
        page->staged->key(page->staged->context, record_json(page, &page->records[index]),
                          page->arena, &key, NULL) == STATUS_OK) {
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): an index, not an address */
        map_put(&page->newest, key, (void *) (uintptr_t) (index + 1));
    }
}

void page_record_end(struct page_builder *page, bool deleted, const char *fault)
{
    struct page_record *record = &page->records[page->count++];
    record->end = page->text.size;
    record->deleted = deleted;
    record->fault = fault;
    if (page->newest_made) {
        remember_newest(page, page->count - 1);
    }
}

enum status page_previous(struct page_builder *page,
                          struct slice key,
                          struct slice *ret_json,
                          struct error *error)
{
    *ret_json = SLICE_EMPTY;
    if (!page->newest_made) {
        map_init(&page->newest);
        page->newest_made = true;
        for (size_t i = 0; i < page->count; i++) {
            remember_newest(page, i);
        }
    }
    uintptr_t at = (uintptr_t) map_get(&page->newest, key);
    if (at != 0) {
        const struct page_record *record = &page->records[at - 1];
        if (!record->deleted) { /* a copy: the text moves as it grows */
            *ret_json = arena_copy(page->arena, record_json(page, record));
        }
        return STATUS_OK;
    }
    return page->staged->row(page->staged->context, key, page->arena, ret_json, error);
}

enum status
page_finish(struct page_builder *page, struct source_page *ret_page, struct error *error)
{
    buffer_append_byte(&page->text, ']');
    TRY(json_parse(page->document, buffer_slice(&page->text), 0, error));
    struct source_record *records = ARENA_ARRAY(page->arena, struct source_record, page->count);
    uint32_t at = 1;
    for (size_t i = 0; i < page->count; i++) {
        const struct page_record *record = &page->records[i];
        records[i] = (struct source_record){
            .value = record->fault == NULL ? at : UINT32_MAX,
            .raw = record_json(page, record),
            .fault = record->fault,
            .place = (uint32_t) i,
            .deleted = record->deleted,
        };
        at = json_at(page->document, at)->next;
    }
    ret_page->document = page->document;
    ret_page->records = records;
    ret_page->count = page->count;
    return STATUS_OK;
}
