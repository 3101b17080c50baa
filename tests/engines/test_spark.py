"""The users pipeline on Apache Spark over Apache Kafka: the tables of the embedded engine, through kills,
changed schemas and records that Spark cannot compute. Only in ./test --all; engines by tools/engine."""

import json
import os
import pathlib
import signal

import pytest
from confluent_kafka import Producer
from leat import USERS, Leat, audit, leat, read_only, row_count, table, wait_until
from test_kafka import TABLE, accepted, countries, run_real, with_profile
from test_kafka_secure import secure  # noqa: F401
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


def batches(data):
    """How many commits the judge has made."""
    with read_only(data, "state/users.users_created.db") as db:
        return db.execute("SELECT number FROM leat_progress WHERE task = 'users.users_created'").fetchone()[0]


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


def test_a_topic_without_a_record_waits(cluster, api, tmp_path):
    """Whoever orders says when the first record comes: until then there is no schema, and no query on Spark."""
    file = with_profile(USERS, tmp_path / "users.yaml", **cluster(), orchestration="external")
    data = tmp_path / "data"
    process = run_real(file, data, api)
    wait_until(lambda: "no record yet" in process.stderr, "it waits", SPARK_S)
    done = leat("ingest", file, "random_users", "--limit", 500, "--until", "staged", data=data)
    assert done.code == 0, done.stderr
    wait_until(lambda: row_count(data, TABLE) == 500, "the rows", SPARK_S)
    assert by_id(table(data, TABLE)) == by_id([row(user) for user in users(api, 500)])
    process.process.send_signal(signal.SIGTERM)
    assert process.wait(SPARK_S).check_sum()["stored"] == 500


def test_a_topic_without_a_record_ends(cluster, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "none.jsonl").touch()
    file = orders(folder, tmp_path / "orders.yaml", "SELECT id FROM orders", **cluster())
    ended = Leat(tmp_path / "data", "--profile", "real", files=(file,), command="run").wait(SPARK_S)
    assert ended.code == 0, ended.stderr
    assert ended.check_sum()["accepted"] == 0


def test_a_kafka_with_tls_and_a_password(engines, secure, tmp_path):
    """Spark's own clients get in with what `log_settings` says, by SCRAM and an authority of its own."""
    roles = {"processing": engines.call("up", "spark")["spark"], "checkpoints": f"file://{tmp_path}/checkpoints"}
    kafka = secure("kafka-secure", "spark")
    roles["log"] = f"kafka://127.0.0.1:{kafka.ports['clients']}"
    roles["log_settings"] = json.dumps(kafka.settings("clients", "SCRAM-SHA-256"))
    roles["processing_settings"] = '{spark.sql.shuffle.partitions: "1"}'
    folder = tmp_path / "in"
    folder.mkdir()
    jsonl(folder / "a.jsonl", *({"id": f"o{i}", "amount": str(i)} for i in range(20)))
    file = orders(folder, tmp_path / "orders.yaml", "SELECT id, amount AS total FROM orders", **roles)
    ended = Leat(tmp_path / "data", "--profile", "real", files=(file,), command="run").wait(SPARK_S)
    assert ended.code == 0, ended.stderr
    assert ended.check_sum()["stored"] == row_count(tmp_path / "data", "sums") == 20


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


def test_stored_is_what_the_tables_have(engines, cluster, api, tmp_path):
    """With Spark gone the judge goes on, but nothing counts as stored that no table has."""
    roles = cluster()
    file = with_profile(USERS, tmp_path / "users.yaml", **roles)
    data = tmp_path / "data"
    ended = run_real(file, data, api, "--limit", 300).wait(SPARK_S)
    assert ended.code == 0, ended.stderr
    engines.call("down", "--kill", "spark")
    judged = batches(data)
    life = run_real(file, data, api, "--limit", 200)
    wait_until(lambda: accepted(data) == 500 and not audit(data)["sources"][0]["staged"], "in the topic", SPARK_S)
    wait_until(lambda: batches(data) > judged, "a batch of the judge", SPARK_S)
    said = audit(data)
    assert (said["stored"], said["in_flight"], row_count(data, TABLE)) == (300, 200, 300)
    engines.call("up", "spark")
    ended = life.wait(SPARK_S)
    assert ended.code == 0, ended.stderr
    assert ended.check_sum()["stored"] == row_count(data, TABLE) == 500


def executors(engines):
    """Process ids of the executors that this run's workers have started."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            ours = os.readlink(process / "cwd").startswith(str(engines.state))
            if ours and b"CoarseGrainedExecutorBackend" in (process / "cmdline").read_bytes():
                found.append(int(process.name))
        except OSError:
            pass  # ended, or not ours to look at
    return found


def test_a_cluster_loses_executor_worker_driver_and_master(engines, cluster, api, tmp_path):
    """A standalone master with two workers: each part is killed once, between batches of one run."""
    file = with_profile(USERS, tmp_path / "users.yaml", **cluster("spark-cluster"))
    data = tmp_path / "data"
    assert len(wait_until(lambda: len(executors(engines)) == 2 and executors(engines), "two executors", SPARK_S)) == 2
    total = 0
    for part in (None, "executor", "spark-worker1", "spark-cluster", "spark-master"):
        if part == "executor":
            os.kill(executors(engines)[0], signal.SIGKILL)
        elif part:
            engines.call("down", "--kill", part)
            engines.call("up", "spark-cluster")
        total += 300
        ended = run_real(file, data, api, "--limit", 300).wait(SPARK_S)
        assert ended.code == 0, f"with {part} killed: {ended.stderr}"
        assert ended.check_sum()["stored"] == total
    expected = users(api, total)
    assert by_id(table(data, TABLE)) == by_id([row(user) for user in expected])
    assert countries(data) == changes_by_country(expected)


# ---- before anything starts --------------------------------------------------------------------------


def test_spark_is_asked_before_anything_starts(engines, tmp_path):
    """`leat check` has the analyser's word on a function that only Spark 4 has; `leat doctor` looks at the server."""
    schema = tmp_path / "order.avsc"
    fields = [{"name": name, "type": "string"} for name in ("id", "day")]
    schema.write_text(json.dumps({"type": "record", "name": "order", "fields": fields}))
    roles = {
        "log": "kafka://127.0.0.1:9092",
        "processing": engines.call("up", "spark")["spark"],
        "checkpoints": f"file://{tmp_path}/checkpoints",
    }
    for sql, code in (("SELECT id, day FROM orders", 0), ("SELECT id,\n  try_to_date(day) AS day FROM orders", 78)):
        file = orders(tmp_path, tmp_path / "orders.yaml", sql, **roles)
        file.write_text(file.read_text().replace("key: id", f"key: id\n    schema: {{file: {schema}}}"))
        ended = leat("check", file, "--profile", "real")
        assert ended.code == code, ended.stdout + ended.stderr
    assert "UNRESOLVED_ROUTINE" in ended.stderr and "`try_to_date`" in ended.stderr
    place, line, caret = ended.stderr.splitlines()[0:3]
    assert "orders.yaml:13:" in place and "try_to_date(day)" in line
    assert line.index("try_to_date") == caret.index("^")
    said = leat("doctor", file, "--profile", "real", "--json", data=tmp_path / "data").stdout.splitlines()
    found = {one["what"]: one for one in map(json.loads, said) if one["what"].startswith("profile: processing")}
    assert [one["state"] for one in found.values()] == ["ok"] * 4
    assert "Spark 3.5.7" in found["profile: processing"]["found"]


# ---- deletes -----------------------------------------------------------------------------------------


def test_a_tombstone_deletes_what_came_before_it(cluster, tmp_path):
    """It has no row for Spark; leat applies it, and keeps what was written again behind it, in one batch of Spark."""
    roles = cluster()
    folder = tmp_path / "in"
    folder.mkdir()
    jsonl(folder / "a.jsonl", *({"id": name, "amount": str(at)} for at, name in enumerate("abcd")))
    file = orders(folder, tmp_path / "orders.yaml", "SELECT id, amount AS total FROM orders WHERE amount < 9", **roles)
    data = tmp_path / "data"
    first = Leat(data, "--profile", "real", files=(file,), command="run").wait(SPARK_S)
    assert first.code == 0, first.stderr
    producer = Producer({"bootstrap.servers": roles["log"].removeprefix("kafka://"), "partitioner": "murmur2_random"})
    for name in "abd":
        producer.produce("orders", key=name, value=None)
    assert producer.flush(SPARK_S) == 0
    # Of these "d" is filtered: it stays deleted.
    jsonl(folder / "b.jsonl", {"id": "b", "amount": "7"}, {"id": "d", "amount": "9"})
    second = Leat(data, "--profile", "real", files=(file,), command="run").wait(SPARK_S)
    assert second.code == 0, second.stderr
    assert sorted((r["id"], r["total"]) for r in table(data, "sums")) == [("b", "7"), ("c", "2")]
    total = second.sum  # the tombstones came past staging
    assert (total["accepted"], total["stored"], total["filtered"]) == (9, 8, 1)


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
