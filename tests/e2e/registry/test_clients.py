"""Confluent's own client against the registry, and records through leat's broker with its serializers."""

import datetime
import json

import fastavro
import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext

FIRST = {"type": "record", "name": "Person", "namespace": "example", "fields": [
    {"name": "id", "type": "long"},
    {"name": "name", "type": ["null", "string"], "default": None},
    {"name": "born", "type": {"type": "int", "logicalType": "date"}},
]}
SECOND = {**FIRST, "fields": FIRST["fields"] + [{"name": "city", "type": "string", "default": "?"}]}


@pytest.fixture
def client(registry):
    return SchemaRegistryClient({"url": registry.url})


def test_client(registry, client, subject):
    first = client.register_schema(subject, Schema(json.dumps(FIRST), "AVRO"))
    assert client.register_schema(subject, Schema(json.dumps(FIRST), "AVRO")) == first
    assert json.loads(client.get_schema(first).schema_str)["name"] == "Person"
    assert client.lookup_schema(subject, Schema(json.dumps(FIRST), "AVRO")).schema_id == first
    assert client.test_compatibility(subject, Schema(json.dumps(SECOND), "AVRO"))
    second = client.register_schema(subject, Schema(json.dumps(SECOND), "AVRO"))
    assert client.get_latest_version(subject).schema_id == second
    assert client.get_versions(subject) == [1, 2]
    assert client.get_version(subject, 1).schema_id == first
    assert subject in client.get_subjects()
    client.set_compatibility(subject, "FULL")
    assert client.get_compatibility(subject) == "FULL"
    text = {**FIRST, "fields": [{"name": "id", "type": "string"}]}
    with pytest.raises(SchemaRegistryError) as refused:
        client.register_schema(subject, Schema(json.dumps(text), "AVRO"))
    assert refused.value.http_status_code == 409
    assert client.delete_version(subject, 1) == 1
    assert client.delete_subject(subject) == [2]
    with pytest.raises(SchemaRegistryError) as gone:
        SchemaRegistryClient({"url": registry.url}).get_latest_version(subject)  # one that remembers nothing
    assert gone.value.error_code == 40401


def test_records_through_the_broker(registry, client, subject):
    topic = subject
    people = [{"id": n, "name": None if n % 3 else f"Größe {n}", "born": datetime.date(1990, 1, 1 + n)} for n in range(20)]
    producer = Producer({"bootstrap.servers": registry.kafka})
    context = SerializationContext(topic, MessageField.VALUE)
    write = AvroSerializer(client, json.dumps(FIRST))
    for person in people:
        producer.produce(topic, write(person, context))
    write = AvroSerializer(client, json.dumps(SECOND))
    producer.produce(topic, write({**people[0], "city": "Ulm"}, context))
    assert producer.flush(30) == 0

    read = AvroDeserializer(client, json.dumps(SECOND))
    consumer = Consumer({"bootstrap.servers": registry.kafka, "group.id": topic, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    found = []
    while len(found) < 21:
        message = consumer.poll(30)
        assert message is not None and message.error() is None
        assert message.value()[0] == 0
        found.append(read(message.value(), context))
    consumer.close()
    assert sorted(found, key=lambda p: (p["id"], p["city"])) == sorted(
        [{**p, "city": "?"} for p in people] + [{**people[0], "city": "Ulm"}], key=lambda p: (p["id"], p["city"]))


def test_text_that_others_can_parse(registry, client, subject):
    """What the registry gives back is a schema for other libraries, and the same one."""
    schema = {"type": "record", "name": "Deep", "namespace": "a.b", "doc": "with \"quotes\" and ä", "aliases": ["Old"], "fields": [
        {"name": "e", "type": {"type": "enum", "name": "E", "symbols": ["A", "B"], "default": "A"}},
        {"name": "again", "type": "E", "default": "B"},
        {"name": "f", "type": {"type": "fixed", "name": "F", "size": 3}},
        {"name": "m", "type": {"type": "map", "values": {"type": "array", "items": ["null", "double"]}}, "default": {}},
        {"name": "d", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
        {"name": "next", "type": ["null", "Deep"], "default": None, "x-own": {"kept": [1, 2]}},
    ]}
    id = registry.register(subject, json.dumps(schema))
    text = json.loads(registry.get("schemas", "ids", id).json()["schema"])
    assert fastavro.schema.to_parsing_canonical_form(text) == fastavro.schema.to_parsing_canonical_form(schema)
    assert text["fields"][5]["x-own"] == {"kept": [1, 2]}
    assert client.lookup_schema(subject, Schema(json.dumps(schema), "AVRO")).schema_id == id
