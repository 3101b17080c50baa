"""Users from the API into Cassandra, every minute.

leat keeps the log and the streams going (``orchestration: external``: it fetches nothing by itself); this DAG says
when users are fetched and how many. A run succeeds once all that it brought is in the table. Nothing is sent by the
tasks themselves, so whatever is killed, nothing is lost: an order that is placed again fetches nothing twice.
"""

from datetime import timedelta

import pendulum
from airflow.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable
from leat_provider.assets import table_asset
from leat_provider.operators.leat import LeatIngestOperator
from leat_provider.sensors.leat import LeatLagSensor, LeatReadySensor

with DAG(
    dag_id="users",
    schedule=CronDataIntervalTimetable("* * * * *", timezone=pendulum.timezone("UTC")),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args={"retries": 5, "retry_delay": timedelta(seconds=5)},
    tags=["leat"],
    doc_md=__doc__,
):
    ready = LeatReadySensor(task_id="ready", pipeline="users", poke_interval=5, timeout=300)
    fetch = LeatIngestOperator(
        task_id="fetch",
        source="users.random_users",
        data_interval=False,  # the API has pages, no dates
        limit=1000,
        outlets=[table_asset("users", "spark_streams.created_users")],
    )
    stored = LeatLagSensor(task_id="stored", pipeline="users", max_lag=0, poke_interval=2, timeout=300)
    ready >> fetch >> stored
