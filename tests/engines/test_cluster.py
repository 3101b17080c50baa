"""Two leats of one pipeline under ZooKeeper, over Kafka and PostgreSQL: one runs it, the other takes
over, and a leader that was paused writes nothing. Only in ./test --all; engines by tools/engine."""

import json
import os
import signal
import subprocess

import pytest
import requests
from leat import ROOT, USERS, Leat, leat, nowhere, wait_until
from test_kafka import with_profile
from topic import AvroTopic

SESSION_S = 2
LONG_S = 120
TABLE = "spark_streams.created_users"
CONTRACT = ROOT / "build" / "tests" / "contract" / "contract_zookeeper_lock"


@pytest.fixture(scope="module")
def addresses(engines):
    return engines.call("up", "zookeeper", "kafka", "postgres")


def psql(address, statement):
    words = ["psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement, address]
    done = subprocess.run(words, capture_output=True, text=True, timeout=LONG_S)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Cluster:
    """A pipeline of its own name, so that nothing is left of earlier tests, and the leats that run it."""

    def __init__(self, addresses, registry, api, folder):
        self.addresses, self.registry, self.api, self.folder = addresses, registry, api, folder
        self.name = f"users_{os.getpid()}_{folder.name}".replace("-", "_")
        self.topic = f"{self.name}_created"
        self.database = self.make_database()
        file = with_profile(
            USERS, folder / "cluster.yaml", log=f"kafka://{addresses['kafka']}", schemas=f"http://{registry}",
            staging=self.database, storage=f'{{url: "{self.database}"}}',
            coordination=f"zookeeper://{addresses['zookeeper']}/tests?session={SESSION_S}s",
        )  # fmt: skip
        self.file = file
        renames = {"pipeline: users": f"pipeline: {self.name}", "users_created": self.topic, "results: 500": "results: 20"}
        text = file.read_text()
        for old, new in renames.items():
            assert old in text
            text = text.replace(old, new)
        file.write_text(text)
        self.running = []

    def make_database(self):
        base, _, _ = self.addresses["postgres"].rpartition("/")
        psql(self.addresses["postgres"], f'CREATE DATABASE "{self.name}"')
        return f"{base}/{self.name}"

    def with_coordination(self, place):
        """The file with another URL; {} stands for the ensemble."""
        made = self.folder / f"{abs(hash(place))}.yaml"
        text = self.file.read_text()
        old = text[text.index("zookeeper://") :].split()[0]
        made.write_text(text.replace(old, f"zookeeper://{place.format(self.addresses['zookeeper'])}?session={SESSION_S}s"))
        return made

    def start(self, data, *options, file=None, environment=None):
        words = ["--profile", "real", "--set", "random_users.schedule=@every 200ms", *options]
        made = Leat(self.folder / data, *words, files=(file or self.file,), environment={"RANDOMUSER_URL": self.api.url} | (environment or {}))
        self.running.append(made)
        return made

    def status(self):
        ended = leat("cluster", "status", self.file, "--profile", "real", "--json")
        assert ended.code in (0, 1), ended.stderr
        return [json.loads(line) for line in ended.stdout.splitlines()]

    def stored(self):
        """Rows of the table; 0 while it is not there."""
        there = psql(self.database, "SELECT count(*) FROM pg_tables WHERE tablename = 'created_users'")
        return int(psql(self.database, f"SELECT count(*) FROM {TABLE}")) if there == "1" else 0

    def grows(self):
        """Waits until more rows are stored."""
        before = self.stored()
        wait_until(lambda: self.stored() > before + 100, "more rows", LONG_S)

    def check_once(self):
        """Each staged user is once in the topic and once in the table. After all have stopped."""
        staged = psql(self.database, "SELECT sum(accepted) FROM leat.leat_sources")
        kafka = {"kafka": self.addresses["kafka"], "registry": self.registry}
        keys = [record.key.decode() for record in AvroTopic(kafka, self.topic).read_all()]
        assert len(keys) == len(set(keys)) == int(staged)
        rows = psql(self.database, f"SELECT id FROM {TABLE}").split()
        assert sorted(rows) == sorted(keys)


def ready(node):
    reply = requests.get(f"http://{node.addresses()['http']}/readyz", timeout=10)
    return reply.json() | {"code": reply.status_code}


def becomes(node, role, timeout_s=LONG_S):
    return wait_until(lambda: (found := ready(node)).get("role") == role and found, f"a {role}", timeout_s)


@pytest.fixture
def cluster(addresses, registry, api, tmp_path):
    made = Cluster(addresses, registry, api, tmp_path)
    yield made
    for node in made.running:
        if node.process.poll() is None:
            node.process.send_signal(signal.SIGCONT)
        node.close()


# ---- the contract --------------------------------------------------------------------------------


@pytest.mark.parametrize("user", ["", "leat:secret@"])
def test_the_contract_of_the_lock(addresses, user):
    url = f"zookeeper://{user}{addresses['zookeeper']}/contract{len(user)}?session={SESSION_S}s"
    done = subprocess.run([CONTRACT, url], capture_output=True, text=True, timeout=LONG_S)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nodes_of_another_user_are_refused(cluster):
    ours, other = (cluster.with_coordination(f"leat:{word}@{{}}/closed") for word in ("secret", "guess"))
    first = cluster.start("a", file=ours)
    becomes(first, "leader")
    for command in (["cluster", "status", other], ["run", other, "--data", cluster.folder / "b", "--give-up", "1s"]):
        ended = leat(*command, "--profile", "real", env=os.environ | {"RANDOMUSER_URL": nowhere()})
        assert ended.code == 78 and "not authenticated" in ended.stderr, ended.stderr
        assert "guess" not in ended.stderr


# ---- what cannot work ----------------------------------------------------------------------------


@pytest.mark.parametrize("missing, word", [
    ("log", "the log is embedded"),
    ("schemas", "the schema registry is embedded"),
    ("staging", "staging is embedded"),
    ("storage", "tables are embedded"),
])  # fmt: skip
def test_engines_that_a_stand_by_would_not_find_are_refused(missing, word, tmp_path):
    roles = {
        "log": "kafka://127.0.0.1:1", "schemas": "http://127.0.0.1:1", "staging": "postgresql://127.0.0.1:1/x",
        "storage": '{url: "postgresql://127.0.0.1:1/x"}', "coordination": "zookeeper://127.0.0.1:1",
    }  # fmt: skip
    del roles[missing]
    file = with_profile(USERS, tmp_path / "users.yaml", **roles)
    ended = leat("up", file, "--profile", "real", data=tmp_path / "data")
    assert ended.code == 78 and f"coordination is refused: {word}" in ended.stderr, ended.stderr


def test_a_coordinator_that_is_not_there_is_named(cluster):
    away = cluster.with_coordination("127.0.0.1:1")
    ended = leat("cluster", "status", away, "--profile", "real")
    assert ended.code == 69 and "127.0.0.1:1" in ended.stderr
    node = Leat(cluster.folder / "a", "--profile", "real", "--give-up", "2s", files=(away,), command="run",
                environment={"RANDOMUSER_URL": nowhere()})  # fmt: skip
    ended = node.wait()
    assert ended.code == 69 and "no ZooKeeper answers" in ended.stderr


# ---- leaders come and go -------------------------------------------------------------------------


def test_a_killed_leader_is_followed(cluster):
    first = cluster.start("a")
    assert becomes(first, "leader")["ready"]
    second = cluster.start("b")
    found = becomes(second, "stand-by")
    assert found["ready"] and f"pid {first.process.pid}" in found["leader"]
    assert f"standing by behind {found['leader']}" in second.stderr
    cluster.grows()
    before = cluster.status()
    assert [(one["role"], one["pid"]) for one in before] == [
        ("leader", first.process.pid), ("stand-by", second.process.pid)]  # fmt: skip
    first.kill()
    becomes(second, "leader")
    cluster.grows()
    after = cluster.status()
    assert [(one["role"], one["pid"]) for one in after] == [("leader", second.process.pid)]
    assert after[0]["fence"] > before[0]["fence"]
    ended = second.stop()
    assert ended.code == 0, ended.stderr
    ended.check_sum()
    assert cluster.status() == []
    cluster.check_once()


def test_a_leader_that_stops_hands_over_at_once(cluster):
    first = cluster.start("a")
    becomes(first, "leader")
    second = cluster.start("b")
    becomes(second, "stand-by")
    cluster.grows()
    assert first.stop().code == 0
    becomes(second, "leader", SESSION_S / 2)
    cluster.grows()
    assert second.stop().code == 0
    cluster.check_once()


def test_a_paused_leader_writes_nothing_when_it_wakes(cluster):
    first = cluster.start("a")
    becomes(first, "leader")
    second = cluster.start("b")
    becomes(second, "stand-by")
    for _ in range(2):
        cluster.grows()
        first.process.send_signal(signal.SIGSTOP)
        becomes(second, "leader")
        cluster.grows()
        first.process.send_signal(signal.SIGCONT)
        becomes(first, "stand-by")
        assert "all writing stops" in first.stderr
        cluster.grows()
        first, second = second, first
    assert first.stop().code == 0
    becomes(second, "leader")
    assert second.stop().code == 0
    cluster.check_once()


# Where a pause hurts most: a store or the log has all of a write but its end.
@pytest.mark.parametrize("place", ["stage.before_commit", "capture.before_send", "kafka.before_commit", "sink.before_commit"])
def test_a_leader_paused_in_the_middle_of_a_write_does_not_finish_it(cluster, place):
    first = cluster.start("a", environment={"LEAT_CRASH": f"stop@{place}:20"})
    becomes(first, "leader")
    second = cluster.start("b")
    becomes(second, "stand-by")
    becomes(second, "leader")  # the first has stopped itself, and its session has expired
    cluster.grows()
    first.process.send_signal(signal.SIGCONT)
    becomes(first, "stand-by")
    cluster.grows()
    for node in (first, second):
        assert node.stop().code == 0
    cluster.check_once()


def test_a_restart_of_the_coordinator_is_survived(cluster, engines):
    first = cluster.start("a")
    becomes(first, "leader")
    second = cluster.start("b")
    becomes(second, "stand-by")
    cluster.grows()
    engines.call("down", "zookeeper")
    wait_until(lambda: not ready(first)["ready"], "the first stops", LONG_S)
    assert ready(first)["role"] == ready(second)["role"] == "connecting"
    engines.call("up", "zookeeper", "kafka")
    wait_until(lambda: {ready(first).get("role"), ready(second).get("role")} == {"leader", "stand-by"}, "one leads", LONG_S)
    cluster.grows()
    for node in (first, second):
        assert node.stop().code == 0
    cluster.check_once()
