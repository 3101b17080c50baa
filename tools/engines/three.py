"""Clusters of three nodes, each of which can be killed and started alone: NAME.1, NAME.2 and NAME.3.

Topics have three copies, and what is acknowledged is on two: one node may be away. The nodes are small, so that
all fit on one machine, and miss each other after some seconds.
"""

import functools

from . import kafka3, kafka4, zookeeper
from .frame import Engine

NODES = (1, 2, 3)
HEAP = "320m"
COPIES = (3, 2)


def part(cluster, number):
    return f"{cluster}.{number}"


def addresses(state, cluster, use="clients"):
    return [f"127.0.0.1:{state.other(part(cluster, n)).port(use)}" for n in NODES]


# ---- ZooKeeper -----------------------------------------------------------------------------------

ENSEMBLE = "zookeeper-three"


def start_zookeeper(number, state):
    data = state.folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    (data / "myid").write_text(str(number))
    servers = [f"server.{n}=127.0.0.1:{member.port('quorum')}:{member.port('election')}"
               for n in NODES for member in [state.other(part(ENSEMBLE, n))]]  # fmt: skip
    return zookeeper.start(state, "initLimit=20", "syncLimit=8", *servers)


# ---- Kafka ---------------------------------------------------------------------------------------


def start_kafka3(number, state):
    return kafka3.start(
        state, f"broker.id={number}", f"zookeeper.connect={','.join(addresses(state, ENSEMBLE))}",
        "zookeeper.session.timeout.ms=6000", *kafka3.replicated(*COPIES), heap=HEAP,
    )  # fmt: skip


def cluster_id(state):
    """Of the KRaft cluster: kept by its first node."""
    first = state.other(part("kafka4-three", 1))
    if "cluster" not in first.read():
        first.write(cluster=kafka4.new_cluster())
    return first.read()["cluster"]


def start_kafka4(number, state):
    voters = ",".join(f"{n}@{at}" for n, at in zip(NODES, addresses(state, "kafka4-three", "controller")))
    return kafka4.start(
        state, f"node.id={number}", f"controller.quorum.voters={voters}", "broker.session.timeout.ms=3000",
        "broker.heartbeat.interval.ms=500", *kafka3.replicated(*COPIES), cluster=cluster_id(state), heap=HEAP,
    )  # fmt: skip


# ---- all -----------------------------------------------------------------------------------------


def cluster(name, title, fetch, start, ready, **more):
    """The nodes of a cluster, and the cluster."""
    nodes = {part(name, n): Engine(f"node {n} of {name}", fetch, functools.partial(start, n), ready, **more)
             for n in NODES}  # fmt: skip
    return nodes | {name: Engine(title, fetch, needs=more.get("needs", ()), parts=tuple(nodes))}


ENGINES = {
    **cluster(ENSEMBLE, "an ensemble of three ZooKeepers", kafka3.fetch, start_zookeeper, zookeeper.ready),
    **cluster("kafka-three", "three Apache Kafka 3.9.2 on the ensemble, which is started with them", kafka3.fetch,
              start_kafka3, kafka3.ready, needs=(ENSEMBLE,), again="KeeperErrorCode"),
    **cluster("kafka4-three", "three Apache Kafka 4.3.1, KRaft", kafka4.fetch, start_kafka4, kafka3.ready),
}  # fmt: skip
