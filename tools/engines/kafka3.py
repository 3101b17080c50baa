"""Apache Kafka 3.9 on ZooKeeper."""

import struct

from .frame import PROGRAMS, Engine, exchange, fetch_jars, java, properties

PROGRAM = PROGRAMS / "kafka-3.9.2"
JARS = ("-cp", f"{PROGRAM}/*")

LOG4J = """log4j.rootLogger=WARN, e
log4j.appender.e=org.apache.log4j.ConsoleAppender
log4j.appender.e.target=System.err
log4j.appender.e.layout=org.apache.log4j.PatternLayout
log4j.appender.e.layout.ConversionPattern=%d{HH:mm:ss.SSS} %p %c{1}: %m%n
"""



def replicated(copies, least):
    """Copies of each topic, the broker's own among them, and how many of them must have what is acknowledged.
    A group need not wait for members."""
    return [
        "offsets.topic.num.partitions=1",
        "transaction.state.log.num.partitions=1",
        "group.initial.rebalance.delay.ms=0",
        "controlled.shutdown.retry.backoff.ms=300",
        "auto.create.topics.enable=false",
        "transaction.abort.timed.out.transaction.cleanup.interval.ms=1000",
        *(f"{topic}replication.factor={copies}" for topic in ("default.", "offsets.topic.", "transaction.state.log.")),
        f"transaction.state.log.min.isr={least}",
        f"min.insync.replicas={least}",
    ]


ONE_NODE = replicated(1, 1)


def fetch():
    java(11)
    kafka = "org.apache.kafka"  # neither brings what writes its log
    fetch_jars(PROGRAM, f"{kafka}:kafka_2.13:3.9.2", f"{kafka}:kafka-tools:3.9.2", "org.slf4j:slf4j-reload4j:1.7.36")


def log4j(state):
    path = properties(state.folder / "log4j.properties", LOG4J)
    return f"-Dlog4j.configuration=file:{path}"


def start(state, *more, heap="512m"):
    """`more` are lines of the configuration that win over those here."""
    here = f"PLAINTEXT://127.0.0.1:{state.port()}"
    config = properties(
        state.folder / "server.properties", "broker.id=0", f"listeners={here}", f"advertised.listeners={here}",
        f"zookeeper.connect=127.0.0.1:{state.other('zookeeper').port()}", "zookeeper.session.timeout.ms=4000",
        f"log.dirs={state.folder}/log", *ONE_NODE, *more,
    )  # fmt: skip
    words = [f"-Xmx{heap}", "-XX:+UseG1GC", log4j(state), *JARS, "kafka.Kafka", str(config)]
    return [java(11), *words], {}


def ready(state, use="clients"):
    """Whether it answers ApiVersions, version 0."""
    body = struct.pack(">hhih", 18, 0, 1, -1)
    return len(exchange(state.port(use), struct.pack(">i", len(body)) + body, 4)) == 4


# After a kill, ZooKeeper holds the old session for some seconds and refuses the new broker.
ENGINES = {
    "kafka": Engine("Apache Kafka 3.9.2 on ZooKeeper, which is started with it", fetch, start, ready,
                    needs=("zookeeper",), in_all=True, again="NodeExists"),
}  # fmt: skip
