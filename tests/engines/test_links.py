"""leat behind a link that is cut, or swallows what is sent: nothing lost, nothing twice, and it goes on soon after the
link is back. Only in ./test --all; engines by tools/engine, links by network namespaces."""

import os
import time

import pytest
from kills import small_steps
from leat import Api, Leat, wait_until
from links import INSIDE, Link
from postgres_side import database
from test_kafka import with_profile
from test_postgres import USERS_TABLE, accepted, check_users, count
from topic import AvroTopic

LONG_S = 120
AWAY_S = 8  # longer than a session of ZooKeeper, shorter than what makes a server give a client up


@pytest.fixture
def link():
    made = Link()
    yield made
    made.close()


@pytest.fixture
def inside(link):
    """The stand-in API beside leat: it is not behind the link."""
    made = Api(seed="engines", host=INSIDE, prefix=link.inside())
    yield made
    made.close()


def wait_for_rows(url):
    before = count(url, USERS_TABLE)
    wait_until(lambda: count(url, USERS_TABLE) > before + 20, "rows go on", LONG_S)


@pytest.mark.parametrize("coordinated", [False, True], ids=["alone", "coordinated"])
def test_a_link_that_fails(coordinated, empty_log, engines, link, inside, api, registry, tmp_path):
    kafka = empty_log("kafka")
    zookeeper, postgres = engines.call("up", "zookeeper", "postgres").values()
    url = database(postgres, f"links_{os.getpid()}_{coordinated}")
    roles = {"log": f"kafka://{kafka}", "staging": url, "storage": url, "schemas": f"http://{registry}"}
    if coordinated:
        roles["coordination"] = f"zookeeper://{zookeeper}/links{os.getpid()}?session=2s"
    file = with_profile(small_steps(tmp_path / "small.yaml"), tmp_path / "users.yaml", **roles)
    process = Leat(
        tmp_path / "data", "--profile", "real", "--http", f"{INSIDE}:0", files=(file,), prefix=link.inside(),
        environment={"RANDOMUSER_URL": inside.url},
    )  # fmt: skip
    try:
        for harm in (link.cut, link.black_hole):
            wait_for_rows(url)
            harm()
            time.sleep(AWAY_S)  # this is how long the link is away
            link.heal()
            began = time.monotonic()
            wait_for_rows(url)
            print(f"after {harm.__name__}: rows again {time.monotonic() - began:.1f} s after the link")
            assert process.process.poll() is None, process.stderr
        ended = process.stop()
    finally:
        process.close()
    assert ended.code == 0, ended.stderr
    totals = ended.check_sum()
    assert totals["dead"] == 0 and totals["accepted"] == accepted(url)
    records = AvroTopic({"kafka": kafka, "registry": registry}, "users_created").read_all()
    check_users(url, api, totals["accepted"], 20, records)
