"""The users pipeline with its tables in Cassandra: the same rows as over SQLite, through kills of leat and of Cassandra;
every type, read and written by the Python driver. Only in ./test --all; the engine by tools/engine."""

import json
import os
import pathlib
import random
import signal
import subprocess
import time
import uuid

import pytest
from cassandra import InvalidRequest
from cassandra_side import TlsFront, certificate, empty, rows, session
from kills import CHANGES, USERS_TABLE, Campaign, small_steps
from leat import BINARY, USERS, Leat, audit, leat, read_only, table, wait_until
from test_kafka import with_profile
from users import by_id, row, users

LEAT_S = 90


@pytest.fixture(scope="session")
def server(engines):
    return engines.call("up", "cassandra")["cassandra"]


@pytest.fixture
def url(engines, server):
    """A server without tables."""
    engines.call("up", "cassandra")  # a test may have killed it
    empty(server)
    return server


def storage(source, target, url):
    return with_profile(source, target, storage=f'{{url: "{url}", replication: {{datacenter1: 1}}}}')


def run_real(file, data, api_url, *options, **environment):
    return Leat(
        data, "--profile", "real", *options, files=(file,), environment={"RANDOMUSER_URL": api_url} | environment
    )


def stored(url, name):
    """A sink's rows by the Python driver, uuids as bytes as SQLite has them."""
    return [
        {column: value.bytes if isinstance(value, uuid.UUID) else value for column, value in one.items()}
        for one in rows(url, name)
    ]


def accepted(data):
    if not (data / "staging.db").exists():
        return 0  # it has not started yet
    with read_only(data, "staging.db") as db:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'leat_sources'").fetchone():
            return 0
        return db.execute("SELECT coalesce(sum(accepted), 0) FROM leat_sources").fetchone()[0]


def finish(process, url, api, data):
    ended = process.stop()
    assert ended.code == 0, ended.stderr
    totals = ended.check_sum()
    assert totals["dead"] == totals["refused"] == 0
    assert audit(data)["accepted"] == totals["accepted"]
    expected = users(api, totals["accepted"], page_size=20)
    assert by_id(stored(url, USERS_TABLE)) == by_id([row(user) for user in expected])


# ---- the contract --------------------------------------------------------------------------------


def test_contract(url):
    program = pathlib.Path(BINARY).parent / "tests/unit/connectors/cassandra/cassandra_store_contract"
    assert program.exists(), f"{program} is not built: meson setup build -Dtests=true"
    done = subprocess.run([program], env=os.environ | {"LEAT_CASSANDRA": url}, capture_output=True, text=True,
                          timeout=3 * LEAT_S)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


# ---- the same rows -------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", ["", "?compression=lz4", "?protocol=4", "?protocol=4&compression=lz4"])
def test_rows_are_those_that_the_driver_reads(url, api, tmp_path, settings):
    file = storage(USERS, tmp_path / "users.yaml", url + settings)
    ended = run_real(file, tmp_path / "data", api.url, "--limit", 2100).wait(LEAT_S)
    assert ended.code == 0, ended.stderr
    expected = by_id([row(user) for user in users(api, 2100)])
    assert by_id(stored(url, USERS_TABLE)) == expected
    assert audit(tmp_path / "data")["accepted"] == 2100
    asked = leat("query", "--json", f"SELECT * FROM {USERS_TABLE}", data=tmp_path / "data")
    assert asked.code == 0, asked.stderr
    found = [json.loads(line) for line in asked.stdout.splitlines()]
    assert by_id([one | {"id": uuid.UUID(one["id"]).bytes} for one in found]) == expected
    counted = leat("query", "--json", f"SELECT count(*) AS n FROM {USERS_TABLE}", data=tmp_path / "data")
    assert json.loads(counted.stdout) == {"n": 2100}
    assert not (tmp_path / "data" / "tables.db").exists()


# ---- types ---------------------------------------------------------------------------------------

TYPES = {
    "c_ascii": ("ascii", "'plain'", "plain"),
    "c_bigint": ("bigint", "-9223372036854775808", -(2**63)),
    "c_blob": ("blob", "0x00ff", "AP8="),
    "c_boolean": ("boolean", "true", True),
    "c_date": ("date", "'1969-12-31'", "1969-12-31"),
    "c_decimal": ("decimal", "-12.345", -12.345),
    "c_double": ("double", "0.1", 0.1),
    "c_duration": ("duration", "1y2mo3d4h5m6s", "1y2mo3d4h5m6s"),
    "c_float": ("float", "1.5", 1.5),
    "c_inet": ("inet", "'2001:db8::1'", "2001:db8::1"),
    "c_int": ("int", "-2147483648", -(2**31)),
    "c_smallint": ("smallint", "-32768", -32768),
    "c_text": ("text", "'\u20ac'", "\u20ac"),
    "c_time": ("time", "'13:30:54.234'", "13:30:54.234"),
    "c_timestamp": ("timestamp", "'2026-01-01T00:00:00.123Z'", "2026-01-01T00:00:00.123000Z"),
    "c_timeuuid": ("timeuuid", "50554d6e-29bb-11e5-b345-feff819cdc9f", "50554d6e-29bb-11e5-b345-feff819cdc9f"),
    "c_tinyint": ("tinyint", "-128", -128),
    "c_uuid": ("uuid", "01234567-89ab-cdef-0011-2233445566ff", "01234567-89ab-cdef-0011-2233445566ff"),
    "c_varint": ("varint", "123456789012345678901234567890", 123456789012345678901234567890),
    "c_list": ("list<int>", "[1, 2]", [1, 2]),
    "c_set": ("set<text>", "{'a', 'b'}", ["a", "b"]),
    "c_map": ("map<text, bigint>", "{'a': 1}", {"a": 1}),
    "c_tuple": ("tuple<int, text>", "(1, null)", {"_1": 1, "_2": None}),
    "c_udt": ("frozen<point>", "{x: 1, y: 2.5}", {"x": 1, "y": 2.5}),
    "c_vector": ("vector<float, 3>", "[1, -2.5, 0]", [1.0, -2.5, 0.0]),
    "c_nested": ("list<frozen<map<text, frozen<list<int>>>>>", "[{'a': [1]}]", [{"a": [1]}]),
}


def test_every_type_is_read(url, api, tmp_path):
    file = storage(USERS, tmp_path / "users.yaml", url)
    assert run_real(file, tmp_path / "data", api.url, "--limit", 5).wait(LEAT_S).code == 0
    with session(url) as cql:
        cql.execute("CREATE KEYSPACE others WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
        cql.set_keyspace("others")
        cql.execute("CREATE TYPE point (x int, y double)")
        columns = ", ".join(f"{name} {kind}" for name, (kind, _, _) in TYPES.items())
        cql.execute(f"CREATE TABLE every (id int PRIMARY KEY, {columns})")
        values = ", ".join(text for _, text, _ in TYPES.values())
        cql.execute(f"INSERT INTO every (id, {', '.join(TYPES)}) VALUES (1, {values})")
        cql.execute("INSERT INTO every (id) VALUES (2)")
    asked = leat("query", "--json", "SELECT * FROM others.every ORDER BY id", data=tmp_path / "data")
    assert asked.code == 0, asked.stderr
    first, second = (json.loads(line) for line in asked.stdout.splitlines())
    assert first == {"id": 1} | {name: value for name, (_, _, value) in TYPES.items()}
    assert second == {"id": 2} | dict.fromkeys(TYPES)


WRITTEN = {
    "c_boolean": ("true", True),
    "c_tinyint": ("CAST(-128 AS TINYINT)", -128),
    "c_smallint": ("CAST(-32768 AS SMALLINT)", -32768),
    "c_int": ("CAST(7 AS INT)", 7),
    "c_bigint": ("CAST(9223372036854775807 AS BIGINT)", 2**63 - 1),
    "c_double": ("CAST(0.1 AS DOUBLE)", 0.1),
    "c_decimal": ("CAST(-12.345 AS DECIMAL(10, 3))", "-12.345"),
    "c_text": ("'\u20ac'", "\u20ac"),
    "c_date": ("DATE '1969-12-31'", "1969-12-31"),
    "c_timestamp": ("TIMESTAMP '2026-01-01 00:00:00.123'", "2026-01-01 00:00:00.123000"),
    "c_array": ("array(1, 2)", "[1, 2]"),
    "c_map": ("map('a', 1)", "{'a': 1}"),
    "c_struct": ("named_struct('x', 1, 'y', 'z')", "(1, 'z')"),
}


def test_every_type_is_written(url, api, tmp_path):
    text = USERS.read_text() if isinstance(USERS, pathlib.Path) else pathlib.Path(USERS).read_text()
    head = text[: text.index("streams:")]
    columns = ", ".join(f"{sql} AS {name}" for name, (sql, _) in WRITTEN.items())
    (tmp_path / "user.avsc").write_text(pathlib.Path(USERS).with_name("user.avsc").read_text())
    pipeline = tmp_path / "types.yaml"
    pipeline.write_text(
        f"{head}streams:\n  typed:\n    sql: |\n      SELECT login.uuid AS id, {columns} FROM users_created\n"
        "sinks:\n  typed: {from: typed, table: typed.every, key: [id], types: {id: uuid}}\n\nprofiles:\n"
    )
    file = storage(pipeline, tmp_path / "real.yaml", url)
    ended = run_real(file, tmp_path / "data", api.url, "--limit", 1).wait(LEAT_S)
    assert ended.code == 0, ended.stderr
    (found,) = rows(url, "typed.every")
    for name, (_, value) in WRITTEN.items():
        got = found[name]
        assert (got if not isinstance(value, str) else str(got)) == value, name


# ---- kills ---------------------------------------------------------------------------------------


class CassandraCampaign(Campaign):
    """The kill campaign (tests/campaign), its two pipelines over one Cassandra."""

    def __init__(self, url, lives, seed, data):
        super().__init__(lives, seed, data)
        self.url = url
        self.points = [point for point in self.points if not point.startswith(("kafka.", "postgres."))]
        self.files = [
            storage(source, self.data.with_name(f"real-{name}.yaml"), url)
            for name, source in (("users", self.users_file), ("changes", CHANGES))
        ]

    def rows(self, name):
        return stored(self.url, name)

    def row_count(self, name):
        with session(self.url) as cql:
            keyspace, _, plain = name.partition(".")
            known = cql.execute("SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s", [keyspace])
            return len(rows(self.url, name)) if plain in [one["table_name"] for one in known] else 0

    def start(self, *arguments, **environment):
        return Leat(
            self.data, "--profile", "real", *arguments, files=self.files, environment=self.environment | environment
        )


def test_kills_of_leat_lose_nothing_and_double_nothing(url, tmp_path):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    campaign = CassandraCampaign(url, 8, seed, tmp_path / "data")
    try:
        campaign.run()
    finally:
        campaign.close()


def test_a_killed_server_is_waited_for(engines, url, api, tmp_path):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    file = storage(small_steps(tmp_path / "small.yaml"), tmp_path / "users.yaml", url)
    data = tmp_path / "data"
    process = run_real(file, data, api.url, "--drain-timeout", "25s")  # what waited for Cassandra is much
    try:
        wait_until(lambda: accepted(data) > 0, "a start", LEAT_S)
        for _ in range(2):
            before = accepted(data)
            wait_until(lambda: accepted(data) >= before + 200, "staging goes on", LEAT_S)  # noqa: B023
            time.sleep(moments.uniform(0, 0.2))  # the moment of the kill, not a wait
            engines.call("down", "--kill", "cassandra")
            engines.call("up", "cassandra")
        assert process.process.poll() is None, process.stderr
        finish(process, url, api, data)
    finally:
        process.close()


# ---- what goes wrong is named --------------------------------------------------------------------


def refused(url, api, tmp_path):
    """What leat says before it ends, or waits for an engine that may come."""
    file = storage(USERS, tmp_path / "users.yaml", url)
    process = run_real(file, tmp_path / "refused", api.url, "--limit", 5, "--give-up", "1s")
    try:
        wait_until(lambda: process.process.poll() is not None or "waits for the engine" in process.stderr,
                   "a refusal", LEAT_S)  # fmt: skip
        return process.stop().stderr
    finally:
        process.close()


def test_a_server_that_is_not_there(api, tmp_path):
    assert "could not reach Cassandra at 127.0.0.1:1:" in refused("cassandra://127.0.0.1:1", api, tmp_path)


def test_passwords(engines, api, tmp_path):
    url = engines.call("up", "cassandra-auth")["cassandra-auth"]
    try:
        with_user = wait_until(lambda: logged_in(url), "the first role", LEAT_S)
        assert with_user
        file = storage(USERS, tmp_path / "good.yaml", url)
        ended = run_real(file, tmp_path / "data", api.url, "--limit", 5).wait(LEAT_S)
        assert ended.code == 0, ended.stderr
        assert len(rows(url, USERS_TABLE)) == 5
        for wrong, said in ((url.replace(":cassandra@", ":Wrong1@"), "the user or the password is refused"),
                            (url.replace("cassandra:cassandra@", ""), "asks for a user and a password")):  # fmt: skip
            text = refused(wrong, api, tmp_path)
            assert said in text and "Wrong1" not in text
    finally:
        engines.call("reset", "cassandra-auth")


def logged_in(url):
    try:
        with session(url):
            return True
    except Exception:  # the driver's own kinds: not yet
        return False


def test_tls(url, api, tmp_path):
    key, cert = certificate(tmp_path)
    front = TlsFront(url, key, cert)
    try:
        good = f"{front.url}?tls=on&tls_ca={cert}&tls_name=cassandra.example"
        file = storage(USERS, tmp_path / "good.yaml", good)
        ended = run_real(file, tmp_path / "data", api.url, "--limit", 1500).wait(LEAT_S)
        assert ended.code == 0, ended.stderr
        assert by_id(stored(url, USERS_TABLE)) == by_id([row(user) for user in users(api, 1500)])
        for wrong in (f"{front.url}?tls=on&tls_ca={cert}", f"{front.url}?tls=on&tls_name=cassandra.example"):
            assert "certificate is refused" in refused(wrong, api, tmp_path)
    finally:
        front.close()


def test_a_table_that_differs(url, api, tmp_path):
    with session(url) as cql:
        cql.execute("CREATE KEYSPACE spark_streams WITH replication = "
                    "{'class': 'SimpleStrategy', 'replication_factor': 1}")  # fmt: skip
        cql.execute(f"CREATE TABLE {USERS_TABLE} (id uuid PRIMARY KEY, first_name int)")
    text = refused(url, api, tmp_path)
    assert 'column "first_name" is int, the pipeline has string' in text


def keyspace(cql, name):
    cql.execute(f"CREATE KEYSPACE {name} WITH replication = {{'class': 'SimpleStrategy', 'replication_factor': 1}}")


def test_a_refused_row_is_a_dead_letter(url, api, tmp_path):
    """A column that somebody made narrower: the batch's other rows are stored, and counts are exact."""
    with session(url) as cql:
        keyspace(cql, "spark_streams")
        cql.execute(f"CREATE TABLE {USERS_TABLE} (id uuid PRIMARY KEY, address ascii)")
    file = storage(USERS, tmp_path / "users.yaml", url)
    data = tmp_path / "data"
    ended = run_real(file, data, api.url, "--limit", 1000).wait(LEAT_S)
    assert ended.code == 0, ended.stderr
    given = [row(user) for user in users(api, 1000)]
    good = [one for one in given if one["address"].isascii()]
    assert 0 < len(good) < 1000
    totals = ended.check_sum()
    assert (totals["stored"], totals["dead"]) == (len(good), 1000 - len(good))
    assert by_id(stored(url, USERS_TABLE)) == by_id(good)
    assert audit(data)["accepted"] == 1000
    listed = leat("dead", "list", "--json", "--limit", 1000, data=data)
    letters = [json.loads(line) for line in listed.stdout.splitlines()]
    assert len(letters) == 1000 - len(good)
    assert {(one["reason"], one["name"]) for one in letters} == {("store", "users")}
    assert all('column "address"' in one["message"] for one in letters)


# How a query finds its rows: (WHERE, ids that come, whether the node reads single partitions only).
LOOKUPS = [
    ("part = 'p7'", lambda p, n: p == 7, True),
    ("part = 'p7' AND n = 3", lambda p, n: p == 7 and n == 3, True),
    ("part = 'p7' AND n >= 3 AND n < 6", lambda p, n: p == 7 and 3 <= n < 6, True),
    ("part = 'p7' AND n BETWEEN 2 AND 4 AND label <> 'x'", lambda p, n: p == 7 and 2 <= n <= 4, True),
    ("part IN ('p1', 'p9', 'none') AND n IN (1, 2)", lambda p, n: p in (1, 9) and n in (1, 2), True),
    ("'p7' = part AND 8 < n", lambda p, n: p == 7 and n > 8, True),
    ("n = 3", lambda p, n: n == 3, False),
    ("part > 'p8'", lambda p, n: p == 9, False),
    ("part = 'p7' OR n = 3", lambda p, n: p == 7 or n == 3, False),
]


def reads(cql, kind):
    found = cql.execute(f"SELECT count FROM system_views.{kind} WHERE keyspace_name = 'others' AND table_name = 'keyed'")
    return sum(one["count"] for one in found)


def test_a_query_looks_its_keys_up(url, api, tmp_path):
    """The node counts reads of partitions and scans of the table apart."""
    file = storage(USERS, tmp_path / "users.yaml", url)
    assert run_real(file, tmp_path / "data", api.url, "--limit", 5).wait(LEAT_S).code == 0
    with session(url) as cql:
        keyspace(cql, "others")
        cql.execute("CREATE TABLE others.keyed (part text, n int, label text, PRIMARY KEY (part, n))")
        for p, n in ((p, n) for p in range(10) for n in range(10)):
            cql.execute(f"INSERT INTO others.keyed (part, n, label) VALUES ('p{p}', {n}, '{p}-{n}')")
        for where, wanted, looked_up in LOOKUPS:
            before = reads(cql, "local_read_latency"), reads(cql, "local_scan_latency")
            asked = leat("query", "--json", f"SELECT label FROM others.keyed WHERE {where}", data=tmp_path / "data")
            assert asked.code == 0, asked.stderr
            found = sorted(json.loads(line)["label"] for line in asked.stdout.splitlines())
            assert found == sorted(f"{p}-{n}" for p in range(10) for n in range(10) if wanted(p, n)), where
            after = reads(cql, "local_read_latency"), reads(cql, "local_scan_latency")
            assert (after[0] > before[0], after[1] > before[1]) == (looked_up, not looked_up), where


def count(url):
    """Of rows; the schema names a table before statements may."""
    try:
        return len(rows(url, USERS_TABLE))
    except InvalidRequest:
        return 0


def test_a_dropped_table_is_waited_for(url, api, tmp_path):
    file = storage(small_steps(tmp_path / "small.yaml"), tmp_path / "users.yaml", url)
    data = tmp_path / "data"
    process = run_real(file, data, api.url, "--drain-timeout", "25s")
    try:
        with session(url) as cql:
            wait_until(lambda: count(url) > 100, "rows", LEAT_S)
            statement = list(cql.execute(f"DESCRIBE TABLE {USERS_TABLE}"))[0]["create_statement"]
            process.process.send_signal(signal.SIGSTOP)
            before = stored(url, USERS_TABLE)
            cql.execute(f"DROP TABLE {USERS_TABLE}")
            process.process.send_signal(signal.SIGCONT)
            wait_until(lambda: "leat waits until the table is as it was" in process.stderr, "the reason", LEAT_S)
            assert process.process.poll() is None
            cql.execute(statement)
            wait_until(lambda: count(url) > 100, "rows again", LEAT_S)
        ended = process.stop()
        assert ended.code == 0, ended.stderr
        totals = ended.check_sum()
        assert totals["dead"] == 0
        found = {one["id"]: one for one in before + stored(url, USERS_TABLE)}
        assert found == by_id([row(user) for user in users(api, totals["accepted"], page_size=20)])
    finally:
        process.close()


def test_the_same_rows_as_embedded(url, api, tmp_path):
    file = storage(USERS, tmp_path / "users.yaml", url)
    real = run_real(file, tmp_path / "real", api.url, "--limit", 1000).wait(LEAT_S)
    own = Leat(tmp_path / "own", "--limit", 1000, files=(file,), environment={"RANDOMUSER_URL": api.url}).wait(LEAT_S)
    assert real.check_sum() == own.check_sum()
    assert by_id(stored(url, USERS_TABLE)) == by_id(table(tmp_path / "own", USERS_TABLE))
