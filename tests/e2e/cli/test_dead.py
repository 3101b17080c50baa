"""`leat dead`: refused records of all hops, looked at and tried again."""

import json
import sqlite3

import pytest
from commands import leat
from leat import ANY_PORTS, Leat

SCHEMA = {
    "type": "record",
    "name": "item",
    "fields": [{"name": "id", "type": "long"}, {"name": "amount", "type": "string"}],
}
PIPELINE = """
version: 1
pipeline: mini
sources:
  items:
    file: {{path: {folder}/items.jsonl}}
    key: id
    schema: {{file: item.avsc, on_type_change: dead_letter}}
    topic: {{name: items, partitions: 2}}
streams:
  numbers:
    sql: SELECT id, {amount} AS amount FROM items
sinks:
  numbers: {{from: numbers, table: numbers, key: [id]}}
"""
ITEMS = [{"id": 1, "amount": "10"}, {"id": 2, "amount": "x"}, {"id": "three", "amount": "3"}, {"id": 4, "amount": "4"}]


def write(folder, amount):
    (folder / "pipeline.yaml").write_text(PIPELINE.format(folder=folder, amount=amount))
    return folder / "pipeline.yaml"


@pytest.fixture
def mini(tmp_path):
    (tmp_path / "item.avsc").write_text(json.dumps(SCHEMA))
    (tmp_path / "items.jsonl").write_text("".join(json.dumps(item) + "\n" for item in ITEMS))
    leat("run", write(tmp_path, "CAST(amount AS INT)"), "--data", tmp_path / "data", "-q", *ANY_PORTS)
    return tmp_path


def test_list_and_show(mini):
    rows = leat("dead", "list", "--data", mini / "data", "--json").rows
    assert [(row["id"], row["hop"], row["reason"]) for row in rows] == [
        ("staging:1", "source", "type-change"),
        ("tables:1", "process", "cast"),
    ]
    assert [row["id"] for row in leat("dead", "list", "--reason", "cast", "--data", mini / "data", "--json").rows] == ["tables:1"]
    shown = leat("dead", "show", "staging:1", "tables:1", "--data", mini / "data", "--json").rows
    assert [row["record"] for row in shown] == [ITEMS[2], ITEMS[1]]
    assert "there is no dead letter" in leat("dead", "show", "tables:9", "--data", mini / "data", code=1).stderr
    assert "no name of a dead letter" in leat("dead", "show", "9", "--data", mini / "data", code=64).stderr


def test_retry_with_a_better_query(mini):
    data = mini / "data"
    process = Leat(data, files=(write(mini, "CAST(replace(amount, 'x', '7') AS INT)"),))
    try:
        process.addresses()
        leat("health", "--data", data)
        found = leat("dead", "retry", "--reason", "cast", "--data", data, "--json").rows[0]
        assert (found["tried"], found["resolved"]) == (1, 1)
    finally:
        process.stop()
    assert leat("query", "--json", "SELECT amount FROM numbers WHERE id = 2", "--data", data).rows == [{"amount": 7}]
    assert [row["id"] for row in leat("dead", "list", "--data", data, "--json").rows] == ["staging:1"]
    found = leat("audit", "--data", data, "--json").rows[0]
    assert found["holds"] and (found["stored"], found["dead"]) == (3, 0)


def test_retry_that_fails_again(mini):
    process = Leat(mini / "data", files=(mini / "pipeline.yaml",))
    try:
        process.addresses()
        leat("dead", "retry", "tables:1", "--data", mini / "data", code=1)
        assert leat("dead", "list", "--reason", "cast", "--data", mini / "data", "--json").rows[0]["retries"] == 1
    finally:
        process.close()


def test_retry_at_the_source(mini):
    """A record that the gate takes now, as it was mended, is staged, streamed and stored."""
    data = mini / "data"
    process = Leat(data, files=(mini / "pipeline.yaml",))
    try:
        process.addresses()
        leat("dead", "retry", "staging:1", "--data", data, code=1)
        assert leat("dead", "list", "--name", "mini.items", "--data", data, "--json").rows[0]["retries"] == 1
    finally:
        process.stop().check_sum()
    store = sqlite3.connect(data / "staging.db")
    with store:
        store.execute("UPDATE leat_dead SET raw = CAST(replace(CAST(raw AS TEXT), '\"three\"', '3') AS BLOB)")
    store.close()
    process = Leat(data, files=(mini / "pipeline.yaml",))
    try:
        process.addresses()
        found = leat("dead", "retry", "staging:1", "--data", data, "--json").rows[0]
        assert (found["tried"], found["resolved"]) == (1, 1)
    finally:
        totals = process.stop().check_sum()
    assert (totals["accepted"], totals["refused"], totals["stored"]) == (4, 0, 3)
    assert leat("query", "--json", "SELECT amount FROM numbers WHERE id = 3", "--data", data).rows == [{"amount": 3}]
    assert leat("audit", "--data", data, "--json").rows[0]["holds"]


def test_retry_wants_a_choice(mini):
    process = Leat(mini / "data", files=(mini / "pipeline.yaml",))
    try:
        process.addresses()
        leat("dead", "retry", "--data", mini / "data", code=64)
    finally:
        process.close()
