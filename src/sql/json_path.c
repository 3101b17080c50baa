#include "sql/json_path.h"

#include "sql/json_internal.h"

/* Reads the part in [] behind `text`; returns the bytes used, 0 if it is wrong. */
static size_t read_bracket(struct slice text, struct json_path_step *step)
{
    if (text.size >= 2 && text.data[0] == '*' && text.data[1] == ']') {
        step->kind = JSON_STEP_ANY;
        return 2;
    }
    if (text.size > 1 && text.data[0] == '\'') {
        const uint8_t *close = memchr(text.data + 1, '\'', text.size - 1);
        size_t size = close == NULL ? 0 : (size_t) (close - text.data) - 1;
        if (close == NULL || size == 0 || size + 2 >= text.size || text.data[size + 2] != ']') {
            return 0;
        }
        step->kind = size == 1 && text.data[1] == '*' ? JSON_STEP_ANY : JSON_STEP_NAME;
        step->name = slice_of(text.data + 1, size);
        return size + 3;
    }
    size_t digits = 0;
    uint32_t index = 0;
    while (digits < text.size && digits < 9 && text.data[digits] >= '0' &&
           text.data[digits] <= '9') {
        index = index * 10 + (uint32_t) (text.data[digits++] - '0');
    }
    if (digits == 0 || digits == text.size || text.data[digits] != ']') {
        return 0;
    }
    step->kind = JSON_STEP_INDEX;
    step->index = index;
    return digits + 1;
}

/* Reads the name behind a point. */
static size_t read_name(struct slice text, struct json_path_step *step)
{
    size_t size = 0;
    while (size < text.size && text.data[size] != '.' && text.data[size] != '[') {
        size++;
    }
    step->kind = size == 1 && text.data[0] == '*' ? JSON_STEP_ANY : JSON_STEP_NAME;
    step->name = slice_of(text.data, size);
    return size;
}

bool json_path_parse(struct slice text, struct json_path *path)
{
    path->count = 0;
    if (text.size == 0 || text.data[0] != '$') {
        return false;
    }
    size_t at = 1;
    while (at < text.size) {
        if (path->count == JSON_PATH_STEPS) {
            return false;
        }
        struct json_path_step *step = &path->steps[path->count++];
        struct slice rest = slice_of(text.data + at + 1, text.size - at - 1);
        size_t used = text.data[at] == '.'   ? read_name(rest, step)
                      : text.data[at] == '[' ? read_bracket(rest, step)
                                             : 0;
        if (used == 0) {
            return false;
        }
        at += 1 + used;
    }
    return true;
}

struct finds {
    const struct json_document *document;
    const struct json_path *path;
    uint32_t count;
    uint32_t first;     /* tape index of the first find */
    struct buffer list; /* all finds as JSON with commas between */
    bool several;       /* a step could find more than one */
};

static void find(struct finds *finds, uint32_t index, uint32_t step)
{
    const struct json_value *value = json_at(finds->document, index);
    if (step == finds->path->count) {
        finds->first = finds->count++ == 0 ? index : finds->first;
        if (finds->several) {
            if (finds->count > 1) {
                buffer_append_byte(&finds->list, ',');
            }
            json_write_compact(finds->document, index, &finds->list);
        }
        return;
    }
    const struct json_path_step *wanted = &finds->path->steps[step];
    if (wanted->kind == JSON_STEP_NAME) {
        uint32_t member = value->kind == JSON_KIND_OBJECT
                              ? json_member(finds->document, index, wanted->name)
                              : UINT32_MAX;
        if (member != UINT32_MAX) {
            find(finds, member, step + 1);
        }
        return;
    }
    if (value->kind != JSON_KIND_ARRAY) {
        return;
    }
    uint32_t at = index + 1;
    for (uint32_t i = 0; i < value->count; i++) {
        if (wanted->kind == JSON_STEP_ANY || wanted->index == i) {
            find(finds, at, step + 1);
        }
        at = json_at(finds->document, at)->next;
    }
}

bool json_path_get(const struct json_document *document,
                   const struct json_path *path,
                   struct arena *arena,
                   struct slice *ret_text)
{
    struct finds finds = {.document = document, .path = path};
    for (uint32_t i = 0; i < path->count; i++) {
        finds.several = finds.several || path->steps[i].kind == JSON_STEP_ANY;
    }
    find(&finds, 0, 0);
    bool found = finds.count > 0;
    if (found && !finds.several) {
        found = json_plain_text(document, finds.first, arena, ret_text);
    } else if (found) {
        bool list = finds.count > 1;
        *ret_text = slice_of_string(arena_printf(arena, "%s%.*s%s", list ? "[" : "",
                                                 SLICE_FORMAT(finds.list), list ? "]" : ""));
    }
    buffer_deinit(&finds.list);
    return found;
}
