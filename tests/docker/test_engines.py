"""The users pipeline on the real engines, as deploy/compose.yaml starts them: from `up` to rows in Cassandra with
no manual step, fetched when Airflow says so; each container is killed once, and the whole stack goes down and up."""

import time

from cassandra import ConsistencyLevel
from cassandra.cluster import Cluster
from cassandra.query import SimpleStatement
from conftest import READY_S, free_ports, later
from leat import wait_until

SERVICES = [
    "postgres", "zookeeper", "kafka", "registry", "cassandra", "spark-master", "spark-connect", "leat", "airflow",
]  # fmt: skip
WITHOUT_HEALTH = ["spark-worker", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer"]
# A run of the DAG starts every minute; one whose process was killed is missed after one, and tried again.
A_RUN_S = 420


def count_rows(one):
    """Told by Cassandra itself, to a client that is not ours."""
    with Cluster([one.address("cassandra")]) as cluster, cluster.connect() as session:
        count = SimpleStatement("SELECT count(*) FROM spark_streams.created_users", consistency_level=ConsistencyLevel.QUORUM)
        return session.execute(count, timeout=60).one()[0]


def settled(one):
    """Stops accepting, waits until nothing is under way: each accepted user is a row, and none is twice."""
    one.docker("stop", f"{one.project}-api")
    audit = wait_until(
        lambda: (a := one.audit()) and a["in_flight"] == 0 and a["accepted"] == a["stored"] and a, "all is stored", READY_S
    )
    assert audit["holds"] and audit["dead"] == 0
    wait_until(lambda: count_rows(one) >= audit["accepted"], "Spark has delivered all", READY_S)
    assert count_rows(one) == audit["accepted"]
    one.docker("start", f"{one.project}-api")
    return audit["accepted"]


def memory_mib(one):
    """Of all its containers, as Docker tells it."""
    units = {"KiB": 1 / 1024, "MiB": 1, "GiB": 1024}
    total = 0
    for line in one.docker("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}").splitlines():
        name, used = line.split()[:2]
        if name.startswith(one.project) and not name.endswith("-api"):
            unit = used.lstrip("0123456789.")
            total += float(used[: -len(unit)]) * units.get(unit, 0)
    return round(total)


def test_the_stack(compose, engine_images):
    one = compose("compose.yaml", **free_ports("CONSOLE_PORT", "KAFKA_PORT", "AIRFLOW_PORT"))
    begin = time.monotonic()
    one("up", "-d", "--no-build")
    for service in SERVICES:
        wait_until(lambda: one.healthy(service), f"{service} is healthy", READY_S)
    print(f"healthy after {time.monotonic() - begin:.0f} s")
    later(one, 500, A_RUN_S)
    print(f"rows stored after {time.monotonic() - begin:.0f} s, {memory_mib(one)} MiB in use")

    for service in SERVICES + WITHOUT_HEALTH:
        one.kill(service)
        killed = time.monotonic()
        later(one, 500, A_RUN_S)
        print(f"{service} killed: 500 more after {time.monotonic() - killed:.0f} s")
    print(f"{settled(one)} accepted, each one row")

    one("stop", "-t", "30")
    one("start")
    later(one, 500, A_RUN_S)
    print(f"down and up: {settled(one)} accepted, each one row")


def test_three_nodes(compose, engine_images):
    """One broker and one node of Cassandra away: rows go on coming, and all are there when they are back."""
    one = compose(
        "compose.yaml", "compose.three-nodes.yaml", LEAT_ORCHESTRATION="built-in",
        **free_ports("CONSOLE_PORT", "KAFKA_PORT", "KAFKA_2_PORT", "KAFKA_3_PORT", "AIRFLOW_PORT"),
    )  # fmt: skip
    # Without Airflow: leat keeps the schedule of the file, as the other test has shown the orders.
    one("up", "-d", "--no-build", "spark-worker", "leat", timeout_s=1800)
    for service in ("kafka", "kafka-2", "kafka-3", "cassandra", "cassandra-2", "cassandra-3", "leat"):
        wait_until(lambda: one.healthy(service), f"{service} is healthy", READY_S)
    later(one, 500)
    for service in ("kafka-2", "cassandra-2"):
        one.docker("stop", one.container(service))
        later(one, 500)
        print(f"{service} away: rows go on")
    for service in ("kafka-2", "cassandra-2"):
        one("start", service)
        wait_until(lambda: one.healthy(service), f"{service} is healthy", READY_S)
    print(f"{settled(one)} accepted, each one row; {memory_mib(one)} MiB in use")
