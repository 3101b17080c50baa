"""A topic as clients not written here see it: librdkafka, Confluent's wire format, fastavro."""

import dataclasses
import io
import json
import struct

import fastavro
import requests
from confluent_kafka import Consumer, TopicPartition
from kafka.partitioner.default import murmur2

WAIT_S = 20


def murmur2_partition(key, partitions):
    """Where Java's producer puts a key, by kafka-python."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


@dataclasses.dataclass
class Record:
    partition: int
    offset: int
    key: bytes
    value: object
    headers: dict
    timestamp_ms: int


class AvroTopic:
    def __init__(self, addresses, topic):
        self.kafka, self.registry, self.topic = addresses["kafka"], addresses["registry"], topic
        self.schemas = {}

    def schema(self, number):
        if number not in self.schemas:
            reply = requests.get(f"http://{self.registry}/schemas/ids/{number}", timeout=WAIT_S)
            reply.raise_for_status()
            self.schemas[number] = fastavro.parse_schema(json.loads(reply.json()["schema"]))
        return self.schemas[number]

    def decode(self, value):
        if value is None:
            return None
        magic, number = struct.unpack(">bI", value[:5])
        assert magic == 0
        body = io.BytesIO(value[5:])
        decoded = fastavro.schemaless_reader(body, self.schema(number))
        assert not body.read(), "bytes behind the value"
        return decoded

    def read_all(self, decode=True):
        """All records of all partitions up to their ends, each partition in its order."""
        client = Consumer(
            {
                "bootstrap.servers": self.kafka,
                "group.id": "unused",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "check.crcs": True,
            }
        )
        partitions = client.list_topics(self.topic, timeout=WAIT_S).topics[self.topic].partitions
        client.assign([TopicPartition(self.topic, number, 0) for number in partitions])
        records, open_partitions = [], set(partitions)
        while open_partitions:
            message = client.poll(WAIT_S)
            assert message is not None, f"nothing came after {len(records)} records"
            if message.error():
                assert message.error().name() == "_PARTITION_EOF", message.error()
                open_partitions.discard(message.partition())
                continue
            records.append(
                Record(
                    message.partition(),
                    message.offset(),
                    message.key(),
                    self.decode(message.value()) if decode else message.value(),
                    dict(message.headers() or []),
                    message.timestamp()[1],
                )
            )
        client.close()
        return records
