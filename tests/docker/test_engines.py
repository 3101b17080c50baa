"""The users pipeline on the real engines, as deploy/compose.yaml starts them: from `up` to rows in Cassandra with
no manual step; each container is killed once, and the whole stack goes down and up again."""

from cassandra.cluster import Cluster
from conftest import READY_S, free_ports, later
from leat import wait_until

SERVICES = ["postgres", "zookeeper", "kafka", "registry", "cassandra", "spark-master", "spark-connect", "leat"]
KILLED = [*SERVICES, "spark-worker"]


def count_rows(one):
    """Told by Cassandra itself, to a client that is not ours."""
    with Cluster([one.address("cassandra")]) as cluster, cluster.connect() as session:
        return session.execute("SELECT count(*) FROM spark_streams.created_users").one()[0]


def settled(one):
    """Stops accepting, waits until nothing is under way: each accepted user is a row, and none is twice."""
    one.docker("stop", f"{one.project}-api")
    audit = wait_until(
        lambda: (a := one.audit()) and a["in_flight"] == 0 and a["accepted"] == a["stored"] and a, "all is stored", READY_S
    )
    assert audit["holds"] and audit["dead"] == 0
    # The sum is told by leat's own engine, which may be ahead of Spark.
    wait_until(lambda: count_rows(one) >= audit["accepted"], "Spark has delivered all", READY_S)
    assert count_rows(one) == audit["accepted"]
    one.docker("start", f"{one.project}-api")


def test_the_stack(compose, engine_images):
    one = compose("compose.yaml", **free_ports("CONSOLE_PORT", "KAFKA_PORT"))
    one("up", "-d", "--no-build")
    for service in SERVICES:
        wait_until(lambda: one.healthy(service), f"{service} is healthy", READY_S)
    later(one, 500)

    for service in KILLED:
        one.kill(service)
        later(one, 500)
    settled(one)

    one("stop", "-t", "30")
    one("start")
    later(one, 500)
    settled(one)
