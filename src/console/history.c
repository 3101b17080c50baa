#include "console/history.h"

#include "base/hash.h"
#include "base/memory.h"
#include "console/json_writer.h"
#include "io/file.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/*
 * File, in the machine's byte order (it never leaves the machine):
 *
 *     magic[8]  count u32  reserved u32
 *     count times:  name size u32, name, struct ring fine, struct ring coarse
 *     xxh3 u64 of all before
 */
#define MAGIC          "leathis1"
#define NAME_BYTES_MAX 600
#define FILE_BYTES_MAX ((size_t) 8 << 20)

/* Slot i of `values` is the step whose number is i modulo the size. */
struct ring {
    int64_t newest; /* number of the newest step; -1: none */
    double sum;     /* of what came in that step */
    int64_t count;
};

struct series {
    char *name;
    struct ring fine, coarse;
    float fine_values[HISTORY_FINE_SLOTS];
    float coarse_values[HISTORY_COARSE_SLOTS];
};

struct history {
    struct series *series[HISTORY_SERIES_MAX];
    size_t count;
};

struct history *history_new(void)
{
    return mem_zalloc(sizeof(struct history));
}

static void series_free(struct series *series)
{
    mem_free(series->name);
    mem_free(series);
}

void history_free(struct history *history)
{
    for (size_t i = 0; history != NULL && i < history->count; i++) {
        series_free(history->series[i]);
    }
    mem_free(history);
}

static struct series *series_new(const char *name, size_t size)
{
    struct series *series = mem_zalloc(sizeof(*series));
    series->name = mem_zalloc(size + 1);
    memcpy(series->name, name, size);
    series->fine.newest = -1;
    series->coarse.newest = -1;
    return series;
}

/* The series of that name; a new one takes a free place, or that of the longest silent. */
static struct series *series_of(struct history *history, const char *name)
{
    size_t oldest = 0;
    for (size_t i = 0; i < history->count; i++) {
        if (strcmp(history->series[i]->name, name) == 0) {
            return history->series[i];
        }
        if (history->series[i]->coarse.newest < history->series[oldest]->coarse.newest) {
            oldest = i;
        }
    }
    size_t place = history->count;
    if (history->count == HISTORY_SERIES_MAX) {
        place = oldest;
        series_free(history->series[place]);
    } else {
        history->count++;
    }
    size_t size = strlen(name);
    history->series[place] = series_new(name, size < NAME_BYTES_MAX ? size : NAME_BYTES_MAX);
    return history->series[place];
}

/* Steps that were left out between are gaps. */
static void ring_put(struct ring *ring, float *values, int64_t slots, int64_t step, double value)
{
    if (step < ring->newest) {
        step = ring->newest; /* the clock was set back */
    }
    if (step != ring->newest) {
        int64_t gaps =
            ring->newest < 0 || step - ring->newest > slots ? slots : step - ring->newest;
        for (int64_t i = 0; i < gaps; i++) {
            values[(step - i) % slots] = NAN;
        }
        *ring = (struct ring){.newest = step};
    }
    ring->sum += value;
    ring->count++;
    values[step % slots] = (float) (ring->sum / (double) ring->count);
}

void history_put(struct history *history, const char *name, int64_t at_us, double value)
{
    if (!isfinite(value) || at_us < 0) {
        return;
    }
    struct series *series = series_of(history, name);
    ring_put(&series->fine, series->fine_values, HISTORY_FINE_SLOTS, at_us / HISTORY_FINE_US,
             value);
    ring_put(&series->coarse, series->coarse_values, HISTORY_COARSE_SLOTS,
             at_us / HISTORY_COARSE_US, value);
}

/* ---- writing -----------------------------------------------------------------------------------
 */

static float value_at(const struct ring *ring, const float *values, int64_t slots, int64_t step)
{
    bool kept = step >= 0 && step <= ring->newest && step > ring->newest - slots;
    return kept ? values[step % slots] : NAN;
}

static void write_series(
    const struct series *series, bool fine, int64_t first, int64_t last, struct json_writer *json)
{
    json_writer_open(json, series->name, '[');
    for (int64_t step = first; step <= last; step++) {
        float value =
            fine ? value_at(&series->fine, series->fine_values, HISTORY_FINE_SLOTS, step)
                 : value_at(&series->coarse, series->coarse_values, HISTORY_COARSE_SLOTS, step);
        if (isnan(value)) {
            json_writer_null(json, NULL);
        } else {
            json_writer_double(json, NULL, (double) value);
        }
    }
    json_writer_close(json, ']');
}

void history_write(const struct history *history,
                   const char *prefix,
                   int64_t now_us,
                   int64_t span_us,
                   struct buffer *target)
{
    bool fine = span_us <= HISTORY_FINE_US * HISTORY_FINE_SLOTS;
    int64_t step_us = fine ? HISTORY_FINE_US : HISTORY_COARSE_US;
    int64_t slots = fine ? HISTORY_FINE_SLOTS : HISTORY_COARSE_SLOTS;
    int64_t wanted = span_us / step_us < slots ? span_us / step_us : slots;
    int64_t last = now_us / step_us;
    int64_t first = last - wanted + 1;
    size_t prefix_size = prefix == NULL ? 0 : strlen(prefix);
    struct json_writer json = {.target = target};
    json_writer_open(&json, NULL, '{');
    json_writer_int(&json, "step_us", step_us);
    json_writer_int(&json, "from_us", first * step_us);
    json_writer_open(&json, "series", '{');
    for (size_t i = 0; i < history->count; i++) {
        if (prefix_size == 0 || strncmp(history->series[i]->name, prefix, prefix_size) == 0) {
            write_series(history->series[i], fine, first, last, &json);
        }
    }
    json_writer_close(&json, '}');
    json_writer_close(&json, '}');
}

/* ---- the file ----------------------------------------------------------------------------------
 */

enum status history_save(const struct history *history, const char *path, struct error *error)
{
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    uint32_t head[2] = {(uint32_t) history->count, 0};
    buffer_append_string(&text, MAGIC);
    buffer_append(&text, head, sizeof(head));
    for (size_t i = 0; i < history->count; i++) {
        const struct series *series = history->series[i];
        uint32_t size = (uint32_t) strlen(series->name);
        buffer_append(&text, &size, sizeof(size));
        buffer_append(&text, series->name, size);
        buffer_append(&text, &series->fine, sizeof(series->fine));
        buffer_append(&text, &series->coarse, sizeof(series->coarse));
        buffer_append(&text, series->fine_values, sizeof(series->fine_values));
        buffer_append(&text, series->coarse_values, sizeof(series->coarse_values));
    }
    uint64_t sum = hash64(buffer_slice(&text));
    buffer_append(&text, &sum, sizeof(sum));
    return file_replace(path, buffer_slice(&text), error);
}

/* Moves `size` bytes over from the text; false at its end. */
static bool take(struct slice *text, void *target, size_t size)
{
    if (text->size < size) {
        return false;
    }
    memcpy(target, text->data, size);
    *text = slice_of(text->data + size, text->size - size);
    return true;
}

static bool take_series(struct slice *text, struct series **ret_series)
{
    uint32_t size;
    if (!take(text, &size, sizeof(size)) || size > NAME_BYTES_MAX || size > text->size) {
        return false;
    }
    struct series *series = series_new((const char *) text->data, size);
    *text = slice_of(text->data + size, text->size - size);
    if (!take(text, &series->fine, sizeof(series->fine)) ||
        !take(text, &series->coarse, sizeof(series->coarse)) ||
        !take(text, series->fine_values, sizeof(series->fine_values)) ||
        !take(text, series->coarse_values, sizeof(series->coarse_values)) ||
        series->fine.newest < -1 || series->coarse.newest < -1) {
        series_free(series);
        return false;
    }
    *ret_series = series;
    return true;
}

static bool take_all(struct history *history, struct slice text)
{
    char magic[sizeof(MAGIC) - 1];
    uint32_t head[2];
    uint64_t sum;
    if (text.size < sizeof(sum)) {
        return false;
    }
    text.size -= sizeof(sum);
    memcpy(&sum, text.data + text.size, sizeof(sum));
    if (hash64(text) != sum || !take(&text, magic, sizeof(magic)) ||
        memcmp(magic, MAGIC, sizeof(magic)) != 0 || !take(&text, head, sizeof(head)) ||
        head[0] > HISTORY_SERIES_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < head[0]; i++) {
        if (!take_series(&text, &history->series[history->count])) {
            return false;
        }
        history->count++;
    }
    return text.size == 0;
}

enum status history_load(struct history *history, const char *path, struct error *error)
{
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    if (access(path, F_OK) != 0) {
        return STATUS_OK;
    }
    TRY(file_load(path, FILE_BYTES_MAX, &text, error));
    if (!take_all(history, buffer_slice(&text))) {
        for (size_t i = 0; i < history->count; i++) {
            series_free(history->series[i]);
        }
        history->count = 0;
        return error_set(error, STATUS_CORRUPT, "\"%s\" is damaged", path);
    }
    return STATUS_OK;
}
