"""Pipelines that are broken on purpose: a person who has only the page finds the cause and what to do."""

import json
import os
import re
import shutil
import sqlite3
import subprocess

import confluent_kafka
import pytest
from leat import ANY_PORTS, BINARY, USERS, nowhere, wait_until

pytestmark = pytest.mark.slow
STALL_S = 90  # a verdict takes half a minute

PIPELINE = """\
version: 1
pipeline: broken
sources:
  numbers:
    file: {path: numbers.jsonl, follow: true}
    key: id
    schema: {on_type_change: stop}
    schedule: "@every 1s"
    topic: {name: numbers}
streams:
  parsed: {sql: "SELECT id, n FROM numbers"}
sinks:
  parsed: {from: parsed, table: parsed, key: [id]}
"""


def problem(page, cause, *words, timeout_s=30):
    """It is named on the overview, with what was seen and a remedy."""
    page.page.wait_for_selector(f"#problems [data-cause={cause}]", timeout=timeout_s * 1000)
    page.sees(*words, "What to do:", within=f"#problems [data-cause={cause}]")


@pytest.fixture
def numbers(up, tmp_path):
    """A pipeline over a file; append(record) adds a line to it."""
    file = tmp_path / "numbers.jsonl"
    (tmp_path / "broken.yaml").write_text(PIPELINE)

    def append(record):
        with file.open("a") as lines:
            lines.write(json.dumps(record) + "\n")

    append({"id": "a", "n": 1})
    return up(files=[tmp_path / "broken.yaml"]), append


def test_the_api_is_down(up, visit):
    page = visit(up(url=nowhere()))
    problem(page, "api-down", "The source random_users cannot be reached", "could not connect", "check its address")
    page.sees("1 problem", within="#state")
    page.sees("blocked", within="#flow")


def test_the_schema_is_broken(numbers, visit):
    process, append = numbers
    page = visit(process)
    page.sees("1 stored", within="#flow")
    append({"id": "b", "n": "two"})
    problem(page, "schema-broken", "The schema does not allow what numbers brings", 'another type in field "n"', "on_type_change")


def test_the_table_does_not_take_rows(numbers, visit):
    """Another program holds the store."""
    process, append = numbers
    page = visit(process)
    page.sees("1 stored", within="#flow")
    with sqlite3.connect(process.data / "tables.db", timeout=30, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        append({"id": "b", "n": 2})
        problem(page, "stream-stalled", "The queries over numbers stand still", "1 records wait", "holds the tables locked",
                timeout_s=STALL_S)  # fmt: skip
        other.execute("ROLLBACK")
    page.sees("2 stored", within="#flow")
    wait_until(lambda: page.count("#problems article") == 0, "the problem to go")


def test_a_consumer_is_stalled(api, up, visit):
    process = up("--set", 'sources.random_users.schedule="@once"', url=api.url)
    consumer = confluent_kafka.Consumer(
        {
            "bootstrap.servers": process.addresses()["kafka"],
            "group.id": "reports",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe(["users_created"])
    wait_until(lambda: consumer.poll(0.1), "a record")
    consumer.commit(asynchronous=False)
    page = visit(process)
    problem(page, "consumer-stalled", "The consumers of group reports stand still", "1 members", timeout_s=STALL_S)
    page.click("See the group", role="link")
    page.sees("STALL", "does not move")
    consumer.close()
    page.go("")
    problem(page, "consumer-stopped", "Group reports has no consumer", "start its consumer again", timeout_s=STALL_S)


def test_the_disk_is_full(api, visit, tmp_path):
    """The data directory is a small disk in a mount namespace of leat's own, and almost full."""
    assert shutil.which("unshare"), "unshare is missing; it comes with util-linux"
    data = tmp_path / "data"
    data.mkdir()
    script = 'mount -t tmpfs -o size=32m none "$1" && head -c 30m /dev/zero > "$1/filler" && shift && exec "$@"'
    command = [BINARY, "up", USERS, "--data", str(data), *ANY_PORTS]
    process = subprocess.Popen(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", script, "sh", str(data), *command],
        stderr=(tmp_path / "stderr").open("w"), stdout=subprocess.DEVNULL, env=dict(os.environ, RANDOMUSER_URL=api.url),
    )  # fmt: skip
    try:
        found = wait_until(
            lambda: re.search(r"console +http://(\S+?)/", (tmp_path / "stderr").read_text()), "the console's address"
        )

        class Process:
            @staticmethod
            def addresses():
                return {"http": found.group(1)}

        page = visit(Process)
        problem(page, "disk-full", "The disk is full, so random_users pauses", "free space")
        page.sees("paused: disk is full", within="#flow")
    finally:
        process.terminate()
        process.wait(30)
