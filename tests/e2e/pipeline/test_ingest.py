"""`leat ingest` and /api/v1/ingests beside a running leat, and `orchestration: external`."""

import json
import signal
import subprocess

import pytest
import requests
from leat import BINARY, ROOT, Leat, audit, leat, nowhere, row_count, wait_until

TABLE = "people"
PIPELINE = f"""
version: 1
pipeline: users
sources:
  random_users:
    http:
      url: ${{RANDOMUSER_URL}}
      params: {{results: 20}}
      records: results
      next: {{param: page}}
    pages: 1
    key: login.uuid
    ignore_changes: [dob.age, registered.age]
    schema: {{file: {ROOT}/examples/users/user.avsc}}
    schedule: "@every 1h"
    topic: {{name: users_created, partitions: 2}}
streams:
  people: {{sql: "SELECT login.uuid AS id, name.first AS first_name FROM users_created"}}
sinks:
  people: {{from: people, table: {TABLE}, key: [id]}}
profiles:
  airflow: {{orchestration: external}}
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "pipeline.yaml"
    path.write_text(PIPELINE)
    return path


@pytest.fixture
def driven(up, api, file):
    """A leat that fetches only when it is asked to."""
    process = up("--profile", "airflow", files=[file], url=api.url)
    process.base = f"http://{process.addresses()['http']}/api/v1"
    return process


def order(base, **fields):
    answer = requests.post(f"{base}/ingests", json={"source": "users.random_users", **fields}, timeout=10)
    assert answer.status_code == 202, answer.text
    return answer.json()


def state_of(base, number):
    return requests.get(f"{base}/ingests/{number}", timeout=10).json()


def ended(base, number):
    return wait_until(lambda: (found := state_of(base, number))["exit_code"] is not None and found, "the order")


def test_nothing_is_fetched_unless_asked(driven, file, api):

    def waiting():
        source = requests.get(f"{driven.base}/sources", timeout=10).json()[0]
        return source["state"] == "waiting" and source

    assert wait_until(waiting, "the worker")["until_us"] is None
    done = leat("ingest", file, "random_users", "--limit", 30, data=driven.data)
    assert done.code == 0, done.stderr
    assert done.sum["new"] == done.sum["accepted"] == done.sum["stored"] == 30
    assert row_count(driven.data, TABLE) == 30
    again = leat("ingest", file, "random_users", "--limit", 30, "--json", data=driven.data)
    assert json.loads(again.stdout)["new"] == 30 and json.loads(again.stdout)["accepted"] == 60
    stopped = driven.stop()
    assert stopped.code == 0 and stopped.check_sum()["new"] == 60
    assert audit(driven.data)["holds"]
    assert api.counts()["requests"] <= 5  # the orders' pages and no tick's


def test_the_same_without_a_running_leat(file, api, tmp_path):
    environment = {"RANDOMUSER_URL": api.url}
    data = tmp_path / "alone"
    process = Leat(data, "random_users", "--limit", 30, "--profile", "airflow", files=[file], command="ingest",
                   environment=environment)  # fmt: skip
    done = process.wait()
    assert done.code == 0, done.stderr
    assert done.check_sum()["new"] == 30
    assert row_count(data, TABLE) == 30
    refused = leat("ingest", file, "random_users", "--until", "staged", data=data)
    assert refused.code == 64 and "--until" in refused.stderr


def test_a_key_names_an_order_once(driven):
    first = order(driven.base, limit=10, key="dag/run/task/1")
    assert order(driven.base, limit=10, key="dag/run/task/1")["id"] == first["id"]
    assert order(driven.base, limit=10, key="dag/run/task/2")["id"] != first["id"]
    done = ended(driven.base, first["id"])
    assert (done["state"], done["accepted"], done["exit_code"]) == ("done", 10, 0)
    assert done["asked_us"] <= done["started_us"] <= done["staged_us"] <= done["ended_us"]


def test_orders_of_one_source_wait_for_each_other(driven):
    numbers = [order(driven.base, limit=15)["id"] for _ in range(4)]
    done = [ended(driven.base, number) for number in numbers]
    assert [d["state"] for d in done] == ["done"] * 4
    assert [d["accepted"] for d in done] == [15] * 4
    for before, after in zip(done, done[1:]):
        assert before["staged_us"] <= after["started_us"]
    assert row_count(driven.data, TABLE) == 60
    assert [d["id"] for d in requests.get(f"{driven.base}/ingests", timeout=10).json()] == numbers


def test_a_cancelled_order_keeps_what_it_accepted(driven):
    running = order(driven.base)["id"]  # the stand-in has no end
    waiting = order(driven.base)["id"]
    wait_until(lambda: state_of(driven.base, running)["accepted"] > 0, "its first records")
    for number in (waiting, running):
        answer = requests.post(f"{driven.base}/ingests/{number}/cancel", json={}, timeout=10)
        assert answer.status_code == 200
    assert ended(driven.base, waiting)["state"] == "cancelled"
    found = ended(driven.base, running)
    assert found["state"] == "cancelled" and found["exit_code"] == 143 and found["accepted"] > 0
    assert driven.stop().check_sum()["accepted"] == found["accepted"]


def test_an_order_that_nobody_asks_about(driven):
    left = order(driven.base, lease="300ms")["id"]
    asked = order(driven.base, lease="20s")["id"]

    def state():
        """Of a list, which renews nothing; the second order is asked for by its number."""
        listed = requests.get(f"{driven.base}/ingests", timeout=10).json()
        return state_of(driven.base, asked)["state"] == "fetching" and listed[0]["state"]

    assert wait_until(lambda: state() == "cancelled", "the lease is over")
    assert state_of(driven.base, left)["exit_code"] == 143
    assert state_of(driven.base, asked)["state"] == "fetching"


def test_a_signal_to_the_command_cancels_its_order(driven, file):
    command = subprocess.Popen(
        [BINARY, "ingest", file, "random_users", "--data", driven.data], stderr=subprocess.DEVNULL
    )
    orders = wait_until(lambda: requests.get(f"{driven.base}/ingests", timeout=10).json(), "the order")
    wait_until(lambda: state_of(driven.base, orders[0]["id"])["accepted"] > 0, "its first records")
    command.send_signal(signal.SIGTERM)
    assert command.wait(timeout=30) == 143
    assert state_of(driven.base, orders[0]["id"])["state"] == "cancelled"


def test_a_source_that_does_not_answer(up, file):
    process = up("--profile", "airflow", files=[file], url=nowhere())
    process.addresses()
    failed = leat("ingest", file, "random_users", "--give-up", "300ms", data=process.data)
    assert failed.code == 69, failed.stderr
    assert "random_users" in failed.stderr
    assert process.process.poll() is None  # an order that fails is not the end of the service
    assert process.stop().code == 0


def test_a_stop_ends_orders_with_try_again(driven, file):
    number = order(driven.base)["id"]
    wait_until(lambda: state_of(driven.base, number)["accepted"] > 0, "its first records")
    command = subprocess.Popen(
        [BINARY, "ingest", file, "random_users", "--data", driven.data],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_until(lambda: len(requests.get(f"{driven.base}/ingests", timeout=10).json()) == 2, "the second order")
    assert driven.stop().check_sum()["accepted"] > 0
    _, said = command.communicate(timeout=30)
    assert command.returncode == 75, said


def test_beside_schedules(up, api, file):
    """An order takes turns with the source's own schedule."""
    process = up("--set", "random_users.schedule=@every 300ms", files=[file], url=api.url)
    process.addresses()
    done = leat("ingest", file, "random_users", "--limit", 200, data=process.data)
    assert done.code == 0 and done.sum["new"] == 200, done.stderr
    before = row_count(process.data, TABLE)
    wait_until(lambda: row_count(process.data, TABLE) > before, "the schedule goes on")
    process.stop().check_sum()


def test_mistakes(driven, file):
    def fails(code, text, *words):
        found = leat("ingest", file, *words, data=driven.data)
        assert (found.code, text in found.stderr) == (code, True), found.stderr

    fails(78, "users.nobody", "nobody")
    fails(64, "--set", "random_users", "--set", "random_users.pages=2")
    fails(64, "--until", "random_users", "--until", "later")
    fails(64, "both", "random_users", "--from", "2026-01-01")
    assert driven.process.poll() is None


def test_run_and_limits_take_no_orders(up, api, file):
    process = up("--profile", "airflow", files=[file], url=api.url, command="run")
    base = f"http://{process.addresses()['http']}/api/v1"
    answer = requests.post(f"{base}/ingests", json={"source": "random_users"}, timeout=10)
    assert answer.status_code == 503 and "about to end" in answer.text
    assert process.stop().code in (0, 143)
