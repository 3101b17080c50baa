#pragma once

/*
 * The one line that `up` keeps fresh on a terminal, and prints now and then elsewhere:
 *
 *     fetched 12,000 -> staged 11,998 -> log 11,998 -> table 11,500   dead 2   lag 498
 */

#include "app/engine.h"

#include <stdbool.h>
#include <stdint.h>

struct progress_line {
    struct engine *engine;
    bool quiet;
    bool terminal;
    bool shown; /* something stands on the line */
    int64_t next_us;
    int64_t last_total;
    bool sampled; /* the first stored row was shown */
};

/* Prints the first screen: source, console, Kafka address, data folder. */
void progress_line_init(struct progress_line *line, struct engine *engine, bool quiet);
void progress_line_update(struct progress_line *line);
void progress_line_end(struct progress_line *line);
