"""Records in and out, with three client implementations."""

import subprocess

import pytest
from confluent_kafka import Producer, TopicPartition
from helpers import WAIT_S, admin, consumer, create_topic, produce, read_partition
from kafka import KafkaConsumer, KafkaProducer

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]


@pytest.mark.parametrize("codec", CODECS)
def test_librdkafka_codecs(broker, codec):
    values = [b"%d" % i * 20 for i in range(5000)]
    produce(broker, "t", values, **{"compression.type": codec, "enable.idempotence": True})
    assert [m.value() for m in read_partition(broker, "t")] == values


@pytest.mark.parametrize("codec", [None, "gzip", "snappy", "lz4", "zstd"])
def test_kafka_python_codecs(broker, codec):
    producer = KafkaProducer(bootstrap_servers=broker.address, compression_type=codec)
    for i in range(1000):
        producer.send("t", b"%d" % i, key=b"k%d" % i, headers=[("h", b"x")])
    producer.flush(WAIT_S)
    producer.close()
    client = KafkaConsumer(
        "t",
        bootstrap_servers=broker.address,
        auto_offset_reset="earliest",
        consumer_timeout_ms=WAIT_S * 1000,
    )
    for i in range(1000):
        message = next(client)
        assert (message.key, message.value) == (b"k%d" % i, b"%d" % i)
        assert [tuple(h) for h in message.headers] == [("h", b"x")]
    client.close()


def kcat(broker, *words, text=None):
    done = subprocess.run(
        ["kcat", "-b", broker.address, *words], input=text, capture_output=True, text=True, timeout=WAIT_S
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_kcat(broker):
    lines = "".join(f"{i}\n" for i in range(1000))
    kcat(broker, "-P", "-t", "t", "-z", "snappy", text=lines)
    assert kcat(broker, "-C", "-t", "t", "-e", "-q") == lines
    assert kcat(broker, "-G", "g", "-e", "-q", "-X", "auto.offset.reset=earliest", "t") == lines
    assert 'topic "t" with 1 partitions' in kcat(broker, "-L")


@pytest.mark.parametrize("acks", [0, 1, -1])
def test_acks(broker, acks):
    values = [b"%d" % i for i in range(100)]
    produce(broker, "t", values, acks=acks)
    assert sorted(m.value() for m in read_partition(broker, "t")) == sorted(values)


def test_fetch_from_the_middle_of_a_batch(broker):
    produce(broker, "t", [b"%d" % i for i in range(1000)], **{"linger.ms": 100})
    for offset in (1, 500, 999):
        messages = read_partition(broker, "t", offset=offset)
        assert [m.offset() for m in messages] == list(range(offset, 1000))


def test_a_message_larger_than_the_fetch_limits(broker):
    big = b"x" * 900_000
    produce(broker, "t", [big, b"small"])
    settings = {"fetch.message.max.bytes": 1000, "fetch.max.bytes": 1000000, "message.max.bytes": 1000000}
    assert [len(m.value()) for m in read_partition(broker, "t", **settings)] == [900_000, 5]


def test_too_large_for_the_topic(broker):
    create_topic(broker, "t", max_message_bytes=1000)
    failures = []
    producer = Producer({"bootstrap.servers": broker.address})
    producer.produce("t", b"x" * 2000, on_delivery=lambda e, _: failures.append(e))
    producer.flush(WAIT_S)
    assert failures[0].name() == "MSG_SIZE_TOO_LARGE"


def test_offsets_by_time(broker):
    producer = Producer({"bootstrap.servers": broker.address, "linger.ms": 50, "compression.type": "lz4"})
    for i in range(100):
        producer.produce("t", b"%d" % i, timestamp=1_000_000 + i * 10)
    assert producer.flush(WAIT_S) == 0
    client = consumer(broker)
    for time, offset in [(0, 0), (1_000_000, 0), (1_000_001, 1), (1_000_500, 50), (1_000_990, 99), (1_000_991, -1)]:
        found = client.offsets_for_times([TopicPartition("t", 0, time)], timeout=WAIT_S)
        assert found[0].offset == offset, time
    assert client.get_watermark_offsets(TopicPartition("t", 0), timeout=WAIT_S) == (0, 100)
    client.close()


def test_long_poll_is_woken_by_an_append(broker):
    create_topic(broker, "t")
    client = consumer(broker, **{"fetch.wait.max.ms": 15000, "fetch.min.bytes": 1})
    client.assign([TopicPartition("t", 0, 0)])
    assert client.poll(WAIT_S).error().name() == "_PARTITION_EOF"
    for i in range(5):
        produce(broker, "t", [b"%d" % i])
        message = client.poll(5)  # far less than the poll's 15 s
        while message is not None and message.error():
            message = client.poll(5)
        assert message is not None and message.value() == b"%d" % i
    client.close()


def test_unknown_topics(make_broker):
    broker = make_broker("--no-auto-create")
    error = admin(broker).list_topics("nothing", timeout=WAIT_S).topics["nothing"].error
    assert error.name() == "UNKNOWN_TOPIC_OR_PART"


def test_delete_records(broker):
    produce(broker, "t", [b"%d" % i for i in range(100)])
    client = admin(broker)
    low = client.delete_records([TopicPartition("t", 0, 40)])
    assert [f.result(WAIT_S).low_watermark for f in low.values()] == [40]
    assert read_partition(broker, "t", offset=40)[0].offset() == 40
    client = consumer(broker)
    assert client.get_watermark_offsets(TopicPartition("t", 0), timeout=WAIT_S) == (40, 100)
    client.close()
