#include "cli/top_view.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BAD    "\033[31m"
#define WARN   "\033[33m"
#define GOOD   "\033[32m"
#define STRONG "\033[1m"
#define PICKED "\033[7m"
#define PLAIN  "\033[0m"

/* A line on its way: text is cut at the screen's edge, colours take no room. */
struct canvas {
    const struct top_view *view;
    struct buffer *target;
    int column; /* of the line under way */
    int lines;
};

/* ---- text --------------------------------------------------------------------------------------
 */

/* The code point at `text` and its length in bytes; what is no UTF-8 is one odd byte. */
static uint32_t code_point(const unsigned char *text, int *ret_size)
{
    int size = text[0] < 0x80 ? 1 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
    uint32_t value = size == 1 ? text[0] : text[0] & (0xffu >> (size + 1));
    for (int i = 1; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            *ret_size = 1;
            return 0;
        }
        value = value << 6 | (text[i] & 0x3f);
    }
    *ret_size = size;
    return value;
}

/* Control characters, and those that turn the direction of writing. */
static bool is_harmful(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x200b && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) ||
           code == 0xfeff;
}

static void put(struct canvas *canvas, const char *text)
{
    int size;
    for (const unsigned char *at = (const unsigned char *) text; *at != '\0'; at += size) {
        uint32_t code = code_point(at, &size);
        if (canvas->column >= canvas->view->width) {
            return;
        }
        if (is_harmful(code)) {
            buffer_append_string(canvas->target, "·");
        } else {
            buffer_append(canvas->target, at, (size_t) size);
        }
        canvas->column++;
    }
}

static void colour(struct canvas *canvas, const char *sequence)
{
    if (canvas->view->colour) {
        buffer_append_string(canvas->target, sequence);
    }
}

/* Blanks up to the column, at least one. */
static void go_to(struct canvas *canvas, int column)
{
    do {
        put(canvas, " ");
    } while (canvas->column < column && canvas->column < canvas->view->width);
}

static PRINTF(2, 3) void putf(struct canvas *canvas, const char *format, ...)
{
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    (void) vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    put(canvas, text);
}

static void put_right(struct canvas *canvas, int column, const char *text)
{
    int length = (int) strlen(text);
    if (canvas->column < column - length) {
        go_to(canvas, column - length);
    } else {
        put(canvas, " ");
    }
    put(canvas, text);
}

/* False once the screen is full. */
static bool end_line(struct canvas *canvas)
{
    colour(canvas, PLAIN);
    buffer_append_byte(canvas->target, '\n');
    canvas->column = 0;
    return ++canvas->lines < canvas->view->height - 1;
}

/* Pieces of a long text, on lines of their own, indented. */
static bool put_paragraph(struct canvas *canvas, int indent, const char *text)
{
    while (*text != '\0') {
        size_t room = (size_t) (canvas->view->width - indent);
        size_t size = strcspn(text, "\n");
        if (size > room) {
            size = room;
            while (size > room / 2 && text[size] != ' ') {
                size--;
            }
            while (size < room && (text[size] & 0xc0) == 0x80) {
                size++;
            }
        }
        char piece[600];
        (void) snprintf(piece, sizeof(piece), "%*s%.*s", indent, "", (int) size, text);
        put(canvas, piece);
        if (!end_line(canvas)) {
            return false;
        }
        text += size;
        text += strspn(text, " \n");
    }
    return true;
}

/* ---- numbers -----------------------------------------------------------------------------------
 */

static int64_t number(const json_t *json, const char *name)
{
    return json_integer_value(json_object_get(json, name));
}

static const char *text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text == NULL ? "" : text;
}

/* 1,234,567 */
static const char *grouped(int64_t value, char room[32])
{
    char digits[32];
    int length = snprintf(digits, sizeof(digits), "%" PRId64, value);
    int to = 0;
    for (int i = 0; i < length; i++) {
        room[to++] = digits[i];
        if ((length - i) % 3 == 1 && i + 1 < length && digits[i] != '-') {
            room[to++] = ',';
        }
    }
    room[to] = '\0';
    return room;
}

static const char *duration(int64_t us, char room[32])
{
    double s = (double) us / 1e6;
    if (us < 0) {
        return "?";
    }
    (void) snprintf(room, 32,
                    s < 1      ? "%.0f ms"
                    : s < 120  ? "%.0f s"
                    : s < 7200 ? "%.0f min"
                               : "%.0f h",
                    s < 1      ? s * 1000
                    : s < 120  ? s
                    : s < 7200 ? s / 60
                               : s / 3600);
    return room;
}

/* The same element of the older snapshot, by what names it. */
static const json_t *older(const struct top_view *view, const char *list, const json_t *item)
{
    static const char *const names[] = {"pipeline", "name", "topic", "id"};
    size_t index;
    json_t *candidate;
    json_array_foreach(json_object_get(view->before, list), index, candidate)
    {
        bool same = true;
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
            same = same && strcmp(text_of(item, names[i]), text_of(candidate, names[i])) == 0;
        }
        if (same) {
            return candidate;
        }
    }
    return NULL;
}

static const char *rate(const struct top_view *view, int64_t before, int64_t after, char room[32])
{
    double seconds =
        (double) (number(view->status, "now_us") - number(view->before, "now_us")) / 1e6;
    if (view->before == NULL || seconds <= 0) {
        return "…/s";
    }
    double per_second = after > before ? (double) (after - before) / seconds : 0;
    (void) snprintf(room, 32, per_second > 0 && per_second < 10 ? "%.1f/s" : "%.0f/s", per_second);
    return room;
}

static int64_t ended_of(const json_t *flow)
{
    return number(flow, "stored") + number(flow, "filtered") + number(flow, "late") +
           number(flow, "dead");
}

/* ---- pages -------------------------------------------------------------------------------------
 */

static bool write_head(struct canvas *canvas)
{
    const struct top_view *view = canvas->view;
    const json_t *problems = json_object_get(view->status, "problems");
    char up[32];
    colour(canvas, STRONG);
    put(canvas, "leat ");
    put(canvas, text_of(view->status, "version"));
    colour(canvas, PLAIN);
    if (view->trouble != NULL) {
        colour(canvas, BAD);
        putf(canvas, "  ■ %s", view->trouble);
    } else if (json_array_size(problems) > 0) {
        colour(canvas, BAD);
        putf(canvas, "  ■ %zu problem%s", json_array_size(problems),
             json_array_size(problems) == 1 ? "" : "s");
    } else {
        colour(canvas, GOOD);
        putf(canvas, "  ● %s", text_of(view->status, "state"));
    }
    colour(canvas, PLAIN);
    int64_t age = number(view->status, "now_us") - number(view->status, "started_us");
    putf(canvas, "  up %s  %s", duration(age, up), text_of(view->status, "file"));
    (void) end_line(canvas);
    return end_line(canvas);
}

static bool write_problems(struct canvas *canvas, bool in_full)
{
    size_t index;
    json_t *problem;
    const json_t *problems = json_object_get(canvas->view->status, "problems");
    json_array_foreach(problems, index, problem)
    {
        bool severe = strcmp(text_of(problem, "severity"), "error") == 0;
        colour(canvas, severe ? BAD : WARN);
        putf(canvas, "%s %s", severe ? "■" : "▲", text_of(problem, "title"));
        if (!end_line(canvas)) {
            return false;
        }
        if (in_full && (!put_paragraph(canvas, 2, text_of(problem, "message")) ||
                        !put_paragraph(canvas, 2, text_of(problem, "hint")) || !end_line(canvas))) {
            return false;
        }
    }
    if (json_array_size(problems) == 0 && in_full) {
        put(canvas, "No problem.");
        return end_line(canvas);
    }
    return json_array_size(problems) == 0 || end_line(canvas);
}

static bool write_source(struct canvas *canvas, const json_t *source)
{
    char room[32];
    const struct top_view *view = canvas->view;
    const json_t *before = older(view, "sources", source);
    const json_t *capture = json_object_get(source, "capture");
    putf(canvas, "source %s", text_of(source, "name"));
    put_right(canvas, 44, grouped(number(source, "fetched"), room));
    put(canvas, " fetched");
    put_right(canvas, 64, rate(view, number(before, "fetched"), number(source, "fetched"), room));
    putf(canvas, "  %s", text_of(source, "state"));
    if (!end_line(canvas)) {
        return false;
    }
    put(canvas, "  │ staging");
    put_right(canvas, 44, grouped(number(source, "accepted"), room));
    put(canvas, " accepted");
    int64_t lag = number(capture, "lag");
    put_right(canvas, 64, rate(view, number(before, "accepted"), number(source, "accepted"), room));
    colour(canvas, lag > 0 ? WARN : PLAIN);
    putf(canvas, "  %s%s wait", lag > 0 ? "▲ " : "", grouped(lag, room));
    return end_line(canvas);
}

static bool write_flow(struct canvas *canvas, const json_t *flow)
{
    char room[32];
    char age[32];
    const struct top_view *view = canvas->view;
    const json_t *before = older(view, "flows", flow);
    int64_t lag = number(flow, "lag");
    putf(canvas, "  │ topic %s", text_of(flow, "topic"));
    put_right(canvas, 44, grouped(ended_of(flow), room));
    put(canvas, " ended");
    put_right(canvas, 64, rate(view, before == NULL ? 0 : ended_of(before), ended_of(flow), room));
    colour(canvas, lag > 0 ? WARN : PLAIN);
    putf(canvas, "  %s%s wait", lag > 0 ? "▲ " : "", grouped(lag, room));
    if (lag > 0) {
        putf(canvas, ", %s", duration(number(flow, "lag_us"), age));
    }
    if (!end_line(canvas)) {
        return false;
    }
    putf(canvas, "  │   %s stored", grouped(number(flow, "stored"), room));
    putf(canvas, "  %s filtered", grouped(number(flow, "filtered"), room));
    putf(canvas, "  %s late", grouped(number(flow, "late"), room));
    colour(canvas, number(flow, "dead") > 0 ? BAD : PLAIN);
    putf(canvas, "  %s%s dead", number(flow, "dead") > 0 ? "■ " : "",
         grouped(number(flow, "dead"), room));
    if (!end_line(canvas)) {
        return false;
    }
    size_t index;
    size_t sink_index;
    json_t *stream;
    json_t *sink;
    json_array_foreach(json_object_get(flow, "streams"), index, stream)
    {
        putf(canvas, "  ├─ %s", text_of(stream, "name"));
        json_array_foreach(json_object_get(stream, "sinks"), sink_index, sink)
        {
            putf(canvas, " ─▶ %s", text_of(sink, "table"));
        }
        if (!end_line(canvas)) {
            return false;
        }
    }
    return end_line(canvas);
}

static bool write_overview(struct canvas *canvas)
{
    size_t index;
    json_t *item;
    const json_t *status = canvas->view->status;
    if (!write_problems(canvas, false)) {
        return false;
    }
    json_array_foreach(json_object_get(status, "sources"), index, item)
    {
        if (!write_source(canvas, item)) {
            return false;
        }
    }
    json_array_foreach(json_object_get(status, "flows"), index, item)
    {
        if (!write_flow(canvas, item)) {
            return false;
        }
    }
    return true;
}

static bool write_topic_partitions(struct canvas *canvas, const json_t *topic)
{
    char room[32];
    size_t index;
    json_t *partition;
    json_array_foreach(json_object_get(topic, "partitions"), index, partition)
    {
        putf(canvas, "    partition %" PRId64, number(partition, "partition"));
        put_right(canvas, 44, grouped(number(partition, "log_start"), room));
        put(canvas, " to ");
        put(canvas, grouped(number(partition, "high_watermark"), room));
        if (!end_line(canvas)) {
            return false;
        }
    }
    return true;
}

static bool write_topic(struct canvas *canvas, const json_t *topic)
{
    char room[32];
    const json_t *before = older(canvas->view, "topics", topic);
    put(canvas, text_of(topic, "name"));
    put_right(canvas, 44, grouped(number(topic, "records"), room));
    put_right(canvas, 56,
              rate(canvas->view, number(before, "records"), number(topic, "records"), room));
    putf(canvas, "  %zu partitions", json_array_size(json_object_get(topic, "partitions")));
    return true;
}

static bool write_group_offsets(struct canvas *canvas, const json_t *group)
{
    char room[32];
    size_t index;
    json_t *offset;
    json_array_foreach(json_object_get(group, "offsets"), index, offset)
    {
        putf(canvas, "    %s %" PRId64, text_of(offset, "topic"), number(offset, "partition"));
        put_right(canvas, 44, grouped(number(offset, "lag"), room));
        putf(canvas, " wait  %s", text_of(offset, "verdict"));
        if (!end_line(canvas)) {
            return false;
        }
    }
    return true;
}

static bool write_group(struct canvas *canvas, const json_t *group)
{
    char room[32];
    const char *verdict = text_of(group, "verdict");
    bool well = strcmp(verdict, "OK") == 0;
    put(canvas, text_of(group, "id"));
    put_right(canvas, 44, grouped(number(group, "lag"), room));
    put(canvas, " wait");
    go_to(canvas, 52);
    colour(canvas, well ? GOOD : WARN);
    putf(canvas, "%s %s", well ? "●" : "▲", verdict);
    colour(canvas, PLAIN);
    go_to(canvas, 62);
    putf(canvas, "%s, %" PRId64 " members", text_of(group, "state"), number(group, "members"));
    return true;
}

struct list {
    const char *name;
    const char *empty;
    bool (*write)(struct canvas *canvas, const json_t *item);
    bool (*write_open)(struct canvas *canvas, const json_t *item);
};

/* Rows from a place at which the selected one is still on the screen. */
static bool write_list(struct canvas *canvas, struct top_view *view, const struct list *list)
{
    const json_t *items = json_object_get(view->status, list->name);
    int count = (int) json_array_size(items);
    view->selected = view->selected >= count ? count - 1 : view->selected;
    view->selected = view->selected < 0 ? 0 : view->selected;
    int room = view->height - 5;
    for (int i = view->selected >= room ? view->selected - room + 1 : 0; i < count; i++) {
        const json_t *item = json_array_get(items, (size_t) i);
        bool selected = i == view->selected;
        colour(canvas, selected ? PICKED : PLAIN);
        put(canvas, selected ? "> " : "  ");
        (void) list->write(canvas, item);
        if (!end_line(canvas) || (selected && view->open && !list->write_open(canvas, item))) {
            return false;
        }
    }
    if (count == 0) {
        put(canvas, list->empty);
        return end_line(canvas);
    }
    return true;
}

void top_view_write(struct top_view *view, struct buffer *target)
{
    static const struct list topics = {"topics", "No topic yet.", write_topic,
                                       write_topic_partitions};
    static const struct list groups = {"groups", "No consumer group yet.", write_group,
                                       write_group_offsets};
    struct canvas canvas = {.view = view, .target = target};
    buffer_clear(target);
    bool room = write_head(&canvas);
    if (room && view->page == TOP_OVERVIEW) {
        room = write_overview(&canvas);
    } else if (room && view->page == TOP_TOPICS) {
        room = write_list(&canvas, view, &topics);
    } else if (room && view->page == TOP_GROUPS) {
        room = write_list(&canvas, view, &groups);
    } else if (room) {
        room = write_problems(&canvas, true);
    }
    if (!view->keys) {
        return;
    }
    while (room) {
        room = end_line(&canvas);
    }
    colour(&canvas, STRONG);
    put(&canvas, "o overview  t topics  g groups  p problems  ↑↓ choose  Enter open  q quit");
    colour(&canvas, PLAIN);
}
