"""Airflow's REST API, of 2.x and 3.x alike."""

import datetime
import os
import subprocess

import requests
from leat import wait_until

RUN_S = 180
ENDED = {"success", "failed"}


class Airflow:
    def __init__(self, url, venv, settings):
        self.url, self.venv, self.settings = url, venv, settings
        self.old = "AIRFLOW__WEBSERVER__WEB_SERVER_PORT" in settings
        self._session = requests.Session()
        if self.old:
            self._session.auth = ("admin", "admin")
        else:
            token = self._session.get(f"{url}/auth/token", timeout=30).json()["access_token"]
            self._session.headers["Authorization"] = f"Bearer {token}"

    def call(self, method, path, **body):
        base = "api/v1" if self.old else "api/v2"
        answer = self._session.request(method, f"{self.url}/{base}/{path}", json=body or None, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def cli(self, *words):
        """The `airflow` command; its output."""
        done = subprocess.run(
            [self.venv / "bin" / "airflow", *map(str, words)], capture_output=True, text=True, timeout=RUN_S,
            env=os.environ | self.settings | {"PATH": f"{self.venv}/bin:{os.environ['PATH']}"},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def connection(self, name, **fields):
        self.call("POST", "connections", connection_id=name, conn_type="leat", **fields)

    def dag(self, dag_id):
        """Waits until the DAG is known, and wakes it."""

        def known():
            try:
                return self.call("GET", f"dags/{dag_id}")
            except requests.HTTPError:
                errors = self.call("GET", "importErrors")["import_errors"]
                assert not errors, errors
                return None

        wait_until(known, f"DAG {dag_id}", RUN_S)
        return self.call("PATCH", f"dags/{dag_id}", is_paused=False)

    def start(self, dag_id, run_id="r1", conf=None, day="2026-01-05"):
        self.dag(dag_id)
        when = datetime.datetime.fromisoformat(day).replace(tzinfo=datetime.timezone.utc)
        self.call(
            "POST", f"dags/{dag_id}/dagRuns", dag_run_id=run_id, logical_date=when.isoformat(), conf=conf or {}
        )
        return Run(self, dag_id, run_id)

    def runs(self, dag_id):
        return [Run(self, dag_id, r["dag_run_id"]) for r in self.call("GET", f"dags/{dag_id}/dagRuns")["dag_runs"]]


class Run:
    def __init__(self, airflow, dag_id, run_id):
        self.airflow, self.dag_id, self.run_id = airflow, dag_id, run_id
        self.path = f"dags/{dag_id}/dagRuns/{requests.utils.quote(run_id, safe='')}"

    @property
    def state(self):
        return self.airflow.call("GET", self.path)["state"]

    def wait(self, timeout_s=RUN_S):
        """How it ended."""
        try:
            return wait_until(lambda: (s := self.state) in ENDED and s, f"run of {self.dag_id}", timeout_s)
        except AssertionError as fault:
            raise AssertionError(f"{fault}; tasks: {self.tasks()}") from None

    def tasks(self):
        """State and number of tries, by task."""
        found = self.airflow.call("GET", f"{self.path}/taskInstances")["task_instances"]
        return {t["task_id"]: (t["state"], t["try_number"]) for t in found}

    def wait_for(self, task_id, *states):
        return wait_until(lambda: self.tasks()[task_id][0] in states, f"{task_id} is {states}", RUN_S)

    def fail(self):
        """As somebody marks it in the browser."""
        self.airflow.call("PATCH", self.path, state="failed")

    def xcom(self, task_id, key="return_value"):
        value = self.airflow.call("GET", f"{self.path}/taskInstances/{task_id}/xcomEntries/{key}")["value"]
        return value

    def links(self, task_id):
        return self.airflow.call("GET", f"{self.path}/taskInstances/{task_id}/links")

    def log(self, task_id, number=1):
        """All lines of one try."""
        base = "api/v1" if self.airflow.old else "api/v2"
        answer = self.airflow._session.get(
            f"{self.airflow.url}/{base}/{self.path}/taskInstances/{task_id}/logs/{number}?full_content=true",
            headers={"Accept": "application/json"}, timeout=60,
        )  # fmt: skip
        answer.raise_for_status()
        return answer.text
