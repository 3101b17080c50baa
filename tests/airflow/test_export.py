"""`leat dag export --airflow`: each Airflow loads the file and has the intervals of leat; a scheduler of Airflow 3.3
runs it, and the tasks leave the receipts that they leave when leat runs the DAG itself."""

import datetime
import json
import os
import pathlib
import shutil

import pytest
from conftest import VERSIONS, program
from leat import leat, wait_until

HERE = pathlib.Path(__file__).resolve().parent / "export"
EXPORTED = ["report", "hourly", "weekly", "by_hand"]
RECEIPTS = 8  # of two runs with four tasks that write one


def lay_out(folder):
    """The pipeline in a folder of its own; what its commands want."""
    folder.mkdir()
    for name in ("nightly.yaml", "steps.py"):
        shutil.copy(HERE / name, folder)
    return folder / "nightly.yaml", {"RECEIPTS": str(folder / "receipts"), "LEAT_DATA": str(folder / "data")}


def dag(command, name, file, environment, *words):
    return leat("dag", command, name, "--file", file, *words, env=os.environ | environment)


def seconds(time):
    return int(datetime.datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp())


def builtin_intervals(name, file, environment):
    """Those that a backfill of everything would run; the file's own start and end bound them."""
    said = dag("backfill", name, file, environment, "--from", "2020-01-01", "--to", "2025-01-01", "--dry-run", "--json")
    assert said.code == 0, said.stderr
    rows = [json.loads(line) for line in said.stdout.splitlines()]
    return [[seconds(row["interval_start"]), seconds(row["interval_end"])] for row in rows]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    file, environment = lay_out(folder / "pipeline")
    dags = folder / "dags"
    dags.mkdir()
    for name in EXPORTED:
        said = dag("export", name, file, environment, "--airflow")
        assert said.code == 0, said.stderr
        (dags / f"{name}.py").write_text(said.stdout)
    return dags, file, environment


@pytest.mark.parametrize("version", VERSIONS)
def test_each_airflow_has_the_same_intervals_and_tasks(version, install, exported, tmp_path):
    dags, file, environment = exported
    said = program(
        install(version) / "bin" / "python", "-B", HERE / "intervals.py", dags,
        env=dict(os.environ, AIRFLOW_HOME=str(tmp_path), AIRFLOW__CORE__LOAD_EXAMPLES="False"),
    )  # fmt: skip
    found = json.loads(said.rpartition("RESULT ")[2])
    assert found["errors"] == {}
    for name, count in (("report", 2), ("hourly", 16), ("weekly", 23)):
        here = found["dags"][f"nightly.{name}"]
        assert here["intervals"] == builtin_intervals(name, file, environment), name
        assert len(here["intervals"]) == count and here["catchup"] is True
    assert found["dags"]["nightly.by_hand"]["intervals"] == []
    tasks = found["dags"]["nightly.report"]["tasks"]
    assert tasks["last"]["after"] == ["never_mind", "noted", "second", "skipped"]
    assert (tasks["last"]["rule"], tasks["first"]["rule"]) == ("none_failed", "all_success")
    assert (tasks["first"]["retries"], tasks["first"]["delay_s"], tasks["first"]["backoff"]) == (2, 1, True)
    assert (tasks["second"]["retries"], tasks["skipped"]["timeout_s"]) == (1, 30)
    assert [tasks[t]["kind"] for t in ("first", "pick", "noted")] == [
        "BashOperator", "BranchPythonOperator", "PythonOperator",
    ]  # fmt: skip
    assert found["dags"]["nightly.weekly"]["tasks"]["fetch"]["kind"] == "LeatIngestOperator"
    assert found["dags"]["nightly.hourly"]["tasks"]["only"]["pool"] == "few"
    assert '"quoted", {{ no template }}' in found["dags"]["nightly.report"]["doc"]


def test_what_airflow_has_nothing_for_is_refused(exported):
    _, file, environment = exported
    said = dag("export", "own", file, environment, "--airflow")
    assert said.code == 78 and said.stdout == ""
    assert 'cannot export task "ask" of "nightly.own"' in said.stderr and "leat query" in said.stderr


def receipts(environment):
    path = pathlib.Path(environment["RECEIPTS"])
    return sorted(path.read_text().splitlines()) if path.exists() else []


@pytest.mark.only_newest
def test_a_scheduler_runs_what_leat_runs(world, engines, tmp_path):
    file, environment = lay_out(world.folder / "exported")
    said = dag("export", "report", file, environment, "--airflow")
    assert said.code == 0, said.stderr
    (engines.state / world.name / "dags" / "nightly_report.py").write_text(said.stdout)
    world.airflow.dag("nightly.report")

    def over():
        runs = world.airflow.runs("nightly.report")
        return len(runs) == 2 and all(run.state in ("success", "failed") for run in runs) and runs

    runs = wait_until(over, "the two runs", 600)
    assert [run.state for run in runs] == ["success", "success"], [run.tasks() for run in runs]

    own, of_leat = lay_out(tmp_path / "builtin")
    said = dag("backfill", "report", own, of_leat, "--from", "2024-03-30", "--to", "2024-04-02", "--quiet")
    assert said.code == 0, said.stderr
    assert receipts(environment) == receipts(of_leat) and len(receipts(of_leat)) == RECEIPTS
