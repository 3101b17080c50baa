#pragma once

/*
 * Rows that a test expects, against the rows that are there: only the columns that are given count,
 * in any order, values as JSON. Each row that is there stands for one expectation at most.
 */

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/node.h"

#include <stdbool.h>

struct test_rows {
    const char *what;           /* "sink \"users\"", for the report */
    const char *const *columns; /* that can be expected */
    const bool *is_time;        /* one a column: compared as a point in time. NULL: none */
    size_t column_count;
    const char *const *rows; /* each a JSON object */
    size_t count;
};

/* Appends what differs to `report`, nothing if all is as expected. STATUS_CONFIG if `expected` is
 * no list of rows, or names a column that is not there. */
MUST_USE enum status test_rows_compare(const struct test_rows *actual,
                                       const struct node *expected,
                                       struct buffer *report,
                                       struct error *error);

/* A value of the pipeline file as JSON text. What stands in quotes is a string, what JSON reads as
 * a number or a bool is that, anything else is a string. */
void test_json_of_node(const struct node *node, struct buffer *target);
