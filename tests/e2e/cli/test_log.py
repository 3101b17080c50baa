"""`leat produce, consume, schema` beside clients that are not ours."""

import json

import pytest
from commands import leat
from confluent_kafka import Consumer


@pytest.fixture
def broker(running):
    return json.loads((running / "leat.json").read_text())["kafka"]


def test_consume(data):
    rows = leat("consume", "users_created", "--data", data, "--json").rows
    assert len(rows) == 200
    assert all(row["key"] == row["value"]["login"]["uuid"] for row in rows)
    last = leat("consume", "users_created", "--data", data, "--json", "--partition", "1", "--from", "-2").rows
    assert [row["partition"] for row in last] == [1, 1]
    ordered = [row for row in rows if row["partition"] == 1]
    assert last == ordered[-2:]
    assert len(leat("consume", "users_created", "--values", "--data", data, "-n", "5").rows) == 5


def test_produce_and_another_client(running, broker):
    leat("topic", "create", "clicks", "--partitions", "2", "--retention", "2 days", "--data", running)
    lines = "".join(json.dumps({"id": i, "who": {"name": f"n{i}"}}) + "\n" for i in range(50))
    assert leat("produce", "clicks", "--key", "who.name", "--data", running, "--json", stdin=lines).rows == [{"produced": 50}]
    consumer = Consumer({"bootstrap.servers": broker, "group.id": "readers", "auto.offset.reset": "earliest"})
    consumer.subscribe(["clicks"])
    got = {}
    while len(got) < 50:
        message = consumer.poll(20)
        assert message is not None and message.error() is None
        got[message.key().decode()] = json.loads(message.value())
    assert got == {f"n{i}": {"id": i, "who": {"name": f"n{i}"}} for i in range(50)}
    consumer.close()


def test_a_bad_line_says_where(running):
    leat("topic", "create", "lines", "--data", running)
    ended = leat("produce", "lines", "--data", running, stdin='{"a":1}\n\n{"a":\n', code=None)
    assert ended.code != 0 and "line 3" in ended.stderr and "produced=1" in ended.stdout
    assert leat("consume", "lines", "--values", "--data", running).rows == [{"a": 1}]


def test_avro(running):
    record = leat("consume", "users_created", "--values", "--data", running, "-n", "1").stdout
    leat("topic", "create", "copies", "--data", running)
    leat("produce", "copies", "--schema", "users_created-value", "--key", "login.uuid", "--data", running, stdin=record)
    assert leat("consume", "copies", "--values", "--data", running).stdout == record
    wrong = leat("produce", "copies", "--schema", "users_created-value", "--data", running, stdin='{"gender": 3}\n', code=None)
    assert wrong.code != 0 and "gender" in wrong.stderr


def test_schemas(data):
    assert leat("schema", "list", "--data", data, "--json").rows == [{"subject": "users_created-value", "version": 1, "id": 1}]
    found = leat("schema", "show", "users_created-value", "--data", data, "--json").rows[0]
    assert found["schema"]["type"] == "record" and found["id"] == 1
    leat("schema", "show", "nothing", "--data", data, code=1)


def test_a_registry_that_is_named(running, tmp_path):
    registry = json.loads((running / "leat.json").read_text())["registry"]
    for place in (registry, f"http://{registry}"):
        words = ("--registry", place, "--data", tmp_path / "none", "--json")
        assert leat("schema", "list", *words).rows == leat("schema", "list", "--json", "--data", running).rows
        leat("schema", "set-level", "users_created-value", "FULL", *words)


def test_schema_changes(running, tmp_path):
    file = tmp_path / "click.avsc"
    file.write_text('{"type":"record","name":"click","fields":[{"name":"id","type":"long"}]}')
    leat("schema", "register", "clicks-value", file, "--data", running)
    file.write_text('{"type":"record","name":"click","fields":[{"name":"id","type":"long"},{"name":"n","type":"string"}]}')
    leat("schema", "check", "clicks-value", file, "--data", running, code=1)
    leat("schema", "set-level", "clicks-value", "NONE", "--data", running)
    leat("schema", "check", "clicks-value", file, "--data", running)


@pytest.mark.parametrize(
    "words",
    [("produce", "x"), ("dead", "retry", "--all"), ("schema", "set-level", "x", "NONE")],
)
def test_what_needs_a_running_leat(stopped, words):
    assert "no leat runs" in leat(*words, "--data", stopped, code=69, stdin="").stderr
