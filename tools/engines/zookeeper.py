"""Apache ZooKeeper, as Kafka 3.9 brings it."""

from . import kafka3
from .frame import Engine, exchange, java, properties


def start(state, *more):
    """`more` are lines of the configuration that win over those here."""
    # A tick of 500 ms allows sessions of 1 s, so that a killed Kafka may come back at once.
    config = properties(
        state.folder / "zoo.cfg", "tickTime=500", f"dataDir={state.folder}/data", f"clientPort={state.port()}",
        "clientPortAddress=127.0.0.1", "admin.enableServer=false", "maxClientCnxns=0",
        "4lw.commands.whitelist=srvr,ruok,mntr", *more,
    )  # fmt: skip
    main = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
    words = ["-Xmx128m", "-XX:+UseSerialGC", kafka3.log4j(state), *kafka3.JARS, main, str(config)]
    return [java(11), *words], {}


def ready(state):
    return exchange(state.port(), b"srvr", 4096).startswith(b"Zookeeper version")


ENGINES = {
    "zookeeper": Engine("Apache ZooKeeper 3.8, as Kafka 3.9 brings it", kafka3.fetch, start, ready, in_all=True),
}
