"""Small things that several tests do with confluent-kafka (librdkafka)."""

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

WAIT_S = 20


def admin(broker):
    return AdminClient({"bootstrap.servers": broker.address})


def create_topic(broker, name, partitions=1, **settings):
    topic = NewTopic(name, partitions, 1, config={k.replace("_", "."): str(v) for k, v in settings.items()})
    client = admin(broker)  # must live until the result is there
    client.create_topics([topic])[name].result(WAIT_S)


def produce(broker, topic, values, partition=None, **settings):
    failed = []
    producer = Producer({"bootstrap.servers": broker.address} | settings)
    where = {} if partition is None else {"partition": partition}
    for value in values:
        producer.produce(topic, value, on_delivery=lambda e, _: e and failed.append(e), **where)
        producer.poll(0)
    assert producer.flush(WAIT_S) == 0
    assert not failed, failed[0]


def consumer(broker, **settings):
    return Consumer(
        {
            "bootstrap.servers": broker.address,
            "group.id": "unused",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
        | settings
    )


def read_partition(broker, topic, partition=0, offset=0, **settings):
    """All messages of a partition from `offset` to its end."""
    client = consumer(broker, **settings)
    client.assign([TopicPartition(topic, partition, offset)])
    messages = []
    while True:
        message = client.poll(WAIT_S)
        assert message is not None, f"nothing came after {len(messages)} messages"
        if message.error():
            assert message.error().name() == "_PARTITION_EOF", message.error()
            break
        messages.append(message)
    client.close()
    return messages
