/* Any bytes as CSV: each record is JSON, and pieces of any size give the same as the whole. */

#include "base/assert.h"
#include "codec/csv.h"
#include "codec/json.h"

#include "fuzz.h"

#include <string.h>

static void check_record(const struct buffer *lines, size_t from)
{
    struct json_document document;
    json_document_init(&document);
    struct slice text = slice_of(lines->data + from, lines->size - from);
    enum status status = json_parse(&document, text, 0, NULL);
    ASSERT(status == STATUS_OK && json_at(&document, 0)->kind == JSON_KIND_OBJECT);
    json_document_deinit(&document);
}

/* Records and messages, one a line. */
static void
read_all(struct slice text, const struct csv_options *options, size_t piece, struct buffer *lines)
{
    struct csv_reader reader;
    csv_reader_init(&reader, options);
    size_t start = 0;
    size_t end = 0;
    enum csv_event event = CSV_MORE;
    while (event != CSV_END) {
        if (event == CSV_MORE) {
            end = text.size - end > piece ? end + piece : text.size;
        }
        size_t size;
        size_t before = lines->size;
        struct error error = {0};
        struct slice input = slice_of(text.data + start, end - start);
        enum status status =
            csv_read(&reader, input, end == text.size, lines, &size, &event, &error);
        ASSERT(size <= input.size);
        start += size;
        if (status == STATUS_OK && event == CSV_RECORD) {
            check_record(lines, before);
        } else if (status != STATUS_OK) {
            ASSERT(size > 0 || status == STATUS_CONFIG);
            buffer_append_string(lines, error.message);
            event = CSV_RECORD;
        }
        buffer_append_byte(lines, '\n');
        if (status == STATUS_CONFIG) {
            break;
        }
        if (event == CSV_MORE) {
            lines->size = before; /* pieces are seen by nobody */
        }
    }
    csv_reader_deinit(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    struct csv_options options = {
        .delimiter = ",;\t|"[data[0] & 3],
        .quote = data[0] & 4 ? '\'' : '"',
        .empty_is_null = data[0] & 8,
    };
    size_t piece = 1 + data[1] % 32;
    struct slice text = slice_of(data + 2, size - 2);
    struct buffer whole = BUFFER_INIT;
    struct buffer pieces = BUFFER_INIT;
    read_all(text, &options, text.size + 1, &whole);
    read_all(text, &options, piece, &pieces);
    ASSERT(slice_equal(buffer_slice(&whole), buffer_slice(&pieces)));
    buffer_deinit(&whole);
    buffer_deinit(&pieces);
    return 0;
}
