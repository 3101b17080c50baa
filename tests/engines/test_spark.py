"""The users pipeline on Apache Spark over Apache Kafka: the tables of the embedded engine, through kills,
changed schemas and records that Spark cannot compute. Only in ./test --all; engines by tools/engine."""

import json

import pytest
from leat import USERS, Leat, audit, leat, read_only, row_count, table, wait_until
from test_kafka import TABLE, countries, run_real, with_profile
from users import by_id, changes_by_country, row, users

SPARK_S = 180


@pytest.fixture
def cluster(engines, empty_log, tmp_path):
    """cluster(name) starts Kafka and that Spark; the roles of a profile."""

    def make(name="spark"):
        log = empty_log("kafka")
        return {
            "log": f"kafka://{log}",
            "processing": engines.call("up", name)[name],
            "checkpoints": f"file://{tmp_path}/checkpoints",
        }

    return make


def jsonl(path, *records):
    with path.open("a") as file:
        for record in records:
            file.write(json.dumps(record) + "\n")


ORDERS = """version: 1
pipeline: orders
sources:
  made:
    file: {{path: "{folder}/*.jsonl", format: lines}}
    key: id
    topic: {{name: orders, partitions: 2}}
streams:
  sums:
    sql: |
{sql}
sinks:
  sums: {{from: sums, table: sums, key: [id]}}
"""


def orders(folder, target, sql, **roles):
    plain = target.with_suffix(".plain.yaml")
    plain.write_text(ORDERS.format(folder=folder, sql="\n".join("      " + line for line in sql.splitlines())))
    return with_profile(plain, target, **roles)


# ---- the same answers ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["spark", "spark4"])
def test_tables_are_those_of_the_embedded_engine(name, cluster, api, tmp_path):
    file = with_profile(USERS, tmp_path / "users.yaml", **cluster(name))
    real = run_real(file, tmp_path / "real", api, "--limit", 2000).wait(SPARK_S)
    assert real.code == 0, real.stderr
    own = Leat(tmp_path / "own", "--limit", 2000, files=(file,), environment={"RANDOMUSER_URL": api.url}).wait()
    assert own.code == 0, own.stderr
    assert real.check_sum() == own.check_sum()
    expected = users(api, 2000)
    tables = [by_id(table(tmp_path / data, TABLE)) for data in ("real", "own")]
    assert tables[0] == tables[1] == by_id([row(user) for user in expected])
    assert countries(tmp_path / "real") == countries(tmp_path / "own") == changes_by_country(expected)


# ---- kills ---------------------------------------------------------------------------------------


def test_a_killed_leat_finds_its_queries_again(cluster, api, tmp_path):
    file = with_profile(USERS, tmp_path / "users.yaml", **cluster())
    data = tmp_path / "data"
    first = run_real(file, data, api, "--limit", 1000)
    wait_until(lambda: row_count(data, TABLE) > 0, "rows", SPARK_S)
    first.kill()
    ended = run_real(file, data, api, "--limit", 500).wait(SPARK_S)
    assert ended.code == 0, ended.stderr
    assert "Spark still runs the query" in ended.stderr
    ended.check_sum()
    with read_only(data, "staging.db") as db:
        accepted = db.execute("SELECT sum(accepted) FROM leat_sources").fetchone()[0]
    expected = users(api, accepted)
    assert by_id(table(data, TABLE)) == by_id([row(user) for user in expected])
    assert countries(data) == changes_by_country(expected)


def test_a_killed_spark_goes_on_from_its_checkpoint(engines, cluster, api, tmp_path):
    file = with_profile(USERS, tmp_path / "users.yaml", **cluster())
    data = tmp_path / "data"
    process = run_real(file, data, api, "--limit", 3000)
    wait_until(lambda: row_count(data, TABLE) > 0, "rows", SPARK_S)
    engines.call("down", "--kill", "spark")
    engines.call("up", "spark")
    ended = process.wait(SPARK_S)
    assert ended.code == 0, ended.stderr
    ended.check_sum()
    expected = users(api, 3000)
    assert by_id(table(data, TABLE)) == by_id([row(user) for user in expected])
    assert countries(data) == changes_by_country(expected)


# ---- records and texts that Spark refuses ------------------------------------------------------------


def test_a_new_schema_gets_its_branch(cluster, tmp_path):
    """The query began with one schema; a record of another restarts it, and both decode."""
    roles = cluster()
    folder = tmp_path / "in"
    folder.mkdir()
    jsonl(folder / "a.jsonl", {"id": "a", "amount": "1"}, {"id": "b", "amount": "2"})
    file = orders(folder, tmp_path / "orders.yaml", "SELECT id, amount AS total FROM orders", **roles)
    first = Leat(tmp_path / "data", "--profile", "real", files=(file,), command="run").wait(SPARK_S)
    assert first.code == 0, first.stderr
    jsonl(folder / "b.jsonl", {"id": "c", "amount": "3", "note": "new"})
    second = Leat(tmp_path / "data", "--profile", "real", files=(file,), command="run").wait(SPARK_S)
    assert second.code == 0, second.stderr
    second.check_sum()
    assert sorted((r["id"], r["total"]) for r in table(tmp_path / "data", "sums")) == [
        ("a", "1"), ("b", "2"), ("c", "3")]  # fmt: skip


def test_a_record_that_fails_is_a_dead_letter(cluster, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    made = [{"id": f"o{i}", "amount": "x" if i in (3, 7) else str(i)} for i in range(10)]
    jsonl(folder / "a.jsonl", *made)
    file = orders(folder, tmp_path / "orders.yaml", "SELECT id, CAST(amount AS INT) AS total FROM orders", **cluster())
    ended = Leat(tmp_path / "data", "--profile", "real", files=(file,), command="run").wait(SPARK_S)
    assert ended.code == 0, ended.stderr
    total = ended.sum
    assert (total["stored"], total["dead"]) == (8, 2)
    assert sorted(r["id"] for r in table(tmp_path / "data", "sums")) == sorted(
        m["id"] for m in made if m["amount"] != "x")  # fmt: skip
    audit(tmp_path / "data")
    assert leat("dead", "list", data=tmp_path / "data").stdout.count("cannot cast 'x' to int") == 2
