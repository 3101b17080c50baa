"""What was acknowledged is there after a kill -9, once and in order."""

import threading

import pytest
from confluent_kafka import Producer, TopicPartition
from helpers import WAIT_S, admin, consumer, create_topic, produce, read_partition
from kafka import KafkaAdminClient


@pytest.mark.parametrize("kills", [4])
def test_idempotent_producer_over_kills(broker, kills):
    """A producer goes on while the broker is killed: nothing acknowledged is lost, nothing twice."""
    create_topic(broker, "t")
    acknowledged, failed = {}, []
    enough = threading.Event()

    def delivered(error, message):
        if error:
            failed.append(error)
        else:
            acknowledged[int(message.value())] = message.offset()
            if len(acknowledged) % 2000 == 0:
                enough.set()

    producer = Producer(
        {
            "bootstrap.servers": broker.address,
            "enable.idempotence": True,
            "linger.ms": 1,
            "batch.num.messages": 100,
            "reconnect.backoff.max.ms": 100,
            "retry.backoff.ms": 20,
        }
    )
    number = 0
    for _ in range(kills):
        enough.clear()
        while not enough.is_set():
            producer.produce("t", b"%d" % number, on_delivery=delivered)
            number += 1
            producer.poll(0)
            if number - len(acknowledged) > 5000:
                producer.poll(0.1)
        broker.kill()
        broker.start()
    assert producer.flush(WAIT_S) == 0
    assert not failed and len(acknowledged) == number
    messages = read_partition(broker, "t")
    assert [int(m.value()) for m in messages] == list(range(number))
    assert all(acknowledged[int(m.value())] == m.offset() for m in messages)


def test_latest_offset_never_goes_back(broker):
    latest = 0
    for i in range(5):
        produce(broker, "t", [b"x"] * 100)
        broker.kill()
        broker.start()
        client = consumer(broker)
        _, high = client.get_watermark_offsets(TopicPartition("t", 0), timeout=WAIT_S)
        client.close()
        assert high >= latest + 100
        latest = high


def test_topics_and_settings_survive(broker):
    create_topic(broker, "kept", partitions=3, retention_ms=12345)
    create_topic(broker, "gone", partitions=2)
    client = admin(broker)
    client.delete_topics(["gone"])["gone"].result(WAIT_S)
    python = KafkaAdminClient(bootstrap_servers=broker.address)
    id_before = [t for t in python.describe_topics(["kept"])][0].get("topic_id")
    python.close()
    broker.kill()
    broker.start()
    client = admin(broker)
    topics = client.list_topics(timeout=WAIT_S).topics
    assert {n: len(t.partitions) for n, t in topics.items()} == {"kept": 3}
    python = KafkaAdminClient(bootstrap_servers=broker.address)
    assert [t for t in python.describe_topics(["kept"])][0].get("topic_id") == id_before
    python.close()
    assert not [p.name for p in broker.directory.iterdir() if p.name.startswith("gone")]


def test_producer_ids_are_never_reused(broker):
    """Two producers, before and after a kill, write with equal sequences: none is a duplicate."""
    for _ in range(3):
        produce(broker, "t", [b"%d" % i for i in range(10)], **{"enable.idempotence": True})
        broker.kill()
        broker.start()
    assert len(read_partition(broker, "t")) == 30
