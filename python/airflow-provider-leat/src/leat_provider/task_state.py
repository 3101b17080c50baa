"""The state of a deferred task, before Airflow 3.3 tells triggers when it is ended."""

from __future__ import annotations

from typing import Any


def state_of(task: Any) -> str | None:
    """Is "deferred" while the task waits for its trigger; another once someone, or a time-out, ended it."""
    try:
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
    except ImportError:
        return _from_database(task)
    states = RuntimeTaskInstance.get_task_states(
        dag_id=task.dag_id, task_ids=[task.task_id], run_ids=[task.run_id], map_index=task.map_index
    )
    of_run = states.get(task.run_id, {})
    name = task.task_id if task.map_index < 0 else f"{task.task_id}_{task.map_index}"
    state = of_run.get(name, of_run.get(task.task_id))
    return None if state is None else str(getattr(state, "value", state))


def _from_database(task: Any) -> str | None:
    """Airflow 2: a triggerer has the database."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    model: Any = TaskInstance
    with create_session() as session:
        row = (
            session.query(model.state)
            .filter(
                model.dag_id == task.dag_id,
                model.task_id == task.task_id,
                model.run_id == task.run_id,
                model.map_index == task.map_index,
            )
            .one_or_none()
        )
    return None if row is None else str(row[0])
