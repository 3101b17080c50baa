"""A source with dates, one data interval a run: late days are fetched by a backfill, and a day that is fetched
again changes nothing but what has changed.

In the pipeline file ``params: {from: "${interval.start}", to: "${interval.end}"}`` of the source says how
the interval is asked for. ``CronDataIntervalTimetable`` gives the same intervals in Airflow 2 and 3, where a plain
cron text means runs without one.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.timetables.interval import CronDataIntervalTimetable

from leat_provider.assets import table_asset
from leat_provider.operators.leat import LeatIngestOperator
from leat_provider.sensors.leat import LeatFreshnessSensor

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG

with DAG(
    dag_id="leat_intervals",
    schedule=CronDataIntervalTimetable("0 6 * * *", timezone=pendulum.timezone("Europe/Berlin")),
    start_date=pendulum.datetime(2026, 1, 1, tz="Europe/Berlin"),
    catchup=False,
    max_active_runs=2,
    default_args={"retries": 3, "retry_delay": timedelta(seconds=30)},
    tags=["leat"],
    doc_md=__doc__,
) as dag:
    fetch = LeatIngestOperator(
        task_id="fetch",
        source="shop.orders",
        skip_if_empty=True,
        deferrable=True,
        execution_timeout=timedelta(hours=1),
        outlets=[table_asset("shop", "orders")],
    )
    fresh = LeatFreshnessSensor(task_id="fresh", source="shop.orders", max_age=timedelta(minutes=10), timeout=600)
    fetch >> fresh
