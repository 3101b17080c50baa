"""Fixtures of the tests over real engines, which tools/engine starts: one set a run, in its own folder."""

import json
import pathlib
import subprocess
import sys

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "e2e"), str(TESTS / "e2e" / "pipeline"), str(TESTS / "campaign")]

from confluent_kafka import KafkaError, KafkaException  # noqa: E402
from confluent_kafka.admin import AdminClient, NewTopic  # noqa: E402
from leat import ROOT, Api, Leat, wait_until  # noqa: E402

ENGINE = ROOT / "tools" / "engine"
RECORDER = """version: 1
pipeline: recorder
sources:
  nothing: {file: {path: nothing.jsonl}, key: id, topic: {name: nothing}}
"""
START_S = 300  # the first start fetches the engine


def pytest_configure(config):
    config.addinivalue_line("markers", "engine(name): needs a program that some systems do not have")


def pytest_collection_modifyitems(config, items):
    """Tests whose engine cannot be had here are left out, and the reason is printed."""
    missing = {}
    for item in list(items):
        for mark in item.iter_markers("engine"):
            name = mark.args[0]
            if name not in missing:
                done = subprocess.run([sys.executable, ENGINE, "install", name], capture_output=True, text=True)
                missing[name] = done.stderr if done.returncode else ""
            if missing[name]:
                items.remove(item)
                config.hook.pytest_deselected(items=[item])
    for reason in filter(None, missing.values()):
        print(reason, file=sys.stderr)


class Engines:
    """tools/engine with state of its own."""

    def __init__(self, state):
        self.state = state

    def call(self, command, *words):
        done = subprocess.run(
            [sys.executable, ENGINE, "--state", self.state, "--json", command, *words],
            capture_output=True, text=True, timeout=START_S,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def only(self, *names):
        """These run and no others, so that memory holds one Kafka; their addresses. The nodes of a cluster are
        NAME.1 and so on, and go with it."""
        running = [name for name, at in self.call("status").items() if at != "down" and "." not in name]
        # The others go first: two Kafkas on one ZooKeeper would be one broker twice.
        self.down(name for name in running if name not in (*names, "zookeeper"))
        found = self.call("up", *names)
        self.down(name for name in running if name == "zookeeper" and name not in found)
        return found

    def down(self, names):
        names = list(names)
        if names:
            self.call("down", *names)


@pytest.fixture(scope="session")
def engines(tmp_path_factory):
    made = Engines(tmp_path_factory.mktemp("engines"))
    yield made
    made.call("reset", *made.call("status"))


def made(client, topic):
    """True if the topic could be made, or was there."""
    try:
        client.create_topics([NewTopic(topic, 1, 1)])[topic].result()
    except KafkaException as refused:
        return refused.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS
    return True


@pytest.fixture
def empty_log(engines):
    """empty_log(name) starts that Kafka and returns its address, without topics."""

    def make(name):
        address = engines.only(name)[name]
        client = AdminClient({"bootstrap.servers": address})

        def topics():
            return [t for t in client.list_topics(timeout=20).topics if not t.startswith("__")]

        # A broker that has just come back knows its topics only after a while, and then makes new ones.
        wait_until(lambda: "probe" in topics() or made(client, "probe"), "a new topic is listed")
        wait_until(lambda: "probe" in topics(), "a new topic is listed")
        for future in client.delete_topics(topics()).values() if topics() else ():
            future.result()
        wait_until(lambda: not topics(), "no topics")
        return address

    return make


@pytest.fixture
def api():
    made = Api(seed="engines")
    yield made
    made.close()


@pytest.fixture
def registry(tmp_path):
    """A registry of its own process, as a leat's own ends with it."""
    (tmp_path / "nothing.jsonl").write_text("")
    file = tmp_path / "recorder.yaml"
    file.write_text(RECORDER)
    made = Leat(tmp_path / "recorder", files=(file,))
    yield made.addresses()["registry"]
    made.close()
