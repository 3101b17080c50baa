"""`leat dag export --airflow` without an Airflow; tests/airflow/test_export.py has the real ones."""

import os
import shutil

import pytest
from leat import ROOT, leat

SOURCE = ROOT / "tests" / "airflow" / "export"


@pytest.fixture
def file(tmp_path):
    for name in ("nightly.yaml", "steps.py"):
        shutil.copy(SOURCE / name, tmp_path)
    return tmp_path / "nightly.yaml"


def export(file, name, *words):
    environment = os.environ | {"RECEIPTS": "/nowhere/receipts", "LEAT_DATA": str(file.parent / "data")}
    return leat("dag", "export", name, "--file", file, *words, env=environment)


@pytest.mark.parametrize("name", ["report", "hourly", "weekly", "by_hand"])
def test_what_is_written_is_python(file, name):
    said = export(file, name, "--airflow")
    assert said.code == 0, said.stderr
    compile(said.stdout, f"{name}.py", "exec")
    assert f'"nightly.{name}"' in said.stdout
    assert "${" not in said.stdout


def test_templates_are_airflows(file):
    text = export(file, "report", "--airflow").stdout
    assert "it's from {{ at(data_interval_start)[:10] }}" in text
    assert "ti.xcom_pull(task_ids='first')" in text
    assert "[task_second, task_noted, task_never_mind, task_skipped] >> task_last" in text


def test_refusals(file):
    said = export(file, "own", "--airflow")
    assert said.code == 78 and said.stdout == ""
    assert 'cannot export task "ask"' in said.stderr
    assert export(file, "report").code == 64
    assert export(file, "nobody", "--airflow").code != 0
    text = file.read_text().replace('run: "exit 7"', 'run: "echo ${run.kind}"')
    file.write_text(text)
    said = export(file, "report", "--airflow")
    assert said.code == 78 and "nothing for ${run.kind}" in said.stderr
