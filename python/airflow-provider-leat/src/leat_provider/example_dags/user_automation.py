"""The tutorial's ``user_automation``, done right: users from an API into tables, once a day.

A leat runs as a service, ``leat up examples/users/pipeline.yaml --profile airflow``, and keeps the log and the
streams going. This DAG says when users are fetched and how many; what comes is staged, appended, processed and
stored by leat, and the task succeeds once all of it is in the tables. The connection ``leat_default`` says
where leat is. Nothing is sent by the task itself, so there is nothing to lose when it is killed.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.timetables.interval import CronDataIntervalTimetable

from leat_provider.assets import table_asset
from leat_provider.operators.leat import LeatIngestOperator
from leat_provider.sensors.leat import LeatLagSensor, LeatReadySensor

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG

with DAG(
    dag_id="user_automation",
    schedule=CronDataIntervalTimetable("@daily", timezone=pendulum.timezone("UTC")),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(seconds=30), "retry_exponential_backoff": True},
    tags=["leat"],
    doc_md=__doc__,
) as dag:
    ready = LeatReadySensor(task_id="ready", pipeline="users", poke_interval=5, timeout=300)
    fetch = LeatIngestOperator(
        task_id="stream_data_from_api",
        source="users.random_users",
        data_interval=False,  # the API has pages, no dates
        limit=1000,
        deferrable=True,
        outlets=[table_asset("users", "spark_streams.created_users")],
    )
    stored = LeatLagSensor(task_id="all_stored", pipeline="users", max_lag=0, poke_interval=5, timeout=300)
    ready >> fetch >> stored
