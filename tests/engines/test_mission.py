"""The whole pipeline on real engines, from the file as it ships: API, PostgreSQL, Kafka with ZooKeeper, Spark,
Cassandra, a registry beside it, one leader by ZooKeeper. Cassandra is read by its Python driver."""

import cassandra_side
import pytest
from leat import USERS, Leat, audit, leat, wait_until
from users import by_id, changes_by_country, row, users

ENGINES = ("postgres", "kafka", "zookeeper", "registry", "spark", "cassandra")
TABLE = "spark_streams.created_users"
READY_S = 240


@pytest.fixture
def at(engines, api, tmp_path):
    """What `--profile cluster` reads of the environment; engines without data."""
    engines.call("reset", *engines.call("status"))
    found = engines.call("up", *ENGINES)
    yield {
        "RANDOMUSER_URL": api.url,
        "LEAT_STAGING": found["postgres"],
        "LEAT_LOG": f"kafka://{found['kafka']}",
        "LEAT_SCHEMAS": found["registry"],
        "LEAT_PROCESSING": found["spark"],
        "LEAT_CHECKPOINTS": f"file://{tmp_path}/checkpoints",
        "LEAT_STORAGE": found["cassandra"],
        "LEAT_COORDINATION": f"zookeeper://{found['zookeeper']}",
    }
    engines.call("reset", *ENGINES)


def start(at, data, limit):
    """`up` stands by until the lease of a killed one has ended; `run` would not wait for it."""
    return Leat(data, "--profile", "cluster", "--limit", limit, files=(USERS,), environment=at)


def stored(at):
    return [{**found, "id": found["id"].bytes} for found in cassandra_side.rows(at["LEAT_STORAGE"], TABLE)]


def countries(at):
    found = {}
    for one in cassandra_side.rows(at["LEAT_STORAGE"], "spark_streams.users_by_country"):
        found[one["country"]] = found.get(one["country"], 0) + one["changes"]
    return found


def check(at, api, data, count):
    expected = users(api, count)
    assert by_id(stored(at)) == by_id([row(user) for user in expected])
    assert countries(at) == changes_by_country(expected)
    said = audit(data)
    assert said["holds"] and said["accepted"] == said["stored"] == count


def test_the_whole_pipeline(at, api, engines, tmp_path):
    """From the API to Cassandra; then leat is killed on its way, and each engine once, one after another."""
    data = tmp_path / "data"
    ended = start(at, data, 1000).wait(READY_S)
    assert ended.code == 0, ended.stderr
    ended.check_sum()
    check(at, api, data, 1000)
    assert leat("query", f"SELECT count(*) AS n FROM {TABLE}", "--json", data=data).stdout.strip() == '{"n":1000}'

    killed = start(at, data, 1000)
    wait_until(lambda: len(stored(at)) > 1000, "rows of the second run", READY_S)
    killed.kill()
    for name in ("postgres", "kafka", "registry", "spark", "cassandra"):
        life = start(at, data, 500)
        wait_until(lambda: "leads" in life.stderr, "a leader", READY_S)
        engines.call("down", "--kill", name)
        engines.call("up", name)
        ended = life.wait(READY_S)
        assert ended.code == 0, f"with {name} killed: {ended.stderr}"
    said = audit(data)
    assert said["holds"] and said["in_flight"] == 0
    check(at, api, data, said["accepted"])
