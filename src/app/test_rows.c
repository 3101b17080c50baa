#include "app/test_rows.h"

#include "base/settings.h"
#include "base/time_text.h"
#include "codec/json.h"

#include <string.h>

#define NONE SIZE_MAX

/* One comparison under way. */
struct comparison {
    const struct test_rows *actual;
    const struct node *expected;
    struct json_document *wanted; /* one an expected row */
    struct json_document *found;  /* one an actual row   */
    size_t *taken_by;             /* one an actual row: the expected one it stands for, or NONE */
    bool *seen;                   /* of one search */
    struct arena arena;           /* for unescaped texts */
};

/* ---- values ------------------------------------------------------------------------------------
 */

static void scalar_json(const struct node *node, struct buffer *target)
{
    struct slice text = slice_of(node->text, node->size);
    struct json_document document;
    struct error error;
    json_document_init(&document);
    bool plain = !node->quoted && json_parse(&document, text, 0, &error) == STATUS_OK;
    enum json_kind kind = plain ? (enum json_kind) json_at(&document, 0)->kind : JSON_KIND_STRING;
    if (kind == JSON_KIND_NUMBER || kind == JSON_KIND_TRUE || kind == JSON_KIND_FALSE) {
        buffer_append_slice(target, text);
    } else {
        buffer_append_json(target, text);
    }
    json_document_deinit(&document);
}

void test_json_of_node(const struct node *node, struct buffer *target)
{
    if (node->type == NODE_NULL) {
        buffer_append_string(target, "null");
        return;
    }
    if (node->type == NODE_SCALAR) {
        scalar_json(node, target);
        return;
    }
    bool map = node->type == NODE_MAP;
    buffer_append_byte(target, map ? '{' : '[');
    for (size_t i = 0; i < node->count; i++) {
        buffer_append_string(target, i == 0 ? "" : ",");
        if (map) {
            buffer_append_json(target, slice_of_string(node->items[i]->key));
            buffer_append_byte(target, ':');
        }
        test_json_of_node(node->items[i], target);
    }
    buffer_append_byte(target, map ? '}' : ']');
}

static bool numbers_equal(const struct json_document *a,
                          uint32_t at_a,
                          const struct json_document *b,
                          uint32_t at_b)
{
    int64_t whole_a;
    int64_t whole_b;
    if (json_int64(a, at_a, &whole_a) && json_int64(b, at_b, &whole_b)) {
        return whole_a == whole_b;
    }
    double difference = json_double(a, at_a) - json_double(b, at_b);
    return slice_equal(json_raw(a, at_a), json_raw(b, at_b)) ||
           (difference >= 0 && difference <= 0);
}

static bool texts_equal(struct slice a, struct slice b, bool is_time)
{
    int64_t time_a;
    int64_t time_b;
    return slice_equal(a, b) || (is_time && time_parse(a, &time_a, NULL) == STATUS_OK &&
                                 time_parse(b, &time_b, NULL) == STATUS_OK && time_a == time_b);
}

/* Of objects, only the wanted members count. */
static bool values_match(struct comparison *comparison,
                         const struct json_document *wanted,
                         uint32_t at_wanted,
                         const struct json_document *found,
                         uint32_t at_found,
                         bool is_time)
{
    const struct json_value *a = json_at(wanted, at_wanted);
    const struct json_value *b = json_at(found, at_found);
    if (a->kind != b->kind) {
        return false;
    }
    if (a->kind == JSON_KIND_NUMBER) {
        return numbers_equal(wanted, at_wanted, found, at_found);
    }
    if (a->kind == JSON_KIND_STRING) {
        return texts_equal(json_text(wanted, at_wanted, &comparison->arena),
                           json_text(found, at_found, &comparison->arena), is_time);
    }
    uint32_t item = at_wanted + 1;
    if (a->kind == JSON_KIND_ARRAY) {
        uint32_t other = at_found + 1;
        bool match = a->count == b->count;
        for (uint32_t i = 0; match && i < a->count; i++) {
            match = values_match(comparison, wanted, item, found, other, false);
            item = json_at(wanted, item)->next;
            other = json_at(found, other)->next;
        }
        return match;
    }
    for (uint32_t i = 0; a->kind == JSON_KIND_OBJECT && i < a->count; i++) {
        struct slice name = json_text(wanted, item, &comparison->arena);
        uint32_t value = json_at(wanted, item)->next;
        uint32_t other = json_member(found, at_found, name);
        if (other == UINT32_MAX || !values_match(comparison, wanted, value, found, other, false)) {
            return false;
        }
        item = json_at(wanted, value)->next;
    }
    return true;
}

/* ---- rows --------------------------------------------------------------------------------------
 */

static size_t column_of(const struct test_rows *rows, const char *name)
{
    for (size_t i = 0; i < rows->column_count; i++) {
        if (strcmp(rows->columns[i], name) == 0) {
            return i;
        }
    }
    return NONE;
}

static bool cell_matches(struct comparison *comparison, size_t row, size_t other, size_t cell)
{
    const struct node *node = comparison->expected->items[row]->items[cell];
    const struct test_rows *actual = comparison->actual;
    struct slice name = slice_of_string(node->key);
    uint32_t wanted = json_member(&comparison->wanted[row], 0, name);
    uint32_t found = json_member(&comparison->found[other], 0, name);
    bool is_time = actual->is_time != NULL && actual->is_time[column_of(actual, node->key)];
    return found != UINT32_MAX && values_match(comparison, &comparison->wanted[row], wanted,
                                               &comparison->found[other], found, is_time);
}

static size_t cells_matching(struct comparison *comparison, size_t row, size_t other)
{
    size_t count = 0;
    for (size_t i = 0; i < comparison->expected->items[row]->count; i++) {
        count += cell_matches(comparison, row, other, i);
    }
    return count;
}

/* Finds a row that is there for an expected one, moving others to theirs where that is needed: an
 * augmenting path of a bipartite matching. */
static bool assign(struct comparison *comparison, size_t row)
{
    for (size_t i = 0; i < comparison->actual->count; i++) {
        if (comparison->seen[i] ||
            cells_matching(comparison, row, i) < comparison->expected->items[row]->count) {
            continue;
        }
        comparison->seen[i] = true;
        if (comparison->taken_by[i] == NONE || assign(comparison, comparison->taken_by[i])) {
            comparison->taken_by[i] = row;
            return true;
        }
    }
    return false;
}

static void report_missing(struct comparison *comparison, size_t row, struct buffer *report)
{
    const struct node *node = comparison->expected->items[row];
    const struct test_rows *actual = comparison->actual;
    buffer_printf(report, "%s:%d: %s has no row like this\n    expected  ", node->document->name,
                  node->line, actual->what);
    buffer_append_slice(report, comparison->wanted[row].text);
    buffer_append_byte(report, '\n');
    size_t nearest = NONE;
    size_t best = 0;
    for (size_t i = 0; i < actual->count; i++) {
        size_t count = comparison->taken_by[i] == NONE ? cells_matching(comparison, row, i) : 0;
        if (comparison->taken_by[i] == NONE && (nearest == NONE || count > best)) {
            nearest = i;
            best = count;
        }
    }
    if (nearest == NONE) {
        return;
    }
    buffer_printf(report, "    nearest   %s\n", actual->rows[nearest]);
    for (size_t i = 0; i < node->count; i++) {
        if (cell_matches(comparison, row, nearest, i)) {
            continue;
        }
        struct slice name = slice_of_string(node->items[i]->key);
        uint32_t found = json_member(&comparison->found[nearest], 0, name);
        buffer_printf(report, "      %s: expected ", node->items[i]->key);
        buffer_append_slice(report, json_raw(&comparison->wanted[row],
                                             json_member(&comparison->wanted[row], 0, name)));
        buffer_append_string(report, ", is ");
        buffer_append_slice(report, found == UINT32_MAX
                                        ? SLICE("missing")
                                        : json_raw(&comparison->found[nearest], found));
        buffer_append_byte(report, '\n');
    }
}

static enum status
check_expected(const struct test_rows *actual, const struct node *expected, struct error *error)
{
    if (expected->type != NODE_LIST) {
        return node_error(error, expected, "write the rows of %s as a list: [{id: 1}]",
                          actual->what);
    }
    for (size_t i = 0; i < expected->count; i++) {
        const struct node *row = expected->items[i];
        if (row->type != NODE_MAP) {
            return node_error(error, row, "a row is a map of columns: {id: 1}");
        }
        for (size_t c = 0; c < row->count; c++) {
            const char *name = row->items[c]->key;
            if (column_of(actual, name) != NONE) {
                continue;
            }
            (void) node_error(error, row->items[c], "%s has no column \"%s\"", actual->what, name);
            const char *nearest = nearest_word(name, actual->columns, actual->column_count);
            if (nearest != NULL) {
                error_hint(error, "did you mean \"%s\"?", nearest);
            }
            return STATUS_CONFIG;
        }
    }
    return STATUS_OK;
}

static enum status parse_rows(struct comparison *comparison, struct error *error)
{
    for (size_t i = 0; i < comparison->expected->count; i++) {
        struct buffer json CLEANUP(buffer_deinit) = BUFFER_INIT;
        json_document_init(&comparison->wanted[i]);
        test_json_of_node(comparison->expected->items[i], &json);
        struct slice text = arena_copy(&comparison->arena, buffer_slice(&json));
        TRY(json_parse(&comparison->wanted[i], text, 0, error));
    }
    for (size_t i = 0; i < comparison->actual->count; i++) {
        comparison->taken_by[i] = NONE;
        json_document_init(&comparison->found[i]);
        TRY(json_parse(&comparison->found[i], slice_of_string(comparison->actual->rows[i]), 0,
                       error));
    }
    return STATUS_OK;
}

static void match_and_report(struct comparison *comparison, struct buffer *report)
{
    const struct test_rows *actual = comparison->actual;
    const struct node *expected = comparison->expected;
    bool *missing = ARENA_ARRAY(&comparison->arena, bool, expected->count + 1);
    for (size_t i = 0; i < expected->count; i++) {
        memset(comparison->seen, 0, actual->count * sizeof(*comparison->seen));
        missing[i] = !assign(comparison, i);
    }
    for (size_t i = 0; i < expected->count; i++) {
        if (missing[i]) {
            report_missing(comparison, i, report);
        }
    }
    for (size_t i = 0; i < actual->count; i++) {
        if (comparison->taken_by[i] == NONE) {
            buffer_printf(report, "%s:%d: %s has a row that is not expected\n    %s\n",
                          expected->document->name, expected->line, actual->what, actual->rows[i]);
        }
    }
}

enum status test_rows_compare(const struct test_rows *actual,
                              const struct node *expected,
                              struct buffer *report,
                              struct error *error)
{
    TRY(check_expected(actual, expected, error));
    struct comparison comparison = {.actual = actual, .expected = expected};
    arena_init(&comparison.arena, 0);
    struct arena *arena = &comparison.arena;
    comparison.wanted = ARENA_ARRAY(arena, struct json_document, expected->count + 1);
    comparison.found = ARENA_ARRAY(arena, struct json_document, actual->count + 1);
    comparison.taken_by = ARENA_ARRAY(arena, size_t, actual->count + 1);
    comparison.seen = ARENA_ARRAY(arena, bool, actual->count + 1);
    enum status status = parse_rows(&comparison, error);
    if (status == STATUS_OK) {
        match_and_report(&comparison, report);
    }
    for (size_t i = 0; i < expected->count; i++) {
        json_document_deinit(&comparison.wanted[i]);
    }
    for (size_t i = 0; i < actual->count; i++) {
        json_document_deinit(&comparison.found[i]);
    }
    arena_deinit(arena);
    return status;
}
