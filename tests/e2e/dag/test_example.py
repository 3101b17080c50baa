"""examples/user_automation: the well-known tutorial's DAG, by leat alone and beside a leat that runs."""

import json

import pytest
from leat import ROOT, leat, row_count
from users import users

FILE = ROOT / "examples" / "user_automation" / "pipeline.yaml"
TABLE = "created_users"


@pytest.fixture
def environment(api, monkeypatch):
    monkeypatch.setenv("RANDOMUSER_URL", api.url)


def states(data, run):
    shown = leat("dag", "show", run, "--json", data=data)
    assert shown.code == 0, shown.stderr
    return {task["task"]: task["state"] for task in json.loads(shown.stdout)["tasks"]}


ALL = {"stream_data_from_api": "success", "rows_are_there": "success", "none_without_mail": "success"}


def test_without_a_running_leat(environment, api, tmp_path):
    data = tmp_path / "data"
    done = leat("dag", "run", "user_automation", "--file", FILE, data=data)
    assert done.code == 0, done.stderr
    assert states(data, 1) == ALL
    assert row_count(data, TABLE) == 1000 == len(users(api, 1000))
    assert leat("audit", data=data).code == 0


def test_beside_a_leat_that_runs(environment, up, api):
    process = up(files=[FILE], url=api.url)
    process.addresses()
    for expected in (1000, 2000):
        done = leat("dag", "run", "user_automation", "--file", FILE, data=process.data)
        assert done.code == 0, done.stderr
        assert row_count(process.data, TABLE) == expected
    assert states(process.data, 2) == ALL


def test_an_expectation_that_is_not_met(environment, api, tmp_path):
    file = tmp_path / "pipeline.yaml"
    text = FILE.read_text().replace("../users/user.avsc", str(ROOT / "examples/users/user.avsc"))
    file.write_text(text.replace("expect: 0", "expect: 7").replace("delay: 30s", "delay: 10ms"))
    data = tmp_path / "data"
    assert leat("dag", "run", "user_automation", "--file", file, data=data).code == 1
    assert states(data, 1) == ALL | {"none_without_mail": "failed"}
    assert "7" in leat("dag", "logs", "1", "none_without_mail", data=data).stdout
