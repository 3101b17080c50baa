"""Apache Kafka 4.3, one node, KRaft."""

import base64
import subprocess
import uuid

from . import kafka3
from .frame import PROGRAMS, Engine, Failure, fetch_jars, java, properties

PROGRAM = PROGRAMS / "kafka-4.3.1"
JARS = ("-cp", f"{PROGRAM}/*")


def fetch():
    java(17)
    kafka = "org.apache.kafka"
    fetch_jars(PROGRAM, f"{kafka}:kafka_2.13:4.3.1", f"{kafka}:kafka-tools:4.3.1", "org.slf4j:slf4j-simple:1.7.36")


def new_cluster():
    """An id for a cluster."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "_")


def start(state, *more, formatting=(), cluster=None, heap="512m"):
    """`more` are lines of the configuration that win over those here, `formatting` words for its first format,
    `cluster` the id that nodes have in common."""
    here, controller = f"PLAINTEXT://127.0.0.1:{state.port()}", f"127.0.0.1:{state.port('controller')}"
    config = properties(
        state.folder / "server.properties", "process.roles=broker,controller", "node.id=1",
        f"controller.quorum.voters=1@{controller}", "controller.listener.names=CONTROLLER",
        "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        f"listeners={here},CONTROLLER://{controller}", f"advertised.listeners={here}",
        f"log.dirs={state.folder}/log", "share.coordinator.state.topic.replication.factor=1",
        "share.coordinator.state.topic.min.isr=1", *kafka3.ONE_NODE, *more,
    )  # fmt: skip
    quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
    if not (state.folder / "log" / "meta.properties").exists():
        done = subprocess.run(
            [java(17), quiet, "-XX:TieredStopAtLevel=1", *JARS, "kafka.tools.StorageTool", "format", "-t", cluster or new_cluster(),
             "-c", str(config), *formatting], capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode != 0:
            raise Failure(f"{state.name} could not format its log:\n{(done.stdout + done.stderr)[-2000:]}")
    return [java(17), f"-Xmx{heap}", "-XX:+UseG1GC", quiet, *JARS, "kafka.Kafka", str(config)], {}


ENGINES = {"kafka4": Engine("Apache Kafka 4.3.1, one node, KRaft", fetch, start, kafka3.ready)}
