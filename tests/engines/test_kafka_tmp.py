"""The users pipeline over Apache Kafka: the same tables as over the embedded log, through kills of
leat and of Kafka. Only in ./test --all; engines by tools/engine."""

import collections
import pathlib
import random
import signal
import subprocess

import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient
from kills import CHANGES, Campaign, small_steps
from leat import ROOT, USERS, Leat, leat, nowhere, read_only, row_count, table, wait_until
from topic import AvroTopic
from users import by_id, changes_by_country, row, users

TABLE, BY_COUNTRY = "spark_streams.created_users", "spark_streams.users_by_country"
KAFKA_S = 120
TRANSACTION_S = 15  # librdkafka takes no less than what it gives a message


def with_profile(source, target, **roles):
    """A copy of a pipeline file with a profile "real"."""
    text = pathlib.Path(source).read_text()
    schema = pathlib.Path(source).with_name("user.avsc")
    text = text.replace("file: user.avsc", f"file: {schema}")
    lines = "".join(f"    {role}: {engine}\n" for role, engine in roles.items())
    head = "\nprofiles:\n"
    before, _, others = text.partition(head)
    target.write_text(f"{before}{head}  real:\n{lines}{others}")
    return target


def run_real(file, data, api, *options, command="up", **environment):
    words = ("--profile", "real", *options)
    environment = {"RANDOMUSER_URL": api.url if api else nowhere()} | environment
    return Leat(data, *words, files=(file,), command=command, environment=environment)


def accepted(data):
    with read_only(data, "staging.db") as db:
        return db.execute("SELECT sum(accepted) FROM leat_sources").fetchone()[0]


def countries(data):
    counted = collections.Counter()
    for group in table(data, BY_COUNTRY):
        counted[group["country"]] += group["changes"]
    return counted


def keys_once(addresses, expected):
    """The topic holds these users, each once; returns its records."""
    records = AvroTopic(addresses, "users_created").read_all()
    assert sorted(r.key.decode() for r in records) == sorted(user["login"]["uuid"] for user in expected)
    return records


def is_stopped(process):
    """It has stopped itself at its crash point."""
    stat = pathlib.Path(f"/proc/{process.pid}/stat").read_text()
    return stat.rpartition(")")[2].split()[0] == "T"


def transactions_tool(address, *words):
    """Kafka's own command."""
    jars = ROOT / "build" / "engines" / "kafka-3.9.2"
    return ["java", "-Dorg.slf4j.simpleLogger.defaultLogLevel=off", "-cp", f"{jars}/*",
            "org.apache.kafka.tools.TransactionsCommand", "--bootstrap-server", address, *words]  # fmt: skip


# ---- the same answers ----------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["kafka", "kafka4"])
def test_tables_are_those_of_the_embedded_log(engine, empty_log, api, tmp_path):
    address = empty_log(engine)
    file = with_profile(USERS, tmp_path / "users.yaml", log=f"kafka://{address}")
    real = run_real(file, tmp_path / "real", api, "--limit", 3210).wait(KAFKA_S)
    assert real.code == 0, real.stderr
    own = Leat(tmp_path / "own", "--limit", 3210, files=(file,), environment={"RANDOMUSER_URL": api.url}).wait()
    assert own.code == 0, own.stderr
    assert real.check_sum() == own.check_sum()

    expected = users(api, 3210)
    tables = [by_id(table(tmp_path / data, TABLE)) for data in ("real", "own")]
    assert tables[0] == tables[1] == by_id([row(user) for user in expected])
    assert countries(tmp_path / "real") == countries(tmp_path / "own") == changes_by_country(expected)


def group_lag(address, group, topic):
    """What Kafka's tools say of a group: the end of each partition less the offset committed."""
    admin = AdminClient({"bootstrap.servers": address})
    asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result(KAFKA_S)
    client = Consumer({"bootstrap.servers": address, "group.id": "unused"})
    ends = {p: client.get_watermark_offsets(TopicPartition(topic, p), timeout=KAFKA_S)[1]
            for p in client.list_topics(topic, timeout=KAFKA_S).topics[topic].partitions}  # fmt: skip
    client.close()
    committed = {one.partition: one.offset for one in asked.topic_partitions if one.topic == topic}
    return {p: end - committed.get(p, 0) for p, end in ends.items()}


def test_tools_of_kafka_see_how_far_a_stream_is(empty_log, api, tmp_path):
    address = empty_log("kafka")
    file = with_profile(USERS, tmp_path / "users.yaml", log=f"kafka://{address}")
    running = run_real(file, tmp_path / "data", api)
    wait_until(lambda: row_count(tmp_path / "data", TABLE) > 500, "rows of two pages", KAFKA_S)

    def caught_up():
        lag = group_lag(address, "leat.users.users_created", "users_created")
        return lag and set(lag.values()) <= {0, 1}  # the marker of the last transaction may still be ahead

    wait_until(caught_up, "no lag", KAFKA_S)
    assert running.stop().code == 0


@pytest.mark.engine("registry")
def test_schemas_in_a_real_registry(engines, empty_log, api, tmp_path):
    address = empty_log("kafka")
    registry = engines.call("up", "registry")["registry"]
    file = with_profile(USERS, tmp_path / "users.yaml", log=f"kafka://{address}", schemas=registry)
    ended = run_real(file, tmp_path / "data", api, "--limit", 1000).wait(KAFKA_S)
    assert ended.code == 0, ended.stderr
    ended.check_sum()
    expected = users(api, 1000)
    assert by_id(table(tmp_path / "data", TABLE)) == by_id([row(user) for user in expected])
    records = keys_once({"kafka": address, "registry": registry.removeprefix("http://")}, expected)
    emails = {user["login"]["uuid"]: user["email"] for user in expected}
    assert {r.key.decode(): r.value["email"] for r in records} == emails


# ---- kills ---------------------------------------------------------------------------------------


class KafkaCampaign(Campaign):
    """The kill campaign (tests/campaign), its two pipelines over one Kafka."""

    def __init__(self, address, count, seed, data):
        super().__init__(count, seed, data)
        self.files = [
            with_profile(source, self.data.with_name(f"real-{name}.yaml"), log=f"kafka://{address}")
            for name, source in (("users", self.users_file), ("changes", CHANGES))
        ]

    def audit_remains(self):
        """Without a running leat, `leat audit` does not know where the log is."""

    def start(self, *arguments, **environment):
        return Leat(
            self.data, "--profile", "real", *arguments, files=self.files,
            environment=self.environment | environment,
        )  # fmt: skip


def test_kills_of_leat_lose_nothing_and_double_nothing(empty_log, tmp_path):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    campaign = KafkaCampaign(empty_log("kafka"), 10, seed, tmp_path / "data")
    try:
        campaign.run()
    finally:
        campaign.close()


@pytest.mark.parametrize("place", ["kafka.before_commit", "kafka.after_commit"])
def test_a_kill_at_the_end_of_a_transaction(place, empty_log, api, tmp_path):
    file = with_profile(USERS, tmp_path / "users.yaml", log=f"kafka://{empty_log('kafka')}")
    data = tmp_path / "data"
    killed = Leat(data, "--profile", "real", "--limit", 1000, files=(file,),
                  environment={"RANDOMUSER_URL": api.url, "LEAT_CRASH": place}).wait(KAFKA_S)  # fmt: skip
    assert killed.code == -9, killed.stderr
    ended = run_real(file, data, api, "--limit", 500).wait(KAFKA_S)
    assert ended.code == 0, ended.stderr
    totals = ended.check_sum()
    again = run_real(file, data, None)
    try:
        keys_once(again.addresses(), users(api, totals["accepted"]))
    finally:
        again.close()


def test_a_killed_kafka_is_waited_for(engines, empty_log, api, tmp_path):
    address = empty_log("kafka")
    file = with_profile(small_steps(tmp_path / "small.yaml"), tmp_path / "users.yaml", log=f"kafka://{address}")
    data = tmp_path / "data"
    process = run_real(file, data, api)
    try:
        wait_until(lambda: row_count(data, TABLE) > 200, "rows")
        engines.call("down", "--kill", "kafka")
        before = accepted(data)
        wait_until(lambda: accepted(data) > before + 100, "staging goes on without Kafka")
        assert process.process.poll() is None, process.stderr
        engines.call("up", "kafka")
        staged = accepted(data)
        wait_until(
            lambda: row_count(data, TABLE) >= staged or process.process.poll() is not None,
            "the table catches up", KAFKA_S,
        )  # fmt: skip
        assert process.process.poll() is None, process.stderr
        ended = process.stop()
    finally:
        process.close()
    assert ended.code == 0, ended.stderr
    totals = ended.check_sum()
    assert totals["dead"] == 0
    expected = users(api, totals["accepted"], page_size=20)
    assert by_id(table(data, TABLE)) == by_id([row(user) for user in expected])

    again = run_real(file, data, None)
    try:
        keys_once(again.addresses(), users(api, accepted(data), page_size=20))
        assert again.stop().code == 0
    finally:
        again.close()


def test_a_kafka_that_is_away_is_waited_for(engines, empty_log, api, tmp_path):
    address = empty_log("kafka")
    file = with_profile(USERS, tmp_path / "users.yaml", log=f"kafka://{address}")
    engines.call("down", "kafka")
    process = run_real(file, tmp_path / "data", api)
    try:
        wait_until(lambda: "waits for the engine" in process.stderr, "it waits", KAFKA_S)
        engines.call("up", "kafka")
        wait_until(lambda: row_count(tmp_path / "data", TABLE) > 0, "rows", KAFKA_S)
        assert process.stop().code == 0
    finally:
        process.close()


def test_a_transaction_that_outlives_its_time(empty_log, api, tmp_path):
    """leat sleeps in the middle of one until Kafka has aborted it: what it then sends is of an old epoch."""
    address = empty_log("kafka")
    settings = f'{{"transaction.timeout.ms": "{TRANSACTION_S * 1000}"}}'
    file = with_profile(small_steps(tmp_path / "small.yaml"), tmp_path / "users.yaml", log=f"kafka://{address}",
                        log_settings=settings)  # fmt: skip
    data = tmp_path / "data"
    process = run_real(file, data, api, LEAT_CRASH="stop@kafka.before_commit:20")

    def state():
        """Of the transaction of the one source, and its epoch."""
        found = subprocess.run(
            transactions_tool(address, "describe", "--transactional-id", "leat.users.random_users"),
            capture_output=True, text=True, timeout=KAFKA_S,
        ).stdout.splitlines()  # fmt: skip
        return dict(zip(found[0].split(), found[1].split())) if len(found) > 1 else {}

    try:
        wait_until(lambda: is_stopped(process.process), "a transaction is under way", KAFKA_S)
        before = state()
        wait_until(lambda: print(state(), flush=True) or "Abort" in state().get("TransactionState", ""), "Kafka aborts it", KAFKA_S)
        assert int(state()["ProducerEpoch"]) > int(before["ProducerEpoch"])
        process.process.send_signal(signal.SIGCONT)
        staged = accepted(data)
        wait_until(lambda: row_count(data, TABLE) > staged, "rows go on", KAFKA_S)
        ended = process.stop()
    finally:
        process.close()
    assert ended.code == 0, ended.stderr
    totals = ended.check_sum()
    expected = users(api, totals["accepted"], page_size=20)
    assert by_id(table(data, TABLE)) == by_id([row(user) for user in expected])
    again = run_real(file, data, None)
    try:
        keys_once(again.addresses(), users(api, accepted(data), page_size=20))
        assert again.stop().code == 0
    finally:
        again.close()


# ---- refusals ------------------------------------------------------------------------------------


def test_a_topic_of_another_data_directory_is_refused(empty_log, api, tmp_path):
    file = with_profile(USERS, tmp_path / "users.yaml", log=f"kafka://{empty_log('kafka')}")
    assert run_real(file, tmp_path / "one", api, "--limit", 600).wait(KAFKA_S).code == 0
    other = run_real(file, tmp_path / "two", api, "--limit", 600).wait(KAFKA_S)
    assert other.code == 78, other.stderr
    assert 'topic "users_created" holds records of source "users.random_users"' in other.stderr
    again = run_real(file, tmp_path / "one", api, "--limit", 1).wait(KAFKA_S)
    assert again.check_sum()["accepted"] == 601


def test_a_log_that_is_not_there_is_named(api, tmp_path):
    file = with_profile(USERS, tmp_path / "users.yaml", log="kafka://127.0.0.1:1")
    ended = run_real(file, tmp_path / "data", api, "--limit", 1, command="run").wait(KAFKA_S)
    assert ended.code == 69 and "127.0.0.1:1" in ended.stderr
