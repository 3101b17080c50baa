"""The console's pages over Apache Kafka and a table store in PostgreSQL, in Chromium. Only in ./test --all."""

import socket
import sys

import confluent_kafka
import pytest
from conftest import TESTS
from leat import USERS, wait_until
from postgres_side import Proxy, database
from test_kafka import run_real, with_profile
from test_postgres import server  # noqa: F401

sys.path[:0] = [str(TESTS / "e2e" / "console")]
from browser import browser, visit  # noqa: E402, F401

ONCE = ["--set", 'sources.random_users.schedule="@once"']


@pytest.fixture
def process(request, tmp_path):
    """start(file, api) runs a pipeline, and it is stopped at the end."""
    started = []

    def start(file, api):
        started.append(run_real(file, tmp_path / "data", api, *ONCE))
        return started[-1]

    yield start
    for one in started:
        one.close()


def test_topics_and_groups_of_kafka(empty_log, api, process, visit, tmp_path):  # noqa: F811
    address = empty_log("kafka")
    file = with_profile(USERS, tmp_path / "users.yaml", log=f"kafka://{address}")
    page = visit(process(file, api))
    page.sees("500 stored", "3 partitions", "nothing waits", "up to date", within="#flow", timeout_s=90)
    page.go("engines")
    page.sees("Kafka", address, "answers")

    page.go("topics")
    page.click("New topic…")
    page.fill("Name", "clicks", within="dialog")
    page.fill("Partitions", "2", within="dialog")
    page.fill("Settings", "retention.ms=60000", within="dialog")
    page.click("Create", within="dialog")
    page.sees("No record yet")
    page.click("Produce…")
    page.fill("Key", "k", within="dialog")
    page.fill("Value", '{"a": 1}', within="dialog")
    page.click("Write", within="dialog .actions")
    page.sees('{"a": 1}')
    page.go("topics/clicks?tab=settings")
    page.sees("retention.ms 60000 this topic")
    page.click("Change…")
    page.fill("Partitions", "3", within="dialog")
    page.fill("Settings", "retention.ms=70000\nmax.message.bytes=2000000", within="dialog")
    page.click("Change", within="dialog")
    page.sees("retention.ms 70000 this topic", "max.message.bytes 2000000 this topic")

    page.go("topics/users_created?mode=sql&where=dob.age%20%3E%201000")
    page.sees("0 found in 500 of 500 records", "whole topic searched", timeout_s=60)

    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": address, "group.id": "reports", "auto.offset.reset": "earliest", "enable.auto.commit": False}
    )
    consumer.subscribe(["users_created"])
    wait_until(lambda: consumer.poll(0.2), "a record", 60)
    consumer.commit(asynchronous=False)
    page.go("groups/reports")
    page.sees("Partitions", "users_created", "rdkafka", timeout_s=60)
    consumer.close()
    page.sees("No consumer is connected", timeout_s=60)
    page.click("Move…")
    page.fill("To", "end", within="dialog")
    page.click("Preview", within="dialog")
    page.sees("nothing is changed yet", within="dialog")
    page.click("Move it", within="dialog")
    page.sees("moved", within="dialog")
    page.click("Close", within="dialog")
    page.sees("lag 0 records", timeout_s=60)


def test_a_store_that_is_gone_is_named(server, api, visit, tmp_path, request):  # noqa: F811
    """The sink refuses: PostgreSQL cannot be reached any more."""
    proxy = Proxy(database(server, f"c{abs(hash(request.node.name)) % 10**12}"))
    file = with_profile(USERS, tmp_path / "users.yaml", storage=proxy.url)
    process = run_real(file, tmp_path / "data", api, "--set", 'sources.random_users.schedule="@every 2s"')
    try:
        page = visit(process)
        page.sees("stored", within="#flow")
        proxy.listener.shutdown(socket.SHUT_RDWR)  # closing alone would let one more in
        proxy.close()
        page.sees("A table does not take the rows of users_created", "whether the store is reachable", timeout_s=90)
    finally:
        process.close()
        proxy.close()
