"""Run by an Airflow's python: loads the DAG files of a folder and prints what Airflow makes of them, as JSON."""

import json
import sys

try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:
    from airflow.models.dagbag import DagBag
from airflow.timetables.base import TimeRestriction


def intervals(dag):
    """All from start to end date, whatever day it is."""
    timetable = dag.timetable
    if not hasattr(timetable, "next_dagrun_info"):  # 3.1: of the SDK, the scheduler has another
        from airflow.serialization.encoders import coerce_to_core_timetable

        timetable = coerce_to_core_timetable(timetable)
    bounds, last = TimeRestriction(earliest=dag.start_date, latest=dag.end_date, catchup=True), None
    while len(found := intervals.found) < 100:
        info = timetable.next_dagrun_info(last_automated_data_interval=last, restriction=bounds)
        if info is None:
            return
        last = info.data_interval
        found.append([int(last.start.timestamp()), int(last.end.timestamp())])


def about(dag):
    intervals.found = []
    intervals(dag)
    tasks = {
        task.task_id: {
            "kind": type(task).__name__, "after": sorted(task.upstream_task_ids), "retries": task.retries,
            "delay_s": task.retry_delay.total_seconds(), "backoff": bool(task.retry_exponential_backoff),
            "rule": str(getattr(task.trigger_rule, "value", task.trigger_rule)),
            "timeout_s": task.execution_timeout.total_seconds() if task.execution_timeout else 0,
            "pool": task.pool,
        }
        for task in dag.tasks
    }  # fmt: skip
    return {"intervals": intervals.found, "tasks": tasks, "catchup": dag.catchup, "doc": dag.doc_md}


bag = DagBag(sys.argv[1])
print("RESULT " + json.dumps({"errors": bag.import_errors, "dags": {name: about(dag) for name, dag in bag.dags.items()}}))
