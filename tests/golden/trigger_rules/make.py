#!/usr/bin/env python3
"""Writes rules.txt: what Airflow answers for a task, by its rule and the states of the tasks before it.

usage: PYTHON-OF-AIRFLOW tests/golden/trigger_rules/make.py [--check]

Python is the one of an Airflow (tools/engine install airflow). --check compares with the file instead, as
tests/airflow/test_trigger_rules.py does within each Airflow; a rule that it does not have yet is left out.

rules.txt:  rule | tasks before | success | failed | skipped | upstream_failed | run, wait, skip or upstream_failed
            (the rest of the tasks before has not ended)
"""

import itertools
import pathlib
import sys
from types import SimpleNamespace

from airflow.ti_deps.deps.trigger_rule_dep import TriggerRuleDep
from airflow.utils.state import TaskInstanceState

try:
    from airflow.task.trigger_rule import TriggerRule
except ImportError:  # Airflow 2
    from airflow.utils.trigger_rule import TriggerRule

HERE = pathlib.Path(__file__).resolve().parent
MOST = 4
RULES = [
    "all_success", "all_failed", "all_done", "all_done_min_one_success", "all_skipped", "one_success", "one_failed",
    "one_done", "none_failed", "none_failed_min_one_success", "none_skipped", "always",
]  # fmt: skip
STATES = [
    TaskInstanceState.SUCCESS, TaskInstanceState.FAILED, TaskInstanceState.SKIPPED, TaskInstanceState.UPSTREAM_FAILED,
]  # fmt: skip


class Task(SimpleNamespace):
    """As much of a task as the rule looks at: not mapped, in no group, no setup."""

    def get_needs_expansion(self):
        return False

    def get_closest_mapped_task_group(self):
        return None

    def get_upstreams_only_setups(self):
        return []


class Instance(SimpleNamespace):
    def get_dagrun(self, session):
        return None

    def set_state(self, state, session):
        self.new_state = state
        return True


def answer(rule, total, counts):
    names = [f"t{i}" for i in range(total)]
    before = [Task(task_id=name, is_setup=False) for name in names]
    task = Task(task_id="task", trigger_rule=TriggerRule(rule), upstream_task_ids=set(names), upstream_list=before,
                is_setup=False, is_teardown=False, task_group=None, dag=None)  # fmt: skip
    states = [state for state, count in zip(STATES, counts) for _ in range(count)]
    ended = [Instance(task_id=one.task_id, state=state, map_index=-1, task=one) for one, state in zip(before, states)]
    context = SimpleNamespace(flag_upstream_failed=True, have_changed_ti_states=False, upstream_task_id_counts={},
                              wait_for_past_depends_before_skipping=False,
                              ensure_finished_tis=lambda dagrun, session: ended)  # fmt: skip
    instance = Instance(task=task, map_index=-1, dag_id="d", run_id="r", task_id="task", new_state=None)
    met = all(said.passed for said in TriggerRuleDep()._get_dep_statuses(instance, dep_context=context, session=None))
    if instance.new_state is not None:
        return str(getattr(instance.new_state, "value", instance.new_state)).replace("skipped", "skip")
    return "run" if met else "wait"


def cases():
    known = {str(getattr(rule, "value", rule)) for rule in TriggerRule}
    for rule in RULES:
        if rule not in known:
            continue
        for total in range(MOST + 1):
            for counts in itertools.product(range(total + 1), repeat=len(STATES)):
                if sum(counts) <= total:
                    yield "|".join(map(str, [rule, total, *counts, answer(rule, total, counts)]))


def main():
    made = list(cases())
    file = HERE / "rules.txt"
    if "--check" not in sys.argv:
        file.write_text("\n".join(made) + "\n")
        return
    rules = {line.split("|")[0] for line in made}
    kept = [line for line in file.read_text().splitlines() if line.split("|")[0] in rules]
    other = [f"{old}    here {new}" for old, new in zip(kept, made) if old != new]
    if other or len(kept) != len(made):
        sys.exit("\n".join(other) or f"{len(kept)} cases are kept, {len(made)} were made")
    print(f"{len(made)} cases")


if __name__ == "__main__":
    main()
