#pragma once

/*
 * A test of a pipeline file (`tests:`): given records pass the real gate of their source, the real
 * processor and a store of their own in a temporary directory; the rows and dead letters that come
 * out are compared with the expected ones. The clock stands still, all windows close at the end,
 * and all records of a topic lie in one partition in the order given.
 *
 * Records do not pass from topic to topic: the topic of a stream is given its records as well.
 */

#include "app/pipeline.h"

struct pipeline_test_result {
    bool passed;
    const char *report; /* lines on what differs, each with its place; "" if it passed */
    int64_t took_us;
};

/* Runs one. STATUS_CONFIG if the test itself is wrong: it names a topic, a sink or a column that
 * does not exist. Memory of the arena. Sets the clock of the process meanwhile, so one at a time.
 */
MUST_USE enum status pipeline_test_run(const struct pipeline *pipeline,
                                       const struct setting_section *test,
                                       struct arena *arena,
                                       struct pipeline_test_result *ret_result,
                                       struct error *error);
