#include "base/node_internal.h"

#include "base/assert.h"
#include "base/buffer.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/utf8.h"

#include <errno.h>
#include <libfyaml.h>
#include <stdio.h>

#define DEPTH_MAX ((size_t) 64)
/* libfyaml's time for a block grows with the square of the blank lines in a row. */
#define BLANK_LINES_MAX 1000
#define TEXT_MAX        ((size_t) 16 * 1024 * 1024)

/* A map or list whose end has not been read. */
struct frame {
    struct node *node;
    size_t capacity; /* of node->items */
    struct map keys; /* key -> struct node, for maps */
    bool has_key;    /* the next value belongs to `key` */
    const char *key;
    size_t key_start; /* in the document */
};

/* What one parse needs; the tree itself lies in the arena. */
struct parse {
    struct arena *arena;
    const struct document *document;
    struct error *error;
    struct fy_parser *parser;
    struct fy_diag *diag;
    size_t *line_starts;
    size_t line_count;

    struct {
        size_t line_start, offset, code_points;
    } last_place;       /* columns are counted from here: lines may be long */
    struct map anchors; /* name -> struct node */
    struct frame frames[DEPTH_MAX];
    size_t depth;
    struct node *root;
    size_t documents;
    size_t nodes;
    size_t last_end; /* in the document, of the event before */
};

/* ---- places ------------------------------------------------------------------------------- */

static void find_lines(struct parse *parse)
{
    struct slice text = parse->document->text;
    size_t count = 1;
    for (size_t i = 0; i < text.size; i++) {
        count += text.data[i] == '\n' ? 1 : 0;
    }
    parse->line_starts = mem_calloc(count, sizeof(*parse->line_starts));
    parse->line_count = 1;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\n') {
            parse->line_starts[parse->line_count++] = i + 1;
        }
    }
}

static void place(struct parse *parse, size_t offset, int *ret_line, int *ret_column)
{
    size_t low = 0;
    size_t high = parse->line_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (parse->line_starts[middle] <= offset) {
            low = middle;
        } else {
            high = middle;
        }
    }
    const uint8_t *text = parse->document->text.data;
    size_t start = parse->line_starts[low];
    if (parse->last_place.line_start != start) {
        parse->last_place.line_start = start;
        parse->last_place.offset = start;
        parse->last_place.code_points = 0;
    }
    size_t last = parse->last_place.offset;
    if (offset >= last) {
        parse->last_place.code_points += utf8_length(text + last, offset - last);
    } else {
        parse->last_place.code_points -= utf8_length(text + offset, last - offset);
    }
    parse->last_place.offset = offset;
    *ret_line = (int) low + 1;
    *ret_column = (int) parse->last_place.code_points + 1;
}

#define REFUSE(parse, offset, ...)                                                                 \
    do {                                                                                           \
        int refuse_line_;                                                                          \
        int refuse_column_;                                                                        \
        place((parse), (offset), &refuse_line_, &refuse_column_);                                  \
        return node_error_place((parse)->error, (parse)->document, refuse_line_, refuse_column_,   \
                                __VA_ARGS__);                                                      \
    } while (0)

/* Where an event stands. libfyaml gives no mark for what is only implied. */
static size_t event_start(const struct parse *parse, struct fy_event *event)
{
    const struct fy_mark *mark = fy_event_start_mark(event);
    if (mark == NULL || mark->line < 0 || mark->input_pos > parse->document->text.size) {
        return parse->last_end;
    }
    return mark->input_pos;
}

static size_t event_end(const struct parse *parse, struct fy_event *event)
{
    const struct fy_mark *mark = fy_event_end_mark(event);
    if (mark == NULL || mark->input_pos < parse->last_end ||
        mark->input_pos > parse->document->text.size) {
        return parse->last_end;
    }
    return mark->input_pos;
}

/* ---- text before YAML --------------------------------------------------------------------- */

/* The byte behind a colon and blanks with a tab among them; 0 if there is none. */
static uint8_t behind_colon_and_tab(struct slice text, size_t at)
{
    size_t next = at + 1;
    bool tab = false;
    for (; next < text.size && (text.data[next] == ' ' || text.data[next] == '\t'); next++) {
        tab = tab || text.data[next] == '\t';
    }
    return tab && next < text.size ? text.data[next] : 0;
}

/* A "?" by itself, which begins a key of any kind. */
static bool is_key_mark(struct slice text, size_t at)
{
    return text.data[at] == '?' && (at == 0 || text.data[at - 1] <= ' ') &&
           (at + 1 == text.size || text.data[at + 1] <= ' ');
}

/* Behind a "?" a colon, a tab and the beginning of a block make libfyaml 0.7.12 write through a
 * null pointer. ":<tab>:" means nothing that one could want, wherever it stands. */
static bool is_bad_tab(struct slice text, size_t at, bool marked)
{
    uint8_t byte = text.data[at] == ':' ? behind_colon_and_tab(text, at) : 0;
    return byte == ':' || (marked && byte != 0 && strchr(">|-?", byte) != NULL);
}

static enum status check_text(struct parse *parse)
{
    struct slice text = parse->document->text;
    size_t line_breaks = 0; /* since the last visible byte */
    bool marked = false;    /* there was a "?" */
    for (size_t i = 0; i < text.size;) {
        uint8_t byte = text.data[i];
        line_breaks = byte > ' ' ? 0 : line_breaks + (byte == '\n' || byte == '\r' ? 1 : 0);
        if (line_breaks > 2 * BLANK_LINES_MAX) { /* "\r\n" counts twice */
            REFUSE(parse, i, "more than %d blank lines in a row", BLANK_LINES_MAX);
        }
        uint32_t code_point;
        size_t width = utf8_decode(text.data + i, text.size - i, &code_point);
        if (width == 0) {
            REFUSE(parse, i, "byte 0x%02x is not valid UTF-8", byte);
        }
        marked = marked || is_key_mark(text, i);
        if (is_bad_tab(text, i, marked)) {
            REFUSE(parse, i, "%s; write spaces, or quote the text",
                   behind_colon_and_tab(text, i) == ':' ? "two colons with a tab between them"
                                                        : "a tab behind a colon");
        }
        if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7f) {
            REFUSE(parse, i, "control character 0x%02x is not allowed", byte);
        }
        i += width;
    }
    return STATUS_OK;
}

/* ---- building the tree -------------------------------------------------------------------- */

static enum status count_node(struct parse *parse, size_t offset)
{
    if (++parse->nodes > NODES_MAX) {
        REFUSE(parse, offset, "the document holds more than %d values", NODES_MAX);
    }
    return STATUS_OK;
}

/* Hangs a finished or just opened node into the innermost open one. */
static void attach(struct parse *parse, struct node *node)
{
    if (parse->depth == 0) {
        parse->root = node;
        return;
    }
    struct frame *frame = &parse->frames[parse->depth - 1];
    struct node *parent = frame->node;
    if (parent->type == NODE_MAP) {
        node->key = frame->key;
        place(parse, frame->key_start, &node->key_line, &node->key_column);
        frame->has_key = false;
        (void) map_put_string(&frame->keys, frame->key, node);
    }
    if (parent->count == frame->capacity) {
        size_t capacity = frame->capacity == 0 ? 8 : frame->capacity * 2;
        parent->items =
            arena_grow(parse->arena, parent->items, parent->count * sizeof(struct node *),
                       capacity * sizeof(struct node *));
        frame->capacity = capacity;
    }
    parent->items[parent->count++] = node;
}

static struct node *node_new(struct parse *parse, enum node_type type, size_t offset)
{
    struct node *node = ARENA_NEW(parse->arena, struct node);
    node->type = type;
    node->document = parse->document;
    place(parse, offset, &node->line, &node->column);
    node->text_line = node->line;
    node->text_column = node->column;
    return node;
}

static void remember_anchor(struct parse *parse, struct fy_token *anchor, struct node *node)
{
    size_t size;
    const char *name = anchor == NULL ? NULL : fy_token_get_text(anchor, &size);
    if (name != NULL) {
        (void) map_put(&parse->anchors, slice_of(name, size), node);
    }
}

static bool waits_for_key(const struct parse *parse)
{
    if (parse->depth == 0) {
        return false;
    }
    const struct frame *frame = &parse->frames[parse->depth - 1];
    return frame->node->type == NODE_MAP && !frame->has_key;
}

static enum status
open_node(struct parse *parse, struct fy_event *event, enum node_type type, struct fy_token *anchor)
{
    size_t start = event_start(parse, event);
    if (waits_for_key(parse)) {
        REFUSE(parse, start, "a key must be plain text, not a %s",
               type == NODE_MAP ? "map" : "list");
    }
    if (parse->depth == DEPTH_MAX) {
        REFUSE(parse, start, "nested more than %zu levels deep", DEPTH_MAX);
    }
    TRY(count_node(parse, start));
    struct node *node = node_new(parse, type, start);
    attach(parse, node);
    remember_anchor(parse, anchor, node);
    struct frame *frame = &parse->frames[parse->depth++];
    *frame = (struct frame){.node = node};
    map_init(&frame->keys);
    return STATUS_OK;
}

static void close_node(struct parse *parse)
{
    ASSERT(parse->depth > 0);
    map_deinit(&parse->frames[--parse->depth].keys);
}

static enum status read_key(struct parse *parse, struct slice text, size_t start, bool quoted)
{
    struct frame *frame = &parse->frames[parse->depth - 1];
    if (text.size == 0 && !quoted) {
        REFUSE(parse, start, "a key is missing before \":\"");
    }
    if (memchr(text.data, '\0', text.size) != NULL) {
        REFUSE(parse, start, "a key cannot hold a NUL");
    }
    const struct node *before = map_get(&frame->keys, text);
    if (before != NULL) {
        REFUSE(parse, start, "duplicate key \"%.*s\"; it stands at line %d already",
               (int) (text.size < 200 ? text.size : 200), (const char *) text.data,
               before->key_line);
    }
    frame->has_key = true;
    frame->key = arena_string(parse->arena, text);
    frame->key_start = start;
    return STATUS_OK;
}

/* The "|" or ">" of a block, between the token before it and its text. */
static size_t block_header(const struct parse *parse, size_t from, size_t to)
{
    const uint8_t *text = parse->document->text.data;
    for (size_t i = from; i < to; i++) {
        if (text[i] == '#' && i > 0 && (text[i - 1] == ' ' || text[i - 1] == '\t')) {
            while (i < to && text[i] != '\n') {
                i++;
            }
        } else if (text[i] == '|' || text[i] == '>') {
            return i;
        }
    }
    return from;
}

/* Indentation of a block: that of the line where its value's first visible line stands. */
static size_t block_indent(const struct parse *parse, const struct node_origin *origin)
{
    const uint8_t *text = parse->document->text.data;
    struct slice value = origin->parsed;
    size_t first = 0;
    while (first < value.size && value.data[first] == '\n') {
        first++;
    }
    size_t own = 0; /* blanks that belong to the value, after an explicit indentation */
    while (first + own < value.size && value.data[first + own] == ' ') {
        own++;
    }
    size_t line = origin->start;
    for (size_t i = origin->start; i < origin->end; i++) {
        if (text[i] == '\n') {
            line = i + 1;
        } else if (text[i] != ' ') {
            return i - line >= own ? i - line - own : 0;
        }
    }
    return 0;
}

static void
set_origin(struct parse *parse, struct node *node, enum node_style style, size_t start, size_t end)
{
    struct node_origin *origin = ARENA_NEW(parse->arena, struct node_origin);
    origin->style = style;
    origin->start = start;
    origin->end = end;
    origin->parsed = slice_of(node->text, node->size);
    node->origin = origin;
    if (style == STYLE_LITERAL || style == STYLE_FOLDED) {
        origin->indent = block_indent(parse, origin);
        size_t header = block_header(parse, parse->last_end, start);
        place(parse, header, &node->line, &node->column);
        place(parse, start, &node->text_line, &node->text_column);
        node->text_column += (int) origin->indent;
    }
}

static bool is_null(struct slice text)
{
    return text.size == 0 || slice_equal_string(text, "~") || slice_equal_string(text, "null") ||
           slice_equal_string(text, "Null") || slice_equal_string(text, "NULL");
}

static enum status read_scalar(struct parse *parse, struct fy_event *event)
{
    struct fy_token *token = event->scalar.value;
    size_t size = 0;
    const char *found = token == NULL ? NULL : fy_token_get_text(token, &size);
    struct slice text = slice_of(found == NULL ? "" : found, found == NULL ? 0 : size);
    size_t start = event_start(parse, event);
    size_t end = event_end(parse, event);
    int style = token == NULL ? FYSS_PLAIN : (int) fy_token_scalar_style(token);
    if (style < FYSS_PLAIN || style > FYSS_FOLDED) {
        style = FYSS_PLAIN;
    }
    bool in_quotes = style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
    size_t shown = in_quotes && start > 0 ? start - 1 : start; /* the quote itself */
    if (waits_for_key(parse)) {
        return read_key(parse, text, shown, style != FYSS_PLAIN);
    }
    TRY(count_node(parse, shown));
    bool null = style == FYSS_PLAIN && is_null(text);
    struct node *node = node_new(parse, null ? NODE_NULL : NODE_SCALAR, shown);
    if (!null) {
        if (memchr(text.data, '\0', text.size) != NULL) {
            REFUSE(parse, shown, "text cannot hold a NUL");
        }
        node->quoted = style != FYSS_PLAIN;
        node->text = arena_string(parse->arena, text);
        node->size = text.size;
        set_origin(parse, node, (enum node_style) style, start, end);
    }
    attach(parse, node);
    remember_anchor(parse, event->scalar.anchor, node);
    return STATUS_OK;
}

/* ---- aliases ------------------------------------------------------------------------------ */

/* A copy that can be changed on its own. Every node counts, so that a few aliases of aliases
 * cannot become billions of nodes. */
static enum status copy_tree(struct parse *parse,
                             const struct node *from,
                             size_t depth,
                             size_t offset,
                             struct node **ret_copy)
{
    if (depth > DEPTH_MAX) {
        REFUSE(parse, offset, "nested more than %zu levels deep", DEPTH_MAX);
    }
    TRY(count_node(parse, offset));
    struct node *copy = ARENA_NEW(parse->arena, struct node);
    *copy = *from;
    if (from->origin != NULL) {
        copy->origin = ARENA_NEW(parse->arena, struct node_origin);
        *copy->origin = *from->origin;
    }
    copy->items = NULL;
    if (from->count > 0) {
        copy->items = ARENA_ARRAY(parse->arena, struct node *, from->count);
    }
    for (size_t i = 0; i < from->count; i++) {
        TRY(copy_tree(parse, from->items[i], depth + 1, offset, &copy->items[i]));
    }
    *ret_copy = copy;
    return STATUS_OK;
}

static enum status read_alias(struct parse *parse, struct fy_event *event)
{
    size_t start = event_start(parse, event);
    start -= start > 0 ? 1 : 0; /* the mark stands behind the "*" */
    size_t size = 0;
    const char *name = fy_token_get_text(event->alias.anchor, &size);
    if (waits_for_key(parse)) {
        REFUSE(parse, start, "an alias cannot be a key");
    }
    const struct node *target =
        name == NULL ? NULL : map_get(&parse->anchors, slice_of(name, size));
    if (target == NULL) {
        REFUSE(parse, start, "no anchor \"&%.*s\" stands before this alias", (int) size, name);
    }
    for (size_t i = 0; i < parse->depth; i++) {
        if (parse->frames[i].node == target) {
            REFUSE(parse, start, "alias \"*%.*s\" stands inside its own anchor", (int) size, name);
        }
    }
    struct node *copy;
    TRY(copy_tree(parse, target, parse->depth + 1, start, &copy));
    attach(parse, copy);
    return STATUS_OK;
}

/* ---- the parse ---------------------------------------------------------------------------- */

static enum status read_event(struct parse *parse, struct fy_event *event)
{
    struct fy_token *tag = fy_event_get_tag_token(event);
    if (tag != NULL) {
        const struct fy_mark *mark = fy_token_start_mark(tag);
        size_t offset = mark == NULL ? parse->last_end : mark->input_pos;
        REFUSE(parse, offset, "tags such as \"!!str\" are not used here; quote text instead");
    }
    switch (event->type) {
    case FYET_DOCUMENT_START:
        if (++parse->documents > 1) {
            REFUSE(parse, event_start(parse, event), "a second document begins here");
        }
        return STATUS_OK;
    case FYET_MAPPING_START:
        return open_node(parse, event, NODE_MAP, event->mapping_start.anchor);
    case FYET_SEQUENCE_START:
        return open_node(parse, event, NODE_LIST, event->sequence_start.anchor);
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        close_node(parse);
        return STATUS_OK;
    case FYET_SCALAR:
        return read_scalar(parse, event);
    case FYET_ALIAS:
        return read_alias(parse, event);
    default:
        return STATUS_OK;
    }
}

/* What libfyaml found wrong; it collects, the first is the cause. */
static enum status syntax_error(struct parse *parse)
{
    void *position = NULL;
    const struct fy_diag_error *first = fy_diag_errors_iterate(parse->diag, &position);
    if (first == NULL) {
        REFUSE(parse, parse->last_end, "this is not YAML");
    }
    size_t line = first->line < 1 ? 1 : (size_t) first->line;
    if (line > 1 && line >= parse->line_count) {
        size_t end = parse->document->text.size; /* it misses something at the end: show the end */
        while (end > 0 && memchr("\r\n ", parse->document->text.data[end - 1], 3) != NULL) {
            end--;
        }
        REFUSE(parse, end, "%s", first->msg);
    }
    int column = first->column < 1 ? 1 : first->column;
    return node_error_place(parse->error, parse->document, (int) line, column, "%s", first->msg);
}

static enum status run(struct parse *parse)
{
    struct slice text = parse->document->text;
    TRY(check_text(parse));
    if (fy_parser_set_string(parse->parser, (const char *) text.data, text.size) != 0) {
        return error_set(parse->error, STATUS_INTERNAL, "the YAML parser does not take its input");
    }
    for (;;) {
        struct fy_event *event = fy_parser_parse(parse->parser);
        if (event == NULL) {
            return fy_parser_get_stream_error(parse->parser) ? syntax_error(parse) : STATUS_OK;
        }
        enum status status = read_event(parse, event);
        parse->last_end = event_end(parse, event);
        fy_parser_event_free(parse->parser, event);
        TRY(status);
    }
}

static void parser_open(struct parse *parse)
{
    struct fy_diag_cfg diag;
    fy_diag_cfg_default(&diag);
    diag.fp = NULL;
    diag.level = FYET_ERROR;
    parse->diag = fy_diag_create(&diag);
    ASSERT(parse->diag != NULL);
    fy_diag_set_collect_errors(parse->diag, true);
    struct fy_parse_cfg config = {
        .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_JSON_NONE,
        .diag = parse->diag,
    };
    parse->parser = fy_parser_create(&config);
    ASSERT(parse->parser != NULL);
}

static void parse_deinit(struct parse *parse)
{
    while (parse->depth > 0) {
        close_node(parse);
    }
    fy_parser_destroy(parse->parser);
    fy_diag_destroy(parse->diag);
    map_deinit(&parse->anchors);
    mem_free(parse->line_starts);
}

enum status node_parse(struct slice text,
                       const char *document_name,
                       struct arena *arena,
                       struct node **ret_node,
                       struct error *error)
{
    if (text.size > TEXT_MAX) {
        return error_set(error, STATUS_CONFIG, "%s: larger than %zu MiB", document_name,
                         TEXT_MAX / (1024 * 1024));
    }
    if (text.size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0) {
        text = slice_of(text.data + 3, text.size - 3); /* a byte order mark */
    }
    struct document *document = ARENA_NEW(arena, struct document);
    document->name = arena_strdup(arena, document_name);
    document->text = arena_copy(arena, text);

    struct parse *parse = mem_zalloc(sizeof(*parse));
    parse->arena = arena;
    parse->document = document;
    parse->error = error;
    map_init(&parse->anchors);
    find_lines(parse);
    parser_open(parse);
    enum status status = run(parse);
    if (status == STATUS_OK) {
        *ret_node = parse->root != NULL ? parse->root : node_new(parse, NODE_NULL, 0);
    }
    parse_deinit(parse);
    mem_free(parse);
    return status;
}

enum status
node_load(const char *path, struct arena *arena, struct node **ret_node, struct error *error)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return error_set(error, STATUS_CONFIG, "cannot open \"%s\": %s", path, strerror(errno));
    }
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    size_t got = 1;
    while (got > 0 && text.size <= TEXT_MAX) {
        got = fread(buffer_reserve(&text, 65536), 1, 65536, file);
        text.size += got;
    }
    int error_number = ferror(file) ? errno : 0;
    (void) fclose(file);
    if (error_number != 0) {
        return error_set(error, STATUS_CONFIG, "cannot read \"%s\": %s", path,
                         strerror(error_number));
    }
    return node_parse(buffer_slice(&text), path, arena, ret_node, error);
}
