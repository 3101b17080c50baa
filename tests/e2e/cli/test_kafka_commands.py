"""`leat topic` and `leat group`, judged with Confluent's client."""

import json
import uuid

import pytest
from commands import leat
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType


@pytest.fixture
def kafka(running):
    return json.loads((running / "leat.json").read_text())["kafka"]


@pytest.fixture
def admin(kafka):
    return AdminClient({"bootstrap.servers": kafka})


@pytest.fixture
def topic(running):
    name = f"t-{uuid.uuid4()}"
    leat("topic", "create", name, "--partitions", 2, "--data", running)
    return name


def produce(kafka, topic, partition, count, timestamp=0):
    producer = Producer({"bootstrap.servers": kafka})
    for i in range(count):
        producer.produce(topic, f"v{i}", f"k{i}", partition, timestamp=timestamp + i)
    assert producer.flush(20) == 0


def commit(kafka, group, topic, offsets):
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": group, "enable.auto.commit": False})
    consumer.commit(offsets=[TopicPartition(topic, p, o) for p, o in offsets.items()], asynchronous=False)
    consumer.close()


def committed(admin, group):
    found = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result(20)
    return {(p.topic, p.partition): p.offset for p in found.topic_partitions}


# ---- topics --------------------------------------------------------------------------------------


def test_topic_list(data):
    rows = leat("topic", "list", "--json", "--data", data).rows
    assert rows == [{"topic": "users_created", "partitions": 3, "records": 200}]
    assert leat("topic", "list", "--data", data).stdout.splitlines()[0].split() == ["topic", "partitions", "records"]


def test_topic_show(data):
    shown = leat("topic", "show", "users_created", "--json", "--data", data).rows[0]
    assert [p["partition"] for p in shown["partitions"]] == [0, 1, 2]
    assert sum(p["high"] - p["low"] for p in shown["partitions"]) == 200
    assert (shown["configs"] is None) == (not (data / "leat.json").exists())
    missing = leat("topic", "show", "user_created", "--data", data, code=1).stderr
    assert 'did you mean "users_created"' in missing


def test_topic_create_and_delete(running, kafka, admin):
    words = ("topic", "create", "made", "--data", running)
    leat(*words, "--partitions", 5, "--retention", "3d", "--retention-bytes", "1 GiB", "--compact")
    assert len(admin.list_topics(timeout=20).topics["made"].partitions) == 5
    resource = ConfigResource(ResourceType.TOPIC, "made")
    configs = {k: c.value for k, c in admin.describe_configs([resource])[resource].result(20).items()}
    assert configs["retention.ms"] == str(3 * 86400 * 1000)
    assert configs["retention.bytes"] == str(1 << 30)
    assert "compact" in configs["cleanup.policy"]
    assert leat("topic", "show", "made", "--json", "--kafka", kafka).rows[0]["configs"] == configs
    assert "exists already, with 5 partitions" in leat(*words, code=None).stderr
    refused = leat("topic", "delete", "made", "--data", running, code=64).stderr
    assert "nothing was changed" in refused and "made" in admin.list_topics(timeout=20).topics
    leat("topic", "delete", "made", "--yes", "--data", running)
    assert "made" not in admin.list_topics(timeout=20).topics


@pytest.mark.parametrize(
    "words", [("--partitions", "0"), ("--partitions", "-3"), ("--retention", "soon"), ("--retention-bytes", "0")]
)
def test_topic_create_refuses(running, admin, words):
    leat("topic", "create", "wrong", "--data", running, *words, code=64)
    assert "wrong" not in admin.list_topics(timeout=20).topics


@pytest.mark.parametrize("words", [("topic", "create", "x"), ("topic", "delete", "x"), ("group", "list")])
def test_needs_a_leat_that_runs(stopped, words):
    assert "no leat runs on" in leat(*words, "--data", stopped, code=69).stderr


# ---- groups --------------------------------------------------------------------------------------


def test_group_list_show_delete(running, kafka, admin, topic):
    produce(kafka, topic, 0, 10)
    commit(kafka, "readers", topic, {0: 4})
    assert {"group": "readers", "state": "Empty"} in leat("group", "list", "--json", "--data", running).rows
    shown = leat("group", "show", "readers", "--json", "--data", running).rows[0]
    assert shown["state"] == "Empty" and shown["members"] == []
    assert shown["offsets"] == [{"topic": topic, "partition": 0, "offset": 4, "end": 10, "lag": 6}]
    assert "nothing was changed" in leat("group", "delete", "readers", "--data", running, code=64).stderr
    leat("group", "delete", "readers", "--yes", "--data", running)
    assert "readers" not in {g.group_id for g in admin.list_consumer_groups().result(20).valid}
    assert "no consumer group" in leat("group", "show", "readers", "--data", running, code=1).stderr


def test_group_reset(running, kafka, admin, topic):
    produce(kafka, topic, 0, 10, timestamp=1_700_000_000_000)
    commit(kafka, "movers", topic, {0: 4})

    def reset(to, *words, code=0):
        return leat("group", "reset", "movers", "--to", to, "--json", "--data", running, *words, code=code)

    preview = reset("beginning")
    assert preview.rows[0] == {"topic": topic, "partition": 0, "from": 4, "to": 0}
    assert "nothing was changed" in preview.stderr and committed(admin, "movers") == {(topic, 0): 4}
    for to, offset in [
        ("beginning", 0),
        ("end", 10),
        ("7", 7),
        ("99", 10),
        ("2023-11-14T22:13:20.003Z", 3),
        ("2030-01-01", 10),
        ("1960-01-01", 0),
    ]:
        reset(to, "--yes")
        assert committed(admin, "movers")[(topic, 0)] == offset, to
    assert "is no place in a topic" in reset("somewhere", code=64).stderr
    leat("group", "reset", "new", "--to", "5", "--topic", topic, "--yes", "--data", running)
    assert committed(admin, "new") == {(topic, 0): 5, (topic, 1): 0}


def test_group_with_members_is_not_moved(running, kafka, admin, topic):
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "busy", "auto.offset.reset": "earliest"})
    produce(kafka, topic, 0, 1)
    consumer.subscribe([topic])
    assert consumer.poll(20) is not None
    shown = leat("group", "show", "busy", "--json", "--data", running).rows[0]
    assert shown["state"] == "Stable" and len(shown["members"]) == 1
    refused = leat("group", "reset", "busy", "--to", "end", "--topic", topic, "--yes", "--data", running, code=None)
    assert refused.code != 0 and "stop its consumers first" in refused.stderr
    consumer.close()


# ---- the engines of a profile --------------------------------------------------------------------

PIPELINE = """version: 1
pipeline: elsewhere
sources:
  users: {{file: {{path: users.jsonl}}, key: id}}
profiles:
  real:
    log: kafka://{kafka}
    log_settings: {{client.id: by-profile, sasl.password: "${{secret:word}}"}}
    schemas: http://{registry}
  own: {{orchestration: external}}
"""


@pytest.fixture
def profile(running, tmp_path):
    """Words that name the log and the registry of a leat as engines of a profile."""
    addresses = json.loads((running / "leat.json").read_text())
    (tmp_path / "word").write_text("hidden")
    file = tmp_path / "elsewhere.yaml"
    file.write_text(PIPELINE.format(**addresses))
    return ("--pipeline", file, "--profile", "real", "--secrets", tmp_path)


def test_commands_over_the_engines_of_a_profile(profile, admin):
    name = f"p-{uuid.uuid4()}"
    leat("topic", "create", name, "--partitions", 2, *profile)
    assert len(admin.list_topics(timeout=20).topics[name].partitions) == 2
    assert leat("produce", name, "--key-text", "k", *profile, stdin='{"a": 1}\n').stdout == "produced=1\n"
    assert name in [row["topic"] for row in leat("topic", "list", "--json", *profile).rows]
    shown = leat("topic", "show", name, "--json", *profile).rows[0]
    assert sum(p["high"] - p["low"] for p in shown["partitions"]) == 1 and shown["configs"]
    assert [row["value"] for row in leat("consume", name, "--json", *profile).rows] == [{"a": 1}]
    # Avro comes through the registry of the profile.
    user = leat("consume", "users_created", "--json", "--count", 1, *profile).rows[0]["value"]
    assert user["login"]["uuid"]
    moved = leat("group", "reset", "by-profile", "--to", "end", "--topic", name, "--yes", "--json", *profile).rows
    assert sum(row["to"] for row in moved) == 1
    assert "by-profile" in [row["group"] for row in leat("group", "list", "--json", *profile).rows]
    leat("topic", "delete", name, "--yes", *profile)
    assert name not in admin.list_topics(timeout=20).topics


def test_a_profile_is_named_with_its_file(profile, running):
    file = profile[1]
    assert "--pipeline FILE" in leat("topic", "list", "--profile", "real", code=64).stderr
    assert "--data" in leat("topic", "list", *profile, "--data", running, code=64).stderr
    assert "--kafka" in leat("topic", "list", *profile, "--kafka", "127.0.0.1:1", code=64).stderr
    none = leat("topic", "list", "--pipeline", file, "--profile", "own", "--secrets", profile[-1], code=78).stderr
    assert 'profile "own" has no `log`' in none
    wrong = leat("topic", "list", "--pipeline", file, "--profile", "rael", "--secrets", profile[-1], code=78).stderr
    assert "rael" in wrong
