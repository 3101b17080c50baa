"""leat alone in a container, as deploy/compose.embedded.yaml starts it."""

import time

import confluent_kafka
from conftest import READY_S, free_ports, later
from leat import wait_until


def test_leat_alone(compose, docker):
    ports = free_ports("CONSOLE_PORT", "KAFKA_PORT", "REGISTRY_PORT")
    one = compose("compose.embedded.yaml", LEAT_IMAGE="leat:slim", **ports)
    one("up", "-d", "--no-build")
    wait_until(lambda: one.healthy("leat"), "leat is healthy", READY_S)
    assert later(one, 500)["holds"]

    seen = one.inspect("leat")
    assert seen["Config"]["User"] == "65532:65532"
    assert seen["HostConfig"]["ReadonlyRootfs"] and seen["HostConfig"]["CapDrop"] == ["ALL"]

    # A client outside the container is sent to an address that it can reach.
    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": f"127.0.0.1:{ports['KAFKA_PORT']}", "group.id": "g", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe(["users_created"])
    record = wait_until(lambda: consumer.poll(0.2), "a record", 30)
    assert record.error() is None
    consumer.close()

    # Docker's stop drains within its 10 s, and the next start goes on.
    begin = time.monotonic()
    docker("stop", "-t", "10", one.container("leat"))
    assert time.monotonic() - begin < 10
    assert one.inspect("leat")["State"]["ExitCode"] == 0
    one("start", "leat")
    wait_until(lambda: one.healthy("leat"), "leat is healthy again", READY_S)
    one.kill("leat")
    assert later(one, 500)["holds"]
