#pragma once

/*
 * When a task may run, given how those before it ended: the rules of Apache Airflow
 * (airflow/ti_deps/deps/trigger_rule_dep.py), with its names and its answers. The truth tables in
 * tests/golden/trigger_rules come from Airflow itself.
 */

#include <stdbool.h>
#include <stddef.h>

enum trigger_rule {
    RULE_ALL_SUCCESS,
    RULE_ALL_FAILED,
    RULE_ALL_DONE,
    RULE_ALL_DONE_MIN_ONE_SUCCESS,
    RULE_ALL_SKIPPED,
    RULE_ONE_SUCCESS,
    RULE_ONE_FAILED,
    RULE_ONE_DONE,
    RULE_NONE_FAILED,
    RULE_NONE_FAILED_MIN_ONE_SUCCESS,
    RULE_NONE_SKIPPED,
    RULE_ALWAYS,
};

/* "all_success", ...; NULL-terminated, in the order of the enum. */
extern const char *const trigger_rule_names[];

/* The tasks before this one, by their state. */
struct trigger_counts {
    size_t total;
    size_t success, failed, skipped, upstream_failed;
};

enum trigger_answer {
    TRIGGER_WAIT,
    TRIGGER_RUN,
    TRIGGER_SKIP,
    TRIGGER_UPSTREAM_FAILED,
};

enum trigger_answer trigger_rule_answer(enum trigger_rule rule,
                                        const struct trigger_counts *counts);
