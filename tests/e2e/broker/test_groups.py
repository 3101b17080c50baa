"""Consumer groups: rebalances, static members, commits, and what survives a kill."""

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from helpers import WAIT_S, admin, consumer, create_topic, produce
from kafka import KafkaConsumer
from kafka import TopicPartition as PythonPartition


class Member:
    """A consumer that notes what it is assigned."""

    def __init__(self, broker, **settings):
        self.assigned, self.rebalances = set(), 0
        self.client = consumer(broker, **({"group.id": "g", "session.timeout.ms": 6000} | settings))
        self.client.subscribe(["t"], on_assign=self.on_assign, on_revoke=self.on_revoke, on_lost=self.on_revoke)
        self.incremental = settings.get("partition.assignment.strategy") == "cooperative-sticky"

    def on_assign(self, client, partitions):
        self.rebalances += 1
        self.assigned |= {p.partition for p in partitions}
        (client.incremental_assign if self.incremental else client.assign)(partitions)

    def on_revoke(self, client, partitions):
        self.assigned -= {p.partition for p in partitions}
        (client.incremental_unassign(partitions) if self.incremental else client.unassign())


def poll_until(members, condition, polls=400):
    """Polls all members in turn until the condition holds; each poll waits for an event."""
    for _ in range(polls):
        for member in members:
            member.client.poll(0.1)
        if condition():
            return
    pytest.fail(f"assigned {[m.assigned for m in members]}")


def covers(members, count):
    shares = [m.assigned for m in members]
    return all(shares) and sorted(p for s in shares for p in s) == list(range(count))


@pytest.mark.parametrize("strategy", ["range", "roundrobin", "cooperative-sticky"])
def test_two_members_share_and_one_takes_over(broker, strategy):
    create_topic(broker, "t", partitions=4)
    settings = {"partition.assignment.strategy": strategy}
    first = Member(broker, **settings)
    poll_until([first], lambda: covers([first], 4))
    second = Member(broker, **settings)
    poll_until([first, second], lambda: covers([first, second], 4))
    second.client.close()
    poll_until([first], lambda: covers([first], 4))
    first.client.close()


def test_session_timeout_frees_the_partitions(broker):
    create_topic(broker, "t", partitions=2)
    first = Member(broker)
    second = Member(broker, **{"max.poll.interval.ms": 6000})
    poll_until([first, second], lambda: covers([first, second], 2))
    poll_until([first], lambda: covers([first], 2))  # the second is silent, and thrown out
    first.client.close()
    second.client.close()


def test_static_member_comes_back_without_a_rebalance(broker):
    create_topic(broker, "t", partitions=2)
    first = Member(broker, **{"group.instance.id": "one"})
    second = Member(broker, **{"group.instance.id": "two"})
    poll_until([first, second], lambda: covers([first, second], 2))
    before, share = first.rebalances, set(second.assigned)
    second.client.close()
    second = Member(broker, **{"group.instance.id": "two"})
    poll_until([first, second], lambda: second.assigned == share)
    assert first.rebalances == before
    first.client.close()
    second.client.close()


def committed(broker, group):
    client = admin(broker)
    found = client.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result(WAIT_S)
    return {(p.topic, p.partition): (p.offset, p.metadata) for p in found.topic_partitions}


def test_offsets_survive_a_kill(broker):
    create_topic(broker, "t", partitions=2)
    produce(broker, "t", [b"x"] * 10, partition=0)
    client = consumer(broker, **{"group.id": "simple"})
    offsets = [TopicPartition("t", 0, 7, "noted"), TopicPartition("t", 1, 0, "")]
    assert all(p.error is None for p in client.commit(offsets=offsets, asynchronous=False))
    client.close()
    broker.kill()
    broker.start()
    assert committed(broker, "simple")[("t", 0)] == (7, "noted")


def test_members_survive_a_kill(broker):
    create_topic(broker, "t", partitions=2)
    members = [Member(broker), Member(broker)]
    poll_until(members, lambda: covers(members, 2))
    before = [m.rebalances for m in members]
    broker.kill()
    broker.start()
    produce(broker, "t", [b"x"] * 2, partition=0)
    seen = []
    for _ in range(200):
        for member in members:
            message = member.client.poll(0.1)
            if message is not None and not message.error():
                seen.append(message)
        if len(seen) == 2:
            break
    assert len(seen) == 2
    assert [m.rebalances for m in members] == before
    for member in members:
        member.client.close()


def test_kafka_python_group(broker):
    create_topic(broker, "t", partitions=2)
    produce(broker, "t", [b"%d" % i for i in range(10)], partition=1)
    client = KafkaConsumer(
        "t",
        bootstrap_servers=broker.address,
        group_id="python",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    assert [next(client).value for _ in range(10)] == [b"%d" % i for i in range(10)]
    client.commit()
    assert client.committed(PythonPartition("t", 1)) == 10
    client.close()
    assert committed(broker, "python")[("t", 1)][0] == 10


def test_describe_list_and_delete(broker):
    create_topic(broker, "t", partitions=2)
    member = Member(broker, **{"client.id": "me"})
    poll_until([member], lambda: covers([member], 2))
    client = admin(broker)
    group = client.describe_consumer_groups(["g"])["g"].result(WAIT_S)
    assert group.state.name == "STABLE" and group.partition_assignor == "range"
    assert [m.client_id for m in group.members] == ["me"]
    assert {p.partition for p in group.members[0].assignment.topic_partitions} == {0, 1}
    with pytest.raises(Exception) as caught:
        client.delete_consumer_groups(["g"])["g"].result(WAIT_S)
    assert caught.value.args[0].name() == "NON_EMPTY_GROUP"
    member.client.close()
    assert client.describe_consumer_groups(["g"])["g"].result(WAIT_S).state.name == "EMPTY"
    assert [g.group_id for g in client.list_consumer_groups().result(WAIT_S).valid] == ["g"]
    client.delete_consumer_groups(["g"])["g"].result(WAIT_S)
    assert client.list_consumer_groups().result(WAIT_S).valid == []
    with pytest.raises(Exception) as caught:
        client.delete_consumer_groups(["g"])["g"].result(WAIT_S)
    assert caught.value.args[0].name() == "GROUP_ID_NOT_FOUND"
