"""The users pipeline over three Kafkas, of which one at a time is killed: topics have three copies, and two must have
what is acknowledged. Only in ./test --all; engines by tools/engine."""

import json
import signal

import pytest
from confluent_kafka.admin import AdminClient
from kills import small_steps
from leat import leat, row_count, table, wait_until
from test_kafka import KAFKA_S, TABLE, accepted, by_id, is_stopped, keys_once, row, run_real, users, with_profile

TOPIC = "users_created"
PAGE = 20
NODES = {1, 2, 3}
GOES_ON_S = 60  # the cluster takes some seconds to miss a node, more on a busy machine


class Cluster:
    def __init__(self, engines, name):
        self.engines, self.name = engines, name
        self.address = engines.only(name)[name]
        self.admin = AdminClient({"bootstrap.servers": self.address})
        self.delete_topics()

    def topics(self):
        return {name: one for name, one in self.admin.list_topics(timeout=KAFKA_S).topics.items()
                if not name.startswith("__")}  # fmt: skip

    def delete_topics(self):
        if self.topics():
            for future in self.admin.delete_topics(list(self.topics())).values():
                future.result(KAFKA_S)
        wait_until(lambda: not self.topics(), "no topics", KAFKA_S)

    def partitions(self):
        return self.topics()[TOPIC].partitions

    def leader(self, partition):
        return self.partitions()[partition].leader

    def kill(self, node):
        self.engines.call("down", "--kill", f"{self.name}.{node}")

    def start(self, node):
        """Waits until it has what it missed."""
        self.engines.call("up", f"{self.name}.{node}")
        wait_until(lambda: all(set(one.isrs) == NODES for one in self.partitions().values()), "all copies", KAFKA_S)


@pytest.fixture(params=["kafka-three", "kafka4-three"])
def cluster(request, engines):
    yield Cluster(engines, request.param)
    engines.call("reset", request.param, "zookeeper-three")


def go_on(data):
    """More is stored that was fetched after this call."""
    staged = accepted(data)
    wait_until(lambda: row_count(data, TABLE) > staged, "rows go on", GOES_ON_S)


def test_a_leader_dies_in_a_transaction_and_then_another(cluster, api, tmp_path):
    log = f"kafka://{cluster.address}"
    file = with_profile(small_steps(tmp_path / "small.yaml"), tmp_path / "users.yaml", log=log)
    data = tmp_path / "data"
    process = run_real(file, data, api, LEAT_CRASH="stop@kafka.before_commit:30")
    try:
        # Records of the thirtieth transaction are sent, and its end is not: now their leader dies.
        wait_until(lambda: is_stopped(process.process), "a transaction is under way", KAFKA_S)
        assert all(len(one.replicas) == 3 for one in cluster.partitions().values())
        first = cluster.leader(0)
        cluster.kill(first)
        process.process.send_signal(signal.SIGCONT)
        go_on(data)
        cluster.start(first)
        cluster.kill(cluster.leader(1))
        go_on(data)
        assert process.process.poll() is None, process.stderr
        ended = process.stop()
    finally:
        process.close()
    assert ended.code == 0, ended.stderr
    totals = ended.check_sum()
    assert totals["dead"] == 0
    expected = users(api, totals["accepted"], page_size=PAGE)
    assert by_id(table(data, TABLE)) == by_id([row(user) for user in expected])

    again = run_real(file, data, None)
    try:
        keys_once(again.addresses(), users(api, accepted(data), page_size=PAGE))
        assert again.stop().code == 0
    finally:
        again.close()

    # The commands beside it find the cluster by its profile alone.
    shown = leat("topic", "list", "--json", "--pipeline", file, "--profile", "real")
    assert shown.code == 0, shown.stderr
    assert TOPIC in [json.loads(line)["topic"] for line in shown.stdout.splitlines()]
