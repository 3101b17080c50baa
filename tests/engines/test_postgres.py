"""The users pipeline with staging and storage in PostgreSQL: the same tables as over SQLite, through kills of leat
and of PostgreSQL, and through cut connections. Only in ./test --all; the engine by tools/engine."""

import json
import os
import pathlib
import random
import shutil
import subprocess
import time
import urllib.request
import uuid

import pytest
from kills import CHANGES, USERS_TABLE, Campaign, small_steps
from leat import BINARY, ROOT, USERS, Api, Leat, audit, leat, table, wait_until
from postgres_side import Proxy, database, psql, rows
from test_kafka import with_profile
from topic import AvroTopic
from users import by_id, row, users

BY_COUNTRY = "spark_streams.users_by_country"
LEAT_S = 60


@pytest.fixture(scope="session")
def server(engines):
    return engines.call("up", "postgres")["postgres"]


@pytest.fixture
def url(engines, server, request):
    """A database of the test's own."""
    engines.call("up", "postgres")  # a test may have killed it
    return database(server, f"t{abs(hash(request.node.name)) % 10**12}")


def both_roles(source, target, url):
    return with_profile(source, target, staging=url, storage=url)


def run_real(file, data, api_url, *options, command="up", **environment):
    return Leat(
        data, "--profile", "real", *options, files=(file,), command=command,
        environment={"RANDOMUSER_URL": api_url} | environment,
    )  # fmt: skip


def stored(url, name):
    """A sink's rows, leat's own columns left out, uuids as bytes as SQLite has them."""
    schema, _, plain = name.partition(".")
    found = rows(url, f'SELECT * FROM "{schema}"."{plain}"')
    for one in found:
        one.pop("leat_version")
        if "id" in one and len(one["id"]) == 36:
            one["id"] = uuid.UUID(one["id"]).bytes
    return found


def count(url, name):
    schema, _, plain = name.partition(".")
    there = psql(url, f"SELECT to_regclass('\"{schema}\".\"{plain}\"') IS NOT NULL")
    return int(psql(url, f'SELECT count(*) FROM "{schema}"."{plain}"')) if there == "t" else 0


def accepted(url, source="users.random_users"):
    if psql(url, "SELECT to_regclass('leat.leat_sources') IS NOT NULL") != "t":
        return 0
    return int(psql(url, f"SELECT coalesce(sum(accepted), 0) FROM leat.leat_sources WHERE source = '{source}'"))


def check_users(url, api, total, page_size, records=None):
    expected = users(api, total, page_size=page_size)
    assert by_id(stored(url, USERS_TABLE)) == by_id([row(user) for user in expected])
    counted = sum(group["changes"] for group in stored(url, BY_COUNTRY))
    assert counted == total, f"users_by_country counts {counted} of {total}"
    if records is not None:
        ids = sorted(user["login"]["uuid"] for user in expected)
        assert sorted(record.key.decode() for record in records) == ids, "topic users_created"
        Campaign.check_positions(records)


# ---- the contracts -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["stage_contract", "store_contract", "rest"])
def test_contract(name, server):
    program = pathlib.Path(BINARY).parent / "tests/unit/connectors/postgres" / f"postgres_{name}"
    assert program.exists(), f"{program} is not built: meson setup build -Dtests=true, with libpq-dev installed"
    done = subprocess.run([program], env=os.environ | {"LEAT_POSTGRES": server}, capture_output=True, text=True,
                          timeout=LEAT_S)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


# ---- the same answers ----------------------------------------------------------------------------


def test_tables_are_those_of_the_embedded_run(url, tmp_path):
    api = Api("--fault", "badrecord", seed="postgres")
    file = both_roles(USERS, tmp_path / "users.yaml", url)
    try:
        real = run_real(file, tmp_path / "real", api.url, "--limit", 3210).wait(LEAT_S)
        assert real.code == 0, real.stderr
        again = Api("--fault", "badrecord", seed="postgres")
        own = Leat(
            tmp_path / "own", "--limit", 3210, files=(file,), environment={"RANDOMUSER_URL": again.url}
        ).wait(LEAT_S)
        again.close()
        assert own.code == 0, own.stderr
    finally:
        api.close()
    assert real.check_sum() == own.check_sum()
    assert by_id(stored(url, USERS_TABLE)) == by_id(table(tmp_path / "own", USERS_TABLE))

    def ask(data, sql):
        ended = leat("query", "--json", sql, data=tmp_path / data)
        assert ended.code == 0, ended.stderr
        return sorted(ended.stdout.splitlines())

    for sql in (
        f"SELECT * FROM {USERS_TABLE}",
        f"SELECT country, sum(changes) AS changes FROM {BY_COUNTRY} GROUP BY country",
        "SELECT count(*) AS n FROM users_created",
    ):
        assert ask("real", sql) == ask("own", sql)

    def letters(data):
        ended = leat("dead", "list", "--json", data=tmp_path / data)
        assert ended.code == 0, ended.stderr
        found = [json.loads(line) for line in ended.stdout.splitlines()]
        return sorted((one["reason"], one["place"], one["message"]) for one in found)

    assert letters("real") == letters("own") != []
    assert audit(tmp_path / "real")["accepted"] == 3210
    assert not (tmp_path / "real" / "staging.db").exists() and not (tmp_path / "real" / "tables.db").exists()


def test_windows_over_the_wikipedia_example_are_the_same(url, tmp_path):
    folder = ROOT / "examples" / "wikipedia"
    text = (folder / "pipeline.yaml").read_text().replace("file: edit.avsc", f"file: {folder}/edit.avsc")
    assert "profiles:" not in text
    file = tmp_path / "wikipedia.yaml"
    file.write_text(f"{text}\nprofiles:\n  real:\n    staging: {url}\n    storage: {url}\n")
    answers = []
    for words in ((), ("--profile", "real")):
        data = tmp_path / f"data{len(words)}"
        ended = Leat(data, "--flush-windows", *words, files=(file,), command="run",
                     environment={"WIKIPEDIA_EDITS": str(folder / "edits.jsonl")}).wait(LEAT_S)  # fmt: skip
        assert ended.code == 0, ended.stderr
        shown = leat("query", "--json", "SELECT * FROM wiki.per_minute", data=data)
        answers.append((ended.check_sum(), sorted(shown.stdout.splitlines())))
    assert answers[0] == answers[1] and answers[0][1]


def test_staging_is_a_table_that_people_can_read(url, api, tmp_path):
    file = with_profile(USERS, tmp_path / "users.yaml", staging=url)
    assert run_real(file, tmp_path / "data", api.url, "--limit", 700).wait(LEAT_S).code == 0
    found = rows(
        url,
        """SELECT key, json::json #>> '{name,first}' AS first, position, accepted_at > now() - interval '1 hour' AS new
           FROM leat."users.random_users" ORDER BY position""",
    )
    expected = users(api, 700)
    assert [(one["key"], one["first"]) for one in found] == [
        (user["login"]["uuid"], user["name"]["first"]) for user in expected
    ]
    assert [one["position"] for one in found] == list(range(1, 701)) and all(one["new"] for one in found)
    assert by_id(table(tmp_path / "data", USERS_TABLE)) == by_id([row(user) for user in expected])


HOSTILE = """version: 1
pipeline: hostile
sources:
  records:
    file: {{path: "{folder}/records.jsonl"}}
    key: id
    topic: {{name: hostile, partitions: 2}}
streams:
  all: {{sql: "SELECT id, note, tags FROM hostile"}}
  notes: {{sql: "SELECT note, count(*) AS n FROM hostile GROUP BY note"}}
sinks:
  all: {{from: all, table: odd.records, key: [id]}}
  notes: {{from: notes, table: odd.notes, key: [note]}}
profiles:
  real: {{staging: "{url}", storage: "{url}"}}
"""


def test_records_that_postgresql_cannot_hold_as_they_are(url, tmp_path):
    """NUL, lone surrogates, keys longer than an index takes, deep and odd JSON: stored or a dead letter, and all
    else goes on."""
    mixed = random.Random(7)
    long = "".join(mixed.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(5000))
    records = [
        {"id": "plain", "note": "n", "tags": ["a"]},
        {"id": "nul \0", "note": "\0", "tags": ["\0", "\u2400"]},
        {"id": "sign \u2400" + "0", "note": "\u24000", "tags": []},
        {"id": long, "note": "n", "tags": None},
        {"id": "'; DROP TABLE leat.leat_sources; --", "note": "\\", "tags": ['"']},
        {"id": "last", "note": long, "tags": ["z"]},
    ]
    (tmp_path / "records.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))
    file = tmp_path / "hostile.yaml"
    file.write_text(HOSTILE.format(folder=tmp_path, url=url))
    ended = run_real(file, tmp_path / "data", "", "--limit", len(records)).wait(LEAT_S)
    assert ended.code == 0, ended.stderr
    totals = ended.check_sum()
    assert totals["accepted"] == len(records) and totals["dead"] == 1
    found = {one["id"]: one for one in rows(url, "SELECT id, note, tags FROM odd.records")}
    assert set(found) == {"plain", "nul \u24000", "sign \u2400\u24000", records[4]["id"], "last"}
    assert found["nul \u24000"]["tags"] == ["\u24000", "\u2400\u2400"] and found["last"]["note"] == long
    assert count(url, "leat.hostile.records") == len(records)
    shown = leat("query", "--json", "SELECT id, tags FROM odd.records", data=tmp_path / "data")
    known = {one["id"]: one["tags"] for one in map(json.loads, shown.stdout.splitlines())}
    assert known == {one["id"]: one["tags"] for one in records if one["id"] != long}
    letters = leat("dead", "list", "--json", data=tmp_path / "data")
    assert "key of 5000 bytes" in letters.stdout and audit(tmp_path / "data")["accepted"] == len(records)


# ---- kills ---------------------------------------------------------------------------------------


class PostgresCampaign(Campaign):
    """The kill campaign (tests/campaign), its two pipelines over one PostgreSQL."""

    def __init__(self, url, lives, seed, data):
        super().__init__(lives, seed, data)
        self.url = url
        self.points = [point for point in self.points if not point.startswith("kafka.")]
        self.files = [
            both_roles(source, self.data.with_name(f"real-{name}.yaml"), url)
            for name, source in (("users", self.users_file), ("changes", CHANGES))
        ]

    def rows(self, name):
        return stored(self.url, name)

    def row_count(self, name):
        return count(self.url, name)

    def accepted(self, source):
        return accepted(self.url, source)

    def start(self, *arguments, **environment):
        return Leat(
            self.data, "--profile", "real", *arguments, files=self.files, environment=self.environment | environment
        )


def test_kills_of_leat_lose_nothing_and_double_nothing(url, tmp_path):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    campaign = PostgresCampaign(url, 12, seed, tmp_path / "data")
    try:
        campaign.run()
    finally:
        campaign.close()


def test_a_killed_server_is_waited_for(engines, url, api, tmp_path):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    file = both_roles(small_steps(tmp_path / "small.yaml"), tmp_path / "users.yaml", url)
    process = run_real(file, tmp_path / "data", api.url)
    try:
        for _ in range(4):
            before = accepted(url)
            wait_until(lambda: accepted(url) >= before + 100, "staging goes on")  # noqa: B023
            time.sleep(moments.uniform(0, 0.2))  # the moment of the kill, not a wait
            engines.call("down", "--kill", "postgres")
            engines.call("up", "postgres")
        before = accepted(url)
        engines.call("down", "postgres")
        wait_until(lambda: failures(process) >= 40, "it tries again and again, ever more seldom", LEAT_S)
        engines.call("up", "postgres")
        wait_until(lambda: accepted(url) >= before + 100, "staging goes on soon", 5)
        assert process.process.poll() is None, process.stderr
        finish(process, url, api, tmp_path / "data", file)
    finally:
        process.close()


def failures(process):
    """How often its source, its capture and its sink could not go on."""
    text = urllib.request.urlopen(f"http://{process.addresses()['http']}/metrics", timeout=10).read().decode()
    names = ("leat_source_failures_total{", "leat_capture_retries_total{")
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(names))


def finish(process, url, api, data, file):
    """A drain, and what must be true after it: in the tables, in the topic, and in the sums."""
    ended = process.stop()
    assert ended.code == 0, ended.stderr
    totals = ended.check_sum()
    assert totals["dead"] == totals["refused"] == 0 and totals["accepted"] == accepted(url)
    assert audit(data)["accepted"] == totals["accepted"]
    again = run_real(file, data, "http://127.0.0.1:1/")
    try:
        records = AvroTopic(again.addresses(), "users_created").read_all()
        assert again.stop().code == 0
    finally:
        again.close()
    check_users(url, api, totals["accepted"], 20, records)


def test_a_log_that_staging_outlived_is_told(url, api, tmp_path):
    file = with_profile(USERS, tmp_path / "users.yaml", staging=url)
    assert run_real(file, tmp_path / "one", api.url, "--limit", 600).wait(LEAT_S).code == 0
    other = run_real(file, tmp_path / "two", api.url, "--limit", 10).wait(LEAT_S)
    assert "they are not sent again" in other.stderr and "changes=600" in other.stderr, other.stderr
    assert other.code != 0 and "the topic was made anew" in other.stderr


# ---- connections ---------------------------------------------------------------------------------


def test_sessions_that_are_ended_come_back(url, api, tmp_path):
    file = both_roles(small_steps(tmp_path / "small.yaml"), tmp_path / "users.yaml", url)
    process = run_real(file, tmp_path / "data", api.url)
    ended = 0
    try:
        for _ in range(8):
            before = accepted(url)
            wait_until(lambda: accepted(url) >= before + 20, "staging goes on")  # noqa: B023
            ended += int(
                psql(
                    url,
                    """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                       WHERE application_name = 'leat' AND datname = current_database()""",
                )
            )
        assert ended >= 8
        finish(process, url, api, tmp_path / "data", file)
    finally:
        process.close()


def test_a_commit_whose_answer_is_lost_is_decided(url, api, tmp_path):
    """Every seventh COMMIT is done by the server, and its answer never comes."""
    seen = 0

    def drop(data):
        nonlocal seen
        if b"COMMIT\0" not in data:
            return False
        seen += 1
        return seen % 7 == 0

    proxy = Proxy(url)
    file = both_roles(small_steps(tmp_path / "small.yaml"), tmp_path / "users.yaml", proxy.url)
    process = run_real(file, tmp_path / "data", api.url)
    try:
        wait_until(lambda: count(url, USERS_TABLE) > 0, "rows")
        proxy.drop = drop
        wait_until(lambda: proxy.cuts >= 15 or process.process.poll() is not None, "cuts", LEAT_S)
        proxy.drop = lambda data: False
        finish(process, url, api, tmp_path / "data", file)
        assert "outcome=committed" in process.stderr
    finally:
        process.close()
        proxy.close()


def test_cut_connections_come_back(url, api, tmp_path):
    proxy = Proxy(url)
    file = both_roles(small_steps(tmp_path / "small.yaml"), tmp_path / "users.yaml", proxy.url)
    process = run_real(file, tmp_path / "data", api.url)
    try:
        for _ in range(8):
            before = accepted(url)
            wait_until(lambda: accepted(url) >= before + 20, "staging goes on")  # noqa: B023
            proxy.cut_all()
        finish(process, url, api, tmp_path / "data", file)
    finally:
        process.close()
        proxy.close()


# ---- one leat a staging --------------------------------------------------------------------------


def test_a_second_leat_on_the_same_staging_is_refused(url, api, tmp_path):
    file = with_profile(small_steps(tmp_path / "small.yaml"), tmp_path / "users.yaml", staging=url)
    first = run_real(file, tmp_path / "one", api.url)
    try:
        wait_until(lambda: accepted(url) >= 20, "staging goes on", LEAT_S)
        second = run_real(file, tmp_path / "two", api.url).wait(LEAT_S)
        assert second.code == 75, second.stderr
        assert 'another leat runs pipeline "users" on PostgreSQL' in second.stderr and "zookeeper" in second.stderr
        # Locks go with a session, and are taken again.
        ended = psql(url, "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory'"
                          " AND mode = 'ExclusiveLock' AND granted AND database = (SELECT oid FROM pg_database"
                          " WHERE datname = current_database())")  # fmt: skip
        assert int(ended) >= 1
        before = accepted(url)
        wait_until(lambda: accepted(url) >= before + 20, "staging goes on", LEAT_S)
        # A kill frees them at once, for whoever comes next.
        first.kill()
        first = run_real(file, tmp_path / "one", api.url)
        before = accepted(url)
        wait_until(lambda: accepted(url) >= before + 20, "staging goes on", LEAT_S)
        assert first.stop().code == 0
    finally:
        first.close()


def test_a_server_that_is_away_is_waited_for(engines, url, api, tmp_path):
    file = both_roles(small_steps(tmp_path / "small.yaml"), tmp_path / "users.yaml", url)
    engines.call("down", "postgres")
    process = run_real(file, tmp_path / "data", api.url)
    try:
        wait_until(lambda: "waits for the engine" in process.stderr, "it waits", LEAT_S)
        health = leat("health", "--json", data=tmp_path / "data")
        assert health.code != 0 and "could not reach PostgreSQL" in health.stdout
        engines.call("up", "postgres")
        began = time.monotonic()
        wait_until(lambda: count(url, USERS_TABLE) > 0, "rows", LEAT_S)
        print(f"rows {time.monotonic() - began:.1f} s after the server")
        assert "all engines answer" in process.stderr
        finish(process, url, api, tmp_path / "data", file)
    finally:
        process.close()


# ---- what goes wrong is named --------------------------------------------------------------------


def refused(url, api, tmp_path, role="staging"):
    file = with_profile(USERS, tmp_path / "users.yaml", **{role: url})
    return run_real(file, tmp_path / "data", api.url, "--limit", 5, "--give-up", "1s", command="run").wait(LEAT_S)


def test_a_full_disk_is_waited_for(url, api, tmp_path):
    """The server says so by its SQLSTATE; here a trigger does."""
    file = both_roles(small_steps(tmp_path / "small.yaml"), tmp_path / "users.yaml", url)
    process = run_real(file, tmp_path / "data", api.url)
    try:
        wait_until(lambda: accepted(url) >= 100, "staging goes on")
        psql(
            url,
            """CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
               CREATE TRIGGER full_disk BEFORE INSERT ON leat.leat_outbox EXECUTE FUNCTION full_disk()""",
        )
        wait_until(lambda: "could not extend file (53100)" in process.stderr, "the disk is named")
        psql(url, "DROP TRIGGER full_disk ON leat.leat_outbox")
        before = accepted(url)
        wait_until(lambda: accepted(url) >= before + 20, "staging goes on")
        finish(process, url, api, tmp_path / "data", file)
    finally:
        process.close()


def test_a_server_that_is_not_there_is_named(api, tmp_path):
    for role in ("staging", "storage"):
        ended = refused("postgresql://leat:hidden@127.0.0.1:1/leat", api, tmp_path, role)
        assert ended.code == 69 and "leat@127.0.0.1:1/leat" in ended.stderr, ended.stderr
        assert "hidden" not in ended.stderr


def test_databases_and_roles_that_are_not_there_are_named(server, api, tmp_path):
    ended = refused(server + "_none", api, tmp_path)
    assert ended.code == 78 and 'database "leat_none" does not exist' in ended.stderr, ended.stderr
    assert "CREATE DATABASE" in ended.stderr
    ended = refused(server.replace("leat@", "nobody_such@"), api, tmp_path)
    assert ended.code == 78 and 'role "nobody_such" does not exist' in ended.stderr, ended.stderr


def test_a_role_without_the_privilege_is_told_which(server, url, api, tmp_path):
    psql(server, "DROP ROLE IF EXISTS guest")
    psql(server, "CREATE ROLE guest LOGIN")
    guest = url.replace("leat@", "guest@")
    for role in ("staging", "storage"):
        ended = refused(guest, api, tmp_path, role)
        assert ended.code == 78 and "permission denied for database" in ended.stderr, ended.stderr
        assert "CREATE on the database" in ended.stderr
    # Schemas that an administrator made are enough: leat's own, and that of the state.
    psql(url, "CREATE SCHEMA leat AUTHORIZATION guest")
    ended = refused(guest, api, tmp_path)
    assert ended.code == 78 and "permission denied for database" in ended.stderr, ended.stderr
    psql(url, 'CREATE SCHEMA "leat.users.users_created" AUTHORIZATION guest')
    ended = refused(guest, api, tmp_path)
    assert ended.code == 0, ended.stderr
    # And so is the right to make them.
    psql(url, 'DROP SCHEMA leat, "leat.users.users_created" CASCADE')
    psql(url, f'GRANT CREATE ON DATABASE "{url.rpartition("/")[2]}" TO guest')
    shutil.rmtree(tmp_path / "data")
    ended = refused(guest, api, tmp_path)
    assert ended.code == 0, ended.stderr
    psql(url, "DROP OWNED BY guest; DROP ROLE guest")


def test_doctor_judges_the_server(url, api, tmp_path):
    file = both_roles(USERS, tmp_path / "users.yaml", url)

    def findings():
        ended = leat("doctor", file, "--profile", "real", "--json", data=tmp_path / "data",
                     env=os.environ | {"RANDOMUSER_URL": api.url})  # fmt: skip
        found = [json.loads(line) for line in ended.stdout.splitlines()]
        return {one["what"]: one for one in found if one["what"].startswith("profile:")}

    found = findings()
    assert "PostgreSQL 1" in found["profile: staging"]["found"]
    states = {what.partition(", ")[2]: one["state"] for what, one in found.items() if "staging" in what}
    # tools/engine starts it with fsync = off
    assert states == {"": "ok", "privileges": "ok", "durability": "note", "connections": "ok", "change capture": "ok"}
    assert "fsync is off" in found["profile: storage, durability"]["found"]
    assert psql(url, "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'leat%'") == "0"  # it changes nothing
