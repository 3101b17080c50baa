#include "cli/progress_line.h"

#include "base/logline.h"
#include "io/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EVERY_TERMINAL_US (200 * INT64_C(1000))
#define EVERY_FILE_US     (10 * INT64_C(1000000))

/* Log lines go above the kept line. */
static void write_above(void *context, const char *text, size_t size)
{
    struct progress_line *line = context;
    if (line->shown) {
        (void) fputs("\r\033[K", stderr);
        line->shown = false;
    }
    (void) fwrite(text, 1, size, stderr);
}

/* 1234567 as "1,234,567". */
static const char *grouped(int64_t value, char target[32])
{
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%" PRId64, value);
    int at = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            target[at++] = ',';
        }
        target[at++] = digits[i];
    }
    target[at] = '\0';
    return target;
}

static void first_screen(struct engine *engine)
{
    const struct data_dir_addresses *addresses = engine_addresses(engine);
    for (size_t i = 0; i < engine_source_count(engine); i++) {
        struct engine_source_view view;
        engine_source_view(engine, i, &view);
        (void) fprintf(stderr, "  source    %s.%s -> topic %s\n", view.pipeline, view.name,
                       view.topic);
    }
    if (addresses->http[0] != '\0') {
        (void) fprintf(stderr, "  console   %s://%s/\n",
                       addresses->http_pin[0] == '\0' ? "http" : "https", addresses->http);
    }
    bool is_url = strstr(addresses->registry, "://") != NULL; /* a registry that is not ours */
    (void) fprintf(stderr, "  kafka     %s\n  registry  %s%s%s\n  data      %s\n\n",
                   addresses->kafka, is_url ? "" : "http://", addresses->registry,
                   is_url ? "" : "/", engine_data(engine));
}

void progress_line_init(struct progress_line *line, struct engine *engine, bool quiet)
{
    *line = (struct progress_line){
        .engine = engine,
        .quiet = quiet,
        .terminal = isatty(STDERR_FILENO) == 1,
        .last_total = -1,
    };
    if (quiet) {
        return;
    }
    first_screen(engine);
    if (line->terminal) {
        logline_set_writer(write_above, line);
    }
}

/* The first row that arrived, and what to try next. */
static void show_sample(struct progress_line *line)
{
    CLEANUP(buffer_deinit) struct buffer json = BUFFER_INIT;
    const char *table;
    if (!engine_sample_row(line->engine, &table, &json)) {
        return;
    }
    const char *kafka = engine_addresses(line->engine)->kafka;
    struct engine_source_view view;
    engine_source_view(line->engine, 0, &view);
    line->sampled = true;
    if (line->shown) {
        (void) fputs("\r\033[K", stderr);
        line->shown = false;
    }
    (void) fprintf(stderr,
                   "the first row in %s:\n  %s\n\nto try next, in another terminal:\n"
                   "  build/leat query \"SELECT * FROM %s LIMIT 5\"\n"
                   "  kcat -b %s -t %s -C -o beginning -e -f '%%k %%o\\n'\n"
                   "  $EDITOR %s    # change the SQL, stop with Ctrl-C, start again\n\n",
                   table, buffer_string(&json), table, kafka, view.topic,
                   engine_file(line->engine));
}

static void print(struct progress_line *line, const struct engine_totals *totals)
{
    char fetched[32];
    char accepted[32];
    char logged[32];
    char table[32];
    char dead[32];
    char lag[32];
    const struct fate_counts *fate = &totals->fate;
    int64_t ended = fate->stored + fate->filtered + fate->late + fate->dead;
    (void) fprintf(stderr, "%sfetched %s -> staged %s -> log %s -> table %s   dead %s   lag %s%s",
                   line->terminal ? "\r\033[K" : "", grouped(totals->source.fetched, fetched),
                   grouped(totals->source.accepted, accepted),
                   grouped(totals->source.accepted - totals->staged, logged),
                   grouped(fate->stored, table), grouped(fate->dead + totals->source.dead, dead),
                   grouped(totals->accepted - ended, lag), line->terminal ? "" : "\n");
    (void) fflush(stderr);
    line->shown = line->terminal;
}

void progress_line_update(struct progress_line *line)
{
    int64_t now_us = clock_monotonic_us();
    if (line->quiet || (now_us < line->next_us && line->sampled)) {
        return;
    }
    struct engine_totals totals;
    engine_totals(line->engine, &totals);
    if (!line->sampled && totals.fate.stored > 0) { /* at once, also where lines are rare */
        show_sample(line);
    }
    if (now_us < line->next_us) {
        return;
    }
    int64_t total = totals.source.fetched + totals.fate.stored;
    if (line->terminal || total != line->last_total) {
        print(line, &totals);
    }
    line->last_total = total;
    line->next_us = now_us + (line->terminal ? EVERY_TERMINAL_US : EVERY_FILE_US);
}

void progress_line_end(struct progress_line *line)
{
    if (line->quiet) {
        return;
    }
    line->next_us = 0;
    line->last_total = -1;
    progress_line_update(line);
    if (line->terminal) {
        (void) fputs("\n", stderr);
    }
    line->shown = false;
    logline_set_writer(NULL, NULL);
}
