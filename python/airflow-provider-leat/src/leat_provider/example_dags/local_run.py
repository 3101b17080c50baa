"""A whole pipeline as tasks of a worker: checked, run from its sources to its tables, and done. No service, no
connection; the `leat` program and the pipeline file are on the worker.
"""

from __future__ import annotations

import os
from datetime import timedelta

import pendulum

from leat_provider.assets import table_asset
from leat_provider.operators.leat import LeatCheckOperator, LeatRunOperator

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG

LEAT = os.environ.get("LEAT_PROGRAM", "leat")
FILE = os.environ.get("LEAT_PIPELINE", "/etc/leat/users.yaml")
DATA = os.environ.get("LEAT_DATA", "/var/lib/leat")

with DAG(
    dag_id="leat_local_run",
    schedule="@daily",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,  # one leat a data directory
    tags=["leat"],
    doc_md=__doc__,
) as dag:
    check = LeatCheckOperator(task_id="check", leat=LEAT, file=FILE, test=True)
    run = LeatRunOperator(
        task_id="run",
        leat=LEAT,
        file=FILE,
        data=DATA,
        limit=1000,
        execution_timeout=timedelta(hours=1),
        retries=2,
        outlets=[table_asset("users", "spark_streams.created_users")],
    )
    check >> run
