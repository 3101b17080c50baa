"""Topics of a Kafka that others write, as sources: formats, deletes, places to start from. The records
come from Confluent's client and serializers. Only in ./test --all; engines by tools/engine."""

import itertools
import json
import time

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from leat import Leat, leat, table

PARTITIONS, KAFKA_S = 3, 120
PIPELINE = """version: 1
pipeline: orders
sources:
  orders:
    kafka: {kafka}
    key: {key}
    topic: {{name: orders, partitions: 2}}
streams:
  all:
    sql: SELECT {columns} FROM orders
sinks:
  all: {{from: all, table: orders, key: [{key}], deletes: apply}}
"""


class Others:
    """Who writes the topic."""

    made = itertools.count()

    def __init__(self, brokers):
        self.brokers = brokers
        self.topic = f"orders_of_others_{next(self.made)}"  # Kafka takes its time to delete one
        self.admin = AdminClient({"bootstrap.servers": brokers})
        self.make()

    def make(self):
        self.admin.create_topics([NewTopic(self.topic, PARTITIONS, 1)])[self.topic].result(KAFKA_S)

    def write(self, records, **options):
        """Pairs of key and value: bytes as they are, None, or something to be JSON."""
        producer = Producer({"bootstrap.servers": self.brokers, "linger.ms": 5, "acks": "all"} | options)

        def plain(value):
            return value if value is None or isinstance(value, (bytes, str)) else json.dumps(value)

        if "transactional.id" in options:
            producer.init_transactions(KAFKA_S)
            producer.begin_transaction()
        for key, value in records:
            producer.produce(self.topic, key=plain(key), value=plain(value))
        return producer if "transactional.id" in options else producer.flush(KAFKA_S)


class Reader:
    def __init__(self, folder, others):
        self.folder, self.others = folder, others

    def file(self, columns="id, amount", key="id", name="orders.yaml", **kafka):
        settings = {"brokers": self.others.brokers, "topic": self.others.topic} | kafka
        made = self.folder / name
        made.write_text(PIPELINE.format(kafka=json.dumps(settings), columns=columns, key=key))
        return made

    def run(self, file, data="data", code=0):
        ended = Leat(self.folder / data, files=(file,), command="run").wait(KAFKA_S)
        assert ended.code == code, ended.stderr
        return ended.check_sum() if code == 0 else ended

    def rows(self, key="id", data="data"):
        return {row[key]: {name: v for name, v in row.items() if name != key} for row in table(self.folder / data, "orders")}


@pytest.fixture
def others(empty_log):
    return Others(empty_log("kafka"))


@pytest.fixture
def reader(others, tmp_path):
    return Reader(tmp_path, others)


def test_json_with_updates_deletes_and_rubbish(others, reader):
    model = {f"o{i}": {"amount": i} for i in range(500)}
    others.write([(key, {"id": key, **row}) for key, row in model.items()])
    changes = [(f"o{i}", {"id": f"o{i}", "amount": 1000 + i}) for i in range(0, 500, 5)]
    gone = [(f"o{i}", None) for i in range(0, 500, 7)]
    rubbish = [("x", b"{"), ("x", b"[1]"), ("x", b"\xff\xfe"), ("x", {"amount": 1}), (None, None)]
    others.write(changes + rubbish)
    others.write(gone)
    model |= {key: {"amount": value["amount"]} for key, value in changes}
    for key, _ in gone:
        del model[key]

    file = reader.file(key_field="id")
    counts = reader.run(file)
    assert reader.rows() == model
    assert counts["refused"] == len(rubbish)
    assert counts["fetched"] == 500 + len(changes) + len(gone) + len(rubbish)
    listed = leat("dead", "list", "--json", data=reader.folder / "data").stdout.splitlines()
    assert len(listed) == len(rubbish) and all(others.topic in line for line in listed)

    again = reader.run(file)
    assert again["new"] == 0 and again["fetched"] == counts["fetched"]
    others.write([("new", {"id": "new", "amount": -1})])
    assert reader.run(file)["new"] == 1
    assert reader.rows() == model | {"new": {"amount": -1}}


def test_only_what_is_committed_is_read(others, reader):
    file = reader.file()
    others.write([("a", {"id": "a", "amount": 1})])
    for word, end in (("aborted", "abort_transaction"), ("committed", "commit_transaction")):
        producer = others.write([(word, {"id": word, "amount": 2})], **{"transactional.id": word})
        getattr(producer, end)(KAFKA_S)
    reader.run(file)
    assert reader.rows() == {"a": {"amount": 1}, "committed": {"amount": 2}}
    assert reader.run(file)["new"] == 0


def test_each_place_to_start_from(others, reader):
    others.write([(f"a{i}", {"id": f"a{i}", "amount": i}) for i in range(30)])
    time.sleep(0.01)  # the timestamps of Kafka are milliseconds: what comes next is later
    middle_us = time.time_ns() // 1000
    time.sleep(0.01)
    others.write([(f"b{i}", {"id": f"b{i}", "amount": i}) for i in range(30)])
    middle = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(middle_us // 1000000)) + f".{middle_us % 1000000:06d}Z"

    def started(start):
        data = start.replace(":", "-")
        counts = reader.run(reader.file(name=f"{data}.yaml", start=start), data)
        return counts, (set(reader.rows(data=data)) if counts["accepted"] else set()), data

    everything = {f"{word}{i}" for word in "ab" for i in range(30)}
    assert started("earliest")[1] == everything
    assert started(middle)[1] == {f"b{i}" for i in range(30)}
    counts, _, data = started("latest")
    assert counts["fetched"] == 0
    others.write([("c", {"id": "c", "amount": 0})])
    assert reader.run(reader.file(name="latest.yaml", start="latest"), data)["new"] == 1
    assert reader.rows(data=data) == {"c": {"amount": 0}}
    assert len(started("0:0,1:0,2:0")[1]) == 61


@pytest.mark.parametrize("start, word", [("yesterday", "earliest, latest"), ("7:0", "has 3"), ("1:9", "has the offsets 0 to 0")])
def test_a_wrong_start_is_refused(start, word, reader):
    assert word in reader.run(reader.file(start=start), code=78).stderr


def test_avro(others, reader, registry):
    serializer = AvroSerializer(
        SchemaRegistryClient({"url": f"http://{registry}"}),
        json.dumps({"type": "record", "name": "Order", "fields": [
            {"name": "id", "type": "string"}, {"name": "amount", "type": "double"},
            {"name": "note", "type": ["null", "string"], "default": None}]}),
    )  # fmt: skip
    context = SerializationContext(others.topic, MessageField.VALUE)
    model = {f"o{i}": {"amount": i / 4, "note": "ä" if i % 2 else None} for i in range(100)}
    others.write([(key, serializer({"id": key, **row}, context)) for key, row in model.items()])
    others.write([("o3", None), ("o4", b"no avro"), ("o5", b"\0\x7f\xff\xff\xff1")])
    del model["o3"]
    file = reader.file("id, amount, note", format="avro", registry=f"http://{registry}", key_field="id")
    assert reader.run(file)["refused"] == 2
    assert reader.rows() == model


ROW = {"type": "record", "name": "Value", "namespace": "shop.orders",
       "fields": [{"name": "id", "type": "int"}, {"name": "amount", "type": ["null", "int"], "default": None}]}  # fmt: skip
ENVELOPE = {"type": "record", "name": "Envelope", "namespace": "shop.orders", "fields": [
    {"name": "before", "type": ["null", ROW], "default": None},
    {"name": "after", "type": ["null", "Value"], "default": None}, {"name": "op", "type": "string"}]}  # fmt: skip


def changes():
    """Events as Debezium's PostgreSQL connector has them, and the table that they come to."""

    def event(op, before, after):
        return {"before": before, "after": after, "op": op}

    events = [({"id": i}, event("r", None, {"id": i, "amount": i})) for i in range(50)]
    events += [({"id": i}, event("c", None, {"id": i, "amount": i})) for i in range(50, 60)]
    events += [({"id": i}, event("u", {"id": i, "amount": i}, {"id": i, "amount": -i})) for i in range(0, 60, 3)]
    events += [({"id": i}, event("d", {"id": i, "amount": None}, None)) for i in range(0, 60, 4)]
    events += [({"id": i}, None) for i in range(0, 60, 4)]  # the tombstones behind the deletes
    events += [({"id": 1}, event("d", None, None))]  # no row before it: the key says which
    table = {i: {"amount": -i if i % 3 == 0 else i} for i in range(60) if i % 4 and i != 1}
    return events, table


@pytest.mark.parametrize("form", ["plain", "wrapped", "avro"])
def test_change_events_of_debezium(form, others, reader, registry):
    events, expected = changes()
    kafka = {"format": "debezium"}
    if form == "wrapped":
        events = [(key and {"schema": {"type": "struct"}, "payload": key},
                   value and {"schema": {"type": "struct"}, "payload": value}) for key, value in events]  # fmt: skip
    elif form == "avro":
        client = SchemaRegistryClient({"url": f"http://{registry}"})
        key_schema = {"type": "record", "name": "Key", "namespace": "shop.orders", "fields": [{"name": "id", "type": "int"}]}
        keys, values = AvroSerializer(client, json.dumps(key_schema)), AvroSerializer(client, json.dumps(ENVELOPE))
        events = [(keys(key, SerializationContext(others.topic, MessageField.KEY)),
                   value and values(value, SerializationContext(others.topic, MessageField.VALUE))) for key, value in events]  # fmt: skip
        kafka["registry"] = f"http://{registry}"
    others.write(events)
    others.write([("t", {"op": "t", "before": None, "after": None}), ("n", {"id": 1}), ("m", {"op": "m", "message": {}})])
    assert reader.run(reader.file(**kafka))["refused"] == 2
    assert reader.rows() == expected


def test_text(others, reader):
    others.write([("k1", "first"), ("k2", ""), ("k1", "second: \"ä\"\n"), ("k2", None), ("k3", b"\xff")])
    file = reader.file("`key`, `value`", key="key", format="string")
    assert reader.run(file)["refused"] == 1
    assert reader.rows("key") == {"k1": {"value": 'second: "ä"\n'}}


def test_a_topic_that_is_missing_or_made_anew_is_named(others, reader):
    others.write([(f"a{i}", {"id": f"a{i}", "amount": i}) for i in range(30)])
    file = reader.file()
    reader.run(file)
    others.admin.delete_topics([others.topic])[others.topic].result(KAFKA_S)
    words = Leat(reader.folder / "data", "--give-up", "1s", files=(file,), command="run").wait(KAFKA_S)
    assert words.code == 1 and others.topic in words.stderr, words.stderr
    others.make()
    ended = reader.run(file, code=78)
    assert "ends before the place that was read last" in ended.stderr
