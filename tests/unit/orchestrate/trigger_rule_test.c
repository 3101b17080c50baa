#include "orchestrate/trigger_rule.h"

#include "base/memory.h"
#include "test.h"

#include <stdio.h>

/* tests/golden/trigger_rules holds Airflow's own answers, see make.py there. */

#define LINE_BYTES 128

static enum trigger_rule rule_named(const char *name)
{
    for (size_t i = 0; trigger_rule_names[i] != NULL; i++) {
        if (strcmp(trigger_rule_names[i], name) == 0) {
            return (enum trigger_rule) i;
        }
    }
    fail_msg("no rule is named %s", name);
    return RULE_ALWAYS;
}

static size_t next_number(char **rest)
{
    return strtoul(strsep(rest, "|"), NULL, 10);
}

static void agrees_with_airflow(void **state)
{
    static const char *const words[] = {
        [TRIGGER_WAIT] = "wait",
        [TRIGGER_RUN] = "run",
        [TRIGGER_SKIP] = "skip",
        [TRIGGER_UPSTREAM_FAILED] = "upstream_failed",
    };
    (void) state;
    char *path = mem_printf("%s/tests/golden/trigger_rules/rules.txt", getenv("LEAT_SOURCE_ROOT"));
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    mem_free(path);
    char line[LINE_BYTES];
    size_t cases = 0;
    bool seen[RULE_ALWAYS + 1] = {false};
    while (fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *rest = line;
        const char *name = strsep(&rest, "|");
        enum trigger_rule rule = rule_named(name);
        struct trigger_counts counts;
        counts.total = next_number(&rest);
        counts.success = next_number(&rest);
        counts.failed = next_number(&rest);
        counts.skipped = next_number(&rest);
        counts.upstream_failed = next_number(&rest);
        const char *found = words[trigger_rule_answer(rule, &counts)];
        if (strcmp(found, rest) != 0) {
            fail_msg("%s of %zu: %zu success, %zu failed, %zu skipped, %zu upstream_failed: %s, "
                     "Airflow: %s",
                     name, counts.total, counts.success, counts.failed, counts.skipped,
                     counts.upstream_failed, found, rest);
        }
        seen[rule] = true;
        cases++;
    }
    (void) fclose(file);
    assert_true(cases >= 1500);
    for (size_t i = 0; i <= RULE_ALWAYS; i++) {
        assert_true(seen[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_airflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
