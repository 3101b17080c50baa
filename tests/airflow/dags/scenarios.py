"""What can happen to a task, as DAGs. known.json beside this file is the test's."""

from __future__ import annotations

import json
import pathlib
from datetime import timedelta

import pendulum
from airflow.timetables.interval import CronDataIntervalTimetable

from leat_provider.operators.leat import (
    LeatCheckOperator,
    LeatIngestOperator,
    LeatRunOperator,
    LeatStreamOperator,
)
from leat_provider.sensors.leat import (
    LeatFreshnessSensor,
    LeatIngestSensor,
    LeatLagSensor,
    LeatReadySensor,
)

try:
    from airflow.sdk import DAG
except ImportError:
    from airflow import DAG

KNOWN = json.loads(pathlib.Path(__file__).with_name("known.json").read_text())
FOLDER = KNOWN["folder"]
PORTS = ["--kafka", "127.0.0.1:0", "--http", "127.0.0.1:0", "--registry", "127.0.0.1:0"]


def dag(name, **settings):
    return DAG(
        dag_id=name,
        schedule=settings.pop("schedule", None),
        start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
        catchup=False,
        default_args={"retries": 1, "retry_delay": timedelta(seconds=1)},
        **settings,
    )


def local(data, url=KNOWN["users"]):
    """Arguments of a task that runs leat itself."""
    return {
        "leat": KNOWN["leat"],
        "data": f"{FOLDER}/{data}",
        "env": {"RANDOMUSER_URL": url, "EVENTS_URL": KNOWN["events"]},
        "options": PORTS,
    }


with dag("local"):
    check = LeatCheckOperator(
        task_id="check", leat=KNOWN["leat"], file=f"{FOLDER}/users.yaml", test=True, env={"RANDOMUSER_URL": "http://x"}
    )
    run = LeatRunOperator(task_id="run", file=f"{FOLDER}/users.yaml", limit="{{ 20 + 30 }}", **local("local"))
    check >> run

with dag("wrong"):
    LeatRunOperator(task_id="run", file=f"{FOLDER}/wrong.yaml", limit=5, **local("wrong"))

with dag("unreachable"):
    LeatIngestOperator(
        task_id="ingest",
        file=f"{FOLDER}/users.yaml",
        source="random_users",
        data_interval=False,
        give_up="300ms",
        **local("unreachable", KNOWN["nowhere"]),
    )

with dag("empty"):
    LeatRunOperator(task_id="run", file=f"{FOLDER}/nothing.yaml", skip_if_empty=True, **local("empty"))

with dag("endless"):
    LeatRunOperator(
        task_id="run",
        file=f"{FOLDER}/users.yaml",
        execution_timeout=timedelta(seconds=8),
        retries=0,
        **local("endless"),
    )

with dag("killed"):
    LeatRunOperator(task_id="run", file=f"{FOLDER}/users.yaml", retries=0, **local("killed"))

with dag("no_program"):
    LeatCheckOperator(task_id="check", leat="/nowhere/leat", file="x.yaml")

with dag("orders"):
    ready = LeatReadySensor(task_id="ready", pipeline="users", poke_interval=1, timeout=60)
    order = LeatIngestOperator(
        task_id="order", source="users.random_users", data_interval=False, limit=30, until="staged"
    )
    over = LeatIngestSensor(
        task_id="over", ingest_id="{{ ti.xcom_pull('order')['id'] }}", poke_interval=1, timeout=60
    )
    lag = LeatLagSensor(task_id="lag", pipeline="users", poke_interval=1, timeout=60)
    fresh = LeatFreshnessSensor(
        task_id="fresh", source="random_users", max_age=timedelta(minutes=10), poke_interval=1, timeout=60
    )
    ready >> order >> over >> lag >> fresh

with dag("real"):
    order = LeatIngestOperator(
        task_id="order",
        source="users.random_users",
        leat_conn_id="leat_real",
        data_interval=False,
        limit=200,
        deferrable=True,
    )
    lag = LeatLagSensor(task_id="lag", leat_conn_id="leat_real", pipeline="users", poke_interval=1, timeout=60)
    order >> lag

with dag("deferred"):
    LeatIngestOperator(
        task_id="order",
        source="users.slow_users",
        data_interval=False,
        limit=100,
        deferrable=True,
        defer_after=0,
        poll_interval=0.5,
    )

with dag("cancelled"):
    LeatIngestOperator(
        task_id="order",
        source="users.slow_users",
        data_interval=False,
        deferrable=True,
        defer_after=0,
        poll_interval=0.5,
        retries=0,
    )

with dag("cancelled_in_worker"):
    LeatIngestOperator(
        task_id="order", source="users.slow_users", data_interval=False, deferrable=False, retries=0
    )

with dag("late"):
    LeatIngestOperator(
        task_id="order",
        source="users.slow_users",
        data_interval=False,
        deferrable=True,
        defer_after=0,
        poll_interval=0.5,
        retries=0,
        execution_timeout=timedelta(seconds=6),
    )

with dag("no_source"):
    LeatIngestOperator(task_id="order", source="users.nobody", data_interval=False)

with dag("no_leat"):
    LeatIngestOperator(
        task_id="order", source="users.random_users", data_interval=False, leat_conn_id="leat_nowhere"
    )

with dag("waiting"):
    LeatFreshnessSensor(
        task_id="fresh",
        source="shop.orders",
        max_age=timedelta(hours=1),
        deferrable=True,
        poke_interval=1,
        timeout=120,
    )

with dag(
    "days",
    schedule=CronDataIntervalTimetable("@daily", timezone=pendulum.timezone("UTC")),
    max_active_runs=2,
):
    LeatIngestOperator(task_id="order", source="shop.orders")

with dag("service"):
    start = LeatStreamOperator(
        task_id="start", action="start", file=f"{FOLDER}/users.yaml", profile="airflow", **local("second")
    )
    again = LeatStreamOperator(
        task_id="again", action="start", file=f"{FOLDER}/users.yaml", profile="airflow", **local("second")
    )
    ingest = LeatIngestOperator(
        task_id="ingest",
        file=f"{FOLDER}/users.yaml",
        source="random_users",
        data_interval=False,
        limit=25,
        leat=KNOWN["leat"],
        data=f"{FOLDER}/second",
    )
    stop = LeatStreamOperator(task_id="stop", action="stop", leat=KNOWN["leat"], data=f"{FOLDER}/second")
    start >> again >> ingest >> stop
